//! What every plan satisfies, whoever made it: ids point at nodes, names are unique, nothing waits for itself, expressions
//! refer to what exists where they stand.
//!
//! Run where a plan is made and where one is read. Absent: whether the plan makes sense to a person, and types; the
//! checker has seen to both. Nothing here recurses, everything is linear in the plan, and each node is looked at once: a
//! large plan is read from memory slower than it is verified.

mod declared;
mod exprs;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::panic::resume_unwind;
use std::thread;

use smol_str::SmolStr;

use crate::graph::{Cycle, Graph};
use crate::plan::{Body, FORMAT, Need, Node, NodeId, Plan};
use crate::types::{Bounds, StringRefine, Type};
use crate::visit;
use exprs::Known;

/// The first thing that is wrong with a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    /// The node, if it is about one.
    pub node: Option<SmolStr>,
    pub message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "`{node}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for VerifyError {}

type Verified = Result<(), VerifyError>;

fn fail(node: Option<&Node>, message: impl Into<String>) -> Verified {
    Err(VerifyError {
        node: node.map(|node| node.id.clone()),
        message: message.into(),
    })
}

/// Checks a plan and the plans that it calls; the first problem in plan order is the answer.
pub fn verify(plan: &Plan) -> Verified {
    verify_one(plan, &plan.plans)?;
    for (name, called) in &plan.plans {
        let inside = |error: VerifyError| VerifyError {
            message: format!("in the plan `{name}`: {}", error.message),
            ..error
        };
        if !called.plans.is_empty() {
            return fail(None, "it holds plans of its own").map_err(inside);
        }
        verify_one(called, &plan.plans).map_err(inside)?;
    }
    declared::calls(plan)
}

fn verify_one(plan: &Plan, plans: &BTreeMap<SmolStr, Plan>) -> Verified {
    if plan.format != FORMAT {
        return fail(
            None,
            format!("the plan's format is `{}`, expected `{FORMAT}`", plan.format),
        );
    }
    if u32::try_from(plan.nodes.len()).is_err() {
        return fail(None, "the plan has more nodes than can be numbered");
    }
    names(plan)?;
    types(plan)?;
    let known = Known::of(plan, plans);
    declared::judge(plan)?;
    known.own()?;
    let forward = nodes(&known)?;
    if forward {
        return Ok(());
    }
    Graph::of(plan)
        .topological_order()
        .map(|_| ())
        .map_err(|cycle| ring(plan, &cycle))
}

/// Verifies the nodes, each half on a processor; says whether all that they point at shows them to be in order.
fn nodes(known: &Known<'_>) -> Result<bool, VerifyError> {
    const MANY: usize = 10_000;
    let nodes = &known.plan.nodes;
    let some = |first: usize, nodes: &[Node]| {
        let each = (0..).skip(first).zip(nodes);
        each.map(|(id, node)| known.node(id, node))
            .try_fold(true, |forward, node| Ok(forward & node?))
    };
    if nodes.len() < MANY {
        return some(0, nodes);
    }
    let (first, second) = nodes.split_at(nodes.len() / 2);
    thread::scope(|scope| {
        let later = scope.spawn(|| some(first.len(), second));
        let sooner = some(0, first);
        let later = later.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok(sooner? & later?)
    })
}

impl Known<'_> {
    /// Says whether it waits only for nodes before it: where all do, none waits for itself.
    fn node(&self, id: NodeId, node: &Node) -> Result<bool, VerifyError> {
        let forward = ids(self.plan, id, node)?;
        if let Body::Task(task) = &node.body {
            unique(Some(node), "input", task.input.iter().map(|binding| &binding.name))?;
            unique(Some(node), "output", task.output.iter().map(|output| &output.name))?;
            for output in &task.output {
                known_type(self.plan, Some(node), &output.ty)?;
            }
        }
        self.uses(node)?;
        self.exprs(node)?;
        Ok(forward)
    }
}

fn ring(plan: &Plan, cycle: &Cycle) -> VerifyError {
    const NAMED_MAX: usize = 10;
    let mut names: Vec<_> = cycle
        .nodes
        .iter()
        .take(NAMED_MAX)
        .map(|id| format!("`{}`", plan.nodes[*id as usize].id))
        .collect();
    if cycle.nodes.len() > NAMED_MAX {
        names.push(format!("… {} more", cycle.nodes.len() - NAMED_MAX));
    }
    names.extend(names.first().cloned());
    VerifyError {
        node: None,
        message: format!("nodes wait for each other: {}", names.join(" → ")),
    }
}

fn names(plan: &Plan) -> Verified {
    unique(None, "node", plan.nodes.iter().map(|node| &node.id))?;
    unique(None, "parameter", plan.params.iter().map(|param| &param.name))?;
    unique(None, "output", plan.outputs.iter().map(|output| &output.name))?;
    unique(None, "memory key", plan.memory.iter().map(|memory| &memory.key))?;
    unique(None, "secret", plan.secrets.iter().map(|secret| &secret.name))?;
    unique(
        None,
        "hypothesis",
        plan.hypotheses.iter().map(|hypothesis| &hypothesis.name),
    )?;
    Ok(())
}

fn unique<'a>(node: Option<&Node>, what: &str, names: impl Iterator<Item = &'a SmolStr>) -> Verified {
    let mut seen = HashSet::with_capacity(names.size_hint().0);
    for name in names {
        if name.is_empty() {
            return fail(node, format!("there is a {what} without a name"));
        }
        if !seen.insert(name) {
            return fail(node, format!("there are two of the {what} `{name}`"));
        }
    }
    Ok(())
}

/// That a node points at nodes; says whether it waits only for nodes before it, and only nodes behind it wait for it.
fn ids(plan: &Plan, own: NodeId, node: &Node) -> Result<bool, VerifyError> {
    let mut forward = true;
    let mut exists = |id: NodeId, what: &str, in_order: bool| {
        forward &= in_order;
        match plan.nodes.get(id as usize) {
            Some(target) => Ok(target),
            None => fail(
                Some(node),
                format!("{what} points at node {id} of {}", plan.nodes.len()),
            )
            .map(|()| node),
        }
    };
    for need in &node.needs {
        match need {
            Need::Node { node: id, .. } => drop(exists(*id, "a need", *id < own)?),
            Need::Quorum { count, of } => {
                for id in of {
                    exists(*id, "a need", *id < own)?;
                }
                quorum(node, *count, of)?;
            }
        }
    }
    for route in &node.routes {
        exists(route.to, "a route", own < route.to)?;
    }
    match &node.body {
        Body::Task(task) => {
            if let Some(fallback) = task.fallback {
                // who needs it may wait for what stands in for it, wherever that is
                let target = exists(fallback, "the fallback", false)?;
                if target.body.task().is_none() {
                    fail(Some(node), format!("the fallback `{}` is not a task", target.id))?;
                }
            }
        }
        Body::Gate(_) => {}
        Body::Decision(decision) => {
            for to in decision.targets() {
                exists(to, "an arm", own < to)?;
            }
        }
    }
    Ok(forward)
}

fn quorum(node: &Node, count: u32, of: &[NodeId]) -> Verified {
    if of.iter().collect::<BTreeSet<_>>().len() != of.len() {
        return fail(Some(node), "a quorum names a node twice");
    }
    if count == 0 || count as usize > of.len() {
        return fail(Some(node), format!("a quorum wants {count} of {} nodes", of.len()));
    }
    Ok(())
}

/// Every type that is written down outside of nodes and expressions.
fn types(plan: &Plan) -> Verified {
    let mut result = Ok(());
    visit::own_types(plan, &mut |ty| {
        if result.is_ok() {
            result = known_type(plan, None, ty);
        }
    });
    result
}

/// Records exist, bounds are numbers, and no mistake is left in it.
fn known_type(plan: &Plan, node: Option<&Node>, ty: &Type) -> Verified {
    let mut stack = vec![ty];
    while let Some(ty) = stack.pop() {
        match ty {
            Type::Error => return fail(node, "a type could not be made out"),
            Type::Record(name) if plan.types.get(name).is_none() => {
                return fail(node, format!("the type `{name}` is not one of the plan's"));
            }
            Type::Int(Some(bounds)) | Type::Float(Some(bounds)) => numbers(node, bounds)?,
            Type::String(Some(refine)) => {
                if let StringRefine::Len(bounds) = &**refine {
                    numbers(node, bounds)?;
                }
            }
            Type::List(list) => {
                list.len.iter().try_for_each(|bounds| numbers(node, bounds))?;
                stack.push(&list.item);
            }
            Type::Map(inner) | Type::Optional(inner) | Type::Secret(inner) => stack.push(inner),
            Type::Fields(fields) => stack.extend(fields.values()),
            _ => {}
        }
    }
    Ok(())
}

fn numbers(node: Option<&Node>, bounds: &Bounds) -> Verified {
    match bounds
        .lo
        .iter()
        .chain(&bounds.hi)
        .find(|text| text.parse::<rust_decimal::Decimal>().is_err())
    {
        Some(text) => fail(node, format!("the bound `{text}` is not a number")),
        None => Ok(()),
    }
}
