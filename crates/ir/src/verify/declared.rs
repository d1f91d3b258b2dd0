//! What a plan uses by name: capabilities, agents, hypotheses, the plans that it calls.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::exprs::Known;
use super::{Verified, fail};
use crate::plan::{Binding, Body, Judge, Node, Param, Plan, Task, Work};

/// That the judge of prose is there.
pub(super) fn judge(plan: &Plan) -> Verified {
    match &plan.judge {
        Some(Judge::Capability(name)) => capability(plan, None, name).map(drop),
        _ => Ok(()),
    }
}

impl Known<'_> {
    /// That everything that a node uses by name is there, and is given no more than it takes.
    pub fn uses(&self, node: &Node) -> Verified {
        let supposed = |name: &SmolStr| match self.hypotheses.contains(name) {
            true => Ok(()),
            false => fail(Some(node), format!("there is no hypothesis `{name}`")),
        };
        match &node.body {
            Body::Task(task) => {
                work(self.plan, self.plans, node, task)?;
                task.evidence
                    .iter()
                    .try_for_each(|evidence| supposed(&evidence.hypothesis))
            }
            Body::Gate(_) => Ok(()),
            Body::Decision(decision) => decision.hypotheses.iter().try_for_each(|arm| supposed(&arm.hypothesis)),
        }
    }
}

fn work(plan: &Plan, plans: &BTreeMap<SmolStr, Plan>, node: &Node, task: &Task) -> Verified {
    if let Some(agent) = task.by.iter().find(|name| !plan.agents.contains_key(*name)) {
        return fail(Some(node), format!("there is no agent `{agent}`"));
    }
    match &task.work {
        Work::Nothing | Work::Script(_) => Ok(()),
        Work::Capability(name) => inputs(node, &task.input, capability(plan, Some(node), name)?, name),
        Work::Steps(steps) => steps.iter().try_for_each(|step| {
            let takes = capability(plan, Some(node), &step.capability)?;
            inputs(node, &step.input, takes, &step.capability)
        }),
        Work::Call(name) => match plans.get(name) {
            Some(called) => inputs(node, &task.input, &called.params, name),
            None => fail(Some(node), format!("there is no plan `{name}` to call")),
        },
    }
}

/// What it takes.
fn capability<'p>(plan: &'p Plan, node: Option<&Node>, name: &str) -> Result<&'p [Param], super::VerifyError> {
    match plan.capabilities.get(name) {
        Some(found) => Ok(&found.input),
        None => fail(node, format!("there is no capability `{name}`")).map(|()| &[] as &[Param]),
    }
}

fn inputs(node: &Node, given: &[Binding], takes: &[Param], whose: &str) -> Verified {
    let unknown = given
        .iter()
        .find(|binding| takes.iter().all(|param| param.name != binding.name));
    match unknown {
        Some(binding) => fail(Some(node), format!("`{whose}` takes no input `{}`", binding.name)),
        None => Ok(()),
    }
}

/// That no plan calls itself, directly or not. Plans whose calls are all settled are taken away until none is left.
pub(super) fn calls(plan: &Plan) -> Verified {
    let mut callers: BTreeMap<&SmolStr, Vec<&SmolStr>> = BTreeMap::new();
    let mut open: BTreeMap<&SmolStr, usize> = BTreeMap::new();
    for (name, called) in &plan.plans {
        let targets = called_by(called);
        open.insert(name, targets.len());
        for target in targets {
            callers.entry(target).or_default().push(name);
        }
    }
    let mut settled: Vec<&SmolStr> = open
        .iter()
        .filter(|(_, calls)| **calls == 0)
        .map(|(name, _)| *name)
        .collect();
    while let Some(name) = settled.pop() {
        open.remove(name);
        for caller in callers.get(name).into_iter().flatten() {
            if let Some(calls) = open.get_mut(caller) {
                *calls -= 1;
                if *calls == 0 {
                    settled.push(caller);
                }
            }
        }
    }
    match open.keys().next() {
        Some(name) => fail(None, format!("the plan `{name}` calls itself, or one that does")),
        None => Ok(()),
    }
}

fn called_by(plan: &Plan) -> BTreeSet<&SmolStr> {
    let tasks = plan.nodes.iter().filter_map(|node| node.body.task());
    tasks
        .filter_map(|task| match &task.work {
            Work::Call(name) => Some(name),
            _ => None,
        })
        .collect()
}
