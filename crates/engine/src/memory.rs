//! Memory of a run: which write of a key a node sees.
//!
//! A node sees the writes of what it needs, directly or not, and of two of them the later in the order of the graph. What an
//! unrelated node wrote at the same time stays unseen, so a read does not depend on timing. Views share their table where nothing was added.

use std::collections::BTreeMap;
use std::sync::Arc;

use ir::plan::NodeId;
use ir::value::Value;
use smol_str::SmolStr;

use crate::scope::upstream;
use crate::scopes::{Scope, Scopes};
use crate::state::State;

type View = Arc<BTreeMap<SmolStr, NodeId>>;

/// The view of a node that has just entered.
pub(crate) fn view_of(scopes: &Scopes, state: &State, node: NodeId) -> Option<View> {
    let scope = scopes.of(node);
    if scope.plan().memory.is_empty() {
        return None;
    }
    let mut view: Option<View> = None;
    upstream(scopes, state, node, &mut |from| {
        if let Some(of) = view_after(state, from) {
            view = Some(match view.take() {
                None => of,
                Some(view) => merge(scope, view, &of),
            });
        }
    });
    view
}

/// What those see that need `node`.
fn view_after(state: &State, node: NodeId) -> Option<View> {
    let node_state = state.node(node);
    if node_state.writes.is_empty() {
        return node_state.view.clone();
    }
    let mut view = node_state.view.as_deref().cloned().unwrap_or_default();
    view.extend(node_state.writes.keys().map(|key| (key.clone(), node)));
    Some(Arc::new(view))
}

fn merge(scope: &Scope, mut view: View, other: &View) -> View {
    if Arc::ptr_eq(&view, other) {
        return view;
    }
    for (key, writer) in other.iter() {
        let later = view
            .get(key)
            .is_none_or(|known| scope.table(*known).topo < scope.table(*writer).topo);
        if later {
            Arc::make_mut(&mut view).insert(key.clone(), *writer);
        }
    }
    view
}

/// The value of a key as `reader` sees it.
pub(crate) fn read<'a>(state: &'a State, reader: NodeId, key: &str) -> Option<&'a Value> {
    let writer = state.node(reader).view.as_ref()?.get(key)?;
    state.node(*writer).writes.get(key)
}

/// The value of a key at the end of a scope.
pub(crate) fn read_last<'a>(scope: &Scope, state: &'a State, key: &str) -> Option<&'a Value> {
    let writers = scope.nodes().filter(|node| state.node(*node).writes.contains_key(key));
    let last = writers.max_by_key(|node| scope.table(*node).topo)?;
    state.node(last).writes.get(key)
}
