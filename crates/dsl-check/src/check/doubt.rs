//! What must not be done twice: retries of tasks that are not idempotent, and crashes that leave them undecided.
//!
//! Whether a task is idempotent is said by itself, else by its capability, else by its effects. An idempotency `key`
//! lets the other side tell a repetition from a second wish, so nothing is said of tasks that have one. Absent: what a
//! run does about doubt.

use dsl_syntax::ast::{Clause, Decl, ExprKind, Name, Retry, RouteOn, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use super::Cx;
use super::task::whose;
use crate::diagnostic::{AmendHow, Whose};
use crate::rules;
use crate::signatures::{clause, is_harmful, name_of, retried_modes};
use crate::types::Problem;

/// Failures before anything was done.
const HARMLESS_MODES: &[&str] = &[
    "rate-limited",
    "quota-exceeded",
    "circuit-open",
    "precondition",
    "denied",
];

/// Why a task must not be repeated.
pub(super) struct OnceOnly {
    /// Where it says so.
    place: Span,
    why: String,
}

pub(super) fn check(cx: &Cx<'_>, decl: &Decl) {
    if clause(decl, K::Key).is_some() {
        return;
    }
    let Some(once) = once_only(cx, decl) else {
        return;
    };
    retried(cx, decl, &once);
    if !routes_doubt(decl) {
        let message = format!(
            "{} {}, expected an `on in-doubt` route for when a crash leaves it undecided",
            whose(decl),
            once.why
        );
        let problem = Problem::new(rules::UNHANDLED_DOUBT, once.place, message);
        let problem = problem.help("add a line `on in-doubt -> …`, or `idempotent: true` if it may be repeated");
        cx.push(match failure_route(decl) {
            Some(to) => {
                let how = AmendHow::Line(format!("on in-doubt -> {to}"));
                problem.amend(format!("lead to `{to}`, as a failure does"), Whose::Here, how)
            }
            None => problem,
        });
    }
}

/// `None`: it may be repeated, or that is not known.
pub(super) fn once_only(cx: &Cx<'_>, decl: &Decl) -> Option<OnceOnly> {
    if let Some(clause) = clause(decl, K::Idempotent) {
        let Value::Expr(expr) = &clause.value else { return None };
        return matches!(expr.kind, ExprKind::Bool(false)).then(|| OnceOnly {
            place: clause.span,
            why: "is not idempotent".into(),
        });
    }
    if let Some(Value::Effects(effects)) = clause(decl, K::Effects).map(|clause| &clause.value)
        && let Some(effect) = effects.iter().find(|effect| is_harmful(effect))
    {
        return Some(OnceOnly {
            place: effect.span,
            why: format!("has the effect `{}`, so it is not idempotent", effect.name.text),
        });
    }
    let name = name_of(decl, K::Using)?;
    let capability = cx.scope.capabilities.get(&name)?;
    (!capability.idempotent).then(|| OnceOnly {
        place: place_of(clause(decl, K::Using), decl),
        why: format!("uses `{name}`, which is not idempotent"),
    })
}

fn place_of(clause: Option<&Clause>, decl: &Decl) -> Span {
    match clause.map(|clause| &clause.value) {
        Some(Value::Names(names)) => names.first().map_or(decl.keyword, |name| name.span),
        _ => decl.keyword,
    }
}

/// Where a failure leads.
fn failure_route(decl: &Decl) -> Option<&SmolStr> {
    decl.clauses.iter().find_map(|clause| match &clause.value {
        Value::Route(route) => match &route.on {
            RouteOn::Event(event) if event.text == "failure" => Some(&route.to.text),
            _ => None,
        },
        _ => None,
    })
}

fn routes_doubt(decl: &Decl) -> bool {
    decl.clauses.iter().any(|clause| match &clause.value {
        Value::Route(route) => matches!(&route.on, RouteOn::Event(event) if event.text == "in-doubt"),
        Value::Error | Value::Unknown => true,
        _ => false,
    })
}

fn retried(cx: &Cx<'_>, decl: &Decl, once: &OnceOnly) {
    let does_harm = |mode: &str| !HARMLESS_MODES.contains(&mode);
    let help = "retry only on what fails before anything is done (`on rate-limited`), give it a `key`, or say `idempotent: true`";
    let message = format!(
        "{} {}, but is retried, so that it may be done twice",
        whose(decl),
        once.why
    );
    if let Some(clause) = clause(decl, K::Retry) {
        let Value::Retry(retry) = &clause.value else { return };
        if retried_modes(retry).is_some_and(|modes| modes.is_empty() || modes.iter().any(|mode| does_harm(mode))) {
            let place = harmful_mode(retry).map_or(retry.policy.span, |mode| mode.span);
            let problem = Problem::new(rules::NON_IDEMPOTENT_RETRY, place, message).help(help);
            let edits = vec![(cx.whole_lines(clause.span), String::new())];
            cx.push(
                problem
                    .label(once.place, "said here")
                    .fix("do not retry it", false, edits),
            );
        }
        return;
    }
    let Some(modes) = &cx.plan.retry else { return };
    if modes.is_empty() || modes.iter().any(|mode| does_harm(mode)) {
        let message = format!("{message}: the plan's `retry` is for all of its tasks");
        let problem = Problem::new(rules::NON_IDEMPOTENT_RETRY, once.place, message);
        let how = AmendHow::Set(K::Retry, "0".to_owned());
        cx.push(
            problem
                .help("add a line `retry: 0`, give it a `key`, or say `idempotent: true`")
                .amend("do not retry it: `retry: 0`", Whose::Here, how),
        );
    }
}

fn harmful_mode(retry: &Retry) -> Option<&Name> {
    retry
        .on
        .iter()
        .find(|mode| !HARMLESS_MODES.contains(&mode.text.as_str()))
}
