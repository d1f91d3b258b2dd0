//! Routes and arms that can never be taken.
//!
//! Read from the node's own block: which modes it may fail with, which arms stand after one that is always true. Of
//! anything that others may decide (capabilities, subplans, agents) every mode is taken to be possible. Absent: whether
//! the node runs at all.

use std::collections::BTreeSet;

use dsl_syntax::ast::{Clause, Decl, Expr as Ast, ExprKind, Name, Route, RouteOn, Span, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use ir::Expr;
use smol_str::SmolStr;

use super::Cx;
use super::doubt::once_only;
use super::env::{Place, Reads};
use super::flow::covered;
use super::task::{whose, written};
use crate::rules;
use crate::signatures::{clause, is_script_capability, name_of};
use crate::types::Problem;
use crate::walk::unparen;

pub(super) fn check(cx: &Cx<'_>, decl: &Decl) {
    fallback(cx, decl);
    if !decl
        .clauses
        .iter()
        .any(|clause| matches!(clause.value, Value::Route(_)))
        || is_broken(decl)
    {
        return;
    }
    for (clause, route) in routes(decl) {
        let RouteOn::Event(event) = &route.on else { continue };
        let Some(never) = never(cx, decl, event) else { continue };
        let message = format!("the route on `{}` is never taken: {}", event.text, never.why);
        let problem = Problem::new(rules::DEAD_ROUTE, event.span, message);
        let problem = match never.help {
            Some(help) => problem.help(help),
            None => problem,
        };
        cx.push(problem.fix(
            "remove the route",
            false,
            vec![(cx.whole_lines(clause.span), String::new())],
        ));
    }
    if decl.kind == DeclKind::Decision && !cx.has_errors() {
        arms(cx, decl);
    }
}

/// A fallback of what cannot fail.
fn fallback(cx: &Cx<'_>, decl: &Decl) {
    let Some(clause) = clause(decl, K::Fallback).filter(|_| !is_broken(decl) && does_nothing(decl)) else {
        return;
    };
    let message = format!(
        "the fallback is never needed: {} does nothing that can fail",
        whose(decl)
    );
    let problem = Problem::new(rules::DEAD_ROUTE, clause.name.span, message);
    let edits = vec![(cx.whole_lines(clause.span), String::new())];
    cx.push(problem.fix("remove the fallback", false, edits));
}

/// A clause that could not be read may be the one that matters.
fn is_broken(decl: &Decl) -> bool {
    let unread = |clause: &Clause| matches!(clause.value, Value::Error | Value::Unknown);
    decl.clauses.iter().any(unread)
}

fn routes(decl: &Decl) -> impl Iterator<Item = (&Clause, &Route)> {
    decl.clauses.iter().filter_map(|clause| match &clause.value {
        Value::Route(route) => Some((clause, route)),
        _ => None,
    })
}

/// Why an event cannot be.
struct Never {
    why: String,
    help: Option<&'static str>,
}

fn because(why: String, help: Option<&'static str>) -> Option<Never> {
    Some(Never { why, help })
}

fn never(cx: &Cx<'_>, decl: &Decl, event: &Name) -> Option<Never> {
    match decl.kind {
        DeclKind::Task => never_of_task(cx, decl, &event.text),
        DeclKind::Gate => never_of_gate(decl, &event.text),
        DeclKind::Decision => never_of_decision(decl, &event.text),
        _ => None,
    }
}

fn never_of_task(cx: &Cx<'_>, decl: &Decl, event: &str) -> Option<Never> {
    let has = |key| clause(decl, key).is_some();
    let whose = whose(decl);
    if matches!(event, "success" | "cancelled" | "denied" | "expression-error") || has(K::Call) {
        return None;
    }
    let declared = decl
        .clauses
        .iter()
        .any(|clause| matches!(&clause.value, Value::Fail(fail) if fail.mode.text == event));
    if declared {
        return None;
    }
    if does_nothing(decl) {
        return because(format!("{whose} does nothing that can fail"), None);
    }
    if event == "in-doubt" {
        let why = format!("{whose} is idempotent, so that an undecided attempt is repeated");
        return match once_only(cx, decl) {
            Some(_) => None,
            None => because(why, Some("add a line `idempotent: false` if it must not be repeated")),
        };
    }
    if event == "expectation" {
        return (!has(K::Expect)).then(|| lacks(&whose, "expect"))?;
    }
    let using = name_of(decl, K::Using).is_some_and(|name| !is_script_capability(&name));
    // what a called plan fails with is its caller's failure
    if using || has(K::Do) || has(K::Call) || has(K::By) {
        return None;
    }
    match event {
        "timeout" if !has(K::Timeout) => because(format!("{whose} has no `timeout`"), Some("add a line `timeout: …`")),
        "precondition" if !has(K::Requires) => lacks(&whose, "requires"),
        "budget-exceeded" if !has(K::Budget) => lacks(&whose, "budget"),
        "invalid-output" if !has(K::Output) && !has(K::Remember) => lacks(&whose, "output"),
        "rate-limited" | "quota-exceeded" | "circuit-open" => {
            because(format!("{whose} calls nobody that could refuse it"), None)
        }
        _ => None,
    }
}

fn lacks(whose: &str, clause: &str) -> Option<Never> {
    because(format!("{whose} has no `{clause}`"), None)
}

/// A milestone of which nothing is asked.
fn does_nothing(decl: &Decl) -> bool {
    decl.clauses.iter().all(|clause| {
        matches!(
            clause.key,
            Some(
                K::Needs
                    | K::Kind
                    | K::On
                    | K::Description
                    | K::Labels
                    | K::Owner
                    | K::Priority
                    | K::Optional
                    | K::Fallback
            )
        )
    })
}

fn never_of_gate(decl: &Decl, event: &str) -> Option<Never> {
    let whose = whose(decl);
    match event {
        "timeout" if clause(decl, K::Timeout).is_none() => {
            because(format!("{whose} has no `timeout`"), Some("add a line `timeout: …`"))
        }
        "expectation" | "precondition" | "invalid-output" | "rate-limited" | "quota-exceeded" | "circuit-open" => {
            because(
                "a gate does not fail with that mode".into(),
                Some("a gate fails with `rejected` or `timeout`"),
            )
        }
        _ => None,
    }
}

fn never_of_decision(decl: &Decl, event: &str) -> Option<Never> {
    match event {
        "timeout" | "expectation" | "precondition" | "invalid-output" | "rate-limited" | "quota-exceeded"
        | "circuit-open" | "in-doubt" | "budget-exceeded"
            // arms on hypotheses are named like them
            if clause(decl, K::From).is_none() =>
        {
            because(format!("{} only compares, so it cannot fail with that mode", whose(decl)), None)
        }
        _ => None,
    }
}

/// What the arms so far leave open of one enumeration.
#[derive(Default)]
struct Open {
    subject: Option<Expr>,
    taken: BTreeSet<SmolStr>,
}

/// Arms whose condition is never true where they stand.
fn arms(cx: &Cx<'_>, decl: &Decl) {
    let place = Place::new(cx, Reads::NODE);
    let mut open = Open::default();
    let mut always: Option<(Span, String)> = None;
    for (at, (clause, route)) in routes(decl).enumerate() {
        if let Some((span, why)) = &always {
            if !matches!(route.on, RouteOn::Event(_)) {
                dead_arm(cx, decl, clause, why, Some(*span));
            }
            continue;
        }
        let never = cx.noted.arm_at(at).never;
        let RouteOn::When(condition) = &route.on else {
            if let Some(why) = &never {
                dead_arm(cx, decl, clause, why, None);
            }
            continue;
        };
        match &unparen(condition).kind {
            ExprKind::Bool(true) => always = Some((condition.span, "the arm above is always taken".into())),
            ExprKind::Bool(false) => dead_arm(cx, decl, clause, "its condition is `false`", None),
            _ => {
                if let Some(why) = &never {
                    dead_arm(cx, decl, clause, why, None);
                }
                always = open.close(cx, condition, &place);
            }
        }
    }
}

impl Open {
    /// Takes what the arm compares; where that leaves nothing, the arm, and why.
    fn close(&mut self, cx: &Cx<'_>, condition: &Ast, place: &Place<'_, '_>) -> Option<(Span, String)> {
        let found = covered(condition, place)?;
        let subject = self.subject.get_or_insert_with(|| found.subject.clone());
        if *subject != found.subject {
            return None;
        }
        self.taken.extend(found.some);
        let text = written(cx, subject_span(condition));
        let why = || format!("the arms above name every value of `{text}`");
        found.all.is_subset(&self.taken).then(|| (condition.span, why()))
    }
}

/// What is compared, of a condition that compares an enumeration.
fn subject_span(condition: &Ast) -> Span {
    match &unparen(condition).kind {
        ExprKind::Binary { lhs, .. } => match unparen(lhs).kind {
            ExprKind::Binary { .. } => subject_span(lhs),
            _ => lhs.span,
        },
        _ => condition.span,
    }
}

fn dead_arm(cx: &Cx<'_>, decl: &Decl, clause: &Clause, why: &str, because: Option<Span>) {
    let message = format!("{} never takes this arm: {why}", whose(decl));
    let problem = Problem::new(rules::DEAD_ROUTE, clause.name.span, message);
    let problem = match because {
        Some(span) => problem.label(span, "after this nothing is left"),
        None => problem,
    };
    cx.push(problem.fix(
        "remove the arm",
        false,
        vec![(cx.whole_lines(clause.span), String::new())],
    ));
}
