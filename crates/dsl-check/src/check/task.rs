//! Nodes: each clause checked in its scope and lowered at the same time, so that checker and compiler cannot disagree.
//!
//! While only checking, ids of other nodes are local to the block and the result is dropped.

use dsl_syntax::ast::{Clause, Decl, Expr as Ast, ExprKind, Name, NeedKind, RouteOn, Span, Text, TypedAssign, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use ir::Expr;
use ir::plan::{
    Body, Budget, Each, Evidence, Expectation, FailMode, Hypothesis, Need, Node, Output, Remember, Retry, Route, Task,
    Work,
};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Captures, Place, Reads};
use super::literals::{self, expr_of, timeout};
use super::work::{Doer, input, steps, work};
use super::{Cx, agents, effects, flow, scripts, settings, shape};
use crate::graph::BUILTIN_MODES;
use crate::meant::event_called;
use crate::reach::{Cond, is_total};
use crate::rules;
use crate::scope::PlanScope;
use crate::signatures::{NodeKind, clause, name_of};
use crate::types::{Problem, Report, facts_when, infer, infer_string, resolve_type};
use crate::walk;
use crate::walk::unparen;

/// A node as far as its own block tells.
pub(crate) struct NodeParts {
    /// A hypothesis has none.
    pub node: Option<Node>,
    pub hypothesis: Option<Hypothesis>,
    pub own_retry: bool,
}

pub(crate) fn lower_node(cx: &Cx<'_>, decl: &Decl) -> NodeParts {
    let mut supposed = None;
    let node = match decl.kind {
        DeclKind::Gate => Some(flow::gate(cx, decl)),
        DeclKind::Decision => Some(flow::decision(cx, decl)),
        DeclKind::Hypothesis => {
            supposed = hypothesis(cx, decl);
            None
        }
        _ => Some(task(cx, decl)),
    };
    NodeParts {
        node,
        hypothesis: supposed,
        own_retry: clause(decl, K::Retry).is_some(),
    }
}

/// `None`: what is wrong with it has been said.
fn hypothesis(cx: &Cx<'_>, decl: &Decl) -> Option<Hypothesis> {
    let prior = expr_of(decl, K::Prior)?;
    let prior = settings::prior(cx, prior)?;
    let place = Place::new(cx, Reads::PLAN);
    Some(Hypothesis {
        name: decl.name.as_ref()?.text.clone(),
        title: decl
            .title
            .as_ref()
            .map(|title| cx.with_report(|report| infer_string(title, &place, report)).expr),
        description: prose(decl, K::Description),
        prior,
    })
}

/// What all nodes have. The caller adds the body.
pub(super) fn common(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>, when: Option<Expr>, body: Body) -> Node {
    Node {
        id: decl.name.as_ref().map(|name| name.text.clone()).unwrap_or_default(),
        title: decl
            .title
            .as_ref()
            .map(|title| cx.with_report(|report| infer_string(title, place, report)).expr)
            .into(),
        line: 0,
        kind: name_of(decl, K::Kind).into(),
        description: prose(decl, K::Description).into(),
        owner: name_of(decl, K::Owner).into(),
        labels: names_in(decl, K::Labels).into(),
        needs: needs(cx, decl),
        when: when.into(),
        priority: expr_of(decl, K::Priority)
            .and_then(|expr| {
                cx.with_report(|report| crate::types::literal_int(expr, &Place::new(cx, Reads::NOTHING), report))
            })
            .unwrap_or_default(),
        optional: literals::bool_clause(cx, decl, K::Optional).unwrap_or_default(),
        routes: routes(cx, decl).into(),
        body,
    }
}

pub(crate) fn names_in(decl: &Decl, key: K) -> Vec<SmolStr> {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Names(names)) => names.iter().map(|name| name.text.clone()).collect(),
        _ => Vec::new(),
    }
}

/// Text for people.
pub(crate) fn prose(decl: &Decl, key: K) -> Option<SmolStr> {
    prose_of(&clause(decl, key)?.value)
}

pub(super) fn prose_of(value: &Value) -> Option<SmolStr> {
    match value {
        Value::Text(Text::Raw(raw)) => Some(raw.text.clone()),
        Value::Text(Text::String(text)) => text.plain(),
        _ => None,
    }
}

/// A name in `needs`: something that runs.
fn needed(cx: &Cx<'_>, name: &Name) -> Option<u32> {
    let (at, seen) = cx.node(name)?;
    if seen.sig.kind == NodeKind::Hypothesis {
        let message = format!("`{}` is a hypothesis, expected a task, gate or decision", name.text);
        cx.push(Problem::new(rules::TYPE_MISMATCH, name.span, message));
        return None;
    }
    Some(cx.node_id(at))
}

fn needs(cx: &Cx<'_>, decl: &Decl) -> Vec<Need> {
    let Some(Value::Needs(needs)) = clause(decl, K::Needs).map(|clause| &clause.value) else {
        return Vec::new();
    };
    let plain = needs.iter().filter_map(|need| match &need.kind {
        NeedKind::Node { name, .. } => Some(name),
        _ => None,
    });
    shape::duplicate_names(cx, plain, "the need");
    let quorum = |count: u32, of: &[Name], span: Span| {
        shape::duplicate_names(cx, of.iter(), "the need");
        let ids: Vec<u32> = of.iter().filter_map(|name| needed(cx, name)).collect();
        if count == 0 || count as usize > of.len() {
            let message = format!("{count} of {} nodes, expected 1 to {}", of.len(), of.len());
            let near = (count as usize).clamp(1, of.len().max(1));
            let problem = Problem::new(rules::OUT_OF_RANGE, span, message);
            cx.push(problem.fix(format!("change it to {near}"), false, vec![(span, near.to_string())]));
        }
        (ids.len() == of.len()).then_some(Need::Quorum { count, of: ids })
    };
    needs
        .iter()
        .filter_map(|need| match &need.kind {
            NeedKind::Node { name, optional } => Some(Need::Node {
                node: needed(cx, name)?,
                optional: *optional,
            }),
            NeedKind::Any(of) => quorum(1, of, need.span),
            NeedKind::Quorum { count, count_span, of } => quorum(*count, of, *count_span),
        })
        .collect()
}

fn routes(cx: &Cx<'_>, decl: &Decl) -> Vec<Route> {
    let mut found = Vec::new();
    for clause in &decl.clauses {
        let Value::Route(route) = &clause.value else {
            continue;
        };
        let RouteOn::Event(event) = &route.on else {
            continue;
        };
        if decl.kind == DeclKind::Decision && !BUILTIN_MODES.contains(&event.text.as_str()) && event.text != "success" {
            // an arm on a hypothesis
            continue;
        }
        let to = needed(cx, &route.to);
        if known_event(cx, decl, event) {
            found.extend(to.map(|to| Route {
                on: event.text.clone(),
                to,
            }));
        }
    }
    found
}

fn known_event(cx: &Cx<'_>, decl: &Decl, event: &Name) -> bool {
    let mut events: Vec<SmolStr> = vec!["success".into()];
    events.extend(BUILTIN_MODES.iter().map(|mode| SmolStr::from(*mode)));
    if decl.kind == DeclKind::Gate {
        events.extend(["approved", "rejected"].map(SmolStr::from));
    }
    events.extend(fail_clauses(decl).map(|(_, mode, _)| mode.text.clone()));
    if events.contains(&event.text) {
        return true;
    }
    let whose = decl.name.as_ref().map_or("this node", |name| name.text.as_str());
    let expected = match decl.kind {
        DeclKind::Gate => "`approved`, `rejected`, `timeout` or `failure`",
        _ => "`success`, `failure` or a failure mode",
    };
    let message = format!("`{whose}` has no event `{}`, expected {expected}", event.text);
    let problem = Problem::new(rules::UNRESOLVED_NAME, event.span, message);
    cx.push(problem.meant(&event.text, event_called(&event.text), &events));
    false
}

fn fail_clauses(decl: &Decl) -> impl Iterator<Item = (&Clause, &Name, &dsl_syntax::ast::Fail)> {
    decl.clauses.iter().filter_map(|clause| match &clause.value {
        Value::Fail(fail) => Some((clause, &fail.mode, fail)),
        _ => None,
    })
}

/// An expression of a known type.
pub(super) fn typed(cx: &Cx<'_>, expr: &Ast, ty: &Type, place: &Place<'_, '_>) -> Expr {
    // of a type that is not known they may be members
    let is_name = |expr: &Ast| matches!(unparen(expr).kind, ExprKind::Name(_));
    let are_names = || match &unparen(expr).kind {
        ExprKind::List(items) => items.iter().all(is_name),
        _ => is_name(expr),
    };
    if ty.is_error() && are_names() {
        return Expr::Const(ir::Value::None);
    }
    cx.with_report(|report| infer(expr, Some(ty), place, report)).expr
}

pub(super) fn when(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>) -> Option<Expr> {
    let expr = expr_of(decl, K::When)?;
    let (lowered, sound) = condition(cx, expr, place);
    if sound && is_total(&lowered) {
        cx.noted.when(Cond::of(&lowered, true, cx));
    }
    Some(lowered)
}

/// A condition, and whether nothing is wrong with it.
pub(super) fn condition(cx: &Cx<'_>, expr: &Ast, place: &Place<'_, '_>) -> (Expr, bool) {
    let before = cx.problems();
    let lowered = typed(cx, expr, &Type::Bool, place);
    // what depends on a mistake elsewhere is lowered to a constant that nobody wrote
    let (mut written, mut constant) = (false, false);
    walk::deep(expr, &mut |inner| written |= matches!(inner.kind, ExprKind::Bool(_)));
    lowered.walk(&mut |inner, _, _| constant |= matches!(inner, Expr::Const(ir::Value::Bool(_))));
    let sound = cx.problems() == before && (written || !constant);
    (lowered, sound)
}

/// `expect`, `requires`, `checks`: conditions, and prose where it is allowed.
pub(super) fn expectations(cx: &Cx<'_>, decl: &Decl, key: K, prose: bool, place: &Place<'_, '_>) -> Vec<Expectation> {
    let Some(Value::Items(items)) = clause(decl, key).map(|clause| &clause.value) else {
        return Vec::new();
    };
    items
        .iter()
        .map(|item| match &item.kind {
            ExprKind::String(text) if prose => {
                cx.with_report(|report| infer_string(text, place, report));
                let plain = text
                    .plain()
                    .unwrap_or_else(|| written(cx, item.span).trim_matches('"').into());
                Expectation::Prose { text: plain }
            }
            _ => Expectation::Check {
                expr: typed(cx, item, &Type::Bool, place),
                text: written(cx, item.span).into(),
            },
        })
        .collect()
}

/// The text of a span, on one line.
pub(crate) fn written(cx: &Cx<'_>, span: Span) -> String {
    let slice = cx.text().get(span.range()).unwrap_or_default();
    slice.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn task(cx: &Cx<'_>, decl: &Decl) -> Node {
    let mut place = Place::new(cx, Reads::NODE);
    let when = when(cx, decl, &place);
    let known = when.as_ref().map(|when| facts_when(when, true)).unwrap_or_default();
    place.known = &known;
    let each = each(cx, decl, &mut place);
    let agents = agents::of_task(cx, decl);
    place.agents = &agents;

    let work = work(cx, decl);
    let (input, input_types) = input(cx, decl, &work, &place);
    place.input = &input_types;
    let timeout = expr_of(decl, K::Timeout).map(|expr| timeout(cx, expr, &place));
    let script = scripts::script(cx, decl, K::Run, &place);
    let rollback = scripts::script(cx, decl, K::Rollback, &place);
    let key = expr_of(decl, K::Key).map(|key| scripts::rendered(cx, key, &place).expr);
    place.reads = Reads::REQUIRES;
    let requires = expectations(cx, decl, K::Requires, false, &place);
    let assumes = expectations(cx, decl, K::Assumes, true, &place);
    let (mut steps, bound) = steps(cx, decl, &place);

    place.reads = Reads::OBSERVING;
    place.captures = captures(&work);
    place.own = &bound;
    let output = outputs(cx, decl, &place);
    let own = own_outputs(decl, &output, &work);
    place.own = &own;
    place.own_outputs = true;
    let expect = expectations(cx, decl, K::Expect, true, &place);
    place.reads = Reads::NODE;
    let fail = fail_modes(cx, decl, &place);
    let remember = remember(cx, decl, &place);
    let evidence = evidence(cx, decl, &place);

    let modes: Vec<SmolStr> = fail_clauses(decl).map(|(_, mode, _)| mode.text.clone()).collect();
    let retry = literals::retry(cx, decl, Some(&modes));
    let touches = effects::check(cx, decl);
    let (budget, cache_ms) = later_clauses(cx, decl);

    let said = literals::bool_clause(cx, decl, K::Idempotent);
    let of_work = !matches!(&work, Doer::Capability(capability) if !capability.idempotent);
    let idempotent = said.unwrap_or(!touches.doubtful && of_work);
    for step in &mut steps {
        step.idempotent = said.unwrap_or(!touches.doubtful && step.idempotent);
    }
    if !idempotent || steps.iter().any(|step| !step.idempotent) {
        never_reused(cx, decl);
    }
    let fallback = match clause(decl, K::Fallback).map(|clause| &clause.value) {
        Some(Value::Names(names)) => names.first().and_then(|name| needed(cx, name)),
        _ => None,
    };
    place.own = &[];
    place.own_outputs = false;
    place.captures = Captures::None;
    let work = match (work, script) {
        (_, Some(script)) => script.into(),
        (Doer::Capability(_), None) => Work::Capability(name_of(decl, K::Using).unwrap_or_default()),
        (Doer::Plan(..), None) => Work::Call(name_of(decl, K::Call).unwrap_or_default()),
        (_, None) if !steps.is_empty() => Work::Steps(steps),
        _ => Work::Nothing,
    };
    let body = Task {
        work,
        each: each.map(Box::new),
        input,
        output,
        fail: fail.into(),
        expect,
        requires: requires.into(),
        assumes: assumes.into(),
        risks: names_in(decl, K::Risks).into(),
        retry: retry.into(),
        timeout: timeout.into(),
        budget: budget.into(),
        by: agents.clone().into(),
        effects: effects::effects(decl).into(),
        idempotent,
        key: key.into(),
        cache_ms,
        fallback,
        rollback: rollback.map(Box::new),
        remember: remember.into(),
        evidence: evidence.into(),
    };
    common(cx, decl, &place, when, Body::Task(Box::new(body)))
}

fn each(cx: &Cx<'_>, decl: &Decl, place: &mut Place<'_, '_>) -> Option<Each> {
    let Value::Each(each) = &clause(decl, K::Each)?.value else {
        return None;
    };
    let list = cx.with_report(|report| infer(&each.list, None, &*place, report));
    cx.noted.each(&each.list, &list.ty);
    let item = match &list.ty {
        Type::List(list) => list.item.clone(),
        Type::Error => Type::Error,
        Type::Json => {
            let help = Some("check the data first: `… as list[json]`".to_owned());
            cx.with_report(|report| report.expected_one_of(each.list.span, &list.ty, "a list", help));
            Type::Error
        }
        Type::Optional(_) => {
            let written = written(cx, each.list.span);
            cx.with_report(|report| {
                report.not_optional_safe(each.list.span, Some(&written), (&list.ty, true), "a list")
            });
            Type::Error
        }
        other => {
            cx.with_report(|report| report.expected_one_of(each.list.span, other, "a list", None));
            Type::Error
        }
    };
    place.each = Some((each.var.text.clone(), item));
    let by = each.by.as_ref().map(|by| scripts::rendered(cx, by, place).expr);
    Some(Each {
        var: each.var.text.clone(),
        list: list.expr,
        by,
        parallel: literals::int_clause(cx, decl, K::Parallel, 1).map(|value| value as u32),
        tolerate: literals::tolerate(cx, decl),
    })
}

pub(super) fn first_name(decl: &Decl, key: K) -> Option<Span> {
    match &clause(decl, key)?.value {
        Value::Names(names) => names.first().map(|name| name.span),
        _ => None,
    }
}

pub(super) fn name_span(decl: &Decl) -> Span {
    decl.name.as_ref().map_or(decl.keyword, |name| name.span)
}

pub(super) fn whose(decl: &Decl) -> String {
    decl.name.as_ref().map_or_else(
        || format!("this {}", decl.kind.keyword()),
        |name| format!("`{}`", name.text),
    )
}

fn captures(work: &Doer<'_>) -> Captures {
    match work {
        Doer::Script => Captures::Script,
        Doer::Capability(capability) => Captures::Capability(capability.answer()),
        Doer::Plan(plan) => Captures::Capability(plan.answer()),
        Doer::Unknown => Captures::Capability(Type::Error),
        Doer::Nothing => Captures::None,
    }
}

fn outputs(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>) -> Vec<Output> {
    let Some(Value::Typed(typed)) = clause(decl, K::Output).map(|clause| &clause.value) else {
        return Vec::new();
    };
    shape::duplicate_names(cx, typed.iter().map(|item| &item.name), "the output");
    typed.iter().map(|item| output(cx, item, place, false)).collect()
}

/// An expression of a known type that may turn out absent. What is wrong with it is said of the type as it is written.
fn typed_if_there(expr: &Ast, ty: &Type, place: &Place<'_, '_>, report: &mut Report) -> Expr {
    let mut found = Report::default();
    let value = infer(expr, Some(&ty.clone().optional()), place, &mut found).expr;
    if !found.problems.is_empty() {
        let mut as_written = Report::default();
        infer(expr, Some(ty), place, &mut as_written);
        let same_mistakes = as_written.problems.len() == found.problems.len();
        found = if same_mistakes { as_written } else { found };
    }
    report.problems.append(&mut found.problems);
    value
}

/// One `name: type = expr` line. A plan's output may turn out absent: that fails the run, so it is no mistake here.
pub(super) fn output(cx: &Cx<'_>, item: &TypedAssign, place: &Place<'_, '_>, may_be_absent: bool) -> Output {
    let ty = cx.with_report(|report| resolve_type(&item.ty, place, report));
    let value = match &item.value {
        Some(value) if may_be_absent => cx.with_report(|report| typed_if_there(value, &ty, place, report)),
        Some(value) => typed(cx, value, &ty, place),
        None => {
            let message = format!(
                "the output `{}` has no value, expected `{}: {ty} = …`",
                item.name.text, item.name.text
            );
            cx.push(Problem::new(rules::MISSING_CLAUSE, item.name.span, message));
            Expr::Const(ir::Value::None)
        }
    };
    Output {
        name: item.name.text.clone(),
        ty,
        value,
    }
}

/// What `fail`, `expect` and `remember` read by bare names before they read captures.
fn own_outputs(decl: &Decl, output: &[Output], work: &Doer<'_>) -> Vec<(SmolStr, Type)> {
    if clause(decl, K::Output).is_some() {
        return output
            .iter()
            .map(|output| (output.name.clone(), output.ty.clone()))
            .collect();
    }
    match work {
        Doer::Capability(capability) => capability
            .output
            .iter()
            .map(|field| (field.name.clone(), field.ty.clone()))
            .collect(),
        Doer::Plan(plan) => plan
            .outputs
            .iter()
            .map(|field| (field.name.clone(), field.ty.clone()))
            .collect(),
        _ => Vec::new(),
    }
}

fn fail_modes(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>) -> Vec<FailMode> {
    shape::duplicate_names(cx, fail_clauses(decl).map(|(_, mode, _)| mode), "the failure mode");
    fail_clauses(decl)
        .map(|(_, mode, fail)| {
            if BUILTIN_MODES.contains(&mode.text.as_str()) || matches!(mode.text.as_str(), "success" | "approved") {
                let message = format!(
                    "`{}` is a failure mode that every task has, expected a new name",
                    mode.text
                );
                cx.push(Problem::new(rules::DUPLICATE_NAME, mode.span, message));
            }
            FailMode {
                mode: mode.text.clone(),
                when: typed(cx, &fail.when, &Type::Bool, place),
                message: fail
                    .message
                    .as_ref()
                    .map(|text| cx.with_report(|report| infer_string(text, place, report)).expr),
            }
        })
        .collect()
}

fn remember(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>) -> Vec<Remember> {
    decl.clauses
        .iter()
        .filter_map(|clause| match &clause.value {
            Value::Remember(remember) => Some(remember),
            _ => None,
        })
        .map(|remember| {
            let key = &remember.key;
            let field = cx.field(PlanScope::memory, &key.text);
            if field.is_none() && !cx.whole_plan().is_broken(K::Memory) {
                let memory = &cx.whole_plan().memory;
                let known: Vec<SmolStr> = memory.iter().map(|field| field.name.clone()).collect();
                let message = format!("the plan's `memory:` has no `{}`", key.text);
                cx.push(Problem::new(rules::UNRESOLVED_NAME, key.span, message).nearest(&key.text, &known));
            }
            let ty = field.map_or(Type::Error, |field| field.ty.clone());
            Remember {
                key: key.text.clone(),
                value: typed(cx, &remember.value, &ty, place),
            }
        })
        .collect()
}

fn evidence(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>) -> Vec<Evidence> {
    let mut found = Vec::new();
    for clause in &decl.clauses {
        let Value::Evidence(evidence) = &clause.value else {
            continue;
        };
        let name = &evidence.hypothesis;
        let known = cx
            .view
            .get(&name.text)
            .is_some_and(|(_, seen)| seen.sig.kind == NodeKind::Hypothesis);
        if !known {
            let problem = Problem::new(
                rules::UNRESOLVED_NAME,
                name.span,
                format!("there is no hypothesis `{}`", name.text),
            );
            cx.push(problem.nearest(&name.text, &cx.hypotheses_near(&name.text)));
        }
        found.extend(settings::evidence(cx, evidence, place).map(|(when, by)| Evidence {
            hypothesis: name.text.clone(),
            against: clause.key == Some(K::Refutes),
            when,
            by,
        }));
    }
    found
}

/// Clauses that are checked here and carried out later.
fn later_clauses(cx: &Cx<'_>, decl: &Decl) -> (Budget, Option<u64>) {
    let (mut budget, mut cache_ms) = (Budget::default(), None);
    for clause in &decl.clauses {
        match clause.key {
            Some(K::Cache) => {
                if let Value::Expr(expr) = &clause.value {
                    if let ExprKind::Bool(kept) = expr.kind {
                        let message = "found `bool`, expected `duration`";
                        let problem = Problem::new(rules::TYPE_MISMATCH, expr.span, message);
                        cx.push(problem.help(match kept {
                            true => "say how long its result is used again: `cache: 1d`",
                            false => "leave `cache` out: a result is used again only if it says how long",
                        }));
                        continue;
                    }
                    cache_ms = literals::duration(cx, expr, "`cache`");
                }
            }
            Some(K::Budget) => {
                budget = settings::budget(cx, clause);
            }
            _ => {}
        }
    }
    (budget, cache_ms)
}

/// What may not be repeated is not left out either.
fn never_reused(cx: &Cx<'_>, decl: &Decl) {
    let Some(cache) = clause(decl, K::Cache) else {
        return;
    };
    let message = "`cache` of a task that may not be repeated: every run has to do it";
    let problem = Problem::new(rules::CONFLICTING_CLAUSES, cache.name.span, message);
    cx.push(problem.help("remove `cache`, or say `idempotent: true` if having it done once is enough"));
}

/// The retry that a task has when it has none of its own.
pub(crate) fn with_default_retry(node: &mut Node, default: &Retry) {
    if let Body::Task(task) = &mut node.body {
        task.retry.get_or_insert_with(|| default.clone());
    }
}
