//! The plans that a plan calls, directly or not, and how many tasks and instances of tasks they have together.
//!
//! A plan that calls itself is reported as that; here the call back counts nothing. Nothing recurses. Absent: anything else of
//! the called plans.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::calls::called_names;
use crate::diagnostic::BlockRef;
use crate::facts::Facts;
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::scope::scope;
use crate::signatures::NodeKind;
use crate::slices::file_fan_outs;

/// A plan: its file, and its place among the file's plans.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PlanAt {
    pub file: SourceFile,
    pub at: usize,
}

/// The tasks of a plan that call plans, each with the plan.
pub(super) fn calls(db: &dyn salsa::Database, plan: PlanAt) -> Vec<(u32, PlanAt)> {
    let mut found = Vec::new();
    for (node, name) in called_names(db, plan.file).get(plan.at).into_iter().flatten() {
        let Some(shape) = scope(db, plan.file).plans.get(name) else {
            continue;
        };
        let at = file_plans(db, shape.file).named(&shape.plan.name);
        found.extend(at.map(|at| (*node, PlanAt { file: shape.file, at })));
    }
    found
}

/// The plan and all that it calls, directly or not, each once.
pub(super) fn reached(db: &dyn salsa::Database, from: PlanAt) -> Vec<PlanAt> {
    let mut seen = HashSet::from([from]);
    let mut queue = VecDeque::from([from]);
    let mut found = Vec::new();
    while let Some(plan) = queue.pop_front() {
        found.push(plan);
        let next = calls(db, plan).into_iter().map(|(_, next)| next);
        queue.extend(next.filter(|next| seen.insert(*next)));
    }
    found
}

/// Of each of these nodes, so many; of any other one.
type Instances = FxHashMap<u32, u64>;

/// How many tasks the plan has; those of a called plan count once for each call.
pub(super) fn task_count(db: &dyn salsa::Database, plan: PlanAt) -> u64 {
    let none = Instances::default();
    count(db, plan, |_| &none)
}

/// The same where each instance of a fan-out counts, if its items are written down.
pub(super) fn instance_count(db: &dyn salsa::Database, plan: PlanAt) -> u64 {
    count(db, plan, |at| instances(db, at))
}

fn instances(db: &dyn salsa::Database, plan: PlanAt) -> &Instances {
    &instances_of_file(db, plan.file)[plan.at]
}

/// One for each plan of the file.
#[salsa::tracked(returns(ref))]
fn instances_of_file(db: &dyn salsa::Database, file: SourceFile) -> Vec<Instances> {
    let layout = file_plans(db, file);
    let mut found = vec![Instances::default(); layout.plans.len()];
    for (chunk, fan_outs) in file_fan_outs(db, file).iter() {
        for &(index, items) in &**fan_outs {
            let block = BlockRef { chunk: *chunk, index };
            if let Some((plan, Some(node))) = layout.place(block) {
                found[plan as usize].insert(node, items);
            }
        }
    }
    found
}

/// The nodes of a chunk that have several instances, if that is known; by block.
pub(crate) fn fan_outs(facts: &[Arc<Facts>]) -> Arc<[(u32, u64)]> {
    let items = |facts: &Facts| facts.node.as_ref()?.each.filter(|each| each.listed)?.items_max;
    let all = (0..)
        .zip(facts)
        .filter_map(|(index, facts)| Some((index, items(facts)?)));
    all.filter(|(_, items)| *items > 1).collect()
}

fn count<'a>(db: &dyn salsa::Database, plan: PlanAt, instances: impl Fn(PlanAt) -> &'a Instances) -> u64 {
    let mut counts: HashMap<PlanAt, Option<u64>> = HashMap::new();
    let mut stack = vec![plan];
    while let Some(&at) = stack.last() {
        let calls = calls(db, at);
        // `None`: it is being counted further down, so this calls it back
        let waiting = match counts.insert(at, None) {
            None => calls
                .iter()
                .map(|(_, next)| *next)
                .filter(|next| !counts.contains_key(next))
                .collect(),
            Some(_) => Vec::new(),
        };
        if !waiting.is_empty() {
            stack.extend(waiting);
            continue;
        }
        stack.pop();
        let several = instances(at);
        let called = calls.iter().filter_map(|(node, next)| {
            let count = counts.get(next).copied().flatten()?;
            Some(count.saturating_mul(several.get(node).copied().unwrap_or(1)))
        });
        let count = called.fold(own_count(db, at, several), u64::saturating_add);
        counts.insert(at, Some(count));
    }
    counts.get(&plan).copied().flatten().unwrap_or_default()
}

/// The instances of the plan's own tasks, where that is known.
pub(super) fn own_instances(db: &dyn salsa::Database, plan: PlanAt) -> u64 {
    own_count(db, plan, instances(db, plan))
}

fn own_count(db: &dyn salsa::Database, plan: PlanAt, several: &Instances) -> u64 {
    let nodes = file_plans(db, plan.file)
        .plans
        .get(plan.at)
        .map(|plan| plan.nodes.iter());
    let tasks = nodes
        .into_iter()
        .flatten()
        .filter(|(_, sig)| sig.kind == NodeKind::Task);
    let further = several.values().map(|items| items.saturating_sub(1));
    further.fold(tasks.count() as u64, u64::saturating_add)
}
