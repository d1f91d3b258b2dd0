//! The graph of a plan: who waits for whom, what is upstream of what, what has completed when something starts.
//!
//! Built from signatures only. Nodes are indices in plan order; names that resolve to nothing are left out (they are
//! reported where they stand). Nothing here recurses and nothing is quadratic for ordinary plans: a question about `n` and `u`
//! looks only at what lies between them, and every answer on the way is kept. Absent: spans, types, messages.

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use rustc_hash::{FxBuildHasher, FxHashMap};
use smol_str::SmolStr;

use crate::diagnostic::BlockRef;
use crate::inputs::SourceFile;
use crate::plans::{PlanBlocks, file_plans};
use crate::reach::{Conditions, Reached};
use crate::rows::Rows;
use crate::signatures::{NeedSig, NodeKind, NodeSig, Sig, Ties, signatures};

/// Components of more nodes are searched for their shortest loop from some of them only, …
const SHORTEST_LOOP_STARTS_MAX: usize = 256;
/// … and the larger, the fewer: a search may go through all nodes.
const SHORTEST_LOOP_STEPS_MAX: usize = 1_000_000;

/// The needs of longer lists are not compared with each other.
const COMPARED_NEEDS_MAX: usize = 8;

/// How long a chain of fallbacks is followed from a need.
const STAND_INS_MAX: usize = 32;

/// A node that waits for more others is asked about each of them at once.
const WIDE: usize = 256;

/// Into how many buckets the names of nodes are sorted, a few for each name.
const NAME_BUCKETS_MIN: usize = 64;
const NAME_BUCKETS_MAX: usize = 1 << 15;

/// How many nodes above a need are looked at for another need.
const REDUNDANT_STEPS_MAX: usize = 16;

/// One for each plan of the file: who waits for whom, and nothing else.
#[salsa::tracked(returns(ref))]
pub(crate) fn topologies(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<Arc<Topology>>> {
    let plans = file_plans(db, file).plans.iter();
    let topology = |plan: &PlanBlocks| Topology::new(plan.nodes.iter().map(|(_, ties)| ties.clone()).collect());
    Arc::new(plans.map(|plan| Arc::new(topology(plan))).collect())
}

/// One graph for each plan of the file.
#[salsa::tracked(returns(ref))]
pub(crate) fn graphs(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<PlanGraph>> {
    let plans = file_plans(db, file).plans.iter().zip(topologies(db, file).iter());
    let graph = |(plan, topology): (&PlanBlocks, &Arc<Topology>)| PlanGraph {
        topology: topology.clone(),
        nodes: plan
            .nodes
            .iter()
            .filter_map(|(block, _)| sig_of(db, *block))
            .cloned()
            .collect(),
    };
    Arc::new(plans.map(graph).collect())
}

/// What a node shows of itself.
pub(crate) fn sig_of(db: &dyn salsa::Database, block: BlockRef) -> Option<&Arc<NodeSig>> {
    match signatures(db, block.chunk).get(block.index as usize) {
        Some(Sig::Node { sig, .. }) => Some(sig),
        _ => None,
    }
}

/// What a reference from one node to another may rely on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Access {
    /// Not upstream: the other may not have started.
    No,
    /// Upstream, but it may not have completed.
    Maybe,
    /// Completed whenever this starts.
    Always,
}

/// Why one node waits for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EdgeKind {
    Need,
    Route(u32),
    Fallback,
    /// Needs a node whose fallback the other is, or the fallback of its fallback, and so on.
    StandIn {
        of: u32,
    },
}

/// `waits` cannot start before `on` has settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Edge {
    pub waits: u32,
    pub on: u32,
    pub kind: EdgeKind,
}

/// What must hold before a node can start.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Requirement {
    Plain(u32),
    /// By a route `on success`, which is also a need.
    Success(u32),
    Optional(u32),
    Quorum {
        count: u32,
        of: Vec<u32>,
    },
}

impl Requirement {
    pub fn nodes(&self) -> &[u32] {
        match self {
            Self::Plain(node) | Self::Success(node) | Self::Optional(node) => std::slice::from_ref(node),
            Self::Quorum { of, .. } => of,
        }
    }
}

/// Something whose settling may activate a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Source {
    pub node: u32,
    /// The source has completed when this fires; otherwise it has failed.
    pub completed: bool,
    pub failed: bool,
    /// An arm of a decision.
    pub chose: bool,
    /// The route clause of the source; none of a fallback.
    pub route: Option<u32>,
}

/// A plan's topology, with what its nodes show of themselves.
#[derive(PartialEq, Debug)]
pub(crate) struct PlanGraph {
    topology: Arc<Topology>,
    pub nodes: Vec<Arc<NodeSig>>,
}

impl Deref for PlanGraph {
    type Target = Topology;

    fn deref(&self) -> &Topology {
        &self.topology
    }
}

#[derive(Debug, Default)]
pub(crate) struct Topology {
    pub ties: Vec<Arc<Ties>>,
    /// Of duplicates the first.
    pub index: FxHashMap<SmolStr, u32>,
    /// Two nodes have one name.
    pub has_duplicates: bool,
    /// In the IR.
    ids: Vec<Option<u32>>,
    requirements: Rows<Requirement>,
    sources: Rows<Source>,
    pub fallback: Vec<Option<u32>>,
    /// By waiting node.
    pub edges: Rows<Edge>,
    /// A need, of the node or of one upstream of it, is not known: what it waits for may be anything.
    loose: Vec<bool>,
    /// Leads to a node that is not known, or falls back on one.
    dangling: Vec<bool>,
    /// Position in a topological order; nodes on loops have none.
    order: Vec<Option<u32>>,
    /// The nodes in that order.
    sorted: Vec<u32>,
    /// `answers[u][n]`: what `n` may rely on of `u`. Filled as asked; a pure function of the rest.
    answers: Mutex<FxHashMap<u32, FxHashMap<u32, Access>>>,
    /// By node, of its ties and those of all that it waits for, directly or not.
    keys: Vec<u64>,
    /// By node, the first of those that names connect it with, in any way.
    islands: Vec<u32>,
    /// Of the names of nodes that share a bucket.
    names: Box<[u64]>,
    certain: OnceLock<Vec<bool>>,
    wide: OnceLock<FxHashMap<(u32, u32), Access>>,
    reached: OnceLock<Reached>,
}

/// Where a name leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lead {
    To(u32),
    /// To a hypothesis, which does not run.
    Idle(u32),
    Nowhere,
}

impl Lead {
    fn node(self) -> Option<u32> {
        match self {
            Self::To(node) => Some(node),
            Self::Idle(_) | Self::Nowhere => None,
        }
    }

    fn named(self) -> Option<u32> {
        match self {
            Self::To(node) | Self::Idle(node) => Some(node),
            Self::Nowhere => None,
        }
    }

    /// The same wherever it leads.
    fn state(self) -> u64 {
        match self {
            Self::To(_) => 2,
            Self::Idle(_) => 1,
            Self::Nowhere => 0,
        }
    }
}

/// Where the names in the ties of each node lead: its routes, its fallback, its needs.
struct Leads {
    all: Vec<Lead>,
    /// Where those of each node start, and among them its fallback and its needs.
    starts: Vec<[u32; 3]>,
}

impl Leads {
    fn new(nodes: &[Arc<Ties>], index: &FxHashMap<SmolStr, u32>) -> Self {
        let lead = |name: &SmolStr| match index.get(name) {
            Some(&at) if nodes[at as usize].kind == NodeKind::Hypothesis => Lead::Idle(at),
            Some(&at) => Lead::To(at),
            None => Lead::Nowhere,
        };
        let mut all = Vec::with_capacity(nodes.len() * 2);
        let mut starts = Vec::with_capacity(nodes.len() + 1);
        for node in nodes {
            let routes = all.len() as u32;
            all.extend(node.routes.iter().map(|route| lead(&route.to)));
            let fallback = all.len() as u32;
            all.extend(node.fallback.iter().map(lead));
            starts.push([routes, fallback, all.len() as u32]);
            all.extend(node.needs.iter().flat_map(NeedSig::names).map(lead));
        }
        starts.push([all.len() as u32; 3]);
        Self { all, starts }
    }

    fn all(&self, node: usize) -> &[Lead] {
        self.between(self.starts[node][0], self.starts[node + 1][0])
    }

    fn routes(&self, node: usize) -> &[Lead] {
        self.between(self.starts[node][0], self.starts[node][1])
    }

    fn of_fallback(&self, node: usize) -> &[Lead] {
        self.between(self.starts[node][1], self.starts[node][2])
    }

    fn fallback(&self, node: usize) -> Option<u32> {
        self.of_fallback(node).first()?.node()
    }

    fn needs(&self, node: usize) -> &[Lead] {
        self.between(self.starts[node][2], self.starts[node + 1][0])
    }

    fn between(&self, start: u32, end: u32) -> &[Lead] {
        &self.all[start as usize..end as usize]
    }
}

/// What a need asks for; takes from `names` those that the need names.
fn requirement<'a>(need: &NeedSig, names: &mut impl Iterator<Item = &'a Lead>) -> Option<Requirement> {
    match need {
        NeedSig::Node { optional, .. } => {
            let at = names.next()?.node()?;
            Some(if *optional {
                Requirement::Optional(at)
            } else {
                Requirement::Plain(at)
            })
        }
        NeedSig::Quorum { count, of } => Some(Requirement::Quorum {
            count: *count,
            of: names.take(of.len()).filter_map(|lead| lead.node()).collect(),
        }),
    }
}

/// Both numbers in one: that of a sequence, so their order matters.
pub(crate) fn mix(key: u64, next: u64) -> u64 {
    // the high and the low half of a product, so that every bit of both counts
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(key.rotate_left(5) ^ next ^ ODD) * u128::from(next ^ 0xff51_afd7_ed55_8ccd);
    (product >> 64) as u64 ^ product as u64 ^ key.wrapping_mul(ODD)
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

impl PartialEq for Topology {
    fn eq(&self, other: &Self) -> bool {
        self.ties == other.ties
    }
}

impl Topology {
    pub fn new(nodes: Vec<Arc<Ties>>) -> Self {
        let mut index = FxHashMap::with_capacity_and_hasher(nodes.len(), FxBuildHasher);
        let mut named = 0;
        for (at, node) in nodes.iter().enumerate() {
            if !node.name.is_empty() {
                named += 1;
                index.entry(node.name.clone()).or_insert(at as u32);
            }
        }
        let mut graph = Self {
            has_duplicates: named != index.len(),
            index,
            ..Self::default()
        };
        let leads = Leads::new(&nodes, &graph.index);
        graph.fallback = (0..nodes.len()).map(|at| leads.fallback(at)).collect();
        let mut requirements = Vec::with_capacity(nodes.len() * 2);
        for (at, node) in nodes.iter().enumerate() {
            let mut names = leads.needs(at).iter();
            let of_node = node.needs.iter().filter_map(|need| requirement(need, &mut names));
            requirements.extend(of_node.map(|requirement| (at as u32, requirement)));
        }
        let mut sources = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            graph.add_sources(at as u32, node, leads.routes(at), &mut sources, &mut requirements);
        }
        graph.requirements = Rows::new(nodes.len(), &requirements);
        graph.sources = Rows::new(nodes.len(), &sources);
        let mut next = 0;
        graph.ids = nodes
            .iter()
            .map(|node| {
                (node.kind != NodeKind::Hypothesis).then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        graph.ties = nodes;
        graph.add_edges(&leads);
        graph.sort();
        graph.find_unknown(&leads);
        graph.find_keys(&leads);
        graph.find_islands(&leads);
        graph
    }

    /// Union of what names connect, the first node of each at its root.
    fn find_islands(&mut self, leads: &Leads) {
        let mut roots: Vec<u32> = (0..self.ties.len() as u32).collect();
        let root = |roots: &mut [u32], mut node: u32| {
            while roots[node as usize] != node {
                // half the way is enough to keep ways short
                let above = roots[roots[node as usize] as usize];
                roots[node as usize] = above;
                node = above;
            }
            node
        };
        for node in 0..self.ties.len() {
            for other in leads.all(node).iter().filter_map(|lead| lead.named()) {
                let (a, b) = (root(&mut roots, node as u32), root(&mut roots, other));
                roots[a.max(b) as usize] = a.min(b);
            }
        }
        self.islands = (0..self.ties.len() as u32).map(|node| root(&mut roots, node)).collect();
    }

    /// By node, the first node of its island: of all that are connected with it.
    pub fn islands(&self) -> &[u32] {
        &self.islands
    }

    /// A node's key is the same while nothing changes upstream of it. Nodes on loops or behind them, and all nodes while names are given
    /// twice, depend on the whole.
    fn find_keys(&mut self, leads: &Leads) {
        let whole = || self.ties.iter().fold(1, |key, ties| mix(key, ties.hash));
        let duplicates = if self.has_duplicates { whole() } else { 0 };
        let own = |node: usize| {
            let key = mix(duplicates ^ u64::from(self.dangling[node]), self.ties[node].hash);
            leads.all(node).iter().fold(key, |key, lead| mix(key, lead.state()))
        };
        let mut keys = vec![0; self.ties.len()];
        for &node in &self.sorted {
            let edges = self.edges[node as usize].iter();
            keys[node as usize] = edges.fold(own(node as usize), |key, edge| {
                mix(key ^ edge.kind.number(), keys[edge.on as usize])
            });
        }
        if self.sorted.len() < keys.len() {
            let whole = whole();
            for node in (0..keys.len()).filter(|&node| self.order[node].is_none()) {
                keys[node] = mix(whole, own(node));
            }
        }
        self.keys = keys;
        let buckets = (4 * self.ties.len())
            .next_power_of_two()
            .clamp(NAME_BUCKETS_MIN, NAME_BUCKETS_MAX);
        let mut names = vec![0_u64; buckets].into_boxed_slice();
        for (node, ties) in self.ties.iter().enumerate() {
            let bucket = &mut names[ties.word as usize % buckets];
            *bucket = bucket.wrapping_add(mix(u64::from(self.dangling[node]), ties.name_hash));
        }
        self.names = names;
    }

    /// What stands for everything upstream of the node.
    pub fn key(&self, node: u32) -> u64 {
        self.keys[node as usize]
    }

    /// What stands for the nodes whose names may be the one of that hash, and for whether what they lead to is known.
    pub fn names_like(&self, word: u32) -> u64 {
        self.names[word as usize % self.names.len()]
    }

    /// What unresolved names leave open, so that they are not complained of twice.
    fn find_unknown(&mut self, leads: &Leads) {
        let unknown = |leads: &[Lead]| leads.contains(&Lead::Nowhere);
        let all = 0..self.ties.len();
        let dangles = |node| unknown(leads.routes(node)) || unknown(leads.of_fallback(node));
        self.dangling = all.clone().map(dangles).collect();
        let is_loose = |node: usize| self.ties[node].needs_broken || unknown(leads.needs(node));
        let mut loose: Vec<bool> = all.map(is_loose).collect();
        for &node in &self.sorted {
            loose[node as usize] |= self.edges[node as usize].iter().any(|edge| loose[edge.on as usize]);
        }
        self.loose = loose;
    }

    fn add_sources(
        &self,
        at: u32,
        node: &Ties,
        routes: &[Lead],
        sources: &mut Vec<(u32, Source)>,
        requirements: &mut Vec<(u32, Requirement)>,
    ) {
        for (clause, (route, lead)) in node.routes.iter().zip(routes).enumerate() {
            let Some(to) = lead.node() else {
                continue;
            };
            let on = route.on.as_deref();
            let completed = on.is_none_or(|on| !fires_on_failure(node.kind, on));
            let source = Source {
                node: at,
                completed,
                failed: !completed,
                chose: completed && node.kind == NodeKind::Decision && on != Some("success"),
                route: Some(clause as u32),
            };
            sources.push((to, source));
            if on == Some("success") {
                requirements.push((to, Requirement::Success(at)));
            }
        }
        if let Some(to) = self.fallback[at as usize] {
            let source = Source {
                node: at,
                completed: false,
                failed: true,
                chose: false,
                route: None,
            };
            sources.push((to, source));
        }
    }

    fn add_edges(&mut self, leads: &Leads) {
        let mut edges = Vec::with_capacity(self.ties.len() * 2);
        let mut add = |waits, on, kind| edges.push((waits, Edge { waits, on, kind }));
        for waits in 0..self.ties.len() as u32 {
            for requirement in &self.requirements[waits as usize] {
                // a route `on success` is an edge by itself
                let written = !matches!(requirement, Requirement::Success(_));
                for &on in requirement.nodes() {
                    if written {
                        add(waits, on, EdgeKind::Need);
                    }
                    let mut last = on;
                    for _ in 0..STAND_INS_MAX {
                        // a loop of fallbacks is one without this
                        let Some(stand_in) = self.fallback[last as usize].filter(|&next| next != on) else {
                            break;
                        };
                        add(waits, stand_in, EdgeKind::StandIn { of: on });
                        last = stand_in;
                    }
                }
            }
        }
        for on in 0..self.ties.len() {
            for (at, route) in leads.routes(on).iter().enumerate() {
                if let Some(waits) = route.node() {
                    add(waits, on as u32, EdgeKind::Route(at as u32));
                }
            }
            if let Some(waits) = self.fallback[on] {
                add(waits, on as u32, EdgeKind::Fallback);
            }
        }
        self.edges = Rows::new(self.ties.len(), &edges);
    }

    /// Kahn's algorithm; what is left over is on a loop or behind one.
    fn sort(&mut self) {
        let count = self.ties.len();
        let mut waiting: Vec<u32> = (0..count).map(|node| self.edges[node].len() as u32).collect();
        let dependents: Vec<(u32, u32)> = self.edges.all().iter().map(|edge| (edge.on, edge.waits)).collect();
        let dependents = Rows::new(count, &dependents);
        let mut ready: VecDeque<u32> = (0..count as u32).filter(|&node| waiting[node as usize] == 0).collect();
        self.order = vec![None; count];
        let mut position = 0;
        while let Some(node) = ready.pop_front() {
            self.order[node as usize] = Some(position);
            self.sorted.push(node);
            position += 1;
            for &next in &dependents[node as usize] {
                waiting[next as usize] -= 1;
                if waiting[next as usize] == 0 {
                    ready.push_back(next);
                }
            }
        }
    }

    /// The id of a node in the IR, where hypotheses are no nodes.
    pub fn ir_id(&self, name: &str) -> Option<u32> {
        let at = *self.index.get(name)?;
        self.ids.get(at as usize).copied().flatten()
    }

    pub fn requirements(&self, node: u32) -> &[Requirement] {
        &self.requirements[node as usize]
    }

    /// What may activate the node; none: nothing needs to.
    pub fn sources(&self, node: u32) -> &[Source] {
        &self.sources[node as usize]
    }

    /// Whether a need of the node, or of one upstream of it, is not known.
    pub fn is_loose(&self, node: u32) -> bool {
        self.loose[node as usize]
    }

    /// Whether something runs only if the node fails.
    pub fn has_failure_route(&self, node: u32) -> bool {
        let node = &self.ties[node as usize];
        let mut events = node.routes.iter().filter_map(|route| route.on.as_deref());
        events.any(|event| fires_on_failure(node.kind, event))
    }

    /// What must have happened before each node starts.
    pub fn reached(&self) -> &Reached {
        self.reached.get_or_init(|| Reached::new(self, &Conditions::default()))
    }

    /// Members of an `any(…)` or a quorum of the node that somebody asks about, each with another that may complete just as well.
    pub fn racing_needs(&self, node: u32, is_asked: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        for requirement in &self.requirements[node as usize] {
            let Requirement::Quorum { count, of } = requirement else {
                continue;
            };
            if *count as usize >= of.len() || of.len() > COMPARED_NEEDS_MAX {
                continue;
            }
            for &member in of.iter().filter(|&&member| is_asked(member)) {
                let races =
                    |other: &&u32| !self.are_apart(member, **other) && self.reached().race(self, member, **other);
                found.extend(of.iter().find(races).map(|&other| (member, other)));
            }
        }
        found
    }

    /// Whether it is plain to see that at most one of two nodes completes: other arms of one decision lead to them, or one starts only
    /// when the other fails.
    fn are_apart(&self, a: u32, b: u32) -> bool {
        let (of_a, of_b) = (self.sources(a), self.sources(b));
        let arm_of = |sources: &[Source]| {
            let decision = sources.first()?.node;
            let is_arm = |source: &Source| source.chose && source.node == decision;
            sources.iter().all(is_arm).then_some(decision)
        };
        let stands_in = |sources: &[Source], of: u32| {
            let is_failure = |source: &Source| source.failed && source.node == of;
            !sources.is_empty() && sources.iter().all(is_failure)
        };
        a != b && arm_of(of_a).is_some_and(|of_a| arm_of(of_b) == Some(of_a))
            || stands_in(of_a, b)
            || stands_in(of_b, a)
    }

    /// The plain needs of a node that another of its plain needs implies, each with that other. Looks only a little way up, so it
    /// may miss some.
    pub fn redundant_needs(&self, node: u32) -> Vec<(u32, u32)> {
        let plain = |node: u32| {
            let needs = self.requirements[node as usize].iter();
            needs.filter_map(|requirement| match requirement {
                Requirement::Plain(on) | Requirement::Success(on) => Some(*on),
                _ => None,
            })
        };
        let needs: Vec<u32> = plain(node).take(COMPARED_NEEDS_MAX + 1).collect();
        if needs.len() < 2 || needs.len() > COMPARED_NEEDS_MAX || self.order[node as usize].is_none() {
            return Vec::new();
        }
        let mut found: Vec<(u32, u32)> = Vec::new();
        for &through in &needs {
            let mut above = vec![through];
            let mut at = 0;
            while at < above.len() && above.len() <= REDUNDANT_STEPS_MAX {
                for on in plain(above[at]).take(COMPARED_NEEDS_MAX) {
                    let known = found.iter().any(|(known, _)| *known == on);
                    if on != through && needs.contains(&on) && !known {
                        found.push((on, through));
                    }
                    if !above.contains(&on) {
                        above.push(on);
                    }
                }
                at += 1;
            }
        }
        found
    }

    /// The nodes that are not on or behind a loop, each after all that it waits for.
    pub fn in_order(&self) -> Vec<u32> {
        self.sorted.clone()
    }

    /// The same, to look at.
    pub fn sorted(&self) -> &[u32] {
        &self.sorted
    }

    /// Whether every name leads somewhere and nothing waits for itself: what is asked of the graph as a whole is asked only then.
    pub fn is_whole(&self) -> bool {
        let broken = |flags: &[bool]| flags.iter().any(|flag| *flag);
        let each_once = self.index.len() == self.ties.len() && self.sorted.len() == self.ties.len();
        each_once && !broken(&self.loose) && !broken(&self.dangling)
    }

    /// What `from` may rely on of `to` when it starts.
    pub fn access(&self, from: u32, to: u32) -> Access {
        match self.known_access(from, to) {
            Access::No if from != to && (self.loose[from as usize] || self.dangling[to as usize]) => Access::Always,
            access => access,
        }
    }

    fn known_access(&self, from: u32, to: u32) -> Access {
        if from == to {
            return Access::No;
        }
        if self.edges[from as usize].len() > WIDE {
            if let Some(access) = self.wide().get(&(from, to)) {
                return *access;
            }
        } else {
            let plainly = |requirement: &Requirement| matches!(requirement, Requirement::Plain(node) | Requirement::Success(node) if *node == to);
            if self.requirements[from as usize].iter().any(plainly) {
                return Access::Always;
            }
        }
        let (Some(low), Some(high)) = (self.order[to as usize], self.order[from as usize]) else {
            // on or behind a loop, which is reported: say nothing more
            return Access::Always;
        };
        if high < low {
            return Access::No;
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = answers.entry(to).or_default();
        if let Some(known) = answers.get(&from) {
            return *known;
        }
        for node in self.between(from, to, low, answers) {
            let answer = self.answer(node, to, answers);
            answers.insert(node, answer);
        }
        answers.get(&from).copied().unwrap_or(Access::No)
    }

    /// What nodes with many needs may rely on of each of them. Of a quorum it is not asked whether other members imply one.
    fn wide(&self) -> &FxHashMap<(u32, u32), Access> {
        self.wide.get_or_init(|| {
            let wide = (0..self.ties.len() as u32).filter(|&node| self.edges[node as usize].len() > WIDE);
            let mut known = FxHashMap::default();
            for (from, requirement) in
                wide.flat_map(|node| self.requirements[node as usize].iter().map(move |it| (node, it)))
            {
                let access = match requirement {
                    Requirement::Plain(_) | Requirement::Success(_) => Access::Always,
                    Requirement::Quorum { count, of } if *count as usize >= of.len() => Access::Always,
                    Requirement::Optional(_) | Requirement::Quorum { .. } => Access::Maybe,
                };
                for &to in requirement.nodes() {
                    let best = known.entry((from, to)).or_insert(access);
                    *best = access.max(*best);
                }
            }
            known
        })
    }

    /// The nodes upstream of `from`, itself included, that could lie behind `to` and have no answer yet, in order.
    fn between(&self, from: u32, to: u32, low: u32, answers: &FxHashMap<u32, Access>) -> Vec<u32> {
        let mut found = vec![from];
        let mut seen = std::collections::HashSet::from([from]);
        let mut next = 0;
        while let Some(&node) = found.get(next) {
            next += 1;
            for edge in &self.edges[node as usize] {
                let after = self.order[edge.on as usize].is_some_and(|order| order > low);
                if edge.on != to && after && !answers.contains_key(&edge.on) && seen.insert(edge.on) {
                    found.push(edge.on);
                }
            }
        }
        found.sort_unstable_by_key(|&node| self.order[node as usize]);
        found
    }

    fn answer(&self, node: u32, to: u32, answers: &FxHashMap<u32, Access>) -> Access {
        let known = |at: u32| answers.get(&at).copied().unwrap_or(Access::No);
        let upstream = self.edges[node as usize]
            .iter()
            .any(|edge| edge.on == to || known(edge.on) != Access::No);
        if !upstream {
            return Access::No;
        }
        // once `at` has been satisfied, or has merely started
        let satisfied = |at: u32| at == to || known(at) == Access::Always;
        let fired = |source: &Source| known(source.node) == Access::Always || (source.node == to && source.completed);
        if self.relies(node, satisfied, fired) {
            Access::Always
        } else {
            Access::Maybe
        }
    }

    /// Whether something has happened whenever the node starts, given whether it has once a need is satisfied, and whenever a source
    /// fires: one need that brings it is enough, of sources each must.
    pub fn relies(&self, node: u32, satisfied: impl Fn(u32) -> bool, fired: impl Fn(&Source) -> bool) -> bool {
        let needs = self.requirements[node as usize]
            .iter()
            .any(|requirement| match requirement {
                Requirement::Plain(at) | Requirement::Success(at) => satisfied(*at),
                Requirement::Optional(_) => false,
                Requirement::Quorum { count, of } => {
                    let others = of.iter().filter(|&&at| !satisfied(at)).count();
                    others < *count as usize
                }
            });
        let sources = &self.sources[node as usize];
        needs || (!sources.is_empty() && sources.iter().all(fired))
    }

    /// What `from` may rely on of the error of `to`.
    pub fn error_access(&self, from: u32, to: u32) -> Access {
        let sources = &self.sources[from as usize];
        if !sources.is_empty() && sources.iter().all(|source| source.node == to && source.failed) {
            return Access::Always;
        }
        match (self.known_access(from, to), self.access(from, to)) {
            (Access::No, excused) => excused,
            _ => Access::Maybe,
        }
    }

    /// Whether a run that completes has completed the node.
    pub fn is_certain(&self, node: u32) -> bool {
        self.certain.get_or_init(|| self.find_certain())[node as usize]
    }

    fn find_certain(&self) -> Vec<bool> {
        let mut certain = vec![false; self.ties.len()];
        for &node in &self.sorted {
            let sig = &self.ties[node as usize];
            let handled = sig
                .routes
                .iter()
                .any(|route| route.on.as_deref().is_some_and(|on| fires_on_failure(sig.kind, on)));
            let needs = self.requirements[node as usize]
                .iter()
                .all(|requirement| match requirement {
                    Requirement::Plain(at) | Requirement::Success(at) => certain[*at as usize],
                    Requirement::Optional(_) => true,
                    Requirement::Quorum { count, of } => {
                        of.iter().filter(|&&at| certain[at as usize]).count() >= *count as usize
                    }
                });
            let active = self.sources[node as usize].iter().all(|source| {
                source.completed
                    && certain[source.node as usize]
                    && self.ties[source.node as usize].kind != NodeKind::Decision
            });
            certain[node as usize] = !sig.conditional && !sig.optional && !handled && needs && active;
        }
        certain
    }

    /// The shortest loop of every component that has one; each edge waits for the next, the last for the first.
    pub fn loops(&self) -> Vec<Vec<Edge>> {
        if self.order.iter().all(Option::is_some) {
            return Vec::new();
        }
        let left: Vec<u32> = (0..self.ties.len() as u32)
            .filter(|&node| self.order[node as usize].is_none())
            .collect();
        let mut graph = DiGraph::<u32, ()>::with_capacity(left.len(), left.len());
        let ids: HashMap<u32, _> = left.iter().map(|&node| (node, graph.add_node(node))).collect();
        for &node in &left {
            for edge in &self.edges[node as usize] {
                if let Some(&on) = ids.get(&edge.on) {
                    graph.add_edge(ids[&node], on, ());
                }
            }
        }
        let mut found: Vec<Vec<Edge>> = kosaraju_scc(&graph)
            .into_iter()
            .map(|component| component.into_iter().map(|id| graph[id]).collect::<Vec<u32>>())
            .filter_map(|component| self.shortest_loop(component))
            .collect();
        found.sort_by_key(|edges| edges.first().map(|edge| edge.waits));
        found
    }

    fn shortest_loop(&self, mut component: Vec<u32>) -> Option<Vec<Edge>> {
        component.sort_unstable();
        let inside: HashMap<u32, ()> = component.iter().map(|&node| (node, ())).collect();
        let starts = (SHORTEST_LOOP_STEPS_MAX / component.len().max(1)).clamp(1, SHORTEST_LOOP_STARTS_MAX);
        let starts = starts.min(component.len());
        let mut best: Option<Vec<Edge>> = None;
        for &start in &component[..starts] {
            let bound = best.as_ref().map_or(usize::MAX, Vec::len);
            if let Some(found) = self.loop_through(start, &inside).filter(|found| found.len() < bound) {
                best = Some(found);
            }
            if best.as_ref().is_some_and(|best| best.len() == 1) {
                break;
            }
        }
        best
    }

    /// Breadth first from `start` back to it.
    fn loop_through(&self, start: u32, inside: &HashMap<u32, ()>) -> Option<Vec<Edge>> {
        let mut reached: HashMap<u32, Edge> = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for edge in &self.edges[node as usize] {
                if edge.on == start {
                    let mut path = vec![*edge];
                    let mut at = edge.waits;
                    while at != start {
                        let before = reached.get(&at)?;
                        path.push(*before);
                        at = before.waits;
                    }
                    path.reverse();
                    return Some(path);
                }
                if inside.contains_key(&edge.on) && !reached.contains_key(&edge.on) {
                    reached.insert(edge.on, *edge);
                    queue.push_back(edge.on);
                }
            }
        }
        None
    }
}

pub(crate) use ir::plan::BUILTIN_MODES;

/// Whether the event says that its node failed. A decision's routes name hypotheses too: those are choices.
pub(crate) fn fires_on_failure(kind: NodeKind, event: &str) -> bool {
    match kind {
        NodeKind::Decision => BUILTIN_MODES.contains(&event),
        _ => !matches!(event, "success" | "approved"),
    }
}
