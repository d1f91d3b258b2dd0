//! The typed plan: what the compiler makes, the engine runs and the journal pins.
//!
//! Plain data: nodes are referred to by their place, everything else by its one name, every expression is typed, clauses
//! that were left out have their default. It needs no other file: what it uses, and the plans that it calls, are in it.
//! Serialised in declared field order the bytes are canonical; [`crate::hash`] hashes them. Absent: source text and where
//! it was (only the lines are left), opinions, and everything the engine derives.

mod amount;
mod declared;
mod node;
mod pieces;
mod task;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::expr::Expr;
use crate::types::{Type, Types};

pub use amount::{Budget, Limits, Money, Per, Rate, Ratio};
pub use declared::{
    Agent, Alert, Allow, Breaker, Capability, Effect, EffectKind, Hypothesis, Judge, Policy, PolicyLimit, PolicyRule,
    Runner, RunnerKind, Secret, SecretSource, Trigger,
};
pub use node::{Arm, Body, Decision, Gate, GateOption, HypothesisArm, Need, Node, Route};
pub use task::{
    Backoff, Binding, Each, Evidence, Expectation, FailMode, Interpreter, Remember, Retry, Script, Step, Task,
    Tolerate, Work,
};
pub use text::PlanError;

/// The version of this format; a reader refuses others by name.
pub const FORMAT: &str = "plan-ir/2";

/// The failure modes that are not declared.
pub const BUILTIN_MODES: &[&str] = &[
    "failure",
    "timeout",
    "rate-limited",
    "expectation",
    "precondition",
    "invalid-output",
    "expression-error",
    "budget-exceeded",
    "quota-exceeded",
    "circuit-open",
    "denied",
    "cancelled",
    "in-doubt",
];

/// Index of a node in [`Plan::nodes`].
pub type NodeId = u32;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub format: SmolStr,
    pub name: SmolStr,
    /// The profile whose values it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<SmolStr>,
    #[serde(default, skip_serializing_if = "types_empty")]
    pub types: Types,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Param>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<MemoryKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// The folder of scripts without a `dir` of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<Expr>,
    #[serde(default, skip_serializing_if = "Budget::is_unlimited")]
    pub budget: Budget,
    /// Without `parallel`: the number of processors, recorded by the run.
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    pub failure: FailurePolicy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<Judge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// In plan order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hypotheses: Vec<Hypothesis>,
    /// Those that its tasks and its judge use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capabilities: BTreeMap<SmolStr, Capability>,
    /// Those that its tasks name, and for a task that names none those that provide its capability.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<SmolStr, Agent>,
    /// Those that bind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// The plans that it calls, and those that they call; only the outermost plan has any. None calls itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plans: BTreeMap<SmolStr, Plan>,
    /// In plan order; a need, route or fallback may point either way, and together they have no cycle.
    pub nodes: Vec<Node>,
}

impl Plan {
    /// A plan without nodes, every clause at its default.
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self {
            format: FORMAT.into(),
            name: name.into(),
            profile: None,
            title: None,
            description: None,
            version: None,
            owner: None,
            labels: Vec::new(),
            types: Types::default(),
            params: Vec::new(),
            outputs: Vec::new(),
            memory: Vec::new(),
            secrets: Vec::new(),
            dir: None,
            budget: Budget::default(),
            limits: Limits::default(),
            timeout_ms: None,
            failure: FailurePolicy::Abort,
            judge: None,
            trigger: None,
            alerts: Vec::new(),
            hypotheses: Vec::new(),
            capabilities: BTreeMap::new(),
            agents: BTreeMap::new(),
            policies: Vec::new(),
            plans: BTreeMap::new(),
            nodes: Vec::new(),
        }
    }
}

fn types_empty(types: &Types) -> bool {
    types.0.is_empty()
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Param {
    pub name: SmolStr,
    #[serde(rename = "type")]
    pub ty: Type,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Expr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<SmolStr>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Output {
    pub name: SmolStr,
    #[serde(rename = "type")]
    pub ty: Type,
    pub value: Expr,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MemoryKey {
    pub key: SmolStr,
    #[serde(rename = "type")]
    pub ty: Type,
    pub scope: MemoryScope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Expr>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryScope {
    Run,
    Plan,
    Global,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailurePolicy {
    Abort,
    Continue,
}

const fn is_zero(n: &i64) -> bool {
    *n == 0
}
const fn is_false(b: &bool) -> bool {
    !*b
}
const fn yes() -> bool {
    true
}
const fn is_true(b: &bool) -> bool {
    *b
}
const fn is_run(per: &Per) -> bool {
    matches!(per, Per::Run)
}

/// Parameter values of a run, checked and with defaults filled in.
pub type Inputs = BTreeMap<SmolStr, crate::value::Value>;
