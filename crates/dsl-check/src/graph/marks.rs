//! What stands for a part of a graph, so that whoever looks at that part sees by a few numbers whether it is as it was.
//!
//! A node's key covers everything that it waits for, directly or not; a name's covers whether somebody has it, in which
//! chunk, and what is known of where that node leads. Promise: what a node may rely on of another is the same while the
//! key of the one and that of the other's name are. See [`crate::hashed`] for why numbers may stand for things. Absent:
//! what nodes show of themselves.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

use super::leads::Leads;
use super::{EdgeKind, Topology};
use crate::hashed::mix;
use crate::plans::PlanBlocks;

/// Into how many buckets the names of nodes are sorted, a few for each name.
const NAME_BUCKETS_MIN: usize = 64;
const NAME_BUCKETS_MAX: usize = 1 << 15;

/// In the place of the key of what cannot be sorted.
const LOOPED: u64 = 7;

#[derive(Debug, Default)]
pub(super) struct Marks {
    /// By node, of its ties and those of all that it waits for.
    pub keys: Vec<u64>,
    /// Of the names of nodes that share a bucket.
    pub names: Box<[u64]>,
    /// By node, the first of those that names connect it with, in any way.
    pub islands: Vec<u32>,
}

impl EdgeKind {
    const fn number(self) -> u64 {
        match self {
            Self::Need => 1,
            Self::Fallback => 2,
            Self::StandIn { .. } => 3,
            Self::Route(at) => 4 + at as u64,
        }
    }
}

impl Marks {
    pub fn new(graph: &Topology, leads: &Leads, plan: &PlanBlocks) -> Self {
        Self {
            keys: keys(graph, leads),
            names: names(graph, leads, plan),
            islands: islands(graph.ties.len(), leads),
        }
    }

    pub fn of_name(&self, word: u32) -> u64 {
        self.names[word as usize % self.names.len()]
    }
}

/// Of nodes on loops and behind them nothing is known but that, so of these a key covers themselves and whom they wait
/// for at once.
fn keys(graph: &Topology, leads: &Leads) -> Vec<u64> {
    let nodes = leads.nodes().iter().enumerate();
    let own: Vec<u64> = nodes
        .map(|(node, ties)| {
            let key = mix(u64::from(graph.dangling[node]), ties.hash);
            leads.all(node).iter().fold(key, |key, lead| mix(key, lead.state()))
        })
        .collect();
    let mut keys = own.clone();
    for &node in &graph.sorted {
        let edges = graph.edges[node as usize].iter();
        keys[node as usize] = edges.fold(own[node as usize], |key, edge| {
            mix(key ^ edge.kind.number(), keys[edge.on as usize])
        });
    }
    for node in (0..own.len()).filter(|&node| graph.order[node].is_none()) {
        let on = |on: usize| match graph.order[on] {
            Some(_) => keys[on],
            None => mix(LOOPED, own[on]),
        };
        let edges = graph.edges[node].iter();
        keys[node] = edges.fold(mix(LOOPED, own[node]), |key, edge| {
            mix(key ^ edge.kind.number(), on(edge.on as usize))
        });
    }
    keys
}

/// In a bucket the order of names does not matter; of nodes with one name, which is the first does.
fn names(graph: &Topology, leads: &Leads, plan: &PlanBlocks) -> Box<[u64]> {
    let buckets = (4 * plan.nodes.len())
        .next_power_of_two()
        .clamp(NAME_BUCKETS_MIN, NAME_BUCKETS_MAX);
    let mut names = vec![0_u64; buckets].into_boxed_slice();
    for (node, ((block, _), ties)) in plan.nodes.iter().zip(leads.nodes()).enumerate() {
        let is_first = graph.index.get(ties.name_hash) == Some(node as u32);
        let flags = [graph.dangling[node], graph.order[node].is_none(), is_first];
        let flags = flags.iter().fold(0, |all, flag| all << 1 | u64::from(*flag));
        let chunk = FxBuildHasher.hash_one(block.chunk);
        let bucket = &mut names[ties.word as usize % buckets];
        *bucket = bucket.wrapping_add(mix(mix(flags, chunk), ties.name_hash));
    }
    names
}

/// Union of what names connect, the first node of each at its root.
fn islands(count: usize, leads: &Leads) -> Vec<u32> {
    let mut roots: Vec<u32> = (0..count as u32).collect();
    let root = |roots: &mut [u32], mut node: u32| {
        while roots[node as usize] != node {
            // half the way is enough to keep ways short
            let above = roots[roots[node as usize] as usize];
            roots[node as usize] = above;
            node = above;
        }
        node
    };
    for node in 0..count {
        for other in leads.all(node).iter().filter_map(|lead| lead.named()) {
            let (a, b) = (root(&mut roots, node as u32), root(&mut roots, other));
            roots[a.max(b) as usize] = a.min(b);
        }
    }
    (0..count as u32).map(|node| root(&mut roots, node)).collect()
}
