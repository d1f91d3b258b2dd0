//! Nodes and what lies between them: needs and routes, gates, decisions.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Effect, Expectation, NodeId, Script, Task, is_false, is_zero};
use crate::expr::Expr;
use crate::rare::Rare;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Node {
    pub id: SmolStr,
    /// Interpolates like any string; a `Const` mostly.
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub title: Rare<Option<Expr>>,
    /// 1-based line of its header in the source, for messages; not part of the hash of a node.
    pub line: u32,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub kind: Rare<Option<SmolStr>>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub description: Rare<Option<SmolStr>>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub owner: Rare<Option<SmolStr>>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub labels: Rare<Vec<SmolStr>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub when: Rare<Option<Expr>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i64,
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// Node routes (`on event -> node`), not the arms of a decision.
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub routes: Rare<Vec<Route>>,
    pub body: Body,
}

impl Node {
    /// A node that needs nothing, every other clause at its default.
    pub fn new(id: impl Into<SmolStr>, body: Body) -> Self {
        Self {
            id: id.into(),
            title: Rare::absent(),
            line: 1,
            kind: Rare::absent(),
            description: Rare::absent(),
            owner: Rare::absent(),
            labels: Rare::absent(),
            needs: Vec::new(),
            when: Rare::absent(),
            priority: 0,
            optional: false,
            routes: Rare::absent(),
            body,
        }
    }
}

/// One need. `on success -> v` is lowered to a route of u and a `Need::Node` of v on u.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    Node {
        node: NodeId,
        #[serde(default, skip_serializing_if = "is_false")]
        optional: bool,
    },
    /// `any(a, b)` has count 1.
    Quorum { count: u32, of: Vec<NodeId> },
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Route {
    /// `success`, `failure`, `timeout`, `in-doubt`, `approved`, `rejected`, or a failure mode.
    pub on: SmolStr,
    pub to: NodeId,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    Task(Box<Task>),
    Gate(Box<Gate>),
    Decision(Box<Decision>),
}

impl Body {
    pub fn task(&self) -> Option<&Task> {
        match self {
            Self::Task(task) => Some(task),
            Self::Gate(_) | Self::Decision(_) => None,
        }
    }

    /// The script of the task or gate.
    pub fn script(&self) -> Option<&Script> {
        match self {
            Self::Task(task) => task.script(),
            Self::Gate(gate) => gate.script.as_ref(),
            Self::Decision(_) => None,
        }
    }
}

/// Without approvers it is automatic: its checks and its script decide.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Gate {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Expectation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// Of its script, and of the wait for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Expr>,
    /// Principals, any of whom may decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<SmolStr>,
    /// How many must approve; absent: one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<GateOption>,
    /// Of its script; absent: it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<Vec<Effect>>,
}

/// One of the choices that an approver has.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GateOption {
    pub name: SmolStr,
    /// Interpolates like any string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Expr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Expr>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Decision {
    /// The first true arm wins; `when` absent is `else`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<Arm>,
    /// `from: hypotheses`: the arm of the likeliest wins, of equally likely ones the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hypotheses: Vec<HypothesisArm>,
}

impl Decision {
    /// Where it can lead, in the order of its arms.
    pub fn targets(&self) -> impl Iterator<Item = NodeId> + '_ {
        let arms = self.arms.iter().map(|arm| arm.to);
        arms.chain(self.hypotheses.iter().map(|arm| arm.to))
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Arm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    pub to: NodeId,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HypothesisArm {
    /// One of the plan's.
    pub hypothesis: SmolStr,
    pub to: NodeId,
}
