//! What has happened before each node of a plan, island by island: an island is made of nodes that edges connect.
//!
//! Nothing that is known of a node depends on other islands, so an edit of the graph looks again at the islands that it
//! touches. They are kept by the chunk that their first node stands in: groups of islands, so that ten thousand lonely
//! tasks are not as many questions; a large one by a chunk of its own. Absent: facts themselves.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::cond::ValueName;
use super::{Asks, Conditions, Fact, Reached, Subject, problems};
use crate::diagnostic::{BlockRef, Diag};
use crate::graph::{Topology, topologies};
use crate::hashed::mix;
use crate::inputs::{SourceChunk, SourceFile};
use crate::plans::{Nodes, PlanBlocks, file_plans};
use crate::signatures::Ties;
use crate::slices::file_asks;

/// An island has so many nodes before it is kept by itself.
const LARGE: u32 = 64;

/// A large island of a plan, or those that begin in one chunk.
#[derive(Clone, Debug, Default)]
struct Group {
    /// In plan order.
    nodes: Nodes,
    /// What some of them say about values, by their places among the nodes.
    asks: Vec<(u32, Asks)>,
    /// Of all their ties.
    key: u64,
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        let mut blocks = self.nodes.iter().zip(&other.nodes);
        let same = self.key == other.key && self.nodes.len() == other.nodes.len() && self.asks == other.asks;
        same && blocks.all(|((one, _), (other, _))| one == other)
    }
}

/// Where the nodes of a plan are: which group, and where in it.
type Places = Arc<[(u32, u32)]>;

#[derive(PartialEq, Debug, Default)]
struct Islands {
    /// By chunk, with the plan of each.
    groups: FxHashMap<SourceChunk, Vec<(Of, Arc<Group>)>>,
    /// By plan, where its groups are kept, and its nodes' places.
    plans: Vec<(Vec<Kept>, Places)>,
}

/// A plan, and which of its groups that one chunk keeps.
type Of = (u32, u32);

/// The chunk that keeps a group, and which one of the plan there.
type Kept = (SourceChunk, u32);

#[salsa::tracked(returns(ref))]
fn islands(db: &dyn salsa::Database, file: SourceFile) -> Arc<Islands> {
    let layout = file_plans(db, file);
    let mut found = Islands::default();
    let mut groups: Vec<Vec<Group>> = Vec::new();
    for (plan, graph) in layout.plans.iter().zip(topologies(db, file).iter()) {
        let (kept, of_plan, places) = of_plan(plan, graph);
        found.plans.push((kept, places.into()));
        groups.push(of_plan);
    }
    for (chunk, asks) in file_asks(db, file).iter() {
        for (index, asks) in &**asks {
            let block = BlockRef {
                chunk: *chunk,
                index: *index,
            };
            if let Some((plan, Some(node))) = layout.place(block) {
                let (group, at) = found.plans[plan as usize].1[node as usize];
                groups[plan as usize][group as usize].asks.push((at, asks.clone()));
            }
        }
    }
    for ((plan, groups), (kept, _)) in (0..).zip(groups).zip(&found.plans) {
        for (group, (chunk, which)) in groups.into_iter().zip(kept) {
            let here = found.groups.entry(*chunk).or_default();
            here.push(((plan, *which), Arc::new(group)));
        }
    }
    Arc::new(found)
}

/// The groups of a plan, where each is kept, and which of them each node is in.
fn of_plan(plan: &PlanBlocks, graph: &Topology) -> (Vec<Kept>, Vec<Group>, Vec<(u32, u32)>) {
    let mut kept: Vec<Kept> = Vec::new();
    let mut count: FxHashMap<SourceChunk, u32> = FxHashMap::default();
    let mut nodes: Vec<Vec<(BlockRef, Arc<Ties>)>> = Vec::new();
    let mut keys: Vec<u64> = Vec::new();
    let mut places: Vec<(u32, u32)> = Vec::with_capacity(plan.nodes.len());
    let own = chunks_of_large(plan, graph.islands());
    // of small islands
    let mut last: Option<usize> = None;
    for (at, first) in graph.islands().iter().copied().enumerate() {
        let (block, ties) = &plan.nodes[at];
        let group = if first as usize != at {
            places[first as usize].0 as usize
        } else {
            let own = own.get(&first).copied();
            match last {
                // in plan order, so chunks come one after the other
                Some(group) if own.is_none() && kept[group].0 == block.chunk => group,
                _ => {
                    let chunk = own.unwrap_or(block.chunk);
                    let which = count.entry(chunk).or_default();
                    kept.push((chunk, *which));
                    *which += 1;
                    nodes.push(Vec::new());
                    keys.push(0);
                    let group = kept.len() - 1;
                    last = if own.is_none() { Some(group) } else { last };
                    group
                }
            }
        };
        places.push((group as u32, nodes[group].len() as u32));
        keys[group] = mix(keys[group], ties.hash);
        nodes[group].push((*block, ties.clone()));
    }
    let groups = nodes.into_iter().zip(keys).map(|(nodes, key)| Group {
        nodes: nodes.into(),
        asks: Vec::new(),
        key,
    });
    (kept, groups.collect(), places)
}

/// For each large island, by its first node: a chunk that holds a part of it, and by which no other is kept.
fn chunks_of_large(plan: &PlanBlocks, islands: &[u32]) -> FxHashMap<u32, SourceChunk> {
    let mut sizes = vec![0_u32; islands.len()];
    islands.iter().for_each(|first| sizes[*first as usize] += 1);
    let is_large = |first: &u32| sizes[*first as usize] >= LARGE;
    let begins = |at: usize| islands[at] as usize == at && !is_large(&(at as u32));
    let begin = (0..islands.len()).filter(|&at| begins(at));
    let mut taken: FxHashSet<SourceChunk> = begin.map(|at| plan.nodes[at].0.chunk).collect();
    let mut found = FxHashMap::default();
    for (first, (block, _)) in islands.iter().zip(&plan.nodes).filter(|(first, _)| is_large(first)) {
        if !found.contains_key(first) && taken.insert(block.chunk) {
            found.insert(*first, block.chunk);
        }
    }
    found
}

/// The groups that are kept by the chunk.
#[salsa::tracked(returns(ref))]
fn groups(db: &dyn salsa::Database, chunk: SourceChunk) -> Vec<(Of, Arc<Group>)> {
    let islands = islands(db, chunk.file(db));
    islands.groups.get(&chunk).cloned().unwrap_or_default()
}

/// A group, and what is known of its nodes.
#[derive(Debug)]
struct Part {
    /// As if it were a plan by itself.
    plan: PlanBlocks,
    graph: Topology,
    reached: Reached,
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.plan == other.plan && self.reached == other.reached
    }
}

impl Part {
    fn new(group: &Group) -> Self {
        let graph = Topology::new(group.nodes.clone());
        let mut conditions = Conditions::default();
        group.asks.iter().for_each(|(node, asks)| conditions.add(*node, asks));
        Self {
            reached: Reached::new(&graph, &conditions),
            graph,
            plan: PlanBlocks {
                nodes: group.nodes.clone(),
                ..PlanBlocks::default()
            },
        }
    }
}

/// The same of all of them.
#[salsa::tracked(returns(ref))]
fn parts(db: &dyn salsa::Database, chunk: SourceChunk) -> Vec<(Of, Arc<Part>)> {
    let groups = groups(db, chunk).iter();
    groups.map(|(of, group)| (*of, Arc::new(Part::new(group)))).collect()
}

/// What is known of all nodes of a plan.
#[derive(Debug)]
pub(crate) struct ReachedPlan {
    parts: Vec<Arc<Part>>,
    places: Places,
}

impl PartialEq for ReachedPlan {
    fn eq(&self, other: &Self) -> bool {
        let mut parts = self.parts.iter().zip(&other.parts);
        self.parts.len() == other.parts.len()
            && self.places == other.places
            && parts.all(|(one, other)| Arc::ptr_eq(one, other) || one == other)
    }
}

/// The chunks that keep groups, in no order: to be asked about ahead of [`reached`].
pub(crate) fn keepers(db: &dyn salsa::Database, file: SourceFile) -> Vec<SourceChunk> {
    islands(db, file).groups.keys().copied().collect()
}

/// Asks about the groups that the chunk keeps.
pub(crate) fn reach_ahead(db: &dyn salsa::Database, chunk: SourceChunk) {
    parts(db, chunk);
}

/// One for each plan of the file.
#[salsa::tracked(returns(ref))]
pub(crate) fn reached(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<ReachedPlan>> {
    let part = |plan: u32, (chunk, which): &Kept| {
        let mut here = parts(db, *chunk).iter();
        let found = here.find(|(of, _)| *of == (plan, *which));
        found.map(|(_, part)| part.clone())
    };
    let plans = (0..).zip(&islands(db, file).plans);
    let reached = plans.map(|(plan, (kept, places))| ReachedPlan {
        parts: kept.iter().filter_map(|kept| part(plan, kept)).collect(),
        places: places.clone(),
    });
    Arc::new(reached.collect())
}

impl ReachedPlan {
    fn place(&self, node: u32) -> (&Part, u32) {
        let (part, at) = self.places[node as usize];
        (&self.parts[part as usize], at)
    }

    /// Whether the node can never run.
    pub fn is_dead(&self, node: u32) -> bool {
        let (part, at) = self.place(node);
        part.reached.is_dead(at)
    }

    /// Whether nothing says that at most one of two nodes runs.
    pub fn may_both_run(&self, a: u32, b: u32) -> bool {
        let ((of_a, a), (of_b, b)) = (self.place(a), self.place(b));
        if std::ptr::eq(of_a, of_b) {
            return of_a.reached.may_both_run(a, b);
        }
        of_a.reached.may_run_beside(a, &of_b.reached, b)
    }

    /// What must hold for the node to run, one text each.
    pub fn runs_if(&self, node: u32) -> Vec<String> {
        let (part, at) = self.place(node);
        part.reached.runs_if(&part.graph, at)
    }

    /// Whether it never runs.
    pub fn never_runs(&self, node: u32) -> bool {
        let (part, at) = self.place(node);
        part.reached.never_runs(at)
    }

    /// The nodes that can never run, and the arms that are never taken for that.
    pub fn problems(&self) -> impl Iterator<Item = Diag> {
        let of_part = |part: &Arc<Part>| problems(&part.plan, &part.graph, &part.reached);
        self.parts.iter().flat_map(of_part)
    }
}

impl Reached {
    /// The same as [`Reached::may_both_run`] of a node of another island: only values that both ask for can keep them apart.
    fn may_run_beside(&self, a: u32, other: &Self, b: u32) -> bool {
        let dead = self.is_dead(a) || other.is_dead(b);
        let conditional = self.conditional[a as usize] && other.conditional[b as usize];
        if dead || conditional {
            return false;
        }
        self.facts(a).all(|one| {
            let Some(value) = self.value(&one) else { return true };
            let mut same = other.facts(b).filter(|another| other.value(another) == Some(value));
            same.all(|another| self.is(&one).and(other.is(&another)).is_some())
        })
    }

    /// The value that a fact is about.
    fn value(&self, fact: &Fact) -> Option<&ValueName> {
        match fact.of {
            Subject::Value(value) => self.values.get(value as usize),
            _ => None,
        }
    }
}
