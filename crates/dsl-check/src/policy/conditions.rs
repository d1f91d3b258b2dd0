//! Conditions of policies: the filters of selectors, and what rules require and deny.
//!
//! A comparison has an attribute on one side; on the other stands a constant of the attribute's sort, a bare word where
//! the sort is a name, or another attribute. Each mistake gets one problem and yields [`Condition::Unknown`]. Absent:
//! plans.

mod calls;
mod comparisons;

use dsl_syntax::ast::{BinaryOp, Expr, ExprKind, IsWhat, Span, UnaryOp};
use ir::Value;
use ir::types::Type;
use smol_str::SmolStr;

use super::attributes::{ATTRIBUTES, Attribute, Sort};
use super::compile::{Compiler, Nothing};
use super::model::{Claim, Condition, Op, Says, What};
use crate::rules;
use crate::types::{Problem, constant, infer};
use crate::walk::{path, unparen};

/// The effects that there are.
pub(super) const EFFECTS: &[&str] = &["read", "write", "network", "spend", "destructive"];
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

    // ---- the sides of comparisons ----

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
}
