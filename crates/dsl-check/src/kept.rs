//! What is kept of a chunk that is being edited, beside its text: how its blocks were read and what they were found to be,
//! so that an edit of one is not work on all; and of a file what they are compared by.
//!
//! It stands outside of the database, which knows chunks but no blocks, and forgets a value for an equal one. Promise:
//! nothing follows from it: what is taken from it is what would be found again, because all that it followed from is the
//! same. Absent: which chunks are edited.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dsl_syntax::ast::Block;
use dsl_syntax::{ChunkContext, Reading};

use crate::check::Found;
use crate::scope::Common;
use crate::trees::OfBlock;

/// One stays with its chunk, whatever its text is.
#[derive(Debug, Default)]
pub struct Kept {
    reading: Mutex<Option<Reading>>,
    read_off: Mutex<Vec<Arc<OfBlock>>>,
    found: Mutex<Vec<Arc<Found>>>,
}

impl Kept {
    /// The blocks of a text; those that are as they were last time are the same ones.
    pub(crate) fn read(&self, text: &Arc<str>, context: ChunkContext) -> Vec<Arc<Block>> {
        let mut kept = locked(&self.reading);
        let read = match &*kept {
            Some(reading) => reading.again(text.clone(), context),
            None => Reading::new(text.clone(), context),
        };
        kept.insert(read).blocks()
    }

    /// What was last read off the blocks.
    pub(crate) fn read_off(&self) -> Vec<Arc<OfBlock>> {
        locked(&self.read_off).clone()
    }

    pub(crate) fn keep_read_off(&self, all: Vec<Arc<OfBlock>>) {
        *locked(&self.read_off) = all;
    }

    /// What the blocks were last found to be, in their order.
    pub(crate) fn found(&self) -> Vec<Arc<Found>> {
        locked(&self.found).clone()
    }

    pub(crate) fn keep_found(&self, all: Vec<Arc<Found>>) {
        *locked(&self.found) = all;
    }
}

/// One stays with its file.
#[derive(Debug, Default)]
pub struct KeptOfFile {
    common: Mutex<Option<Arc<Common>>>,
}

impl KeptOfFile {
    /// The same one as before, if it is equal, and otherwise with what is still the same in it: whoever holds it need not
    /// compare.
    pub(crate) fn common(&self, now: &Arc<Common>) -> Arc<Common> {
        let mut kept = locked(&self.common);
        let now = match &*kept {
            Some(before) if before == now => return before.clone(),
            Some(before) => Arc::new(now.after(before)),
            None => now.clone(),
        };
        kept.insert(now).clone()
    }
}

/// What is kept is whole, whoever panicked.
fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
