//! Calls of the functions that need nothing but their arguments.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Func, data, lists, numbers, text, units};
use crate::eval::{EvalError, Meter, Outcome, fail};
use crate::value::Value;

/// The arguments of a call, taken one by one; each method says what it expected if it got something else.
pub(super) struct Args {
    func: Func,
    values: std::vec::IntoIter<Value>,
}

impl Args {
    pub(super) fn new(func: Func, values: Vec<Value>) -> Self {
        Self {
            func,
            values: values.into_iter(),
        }
    }

    pub(super) fn next(&mut self) -> Option<Value> {
        self.values.next()
    }

    pub(super) fn any(&mut self) -> Outcome {
        self.next().ok_or_else(|| {
            EvalError::new(format!(
                "`{}` misses an argument: {}",
                self.func.name(),
                self.func.signature()
            ))
        })
    }

    pub(super) fn text(&mut self) -> Result<SmolStr, EvalError> {
        match self.any()? {
            Value::String(text) => Ok(text),
            other => self.expected("a string", &other),
        }
    }

    pub(super) fn list(&mut self) -> Result<Vec<Value>, EvalError> {
        match self.any()? {
            Value::List(items) => Ok(items),
            other => self.expected("a list", &other),
        }
    }

    pub(super) fn map(&mut self) -> Result<BTreeMap<SmolStr, Value>, EvalError> {
        match self.any()? {
            Value::Record(fields) => Ok(fields),
            other => self.expected("a map", &other),
        }
    }

    pub(super) fn int(&mut self) -> Result<i64, EvalError> {
        match self.any()? {
            Value::Int(int) => Ok(int),
            other => self.expected("an int", &other),
        }
    }

    pub(super) fn number(&mut self) -> Result<f64, EvalError> {
        match self.any()? {
            Value::Int(int) => Ok(int as f64),
            Value::Float(float) => Ok(float),
            other => self.expected("a number", &other),
        }
    }

    pub(super) fn expected<T>(&self, what: &str, saw: &Value) -> Result<T, EvalError> {
        fail(format!("`{}` takes {what}, saw {}", self.func.name(), saw.kind()))
    }
}

/// Calls a function that neither looks at the world nor takes an expression about items.
pub(crate) fn call(func: Func, args: Vec<Value>, meter: &mut Meter) -> Outcome {
    let given = args.len();
    let (least, most) = func.arity();
    if given < least || most.is_some_and(|most| given > most) {
        return fail(format!("`{}` got {given} arguments: {}", func.name(), func.signature()));
    }
    let mut args = Args::new(func, args);
    let args = &mut args;
    match func {
        Func::Len => lists::len(args),
        Func::Lower
        | Func::Upper
        | Func::Trim
        | Func::Slug
        | Func::Truncate
        | Func::Replace
        | Func::Format
        | Func::String => text::edit(func, args, meter),
        Func::Split | Func::Lines | Func::Words | Func::Join => text::parts(func, args, meter),
        Func::Contains | Func::StartsWith | Func::EndsWith => text::test(func, args, meter),
        Func::Json => data::json(args, meter),
        Func::Yaml => data::yaml(args, meter),
        Func::Csv => data::csv(args, meter),
        Func::Int => numbers::int(args),
        Func::Float => numbers::float(args),
        Func::Abs => numbers::abs(args),
        Func::Round => numbers::round(args),
        Func::Floor | Func::Ceil => numbers::whole(func, args),
        Func::Min | Func::Max | Func::First | Func::Last => lists::pick(func, args, meter),
        Func::Keys | Func::Values | Func::Get | Func::Merge => lists::of_map(func, args, meter),
        Func::Range => lists::range(args, meter),
        Func::Zip => lists::zip(args, meter),
        Func::Bytes | Func::Kilobytes | Func::Megabytes | Func::Gigabytes => units::size(func, args),
        Func::Ms | Func::Seconds | Func::Minutes | Func::Hours | Func::Days => units::duration(func, args),
        Func::Dollars => units::dollars(args),
        Func::Where | Func::Map | Func::SortBy | Func::Any | Func::All | Func::Count | Func::Sum => {
            fail(format!("`{}` takes an expression about each item", func.name()))
        }
        Func::Uuid | Func::Hash | Func::File | Func::Exists => {
            fail(format!("`{}` is not a pure function", func.name()))
        }
    }
}
