//! Bounds on what one evaluation may do, so that no expression hangs a run or fills the memory.

use super::{EvalError, fail};
use crate::value::Value;

/// Steps of one evaluation: an operation, an item made or copied, or sixty-four bytes of text.
pub const WORK_MAX: usize = 10_000_000;

/// The longest text an expression may build.
pub const TEXT_BYTES_MAX: usize = 64 << 20;

/// The longest list an expression may build.
pub const ITEMS_MAX: usize = 1_000_000;

const TEXT_BYTES_PER_STEP: usize = 64;

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

    /// A value is copied. Its parts are counted one level down: deeper ones were counted when they were made.
    pub(crate) fn copied(&mut self, value: &Value) -> Result<(), EvalError> {
        match value {
            Value::List(items) => self.steps(items.len()),
            Value::Record(fields) => self.steps(fields.len()),
            _ => Ok(()),
        }
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
            return fail(format!(
                "a text is longer than {} MiB",
                TEXT_BYTES_MAX >> 20
            ));
        }
        self.steps(1 + more / TEXT_BYTES_PER_STEP)
    }
}
