//! What calls use, counted from events and commands alone, by somebody who does not know how the engine counts.
//!
//! A call sets its price aside when it starts and is settled when it ends; one whose end nobody saw has used all of it.
//! Absent: tokens, whose use nobody knows before the first call.

use std::collections::BTreeMap;

use engine::event::{AttemptId, Command, Event, EventKind, How};
use ir::plan::{Limits, Per, Plan};
use rust_decimal::Decimal;
use smol_str::SmolStr;

/// Modes of calls that were turned away.
const TURNED_AWAY: [&str; 2] = ["rate-limited", "denied"];

/// What an event did to the ledger: kept as long as the event is.
#[derive(Clone, Debug)]
pub enum Change {
    Started {
        attempt: AttemptId,
        agent: Option<SmolStr>,
        price: Decimal,
        at_ms: i64,
    },
    Settled {
        attempt: AttemptId,
        used: Option<Decimal>,
        at_ms: i64,
    },
    Raised(Decimal),
}

/// A call that was made.
#[derive(Debug)]
struct Made {
    agent: Option<SmolStr>,
    price: Decimal,
    started_ms: i64,
    /// When, and what it used.
    settled: Option<(i64, Decimal)>,
}

pub struct Ledger<'p> {
    plan: &'p Plan,
    budget: Option<Decimal>,
    made: Vec<Made>,
    open: BTreeMap<AttemptId, usize>,
}

/// A limit that was not held.
pub enum Over {
    Budget(String),
    Quota(String),
    AtOnce(String),
}

impl<'p> Ledger<'p> {
    pub fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            budget: plan.budget.cost.map(|cost| cost.0),
            made: Vec::new(),
            open: BTreeMap::new(),
        }
    }

    /// What an event and its commands mean for it.
    pub fn changes(&self, event: &Event, commands: &[Command]) -> Vec<Change> {
        let at_ms = event.time_ms;
        let settled = |attempt: &AttemptId, used| Change::Settled {
            attempt: *attempt,
            used,
            at_ms,
        };
        let told = match &event.kind {
            EventKind::AttemptEnded { attempt, ended } => {
                let turned_away = match &ended.how {
                    How::CallFailed { mode, .. } => TURNED_AWAY.contains(&mode.as_str()),
                    How::NotStarted(_) | How::Nothing => true,
                    _ => false,
                };
                let used = ended.used.map(|used| used.cost.0);
                Some(settled(attempt, used.or(turned_away.then_some(Decimal::ZERO))))
            }
            EventKind::AttemptLost { attempt } => Some(settled(attempt, None)),
            EventKind::BudgetRaised { budget, .. } => budget.cost.map(|cost| Change::Raised(cost.0)),
            _ => None,
        };
        let started = commands.iter().filter_map(|command| match command {
            Command::StartAttempt(start) => start.call.as_ref().map(|call| (start.attempt, call)),
            _ => None,
        });
        let started = started.map(|(attempt, call)| Change::Started {
            attempt,
            agent: call.agent.clone(),
            price: self.price(&call.capability),
            at_ms,
        });
        told.into_iter().chain(started).collect()
    }

    /// All plans of a run know a capability alike.
    fn price(&self, capability: &SmolStr) -> Decimal {
        let known = self.plan.capabilities.get(capability);
        known.map_or(Decimal::ZERO, |capability| {
            capability.cost.iter().map(|rate| rate.amount.0).sum()
        })
    }

    pub fn take(&mut self, change: &Change) {
        match change {
            Change::Started {
                attempt,
                agent,
                price,
                at_ms,
            } => {
                self.open.insert(*attempt, self.made.len());
                self.made.push(Made {
                    agent: agent.clone(),
                    price: *price,
                    started_ms: *at_ms,
                    settled: None,
                });
            }
            Change::Settled { attempt, used, at_ms } => {
                if let Some(made) = self.open.remove(attempt).and_then(|at| self.made.get_mut(at)) {
                    made.settled = Some((*at_ms, used.unwrap_or(made.price)));
                }
            }
            Change::Raised(to) => self.budget = Some(*to),
        }
    }

    pub fn spent(&self) -> Decimal {
        self.made
            .iter()
            .filter_map(|made| made.settled)
            .map(|(_, used)| used)
            .sum()
    }

    fn reserved(&self) -> Decimal {
        self.open.values().map(|at| self.made[*at].price).sum()
    }

    /// The first limit that does not hold now.
    pub fn over(&self, now_ms: i64) -> Option<Over> {
        let used = self.spent() + self.reserved();
        if let Some(budget) = self.budget.filter(|budget| used > *budget) {
            return Some(Over::Budget(format!("${used} of ${budget}")));
        }
        let all: Vec<&Made> = self.made.iter().collect();
        over(&self.plan.limits, &all, "the plan", now_ms, false).or_else(|| {
            self.plan.agents.iter().find_map(|(name, agent)| {
                let own: Vec<&Made> = all
                    .iter()
                    .copied()
                    .filter(|made| made.agent.as_ref() == Some(name))
                    .collect();
                over(&agent.limits, &own, name, now_ms, true)
            })
        })
    }
}

fn over(limits: &Limits, made: &[&Made], whose: &str, now_ms: i64, at_once: bool) -> Option<Over> {
    let within = |at_ms: i64, per_ms: u64| at_ms.saturating_add_unsigned(per_ms) > now_ms;
    let open = made.iter().filter(|made| made.settled.is_none());
    if let Some(most) = limits.parallel.filter(|_| at_once)
        && open.clone().count() > most as usize
    {
        return Some(Over::AtOnce(format!("{whose} makes more than {most} calls at once")));
    }
    for rate in &limits.requests {
        let Per::WindowMs(per_ms) = rate.per else { continue };
        let count = made.iter().filter(|made| within(made.started_ms, per_ms)).count() as u64;
        if count > rate.amount {
            return Some(Over::Quota(format!(
                "{whose}: {count} calls in {per_ms} ms, of {}",
                rate.amount
            )));
        }
    }
    for rate in &limits.cost {
        let Per::WindowMs(per_ms) = rate.per else { continue };
        let settled = made.iter().filter_map(|made| made.settled);
        let spent: Decimal = settled
            .filter(|(at_ms, _)| within(*at_ms, per_ms))
            .map(|(_, used)| used)
            .sum();
        let all = spent + open.clone().map(|made| made.price).sum::<Decimal>();
        if all > rate.amount.0 {
            return Some(Over::Quota(format!(
                "{whose}: ${all} in {per_ms} ms, of ${}",
                rate.amount.0
            )));
        }
    }
    None
}
