//! Conditions of policies: the filters of selectors, and what rules require and deny.
//!
//! A comparison has an attribute on one side; on the other stands a constant of the attribute's sort, a bare word where
//! the sort is a name, or another attribute. Each mistake gets one problem and yields [`Condition::Unknown`]. Absent:
//! plans.

use dsl_syntax::ast::{Arg, BinaryOp, Expr, ExprKind, IsWhat, Name, Span, UnaryOp};
use ir::Value;
use ir::types::Type;
use smol_str::SmolStr;

use super::attributes::{ATTRIBUTES, Attribute, Sort};
use super::compile::{Compiler, Nothing};
use super::model::{Claim, Condition, End, How, Op, Regex, Says, Selector, What};
use crate::rules;
use crate::types::{Problem, constant, infer};
use crate::walk::{path, unparen};

/// The effects that there are.
const EFFECTS: &[&str] = &["read", "write", "network", "spend", "destructive"];
const FAILURES: &[&str] = &["abort", "continue"];

/// Conditions on one sort of thing.
pub(super) struct Conditions<'c, 'a> {
    compiler: &'c mut Compiler<'a>,
    what: What,
}

/// One side of a comparison.
enum Side {
    Attribute(Attribute),
    /// A bare word, or dotted words.
    Word(SmolStr),
    Pattern(SmolStr),
    Constant(Value, Type),
    List,
    /// It was reported.
    Wrong,
}

impl<'c, 'a> Conditions<'c, 'a> {
    pub fn new(compiler: &'c mut Compiler<'a>, what: What) -> Self {
        Self { compiler, what }
    }

    /// As deep as the expression, which the parser bounds.
    pub fn condition(&mut self, expr: &Expr) -> Condition {
        match &expr.kind {
            ExprKind::Paren(inner) => self.condition(inner),
            ExprKind::Bool(value) => Condition::Constant(*value),
            ExprKind::Unary {
                op: UnaryOp::Not,
                expr: inner,
            } => Condition::Not(Box::new(self.condition(inner))),
            ExprKind::Binary {
                op: op @ (BinaryOp::And | BinaryOp::Or),
                lhs,
                rhs,
                ..
            } => {
                let sides = Box::new([self.condition(lhs), self.condition(rhs)]);
                if *op == BinaryOp::And {
                    Condition::All(sides)
                } else {
                    Condition::Any(sides)
                }
            }
            _ => match self.claim(expr) {
                Some(says) => Condition::Claim(Box::new(Claim {
                    says,
                    text: self.compiler.shown(expr.span),
                })),
                None => Condition::Unknown,
            },
        }
    }

    fn claim(&mut self, expr: &Expr) -> Option<Says> {
        match &expr.kind {
            ExprKind::Error => None,
            ExprKind::Binary { op, op_span, lhs, rhs } => self.comparison(*op, *op_span, lhs, rhs),
            ExprKind::Is { expr: of, not, what } => self.is(of, *not, *what),
            ExprKind::Call { func, args } => self.call(func, args),
            ExprKind::Name(_) | ExprKind::Field { .. } => self.flag(expr),
            _ => {
                self.wrong(
                    expr.span,
                    "this is no condition, expected a comparison such as `kind == deploy`",
                );
                None
            }
        }
    }

    fn push(&mut self, problem: Problem) {
        self.compiler.report.push(problem);
    }

    fn wrong(&mut self, span: Span, message: impl Into<String>) {
        self.push(Problem::new(rules::TYPE_MISMATCH, span, message));
    }

    // ---- attributes ----

    fn attribute(&mut self, expr: &Expr) -> Option<Attribute> {
        match self.side(expr) {
            Side::Attribute(attribute) => Some(attribute),
            Side::Word(word) => {
                self.no_attribute(expr.span, &word);
                None
            }
            Side::Wrong => None,
            _ => {
                let message = format!("this is no attribute of a {}", self.what.word());
                self.wrong(
                    expr.span,
                    format!("{message}, expected one such as `{}`", self.example()),
                );
                None
            }
        }
    }

    fn example(&self) -> &'static str {
        match self.what {
            What::Task | What::Node => "kind",
            What::Gate => "approver",
            What::Decision | What::Plan => "labels",
        }
    }

    fn no_attribute(&mut self, span: Span, word: &str) {
        let known: Vec<SmolStr> = ATTRIBUTES
            .iter()
            .filter(|row| row.attribute.is_of(self.what))
            .map(|row| row.name.into())
            .collect();
        let message = format!("a {} has no attribute `{word}`", self.what.word());
        let mut problem = Problem::new(rules::UNRESOLVED_NAME, span, message).nearest(word, &known);
        if problem.help.is_none() {
            let listed: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            problem = problem.help(format!("it has {}", listed.join(", ")));
        }
        self.push(problem);
    }

    /// An attribute that only other things have compares false for ever.
    fn foreign_attribute(&mut self, span: Span, attribute: Attribute) {
        let owners: Vec<String> = attribute.row().of.iter().map(|of| format!("a {}", of.word())).collect();
        let message = format!(
            "a {} has no `{}`, expected an attribute of it",
            self.what.word(),
            attribute.name()
        );
        let problem = Problem::new(rules::UNRESOLVED_NAME, span, message);
        self.push(problem.help(format!("{} has it", owners.join(" or "))));
    }

    /// `require: optional`
    fn flag(&mut self, expr: &Expr) -> Option<Says> {
        let attribute = self.attribute(expr)?;
        if attribute.sort() != Sort::Bool {
            let message = format!(
                "`{}` is {}, expected a comparison such as `{} == {}`",
                attribute.name(),
                attribute.sort().phrase(),
                attribute.name(),
                attribute.sort().example()
            );
            self.wrong(expr.span, message);
            return None;
        }
        Some(Says::Compare {
            attribute,
            op: Op::Eq,
            to: Value::Bool(true),
        })
    }

    /// `x is none`, `x is not empty`
    fn is(&mut self, of: &Expr, not: bool, what: IsWhat) -> Option<Says> {
        let attribute = self.attribute(of)?;
        let many = matches!(attribute.sort(), Sort::Words | Sort::Principals);
        if what == IsWhat::Empty && !many {
            let message = format!(
                "`{}` is {}, which is never empty, expected `is none`",
                attribute.name(),
                attribute.sort().phrase()
            );
            self.wrong(of.span, message);
            return None;
        }
        Some(Says::Absent { attribute, not })
    }

    // ---- comparisons ----

    fn side(&mut self, expr: &Expr) -> Side {
        let expr = unparen(expr);
        if let Some(names) = path(expr) {
            let words: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            let word = words.join(".");
            return match Attribute::find(&word) {
                Some(attribute) if attribute.is_of(self.what) => Side::Attribute(attribute),
                _ => Side::Word(word.into()),
            };
        }
        match &expr.kind {
            ExprKind::Pattern(pattern) => Side::Pattern(pattern.clone()),
            ExprKind::List(_) => Side::List,
            ExprKind::Error => Side::Wrong,
            ExprKind::Call { func, .. } | ExprKind::Pipe { func, .. } => {
                self.no_function(func);
                Side::Wrong
            }
            ExprKind::Selector(_) => {
                self.wrong(expr.span, "a selector is no value, expected one inside `after(…)`, say");
                Side::Wrong
            }
            _ => {
                let before = self.compiler.report.problems.len();
                let typed = infer(expr, None, &Nothing::new(), self.compiler.report);
                match constant(&typed.expr) {
                    Some(value) if !typed.ty.is_error() => Side::Constant(value, typed.ty),
                    _ => {
                        if self.compiler.report.problems.len() == before {
                            self.wrong(expr.span, "this is not known before a run, expected a constant");
                        }
                        Side::Wrong
                    }
                }
            }
        }
    }

    fn comparison(&mut self, op: BinaryOp, op_span: Span, lhs: &Expr, rhs: &Expr) -> Option<Says> {
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

    // ---- the graph ----

    fn call(&mut self, func: &Name, args: &[Arg]) -> Option<Says> {
        if func.text == "flow" {
            return self.flow(func, args);
        }
        let Some(how) = How::ALL.iter().copied().find(|how| how.word() == func.text) else {
            self.no_function(func);
            return None;
        };
        let [arg] = args else {
            self.arguments(func, args, &format!("{}(task where …)", how.word()));
            return None;
        };
        if self.what == What::Plan && matches!(how, How::After | How::Needs) {
            let message = format!("nothing comes before a plan, so `{}` is never true of one", func.text);
            self.push(Problem::new(rules::WRONG_ARGUMENTS, func.span, message).help("write `for: task`, say"));
            return None;
        }
        let of = self.nodes(&arg.value)?;
        Some(Says::Graph { how, of })
    }

    fn no_function(&mut self, func: &Name) {
        let mut known: Vec<SmolStr> = How::ALL.iter().map(|how| how.word().into()).collect();
        known.push("flow".into());
        let message = format!("policies have no function `{}`", func.text);
        let mut problem = Problem::new(rules::UNKNOWN_FUNCTION, func.span, message).nearest(&func.text, &known);
        if problem.help.is_none() {
            problem = problem.help("there are `after(…)`, `before(…)`, `reaches(…)`, `needs(…)` and `flow(…, …)`");
        }
        self.push(problem);
    }

    fn arguments(&mut self, func: &Name, args: &[Arg], signature: &str) {
        let span = args.iter().fold(func.span, |span, arg| span.cover(arg.value.span));
        let message = format!("`{}` of {} arguments, expected `{signature}`", func.text, args.len());
        self.push(Problem::new(rules::WRONG_ARGUMENTS, span, message));
    }

    /// A selector, or a pattern of capabilities.
    fn nodes(&mut self, expr: &Expr) -> Option<Selector> {
        let expr = unparen(expr);
        match &expr.kind {
            ExprKind::Selector(selector) if selector.what.text == "plan" => {
                self.wrong(selector.what.span, "a plan is no part of the graph, expected nodes");
                None
            }
            ExprKind::Selector(selector) => Some(self.compiler.selector(selector)),
            ExprKind::Name(word) => match What::from_word(word) {
                Some(What::Plan) => {
                    self.wrong(expr.span, "a plan is no part of the graph, expected nodes");
                    None
                }
                Some(what) => Some(Selector {
                    what,
                    filter: None,
                    text: word.clone(),
                }),
                None => {
                    self.no_selector(expr.span, word);
                    None
                }
            },
            ExprKind::Pattern(pattern) => Some(using(pattern)),
            ExprKind::Field { .. } => Some(using(&self.compiler.shown(expr.span))),
            ExprKind::Error => None,
            _ => {
                self.wrong(
                    expr.span,
                    "this selects nothing, expected a selector such as `task where kind == test`",
                );
                None
            }
        }
    }

    fn no_selector(&mut self, span: Span, word: &str) {
        let known: Vec<SmolStr> = ["task", "gate", "decision", "node"].map(SmolStr::from).into();
        let message = format!("`{word}` selects nothing, expected `task`, `gate`, `decision` or `node`");
        let mut problem = Problem::new(rules::UNRESOLVED_NAME, span, message).nearest(word, &known);
        if problem.help.is_none() {
            problem = problem.help(format!("for the node of that name write `node where id == {word}`"));
        }
        self.push(problem);
    }

    fn flow(&mut self, func: &Name, args: &[Arg]) -> Option<Says> {
        let [from, to] = args else {
            self.arguments(func, args, "flow(from, to)");
            return None;
        };
        let (from, to) = (self.end(&from.value), self.end(&to.value));
        let (from, to) = (from?, to?);
        Some(Says::Flow { from, to })
    }

    /// `secrets`, `secrets.token`, `params.x`, `web.*`, a selector
    fn end(&mut self, expr: &Expr) -> Option<End> {
        let expr = unparen(expr);
        if let Some(names) = path(expr) {
            let (group, member) = (names[0].text.as_str(), names.get(1).map(|name| name.text.clone()));
            match (group, names.len()) {
                ("secrets", 1 | 2) => return Some(End::Secrets(member)),
                ("params", 1 | 2) => return Some(End::Params(member)),
                ("memory", _) => {
                    let rest: Vec<&str> = names[1..].iter().map(|name| name.text.as_str()).collect();
                    return Some(End::Memory((!rest.is_empty()).then(|| rest.join(".").into())));
                }
                (word, 1) if What::from_word(word).is_none() => return Some(End::Nodes(using(word))),
                _ => {}
            }
        }
        match &expr.kind {
            ExprKind::Pattern(pattern) if pattern == "secrets.*" => Some(End::Secrets(None)),
            ExprKind::Pattern(pattern) if pattern == "params.*" => Some(End::Params(None)),
            ExprKind::Pattern(pattern) if pattern == "memory.*" => Some(End::Memory(None)),
            _ => self.nodes(expr).map(End::Nodes),
        }
    }
}

/// The nodes that use what the pattern says.
fn using(pattern: &str) -> Selector {
    let says = if pattern.ends_with('*') {
        Says::Like {
            attribute: Attribute::Using,
            pattern: pattern.into(),
            not: false,
        }
    } else {
        Says::Compare {
            attribute: Attribute::Using,
            op: Op::Eq,
            to: pattern.into(),
        }
    };
    Selector {
        what: What::Node,
        filter: Some(Condition::Claim(Box::new(Claim {
            says,
            text: format!("using == {pattern}").into(),
        }))),
        text: pattern.into(),
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
