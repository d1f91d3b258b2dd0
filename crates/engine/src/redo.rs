//! A person has failed work tried again: what begins anew, and what follows for the rest.
//!
//! What was asked for begins anew, and with it whatever its failure kept from running: skipped and cancelled nodes,
//! handlers that had not completed, and everything that the end of the run cancelled or undid. What completed stays,
//! attempts count anew, and what was spent stays spent. Of the nodes that stay, what they mean for the others is
//! derived again from the plan, once for the whole scope: linear, and the same in every replay. Absent: running
//! anything; a run that had ended waits, paused, for a driver.

use std::collections::BTreeSet;
use std::fmt;

use ir::plan::{NodeId, Work as TaskWork};

use crate::engine::{Engine, Work};
use crate::event::NodeStatus;
use crate::graph::task;
use crate::notice::Notice;
use crate::people::Weight;
use crate::state::{NeedState, NodeState, UndoStatus, Unit, UnitId};

/// Why nodes are not tried again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoRetry {
    NoSuchNode,
    /// It has not come to its end.
    NotOver(NodeStatus),
    InDoubt,
    /// Why.
    Skipped(String),
    /// It completed, and must not run twice.
    NotIdempotent,
    /// It called a plan, which completed.
    CalledPlanCompleted,
    /// What the end of the run stops, or undoes, is still under way.
    StillEnding,
}

impl fmt::Display for NoRetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchNode => write!(f, "the run has no such node"),
            Self::NotOver(status) => write!(f, "it has not failed: it is {}", status.name()),
            Self::InDoubt => write!(f, "its last attempt is in doubt, which is to be resolved first"),
            Self::Skipped(why) => write!(f, "it was skipped, as {why}: what failed is to be tried again"),
            Self::NotIdempotent => write!(f, "it completed, and is not idempotent"),
            Self::CalledPlanCompleted => write!(f, "the plan that it called completed"),
            Self::StillEnding => write!(f, "the run is still being stopped or undone"),
        }
    }
}

impl Engine {
    /// The node of the outermost plan that a node of the run belongs to: itself, or what called its plan.
    pub fn outermost_node(&self, node: NodeId) -> NodeId {
        let mut at = node;
        while let Some(caller) = &self.scopes.of(at).caller {
            at = caller.unit.node;
        }
        at
    }

    /// What trying a node again would do, or why it is not tried again. Nothing changes.
    pub fn weigh_retry(&self, node: NodeId) -> Result<Weight, NoRetry> {
        if !self.scopes.has(node) {
            return Err(NoRetry::NoSuchNode);
        }
        let node = self.outermost_node(node);
        let state = self.state.node(node);
        let asked_before = state.retries > 0;
        match state.status {
            NodeStatus::Blocked => Err(NoRetry::InDoubt),
            status if !status.is_settled() && asked_before => Ok(Weight::Said),
            status if !status.is_settled() => Err(NoRetry::NotOver(status)),
            NodeStatus::Completed if !self.undone_nodes().contains(&node) && asked_before => Ok(Weight::Said),
            NodeStatus::Completed if !self.undone_nodes().contains(&node) => {
                self.may_repeat(node).map(|()| Weight::Counts)
            }
            NodeStatus::Skipped if asked_before => Ok(Weight::Said),
            NodeStatus::Skipped => Err(NoRetry::Skipped(state.why.as_ref().cloned().unwrap_or_default())),
            _ if self.is_still_ending() => Err(NoRetry::StillEnding),
            _ => Ok(Weight::Counts),
        }
    }

    /// Whether what a completed node did may be done again.
    fn may_repeat(&self, node: NodeId) -> Result<(), NoRetry> {
        let Some(task) = task(self.scopes.node(node)) else {
            return Ok(());
        };
        match &task.work {
            TaskWork::Call(_) => Err(NoRetry::CalledPlanCompleted),
            TaskWork::Steps(steps) if task.key.is_none() && steps.iter().any(|step| !step.idempotent) => {
                Err(NoRetry::NotIdempotent)
            }
            _ if task.idempotent || task.key.is_some() || task.work.is_nothing() => Ok(()),
            _ => Err(NoRetry::NotIdempotent),
        }
    }

    fn is_still_ending(&self) -> bool {
        let outermost = self.state.scope(self.scopes.outermost_id());
        outermost.stopping.is_some() && self.state.end.is_none()
    }

    pub(crate) fn retry_asked(&mut self, asked: &[NodeId], by: &str, because: Option<&str>) -> Result<(), String> {
        let mut anew = BTreeSet::new();
        for id in asked {
            match self.weigh_retry(*id) {
                Ok(Weight::Counts) => drop(anew.insert(self.outermost_node(*id))),
                Ok(Weight::Said) => {}
                Err(refusal) => return Err(refusal.to_string()),
            }
        }
        if anew.is_empty() {
            return Ok(());
        }
        for node in &anew {
            self.state.node_mut(*node).retries += 1;
            self.notices.push(Notice::RetryAsked {
                node: *node,
                label: self.scopes.name(*node),
                by: by.to_owned(),
                because: because.map(str::to_owned),
            });
        }
        self.add_what_followed(&mut anew);
        for node in &anew {
            self.begin_node_anew(*node);
        }
        self.keep_nothing_under_way();
        self.go_on();
        self.derive_again();
        let waits = |node: &NodeId| self.state.node(*node).status == NodeStatus::Pending;
        self.work
            .extend(self.scopes.outermost().nodes().filter(waits).map(Work::Check));
        Ok(())
    }

    /// Nodes of the outermost plan of which something was undone.
    fn undone_nodes(&self) -> BTreeSet<NodeId> {
        let is_undone = |id: &NodeId| {
            let node = self.state.node(*id);
            let instances = node.fan.iter().flat_map(|fan| &fan.instances);
            let mut units = instances.map(|instance| &instance.unit).chain([&node.unit]);
            units.any(Unit::is_undone)
        };
        let undone = self.current_nodes().into_iter().filter(is_undone);
        undone.map(|id| self.outermost_node(id)).collect()
    }

    /// Adds what the end of the run cancelled or undid, and what these nodes kept from running or had run.
    fn add_what_followed(&self, anew: &mut BTreeSet<NodeId>) {
        let scope = self.scopes.outermost();
        if self.state.scope(self.scopes.outermost_id()).stopping.is_some() {
            let cancelled = |id: &NodeId| self.state.node(*id).status == NodeStatus::Cancelled;
            anew.extend(scope.nodes().filter(cancelled));
            anew.extend(self.undone_nodes());
        }
        let mut seen: BTreeSet<NodeId> = anew.clone();
        let mut work: Vec<NodeId> = anew.iter().copied().collect();
        while let Some(id) = work.pop() {
            let table = scope.table(id);
            let dependents = table.dependents.iter().map(|(dependent, _)| dependent);
            for next in table.targets.iter().chain(dependents) {
                let next = scope.global(*next);
                if self.followed(id, next) {
                    anew.insert(next);
                    if seen.insert(next) {
                        work.push(next);
                    }
                }
            }
            // whether those for whom it stands in satisfy needs is open again
            let owners = table.stands_in_for.iter().map(|owner| scope.global(*owner));
            work.extend(owners.filter(|owner| seen.insert(*owner)));
        }
    }

    /// Whether a node is as it is because of one that begins anew.
    fn followed(&self, from: NodeId, node: NodeId) -> bool {
        let state = self.state.node(node);
        let handles_it = state.fired_by.contains(&from);
        let unit = UnitId { node, instance: None };
        match state.status {
            NodeStatus::Skipped | NodeStatus::Cancelled => true,
            NodeStatus::Failed => handles_it,
            // it waits for people, or for a place, and has done nothing as yet: what it waited for is open again
            NodeStatus::Ready | NodeStatus::Waiting | NodeStatus::Running if state.fan.is_some() => {
                let instances = state.fan.iter().flat_map(|fan| &fan.instances);
                let mut open = instances
                    .map(|instance| &instance.unit)
                    .filter(|unit| !unit.status.is_settled());
                open.all(|unit| {
                    matches!(unit.status, NodeStatus::Pending | NodeStatus::Ready) && has_done_nothing(unit, 0)
                })
            }
            NodeStatus::Ready | NodeStatus::Waiting => {
                !self.state.backoffs.contains_key(&unit) && has_done_nothing(&state.unit, 1)
            }
            _ => false,
        }
    }

    fn begin_node_anew(&mut self, id: NodeId) {
        let unit = UnitId {
            node: id,
            instance: None,
        };
        if !self.state.node(id).is_settled() {
            let count = self.state.node(id).fan.as_ref().map_or(0, |fan| fan.instances.len());
            let instances = (0..u32::try_from(count).unwrap_or(u32::MAX)).map(Some);
            for instance in instances.chain([None]) {
                let unit = UnitId { node: id, instance };
                self.withdraw(unit);
                self.state.judging.remove(&unit);
            }
        }
        let program = self.scopes.program(id);
        let local = self.scopes.of(id).local(id);
        let table = program.graph.node(local);
        let fresh = NodeState::new(&program.plan.nodes[local as usize].needs, table.sources);
        let scope = self.scopes.id_of(id);
        let old = std::mem::replace(self.state.node_mut(id), fresh);
        let units: Vec<UnitId> = std::iter::once(unit)
            .chain(
                (0..)
                    .zip(old.fan.iter().flat_map(|fan| &fan.instances))
                    .map(|(index, _)| UnitId {
                        node: id,
                        instance: Some(index),
                    }),
            )
            .collect();
        let node = self.state.node_mut(id);
        node.retries = old.retries;
        node.rounds_before = old.rounds_before;
        node.unit = old.unit.anew();
        node.before = old.fan;
        for unit in units {
            self.state.verified.remove(&unit);
            self.state.looked.remove(&unit);
            self.state.agents.remove(&unit);
            if let Some(calling) = self.state.calls.get_mut(&unit) {
                calling.begin_anew();
            }
        }
        // what completes once more is undone once
        if old.unit.place > 0 {
            self.state.scope_mut(scope).undoable.remove(&old.unit.place);
        }
        if old.unit.is_undone() {
            self.state.calls.remove(&unit);
        }
    }

    /// The run, or what its end had stopped, goes on.
    fn go_on(&mut self) {
        let failed: Vec<(u64, UnitId)> = self.not_undone();
        let outermost = self.scopes.outermost_id();
        let whole = self.state.scope_mut(outermost);
        whole.undoable.extend(failed);
        whole.stopping = None;
        whole.rolling_back = false;
        whole.ended = false;
        self.state.undos.remove(&outermost);
        self.state.alerts.stale = true;
        if self.state.end.take().is_some() {
            // a driver starts what is ready, and it resumes the run
            self.state.paused = true;
        }
        self.state.announced = None;
        if !self.state.deadlines.contains_key(&outermost) {
            self.limit_time(outermost, self.plan().timeout_ms);
        }
    }

    /// What is still done, as its undo failed: it may be undone once more.
    fn not_undone(&self) -> Vec<(u64, UnitId)> {
        let failed = |unit: &Unit| matches!(&unit.undo, Some(undo) if undo.status == UndoStatus::Failed);
        let mut found = Vec::new();
        for node in self.current_nodes() {
            let state = self.state.node(node);
            let single = (None, &state.unit);
            let instances = (0..).zip(state.fan.iter().flat_map(|fan| &fan.instances));
            let units = instances
                .map(|(index, instance)| (Some(index), &instance.unit))
                .chain([single]);
            let units = units.filter(|(_, unit)| failed(unit));
            found.extend(units.map(|(instance, unit)| (unit.place, UnitId { node, instance })));
        }
        found
    }

    /// What settled nodes of the outermost plan mean for those that wait, and for the whole.
    fn derive_again(&mut self) {
        let nodes: Vec<NodeId> = self.scopes.outermost().nodes().collect();
        let mut latest_first = nodes.clone();
        latest_first.sort_unstable_by_key(|id| std::cmp::Reverse(self.scopes.of(*id).place(*id)));
        for id in latest_first {
            self.derive_settled(id);
        }
        for id in &nodes {
            self.forget_what_it_waits_for(*id);
        }
        for id in &nodes {
            self.answer_from(*id);
        }
        let states = || nodes.iter().map(|id| (*id, self.state.node(*id)));
        let unhandled = states().filter(|(_, node)| node.status == NodeStatus::Failed && node.handled == Some(false));
        let unhandled = unhandled.map(|(id, _)| id).collect();
        let unsettled = states().filter(|(_, node)| !node.is_settled()).count();
        let cut_short = states().any(|(_, node)| node.status == NodeStatus::Cancelled);
        let outermost = self.scopes.outermost_id();
        let whole = self.state.scope_mut(outermost);
        whole.unhandled = unhandled;
        whole.unsettled = u32::try_from(unsettled).unwrap_or(u32::MAX);
        whole.cut_short = cut_short;
        if unsettled == 0 {
            self.over.push_back(outermost);
        }
    }

    /// Whether a settled node is handled and satisfies needs, after the nodes behind it.
    fn derive_settled(&mut self, id: NodeId) {
        if !self.state.node(id).is_settled() {
            return;
        }
        if self.state.node(id).status == NodeStatus::Failed {
            let (handled, open) = self.handling(id, &self.fired(id));
            let node = self.state.node_mut(id);
            node.handled = handled;
            node.handlers_open = open;
        }
        let satisfies = self.satisfying(id);
        self.state.node_mut(id).satisfies = satisfies;
    }

    fn forget_what_it_waits_for(&mut self, id: NodeId) {
        let sources = self.scopes.table(id).sources;
        let needs: Vec<NeedState> = self.scopes.node(id).needs.iter().map(NeedState::new).collect();
        let node = self.state.node_mut(id);
        node.sources_open = sources;
        if node.status == NodeStatus::Pending && !node.entered {
            node.fired_by.clear();
            node.needs_open = u32::try_from(needs.len()).unwrap_or(u32::MAX);
            node.needs = needs;
            node.unmet = None;
        }
    }

    /// Tells those that wait what a settled node means for them.
    fn answer_from(&mut self, id: NodeId) {
        if !self.state.node(id).is_settled() {
            return;
        }
        let fired = self.fired(id);
        let (program, base) = (self.scopes.program(id), self.scopes.of(id).base);
        let table = program.graph.node(id - base);
        for target in &table.targets {
            let target = base + target;
            let node = self.state.node_mut(target);
            node.sources_open -= 1;
            if node.status == NodeStatus::Pending && !node.entered && fired.contains(&target) {
                node.fired_by.push(id);
            }
        }
        let Some(satisfies) = self.state.node(id).satisfies else {
            return;
        };
        for (local, need) in &table.dependents {
            let (dependent, need) = (base + local, *need as usize);
            let node = self.state.node(dependent);
            if node.status == NodeStatus::Pending && !node.entered {
                let asked = &program.plan.nodes[*local as usize].needs[need];
                self.answer(dependent, need, asked, id, satisfies);
            }
        }
    }
}

/// Of its attempts since a person had it tried again at most so many have begun, and none is to go on.
fn has_done_nothing(unit: &Unit, attempts_max: u32) -> bool {
    let attempts = unit.attempt - unit.attempts_before.min(unit.attempt);
    !unit.again && unit.called.is_none() && attempts <= attempts_max
}

impl Unit {
    /// What it did was undone.
    pub(crate) fn is_undone(&self) -> bool {
        matches!(&self.undo, Some(undo) if undo.status == UndoStatus::Done)
    }

    /// The same unit before its next attempt, with all of its retries left.
    pub(crate) fn anew(&self) -> Self {
        Self {
            attempt: self.attempt,
            attempts_before: self.attempt,
            // what was undone is done once more, under another key
            round: self.round + u32::from(self.is_undone()),
            called: self.called.as_ref().map(|called| {
                Box::new(crate::state::Called {
                    scope: called.scope,
                    outputs: None,
                })
            }),
            takes_over: true,
            ..Self::new()
        }
    }
}
