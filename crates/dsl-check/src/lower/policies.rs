//! The policies that bind a plan, as far as a run enforces them again: what is allowed, upper bounds, and the rules by
//! their text.

use std::collections::BTreeMap;

use dsl_syntax::ast::{Clause, Decl, ExprKind, Rule, StringLit, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::plan::{Allow, Policy, PolicyLimit, PolicyRule};
use smol_str::SmolStr;

use crate::check::{self, Cx};
use crate::signatures::clause;
use crate::types::{Report, literal_value};

pub(super) fn policy(cx: &Cx<'_>, decl: &Decl) -> Option<Policy> {
    let block = |key| match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Clauses(clauses)) => clauses.as_slice(),
        _ => &[],
    };
    let rules = decl.clauses.iter().filter_map(|clause| match &clause.value {
        Value::Rule(found) => Some(rule(cx, found)),
        _ => None,
    });
    Some(Policy {
        name: decl.name.as_ref()?.text.clone(),
        title: decl.title.as_ref().and_then(StringLit::plain),
        allow: allow(block(K::Allow)),
        limit: limit(block(K::Limit)),
        rules: rules.collect(),
    })
}

fn allow(clauses: &[Clause]) -> Allow {
    let mut found = Allow::default();
    for clause in clauses {
        let patterns = patterns(&clause.value);
        match clause.key {
            Some(K::Capabilities) => found.capabilities = patterns,
            Some(K::Network) => found.network = patterns,
            Some(K::Read) => found.read = patterns,
            Some(K::Write) => found.write = patterns,
            _ => {}
        }
    }
    found
}

fn patterns(value: &Value) -> Option<Vec<SmolStr>> {
    match value {
        Value::Names(names) => Some(names.iter().map(|name| name.text.clone()).collect()),
        Value::Items(items) => Some(
            items
                .iter()
                .filter_map(|item| match &item.kind {
                    ExprKind::String(text) => text.plain(),
                    _ => None,
                })
                .collect(),
        ),
        _ => None,
    }
}

fn limit(clauses: &[Clause]) -> PolicyLimit {
    let mut found = PolicyLimit::default();
    for clause in clauses {
        let Value::Expr(expr) = &clause.value else { continue };
        let count = || match literal_value(expr, &mut Report::default())?.0 {
            ir::Value::Int(count) => u64::try_from(count).ok(),
            _ => None,
        };
        match clause.key {
            Some(K::Cost) => found.cost = check::money(expr),
            Some(K::Time) => found.time_ms = check::duration_ms(expr),
            Some(K::Tasks) => found.tasks = count(),
            Some(K::Tokens) => found.tokens = count(),
            _ => {}
        }
    }
    found
}

fn rule(cx: &Cx<'_>, rule: &Rule) -> PolicyRule {
    let clauses = rule.clauses.iter().map(|clause| {
        let text = check::written(cx, clause.span);
        let value = text.split_once(':').map_or(text.as_str(), |(_, value)| value.trim());
        (clause.name.text.clone(), SmolStr::from(value))
    });
    PolicyRule {
        name: rule.name.text.clone(),
        clauses: clauses.collect::<BTreeMap<_, _>>(),
    }
}
