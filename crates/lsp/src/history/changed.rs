//! What has changed of a node since it ran: the plan of that run, compared with the plan as it is in the editor.
//!
//! Compared when somebody asks about one node. Absent: values that only a run knows.

use dsl_check::NodeAt;
use ir::Plan;
use ir::fingerprint::{self, Leads, Part};
use store::{Durability, Store};

use super::WentRun;
use super::next_run::{compiled, is_small};
use crate::view::View;

/// A sentence; nothing if the node is as it was, or the plan has mistakes.
pub(crate) fn changed_since(view: &View, node: &NodeAt, run: &WentRun) -> Option<String> {
    if run.is_revised || !is_small(view, &node.file, &node.plan) {
        return None;
    }
    let now = compiled(view, &node.file, &node.plan)?;
    let folder = Store::new(view.store(), Durability::Process).find(&run.id).ok()?;
    let meta = folder.meta().ok()?;
    if now.hash() == meta.ir_hash {
        return None;
    }
    let then = folder.plan(&meta).ok()?;
    let differences = fingerprint::differences(&parts(&then, &node.name)?, &parts(&now, &node.name)?);
    let what: Vec<String> = differences.iter().map(|one| format!("`{}`", one.what)).collect();
    match what.len() {
        0 => None,
        1 => Some(format!("{} has changed since", what[0])),
        _ => Some(format!("{} have changed since", what.join(", "))),
    }
}

/// What the plan says of a node and of what leads to it.
fn parts(plan: &Plan, node: &str) -> Option<Vec<Part>> {
    let (id, _) = (0..).zip(&plan.nodes).find(|(_, one)| one.id == node)?;
    Some(fingerprint::of_node(plan, plan, &Leads::of(plan), id))
}
