//! Narrowing: what a condition says about values that may be absent.
//!
//! A fact is an expression known not to be none. Facts are about lowered expressions, so that `collect.sources` is one
//! thing however it is written. Absent: facts about anything but presence.

use ir::Expr;

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
        _ => {}
    }
}

/// Whether the expression speaks of the item of the innermost per-item function; such a fact ends there.
pub(super) fn about_item(expr: &Expr) -> bool {
    match expr {
        Expr::It(_) => true,
        Expr::Field(field) => about_item(&field.0),
        Expr::Index(index) => about_item(&index.0) || about_item(&index.1),
        _ => false,
    }
}
