//! Ending early and ending: pause, resume, cancel, abort, the plan's timeout, and the status of the whole.
//!
//! Abort lets running attempts end and repeats those that a crash interrupted; cancel and the plan's timeout stop them.
//! Each is about a scope and takes the plans along that it called.

use std::collections::BTreeMap;

use ir::plan::NodeId;

use crate::engine::Engine;
use crate::event::{Command, NodeStatus, RunStatus, StopReason, Timer};
use crate::notice::Notice;
use crate::scopes::ScopeId;
use crate::state::{ReadyKey, RunEnd, Stopping, UnitId};

/// What becomes of a unit that is not running when its run or its fan-out ends early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Halt {
    /// What was under way comes to its end, without further attempts.
    LetEnd,
    /// Everything is given up, except that doubts are resolved first.
    LetResolve,
    /// Everything is given up.
    Drop,
}

impl Engine {
    pub(crate) fn pause(&mut self) -> Result<(), String> {
        if self.state.paused {
            return Err("the run is already paused".to_owned());
        }
        self.state.paused = true;
        for (unit, attempt) in &self.state.in_flight {
            if attempt.undo || self.is_idempotent(*unit) {
                self.commands.push(Command::StopAttempt {
                    attempt: *attempt,
                    why: StopReason::Pause,
                });
            }
        }
        Ok(())
    }

    pub(crate) fn resume(&mut self) -> Result<(), String> {
        if !self.state.paused {
            return Err("the run is not paused".to_owned());
        }
        self.state.paused = false;
        self.state.budget_stop = None;
        Ok(())
    }

    pub(crate) fn cancel(&mut self, rollback: bool) -> Result<(), String> {
        let outermost = self.scopes.outermost_id();
        if let Some(Stopping::Cancel { .. }) = self.state.scope(outermost).stopping {
            return Err("the run is already being cancelled".to_owned());
        }
        self.stop(outermost, Stopping::Cancel { rollback });
        Ok(())
    }

    /// A timer of a scope fired.
    pub(crate) fn time_is_up(&mut self, scope: ScopeId) -> Result<(), String> {
        let Some(over_ms) = self.state.deadlines.get(&scope) else {
            return Err("nothing waits for it".to_owned());
        };
        if self.state.clock.used_ms < *over_ms {
            // It was set before the run stood still: it is set anew while the run moves.
            self.state.clock.ticking = false;
            return Ok(());
        }
        self.state.deadlines.remove(&scope);
        self.notices.push(match &self.scopes.get(scope).caller {
            None => Notice::PlanTimeout,
            Some(caller) => Notice::CallTimeout {
                node: caller.unit.node,
                label: self.label(caller.unit),
            },
        });
        self.stop(scope, Stopping::Timeout(scope));
        Ok(())
    }

    /// Nothing starts in a scope any more.
    pub(crate) fn stop(&mut self, scope: ScopeId, stopping: Stopping) {
        self.state.scope_mut(scope).stopping = Some(stopping);
        if stopping.drops() {
            self.state.deadlines.remove(&scope);
            self.stop_attempts(scope, stopping);
        }
        self.halt_all(scope, stopping);
        // it may have been undoing already
        self.over.push_back(scope);
    }

    /// Stops what runs in a scope; undoing only if nothing is to be undone any more.
    fn stop_attempts(&mut self, scope: ScopeId, stopping: Stopping) {
        let why = match stopping {
            Stopping::Timeout(_) => StopReason::PlanTimeout,
            Stopping::Abort(_) => StopReason::Abort,
            Stopping::Cancel { .. } => StopReason::Cancel,
        };
        let undoes = stopping == Stopping::Cancel { rollback: true };
        let nodes = self.scopes.get(scope).nodes();
        let first = |node| UnitId { node, instance: None };
        let running = self.state.in_flight.range(first(nodes.start)..first(nodes.end));
        let running = running.map(|(_, attempt)| *attempt);
        let stopped = running.filter(|attempt| !(attempt.undo && undoes));
        self.commands
            .extend(stopped.map(|attempt| Command::StopAttempt { attempt, why }));
    }

    /// `failure: abort`, after a failure that nothing handles. What the worklist still held has been worked off.
    pub(crate) fn abort(&mut self, because: NodeId) {
        let scope = self.scopes.id_of(because);
        if self.state.scope(scope).stopping.is_some() {
            return;
        }
        self.notices.push(Notice::Aborting {
            node: because,
            label: self.scopes.name(because),
        });
        self.stop(scope, Stopping::Abort(because));
    }

    /// Settles everything in a scope that will not go on. It looks at every node, once or twice in the life of a scope.
    fn halt_all(&mut self, scope: ScopeId, stopping: Stopping) {
        let halt = match stopping {
            Stopping::Abort(_) => Halt::LetEnd,
            Stopping::Cancel { rollback: true } => Halt::LetResolve,
            Stopping::Cancel { rollback: false } | Stopping::Timeout(_) => Halt::Drop,
        };
        for id in self.scopes.get(scope).nodes() {
            let node = self.state.node(id);
            if node.is_settled() {
                continue;
            }
            if node.fan.is_some() {
                self.halt_instances(id, halt);
            } else if node.status == NodeStatus::Pending {
                self.settle(id, NodeStatus::Cancelled);
            } else {
                self.halt_unit(
                    UnitId {
                        node: id,
                        instance: None,
                    },
                    halt,
                );
            }
        }
    }

    pub(crate) fn halt_instances(&mut self, id: NodeId, halt: Halt) {
        let count = self.state.node(id).fan.as_ref().map_or(0, |fan| fan.instances.len());
        for index in 0..u32::try_from(count).unwrap_or(u32::MAX) {
            self.halt_unit(
                UnitId {
                    node: id,
                    instance: Some(index),
                },
                halt,
            );
        }
    }

    fn halt_unit(&mut self, unit: UnitId, halt: Halt) {
        let state = self.state.unit(unit);
        let attempted = state.attempt > 0;
        if state.status == NodeStatus::Running {
            return self.stop_call(unit);
        }
        let goes_on = match state.status {
            NodeStatus::Running => true,
            NodeStatus::Blocked => halt != Halt::Drop,
            NodeStatus::Pending | NodeStatus::Ready | NodeStatus::Waiting => halt == Halt::LetEnd && state.again,
            NodeStatus::Completed | NodeStatus::Failed | NodeStatus::Skipped | NodeStatus::Cancelled => true,
        };
        if goes_on {
            return;
        }
        let error = state
            .error
            .as_deref()
            .cloned()
            .filter(|_| attempted && halt == Halt::LetEnd);
        self.withdraw(unit);
        match error {
            Some(error) => self.unit_failed(unit, error),
            None => self.unit_cancelled(unit),
        }
    }

    /// Takes a unit out of every queue.
    pub(crate) fn withdraw(&mut self, unit: UnitId) {
        let key = self.ready_key(unit);
        let mut was_ready = self.unpark(unit);
        was_ready |= self.leave_queue(key);
        was_ready |= self.state.to_ask.remove(&key);
        was_ready |= self.state.looking.remove(&unit);
        self.state.backoffs.remove(&unit);
        self.state.blocked.remove(&unit);
        self.state.asking.remove(&unit);
        self.state.awaited.remove(&unit);
        if let (Some(index), Some(fan)) = (unit.instance, &mut self.state.node_mut(unit.node).fan) {
            fan.waiting.remove(&index);
        }
        if !was_ready {
            self.hold_place(unit);
        }
    }

    /// Takes a unit out of the queue for places; says whether it was in it.
    pub(crate) fn leave_queue(&mut self, key: ReadyKey) -> bool {
        let mut was_in_it = self.state.ready.remove(&key);
        for scope in self.scopes.outward(self.scopes.id_of(key.unit.node)) {
            was_in_it |= self.state.scope_mut(scope).held.remove(&key);
        }
        if was_in_it {
            self.pass_on(key.unit);
        }
        was_in_it
    }

    /// The end of an instance gives up its place; one that had none takes one for the moment.
    pub(crate) fn hold_place(&mut self, unit: UnitId) {
        if let (Some(_), Some(fan)) = (unit.instance, &mut self.state.node_mut(unit.node).fan) {
            fan.active += 1;
        }
    }

    /// Lets the clock of the run go on or stand still, and tells the driver when the time of each scope will be up.
    pub(crate) fn run_clock(&mut self, runs: bool) {
        let starts = runs && !self.state.clock.ticking;
        self.state.clock.ticking = runs;
        if starts {
            let deadlines: Vec<_> = self.state.deadlines.iter().map(|(scope, at)| (*scope, *at)).collect();
            for (scope, over_ms) in deadlines {
                self.set_timer(scope, over_ms);
            }
            let dropping = self
                .state
                .scope(self.scopes.outermost_id())
                .stopping
                .is_some_and(Stopping::drops);
            if let Some(end_ms) = self.budget_time_ms().filter(|_| !dropping) {
                let left_ms = i64::try_from(end_ms.saturating_sub(self.state.clock.used_ms)).unwrap_or(i64::MAX);
                let at_ms = self.state.now_ms.saturating_add(left_ms);
                self.commands.push(Command::SetTimer {
                    timer: Timer::Budget,
                    at_ms,
                });
            }
        }
    }

    /// Ends the run once every node has settled.
    pub(crate) fn end_if_over(&mut self) {
        let state = &self.state;
        if !state.remembering.is_empty() {
            return;
        }
        if state.scope(self.scopes.outermost_id()).ended {
            self.state.end = Some(self.run_end());
            return;
        }
        let moves = !state.in_flight.is_empty() || !state.ready.is_empty() || !state.backoffs.is_empty();
        let moves = moves || !state.looking.is_empty();
        let asks = !state.asking.is_empty() || !state.awaited.is_empty() || !state.to_ask.is_empty();
        let waits = !state.parked.is_empty() || !state.blocked.is_empty();
        if moves || waits || asks || !state.undos.is_empty() {
            return;
        }
        // Only a plan that `ir::verify` refuses gets here: nodes that wait for each other. Better an end than a run that hangs.
        let stuck = self
            .scopes
            .outermost()
            .nodes()
            .find(|id| !self.state.node(*id).is_settled())
            .unwrap_or(0);
        let message = format!("`{}` waits for something that waits for it", self.scopes.node(stuck).id);
        self.halt_all(self.scopes.outermost_id(), Stopping::Cancel { rollback: false });
        self.work.clear();
        self.over.clear();
        self.state.end = Some(RunEnd {
            message: Some(message),
            status: RunStatus::Failed,
            outputs: BTreeMap::new(),
        });
    }

    fn run_end(&self) -> RunEnd {
        let (outputs, missing) = self.plan_outputs(self.scopes.outermost_id());
        let whole = self.state.scope(self.scopes.outermost_id());
        let unhandled = whole.unhandled.first();
        let (status, message) = match whole.stopping {
            Some(Stopping::Cancel { .. }) => (RunStatus::Cancelled, None),
            Some(Stopping::Timeout(_)) => (RunStatus::Failed, Some("the plan's time is up".to_owned())),
            Some(Stopping::Abort(_)) => (RunStatus::Failed, None),
            None if unhandled.is_some() => (RunStatus::Failed, None),
            None if missing.is_some() => (RunStatus::Failed, missing),
            None => (RunStatus::Completed, None),
        };
        RunEnd {
            status,
            message,
            outputs,
        }
    }
}
