//! Which plan calls which, across files: plans that call themselves, however long the way round.
//!
//! A subplan is a part of its caller's run, so such a run would have no end. One diagnostic for each group of plans
//! that can all reach each other: its shortest loop, in the file that comes first. Nothing recurses. Absent: what is
//! handed over.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use smol_str::SmolStr;

use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::inputs::{Project, SourceFile};
use crate::plans::file_plans;
use crate::rules;
use crate::scope::scope;
use crate::signatures::shown;

/// About how many calls are followed to find the shortest loop of a group; from a larger one it is looked for from some
/// of its plans only.
const STEPS_MAX: usize = 10_000;

/// Of a longer loop only the beginning is spelled out.
const CALLS_SHOWN_MAX: usize = 32;

/// A plan: its file, and which it is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PlanRef {
    pub file: SourceFile,
    pub at: u32,
}

/// A task of a plan that calls a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub node: u32,
    pub to: PlanRef,
}

/// A call together with the plan that makes it.
type Made = (PlanRef, Call);

#[salsa::tracked(returns(ref))]
fn plan_index(db: &dyn salsa::Database, file: SourceFile) -> Arc<HashMap<SmolStr, u32>> {
    let mut index = HashMap::new();
    for (at, plan) in file_plans(db, file).plans.iter().enumerate() {
        index.entry(plan.name.clone()).or_insert(at as u32);
    }
    Arc::new(index)
}

/// The tasks of each plan of a file that call plans, with the names that they call.
#[salsa::tracked(returns(ref))]
pub(crate) fn called_names(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<Vec<(u32, SmolStr)>>> {
    let plans = file_plans(db, file);
    let mut found = vec![Vec::new(); plans.plans.len()];
    for &chunk in file.chunks(db) {
        for (index, name) in &*shown(db, chunk).calls {
            let block = BlockRef { chunk, index: *index };
            if let Some((plan, Some(node))) = plans.place(block) {
                found[plan as usize].push((node, name.clone()));
            }
        }
    }
    Arc::new(found)
}

/// The calls of each plan of a file.
#[salsa::tracked(returns(ref))]
pub(crate) fn calls(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<Vec<Call>>> {
    let called = |name: &SmolStr| {
        let shape = scope(db, file).plans.get(name)?;
        let at = *plan_index(db, shape.file).get(&shape.plan.name)?;
        Some(PlanRef { file: shape.file, at })
    };
    let plans = called_names(db, file).iter().map(|names| {
        let calls = names.iter().filter_map(|(node, name)| {
            let to = called(name)?;
            Some(Call { node: *node, to })
        });
        calls.collect()
    });
    Arc::new(plans.collect())
}

/// The shortest loop of each group of plans that can all reach each other, each beginning with its first plan.
#[salsa::tracked(returns(ref))]
fn loops(db: &dyn salsa::Database) -> Arc<Vec<Vec<Made>>> {
    let project = Project::get(db);
    let mut graph: DiGraph<PlanRef, u32> = DiGraph::new();
    let mut ids: HashMap<PlanRef, NodeIndex> = HashMap::new();
    let mut made = Vec::new();
    for &file in project.files(db).values() {
        for (at, of_plan) in calls(db, file).iter().enumerate() {
            let plan = PlanRef { file, at: at as u32 };
            made.extend(of_plan.iter().map(|call| (plan, *call)));
        }
    }
    for (plan, call) in &made {
        // in the order of paths, so that ids tell who comes first
        for plan in [*plan, call.to] {
            ids.entry(plan).or_insert_with(|| graph.add_node(plan));
        }
        graph.add_edge(ids[plan], ids[&call.to], call.node);
    }
    let order: HashMap<SourceFile, usize> = project.files(db).values().copied().zip(0..).collect();
    let place = |plan: &PlanRef| (order.get(&plan.file).copied(), plan.at);
    let mut found: Vec<Vec<Made>> = kosaraju_scc(&graph)
        .into_iter()
        .filter(|group| group.len() > 1 || graph.contains_edge(group[0], group[0]))
        .filter_map(|group| shortest(&graph, &group))
        .map(|mut calls| {
            let first = (0..calls.len()).min_by_key(|&at| place(&calls[at].0)).unwrap_or(0);
            calls.rotate_left(first);
            calls
        })
        .collect();
    found.sort_by_key(|calls| place(&calls[0].0));
    Arc::new(found)
}

fn shortest(graph: &DiGraph<PlanRef, u32>, group: &[NodeIndex]) -> Option<Vec<Made>> {
    let mut starts = group.to_vec();
    starts.sort_unstable();
    starts.truncate((STEPS_MAX / group.len()).max(1));
    let mut best: Option<Vec<Made>> = None;
    for start in starts {
        let found = round_trip(graph, start);
        if best.as_ref().is_none_or(|best| found.len() < best.len()) && !found.is_empty() {
            best = Some(found);
        }
        if best.as_ref().is_some_and(|best| best.len() == 1) {
            break;
        }
    }
    best
}

/// The fewest calls from a plan back to itself; empty if there is no way.
fn round_trip(graph: &DiGraph<PlanRef, u32>, start: NodeIndex) -> Vec<Made> {
    let mut from: HashMap<NodeIndex, (NodeIndex, Call)> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        let mut edges: Vec<(u32, NodeIndex)> = {
            let mut neighbors = graph.neighbors(at).detach();
            let mut edges = Vec::new();
            while let Some((edge, to)) = neighbors.next(graph) {
                edges.push((graph[edge], to));
            }
            edges
        };
        edges.sort_unstable();
        for (node, to) in edges {
            from.entry(to).or_insert_with(|| {
                queue.push_back(to);
                (at, Call { node, to: graph[to] })
            });
            if to == start {
                return trace(graph, &from, start);
            }
        }
    }
    Vec::new()
}

fn trace(graph: &DiGraph<PlanRef, u32>, from: &HashMap<NodeIndex, (NodeIndex, Call)>, start: NodeIndex) -> Vec<Made> {
    let mut calls = Vec::new();
    let mut at = start;
    while let Some((caller, call)) = from.get(&at) {
        calls.push((graph[*caller], *call));
        at = *caller;
        if at == start {
            break;
        }
    }
    calls.reverse();
    calls
}

/// Whether calls that are reported lead from the plan back to it.
pub(crate) fn on_a_loop(db: &dyn salsa::Database, plan: PlanRef) -> bool {
    looped(db).contains(&plan)
}

#[salsa::tracked(returns(ref))]
fn looped(db: &dyn salsa::Database) -> Arc<HashSet<PlanRef>> {
    Arc::new(loops(db).iter().flatten().map(|(plan, _)| *plan).collect())
}

/// The loops that begin in the file.
pub(crate) fn recursive_calls(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let mut found = Vec::new();
    for calls in loops(db).iter().filter(|calls| calls[0].0.file == file) {
        found.extend(recursive_call(db, calls));
    }
    found
}

fn recursive_call(db: &dyn salsa::Database, calls: &[Made]) -> Option<Diag> {
    let name = |plan: &PlanRef| -> Option<&SmolStr> {
        let plans = &file_plans(db, plan.file).plans;
        plans.get(plan.at as usize).map(|plan| &plan.name)
    };
    let place = |(plan, call): &Made| -> Option<Place> {
        let plans = &file_plans(db, plan.file).plans;
        let (block, _) = plans.get(plan.at as usize)?.nodes.get(call.node as usize)?;
        Some(Place {
            block: *block,
            target: Target::Call,
        })
    };
    let first = name(&calls[0].0)?;
    let through: Vec<String> = calls[1..]
        .iter()
        .filter_map(|(plan, _)| name(plan))
        .take(CALLS_SHOWN_MAX)
        .map(|name| format!("`{name}`"))
        .collect();
    let message = match through.as_slice() {
        [] => format!("the plan `{first}` calls itself"),
        _ => format!("the plan `{first}` calls itself through {}", through.join(" and ")),
    };
    let mut diag = Diag::new(rules::RECURSIVE_CALL, place(&calls[0])?, message);
    for made in calls.iter().take(CALLS_SHOWN_MAX).filter(|_| calls.len() > 1) {
        let (from, to) = (name(&made.0)?, name(&made.1.to)?);
        diag = diag.label(place(made)?, format!("`{from}` calls `{to}`"));
    }
    Some(diag.help("remove one of these calls; to do the same for many items, use `each`"))
}
