//! Limits of plans and agents: how much at once, how much in a window of time, how much a call.
//!
//! Absent: what they mean for a run.

use dsl_syntax::ast::{Expr as Ast, LimitLine, Rate, RatePer, Span};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Place, Reads};
use super::{Cx, literals, shape};
use crate::rules;
use crate::types::{Problem, Report, infer, literal_duration, literal_int};

/// One limit that can be set.
pub(super) struct Limit {
    pub name: &'static str,
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// So many at once.
    Count,
    /// So many in a window.
    Rate,
    /// Money a call or in a window.
    Spending,
}

const fn limit(name: &'static str, of: Of) -> Limit {
    Limit { name, of }
}

pub(super) const OF_PLAN: &[Limit] = &[
    limit("parallel", Of::Count),
    limit("queue", Of::Count),
    limit("requests", Of::Rate),
    limit("tokens", Of::Rate),
    limit("cost", Of::Spending),
];

pub(super) const OF_AGENT: &[Limit] = &[
    limit("requests", Of::Rate),
    limit("tokens", Of::Rate),
    limit("concurrent", Of::Count),
    limit("cost", Of::Spending),
];

/// The lines of `limits:`; `whose` as in "an agent".
pub(super) fn check_lines(cx: &Cx<'_>, lines: &[LimitLine], known: &[Limit], whose: &str) {
    shape::duplicate_names(cx, lines.iter().map(|line| &line.name), "the limit");
    for line in lines {
        match known.iter().find(|limit| limit.name == line.name.text) {
            Some(limit) => check(cx, limit, &line.rates),
            None => {
                let names: Vec<SmolStr> = known.iter().map(|limit| limit.name.into()).collect();
                let message = format!("{whose} has no limit `{}`", line.name.text);
                let problem = Problem::new(rules::UNKNOWN_CLAUSE, line.name.span, message);
                cx.push(problem.nearest(&line.name.text, &names));
            }
        }
    }
}

/// What one limit is set to.
pub(super) fn check(cx: &Cx<'_>, limit: &Limit, rates: &[Rate]) {
    match limit.of {
        Of::Count => count(cx, limit, rates),
        Of::Rate => rates.iter().for_each(|rate| rate_of(cx, limit, rate)),
        Of::Spending => rates.iter().for_each(|rate| spending(cx, limit, rate)),
    }
    if limit.of != Of::Count {
        one_each_window(cx, limit.name, rates);
    }
}

fn count(cx: &Cx<'_>, limit: &Limit, rates: &[Rate]) {
    for rate in rates {
        if rate.per.is_some() {
            let message = format!("`{}` is how many at once, expected a number alone", limit.name);
            cx.push(Problem::new(rules::UNIT_MISMATCH, rate.span, message));
            continue;
        }
        at_least_one(cx, limit, rate);
    }
    if let [_, second, ..] = rates {
        let message = format!("`{}` is one number, found another", limit.name);
        cx.push(Problem::new(rules::CONFLICTING_CLAUSES, second.span, message));
    }
}

fn rate_of(cx: &Cx<'_>, limit: &Limit, rate: &Rate) {
    at_least_one(cx, limit, rate);
    match &rate.per {
        Some(RatePer::Duration(per)) => window(cx, per),
        Some(RatePer::Call(_)) if limit.name == "tokens" => {}
        Some(RatePer::Call(call)) => {
            let message = format!("`{}` per call, expected per a time", limit.name);
            let problem = Problem::new(rules::UNIT_MISMATCH, *call, message);
            cx.push(problem.help("write a rate such as `100 per 1m`"));
        }
        None => {
            let message = format!("`{}` is a number alone, expected a rate", limit.name);
            let problem = Problem::new(rules::UNIT_MISMATCH, rate.span, message);
            let end = Span::new(rate.span.end, rate.span.end);
            let fix = problem.help("say in what time: `100 per 1m`");
            cx.push(fix.fix("make it a rate per minute", false, vec![(end, " per 1m".to_owned())]));
        }
    }
}

fn spending(cx: &Cx<'_>, limit: &Limit, rate: &Rate) {
    let place = Place::new(cx, Reads::NOTHING);
    cx.with_report(|report| infer(&rate.amount, Some(&Type::Money), &place, report));
    match &rate.per {
        Some(RatePer::Duration(per)) => window(cx, per),
        Some(RatePer::Call(_)) => {}
        None => {
            let message = format!("`{}` is an amount alone, expected a rate", limit.name);
            let problem = Problem::new(rules::UNIT_MISMATCH, rate.span, message);
            cx.push(problem.help("write `$0.50 per call` or `$50 per 1h`; what a whole run may cost is its `budget:`"));
        }
    }
}

fn at_least_one(cx: &Cx<'_>, limit: &Limit, rate: &Rate) {
    let place = Place::new(cx, Reads::NOTHING);
    let value = cx.with_report(|report| literal_int(&rate.amount, &place, report));
    if value.is_some_and(|value| !(1..=i64::from(u32::MAX)).contains(&value)) {
        let message = format!("`{}` is {}, expected at least 1", limit.name, value.unwrap_or_default());
        cx.push(Problem::new(rules::OUT_OF_RANGE, rate.amount.span, message));
    }
}

/// A time that passes.
pub(super) fn window(cx: &Cx<'_>, per: &Ast) {
    if literals::duration(cx, per, "the window") == Some(0) {
        let message = "the window is no time at all, expected one such as `1m`";
        cx.push(Problem::new(rules::OUT_OF_RANGE, per.span, message));
    }
}

/// Two amounts for the same time: one of them says nothing.
pub(super) fn one_each_window(cx: &Cx<'_>, name: &str, rates: &[Rate]) {
    let place = Place::new(cx, Reads::NOTHING);
    let window = |rate: &Rate| match &rate.per {
        None => None,
        Some(RatePer::Call(_)) => Some(None),
        Some(RatePer::Duration(per)) => literal_duration(per, &place, &mut Report::default()).map(Some),
    };
    for (at, rate) in rates.iter().enumerate() {
        let Some(found) = window(rate) else { continue };
        if let Some(before) = rates[..at].iter().find(|before| window(before) == Some(found)) {
            let message = format!("`{name}` is given twice for the same window");
            let problem = Problem::new(rules::CONFLICTING_CLAUSES, rate.span, message);
            cx.push(problem.label(before.span, "already here"));
        }
    }
}
