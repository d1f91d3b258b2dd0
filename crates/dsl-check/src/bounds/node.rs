//! What one node takes and costs at worst.
//!
//! All of it follows from the node's own clauses, the defaults of its plan, what its capabilities declare, and for a
//! call from the summary of the plan that it calls. What is not known counts as nothing and is said in `time_open` and
//! `cost_open`. Absent: other nodes.

use rust_decimal::Decimal;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::{Clauses, Summary};
use crate::facts::{NodeFacts, Timeout};
use crate::scope::{Capability, CapabilityId, FileScope};
use crate::signatures::{NodeKind, NodeSig, RunnerSig, Work};

/// Why something has no bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Open {
    /// It runs something and has no timeout.
    NoTimeout,
    /// Its timeout is known only when it starts.
    ComputedTimeout,
    /// Nothing says how many items `each` goes over.
    Items,
    /// The plan that it calls has no bound.
    Callee,
    /// The plan that it calls leads back to this one.
    CallLoop,
}

/// How long a run may wait for a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum People {
    #[default]
    Nobody,
    /// Milliseconds, at most.
    UpTo(u64),
    /// As long as it takes.
    Open,
}

impl People {
    /// Somebody is waited for.
    pub const fn is_some(self) -> bool {
        !matches!(self, Self::Nobody)
    }

    /// One after the other.
    pub(crate) const fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Nobody, other) | (other, Self::Nobody) => other,
            (Self::UpTo(a), Self::UpTo(b)) => Self::UpTo(a.saturating_add(b)),
            _ => Self::Open,
        }
    }

    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, other) | (other, Self::Nobody) => other,
            (Self::UpTo(a), Self::UpTo(b)) => Self::UpTo(a.max(b)),
            _ => Self::Open,
        }
    }
}

/// The worst case of a node. Times are in milliseconds and saturate.
#[derive(Clone, Debug)]
pub(crate) struct Worst {
    /// Agents that try it one after the other.
    pub agents: u64,
    /// Of one instance with one agent.
    pub tries: u64,
    /// Instances; one without `each`; `None`: nothing says how many.
    pub items: Option<u64>,
    pub each: bool,
    /// Its `parallel:`.
    pub places: Option<u64>,
    /// One attempt.
    pub attempt_ms: u64,
    /// Between all attempts of one instance.
    pub waits_ms: u64,
    /// From its start to its end where every attempt takes its whole time: some run may take that long.
    pub span_ms: u64,
    /// No run takes longer, in whatever order instances start and whatever they take.
    pub most_ms: u64,
    /// `most_ms` without what instances spend waiting for one of their `places`, …
    pub chain_ms: u64,
    /// … and of it what holds a slot of the run.
    pub chain_work_ms: u64,
    /// Of all attempts: what it takes of the run's slots.
    pub work_ms: u64,
    /// One attempt after the other.
    pub serial_ms: u64,
    pub time_open: Option<Open>,
    /// Of one call.
    pub price: Decimal,
    pub cost: Decimal,
    pub cost_open: Option<Open>,
    /// What its budget, or the plan that it calls, lets it use.
    pub tokens: Option<u64>,
    pub people: People,
    /// It runs something, so it takes a slot of the run.
    pub runs: bool,
    /// `span_ms`, `cost` and `tokens` as if it had no budget of its own.
    pub uncapped_ms: u64,
    pub uncapped_cost: Decimal,
    pub uncapped_tokens: Option<u64>,
}

impl Worst {
    pub const fn attempts(&self) -> u64 {
        self.agents.saturating_mul(self.tries)
    }

    /// How many instances run at once; `None`: as many as there are items.
    pub fn at_once(&self) -> Option<u64> {
        match (self.items, self.places) {
            (Some(items), places) => Some(items.min(places.unwrap_or(u64::MAX))),
            (None, places) => places,
        }
    }

    /// Takes no time and costs nothing.
    const fn of_one() -> Self {
        Self {
            agents: 1,
            tries: 1,
            items: Some(1),
            each: false,
            places: None,
            attempt_ms: 0,
            waits_ms: 0,
            span_ms: 0,
            most_ms: 0,
            chain_ms: 0,
            chain_work_ms: 0,
            work_ms: 0,
            serial_ms: 0,
            time_open: None,
            price: Decimal::ZERO,
            cost: Decimal::ZERO,
            cost_open: None,
            tokens: None,
            people: People::Nobody,
            runs: false,
            uncapped_ms: 0,
            uncapped_cost: Decimal::ZERO,
            uncapped_tokens: None,
        }
    }
}

/// By capability, the agents that provide it: those of the language have no others than a task names.
pub(super) struct Providers<'a>(FxHashMap<&'a CapabilityId, Vec<&'a SmolStr>>);

impl<'a> Providers<'a> {
    pub fn new(scope: &'a FileScope) -> Self {
        let mut all: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for (name, agent) in &scope.agents {
            let declared = agent.provides.iter().filter(|id| id.file.is_some());
            for id in declared {
                let agents = all.entry(id).or_default();
                // written twice, it is said there
                if agents.last() != Some(&name) {
                    agents.push(name);
                }
            }
        }
        Self(all)
    }
}

/// What surrounds a node.
pub(super) struct Around<'a> {
    pub clauses: &'a Clauses,
    pub scope: &'a FileScope,
    pub providers: &'a Providers<'a>,
    /// Of the plan that it calls.
    pub callee: Option<Summary>,
}

pub(super) fn worst(sig: &NodeSig, facts: &NodeFacts, around: &Around<'_>) -> Worst {
    let mut worst = match sig.kind {
        NodeKind::Task => task(sig, facts, around),
        NodeKind::Gate => gate(sig, facts),
        NodeKind::Decision | NodeKind::Hypothesis => Worst::of_one(),
    };
    cap(&mut worst, facts);
    worst
}

/// The agents that may be asked to do it: those that `by:` names, else all that provide it.
fn agents<'a>(sig: &'a NodeSig, around: &Around<'a>) -> Vec<&'a SmolStr> {
    match &sig.work {
        Work::Capability(name) if sig.by.is_empty() => {
            let capability = around.scope.capabilities.get(name);
            let provide = capability.and_then(|capability| around.providers.0.get(&capability.id));
            provide.cloned().unwrap_or_default()
        }
        _ => sig.by.iter().collect(),
    }
}

/// A spent budget ends its task.
fn cap(worst: &mut Worst, facts: &NodeFacts) {
    worst.uncapped_ms = worst.span_ms;
    worst.uncapped_cost = worst.cost;
    if let Some(time_ms) = facts.budget.time_ms.filter(|_| worst.runs) {
        let open = worst.time_open.take().is_some();
        for ms in [&mut worst.span_ms, &mut worst.most_ms, &mut worst.chain_ms] {
            *ms = if open { time_ms } else { (*ms).min(time_ms) };
        }
    }
    if let Some(limit) = facts.budget.cost {
        let open = worst.cost_open.take().is_some();
        worst.cost = if open { limit } else { worst.cost.min(limit) };
    }
    worst.uncapped_tokens = worst.tokens;
    worst.tokens = within(worst.tokens, facts.budget.tokens);
}

/// What may be used where there is a limit; without either, that is not known.
pub(super) fn within(used: Option<u64>, limit: Option<u64>) -> Option<u64> {
    match (used, limit) {
        (Some(used), Some(limit)) => Some(used.min(limit)),
        (used, limit) => used.or(limit),
    }
}

fn gate(sig: &NodeSig, facts: &NodeFacts) -> Worst {
    let runs = sig.work == Work::Script;
    let waits = !facts.approvers.is_empty();
    let (timeout_ms, open) = timeout(facts);
    let attempt_ms = if runs { timeout_ms } else { 0 };
    Worst {
        attempt_ms,
        span_ms: attempt_ms,
        most_ms: attempt_ms,
        chain_ms: attempt_ms,
        chain_work_ms: attempt_ms,
        work_ms: attempt_ms,
        serial_ms: attempt_ms,
        time_open: open.filter(|_| runs),
        people: match (waits, open) {
            (false, _) => People::Nobody,
            (true, None) => People::UpTo(timeout_ms),
            (true, Some(_)) => People::Open,
        },
        runs,
        ..Worst::of_one()
    }
}

/// Milliseconds, or why it is not known.
const fn timeout(facts: &NodeFacts) -> (u64, Option<Open>) {
    match facts.timeout {
        Timeout::Constant(ms) => (ms, None),
        Timeout::None => (0, Some(Open::NoTimeout)),
        Timeout::Computed => (0, Some(Open::ComputedTimeout)),
    }
}

/// What one attempt takes.
#[derive(Default)]
struct Attempt {
    span_ms: u64,
    most_ms: u64,
    work_ms: u64,
    serial_ms: u64,
    open: Option<Open>,
    people: People,
}

fn task(sig: &NodeSig, facts: &NodeFacts, around: &Around<'_>) -> Worst {
    let runs = sig.work != Work::Nothing;
    let able = agents(sig, around);
    let attempt = attempt(sig, facts, &able, around);
    let (further, waits_ms) = match &facts.retry {
        _ if !runs && !facts.judged => (0, 0),
        Some(retry) => (retry.max, facts.waits_ms),
        None => around.clauses.retry,
    };
    let agents = able.len().max(1) as u64;
    let tries = u64::from(further) + 1;
    let waits_ms = waits_ms.saturating_mul(agents);
    let attempts = agents.saturating_mul(tries);
    let known_items = match (facts.each, sig.each) {
        (Some(each), _) => each.items_max,
        (None, each) => (!each).then_some(1),
    };
    let items_open = known_items.is_none().then_some(Open::Items);
    let items = known_items.unwrap_or_default();
    let written = facts.each.and_then(|each| each.parallel).map(u64::from);
    let places = written.unwrap_or(u64::MAX);
    let whole = |one: u64| attempts.saturating_mul(one);
    let chain_ms = if items == 0 {
        0
    } else {
        whole(attempt.most_ms).saturating_add(waits_ms)
    };
    let mut worst = Worst {
        agents,
        tries,
        items: known_items,
        each: sig.each,
        places: written,
        attempt_ms: attempt.span_ms,
        waits_ms,
        span_ms: span(&attempt, attempts, waits_ms, items, places.min(around.clauses.slots())),
        most_ms: chain_ms.saturating_add(queue(attempts, attempt.most_ms, items, places)),
        chain_ms,
        chain_work_ms: if matches!(sig.work, Work::Call(_)) {
            0
        } else {
            whole(attempt.most_ms)
        },
        work_ms: items.saturating_mul(whole(attempt.work_ms)),
        serial_ms: items.saturating_mul(whole(attempt.serial_ms).saturating_add(waits_ms)),
        time_open: attempt.open.or(items_open.filter(|_| runs)),
        people: match (attempt.people, items_open) {
            (People::UpTo(_), Some(_)) => People::Open,
            (People::UpTo(ms), None) => People::UpTo(whole(ms).saturating_add(waits_ms)),
            (people, _) => people,
        },
        runs,
        ..Worst::of_one()
    };
    price(&mut worst, sig, &able, around, items_open);
    worst
}

/// Every instance fails until its last attempt, and every attempt takes its whole time.
fn span(attempt: &Attempt, attempts: u64, waits_ms: u64, items: u64, places: u64) -> u64 {
    if items == 0 {
        return 0;
    }
    let one = attempts.saturating_mul(attempt.span_ms).saturating_add(waits_ms);
    let rounds = items.saturating_mul(attempts).div_ceil(places.max(1));
    one.max(rounds.saturating_mul(attempt.span_ms))
}

/// How long the last instance can wait for a place: meanwhile the others fill all of them. Without retries places free
/// up in rounds.
fn queue(attempts: u64, attempt_ms: u64, items: u64, places: u64) -> u64 {
    let others = items.saturating_sub(1);
    let places = places.max(1);
    if others < places {
        0
    } else if attempts == 1 {
        (others / places).saturating_mul(attempt_ms)
    } else {
        let work = others.saturating_mul(attempts).saturating_mul(attempt_ms);
        work.div_ceil(places)
    }
}

fn attempt(sig: &NodeSig, facts: &NodeFacts, able: &[&SmolStr], around: &Around<'_>) -> Attempt {
    let (timeout_ms, open) = timeout(facts);
    match &sig.work {
        Work::Nothing => Attempt::default(),
        Work::Call(_) => call(around, open.is_none().then_some(timeout_ms)),
        Work::Capability(name) if is_human(name, able, around.scope) => Attempt {
            people: match open {
                None => People::UpTo(timeout_ms),
                Some(_) => People::Open,
            },
            ..Attempt::default()
        },
        Work::Script | Work::Capability(_) | Work::Steps(_) => Attempt {
            span_ms: timeout_ms,
            most_ms: timeout_ms,
            work_ms: timeout_ms,
            serial_ms: timeout_ms,
            open,
            people: People::Nobody,
        },
    }
}

/// What the called plan takes, or the timeout of the task if that is less.
fn call(around: &Around<'_>, timeout_ms: Option<u64>) -> Attempt {
    let Some(callee) = around.callee else {
        // a name that means nothing has been reported
        return Attempt {
            open: Some(Open::Callee),
            ..Attempt::default()
        };
    };
    let open = callee.time_open.map(|open| match open {
        Open::CallLoop => Open::CallLoop,
        _ => Open::Callee,
    });
    let Some(timeout_ms) = timeout_ms else {
        return Attempt {
            span_ms: callee.span_ms,
            most_ms: callee.most_ms,
            work_ms: callee.work_ms,
            serial_ms: callee.serial_ms,
            open,
            people: callee.people,
        };
    };
    let bounded = |ms: u64| if open.is_some() { timeout_ms } else { ms.min(timeout_ms) };
    let slots = around.clauses.slots();
    Attempt {
        span_ms: bounded(callee.span_ms),
        most_ms: bounded(callee.most_ms),
        work_ms: if open.is_some() {
            timeout_ms
        } else {
            callee.work_ms.min(timeout_ms.saturating_mul(slots))
        },
        serial_ms: bounded(callee.serial_ms),
        open: None,
        people: callee.people,
    }
}

/// Whether a person does it: by the capability's own runner, or by that of every agent who may be asked.
fn is_human(name: &str, able: &[&SmolStr], scope: &FileScope) -> bool {
    let Some(capability) = scope.capabilities.get(name) else {
        return false;
    };
    let human = |runner: &Option<RunnerSig>| runner.as_ref().is_some_and(|runner| runner.kind == "human");
    if capability.id == CapabilityId::builtin("human.ask") || human(&capability.runner) {
        return true;
    }
    let asks = |agent: &&SmolStr| scope.agents.get(*agent).is_some_and(|agent| human(&agent.runner));
    capability.is_abstract() && !able.is_empty() && able.iter().all(asks)
}

/// A call's price is paid whether it succeeds or not. Of the lines of `do:` each is paid once, and the dearest again
/// for every further attempt: a retry goes on at the line that failed.
fn price(worst: &mut Worst, sig: &NodeSig, able: &[&SmolStr], around: &Around<'_>, items_open: Option<Open>) {
    let Prices { one, all, open } = match &sig.work {
        Work::Capability(name) => by_agents(name, able, worst, around),
        Work::Steps(names) => steps(names, worst, around),
        Work::Call(_) => {
            let callee = around.callee;
            let one = callee.map_or(Decimal::ZERO, |callee| callee.cost);
            let calls = worst.attempts().saturating_mul(worst.items.unwrap_or_default());
            let tokens = callee.and_then(|callee| callee.tokens);
            worst.tokens = tokens.map(|tokens| tokens.saturating_mul(calls));
            Prices {
                one,
                all: times(one, worst.attempts()),
                open: callee.map_or(Some(Open::Callee), |callee| callee.cost_open),
            }
        }
        Work::Script | Work::Nothing => return,
    };
    worst.price = one;
    worst.cost = times(all, worst.items.unwrap_or_default());
    worst.cost_open = open.or(items_open.filter(|_| !one.is_zero()));
}

struct Prices {
    /// Of one attempt, at most.
    one: Decimal,
    /// Of all attempts of an instance.
    all: Decimal,
    open: Option<Open>,
}

/// Every agent that may call it at its price does so, as often as it may.
fn by_agents(name: &str, able: &[&SmolStr], worst: &Worst, around: &Around<'_>) -> Prices {
    let (price, open) = price_of(around.scope.capabilities.get(name).map(|found| &**found), worst);
    let refuses = |agent: &&&SmolStr| {
        let agent = around.scope.agents.get(**agent);
        agent
            .and_then(|agent| agent.call_cost_max)
            .is_some_and(|most| price > most)
    };
    let paid = match able.len() {
        0 => 1,
        agents => (agents - able.iter().filter(refuses).count()) as u64,
    };
    Prices {
        one: price,
        all: times(price, worst.tries.saturating_mul(paid)),
        open,
    }
}

fn steps(names: &[SmolStr], worst: &Worst, around: &Around<'_>) -> Prices {
    let mut prices = Prices {
        one: Decimal::ZERO,
        all: Decimal::ZERO,
        open: None,
    };
    let mut dearest = Decimal::ZERO;
    for name in names {
        let (price, open) = price_of(around.scope.capabilities.get(name).map(|found| &**found), worst);
        prices.one = plus(prices.one, price);
        prices.open = prices.open.or(open);
        dearest = dearest.max(price);
    }
    prices.all = plus(prices.one, times(dearest, worst.attempts().saturating_sub(1)));
    prices
}

/// Of one call, which may take the whole timeout.
fn price_of(capability: Option<&Capability>, worst: &Worst) -> (Decimal, Option<Open>) {
    let mut sum = Decimal::ZERO;
    let mut open = None;
    for price in capability.into_iter().flat_map(|capability| &capability.prices) {
        match price.per_ms {
            None => sum = plus(sum, price.dollars),
            Some(_) if worst.time_open.is_some_and(|open| open != Open::Items) => open = worst.time_open,
            Some(per_ms) => {
                let paid = times(price.dollars, worst.attempt_ms).checked_div(Decimal::from(per_ms));
                sum = plus(sum, paid.unwrap_or(Decimal::MAX));
            }
        }
    }
    (sum, open)
}

pub(super) fn times(price: Decimal, count: u64) -> Decimal {
    price.checked_mul(Decimal::from(count)).unwrap_or(Decimal::MAX)
}

pub(super) fn plus(a: Decimal, b: Decimal) -> Decimal {
    a.checked_add(b).unwrap_or(Decimal::MAX)
}
