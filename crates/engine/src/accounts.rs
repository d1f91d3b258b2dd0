//! What calls use up and who counts it: windows of quotas, budgets with reservations, how much runs at once.
//!
//! Everything that a plan may limit has an account: an agent, a plan that runs, a task. An attempt reserves its
//! estimate in all of its accounts before it starts and is settled with its real use when it ends, so that attempts
//! side by side cannot overspend together. Plain data and pure functions; absent: what follows from being over a limit.

use std::collections::{BTreeSet, VecDeque};

use ir::plan::{Budget, Limits, Money, Per, Rate};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::circuit::Circuit;
use crate::event::{BudgetItem, Usage};
use crate::state::ReadyKey;

/// One account.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Ledger {
    pub spent: Used,
    pub reserved: Used,
    /// Attempts under way.
    pub running: u32,
    /// Calls that were started.
    pub requests: u64,
    requests_in: Vec<Window>,
    tokens_in: Vec<Window>,
    cost_in: Vec<Window>,
    /// Units that wait for it, and until when.
    pub waiting: BTreeSet<ReadyKey>,
    pub wakes_at_ms: Option<i64>,
    /// Budgets whose alert was raised.
    pub alerted: BTreeSet<BudgetItem>,
    pub circuit: Circuit,
}

#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub(crate) struct Used {
    pub cost: Decimal,
    pub tokens: u64,
    pub time_ms: u64,
}

impl Used {
    pub const fn usage(&self) -> Usage {
        Usage {
            cost: Money(self.cost),
            tokens: self.tokens,
        }
    }

    fn add(&mut self, other: Self) {
        // An amount beyond what decimals hold stays at the largest: over any budget either way.
        self.cost = self.cost.saturating_add(other.cost);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.time_ms = self.time_ms.saturating_add(other.time_ms);
    }

    fn take(&mut self, other: Self) {
        self.cost = self.cost.saturating_sub(other.cost).max(Decimal::ZERO);
        self.tokens = self.tokens.saturating_sub(other.tokens);
    }
}

/// What was used in the last so many milliseconds.
#[derive(Debug, Serialize)]
struct Window {
    per_ms: u64,
    sum: Decimal,
    entries: VecDeque<(i64, Decimal)>,
}

/// When something more may start, as far as one limit is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    Now,
    /// When enough has fallen out of the window.
    At(i64),
    /// When something that runs has ended.
    AfterOthers,
    Never(Over),
}

/// What can't be had at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    Quota,
    Budget(BudgetItem),
}

impl Room {
    /// What both allow: the later of two times, and what is never outweighs all.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never(over), _) | (_, Self::Never(over)) => Self::Never(over),
            (Self::At(one), Self::At(two)) => Self::At(one.max(two)),
            (Self::At(at), _) | (_, Self::At(at)) => Self::At(at),
            (Self::AfterOthers, _) | (_, Self::AfterOthers) => Self::AfterOthers,
            (Self::Now, Self::Now) => Self::Now,
        }
    }
}

impl Window {
    const fn new(per_ms: u64) -> Self {
        Self {
            per_ms,
            sum: Decimal::ZERO,
            entries: VecDeque::new(),
        }
    }

    /// When an entry falls out.
    fn ends(&self, entry_ms: i64) -> i64 {
        entry_ms.saturating_add(i64::try_from(self.per_ms).unwrap_or(i64::MAX))
    }

    fn forget(&mut self, now_ms: i64) {
        while let Some((at_ms, amount)) = self.entries.front().copied()
            && self.ends(at_ms) <= now_ms
        {
            self.sum = self.sum.saturating_sub(amount);
            self.entries.pop_front();
        }
    }

    fn note(&mut self, now_ms: i64, amount: Decimal) {
        self.forget(now_ms);
        self.sum = self.sum.saturating_add(amount);
        match self.entries.back_mut() {
            Some((at_ms, last)) if *at_ms == now_ms => *last = last.saturating_add(amount),
            _ => self.entries.push_back((now_ms, amount)),
        }
    }

    fn room(&self, limit: Decimal, reserved: Decimal, wanted: Decimal) -> Room {
        if wanted > limit {
            return Room::Never(Over::Quota);
        }
        let mut over = self
            .sum
            .saturating_add(reserved)
            .saturating_add(wanted)
            .saturating_sub(limit);
        if over <= Decimal::ZERO {
            return Room::Now;
        }
        for (at_ms, amount) in &self.entries {
            over = over.saturating_sub(*amount);
            if over <= Decimal::ZERO {
                return Room::At(self.ends(*at_ms));
            }
        }
        Room::AfterOthers
    }
}

/// The window of that length, made if it is not there.
fn window(windows: &mut Vec<Window>, per_ms: u64, now_ms: i64) -> &mut Window {
    let at = windows
        .iter()
        .position(|window| window.per_ms == per_ms)
        .unwrap_or_else(|| {
            windows.push(Window::new(per_ms));
            windows.len() - 1
        });
    let window = &mut windows[at];
    window.forget(now_ms);
    window
}

fn note<T>(windows: &mut Vec<Window>, rates: &[Rate<T>], now_ms: i64, amount: Decimal) {
    for rate in rates {
        if let Per::WindowMs(per_ms) = rate.per {
            window(windows, per_ms, now_ms).note(now_ms, amount);
        }
    }
}

impl Ledger {
    /// Whether a call that will use so much may be made under the rates of these limits.
    pub fn windows(&mut self, limits: &Limits, wanted: Used, now_ms: i64) -> Room {
        let mut room = Room::Now;
        for rate in &limits.requests {
            room = room.and(match rate.per {
                Per::WindowMs(per_ms) => {
                    window(&mut self.requests_in, per_ms, now_ms).room(rate.amount.into(), Decimal::ZERO, Decimal::ONE)
                }
                Per::Run if self.requests >= rate.amount => Room::Never(Over::Quota),
                Per::Run | Per::Call => Room::Now,
            });
        }
        for rate in &limits.tokens {
            let limit = Decimal::from(rate.amount);
            room = room.and(match rate.per {
                Per::WindowMs(per_ms) => window(&mut self.tokens_in, per_ms, now_ms).room(
                    limit,
                    self.reserved.tokens.into(),
                    wanted.tokens.min(rate.amount).into(),
                ),
                Per::Run => self.total(BudgetItem::Tokens, limit, wanted),
                Per::Call if wanted.tokens > rate.amount => Room::Never(Over::Quota),
                Per::Call => Room::Now,
            });
        }
        for rate in &limits.cost {
            let limit = rate.amount.0;
            room = room.and(match rate.per {
                Per::WindowMs(per_ms) => {
                    window(&mut self.cost_in, per_ms, now_ms).room(limit, self.reserved.cost, wanted.cost)
                }
                Per::Run => self.total(BudgetItem::Cost, limit, wanted),
                Per::Call if wanted.cost > limit => Room::Never(Over::Quota),
                Per::Call => Room::Now,
            });
        }
        room
    }

    /// Whether a budget has that much left.
    pub fn within(&self, budget: &Budget, wanted: Used) -> Room {
        let cost = budget.cost.map(|cost| self.total(BudgetItem::Cost, cost.0, wanted));
        let tokens = budget
            .tokens
            .map(|most| self.total(BudgetItem::Tokens, most.into(), wanted));
        let time = budget.time_ms.map(|most| match self.spent.time_ms >= most {
            true => Room::Never(Over::Budget(BudgetItem::Time)),
            false => Room::Now,
        });
        [cost, tokens, time].into_iter().flatten().fold(Room::Now, Room::and)
    }

    fn total(&self, item: BudgetItem, most: Decimal, wanted: Used) -> Room {
        let of = |used: &Used| match item {
            BudgetItem::Cost => used.cost,
            BudgetItem::Tokens => Decimal::from(used.tokens),
            BudgetItem::Time => Decimal::from(used.time_ms),
        };
        let alone = of(&self.spent).saturating_add(of(&wanted));
        if alone > most {
            Room::Never(Over::Budget(item))
        } else if alone.saturating_add(of(&self.reserved)) > most {
            Room::AfterOthers
        } else {
            Room::Now
        }
    }

    pub fn start(&mut self, limits: Option<&Limits>, wanted: Used, calls: bool, now_ms: i64) {
        self.running += 1;
        self.reserved.add(wanted);
        if calls {
            self.requests += 1;
            let rates = limits.map_or(&[][..], |limits| &limits.requests);
            note(&mut self.requests_in, rates, now_ms, Decimal::ONE);
        }
    }

    pub fn settle(&mut self, limits: Option<&Limits>, wanted: Used, real: Used, now_ms: i64) {
        self.running = self.running.saturating_sub(1);
        self.reserved.take(wanted);
        self.spent.add(real);
        if let Some(limits) = limits {
            note(&mut self.tokens_in, &limits.tokens, now_ms, real.tokens.into());
            note(&mut self.cost_in, &limits.cost, now_ms, real.cost);
        }
    }

    /// Which budgets have just come to the share at which they raise an alert.
    pub fn alerts(&mut self, budget: &Budget) -> Vec<BudgetItem> {
        let share = budget.alert.map_or_else(|| Decimal::new(8, 1), |share| share.0);
        let reached = |used: Decimal, most: Option<Decimal>| {
            most.is_some_and(|most| most > Decimal::ZERO && used >= most.saturating_mul(share))
        };
        let now = [
            (
                BudgetItem::Cost,
                reached(self.spent.cost, budget.cost.map(|cost| cost.0)),
            ),
            (
                BudgetItem::Tokens,
                reached(self.spent.tokens.into(), budget.tokens.map(Decimal::from)),
            ),
            (
                BudgetItem::Time,
                reached(self.spent.time_ms.into(), budget.time_ms.map(Decimal::from)),
            ),
        ];
        let new = now.into_iter().filter(|(_, reached)| *reached).map(|(item, _)| item);
        new.filter(|item| self.alerted.insert(*item)).collect()
    }
}
