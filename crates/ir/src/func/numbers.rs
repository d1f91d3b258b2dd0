//! Functions over numbers.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Args, Func};
use crate::eval::{EvalError, Outcome, fail, float as finite, to_float, whole as to_int};
use crate::quantity::render_float;
use crate::value::Value;

const DIGITS_MAX: i64 = 28;

/// Text is read as an integer, a float loses its fraction.
pub(super) fn int(args: &mut Args) -> Outcome {
    match args.any()? {
        Value::Int(int) => Ok(Value::Int(int)),
        Value::Float(float) => integer(float.trunc()),
        Value::String(text) => match text.trim().parse() {
            Ok(int) => Ok(Value::Int(int)),
            Err(_) => fail(format!("`int` reads an integer, saw {text:?}")),
        },
        other => args.expected("a string or a number", &other),
    }
}

pub(super) fn float(args: &mut Args) -> Outcome {
    match args.any()? {
        Value::Int(int) => Ok(Value::Float(int as f64)),
        Value::Float(float) => Ok(Value::Float(float)),
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Value::Float(float)),
            _ => fail(format!("`float` reads a finite number, saw {text:?}")),
        },
        other => args.expected("a string or a number", &other),
    }
}

pub(super) fn abs(args: &mut Args) -> Outcome {
    let out_of_range = || EvalError::new("`abs` is out of range");
    match args.any()? {
        Value::Int(int) => int.checked_abs().map(Value::Int).ok_or_else(out_of_range),
        Value::Float(float) => Ok(Value::Float(float.abs())),
        Value::Duration(ms) => ms.checked_abs().map(Value::Duration).ok_or_else(out_of_range),
        Value::Size(bytes) => bytes.checked_abs().map(Value::Size).ok_or_else(out_of_range),
        Value::Money(dollars) => Ok(Value::Money(dollars.abs())),
        other => args.expected("a number or a quantity", &other),
    }
}

/// Rounds the decimal that the float is written as, so that 2.675 to two digits is 2.68 as a reader expects, although
/// the binary float is a little below.
pub(super) fn round(args: &mut Args) -> Outcome {
    let number = args.number()?;
    let digits = match args.next() {
        None => 0,
        Some(Value::Int(digits @ 0..=DIGITS_MAX)) => digits as u32,
        Some(other) => {
            return fail(format!(
                "`round` takes 0 to {DIGITS_MAX} digits, saw {}",
                crate::data::render(&other)
            ));
        }
    };
    let Ok(decimal) = format!("{number}").parse::<Decimal>() else {
        // Beyond 7.9e28 a float has no fraction to round.
        return Ok(Value::Float(number));
    };
    finite(to_float(
        decimal.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero),
    ))
}

/// `floor` and `ceil`.
pub(super) fn whole(func: Func, args: &mut Args) -> Outcome {
    match args.any()? {
        Value::Int(int) => Ok(Value::Int(int)),
        Value::Float(float) => integer(if func == Func::Floor {
            float.floor()
        } else {
            float.ceil()
        }),
        other => args.expected("a number", &other),
    }
}

fn integer(float: f64) -> Outcome {
    to_int(float)
        .map(Value::Int)
        .ok_or_else(|| EvalError::new(format!("`{}` does not fit into a 64-bit integer", render_float(float))))
}
