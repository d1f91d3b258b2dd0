//! The worst case of a plan against the `limit:` of policies (`limit-exceeded`).
//!
//! A budget or a timeout of the plan's own ends the run before the worst case; that these are within the limit is the
//! policy's own check. Absent: which policies bind a plan.

use dsl_syntax::table::ClauseKey as K;

use super::problems::Limits;
use super::words::{money, span};
use crate::diagnostic::{Diag, Place, Target};
use crate::inputs::SourceFile;
use crate::policy::bounds_of;
use crate::rules;

/// Whether a policy limits time, cost or tokens of a plan of the file.
pub(super) fn limit(db: &dyn salsa::Database, file: SourceFile, at: usize) -> bool {
    let bounds = bounds_of(db, file, at);
    bounds
        .iter()
        .map(|bound| bound.limits)
        .any(|limits| limits.cost.is_some() || limits.time_ms.is_some() || limits.tokens.is_some())
}

/// The worst case of the plan over what policies let it take and cost.
pub(super) fn exceeded(
    db: &dyn salsa::Database,
    file: SourceFile,
    at: usize,
    limits: &Limits<'_>,
    found: &mut Vec<Diag>,
) {
    let clauses = &limits.bounds.clauses;
    let whole = &limits.bounds.whole;
    let Some(place) = header(limits) else { return };
    for bound in bounds_of(db, file, at) {
        let says = format!("the policy `{}` sets it", bound.policy);
        let over = |key: K, what: String, most: String| {
            let message = format!("{} may {what}, the limit is {most}", limits.whose());
            Diag::new(rules::LIMIT_EXCEEDED, place.clone(), message).label(bound.place(key), says.clone())
        };
        if let Some(most) = bound
            .limits
            .cost
            .filter(|most| clauses.budget.cost.is_none() && whole.cost > *most)
        {
            let diag = over(K::Cost, format!("cost {}", money(whole.cost)), money(most));
            let help = format!("give it a budget: `cost: {}`, which ends the run", money(most));
            found.push(limits.cost_labels(diag).help(help));
        }
        let tokens = whole.tokens.unwrap_or_default();
        if let Some(most) = bound
            .limits
            .tokens
            .filter(|most| clauses.budget.tokens.is_none() && tokens > *most)
        {
            let diag = over(K::Tokens, format!("use {tokens} tokens"), most.to_string());
            let help = format!("give it a budget: `tokens: {most}`, which ends the run");
            found.push(limits.token_labels(diag).help(help));
        }
        let ends = clauses.budget.time_ms.or(clauses.timeout_ms).is_some();
        if let Some(most) = bound.limits.time_ms.filter(|most| !ends && whole.span_ms > *most) {
            let diag = over(K::Time, format!("take {}", span(whole.span_ms)), span(most));
            found.push(
                limits
                    .path_labels(diag)
                    .help("lower the timeouts, or give the plan a `timeout` of its own"),
            );
        }
    }
}

/// The name of the plan; of a file of bare nodes the first of them.
fn header(limits: &Limits<'_>) -> Option<Place> {
    let block = match limits.plan.clauses.first() {
        Some(header) => *header,
        None => limits.plan.nodes.first()?.0,
    };
    Some(Place {
        block,
        target: Target::Name,
    })
}
