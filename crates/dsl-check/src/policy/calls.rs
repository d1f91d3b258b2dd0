//! The plans that a plan calls, directly or not, and how many tasks they have together.
//!
//! A plan that calls itself is reported as that; here the call back counts nothing. Nothing recurses. Absent: anything else of
//! the called plans.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::calls::called_names;
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::scope::scope;
use crate::signatures::NodeKind;

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

/// How many tasks the plan has; those of a called plan count once for each call.
pub(super) fn task_count(db: &dyn salsa::Database, plan: PlanAt) -> u64 {
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
        let called = calls.iter().filter_map(|(_, next)| counts.get(next).copied().flatten());
        let count = called.fold(own_tasks(db, at), u64::saturating_add);
        counts.insert(at, Some(count));
    }
    counts.get(&plan).copied().flatten().unwrap_or_default()
}

fn own_tasks(db: &dyn salsa::Database, plan: PlanAt) -> u64 {
    let nodes = file_plans(db, plan.file)
        .plans
        .get(plan.at)
        .map(|plan| plan.nodes.iter());
    let tasks = nodes
        .into_iter()
        .flatten()
        .filter(|(_, sig)| sig.kind == NodeKind::Task);
    tasks.count() as u64
}
