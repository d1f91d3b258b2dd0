//! A run goes on under a changed plan: its next revision.
//!
//! The new plan begins as a scope of its own, behind all others, and takes the place of the outermost: numbers of nodes
//! are never used twice, and what the earlier revision knew stays as it was. Nodes take over what they had completed
//! where nothing that they are made of has changed (`takeover`); the rest runs anew. What a node did that is no longer
//! in the plan is undone first, by the revision that ran it. Spent budget stays spent. Absent: where plans are kept,
//! and what has changed for people (`ir::diff`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use ir::fingerprint::{self, Difference};
use ir::plan::{Body, NodeId, Plan};
use serde::Serialize;
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::{Account, NodeStatus, Revision, RunStatus};
use crate::notice::Notice;
use crate::scopes::{Program, ScopeId};
use crate::state::UnitId;
use crate::takeover;

/// A revision that the run has come to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Revised {
    /// From 2.
    pub number: u32,
    pub ir_hash: SmolStr,
    pub rerun: Vec<SmolStr>,
    pub because: String,
    pub by: String,
    pub time_ms: i64,
}

/// Why a run does not go on under another plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoRevision {
    NotStarted,
    Completed,
    /// Attempts that run.
    Running(Vec<SmolStr>),
    /// Attempts in doubt.
    InDoubt(Vec<SmolStr>),
    /// Its work is done, must not be done twice, and is being judged.
    Judged(SmolStr),
    /// What the end of the run, or the revision before, stops or undoes is still under way.
    StillEnding,
    NoSuchNode(SmolStr),
}

impl fmt::Display for NoRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |labels: &[SmolStr]| labels.join("`, `");
        match self {
            Self::NotStarted => write!(f, "the run has not started"),
            Self::Completed => write!(f, "the run has completed, and nothing of it is left to do"),
            Self::Running(labels) => write!(f, "`{}` still runs", listed(labels)),
            Self::InDoubt(labels) => write!(f, "`{}` is in doubt, which is to be resolved first", listed(labels)),
            Self::Judged(label) => write!(f, "the work of `{label}` is done, and waits to be judged"),
            Self::StillEnding => write!(f, "the run is still being stopped or undone"),
            Self::NoSuchNode(name) => write!(f, "the new plan has no node `{name}`"),
        }
    }
}

/// What became of a node, or becomes of it, under the latest revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Carried {
    /// It keeps its result.
    Kept,
    /// It was not in the plan before.
    New,
    /// It had not completed: how it stood.
    NotCompleted(NodeStatus),
    /// Somebody wants it to run once more.
    Asked,
    /// What it is made of is not the same.
    Changed(Vec<Difference>),
    /// It completed, is not the same, and must not run twice: a person decides.
    InDoubt(Vec<Difference>),
    /// What leads to it runs anew. It keeps its result if what it reads then is the same.
    Open,
    /// It is decided again, and costs nothing.
    Decided,
}

impl Engine {
    /// Whether the run can go on under another plan as it is. Nothing changes.
    pub fn may_revise(&self) -> Result<(), NoRevision> {
        let state = &self.state;
        let labels = |units: Vec<UnitId>| units.into_iter().map(|unit| self.label(unit)).collect();
        if state.run.is_none() {
            return Err(NoRevision::NotStarted);
        }
        if self.status() == RunStatus::Completed {
            return Err(NoRevision::Completed);
        }
        if !state.undos.is_empty() || state.leaving.is_some() {
            return Err(NoRevision::StillEnding);
        }
        if !state.in_flight.is_empty() {
            return Err(NoRevision::Running(labels(state.in_flight.keys().copied().collect())));
        }
        if !state.blocked.is_empty() {
            return Err(NoRevision::InDoubt(labels(state.blocked.iter().copied().collect())));
        }
        if state.end.is_none() && state.scope(self.scopes.outermost_id()).stopping.is_some() {
            return Err(NoRevision::StillEnding);
        }
        let mut judged = state.judging.keys();
        match judged.find(|unit| !self.may_run_twice(unit.node)) {
            Some(unit) => Err(NoRevision::Judged(self.label(*unit))),
            None => Ok(()),
        }
    }

    /// The parameters of the outermost plan, as it is now.
    pub fn inputs(&self) -> &ir::plan::Inputs {
        &self.state.scope(self.scopes.outermost_id()).inputs
    }

    /// The plans that the run had before the latest revision.
    pub fn earlier_plans(&self) -> Vec<&Plan> {
        self.scopes.earlier().map(crate::scopes::Scope::plan).collect()
    }

    /// Revisions of the plan behind the first one, in order.
    pub fn revisions(&self) -> &[Revised] {
        &self.state.revisions
    }

    pub(crate) fn replanned(&mut self, revision: &Revision) -> Result<(), String> {
        let plan = revision.plan.clone().ok_or("its plan is not there")?;
        self.may_revise().map_err(|refusal| refusal.to_string())?;
        let due = self.next_revision();
        if revision.number != due {
            return Err(format!("revision {due} is the next one, not {}", revision.number));
        }
        let number_of = |name: &SmolStr| plan.nodes.iter().position(|node| node.id == *name);
        let mut reruns = BTreeSet::new();
        for name in &revision.rerun {
            let local = number_of(name).ok_or_else(|| NoRevision::NoSuchNode(name.clone()).to_string())?;
            reruns.insert(NodeId::try_from(local).unwrap_or(NodeId::MAX));
        }
        if !self.scopes.has_room(plan.nodes.len()) {
            return Err("the run has more nodes than can be numbered".to_owned());
        }
        self.stand_still();
        self.change_plan(plan, revision, reruns);
        Ok(())
    }

    /// The number of the revision that a changed plan would be.
    pub fn next_revision(&self) -> u32 {
        u32::try_from(self.state.revisions.len())
            .unwrap_or(u32::MAX)
            .saturating_add(2)
    }

    /// Nothing of the revision so far is about to move.
    fn stand_still(&mut self) {
        let state = &mut self.state;
        state.ready.clear();
        for scope in &mut state.scopes {
            scope.held.clear();
        }
        for ledger in state.accounts.values_mut() {
            ledger.waiting.clear();
        }
        state.backoffs.clear();
        state.looking.clear();
        state.asking.clear();
        state.awaited.clear();
        state.to_ask.clear();
        state.parked.clear();
        state.released.clear();
        state.judging.clear();
        state.deadlines.clear();
    }

    fn change_plan(&mut self, plan: Arc<Plan>, revision: &Revision, reruns: BTreeSet<NodeId>) {
        let old = self.scopes.outermost_id();
        self.programs = crate::engine::programs(&plan);
        self.take_budget(&plan);
        let timeout_ms = plan.timeout_ms;
        let program = Arc::new(Program::new(plan));
        let predecessors = takeover::predecessors(&program, self.scopes.get(old));
        let new = self.scopes.revise(program, predecessors, reruns);
        self.state.begin(self.scopes.get(new), revision.inputs.clone());
        self.state.scope_mut(old).ended = true;
        let tasks = self
            .plan()
            .nodes
            .iter()
            .filter(|node| node.body.task().is_some())
            .count() as u64;
        self.state.tasks = self.state.tasks.max(tasks);
        self.state.alerts.forget();
        if self.state.end.take().is_some() {
            // a driver starts what is ready, and it resumes the run
            self.state.paused = true;
        }
        self.state.announced = None;
        self.state.revisions.push(Revised {
            number: revision.number,
            ir_hash: revision.ir_hash.clone(),
            rerun: revision.rerun.clone(),
            because: revision.because.clone(),
            by: revision.by.clone(),
            time_ms: self.state.now_ms,
        });
        self.notices.push(Notice::Replanned {
            number: revision.number,
            by: revision.by.clone(),
            because: revision.because.clone(),
        });
        self.limit_time(new, timeout_ms);
        self.undo_what_is_gone(old, new);
        self.open(new);
    }

    /// What the new plan says about its budget counts, unless it says what it said before: then what a person raised it
    /// to stays.
    fn take_budget(&mut self, plan: &Plan) {
        let before = self.plan().budget.clone();
        let raised = &mut self.state.raised;
        raised.cost = raised.cost.filter(|_| plan.budget.cost == before.cost);
        raised.tokens = raised.tokens.filter(|_| plan.budget.tokens == before.tokens);
        raised.time_ms = raised.time_ms.filter(|_| plan.budget.time_ms == before.time_ms);
        if let Some(ledger) = self.state.accounts.get_mut(&Account::Plan(0)) {
            ledger.alerted.clear();
        }
        self.state.clock.alerted = false;
        self.state.clock.ticking = false;
    }

    /// Undoes what nodes did that the new plan does not have; the rest stays on the list.
    fn undo_what_is_gone(&mut self, old: ScopeId, new: ScopeId) {
        let mut undoable = BTreeMap::new();
        for scope in 0..new {
            undoable.append(&mut self.state.scope_mut(scope).undoable);
        }
        let names: BTreeSet<SmolStr> = self.plan().nodes.iter().map(|node| node.id.clone()).collect();
        let mut gone = BTreeMap::new();
        for (place, unit) in undoable {
            let owner = &self.scopes.node(self.outermost_node(unit.node)).id;
            let list = if names.contains(owner) {
                &mut self.state.scope_mut(new).undoable
            } else {
                &mut gone
            };
            list.insert(place, unit);
        }
        if gone.is_empty() {
            return;
        }
        let before = self.state.scope_mut(old);
        before.undoable = gone;
        before.rolling_back = false;
        self.state.leaving = Some(old);
        self.begin_rollback(old);
    }

    /// An earlier revision has undone one thing: the next, or the run goes on.
    pub(crate) fn leave(&mut self, scope: ScopeId) {
        let state = self.state.scope(scope);
        if state.undoing.is_some() {
            return;
        }
        if !state.undoable.is_empty() {
            self.state.undos.insert(scope);
            return;
        }
        if self.state.leaving == Some(scope) {
            self.state.leaving = None;
            self.over.push_back(self.scopes.outermost_id());
        }
    }

    /// What became of each node under the latest revision, in plan order; absent for a run that has only one. What a
    /// node is made of is compared as far as it is known by now.
    pub fn carried(&self) -> Vec<(NodeId, Carried)> {
        let outermost = self.scopes.outermost();
        if self.state.revisions.is_empty() {
            return Vec::new();
        }
        outermost.nodes().map(|id| (id, self.carried_node(id))).collect()
    }

    fn carried_node(&self, id: NodeId) -> Carried {
        let scope = self.scopes.of(id);
        let Some(old) = self.predecessor(id) else {
            return Carried::New;
        };
        let (state, before) = (self.state.node(id), self.state.node(old));
        if matches!(scope.node(id).body, Body::Decision(_)) {
            return Carried::Decided;
        }
        if !before.stands() {
            let undone = before.status == NodeStatus::Completed;
            return Carried::NotCompleted(if undone { NodeStatus::Cancelled } else { before.status });
        }
        if scope.reruns.contains(&id) {
            return Carried::Asked;
        }
        if state.status == NodeStatus::Completed && state.unit.place == before.unit.place && state.kept {
            return Carried::Kept;
        }
        if !state.entered {
            return Carried::Open;
        }
        let differences = fingerprint::differences(&self.content(old), &self.content(id));
        match state.doubts {
            true => Carried::InDoubt(differences),
            false => Carried::Changed(differences),
        }
    }

    /// Nodes of the revision before that the latest has not, with what they did being undone, or nothing to undo.
    pub fn left_behind(&self) -> Vec<(SmolStr, bool)> {
        let Some(before) = self.scopes.before_outermost() else {
            return Vec::new();
        };
        let names: BTreeSet<&SmolStr> = self.plan().nodes.iter().map(|node| &node.id).collect();
        let scope = self.scopes.get(before);
        let gone = scope.nodes().filter(|id| !names.contains(&scope.node(*id).id));
        let undoes = |id: NodeId| {
            let state = self.state.node(id);
            let can = crate::graph::task(scope.node(id)).is_some_and(|task| task.rollback.is_some());
            can && state.status == NodeStatus::Completed
        };
        gone.map(|id| (scope.node(id).id.clone(), undoes(id))).collect()
    }
}
