//! Undoing: the `rollback` scripts of what completed, last first, one at a time.
//!
//! A scope that aborts, runs out of time or is cancelled with a rollback undoes its nodes once none of them moves any
//! more, those of the plans that it called among them. An undo is idempotent by contract: one that was interrupted or
//! lost is started again. One that fails is reported, and the others still run. Absent: deciding when (`subplan`,
//! `stop`).

use smol_str::format_smolstr;

use crate::engine::Engine;
use crate::event::{AttemptId, Command, Ended, How, StartAttempt};
use crate::graph::task;
use crate::judge::{Failure, ending};
use crate::notice::Notice;
use crate::retry::idempotency_key;
use crate::scope::{Place, key};
use crate::scopes::ScopeId;
use crate::start::{milliseconds, timeout};
use crate::state::{NodeError, Undo, UndoStatus, UnitId};

impl Engine {
    /// Puts a unit that has just completed on the list of what can be undone.
    pub(crate) fn note_completion(&mut self, unit: UnitId) {
        self.state.completions += 1;
        let place = self.state.completions;
        self.state.unit_mut(unit).place = place;
        if self.scopes.traits(unit.node).can_undo {
            let scope = self.scopes.id_of(unit.node);
            self.state.scope_mut(scope).undoable.insert(place, unit);
        }
    }

    pub(crate) fn begin_rollback(&mut self, scope: ScopeId) {
        self.state.undos.insert(scope);
        let state = self.state.scope_mut(scope);
        if !std::mem::replace(&mut state.rolling_back, true) {
            let count = u32::try_from(state.undoable.len()).unwrap_or(u32::MAX);
            self.notices.push(Notice::RollingBack { count });
        }
    }

    /// Starts the next undo of the first scope that has one; says whether it did anything.
    pub(crate) fn undo_next(&mut self) -> bool {
        let Some(scope) = self.state.undos.pop_first() else {
            return false;
        };
        let state = self.state.scope_mut(scope);
        let Some((place, unit)) = state.undoable.pop_last() else {
            self.over.push_back(scope);
            return true;
        };
        state.undoing = Some(place);
        let before = self.state.unit(unit).undo.as_ref();
        let start = before.map_or(0, |undo| undo.start + 1);
        let attempt = AttemptId {
            node: unit.node,
            instance: unit.instance,
            attempt: self.state.unit(unit).attempt,
            start,
            undo: true,
        };
        self.state.unit_mut(unit).undo = Some(Box::new(Undo {
            status: UndoStatus::Running,
            start,
            error: None,
        }));
        match self.prepare_undo(unit, attempt) {
            Ok(command) => {
                self.occupy(attempt);
                self.notices.push(Notice::Undoing {
                    node: unit.node,
                    label: self.label(unit),
                });
                self.commands.push(Command::StartAttempt(Box::new(command)));
            }
            Err(failure) => self.undone(unit, Some(failure)),
        }
        true
    }

    fn prepare_undo(&mut self, unit: UnitId, attempt: AttemptId) -> Result<StartAttempt, Failure> {
        self.read_input(unit)?;
        let node = self.scopes.node(unit.node);
        let scope = self.scope(Place::Unit(unit));
        let script = task(node).and_then(|task| task.rollback.as_ref());
        let exec = script.map(|script| self.exec(unit, script, &scope)).transpose()?;
        let timeout_ms = timeout(node).map(|timeout| milliseconds(timeout, &scope)).transpose()?;
        let run = self.state.run.as_ref().map_or("", |run| run.run.as_str());
        let key = idempotency_key(run, &key(&self.scopes, &self.state, unit), Some("undo"), 0, None);
        Ok(StartAttempt {
            attempt,
            key,
            label: format_smolstr!("undo of {}", self.label(unit)),
            exec,
            call: None,
            dir: None,
            timeout_ms,
            idempotent: true,
            observes_before: false,
        })
    }

    pub(crate) fn undo_ended(&mut self, unit: UnitId, ended: &Ended) {
        match ended.how {
            How::Interrupted => self.undo_again(unit),
            _ => self.undone(unit, ending(ended)),
        }
    }

    /// An undo did not come to its end. It is repeated if the scope still wants it undone.
    pub(crate) fn undo_again(&mut self, unit: UnitId) {
        let scope = self.undoing_scope(unit);
        let state = self.state.scope_mut(scope);
        if let Some(place) = state.undoing.take() {
            state.undoable.insert(place, unit);
        }
        if self.rolls_back(scope) {
            self.state.undos.insert(scope);
        } else {
            self.fail_undo(unit, Failure::new("cancelled", "the run was cancelled while it ran"));
            self.over.push_back(scope);
        }
    }

    fn undone(&mut self, unit: UnitId, failure: Option<Failure>) {
        let scope = self.undoing_scope(unit);
        self.state.scope_mut(scope).undoing = None;
        self.state.unit_mut(unit).input.clear();
        match failure {
            None => {
                if let Some(undo) = &mut self.state.unit_mut(unit).undo {
                    undo.status = UndoStatus::Done;
                }
                self.notices.push(Notice::Undone {
                    node: unit.node,
                    label: self.label(unit),
                });
            }
            Some(failure) => self.fail_undo(unit, failure),
        }
        // whether more is to be undone, and what follows if not
        self.over.push_back(scope);
    }

    fn fail_undo(&mut self, unit: UnitId, failure: Failure) {
        let error = NodeError {
            kind: failure.mode,
            message: failure.message,
            exit: failure.exit,
            attempts: 1,
        };
        if let Some(undo) = &mut self.state.unit_mut(unit).undo {
            undo.status = UndoStatus::Failed;
            undo.error = Some(error.clone());
        }
        self.notices.push(Notice::UndoFailed {
            node: unit.node,
            label: self.label(unit),
            error,
        });
    }

    /// The scope that undoes a unit: its own, or one around it.
    fn undoing_scope(&self, unit: UnitId) -> ScopeId {
        let own = self.scopes.id_of(unit.node);
        let mut around = self.scopes.outward(own);
        around
            .find(|scope| self.state.scope(*scope).undoing.is_some())
            .unwrap_or(own)
    }
}
