//! Ending early and ending: pause, resume, cancel, abort, the plan's timeout, and the status of the whole.
//!
//! Abort lets running attempts end and repeats those that a crash interrupted; cancel and the plan's timeout stop them.

use std::collections::BTreeMap;

use ir::data;
use ir::plan::NodeId;

use crate::engine::Engine;
use crate::event::{Command, NodeStatus, RunStatus, StopReason, Timer};
use crate::judge::described;
use crate::notice::Notice;
use crate::scope::Place;
use crate::state::{RunEnd, Stopping, UnitId};

/// What becomes of a unit that is not running when its run or its fan-out ends early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Halt {
    /// What was under way comes to its end, without further attempts.
    LetEnd,
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
            if self.is_idempotent(*unit) {
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

    pub(crate) fn cancel(&mut self) -> Result<(), String> {
        if self.state.stopping == Some(Stopping::Cancel) {
            return Err("the run is already being cancelled".to_owned());
        }
        self.stop_all(Stopping::Cancel, StopReason::Cancel);
        Ok(())
    }

    pub(crate) fn plan_timer_fired(&mut self) -> Result<(), String> {
        let Some(timeout_ms) = self.plan().timeout_ms else {
            return Err("the plan has no timeout".to_owned());
        };
        if self.state.clock.used_ms < timeout_ms {
            // It was set before the run stood still: it is set anew while the run moves.
            self.state.clock.ticking = false;
            return Ok(());
        }
        if matches!(self.state.stopping, Some(Stopping::Cancel | Stopping::PlanTimeout)) {
            return Err("the run is already being stopped".to_owned());
        }
        self.notices.push(Notice::PlanTimeout);
        self.stop_all(Stopping::PlanTimeout, StopReason::PlanTimeout);
        Ok(())
    }

    fn stop_all(&mut self, stopping: Stopping, why: StopReason) {
        self.state.stopping = Some(stopping);
        for attempt in self.state.in_flight.values() {
            self.commands.push(Command::StopAttempt { attempt: *attempt, why });
        }
        self.halt_all(Halt::Drop);
    }

    /// `failure: abort`, after a failure that nothing handles. What the worklist still held has been worked off.
    pub(crate) fn abort(&mut self, because: NodeId) {
        if self.state.stopping.is_some() {
            return;
        }
        let label = self.label(UnitId {
            node: because,
            instance: None,
        });
        self.notices.push(Notice::Aborting { node: because, label });
        self.state.stopping = Some(Stopping::Abort(because));
        self.halt_all(Halt::LetEnd);
    }

    /// Settles everything that will not go on. It looks at every node, once in the life of a run.
    fn halt_all(&mut self, halt: Halt) {
        for id in 0..self.node_count() {
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
        let goes_on = match state.status {
            NodeStatus::Running => true,
            NodeStatus::Blocked => halt == Halt::LetEnd,
            NodeStatus::Pending | NodeStatus::Ready | NodeStatus::Waiting => halt == Halt::LetEnd && state.again,
            NodeStatus::Completed | NodeStatus::Failed | NodeStatus::Skipped | NodeStatus::Cancelled => true,
        };
        if goes_on {
            return;
        }
        let error = state.error.clone().filter(|_| attempted && halt == Halt::LetEnd);
        self.withdraw(unit);
        match error {
            Some(error) => self.unit_failed(unit, error),
            None => self.unit_cancelled(unit),
        }
    }

    /// Takes a unit out of every queue.
    fn withdraw(&mut self, unit: UnitId) {
        let key = self.ready_key(unit);
        let was_parked = self.unpark(unit);
        let was_ready = self.state.ready.remove(&key) || was_parked;
        self.state.backoffs.remove(&unit);
        self.state.blocked.remove(&unit);
        self.state.asking.remove(&unit.node);
        if let (Some(index), Some(fan)) = (unit.instance, &mut self.state.node_mut(unit.node).fan) {
            fan.waiting.remove(&index);
        }
        if !was_ready {
            self.hold_place(unit);
        }
    }

    /// The end of an instance gives up its place; one that had none takes one for the moment.
    pub(crate) fn hold_place(&mut self, unit: UnitId) {
        if let (Some(_), Some(fan)) = (unit.instance, &mut self.state.node_mut(unit.node).fan) {
            fan.active += 1;
        }
    }

    /// Lets the run's clock run or stand still, and tells the driver when its time will be over.
    pub(crate) fn run_clock(&mut self, runs: bool) {
        let ends = [
            (Timer::Plan, self.plan().timeout_ms),
            (Timer::Budget, self.budget_time_ms()),
        ];
        let clock = &mut self.state.clock;
        let starts = runs
            && !clock.ticking
            && self
                .state
                .stopping
                .is_none_or(|stopping| matches!(stopping, Stopping::Abort(_)));
        clock.ticking = runs;
        if starts {
            let (used_ms, now_ms) = (clock.used_ms, self.state.now_ms);
            for (timer, end_ms) in ends {
                let Some(end_ms) = end_ms else { continue };
                let left_ms = i64::try_from(end_ms.saturating_sub(used_ms)).unwrap_or(i64::MAX);
                let at_ms = now_ms.saturating_add(left_ms);
                self.commands.push(Command::SetTimer { timer, at_ms });
            }
        }
    }

    /// Ends the run once every node has settled.
    pub(crate) fn end_if_over(&mut self) {
        let state = &self.state;
        let moves = !state.in_flight.is_empty() || !state.ready.is_empty() || !state.backoffs.is_empty();
        let moves = moves || !state.parked.is_empty();
        if moves || !state.blocked.is_empty() || !state.asking.is_empty() {
            return;
        }
        if state.unsettled == 0 {
            self.state.end = Some(self.run_end());
            return;
        }
        // Only a plan that `ir::verify` refuses gets here: nodes that wait for each other. Better an end than a run that hangs.
        let stuck = (0..self.node_count())
            .find(|id| !self.state.node(*id).is_settled())
            .unwrap_or(0);
        let message = format!("`{}` waits for something that waits for it", self.scopes.node(stuck).id);
        self.halt_all(Halt::Drop);
        self.work.clear();
        self.state.end = Some(RunEnd {
            message: Some(message),
            status: RunStatus::Failed,
            outputs: BTreeMap::new(),
        });
    }

    fn run_end(&self) -> RunEnd {
        let (outputs, missing) = self.plan_outputs();
        let unhandled = self.state.unhandled.first();
        let (status, message) = match self.state.stopping {
            Some(Stopping::Cancel) => (RunStatus::Cancelled, None),
            Some(Stopping::PlanTimeout) => (RunStatus::Failed, Some("the plan's time is up".to_owned())),
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

    /// The outputs that have a value of their type, and what is wrong with the first that has not.
    fn plan_outputs(&self) -> (BTreeMap<smol_str::SmolStr, ir::Value>, Option<String>) {
        let plan = self.plan();
        let scope = self.scope(Place::Plan(0));
        let mut outputs = BTreeMap::new();
        let mut missing = None;
        for output in &plan.outputs {
            let value = scope
                .eval(&output.value)
                .map_err(|error| format!(": {}", error.message));
            let value = value.and_then(|value| match value {
                ir::Value::None if !matches!(output.ty, ir::Type::Optional(_)) => Err(" is absent".to_owned()),
                value => data::check(value, &output.ty, &plan.types).map_err(|error| described(&error)),
            });
            match value {
                Ok(value) => {
                    outputs.insert(output.name.clone(), value);
                }
                Err(why) => {
                    missing.get_or_insert(format!("the plan's output `{}`{why}", output.name));
                }
            }
        }
        (outputs, missing)
    }
}
