//! Limits as they are lowered: how much at once, how much in a time. What is wrong with one is reported where it is checked.

use dsl_syntax::ast::{Expr as Ast, LimitLine, Rate as Written, RatePer};
use ir::Value;
use ir::plan::{Limits, Money, Per, Rate};

use crate::types::{Report, literal_value};
use crate::walk::unparen;

/// `limits:` of a plan or an agent.
pub(crate) fn limits(lines: &[LimitLine]) -> Limits {
    let mut found = Limits::default();
    for line in lines {
        let counts = || {
            line.rates
                .iter()
                .filter_map(|rate| rated(rate, count(&rate.amount)?))
                .collect()
        };
        let at_once = || {
            line.rates
                .first()
                .and_then(|rate| u32::try_from(count(&rate.amount)?).ok())
        };
        match line.name.text.as_str() {
            "parallel" | "concurrent" => found.parallel = at_once(),
            "queue" => found.queue = at_once(),
            "requests" => found.requests = counts(),
            "tokens" => found.tokens = counts(),
            "cost" => found.cost = costs(&line.rates),
            _ => {}
        }
    }
    found
}

pub(crate) fn costs(rates: &[Written]) -> Vec<Rate<Money>> {
    let rate = |rate: &Written| rated(rate, money(&rate.amount)?);
    rates.iter().filter_map(rate).collect()
}

fn rated<T>(written: &Written, amount: T) -> Option<Rate<T>> {
    let per = match &written.per {
        None => Per::Run,
        Some(RatePer::Call(_)) => Per::Call,
        Some(RatePer::Duration(window)) => Per::WindowMs(duration_ms(window)?),
    };
    Some(Rate { amount, per })
}

fn constant(expr: &Ast) -> Option<Value> {
    literal_value(unparen(expr), &mut Report::default()).map(|(value, _)| value)
}

fn count(expr: &Ast) -> Option<u64> {
    match constant(expr)? {
        Value::Int(count) => u64::try_from(count).ok(),
        _ => None,
    }
}

pub(crate) fn money(expr: &Ast) -> Option<Money> {
    match constant(expr)? {
        Value::Money(dollars) => Some(Money(dollars)),
        _ => None,
    }
}

pub(crate) fn duration_ms(expr: &Ast) -> Option<u64> {
    match constant(expr)? {
        Value::Duration(ms) => u64::try_from(ms).ok(),
        _ => None,
    }
}
