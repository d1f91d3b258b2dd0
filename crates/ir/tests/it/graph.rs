//! Who waits for whom.

use std::fmt::Write;

use dsl_ir::graph::{Cycle, Graph};
use dsl_ir::plan::{Need, Node, NodeId, Plan, Route};
use proptest::prelude::*;

use crate::sample::{full_plan, need, plan, task, task_of};

fn tasks(count: usize) -> Vec<Node> {
    (0..count).map(|i| task(&format!("t{i}"))).collect()
}

fn drawn(plan: &Plan) -> String {
    let name = |id: NodeId| plan.nodes[id as usize].id.as_str();
    Graph::of(plan).edges().iter().fold(String::new(), |mut text, edge| {
        writeln!(text, "{} -> {}: {:?}", name(edge.from), name(edge.to), edge.why).unwrap();
        text
    })
}

#[test]
fn every_edge_has_its_reason() {
    insta::assert_snapshot!(drawn(&full_plan()), @r#"
    collect -> deep-dive: Need
    collect -> enough: Quorum(1)
    collect -> broaden: Route("no-results")
    collect -> cached: Fallback
    cached -> enough: Quorum(1)
    cached -> deep-dive: StandsIn
    cached -> enough: StandsIn
    deep-dive -> enough: OptionalNeed
    enough -> route: Need
    route -> long: Arm(0)
    route -> short: Arm(1)
    culprit -> fix: Arm(0)
    "#);
}

#[test]
fn edges_are_found_from_both_ends() {
    let plan = full_plan();
    let graph = Graph::of(&plan);
    for id in 0..plan.nodes.len() as NodeId {
        assert!(graph.outgoing(id).iter().all(|edge| edge.from == id));
        assert!(graph.incoming(id).all(|edge| edge.to == id));
    }
    let ends: usize = (0..plan.nodes.len() as NodeId)
        .map(|id| graph.incoming(id).count())
        .sum();
    assert_eq!(ends, graph.edges().len());
    assert_eq!(graph.outgoing(99), []);
}

#[test]
fn a_long_chain_is_ordered() {
    let mut nodes = tasks(100_000);
    for (i, node) in nodes.iter_mut().enumerate().skip(1) {
        node.needs = vec![need(i as NodeId - 1)];
    }
    nodes.reverse();
    let last = nodes.len() as NodeId - 1;
    for node in &mut nodes {
        if let [Need::Node { node, .. }] = node.needs.as_mut_slice() {
            *node = last - *node;
        }
    }
    let order = Graph::of(&plan(nodes)).topological_order().unwrap();
    assert!(order.iter().copied().eq((0..100_000).rev()));
}

#[test]
fn a_long_chain_of_fallbacks_with_many_dependents_is_linear() {
    let mut nodes = tasks(40_000);
    for (i, node) in nodes.iter_mut().enumerate() {
        match i {
            0..=19_998 => task_of(node).fallback = Some(i as NodeId + 1),
            20_000.. => node.needs = vec![need(0)],
            _ => {}
        }
    }
    let order = Graph::of(&plan(nodes)).topological_order().unwrap();
    assert_eq!(order.len(), 40_000);
    // The last fallback stands before all that need the first task.
    assert_eq!(order[19_999], 19_999);
}

#[test]
fn plan_order_breaks_ties() {
    let mut nodes = tasks(4);
    nodes[0].needs = vec![need(3)];
    assert_eq!(Graph::of(&plan(nodes)).topological_order(), Ok(vec![1, 2, 3, 0]));
}

#[test]
fn a_ring_is_spelled_out() {
    let mut nodes = tasks(5);
    nodes[1].needs = vec![need(0), need(3)];
    nodes[2].needs = vec![need(1)];
    nodes[2].routes = vec![Route {
        on: "failure".into(),
        to: 3,
    }]
    .into();
    nodes[4].needs = vec![need(3)];
    let Cycle { nodes: ring } = Graph::of(&plan(nodes)).topological_order().unwrap_err();
    let mut sorted = ring.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [1, 2, 3]);
    // Each waits for the one before it.
    let at = ring.iter().position(|id| *id == 1).unwrap();
    assert_eq!(ring[(at + 1) % 3], 2);
}

#[test]
fn what_waits_for_itself_is_a_ring_of_one() {
    let mut nodes = tasks(1);
    nodes[0].needs = vec![need(0)];
    assert_eq!(
        Graph::of(&plan(nodes)).topological_order(),
        Err(Cycle { nodes: vec![0] })
    );
}

#[test]
fn a_fallback_cannot_need_what_the_failed_task_is_needed_for() {
    // `t1` stands in for `t0`, which `t2` needs; so `t2` comes after `t1`, and `t1` cannot need it.
    let mut nodes = tasks(3);
    task_of(&mut nodes[0]).fallback = Some(1);
    nodes[2].needs = vec![need(0)];
    nodes[1].needs = vec![need(2)];
    assert!(Graph::of(&plan(nodes.clone())).topological_order().is_err());
    nodes[1].needs.clear();
    assert_eq!(Graph::of(&plan(nodes)).topological_order(), Ok(vec![0, 1, 2]));
}

#[test]
fn ids_that_point_nowhere_are_left_out() {
    let mut nodes = tasks(1);
    nodes[0].needs = vec![need(7), Need::Quorum { count: 1, of: vec![8] }];
    nodes[0].routes = vec![Route {
        on: "success".into(),
        to: 9,
    }]
    .into();
    task_of(&mut nodes[0]).fallback = Some(10);
    assert_eq!(drawn(&plan(nodes)), "");
}

/// Whether `to` waits for `from`, or for its verdict.
fn waits(graph: &Graph, from: NodeId, to: NodeId) -> bool {
    graph.outgoing(from).iter().any(|edge| edge.to == to) || graph.fallback(to) == Some(from)
}

proptest! {
    #[test]
    fn an_order_respects_every_edge_or_there_is_a_ring(
        needs in prop::collection::vec((0_u32..12, 0_u32..12), 0..20),
        fallbacks in prop::collection::vec((0_u32..12, 0_u32..12), 0..4),
    ) {
        let mut nodes = tasks(12);
        for (from, to) in needs {
            nodes[to as usize].needs.push(need(from));
        }
        for (from, to) in fallbacks {
            task_of(&mut nodes[from as usize]).fallback = Some(to);
        }
        let plan = plan(nodes);
        let graph = Graph::of(&plan);
        match graph.topological_order() {
            Ok(order) => {
                let mut place = [0; 12];
                for (i, id) in order.iter().enumerate() {
                    place[*id as usize] = i;
                }
                for edge in graph.edges() {
                    prop_assert!(place[edge.from as usize] < place[edge.to as usize], "{:?}", edge);
                }
            }
            Err(ring) => {
                prop_assert!(!ring.nodes.is_empty());
                let mut once = ring.nodes.clone();
                once.sort_unstable();
                once.dedup();
                prop_assert_eq!(once.len(), ring.nodes.len());
                for (i, from) in ring.nodes.iter().enumerate() {
                    let to = ring.nodes[(i + 1) % ring.nodes.len()];
                    prop_assert!(waits(&graph, *from, to), "{:?}: {} before {}", ring.nodes, from, to);
                }
            }
        }
    }
}
