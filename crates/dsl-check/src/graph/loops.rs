//! Loops of a graph: the shortest of each group of nodes that all wait for each other.

use std::collections::{HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use super::{Edge, Topology};

/// Components of more nodes are searched for their shortest loop from some of them only, …
const SHORTEST_LOOP_STARTS_MAX: usize = 256;
/// … and the larger, the fewer: a search may go through all nodes.
const SHORTEST_LOOP_STEPS_MAX: usize = 1_000_000;

impl Topology {
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
