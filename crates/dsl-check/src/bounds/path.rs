//! The longest way through a plan: the critical path, what no schedule exceeds, waiting for people, levels.
//!
//! Every walk is one pass over the nodes in topological order. Absent: money.

use super::Clauses;
use super::exclusive::Exclusive;
use super::node::{People, Worst};
use crate::graph::{Edge, PlanGraph};

/// When each node starts and ends if everything takes as long as it can and slots are free.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub start_ms: Vec<u64>,
    /// The node that each waited for longest.
    pub after: Vec<Option<Edge>>,
    /// The node that ends last.
    pub last: Option<u32>,
    pub end_ms: u64,
    /// The longest that waiting for people can take, one after the other.
    pub people: People,
}

impl Schedule {
    pub fn new(graph: &PlanGraph, order: &[u32], nodes: &[Worst], exclusive: &Exclusive) -> Self {
        let mut schedule = Self {
            start_ms: vec![0; nodes.len()],
            after: vec![None; nodes.len()],
            last: None,
            end_ms: 0,
            people: People::Nobody,
        };
        let mut people = vec![People::Nobody; nodes.len()];
        for &node in order {
            let at = node as usize;
            let mut waited = People::Nobody;
            for edge in &graph.edges[at] {
                let on = edge.on as usize;
                // what does not run in the same run is skipped, at the latest when it could have started
                let runs = !exclusive.exclude(node, edge.on);
                let (took_ms, why) = if runs {
                    (nodes[on].span_ms, Some(*edge))
                } else {
                    (0, schedule.after[on])
                };
                let settled_ms = schedule.start_ms[on].saturating_add(took_ms);
                if why.is_some() && (settled_ms > schedule.start_ms[at] || schedule.after[at].is_none()) {
                    schedule.after[at] = why;
                }
                schedule.start_ms[at] = schedule.start_ms[at].max(settled_ms);
                waited = waited.or(people[on]);
            }
            people[at] = waited.then(nodes[at].people);
            schedule.people = schedule.people.or(people[at]);
            let end_ms = schedule.start_ms[at].saturating_add(nodes[at].span_ms);
            if end_ms > schedule.end_ms {
                schedule.end_ms = end_ms;
                schedule.last = Some(node);
            }
        }
        schedule
    }

    /// The nodes of the critical path, in order, with the edge that leads to each; it begins with the first that takes time.
    pub fn critical_path(&self) -> Vec<(u32, Option<Edge>)> {
        let mut path = Vec::new();
        let mut at = self.last;
        while let Some(node) = at {
            let edge = self.after[node as usize].filter(|_| self.start_ms[node as usize] > 0);
            path.push((node, edge));
            at = edge.map(|edge| edge.on);
        }
        path.reverse();
        path
    }
}

/// A time that no run exceeds, whatever attempts take and whoever decides when. A run is busy, or somebody else is: each moment
/// belongs to a chain of nodes that began at the start or when a person answered, or all slots are taken.
pub(super) fn most_ms(graph: &PlanGraph, order: &[u32], nodes: &[Worst], clauses: &Clauses, work_ms: u64) -> u64 {
    let slots = clauses.parallel.map(u64::from);
    let mut below = vec![0_u128; nodes.len()];
    let mut total = 0_u128;
    let mut from_start = 0_u128;
    for &node in order.iter().rev() {
        let at = node as usize;
        let is_release = nodes[at].people.is_some();
        let down = link(&nodes[at], slots).saturating_add(if is_release { 0 } else { below[at] });
        if is_release {
            total = total.saturating_add(below[at]);
        }
        for edge in &graph.edges[at] {
            let above = &mut below[edge.on as usize];
            *above = (*above).max(down);
        }
        if graph.edges[at].is_empty() {
            from_start = from_start.max(down);
        }
    }
    total = total.saturating_add(from_start);
    let scaled = match slots {
        None => total,
        Some(slots) => total
            .saturating_add(u128::from(work_ms))
            .div_ceil(u128::from(slots.max(1))),
    };
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// What a node adds to a chain, apart from waiting for a slot; with slots, times their number, and without the part of
/// all work that is done meanwhile.
fn link(node: &Worst, slots: Option<u64>) -> u128 {
    let wide = u128::from;
    let Some(slots) = slots else {
        return wide(node.most_ms);
    };
    let idle = wide(node.chain_ms.saturating_sub(node.chain_work_ms));
    let queue = wide(node.most_ms.saturating_sub(node.chain_ms));
    let alone = wide(node.chain_work_ms.min(node.chain_ms)).saturating_mul(wide(slots.saturating_sub(1)));
    let shared = queue.saturating_mul(wide(slots.saturating_sub(node.places.unwrap_or(u64::MAX))));
    idle.saturating_mul(wide(slots))
        .saturating_add(alone)
        .saturating_add(shared)
}

/// The widest level: of the nodes with as many others before them, those that take slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Widest {
    /// From 1.
    pub level: u32,
    /// Attempts at once; `None`: nothing says how many items there are.
    pub slots: Option<u64>,
    pub nodes: Vec<u32>,
}

pub(super) fn widest(graph: &PlanGraph, order: &[u32], nodes: &[Worst]) -> Widest {
    let mut level = vec![0_u32; nodes.len()];
    // by level: bounded places, how many unbounded ones
    let mut wide: Vec<(u64, u64)> = Vec::new();
    for &node in order {
        let at = node as usize;
        let above = graph.edges[at].iter().map(|edge| level[edge.on as usize] + 1);
        level[at] = above.max().unwrap_or(0);
        if !takes_slots(&nodes[at]) {
            continue;
        }
        wide.resize(wide.len().max(level[at] as usize + 1), (0, 0));
        let (places, open) = &mut wide[level[at] as usize];
        match nodes[at].at_once() {
            Some(count) => *places = places.saturating_add(count),
            None => *open += 1,
        }
    }
    let best = (0..wide.len()).max_by_key(|&at| (wide[at].1, wide[at].0, std::cmp::Reverse(at)));
    let Some(best) = best else {
        return Widest {
            slots: Some(0),
            ..Widest::default()
        };
    };
    let (places, open) = wide[best];
    Widest {
        level: best as u32 + 1,
        slots: (open == 0).then_some(places),
        nodes: (0..nodes.len() as u32)
            .filter(|&node| level[node as usize] == best as u32 && takes_slots(&nodes[node as usize]))
            .collect(),
    }
}

fn takes_slots(node: &Worst) -> bool {
    node.runs && !node.people.is_some()
}
