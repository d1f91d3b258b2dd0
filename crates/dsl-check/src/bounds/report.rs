//! The worst case of a plan for people and programs: names instead of indices, words instead of reasons.
//!
//! Made when somebody asks, at the edge. Absent: how it is printed.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;

use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::node::{People, Worst, times};
use super::{PlanBounds, bounds_of_file, bounds_under, words};
use crate::analysis::Analysis;
use crate::diagnostic::BlockRef;
use crate::facts::{Facts, file_facts};
use crate::graph::{EdgeKind, PlanGraph, graphs};
use crate::inputs::SourceFile;
use crate::lower::CompileError;
use crate::plans::file_plans;
use crate::rules;
use crate::signatures::{NodeKind, NodeSig, Work};

/// What a plan takes and costs at worst. Times are in milliseconds.
#[derive(Clone, PartialEq, Debug)]
pub struct Bounds {
    pub plan: SmolStr,
    /// What the plan itself allows.
    pub limits: PlanLimits,
    /// Some run takes that long: the critical path, or all attempts through all slots.
    pub time_ms: u64,
    /// No run takes longer.
    pub most_ms: u64,
    pub critical_path_ms: u64,
    /// All attempts of one run together.
    pub work_ms: u64,
    pub cost: Decimal,
    /// What the budgets of its tasks, and of the plans that they call, let them use together.
    pub tokens: Option<u64>,
    /// Waiting for people along one way through the plan.
    pub people: People,
    /// The nodes that wait for people, each with how long.
    pub waits: Vec<(SmolStr, People)>,
    /// From its first node to its last.
    pub path: Vec<PathStep>,
    pub unbounded: Vec<Unbounded>,
    /// Attempts at once on the widest level, …
    pub widest: Option<u64>,
    /// … the number of that level, from 1, …
    pub widest_level: u32,
    /// … and its nodes.
    pub widest_nodes: Vec<SmolStr>,
    pub capabilities: Vec<CapabilityTotal>,
    /// In plan order.
    pub nodes: Vec<NodeBounds>,
}

impl Bounds {
    /// The time that it takes, for people: `1h 5m and more`.
    pub fn time(&self) -> String {
        words::at_most(words::span(self.time_ms), self.unbounded.iter().any(|node| node.time))
    }

    /// What it costs, for people.
    pub fn cost(&self) -> String {
        words::at_most(words::money(self.cost), self.unbounded.iter().any(|node| node.cost))
    }
}

/// What the clauses of the plan say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlanLimits {
    pub timeout_ms: Option<u64>,
    pub time_ms: Option<u64>,
    pub cost: Option<Decimal>,
    pub tokens: Option<u64>,
    pub parallel: Option<u32>,
}

/// A node of the critical path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathStep {
    pub node: SmolStr,
    /// How it follows from the one before, where that is no need: `on failure`, `fallback`, `chosen`.
    pub by: Option<String>,
    pub start_ms: u64,
    pub time_ms: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unbounded {
    pub node: SmolStr,
    pub time: bool,
    pub cost: bool,
    /// A sentence without its node: `it has no timeout`.
    pub why: &'static str,
}

/// What one capability costs, everything counted that can run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CapabilityTotal {
    pub name: SmolStr,
    /// `None`: nothing says how many.
    pub calls: Option<u64>,
    pub cost: Decimal,
}

/// The worst case of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeBounds {
    pub node: SmolStr,
    /// `None`: it has no bound.
    pub time_ms: Option<u64>,
    /// What the time is made of, if it is more than one timeout.
    pub time_terms: Option<String>,
    pub cost: Option<Decimal>,
    pub cost_terms: Option<String>,
    pub people: People,
    /// Of one instance.
    pub attempts: u64,
    /// Of a fan-out, if something says how many.
    pub items: Option<u64>,
}

impl NodeBounds {
    /// In a few words, for pictures; nothing of what takes nothing.
    pub fn note(&self) -> Option<String> {
        let mut parts = Vec::new();
        match (self.people, self.time_ms) {
            (People::UpTo(ms), _) => parts.push(format!("a person, up to {}", words::span(ms))),
            (People::Open, _) => parts.push("a person".to_owned()),
            (People::Nobody, Some(0)) => {}
            (People::Nobody, Some(ms)) => parts.push(words::span(ms)),
            (People::Nobody, None) => parts.push("unbounded".to_owned()),
        }
        if let Some(cost) = self.cost.filter(|cost| !cost.is_zero()) {
            parts.push(words::money(cost));
        }
        (!parts.is_empty()).then(|| parts.join(" · "))
    }
}

impl Analysis {
    /// The worst case of a node, in a few words.
    pub(crate) fn worst_of_node(&self, file: SourceFile, block: BlockRef) -> Option<String> {
        let (plan, node) = file_plans(&self.db, file).place(block)?;
        let bounds = bounds_of_file(&self.db, file).into_iter().nth(plan as usize)??;
        let worst = bounds.nodes.get(node? as usize)?;
        let mut parts = Vec::new();
        match (worst.time_open, worst.people) {
            (_, People::UpTo(ms)) => parts.push(format!("{} of waiting for people", words::span(ms))),
            (_, People::Open) => parts.push("as long as people take".to_owned()),
            (Some(open), _) => parts.push(format!("unbounded, because {}", words::why(open))),
            (None, _) if worst.span_ms == 0 => {}
            (None, _) => parts.push(words::span(worst.span_ms)),
        }
        match worst.cost_open {
            Some(open) if worst.time_open != Some(open) => parts.push(format!("cost unbounded: {}", words::why(open))),
            None if !worst.cost.is_zero() => parts.push(words::money(worst.cost)),
            _ => {}
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// What each node of a file takes at worst, in a few words, and where its header ends; of plans that have bounds.
    pub fn worst_cases(&self, path: &Path) -> Vec<(u32, String)> {
        let Ok(file) = self.bounded(path) else {
            return Vec::new();
        };
        let mut of_file = bounds_of_file(&self.db, file);
        let mut edge = crate::analysis::Edge::new(self);
        let mut found = Vec::new();
        for (at, plan) in file_plans(&self.db, file).plans.iter().enumerate() {
            let own = || of_file.get_mut(at).and_then(Option::take);
            let Some(bounds) = self.bounds_at(file, at, own) else {
                continue;
            };
            let notes: HashMap<&SmolStr, &NodeBounds> = bounds.nodes.iter().map(|node| (&node.node, node)).collect();
            for (block, sig) in &plan.nodes {
                let note = notes.get(&sig.name).and_then(|node| node.note());
                let header = crate::places::decl_of(&self.db, *block).map(|decl| decl.header.end);
                if let (Some(note), Some(end)) = (note, header) {
                    found.push((edge.block_start(*block) + end, note));
                }
            }
        }
        found
    }

    /// The worst case of the plan whose header that is.
    pub(crate) fn worst_of_plan(&self, block: BlockRef) -> Option<String> {
        let file = block.chunk.file(&self.db);
        let (plan, None) = file_plans(&self.db, file).place(block)? else {
            return None;
        };
        let whole = bounds_of_file(&self.db, file).into_iter().nth(plan as usize)??.whole;
        let time = words::at_most(words::span(whole.span_ms), whole.time_open.is_some());
        let cost = words::at_most(words::money(whole.cost), whole.cost_open.is_some());
        Some(format!("{time}, {cost}"))
    }

    /// The worst case of a plan; of the only one of the file if none is named. A plan that exceeds its limits has one too.
    pub fn bounds(&self, path: &Path, plan: Option<&str>) -> Result<Bounds, CompileError> {
        let file = self.bounded(path)?;
        let at = self.choose(file, plan)?;
        let of_file = || bounds_of_file(&self.db, file).into_iter().nth(at).flatten();
        self.bounds_at(file, at, of_file).ok_or(CompileError::Empty)
    }

    /// A file without an error that could make its bounds wrong.
    fn bounded(&self, path: &Path) -> Result<SourceFile, CompileError> {
        let file = self.file(path).ok_or(CompileError::NoFile)?;
        let mut errors = self.errors(file);
        errors.retain(|error| !about_limits(error.rule));
        if errors.is_empty() {
            Ok(file)
        } else {
            Err(CompileError::Errors(errors))
        }
    }

    /// The worst case of a plan by its place in the file, as the chosen profile leaves it.
    fn bounds_at(&self, file: SourceFile, at: usize, own: impl FnOnce() -> Option<PlanBounds>) -> Option<Bounds> {
        let under = self.facts_under(file, at);
        let bounds = match &under {
            Some((facts, scope)) => bounds_under(&self.db, (file, at as u32), facts, scope.as_deref()),
            None => own(),
        }?;
        let own = &file_facts(&self.db, file)[at];
        let facts = under.as_ref().map_or(own, |(facts, _)| facts);
        let names = &crate::scope::scope(&self.db, file).own;
        let report = Report {
            graph: &graphs(&self.db, file)[at],
            facts: &facts.nodes,
            bounds: &bounds,
        };
        Some(report.whole(names.get(at).map(|plan| plan.name.clone()).unwrap_or_default()))
    }
}

/// A plan over its limits means what it says.
fn about_limits(rule: &str) -> bool {
    rules::find(rule).is_some_and(|rule| matches!(rule.group, "bounds" | "policy"))
}

struct Report<'a> {
    graph: &'a PlanGraph,
    facts: &'a [std::sync::Arc<Facts>],
    bounds: &'a PlanBounds,
}

impl Report<'_> {
    fn name(&self, node: u32) -> SmolStr {
        self.graph.nodes[node as usize].name.clone()
    }

    fn whole(&self, plan: SmolStr) -> Bounds {
        let bounds = self.bounds;
        let nodes = || (0..).zip(&bounds.nodes);
        let clauses = &bounds.clauses;
        Bounds {
            plan,
            limits: PlanLimits {
                timeout_ms: clauses.timeout_ms,
                time_ms: clauses.budget.time_ms,
                cost: clauses.budget.cost,
                tokens: clauses.budget.tokens,
                parallel: clauses.parallel,
            },
            time_ms: bounds.whole.span_ms,
            most_ms: bounds.whole.most_ms,
            critical_path_ms: bounds.schedule.end_ms,
            work_ms: bounds.whole.work_ms,
            cost: bounds.whole.cost,
            tokens: bounds.whole.tokens,
            people: bounds.whole.people,
            waits: nodes()
                .filter(|(_, worst)| worst.people.is_some())
                .map(|(node, worst)| (self.name(node), worst.people))
                .collect(),
            path: self.path(),
            unbounded: nodes()
                .filter_map(|(node, worst)| self.unbounded(node, worst))
                .collect(),
            widest: bounds.widest.slots,
            widest_level: bounds.widest.level,
            widest_nodes: bounds.widest.nodes.iter().map(|&node| self.name(node)).collect(),
            capabilities: self.capabilities(),
            nodes: nodes()
                .filter(|(node, _)| self.graph.nodes[*node as usize].kind != NodeKind::Hypothesis)
                .map(|(node, worst)| of_node(self.name(node), worst))
                .collect(),
        }
    }

    fn path(&self) -> Vec<PathStep> {
        let schedule = &self.bounds.schedule;
        let step = |(node, edge): (u32, Option<crate::graph::Edge>)| PathStep {
            node: self.name(node),
            by: edge.and_then(|edge| match edge.kind {
                EdgeKind::Need => None,
                EdgeKind::Route(at) => Some(match &self.graph.ties[edge.on as usize].routes[at as usize].on {
                    Some(event) => format!("on {event}"),
                    None => "chosen".to_owned(),
                }),
                EdgeKind::Fallback => Some("fallback".to_owned()),
                EdgeKind::StandIn { .. } => Some("stands in".to_owned()),
            }),
            start_ms: schedule.start_ms[node as usize],
            time_ms: self.bounds.nodes[node as usize].span_ms,
        };
        schedule.critical_path().into_iter().map(step).collect()
    }

    fn unbounded(&self, node: u32, worst: &Worst) -> Option<Unbounded> {
        let open = worst.time_open.or(worst.cost_open)?;
        Some(Unbounded {
            node: self.name(node),
            time: worst.time_open.is_some(),
            cost: worst.cost_open.is_some(),
            why: words::why(open),
        })
    }

    fn capabilities(&self) -> Vec<CapabilityTotal> {
        let mut totals: BTreeMap<SmolStr, (Option<u64>, Decimal)> = BTreeMap::new();
        for ((sig, facts), worst) in self.graph.nodes.iter().zip(self.facts).zip(&self.bounds.nodes) {
            let calls = worst.items.map(|items| items.saturating_mul(worst.attempts()));
            let called: Vec<SmolStr> = match &sig.work {
                Work::Nothing => continue,
                Work::Script => vec![script_capability(facts, sig)],
                Work::Capability(name) => vec![name.clone()],
                Work::Call(name) => vec![format!("plan {name}").into()],
                Work::Steps(names) => names.to_vec(),
            };
            let several = called.len() as u64;
            for name in called {
                let (all, cost) = totals.entry(name).or_insert((Some(0), Decimal::ZERO));
                *all = all.zip(calls).map(|(all, calls)| all.saturating_add(calls));
                // the price of lines is not told apart: each gets its share of their sum
                let share = worst.cost.checked_div(Decimal::from(several)).unwrap_or(worst.cost);
                *cost = super::node::plus(*cost, share);
            }
        }
        let total = |(name, (calls, cost))| CapabilityTotal { name, calls, cost };
        totals.into_iter().map(total).collect()
    }
}

fn script_capability(facts: &Facts, _: &NodeSig) -> SmolStr {
    let using = facts.node.as_ref().and_then(|node| node.using.clone());
    using.unwrap_or_else(|| "shell".into())
}

pub(crate) fn of_node(node: SmolStr, worst: &Worst) -> NodeBounds {
    let free = times(worst.price, 1).is_zero() && worst.cost.is_zero();
    NodeBounds {
        node,
        time_ms: worst.time_open.is_none().then_some(worst.span_ms),
        time_terms: words::time_terms(worst),
        cost: worst.cost_open.is_none().then_some(worst.cost),
        cost_terms: if free { None } else { words::cost_terms(worst) },
        people: worst.people,
        attempts: worst.attempts(),
        items: worst.items.filter(|_| worst.each),
    }
}
