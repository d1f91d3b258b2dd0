//! When a node may start: activation, needs, quorums, and `when`.
//!
//! Section 10 of the language: an inactive node, or one with a need that can no longer be met, is skipped at once; an
//! active one whose needs are all met is decided by `when`. Each decision is made once, from counters.

use ir::plan::{Body, Need, NodeId};

use crate::engine::{Engine, Work};
use crate::event::NodeStatus;
use crate::judge::Failure;
use crate::memory;
use crate::scope::{Place, is_fan_out};
use crate::state::{NodeError, UnitId};

impl Engine {
    /// Decides about a node that waits, if it can be decided.
    pub(crate) fn check(&mut self, id: NodeId) {
        let node = self.state.node(id);
        if node.status != NodeStatus::Pending || node.entered {
            return;
        }
        if let Some(need) = node.unmet {
            let because = self.unmet(id, need);
            return self.skip(id, because);
        }
        if node.sources_open > 0 {
            return;
        }
        if self.scopes.table(id).sources > 0 && node.fired_by.is_empty() {
            return self.skip(id, "nothing routed to it".to_owned());
        }
        if node.needs_open == 0 {
            self.enter(id);
        }
    }

    /// All that is upstream is decided in its favour: `when` has the last word.
    fn enter(&mut self, id: NodeId) {
        self.state.node_mut(id).entered = true;
        self.state.node_mut(id).view = memory::view_of(&self.scopes, &self.state, id);
        let verdict = match self.scopes.node(id).when.as_ref() {
            Some(when) => self.scope(Place::Node(id)).holds(when),
            None => Ok(true),
        };
        match verdict {
            Ok(true) => self.begin(id),
            Ok(false) => self.skip(id, "its `when` is false".to_owned()),
            Err(error) => self.fail_unstarted(id, Failure::new("expression-error", format!("when: {}", error.message))),
        }
    }

    fn begin(&mut self, id: NodeId) {
        if self.take_over(id) {
            return;
        }
        let node = self.scopes.node(id);
        match &node.body {
            Body::Decision(_) => self.decide(id),
            _ if is_fan_out(node) => self.fan_out(id),
            _ => self.enqueue(UnitId {
                node: id,
                instance: None,
            }),
        }
    }

    /// The first true arm wins.
    fn decide(&mut self, id: NodeId) {
        let program = self.scopes.program(id);
        let Body::Decision(decision) = &program.plan.nodes[self.scopes.of(id).local(id) as usize].body else {
            return;
        };
        self.state.node_mut(id).started_ms = Some(self.state.now_ms);
        let scope = self.scope(Place::Node(id));
        let mut taken = Ok(None);
        for arm in decision.arms.iter().filter(|arm| arm.when.is_some()) {
            match arm.when.as_ref().map_or(Ok(true), |when| scope.holds(when)) {
                Ok(false) => continue,
                Ok(true) => taken = Ok(Some(scope.global(arm.to))),
                Err(error) => taken = Err(error),
            }
            break;
        }
        if let Ok(None) = taken {
            let otherwise = decision.arms.iter().find(|arm| arm.when.is_none());
            taken = Ok(self
                .likeliest(id, decision)
                .or_else(|| otherwise.map(|arm| self.scopes.of(id).global(arm.to))));
        }
        match taken {
            Ok(Some(arm)) => {
                self.state.node_mut(id).chosen = Some(arm);
                self.settle(id, NodeStatus::Completed);
            }
            Ok(None) => self.fail_unstarted(id, Failure::new("failure", "no arm is true, and there is no `else`")),
            Err(error) => self.fail_unstarted(id, Failure::new("expression-error", error.message)),
        }
    }

    /// A failure before any attempt: nothing to retry.
    pub(crate) fn fail_unstarted(&mut self, id: NodeId, failure: Failure) {
        let Failure {
            mode: kind,
            message,
            exit,
            ..
        } = failure;
        self.state.node_mut(id).error = Some(Box::new(NodeError {
            kind,
            message,
            exit,
            attempts: 0,
        }));
        self.settle(id, NodeStatus::Failed);
    }

    pub(crate) fn skip(&mut self, id: NodeId, because: String) {
        self.state.node_mut(id).why = Some(because).into();
        self.settle(id, NodeStatus::Skipped);
    }

    fn unmet(&self, id: NodeId, need: usize) -> String {
        let scope = self.scopes.of(id);
        match &scope.node(id).needs[need] {
            Need::Node { node, .. } => {
                let node = scope.global(*node);
                let status = self.state.node(node).status.name();
                format!("it needs `{}`, which {}", self.scopes.name(node), was(status))
            }
            Need::Quorum { count, of } => {
                format!("it needs {count} of {}, which can't be reached", of.len())
            }
        }
    }

    /// It is decided whether `id` satisfies needs: tells the needs that name it, and those for whom it stands in.
    pub(crate) fn spread_satisfies(&mut self, id: NodeId) {
        let Some(satisfies) = self.state.node(id).satisfies else {
            return;
        };
        let table = self.scopes.table(id);
        if table.dependents.is_empty() && table.stands_in_for.is_empty() {
            return;
        }
        let (program, base) = (self.scopes.program(id), self.scopes.of(id).base);
        let table = program.graph.node(id - base);
        for (local, need) in &table.dependents {
            let (dependent, need) = (base + local, *need as usize);
            let waits = self.state.node(dependent).status == NodeStatus::Pending;
            if waits
                && self.answer(
                    dependent,
                    need,
                    &program.plan.nodes[*local as usize].needs[need],
                    id,
                    satisfies,
                )
            {
                self.work.push_back(Work::Check(dependent));
            }
        }
        for owner in &table.stands_in_for {
            let owner = base + owner;
            let owner_state = self.state.node_mut(owner);
            if owner_state.status == NodeStatus::Failed && owner_state.satisfies.is_none() {
                owner_state.satisfies = Some(satisfies);
                self.work.push_back(Work::Satisfies(owner));
            }
        }
    }

    /// Notes what `from` means for one need; says whether that decided it.
    pub(crate) fn answer(
        &mut self,
        dependent: NodeId,
        index: usize,
        need: &Need,
        from: NodeId,
        satisfies: bool,
    ) -> bool {
        let excused = self.excused(from);
        let node = self.state.node_mut(dependent);
        let state = &mut node.needs[index];
        if state.decided.is_some() {
            return false;
        }
        state.decided = match need {
            Need::Node { optional, .. } => Some(satisfies || (*optional && excused)),
            Need::Quorum { count, .. } => {
                if satisfies {
                    state.yes.push(from);
                } else {
                    state.no += 1;
                }
                let yes = u32::try_from(state.yes.len()).unwrap_or(u32::MAX);
                if yes >= *count {
                    Some(true)
                } else {
                    (state.members - state.no < *count).then_some(false)
                }
            }
        };
        let decided = state.decided;
        if decided.is_some() {
            node.needs_open -= 1;
        }
        if decided == Some(false) {
            node.unmet = Some(node.unmet.map_or(index, |first| first.min(index)));
        }
        decided.is_some()
    }

    /// Whether `node?` does without it: it was skipped, or failed and is optional.
    fn excused(&self, id: NodeId) -> bool {
        match self.state.node(id).status {
            NodeStatus::Skipped => true,
            NodeStatus::Failed => self.scopes.node(id).optional,
            _ => false,
        }
    }
}

fn was(status: &str) -> String {
    match status {
        "failed" => "failed".to_owned(),
        status => format!("was {status}"),
    }
}
