//! The budget of the run: how much is left of it, what happens when it is spent, and who raises it.
//!
//! What would exceed it does not start, the run pauses, and a person may raise the budget and resume. Policies cap it. Its time
//! is that of the run's clock, which stands still while the run only waits for people or quotas, is paused or interrupted.

use ir::plan::{Budget, Plan, Policy};
use ir::quantity::{render_duration, render_money};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use crate::accounts::Used;
use crate::engine::Engine;
use crate::event::{Account, BudgetItem, Usage};
use crate::notice::Notice;
use crate::state::{State, UnitId};

impl BudgetItem {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Tokens => "tokens",
            Self::Time => "time",
        }
    }

    pub(crate) const fn budget_name(self) -> &'static str {
        match self {
            Self::Cost => "budget for cost",
            Self::Tokens => "budget for tokens",
            Self::Time => "budget for time",
        }
    }

    pub(crate) fn shown(self, used: Used) -> String {
        match self {
            Self::Cost => format!("${}", render_money(used.cost)),
            Self::Tokens => format!("{} tokens", used.tokens),
            Self::Time => render_duration(i64::try_from(used.time_ms).unwrap_or(i64::MAX)),
        }
    }

    /// The same of a budget, which has one.
    pub(crate) fn most(self, budget: &Budget) -> String {
        self.shown(Used {
            cost: budget.cost.map_or(Decimal::ZERO, |cost| cost.0),
            tokens: budget.tokens.unwrap_or(0),
            time_ms: budget.time_ms.unwrap_or(0),
        })
    }
}

impl Notice {
    pub(crate) fn budget_alert(whose: String, item: BudgetItem, used: Used, budget: &Budget) -> Self {
        Self::BudgetAlert {
            whose,
            item,
            used: item.shown(used),
            of: item.most(budget),
        }
    }
}

/// The smaller of two bounds, where there are any.
pub(crate) fn least<T: Ord>(one: Option<T>, two: Option<T>) -> Option<T> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

/// What a plan may use: what it says or a person raised it to, and no policy forbids.
pub(crate) fn budget_of(plan: &Plan, raised: &Budget) -> Budget {
    let limits = || plan.policies.iter().map(|policy| &policy.limit);
    let own = &plan.budget;
    Budget {
        cost: limits().fold(raised.cost.or(own.cost), |most, limit| least(most, limit.cost)),
        tokens: limits().fold(raised.tokens.or(own.tokens), |most, limit| least(most, limit.tokens)),
        time_ms: limits().fold(raised.time_ms.or(own.time_ms), |most, limit| least(most, limit.time_ms)),
        alert: own.alert,
    }
}

impl State {
    /// What the run has used so far.
    pub fn used(&self) -> Used {
        let spent = self.accounts.get(&Account::Plan(0)).map(|ledger| ledger.spent);
        Used {
            time_ms: self.clock.used_ms,
            ..spent.unwrap_or_default()
        }
    }
}

impl Engine {
    /// What the run may use: what the plan says or a person raised it to, and no policy forbids.
    pub fn run_budget(&self) -> Budget {
        budget_of(self.plan(), &self.state.raised)
    }

    /// What the run has used so far; the time is that of its clock.
    pub fn used(&self) -> Usage {
        self.run_used().usage()
    }

    pub(crate) fn run_used(&self) -> Used {
        self.state.used()
    }

    /// What a task has used so far, or of one instance the task's share is not told apart.
    pub(crate) fn used_by(&self, node: ir::plan::NodeId) -> Usage {
        let spent = self.state.accounts.get(&Account::Task(node)).map(|ledger| ledger.spent);
        spent.unwrap_or_default().usage()
    }

    /// The part of the budget for which the run is paused.
    pub fn paused_for(&self) -> Option<BudgetItem> {
        self.state.budget_stop.filter(|_| self.state.paused)
    }

    /// Why a budget can't be raised so far.
    pub fn may_raise(&self, to: &Budget) -> Result<(), String> {
        let forbids = |policy: &Policy| {
            let limit = &policy.limit;
            let over = |item: BudgetItem, most: Option<String>| {
                most.map(|most| format!("the policy `{}` caps the {} at {most}", policy.name, item.name()))
            };
            let as_budget = Budget {
                cost: limit.cost,
                tokens: limit.tokens,
                time_ms: limit.time_ms,
                alert: None,
            };
            let shown = |item: BudgetItem| item.most(&as_budget);
            let cost = to.cost.filter(|to| limit.cost.is_some_and(|most| *to > most));
            let tokens = to.tokens.filter(|to| limit.tokens.is_some_and(|most| *to > most));
            let time = to.time_ms.filter(|to| limit.time_ms.is_some_and(|most| *to > most));
            over(BudgetItem::Cost, cost.map(|_| shown(BudgetItem::Cost)))
                .or_else(|| over(BudgetItem::Tokens, tokens.map(|_| shown(BudgetItem::Tokens))))
                .or_else(|| over(BudgetItem::Time, time.map(|_| shown(BudgetItem::Time))))
        };
        self.plan().policies.iter().find_map(forbids).map_or(Ok(()), Err)
    }

    pub(crate) fn budget_raised(&mut self, to: &Budget) -> Result<(), String> {
        self.may_raise(to)?;
        let raised = &mut self.state.raised;
        raised.cost = to.cost.or(raised.cost);
        raised.tokens = to.tokens.or(raised.tokens);
        raised.time_ms = to.time_ms.or(raised.time_ms);
        if let Some(ledger) = self.state.accounts.get_mut(&Account::Plan(0)) {
            ledger.alerted.clear();
        }
        self.state.clock.alerted = false;
        // Its timer is set anew while the run moves.
        self.state.clock.ticking = false;
        Ok(())
    }

    /// Something would exceed the budget of the run: nothing more starts.
    pub(crate) fn pause_for_budget(&mut self, item: BudgetItem) {
        let budget = self.run_budget();
        self.notices.push(Notice::BudgetSpent {
            item,
            used: item.shown(self.run_used()),
            of: item.most(&budget),
        });
        self.state.budget_stop = Some(item);
        self.state.paused = true;
    }

    /// A unit that may not start for the budget waits for a person to raise it.
    pub(crate) fn hold_for_budget(&mut self, unit: UnitId, item: BudgetItem) {
        let key = self.ready_key(unit);
        self.state.ready.insert(key);
        self.pause_for_budget(item);
    }

    /// When the run's clock comes to the share of its time at which an alert is raised, or to its end.
    pub(crate) fn budget_time_ms(&self) -> Option<u64> {
        let budget = self.run_budget();
        let most_ms = budget.time_ms.filter(|_| !self.state.paused)?;
        Some(if self.state.clock.alerted {
            most_ms
        } else {
            alert_ms(&budget, most_ms)
        })
    }

    pub(crate) fn budget_timer_fired(&mut self) -> Result<(), String> {
        let budget = self.run_budget();
        let most_ms = budget.time_ms.ok_or("the plan has no budget for time")?;
        if self.state.paused {
            return Err("the run is paused".to_owned());
        }
        self.state.clock.ticking = false;
        let used_ms = self.state.clock.used_ms;
        if used_ms >= alert_ms(&budget, most_ms) && !self.state.clock.alerted {
            self.state.clock.alerted = true;
            let (whose, used) = ("the plan".to_owned(), self.run_used());
            self.notices
                .push(Notice::budget_alert(whose, BudgetItem::Time, used, &budget));
        }
        if used_ms >= most_ms {
            self.pause()?;
            self.pause_for_budget(BudgetItem::Time);
        }
        Ok(())
    }

    /// Why a fan-out may not have so many instances: a policy counts the tasks of a run.
    pub(crate) fn too_many_tasks(&mut self, more: u32) -> Option<String> {
        self.state.tasks = self.state.tasks.saturating_add(u64::from(more));
        let over = |policy: &&Policy| policy.limit.tasks.is_some_and(|most| self.state.tasks > most);
        let policy = self.plan().policies.iter().find(over)?;
        let most = policy.limit.tasks?;
        Some(format!(
            "the policy `{}` allows {most} tasks, and with these there would be {}",
            policy.name, self.state.tasks
        ))
    }

    /// Who does a unit's work, or did it last.
    pub(crate) fn agent_of(&self, unit: UnitId) -> Option<&SmolStr> {
        self.state.agents.get(&unit)
    }
}

fn alert_ms(budget: &Budget, most_ms: u64) -> u64 {
    use rust_decimal::prelude::ToPrimitive;
    let share = budget.alert.map_or_else(|| Decimal::new(8, 1), |share| share.0);
    let at = Decimal::from(most_ms).saturating_mul(share).round();
    at.to_u64().unwrap_or(most_ms).min(most_ms)
}
