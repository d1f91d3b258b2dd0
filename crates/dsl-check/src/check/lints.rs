//! Lints of one node: nothing is broken, but something is easily meant otherwise.
//!
//! Each says nothing where the plan may well mean it. Absent: lints about names that nobody uses, which need the whole file.

use dsl_syntax::ast::{Decl, ExprKind, Name, Need, NeedKind, Span, TypedAssign, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};

use super::Cx;
use super::task::{name_span, whose};
use crate::diagnostic::{AmendHow, Whose};
use crate::facts::Source;
use crate::rules;
use crate::signatures::{clause, is_true, name_of};
use crate::types::Problem;
use crate::walk;

/// What stands for something in every node.
const GROUPS: &[&str] = &["params", "memory", "secrets", "run", "task", "plan", "budget", "input"];
/// Members of a node that are no outputs.
const OF_EVERY_NODE: &[&str] = &["status", "attempts", "error", "agent", "duration"];
/// Those of them that hide an output of the same name.
const OF_EVERY_TASK: &[&str] = &["status", "attempts", "error", "duration"];
const SCRIPT_CAPTURES: &[&str] = &["stdout", "stderr", "exit", "duration"];

pub(super) fn check(cx: &Cx<'_>, decl: &Decl) {
    if matches!(decl.kind, DeclKind::Task | DeclKind::Gate | DeclKind::Decision) {
        optional_needs_question(cx, decl);
        unverifiable_expectation(cx, decl);
        missing_timeout(cx, decl);
        shadowed_name(cx, decl);
        redundant_need(cx, decl);
        racy_join(cx, decl);
    }
}

/// Names of a task's own that it does not read. Of a block with mistakes it is not known what it reads.
pub(super) fn variables(cx: &Cx<'_>, decl: &Decl) {
    if decl.kind == DeclKind::Task && !cx.has_errors() {
        unused_variable(cx, decl);
        unused_bindings(cx, decl);
    }
}

/// The item of a fan-out that no instance looks at: all of them do the same.
fn unused_variable(cx: &Cx<'_>, decl: &Decl) {
    let Some(Value::Each(each)) = clause(decl, K::Each).map(|clause| &clause.value) else {
        return;
    };
    // the key of an instance tells the items apart too
    let body = cx.text().get(decl.header.start as usize..decl.span.end as usize);
    if !cx.noted.spans_of(&Source::Each).is_empty() || body.is_none_or(|body| body.contains("task.key")) {
        return;
    }
    let message = format!(
        "the variable `{}` is never read: all instances do the same",
        each.var.text
    );
    let problem = Problem::new(rules::UNUSED_NAME, each.var.span, message);
    cx.push(problem.help("read it, or `task.key`, in what each instance does"));
}

/// Answers of lines of `do:` that get a name for nothing.
fn unused_bindings(cx: &Cx<'_>, decl: &Decl) {
    let Some(Value::Steps(steps)) = clause(decl, K::Do).map(|clause| &clause.value) else {
        return;
    };
    for step in steps {
        let Some(bound) = &step.bind else { continue };
        if !cx.noted.spans_of(&Source::Own(bound.text.clone())).is_empty() {
            continue;
        }
        let message = format!("`{}` is never read", bound.text);
        let problem = Problem::new(rules::UNUSED_NAME, bound.span, message);
        let call = step.args.last().map_or(step.capability.span, |arg| arg.value.span);
        let arrow = cx.between(call, bound.span).and_then(|text| text.find("->"));
        cx.push(match arrow {
            Some(at) => {
                let text = cx.between(call, bound.span).unwrap_or_default();
                let kept = text[..at].trim_end().len() as u32;
                let edits = vec![(Span::new(call.end + kept, bound.span.end), String::new())];
                problem.fix("do not bind it", true, edits)
            }
            None => problem,
        });
    }
}

/// A plain need on an optional task: when that fails, this is skipped, and the run completes all the same.
fn optional_needs_question(cx: &Cx<'_>, decl: &Decl) {
    let Some(Value::Needs(needs)) = clause(decl, K::Needs).map(|clause| &clause.value) else {
        return;
    };
    // what is optional itself may well be skipped
    if is_true(decl, K::Optional) {
        return;
    }
    for need in needs {
        let NeedKind::Node { name, optional: false } = &need.kind else {
            continue;
        };
        let Some((_, seen)) = cx.view.get(&name.text) else {
            continue;
        };
        if !seen.sig.optional || seen.sig.fallback.is_some() {
            continue;
        }
        let message = format!(
            "{} needs `{}`, which is optional: if it fails, {} is silently skipped",
            whose(decl),
            name.text,
            whose(decl)
        );
        let end = Span::new(name.span.end, name.span.end);
        let problem = Problem::new(rules::OPTIONAL_NEEDS_QUESTION, name.span, message)
            .help(format!("write `{}?` to go on without it", name.text))
            .fix(format!("need `{}?`", name.text), false, vec![(end, "?".into())]);
        cx.push(problem);
    }
}

/// A need that another need implies.
fn redundant_need(cx: &Cx<'_>, decl: &Decl) {
    let Some(Value::Needs(needs)) = clause(decl, K::Needs).map(|clause| &clause.value) else {
        return;
    };
    for (at, need) in needs.iter().enumerate() {
        let NeedKind::Node { name, optional: false } = &need.kind else {
            continue;
        };
        let Some((_, through)) = cx.view.redundant.iter().find(|(needed, _)| *needed == name.text) else {
            continue;
        };
        let message = format!("{} needs `{}` already through `{through}`", whose(decl), name.text);
        let problem = Problem::new(rules::REDUNDANT_NEED, need.span, message);
        let title = format!("remove the need `{}`", name.text);
        cx.push(match without(cx, needs, at) {
            Some(span) => problem.fix(title, true, vec![(span, String::new())]),
            None => problem,
        });
    }
}

/// What to take out of the text to remove a need of several: its line, or it and the comma.
fn without(cx: &Cx<'_>, needs: &[Need], at: usize) -> Option<Span> {
    let text = cx.text();
    let span = needs[at].span;
    let before = text.get(..span.start as usize)?;
    if before.ends_with("- ") {
        let lines = cx.whole_lines(Span::new(span.start - 2, span.end));
        let text = text.get(lines.range())?;
        return (!text.contains('#')).then_some(lines);
    }
    let (from, to) = match needs.get(at + 1) {
        Some(next) => (span.start, next.span.start),
        None => (needs.get(at.checked_sub(1)?)?.span.end, span.end),
    };
    let between = text.get(from as usize..to as usize)?;
    // a list over several lines may hold comments
    (from < to && !between.contains('\n')).then(|| Span::new(from, to))
}

/// An output of one of several of which any is enough, although more than one may come: which is there depends on the moment.
fn racy_join(cx: &Cx<'_>, decl: &Decl) {
    for (member, other) in &cx.view.racing {
        let mut read: Option<(Span, &str)> = None;
        for clause in &decl.clauses {
            walk::exprs(&clause.value, &mut |expr| {
                walk::deep(expr, &mut |inner| {
                    let ExprKind::Field { base, name } = &inner.kind else {
                        return;
                    };
                    let of_member = matches!(&base.kind, ExprKind::Name(node) if node == member);
                    if of_member && !OF_EVERY_NODE.contains(&name.text.as_str()) && read.is_none() {
                        read = Some((inner.span, &name.text));
                    }
                });
            });
        }
        let Some((span, output)) = read else { continue };
        let message =
            format!("`{member}.{output}` is there or not by chance: `{member}` and `{other}` may both complete");
        let problem = Problem::new(rules::RACY_JOIN, span, message);
        let how = AmendHow::Each(vec![member.clone(), other.clone()]);
        cx.push(
            problem
                .help(format!(
                    "need `{member}?` and `{other}?` to wait for both, or make them exclude each other"
                ))
                .amend("wait for all of them", Whose::Here, how),
        );
        // the members share one mistake
        return;
    }
}

/// Prose that nobody is asked to judge.
fn unverifiable_expectation(cx: &Cx<'_>, decl: &Decl) {
    // who approves a gate reads its checks
    if cx.plan.has_judge || clause(decl, K::Approver).is_some() {
        return;
    }
    for key in [K::Expect, K::Checks] {
        let Some(Value::Items(items)) = clause(decl, key).map(|clause| &clause.value) else {
            continue;
        };
        for item in items.iter().filter(|item| matches!(item.kind, ExprKind::String(_))) {
            let message = "nobody judges this expectation: the plan has no `judge`";
            let problem = Problem::new(rules::UNVERIFIABLE_EXPECTATION, item.span, message);
            let how = AmendHow::Set(K::Judge, "human".to_owned());
            cx.push(
                problem
                    .help("add `judge: human` to the plan, or write a condition")
                    .amend("let a person judge: `judge: human`", Whose::Plan, how),
            );
        }
    }
}

/// Work that may take for ever.
fn missing_timeout(cx: &Cx<'_>, decl: &Decl) {
    let has = |key| clause(decl, key).is_some();
    if has(K::Timeout) || decl.kind == DeclKind::Decision {
        return;
    }
    // a person takes the time that it takes
    let asks = name_of(decl, K::Using).is_some_and(|name| name.starts_with("human."));
    let works = has(K::Run) || has(K::Using) || has(K::Do) || has(K::Call);
    if works && !asks {
        let message = format!("{} has no timeout: it may run for ever", whose(decl));
        let problem = Problem::new(rules::MISSING_TIMEOUT, name_span(decl), message);
        let how = AmendHow::Set(K::Timeout, "10m".to_owned());
        cx.push(
            problem
                .help("add a line such as `timeout: 10m`")
                .amend("add `timeout: 10m`", Whose::Here, how),
        );
    }
}

/// A variable that hides something that could be read under its name.
fn shadowed_name(cx: &Cx<'_>, decl: &Decl) {
    if let Some(Value::Each(each)) = clause(decl, K::Each).map(|clause| &clause.value) {
        hides(cx, decl, &each.var, &Source::Each);
    }
    if let Some(Value::Steps(steps)) = clause(decl, K::Do).map(|clause| &clause.value) {
        for bound in steps.iter().filter_map(|step| step.bind.as_ref()) {
            hides(cx, decl, bound, &Source::Own(bound.text.clone()));
        }
    }
    if let Some(Value::Typed(outputs)) = clause(decl, K::Output).map(|clause| &clause.value) {
        let hidden = |output: &&TypedAssign| OF_EVERY_TASK.contains(&output.name.text.as_str());
        for TypedAssign { name, .. } in outputs.iter().filter(hidden) {
            let whose = decl.name.as_ref().map_or("task", |name| name.text.as_str());
            let message = format!(
                "the output `{}` cannot be read by others: `{whose}.{0}` is what every task has",
                name.text
            );
            cx.push(Problem::new(rules::SHADOWED_NAME, name.span, message).help("give the output another name"));
        }
    }
}

fn hides(cx: &Cx<'_>, decl: &Decl, variable: &Name, source: &Source) {
    let name = variable.text.as_str();
    let what = if let Some((_, seen)) = cx.view.get(name) {
        format!("the {} `{name}`", seen.sig.kind.word())
    } else if GROUPS.contains(&name) {
        format!("the built-in `{name}`")
    } else if SCRIPT_CAPTURES.contains(&name) && clause(decl, K::Run).is_some() {
        format!("the script's `{name}`")
    } else {
        return;
    };
    let message = format!("the variable `{name}` hides {what}");
    let problem = Problem::new(rules::SHADOWED_NAME, variable.span, message).help("give the variable another name");
    let other = format!("this-{name}");
    let mut edits: Vec<(Span, String)> = vec![(variable.span, other.clone())];
    edits.extend(cx.noted.spans_of(source).into_iter().map(|span| (span, other.clone())));
    cx.push(problem.fix(format!("call it `{other}`"), false, edits));
}
