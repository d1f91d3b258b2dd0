//! Expressions with every name resolved and every operator's operands checked.
//!
//! Evaluation is pure ([`crate::eval`]); the only way to look at the world is the `World` trait, and what it saw is
//! recorded by its caller.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::func::Func;
use crate::types::Type;
use crate::value::Value;

/// How deep an expression may nest. The parser's cap on brackets is below it; a chain of operators, which nests on the
/// left, may reach it.
pub const EXPR_DEPTH_MAX: usize = 256;

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
    /// `context.x`: of the request that a trigger looks at; `none` if the request has none.
    Context(SmolStr),
    /// `status(collect)`, `ran(read["a"])`: what an expectation of a test asks about a node.
    Asked(Box<Asked>),
}

/// A question about a node, or about one instance of a fan-out. An instance that there is not is `none`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Asked {
    pub node: u32,
    /// The key of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<SmolStr>,
    pub what: Question,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    Status,
    Ran,
    Attempts,
}

impl Question {
    /// The function that asks it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Ran => "ran",
            Self::Attempts => "attempts",
        }
    }
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

impl Capture {
    /// As the language writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Exit => "exit",
            Self::Duration => "duration",
            Self::Result => "result",
        }
    }
}

impl Expr {
    /// Text that is known when compiling.
    pub fn text(text: impl Into<SmolStr>) -> Self {
        Self::Const(Value::String(text.into()))
    }

    /// Hands the operands to a visitor, in the order they are written, each with how many items (`it`) more it is below.
    pub fn operands<'e>(&'e self, visit: &mut dyn FnMut(&'e Self, u32)) {
        match self {
            Self::Const(_) | Self::Ref(_) | Self::It(_) => {}
            Self::Not(operand) | Self::Neg(operand) | Self::IsNone(operand) | Self::IsEmpty(operand) => {
                visit(operand, 0)
            }
            Self::Binary(binary) => {
                visit(&binary.lhs, 0);
                visit(&binary.rhs, 0);
            }
            Self::And(pair) | Self::Or(pair) | Self::Coalesce(pair) | Self::Index(pair) => {
                visit(&pair.0, 0);
                visit(&pair.1, 0);
            }
            Self::If(branches) => {
                visit(&branches.cond, 0);
                visit(&branches.then, 0);
                visit(&branches.otherwise, 0);
            }
            Self::Field(access) => visit(&access.0, 0),
            Self::List(items) | Self::Concat(items) => items.iter().for_each(|item| visit(item, 0)),
            Self::Record(fields) => fields.iter().for_each(|(_, field)| visit(field, 0)),
            Self::Call(call) => {
                for (i, arg) in call.args.iter().enumerate() {
                    visit(arg, u32::from(i == 1 && call.func.per_item()));
                }
            }
            Self::Cast(cast) => visit(&cast.0, 0),
        }
    }

    /// Hands the expression and everything in it to a visitor, outside in and left to right, each with its depth (the
    /// whole is at 1) and with how many items (`it`) it is below. Does not recurse.
    pub fn walk<'e>(&'e self, visit: &mut dyn FnMut(&'e Self, usize, u32)) {
        let mut stack = vec![(self, 1, 0)];
        while let Some((expr, depth, items)) = stack.pop() {
            visit(expr, depth, items);
            let below = stack.len();
            expr.operands(&mut |operand, more| stack.push((operand, depth + 1, items + more)));
            stack[below..].reverse();
        }
    }
}

impl Expr {
    /// Hands the expression and everything in it to a visitor that may change it. Does not recurse.
    pub fn walk_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        let mut stack = vec![self];
        while let Some(expr) = stack.pop() {
            visit(expr);
            let below = stack.len();
            match expr {
                Self::Const(_) | Self::Ref(_) | Self::It(_) => {}
                Self::Not(operand) | Self::Neg(operand) | Self::IsNone(operand) | Self::IsEmpty(operand) => {
                    stack.push(operand);
                }
                Self::Binary(binary) => stack.extend([&mut binary.lhs, &mut binary.rhs]),
                Self::And(pair) | Self::Or(pair) | Self::Coalesce(pair) | Self::Index(pair) => {
                    let (a, b) = &mut **pair;
                    stack.extend([a, b]);
                }
                Self::If(branches) => {
                    let branches = &mut **branches;
                    stack.extend([&mut branches.cond, &mut branches.then, &mut branches.otherwise]);
                }
                Self::Field(access) => stack.push(&mut access.0),
                Self::List(items) | Self::Concat(items) => stack.extend(items),
                Self::Record(fields) => stack.extend(fields.iter_mut().map(|(_, field)| field)),
                Self::Call(call) => stack.extend(&mut call.args),
                Self::Cast(cast) => stack.push(&mut cast.0),
            }
            stack[below..].reverse();
        }
    }
}

/// Hands every reference in an expression to a visitor, left to right.
pub fn refs(expr: &Expr, visit: &mut dyn FnMut(&Ref)) {
    expr.walk(&mut |expr, _, _| {
        if let Expr::Ref(reference) = expr {
            visit(reference);
        }
    });
}

/// Whether evaluating the expression may look at the world.
pub fn observes(expr: &Expr) -> bool {
    let mut observes = false;
    expr.walk(&mut |expr, _, _| {
        observes |= match expr {
            Expr::Ref(Ref::World(_)) => true,
            Expr::Call(call) => call.func.observes(),
            _ => false,
        };
    });
    observes
}
