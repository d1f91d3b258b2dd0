//! What happened to nodes, for progress lines: derived from events, never journaled.

use ir::plan::NodeId;
use serde::Serialize;
use smol_str::SmolStr;

use crate::event::{BudgetItem, GateDecision};
use crate::state::{Ignored, NodeError};

/// One thing that the latest event led to.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    /// An attempt starts.
    Started {
        node: NodeId,
        label: SmolStr,
        attempt: u32,
    },
    /// The attempt goes on with another line of `do:`, counted from 1.
    Line {
        node: NodeId,
        label: SmolStr,
        line: u32,
        capability: SmolStr,
    },
    /// A fan-out knows its instances.
    FannedOut {
        node: NodeId,
        label: SmolStr,
        instances: u32,
    },
    /// An attempt calls a plan.
    Called {
        node: NodeId,
        label: SmolStr,
        plan: SmolStr,
        nodes: u32,
    },
    /// The time of a called plan is up.
    CallTimeout {
        node: NodeId,
        label: SmolStr,
    },
    /// So many nodes and instances are undone, last first.
    RollingBack {
        count: u32,
    },
    /// What a node or an instance did is being undone.
    Undoing {
        node: NodeId,
        label: SmolStr,
    },
    Undone {
        node: NodeId,
        label: SmolStr,
    },
    /// What it did stays done; the others are undone all the same.
    UndoFailed {
        node: NodeId,
        label: SmolStr,
        error: NodeError,
    },
    /// An attempt failed and another follows.
    Retrying {
        node: NodeId,
        label: SmolStr,
        error: NodeError,
        at_ms: i64,
    },
    /// The run goes on under a changed plan.
    Replanned {
        number: u32,
        by: String,
        because: String,
    },
    /// A node keeps the result that it had before the plan was changed, or a call was tried again.
    Kept {
        node: NodeId,
        label: SmolStr,
    },
    /// A person has a node tried again.
    RetryAsked {
        node: NodeId,
        label: SmolStr,
        by: String,
        because: Option<String>,
    },
    /// An attempt was interrupted or lost and will be started again.
    Again {
        node: NodeId,
        label: SmolStr,
        attempt: u32,
    },
    /// An attempt is in doubt, and a person has to decide.
    Blocked {
        node: NodeId,
        label: SmolStr,
        attempt: u32,
    },
    /// A gate or a task waits for people.
    Asked {
        node: NodeId,
        label: SmolStr,
        approvers: Vec<SmolStr>,
        deadline_ms: Option<i64>,
    },
    /// A person decided about a gate. A quorum may need more of them.
    Decided {
        node: NodeId,
        label: SmolStr,
        by: SmolStr,
        person: Option<SmolStr>,
        decision: GateDecision,
        because: Option<String>,
    },
    /// A person answered what a task asked.
    Answered {
        node: NodeId,
        label: SmolStr,
        by: SmolStr,
        because: Option<String>,
    },
    /// Something is over its limits, and an attempt waits for it.
    Waits {
        node: NodeId,
        label: SmolStr,
        /// `the agent coder`
        on: String,
        /// Absent: until something that runs has ended.
        until_ms: Option<i64>,
    },
    /// An agent failed too often, and is left alone until a probe.
    CircuitOpened {
        agent: SmolStr,
        probe_at_ms: i64,
    },
    /// A budget has come to the share at which it is to be said.
    BudgetAlert {
        whose: String,
        item: BudgetItem,
        used: String,
        of: String,
    },
    /// The budget of the run does not cover what is next: the run pauses.
    BudgetSpent {
        item: BudgetItem,
        used: String,
        of: String,
    },
    /// The result of an earlier run stands in for what it would have done.
    Reused {
        node: NodeId,
        label: SmolStr,
        run: SmolStr,
        made_ms: i64,
    },
    /// A node or an instance completed.
    Completed {
        node: NodeId,
        label: SmolStr,
        duration_ms: i64,
    },
    /// A node or an instance failed for good.
    Failed {
        node: NodeId,
        label: SmolStr,
        error: NodeError,
    },
    Skipped {
        node: NodeId,
        label: SmolStr,
        because: String,
    },
    Cancelled {
        node: NodeId,
        label: SmolStr,
    },
    /// Nothing handles this node's failure, and the plan says `failure: abort`.
    Aborting {
        node: NodeId,
        label: SmolStr,
    },
    /// The condition of an alert holds.
    Alert {
        name: String,
        severity: Option<SmolStr>,
    },
    /// The plan's time is up.
    PlanTimeout,
    /// The event changed nothing.
    Ignored(Ignored),
}
