//! People who come while nobody drives a run: they have what failed tried again, or go on under a changed plan.
//!
//! What they ask for goes into the journal in one commit, as the product's verbs do it, and may be lost like anything
//! else. Absent: driving, which the next life does.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::event::{EventKind, NodeStatus, Revision};
use engine::{Engine, NodeSnapshot, Weight};
use ir::plan::{Body, Need, Node, NodeId, Plan, Task};

use crate::generate::{Rng, script};

/// What somebody wants of a run that nobody drives.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Some of what failed is tried again.
    Retry,
    /// The run goes on under another plan.
    Replan(Arc<Plan>),
}

/// The plans of revisions that somebody has asked for, as they lie beside the journal.
pub type Revisions = BTreeMap<u32, Arc<Plan>>;

impl Wish {
    /// The event, if the run can take it as it is; a changed plan is put beside the journal first.
    pub fn asked(&self, engine: &Engine, rng: &mut Rng, revisions: &mut Revisions) -> Option<EventKind> {
        match self {
            Self::Retry => some_that_failed(engine, rng),
            Self::Replan(plan) => {
                engine.may_revise().ok()?;
                let number = engine.next_revision();
                revisions.insert(number, plan.clone());
                Some(EventKind::Replanned(Revision {
                    number,
                    ir_hash: plan.hash().into(),
                    inputs: engine.inputs().clone(),
                    rerun: Vec::new(),
                    because: "better".to_owned(),
                    by: "user/me".to_owned(),
                    plan: Some(plan.clone()),
                }))
            }
        }
    }
}

/// Some of what failed is tried again, if something did and may be.
pub fn some_that_failed(engine: &Engine, rng: &mut Rng) -> Option<EventKind> {
    let may = |node: &NodeSnapshot| {
        let is_over = matches!(node.status, NodeStatus::Failed | NodeStatus::Cancelled);
        let is_own = engine.outermost_node(node.node) == node.node;
        is_over && is_own && engine.weigh_retry(node.node) == Ok(Weight::Counts)
    };
    let nodes = engine.nodes();
    let mut found: Vec<NodeId> = nodes.iter().filter(|node| may(node)).map(|node| node.node).collect();
    while found.len() > 1 && rng.percent(40) {
        found.swap_remove(rng.below(found.len()));
    }
    (!found.is_empty()).then(|| EventKind::RetryAsked {
        nodes: found,
        because: None,
        by: "user/me".to_owned(),
    })
}

/// A plan in which a script is another, and perhaps a task is added at the end. Nodes keep their places.
pub fn changed(rng: &mut Rng, plan: &Plan) -> Plan {
    let mut changed = plan.clone();
    let mut scripts: Vec<&mut Task> = Vec::new();
    for node in &mut changed.nodes {
        if let Body::Task(task) = &mut node.body
            && task.script().is_some()
        {
            scripts.push(task);
        }
    }
    let chosen = rng.below(scripts.len());
    if let Some(script) = scripts.into_iter().nth(chosen).and_then(Task::script_mut) {
        script.text = format!("{}, better", script.text).into();
    }
    if rng.percent(40) {
        let task = Task {
            work: script("more").into(),
            ..Task::default()
        };
        let at = changed.nodes.len();
        let mut node = Node::new(format!("n{at}"), Body::Task(Box::new(task)));
        node.needs.push(Need::Node {
            node: rng.below(at) as NodeId,
            optional: rng.percent(50),
        });
        changed.nodes.push(node);
    }
    match ir::verify::verify(&changed) {
        Ok(()) => changed,
        Err(_) => plan.clone(),
    }
}
