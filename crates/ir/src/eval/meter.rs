//! Bounds on what one evaluation may do, so that no expression hangs a run or fills the memory.

use super::{EvalError, fail};
use crate::value::Value;

/// Steps of one evaluation: an operation, an item made or copied, or thirty-two bytes of text.
pub const WORK_MAX: usize = 10_000_000;

/// The longest text an expression may build.
pub const TEXT_BYTES_MAX: usize = 64 << 20;

/// The longest list an expression may build.
pub const ITEMS_MAX: usize = 1_000_000;

const TEXT_BYTES_PER_STEP: usize = 32;

#[derive(Default)]
pub(crate) struct Meter {
    done: usize,
}

impl Meter {
    pub(crate) fn steps(&mut self, count: usize) -> Result<(), EvalError> {
        self.done = self.done.saturating_add(count);
        if self.done > WORK_MAX {
            return fail(format!("the expression takes more than {WORK_MAX} steps"));
        }
        Ok(())
    }

    /// A value is copied, with everything in it. Texts are shared and cost nothing.
    pub(crate) fn copied(&mut self, value: &Value) -> Result<(), EvalError> {
        self.steps(parts(value))
    }

    /// A list of so many items is about to be made.
    pub(crate) fn items(&mut self, count: usize) -> Result<(), EvalError> {
        if count > ITEMS_MAX {
            return fail(format!(
                "a list of {count} items is too long, at most {ITEMS_MAX} are allowed"
            ));
        }
        self.steps(count)
    }

    /// A text of so many bytes is about to grow by so many.
    pub(crate) fn text(&mut self, bytes: usize, more: usize) -> Result<(), EvalError> {
        if bytes.saturating_add(more) > TEXT_BYTES_MAX {
            return fail(format!("a text is longer than {} MiB", TEXT_BYTES_MAX >> 20));
        }
        self.steps(1 + more / TEXT_BYTES_PER_STEP)
    }
}

/// How many values there are in a value.
fn parts(value: &Value) -> usize {
    match value {
        Value::List(items) => items.len() + items.iter().map(parts).sum::<usize>(),
        Value::Record(fields) => fields.len() + fields.values().map(parts).sum::<usize>(),
        _ => 0,
    }
}
