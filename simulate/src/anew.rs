//! What a retry or a changed plan may do again: what was asked for or what the change reaches, and nothing else.
//!
//! Told from the plans and from what was seen before, by somebody who does not know how the engine compares. It claims
//! little: of a node with something above it that did not complete it says nothing.

use std::collections::BTreeSet;

use engine::event::NodeStatus;
use engine::{Engine, NodeSnapshot, Undo, UndoStatus};
use ir::plan::{Body, Need, Node, NodeId, Plan};
use smol_str::SmolStr;

/// What is expected since a person asked for something, by names of nodes of the outermost plan.
#[derive(Clone, Debug, Default)]
pub struct Anew {
    /// Somebody has asked for something.
    pub was_asked: bool,
    /// They have completed, and do not start again.
    kept: BTreeSet<SmolStr>,
    /// They do not complete without having started.
    changed: BTreeSet<SmolStr>,
    /// Units that completed, may not be repeated, and are not unless a person says so.
    once: BTreeSet<SmolStr>,
}

impl Anew {
    /// After a retry of some nodes; the error is one that stays and did not.
    pub fn retried(asked: &BTreeSet<SmolStr>, before: &[NodeSnapshot], now: &[NodeSnapshot]) -> Result<Self, SmolStr> {
        let stays = |node: &&NodeSnapshot| completed(node) && is_own(node) && !asked.contains(&node.id);
        for node in before.iter().filter(stays) {
            let after = find(now, node.node);
            if after.is_none_or(|after| after.status != node.status || after.outputs != node.outputs) {
                return Err(node.id.clone());
            }
        }
        Ok(Self {
            was_asked: true,
            ..Self::default()
        })
    }

    /// After a change of the plan.
    pub fn replanned(before: &[NodeSnapshot], old: &Plan, new: &Plan) -> Self {
        let states: Vec<Option<&NodeSnapshot>> = new
            .nodes
            .iter()
            .map(|node| before.iter().find(|state| state.id == node.id))
            .collect();
        let stable = stable(&states, old, new);
        let mut anew = Self {
            was_asked: true,
            ..Self::default()
        };
        for (at, node) in new.nodes.iter().enumerate() {
            let Some(state) = states[at].filter(|state| completed(state)) else {
                continue;
            };
            // a gate that people approve looks again at what it shows them
            if stable[at] && node.body.task().is_some() {
                anew.kept.insert(node.id.clone());
            } else if !as_it_was(old.nodes.get(at), node) && state.attempts > 0 {
                anew.changed.insert(node.id.clone());
            }
            if node
                .body
                .task()
                .is_some_and(|task| !task.idempotent && task.key.is_none())
            {
                anew.once.extend(completed_units(state));
            }
        }
        anew
    }

    /// An attempt starts; the error says what it breaks.
    pub fn started(&mut self, owner: &SmolStr, label: &SmolStr) -> Result<(), String> {
        self.changed.remove(owner);
        if self.kept.contains(owner) {
            return Err(format!("`{label}` starts, which nothing has changed"));
        }
        match self.once.contains(label) {
            true => Err(format!("`{label}` starts, which completed and may not be repeated")),
            false => Ok(()),
        }
    }

    /// A person has decided that it may be repeated, or the run undid what it did.
    pub fn may_repeat(&mut self, name: &SmolStr) {
        let of_node = |label: &SmolStr| {
            label == name
                || label
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.starts_with('['))
        };
        self.once.retain(|label| !of_node(label));
        self.kept.retain(|label| !of_node(label));
        self.changed.retain(|label| !of_node(label));
    }

    /// A node that was to run anew and shows the old result.
    pub fn stale(&self, now: &[NodeSnapshot]) -> Option<SmolStr> {
        let is_stale = |node: &&NodeSnapshot| {
            self.changed.contains(&node.id)
                && node.status == NodeStatus::Completed
                && node.reused.is_none()
                && node.instances.iter().all(|instance| instance.reused.is_none())
        };
        now.iter().find(is_stale).map(|node| node.id.clone())
    }
}

/// The node of the outermost plan whose attempt it is.
pub fn owner(engine: &Engine, node: NodeId) -> SmolStr {
    engine.name(engine.outermost_node(node), None).unwrap_or_default()
}

/// Snapshots are in the order of their numbers.
pub fn find(nodes: &[NodeSnapshot], id: NodeId) -> Option<&NodeSnapshot> {
    let at = nodes.binary_search_by_key(&id, |node| node.node).ok()?;
    nodes.get(at)
}

fn is_own(node: &NodeSnapshot) -> bool {
    !node.id.contains('/')
}

fn is_undone(undo: Option<&Undo>) -> bool {
    undo.is_some_and(|undo| undo.status != UndoStatus::Failed)
}

/// And nothing of it was undone.
fn completed(node: &NodeSnapshot) -> bool {
    let of_instances = node.instances.iter().map(|instance| instance.undo.as_ref());
    let mut undos = of_instances.chain([node.undo.as_ref()]);
    node.status == NodeStatus::Completed && !undos.any(is_undone)
}

fn completed_units(node: &NodeSnapshot) -> Vec<SmolStr> {
    if node.instances.is_empty() {
        return vec![node.id.clone()];
    }
    let done = node
        .instances
        .iter()
        .filter(|instance| instance.status == NodeStatus::Completed);
    done.map(|instance| instance.label.clone()).collect()
}

/// Of each node of the new plan whether it is as it was, and so is all above it.
fn stable(states: &[Option<&NodeSnapshot>], old: &Plan, new: &Plan) -> Vec<bool> {
    let above = above(new);
    let settled = |state: &NodeSnapshot| completed(state) || state.status == NodeStatus::Skipped;
    let mut stable: Vec<bool> = (0..new.nodes.len())
        .map(|at| as_it_was(old.nodes.get(at), &new.nodes[at]) && states[at].is_some_and(settled))
        .collect();
    loop {
        let falls = |at: &usize| stable[*at] && above[*at].iter().any(|other| !stable[*other as usize]);
        let Some(at) = (0..stable.len()).find(falls) else {
            return stable;
        };
        stable[at] = false;
    }
}

/// Wherever it stands in its file.
fn as_it_was(old: Option<&Node>, new: &Node) -> bool {
    let there = |old: &Node| Node {
        line: new.line,
        ..old.clone()
    };
    old.map(there).as_ref() == Some(new)
}

fn named(need: &Need) -> Vec<NodeId> {
    match need {
        Need::Node { node, .. } => vec![*node],
        Need::Quorum { of, .. } => of.clone(),
    }
}

/// The nodes that each waits for, reads, or may be stood in for by.
fn above(plan: &Plan) -> Vec<Vec<NodeId>> {
    let mut above: Vec<Vec<NodeId>> = plan
        .nodes
        .iter()
        .map(|node| node.needs.iter().flat_map(named).collect())
        .collect();
    for (id, node) in (0..).zip(&plan.nodes) {
        let mut routed: Vec<NodeId> = node.routes.iter().map(|route| route.to).collect();
        match &node.body {
            Body::Task(task) => {
                routed.extend(task.fallback);
                above[id as usize].extend(task.fallback);
            }
            Body::Decision(decision) => routed.extend(decision.arms.iter().map(|arm| arm.to)),
            Body::Gate(_) => {}
        }
        for to in routed {
            above[to as usize].push(id);
        }
    }
    above
}
