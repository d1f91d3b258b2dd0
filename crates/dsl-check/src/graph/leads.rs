//! The ties of nodes, read once and laid flat: where their names lead, what their needs ask for, when their routes fire.
//!
//! Ties lie all over memory, and a graph is made anew after every edit of one, so what it is made of comes first, in
//! one pass. Names are compared by their hashes, which every chunk has made already. Absent: who waits for whom.

use rustc_hash::FxHashMap;

use super::{Requirement, TiesOf, fires_on_failure};
use crate::signatures::{NeedSig, NodeKind, RouteSig, Ties};

/// The nodes of a plan by the hashes of their names, of duplicates the first.
#[derive(Debug, Default)]
pub(super) struct Names {
    first: FxHashMap<u64, u32>,
    pub has_duplicates: bool,
}

impl Names {
    fn new(nodes: &[Own]) -> Self {
        let mut index = Self {
            first: FxHashMap::with_capacity_and_hasher(nodes.len(), Default::default()),
            has_duplicates: false,
        };
        for (at, node) in (0..).zip(nodes) {
            if node.is_named {
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

/// What a need asks for.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Plain,
    Optional,
    /// That so many of the next so many names complete.
    Quorum(u32, u32),
}

impl Asks {
    fn new(need: &NeedSig) -> Self {
        match need {
            NeedSig::Node { optional: false, .. } => Self::Plain,
            NeedSig::Node { optional: true, .. } => Self::Optional,
            NeedSig::Quorum { count, of } => Self::Quorum(*count, of.len() as u32),
        }
    }

    /// Takes from the leads of a node those that belong to the need.
    fn requirement(self, leads: &mut impl Iterator<Item = Lead>) -> Option<Requirement> {
        match self {
            Self::Plain => leads.next()?.node().map(Requirement::Plain),
            Self::Optional => leads.next()?.node().map(Requirement::Optional),
            Self::Quorum(count, of) => Some(Requirement::Quorum {
                count,
                of: leads.take(of as usize).filter_map(Lead::node).collect(),
            }),
        }
    }
}

/// When a route is taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fires {
    /// When the node has completed; otherwise when it has failed.
    pub completed: bool,
    /// `on success`
    pub success: bool,
    /// When a decision chooses it.
    pub chose: bool,
}

impl Fires {
    fn new(kind: NodeKind, route: &RouteSig) -> Self {
        let on = route.on.as_deref();
        let completed = on.is_none_or(|on| !fires_on_failure(kind, on));
        let success = on == Some("success");
        Self {
            completed,
            success,
            chose: completed && kind == NodeKind::Decision && !success,
        }
    }
}

/// One node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    pub kind: NodeKind,
    pub needs_broken: bool,
    is_named: bool,
    /// The hashes of its ties and of its name, and the word that its name is.
    pub hash: u64,
    pub name_hash: u64,
    pub word: u32,
    /// Where its leads begin: those of its routes, of its fallback, of its needs.
    leads: [u32; 3],
    needs: u32,
    routes: u32,
}

#[derive(Debug, Default)]
pub(super) struct Leads {
    all: Vec<Lead>,
    needs: Vec<Asks>,
    routes: Vec<Fires>,
    /// The nodes, and one behind the last.
    nodes: Vec<Own>,
}

impl Leads {
    pub fn new(nodes: &TiesOf) -> (Self, Names) {
        let mut found = Self {
            nodes: Vec::with_capacity(nodes.len() + 1),
            ..Self::default()
        };
        let mut names: Vec<u64> = Vec::with_capacity(nodes.len() * 2);
        for ties in nodes.iter() {
            found.add(ties, names.len() as u32);
            names.extend(&ties.leads);
        }
        let index = Names::new(&found.nodes);
        let lead = |name: &u64| match index.get(*name) {
            Some(at) if found.nodes[at as usize].kind == NodeKind::Hypothesis => Lead::Idle(at),
            Some(at) => Lead::To(at),
            None => Lead::Nowhere,
        };
        found.all = names.iter().map(lead).collect();
        found.nodes.push(Own {
            leads: [names.len() as u32; 3],
            needs: found.needs.len() as u32,
            routes: found.routes.len() as u32,
            ..Own::default()
        });
        (found, index)
    }

    fn add(&mut self, ties: &Ties, leads: u32) {
        let fallback = leads + ties.routes.len() as u32;
        self.nodes.push(Own {
            kind: ties.kind,
            needs_broken: ties.needs_broken,
            is_named: !ties.name.is_empty(),
            hash: ties.hash,
            name_hash: ties.name_hash,
            word: ties.word,
            leads: [leads, fallback, fallback + u32::from(ties.fallback.is_some())],
            needs: self.needs.len() as u32,
            routes: self.routes.len() as u32,
        });
        self.needs.extend(ties.needs.iter().map(Asks::new));
        let routes = ties.routes.iter();
        self.routes.extend(routes.map(|route| Fires::new(ties.kind, route)));
    }

    pub fn nodes(&self) -> &[Own] {
        self.nodes.split_last().map_or(&[], |(_, nodes)| nodes)
    }

    pub fn all(&self, node: usize) -> &[Lead] {
        self.between(self.nodes[node].leads[0], self.nodes[node + 1].leads[0])
    }

    /// The routes of a node, and where they lead.
    pub fn routes(&self, node: usize) -> impl Iterator<Item = (Fires, Lead)> {
        let fires = &self.routes[self.nodes[node].routes as usize..self.nodes[node + 1].routes as usize];
        fires.iter().copied().zip(self.all(node).iter().copied())
    }

    pub fn fallback(&self, node: usize) -> Option<u32> {
        let [_, fallback, needs] = self.nodes[node].leads;
        self.between(fallback, needs).first()?.node()
    }

    /// What the needs of a node ask for.
    pub fn requirements(&self, node: usize) -> impl Iterator<Item = Requirement> {
        let needs = &self.needs[self.nodes[node].needs as usize..self.nodes[node + 1].needs as usize];
        let mut leads = self.of_needs(node).iter().copied();
        needs.iter().filter_map(move |need| need.requirement(&mut leads))
    }

    /// Whether a need of the node is not known.
    pub fn is_loose(&self, node: usize) -> bool {
        self.nodes[node].needs_broken || self.of_needs(node).contains(&Lead::Nowhere)
    }

    /// Whether the node leads to one that is not known, or falls back on one.
    pub fn is_dangling(&self, node: usize) -> bool {
        let [routes, _, needs] = self.nodes[node].leads;
        self.between(routes, needs).contains(&Lead::Nowhere)
    }

    fn of_needs(&self, node: usize) -> &[Lead] {
        self.between(self.nodes[node].leads[2], self.nodes[node + 1].leads[0])
    }

    fn between(&self, start: u32, end: u32) -> &[Lead] {
        &self.all[start as usize..end as usize]
    }
}
