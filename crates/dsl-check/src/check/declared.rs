//! Types, capabilities and agents, where they are declared.

use dsl_syntax::ast::{Decl, ExprKind, Name, Type as Written, TypeKind, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Place, Reads};
use super::plan::{field_type, rates};
use super::{Cx, literals, shape, task, work};
use crate::imports::Space;
use crate::rules;
use crate::signatures::clause;
use crate::types::{BUILTIN_TYPES, Env, Problem, resolve_type};
use crate::walk;

const RUNNERS: &[&str] = &["shell", "http", "mcp", "llm", "human", "builtin"];

/// Names that two imports bring, wherever the block uses them.
pub(super) fn check_ambiguous(cx: &Cx<'_>, decl: &Decl) {
    let mut used: Vec<(Space, Name)> = Vec::new();
    let mut types: Vec<&Written> = decl
        .alias
        .iter()
        .chain(decl.fields.iter().map(|field| &field.ty))
        .collect();
    for clause in &decl.clauses {
        match &clause.value {
            Value::Fields(fields) => types.extend(fields.iter().map(|field| &field.ty)),
            Value::Typed(typed) => types.extend(typed.iter().map(|item| &item.ty)),
            Value::Steps(steps) => used.extend(steps.iter().map(|step| (Space::Capability, step.capability.clone()))),
            Value::Names(names) => {
                let space = match clause.key {
                    Some(K::Using | K::Provides | K::Judge) => Space::Capability,
                    Some(K::By) => Space::Agent,
                    Some(K::Call) => Space::Plan,
                    _ => continue,
                };
                used.extend(names.iter().map(|name| (space, name.clone())));
            }
            _ => {}
        }
        walk::exprs(&clause.value, &mut |outer| {
            walk::deep(outer, &mut |inner| {
                if let ExprKind::Cast { ty, .. } = &inner.kind {
                    types.push(ty);
                }
            });
        });
    }
    while let Some(ty) = types.pop() {
        if let TypeKind::Named { name, arg, .. } = &ty.kind {
            used.push((Space::Type, name.clone()));
            types.extend(arg.as_deref());
        }
    }
    used.extend(decl.of.iter().map(|of| (Space::Plan, of.clone())));
    for (space, name) in used {
        if cx.scope.ambiguous.contains(&(space, name.text.clone())) {
            let message = format!("two imports bring a {} `{}`, expected one", space.word(), name.text);
            let problem = Problem::new(rules::AMBIGUOUS_IMPORT, name.span, message);
            cx.push(
                problem.help("pick the names you want (`use a, b from \"…\"`), or name an import (`use \"…\" as x`)"),
            );
        }
    }
}

pub(super) fn check_type(cx: &Cx<'_>, decl: &Decl) {
    let place = Place::new(cx, Reads::NOTHING);
    if let Some(name) = decl
        .name
        .as_ref()
        .filter(|name| BUILTIN_TYPES.contains(&name.text.as_str()))
    {
        let message = format!("`{}` is a type of the language, expected a name of your own", name.text);
        cx.push(Problem::new(rules::DUPLICATE_NAME, name.span, message));
    }
    for field in &decl.fields {
        field_type(cx, field);
    }
    let Some(alias) = &decl.alias else { return };
    let ty = cx.with_report(|report| resolve_type(alias, &place, report));
    // a lone name that is declared and yet has no type leads back to itself
    if let TypeKind::Named { name, .. } = &alias.kind
        && ty == Type::Error
        && place.type_named(&name.text) == Some(Type::Error)
        && !cx.scope.excuses(&name.text)
        && !cx.has_errors()
    {
        let message = format!(
            "the alias `{}` never ends at a type, expected a chain that does",
            name.text
        );
        cx.push(Problem::new(rules::TYPE_MISMATCH, name.span, message));
    }
}

pub(super) fn check_capability(cx: &Cx<'_>, decl: &Decl) {
    for key in [K::Input, K::Output] {
        let Some(Value::Fields(fields)) = clause(decl, key).map(|clause| &clause.value) else {
            continue;
        };
        shape::duplicate_names(
            cx,
            fields.iter().map(|field| &field.name),
            &format!("the {}", key.word()),
        );
        for field in fields {
            field_type(cx, field);
        }
    }
    literals::bool_clause(cx, decl, K::Idempotent);
    task::effects(cx, decl);
    if let Some(Value::Rates(rates)) = clause(decl, K::Cost).map(|clause| &clause.value) {
        let place = Place::new(cx, Reads::NOTHING);
        for rate in rates {
            task::typed(cx, &rate.amount, &Type::Money, &place);
        }
    }
    runner(cx, decl);
}

fn runner(cx: &Cx<'_>, decl: &Decl) {
    let Some(Value::Call(call)) = clause(decl, K::Runner).map(|clause| &clause.value) else {
        return;
    };
    let ExprKind::Call { func, .. } = &call.kind else {
        return;
    };
    if !RUNNERS.contains(&func.text.as_str()) {
        let known: Vec<SmolStr> = RUNNERS.iter().map(|runner| SmolStr::from(*runner)).collect();
        let problem = Problem::new(
            rules::UNKNOWN_FUNCTION,
            func.span,
            format!("there is no runner `{}`", func.text),
        );
        cx.push(problem.nearest(&func.text, &known));
    }
}

pub(super) fn check_agent(cx: &Cx<'_>, decl: &Decl) {
    if let Some(Value::Names(names)) = clause(decl, K::Provides).map(|clause| &clause.value) {
        shape::duplicate_names(cx, names.iter(), "the capability");
        for name in names {
            provided(cx, name);
        }
    }
    if let Some(Value::Limits(lines)) = clause(decl, K::Limits).map(|clause| &clause.value) {
        shape::duplicate_names(cx, lines.iter().map(|line| &line.name), "the limit");
        for line in lines {
            let known = ["requests", "tokens", "concurrent", "cost"].map(SmolStr::from);
            if known.contains(&line.name.text) {
                rates(cx, line);
            } else {
                let message = format!("an agent has no limit `{}`", line.name.text);
                let problem = Problem::new(rules::UNKNOWN_CLAUSE, line.name.span, message);
                cx.push(problem.nearest(&line.name.text, &known));
            }
        }
    }
    if let Some(Value::Breaker(breaker)) = clause(decl, K::Breaker).map(|clause| &clause.value) {
        literals::duration(cx, &breaker.within, "the window");
        literals::duration(cx, &breaker.probe, "the pause");
    }
    runner(cx, decl);
}

fn provided(cx: &Cx<'_>, name: &Name) {
    if !crate::signatures::is_script_capability(&name.text) {
        work::capability(cx, name);
    }
}
