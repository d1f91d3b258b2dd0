//! A gate before a task: what the task needed the gate needs, and the task needs the gate.

use dsl_syntax::table::DeclKind;

use super::{Assist, AssistKind, Here};
use crate::graph::sig_of;

/// Who decides where no gate of the plan says who does.
const APPROVER: &str = "role/owner";

pub(super) fn before(here: &Here<'_>) -> Option<Assist> {
    if here.decl.kind != DeclKind::Task || !here.is_in_header() {
        return None;
    }
    let (plan, node) = here.plan()?;
    // what starts it now would wait for people, who were asked long before
    if !here.topology()?.sources(node?).is_empty() {
        return None;
    }
    let task = here.name()?;
    let name = here.free_name(&format!("approve-{task}"))?;
    let sigs = plan
        .nodes
        .iter()
        .filter_map(|(block, _)| sig_of(&here.analysis.db, *block));
    let approvers = sigs.map(|sig| &sig.approvers).find(|approvers| !approvers.is_empty());
    let approver = approvers.map_or_else(|| APPROVER.to_owned(), |approvers| approvers.join(", "));
    let title = here.decl.title.as_ref().and_then(|title| title.plain());
    let title = title
        .filter(|title| !title.contains(['"', '\\', '{']))
        .unwrap_or_else(|| task.clone());
    let needs = here.plain_needs();
    let (depth, inner) = (here.depth(), here.depth() + 2);
    let mut text = format!("{:depth$}gate {name} \"Approve: {title}\"\n", "");
    if !needs.is_empty() {
        text.push_str(&format!("{:inner$}needs: {}\n", "", needs.join(", ")));
    }
    text.push_str(&format!("{:inner$}approver: {approver}\n", ""));
    Some(Assist {
        title: format!("add a gate before `{task}`"),
        kind: AssistKind::Rewrite,
        edits: vec![
            here.edit(here.insert_before(&text)),
            here.edit(here.need_only(&name, &needs)?),
        ],
    })
}
