//! Comparisons, `in` and `matches`.

use std::cmp::Ordering;

use super::arith::zero_of_same_unit;
use super::{EvalError, Meter, fail};
use crate::expr::BinaryOp;
use crate::pattern;
use crate::value::Value;

pub(super) fn apply(op: BinaryOp, lhs: &Value, rhs: &Value, meter: &mut Meter) -> Result<bool, EvalError> {
    match op {
        BinaryOp::Eq => same(lhs, rhs, meter),
        BinaryOp::Ne => same(lhs, rhs, meter).map(|same| !same),
        BinaryOp::In => is_in(lhs, rhs, meter),
        BinaryOp::Matches => matches(lhs, rhs, meter),
        _ => {
            let order = order(lhs, rhs)?;
            Ok(match op {
                BinaryOp::Lt => order.is_lt(),
                BinaryOp::Le => order.is_le(),
                BinaryOp::Gt => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

fn same(lhs: &Value, rhs: &Value, meter: &mut Meter) -> Result<bool, EvalError> {
    meter.copied(lhs)?;
    if matches!((lhs, rhs), (Value::Int(0), _) | (_, Value::Int(0))) {
        let (lhs, rhs) = zero_of_same_unit(lhs.clone(), rhs.clone());
        return Ok(lhs.same(&rhs));
    }
    Ok(lhs.same(rhs))
}

fn order(lhs: &Value, rhs: &Value) -> Result<Ordering, EvalError> {
    let order = match (lhs, rhs) {
        (Value::Int(0), _) | (_, Value::Int(0)) => {
            let (lhs, rhs) = zero_of_same_unit(lhs.clone(), rhs.clone());
            lhs.compare(&rhs)
        }
        _ => lhs.compare(rhs),
    };
    order.ok_or_else(|| no_order(lhs, rhs))
}

pub(crate) fn no_order(lhs: &Value, rhs: &Value) -> EvalError {
    EvalError::new(format!("{} and {} have no order", lhs.kind(), rhs.kind()))
}

/// Whether the left is an item of a list, a key of a map, or a part of a text; `contains` is the same, turned round.
pub(crate) fn is_in(needle: &Value, haystack: &Value, meter: &mut Meter) -> Result<bool, EvalError> {
    match (needle, haystack) {
        (_, Value::List(items)) => {
            meter.steps(items.len())?;
            Ok(items.iter().any(|item| item.same(needle)))
        }
        (Value::String(key), Value::Record(fields)) => Ok(fields.contains_key(key)),
        (Value::String(part), Value::String(text)) => {
            meter.text(0, text.len())?;
            Ok(text.contains(part.as_str()))
        }
        (needle, Value::Record(_) | Value::String(_)) => fail(format!(
            "{} is looked for in {}, expected a string",
            needle.kind(),
            haystack.kind()
        )),
        _ => fail(format!(
            "{} contains nothing, expected a list, map or string",
            haystack.kind()
        )),
    }
}

/// Anywhere in the text: a pattern that is to match all of it says `^…$`.
fn matches(text: &Value, regex: &Value, meter: &mut Meter) -> Result<bool, EvalError> {
    let (Value::String(text), Value::String(regex)) = (text, regex) else {
        return fail(format!(
            "`matches` stands between {} and {}, expected a string and a regex",
            text.kind(),
            regex.kind()
        ));
    };
    meter.text(0, text.len())?;
    match pattern::compile(regex) {
        Ok(compiled) => Ok(compiled.is_match(text)),
        Err(why) => fail(format!("`/{regex}/` is not a regular expression: {why}")),
    }
}
