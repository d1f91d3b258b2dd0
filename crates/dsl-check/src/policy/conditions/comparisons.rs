//! An attribute on one side, and on the other what it may be compared with.

use dsl_syntax::ast::{BinaryOp, Expr, ExprKind, Span};
use ir::Value;
use ir::types::Type;
use smol_str::SmolStr;

use super::{Conditions, EFFECTS, FAILURES, Side};
use crate::policy::attributes::{Attribute, Sort};
use crate::policy::compile::Nothing;
use crate::policy::model::{Op, Regex, Says};
use crate::rules;
use crate::types::{Problem, constant, infer};
use crate::walk::unparen;

impl Conditions<'_, '_> {
    pub(super) fn comparison(&mut self, op: BinaryOp, op_span: Span, lhs: &Expr, rhs: &Expr) -> Option<Says> {
        match op {
            BinaryOp::In => self.membership(lhs, rhs),
            BinaryOp::Matches => self.matching(lhs, rhs),
            _ => match comparing(op) {
                Some(op) => self.ordering(op, op_span, lhs, rhs),
                None => {
                    self.wrong(
                        op_span,
                        "this is no condition, expected a comparison such as `kind == deploy`",
                    );
                    None
                }
            },
        }
    }

    fn ordering(&mut self, op: Op, op_span: Span, lhs: &Expr, rhs: &Expr) -> Option<Says> {
        let (left, right) = (self.side(lhs), self.side(rhs));
        match (left, right) {
            (Side::Wrong, _) | (_, Side::Wrong) => None,
            (Side::Attribute(one), Side::Attribute(other)) => self.same(op, op_span, one, other),
            (Side::Attribute(attribute), value) => self.compare(attribute, op, (op_span, rhs), value),
            (value, Side::Attribute(attribute)) => self.compare(attribute, flipped(op), (op_span, lhs), value),
            (Side::Word(word), _) => {
                self.unknown_word(lhs.span, &word);
                None
            }
            (_, Side::Word(word)) => {
                self.unknown_word(rhs.span, &word);
                None
            }
            _ => {
                let message = format!(
                    "this compares nothing of a {}, expected an attribute on one side",
                    self.what.word()
                );
                self.wrong(lhs.span.cover(rhs.span), message);
                None
            }
        }
    }

    fn unknown_word(&mut self, span: Span, word: &str) {
        match Attribute::find(word) {
            Some(attribute) => self.foreign_attribute(span, attribute),
            None => self.no_attribute(span, word),
        }
    }

    fn same(&mut self, op: Op, op_span: Span, one: Attribute, other: Attribute) -> Option<Says> {
        let texts = one.sort().is_text() && other.sort().is_text();
        if !matches!(op, Op::Eq | Op::Ne) || !(texts || one.sort() == other.sort()) {
            let message = format!(
                "cannot compare `{}` with `{}`: the one is {}, the other {}",
                one.name(),
                other.name(),
                one.sort().phrase(),
                other.sort().phrase()
            );
            self.wrong(op_span, message);
            return None;
        }
        Some(Says::Same {
            one,
            other,
            not: op == Op::Ne,
        })
    }

    fn compare(&mut self, attribute: Attribute, op: Op, (op_span, at): (Span, &Expr), side: Side) -> Option<Says> {
        if let Side::Pattern(pattern) = side {
            if attribute.sort().is_text() && matches!(op, Op::Eq | Op::Ne) {
                return Some(Says::Like {
                    attribute,
                    pattern,
                    not: op == Op::Ne,
                });
            }
            self.does_not_fit(attribute, at.span, "a pattern");
            return None;
        }
        let to = self.value(attribute, at, side)?;
        if !matches!(op, Op::Eq | Op::Ne) && !attribute.sort().is_ordered() {
            let message = format!(
                "`{}` is {}, which has no order, expected `==` or `!=`",
                attribute.name(),
                attribute.sort().phrase()
            );
            self.wrong(op_span, message);
            return None;
        }
        Some(Says::Compare { attribute, op, to })
    }

    /// `"prod" in labels`, `kind in [test, validate]`, `using in web.*`
    fn membership(&mut self, lhs: &Expr, rhs: &Expr) -> Option<Says> {
        match (self.side(lhs), self.side(rhs)) {
            (Side::Wrong, _) | (_, Side::Wrong) => None,
            (Side::Attribute(one), Side::Attribute(other)) => self.same(Op::Eq, rhs.span, one, other),
            (Side::Attribute(attribute), Side::Pattern(pattern)) if attribute.sort().is_text() => Some(Says::Like {
                attribute,
                pattern,
                not: false,
            }),
            (Side::Attribute(attribute), Side::List) => self.among(attribute, rhs),
            (Side::Attribute(attribute), _) => {
                let message = format!(
                    "`{}` is looked for in no list, expected one such as `[{}]`",
                    attribute.name(),
                    attribute.sort().example()
                );
                self.wrong(rhs.span, message);
                None
            }
            (value, Side::Attribute(attribute)) => {
                if !matches!(attribute.sort(), Sort::Words | Sort::Principals) {
                    let message = format!(
                        "`{}` is {}, which holds nothing, expected `==`",
                        attribute.name(),
                        attribute.sort().phrase()
                    );
                    self.wrong(rhs.span, message);
                    return None;
                }
                self.compare(attribute, Op::Eq, (rhs.span, lhs), value)
            }
            (_, Side::Word(word)) => {
                self.unknown_word(rhs.span, &word);
                None
            }
            (Side::Word(word), _) => {
                self.unknown_word(lhs.span, &word);
                None
            }
            _ => {
                let message = format!("this asks nothing of a {}, expected an attribute", self.what.word());
                self.wrong(lhs.span.cover(rhs.span), message);
                None
            }
        }
    }

    fn among(&mut self, attribute: Attribute, list: &Expr) -> Option<Says> {
        let ExprKind::List(items) = &unparen(list).kind else {
            return None;
        };
        let before = self.compiler.report.problems.len();
        let mut values = Vec::new();
        for item in items {
            let side = match self.side(item) {
                // in a list of names an attribute's name is a name like any other
                Side::Attribute(of) => Side::Word(of.name().into()),
                side => side,
            };
            values.extend(self.value(attribute, item, side));
        }
        (self.compiler.report.problems.len() == before).then(|| Says::Among {
            attribute,
            values: values.into(),
        })
    }

    fn matching(&mut self, lhs: &Expr, rhs: &Expr) -> Option<Says> {
        let attribute = self.attribute(lhs)?;
        if !attribute.sort().is_text() {
            let message = format!(
                "`{}` is {}, which is no text to match",
                attribute.name(),
                attribute.sort().phrase()
            );
            self.wrong(lhs.span, message);
            return None;
        }
        let pattern = infer(rhs, Some(&Type::Regex), &Nothing::new(), self.compiler.report);
        let pattern = constant(&pattern.expr).filter(|_| !pattern.ty.is_error())?;
        let regex = regex::Regex::new(pattern.as_str()?).ok()?;
        Some(Says::Matches {
            attribute,
            regex: Regex(regex),
        })
    }

    // ---- values ----

    /// The constant that an attribute is compared with.
    fn value(&mut self, attribute: Attribute, at: &Expr, side: Side) -> Option<Value> {
        let sort = attribute.sort();
        let words = matches!(sort, Sort::Word | Sort::Words);
        let found = match side {
            Side::Wrong => return None,
            Side::Word(word) if words => {
                self.known_word(attribute, at.span, &word)?;
                return Some(Value::String(word));
            }
            Side::Word(word) => match Attribute::find(&word) {
                Some(foreign) => {
                    self.foreign_attribute(at.span, foreign);
                    return None;
                }
                None => format!("the name `{word}`"),
            },
            Side::Constant(value, ty) => match fits(sort, &value, &ty) {
                true => {
                    if let (true, Some(text)) = (words, value.as_str()) {
                        let text = SmolStr::from(text);
                        self.known_word(attribute, at.span, &text)?;
                    }
                    return Some(value);
                }
                false => phrase(&ty),
            },
            Side::List => {
                let message = format!("`{}` is compared with a list, expected `in`", attribute.name());
                self.wrong(at.span, message);
                return None;
            }
            Side::Pattern(_) => "a pattern".to_owned(),
            Side::Attribute(_) => "an attribute".to_owned(),
        };
        self.does_not_fit(attribute, at.span, &found);
        None
    }

    fn does_not_fit(&mut self, attribute: Attribute, span: Span, found: &str) {
        let (name, sort) = (attribute.name(), attribute.sort());
        let one = match sort {
            Sort::Words => "a name",
            Sort::Principals => "a principal",
            sort => sort.phrase(),
        };
        let message = format!("`{name}` is compared with {found}, expected {one}");
        let quantity = |phrase: &str| ["a duration", "a size", "an amount of money", "a number"].contains(&phrase);
        let rule = if quantity(found) && quantity(one) {
            rules::UNIT_MISMATCH
        } else {
            rules::TYPE_MISMATCH
        };
        let problem = Problem::new(rule, span, message);
        self.push(problem.help(format!("write one such as `{}`", sort.example())));
    }

    /// Says so if the attribute can never be that.
    fn known_word(&mut self, attribute: Attribute, span: Span, word: &SmolStr) -> Option<()> {
        let (rule, known): (_, Vec<SmolStr>) = match attribute {
            Attribute::Kind => (rules::UNKNOWN_KIND, self.compiler.kinds.to_vec()),
            Attribute::Effects => (
                rules::UNRESOLVED_NAME,
                EFFECTS.iter().copied().map(SmolStr::from).collect(),
            ),
            Attribute::Failure => (
                rules::UNRESOLVED_NAME,
                FAILURES.iter().copied().map(SmolStr::from).collect(),
            ),
            _ => return Some(()),
        };
        if known.is_empty() || known.contains(word) {
            return Some(());
        }
        let message = match attribute {
            Attribute::Kind => format!("there is no kind of task `{word}`"),
            Attribute::Effects => format!("there is no effect `{word}`"),
            _ => format!("`{}` is never `{word}`", attribute.name()),
        };
        self.push(Problem::new(rule, span, message).nearest(word, &known));
        None
    }
}

fn comparing(op: BinaryOp) -> Option<Op> {
    Some(match op {
        BinaryOp::Eq => Op::Eq,
        BinaryOp::Ne => Op::Ne,
        BinaryOp::Lt => Op::Lt,
        BinaryOp::Le => Op::Le,
        BinaryOp::Gt => Op::Gt,
        BinaryOp::Ge => Op::Ge,
        _ => return None,
    })
}

/// `a < b` as `b > a`.
fn flipped(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        op => op,
    }
}

fn fits(sort: Sort, value: &Value, ty: &Type) -> bool {
    match sort {
        Sort::Word | Sort::Words => matches!(ty, Type::String(_)),
        Sort::Principal | Sort::Principals => matches!(ty, Type::Principal | Type::String(_)),
        Sort::Duration => matches!(value, Value::Duration(_)),
        Sort::Money => matches!(value, Value::Money(_)),
        Sort::Int => matches!(value, Value::Int(_) | Value::Float(_)),
        Sort::Bool => matches!(value, Value::Bool(_)),
        Sort::Version => matches!(ty, Type::Version) || value.is_version(),
    }
}

fn phrase(ty: &Type) -> String {
    let phrase = match ty {
        Type::Duration => "a duration",
        Type::Size => "a size",
        Type::Money => "an amount of money",
        Type::Int(_) | Type::Float(_) => "a number",
        Type::Bool => "true or false",
        Type::Principal => "a principal",
        Type::Version => "a version",
        Type::None => "`none`",
        Type::String(_) => "a string",
        other => return format!("a `{other}`"),
    };
    phrase.to_owned()
}
