//! `limits.queue`: how many nodes and instances of a plan may be ready and wait for a place.
//!
//! What comes last in the order of starting is turned away where there are more: it fails as `quota-exceeded`, which
//! its `retry` may mend once the queue is shorter. What has begun is never turned away, and neither is anything while
//! the run is paused.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::judge::Failure;
use crate::scopes::ScopeId;
use crate::state::ReadyKey;

impl Engine {
    /// Turns the last away that waits where a queue is too long; says whether there was one. Only once all places are taken.
    pub(crate) fn turn_away(&mut self) -> bool {
        let limited = |plan: &ir::Plan| plan.limits.queue.is_some();
        let any = limited(self.plan()) || self.programs.values().any(|program| limited(&program.plan));
        if !any || self.state.paused || self.state.leaving.is_some() {
            return false;
        }
        let Some((scope, key)) = self.one_too_many() else {
            return false;
        };
        let unit = key.unit;
        self.leave_queue(key);
        if let Some(account) = self.state.released.remove(&unit) {
            self.release(&account);
        }
        let plan = self.scopes.get(scope).plan();
        let most = plan.limits.queue.unwrap_or(0);
        let message = format!("the queue of `{}` is full: {most} wait already", plan.name);
        self.turned_away(unit, Failure::refusal("quota-exceeded", message));
        true
    }

    /// The last in a queue that is too long, of those that have not begun.
    fn one_too_many(&self) -> Option<(ScopeId, ReadyKey)> {
        let mut queues: BTreeMap<ScopeId, Vec<ReadyKey>> = BTreeMap::new();
        let held = self.state.scopes.iter().flat_map(|scope| &scope.held);
        for key in self.state.ready.iter().chain(held) {
            for scope in self.scopes.outward(self.scopes.id_of(key.unit.node)) {
                if self.scopes.get(scope).plan().limits.queue.is_some() {
                    queues.entry(scope).or_default().push(*key);
                }
            }
        }
        queues.into_iter().find_map(|(scope, mut queue)| {
            let most = self.scopes.get(scope).plan().limits.queue? as usize;
            queue.sort_unstable();
            let fresh = |key: &&ReadyKey| !self.state.unit(key.unit).again;
            let last = queue.iter().rev().find(fresh)?;
            (queue.len() > most).then_some((scope, *last))
        })
    }
}
