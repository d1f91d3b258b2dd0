//! What a plan uses and stands under: capabilities, agents, policies, secrets, hypotheses, triggers, alerts.
//!
//! Each plan has those that it uses itself, by the names that its own file knows them by, so that a run needs no other file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Binding, Limits, Money, Param, Rate, Ratio, Script};
use crate::expr::Expr;

/// A tool: what it takes and gives, what it touches, how it is run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Capability {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input: Vec<Param>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<Param>,
    /// Absent: it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<Vec<Effect>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<SmolStr>,
    /// What one call costs, and what it costs while it lasts: the sum. None: nothing, or nobody knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cost: Vec<Rate<Money>>,
    pub idempotent: bool,
    /// Absent: abstract, unless the language has it or an agent brings a runner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<Runner>,
}

/// What is touched outside of the run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Effect {
    pub kind: EffectKind,
    /// Paths or hosts, patterns included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<SmolStr>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectKind {
    Read,
    Write,
    Network,
    Spend,
    Destructive,
}

impl EffectKind {
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Network, Self::Spend, Self::Destructive];

    /// As the language writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Network => "network",
            Self::Spend => "spend",
            Self::Destructive => "destructive",
        }
    }
}

/// How a capability is carried out. Its expressions read the capability's inputs and the plan's secrets; `result` of `http`
/// reads `status`, `headers` and `body` as its own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Runner {
    pub kind: RunnerKind,
    /// Of `shell`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// By name, in the order written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Binding>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunnerKind {
    Shell,
    Http,
    Mcp,
    Llm,
    Human,
    /// Another name for a capability of the language.
    Builtin,
}

impl RunnerKind {
    pub const ALL: [Self; 6] = [
        Self::Shell,
        Self::Http,
        Self::Mcp,
        Self::Llm,
        Self::Human,
        Self::Builtin,
    ];

    /// As the language writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Http => "http",
            Self::Mcp => "mcp",
            Self::Llm => "llm",
            Self::Human => "human",
            Self::Builtin => "builtin",
        }
    }
}

/// Someone who provides capabilities.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Agent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<SmolStr>,
    /// Names of capabilities; the plan has those among them that it uses.
    pub provides: Vec<SmolStr>,
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// Of the abstract capabilities that it provides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<Runner>,
}

/// `5 failures in 1m, probe after 30s`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Breaker {
    pub failures: u32,
    pub within_ms: u64,
    pub probe_ms: u64,
}

/// A policy that binds the plan: what is enforced again while it runs, and the rules that it was compiled under.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    pub name: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Allow::is_everything")]
    pub allow: Allow,
    #[serde(default, skip_serializing_if = "PolicyLimit::is_none")]
    pub limit: PolicyLimit,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PolicyRule>,
}

/// Patterns of what may be used; what is absent is not restricted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Allow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<SmolStr>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Vec<SmolStr>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<SmolStr>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<Vec<SmolStr>>,
}

impl Allow {
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// Upper bounds of a run; what is absent is not limited.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PolicyLimit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

impl PolicyLimit {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A rule over the graph, as its policy writes it: it was checked when the plan was compiled, and cannot change in a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyRule {
    pub name: SmolStr,
    /// `for`, `require`, `deny`, `severity`, by their keys.
    pub clauses: BTreeMap<SmolStr, SmolStr>,
}

/// A value that is never written down: where it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Secret {
    pub name: SmolStr,
    pub from: SecretSource,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// The variable of the environment.
    Env(SmolStr),
    File {
        path: SmolStr,
        /// Of a file with several; absent: the whole file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<SmolStr>,
    },
}

/// Who decides expectations in prose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    Human,
    /// One of the plan's.
    Capability(SmolStr),
}

/// When a request picks the plan.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Trigger {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intent: Vec<SmolStr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<SmolStr>,
    /// Over the request's context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// The least score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Ratio>,
}

/// Raised as an event while the plan runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// Interpolates like any string.
    pub name: Expr,
    pub when: Expr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<SmolStr>,
}

/// A possible explanation whose odds evidence changes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hypothesis {
    pub name: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Expr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<SmolStr>,
    /// From 0 to 1.
    pub prior: Ratio,
}
