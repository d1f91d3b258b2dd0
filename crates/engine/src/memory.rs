//! Memory: which write of a key a node sees, and what outlives the run.
//!
//! A node sees the writes of what it needs, directly or not, and of two of them the later in the order of the graph.
//! What an unrelated node wrote at the same time stays unseen, so a read does not depend on timing. Views share their
//! table where nothing was added. Behind them all lies what earlier runs remembered, as of the start of this one.
//!
//! What plans share goes by a *slot*, `global:key` or `plan:NAME:key`, so that a plan and those that it calls mean the
//! same thing by it; keys of a run go by their own names. A run does not end before its driver has said that what it
//! remembered for later runs is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use ir::plan::{MemoryScope, NodeId, Plan};
use ir::types::{Type, Types};
use ir::value::Value;
use smol_str::{SmolStr, format_smolstr};

use crate::engine::Engine;
use crate::event::{Command, NodeStatus};
use crate::graph::task;
use crate::scope::upstream;
use crate::scopes::{Scope, ScopeId, Scopes};
use crate::state::State;

type View = Arc<BTreeMap<SmolStr, NodeId>>;

/// Something that a node remembered for later runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Fact {
    pub slot: SmolStr,
    pub value: Value,
    /// How often people had the node begin anew before.
    pub round: u32,
}

/// A key that outlives a run, of a plan or of one that it calls.
#[derive(Clone, Copy, Debug)]
pub struct SharedKey<'p> {
    pub plan: &'p Plan,
    pub key: &'p SmolStr,
    pub ty: &'p Type,
    pub types: &'p Types,
}

impl SharedKey<'_> {
    pub fn slot(&self) -> SmolStr {
        slot(self.plan, self.key)
    }
}

/// What outlives a run of the plan.
pub fn shared_keys(plan: &Plan) -> impl Iterator<Item = SharedKey<'_>> {
    let plans = std::iter::once(plan).chain(plan.plans.values());
    plans.flat_map(|plan| {
        let shared = plan.memory.iter().filter(|memory| memory.scope != MemoryScope::Run);
        shared.map(move |memory| SharedKey {
            plan,
            key: &memory.key,
            ty: &memory.ty,
            types: &plan.types,
        })
    })
}

/// By what a key of a plan goes in views, in writes and in what outlives the run.
pub(crate) fn slot(plan: &Plan, key: &SmolStr) -> SmolStr {
    let declared = plan.memory.iter().find(|memory| memory.key == *key);
    match declared.map(|memory| memory.scope) {
        Some(MemoryScope::Global) => format_smolstr!("global:{key}"),
        Some(MemoryScope::Plan) => format_smolstr!("plan:{}:{key}", plan.name),
        Some(MemoryScope::Run) | None => key.clone(),
    }
}

/// Names have no colon.
fn is_shared(slot: &str) -> bool {
    slot.contains(':')
}

/// The view of a node that has just entered.
pub(crate) fn view_of(scopes: &Scopes, state: &State, node: NodeId) -> Option<View> {
    let scope = scopes.of(node);
    // a plan without memory may call one that has some
    if scope.plan().memory.is_empty() && !scopes.shares_memory() {
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
    view.extend(node_state.writes.keys().map(|slot| (slot.clone(), node)));
    Some(Arc::new(view))
}

fn merge(scope: &Scope, mut view: View, other: &View) -> View {
    if Arc::ptr_eq(&view, other) {
        return view;
    }
    for (slot, writer) in other.iter() {
        let later = view
            .get(slot)
            .is_none_or(|known| scope.place(*known) < scope.place(*writer));
        if later {
            Arc::make_mut(&mut view).insert(slot.clone(), *writer);
        }
    }
    view
}

/// The value of a slot as `reader` sees it: of what its plan wrote, else of what lies behind the call of its plan.
pub(crate) fn read<'a>(scopes: &Scopes, state: &'a State, reader: NodeId, slot: &str) -> Option<&'a Value> {
    let mut at = Some(reader);
    while let Some(reader) = at {
        let view = state.node(reader).view.as_ref();
        if let Some(writer) = view.and_then(|view| view.get(slot)) {
            return state.node(*writer).writes.get(slot);
        }
        let caller = scopes.of(reader).caller.as_ref().filter(|_| is_shared(slot));
        at = caller.map(|caller| caller.unit.node);
    }
    None
}

/// The value of a slot at the end of a scope.
pub(crate) fn read_last<'a>(scope: &Scope, state: &'a State, slot: &str) -> Option<&'a Value> {
    let writers = scope.nodes().filter(|node| state.node(*node).writes.contains_key(slot));
    let last = writers.max_by_key(|node| scope.place(*node))?;
    state.node(last).writes.get(slot)
}

impl Engine {
    /// What a completed node remembered for later runs; what the nodes of a plan that it called remembered is theirs.
    pub fn facts(&self, node: NodeId) -> Vec<Fact> {
        if !self.scopes.has(node) {
            return Vec::new();
        }
        let scope = self.scopes.of(node);
        let clauses = task(scope.node(node)).map_or(&[][..], |task| &task.remember);
        let slots = clauses.iter().map(|clause| slot(scope.plan(), &clause.key));
        let writes = &self.state.node(node).writes;
        slots
            .filter(|slot| is_shared(slot))
            .filter_map(|slot| {
                Some(Fact {
                    value: writes.get(&slot)?.clone(),
                    slot,
                    round: self.state.node(node).retries,
                })
            })
            .collect()
    }

    /// A node has settled: what it remembered for later runs is to be kept.
    pub(crate) fn remember(&mut self, id: NodeId) {
        let completed = self.state.node(id).status == NodeStatus::Completed;
        if completed && self.scopes.traits(id).remembers && !self.facts(id).is_empty() {
            self.state.remembering.insert(id);
            self.commands.push(Command::Remember { node: id });
        }
    }

    pub(crate) fn remembered(&mut self, node: NodeId) -> Result<(), String> {
        match self.state.remembering.remove(&node) {
            true => Ok(()),
            false => Err("it has nothing to keep".to_owned()),
        }
    }

    /// What the nodes of a call remembered for all plans is what the caller's own have behind them.
    pub(crate) fn adopt_memory(&mut self, scope: ScopeId, caller: NodeId) {
        if !self.scopes.shares_memory() {
            return;
        }
        let called = self.scopes.get(scope);
        let slots: std::collections::BTreeSet<&SmolStr> = called
            .nodes()
            .flat_map(|node| self.state.node(node).writes.keys())
            .filter(|slot| is_shared(slot))
            .collect();
        let last = |slot: &SmolStr| Some((slot.clone(), read_last(called, &self.state, slot)?.clone()));
        let adopted: Vec<_> = slots.into_iter().filter_map(last).collect();
        self.state.node_mut(caller).writes.extend(adopted);
    }
}
