//! Scripts: who reads them, in which folder, with which variables.

use dsl_syntax::ast::{Decl, Expr as Ast, ExprKind, Raw, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::Expr;
use ir::plan::{Binding, Interpreter, Script};
use ir::types::Type;

use super::Cx;
use super::env::Place;
use super::literals::expr_of;
use crate::signatures::{clause, name_of};
use crate::types::shell::{Language, lower_script};
use crate::types::{Typed, infer};
use crate::walk::unparen;

/// Shells in which `{{ … }}` is an interpolation.
const SHELLS: &[&str] = &["bash", "sh", "dash", "ash", "ksh", "mksh", "zsh", "busybox", "env"];

/// The script of `key` (`run` or `rollback`) with the declaration's `env`, `dir` and `shell`.
pub(super) fn script(cx: &Cx<'_>, decl: &Decl, key: K, place: &Place<'_, '_>) -> Option<Script> {
    let Value::Script(raw) = &clause(decl, key)?.value else {
        return None;
    };
    let (interpreter, language) = interpreter(cx, decl, place);
    Some(with_interpreter(cx, decl, raw, place, interpreter, language))
}

fn with_interpreter(
    cx: &Cx<'_>,
    decl: &Decl,
    raw: &Raw,
    place: &Place<'_, '_>,
    interpreter: Interpreter,
    language: Language,
) -> Script {
    let lowered = cx.with_report(|report| lower_script(raw, language, place, report));
    Script {
        text: lowered.text,
        interpreter,
        vars: lowered.vars,
        env: env(cx, decl, place),
        dir: expr_of(decl, K::Dir).map(|dir| text(cx, dir, &Type::Path, place)),
    }
}

fn interpreter(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>) -> (Interpreter, Language) {
    if let Some(shell) = expr_of(decl, K::Shell) {
        let bare = match &unparen(shell).kind {
            ExprKind::Name(name) => Some(name.clone()),
            ExprKind::String(text) => text.plain(),
            _ => None,
        };
        let program = bare
            .as_deref()
            .and_then(|text| text.split_whitespace().next())
            .unwrap_or_default();
        let name = program.rsplit('/').next().unwrap_or_default();
        // an expression that is not constant is taken for a shell: quoting too much is safe there
        let language = if bare.is_none() || SHELLS.contains(&name) {
            Language::Shell
        } else {
            Language::Other
        };
        return match (bare.as_deref(), &unparen(shell).kind) {
            (Some("bash"), _) => (Interpreter::Bash, Language::Shell),
            (Some("sh"), _) => (Interpreter::Sh, Language::Shell),
            (Some("python" | "python3"), _) => (Interpreter::Python, Language::Other),
            (Some(name), ExprKind::Name(_)) => (
                Interpreter::Command(Expr::Const(ir::Value::String(name.into()))),
                language,
            ),
            _ => (Interpreter::Command(text(cx, shell, &Type::STRING, place)), language),
        };
    }
    match name_of(decl, K::Using).as_deref() {
        Some("sh") => (Interpreter::Sh, Language::Shell),
        Some("python") => (Interpreter::Python, Language::Other),
        _ => (Interpreter::Bash, Language::Shell),
    }
}

fn env(cx: &Cx<'_>, decl: &Decl, place: &Place<'_, '_>) -> Vec<Binding> {
    let Some(Value::Assigns(assigns)) = clause(decl, K::Env).map(|clause| &clause.value) else {
        return Vec::new();
    };
    super::shape::duplicate_names(cx, assigns.iter().map(|assign| &assign.name), "the variable");
    assigns
        .iter()
        .map(|assign| Binding {
            name: assign.name.text.clone(),
            value: rendered(cx, &assign.value, place).expr,
        })
        .collect()
}

/// An expression of any type that is surely there.
pub(super) fn rendered(cx: &Cx<'_>, expr: &Ast, place: &Place<'_, '_>) -> Typed {
    let typed = cx.with_report(|report| infer(expr, None, place, report));
    if typed.ty.is_optional() {
        let written = cx.text().get(expr.span.range());
        let written = written.filter(|text| text.len() <= 60 && !text.contains('\n'));
        cx.with_report(|report| {
            let alone = written.is_some_and(|text| !text.contains(' '));
            report.not_optional_safe(expr.span, written, (&typed.ty, alone), "a value to hand over");
        });
    }
    typed
}

/// A text: a `path` and a `string` both are, interpolated or not.
pub(super) fn text(cx: &Cx<'_>, expr: &Ast, expected: &Type, place: &Place<'_, '_>) -> Expr {
    if matches!(&unparen(expr).kind, ExprKind::String(literal) if literal.plain().is_none()) {
        return cx.with_report(|report| infer(expr, None, place, report)).expr;
    }
    let typed = cx.with_report(|report| {
        let before = report.problems.len();
        let typed = infer(expr, None, place, report);
        if typed.ty.is_text() {
            return typed;
        }
        // say what is wrong against the one type that is meant
        report.problems.truncate(before);
        infer(expr, Some(expected), place, report)
    });
    typed.expr
}
