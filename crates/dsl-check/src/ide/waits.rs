//! What completion asks of a plan's topology: which nodes are reached from one, step by step along some of its edges.
//!
//! Costs the plan's nodes and edges once, and keeps nothing. Absent: what an edge means.

use crate::rows::Rows;

/// By node; the one from which the steps go only if they lead back to it.
pub(super) fn reached(count: usize, from: u32, steps: impl Iterator<Item = (u32, u32)>) -> Vec<bool> {
    let steps = Rows::new(count, &steps.collect::<Vec<_>>());
    let mut seen = vec![false; count];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for &next in &steps[at as usize] {
            if !std::mem::replace(&mut seen[next as usize], true) {
                open.push(next);
            }
        }
    }
    seen
}
