//! Limits that the worst case exceeds: `budget-exceeded` and `timeout-exceeds-parent`.
//!
//! What has no bound counts as nothing, so what is said here some run does. Of a plan's timeout and its time budget
//! only the smaller is spoken of, and a task whose timeout alone exceeds the plan's is the mistake, not the path that
//! it lies on. Absent: the arithmetic.

use std::sync::Arc;

use dsl_syntax::table::ClauseKey as K;
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::calls::{Callees, bounds_of_file, bounds_under};
use super::node::Worst;
use super::words::{cost_terms, counted, money, rounded_up, span, time_terms};
use super::{PlanBounds, PlanId, policies};
use crate::calls::{PlanRef, on_a_loop};
use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::facts::{Budget, ClauseFacts, Facts, NodeFacts, PlanFacts, Timeout, clause_facts, file_facts};
use crate::graph::{PlanGraph, graphs};
use crate::inputs::SourceFile;
use crate::plans::{PlanBlocks, file_plans};
use crate::rules;
use crate::scope::{FileScope, scope};
use crate::signatures::{NodeKind, NodeSig, Sig, Work};
use crate::slices::file_limits_nodes;

/// How many terms are shown at their places.
pub(super) const LABELS_MAX: usize = 3;

/// How many nodes of a path are named.
const NAMED_MAX: usize = 8;

#[salsa::tracked(returns(ref))]
pub(crate) fn bounds_problems(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diag> {
    let mut found = Vec::new();
    let plans = &file_plans(db, file).plans;
    let by_policy = || (0..plans.len()).any(|at| policies::limit(db, file, at));
    if !is_limited(db, file) && !by_policy() {
        return found;
    }
    let facts = file_facts(db, file);
    let bounds = bounds_of_file(db, file);
    let callees = Callees::new(db);
    for (at, bounds) in bounds.iter().enumerate() {
        let Some(bounds) = bounds else { continue };
        let (plan, graph, facts) = (&plans[at], &graphs(db, file)[at], &facts[at]);
        let limits = Limits {
            plan,
            graph,
            facts,
            bounds,
        };
        limits.all(&callees, (file, at), &mut found);
    }
    found
}

/// The same of one plan, of which these facts are true.
pub(crate) fn bounds_problems_of(
    db: &dyn salsa::Database,
    (file, at): (SourceFile, usize),
    (plan, facts): (&PlanBlocks, &PlanFacts),
    scope: Option<&FileScope>,
) -> Vec<Diag> {
    let mut found = Vec::new();
    if let Some(bounds) = bounds_under(db, (file, at as u32), facts, scope) {
        let limits = Limits {
            plan,
            graph: &graphs(db, file)[at],
            facts,
            bounds: &bounds,
        };
        limits.all(&Callees::new(db), (file, at), &mut found);
    }
    found
}

/// Whether a plan or a node of the file limits time or cost.
fn is_limited(db: &dyn salsa::Database, file: SourceFile) -> bool {
    let clauses = |says: &ClauseFacts| says.timeout_ms.is_some() || says.budget != Budget::default();
    let mut plans = clause_facts(db, file).iter().flatten();
    plans.any(|(_, says)| clauses(says)) || file_limits_nodes(db, file)
}

/// Whether a node of the chunk has a budget of its own, or limits the plan that it calls.
pub(crate) fn limits_nodes(sigs: &[Sig], facts: &[Arc<Facts>]) -> bool {
    let limits = |(facts, sig): (&Arc<Facts>, &Sig)| {
        let calls = matches!(sig, Sig::Node { sig, .. } if matches!(sig.work, Work::Call(_)));
        let limits = |node: &NodeFacts| node.budget != Budget::default() || (calls && node.timeout != Timeout::None);
        facts.node.as_deref().is_some_and(limits)
    };
    facts.iter().zip(sigs).any(limits)
}

/// A limit of the plan, and where it stands.
struct Limit {
    ms: u64,
    /// `timeout`, or an entry of `budget`.
    key: K,
    place: Place,
}

pub(super) struct Limits<'a> {
    pub plan: &'a PlanBlocks,
    graph: &'a PlanGraph,
    facts: &'a PlanFacts,
    pub bounds: &'a PlanBounds,
}

impl Limits<'_> {
    fn all(&self, callees: &Callees<'_>, (file, at): (SourceFile, usize), found: &mut Vec<Diag>) {
        self.tasks(found);
        subplans(callees, (file, at), self, found);
        self.time(found);
        self.cost(found);
        self.tokens(found);
        policies::exceeded(callees.db, file, at, self, found);
    }

    pub fn whose(&self) -> String {
        match self.plan.name.as_str() {
            "" => "this plan".to_owned(),
            name => format!("`{name}`"),
        }
    }

    pub fn sig(&self, node: u32) -> &NodeSig {
        &self.graph.nodes[node as usize]
    }

    pub fn at(&self, node: u32, target: Target) -> Place {
        Place {
            block: self.plan.nodes[node as usize].0,
            target,
        }
    }

    /// The block of the plan's clauses where `holds`.
    pub fn clause(&self, holds: impl Fn(&crate::facts::ClauseFacts) -> bool) -> Option<BlockRef> {
        let facts = self.facts.clauses.iter();
        let at = facts
            .map(|facts| facts.plan.as_deref())
            .position(|facts| facts.is_some_and(&holds))?;
        self.plan.clauses.get(at).copied()
    }

    fn timeout(&self) -> Option<Limit> {
        let block = self.clause(|facts| facts.timeout_ms.is_some())?;
        Some(Limit {
            ms: self.bounds.clauses.timeout_ms?,
            key: K::Timeout,
            place: Place {
                block,
                target: Target::Clause(K::Timeout),
            },
        })
    }

    fn time_budget(&self) -> Option<Limit> {
        let block = self.clause(|facts| facts.budget.time_ms.is_some())?;
        Some(Limit {
            ms: self.bounds.clauses.budget.time_ms?,
            key: K::Budget,
            place: Place {
                block,
                target: budget_entry("time"),
            },
        })
    }

    /// What each node alone exceeds: the plan's timeout, its own budget.
    fn tasks(&self, found: &mut Vec<Diag>) {
        let timeout = self.timeout();
        for (node, worst) in (0..).zip(&self.bounds.nodes) {
            let Some(facts) = &self.facts.nodes[node as usize].node else {
                continue;
            };
            if let (Some(limit), true) = (&timeout, self.outlasts(node, facts.timeout, &timeout)) {
                found.push(self.long_timeout(node, facts.timeout, limit));
            }
            self.own_budget(node, worst, facts.budget, found);
            self.own_tokens(node, worst, facts.budget, found);
        }
    }

    /// Whether one attempt of the node may take longer than the whole plan; people may.
    fn outlasts(&self, node: u32, timeout: Timeout, limit: &Option<Limit>) -> bool {
        let runs = self.bounds.nodes[node as usize].runs && !self.bounds.nodes[node as usize].people.is_some();
        let Timeout::Constant(ms) = timeout else { return false };
        limit.as_ref().is_some_and(|limit| runs && ms > limit.ms)
    }

    fn long_timeout(&self, node: u32, timeout: Timeout, limit: &Limit) -> Diag {
        let Timeout::Constant(ms) = timeout else {
            return Diag::new(
                rules::TIMEOUT_EXCEEDS_PARENT,
                self.at(node, Target::Name),
                String::new(),
            );
        };
        let message = format!(
            "`{}` has a timeout of {}, expected at most the plan's timeout of {}",
            self.sig(node).name,
            span(ms),
            span(limit.ms)
        );
        let place = self.at(node, Target::Clause(K::Timeout));
        Diag::new(rules::TIMEOUT_EXCEEDS_PARENT, place, message)
            .label(limit.place.clone(), "the plan's timeout, which ends the run")
            .fix_at(
                format!("lower it to {}", rounded_up(limit.ms)),
                false,
                Target::Value(K::Timeout),
                rounded_up(limit.ms),
            )
    }

    fn own_budget(&self, node: u32, worst: &Worst, budget: Budget, found: &mut Vec<Diag>) {
        let name = &self.sig(node).name;
        if let Some(limit) = budget.cost.filter(|limit| worst.uncapped_cost > *limit) {
            let cost = worst.uncapped_cost;
            let message = format!(
                "`{name}` may cost {}, expected at most its budget of {}",
                money(cost),
                money(limit)
            );
            let diag = Diag::new(rules::BUDGET_EXCEEDED, self.at(node, budget_entry("cost")), message);
            let diag = match cost_terms(worst) {
                Some(terms) => diag.label(self.at(node, Target::Name), format!("{terms} = {}", money(cost))),
                None => diag,
            };
            found.push(diag.fix_at(
                format!("raise the budget to {}", money(cost)),
                false,
                budget_value("cost"),
                money(cost),
            ));
        }
        if let Some(limit_ms) = budget.time_ms.filter(|limit| worst.uncapped_ms > *limit) {
            let ms = worst.uncapped_ms;
            let message = format!(
                "`{name}` may take {}, expected at most its budget of {}",
                span(ms),
                span(limit_ms)
            );
            let diag = Diag::new(rules::BUDGET_EXCEEDED, self.at(node, budget_entry("time")), message);
            let diag = match time_terms(worst) {
                Some(terms) => diag.label(self.at(node, Target::Name), format!("{terms} = {}", span(ms))),
                None => diag,
            };
            found.push(diag.fix_at(
                format!("raise the budget to {}", rounded_up(ms)),
                false,
                budget_value("time"),
                rounded_up(ms),
            ));
        }
    }

    /// The critical path, or all work through the plan's slots, over the smaller of the timeout and the budget.
    fn time(&self, found: &mut Vec<Diag>) {
        let timeout = self.timeout();
        let outlasted = |(node, facts): (u32, &Arc<Facts>)| {
            facts
                .node
                .as_ref()
                .is_some_and(|facts| self.outlasts(node, facts.timeout, &timeout))
        };
        if (0..).zip(&self.facts.nodes).any(outlasted) {
            return;
        }
        let limits = [self.time_budget(), self.timeout()].into_iter().flatten();
        let Some(limit) = limits.min_by_key(|limit| limit.ms) else {
            return;
        };
        let needed_ms = self.bounds.whole.span_ms;
        if needed_ms > limit.ms {
            found.push(self.too_long(&limit, needed_ms));
        }
    }

    fn too_long(&self, limit: &Limit, needed_ms: u64) -> Diag {
        let (rule, what) = match limit.key {
            K::Budget => (rules::BUDGET_EXCEEDED, "budget"),
            _ => (rules::TIMEOUT_EXCEEDS_PARENT, "timeout"),
        };
        let message = format!(
            "{} may take {}, expected at most its {what} of {}",
            self.whose(),
            span(needed_ms),
            span(limit.ms)
        );
        let diag = self.path_labels(Diag::new(rule, limit.place.clone(), message));
        let title = format!("raise the {what} to {}", rounded_up(needed_ms));
        diag.fix_at(title, false, limit_value(limit.key), rounded_up(needed_ms))
    }

    /// Where the time goes: along the critical path, or into attempts that wait for each other's slots.
    pub fn path_labels(&self, diag: Diag) -> Diag {
        let nodes = &self.bounds.nodes;
        if self.bounds.schedule.end_ms < self.bounds.whole.span_ms {
            let diag = diag.note(format!(
                "all attempts together take {}, and `limits.parallel` lets {} run at once",
                span(self.bounds.whole.work_ms),
                counted(self.bounds.clauses.slots(), "attempt")
            ));
            let all = (0..nodes.len() as u32).collect();
            return self.time_labels(diag, all, |worst| worst.work_ms);
        }
        let path = self.bounds.schedule.critical_path().into_iter().map(|(node, _)| node);
        let timed: Vec<u32> = path.filter(|&node| nodes[node as usize].span_ms > 0).collect();
        let diag = match timed.len() {
            0 | 1 => diag,
            _ => diag.note(format!("the critical path: {}", self.named(&timed))),
        };
        self.time_labels(diag, timed, |worst| worst.span_ms)
    }

    /// The nodes that take longest, each with what that is made of.
    fn time_labels(&self, mut diag: Diag, mut nodes: Vec<u32>, ms: fn(&Worst) -> u64) -> Diag {
        let of = |node: u32| ms(&self.bounds.nodes[node as usize]);
        nodes.retain(|&node| of(node) > 0);
        nodes.sort_by_key(|&node| (std::cmp::Reverse(of(node)), node));
        for &node in nodes.iter().take(LABELS_MAX) {
            let worst = &self.bounds.nodes[node as usize];
            let text = match time_terms(worst).filter(|_| of(node) == worst.span_ms) {
                Some(terms) => format!("{terms} = {}", span(of(node))),
                None => format!("up to {}", span(of(node))),
            };
            diag = diag.label(self.at(node, Target::Name), text);
        }
        diag
    }

    fn cost(&self, found: &mut Vec<Diag>) {
        let Some(limit) = self.bounds.clauses.budget.cost else {
            return;
        };
        let cost = self.bounds.whole.cost;
        let block = self.clause(|facts| facts.budget.cost.is_some());
        let (Some(block), true) = (block, cost > limit) else {
            return;
        };
        let message = format!(
            "{} may cost {}, expected at most its budget of {}",
            self.whose(),
            money(cost),
            money(limit)
        );
        let place = Place {
            block,
            target: budget_entry("cost"),
        };
        let diag = Diag::new(rules::BUDGET_EXCEEDED, place, message);
        found.push(self.cost_labels(diag).fix_at(
            format!("raise the budget to {}", money(cost)),
            false,
            budget_value("cost"),
            money(cost),
        ));
    }

    /// The dearest nodes, each with what that is made of; the others together.
    pub fn cost_labels(&self, mut diag: Diag) -> Diag {
        let nodes = &self.bounds.nodes;
        let cost = |node: u32| nodes[node as usize].cost;
        let counts = |node: &u32| self.bounds.costing[*node as usize] && !cost(*node).is_zero();
        let mut dear: Vec<u32> = (0..nodes.len() as u32).filter(counts).collect();
        dear.sort_by_key(|&node| (std::cmp::Reverse(cost(node)), node));
        for &node in dear.iter().take(LABELS_MAX) {
            let text = match cost_terms(&nodes[node as usize]) {
                Some(terms) => format!("{terms} = {}", money(cost(node))),
                None => money(cost(node)),
            };
            diag = diag.label(self.at(node, Target::Name), text);
        }
        let rest = dear.get(LABELS_MAX..).unwrap_or_default();
        if rest.is_empty() {
            return diag;
        }
        let sum = rest
            .iter()
            .fold(Decimal::ZERO, |sum, &node| super::node::plus(sum, cost(node)));
        diag.note(format!(
            "and {} for {}",
            money(sum),
            counted(rest.len() as u64, "other task")
        ))
    }

    fn named(&self, nodes: &[u32]) -> String {
        let name = |node: &u32| format!("`{}`", self.sig(*node).name);
        let mut names: Vec<String> = nodes.iter().take(NAMED_MAX).map(name).collect();
        if nodes.len() > NAMED_MAX {
            names.push(format!("{} more", nodes.len() - NAMED_MAX));
        }
        names.join(", then ")
    }
}

pub(super) fn budget_entry(name: &str) -> Target {
    Target::Entry(K::Budget, SmolStr::new(name))
}

pub(super) fn budget_value(name: &str) -> Target {
    Target::EntryValue(K::Budget, SmolStr::new(name))
}

fn limit_value(key: K) -> Target {
    match key {
        K::Budget => budget_value("time"),
        key => Target::Value(key),
    }
}

/// A called plan whose timeout is longer than that of the task that calls it.
fn subplans(callees: &Callees<'_>, (file, at): (SourceFile, usize), limits: &Limits<'_>, found: &mut Vec<Diag>) {
    let db = callees.db;
    let scope = scope(db, file);
    for (node, facts) in (0..).zip(&limits.facts.nodes) {
        let sig = limits.sig(node);
        let (NodeKind::Task, Work::Call(name)) = (sig.kind, &sig.work) else {
            continue;
        };
        let Some(Timeout::Constant(ms)) = facts.node.as_ref().map(|facts| facts.timeout) else {
            continue;
        };
        let Some((limit_ms, place)) = callees.called(scope, sig).and_then(|id| timeout_of(db, id)) else {
            continue;
        };
        // of a plan that calls itself the one mistake is the call: no timeout would be long enough
        if limit_ms <= ms || on_a_loop(db, PlanRef { file, at: at as u32 }) {
            continue;
        }
        let message = format!(
            "`{}` calls `{name}`, whose timeout is {}, expected at most its own of {}",
            sig.name,
            span(limit_ms),
            span(ms)
        );
        let diag = Diag::new(
            rules::TIMEOUT_EXCEEDS_PARENT,
            limits.at(node, Target::Clause(K::Timeout)),
            message,
        );
        found.push(diag.label(place, format!("the timeout of `{name}`")).fix_at(
            format!("raise it to {}", rounded_up(limit_ms)),
            false,
            Target::Value(K::Timeout),
            rounded_up(limit_ms),
        ));
    }
}

/// A plan's timeout, and where it stands.
fn timeout_of(db: &dyn salsa::Database, (file, plan): PlanId) -> Option<(u64, Place)> {
    let mut clauses = clause_facts(db, file).get(plan as usize)?.iter();
    clauses.find_map(|(block, says)| {
        let place = Place {
            block: *block,
            target: Target::Clause(K::Timeout),
        };
        Some((says.timeout_ms?, place))
    })
}
