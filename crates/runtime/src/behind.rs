//! Comparing what an engine decided with what was recorded, behind it: one thread decides, another writes the commands
//! as a journal has them.
//!
//! Promise: the first event at which they differ is the one that is named. Absent: what commands mean.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use engine::event::Command;
use store::{Entry, RunMeta, canonical};

use crate::error::{Divergence, RunError};

/// Batches that may wait to be compared.
const BEHIND: usize = 128;

/// Lines, with the commands that they caused.
pub type Decided = Vec<(Entry, Vec<Command>)>;

pub fn channel() -> (SyncSender<Decided>, Receiver<Decided>) {
    sync_channel(BEHIND)
}

/// Compares to the end, or to the first difference.
pub fn compare_all(meta: &RunMeta, decided: &Receiver<Decided>) -> Result<(), RunError> {
    for batch in decided {
        for (entry, commands) in &batch {
            compare(meta, entry, commands)?;
        }
    }
    Ok(())
}

pub fn compare(meta: &RunMeta, entry: &Entry, commands: &[Command]) -> Result<(), RunError> {
    let computed = canonical(&commands)?;
    let recorded = entry.commands();
    if computed == recorded {
        return Ok(());
    }
    let (recorded, computed) = around_difference(recorded, &computed);
    #[derive(serde::Deserialize)]
    struct Name {
        event: String,
    }
    let event = serde_json::from_str::<Name>(entry.event()).map_or_else(|_| "?".to_owned(), |name| name.event);
    let run = meta.run.clone();
    let written_by = meta.engine.clone();
    Err(RunError::Diverged(Box::new(Divergence {
        run,
        seq: entry.seq,
        event,
        recorded,
        computed,
        written_by,
    })))
}

/// Enough of both texts to see where they part.
fn around_difference(a: &str, b: &str) -> (String, String) {
    const BEFORE: usize = 60;
    const SHOWN: usize = 160;
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let cut = |text: &str| {
        let start = char_boundary(text, same.saturating_sub(BEFORE));
        let end = char_boundary(text, start + SHOWN);
        let dots = |there: bool| if there { "…" } else { "" };
        format!("`{}{}{}`", dots(start > 0), &text[start..end], dots(end < text.len()))
    };
    (cut(a), cut(b))
}

/// The last place at or before `at` where a character begins.
fn char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}
