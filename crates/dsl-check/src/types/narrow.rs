//! Narrowing: what a condition says about values that may be absent.
//!
//! A fact is an expression known not to be none. Facts are about lowered expressions, so that `collect.sources` is one
//! thing however it is written; of `a ?? b` it is known that one of the two is there. Absent: facts about anything but
//! presence.

use ir::Expr;

/// Of how many facts of the one side of an `or` with those of the other it is kept that one of them holds.
const PAIRS_MAX: usize = 16;
/// As many values may stand in for each other.
const VALUES_MAX: usize = 64;

/// What is known not to be none once `condition` turned out to be `truth`.
pub fn facts_when(condition: &Expr, truth: bool) -> Vec<Expr> {
    let mut facts = Vec::new();
    collect(condition, truth, &mut facts);
    facts
}

/// As deep as the expression, which the parser bounds.
fn collect(condition: &Expr, truth: bool, facts: &mut Vec<Expr>) {
    match condition {
        Expr::IsNone(value) if !truth => facts.push((**value).clone()),
        Expr::Not(inner) => collect(inner, !truth, facts),
        Expr::And(sides) if truth => {
            collect(&sides.0, true, facts);
            collect(&sides.1, true, facts);
        }
        Expr::Or(sides) if !truth => {
            collect(&sides.0, false, facts);
            collect(&sides.1, false, facts);
        }
        Expr::And(sides) | Expr::Or(sides) => {
            // one of the two holds
            let (one, other) = (facts_when(&sides.0, truth), facts_when(&sides.1, truth));
            if one.len().saturating_mul(other.len()) <= PAIRS_MAX {
                let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
                let few = |fact: &Expr| alternatives(fact).len() <= VALUES_MAX;
                let pairs = pairs.filter(|(one, other)| few(one) && few(other));
                facts.extend(pairs.map(|(one, other)| Expr::Coalesce(Box::new((one.clone(), other.clone())))));
            }
        }
        _ => {}
    }
}

/// The values of `a ?? b ?? c`; of anything else, itself.
pub(super) fn alternatives(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    let mut left = vec![expr];
    while let Some(expr) = left.pop() {
        match expr {
            Expr::Coalesce(sides) => left.extend([&sides.1, &sides.0]),
            expr => found.push(expr),
        }
        if found.len() > VALUES_MAX {
            break;
        }
    }
    found
}

/// Whether the value is there where these are not, given a fact.
pub(super) fn follows(fact: &Expr, value: &Expr, absent: &[Expr]) -> bool {
    let of_fact = alternatives(fact);
    of_fact.contains(&value)
        && of_fact.len() <= VALUES_MAX
        && of_fact.iter().all(|other| *other == value || absent.contains(other))
}

/// Whether the expression speaks of the item of the innermost per-item function; such a fact ends there.
pub(super) fn about_item(expr: &Expr) -> bool {
    match expr {
        Expr::It(_) => true,
        Expr::Field(field) => about_item(&field.0),
        Expr::Index(index) => about_item(&index.0) || about_item(&index.1),
        Expr::Coalesce(sides) => about_item(&sides.0) || about_item(&sides.1),
        _ => false,
    }
}
