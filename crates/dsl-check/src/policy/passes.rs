//! How nodes lie in the graph relative to a set of others: after it, before it, leading to it, waiting for it.
//!
//! Each question is one pass over the edges, for all nodes at once. *After* is dominance by a set: whenever the node
//! starts, some member of the set has completed. A failed need does not count, unless what stands in for it does; a
//! `b?` never does, for `b` may have been skipped; of a quorum as many members count as every choice of them has in
//! common. Nothing here recurses. Absent: what the set is made of.

use crate::graph::{PlanGraph, Requirement, Source};

use super::model::How;

/// The answers for all nodes.
pub(super) fn answers(graph: &PlanGraph, how: How, of: &[bool]) -> Vec<bool> {
    match how {
        How::After => After::new(graph, of).passed,
        How::Before => backward(graph, of, true),
        How::Reaches => backward(graph, of, false),
        How::Needs => forward(graph, of),
    }
}

/// Who starts only when a member of the set has completed.
pub(super) struct After<'a> {
    graph: &'a PlanGraph,
    of: &'a [bool],
    /// Whenever it starts, a member has completed.
    passed: Vec<bool>,
    /// Once a need of it is satisfied, a member has completed; of nodes that have been asked about.
    satisfied: Vec<Option<bool>>,
}

impl<'a> After<'a> {
    pub fn new(graph: &'a PlanGraph, of: &'a [bool]) -> Self {
        let mut this = Self {
            graph,
            of,
            passed: vec![false; graph.nodes.len()],
            satisfied: vec![None; graph.nodes.len()],
        };
        if of.iter().any(|is_member| *is_member) {
            for &node in graph.sorted() {
                this.passed[node as usize] = this.passes(node);
            }
        }
        this
    }

    fn passes(&mut self, node: u32) -> bool {
        let graph = self.graph;
        for requirement in graph.requirements(node) {
            match requirement {
                Requirement::Plain(on) | Requirement::Success(on) => self.satisfy(*on),
                Requirement::Optional(_) => {}
                Requirement::Quorum { of, .. } => of.iter().for_each(|&on| self.satisfy(on)),
            }
        }
        graph.relies(
            node,
            |on| self.satisfied[on as usize] == Some(true),
            |source| self.fired(source),
        )
    }

    /// Whether a member has completed whenever that fires.
    fn fired(&self, source: &Source) -> bool {
        self.passed[source.node as usize] || (source.completed && self.of[source.node as usize])
    }

    /// Whether a member has completed once the need is satisfied: by the node, or by what stands in for it.
    fn satisfy(&mut self, node: u32) {
        let mut chain = Vec::new();
        let mut at = node;
        let known = loop {
            if let Some(known) = self.satisfied[at as usize] {
                break known;
            }
            if self.passed[at as usize] || !self.of[at as usize] {
                break self.passed[at as usize];
            }
            match self.graph.fallback[at as usize] {
                // a member that may have failed: what stands in for it must do
                Some(stand_in) if chain.len() < self.of.len() => {
                    chain.push(at);
                    at = stand_in;
                }
                _ => break true,
            }
        };
        self.satisfied[at as usize] = Some(known);
        for before in chain.into_iter().rev() {
            self.satisfied[before as usize] = Some(known);
        }
    }

    /// A way in which the node starts although no member has completed, from the beginning of the run.
    pub fn way_around(&self, node: u32) -> Vec<Step> {
        let mut steps = vec![Step {
            node,
            then: Then::Starts,
        }];
        let mut at = node;
        while steps.len() <= self.graph.nodes.len() {
            let Some(step) = self.step_before(at) else { break };
            at = step.node;
            steps.push(step);
            if step.then == Then::IsSkipped {
                break;
            }
        }
        steps.reverse();
        steps
    }

    fn step_before(&self, node: u32) -> Option<Step> {
        let sources = self.graph.sources(node);
        if let Some(source) = sources.iter().find(|source| !self.fired(source)) {
            let then = if source.failed { Then::Fails } else { Then::Completes };
            return Some(Step {
                node: source.node,
                then,
            });
        }
        let mut optional = None;
        for requirement in self.graph.requirements(node) {
            match requirement {
                Requirement::Plain(on) | Requirement::Success(on) => return Some(self.satisfied_around(*on)),
                Requirement::Quorum { of, .. } => {
                    let around = of.iter().find(|&&on| self.satisfied[on as usize] != Some(true));
                    if let Some(&on) = around {
                        return Some(self.satisfied_around(on));
                    }
                }
                Requirement::Optional(on) => {
                    let is_safe = self.of[*on as usize] || self.passed[*on as usize];
                    let then = if is_safe { Then::IsSkipped } else { Then::Completes };
                    optional = optional.or(Some(Step { node: *on, then }));
                }
            }
        }
        optional
    }

    /// The node that satisfies the need, if it is satisfied without a member.
    fn satisfied_around(&self, on: u32) -> Step {
        let mut at = on;
        let mut left = self.graph.nodes.len();
        while self.of[at as usize] && left > 0 {
            let Some(stand_in) = self.graph.fallback[at as usize] else {
                break;
            };
            at = stand_in;
            left -= 1;
        }
        Step {
            node: at,
            then: Then::Completes,
        }
    }
}

/// One node of a path, and how it leads on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub node: u32,
    pub then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    Starts,
    Completes,
    Fails,
    IsSkipped,
}

/// Whether ways on lead through a member: all of them, or some.
fn backward(graph: &PlanGraph, of: &[bool], all: bool) -> Vec<bool> {
    let mut leads = vec![false; graph.nodes.len()];
    let mut seen = vec![false; graph.nodes.len()];
    // when a node's turn comes, all that wait for it have had theirs
    for &node in graph.sorted().iter().rev() {
        let through = of[node as usize] || leads[node as usize];
        for edge in &graph.edges[node as usize] {
            let on = edge.on as usize;
            leads[on] = match (seen[on], all) {
                (false, _) => through,
                (true, true) => leads[on] && through,
                (true, false) => leads[on] || through,
            };
            seen[on] = true;
        }
    }
    leads
}

/// Whether it waits for a member, directly or not.
fn forward(graph: &PlanGraph, of: &[bool]) -> Vec<bool> {
    let mut waits = vec![false; graph.nodes.len()];
    for &node in graph.sorted() {
        let mut on = graph.edges[node as usize].iter().map(|edge| edge.on as usize);
        waits[node as usize] = on.any(|on| of[on] || waits[on]);
    }
    waits
}

/// The shortest way from the node to one that `ends` and is no member, through none that is; empty: there is none.
pub(super) fn way_out(graph: &PlanGraph, from: u32, of: &[bool]) -> Vec<u32> {
    let next = dependents(graph);
    let ends = |node: u32| next[node as usize].is_empty();
    walk(graph.nodes.len(), from, &next, |node| !of[node as usize], ends)
}

/// The shortest way from the node to a member.
pub(super) fn way_to(graph: &PlanGraph, from: u32, of: &[bool]) -> Vec<u32> {
    let next = dependents(graph);
    walk(
        graph.nodes.len(),
        from,
        &next,
        |_| true,
        |node| node != from && of[node as usize],
    )
}

/// The shortest way to the node from a member.
pub(super) fn way_from(graph: &PlanGraph, to: u32, of: &[bool]) -> Vec<u32> {
    let before: Vec<Vec<u32>> = graph
        .edges
        .iter()
        .map(|edges| edges.iter().map(|edge| edge.on).collect())
        .collect();
    let mut way = walk(
        graph.nodes.len(),
        to,
        &before,
        |_| true,
        |node| node != to && of[node as usize],
    );
    way.reverse();
    way
}

fn dependents(graph: &PlanGraph) -> Vec<Vec<u32>> {
    let mut next = vec![Vec::new(); graph.nodes.len()];
    for edge in graph.edges.iter().flatten() {
        next[edge.on as usize].push(edge.waits);
    }
    next
}

/// Breadth first.
fn walk(
    count: usize,
    from: u32,
    next: &[Vec<u32>],
    may_pass: impl Fn(u32) -> bool,
    is_goal: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let mut came_from = vec![u32::MAX; count];
    let mut queue = std::collections::VecDeque::from([from]);
    came_from[from as usize] = from;
    while let Some(node) = queue.pop_front() {
        if is_goal(node) {
            let mut way = vec![node];
            let mut at = node;
            while at != from {
                at = came_from[at as usize];
                way.push(at);
            }
            way.reverse();
            return way;
        }
        for &to in &next[node as usize] {
            if came_from[to as usize] == u32::MAX && may_pass(to) {
                came_from[to as usize] = node;
                queue.push_back(to);
            }
        }
    }
    Vec::new()
}
