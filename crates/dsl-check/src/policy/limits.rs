//! `limit:` of policies against what a plan declares: its tasks, budget and timeout.
//!
//! What a plan may use at worst is computed elsewhere, from the same bounds ([`bounds_of`]).

use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use super::model::Limits;
use super::subject::Subject;
use super::{PlanAt, PolicyAt, policies_of};
use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::facts::Timeout;
use crate::inputs::SourceFile;
use crate::rules;

/// The limits that a policy sets a plan, and where.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Bound {
    pub policy: SmolStr,
    pub limits: Limits,
    block: BlockRef,
}

impl Bound {
    /// The line of the policy that sets the limit.
    pub fn place(&self, key: K) -> Place {
        Place {
            block: self.block,
            target: Target::Inner(K::Limit, key),
        }
    }
}

/// The limits that policies set a plan of a file.
pub(crate) fn bounds_of(db: &dyn salsa::Database, file: SourceFile, at: usize) -> Vec<Bound> {
    let policies = policies_of(db, PlanAt { file, at });
    policies.iter().filter_map(bound).collect()
}

fn bound(at: &PolicyAt) -> Option<Bound> {
    (!at.policy.limit.is_empty()).then(|| Bound {
        policy: at.policy.name.clone(),
        limits: at.policy.limit,
        block: at.block,
    })
}

/// What the plan declares beyond the limits.
pub(super) fn exceeded(subject: &Subject<'_>, policies: &[&PolicyAt], found: &mut Vec<Diag>) {
    if subject.plan.broken {
        return;
    }
    for bound in policies.iter().copied().filter_map(bound) {
        found.extend(tasks_over(subject, &bound));
        found.extend(cost_over(subject, &bound));
        found.extend(time_over(subject, &bound));
        found.extend(tokens_over(subject, &bound));
    }
}

fn tasks_over(subject: &Subject<'_>, bound: &Bound) -> Option<Diag> {
    let tasks = bound.limits.tasks.map(|_| subject.instances())?;
    let most = bound.limits.tasks.filter(|most| tasks > *most)?;
    let called = match tasks.saturating_sub(subject.own_instances()) {
        0 => String::new(),
        called => format!(", {called} of them in plans that it calls"),
    };
    let counted = match subject.tasks() == tasks {
        true => "",
        false => ", each instance counted",
    };
    let message = format!(
        "`{}` has {tasks} tasks{called}{counted}, the limit is {most}",
        subject.name
    );
    let diag = Diag::new(rules::LIMIT_EXCEEDED, subject.plan_place()?, message);
    Some(diag.label(bound.place(K::Tasks), says(bound)))
}

fn cost_over(subject: &Subject<'_>, bound: &Bound) -> Option<Diag> {
    let (given, most) = (subject.plan.budget.cost?, bound.limits.cost?);
    let place = subject.clause_place(entry("cost"), |says| says.budget.cost.is_some())?;
    (given > most).then(|| {
        over(
            subject,
            bound,
            (place, "budget", K::Cost),
            &format!("${given}"),
            &format!("${most}"),
        )
    })
}

fn time_over(subject: &Subject<'_>, bound: &Bound) -> Option<Diag> {
    let most = bound.limits.time_ms?;
    let (given, what, place) = match (subject.plan.budget.time_ms, subject.plan.timeout_ms) {
        (Some(given), _) if given > most => {
            let place = subject.clause_place(entry("time"), |says| says.budget.time_ms.is_some())?;
            (given, "budget", place)
        }
        (_, Some(given)) if given > most => {
            let place = subject.clause_place(Target::Clause(K::Timeout), |says| says.timeout_ms.is_some())?;
            (given, "timeout", place)
        }
        _ => return None,
    };
    let diag = over(subject, bound, (place, what, K::Time), &time(given), &time(most));
    // then a node's timeout would exceed its plan's
    let takes_longer = |node: u32| {
        let facts = subject.facts(node);
        facts.is_some_and(|facts| matches!(facts.timeout, Timeout::Constant(ms) if ms > most))
    };
    Some(match subject.nodes().any(takes_longer) {
        true => Diag {
            fixes: Vec::new(),
            ..diag
        },
        false => diag,
    })
}

fn tokens_over(subject: &Subject<'_>, bound: &Bound) -> Option<Diag> {
    let (given, most) = (subject.plan.budget.tokens?, bound.limits.tokens?);
    let place = subject.clause_place(entry("tokens"), |says| says.budget.tokens.is_some())?;
    let amounts = (format!("{given} tokens"), most.to_string());
    (given > most).then(|| over(subject, bound, (place, "budget", K::Tokens), &amounts.0, &amounts.1))
}

fn entry(name: &str) -> Target {
    Target::Entry(K::Budget, name.into())
}

fn time(ms: u64) -> String {
    ir::quantity::render_duration(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn over(subject: &Subject<'_>, bound: &Bound, (place, what, key): (Place, &str, K), given: &str, most: &str) -> Diag {
    let message = format!("the {what} of `{}` is {given}, the limit is {most}", subject.name);
    let value = match &place.target {
        Target::Entry(key, name) => Target::EntryValue(*key, name.clone()),
        _ => Target::Value(K::Timeout),
    };
    Diag::new(rules::LIMIT_EXCEEDED, place, message)
        .label(bound.place(key), says(bound))
        .help(format!("lower it to {most}"))
        .fix_at(format!("lower it to {most}"), false, value, most)
}

fn says(bound: &Bound) -> String {
    format!("the policy `{}` sets it", bound.policy)
}
