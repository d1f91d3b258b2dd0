//! The graph of a plan: which node waits for which, and why.
//!
//! Built from a plan in one pass, in plan order; ids that point nowhere are left out (verification reports them).
//! Nothing here recurses: a chain may be as long as a plan. Absent: what a node does, and whether it ran.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use smol_str::SmolStr;

use crate::plan::{Body, Need, NodeId, Plan};

/// `to` waits for `from`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    pub from: NodeId,
    pub to: NodeId,
    pub why: Why,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// `needs: from`
    Need,
    /// `needs: from?`
    OptionalNeed,
    /// `needs: any(from, …)`, `needs: 2 of (from, …)`; the index of the need.
    Quorum(usize),
    /// `on event -> to` of `from`.
    Route(SmolStr),
    /// An arm of the decision `from`; its index.
    Arm(usize),
    /// `fallback: to` of `from`.
    Fallback,
    /// `from` is the fallback of a node that `to` needs: its verdict may be the need's. Nobody wrote it.
    StandsIn,
}

impl Edge {
    /// Whether the plan says so itself; a picture shows these.
    pub const fn is_written(&self) -> bool {
        !matches!(self.why, Why::StandsIn)
    }

    /// Whether `to` is activated by `from`, rather than needing it.
    pub const fn activates(&self) -> bool {
        matches!(self.why, Why::Route(_) | Why::Arm(_) | Why::Fallback)
    }
}

/// The edges of a plan, found from either end.
#[derive(Clone, Debug)]
pub struct Graph {
    /// By `from`, then in the order written.
    edges: Vec<Edge>,
    /// Where the edges of each node begin in `edges`; one more entry than nodes.
    out_starts: Vec<u32>,
    /// Indices into `edges`, by `to`.
    incoming: Vec<u32>,
    in_starts: Vec<u32>,
    /// The fallback of each node.
    fallbacks: Vec<Option<NodeId>>,
}

/// Nodes that wait for each other in a ring: each for the one before it, the first for the last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cycle {
    pub nodes: Vec<NodeId>,
}

impl Graph {
    pub fn of(plan: &Plan) -> Self {
        let count = plan.nodes.len();
        let exists = |id: NodeId| (id as usize) < count;
        let fallbacks: Vec<_> = plan
            .nodes
            .iter()
            .map(|node| fallback_of(&node.body).filter(|id| exists(*id)))
            .collect();
        let mut edges = Vec::new();
        for (id, node) in (0..).zip(&plan.nodes) {
            for (i, need) in node.needs.iter().enumerate() {
                match need {
                    Need::Node {
                        node: from,
                        optional: false,
                    } => edges.push(Edge {
                        from: *from,
                        to: id,
                        why: Why::Need,
                    }),
                    Need::Node {
                        node: from,
                        optional: true,
                    } => {
                        edges.push(Edge {
                            from: *from,
                            to: id,
                            why: Why::OptionalNeed,
                        });
                    }
                    Need::Quorum { of, .. } => {
                        edges.extend(of.iter().map(|from| Edge {
                            from: *from,
                            to: id,
                            why: Why::Quorum(i),
                        }));
                    }
                }
            }
        }
        edges.retain(|edge| exists(edge.from));
        let stand_ins = edges.iter().filter_map(|need| {
            let from = fallbacks[need.from as usize]?;
            (from != need.to).then_some(Edge {
                from,
                to: need.to,
                why: Why::StandsIn,
            })
        });
        edges.extend(stand_ins.collect::<Vec<_>>());
        for (from, node) in (0..).zip(&plan.nodes) {
            edges.extend(node.routes.iter().map(|route| Edge {
                from,
                to: route.to,
                why: Why::Route(route.on.clone()),
            }));
            match &node.body {
                Body::Decision(decision) => {
                    edges.extend(decision.targets().enumerate().map(|(i, to)| Edge {
                        from,
                        to,
                        why: Why::Arm(i),
                    }));
                }
                body => edges.extend(fallback_of(body).map(|to| Edge {
                    from,
                    to,
                    why: Why::Fallback,
                })),
            }
        }
        edges.retain(|edge| exists(edge.to));
        edges.sort_by_key(|edge| edge.from);
        let (out_starts, _) = by_end(&edges, count, |edge| edge.from);
        let (in_starts, incoming) = by_end(&edges, count, |edge| edge.to);
        Self {
            edges,
            out_starts,
            incoming,
            in_starts,
            fallbacks,
        }
    }

    pub const fn node_count(&self) -> usize {
        self.fallbacks.len()
    }

    /// All edges, by the node they leave.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The edges that leave a node.
    pub fn outgoing(&self, node: NodeId) -> &[Edge] {
        &self.edges[span(&self.out_starts, node)]
    }

    /// The edges that reach a node.
    pub fn incoming(&self, node: NodeId) -> impl Iterator<Item = &Edge> {
        self.incoming[span(&self.in_starts, node)]
            .iter()
            .map(|i| &self.edges[*i as usize])
    }

    pub fn fallback(&self, node: NodeId) -> Option<NodeId> {
        self.fallbacks.get(node as usize).copied().flatten()
    }

    /// An order in which every node stands after all it waits for; of nodes that could stand in either order, the one
    /// earlier in the plan is first.
    pub fn topological_order(&self) -> Result<Vec<NodeId>, Cycle> {
        Settling::new(self).order()
    }
}

fn fallback_of(body: &Body) -> Option<NodeId> {
    match body {
        Body::Task(task) => task.fallback,
        Body::Gate(_) | Body::Decision(_) => None,
    }
}

fn span(starts: &[u32], node: NodeId) -> std::ops::Range<usize> {
    let at = |i: usize| {
        starts
            .get(i)
            .map_or_else(|| starts.last().map_or(0, |end| *end as usize), |start| *start as usize)
    };
    at(node as usize)..at(node as usize + 1)
}

/// A counting sort of the edges' indices by one of their ends: where each node's begin, and the indices.
fn by_end(edges: &[Edge], nodes: usize, end: impl Fn(&Edge) -> NodeId) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; nodes + 1];
    for edge in edges {
        starts[end(edge) as usize + 1] += 1;
    }
    for i in 0..nodes {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut sorted = vec![0_u32; edges.len()];
    for (i, edge) in (0..).zip(edges) {
        let slot = &mut next[end(edge) as usize];
        sorted[*slot as usize] = i;
        *slot += 1;
    }
    (starts, sorted)
}

/// The graph of what has to happen before what. Beside each node `u` stands its verdict, `u + count`: what those who need
/// `u` wait for. It follows `u`, and the verdict of `u`'s fallback; so a chain of fallbacks costs an edge a link, not one
/// for every pair of a link and a dependent.
struct Settling {
    count: usize,
    /// What follows each point, and where in it that of each point begins.
    next: Vec<u32>,
    starts: Vec<u32>,
    waits_for: Vec<u32>,
}

impl Settling {
    fn new(graph: &Graph) -> Self {
        let count = graph.node_count();
        let mut starts = vec![0_u32; 2 * count + 1];
        let mut waits_for = vec![0; 2 * count];
        each_step(graph, &mut |from, to| {
            starts[from as usize + 1] += 1;
            waits_for[to as usize] += 1;
        });
        for point in 0..2 * count {
            starts[point + 1] += starts[point];
        }
        let mut places = starts.clone();
        let mut next = vec![0; starts.last().map_or(0, |end| *end as usize)];
        each_step(graph, &mut |from, to| {
            let place = &mut places[from as usize];
            next[*place as usize] = to;
            *place += 1;
        });
        Self {
            count,
            next,
            starts,
            waits_for,
        }
    }

    fn after(&self, point: usize) -> &[u32] {
        &self.next[self.starts[point] as usize..self.starts[point + 1] as usize]
    }

    fn order(mut self) -> Result<Vec<NodeId>, Cycle> {
        let (mut nodes, mut verdicts) = (BinaryHeap::new(), Vec::new());
        for point in (0..2 * self.count).filter(|point| self.waits_for[*point] == 0) {
            match point < self.count {
                true => nodes.push(Reverse(point)),
                false => verdicts.push(point),
            }
        }
        let mut order = Vec::with_capacity(self.count);
        let mut taken = 0;
        // A verdict is taken as soon as it can be, a node when it is the first in the plan that can.
        while let Some(point) = verdicts.pop().or_else(|| nodes.pop().map(|Reverse(node)| node)) {
            taken += 1;
            if point < self.count {
                order.push(point as NodeId);
            }
            for at in self.starts[point]..self.starts[point + 1] {
                let next = self.next[at as usize] as usize;
                self.waits_for[next] -= 1;
                match self.waits_for[next] {
                    0 if next < self.count => nodes.push(Reverse(next)),
                    0 => verdicts.push(next),
                    _ => {}
                }
            }
        }
        if taken == 2 * self.count {
            Ok(order)
        } else {
            Err(self.cycle())
        }
    }

    /// A ring among what could not be ordered: walking back from any of it, each to one that it still waits for, must
    /// come to a point a second time.
    fn cycle(&self) -> Cycle {
        let stuck = |point: usize| self.waits_for[point] > 0;
        let mut before = vec![None; 2 * self.count];
        for from in (0..2 * self.count).filter(|from| stuck(*from)) {
            for to in self.after(from) {
                before[*to as usize] = Some(from);
            }
        }
        let mut seen = vec![false; 2 * self.count];
        let mut at = (0..2 * self.count).find(|point| stuck(*point));
        while let Some(point) = at.filter(|point| !std::mem::replace(&mut seen[*point], true)) {
            at = before[point];
        }
        let mut ring = Vec::new();
        let start = at;
        while let Some(point) = at {
            ring.push(point);
            at = before[point].filter(|point| Some(*point) != start);
        }
        ring.reverse();
        let mut nodes: Vec<_> = self
            .without_detours(&ring)
            .into_iter()
            .map(|point| (point % self.count) as NodeId)
            .collect();
        nodes.dedup();
        if nodes.len() > 1 && nodes.first() == nodes.last() {
            nodes.pop();
        }
        Cycle { nodes }
    }

    /// A ring in which a node and its verdict, should both be in it, are neighbours, so that no node is named twice. A
    /// verdict follows its node: what lies between a node and its verdict can be left out, and from a verdict to its node
    /// is a ring already.
    fn without_detours(&self, ring: &[usize]) -> Vec<usize> {
        let mut path = Vec::with_capacity(ring.len());
        let mut place = vec![None; 2 * self.count];
        for point in ring.iter().copied() {
            if point >= self.count {
                if let Some(node) = place[point - self.count] {
                    path.drain(node + 1..)
                        .for_each(|left_out: usize| place[left_out] = None);
                }
            } else if let Some(verdict) = place[point + self.count] {
                path.push(point);
                return path.split_off(verdict);
            }
            place[point] = Some(path.len());
            path.push(point);
        }
        path
    }
}

/// Every step from one point of [`Settling`] to another.
fn each_step(graph: &Graph, see: &mut impl FnMut(u32, u32)) {
    let count = graph.node_count() as u32;
    for node in 0..count {
        see(node, node + count);
        if let Some(fallback) = graph.fallback(node) {
            see(fallback + count, node + count);
        }
    }
    for edge in &graph.edges {
        match edge.why {
            Why::StandsIn => {}
            Why::Need | Why::OptionalNeed | Why::Quorum(_) => see(edge.from + count, edge.to),
            Why::Route(_) | Why::Arm(_) | Why::Fallback => see(edge.from, edge.to),
        }
    }
}
