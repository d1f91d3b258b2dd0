//! The scopes of a run: the outermost plan and every call of another plan, in the order in which they began.
//!
//! Nodes have numbers of the whole run: those of the outermost plan first, then those of each scope as it begins. What a plan says
//! about its own nodes has numbers of that plan, from 0; [`Scope::global`] leads from one to the other. Nothing here ever shrinks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ir::Expr;
use ir::plan::{Node, NodeId, Plan};
use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};

use crate::graph::{Graph, NodeTable, fallback_of};
use crate::state::UnitId;

/// Place of a scope among those of the run; 0 is the outermost.
pub(crate) type ScopeId = u32;

pub(crate) const OUTERMOST: ScopeId = 0;

/// A plan with the tables of its graph, shared by all scopes that run it.
#[derive(Debug)]
pub(crate) struct Program {
    pub plan: Arc<Plan>,
    pub graph: Graph,
}

impl Program {
    pub fn new(plan: Arc<Plan>) -> Self {
        let graph = Graph::new(&plan);
        Self { plan, graph }
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
}

/// All scopes, found by number or by one of their nodes.
#[derive(Debug, Serialize)]
pub(crate) struct Scopes {
    list: Vec<Scope>,
    /// Of each node of the run.
    #[serde(skip)]
    of_node: Vec<ScopeId>,
}

impl Scopes {
    pub fn new(outermost: Arc<Program>) -> Self {
        let mut scopes = Self {
            list: Vec::new(),
            of_node: Vec::new(),
        };
        scopes.begin(outermost, None, SmolStr::default());
        scopes
    }

    /// Adds a scope behind the others.
    pub fn begin(&mut self, program: Arc<Program>, caller: Option<Caller>, prefix: SmolStr) -> ScopeId {
        let id = ScopeId::try_from(self.list.len()).unwrap_or(ScopeId::MAX);
        let base = NodeId::try_from(self.of_node.len()).unwrap_or(NodeId::MAX);
        self.of_node.resize(self.of_node.len() + program.plan.nodes.len(), id);
        self.list.push(Scope {
            program,
            base,
            caller,
            prefix,
        });
        id
    }

    /// Somebody outside of the plan reads this too. Only before anything else shares the program.
    pub fn also_read(&mut self, expr: &Expr) {
        if let Some(program) = self.list.first_mut().and_then(|scope| Arc::get_mut(&mut scope.program)) {
            program.graph.also_read(&program.plan, expr);
        }
    }

    pub fn outermost(&self) -> &Scope {
        &self.list[0]
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
            let caller = self.get(*id).caller.as_ref()?;
            Some(self.id_of(caller.unit.node))
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
        self.of_node[id as usize]
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
