//! Who waits for whom in a plan, as far as completion asks: what is reached from one node, by index of the plan's nodes.
//!
//! Costs the plan's nodes and edges once, and keeps nothing. Absent: what an edge means.

use rustc_hash::FxHashMap;

use crate::plans::PlanBlocks;
use crate::signatures::NeedSig;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// To those that wait for a node.
    After,
    /// To those that it waits for.
    Before,
}

/// Which nodes are reached from one, directly or through others; the node itself only if it waits for itself.
pub(super) fn reached(plan: &PlanBlocks, from: usize, direction: Direction) -> Vec<bool> {
    let steps = steps(plan, direction);
    let mut seen = vec![false; plan.nodes.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for &next in steps.get(at).map_or(&[][..], Vec::as_slice) {
            if !std::mem::replace(&mut seen[next as usize], true) {
                open.push(next as usize);
            }
        }
    }
    seen
}

/// Of each node, where one step leads.
fn steps(plan: &PlanBlocks, direction: Direction) -> Vec<Vec<u32>> {
    let names = plan.nodes.iter().map(|(_, ties)| ties.name.as_str());
    let at: FxHashMap<&str, u32> = names.zip(0..).collect();
    let mut steps = vec![Vec::new(); plan.nodes.len()];
    let mut add = |from: u32, to: u32| match direction {
        Direction::After => steps[from as usize].push(to),
        Direction::Before => steps[to as usize].push(from),
    };
    for ((_, ties), me) in plan.nodes.iter().zip(0..) {
        let needs = ties.needs.iter().flat_map(NeedSig::names);
        needs
            .filter_map(|name| at.get(name.as_str()))
            .for_each(|&need| add(need, me));
        let routes = ties.routes.iter().map(|route| &route.to).chain(&ties.fallback);
        routes
            .filter_map(|name| at.get(name.as_str()))
            .for_each(|&to| add(me, to));
    }
    steps
}
