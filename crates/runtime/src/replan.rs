//! A run goes on under a changed plan.
//!
//! Promise: the plan is in the run's folder, durably, before the one event that says so is journaled: a crash leaves
//! the run under the old plan or under the new one. Nobody may drive the run meanwhile. Absent: what stays and what
//! runs anew (the engine), and driving.

use std::sync::Arc;

use engine::Engine;
use engine::event::{Event, EventKind, Revision};
use ir::plan::{Inputs, Plan};
use smol_str::SmolStr;
use store::RunFolder;

use crate::driver::Journal;
use crate::error::RunError;
use crate::history::{History, fold};
use crate::recover::reap;
use crate::request;
use crate::running::{Options, checked};
use crate::secrets::Values;

/// What somebody wants a run to go on with.
#[derive(Clone, Debug)]
pub struct Replan {
    pub plan: Plan,
    /// Parameters that are not those of the run.
    pub given: Inputs,
    /// Completed nodes that run once more all the same.
    pub rerun: Vec<SmolStr>,
    pub because: String,
    pub by: String,
}

impl Replan {
    /// The event, if the run can go on so as it is.
    fn revision(&self, folder: &RunFolder, engine: &Engine, options: &Options) -> Result<Revision, RunError> {
        engine.may_revise().map_err(RunError::NotReplanned)?;
        for name in &self.rerun {
            if !self.plan.nodes.iter().any(|node| node.id == *name) {
                return Err(RunError::NotReplanned(engine::NoRevision::NoSuchNode(name.clone())));
            }
        }
        let is_param = |name: &SmolStr| self.plan.params.iter().any(|param| param.name == *name);
        let mut given = engine.inputs().clone();
        given.retain(|name, _| is_param(name));
        given.extend(self.given.clone());
        let inputs = checked(&self.plan, given, options)?;
        Values::read(&self.plan, &folder.meta()?.cwd).map_err(RunError::Secrets)?;
        Ok(Revision {
            number: engine.next_revision(),
            ir_hash: self.plan.hash().into(),
            inputs,
            rerun: self.rerun.clone(),
            because: self.because.clone(),
            by: self.by.clone(),
            plan: Some(Arc::new(self.plan.clone())),
        })
    }
}

/// Changes the plan of a run that nobody drives. It is paused then, unless it only waits for people.
pub fn replan(folder: &RunFolder, replan: &Replan, options: &Options) -> Result<u32, RunError> {
    let lock = folder.lock()?;
    let History {
        engine,
        tail,
        last_ms,
        last_driver,
        ..
    } = fold(folder, |_, _| {})?;
    reap(folder, last_driver.as_ref())?;
    let mut journal = Journal::new(engine, folder.append(&lock, &tail)?, last_ms);
    for kind in standing_still(&journal.engine) {
        journal.apply(kind, None)?;
    }
    let revision = replan.revision(folder, &journal.engine, options)?;
    let mut kind = EventKind::Replanned(revision);
    request::redact(&mut kind, &request::known_secrets(folder, &journal.engine)?.0);
    let number = journal.engine.next_revision();
    folder.write_revision(&lock, number, &replan.plan)?;
    journal.apply(kind, None)?;
    journal.commit()?;
    Ok(number)
}

/// What the engine would make of it: the run as it would be then. Nothing is written.
pub fn preview(folder: &RunFolder, replan: &Replan, options: &Options) -> Result<Engine, RunError> {
    let History {
        mut engine, last_ms, ..
    } = fold(folder, |_, _| {})?;
    let apply = |engine: &mut Engine, kind: EventKind| {
        let time_ms = store::now_ms().max(last_ms);
        engine.apply(&Event { time_ms, kind });
    };
    for kind in standing_still(&engine) {
        apply(&mut engine, kind);
    }
    let revision = replan.revision(folder, &engine, options)?;
    apply(&mut engine, EventKind::Replanned(revision));
    Ok(engine)
}

/// What is told to a run that nobody drives, so that nothing of it counts as running: that it stands still, and what was lost.
pub fn standing_still(engine: &Engine) -> Vec<EventKind> {
    let moves = engine.run().is_some() && engine.end().is_none();
    let pause = (moves && !engine.is_paused()).then_some(EventKind::HOLD);
    let lost = engine.in_flight().into_iter();
    let lost = lost.map(|lost| EventKind::AttemptLost { attempt: lost.attempt });
    pause.into_iter().chain(lost).collect()
}
