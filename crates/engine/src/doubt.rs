//! Doubt: attempts whose end nobody saw, and the people who decide about them.
//!
//! What is idempotent is started again under the same key. Else `on in-doubt` fails the node with that mode, and
//! without such a route the node is blocked until someone resolves it. Nothing is guessed.

use ir::plan::NodeId;

use crate::engine::Engine;
use crate::event::{AttemptId, Ended, How, NodeStatus, Resolution};
use crate::judge::Failure;
use crate::notice::Notice;
use crate::scope::is_fan_out;
use crate::state::{NodeError, Stopping, UnitId};

impl Engine {
    pub(crate) fn attempt_lost(&mut self, attempt: AttemptId) -> Result<(), String> {
        let unit = self.take_in_flight(attempt)?;
        if attempt.undo {
            self.undo_again(unit);
            return Ok(());
        }
        self.settle_accounts(unit, None);
        match self.stopping(unit.node) {
            // to undo what was done, it must be known what was
            Some(Stopping::Cancel { rollback: true }) if !self.is_idempotent(unit) => self.repeat_or_doubt(unit),
            Some(stopping) if stopping.drops() => self.unit_cancelled(unit),
            _ => self.repeat_or_doubt(unit),
        }
        Ok(())
    }

    /// An attempt did not come to its end.
    pub(crate) fn repeat_or_doubt(&mut self, unit: UnitId) {
        let label = self.label(unit);
        let attempt = self.state.unit(unit).attempt;
        if self.is_idempotent(unit) {
            self.notices.push(Notice::Again {
                node: unit.node,
                label,
                attempt,
            });
            self.state.unit_mut(unit).again = true;
            return self.enqueue(unit);
        }
        let message = format!("the driver ended while attempt {attempt} ran, and nobody knows what it did");
        self.in_doubt(unit, message);
    }

    /// Nobody knows what an attempt did, and it must not be repeated.
    pub(crate) fn in_doubt(&mut self, unit: UnitId, message: String) {
        let routed = self
            .scopes
            .node(unit.node)
            .routes
            .iter()
            .any(|route| route.on == "in-doubt");
        if routed {
            return self.finish_attempt(unit, Err(Failure::new("in-doubt", message)));
        }
        self.wait_for_a_person(unit);
    }

    /// Only a person can move it.
    pub(crate) fn wait_for_a_person(&mut self, unit: UnitId) {
        let label = self.label(unit);
        let attempt = self.state.unit(unit).attempt;
        self.notices.push(Notice::Blocked {
            node: unit.node,
            label,
            attempt,
        });
        self.state.unit_mut(unit).status = NodeStatus::Blocked;
        self.state.blocked.insert(unit);
        self.leave_place(unit);
        self.show_status(unit.node);
    }

    /// Whether a call that must not be repeated came to an end that does not say what it did.
    pub(crate) fn call_in_doubt(&self, unit: UnitId, ended: &Ended) -> bool {
        let unclear = match &ended.how {
            How::TimedOut => true,
            How::CallFailed { mode, .. } => mode == "in-doubt",
            _ => false,
        };
        unclear && self.line(unit).is_some() && !self.is_idempotent(unit)
    }

    /// A person says what became of an attempt in doubt.
    pub(crate) fn resolve(
        &mut self,
        unit: UnitId,
        resolution: Resolution,
        because: &str,
        by: &str,
    ) -> Result<(), String> {
        if !self.state.blocked.remove(&unit) {
            return Err("no attempt of it is in doubt".to_owned());
        }
        self.hold_place(unit);
        if std::mem::take(&mut self.state.node_mut(unit.node).doubts) && resolution != Resolution::Failed {
            self.resolve_before(unit.node, resolution);
            return Ok(());
        }
        match resolution {
            Resolution::Completed if self.line(unit).is_some_and(|line| !line.is_last) => self.next_line(unit, None, 0),
            Resolution::Completed => {
                let products = self.judge(unit).declared_complete(&Ended::nothing(0));
                self.unit_completed(unit, products);
            }
            Resolution::Failed => {
                let attempts = self.state.unit(unit).attempt;
                let message = format!("{by} resolved its doubt as failed: {because}");
                self.unit_failed(
                    unit,
                    NodeError {
                        kind: "failure".into(),
                        message,
                        exit: None,
                        attempts,
                    },
                );
            }
            Resolution::Retry if self.stopping(unit.node).is_some_and(Stopping::drops) => self.unit_cancelled(unit),
            Resolution::Retry => {
                self.state.unit_mut(unit).again = true;
                self.leave_place(unit);
                self.queue_again(unit);
            }
        }
        Ok(())
    }

    /// A person says whether what a node did before the plan was changed stands.
    fn resolve_before(&mut self, id: NodeId, resolution: Resolution) {
        let unit = UnitId {
            node: id,
            instance: None,
        };
        let old = self.predecessor(id).filter(|old| self.state.node(*old).stands());
        match (resolution, old) {
            (Resolution::Completed, Some(old)) => self.take_over_result(old, id),
            (Resolution::Completed, None) => {
                let products = self.judge(unit).declared_complete(&Ended::nothing(0));
                self.unit_completed(unit, products);
            }
            (Resolution::Failed | Resolution::Retry, _) if is_fan_out(self.scopes.node(id)) => self.fan_out(id),
            (Resolution::Failed | Resolution::Retry, _) => self.enqueue(unit),
        }
    }
}
