//! Quantities as plain numbers, for scripts.

use super::{Args, Func};
use crate::eval::{Outcome, float, to_float};
use crate::value::Value;

pub(super) fn size(func: Func, args: &mut Args) -> Outcome {
    let bytes = match args.any()? {
        Value::Size(bytes) => bytes,
        // The sum of no sizes.
        Value::Int(0) => 0,
        other => return args.expected("a size", &other),
    };
    match func {
        Func::Bytes => Ok(Value::Int(bytes)),
        Func::Kilobytes => float(bytes as f64 / 1e3),
        Func::Megabytes => float(bytes as f64 / 1e6),
        _ => float(bytes as f64 / 1e9),
    }
}

pub(super) fn duration(func: Func, args: &mut Args) -> Outcome {
    let ms = match args.any()? {
        Value::Duration(ms) => ms,
        Value::Int(0) => 0,
        other => return args.expected("a duration", &other),
    };
    match func {
        Func::Ms => Ok(Value::Int(ms)),
        Func::Seconds => float(ms as f64 / 1e3),
        Func::Minutes => float(ms as f64 / 60e3),
        Func::Hours => float(ms as f64 / 3_600e3),
        _ => float(ms as f64 / 86_400e3),
    }
}

pub(super) fn dollars(args: &mut Args) -> Outcome {
    match args.any()? {
        Value::Money(dollars) => float(to_float(dollars)),
        Value::Int(0) => float(0.0),
        other => args.expected("an amount of money", &other),
    }
}
