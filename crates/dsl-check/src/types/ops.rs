//! Operators: which operands go together, and what comes out.

use dsl_syntax::ast::{self, BinaryOp as AstOp, ExprKind, Span};
use ir::expr::{Binary, BinaryOp};
use ir::types::Type;
use ir::{Expr, Ref, Value};

use super::assign::{conversion_help, dimension, join};
use super::env::Lookup;
use super::infer::{Checker, Typed, Want};
use super::literal::constant;
use super::narrow::facts_when;
use super::problem::Report;
use super::repair::literal_conversion;

impl Checker<'_> {
    pub(super) fn binary(&mut self, span: Span, op: AstOp, op_span: Span, lhs: &ast::Expr, rhs: &ast::Expr) -> Typed {
        match op {
            AstOp::And => self.logical(lhs, rhs, true),
            AstOp::Or => self.logical(lhs, rhs, false),
            AstOp::Eq => self.equality(BinaryOp::Eq, op_span, lhs, rhs),
            AstOp::Ne => self.equality(BinaryOp::Ne, op_span, lhs, rhs),
            AstOp::Lt => self.order(BinaryOp::Lt, op_span, lhs, rhs),
            AstOp::Le => self.order(BinaryOp::Le, op_span, lhs, rhs),
            AstOp::Gt => self.order(BinaryOp::Gt, op_span, lhs, rhs),
            AstOp::Ge => self.order(BinaryOp::Ge, op_span, lhs, rhs),
            AstOp::In => self.membership(lhs, rhs),
            AstOp::Matches => self.matches(lhs, rhs),
            AstOp::Add => self.arithmetic(BinaryOp::Add, op_span, lhs, rhs),
            AstOp::Sub => self.arithmetic(BinaryOp::Sub, op_span, lhs, rhs),
            AstOp::Mul => self.arithmetic(BinaryOp::Mul, op_span, lhs, rhs),
            AstOp::Div => self.arithmetic(BinaryOp::Div, op_span, lhs, rhs),
            AstOp::Rem => self.arithmetic(BinaryOp::Rem, op_span, lhs, rhs),
            AstOp::Coalesce => {
                debug_assert!(false, "`??` at {span:?} is a choice, typed with what is wanted of it");
                Typed::error()
            }
        }
    }

    /// `and`, `or`: the right side is only reached knowing how the left one turned out.
    fn logical(&mut self, lhs: &ast::Expr, rhs: &ast::Expr, and: bool) -> Typed {
        let a = self.condition(lhs);
        let b = self.knowing(facts_when(&a.expr, and), |this| this.condition(rhs));
        let sides = Box::new((a.expr, b.expr));
        Typed::new(if and { Expr::And(sides) } else { Expr::Or(sides) }, Type::Bool)
    }

    // ---- comparisons: always a bool, so that a mistake inside does not spoil what surrounds it ----

    fn equality(&mut self, op: BinaryOp, op_span: Span, lhs: &ast::Expr, rhs: &ast::Expr) -> Typed {
        let (a, b) = self.sides(lhs, rhs, "a value to compare");
        let (a, b) = of_one_type(a, b);
        if a.is_error() || b.is_error() {
            return bool_of_nothing();
        }
        let dynamic = matches!(a.ty, Type::Json) || matches!(b.ty, Type::Json);
        if !dynamic && join(&a.ty, &b.ty, self.env.types()).is_none() {
            self.do_not_mix(op_span, "compare", (lhs, &a.ty), (rhs, &b.ty));
            return bool_of_nothing();
        }
        operation(op, a, b, Type::Bool)
    }

    fn order(&mut self, op: BinaryOp, op_span: Span, lhs: &ast::Expr, rhs: &ast::Expr) -> Typed {
        let (a, b) = self.sides(lhs, rhs, "a value to compare");
        let (a, b) = of_one_type(a, b);
        if a.is_error() || b.is_error() {
            return bool_of_nothing();
        }
        let one_kind = a.ty.unrefined().same(&b.ty.unrefined()) || (a.ty.is_number() && b.ty.is_number());
        if !one_kind {
            self.do_not_mix(op_span, "compare", (lhs, &a.ty), (rhs, &b.ty));
            return bool_of_nothing();
        }
        if !a.ty.is_ordered() {
            let expected = "something with an order: numbers, quantities, times, versions or strings";
            self.report
                .expected_one_of(lhs.span, &a.ty, expected, conversion_help(&a.ty, &Type::INT));
            return bool_of_nothing();
        }
        operation(op, a, b, Type::Bool)
    }

    /// Both sides, each read in the light of the other: the one whose meaning depends on it comes second.
    fn sides(&mut self, lhs: &ast::Expr, rhs: &ast::Expr, expected: &str) -> (Typed, Typed) {
        if self.is_open(lhs) && !self.is_open(rhs) {
            let b = self.present(rhs, None, expected);
            let a = self.other_side(lhs, &b, expected);
            (a, b)
        } else {
            let a = self.present(lhs, None, expected);
            let b = self.other_side(rhs, &a, expected);
            (a, b)
        }
    }

    /// A name beside a mistake may be a member of what the mistake should have been: it is not looked at.
    fn other_side(&mut self, expr: &ast::Expr, first: &Typed, expected: &str) -> Typed {
        let is_text = matches!(expr.kind, ExprKind::String(_));
        if first.is_error() && self.is_open(expr) && !(is_text && is_untyped(first)) {
            return Typed::error();
        }
        self.present(expr, (!first.is_error()).then_some(&first.ty), expected)
    }

    /// Whether an expression's meaning depends on what is expected: a name that is not in scope, a text, a list.
    pub(super) fn is_open(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ExprKind::Paren(inner) => self.is_open(inner),
            ExprKind::String(_) | ExprKind::List(_) => true,
            ExprKind::Name(name) => {
                matches!(
                    self.env.first(name, expr.span, &mut Report::default()),
                    Lookup::NotFound { .. }
                )
            }
            _ => false,
        }
    }

    fn membership(&mut self, lhs: &ast::Expr, rhs: &ast::Expr) -> Typed {
        let (a, b) = if self.is_open(lhs) && !self.is_open(rhs) {
            let b = self.present(rhs, None, "a list, a map or a string");
            let item = match &b.ty {
                Type::List(list) => Some(list.item.clone()),
                _ => None,
            };
            let a = if b.is_error() {
                Typed::error()
            } else {
                self.present(lhs, item.as_ref(), "a value")
            };
            (a, b)
        } else {
            let a = self.present(lhs, None, "a value");
            let hint = Type::list(a.ty.unrefined());
            let b = if a.is_error() && !is_untyped(&a) && self.is_open(rhs) {
                Typed::error()
            } else {
                self.present(rhs, (!a.is_error()).then_some(&hint), "a list, a map or a string")
            };
            (a, b)
        };
        let (a, b) = of_items(a, b);
        if a.is_error() || b.is_error() {
            return bool_of_nothing();
        }
        match &b.ty {
            Type::List(list) if join(&a.ty, list.item.required(), self.env.types()).is_some() => {}
            Type::Map(_) | Type::String(_) if matches!(a.ty, Type::String(_)) => {}
            Type::List(list) => {
                let message = conversion_help(&a.ty, &list.item);
                self.report
                    .type_mismatch(lhs.span, &a.ty, &list.item.unrefined(), message);
                return bool_of_nothing();
            }
            Type::Map(_) | Type::String(_) => {
                self.report
                    .type_mismatch(lhs.span, &a.ty, &Type::STRING, conversion_help(&a.ty, &Type::STRING));
                return bool_of_nothing();
            }
            other => {
                let help = conversion_help(other, &Type::list(a.ty.unrefined()));
                self.report
                    .expected_one_of(rhs.span, other, "a list, a map or a string", help);
                return bool_of_nothing();
            }
        }
        operation(BinaryOp::In, a, b, Type::Bool)
    }

    fn matches(&mut self, lhs: &ast::Expr, rhs: &ast::Expr) -> Typed {
        let text = self.present(lhs, None, "a text");
        let text = if is_untyped(&text) {
            cast(text, Type::STRING)
        } else {
            text
        };
        let regex = self.expr(rhs, Want::Exactly(&Type::Regex));
        if text.is_error() || regex.is_error() {
            return bool_of_nothing();
        }
        if !text.ty.is_text() {
            self.report.type_mismatch(
                lhs.span,
                &text.ty,
                &Type::STRING,
                conversion_help(&text.ty, &Type::STRING),
            );
            return bool_of_nothing();
        }
        operation(BinaryOp::Matches, text, regex, Type::Bool)
    }

    // ---- arithmetic ----

    fn arithmetic(&mut self, op: BinaryOp, op_span: Span, lhs: &ast::Expr, rhs: &ast::Expr) -> Typed {
        let a = self.present(lhs, None, "a value to calculate with");
        let b = self.present(rhs, None, "a value to calculate with");
        if a.is_error() || b.is_error() {
            return Typed::error();
        }
        let Some(ty) = result_type(op, &a.ty, &b.ty) else {
            self.do_not_mix(op_span, verb(op), (lhs, &a.ty), (rhs, &b.ty));
            return Typed::error();
        };
        if matches!(op, BinaryOp::Div | BinaryOp::Rem) && constant(&b.expr).is_some_and(|value| is_zero(&value)) {
            self.report.division_by_zero(rhs.span);
            return Typed::error();
        }
        operation(op, a, b, ty)
    }

    fn do_not_mix(&mut self, at: Span, verb: &str, lhs: (&ast::Expr, &Type), rhs: (&ast::Expr, &Type)) {
        match (dimension(lhs.1), dimension(rhs.1)) {
            (Some(left), Some(right)) => {
                self.report
                    .units_do_not_mix(at, verb, (lhs.0.span, left), (rhs.0.span, right));
            }
            _ => {
                let help = match (lhs.1, rhs.1) {
                    (Type::Json, other) => conversion_help(&Type::Json, other),
                    (other, Type::Json) => conversion_help(&Type::Json, other),
                    (Type::String(_), other) | (other, Type::String(_)) => conversion_help(other, &Type::STRING),
                    _ => None,
                };
                let converted = literal_conversion(rhs.0, rhs.1, lhs.1);
                let converted = converted.or_else(|| literal_conversion(lhs.0, lhs.1, rhs.1));
                self.report.types_do_not_mix(at, verb, (lhs.1, rhs.1), help, converted);
            }
        }
    }
}

/// The natural type of a calculation; `None` if there is none.
fn result_type(op: BinaryOp, lhs: &Type, rhs: &Type) -> Option<Type> {
    use BinaryOp::{Add, Div, Mul, Rem, Sub};
    use Type::{Duration, Float, Int, Money, Size, String, Time};
    Some(match (op, lhs, rhs) {
        (Add, String(_), String(_)) => Type::STRING,
        (Add | Sub | Mul | Div | Rem, Int(_), Int(_)) => Type::INT,
        (Add | Sub | Mul | Div | Rem, Int(_) | Float(_), Int(_) | Float(_)) => Type::FLOAT,
        (Add | Sub | Rem, Duration, Duration) | (Sub, Time, Time) => Duration,
        (Add | Sub | Rem, Size, Size) => Size,
        (Add | Sub | Rem, Money, Money) => Money,
        (Div, Duration, Duration) | (Div, Size, Size) | (Div, Money, Money) => Type::FLOAT,
        (Mul | Div, Duration | Size | Money, Int(_) | Float(_)) => lhs.clone(),
        (Mul, Int(_) | Float(_), Duration | Size | Money) => rhs.clone(),
        (Add | Sub, Time, Duration) | (Add, Duration, Time) => Time,
        _ => return None,
    })
}

const fn verb(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "add",
        BinaryOp::Sub => "subtract",
        BinaryOp::Mul => "multiply",
        BinaryOp::Div => "divide",
        BinaryOp::Rem => "take the remainder",
        _ => "compare",
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Int(n) | Value::Duration(n) | Value::Size(n) => *n == 0,
        Value::Float(n) => *n == 0.0,
        Value::Money(n) => n.is_zero(),
        _ => false,
    }
}

fn operation(op: BinaryOp, lhs: Typed, rhs: Typed, ty: Type) -> Typed {
    Typed::new(
        Expr::Binary(Box::new(Binary {
            op,
            lhs: lhs.expr,
            rhs: rhs.expr,
        })),
        ty,
    )
}

/// The result of a comparison that could not be made.
/// `context.x`, or an input of a mocked script: they have no type of their own.
fn is_untyped(typed: &Typed) -> bool {
    typed.is_error() && matches!(&typed.expr, Expr::Ref(Ref::Context(_) | Ref::Input(_)))
}

fn cast(typed: Typed, ty: Type) -> Typed {
    Typed::new(Expr::Cast(Box::new((typed.expr, ty.clone()))), ty)
}

/// A value without a type of its own has the type of what it is compared with.
fn of_one_type(a: Typed, b: Typed) -> (Typed, Typed) {
    let (of_a, of_b) = (a.ty.unrefined(), b.ty.unrefined());
    match (is_untyped(&a), is_untyped(&b)) {
        (true, false) if !b.is_error() => (cast(a, of_b), b),
        (false, true) if !a.is_error() => (a, cast(b, of_a)),
        _ => (a, b),
    }
}

/// A value of the context is an item of the list on the right, or a list of what is on the left.
fn of_items(a: Typed, b: Typed) -> (Typed, Typed) {
    match (is_untyped(&a), is_untyped(&b), &b.ty) {
        (true, false, Type::List(list)) => (cast(a, list.item.required().unrefined()), b),
        (true, false, Type::Map(_) | Type::String(_)) => (cast(a, Type::STRING), b),
        (false, true, _) if !a.is_error() => {
            let list = Type::list(a.ty.unrefined());
            (a, cast(b, list))
        }
        _ => (a, b),
    }
}

const fn bool_of_nothing() -> Typed {
    Typed::new(Expr::Const(Value::Bool(false)), Type::Bool)
}
