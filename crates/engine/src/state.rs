//! What a run knows at a moment: plain data, folded from events and nothing else.
//!
//! Everything that decides what comes next is in here and takes part in [`crate::Engine::state_digest`]; facts of the
//! plan are in [`crate::graph`]. Collections are ordered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ir::Rare;
use ir::expr::Capture;
use ir::plan::{Budget, Inputs, Need, NodeId};
use ir::value::Value;
use serde::Serialize;
use smol_str::SmolStr;

use crate::accounts::Ledger;
use crate::admission::Reservation;
use crate::alerts::Alerts;
use crate::call::Calling;
use crate::event::{Account, AttemptId, BudgetItem, NodeStatus, RunStarted, RunStatus};
use crate::judge::Products;
use crate::people::GateState;
use crate::prose::Judging;
use crate::questions::Question;
use crate::reuse::Looked;
use crate::revise::Revised;
use crate::scopes::{Scope, ScopeId};

/// What is attempted: a node, or one instance of a fan-out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub(crate) struct UnitId {
    pub node: NodeId,
    pub instance: Option<u32>,
}

/// Order of starting: higher priority first, then plan order, then item order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub(crate) struct ReadyKey {
    pub priority: Reverse<i64>,
    pub unit: UnitId,
}

#[derive(Debug, Serialize)]
pub(crate) struct State {
    pub run: Option<RunStarted>,
    pub started_ms: i64,
    /// Time of the latest event.
    pub now_ms: i64,
    pub nodes: Vec<NodeState>,
    /// By their number.
    pub scopes: Vec<ScopeState>,
    pub ready: BTreeSet<ReadyKey>,
    #[serde(serialize_with = "pairs")]
    pub in_flight: BTreeMap<UnitId, AttemptId>,
    /// Units that wait for a further attempt, and until when.
    #[serde(serialize_with = "pairs")]
    pub backoffs: BTreeMap<UnitId, i64>,
    /// Units for which the results of earlier runs are looked through.
    pub looking: BTreeSet<UnitId>,
    /// Those for which that was done.
    #[serde(serialize_with = "pairs")]
    pub looked: BTreeMap<UnitId, Looked>,
    /// Nodes whose facts are not known to be kept yet.
    pub remembering: BTreeSet<NodeId>,
    pub blocked: BTreeSet<UnitId>,
    /// Gates that wait for people, and units whose prose people judge.
    pub asking: BTreeSet<UnitId>,
    /// What tasks have asked people: of each unit its last question.
    #[serde(serialize_with = "pairs")]
    pub questions: BTreeMap<UnitId, Question>,
    /// Units that wait for people to answer.
    pub awaited: BTreeSet<UnitId>,
    /// Units that are ready to ask: that takes no place.
    pub to_ask: BTreeSet<ReadyKey>,
    /// Units that make calls, until they end.
    #[serde(serialize_with = "pairs")]
    pub calls: BTreeMap<UnitId, Calling>,
    /// Units whose work is done and whose prose is being judged.
    #[serde(serialize_with = "pairs")]
    pub judging: BTreeMap<UnitId, Judging>,
    /// Units whose prose a judge found to hold.
    pub verified: BTreeSet<UnitId>,
    /// What is used and reserved, by whom.
    #[serde(serialize_with = "pairs")]
    pub accounts: BTreeMap<Account, Ledger>,
    /// What attempts under way have set aside.
    #[serde(serialize_with = "pairs")]
    pub reserved: BTreeMap<UnitId, Reservation>,
    /// Units that wait for an account to have room.
    #[serde(serialize_with = "pairs")]
    pub parked: BTreeMap<UnitId, Account>,
    /// Units that an account let go and that have not come to start.
    #[serde(serialize_with = "pairs")]
    pub released: BTreeMap<UnitId, Account>,
    /// The most tokens that a call of a capability used.
    pub tokens_seen: BTreeMap<SmolStr, u64>,
    /// To what a person raised the budget of the run.
    pub raised: Budget,
    /// For what the run is paused, if for its budget.
    pub budget_stop: Option<BudgetItem>,
    /// Tasks and instances, as policies count them.
    pub tasks: u64,
    /// Who does it, or did it last.
    #[serde(serialize_with = "pairs")]
    pub agents: BTreeMap<UnitId, SmolStr>,
    pub alerts: Alerts,
    pub clock: RunClock,
    /// When the time of a scope is up, by the clock of the run.
    #[serde(serialize_with = "pairs")]
    pub deadlines: BTreeMap<ScopeId, u64>,
    pub paused: bool,
    /// Revisions of the plan behind the first.
    pub revisions: Vec<Revised>,
    /// The revision before, while what is no longer in the plan is being undone.
    pub leaving: Option<ScopeId>,
    /// Scopes that have something to undo and undo nothing at the moment.
    pub undos: BTreeSet<ScopeId>,
    /// How many units have completed.
    pub completions: u64,
    pub end: Option<RunEnd>,
    /// The status of the last `RunStopped`, until something moves again.
    pub announced: Option<RunStatus>,
    pub ignored: Vec<Ignored>,
}

/// A table whose keys are not text, as a list of pairs: JSON has no other form for it.
fn pairs<K: Serialize, V: Serialize, S: serde::Serializer>(table: &BTreeMap<K, V>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(table)
}

/// Nodes are many, and most of what could be said of each is not: the digest of a state is made of what is.
fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

/// What has a scope as a whole come to.
#[derive(Debug, Serialize)]
pub(crate) struct ScopeState {
    /// The parameters of a called plan; those of the outermost are the run's.
    pub inputs: Inputs,
    /// Nodes that have not settled.
    pub unsettled: u32,
    /// Some node was cancelled.
    pub cut_short: bool,
    /// Failed nodes for which it is decided that nothing handles them.
    pub unhandled: BTreeSet<NodeId>,
    pub stopping: Option<Stopping>,
    /// Attempts that run, in it and in the plans that it called.
    pub running: u32,
    /// Units that are ready, and wait for a place under its `limits.parallel`.
    pub held: BTreeSet<ReadyKey>,
    /// Units that completed and can be undone, in the order in which they did; those of calls that are over among them.
    #[serde(serialize_with = "pairs")]
    pub undoable: BTreeMap<u64, UnitId>,
    pub rolling_back: bool,
    /// The place in that order of the unit that is being undone.
    pub undoing: Option<u64>,
    /// Nothing in it will move any more.
    pub ended: bool,
}

impl ScopeState {
    fn new(nodes: usize, inputs: Inputs) -> Self {
        Self {
            inputs,
            unsettled: u32::try_from(nodes).unwrap_or(u32::MAX),
            cut_short: false,
            unhandled: BTreeSet::new(),
            stopping: None,
            running: 0,
            held: BTreeSet::new(),
            undoable: BTreeMap::new(),
            rolling_back: false,
            undoing: None,
            ended: false,
        }
    }
}

/// How long the run has moved. It stands still while the run is paused, interrupted, or waits for people.
#[derive(Debug, Default, Serialize)]
pub(crate) struct RunClock {
    pub used_ms: u64,
    pub ticking: bool,
    /// That most of the budget for time is used up was said.
    pub alerted: bool,
}

/// Why nothing new starts in a scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stopping {
    /// `failure: abort`, because of this node, of the scope or of one that called it.
    Abort(NodeId),
    Cancel {
        rollback: bool,
    },
    /// The time of this scope, or of one that called it, is up.
    Timeout(ScopeId),
}

impl Stopping {
    /// Whether running attempts are stopped, too.
    pub const fn drops(self) -> bool {
        matches!(self, Self::Cancel { .. } | Self::Timeout(_))
    }
}

/// How a run ended.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RunEnd {
    pub status: RunStatus,
    /// Why it failed, where no node says so.
    pub message: Option<String>,
    /// The plan's outputs, as far as they have a value.
    pub outputs: BTreeMap<SmolStr, Value>,
}

/// An event that came too late, twice, or for something that is not there. It changed nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Ignored {
    pub time_ms: i64,
    /// What the event was, as `attempt-ended build`.
    pub event: String,
    pub reason: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct NodeState {
    pub status: NodeStatus,
    /// Activating nodes that have not settled.
    #[serde(skip_serializing_if = "is_default")]
    pub sources_open: u32,
    /// Activating nodes that fired, in the order in which they settled.
    #[serde(skip_serializing_if = "Rare::is_absent")]
    pub fired_by: Rare<Vec<NodeId>>,
    #[serde(skip_serializing_if = "is_default")]
    pub needs_open: u32,
    /// The first need that can no longer be met, by its place; of thousands, none is looked at again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmet: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<NeedState>,
    /// Its activation and needs were decided in its favour: what is upstream of it is settled and may be read.
    #[serde(skip_serializing_if = "is_default")]
    pub entered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_ms: Option<i64>,
    /// The single unit; of a fan-out unused.
    pub unit: Unit,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fan: Option<Box<FanOut>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<SmolStr, Value>,
    /// Outputs that are incomplete because the capture was over its limit.
    #[serde(skip_serializing_if = "Rare::is_absent")]
    pub truncated: Rare<Vec<Capture>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<NodeError>>,
    /// Whether it, or what stands in for it, satisfies a need; absent while undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfies: Option<bool>,
    /// Rounds of the same node in earlier calls of its plan.
    #[serde(skip_serializing_if = "is_default")]
    pub rounds_before: u32,
    /// Its result is that of a node before it.
    #[serde(skip_serializing_if = "is_default")]
    pub kept: bool,
    /// A person has to say whether what was done before stands.
    #[serde(skip_serializing_if = "is_default")]
    pub doubts: bool,
    /// How often a person had it tried again.
    #[serde(skip_serializing_if = "is_default")]
    pub retries: u32,
    /// The instances that it had before it was tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<FanOut>>,
    /// Of a failed node: whether its failure is handled; absent while undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<bool>,
    /// Of a failed node: handlers that fired and are not decided.
    #[serde(skip_serializing_if = "is_default")]
    pub handlers_open: u32,
    /// The arm that a decision took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<NodeId>,
    /// What people were asked, and what they said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Box<GateState>>,
    /// What it remembered when it completed, by slot: what the plan that it called remembered for all plans is among it.
    #[serde(skip_serializing_if = "Rare::is_absent")]
    pub writes: Rare<BTreeMap<SmolStr, Value>>,
    /// Writers whose memory it sees, by slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<Arc<BTreeMap<SmolStr, NodeId>>>,
    /// Why it was skipped or cancelled, for people.
    #[serde(skip_serializing_if = "Rare::is_absent")]
    pub why: Rare<Option<String>>,
}

/// What is known about one need.
#[derive(Debug, Serialize)]
pub(crate) struct NeedState {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<bool>,
    /// Members of a quorum that satisfied it, in the order in which they did.
    #[serde(skip_serializing_if = "Rare::is_absent")]
    pub yes: Rare<Vec<NodeId>>,
    #[serde(skip_serializing_if = "is_default")]
    pub no: u32,
    /// How many different nodes it names.
    pub members: u32,
}

impl NeedState {
    pub(crate) fn new(need: &Need) -> Self {
        let members = match need {
            Need::Node { .. } => 1,
            Need::Quorum { of, .. } => of.iter().collect::<BTreeSet<_>>().len(),
        };
        Self {
            decided: None,
            yes: Rare::absent(),
            no: 0,
            members: u32::try_from(members).unwrap_or(u32::MAX),
        }
    }
}

/// One task, gate or instance, through its attempts.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unit {
    pub status: NodeStatus,
    /// Number of the current or last attempt; 0 before the first.
    #[serde(skip_serializing_if = "is_default")]
    pub attempt: u32,
    /// Those from before a person had it tried again: they do not count against its retries.
    #[serde(skip_serializing_if = "is_default")]
    pub attempts_before: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub start: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub round: u32,
    /// The current attempt was interrupted or lost and is to be started again.
    #[serde(skip_serializing_if = "is_default")]
    pub again: bool,
    #[serde(skip_serializing_if = "Rare::is_absent")]
    pub input: Rare<BTreeMap<SmolStr, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<NodeError>>,
    /// Of each clause of evidence whether its condition held when the last attempt ended; absent: that cannot be told.
    #[serde(skip_serializing_if = "Rare::is_absent")]
    pub evidence: Rare<Vec<Option<bool>>>,
    /// The plan that its current attempt, or the one before, called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<Box<Called>>,
    /// What completed in the call before stays done: a person had it tried again.
    #[serde(skip_serializing_if = "is_default")]
    pub takes_over: bool,
    /// The how manieth of the run it was to complete; 0 before it has.
    #[serde(skip_serializing_if = "is_default")]
    pub place: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Box<Undo>>,
}

/// A call of a plan.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Called {
    pub scope: ScopeId,
    /// What it made, from its end until that has been judged.
    pub outputs: Option<BTreeMap<SmolStr, Value>>,
}

/// What has become of undoing a completed node or instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Undo {
    pub status: UndoStatus,
    /// Counts repetitions.
    pub start: u32,
    /// Why it failed.
    pub error: Option<NodeError>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoStatus {
    Running,
    Done,
    Failed,
}

impl Unit {
    pub const fn new() -> Self {
        Self {
            status: NodeStatus::Pending,
            attempt: 0,
            attempts_before: 0,
            start: 0,
            round: 0,
            again: false,
            input: Rare::absent(),
            error: None,
            called: None,
            takes_over: false,
            place: 0,
            undo: None,
            evidence: Rare::absent(),
        }
    }
}

/// Why a node or instance failed, for good or for now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NodeError {
    /// The failure mode.
    pub kind: SmolStr,
    pub message: String,
    pub exit: Option<i32>,
    pub attempts: u32,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct FanOut {
    pub instances: Vec<Instance>,
    /// Instances that wait for a place under `parallel`.
    pub waiting: BTreeSet<u32>,
    /// Instances that hold such a place: in the ready queue or running.
    pub active: u32,
    pub parallel: u32,
    pub open: u32,
    pub failed: u32,
    pub tolerated: u32,
    /// The failure that was one too many.
    pub error: Option<NodeError>,
    /// Some instance never ran.
    pub cancelled: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Instance {
    pub key: SmolStr,
    pub item: Value,
    pub unit: Unit,
    /// What it made, until the task merges it.
    pub products: Products,
    /// What people were asked about its prose, and what they said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Box<GateState>>,
    pub started_ms: Option<i64>,
    pub settled_ms: Option<i64>,
}

impl State {
    pub fn new(outermost: &Scope) -> Self {
        let mut state = Self {
            run: None,
            started_ms: 0,
            now_ms: 0,
            nodes: Vec::new(),
            scopes: Vec::new(),
            ready: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            backoffs: BTreeMap::new(),
            looking: BTreeSet::new(),
            looked: BTreeMap::new(),
            remembering: BTreeSet::new(),
            blocked: BTreeSet::new(),
            asking: BTreeSet::new(),
            questions: BTreeMap::new(),
            awaited: BTreeSet::new(),
            to_ask: BTreeSet::new(),
            calls: BTreeMap::new(),
            agents: BTreeMap::new(),
            judging: BTreeMap::new(),
            verified: BTreeSet::new(),
            accounts: BTreeMap::new(),
            reserved: BTreeMap::new(),
            parked: BTreeMap::new(),
            released: BTreeMap::new(),
            tokens_seen: BTreeMap::new(),
            raised: Budget::default(),
            budget_stop: None,
            tasks: 0,
            alerts: Alerts::default(),
            clock: RunClock::default(),
            deadlines: BTreeMap::new(),
            paused: false,
            revisions: Vec::new(),
            leaving: None,
            undos: BTreeSet::new(),
            completions: 0,
            end: None,
            announced: None,
            ignored: Vec::new(),
        };
        state.begin(outermost, Inputs::new());
        state
    }

    /// Adds a scope behind the others, nothing of it decided.
    pub fn begin(&mut self, scope: &Scope, inputs: Inputs) {
        let nodes = scope.nodes();
        self.scopes.push(ScopeState::new(nodes.len(), inputs));
        self.nodes
            .extend(nodes.map(|id| NodeState::new(&scope.node(id).needs, scope.table(id).sources)));
    }

    pub fn scope(&self, id: ScopeId) -> &ScopeState {
        &self.scopes[id as usize]
    }

    pub fn scope_mut(&mut self, id: ScopeId) -> &mut ScopeState {
        &mut self.scopes[id as usize]
    }

    pub fn node(&self, id: NodeId) -> &NodeState {
        &self.nodes[id as usize]
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut NodeState {
        &mut self.nodes[id as usize]
    }

    /// The unit, if the plan has the node and the fan-out has the instance.
    pub fn find_unit(&self, id: UnitId) -> Option<&Unit> {
        let node = self.nodes.get(id.node as usize)?;
        match (id.instance, &node.fan) {
            (None, None) => Some(&node.unit),
            (Some(index), Some(fan)) => fan.instances.get(index as usize).map(|instance| &instance.unit),
            _ => None,
        }
    }

    /// A unit that is known to exist.
    pub fn unit(&self, id: UnitId) -> &Unit {
        self.find_unit(id).unwrap_or(&self.nodes[id.node as usize].unit)
    }

    pub fn unit_mut(&mut self, id: UnitId) -> &mut Unit {
        let node = &mut self.nodes[id.node as usize];
        match (id.instance, &mut node.fan) {
            (Some(index), Some(fan)) => &mut fan.instances[index as usize].unit,
            _ => &mut node.unit,
        }
    }

    /// What people were asked about a unit, and what they said.
    pub fn gate(&self, id: UnitId) -> Option<&GateState> {
        match id.instance {
            None => self.nodes.get(id.node as usize)?.gate.as_deref(),
            Some(_) => self.instance(id)?.gate.as_deref(),
        }
    }

    pub fn gate_mut(&mut self, id: UnitId) -> &mut Option<Box<GateState>> {
        let node = &mut self.nodes[id.node as usize];
        match (id.instance, &mut node.fan) {
            (Some(index), Some(fan)) => &mut fan.instances[index as usize].gate,
            _ => &mut node.gate,
        }
    }

    pub fn instance(&self, id: UnitId) -> Option<&Instance> {
        let index = id.instance?;
        let fan = self.nodes.get(id.node as usize)?.fan.as_ref()?;
        fan.instances.get(index as usize)
    }
}

impl NodeState {
    pub(crate) fn new(needs: &[Need], sources: u32) -> Self {
        let needs: Vec<NeedState> = needs.iter().map(NeedState::new).collect();
        Self {
            status: NodeStatus::Pending,
            sources_open: sources,
            fired_by: Rare::absent(),
            needs_open: u32::try_from(needs.len()).unwrap_or(u32::MAX),
            unmet: None,
            needs,
            entered: false,
            started_ms: None,
            settled_ms: None,
            unit: Unit::new(),
            fan: None,
            outputs: BTreeMap::new(),
            truncated: Rare::absent(),
            error: None,
            satisfies: None,
            rounds_before: 0,
            kept: false,
            doubts: false,
            retries: 0,
            before: None,
            handled: None,
            handlers_open: 0,
            chosen: None,
            gate: None,
            writes: Rare::absent(),
            view: None,
            why: Rare::absent(),
        }
    }

    pub const fn is_settled(&self) -> bool {
        self.status.is_settled()
    }

    /// As a handler: whether it did its job; absent while undecided.
    pub const fn resolution(&self) -> Option<bool> {
        match self.status {
            NodeStatus::Completed => Some(true),
            NodeStatus::Failed => self.handled,
            NodeStatus::Skipped | NodeStatus::Cancelled => Some(false),
            _ => None,
        }
    }
}
