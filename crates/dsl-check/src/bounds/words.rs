//! How bounds are said: `4 attempts × 5m + 7s between them`.

use ir::quantity::{render_duration, render_money};
use rust_decimal::Decimal;

use super::node::{Open, Worst};

/// `1h 5m`, `6m 30s`: all units that are not zero.
pub fn span(ms: u64) -> String {
    if ms == u64::MAX {
        return "forever".to_owned();
    }
    const UNITS: [(&str, u64); 5] = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let mut rest = ms;
    let mut parts = Vec::new();
    for (unit, factor) in UNITS {
        if rest >= factor {
            parts.push(format!("{}{unit}", rest / factor));
            rest %= factor;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

pub fn money(dollars: Decimal) -> String {
    format!("${}", render_money(dollars))
}

/// A worst case of a plan: `5m and more` where some node has no bound.
pub(super) fn at_most(mut figure: String, open: bool) -> String {
    if open {
        figure.push_str(" and more");
    }
    figure
}

/// As one literal of the language, not below: seconds from a minute on, minutes from an hour on.
pub(super) fn rounded_up(ms: u64) -> String {
    let unit = match ms {
        0..60_000 => 1,
        60_000..3_600_000 => 1000,
        _ => 60_000,
    };
    let up = ms.div_ceil(unit).saturating_mul(unit);
    render_duration(i64::try_from(up).unwrap_or(i64::MAX))
}

pub(super) fn counted(count: u64, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

/// `2 agents × 4 attempts`, and what is left out because it is one.
fn factors(worst: &Worst, items: bool) -> Vec<String> {
    let mut factors = Vec::new();
    let mut factor = |count: u64, one: &str| {
        if count != 1 {
            factors.push(counted(count, one));
        }
    };
    factor(worst.agents, "agent");
    factor(worst.tries, "attempt");
    if let (true, true, Some(count)) = (items, worst.each, worst.items) {
        factors.push(counted(count, "item"));
    }
    factors
}

/// What the worst time of a node is made of; nothing where that is one timeout.
pub(crate) fn time_terms(worst: &Worst) -> Option<String> {
    let mut terms = factors(worst, true);
    if worst.time_open.is_some_and(|open| open != Open::Items) {
        let waits = || {
            format!(
                "{} between {}, which are unbounded",
                span(worst.waits_ms),
                counted(worst.attempts(), "attempt")
            )
        };
        return (worst.waits_ms > 0).then(waits);
    }
    if terms.is_empty() || worst.span_ms == 0 {
        return None;
    }
    if let (true, Some(places), Some(items)) = (worst.each, worst.at_once(), worst.items)
        && places < items
        && let Some(last) = terms.last_mut()
    {
        last.push_str(&format!(", {places} at once,"));
    }
    terms.push(span(worst.attempt_ms));
    let mut text = terms.join(" × ").replace(", ×", " ×");
    if worst.waits_ms > 0 {
        text.push_str(&format!(" + {} between attempts", span(worst.waits_ms)));
    }
    Some(text)
}

/// What the worst cost of a node is made of.
pub(crate) fn cost_terms(worst: &Worst) -> Option<String> {
    let mut terms = factors(worst, true);
    let exact = super::node::times(
        worst.price,
        worst.attempts().saturating_mul(worst.items.unwrap_or_default()),
    ) == worst.cost;
    if terms.is_empty() || !exact {
        return None;
    }
    terms.push(money(worst.price));
    Some(terms.join(" × "))
}

/// Why something is unbounded, and what would bound it.
pub(crate) fn why(open: Open) -> &'static str {
    match open {
        Open::NoTimeout => "it has no `timeout`",
        Open::ComputedTimeout => "its `timeout` is computed when it starts",
        Open::Items => "nothing says how many items `each` goes over",
        Open::Callee => "the plan that it calls has no bound",
        Open::CallLoop => "the plan that it calls leads back to this one",
    }
}
