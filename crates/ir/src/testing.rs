//! Tests of plans: parameters, what stands in for scripts, capabilities and people, and what must hold when the run is over.
//!
//! Plain data like the plan that a test is about: nodes are referred to by their place in it, every expression is typed.
//! Expressions of mocks read only `Ref::Input`, those of expectations whatever a run has come to. Absent: carrying tests out.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::expr::Expr;
use crate::plan::{Binding, Expectation, NodeId};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Test {
    pub title: SmolStr,
    /// The plan that it is about.
    pub plan: SmolStr,
    /// 1-based line of its header.
    pub line: u32,
    /// Parameters; the others have their defaults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Binding>,
    /// The first that fits answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mocks: Vec<Mock>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decide>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Claim>,
}

/// What stands in for something that would run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Mock {
    pub of: Mocked,
    /// Only where this agent is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<SmolStr>,
    /// Only for calls with such input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// One after the other.
    pub replies: Vec<Reply>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mocked {
    Capability(SmolStr),
    /// The script of a task or gate.
    Script(NodeId),
    /// The script of a task or gate of that name, in a plan that is called.
    Called(SmolStr),
    /// Whoever decides prose.
    Judge,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reply {
    pub answer: Answer,
    /// Absent: from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Of a script a record of `exit`, `stdout`, `stderr` and `files`, each of which may be left out.
    Value(Expr),
    /// The attempt fails with this mode.
    Fails(SmolStr),
}

/// What a person decides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decide {
    pub gate: Decided,
    pub approve: bool,
    /// The principal.
    pub by: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choosing: Option<SmolStr>,
    /// So long after the gate opened.
    pub after_ms: u64,
}

/// The gate that is decided about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    Gate(NodeId),
    /// The gate of that name, in a plan that is called.
    Called(SmolStr),
}

/// Something that must hold when the run is over.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// 1-based.
    pub line: u32,
    pub what: Expectation,
}
