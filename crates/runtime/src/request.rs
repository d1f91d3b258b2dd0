//! Requests about a run from outside its driver: through its inbox if somebody drives it, else into its journal.
//!
//! Promise: a request that was accepted is on disk, and of two that contradict each other the journal's order decides.
//! Without a driver nothing is started: whoever asked is told whether something could go on.

use std::time::{Duration, Instant};

use engine::event::{EventKind, Resolution};
use engine::{Engine, InFlight};
use ir::plan::Budget;
use ir::value::Value;
use smol_str::SmolStr;
use store::{Holder, Inbox, RunFolder, StoreError};

use crate::driver::Journal;
use crate::error::RunError;
use crate::history::{History, fold};
use crate::recover::reap;
use crate::secrets::{Secrets, Values};

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// The driver has journaled it.
    Taken(Holder),
    /// Nobody drove the run, and it is in the journal.
    Journaled {
        /// Something can start now, once somebody drives the run.
        goes_on: bool,
        /// Secrets that this process cannot read, so what was written was not searched for them.
        unread: Vec<SmolStr>,
    },
    /// The driver has it in its inbox, and takes its time.
    Left(Holder),
    /// It is so already.
    Already,
}

/// So long a driver has to take a request before it is called slow.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);

/// Asks for a pause. A run that nobody drives stands still already; it stays so on paper, too.
pub fn pause(folder: &RunFolder) -> Result<Asked, RunError> {
    ask(folder, |_| Ok(Some(EventKind::PAUSE)))
}

/// Asks for the end of a run; with `rollback` what completed is undone first, by its driver or, if it has none, by the
/// next resume.
pub fn cancel(folder: &RunFolder, because: Option<String>, rollback: bool) -> Result<Asked, RunError> {
    ask(folder, |_| {
        Ok(Some(EventKind::CancelAsked {
            because: because.clone(),
            rollback,
        }))
    })
}

/// Raises the budget of a run; what is absent stays as it is.
pub fn raise_budget(folder: &RunFolder, budget: &Budget, by: &str) -> Result<Asked, RunError> {
    ask(folder, |engine| {
        engine.may_raise(budget).map_err(RunError::Budget)?;
        Ok(Some(EventKind::BudgetRaised {
            budget: budget.clone(),
            by: by.to_owned(),
        }))
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
        Ok(Some(EventKind::Resolved {
            node: doubt.attempt.node,
            instance: doubt.attempt.instance,
            resolution,
            because: because.to_owned(),
            by: by.to_owned(),
        }))
    })
}

/// What `request` makes of the run as it is: an event, nothing because it is so already, or a refusal.
pub(crate) fn ask(
    folder: &RunFolder,
    request: impl Fn(&Engine) -> Result<Option<EventKind>, RunError>,
) -> Result<Asked, RunError> {
    loop {
        match folder.lock() {
            Ok(lock) => return journal(folder, &lock, &request),
            Err(StoreError::Held { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let engine = fold(folder, |_, _| {})?.engine;
        let Some(mut kind) = request(&engine)? else {
            return Ok(Asked::Already);
        };
        redact(&mut kind, &known_secrets(folder, &engine)?.0);
        let name = post(&folder.inbox(), &kind)?;
        match wait_until_taken(folder, &name)? {
            Some(asked) => return Ok(asked),
            // it ended without having seen it
            None => folder.inbox().done(&name)?,
        }
    }
}

/// Waits until the driver has taken a request, or has had its time; `None` if there is no driver any more.
fn wait_until_taken(folder: &RunFolder, name: &str) -> Result<Option<Asked>, RunError> {
    let inbox = folder.inbox();
    let until = Instant::now() + TAKEN_WITHIN;
    let mut driver = None;
    loop {
        let holder = folder.driven_by()?;
        let gone = holder.is_none();
        driver = holder.or(driver);
        if !inbox.is_waiting(name) {
            return Ok(Some(Asked::Taken(driver.unwrap_or_else(unknown))));
        }
        if gone {
            return Ok(None);
        }
        if Instant::now() > until {
            return Ok(Some(Asked::Left(driver.unwrap_or_else(unknown))));
        }
        std::thread::sleep(POLL);
    }
}

fn unknown() -> Holder {
    Holder {
        pid: 0,
        host: String::new(),
        since: String::new(),
    }
}

/// Journals a request about a run that nobody drives.
fn journal(
    folder: &RunFolder,
    lock: &store::RunLock,
    request: impl Fn(&Engine) -> Result<Option<EventKind>, RunError>,
) -> Result<Asked, RunError> {
    let history = fold(folder, |_, _| {})?;
    let Some(mut kind) = request(&history.engine)? else {
        return Ok(Asked::Already);
    };
    let (secrets, mut unread) = known_secrets(folder, &history.engine)?;
    redact(&mut kind, &secrets);
    let is_answer = matches!(kind, EventKind::Answered { .. });
    if texts(&mut kind).is_empty() && !is_answer {
        unread.clear();
    }
    let reopens = matches!(kind, EventKind::RetryAsked { .. });
    if let Some(end) = history.engine.end().filter(|_| !reopens) {
        return Err(RunError::Ended {
            run: folder.id().to_owned(),
            status: end.status,
        });
    }
    reap(folder, history.last_driver.as_ref())?;
    let History {
        engine, tail, last_ms, ..
    } = history;
    // nothing of a run that has ended moves before somebody drives it
    let held = engine.is_paused() || engine.end().is_some();
    let writer = folder.append(lock, &tail)?;
    let mut journal = Journal::new(engine, writer, last_ms);
    // held still first: what follows from the request, or from lost attempts, must not count as started
    let pauses = matches!(kind, EventKind::PauseAsked { .. });
    if journal.engine.run().is_some() && !held {
        journal.apply(if pauses { EventKind::PAUSE } else { EventKind::HOLD }, None)?;
    }
    for lost in journal.engine.in_flight() {
        journal.apply(EventKind::AttemptLost { attempt: lost.attempt }, None)?;
    }
    if !pauses {
        journal.apply(kind, None)?;
    }
    let over = journal.engine.end().is_some();
    let goes_on = !held && !pauses && !over && journal.engine.has_ready();
    // nothing would start: then it need not look paused, and says for whom it waits
    if !held && !pauses && !over && !goes_on {
        journal.apply(EventKind::LET_GO, None)?;
    }
    journal.commit()?;
    Ok(Asked::Journaled { goes_on, unread })
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

/// The secrets of the run that this process can read, to take them out before anything is written, and the names of the
/// others. A driver, which knows all of them, searches once more.
pub(crate) fn known_secrets(folder: &RunFolder, engine: &Engine) -> Result<(Secrets, Vec<SmolStr>), RunError> {
    let meta = folder.meta()?;
    let (mut values, unread) = Values::readable(engine.plan(), &meta.cwd);
    for earlier in engine.earlier_plans() {
        values = values.and_readable(earlier, &meta.cwd);
    }
    Ok((Secrets::new(values, &meta.run, meta.seed), unread))
}

/// What people write is like what scripts print.
pub(crate) fn redact(kind: &mut EventKind, secrets: &Secrets) {
    let redactor = secrets.redactor();
    if redactor.is_idle() {
        return;
    }
    for text in texts(kind) {
        *text = redactor.text(text).into_owned();
    }
    if let EventKind::Answered { answer, .. } = kind {
        *answer = redactor.value(std::mem::replace(answer, Value::None));
    }
}

/// What people wrote, of a request.
fn texts(kind: &mut EventKind) -> Vec<&mut String> {
    match kind {
        EventKind::CancelAsked { because, .. }
        | EventKind::RetryAsked { because, .. }
        | EventKind::Answered { because, .. }
        | EventKind::Decided { because, .. } => because.iter_mut().collect(),
        EventKind::Resolved { because, .. } => vec![because],
        EventKind::Replanned(revision) => vec![&mut revision.because],
        _ => Vec::new(),
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
            kind @ (EventKind::PauseAsked { .. }
            | EventKind::CancelAsked { .. }
            | EventKind::Resolved { .. }
            | EventKind::RetryAsked { .. }
            | EventKind::BudgetRaised { .. }
            | EventKind::Answered { .. }
            | EventKind::Decided { .. }),
        ) => Ok(kind),
        Ok(_) => Err("it is not for the inbox".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
