//! What a plan takes and costs at worst, before it runs: every attempt fails or takes its whole timeout, every list is
//! as long as its type lets it be, every person answers as late as the plan allows.
//!
//! Reads graphs, facts and scopes only, and one plan is a few passes over its nodes. A called plan enters by its
//! [`Summary`]; plans are visited in call order, without recursion, and one that leads back to itself has no bound.
//! What has no bound counts as nothing and is named, so what is said of the rest is still true. Absent: spans, and the
//! price of anything that no declaration prices.

mod calls;
mod exclusive;
mod node;
mod path;
mod policies;
mod problems;
mod report;
mod tokens;
pub(crate) mod words;

use rust_decimal::Decimal;

use calls::PlanId;
pub(crate) use calls::{bounds_of_file, bounds_under};
use exclusive::Exclusive;
pub(crate) use node::Open;
pub use node::People;
pub(crate) use node::Worst;
use node::{Around, Providers, plus, within, worst};
pub(crate) use path::{Schedule, Widest};
pub(crate) use problems::{bounds_problems, bounds_problems_of, limits_nodes};
pub use report::{Bounds, CapabilityTotal, NodeBounds, PathStep, PlanLimits, Unbounded};

use crate::facts::{Budget, PlanFacts};
use crate::graph::PlanGraph;
use crate::scope::FileScope;
use crate::signatures::NodeSig;

/// What the clauses of a plan say of time, money and slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clauses {
    pub budget: Budget,
    pub timeout_ms: Option<u64>,
    pub parallel: Option<u32>,
    /// How many further attempts its tasks make unless they say otherwise, and the longest waits between them.
    pub retry: (u32, u64),
}

impl Clauses {
    fn new(facts: &PlanFacts) -> Self {
        let mut clauses = Self::default();
        let mut retry = None;
        for facts in facts.clauses.iter().filter_map(|facts| facts.plan.as_deref()) {
            let budget = &mut clauses.budget;
            budget.time_ms = budget.time_ms.or(facts.budget.time_ms);
            budget.cost = budget.cost.or(facts.budget.cost);
            budget.tokens = budget.tokens.or(facts.budget.tokens);
            clauses.timeout_ms = clauses.timeout_ms.or(facts.timeout_ms);
            clauses.parallel = clauses.parallel.or(facts.parallel);
            retry = retry.or_else(|| facts.retry.as_ref().map(|retry| (retry.max, facts.waits_ms)));
        }
        clauses.retry = retry.unwrap_or_default();
        clauses
    }

    /// Attempts that may run at once.
    fn slots(&self) -> u64 {
        self.parallel.map_or(u64::MAX, u64::from)
    }
}

/// The worst case of a plan, as one that calls it needs to know.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Some run takes that long, waiting for people apart: the critical path, or all work through all slots.
    pub span_ms: u64,
    /// No run takes longer.
    pub most_ms: u64,
    pub work_ms: u64,
    pub serial_ms: u64,
    pub time_open: Option<Open>,
    pub cost: Decimal,
    pub cost_open: Option<Open>,
    /// `None`: no budget says.
    pub tokens: Option<u64>,
    pub people: People,
}

impl Summary {
    /// Of a plan that has no bound.
    fn open(why: Open) -> Self {
        Self {
            time_open: Some(why),
            cost_open: Some(why),
            people: People::Open,
            ..Self::default()
        }
    }

    /// A run ends when its timeout or its budget is spent.
    fn capped(mut self, clauses: &Clauses) -> Self {
        let limits = [clauses.timeout_ms, clauses.budget.time_ms];
        if let Some(limit_ms) = limits.into_iter().flatten().min() {
            if self.time_open.take().is_some() {
                self.most_ms = limit_ms;
                self.serial_ms = limit_ms;
            }
            for ms in [&mut self.span_ms, &mut self.most_ms, &mut self.serial_ms] {
                *ms = (*ms).min(limit_ms);
            }
        }
        if let Some(limit) = clauses.budget.cost {
            self.cost = if self.cost_open.take().is_some() {
                limit
            } else {
                self.cost.min(limit)
            };
        }
        self.tokens = within(self.tokens, clauses.budget.tokens);
        self
    }
}

/// The worst case of a plan and of each of its nodes.
#[derive(Debug)]
pub(crate) struct PlanBounds {
    pub clauses: Clauses,
    pub nodes: Vec<Worst>,
    pub schedule: Schedule,
    pub widest: Widest,
    /// Without what its own timeout and budget cap.
    pub whole: Summary,
    /// The nodes that the cost is the sum of: the dearest way to go.
    pub costing: Vec<bool>,
}

impl PlanBounds {
    /// `None`: the plan has a loop, which is reported.
    fn new(
        graph: &PlanGraph,
        facts: &PlanFacts,
        scope: &FileScope,
        callee: impl Fn(&NodeSig) -> Option<Summary>,
    ) -> Option<Self> {
        let order = graph.sorted();
        if order.len() != graph.nodes.len() {
            return None;
        }
        let clauses = Clauses::new(facts);
        let none = crate::facts::NodeFacts::default();
        let providers = Providers::new(scope);
        let each = graph.nodes.iter().zip(&facts.nodes).map(|(sig, facts)| {
            let around = Around {
                clauses: &clauses,
                scope,
                providers: &providers,
                callee: callee(sig),
            };
            worst(sig, facts.node.as_deref().unwrap_or(&none), &around)
        });
        let nodes: Vec<Worst> = each.collect();
        let exclusive = Exclusive::new(graph, order);
        let schedule = Schedule::new(graph, order, &nodes, &exclusive);
        let widest = path::widest(graph, order, &nodes);
        let cost = exclusive.most(Decimal::ZERO, |node| nodes[node as usize].cost, plus);
        let sum = |of: fn(&Worst) -> u64| {
            exclusive
                .most(0, |node| of(&nodes[node as usize]), u64::saturating_add)
                .sum
        };
        let tokens = sum(|node| node.tokens.unwrap_or_default());
        let (work_ms, serial_ms) = (sum(|node| node.work_ms), sum(|node| node.serial_ms));
        let through_slots_ms = clauses
            .parallel
            .map_or(0, |slots| work_ms.div_ceil(u64::from(slots.max(1))));
        let most_ms = path::most_ms(graph, order, &nodes, &clauses, work_ms).min(serial_ms);
        let span_ms = schedule.end_ms.max(through_slots_ms);
        let whole = Summary {
            span_ms,
            most_ms: most_ms.max(span_ms),
            work_ms,
            serial_ms,
            time_open: nodes.iter().find_map(|node| node.time_open),
            cost: cost.sum,
            cost_open: nodes.iter().find_map(|node| node.cost_open),
            tokens: nodes.iter().any(|node| node.tokens.is_some()).then_some(tokens),
            people: schedule.people,
        };
        let costing = (0..nodes.len() as u32)
            .map(|node| exclusive.counts(&cost, node))
            .collect();
        Some(Self {
            clauses,
            nodes,
            schedule,
            widest,
            whole,
            costing,
        })
    }

    /// As a plan that calls this one sees it.
    fn summary(&self) -> Summary {
        self.whole.capped(&self.clauses)
    }
}
