//! The end of an attempt: its verdict, a further attempt, or the end of its unit.

use ir::plan::NodeId;

use crate::admission::Reservation;
use crate::engine::Engine;
use crate::event::{AttemptId, Command, Ended, How, NodeStatus, Timer};
use crate::graph::task;
use crate::judge::{Failure, Products, Verdict};
use crate::notice::Notice;
use crate::retry;
use crate::scope::Place;
use crate::start::{milliseconds, timeout};
use crate::state::{NodeError, Stopping, UnitId};
use crate::world::Replay;

/// Modes that another agent would not mend.
const AT_ANY_AGENT: [&str; 4] = ["denied", "budget-exceeded", "in-doubt", "cancelled"];

impl Engine {
    /// The attempt in flight that an event is about.
    pub(crate) fn take_in_flight(&mut self, attempt: AttemptId) -> Result<UnitId, String> {
        let unit = retry::unit_of(attempt.node, attempt.instance);
        match self.state.in_flight.get(&unit) {
            Some(known) if *known == attempt => {
                self.vacate(unit);
                Ok(unit)
            }
            Some(known) => Err(format!(
                "attempt {} (start {}) is the one that runs, not {} (start {})",
                known.attempt, known.start, attempt.attempt, attempt.start
            )),
            None => Err("no attempt of it runs".to_owned()),
        }
    }

    pub(crate) fn attempt_ended(&mut self, attempt: AttemptId, ended: &Ended) -> Result<(), String> {
        let unit = self.take_in_flight(attempt)?;
        if attempt.undo {
            self.undo_ended(unit, ended);
            return Ok(());
        }
        let settled = self.settle_accounts(unit, Some(ended));
        let dropping = self.stopping(unit.node).is_some_and(Stopping::drops);
        match ended.how {
            How::Interrupted if dropping => self.unit_cancelled(unit),
            How::Cancelled if dropping => self.unit_cancelled(unit),
            How::Interrupted => self.repeat_or_doubt(unit),
            _ if self.state.judging.contains_key(&unit) => self.judge_answered(unit, ended),
            How::TimedOut if self.is_out_of_budget(unit, settled.as_ref()) => {
                let message = format!("the budget for time of {} is used up", self.label(unit));
                self.finish_attempt(unit, Err(Failure::new("budget-exceeded", message)));
            }
            How::Nothing if self.asks_for_an_answer(unit) => self.ask_after_looking(unit, ended),
            _ if self.call_in_doubt(unit, ended) => {
                let attempt = attempt.attempt;
                let message = match &ended.how {
                    How::CallFailed { message, .. } => message.clone(),
                    _ => format!("attempt {attempt} timed out, and nobody knows what it did"),
                };
                self.in_doubt(unit, message);
            }
            _ if self.is_between_lines(unit, ended) => {
                let requires = self.requires_held(unit, ended);
                if let Err(failure) = requires.and_then(|()| self.line_over(unit, ended)) {
                    self.finish_attempt(unit, Err(failure));
                }
            }
            _ if self.called_plan(unit).is_some() => self.call_observed(unit, ended),
            _ => {
                let verdict = self.verdict(unit, ended);
                self.note_evidence(unit, ended);
                self.finish_attempt(unit, verdict);
            }
        }
        Ok(())
    }

    pub(crate) fn verdict(&self, unit: UnitId, ended: &Ended) -> Verdict {
        let mut world = Replay::new(&ended.observed);
        let judge = self.judge(unit);
        if self.observes_before(unit) {
            judge.requires(&mut world)?;
        }
        judge.verdict(ended, &mut world)
    }

    /// What was observed before the start, judged again where the verdict does not.
    fn requires_held(&self, unit: UnitId, ended: &Ended) -> Result<(), Failure> {
        if !self.observes_before(unit) {
            return Ok(());
        }
        self.judge(unit).requires(&mut Replay::new(&ended.observed))
    }

    /// Draws the consequence of a verdict.
    pub(crate) fn finish_attempt(&mut self, unit: UnitId, verdict: Verdict) {
        match verdict {
            Ok(products) if self.has_to_judge(unit) => self.begin_judging(unit, products),
            Ok(products) => self.finish_judged(unit, products),
            Err(failure) => {
                let error = self.note_failure(unit, failure);
                if self.may_retry(unit, &error) {
                    self.back_off(unit, error);
                } else if self.next_agent(unit, &error) {
                    self.go_on_with_next(unit, error);
                } else {
                    self.unit_failed(unit, error);
                }
            }
        }
    }

    /// Nothing but people may still say no.
    pub(crate) fn finish_judged(&mut self, unit: UnitId, products: Products) {
        if self.asks(unit) {
            self.ask(unit, products.checks);
        } else {
            self.keep(unit, &products);
            self.unit_completed(unit, products);
        }
    }

    fn note_failure(&mut self, unit: UnitId, failure: Failure) -> NodeError {
        let state = self.state.unit_mut(unit);
        if failure.without_effect {
            state.round += 1;
        }
        let Failure {
            mode: kind,
            message,
            exit,
            ..
        } = failure;
        let error = NodeError {
            kind,
            message,
            exit,
            attempts: state.attempt,
        };
        state.error = Some(Box::new(error.clone()));
        error
    }

    fn may_retry(&self, unit: UnitId, error: &NodeError) -> bool {
        let retry = task(self.scopes.node(unit.node)).and_then(|task| task.retry.as_ref());
        let ending = self.stopping(unit.node).is_some() || self.fan_out_fails(unit.node);
        !ending && retry::again(retry, self.tries(unit, error), &error.kind)
    }

    /// Attempts that count against `retry:`: those of the agent that failed.
    fn tries(&self, unit: UnitId, error: &NodeError) -> u32 {
        let agent = self.state.agents.get(&unit).map_or("", |agent| agent.as_str());
        let tried = self.state.calls.get(&unit).and_then(|calling| calling.tried.get(agent));
        let attempts = error.attempts - self.state.unit(unit).attempts_before.min(error.attempts);
        tried.copied().unwrap_or(attempts)
    }

    /// Whether a budget for time, and not a timeout, cut an attempt short.
    fn is_out_of_budget(&self, unit: UnitId, settled: Option<&Reservation>) -> bool {
        let Some(within_ms) = settled.and_then(|reservation| reservation.within_ms) else {
            return false;
        };
        let timeout =
            timeout(self.scopes.node(unit.node)).map(|timeout| milliseconds(timeout, &self.scope(Place::Unit(unit))));
        !matches!(timeout, Some(Ok(timeout_ms)) if timeout_ms <= within_ms)
    }

    /// Gives up the agent that failed, if another may do it.
    fn next_agent(&mut self, unit: UnitId, error: &NodeError) -> bool {
        let Some(agent) = self.state.agents.get(&unit).cloned() else {
            return false;
        };
        let ending = self.stopping(unit.node).is_some() || self.fan_out_fails(unit.node);
        let own = |mode: &str| {
            let task = task(self.scopes.node(unit.node));
            task.is_some_and(|task| task.fail.iter().any(|fail| fail.mode == mode))
        };
        if ending || AT_ANY_AGENT.contains(&error.kind.as_str()) || own(&error.kind) {
            return false;
        }
        let is_news = self.state.calls.entry(unit).or_default().spent.insert(agent);
        is_news && self.has_agent_left(unit)
    }

    fn go_on_with_next(&mut self, unit: UnitId, error: NodeError) {
        self.notices.push(Notice::Retrying {
            node: unit.node,
            label: self.label(unit),
            error,
            at_ms: self.state.now_ms,
        });
        self.leave_place(unit);
        self.queue_again(unit);
    }

    fn back_off(&mut self, unit: UnitId, error: NodeError) {
        let node = self.scopes.node(unit.node);
        let instance = self.state.instance(unit).map(|instance| instance.key.as_str());
        let seed = self.state.run.as_ref().map_or(0, |run| run.seed);
        let draw = retry::draw(seed, &self.scopes.name(unit.node), instance, error.attempts);
        let delay_ms = match task(node).and_then(|task| task.retry.as_ref()) {
            Some(retry) => retry.backoff.delay_ms(self.tries(unit, &error), draw),
            None => 0,
        };
        let at_ms = self
            .state
            .now_ms
            .saturating_add(i64::try_from(delay_ms).unwrap_or(i64::MAX));
        let attempt = error.attempts + 1;
        self.notices.push(Notice::Retrying {
            node: unit.node,
            label: self.label(unit),
            error,
            at_ms,
        });
        self.leave_place(unit);
        if delay_ms == 0 {
            return self.queue_again(unit);
        }
        self.state.unit_mut(unit).status = NodeStatus::Waiting;
        self.state.backoffs.insert(unit, at_ms);
        self.show_status(unit.node);
        let timer = Timer::Backoff {
            node: unit.node,
            instance: unit.instance,
            attempt,
        };
        self.commands.push(Command::SetTimer { timer, at_ms });
    }

    pub(crate) fn backoff_over(&mut self, unit: UnitId, attempt: u32) -> Result<(), String> {
        let waits = self
            .state
            .find_unit(unit)
            .is_some_and(|state| state.attempt + 1 == attempt);
        if !waits || self.state.backoffs.remove(&unit).is_none() {
            return Err("nothing waits for it".to_owned());
        }
        self.queue_again(unit);
        Ok(())
    }

    /// Queues a unit that gave up its place among the instances of a fan-out.
    pub(crate) fn queue_again(&mut self, unit: UnitId) {
        match unit.instance {
            None => self.enqueue(unit),
            Some(index) => self.queue_instance(unit.node, index),
        }
    }

    pub(crate) fn unit_completed(&mut self, unit: UnitId, products: Products) {
        self.state.judging.remove(&unit);
        // what another run did is not for this one to undo
        if !self.is_reused(unit) {
            self.note_completion(unit);
        }
        if let Some(index) = unit.instance {
            return self.instance_completed(unit.node, index, products);
        }
        self.state.calls.remove(&unit);
        let node = self.state.node_mut(unit.node);
        node.outputs = products.outputs;
        node.truncated = products.truncated.into();
        node.writes.extend(products.writes);
        node.unit.status = NodeStatus::Completed;
        self.settle(unit.node, NodeStatus::Completed);
    }

    pub(crate) fn unit_failed(&mut self, unit: UnitId, error: NodeError) {
        self.state.judging.remove(&unit);
        if let Some(index) = unit.instance {
            return self.instance_failed(unit.node, index, error);
        }
        let node = self.state.node_mut(unit.node);
        node.error = Some(Box::new(error));
        node.unit.status = NodeStatus::Failed;
        self.settle(unit.node, NodeStatus::Failed);
    }

    pub(crate) fn unit_cancelled(&mut self, unit: UnitId) {
        self.state.judging.remove(&unit);
        if let Some(index) = unit.instance {
            return self.instance_cancelled(unit.node, index);
        }
        self.state.node_mut(unit.node).unit.status = NodeStatus::Cancelled;
        self.settle(unit.node, NodeStatus::Cancelled);
    }

    /// Derives the status that a node shows from that of its units.
    pub(crate) fn show_status(&mut self, id: NodeId) {
        let node = self.state.node(id);
        if node.is_settled() {
            return;
        }
        let status = match &node.fan {
            None => node.unit.status,
            Some(_) if node.started_ms.is_none() => NodeStatus::Ready,
            Some(fan) => self.fan_out_status(id, fan),
        };
        self.state.node_mut(id).status = status;
    }
}
