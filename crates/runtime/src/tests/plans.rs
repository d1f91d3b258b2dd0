//! Small plans, built in code.

use ir::expr::{Binary, BinaryOp, Call, Capture, Expr, Ref};
use ir::func::Func;
use ir::plan::{
    Backoff, Binding, Body, Expectation, FailurePolicy, Interpreter, Need, Node, NodeId, Output, Param, Plan, Retry,
    Script, Task,
};
use ir::types::Type;
use ir::value::Value;

pub fn plan(nodes: Vec<Node>) -> Plan {
    Plan {
        limits: ir::plan::Limits {
            parallel: Some(2),
            ..Default::default()
        },
        failure: FailurePolicy::Continue,
        nodes,
        ..Plan::new("demo")
    }
}

pub fn param(name: &str, ty: Type, default: Option<Value>) -> Param {
    Param {
        name: name.into(),
        ty,
        default: default.map(Expr::Const),
        doc: None,
    }
}

/// A task that runs `script` with `sh`, after `needs`.
pub fn task(id: &str, script: &str, needs: &[NodeId]) -> Node {
    node(
        id,
        needs,
        Task {
            work: sh(script).into(),
            ..Task::default()
        },
    )
}

pub fn node(id: &str, needs: &[NodeId], task: Task) -> Node {
    let needs = needs.iter().map(|&node| Need::Node { node, optional: false }).collect();
    Node {
        needs,
        ..Node::new(id, Body::Task(Box::new(task)))
    }
}

pub fn sh(script: &str) -> Script {
    Script {
        text: script.into(),
        interpreter: Interpreter::Sh,
        vars: Vec::new(),
        env: Vec::new(),
        dir: None,
    }
}

pub fn task_mut(node: &mut Node) -> &mut Task {
    match &mut node.body {
        Body::Task(task) => task,
        _ => panic!("a task"),
    }
}

/// A node with its task changed.
pub fn with(mut node: Node, change: impl FnOnce(&mut Task)) -> Node {
    change(task_mut(&mut node));
    node
}

pub fn script_of(task: &mut Task) -> &mut Script {
    task.script_mut().expect("a script")
}

pub fn retries(max: u32) -> Option<Retry> {
    Some(Retry {
        max,
        backoff: Backoff::Linear { base_ms: 5, step_ms: 0 },
        on: Vec::new(),
    })
}

pub fn text(value: &str) -> Expr {
    Expr::Const(Value::String(value.into()))
}

pub fn bind(name: &str, value: Expr) -> Binding {
    Binding {
        name: name.into(),
        value,
    }
}

pub fn output(name: &str, ty: Type, value: Expr) -> Output {
    Output {
        name: name.into(),
        ty,
        value,
    }
}

pub fn call(func: Func, arg: Expr) -> Expr {
    Expr::Call(Box::new(Call { func, args: vec![arg] }))
}

pub fn trimmed_stdout() -> Expr {
    call(Func::Trim, Expr::Ref(Ref::Capture(Capture::Stdout)))
}

pub fn check(expr: Expr, text: &str) -> Expectation {
    Expectation::Check {
        expr,
        text: text.into(),
    }
}

pub fn at_least(left: Expr, right: Value) -> Expr {
    Expr::Binary(Box::new(Binary {
        op: BinaryOp::Ge,
        lhs: left,
        rhs: Expr::Const(right),
    }))
}
