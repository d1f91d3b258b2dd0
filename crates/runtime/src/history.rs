//! A run as its journal tells it: every event folded again, every command compared with what was recorded.
//!
//! Promise: what comes out is the state of the driver that wrote the last valid line, or an error that names the first event at which
//! this engine decides otherwise. Nothing is run and nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::Engine;
use engine::event::{Command, Event, EventKind, RunStatus};
use ir::Plan;
use store::{Entry, Reader, RunFolder, RunMeta, Tail, canonical};

use crate::ahead;
use crate::error::{Divergence, RunError};

/// A run, folded up to the end of its journal.
#[derive(Debug)]
pub struct History {
    pub meta: RunMeta,
    pub engine: Engine,
    pub tail: Tail,
    /// Of the last event.
    pub last_ms: i64,
    /// Names of the inbox's files that are in the journal.
    pub taken: BTreeSet<String>,
    /// Who drove it last.
    pub last_driver: Option<LastDriver>,
}

/// What the journal says of the last driver and its supervisor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastDriver {
    pub boot_id: String,
    pub supervisor_pid: u32,
    pub supervisor_started: u64,
}

/// What a replay found: nothing to complain of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayReport {
    pub run: String,
    pub events: u64,
    pub commands: u64,
    pub status: RunStatus,
    /// Bytes behind the last valid line; a resume cuts them.
    pub torn_bytes: u64,
    /// Of the last line.
    pub head: String,
    pub state: String,
}

/// Feeds the journal of a run to a fresh engine and compares every command with what was recorded, byte for byte.
pub fn replay(folder: &RunFolder) -> Result<ReplayReport, RunError> {
    let mut commands = 0;
    let History { meta, engine, tail, .. } = fold(folder, |_, found| commands += found.len() as u64)?;
    let report = ReplayReport {
        run: meta.run,
        events: tail.seq,
        commands,
        status: engine.status(),
        torn_bytes: tail.torn.map_or(0, |torn| torn.bytes),
        head: tail.head.to_hex(),
        state: engine.state_digest(),
    };
    // taking a large state apart takes a while, for which nobody has to wait
    std::thread::spawn(move || drop(engine));
    Ok(report)
}

/// Folds a run; `see` is shown each line with the commands that it caused. While the plan is read and the engine decides, another thread
/// reads the journal.
pub fn fold(folder: &RunFolder, mut see: impl FnMut(&Entry, &[Command])) -> Result<History, RunError> {
    let meta = folder.meta()?;
    let reader = folder.read()?;
    let (to, lines) = ahead::channel();
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| ahead::read(reader, &meta, &{ to }));
        let mut folding = Folding::new(&meta, Arc::new(folder.plan(&meta)?))?;
        for batch in lines {
            for (entry, mut event) in batch? {
                with_plan(folder, &mut event.kind)?;
                folding.take(entry, &event, &mut see)?;
            }
        }
        let tail = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(folding.finish(tail))
    })
}

/// Puts the plan back into the event that speaks of it: it lies in the run's folder.
pub fn with_plan(folder: &RunFolder, kind: &mut EventKind) -> Result<(), RunError> {
    if let EventKind::Replanned(revision) = kind {
        let plan = folder.revision(revision.number, &revision.ir_hash)?;
        ir::verify::verify(&plan).map_err(|error| RunError::BadPlan(error.to_string()))?;
        revision.plan = Some(Arc::new(plan));
    }
    Ok(())
}

/// The same of a journal that lies in no folder, on one thread; `changed` has the plans of later revisions.
pub fn fold_journal(
    meta: RunMeta,
    plan: Arc<Plan>,
    changed: &BTreeMap<u32, Arc<Plan>>,
    mut reader: Reader,
    mut see: impl FnMut(&Entry, &[Command]),
) -> Result<History, RunError> {
    let mut folding = Folding::new(&meta, plan)?;
    while let Some((entry, mut event)) = ahead::next(&mut reader, &meta)? {
        if let EventKind::Replanned(revision) = &mut event.kind {
            revision.plan = changed.get(&revision.number).cloned();
        }
        folding.take(entry, &event, &mut see)?;
    }
    Ok(folding.finish(reader.tail().clone()))
}

/// A history while it is folded.
struct Folding<'m> {
    meta: &'m RunMeta,
    engine: Engine,
    last_ms: i64,
    taken: BTreeSet<String>,
    last_driver: Option<LastDriver>,
}

impl<'m> Folding<'m> {
    fn new(meta: &'m RunMeta, plan: Arc<Plan>) -> Result<Self, RunError> {
        ir::verify::verify(&plan).map_err(|error| RunError::BadPlan(error.to_string()))?;
        Ok(Self {
            meta,
            engine: Engine::new(plan),
            last_ms: 0,
            taken: BTreeSet::new(),
            last_driver: None,
        })
    }

    fn take(&mut self, entry: Entry, event: &Event, see: &mut impl FnMut(&Entry, &[Command])) -> Result<(), RunError> {
        let commands = self.engine.apply(event);
        compare(self.meta, &entry, &commands)?;
        see(&entry, &commands);
        self.last_ms = event.time_ms;
        if let EventKind::DriverStarted {
            boot_id,
            supervisor_pid,
            supervisor_started,
            ..
        } = &event.kind
        {
            self.last_driver = Some(LastDriver {
                boot_id: boot_id.to_string(),
                supervisor_pid: *supervisor_pid,
                supervisor_started: *supervisor_started,
            });
        }
        self.taken.extend(entry.inbox);
        Ok(())
    }

    fn finish(self, tail: Tail) -> History {
        History {
            meta: self.meta.clone(),
            engine: self.engine,
            tail,
            last_ms: self.last_ms,
            taken: self.taken,
            last_driver: self.last_driver,
        }
    }
}

pub(crate) fn parse(meta: &RunMeta, entry: &Entry) -> Result<Event, RunError> {
    Event::from_json(entry.event()).map_err(|error| RunError::UnknownEvent {
        run: meta.run.clone(),
        seq: entry.seq,
        what: error.to_string(),
        written_by: meta.engine.clone(),
    })
}

fn compare(meta: &RunMeta, entry: &Entry, commands: &[Command]) -> Result<(), RunError> {
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
