//! `textDocument/prepareCallHierarchy`, `callHierarchy/incomingCalls` and `outgoingCalls`, as a hierarchy of needs: a
//! task "calls" what it needs, and the plan that it calls.

use std::path::Path;
use std::sync::Arc;

use dsl_check::{HierarchyItem, HierarchyStep, NodeAt};
use dsl_syntax::ast::Span;
use dsl_syntax::table::DeclKind;
use serde::{Deserialize, Serialize};
use tower_lsp_server::ls_types::{
    CallHierarchyIncomingCall, CallHierarchyItem, CallHierarchyOutgoingCall, Range, SymbolKind,
};

use crate::edge;
use crate::text::Place;
use crate::view::{Subject, View};

/// What an item carries so that it is found again, wherever it has moved in its file.
#[derive(Serialize, Deserialize)]
struct Data {
    plan: String,
    /// Empty of a plan.
    node: String,
}

pub(crate) fn prepare(subject: &Subject<'_>, place: Place) -> Option<Vec<CallHierarchyItem>> {
    let found = subject
        .view
        .snapshot
        .hierarchy_at(subject.path, subject.offset(place))?;
    Some(vec![item(subject.view, &found)?])
}

/// Those that need it.
pub(crate) fn incoming(view: &View, of: &CallHierarchyItem) -> Option<Vec<CallHierarchyIncomingCall>> {
    let steps = view.snapshot.needed_by(&node(view, of)?);
    let call = |step: HierarchyStep| {
        Some(CallHierarchyIncomingCall {
            from: item(view, &step.item)?,
            from_ranges: ranges(view, &step.item.at.file, &step.places)?,
        })
    };
    Some(steps.into_iter().filter_map(call).collect())
}

/// Those that it needs.
pub(crate) fn outgoing(view: &View, of: &CallHierarchyItem) -> Option<Vec<CallHierarchyOutgoingCall>> {
    let at = node(view, of)?;
    let is_plan = at.name.is_empty();
    let steps = view.snapshot.needs_of(&at);
    let call = |step: HierarchyStep| {
        // a plan says nowhere which of its nodes are the last
        let places = if is_plan {
            vec![of.selection_range]
        } else {
            ranges(view, &at.file, &step.places)?
        };
        Some(CallHierarchyOutgoingCall {
            to: item(view, &step.item)?,
            from_ranges: places,
        })
    };
    Some(steps.into_iter().filter_map(call).collect())
}

fn node(view: &View, item: &CallHierarchyItem) -> Option<NodeAt> {
    let data: Data = serde_json::from_value(item.data.clone()?).ok()?;
    Some(NodeAt {
        file: view.snapshot.path(&edge::path(&item.uri)).into(),
        plan: data.plan.into(),
        name: data.node.into(),
    })
}

fn item(view: &View, found: &HierarchyItem) -> Option<CallHierarchyItem> {
    let text = view.text(&found.at.file)?;
    let range = |span| edge::range(&text, span, view.settings.encoding);
    let is_plan = found.at.name.is_empty();
    let stem = found
        .at
        .file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let plan = if found.at.plan.is_empty() {
        stem
    } else {
        found.at.plan.as_str()
    };
    let name = if is_plan { plan } else { found.at.name.as_str() };
    let data = Data {
        plan: found.at.plan.to_string(),
        node: found.at.name.to_string(),
    };
    Some(CallHierarchyItem {
        name: name.to_owned(),
        kind: kind(found.kind),
        tags: None,
        detail: found
            .title
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| (!is_plan).then(|| plan.to_owned())),
        uri: view.uri(&found.at.file)?,
        range: range(found.span.cover(found.name_span)),
        selection_range: range(found.name_span),
        data: serde_json::to_value(data).ok(),
    })
}

fn kind(kind: DeclKind) -> SymbolKind {
    match kind {
        DeclKind::Plan => SymbolKind::MODULE,
        DeclKind::Gate => SymbolKind::EVENT,
        DeclKind::Decision => SymbolKind::ENUM,
        DeclKind::Hypothesis => SymbolKind::VARIABLE,
        _ => SymbolKind::FUNCTION,
    }
}

fn ranges(view: &View, file: &Arc<Path>, places: &[Span]) -> Option<Vec<Range>> {
    let text = view.text(file)?;
    let range = |place: &Span| edge::range(&text, *place, view.settings.encoding);
    Some(places.iter().map(range).collect())
}
