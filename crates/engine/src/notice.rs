//! What happened to nodes, for progress lines: derived from events, never journaled.

use ir::plan::NodeId;
use serde::Serialize;
use smol_str::SmolStr;

use crate::event::GateDecision;
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
    /// A fan-out knows its instances.
    FannedOut {
        node: NodeId,
        label: SmolStr,
        instances: u32,
    },
    /// An attempt failed and another follows.
    Retrying {
        node: NodeId,
        label: SmolStr,
        error: NodeError,
        at_ms: i64,
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
    /// A gate waits for people.
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
    /// The plan's time is up.
    PlanTimeout,
    /// The event changed nothing.
    Ignored(Ignored),
}
