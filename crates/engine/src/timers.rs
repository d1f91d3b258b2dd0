//! Timers that fired: what each of them moves, and what it is about.
//!
//! A timer that comes too late, or for something that no longer waits, changes nothing; each part says so for its own.
//! Absent: setting them, which whoever waits does.

use ir::plan::NodeId;
use smol_str::format_smolstr;

use crate::engine::Engine;
use crate::event::Timer;
use crate::retry::unit_of;

impl Timer {
    /// The node or instance that it is about, and the attempt, if it is about one.
    const fn unit(&self) -> Option<(NodeId, Option<u32>, Option<u32>)> {
        match self {
            Self::Backoff {
                node,
                instance,
                attempt,
            }
            | Self::Answer {
                node,
                instance,
                attempt,
            }
            | Self::Call {
                node,
                instance,
                attempt,
            } => Some((*node, *instance, Some(*attempt))),
            Self::Gate { node } => Some((*node, None, None)),
            Self::Plan | Self::Account { .. } | Self::Budget | Self::Alert => None,
        }
    }
}

impl Engine {
    pub(crate) fn timer_fired(&mut self, timer: &Timer) -> Result<(), String> {
        match timer {
            Timer::Backoff {
                node,
                instance,
                attempt,
            } => self.backoff_over(unit_of(*node, *instance), *attempt),
            Timer::Answer {
                node,
                instance,
                attempt,
            } => self.question_over(unit_of(*node, *instance), *attempt),
            Timer::Call {
                node,
                instance,
                attempt,
            } => self.call_timer_fired(unit_of(*node, *instance), *attempt),
            Timer::Gate { node } => self.gate_over(*node),
            Timer::Plan => self.time_is_up(self.scopes.outermost_id()),
            Timer::Account { account } => self.account_timer_fired(account),
            Timer::Budget => self.budget_timer_fired(),
            Timer::Alert => self.alert_due(),
        }
    }

    /// What a timer is about: `the plan`, `agent coder`, `review[eu] #2`.
    pub fn about(&self, timer: &Timer) -> String {
        let Some((node, instance, attempt)) = timer.unit() else {
            return match timer {
                Timer::Account { account } => self.whose(account),
                Timer::Budget => "the budget".to_owned(),
                Timer::Alert => "the alerts".to_owned(),
                _ => "the plan".to_owned(),
            };
        };
        let name = self.name(node, instance);
        let name = name.unwrap_or_else(|| format_smolstr!("node number {node}"));
        attempt.map_or_else(|| name.to_string(), |attempt| format!("{name} #{attempt}"))
    }

    /// As a record of an event that changed nothing names it.
    pub(crate) fn describe_timer(&self, timer: &Timer) -> String {
        let of = if timer.unit().is_none() { "of " } else { "" };
        format!("timer-fired {of}{}", self.about(timer))
    }
}
