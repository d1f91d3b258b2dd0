//! Plans that tasks call: an attempt of such a task is a scope of the run.
//!
//! It begins with the attempt and ends when everything in it has settled and, if it aborted, been undone; a further
//! attempt begins another. The task's `requires` come before, its outputs, failure modes and expectations after.
//! Nothing here recurses: what follows for a caller waits in a queue, so calls may be nested as deep as plans are.

use std::collections::BTreeMap;
use std::sync::Arc;

use ir::data;
use ir::plan::{FailurePolicy, Inputs, NodeId, Work as TaskWork};
use ir::value::Value;
use smol_str::{SmolStr, format_smolstr};

use crate::engine::{Engine, Work};
use crate::event::{Command, Ended, Timer};
use crate::graph::task;
use crate::inputs;
use crate::judge::Failure;
use crate::notice::Notice;
use crate::scope::Place;
use crate::scopes::{Caller, Program, ScopeId};
use crate::start::{milliseconds, timeout};
use crate::state::{Called, Stopping, UnitId};
use crate::takeover;
use crate::world::Replay;

impl Engine {
    /// The plan that the unit's task calls.
    pub(crate) fn called_plan(&self, unit: UnitId) -> Option<&SmolStr> {
        if !self.scopes.traits(unit.node).calls_plan {
            return None;
        }
        match &task(self.scopes.node(unit.node))?.work {
            TaskWork::Call(name) => Some(name),
            _ => None,
        }
    }

    /// Whether the plan that the unit's attempt called has completed, and what it made waits to be judged.
    pub(crate) fn call_is_over(&self, unit: UnitId) -> bool {
        let called = self.state.unit(unit).called.as_ref();
        called.is_some_and(|called| called.outputs.is_some())
    }

    /// Why nothing new starts in the scope of a node.
    pub(crate) fn stopping(&self, id: NodeId) -> Option<Stopping> {
        self.state.scope(self.scopes.id_of(id)).stopping
    }

    /// Begins the scope of an attempt whose preconditions hold.
    pub(crate) fn begin_call(&mut self, unit: UnitId) {
        if self.stopping(unit.node).is_some() {
            return self.unit_cancelled(unit);
        }
        match self.callable(unit) {
            Err(failure) => self.finish_attempt(unit, Err(failure)),
            Ok((program, inputs, timeout_ms)) => self.begin_scope(unit, program, inputs, timeout_ms),
        }
    }

    /// The plan, its parameters, and how long it may take.
    fn callable(&self, unit: UnitId) -> Result<(Arc<Program>, Inputs, Option<u64>), Failure> {
        let name = self.called_plan(unit).cloned().unwrap_or_default();
        let program = self.programs.get(&name).cloned();
        let program = program.ok_or_else(|| Failure::new("failure", format!("there is no plan `{name}`")))?;
        if !self.scopes.has_room(program.plan.nodes.len()) {
            return Err(Failure::new("failure", "the run has more nodes than can be numbered"));
        }
        let inputs = inputs::complete(&program.plan, Inputs::clone(&self.state.unit(unit).input))
            .map_err(|problems| Failure::new("expression-error", problems.join("; ")))?;
        let scope = self.scope(Place::Unit(unit));
        let own_ms = timeout(self.scopes.node(unit.node))
            .map(|timeout| milliseconds(timeout, &scope))
            .transpose()?;
        let timeout_ms = own_ms.into_iter().chain(program.plan.timeout_ms).min();
        Ok((program, inputs, timeout_ms))
    }

    fn begin_scope(&mut self, unit: UnitId, program: Arc<Program>, inputs: Inputs, timeout_ms: Option<u64>) {
        let label = self.label(unit);
        let state = self.state.unit(unit);
        let before = state.called.as_ref().map(|called| called.scope);
        let caller = Caller {
            unit,
            attempt: state.attempt,
            priority: self.scopes.priority(unit.node),
            path: format_smolstr!("{}/", self.with_key(self.scopes.path(unit.node), unit)),
        };
        let prefix = match caller.attempt {
            1 => format_smolstr!("{label}/"),
            attempt => format_smolstr!("{label}#{attempt}/"),
        };
        self.notices.push(Notice::Called {
            node: unit.node,
            label,
            plan: program.plan.name.clone(),
            nodes: u32::try_from(program.plan.nodes.len()).unwrap_or(u32::MAX),
        });
        // what was done stays done where a person had the call tried again, and else is done once more
        let takes_over = before.filter(|_| std::mem::take(&mut self.state.unit_mut(unit).takes_over));
        let predecessors = takes_over.map(|before| takeover::predecessors(&program, self.scopes.get(before)));
        let scope = self
            .scopes
            .begin(program, Some(caller), prefix, predecessors.unwrap_or_default());
        self.state.begin(self.scopes.get(scope), inputs);
        if let Some(before) = before.filter(|_| takes_over.is_none()) {
            self.carry_rounds(before, scope);
        }
        self.state.unit_mut(unit).called = Some(Box::new(Called { scope, outputs: None }));
        self.limit_time(scope, timeout_ms);
        self.open(scope);
    }

    /// A node that is attempted again in a new call repeats its effect, under its old key, unless that was undone or
    /// proven not to have happened.
    fn carry_rounds(&mut self, before: ScopeId, scope: ScopeId) {
        for (old, new) in self.scopes.get(before).nodes().zip(self.scopes.get(scope).nodes()) {
            let node = self.state.node(old);
            let instances = node.fan.iter().flat_map(|fan| &fan.instances);
            let units = instances.map(|instance| &instance.unit).chain([&node.unit]);
            let rounds = units
                .map(|unit| unit.round + u32::from(unit.undo.is_some()))
                .max()
                .unwrap_or(0);
            self.state.node_mut(new).rounds_before = self.state.node(old).rounds_before + rounds;
        }
    }

    /// An attempt that looked at the world, before the call or after it.
    pub(crate) fn call_observed(&mut self, unit: UnitId, ended: &Ended) {
        if self.call_is_over(unit) {
            return self.judge_call(unit, ended);
        }
        match self.judge(unit).requires(&mut Replay::new(&ended.observed)) {
            Ok(()) => self.begin_call(unit),
            Err(failure) => self.finish_attempt(unit, Err(failure)),
        }
    }

    fn judge_call(&mut self, unit: UnitId, ended: &Ended) {
        let verdict = self.verdict(unit, ended);
        self.note_evidence(unit, ended);
        if let Some(called) = &mut self.state.unit_mut(unit).called {
            called.outputs = None;
        }
        self.finish_attempt(unit, verdict);
    }

    /// Everything in a scope has settled: what can be is undone if it failed as a whole, then it ends.
    pub(crate) fn scope_over(&mut self, scope: ScopeId) {
        if self.scopes.get(scope).successor.is_some() {
            return self.leave(scope);
        }
        if scope == self.scopes.outermost_id() && self.state.leaving.is_some() {
            return;
        }
        let state = self.state.scope(scope);
        if state.ended || state.unsettled > 0 || state.undoing.is_some() {
            return;
        }
        // failures from before somebody had others tried again
        if state.stopping.is_none()
            && self.scopes.get(scope).plan().failure == FailurePolicy::Abort
            && let Some(unhandled) = state.unhandled.first()
        {
            return self.abort(*unhandled);
        }
        self.state.deadlines.remove(&scope);
        if self.rolls_back(scope) && !self.state.scope(scope).undoable.is_empty() {
            return self.begin_rollback(scope);
        }
        self.state.undos.remove(&scope);
        self.state.scope_mut(scope).ended = true;
        if scope != self.scopes.outermost_id() {
            self.call_ended(scope);
        }
    }

    /// A scope undoes what it did when it failed by itself; one that was stopped from outside leaves that to who stopped it.
    pub(crate) fn rolls_back(&self, scope: ScopeId) -> bool {
        // a revision of the plan that is not the latest: what is no longer in it
        if self.scopes.get(scope).successor.is_some() {
            return true;
        }
        match self.state.scope(scope).stopping {
            None => false,
            Some(Stopping::Abort(because)) => self.scopes.id_of(because) == scope,
            Some(Stopping::Cancel { rollback }) => rollback && scope == self.scopes.outermost_id(),
            Some(Stopping::Timeout(of)) => of == scope && self.scopes.get(scope).plan().failure == FailurePolicy::Abort,
        }
    }

    fn call_ended(&mut self, scope: ScopeId) {
        let Some(unit) = self.scopes.get(scope).caller.as_ref().map(|caller| caller.unit) else {
            return;
        };
        let undoable = std::mem::take(&mut self.state.scope_mut(scope).undoable);
        let callers = self.scopes.id_of(unit.node);
        self.state.scope_mut(callers).undoable.extend(undoable);
        if self.was_stopped(scope) {
            return self.unit_cancelled(unit);
        }
        match self.made(scope) {
            Err(failure) => self.finish_attempt(unit, Err(failure)),
            Ok(outputs) => {
                self.adopt_memory(scope, unit.node);
                if let Some(called) = &mut self.state.unit_mut(unit).called {
                    called.outputs = Some(outputs);
                }
                if !self.scopes.table(unit.node).observes_after {
                    return self.judge_call(unit, &Ended::nothing(0));
                }
                self.state.unit_mut(unit).again = true;
                self.enqueue(unit);
            }
        }
    }

    /// Whether its caller kept it from coming to its end.
    fn was_stopped(&self, scope: ScopeId) -> bool {
        let state = self.state.scope(scope);
        let from_outside = match state.stopping {
            None => false,
            Some(Stopping::Abort(because)) => self.scopes.id_of(because) != scope,
            Some(Stopping::Cancel { .. }) => true,
            Some(Stopping::Timeout(of)) => of != scope,
        };
        from_outside && state.cut_short
    }

    /// What a call came to: its outputs, or the failure that nothing in it handled.
    fn made(&self, scope: ScopeId) -> Result<BTreeMap<SmolStr, Value>, Failure> {
        let state = self.state.scope(scope);
        let failed = match state.stopping {
            Some(Stopping::Timeout(_)) => {
                let name = &self.scopes.get(scope).plan().name;
                return Err(Failure::new("timeout", format!("the time of `{name}` was up")));
            }
            Some(Stopping::Abort(because)) if self.scopes.id_of(because) == scope => Some(because),
            _ => state.unhandled.first().copied(),
        };
        if let Some(node) = failed {
            return Err(self.failure_within(node));
        }
        match self.plan_outputs(scope) {
            (outputs, None) => Ok(outputs),
            (_, Some(missing)) => Err(Failure::new("invalid-output", missing)),
        }
    }

    /// The failure of a node as its caller's: modes that only the called plan declares are failures.
    fn failure_within(&self, node: NodeId) -> Failure {
        let name = self.scopes.name(node);
        match &self.state.node(node).error {
            None => Failure::new("failure", format!("`{name}` failed")),
            Some(error) => {
                let known = ir::plan::BUILTIN_MODES.contains(&error.kind.as_str());
                Failure {
                    exit: error.exit,
                    ..Failure::new(
                        if known { &error.kind } else { "failure" },
                        match known {
                            true => format!("`{name}`: {}", error.message),
                            false => format!("`{name}`: {}: {}", error.kind, error.message),
                        },
                    )
                }
            }
        }
    }

    /// The caller of a scope stops, and the scope with it; at least as hard.
    pub(crate) fn stop_with_caller(&mut self, scope: ScopeId) {
        let Some(caller) = &self.scopes.get(scope).caller else {
            return;
        };
        let Some(stopping) = self.stopping(caller.unit.node) else {
            return;
        };
        let state = self.state.scope(scope);
        let harder = state.stopping.is_none_or(|own| stopping.drops() && !own.drops());
        if !state.ended && harder {
            self.stop(scope, stopping);
        }
    }

    /// Bounds how long a scope may take, on a clock that stands still while the run does.
    pub(crate) fn limit_time(&mut self, scope: ScopeId, timeout_ms: Option<u64>) {
        let Some(timeout_ms) = timeout_ms else { return };
        let over_ms = self.state.clock.used_ms.saturating_add(timeout_ms);
        self.state.deadlines.insert(scope, over_ms);
        if self.state.clock.ticking {
            self.set_timer(scope, over_ms);
        }
    }

    pub(crate) fn set_timer(&mut self, scope: ScopeId, over_ms: u64) {
        let timer = match &self.scopes.get(scope).caller {
            None => Timer::Plan,
            Some(Caller { unit, attempt, .. }) => Timer::Call {
                node: unit.node,
                instance: unit.instance,
                attempt: *attempt,
            },
        };
        let left_ms = over_ms.saturating_sub(self.state.clock.used_ms);
        let now_ms = self.state.now_ms;
        let at_ms = now_ms.saturating_add(i64::try_from(left_ms).unwrap_or(i64::MAX));
        self.commands.push(Command::SetTimer { timer, at_ms });
    }

    pub(crate) fn call_timer_fired(&mut self, unit: UnitId, attempt: u32) -> Result<(), String> {
        let state = self.state.find_unit(unit).filter(|state| state.attempt == attempt);
        match state.and_then(|state| state.called.as_ref()) {
            Some(called) => self.time_is_up(called.scope),
            None => Err("nothing waits for it".to_owned()),
        }
    }

    /// Takes a unit's call along when the unit's own scope stops.
    pub(crate) fn stop_call(&mut self, unit: UnitId) {
        if let Some(called) = &self.state.unit(unit).called {
            self.work.push_back(Work::Stop(called.scope));
        }
    }

    /// The outputs of a scope that have a value of their type, and what is wrong with the first that has not.
    pub(crate) fn plan_outputs(&self, scope: ScopeId) -> (BTreeMap<SmolStr, Value>, Option<String>) {
        let reads = self.scope(Place::Plan(scope));
        let plan = reads.plan();
        let mut outputs = BTreeMap::new();
        let mut missing = None;
        for output in &plan.outputs {
            let value = reads
                .eval(&output.value)
                .map_err(|error| format!(": {}", error.message));
            let value = value.and_then(|value| match value {
                Value::None if !matches!(output.ty, ir::Type::Optional(_)) => Err(" is absent".to_owned()),
                value => data::check(value, &output.ty, &plan.types).map_err(|error| crate::judge::described(&error)),
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
