//! The scopes of a run: the outermost plan and every call of another plan, in the order in which they began.
//!
//! Nodes have numbers of the whole run: those of the outermost plan first, then those of each scope as it begins. What
//! a plan says about its own nodes has numbers of that plan, from 0; [`Scope::global`] leads from one to the other.
//! Nothing here ever shrinks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ir::Expr;
use ir::fingerprint::Leads;
use ir::plan::{Node, NodeId, Plan};
use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};

use crate::graph::{Graph, NodeTable, Traits, fallback_of, places};
use crate::memory::shared_keys;
use crate::state::UnitId;

/// Place of a scope among those of the run.
pub(crate) type ScopeId = u32;

/// A plan with the tables of its graph, shared by all scopes that run it.
#[derive(Debug)]
pub(crate) struct Program {
    pub plan: Arc<Plan>,
    pub graph: Graph,
    /// What leads to its nodes, once somebody compares them.
    leads: OnceLock<Leads>,
    /// The order of its graph, once somebody asks which of two nodes is first.
    places: OnceLock<Vec<u32>>,
}

impl Program {
    pub fn new(plan: Arc<Plan>) -> Self {
        let graph = Graph::new(&plan);
        let (leads, places) = Default::default();
        Self {
            plan,
            graph,
            leads,
            places,
        }
    }

    pub fn leads(&self) -> &Leads {
        self.leads.get_or_init(|| Leads::of(&self.plan))
    }
}

/// A plan that runs, and for whom.
#[derive(Debug, Serialize)]
pub(crate) struct Scope {
    #[serde(skip)]
    pub program: Arc<Program>,
    /// The number of its first node.
    pub base: NodeId,
    /// Who called it; nobody called the outermost.
    pub caller: Option<Caller>,
    /// What its nodes' names begin with: `release/`, `deploy[eu]/`, in a second attempt `release#2/`.
    pub prefix: SmolStr,
    /// Of each of its nodes the one in an earlier scope whose result it may take over; empty where there is no such scope.
    pub predecessors: Vec<Option<NodeId>>,
    /// Those that run anew whatever they had come to.
    pub reruns: BTreeSet<NodeId>,
    /// Of the outermost plan, once it was changed: the scope of its next revision.
    pub successor: Option<ScopeId>,
}

/// The attempt that called a plan.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Caller {
    pub unit: UnitId,
    pub attempt: u32,
    /// Its priority is added to that of each node.
    pub priority: i64,
    /// As in names, but the same in all attempts: what idempotency keys are made of.
    pub path: SmolStr,
}

impl Scope {
    pub fn plan(&self) -> &Plan {
        &self.program.plan
    }

    /// The number in the run of a node of the plan.
    pub const fn global(&self, local: NodeId) -> NodeId {
        self.base + local
    }

    /// The number in the plan of a node of the run, which must be in this scope.
    pub const fn local(&self, id: NodeId) -> NodeId {
        id - self.base
    }

    /// The numbers of its nodes.
    pub fn nodes(&self) -> Range<NodeId> {
        let count = NodeId::try_from(self.plan().nodes.len()).unwrap_or(NodeId::MAX);
        self.base..self.base.saturating_add(count)
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.plan().nodes[self.local(id) as usize]
    }

    pub fn table(&self, id: NodeId) -> &NodeTable {
        self.program.graph.node(self.local(id))
    }

    /// Its place in an order in which every edge points forward.
    pub fn place(&self, id: NodeId) -> u32 {
        let places = self.program.places.get_or_init(|| places(&self.program.plan));
        places[self.local(id) as usize]
    }
}

/// All scopes, found by number or by one of their nodes.
#[derive(Debug, Serialize)]
pub(crate) struct Scopes {
    list: Vec<Scope>,
    /// That of the latest revision of the plan.
    outermost: ScopeId,
    /// Of each node of the run.
    #[serde(skip)]
    of_node: Vec<(ScopeId, Traits)>,
    /// Whether any plan of the run has memory that others may share.
    #[serde(skip)]
    shares_memory: bool,
}

impl Scopes {
    pub fn new(outermost: Arc<Program>) -> Self {
        let mut scopes = Self {
            list: Vec::new(),
            outermost: 0,
            of_node: Vec::new(),
            shares_memory: shared_keys(&outermost.plan).next().is_some(),
        };
        scopes.begin(outermost, None, SmolStr::default(), Vec::new());
        scopes
    }

    /// Adds a scope behind the others.
    pub fn begin(
        &mut self,
        program: Arc<Program>,
        caller: Option<Caller>,
        prefix: SmolStr,
        predecessors: Vec<Option<NodeId>>,
    ) -> ScopeId {
        let id = ScopeId::try_from(self.list.len()).unwrap_or(ScopeId::MAX);
        let base = NodeId::try_from(self.of_node.len()).unwrap_or(NodeId::MAX);
        let nodes = program.plan.nodes.iter();
        self.of_node.extend(nodes.map(|node| (id, Traits::of(node))));
        self.list.push(Scope {
            program,
            base,
            caller,
            prefix,
            predecessors,
            reruns: BTreeSet::new(),
            successor: None,
        });
        id
    }

    /// The plan was changed: another scope is the outermost. `reruns` are numbers of the plan.
    pub fn revise(
        &mut self,
        program: Arc<Program>,
        predecessors: Vec<Option<NodeId>>,
        reruns: BTreeSet<NodeId>,
    ) -> ScopeId {
        self.shares_memory |= shared_keys(&program.plan).next().is_some();
        let new = self.begin(program, None, SmolStr::default(), predecessors);
        self.list[self.outermost as usize].successor = Some(new);
        self.outermost = new;
        let scope = &mut self.list[new as usize];
        scope.reruns = reruns.into_iter().map(|local| scope.base + local).collect();
        new
    }

    /// What a call made is another unit's.
    pub fn called_by(&mut self, scope: ScopeId, unit: UnitId) {
        if let Some(caller) = &mut self.list[scope as usize].caller {
            caller.unit = unit;
        }
    }

    pub const fn shares_memory(&self) -> bool {
        self.shares_memory
    }

    /// Somebody outside of the plan reads this too. Only before anything else shares the program.
    pub fn also_read(&mut self, expr: &Expr) {
        if let Some(program) = self.list.first_mut().and_then(|scope| Arc::get_mut(&mut scope.program)) {
            program.graph.also_read(&program.plan, expr);
        }
    }

    pub fn outermost(&self) -> &Scope {
        self.get(self.outermost)
    }

    pub const fn outermost_id(&self) -> ScopeId {
        self.outermost
    }

    /// The scope of the revision before the latest.
    pub fn before_outermost(&self) -> Option<ScopeId> {
        let scopes = (0..).zip(&self.list);
        let mut before = scopes.filter(|(_, scope)| scope.successor == Some(self.outermost));
        before.next().map(|(id, _)| id)
    }

    /// The scopes of revisions that are not the latest.
    pub fn earlier(&self) -> impl Iterator<Item = &Scope> {
        self.list.iter().filter(|scope| scope.successor.is_some())
    }

    /// Of each scope whether it belongs to the latest revision.
    pub fn current(&self) -> Vec<bool> {
        let mut current: Vec<bool> = Vec::with_capacity(self.list.len());
        for (id, scope) in (0..).zip(&self.list) {
            current.push(match &scope.caller {
                None => id == self.outermost,
                // who takes over a call may have begun after it
                Some(_) => self.top(id) == self.outermost,
            });
        }
        current
    }

    /// The scope that nobody called, around a scope.
    fn top(&self, id: ScopeId) -> ScopeId {
        let mut at = id;
        while let Some(caller) = &self.get(at).caller {
            at = self.id_of(caller.unit.node);
        }
        at
    }

    /// The plan that a scope is part of a run of: that has the plans that are called.
    pub fn root_of(&self, id: ScopeId) -> &Arc<Plan> {
        &self.get(self.top(id)).program.plan
    }

    /// Who counts what the plan of a scope uses; all revisions of the outermost count together.
    pub fn account_of(&self, id: ScopeId) -> ScopeId {
        if self.get(id).caller.is_none() { 0 } else { id }
    }

    pub fn get(&self, id: ScopeId) -> &Scope {
        &self.list[id as usize]
    }

    /// Whether so many more nodes can be numbered.
    pub fn has_room(&self, nodes: usize) -> bool {
        self.of_node.len().saturating_add(nodes) < NodeId::MAX as usize
    }

    /// A scope, the one that called it, and so on to the outermost.
    pub fn outward(&self, from: ScopeId) -> impl Iterator<Item = ScopeId> + '_ {
        std::iter::successors(Some(from), |id| {
            let scope = self.get(*id);
            match &scope.caller {
                Some(caller) => Some(self.id_of(caller.unit.node)),
                None => scope.successor,
            }
        })
    }

    /// The name of a node in the run: `build`, `release/build`.
    pub fn name(&self, id: NodeId) -> SmolStr {
        let scope = self.of(id);
        let own = &scope.node(id).id;
        match scope.prefix.is_empty() {
            true => own.clone(),
            false => format_smolstr!("{}{own}", scope.prefix),
        }
    }

    /// The same in every attempt of the calls that lead to it.
    pub fn path(&self, id: NodeId) -> SmolStr {
        let scope = self.of(id);
        let own = &scope.node(id).id;
        match &scope.caller {
            None => own.clone(),
            Some(caller) => format_smolstr!("{}{own}", caller.path),
        }
    }

    /// Higher starts first.
    pub fn priority(&self, id: NodeId) -> i64 {
        let scope = self.of(id);
        let of_caller = scope.caller.as_ref().map_or(0, |caller| caller.priority);
        of_caller.saturating_add(scope.node(id).priority)
    }

    /// The scopes that each unit called, first attempt first.
    pub fn calls(&self) -> BTreeMap<UnitId, Vec<ScopeId>> {
        let mut calls: BTreeMap<UnitId, Vec<ScopeId>> = BTreeMap::new();
        for (id, scope) in (0..).zip(&self.list) {
            if let Some(caller) = &scope.caller {
                calls.entry(caller.unit).or_default().push(id);
            }
        }
        calls
    }

    /// Whether the run has a node of this number.
    pub fn has(&self, id: NodeId) -> bool {
        (id as usize) < self.of_node.len()
    }

    /// Which scope a node is in.
    pub fn id_of(&self, id: NodeId) -> ScopeId {
        self.of_node[id as usize].0
    }

    pub fn traits(&self, id: NodeId) -> Traits {
        self.of_node[id as usize].1
    }

    /// The scope that a node is in.
    pub fn of(&self, id: NodeId) -> &Scope {
        self.get(self.id_of(id))
    }

    /// What the plan says about a node.
    pub fn node(&self, id: NodeId) -> &Node {
        self.of(id).node(id)
    }

    /// What follows from its plan for a node; numbers in it are of the plan.
    pub fn table(&self, id: NodeId) -> &NodeTable {
        self.of(id).table(id)
    }

    /// The node that stands in for another one when it fails.
    pub fn fallback(&self, id: NodeId) -> Option<NodeId> {
        let scope = self.of(id);
        fallback_of(scope.node(id)).map(|fallback| scope.global(fallback))
    }

    /// The program of a node's scope, to hold on to while the state changes.
    pub fn program(&self, id: NodeId) -> Arc<Program> {
        self.of(id).program.clone()
    }
}
