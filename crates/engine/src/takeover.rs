//! Results that a scope takes over from one before it: from an earlier call of the same plan that a person has tried
//! again, or from the revision of the plan that the run had before.
//!
//! A node takes over what it had completed if it is about to start, nothing of it was undone, and all that it is made
//! of is the same: what the plan says about it, what leads to it, and the values that it reads *now*. So what is behind
//! a change runs anew exactly as far as the change reaches. What completed otherwise and must not run twice waits in
//! doubt for a person. Decisions are made again, and gates that ask people are compared by what they show.

use std::collections::BTreeMap;
use std::sync::Arc;

use ir::fingerprint::{self, Part};
use ir::plan::{Body, NodeId, Work};
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::{Account, Ask, NodeStatus};
use crate::graph::task;
use crate::people::GateState;
use crate::scopes::{Program, Scope, ScopeId};
use crate::state::{NodeState, Unit, UnitId};

/// Of each node of a program the node of the same name in a scope before it, by its number in the run.
pub(crate) fn predecessors(program: &Arc<Program>, before: &Scope) -> Vec<Option<NodeId>> {
    if Arc::ptr_eq(program, &before.program) {
        return before.nodes().map(Some).collect();
    }
    let known: BTreeMap<&SmolStr, NodeId> = before.nodes().map(|id| (&before.node(id).id, id)).collect();
    let nodes = program.plan.nodes.iter();
    nodes.map(|node| known.get(&node.id).copied()).collect()
}

impl NodeState {
    fn units(&self) -> impl Iterator<Item = &Unit> {
        let instances = self.fan.iter().flat_map(|fan| &fan.instances);
        instances.map(|instance| &instance.unit).chain([&self.unit])
    }

    /// It completed, and nothing of it was undone.
    pub(crate) fn stands(&self) -> bool {
        self.status == NodeStatus::Completed && !self.units().any(Unit::is_undone)
    }

    /// The rounds of its units, where the next one is another call.
    fn rounds(&self) -> u32 {
        self.units().map(|unit| unit.round).max().unwrap_or(0) + 1
    }
}

impl Engine {
    /// The node of the scope before whose place this one takes.
    pub(crate) fn predecessor(&self, id: NodeId) -> Option<NodeId> {
        let scope = self.scopes.of(id);
        scope.predecessors.get(scope.local(id) as usize).copied().flatten()
    }

    /// All that a node is made of; see [`Engine::content_of`].
    pub(crate) fn content(&self, id: NodeId) -> Vec<Part> {
        self.content_of(id, self.scopes.of(id).program.leads())
    }

    fn same_content(&self, old: NodeId, new: NodeId) -> bool {
        fingerprint::digest(&self.content(old)) == fingerprint::digest(&self.content(new))
    }

    /// Of what a script captures only that was kept which somebody read; a changed plan may read more.
    fn has_what_is_read(&self, old: NodeId, new: NodeId) -> bool {
        let outputs = &self.state.node(old).outputs;
        let is_script = task(self.scopes.node(new)).is_some_and(|task| task.script().is_some());
        let read = &self.scopes.table(new).read;
        !is_script || !self.state.node(old).stands() || read.iter().all(|name| outputs.contains_key(name))
    }

    /// A node that is about to start takes over what the one before it came to, or as much of it as was done; says
    /// whether that settled it, or left it to a person.
    pub(crate) fn take_over(&mut self, id: NodeId) -> bool {
        let Some(old) = self.predecessor(id) else {
            return false;
        };
        // a person has had it tried again since
        let own = self.state.node(id);
        if own.unit.attempt > 0 || own.before.is_some() {
            return false;
        }
        let before = self.state.node(old);
        let (stands, rounds) = (before.stands(), before.rounds());
        let (rounds_before, unit) = (before.rounds_before, before.unit.anew());
        let asks = matches!(&self.scopes.node(id).body, Body::Gate(gate) if !gate.approvers.is_empty());
        let node = self.state.node_mut(id);
        node.unit = unit;
        node.rounds_before = rounds_before;
        self.take_over_spending(old, id);
        if asks || matches!(self.scopes.node(id).body, Body::Decision(_)) {
            return false;
        }
        let reruns = self.scopes.of(id).reruns.contains(&id);
        let same = !reruns && self.same_content(old, id) && self.has_what_is_read(old, id);
        if same && stands {
            self.take_over_result(old, id);
            return true;
        }
        if same {
            self.take_over_progress(old, id);
            return false;
        }
        // another call than the one before, so it has another key
        let node = self.state.node_mut(id);
        node.rounds_before += rounds;
        node.unit.round = 0;
        if reruns || self.may_run_twice(old) || !self.has_done_something(old) {
            return false;
        }
        let unit = UnitId {
            node: id,
            instance: None,
        };
        // whatever the plan says about doubts: it did come to an end, and somebody changed it
        self.state.node_mut(id).doubts = true;
        self.wait_for_a_person(unit);
        true
    }

    /// All of it, some of its instances, or some of its lines have completed, and stand.
    fn has_done_something(&self, id: NodeId) -> bool {
        let node = self.state.node(id);
        let stands = |unit: &Unit| unit.status == NodeStatus::Completed && !unit.is_undone();
        let lines = |instance| {
            self.state
                .calls
                .get(&UnitId { node: id, instance })
                .is_some_and(|calling| calling.line > 0)
        };
        node.units().any(stands) || self.instances_of(id).into_iter().any(lines)
    }

    /// What was spent of a task's budget stays spent.
    fn take_over_spending(&mut self, old: NodeId, id: NodeId) {
        let spent = self.state.accounts.get(&Account::Task(old)).map(|ledger| ledger.spent);
        if let Some(spent) = spent {
            self.state.accounts.entry(Account::Task(id)).or_default().spent = spent;
        }
    }

    /// Whether what a completed node did may be done again.
    pub(crate) fn may_run_twice(&self, id: NodeId) -> bool {
        let Some(task) = task(self.scopes.node(id)) else {
            return true;
        };
        match &task.work {
            Work::Nothing => true,
            // each node of the plan that it calls says so itself
            Work::Call(_) => true,
            _ if task.key.is_some() => true,
            Work::Steps(steps) => task.idempotent && steps.iter().all(|step| step.idempotent),
            Work::Script(_) | Work::Capability(_) => task.idempotent,
        }
    }

    /// Completes a node with the result of the one before it.
    pub(crate) fn take_over_result(&mut self, old: NodeId, id: NodeId) {
        let before = self.state.node(old);
        let settled_ms = before.settled_ms;
        let (started_ms, outputs, truncated) = (before.started_ms, before.outputs.clone(), before.truncated.clone());
        let (writes, unit) = (before.writes.clone(), before.unit.clone());
        let (fan, gate) = (before.fan.clone(), before.gate.clone());
        let node = self.state.node_mut(id);
        node.started_ms = started_ms;
        node.outputs = outputs;
        node.truncated = truncated;
        node.writes = writes;
        node.unit = unit;
        node.fan = fan;
        node.gate = gate;
        node.kept = true;
        if let Some(gate) = &mut node.gate {
            gate.ask.node = id;
        }
        if let Some(fan) = &mut node.fan {
            fan.asked_of(id);
        }
        for instance in self.instances_of(id) {
            self.take_over_unit(UnitId { node: old, instance }, UnitId { node: id, instance });
        }
        self.settle(id, NodeStatus::Completed);
        self.state.node_mut(id).settled_ms = settled_ms;
    }

    /// The single unit of a node, or its instances.
    fn instances_of(&self, id: NodeId) -> Vec<Option<u32>> {
        match &self.state.node(id).fan {
            None => vec![None],
            Some(fan) => (0..).zip(&fan.instances).map(|(index, _)| Some(index)).collect(),
        }
    }

    /// What is known about a completed unit beside its state.
    pub(crate) fn take_over_unit(&mut self, old: UnitId, new: UnitId) {
        if old == new {
            return;
        }
        if self.state.verified.contains(&old) {
            self.state.verified.insert(new);
        }
        if let Some(agent) = self.state.agents.get(&old).cloned() {
            self.state.agents.insert(new, agent);
        }
        let place = self.state.unit(new).place;
        let around: Vec<ScopeId> = self.scopes.outward(self.scopes.id_of(old.node)).collect();
        let listed = around
            .into_iter()
            .any(|scope| self.state.scope_mut(scope).undoable.remove(&place).is_some());
        if listed {
            let scope = self.scopes.id_of(new.node);
            self.state.scope_mut(scope).undoable.insert(place, new);
        }
        if let Some(called) = self.state.unit(new).called.as_ref().map(|called| called.scope) {
            self.scopes.called_by(called, new);
        }
    }

    /// What had not completed goes on where it stood: instances and lines that have their outcome keep it.
    fn take_over_progress(&mut self, old: NodeId, id: NodeId) {
        let fan = self.state.node(old).fan.clone();
        for instance in self.instances_of(old) {
            let old = UnitId { node: old, instance };
            if let Some(mut calling) = self.state.calls.get(&old).cloned() {
                calling.begin_anew();
                self.state.calls.insert(UnitId { node: id, instance }, calling);
            }
        }
        self.state.node_mut(id).before = fan;
    }

    /// A gate that would ask what it asked before has its answer: says whether that settled it, or what has been said
    /// of it so far.
    pub(crate) fn take_over_decisions(&mut self, id: NodeId, ask: &Ask) -> TakenOver {
        let Some(old) = self
            .predecessor(id)
            .filter(|_| !self.scopes.of(id).reruns.contains(&id))
        else {
            return TakenOver::Nothing;
        };
        let before = self.state.node(old);
        let Some(gate) = before.gate.as_deref().filter(|gate| shows_the_same(&gate.ask, ask)) else {
            return TakenOver::Nothing;
        };
        if before.status == NodeStatus::Completed {
            self.take_over_result(old, id);
            return TakenOver::Result;
        }
        if gate.decided.is_some() || before.is_settled() {
            return TakenOver::Nothing;
        }
        let mut gate = gate.clone();
        gate.ask.node = id;
        TakenOver::Question(Box::new(gate))
    }
}

/// What a gate has of the one before it.
pub(crate) enum TakenOver {
    Nothing,
    Result,
    /// It waits still, with the deadline and the decisions that it had.
    Question(Box<GateState>),
}

/// Where it stands and until when takes no part.
fn shows_the_same(one: &Ask, other: &Ask) -> bool {
    let shown = |ask: &Ask| Ask {
        node: 0,
        deadline_ms: None,
        ..ask.clone()
    };
    shown(one) == shown(other)
}
