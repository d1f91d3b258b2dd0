//! `+ - * / %` and unary `-`, over numbers and the dimensions that have them.
//!
//! Integers stay integers (`7 / 2` is 3, as `-7 / 2` is -3); an int beside a float becomes one. Nothing wraps: what does
//! not fit, is not finite, or divides by zero is an error. Absent: conversions between dimensions; there are none.

use rust_decimal::Decimal;
use smol_str::SmolStrBuilder;

use super::{EvalError, Meter, Outcome, fail};
use crate::expr::BinaryOp;
use crate::value::Value;

pub(super) fn apply(op: BinaryOp, lhs: Value, rhs: Value, meter: &mut Meter) -> Outcome {
    let (lhs, rhs) = match op {
        BinaryOp::Add | BinaryOp::Sub => zero_of_same_unit(lhs, rhs),
        _ => (lhs, rhs),
    };
    match op {
        BinaryOp::Add => add(lhs, rhs, meter),
        BinaryOp::Sub => subtract(lhs, rhs),
        BinaryOp::Mul => multiply(lhs, rhs),
        BinaryOp::Div => divide(lhs, rhs),
        _ => remainder(lhs, rhs),
    }
}

/// The sum of no items is the int 0, whatever the unit of the items would have been: beside a quantity it is a zero of
/// that unit.
pub(super) fn zero_of_same_unit(lhs: Value, rhs: Value) -> (Value, Value) {
    match (lhs, rhs) {
        (Value::Int(0), rhs) => (zero_like(&rhs), rhs),
        (lhs, Value::Int(0)) => {
            let zero = zero_like(&lhs);
            (lhs, zero)
        }
        pair => pair,
    }
}

fn zero_like(other: &Value) -> Value {
    match other {
        Value::Duration(_) => Value::Duration(0),
        Value::Size(_) => Value::Size(0),
        Value::Money(_) => Value::Money(Decimal::ZERO),
        _ => Value::Int(0),
    }
}

/// Also the step of `sum`.
pub(super) fn add(lhs: Value, rhs: Value, meter: &mut Meter) -> Outcome {
    match (lhs, rhs) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_add(b)),
        (Value::String(a), Value::String(b)) => {
            meter.text(a.len(), b.len())?;
            let mut text = SmolStrBuilder::new();
            text.push_str(&a);
            text.push_str(&b);
            Ok(Value::String(text.finish()))
        }
        (Value::Duration(a), Value::Duration(b)) => duration(a.checked_add(b)),
        (Value::Size(a), Value::Size(b)) => size(a.checked_add(b)),
        (Value::Money(a), Value::Money(b)) => money(a.checked_add(b)),
        (Value::Time(a), Value::Duration(b)) | (Value::Duration(b), Value::Time(a)) => time(a.checked_add(b)),
        (lhs, rhs) => match floats(&lhs, &rhs) {
            Some((a, b)) => float(a + b),
            None => unlike("+", &lhs, &rhs),
        },
    }
}

fn subtract(lhs: Value, rhs: Value) -> Outcome {
    match (lhs, rhs) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_sub(b)),
        (Value::Duration(a), Value::Duration(b)) => duration(a.checked_sub(b)),
        (Value::Size(a), Value::Size(b)) => size(a.checked_sub(b)),
        (Value::Money(a), Value::Money(b)) => money(a.checked_sub(b)),
        (Value::Time(a), Value::Time(b)) => duration(a.checked_sub(b)),
        (Value::Time(a), Value::Duration(b)) => time(a.checked_sub(b)),
        (lhs, rhs) => match floats(&lhs, &rhs) {
            Some((a, b)) => float(a - b),
            None => unlike("-", &lhs, &rhs),
        },
    }
}

fn multiply(lhs: Value, rhs: Value) -> Outcome {
    match (lhs, rhs) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_mul(b)),
        (Value::Duration(a), Value::Int(b)) | (Value::Int(b), Value::Duration(a)) => duration(a.checked_mul(b)),
        (Value::Duration(a), Value::Float(b)) | (Value::Float(b), Value::Duration(a)) => {
            duration(rounded(a as f64 * b))
        }
        (Value::Size(a), Value::Int(b)) | (Value::Int(b), Value::Size(a)) => size(a.checked_mul(b)),
        (Value::Size(a), Value::Float(b)) | (Value::Float(b), Value::Size(a)) => size(rounded(a as f64 * b)),
        (Value::Money(a), Value::Int(b)) | (Value::Int(b), Value::Money(a)) => money(a.checked_mul(b.into())),
        (Value::Money(a), Value::Float(b)) | (Value::Float(b), Value::Money(a)) => money(a.checked_mul(decimal(b)?)),
        (lhs, rhs) => match floats(&lhs, &rhs) {
            Some((a, b)) => float(a * b),
            None => unlike("*", &lhs, &rhs),
        },
    }
}

fn divide(lhs: Value, rhs: Value) -> Outcome {
    nonzero(&rhs)?;
    match (lhs, rhs) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_div(b)),
        (Value::Duration(a), Value::Duration(b)) | (Value::Size(a), Value::Size(b)) => float(a as f64 / b as f64),
        (Value::Duration(a), Value::Int(b)) => duration(a.checked_div(b)),
        (Value::Duration(a), Value::Float(b)) => duration(rounded(a as f64 / b)),
        (Value::Size(a), Value::Int(b)) => size(a.checked_div(b)),
        (Value::Size(a), Value::Float(b)) => size(rounded(a as f64 / b)),
        (Value::Money(a), Value::Money(b)) => a
            .checked_div(b)
            .ok_or_else(overflow)
            .and_then(|ratio| float(to_float(ratio))),
        (Value::Money(a), Value::Int(b)) => money(a.checked_div(b.into())),
        (Value::Money(a), Value::Float(b)) => {
            let b = decimal(b)?;
            nonzero(&Value::Money(b))?;
            money(a.checked_div(b))
        }
        (lhs, rhs) => match floats(&lhs, &rhs) {
            Some((a, b)) => float(a / b),
            None => unlike("/", &lhs, &rhs),
        },
    }
}

fn remainder(lhs: Value, rhs: Value) -> Outcome {
    nonzero(&rhs)?;
    match (lhs, rhs) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_rem(b)),
        (Value::Duration(a), Value::Duration(b)) => duration(a.checked_rem(b)),
        (Value::Size(a), Value::Size(b)) => size(a.checked_rem(b)),
        (Value::Money(a), Value::Money(b)) => money(a.checked_rem(b)),
        (lhs, rhs) => match floats(&lhs, &rhs) {
            Some((a, b)) => float(a % b),
            None => unlike("%", &lhs, &rhs),
        },
    }
}

pub(super) fn negate(value: Value) -> Outcome {
    match value {
        Value::Int(a) => int(a.checked_neg()),
        Value::Float(a) => float(-a),
        Value::Duration(a) => duration(a.checked_neg()),
        Value::Size(a) => size(a.checked_neg()),
        Value::Money(a) => Ok(Value::Money(-a)),
        other => fail(format!(
            "`-` stands before {}, expected a number or a quantity",
            other.kind()
        )),
    }
}

fn unlike<T>(op: &str, lhs: &Value, rhs: &Value) -> Result<T, EvalError> {
    fail(format!(
        "`{op}` has no meaning between {} and {}",
        lhs.kind(),
        rhs.kind()
    ))
}

fn nonzero(divisor: &Value) -> Result<(), EvalError> {
    let zero = match divisor {
        Value::Int(n) | Value::Duration(n) | Value::Size(n) => *n == 0,
        Value::Float(n) => *n == 0.0,
        Value::Money(n) => n.is_zero(),
        _ => false,
    };
    if zero { fail("division by zero") } else { Ok(()) }
}

fn floats(lhs: &Value, rhs: &Value) -> Option<(f64, f64)> {
    Some((to_number(lhs)?, to_number(rhs)?))
}

fn to_number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

fn overflow() -> EvalError {
    EvalError::new("the result is out of range")
}

fn int(result: Option<i64>) -> Outcome {
    result
        .map(Value::Int)
        .ok_or_else(|| EvalError::new("the result does not fit into a 64-bit integer"))
}

fn duration(result: Option<i64>) -> Outcome {
    result
        .map(Value::Duration)
        .ok_or_else(|| EvalError::new("the result is out of range for a duration"))
}

fn size(result: Option<i64>) -> Outcome {
    result
        .map(Value::Size)
        .ok_or_else(|| EvalError::new("the result is out of range for a size"))
}

fn time(result: Option<i64>) -> Outcome {
    result
        .map(Value::Time)
        .ok_or_else(|| EvalError::new("the result is out of range for a time"))
}

fn money(result: Option<Decimal>) -> Outcome {
    result
        .map(Value::Money)
        .ok_or_else(|| EvalError::new("the result is out of range for an amount of money"))
}

pub(crate) fn float(result: f64) -> Outcome {
    if result.is_finite() {
        Ok(Value::Float(result))
    } else {
        fail("the result is not a finite number")
    }
}

/// To the nearest integer, halves away from zero; `None` beyond 64 bits.
pub(crate) fn rounded(float: f64) -> Option<i64> {
    whole(float.round())
}

/// The integer that a float without a fraction is.
pub(crate) fn whole(float: f64) -> Option<i64> {
    // -2^63 is a float, 2^63 - 1 is not: the upper end is exclusive.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (-LIMIT..LIMIT).contains(&float).then_some(float as i64)
}

/// The decimal a float is written as: 0.1 is a tenth, not the nearest binary fraction.
pub(crate) fn decimal(float: f64) -> Result<Decimal, EvalError> {
    format!("{float}").parse().map_err(|_| overflow())
}

/// Through text, as the nearest float to what the decimal says.
pub(crate) fn to_float(decimal: Decimal) -> f64 {
    decimal.to_string().parse().unwrap_or(f64::NAN)
}
