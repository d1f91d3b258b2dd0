//! Reading a journal ahead of the engine that folds it: one thread reads, checks the chain and parses, the other decides.
//!
//! Promise: lines come in their order, an error where it was found, and what waits is 32 MB at most, however long the
//! journal: as much as is read while the plan is.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use engine::event::Event;
use store::{Entry, Reader, RunMeta, Tail};

use crate::error::RunError;
use crate::history::parse;

/// Lines are handed over together, so many bytes of them, …
const BATCH_BYTES: usize = 1 << 16;
/// … and so many times that may wait.
const AHEAD: usize = 512;

/// A line, and the event in it.
pub type Read = (Entry, Event);
pub type Batch = Result<Vec<Read>, RunError>;

pub fn channel() -> (SyncSender<Batch>, Receiver<Batch>) {
    sync_channel(AHEAD)
}

/// Reads to the end, to the first error, or until nobody listens; where it stopped.
pub fn read(mut reader: Reader, meta: &RunMeta, to: &SyncSender<Batch>) -> Tail {
    loop {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let stopped = loop {
            match next(&mut reader, meta) {
                Ok(Some(read)) => {
                    bytes += read.0.bytes();
                    batch.push(read);
                }
                Ok(None) => break Some(Ok(())),
                Err(error) => break Some(Err(error)),
            }
            if bytes >= BATCH_BYTES {
                break None;
            }
        };
        let listens = to.send(Ok(batch)).is_ok();
        if let Some(Err(error)) = stopped {
            // whoever does not listen has an error of their own
            let _ = to.send(Err(error));
            return reader.tail().clone();
        }
        if stopped.is_some() || !listens {
            return reader.tail().clone();
        }
    }
}

pub fn next(reader: &mut Reader, meta: &RunMeta) -> Result<Option<Read>, RunError> {
    let Some(entry) = reader.next_entry()? else {
        return Ok(None);
    };
    let event = parse(meta, &entry)?;
    Ok(Some((entry, event)))
}
