//! `dslc run --dry-run`: what would be started, in order, with what is known before anything has run, and what it takes
//! at worst. Looks at nothing and starts nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write;

use dsl_check::Bounds;
use ir::eval::{EvalError, NoWorld, Scope, eval};
use ir::expr::Ref;
use ir::plan::{Binding, Body, Inputs, Interpreter, Need, Node, NodeId, Plan};
use ir::types::Types;
use ir::{Expr, Value};

use crate::printer::{bold, shown};
use crate::verbs::bounds;

pub fn describe(plan: &Plan, inputs: &Inputs, bounds: &Bounds) -> String {
    let known = Known { plan, inputs };
    let mut text = format!("{} {}\n", bold("plan", None), plan.name);
    for (name, value) in inputs {
        // Infallible: writing to a string.
        let _ = writeln!(text, "  {name}: {}", shown(&ir::data::render(value)));
    }
    let _ = writeln!(text, "  {}", bounds::in_a_line(bounds));
    let conditions = conditions(plan);
    for (place, id) in (1..).zip(order(plan)) {
        let node = &plan.nodes[id as usize];
        let _ = write!(text, "\n{place:>4}. {} {}", kind(node), bold(&node.id, None));
        if let Some(title) = node.title.as_ref().and_then(|title| known.value(title)) {
            let _ = write!(text, "  {}", shown(&title));
        }
        text.push('\n');
        for line in conditions[id as usize]
            .iter()
            .cloned()
            .chain(details(node, plan, &known))
        {
            let _ = writeln!(text, "        {}", shown(&line));
        }
    }
    text
}

fn kind(node: &Node) -> &'static str {
    match &node.body {
        Body::Task(task) if task.work.is_nothing() => "milestone",
        Body::Task(_) => "task",
        Body::Gate(_) => "gate",
        Body::Decision(_) => "decision",
    }
}

/// Each node after all that it waits for; among those that could start, as the engine would start them.
fn order(plan: &Plan) -> Vec<NodeId> {
    let mut after: Vec<Vec<NodeId>> = vec![Vec::new(); plan.nodes.len()];
    let mut open = vec![0_u32; plan.nodes.len()];
    for (id, node) in (0..).zip(&plan.nodes) {
        for_each_edge(node, |other, is_need| {
            let (from, to) = if is_need { (other, id) } else { (id, other) };
            after[from as usize].push(to);
            open[to as usize] += 1;
        });
    }
    let key = |id: NodeId| (plan.nodes[id as usize].priority, Reverse(id));
    let mut ready: BinaryHeap<_> = (0..)
        .zip(&open)
        .filter(|(_, open)| **open == 0)
        .map(|(id, _)| key(id))
        .collect();
    let mut order = Vec::with_capacity(plan.nodes.len());
    while let Some((_, Reverse(id))) = ready.pop() {
        order.push(id);
        for &next in &after[id as usize] {
            open[next as usize] -= 1;
            if open[next as usize] == 0 {
                ready.push(key(next));
            }
        }
    }
    order
}

/// The other node of each edge, and whether it comes before (a need) or after (a route, an arm, a fallback).
fn for_each_edge(node: &Node, mut edge: impl FnMut(NodeId, bool)) {
    for need in &node.needs {
        match need {
            Need::Node { node, .. } => edge(*node, true),
            Need::Quorum { of, .. } => of.iter().for_each(|node| edge(*node, true)),
        }
    }
    node.routes.iter().for_each(|route| edge(route.to, false));
    match &node.body {
        Body::Task(task) => task.fallback.into_iter().for_each(|to| edge(to, false)),
        Body::Decision(decision) => decision.arms.iter().for_each(|arm| edge(arm.to, false)),
        Body::Gate(_) => {}
    }
}

/// For each node what must happen first.
fn conditions(plan: &Plan) -> Vec<Vec<String>> {
    let id = |node: &NodeId| format!("`{}`", plan.nodes[*node as usize].id);
    let ids = |nodes: &[NodeId]| nodes.iter().map(id).collect::<Vec<_>>().join(", ");
    let mut conditions: Vec<Vec<String>> = vec![Vec::new(); plan.nodes.len()];
    for (at, node) in (0..).zip(&plan.nodes) {
        for need in &node.needs {
            conditions[at as usize].push(match need {
                Need::Node { node, optional: false } => format!("after {}", id(node)),
                Need::Node { node, optional: true } => format!("after {}, if that runs", id(node)),
                Need::Quorum { count: 1, of } => format!("after the first of {}", ids(of)),
                Need::Quorum { count, of } => format!("after {count} of {}", ids(of)),
            });
        }
        for route in node.routes.iter().filter(|route| route.on != "success") {
            conditions[route.to as usize].push(format!("only on `{}` of {}", route.on, id(&at)));
        }
        match &node.body {
            Body::Task(task) => {
                if let Some(to) = task.fallback {
                    conditions[to as usize].push(format!("only if {} fails", id(&at)));
                }
            }
            Body::Decision(decision) => {
                for arm in &decision.arms {
                    conditions[arm.to as usize].push(format!("only if {} chooses it", id(&at)));
                }
            }
            Body::Gate(_) => {}
        }
    }
    conditions
}

fn details(node: &Node, plan: &Plan, known: &Known<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(when) = node.when.as_ref() {
        lines.push(match known.value(when).as_deref() {
            Some("true") => "its `when` holds".to_owned(),
            Some(_) => "skipped: its `when` does not hold".to_owned(),
            None => "only if its `when` holds".to_owned(),
        });
    }
    let script = match &node.body {
        Body::Task(task) => {
            if task.each.is_some() {
                lines.push("once for each item".to_owned());
            }
            lines.extend(task.input.iter().map(|binding| binding_line("input", binding, known)));
            task.script()
        }
        Body::Gate(gate) => gate.script.as_ref(),
        Body::Decision(_) => None,
    };
    if let Some(script) = script {
        lines.extend(script.env.iter().map(|binding| binding_line("env", binding, known)));
        let shell = match &script.interpreter {
            Interpreter::Bash => "bash".to_owned(),
            Interpreter::Sh => "sh".to_owned(),
            Interpreter::Python => "python".to_owned(),
            Interpreter::Command(command) => known.or_later(command),
        };
        let dir = script.dir.as_ref().or(plan.dir.as_ref());
        let dir = dir.map_or_else(|| "a folder of the run".to_owned(), |dir| known.or_later(dir));
        lines.push(format!("{shell}, in {dir}"));
    }
    lines
}

fn binding_line(what: &str, binding: &Binding, known: &Known<'_>) -> String {
    format!("{what} {}: {}", binding.name, known.or_later(&binding.value))
}

/// What is known before a run: its parameters and the plan's name.
struct Known<'a> {
    plan: &'a Plan,
    inputs: &'a Inputs,
}

impl Known<'_> {
    fn value(&self, expr: &Expr) -> Option<String> {
        eval(expr, self, &mut NoWorld)
            .ok()
            .map(|value| ir::data::render(&value))
    }

    fn or_later(&self, expr: &Expr) -> String {
        self.value(expr).unwrap_or_else(|| "known when it runs".to_owned())
    }
}

impl Scope for Known<'_> {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        let later = || EvalError::new("known when it runs");
        match reference {
            Ref::Param(name) => self.inputs.get(name).cloned().ok_or_else(later),
            Ref::Plan(member) if member == "name" => Ok(Value::String(self.plan.name.clone())),
            _ => Err(later()),
        }
    }

    fn types(&self) -> &Types {
        &self.plan.types
    }
}
