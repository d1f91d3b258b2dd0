//! The typed plan: what the compiler makes, the engine runs and the journal pins.
//!
//! Plain data: ids are resolved, every expression is typed, clauses that were left out have their default. Serialised
//! in declared field order the bytes are canonical; [`crate::hash`] hashes them. Absent: source text and where it was
//! (a side table has the lines), opinions, and everything the engine derives.

mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::expr::Expr;
use crate::types::{Type, Types};

pub use text::PlanError;

/// The version of this format; a reader refuses others by name.
pub const FORMAT: &str = "plan-ir/1";

/// Index of a node in [`Plan::nodes`].
pub type NodeId = u32;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub format: SmolStr,
    pub name: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<SmolStr>,
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
    /// The folder of scripts without a `dir` of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<Expr>,
    /// `limits.parallel`; absent: the number of processors, recorded by the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    pub failure: FailurePolicy,
    /// In plan order; a need, route or fallback may point either way, and together they have no cycle.
    pub nodes: Vec<Node>,
    /// Clauses that the toolchain cannot run or enforce yet, by name, in plan order; `run` refuses a plan that has one
    /// with `blocks` set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<Unsupported>,
}

impl Plan {
    /// A plan without nodes, every clause at its default.
    pub fn new(name: impl Into<SmolStr>) -> Self {
        Self {
            format: FORMAT.into(),
            name: name.into(),
            title: None,
            version: None,
            owner: None,
            labels: Vec::new(),
            types: Types::default(),
            params: Vec::new(),
            outputs: Vec::new(),
            memory: Vec::new(),
            dir: None,
            parallel: None,
            timeout_ms: None,
            failure: FailurePolicy::Abort,
            nodes: Vec::new(),
            unsupported: Vec::new(),
        }
    }
}

fn types_empty(types: &Types) -> bool {
    types.0.is_empty()
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Unsupported {
    /// The clause or declaration, as `cache` or `policy`.
    pub what: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// 1-based line in the source.
    pub line: u32,
    /// `false`: only its enforcement is missing (`effects`); a run says so and goes on.
    pub blocks: bool,
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

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Node {
    pub id: SmolStr,
    /// Interpolates like any string; a `Const` mostly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Expr>,
    /// 1-based line of its header in the source, for messages; not part of the hash of a node.
    pub line: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<SmolStr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i64,
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// Node routes (`on event -> node`), not the arms of a decision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    pub body: Body,
}

impl Node {
    /// A node that needs nothing, every other clause at its default.
    pub fn new(id: impl Into<SmolStr>, body: Body) -> Self {
        Self {
            id: id.into(),
            title: None,
            line: 1,
            kind: None,
            owner: None,
            labels: Vec::new(),
            needs: Vec::new(),
            when: None,
            priority: 0,
            optional: false,
            routes: Vec::new(),
            body,
        }
    }
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}
fn is_false(b: &bool) -> bool {
    !*b
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

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Task {
    /// Absent: a milestone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input: Vec<Binding>,
    /// Declared outputs. A script without any has `stdout stderr exit duration`, which are always there and not listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<Output>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fail: Vec<FailMode>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expectation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Expectation>,
    /// The plan's default is already in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Of one attempt; a duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Expr>,
    pub idempotent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<NodeId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remember: Vec<Remember>,
}

/// A milestone.
impl Default for Task {
    fn default() -> Self {
        Self {
            script: None,
            each: None,
            input: Vec::new(),
            output: Vec::new(),
            fail: Vec::new(),
            expect: Vec::new(),
            requires: Vec::new(),
            retry: None,
            timeout: None,
            idempotent: true,
            fallback: None,
            remember: Vec::new(),
        }
    }
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

/// An automatic gate. Gates with an approver are not lowered yet: they are `Unsupported`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Gate {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Expectation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// Of its script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Expr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<SmolStr>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// The first true arm wins; `when` absent is `else`.
    pub arms: Vec<Arm>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Arm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    pub to: NodeId,
}

/// Parameter values of a run, checked and with defaults filled in.
pub type Inputs = BTreeMap<SmolStr, crate::value::Value>;
