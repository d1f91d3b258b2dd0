//! Where the names in the ties of nodes lead.
//!
//! Names are compared by their hashes, which every chunk has made already. Absent: what a need or a route asks for.

use rustc_hash::FxHashMap;

use super::TiesOf;
use crate::signatures::NodeKind;

/// The nodes of a plan by the hashes of their names, of duplicates the first; and of what kind they are.
#[derive(Debug, Default)]
pub(super) struct Names {
    first: FxHashMap<u64, u32>,
    kinds: Vec<NodeKind>,
    pub has_duplicates: bool,
}

impl Names {
    pub fn new(nodes: &TiesOf) -> Self {
        let mut index = Self {
            first: FxHashMap::with_capacity_and_hasher(nodes.len(), Default::default()),
            kinds: Vec::with_capacity(nodes.len()),
            has_duplicates: false,
        };
        for (at, node) in (0..).zip(nodes.iter()) {
            index.kinds.push(node.kind);
            if !node.name.is_empty() {
                let first = *index.first.entry(node.name_hash).or_insert(at);
                index.has_duplicates |= first != at;
            }
        }
        index
    }

    pub fn get(&self, name_hash: u64) -> Option<u32> {
        self.first.get(&name_hash).copied()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    pub fn kind(&self, node: u32) -> NodeKind {
        self.kinds[node as usize]
    }

    fn lead(&self, name_hash: u64) -> Lead {
        match self.get(name_hash) {
            Some(at) if self.kind(at) == NodeKind::Hypothesis => Lead::Idle(at),
            Some(at) => Lead::To(at),
            None => Lead::Nowhere,
        }
    }
}

/// Where a name leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lead {
    To(u32),
    /// To a hypothesis, which does not run.
    Idle(u32),
    Nowhere,
}

impl Lead {
    pub fn node(self) -> Option<u32> {
        match self {
            Self::To(node) => Some(node),
            Self::Idle(_) | Self::Nowhere => None,
        }
    }

    pub fn named(self) -> Option<u32> {
        match self {
            Self::To(node) | Self::Idle(node) => Some(node),
            Self::Nowhere => None,
        }
    }

    /// The same wherever it leads.
    pub fn state(self) -> u64 {
        match self {
            Self::To(_) => 2,
            Self::Idle(_) => 1,
            Self::Nowhere => 0,
        }
    }
}

/// Where the names in the ties of each node lead: its routes, its fallback, its needs.
pub(super) struct Leads {
    all: Vec<Lead>,
    /// Where those of each node start, and among them its fallback and its needs.
    starts: Vec<[u32; 3]>,
}

impl Leads {
    pub fn new(nodes: &TiesOf, index: &Names) -> Self {
        let mut all = Vec::with_capacity(nodes.len() * 2);
        let mut starts = Vec::with_capacity(nodes.len() + 1);
        for node in nodes.iter() {
            let routes = all.len() as u32;
            let fallback = routes + node.routes.len() as u32;
            starts.push([routes, fallback, fallback + u32::from(node.fallback.is_some())]);
            all.extend(node.leads.iter().map(|name| index.lead(*name)));
        }
        starts.push([all.len() as u32; 3]);
        Self { all, starts }
    }

    pub fn all(&self, node: usize) -> &[Lead] {
        self.between(self.starts[node][0], self.starts[node + 1][0])
    }

    pub fn routes(&self, node: usize) -> &[Lead] {
        self.between(self.starts[node][0], self.starts[node][1])
    }

    pub fn of_fallback(&self, node: usize) -> &[Lead] {
        self.between(self.starts[node][1], self.starts[node][2])
    }

    pub fn fallback(&self, node: usize) -> Option<u32> {
        self.of_fallback(node).first()?.node()
    }

    pub fn needs(&self, node: usize) -> &[Lead] {
        self.between(self.starts[node][2], self.starts[node + 1][0])
    }

    fn between(&self, start: u32, end: u32) -> &[Lead] {
        &self.all[start as usize..end as usize]
    }
}
