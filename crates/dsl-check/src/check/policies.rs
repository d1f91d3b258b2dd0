//! A policy, where it is declared: its selectors, conditions, patterns and limits.
//!
//! The compiler of policies reports what it cannot understand; here is what only the words of the clauses tell. Absent: plans.

use dsl_syntax::ast::{Decl, Expr, ExprKind, Span, Value};
use dsl_syntax::table::ClauseKey as K;

use super::Cx;
use super::effects::{host_problem, pattern_problem};
use super::shape::kinds;
use crate::policy::{Compiler, Names, has_plans, known};
use crate::rules;
use crate::signatures::clause;
use crate::types::Problem;

pub(super) fn check(cx: &Cx<'_>, decl: &Decl) {
    let kinds = kinds(cx.db());
    cx.with_report(|report| {
        let mut compiler = Compiler {
            text: cx.text(),
            kinds: &kinds,
            report,
        };
        let name = decl.name.as_ref().map(|name| name.text.clone()).unwrap_or_default();
        compiler.policy(decl, name);
    });
    names(cx, decl);
    let Some(Value::Clauses(clauses)) = clause(decl, K::Allow).map(|clause| &clause.value) else {
        return;
    };
    for clause in clauses {
        let Value::Items(items) = &clause.value else { continue };
        let texts = items.iter().filter_map(text_of);
        match clause.key {
            Some(K::Network) => texts.for_each(|(text, span)| host(cx, &text, span)),
            Some(K::Read | K::Write) => texts.for_each(|(text, span)| pattern(cx, &text, span)),
            _ => {}
        }
    }
}

/// Names of things that nobody declares.
fn names(cx: &Cx<'_>, decl: &Decl) {
    let db = cx.db();
    let mut names = Names {
        known: known(db),
        is_whole: has_plans(db, cx.file),
        found: Vec::new(),
    };
    names.policy(decl);
    let found = names.found.into_iter();
    let is_missing = |problem: &Problem| {
        let written = cx.text().get(problem.span.range()).unwrap_or_default();
        !cx.scope.excuses(written)
    };
    found.filter(is_missing).for_each(|problem| cx.push(problem));
}

fn text_of(expr: &Expr) -> Option<(smol_str::SmolStr, Span)> {
    match &expr.kind {
        ExprKind::String(text) => Some((text.plain()?, expr.span)),
        _ => None,
    }
}

fn host(cx: &Cx<'_>, text: &str, span: Span) {
    let Some((message, host)) = host_problem(text) else {
        return;
    };
    let mut problem = Problem::new(rules::INVALID_LITERAL, span, message);
    if let Some(host) = host {
        let title = format!("change it to `{host}`");
        problem = problem
            .help(format!("write `\"{host}\"`"))
            .fix(title, true, vec![(span, format!("\"{host}\""))]);
    }
    cx.push(problem);
}

fn pattern(cx: &Cx<'_>, text: &str, span: Span) {
    if let Some(why) = pattern_problem(text) {
        cx.push(Problem::new(rules::INVALID_LITERAL, span, why));
    }
}
