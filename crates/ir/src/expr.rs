//! Expressions with every name resolved and every operator's operands checked.
//!
//! Evaluation is pure ([`crate::eval`]); the only way to look at the world is the `World` trait, and what it saw is
//! recorded by its caller.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::func::Func;
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expr {
    Const(Value),
    /// A value of the scope.
    Ref(Ref),
    /// `it` of the n-th enclosing per-item function, counted from the innermost (0).
    It(u32),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Binary(Box<Binary>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
    /// `a ?? b`
    Coalesce(Box<(Expr, Expr)>),
    If(Box<IfExpr>),
    IsNone(Box<Expr>),
    IsEmpty(Box<Expr>),
    /// Of a record; of `none` it is `none` (only where the checker allowed it), of `json` a missing key is `none`.
    Field(Box<(Expr, SmolStr)>),
    /// `list[i]` or `map[key]`; out of range is `expression-error`.
    Index(Box<(Expr, Expr)>),
    List(Vec<Expr>),
    Record(Vec<(SmolStr, Expr)>),
    Call(Box<Call>),
    /// `x as T`: checks data against the type, and converts JSON text where the type says so.
    Cast(Box<(Expr, Type)>),
    /// An interpolated string.
    Concat(Vec<Expr>),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Binary {
    pub op: BinaryOp,
    pub lhs: Expr,
    pub rhs: Expr,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Matches,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct IfExpr {
    pub cond: Expr,
    pub then: Expr,
    #[serde(rename = "else")]
    pub otherwise: Expr,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Call {
    pub func: Func,
    /// For a per-item function the second argument is evaluated once an item, with `It(0)` bound to it.
    pub args: Vec<Expr>,
}

/// A value that the scope supplies.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ref {
    /// `params.x`
    Param(SmolStr),
    /// `collect.sources`: an output of node `.0`; of a fan-out the list in item order. `none` where the node did not
    /// complete (the checker has made its type optional then). A node whose fallback stands in yields the fallback's.
    Output(u32, SmolStr),
    /// `collect.status`
    Status(u32),
    /// `collect.attempts`
    Attempts(u32),
    /// `collect.duration`
    NodeDuration(u32),
    /// `collect.agent`
    NodeAgent(u32),
    /// `review.choice`
    Choice(u32),
    /// `collect.error`: a record with `kind`, `message`, `exit`, `attempts`; `none` if it did not fail.
    Error(u32),
    /// The variable of the enclosing `each`.
    Each,
    /// The task's own input.
    Input(SmolStr),
    /// The task's own output, in `fail`, `expect`, `remember`, `supports`, `refutes`.
    Own(SmolStr),
    /// `stdout`, `stderr`, `exit`, `duration`, `result` of the attempt that just ended.
    Capture(Capture),
    /// `memory.key`
    Memory(SmolStr),
    /// `secrets.name`
    Secret(SmolStr),
    /// `run.id`, `run.started`, `run.workspace`, …
    Run(SmolStr),
    /// `task.attempt`, `task.agent`, …
    Task(SmolStr),
    /// `plan.name`, `plan.version`
    Plan(SmolStr),
    /// `budget.cost`, …
    Budget(SmolStr),
    /// `system.disk.free`, `network.online`: observed by the driver, dotted.
    World(SmolStr),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capture {
    Stdout,
    Stderr,
    Exit,
    Duration,
    Result,
}
