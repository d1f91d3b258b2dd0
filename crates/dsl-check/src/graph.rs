//! The graph of a plan: who waits for whom, what is upstream of what, what has completed when something starts.
//!
//! Built from signatures only. Nodes are indices in plan order; names that resolve to nothing are left out (they are
//! reported where they stand). Nothing here recurses and nothing is quadratic for ordinary plans. It is made anew after
//! every edit of a tie, so it is a few passes over flat lists, and what only some ask is made when they do. Absent:
//! spans, types, messages.

mod access;
mod leads;
mod loops;
mod marks;
mod needs;

use std::collections::VecDeque;
use std::ops::{Deref, Index};
use std::sync::{Arc, Mutex, OnceLock};

use rustc_hash::FxHashMap;

use crate::diagnostic::BlockRef;
use crate::hashed::name_hash;
use crate::inputs::SourceFile;
use crate::plans::{Nodes, PlanBlocks, file_plans};
use crate::reach::{Conditions, Reached};
use crate::rows::Rows;
use crate::signatures::{NodeKind, NodeSig, Sig, Ties, signatures};
use leads::{Leads, Names};
use marks::Marks;

/// How long a chain of fallbacks is followed from a need.
const STAND_INS_MAX: usize = 32;

/// One for each plan of the file: who waits for whom, and nothing else.
#[salsa::tracked(returns(ref))]
pub(crate) fn topologies(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<Arc<Topology>>> {
    let plans = file_plans(db, file).plans.iter();
    Arc::new(plans.map(|plan| Arc::new(Topology::of_plan(plan))).collect())
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
    pub ties: TiesOf,
    index: Names,
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
    /// Of `(u, n)`, what `n` may rely on of `u`. Filled as asked; a pure function of the rest.
    answers: Mutex<Answers>,
    /// Of a whole plan only.
    marks: Marks,
    /// In the IR.
    ids: OnceLock<Vec<Option<u32>>>,
    certain: OnceLock<Vec<bool>>,
    wide: OnceLock<FxHashMap<(u32, u32), Access>>,
    reached: OnceLock<Reached>,
}

type Answers = FxHashMap<(u32, u32), Access>;

/// How the nodes of a plan are tied: what a graph is made of.
#[derive(Debug, Default)]
pub(crate) struct TiesOf(Nodes);

impl TiesOf {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Ties> {
        self.0.iter().map(|(_, ties)| &**ties)
    }

    pub fn get(&self, node: u32) -> Option<&Ties> {
        self.0.get(node as usize).map(|(_, ties)| &**ties)
    }
}

impl Index<usize> for TiesOf {
    type Output = Ties;

    fn index(&self, node: usize) -> &Ties {
        &self.0[node].1
    }
}

impl PartialEq for TiesOf {
    fn eq(&self, other: &Self) -> bool {
        let mut both = self.0.iter().zip(&other.0);
        self.len() == other.len() && both.all(|((_, one), (_, other))| one == other)
    }
}

impl PartialEq for Topology {
    fn eq(&self, other: &Self) -> bool {
        self.ties == other.ties && self.marks.names == other.marks.names
    }
}

impl Topology {
    /// Of nodes that are not looked at from outside.
    pub fn new(nodes: Nodes) -> Self {
        Self::with_leads(nodes).0
    }

    /// Of a plan, marked for those who look at a part of it.
    fn of_plan(plan: &PlanBlocks) -> Self {
        let (mut graph, leads) = Self::with_leads(plan.nodes.clone());
        graph.marks = Marks::new(&graph, &leads, plan);
        graph
    }

    fn with_leads(nodes: Nodes) -> (Self, Leads) {
        let ties = TiesOf(nodes);
        let (leads, index) = Leads::new(&ties);
        let all = 0..ties.len();
        let mut graph = Self {
            ties,
            index,
            fallback: all.clone().map(|at| leads.fallback(at)).collect(),
            dangling: all.map(|at| leads.is_dangling(at)).collect(),
            ..Self::default()
        };
        graph.add_requirements(&leads);
        graph.add_edges();
        graph.sort();
        graph.find_loose(&leads);
        (graph, leads)
    }

    /// The node of that name; of duplicates the first.
    pub fn find(&self, name: &str) -> Option<u32> {
        let node = self.index.get(name_hash(name))?;
        (self.ties[node as usize].name == name).then_some(node)
    }

    /// Whether two nodes have one name.
    pub fn has_duplicates(&self) -> bool {
        self.index.has_duplicates
    }

    /// By node, the first node of its island: of all that are connected with it.
    pub fn islands(&self) -> &[u32] {
        &self.marks.islands
    }

    /// What stands for everything upstream of the node.
    pub fn key(&self, node: u32) -> u64 {
        self.marks.keys[node as usize]
    }

    /// What stands for the nodes whose names may be the one of that hash.
    pub fn names_like(&self, word: u32) -> u64 {
        self.marks.of_name(word)
    }

    /// What unresolved names leave open, so that they are not complained of twice.
    fn find_loose(&mut self, leads: &Leads) {
        let mut loose: Vec<bool> = (0..self.ties.len()).map(|node| leads.is_loose(node)).collect();
        for &node in &self.sorted {
            loose[node as usize] |= self.edges[node as usize].iter().any(|edge| loose[edge.on as usize]);
        }
        self.loose = loose;
    }

    /// What needs ask for and what routes lead to, by who waits.
    fn add_requirements(&mut self, leads: &Leads) {
        let count = self.ties.len();
        let mut sources = Vec::new();
        let mut successes = Vec::new();
        for node in 0..count as u32 {
            for (route, (fires, lead)) in (0..).zip(leads.routes(node as usize)) {
                let Some(to) = lead.node() else {
                    continue;
                };
                let source = Source {
                    node,
                    completed: fires.completed,
                    failed: !fires.completed,
                    chose: fires.chose,
                    route: Some(route),
                };
                sources.push((to, source));
                if fires.success {
                    successes.push((to, node));
                }
            }
            if let Some(to) = self.fallback[node as usize] {
                let source = Source {
                    node,
                    completed: false,
                    failed: true,
                    chose: false,
                    route: None,
                };
                sources.push((to, source));
            }
        }
        self.sources = Rows::new(count, &sources);
        let successes = Rows::new(count, &successes);
        let mut requirements = Rows::with_capacity(count);
        for node in 0..count {
            let by_route = successes[node].iter().map(|&on| Requirement::Success(on));
            requirements.push(leads.requirements(node).chain(by_route));
        }
        self.requirements = requirements;
    }

    fn add_edges(&mut self) {
        let mut edges = Rows::with_capacity(self.ties.len());
        let mut of_node = Vec::new();
        for waits in 0..self.ties.len() as u32 {
            let mut add = |on, kind| of_node.push(Edge { waits, on, kind });
            for requirement in &self.requirements[waits as usize] {
                // a route `on success` is an edge by itself
                let written = !matches!(requirement, Requirement::Success(_));
                for &on in requirement.nodes() {
                    if written {
                        add(on, EdgeKind::Need);
                    }
                    let mut last = on;
                    for _ in 0..STAND_INS_MAX {
                        // a loop of fallbacks is one without this
                        let Some(stand_in) = self.fallback[last as usize].filter(|&next| next != on) else {
                            break;
                        };
                        add(stand_in, EdgeKind::StandIn { of: on });
                        last = stand_in;
                    }
                }
            }
            for source in &self.sources[waits as usize] {
                add(source.node, source.route.map_or(EdgeKind::Fallback, EdgeKind::Route));
            }
            edges.push(of_node.drain(..));
        }
        self.edges = edges;
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
        let at = self.find(name)?;
        self.ids.get_or_init(|| self.find_ids())[at as usize]
    }

    fn find_ids(&self) -> Vec<Option<u32>> {
        let mut ids = 0..;
        let id = |node: &Ties| (node.kind != NodeKind::Hypothesis).then(|| ids.next()).flatten();
        self.ties.iter().map(id).collect()
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

    /// The nodes that are not on or behind a loop, each after all that it waits for.
    pub fn sorted(&self) -> &[u32] {
        &self.sorted
    }

    /// Where the node comes in that order.
    pub fn position(&self, node: u32) -> Option<u32> {
        self.order[node as usize]
    }

    /// Whether every name leads somewhere and nothing waits for itself: what is asked of the graph as a whole is asked
    /// only then.
    pub fn is_whole(&self) -> bool {
        let broken = |flags: &[bool]| flags.iter().any(|flag| *flag);
        let each_once = self.index.len() == self.ties.len() && self.sorted.len() == self.ties.len();
        each_once && !broken(&self.loose) && !broken(&self.dangling)
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
