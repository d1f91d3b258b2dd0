//! Tasks: who does the work, with what, and what is asked of it afterwards.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Budget, Effect, NodeId, Output, Ratio};
use crate::expr::Expr;
use crate::rare::Rare;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Task {
    #[serde(default, skip_serializing_if = "Work::is_nothing")]
    pub work: Work,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Box<Each>>,
    /// What the work is given: variables of a script, inputs of a capability, parameters of a plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input: Vec<Binding>,
    /// Declared outputs. Without any a script has `stdout stderr exit duration`, which are always there, a capability and a
    /// plan have their own; none of these are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<Output>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub fail: Rare<Vec<FailMode>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expectation>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub requires: Rare<Vec<Expectation>>,
    /// Taken for granted, never checked.
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub assumes: Rare<Vec<Expectation>>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub risks: Rare<Vec<SmolStr>>,
    /// The plan's default is already in it.
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub retry: Rare<Option<Retry>>,
    /// Of one attempt; a duration.
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub timeout: Rare<Option<Expr>>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub budget: Rare<Budget>,
    /// Agents of the plan, in order of preference.
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub by: Rare<Vec<SmolStr>>,
    /// Of its script; absent: it does not say, and is not confined. A capability has its own.
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub effects: Rare<Option<Vec<Effect>>>,
    pub idempotent: bool,
    /// Handed to the capability, so that it can tell a repetition.
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub key: Rare<Option<Expr>>,
    /// How old a result of an earlier run may be that stands in for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<NodeId>,
    /// Undoes it when the run aborts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Box<Script>>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub remember: Rare<Vec<Remember>>,
    #[serde(default, skip_serializing_if = "Rare::is_absent")]
    pub evidence: Rare<Vec<Evidence>>,
}

impl Task {
    pub fn script(&self) -> Option<&Script> {
        match &self.work {
            Work::Script(script) => Some(script),
            _ => None,
        }
    }

    pub fn script_mut(&mut self) -> Option<&mut Script> {
        match &mut self.work {
            Work::Script(script) => Some(script),
            _ => None,
        }
    }
}

/// A milestone.
impl Default for Task {
    fn default() -> Self {
        Self {
            work: Work::Nothing,
            each: None,
            input: Vec::new(),
            output: Vec::new(),
            fail: Rare::absent(),
            expect: Vec::new(),
            requires: Rare::absent(),
            assumes: Rare::absent(),
            risks: Rare::absent(),
            retry: Rare::absent(),
            timeout: Rare::absent(),
            budget: Rare::absent(),
            by: Rare::absent(),
            effects: Rare::absent(),
            idempotent: true,
            key: Rare::absent(),
            cache_ms: None,
            fallback: None,
            rollback: None,
            remember: Rare::absent(),
            evidence: Rare::absent(),
        }
    }
}

/// Who does the work of a task.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// A milestone.
    #[default]
    Nothing,
    Script(Box<Script>),
    /// A call of a capability of the plan, with the task's input.
    Capability(SmolStr),
    /// `do:` lines, in order.
    Steps(Vec<Step>),
    /// A run of a plan of [`super::Plan::plans`], with the task's input as parameters.
    Call(SmolStr),
}

impl Work {
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl From<Script> for Work {
    fn from(script: Script) -> Self {
        Self::Script(Box::new(script))
    }
}

/// One durable call of `do:`. Later lines, and what follows the work, read its answer as `Ref::Own` of its name.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// One of the plan's.
    pub capability: SmolStr,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input: Vec<Binding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<SmolStr>,
    /// May be done again when nobody knows whether it was.
    #[serde(default = "super::yes", skip_serializing_if = "super::is_true")]
    pub idempotent: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Script {
    /// What the interpreter gets; each interpolation has become a quoted reference to a variable of `vars`.
    pub text: SmolStr,
    /// The command that reads the script: program and arguments; the text is the last argument (`bash -euo pipefail -c TEXT`).
    pub interpreter: Interpreter,
    /// Variables for interpolations, in order of appearance: `DSLC_1`, …; each value rendered as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vars: Vec<Binding>,
    /// `env:`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Binding>,
    /// Absent: the plan's `dir`, else the run's work folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<Expr>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpreter {
    /// `bash -euo pipefail -c TEXT`
    Bash,
    /// `sh -eu -c TEXT`
    Sh,
    /// `python3 -c TEXT`
    Python,
    /// `shell: expr`: a command line split at white space; the text follows `-c`.
    Command(Expr),
}

impl Interpreter {
    /// The words of its command, but for the one that the plan spells out.
    pub const fn words(&self) -> &'static [&'static str] {
        match self {
            Self::Bash => &["bash", "-euo", "pipefail"],
            Self::Sh => &["sh", "-eu"],
            Self::Python => &["python3"],
            Self::Command(_) => &[],
        }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Binding {
    pub name: SmolStr,
    pub value: Expr,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Each {
    pub var: SmolStr,
    pub list: Expr,
    /// Key of an instance, with `Ref::Each` bound to the item; absent: the position from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Expr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    pub tolerate: Tolerate,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tolerate {
    Count(u32),
    /// In hundredths of a percent.
    BasisPoints(u32),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FailMode {
    pub mode: SmolStr,
    pub when: Expr,
    /// A string, possibly interpolated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Expr>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    Check {
        expr: Expr,
        /// As the plan writes it, for messages.
        text: SmolStr,
    },
    /// Undecided here: reported as unverified.
    Prose { text: SmolStr },
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Retry {
    /// Further attempts after the first.
    pub max: u32,
    pub backoff: Backoff,
    /// Only on these modes; empty: on any, except `denied`, `in-doubt`, `cancelled`, `budget-exceeded`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<SmolStr>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backoff {
    Immediate,
    /// Wait `base + step * n` before further attempt n (0-based).
    Linear {
        base_ms: u64,
        step_ms: u64,
    },
    /// Wait `base * factor^n`, at most `cap`, before further attempt n (0-based); the factor in thousandths.
    Exponential {
        base_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap_ms: Option<u64>,
        factor_milli: u64,
        jitter: bool,
    },
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Remember {
    pub key: SmolStr,
    pub value: Expr,
}

/// Multiplies a hypothesis' odds when the task ends and the condition holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// One of the plan's.
    pub hypothesis: SmolStr,
    /// `refutes`: the odds are divided.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub against: bool,
    pub when: Expr,
    /// Above zero.
    pub by: Ratio,
}
