//! Plans to simulate: those of the engine's own tests, one to three of them behind each other, some of whose gates ask people.

use ir::expr::{Expr, Ref};
use ir::plan::{Body, FailurePolicy, Gate, Need, Node, NodeId, Plan, Task};

use crate::generate::{Rng, random, script};

/// Of each part.
const NODES_MAX: usize = 14;

pub fn plan(rng: &mut Rng) -> Plan {
    let mut plan = random(rng, NODES_MAX);
    for _ in 0..rng.below(4) {
        let part = random(rng, NODES_MAX);
        let longer = behind(rng, &plan, part);
        if ir::verify::verify(&longer).is_ok() {
            plan = longer;
        }
    }
    if rng.percent(25) {
        plan.failure = FailurePolicy::Abort;
    }
    if rng.percent(50) {
        ask_people(rng, &mut plan);
    }
    plan
}

/// Lets some gates ask people, and adds a few that do, each with something that waits for it.
fn ask_people(rng: &mut Rng, plan: &mut Plan) {
    for node in &mut plan.nodes {
        if let Body::Gate(gate) = &mut node.body
            && rng.percent(60)
        {
            asked(rng, gate);
        }
    }
    for _ in 0..1 + rng.below(3) {
        let before = rng.below(plan.nodes.len()) as NodeId;
        let mut gate = Gate::default();
        asked(rng, &mut gate);
        let at = plan.nodes.len() as NodeId;
        let waits = Task {
            work: script("after").into(),
            ..Task::default()
        };
        let added = [
            (Body::Gate(Box::new(gate)), before, true),
            (Body::Task(Box::new(waits)), at, false),
        ];
        for (body, node, optional) in added {
            let mut added = Node::new(format!("n{}", plan.nodes.len()), body);
            added.needs.push(Need::Node { node, optional });
            plan.nodes.push(added);
        }
    }
}

fn asked(rng: &mut Rng, gate: &mut Gate) {
    gate.approvers = vec!["role/release".into(), "role/owner".into()];
    gate.quorum = rng.percent(40).then_some(2);
}

pub fn asks_people(plan: &Plan) -> bool {
    let asks = |body: &Body| matches!(body, Body::Gate(gate) if !gate.approvers.is_empty());
    plan.nodes.iter().any(|node| asks(&node.body))
}

/// Nodes of the second plan come after those of the first, and some need one of them, if only that it has settled.
fn behind(rng: &mut Rng, first: &Plan, second: Plan) -> Plan {
    let mut plan = first.clone();
    let offset = plan.nodes.len() as NodeId;
    for key in second.memory {
        if plan.memory.iter().all(|known| known.key != key.key) {
            plan.memory.push(key);
        }
    }
    for mut node in second.nodes {
        shift(&mut node, offset);
        if rng.percent(30) {
            node.needs.push(Need::Node {
                node: rng.below(offset as usize) as NodeId,
                optional: true,
            });
        }
        node.id = format!("n{}", plan.nodes.len()).into();
        plan.nodes.push(node);
    }
    plan
}

/// Makes room for `by` nodes before the plan of this one.
fn shift(node: &mut Node, by: NodeId) {
    for need in &mut node.needs {
        match need {
            Need::Node { node, .. } => *node += by,
            Need::Quorum { of, .. } => of.iter_mut().for_each(|node| *node += by),
        }
    }
    node.routes.iter_mut().for_each(|route| route.to += by);
    match &mut node.body {
        Body::Gate(_) => {}
        Body::Decision(decision) => decision.arms.iter_mut().for_each(|arm| arm.to += by),
        Body::Task(task) => {
            task.fallback.iter_mut().for_each(|node| *node += by);
            for binding in task.script_mut().into_iter().flat_map(|script| &mut script.env) {
                // what the generator lets scripts read
                if let Expr::Ref(Ref::Output(node, _) | Ref::Status(node) | Ref::Error(node)) = &mut binding.value {
                    *node += by;
                }
            }
        }
    }
}
