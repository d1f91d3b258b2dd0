//! What follows when a node settles: events fire, needs are answered, handlers are counted.
//!
//! A node settles once. Consequences go to the worklist; nothing here looks at more than the node's own edges.

use std::collections::BTreeSet;

use ir::plan::{Body, FailurePolicy, Node, NodeId};

use crate::engine::{Engine, Work};
use crate::event::NodeStatus;
use crate::notice::Notice;
use crate::state::UnitId;

impl Engine {
    /// Settles a node for good; its outputs or its error are already in place.
    pub(crate) fn settle(&mut self, id: NodeId, status: NodeStatus) {
        let now_ms = self.state.now_ms;
        let node = self.state.node_mut(id);
        debug_assert!(!node.is_settled(), "a node settles once");
        node.status = status;
        node.settled_ms = Some(now_ms);
        node.unit.input.clear();
        let scope = self.scopes.id_of(id);
        let whole = self.state.scope_mut(scope);
        whole.unsettled -= 1;
        whole.cut_short |= status == NodeStatus::Cancelled;
        if whole.unsettled == 0 {
            self.over.push_back(scope);
        }
        self.notice_settled(id, status);
        self.remember(id);
        self.state.alerts.stale = true;
        let fired = self.fired(id);
        self.fire(id, &fired);
        if status == NodeStatus::Failed {
            self.count_handlers(id, &fired);
        } else {
            self.work.push_back(Work::Resolved(id));
        }
        self.decide_satisfies(id);
    }

    fn notice_settled(&mut self, id: NodeId, status: NodeStatus) {
        let label = self.label(UnitId {
            node: id,
            instance: None,
        });
        let node = self.state.node(id);
        let notice = match status {
            NodeStatus::Completed if node.kept => Notice::Kept { node: id, label },
            NodeStatus::Completed => {
                let duration_ms = node.settled_ms.unwrap_or(0) - node.started_ms.or(node.settled_ms).unwrap_or(0);
                Notice::Completed {
                    node: id,
                    label,
                    duration_ms,
                }
            }
            NodeStatus::Failed => match node.error.as_deref().cloned() {
                Some(error) => Notice::Failed { node: id, label, error },
                None => return,
            },
            NodeStatus::Skipped => Notice::Skipped {
                node: id,
                label,
                because: node.why.as_ref().cloned().unwrap_or_default(),
            },
            _ => Notice::Cancelled { node: id, label },
        };
        self.notices.push(notice);
    }

    /// The nodes that its events and its fallback activate.
    pub(crate) fn fired(&self, id: NodeId) -> BTreeSet<NodeId> {
        let scope = self.scopes.of(id);
        if scope.table(id).targets.is_empty() {
            return BTreeSet::new();
        }
        let node = scope.node(id);
        let routed = |on| routed(node, on).map(|to| scope.global(to));
        let state = self.state.node(id);
        match (state.status, &state.error) {
            (NodeStatus::Completed, _) => {
                let approved = matches!(node.body, Body::Gate(_))
                    .then(|| routed("approved"))
                    .into_iter()
                    .flatten();
                routed("success").chain(approved).chain(state.chosen).collect()
            }
            (NodeStatus::Failed, Some(error)) => {
                let mut fired: BTreeSet<NodeId> = routed(&error.kind).collect();
                let in_doubt = error.kind == "in-doubt";
                if fired.is_empty() && !in_doubt {
                    fired.extend(routed("failure"));
                }
                fired.extend(self.scopes.fallback(id).filter(|_| !in_doubt));
                fired
            }
            _ => BTreeSet::new(),
        }
    }

    fn fire(&mut self, id: NodeId, fired: &BTreeSet<NodeId>) {
        let scope = self.scopes.of(id);
        for target in &scope.table(id).targets {
            let target = scope.global(*target);
            let state = &mut self.state.nodes[target as usize];
            state.sources_open -= 1;
            // One that has settled already was skipped or cancelled; `count_handlers` takes that into account.
            if fired.contains(&target) && !state.is_settled() {
                state.fired_by.push(id);
            }
            if state.sources_open == 0 {
                self.work.push_back(Work::Check(target));
            }
        }
    }

    /// A failure is handled if it may be, or once a fired handler has done its job.
    fn count_handlers(&mut self, id: NodeId, fired: &BTreeSet<NodeId>) {
        let (handled, open) = self.handling(id, fired);
        self.state.node_mut(id).handlers_open = open;
        if let Some(handled) = handled {
            self.decide_handled(id, handled);
        }
    }

    /// Whether a failure is handled, as far as that is decided, and how many of its handlers are not.
    pub(crate) fn handling(&self, id: NodeId, fired: &BTreeSet<NodeId>) -> (Option<bool>, u32) {
        let resolutions = || fired.iter().map(|handler| self.state.node(*handler).resolution());
        let done = self.scopes.node(id).optional || resolutions().any(|resolution| resolution == Some(true));
        let open = resolutions().filter(Option::is_none).count();
        let handled = if done { Some(true) } else { (open == 0).then_some(false) };
        (handled, u32::try_from(open).unwrap_or(u32::MAX))
    }

    fn decide_handled(&mut self, id: NodeId, handled: bool) {
        self.state.node_mut(id).handled = Some(handled);
        if !handled {
            let scope = self.scopes.id_of(id);
            self.state.scope_mut(scope).unhandled.insert(id);
            if self.scopes.get(scope).plan().failure == FailurePolicy::Abort {
                self.aborts_due.push_back(id);
            }
        }
        self.work.push_back(Work::Resolved(id));
    }

    /// Tells the failed nodes that this one handles.
    pub(crate) fn spread_resolved(&mut self, id: NodeId) {
        let Some(done) = self.state.node(id).resolution() else {
            return;
        };
        for index in 0..self.state.node(id).fired_by.len() {
            let source = self.state.node(id).fired_by[index];
            let state = self.state.node_mut(source);
            if state.status != NodeStatus::Failed || state.handled.is_some() {
                continue;
            }
            if done {
                self.decide_handled(source, true);
                continue;
            }
            state.handlers_open -= 1;
            if state.handlers_open == 0 {
                self.decide_handled(source, false);
            }
        }
    }

    fn decide_satisfies(&mut self, id: NodeId) {
        let satisfies = self.satisfying(id);
        if satisfies.is_some() {
            self.state.node_mut(id).satisfies = satisfies;
            self.work.push_back(Work::Satisfies(id));
        }
    }

    /// Whether a settled node satisfies needs. A failed one with a fallback waits for what the fallback comes to.
    pub(crate) fn satisfying(&self, id: NodeId) -> Option<bool> {
        let fallback = self.scopes.fallback(id);
        let node = self.state.node(id);
        match (node.status, fallback, &node.error) {
            (NodeStatus::Completed, ..) => Some(true),
            (NodeStatus::Failed, Some(fallback), Some(error)) if error.kind != "in-doubt" => {
                self.state.node(fallback).satisfies
            }
            _ => Some(false),
        }
    }
}

/// The targets of a node's routes on an event.
fn routed<'a>(node: &'a Node, on: &'a str) -> impl Iterator<Item = NodeId> + 'a {
    node.routes
        .iter()
        .filter(move |route| route.on == on)
        .map(|route| route.to)
}
