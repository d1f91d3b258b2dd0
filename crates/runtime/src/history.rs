//! A run as its journal tells it: every event folded again, every command compared with what was recorded.
//!
//! Promise: what comes out is the state of the driver that wrote the last valid line, or an error that names the first
//! event at which this engine decides otherwise. Nothing is run and nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use engine::Engine;
use engine::event::{Command, Event, EventKind, RunStatus};
use ir::Plan;
use store::{Entry, Reader, RunFolder, RunMeta, Tail};

use crate::ahead;
use crate::behind::{self, Decided, compare};
use crate::error::RunError;

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

/// Folds a run; `see` is shown each line with the commands that it caused, before they are compared with what was
/// recorded. While the plan is read and the engine decides, one thread reads the journal ahead of it, and another
/// compares behind it.
pub fn fold(folder: &RunFolder, mut see: impl FnMut(&Entry, &[Command])) -> Result<History, RunError> {
    let meta = folder.meta()?;
    let reader = folder.read()?;
    let (to, lines) = ahead::channel();
    let (decided, to_compare) = behind::channel();
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| ahead::read(reader, &meta, &{ to }));
        let comparing = scope.spawn(|| behind::compare_all(&meta, &{ to_compare }));
        let folded = fold_lines(folder, &meta, lines, decided, &mut see);
        // what is wrong with a line is found behind those before it
        comparing.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        let folding = folded?;
        let tail = reading.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok(folding.finish(tail))
    })
}

/// Folds until there are no more lines, or one of them is found to differ.
fn fold_lines<'m>(
    folder: &RunFolder,
    meta: &'m RunMeta,
    lines: Receiver<ahead::Batch>,
    decided: SyncSender<Decided>,
    see: &mut impl FnMut(&Entry, &[Command]),
) -> Result<Folding<'m>, RunError> {
    let mut folding = Folding::new(meta, Arc::new(folder.plan(meta)?))?;
    for batch in lines {
        let batch = batch?;
        let mut behind = Vec::with_capacity(batch.len());
        for (entry, mut event) in batch {
            with_plan(folder, &mut event.kind)?;
            let commands = folding.take(&entry, &event);
            see(&entry, &commands);
            behind.push((entry, commands));
        }
        if decided.send(behind).is_err() {
            break;
        }
    }
    Ok(folding)
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
        let commands = folding.take(&entry, &event);
        compare(folding.meta, &entry, &commands)?;
        see(&entry, &commands);
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

    fn take(&mut self, entry: &Entry, event: &Event) -> Vec<Command> {
        let commands = self.engine.apply(event);
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
        self.taken.extend(entry.inbox.clone());
        commands
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
