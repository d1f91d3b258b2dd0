//! Whether an attempt may start now: who does it, and whether quotas, circuits and budgets let it through.
//!
//! Agents are asked in order of preference; one that is over its limits, whose circuit is open or that has used up its
//! retries is passed over for the next. Where all are over their limits the unit waits for the first that will be free.
//! What a budget does not cover is refused, and for the budget of the run the run pauses. Absent: how much is counted
//! where (`accounts`).

use ir::plan::{Budget, Limits, Per};
use rust_decimal::Decimal;
use serde::Serialize;
use smol_str::SmolStr;

use crate::accounts::{Ledger, Over, Room, Used};
use crate::circuit::{Circuit, Sign};
use crate::engine::Engine;
use crate::event::{Account, BudgetItem, Command, Ended, How, NodeStatus, Timer};
use crate::graph::task;
use crate::judge::{Failure, WITHOUT_EFFECT};
use crate::notice::Notice;
use crate::scope::Place;
use crate::scopes::Scopes;
use crate::start::{milliseconds, timeout};
use crate::state::UnitId;

/// What an attempt under way has set aside.
#[derive(Debug, Serialize)]
pub(crate) struct Reservation {
    pub agent: Option<SmolStr>,
    pub capability: Option<SmolStr>,
    pub wanted: Used,
    /// What its time is cut to by a budget; absent: by none.
    pub within_ms: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum Admission {
    Go(Option<Reservation>),
    Wait {
        on: Account,
        at_ms: Option<i64>,
    },
    Refuse(Failure),
    /// The budget of the run is used up.
    Pause(BudgetItem),
}

/// One of the accounts that an attempt draws on, with its limits.
pub(crate) struct Claim<'s> {
    pub account: Account,
    limits: Option<&'s Limits>,
    budget: Budget,
}

/// Those beside its agent's, from the task outward: the budgets of a called plan nest in the caller's.
fn claims<'s>(scopes: &'s Scopes, run_budget: &Budget, unit: UnitId) -> Vec<Claim<'s>> {
    let mut claims = Vec::new();
    let mut at = Some(unit);
    while let Some(unit) = at {
        let scope = scopes.of(unit.node);
        claims.push(Claim {
            account: Account::Task(unit.node),
            limits: None,
            budget: task(scope.node(unit.node))
                .map(|task| Budget::clone(&task.budget))
                .unwrap_or_default(),
        });
        at = scope.caller.as_ref().map(|caller| caller.unit);
        let budget = if at.is_some() { &scope.plan().budget } else { run_budget };
        claims.push(Claim {
            account: Account::Plan(scopes.account_of(scopes.id_of(unit.node))),
            limits: Some(&scope.plan().limits),
            // Its time is that of the run's clock, not the sum of its attempts.
            budget: Budget {
                time_ms: None,
                ..budget.clone()
            },
        });
    }
    claims
}

impl Engine {
    /// Whether anything counts what an attempt of the unit uses.
    fn is_metered(&self, unit: UnitId) -> bool {
        self.scopes.traits(unit.node).is_metered || self.line(unit).is_some()
    }

    pub(crate) fn admission(&mut self, unit: UnitId) -> Admission {
        if !self.is_metered(unit) {
            return Admission::Go(None);
        }
        let wanted = match self.estimate(unit) {
            Ok(wanted) => wanted,
            Err(failure) => return Admission::Refuse(failure),
        };
        let capability = self.line(unit).map(|line| line.name.clone());
        let agent = match self.choose_agent(unit, wanted, capability.is_some()) {
            Ok(agent) => agent,
            Err(admission) => return admission,
        };
        let run_budget = self.run_budget();
        let now_ms = self.state.now_ms;
        let mut within_ms: Option<u64> = None;
        for claim in claims(&self.scopes, &run_budget, unit) {
            let ledger = self.state.accounts.entry(claim.account.clone()).or_default();
            let mut room = ledger.within(&claim.budget, wanted);
            if let Some(limits) = claim.limits.filter(|_| capability.is_some()) {
                room = room.and(ledger.windows(limits, wanted, now_ms));
            }
            if let Some(time_ms) = claim.budget.time_ms {
                let left_ms = time_ms.saturating_sub(ledger.spent.time_ms);
                within_ms = Some(within_ms.map_or(left_ms, |within_ms| within_ms.min(left_ms)));
            }
            let on = claim.account;
            match room {
                Room::Now => {}
                Room::At(at_ms) => return Admission::Wait { on, at_ms: Some(at_ms) },
                Room::AfterOthers => return Admission::Wait { on, at_ms: None },
                Room::Never(Over::Budget(item)) if on == Account::Plan(0) => return Admission::Pause(item),
                Room::Never(over) => return Admission::Refuse(self.refused(&on, over, wanted)),
            }
        }
        Admission::Go(Some(Reservation {
            agent,
            capability,
            wanted,
            within_ms,
        }))
    }

    /// The agents that may do it, in order of preference. Nobody is one where no agent provides the capability.
    fn candidates(&self, unit: UnitId) -> Vec<SmolStr> {
        let scope = self.scopes.of(unit.node);
        let Some(task) = task(scope.node(unit.node)).filter(|_| !self.state.judging.contains_key(&unit)) else {
            return Vec::new();
        };
        let agents = &scope.plan().agents;
        let line = self.line(unit);
        let able = |name: &&SmolStr| match &line {
            Some(line) => agents
                .get(*name)
                .is_some_and(|agent| agent.provides.contains(line.name)),
            None => true,
        };
        match (task.by.is_empty(), &line) {
            (false, _) => task.by.iter().filter(able).cloned().collect(),
            (true, Some(_)) => agents.keys().filter(able).cloned().collect(),
            (true, None) => Vec::new(),
        }
    }

    pub(crate) fn has_agent_left(&self, unit: UnitId) -> bool {
        let spent = self.state.calls.get(&unit).map(|calling| &calling.spent);
        let left = |name: &SmolStr| spent.is_none_or(|spent| !spent.contains(name));
        self.candidates(unit).iter().any(left)
    }

    /// The first agent that is free.
    fn choose_agent(&mut self, unit: UnitId, wanted: Used, calls: bool) -> Result<Option<SmolStr>, Admission> {
        let candidates = self.candidates(unit);
        if candidates.is_empty() {
            return Ok(None);
        }
        let now_ms = self.state.now_ms;
        let mut first_free: Option<(Account, Option<i64>)> = None;
        let mut refusal = None;
        for name in candidates {
            let given_up = self
                .state
                .calls
                .get(&unit)
                .is_some_and(|calling| calling.spent.contains(&name));
            let Some(agent) = self.scopes.of(unit.node).plan().agents.get(&name).filter(|_| !given_up) else {
                continue;
            };
            let account = Account::Agent(name.clone());
            let ledger = self.state.accounts.entry(account.clone()).or_default();
            if agent.breaker.is_some() && !ledger.circuit.lets_through(unit, now_ms) {
                let message = format!("the circuit of `{name}` is open{}", until(&ledger.circuit, now_ms));
                refusal.get_or_insert(Failure::refusal("circuit-open", message));
                continue;
            }
            let room = if calls {
                ledger.room(&agent.limits, wanted, now_ms)
            } else {
                ledger.at_once(&agent.limits)
            };
            match room {
                Room::Now => return Ok(Some(name)),
                Room::At(at_ms) => {
                    let sooner = match &first_free {
                        Some((_, Some(other_ms))) => at_ms < *other_ms,
                        Some((_, None)) => false,
                        None => true,
                    };
                    if sooner {
                        first_free = Some((account, Some(at_ms)));
                    }
                }
                Room::AfterOthers => {
                    if !matches!(first_free, Some((_, None))) {
                        first_free = Some((account, None));
                    }
                }
                Room::Never(over) => {
                    let failure = self.refused(&account, over, wanted);
                    refusal.get_or_insert(failure);
                }
            }
        }
        match (first_free, refusal) {
            (Some((on, at_ms)), _) => Err(Admission::Wait { on, at_ms }),
            (None, Some(failure)) => Err(Admission::Refuse(failure)),
            (None, None) => Err(Admission::Refuse(Failure::refusal(
                "failure",
                "no agent is left to do it",
            ))),
        }
    }

    fn refused(&self, account: &Account, over: Over, wanted: Used) -> Failure {
        let whose = self.whose(account);
        match over {
            Over::Budget(item) => {
                let used = self
                    .state
                    .accounts
                    .get(account)
                    .map(|ledger| ledger.spent)
                    .unwrap_or_default();
                let message = format!("the {} of {whose} is used up: {}", item.budget_name(), item.shown(used));
                Failure::refusal("budget-exceeded", message)
            }
            Over::Quota => {
                let cost = ir::quantity::render_money(wanted.cost);
                let message = format!("the limits of {whose} allow no such call: it may cost ${cost}");
                Failure::refusal("quota-exceeded", message)
            }
        }
    }

    /// The agents with a breaker that were asked so far, and how their circuits stand: `closed`, `half-open`, `open`.
    pub fn circuits(&self) -> Vec<(SmolStr, &'static str)> {
        let plans = std::iter::once(self.plan()).chain(self.programs.values().map(|program| &program.plan));
        let plans: Vec<_> = plans.collect();
        let has_breaker = |name: &SmolStr| {
            let mut agents = plans.iter().filter_map(|plan| plan.agents.get(name));
            agents.any(|agent| agent.breaker.is_some())
        };
        let ledgers = self
            .state
            .accounts
            .iter()
            .filter_map(|(account, ledger)| match account {
                Account::Agent(name) if has_breaker(name) => Some((name.clone(), ledger)),
                _ => None,
            });
        let state = |circuit: &Circuit| match circuit {
            Circuit::Closed(_) => "closed",
            Circuit::HalfOpen { .. } => "half-open",
            Circuit::Open { .. } => "open",
        };
        ledgers.map(|(name, ledger)| (name, state(&ledger.circuit))).collect()
    }

    /// For people: `the agent coder`, `draft`, `the plan`.
    pub fn whose(&self, account: &Account) -> String {
        match account {
            Account::Agent(name) => format!("the agent `{name}`"),
            Account::Plan(scope) if *scope == 0 => "the plan".to_owned(),
            Account::Plan(scope) => format!("the plan `{}`", self.scopes.get(*scope).plan().name),
            Account::Task(node) => {
                let instance = None;
                format!("`{}`", self.label(UnitId { node: *node, instance }))
            }
        }
    }

    /// What the next attempt may cost: what its capability says, and the most tokens that a call of it has used in this run.
    fn estimate(&self, unit: UnitId) -> Result<Used, Failure> {
        let Some(line) = self.line(unit) else {
            return Ok(Used::default());
        };
        let lasts = line
            .capability
            .cost
            .iter()
            .any(|rate| matches!(rate.per, Per::WindowMs(_)));
        let timeout = timeout(self.scopes.node(unit.node)).filter(|_| lasts);
        let timeout_ms = match timeout {
            Some(timeout) => milliseconds(timeout, &self.scope(Place::Unit(unit)))?,
            None => 0,
        };
        Ok(Used {
            cost: price(&line.capability.cost, timeout_ms),
            tokens: self.state.tokens_seen.get(line.name).copied().unwrap_or(0),
            time_ms: 0,
        })
    }

    /// Sets aside what an attempt that starts may use.
    pub(crate) fn reserve(&mut self, unit: UnitId, reservation: Reservation) {
        let now_ms = self.state.now_ms;
        let calls = reservation.capability.is_some();
        if let Some(name) = &reservation.agent {
            let agent = self.scopes.of(unit.node).plan().agents.get(name);
            let ledger = self.state.accounts.entry(Account::Agent(name.clone())).or_default();
            ledger.start(agent.map(|agent| &agent.limits), reservation.wanted, calls, now_ms);
            if agent.is_some_and(|agent| agent.breaker.is_some()) {
                ledger.circuit.started(unit);
            }
        }
        for claim in claims(&self.scopes, &Budget::default(), unit) {
            let ledger = self.state.accounts.entry(claim.account).or_default();
            ledger.start(claim.limits, reservation.wanted, calls, now_ms);
        }
        self.state.reserved.insert(unit, reservation);
    }

    /// Replaces what an attempt had set aside by what it used. `None`: nobody knows how it ended, and all of it counts as used.
    pub(crate) fn settle_accounts(&mut self, unit: UnitId, ended: Option<&Ended>) -> Option<Reservation> {
        let reservation = self.state.reserved.remove(&unit)?;
        let real = self.real_use(unit, &reservation, ended);
        let now_ms = self.state.now_ms;
        if let Some(capability) = &reservation.capability {
            let seen = self.state.tokens_seen.entry(capability.clone()).or_default();
            *seen = (*seen).max(real.tokens);
        }
        let mut freed = Vec::new();
        if let Some(name) = reservation.agent.clone() {
            let sign = self.sign(unit, ended);
            let agent = self.scopes.of(unit.node).plan().agents.get(&name);
            let account = Account::Agent(name.clone());
            let ledger = self.state.accounts.entry(account.clone()).or_default();
            ledger.settle(agent.map(|agent| &agent.limits), reservation.wanted, real, now_ms);
            if let Some(breaker) = agent.and_then(|agent| agent.breaker.as_ref())
                && ledger.circuit.ended(breaker, unit, sign, now_ms)
                && let Circuit::Open { probe_at_ms } = ledger.circuit
            {
                self.notices.push(Notice::CircuitOpened {
                    agent: name,
                    probe_at_ms,
                });
            }
            freed.push(account);
        }
        let run_budget = self.run_budget();
        for claim in claims(&self.scopes, &run_budget, unit) {
            let ledger = self.state.accounts.entry(claim.account.clone()).or_default();
            ledger.settle(claim.limits, reservation.wanted, real, now_ms);
            let alerts = ledger.alerts(&claim.budget);
            let spent = ledger.spent;
            for item in alerts {
                let whose = self.whose(&claim.account);
                self.notices
                    .push(Notice::budget_alert(whose, item, spent, &claim.budget));
            }
            freed.push(claim.account);
        }
        for account in freed {
            self.release(&account);
        }
        Some(reservation)
    }

    fn real_use(&self, unit: UnitId, reservation: &Reservation, ended: Option<&Ended>) -> Used {
        let Some(ended) = ended else {
            return reservation.wanted;
        };
        let time_ms = ended.duration_ms;
        if let Some(used) = ended.used {
            return Used {
                // as the journal has it: $0.10 is $0.1
                cost: used.cost.0.max(Decimal::ZERO).normalize(),
                tokens: used.tokens,
                time_ms,
            };
        }
        let turned_away = match &ended.how {
            How::NotStarted(_) | How::Nothing => true,
            How::CallFailed { mode, .. } => WITHOUT_EFFECT.contains(&mode.as_str()),
            _ => false,
        };
        let cost = match self.line(unit).filter(|_| !turned_away) {
            Some(line) => price(&line.capability.cost, time_ms),
            None => Decimal::ZERO,
        };
        Used {
            cost,
            tokens: 0,
            time_ms,
        }
    }

    /// What the end of an attempt says about the agent that made it: whether it did its job, not whether the plan likes
    /// the result.
    fn sign(&self, unit: UnitId, ended: Option<&Ended>) -> Sign {
        let Some(ended) = ended else { return Sign::Nothing };
        match &ended.how {
            How::Exited(0) => Sign::Good,
            How::Answered(_) if self.judge(unit).answer(ended).is_ok() => Sign::Good,
            How::CallFailed { mode, .. } if mode == "denied" || mode == "precondition" => Sign::Nothing,
            How::Nothing | How::Interrupted | How::Cancelled => Sign::Nothing,
            _ => Sign::Bad,
        }
    }

    // ---- waiting ----

    /// Puts a unit aside until the account has room.
    pub(crate) fn park(&mut self, unit: UnitId, on: Account, at_ms: Option<i64>, said: bool) {
        let key = self.ready_key(unit);
        let ledger = self.state.accounts.entry(on.clone()).or_default();
        ledger.waiting.insert(key);
        let wakes = at_ms.filter(|at_ms| ledger.wakes_at_ms.is_none_or(|wakes_ms| *at_ms < wakes_ms));
        if let Some(at_ms) = wakes {
            ledger.wakes_at_ms = Some(at_ms);
            let timer = Timer::Account { account: on.clone() };
            self.commands.push(Command::SetTimer { timer, at_ms });
        }
        if !said {
            self.notices.push(Notice::Waits {
                node: unit.node,
                label: self.label(unit),
                on: self.whose(&on),
                until_ms: at_ms,
            });
        }
        self.state.parked.insert(unit, on);
        self.state.unit_mut(unit).status = NodeStatus::Waiting;
        self.show_status(unit.node);
    }

    /// Lets the first of those that wait for the account try again. When it has started, or gone to wait elsewhere, the
    /// next may.
    pub(crate) fn release(&mut self, account: &Account) {
        let waiting = self.state.accounts.get_mut(account).map(|ledger| &mut ledger.waiting);
        let Some(key) = waiting.and_then(|waiting| waiting.pop_first()) else {
            return;
        };
        self.state.parked.remove(&key.unit);
        self.state.released.insert(key.unit, account.clone());
        self.state.unit_mut(key.unit).status = NodeStatus::Ready;
        self.show_status(key.unit.node);
        self.state.ready.insert(key);
    }

    /// Takes a unit out of the queue that it waits in; says whether it was in one.
    pub(crate) fn unpark(&mut self, unit: UnitId) -> bool {
        let key = self.ready_key(unit);
        if let Some(from) = self.state.released.remove(&unit) {
            self.release(&from);
        }
        let Some(account) = self.state.parked.remove(&unit) else {
            return false;
        };
        if let Some(ledger) = self.state.accounts.get_mut(&account) {
            ledger.waiting.remove(&key);
        }
        true
    }

    pub(crate) fn account_timer_fired(&mut self, account: &Account) -> Result<(), String> {
        let now_ms = self.state.now_ms;
        let ledger = self.state.accounts.get_mut(account).ok_or("nothing waits for it")?;
        match ledger.wakes_at_ms {
            Some(at_ms) if at_ms <= now_ms => ledger.wakes_at_ms = None,
            _ => return Err("nothing waits for it".to_owned()),
        }
        self.release(account);
        Ok(())
    }

    /// A driver that takes over has no timers.
    pub(crate) fn set_account_timers(&mut self) {
        for (account, ledger) in &self.state.accounts {
            if let Some(at_ms) = ledger.wakes_at_ms {
                let timer = Timer::Account {
                    account: account.clone(),
                };
                self.commands.push(Command::SetTimer { timer, at_ms });
            }
        }
    }
}

/// `, for 30s more`
fn until(circuit: &Circuit, now_ms: i64) -> String {
    match circuit {
        Circuit::Open { probe_at_ms } => {
            let left = ir::Value::Duration(probe_at_ms.saturating_sub(now_ms));
            format!(", for {} more", ir::data::render(&left))
        }
        Circuit::Closed(_) | Circuit::HalfOpen { .. } => String::new(),
    }
}

/// What a call costs, and what it costs while it lasts.
fn price(rates: &[ir::plan::Rate<ir::plan::Money>], lasts_ms: u64) -> Decimal {
    rates.iter().fold(Decimal::ZERO, |sum, rate| {
        let share = match rate.per {
            Per::WindowMs(0) => Decimal::ZERO,
            Per::WindowMs(per_ms) => Decimal::from(lasts_ms) / Decimal::from(per_ms),
            Per::Run | Per::Call => Decimal::ONE,
        };
        sum.saturating_add(rate.amount.0.saturating_mul(share))
    })
}

impl Failure {
    /// Turned away before anything was done.
    pub(crate) fn refusal(mode: &str, message: impl Into<String>) -> Self {
        Self {
            without_effect: true,
            ..Self::new(mode, message)
        }
    }
}

impl Ledger {
    /// How many may run at once.
    fn at_once(&self, limits: &Limits) -> Room {
        match limits.parallel {
            Some(most) if self.running >= most => Room::AfterOthers,
            _ => Room::Now,
        }
    }

    fn room(&mut self, limits: &Limits, wanted: Used, now_ms: i64) -> Room {
        self.at_once(limits).and(self.windows(limits, wanted, now_ms))
    }
}
