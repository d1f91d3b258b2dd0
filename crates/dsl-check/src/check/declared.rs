//! Types where they are declared, and names that two imports bring.

use dsl_syntax::ast::{Decl, ExprKind, MockTarget, Name, Type as Written, TypeKind, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::types::Type;

use super::Cx;
use super::env::{Place, Reads};
use super::plan::field_type;
use crate::imports::Space;
use crate::rules;
use crate::types::{BUILTIN_TYPES, Env, Problem, resolve_type};
use crate::walk;

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
            Value::Mock(mock) => {
                if let MockTarget::Capability(name) = &mock.target {
                    used.push((Space::Capability, name.clone()));
                }
                used.extend(mock.by.iter().map(|by| (Space::Agent, by.clone())));
            }
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
            let message = format!("two imports bring the {} `{}`, expected one", space.word(), name.text);
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
        && !decl
            .name
            .as_ref()
            .is_some_and(|own| cx.scope.endless.contains(&own.text))
        && !cx.has_errors()
    {
        let message = format!(
            "the alias `{}` never ends at a type, expected a chain that does",
            name.text
        );
        cx.push(Problem::new(rules::TYPE_MISMATCH, name.span, message));
    }
}
