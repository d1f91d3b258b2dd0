//! The tables of a plan's graph, computed once: who waits for whom, who activates whom, who reads what.
//!
//! Everything here is a fact of the plan, nothing of the run. Building is linear in nodes and edges and never recurses.

use std::collections::{BTreeSet, VecDeque};
use std::sync::OnceLock;

use ir::Rare;
use ir::eval::{observes, refs};
use ir::expr::{Capture, Expr, Ref};
use ir::fingerprint::Recipe;
use ir::plan::{Body, Expectation, Need, Node, NodeId, Plan, Script, Task, Work};
use smol_str::SmolStr;

use crate::reuse::is_reusable;

/// Facts about one node.
#[derive(Debug, Default)]
pub(crate) struct NodeTable {
    /// Needs that mention this node: the dependent and the index of its need. A quorum that names a member twice is
    /// listed once.
    pub dependents: Vec<(NodeId, u32)>,
    /// Nodes that this one may activate: routes, decision arms and its fallback, each once, in plan order.
    pub targets: Rare<Vec<NodeId>>,
    /// How many nodes may activate this one.
    pub sources: u32,
    /// Nodes whose fallback this is.
    pub stands_in_for: Rare<Vec<NodeId>>,
    /// Whether its attempt looks at the world before it starts.
    pub observes_before: bool,
    /// Whether its attempt looks at the world after it ended.
    pub observes_after: bool,
    /// Captures that some expression of the plan reads as an output; the others are not kept.
    pub read: Rare<BTreeSet<SmolStr>>,
    /// What its result follows from, once somebody has asked.
    pub recipe: OnceLock<Box<Recipe>>,
}

/// What a node may do at all: asked of each, many times an event, so it is found in one look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traits {
    /// Its work is calls of capabilities.
    pub calls: bool,
    /// Its work is a call of a plan.
    pub calls_plan: bool,
    /// Somebody counts what it uses, apart from calls.
    pub is_metered: bool,
    pub is_cached: bool,
    pub can_undo: bool,
    pub remembers: bool,
    pub has_evidence: bool,
}

impl Traits {
    pub fn of(node: &Node) -> Self {
        let Some(task) = task(node) else {
            return Self::default();
        };
        Self {
            calls: matches!(task.work, Work::Capability(_) | Work::Steps(_)),
            calls_plan: matches!(task.work, Work::Call(_)),
            is_metered: !task.by.is_empty() || !task.budget.is_unlimited(),
            is_cached: task.cache_ms.is_some() && is_reusable(task),
            can_undo: task.rollback.is_some(),
            remembers: !task.remember.is_empty(),
            has_evidence: !task.evidence.is_empty(),
        }
    }
}

/// The tables of a whole plan.
#[derive(Debug)]
pub(crate) struct Graph {
    pub nodes: Vec<NodeTable>,
    /// Whether some node may start before everything upstream of it has settled: then a read has to find out whether
    /// what it reads is really behind the reader.
    pub has_races: bool,
}

impl Graph {
    /// Somebody outside of the plan reads this too.
    pub fn also_read(&mut self, plan: &Plan, expr: &Expr) {
        let mut found = VecDeque::new();
        outputs_in(expr, &mut found);
        mark_read(&mut self.nodes, plan, found);
    }

    pub fn new(plan: &Plan) -> Self {
        let mut nodes: Vec<NodeTable> = Vec::new();
        nodes.resize_with(plan.nodes.len(), NodeTable::default);
        let mut has_races = false;
        let mut read = read_by(plan);
        // once through the nodes: a large plan is slow to read from memory
        for (id, node) in (0..).zip(&plan.nodes) {
            add_needs(&mut nodes, id, node);
            add_targets(&mut nodes, id, node);
            let (before, after) = observing(node);
            nodes[id as usize].observes_before = before;
            nodes[id as usize].observes_after = after;
            has_races |= has_racy_need(node);
            each_expr(node, &mut |expr| outputs_in(expr, &mut read));
        }
        mark_read(&mut nodes, plan, read);
        has_races |= nodes
            .iter()
            .any(|node| node.sources > 1 || !node.stands_in_for.is_empty());
        Self { nodes, has_races }
    }

    pub fn node(&self, id: NodeId) -> &NodeTable {
        &self.nodes[id as usize]
    }
}

/// The place of each node in an order in which every edge points forward. In a plan with a cycle, which `ir::verify`
/// refuses, all have the first.
pub(crate) fn places(plan: &Plan) -> Vec<u32> {
    let mut places = vec![0; plan.nodes.len()];
    let order = ir::graph::Graph::of(plan).topological_order();
    for (place, id) in (0..).zip(order.unwrap_or_default()) {
        places[id as usize] = place;
    }
    places
}

/// A quorum may be met, and an optional need may be skipped, while something upstream still runs.
fn has_racy_need(node: &Node) -> bool {
    node.needs.iter().any(|need| match need {
        Need::Node { optional, .. } => *optional,
        Need::Quorum { .. } => true,
    })
}

fn add_needs(nodes: &mut [NodeTable], id: NodeId, node: &Node) {
    for (index, need) in (0..).zip(&node.needs) {
        match need {
            Need::Node { node, .. } => nodes[*node as usize].dependents.push((id, index)),
            Need::Quorum { of, .. } => {
                for member in of.iter().collect::<BTreeSet<_>>() {
                    nodes[*member as usize].dependents.push((id, index));
                }
            }
        }
    }
}

fn add_targets(nodes: &mut [NodeTable], id: NodeId, node: &Node) {
    let mut targets: BTreeSet<NodeId> = node.routes.iter().map(|route| route.to).collect();
    if let Body::Decision(decision) = &node.body {
        targets.extend(decision.targets());
    }
    if let Some(fallback) = fallback_of(node) {
        targets.insert(fallback);
        nodes[fallback as usize].stands_in_for.push(id);
    }
    for target in &targets {
        nodes[*target as usize].sources += 1;
    }
    nodes[id as usize].targets = targets.into_iter().collect();
}

pub(crate) fn fallback_of(node: &Node) -> Option<NodeId> {
    task(node).and_then(|task| task.fallback)
}

pub(crate) fn task(node: &Node) -> Option<&Task> {
    match &node.body {
        Body::Task(task) => Some(task),
        Body::Gate(_) | Body::Decision(_) => None,
    }
}

pub(crate) fn script(node: &Node) -> Option<&Script> {
    match &node.body {
        Body::Task(task) => task.script(),
        Body::Gate(gate) => gate.script.as_ref(),
        Body::Decision(_) => None,
    }
}

/// Whether an attempt of the node looks at the world before it starts, and after it ended.
fn observing(node: &Node) -> (bool, bool) {
    let check = |expectation: &Expectation| matches!(expectation, Expectation::Check { expr, .. } if observes(expr));
    match &node.body {
        Body::Task(task) => {
            let after = task.output.iter().any(|output| observes(&output.value))
                || task.fail.iter().any(|mode| observes(&mode.when))
                || task.expect.iter().any(check);
            (task.requires.iter().any(check), after)
        }
        Body::Gate(gate) => (false, gate.checks.iter().any(check)),
        Body::Decision(_) => (false, false),
    }
}

/// The outputs that the plan itself reads.
fn read_by(plan: &Plan) -> VecDeque<(NodeId, SmolStr)> {
    let mut found = VecDeque::new();
    for output in &plan.outputs {
        outputs_in(&output.value, &mut found);
    }
    for alert in &plan.alerts {
        outputs_in(&alert.name, &mut found);
        outputs_in(&alert.when, &mut found);
    }
    found
}

fn outputs_in(expr: &Expr, found: &mut VecDeque<(NodeId, SmolStr)>) {
    refs(expr, &mut |reference| {
        if let Ref::Output(node, name) = reference {
            found.push_back((*node, name.clone()));
        }
    });
}

/// Records that outputs are read. What is read of a node may come from its fallback, so that counts as read too.
fn mark_read(nodes: &mut [NodeTable], plan: &Plan, mut work: VecDeque<(NodeId, SmolStr)>) {
    while let Some((node, name)) = work.pop_front() {
        if nodes[node as usize].read.insert(name.clone())
            && let Some(fallback) = fallback_of(&plan.nodes[node as usize])
        {
            work.push_back((fallback, name));
        }
    }
}

pub(crate) const fn capture_name(capture: Capture) -> &'static str {
    match capture {
        Capture::Stdout => "stdout",
        Capture::Stderr => "stderr",
        Capture::Exit => "exit",
        Capture::Duration => "duration",
        Capture::Result => "result",
    }
}

/// Every expression of a node that may read another node.
fn each_expr(node: &Node, f: &mut dyn FnMut(&Expr)) {
    node.title.iter().for_each(&mut *f);
    node.when.iter().for_each(&mut *f);
    if let Some(script) = script(node) {
        script
            .vars
            .iter()
            .chain(&script.env)
            .for_each(|binding| f(&binding.value));
        script.dir.iter().for_each(&mut *f);
        if let ir::plan::Interpreter::Command(command) = &script.interpreter {
            f(command);
        }
    }
    let mut expectation = |expectation: &Expectation| {
        if let Expectation::Check { expr, .. } = expectation {
            f(expr);
        }
    };
    match &node.body {
        Body::Task(task) => {
            task.expect.iter().chain(&task.requires).for_each(&mut expectation);
            task.each.iter().for_each(|each| {
                f(&each.list);
                each.by.iter().for_each(&mut *f);
            });
            task.input.iter().for_each(|binding| f(&binding.value));
            task.output.iter().for_each(|output| f(&output.value));
            task.fail.iter().for_each(|mode| {
                f(&mode.when);
                mode.message.iter().for_each(&mut *f);
            });
            task.timeout.iter().for_each(&mut *f);
            task.remember.iter().for_each(|remember| f(&remember.value));
            task.evidence.iter().for_each(|evidence| f(&evidence.when));
        }
        Body::Gate(gate) => {
            gate.checks.iter().for_each(&mut expectation);
            gate.timeout.iter().for_each(&mut *f);
            gate.options
                .iter()
                .flat_map(|option| option.title.iter().chain(&option.note))
                .for_each(&mut *f);
        }
        Body::Decision(decision) => decision
            .arms
            .iter()
            .filter_map(|arm| arm.when.as_ref())
            .for_each(&mut *f),
    }
}
