//! Requests about a run from outside its driver: through its inbox if somebody drives it, else into its journal.
//!
//! Promise: a request that was accepted is on disk. Without a driver nothing is started: what the request allows starts with the next
//! resume.

use std::time::{Duration, Instant};

use engine::event::{EventKind, Resolution};
use engine::{Engine, InFlight};
use store::{Holder, Inbox, RunFolder, StoreError};

use crate::driver::Journal;
use crate::error::RunError;
use crate::history::{History, fold};
use crate::recover::reap;

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// The driver has it in its inbox, under this name.
    Left { name: String, holder: Holder },
    /// It is in the journal.
    Journaled,
}

const POLL: Duration = Duration::from_millis(20);

/// Asks for a pause. A run that nobody drives stands still already; it stays so on paper, too.
pub fn pause(folder: &RunFolder) -> Result<Asked, RunError> {
    ask(folder, |_| Ok(EventKind::PauseAsked))
}

/// Asks for the end of a run.
pub fn cancel(folder: &RunFolder, because: Option<String>) -> Result<Asked, RunError> {
    ask(folder, |_| {
        Ok(EventKind::CancelAsked {
            because: because.clone(),
        })
    })
}

/// Decides what became of an attempt in doubt. `label` names a node or an instance, `deploy` or `deploy[eu]`.
pub fn resolve(
    folder: &RunFolder,
    label: &str,
    resolution: Resolution,
    because: &str,
    by: &str,
) -> Result<Asked, RunError> {
    ask(folder, |engine| {
        let doubt = find_doubt(folder, engine, label)?;
        Ok(EventKind::Resolved {
            node: doubt.attempt.node,
            instance: doubt.attempt.instance,
            resolution,
            because: because.to_owned(),
            by: by.to_owned(),
        })
    })
}

/// Waits until a driver has taken a request; `false` if it did not in time.
pub fn wait_until_taken(folder: &RunFolder, name: &str, max: Duration) -> bool {
    let inbox = folder.inbox();
    let until = Instant::now() + max;
    while inbox.is_waiting(name) {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(POLL);
    }
    true
}

fn ask(folder: &RunFolder, request: impl Fn(&Engine) -> Result<EventKind, RunError>) -> Result<Asked, RunError> {
    let lock = match folder.lock() {
        Ok(lock) => lock,
        Err(StoreError::Held { .. }) => {
            let kind = request(&fold(folder, |_, _| {})?.engine)?;
            let name = post(&folder.inbox(), &kind)?;
            let holder = folder.driven_by()?.unwrap_or_else(|| Holder {
                pid: 0,
                host: String::new(),
                since: String::new(),
            });
            return Ok(Asked::Left { name, holder });
        }
        Err(error) => return Err(error.into()),
    };
    let history = fold(folder, |_, _| {})?;
    if let Some(end) = history.engine.end() {
        return Err(RunError::Ended {
            run: folder.id().to_owned(),
            status: end.status,
        });
    }
    reap(folder, history.last_driver.as_ref())?;
    let History {
        engine, tail, last_ms, ..
    } = history;
    let writer = folder.append(&lock, &tail)?;
    let mut journal = Journal::new(engine, writer, last_ms);
    // held still first: what follows from the request, or from lost attempts, must not count as started
    if journal.engine.run().is_some() {
        journal.apply(EventKind::PauseAsked, None)?;
        for lost in journal.engine.in_flight() {
            journal.apply(EventKind::AttemptLost { attempt: lost.attempt }, None)?;
        }
    }
    let kind = request(&journal.engine)?;
    if kind != EventKind::PauseAsked {
        journal.apply(kind, None)?;
    }
    journal.commit()?;
    Ok(Asked::Journaled)
}

fn find_doubt(folder: &RunFolder, engine: &Engine, label: &str) -> Result<InFlight, RunError> {
    let mut in_doubt = engine.blocked();
    match in_doubt.iter().position(|doubt| doubt.label == label) {
        Some(at) => Ok(in_doubt.swap_remove(at)),
        None => Err(RunError::NotInDoubt {
            run: folder.id().to_owned(),
            node: label.to_owned(),
            in_doubt: in_doubt.iter().map(|doubt| doubt.label.to_string()).collect(),
        }),
    }
}

fn post(inbox: &Inbox, kind: &EventKind) -> Result<String, RunError> {
    let text = serde_json::to_string(kind).map_err(|error| StoreError::Encode {
        what: error.to_string(),
    })?;
    Ok(inbox.post(&text)?)
}

/// Reads a request; only what people may ask is one.
pub(crate) fn parse(text: &str) -> Result<EventKind, String> {
    match serde_json::from_str(text) {
        Ok(
            kind @ (EventKind::PauseAsked
            | EventKind::CancelAsked { .. }
            | EventKind::Resolved { .. }
            | EventKind::Decided { .. }),
        ) => Ok(kind),
        Ok(_) => Err("it is not for the inbox".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
