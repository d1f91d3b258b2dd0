//! Profiles and tests: both are about a plan that stands elsewhere. Absent: carrying them out.

use std::collections::BTreeMap;

use dsl_syntax::ast::{Clause, Decide, Decl, Mock, MockReplyKind, MockTarget, Name, Span, Value};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Place, Reads};
use super::task::{expectations, record, typed};
use super::work::{capability, unknown_input};
use super::{Cx, Seen, literals, shape};
use crate::rules;
use crate::scope::PlanShape;
use crate::signatures::{NodeKind, Work, clause};
use crate::types::{Problem, infer};

/// The plan that a profile or test is about.
fn about<'db>(cx: &Cx<'db>, decl: &Decl) -> Option<&'db PlanShape> {
    let name = decl.of.as_ref()?;
    let found = cx.scope.plans.get(&name.text).map(|shape| &**shape);
    if found.is_none() && !cx.scope.excuses(&name.text) {
        let known: Vec<SmolStr> = cx.scope.plans.keys().cloned().collect();
        let problem = Problem::new(
            rules::UNRESOLVED_NAME,
            name.span,
            format!("there is no plan `{}`", name.text),
        );
        cx.push(problem.nearest(&name.text, &known));
    }
    found
}

pub(super) fn check_profile(cx: &Cx<'_>, decl: &Decl) {
    if about(cx, decl).is_none() {
        return;
    }
    shape::duplicate_names(cx, decl.clauses.iter().map(|clause| &clause.name), "the path");
    for clause in &decl.clauses {
        path(cx, decl, clause);
    }
}

fn path(cx: &Cx<'_>, decl: &Decl, clause: &Clause) {
    let text = clause.name.text.as_str();
    let (first, rest) = text.split_once('.').unwrap_or((text, ""));
    if table::find(table::clauses(DeclKind::Plan), first).is_some() {
        plan_value(cx, first, rest, clause);
    } else if let Some((_, seen)) = cx.view.get(first) {
        node_value(cx, seen, rest, clause);
    } else if cx
        .scope
        .capabilities
        .keys()
        .any(|name| text.starts_with(&format!("{name}.")))
    {
        if !text.ends_with(".runner") {
            let message = format!("`{text}` is no path of a capability, expected its `runner`");
            cx.push(Problem::new(rules::UNRESOLVED_NAME, clause.name.span, message));
        }
    } else {
        let plan = decl.of.as_ref().map_or("", |of| of.text.as_str());
        let mut known: Vec<SmolStr> = table::clauses(DeclKind::Plan)
            .iter()
            .map(|row| row.key.word().into())
            .collect();
        known.extend(nodes_of(cx, decl));
        let span = Span::new(clause.name.span.start, clause.name.span.start + first.len() as u32);
        let message = format!("the plan `{plan}` has no clause or node `{first}`");
        cx.push(Problem::new(rules::UNRESOLVED_NAME, span, message).nearest(first, &known));
    }
}

/// The names of the nodes of the plan that a profile or test is about.
fn nodes_of(cx: &Cx<'_>, decl: &Decl) -> Vec<SmolStr> {
    let Some(shape) = decl.of.as_ref().and_then(|of| cx.scope.plans.get(&of.text)) else {
        return Vec::new();
    };
    let plans = crate::plans::file_plans(cx.db, shape.file);
    let plan = plans.plans.iter().find(|plan| plan.name == shape.plan.name);
    plan.map(|plan| plan.nodes.iter().map(|(_, sig)| sig.name.clone()).collect())
        .unwrap_or_default()
}

/// An override's own value.
fn inner(clause: &Clause) -> &Value {
    match &clause.value {
        Value::Override(value) => value,
        value => value,
    }
}

fn expect_type(cx: &Cx<'_>, clause: &Clause, ty: &Type) {
    if let Value::Expr(expr) = inner(clause) {
        typed(cx, expr, ty, &Place::new(cx, Reads::NOTHING));
    }
}

fn plan_value(cx: &Cx<'_>, first: &str, rest: &str, clause: &Clause) {
    match (first, rest) {
        ("timeout" | "budget", "" | "time") => expect_type(cx, clause, &Type::Duration),
        ("budget" | "limits", "cost") => expect_type(cx, clause, &Type::Money),
        ("budget" | "limits", "tokens" | "parallel") => expect_type(cx, clause, &Type::INT),
        ("params", name) => match cx.plan.params.iter().find(|field| field.name == name) {
            Some(field) => expect_type(cx, clause, &field.ty),
            None => missing_member(
                cx,
                clause,
                "the plan",
                name,
                cx.plan.params.iter().map(|field| field.name.clone()),
            ),
        },
        _ => {}
    }
}

fn node_value(cx: &Cx<'_>, seen: &Seen, rest: &str, clause: &Clause) {
    let (word, member) = rest.split_once('.').unwrap_or((rest, ""));
    let rows = match seen.sig.kind {
        NodeKind::Task => table::clauses(DeclKind::Task),
        NodeKind::Gate => table::clauses(DeclKind::Gate),
        NodeKind::Decision => table::clauses(DeclKind::Decision),
        NodeKind::Hypothesis => table::clauses(DeclKind::Hypothesis),
    };
    if table::find(rows, word).is_none() {
        let what = format!("the {} `{}`", seen.sig.kind.word(), seen.sig.name);
        missing_member(
            cx,
            clause,
            &what,
            word,
            rows.iter().map(|row| SmolStr::from(row.key.word())),
        );
        return;
    }
    match (word, &seen.sig.work) {
        ("timeout", _) => expect_type(cx, clause, &Type::Duration),
        ("retry", _) => match inner(clause) {
            Value::Retry(retry) => {
                literals::retry_value(cx, retry, Some(&seen.sig.modes));
            }
            _ => expect_type(cx, clause, &Type::INT),
        },
        ("input", Work::Capability(name)) if !member.is_empty() => {
            let Some(capability) = cx.scope.capabilities.get(name) else {
                return;
            };
            match capability.input.iter().find(|field| field.name == member) {
                Some(field) => expect_type(cx, clause, &field.ty),
                None => {
                    let known = capability.input.iter().map(|field| field.name.clone());
                    missing_member(cx, clause, &format!("the capability `{name}`"), member, known);
                }
            }
        }
        _ => {}
    }
}

fn missing_member(cx: &Cx<'_>, clause: &Clause, whose: &str, name: &str, known: impl Iterator<Item = SmolStr>) {
    let known: Vec<SmolStr> = known.collect();
    let end = clause.name.span.end;
    let start = end.saturating_sub(name.len() as u32).max(clause.name.span.start);
    let message = format!("{whose} has no `{name}`");
    cx.push(Problem::new(rules::UNRESOLVED_NAME, Span::new(start, end), message).nearest(name, &known));
}

pub(super) fn check_test(cx: &Cx<'_>, decl: &Decl) {
    let Some(shape) = about(cx, decl) else { return };
    let span = decl.title.as_ref().map_or(decl.keyword, |title| title.span);
    for clause in &decl.clauses {
        match &clause.value {
            Value::Assigns(assigns) if clause.key == Some(K::Given) => {
                shape::duplicate_names(cx, assigns.iter().map(|assign| &assign.name), "the parameter");
                for assign in assigns {
                    match shape.plan.params.iter().find(|field| field.name == assign.name.text) {
                        Some(field) => {
                            typed(cx, &assign.value, &field.ty, &Place::new(cx, Reads::NOTHING));
                        }
                        None => unknown_input(cx, &assign.name, &shape.plan.params, "the plan takes"),
                    }
                }
            }
            Value::Mock(mock) => check_mock(cx, decl, mock),
            Value::Decide(decide) => check_decide(cx, decl, decide),
            _ => {}
        }
    }
    let given = |name: &str| match clause(decl, K::Given).map(|clause| &clause.value) {
        Some(Value::Assigns(assigns)) => assigns.iter().any(|assign| assign.name.text == name),
        _ => false,
    };
    super::work::missing_inputs(cx, &shape.plan.params, span, given, "this test");
    let reads = Reads {
        run: true,
        nodes: true,
        outcome: true,
        test: true,
        ..Reads::NOTHING
    };
    expectations(cx, decl, K::Expect, true, &Place::new(cx, reads));
}

/// A node of the plan by its name; `None` was reported.
fn node<'db>(cx: &Cx<'db>, decl: &Decl, name: &Name, kind: NodeKind) -> Option<&'db Seen> {
    let found = cx
        .view
        .get(&name.text)
        .map(|(_, seen)| seen)
        .filter(|seen| seen.sig.kind == kind);
    if found.is_none() {
        let message = format!("the plan has no {} `{}`", kind.word(), name.text);
        cx.push(Problem::new(rules::UNRESOLVED_NAME, name.span, message).nearest(&name.text, &nodes_of(cx, decl)));
    }
    found
}

fn check_mock(cx: &Cx<'_>, decl: &Decl, mock: &Mock) {
    let optional = |ty: Type| ty.optional();
    let (answer, reads) = match &mock.target {
        MockTarget::Task(name) => {
            let known = node(cx, decl, name, NodeKind::Task).is_some();
            let fields = [("exit", Type::INT), ("stdout", Type::STRING), ("stderr", Type::STRING)];
            let fields: BTreeMap<SmolStr, Type> = fields
                .into_iter()
                .map(|(name, ty)| (name.into(), optional(ty)))
                .collect();
            (if known { Type::Fields(fields) } else { Type::Error }, Vec::new())
        }
        MockTarget::Capability(name) if name.text == "judge" => (Type::Bool, Vec::new()),
        MockTarget::Capability(name) => match capability(cx, name) {
            Some(capability) => (
                record(&capability.output),
                capability
                    .input
                    .iter()
                    .map(|field| (field.name.clone(), field.ty.clone()))
                    .collect(),
            ),
            None => (Type::Error, Vec::new()),
        },
    };
    if let Some(by) = &mock.by {
        super::agents::known(cx, by);
        if let MockTarget::Capability(capability) = &mock.target {
            super::agents::provides(cx, by, capability);
        }
    }
    let mut place = Place::new(cx, Reads::NOTHING);
    place.input = &reads;
    if let Some(when) = &mock.when {
        typed(cx, when, &Type::Bool, &place);
    }
    for reply in &mock.replies {
        if let MockReplyKind::Value(value) = &reply.kind {
            cx.with_report(|report| infer(value, Some(&answer), &place, report));
        }
    }
}

fn check_decide(cx: &Cx<'_>, decl: &Decl, decide: &Decide) {
    let Some(seen) = node(cx, decl, &decide.gate, NodeKind::Gate) else {
        return;
    };
    if let Some(option) = decide
        .choosing
        .as_ref()
        .filter(|option| !seen.sig.options.contains(&option.text))
    {
        let message = format!("the gate `{}` has no option `{}`", decide.gate.text, option.text);
        let problem = Problem::new(rules::UNRESOLVED_NAME, option.span, message);
        cx.push(problem.nearest(&option.text, &seen.sig.options));
    }
    if let Some(after) = &decide.after {
        literals::duration(cx, after, "`after`");
    }
}
