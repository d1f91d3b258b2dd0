//! Literals: numbers and quantities to values, texts to what is expected, constants to what clauses want.
//!
//! Exact: nothing is rounded, what does not fit is a problem. Reading quantities and checking values against
//! refinements is the IR's; the runtime does the same with data.

use std::cmp::Ordering;

use dsl_syntax::ast::{Expr as Ast, ExprKind, Span, Unit};
use ir::eval::{EvalError, NoWorld, Scope};
use ir::types::{Type, Types};
use ir::{Expr, Ref, Value};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::env::Env;
use super::infer::infer;
use super::problem::Report;
use crate::meant::literal_called;

/// A scope without values: only constants get through.
struct NoScope(Types);

impl Scope for NoScope {
    fn get(&self, _: &Ref) -> Result<Value, EvalError> {
        Err(EvalError::new("not a constant"))
    }

    fn types(&self) -> &Types {
        &self.0
    }
}

/// The value of an expression that depends on nothing.
pub fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Const(value) => Some(value.clone()),
        Expr::Ref(_) | Expr::It(_) => None,
        _ => ir::eval::eval(expr, &NoScope(Types::default()), &mut NoWorld).ok(),
    }
}

macro_rules! literals {
    ($($(#[$doc:meta])* $name:ident: $ty:expr, $variant:ident => $result:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(expr: &Ast, env: &dyn Env, report: &mut Report) -> Option<$result> {
            match literal(expr, &$ty, env, report)? {
                Value::$variant(value) => Some(value),
                _ => None,
            }
        }
    )*};
}

literals! {
    /// Milliseconds of a constant duration. Like the others: `None` if a problem was reported.
    literal_duration: Type::Duration, Duration => i64;
    /// Bytes of a constant size.
    literal_size: Type::Size, Size => i64;
    /// Dollars of a constant amount.
    literal_money: Type::Money, Money => Decimal;
    /// A constant integer.
    literal_int: Type::INT, Int => i64;
    /// A constant bool.
    literal_bool: Type::Bool, Bool => bool;
    /// A constant number as a fraction: `80%` is 0.8.
    literal_ratio: Type::FLOAT, Float => f64;
}

fn literal(expr: &Ast, ty: &Type, env: &dyn Env, report: &mut Report) -> Option<Value> {
    if let ExprKind::Name(name) = &expr.kind
        && literal_called(name).is_none()
    {
        report.no_literal(expr.span, name, ty);
        return None;
    }
    let typed = infer(expr, Some(ty), env, report);
    if typed.ty.is_error() {
        return None;
    }
    let value = constant(&typed.expr);
    if value.is_none() {
        report.not_constant(expr.span, ty);
    }
    value
}

/// The value and type of a number, quantity, version or regex. `None`: the expression is none of these; a problem with
/// the literal itself is reported and yields an error type.
pub(crate) fn literal_value(expr: &Ast, report: &mut Report) -> Option<(Value, Type)> {
    let span = expr.span;
    let read = |value: Result<Value, String>, ty: Type, report: &mut Report| match value {
        Ok(value) => (value, ty),
        Err(message) => {
            report.invalid_literal(span, message);
            (Value::None, Type::Error)
        }
    };
    Some(match &expr.kind {
        ExprKind::Bool(value) => (Value::Bool(*value), Type::Bool),
        ExprKind::None => (Value::None, Type::None),
        ExprKind::Int(digits) => read(int(digits), Type::INT, report),
        ExprKind::Float(digits) => read(float(digits), Type::FLOAT, report),
        ExprKind::Quantity { number, unit } => quantity(number, *unit, span, report),
        ExprKind::Money(number) => read(
            ir::quantity::parse_money(&format!("${number}")).map(Value::Money),
            Type::Money,
            report,
        ),
        ExprKind::Ratio(number) => read(
            ir::quantity::parse_ratio(&format!("{number}%")).map(Value::Float),
            Type::FLOAT,
            report,
        ),
        ExprKind::Version(text) => (Value::String(text.clone()), Type::Version),
        ExprKind::Principal(text) => (Value::String(text.clone()), Type::Principal),
        ExprKind::Regex(pattern) => regex(pattern, span, report, true),
        _ => return None,
    })
}

/// A negative number: the sign belongs to the literal, so that the smallest integer can be written.
pub(super) fn negative_literal(operand: &Ast, span: Span, report: &mut Report) -> Option<(Value, Type)> {
    let value = match &operand.kind {
        ExprKind::Int(digits) => int(&format!("-{digits}")),
        ExprKind::Float(digits) => float(&format!("-{digits}")),
        _ => return None,
    };
    Some(match value {
        Ok(value @ Value::Int(_)) => (value, Type::INT),
        Ok(value) => (value, Type::FLOAT),
        Err(message) => {
            report.invalid_literal(span, message);
            (Value::None, Type::Error)
        }
    })
}

pub(super) fn int(digits: &str) -> Result<Value, String> {
    let digits = digits.replace('_', "");
    digits
        .parse()
        .map(Value::Int)
        .map_err(|_| format!("`{digits}` does not fit an integer of 64 bits"))
}

fn float(digits: &str) -> Result<Value, String> {
    let digits = digits.replace('_', "");
    match digits.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Value::Float(float)),
        _ => Err(format!("`{digits}` is no number that a float can hold")),
    }
}

fn quantity(number: &str, unit: Unit, span: Span, report: &mut Report) -> (Value, Type) {
    let text = format!("{number}{}", unit_text(unit));
    let read = if unit.is_duration() {
        ir::quantity::parse_duration(&text).map(|ms| (Value::Duration(ms), Type::Duration))
    } else {
        ir::quantity::parse_size(&text).map(|bytes| (Value::Size(bytes), Type::Size))
    };
    read.unwrap_or_else(|message| {
        report.invalid_literal(span, message);
        (Value::None, Type::Error)
    })
}

const fn unit_text(unit: Unit) -> &'static str {
    match unit {
        Unit::Ms => "ms",
        Unit::S => "s",
        Unit::M => "m",
        Unit::H => "h",
        Unit::D => "d",
        Unit::W => "w",
        Unit::B => "B",
        Unit::KB => "KB",
        Unit::MB => "MB",
        Unit::GB => "GB",
        Unit::TB => "TB",
        Unit::KiB => "KiB",
        Unit::MiB => "MiB",
        Unit::GiB => "GiB",
        Unit::TiB => "TiB",
    }
}

fn regex(pattern: &SmolStr, span: Span, report: &mut Report, is_literal: bool) -> (Value, Type) {
    match check_regex(pattern) {
        Ok(()) => (Value::String(pattern.clone()), Type::Regex),
        Err(why) => {
            match is_literal {
                true => report.invalid_regex_literal(span, pattern, &why),
                false => report.invalid_regex(span, &why),
            }
            (Value::None, Type::Error)
        }
    }
}

/// Whether the pattern can be used, and if not why: one line.
pub(super) fn check_regex(pattern: &str) -> Result<(), String> {
    ir::data::text_problem(pattern, &Type::Regex).map_or(Ok(()), Err)
}

/// A string literal where an url, path, time, regex or version is expected; the error type if it is none.
pub(super) fn text_as(text: &SmolStr, ty: &Type, span: Span, env: &dyn Env, report: &mut Report) -> (Value, Type) {
    if matches!(ty, Type::Regex) {
        return regex(text, span, report, false);
    }
    match ir::data::check(Value::String(text.clone()), ty, env.types()) {
        Ok(value) => (value, ty.clone()),
        Err(error) => {
            report.invalid_literal(span, error.message);
            (Value::None, Type::Error)
        }
    }
}

/// The end of the bounds that a number is beyond.
pub(super) fn nearest_within(value: &Value, ty: &Type) -> Option<String> {
    let (number, bounds) = match (value, ty) {
        (Value::Int(number), Type::Int(Some(bounds))) => (Decimal::from(*number), bounds),
        (Value::Float(number), Type::Float(Some(bounds))) => (Decimal::from_f64_retain(*number)?, bounds),
        _ => return None,
    };
    let beyond = |end: &Option<SmolStr>, wanted: Ordering| {
        let text = end.as_ref()?;
        let end: Decimal = text.parse().ok()?;
        (number.cmp(&end) == wanted).then(|| text.to_string())
    };
    beyond(&bounds.lo, Ordering::Less).or_else(|| beyond(&bounds.hi, Ordering::Greater))
}

/// Whether a type has something of its own (not of its parts) that a constant can break.
pub(super) fn is_refined(ty: &Type) -> bool {
    match ty {
        Type::Int(bounds) | Type::Float(bounds) => bounds.is_some(),
        Type::String(refine) => refine.is_some(),
        Type::List(list) => list.len.is_some(),
        Type::Optional(inner) => is_refined(inner),
        _ => false,
    }
}
