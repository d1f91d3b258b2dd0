//! The clauses of a plan, checked and lowered.

use dsl_syntax::ast::{Clause, Decl, Expr as Ast, ExprKind, Field, LimitLine, Name, TypedAssign, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::Expr;
use ir::plan::{FailurePolicy, MemoryKey, MemoryScope, Output, Param, Retry};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Place, Reads};
use super::literals::{self, Unready};
use super::task::{output, typed};
use super::work::capability;
use super::{Cx, rates, scripts, shape};
use crate::facts::Budget;
use crate::rules;
use crate::types::{Problem, Report, infer, resolve_type};

/// What one block of plan clauses says.
#[derive(Default)]
pub(crate) struct PlanParts {
    pub title: Option<SmolStr>,
    pub version: Option<SmolStr>,
    pub owner: Option<SmolStr>,
    pub labels: Vec<SmolStr>,
    pub params: Vec<Param>,
    pub outputs: Vec<Output>,
    pub memory: Vec<MemoryKey>,
    pub dir: Option<Expr>,
    pub parallel: Option<u32>,
    pub timeout_ms: Option<u64>,
    pub failure: Option<FailurePolicy>,
    pub retry: Option<Retry>,
    pub unready: Unready,
}

pub(crate) fn lower_plan_block(cx: &Cx<'_>, decl: &Decl) -> PlanParts {
    let mut parts = PlanParts {
        title: decl.title.as_ref().and_then(|title| title.plain()),
        ..PlanParts::default()
    };
    if let (Some(name), Some(_)) = (&decl.name, cx.scope.policy_for(cx.plan)) {
        parts.unready.blocks_as("policy".into(), name.span);
    }
    for clause in &decl.clauses {
        plan_clause(cx, clause, &mut parts);
    }
    parts
}

fn plan_clause(cx: &Cx<'_>, clause: &Clause, parts: &mut PlanParts) {
    match (clause.key, &clause.value) {
        (Some(K::Version), Value::Expr(expr)) => {
            let place = Place::new(cx, Reads::NOTHING);
            if let Expr::Const(ir::Value::String(text)) = typed(cx, expr, &Type::Version, &place) {
                parts.version = Some(text);
            }
        }
        (Some(K::Owner), Value::Names(names)) => parts.owner = names.first().map(|name| name.text.clone()),
        (Some(K::Labels), Value::Names(names)) => parts.labels = names.iter().map(|name| name.text.clone()).collect(),
        (Some(K::Params), Value::Fields(fields)) => parts.params = params(cx, fields),
        (Some(K::Outputs), Value::Typed(typed)) => {
            shape::duplicate_names(cx, typed.iter().map(|item| &item.name), "the output");
            let place = Place::new(
                cx,
                Reads {
                    nodes: true,
                    ..Reads::PLAN
                },
            );
            parts.outputs = typed.iter().map(|item| output(cx, item, &place, true)).collect();
        }
        (Some(K::Memory), Value::Typed(typed)) => parts.memory = memory(cx, typed, &mut parts.unready),
        (Some(K::Secrets), Value::Assigns(assigns)) => {
            shape::duplicate_names(cx, assigns.iter().map(|assign| &assign.name), "the secret");
            assigns.iter().for_each(|assign| secret(cx, &assign.value));
            parts.unready.blocks(clause);
        }
        (Some(K::Budget), _) => {
            budget(cx, clause);
            parts.unready.blocks(clause);
        }
        (Some(K::Limits), Value::Limits(lines)) => limits(cx, lines, parts),
        (Some(K::Retry), Value::Retry(written)) => parts.retry = literals::retry_value(cx, written, None),
        (Some(K::Timeout), Value::Expr(expr)) => parts.timeout_ms = literals::duration(cx, expr, "`timeout`"),
        (Some(K::Failure), Value::Names(names)) => parts.failure = names.first().and_then(|name| failure(cx, name)),
        (Some(K::Dir), Value::Expr(expr)) => {
            parts.dir = Some(scripts::text(cx, expr, &Type::Path, &Place::new(cx, Reads::PLAN)));
        }
        (Some(K::Judge), Value::Names(names)) => {
            if let Some(name) = names.first().filter(|name| name.text != "human") {
                capability(cx, name);
            }
            parts.unready.blocks(clause);
        }
        (Some(K::Trigger), Value::Clauses(clauses)) => clauses.iter().for_each(|clause| trigger(cx, clause)),
        (Some(K::Alert), Value::Alert(alert)) => {
            let place = Place::new(
                cx,
                Reads {
                    nodes: true,
                    outcome: true,
                    ..Reads::PLAN
                },
            );
            typed(cx, &alert.when, &Type::Bool, &place);
            parts.unready.blocks(clause);
        }
        _ => {}
    }
}

fn params(cx: &Cx<'_>, fields: &[Field]) -> Vec<Param> {
    shape::duplicate_names(cx, fields.iter().map(|field| &field.name), "the parameter");
    fields
        .iter()
        .map(|field| {
            let (ty, default) = field_type(cx, field);
            Param {
                name: field.name.text.clone(),
                ty,
                default,
                doc: field.doc.clone(),
            }
        })
        .collect()
}

/// The type of a field, and its default checked against it.
pub(super) fn field_type(cx: &Cx<'_>, field: &Field) -> (Type, Option<Expr>) {
    let place = Place::new(cx, Reads::NOTHING);
    let ty = cx.with_report(|report| resolve_type(&field.ty, &place, report));
    let default = field.default.as_ref().map(|default| typed(cx, default, &ty, &place));
    (ty, default)
}

fn memory(cx: &Cx<'_>, keys: &[TypedAssign], unready: &mut Unready) -> Vec<MemoryKey> {
    shape::duplicate_names(cx, keys.iter().map(|key| &key.name), "the memory key");
    let place = Place::new(cx, Reads::NOTHING);
    keys.iter()
        .map(|key| {
            let ty = cx.with_report(|report| resolve_type(&key.ty, &place, report));
            let default = key.value.as_ref().map(|value| typed(cx, value, &ty, &place));
            let scope = match &key.scope {
                Some(name) => memory_scope(cx, name, unready),
                None => {
                    let message = format!(
                        "the memory key `{}` has no scope, expected `scope:run`, say",
                        key.name.text
                    );
                    cx.push(Problem::new(rules::MISSING_CLAUSE, key.name.span, message));
                    MemoryScope::Run
                }
            };
            MemoryKey {
                key: key.name.text.clone(),
                ty,
                scope,
                default,
            }
        })
        .collect()
}

fn memory_scope(cx: &Cx<'_>, name: &Name, unready: &mut Unready) -> MemoryScope {
    let scope = match name.text.as_str() {
        "run" => return MemoryScope::Run,
        "plan" => MemoryScope::Plan,
        "global" => MemoryScope::Global,
        other => {
            let problem = Problem::new(
                rules::UNRESOLVED_NAME,
                name.span,
                format!("there is no scope `{other}`"),
            );
            cx.push(problem.help("`run`, `plan` or `global`"));
            return MemoryScope::Run;
        }
    };
    unready.blocks_as("memory".into(), name.span);
    scope
}

/// `env("VAR")` or `file("path", key: "k")`
fn secret(cx: &Cx<'_>, value: &Ast) {
    let known = match &value.kind {
        ExprKind::Call { func, args } => {
            matches!(func.text.as_str(), "env" | "file")
                && args
                    .first()
                    .is_some_and(|arg| matches!(arg.value.kind, ExprKind::String(_)))
        }
        ExprKind::Error => true,
        _ => false,
    };
    if !known {
        let message = "a secret comes from `env(\"VAR\")` or `file(\"path\", key: \"k\")`, expected one of them";
        cx.push(Problem::new(rules::WRONG_ARGUMENTS, value.span, message));
    }
}

/// `budget:` of a plan or a task.
pub(super) fn budget(cx: &Cx<'_>, clause: &Clause) {
    let Value::Assigns(assigns) = &clause.value else {
        return;
    };
    let mut found = Budget::default();
    shape::duplicate_names(cx, assigns.iter().map(|assign| &assign.name), "the budget's");
    let place = Place::new(cx, Reads::NOTHING);
    for assign in assigns {
        let ty = match assign.name.text.as_str() {
            "time" => Type::Duration,
            "cost" => Type::Money,
            "tokens" => Type::INT,
            "alert" => {
                literals::ratio(cx, &assign.value, "`alert`");
                continue;
            }
            _ => {
                let known = ["time", "cost", "tokens", "alert"].map(SmolStr::from);
                unknown_entry(cx, "a budget", &assign.name, &known);
                continue;
            }
        };
        match typed(cx, &assign.value, &ty, &place) {
            Expr::Const(ir::Value::Duration(ms)) => found.time_ms = u64::try_from(ms).ok(),
            Expr::Const(ir::Value::Money(dollars)) => found.cost = Some(dollars),
            Expr::Const(ir::Value::Int(tokens)) => found.tokens = u64::try_from(tokens).ok(),
            _ => {}
        }
    }
    cx.noted.budget(found);
}

fn unknown_entry(cx: &Cx<'_>, what: &str, name: &Name, known: &[SmolStr]) {
    let problem = Problem::new(
        rules::UNKNOWN_CLAUSE,
        name.span,
        format!("{what} has no `{}`", name.text),
    );
    cx.push(problem.nearest(&name.text, known));
}

fn limits(cx: &Cx<'_>, lines: &[LimitLine], parts: &mut PlanParts) {
    rates::check_lines(cx, lines, rates::OF_PLAN, "a plan");
    for line in lines {
        match line.name.text.as_str() {
            "parallel" => parts.parallel = parallel(cx, line),
            "queue" | "requests" | "tokens" | "cost" => {
                let what = format!("limits.{}", line.name.text);
                parts.unready.blocks_as(what.into(), line.name.span);
            }
            _ => {}
        }
    }
}

/// What is wrong with it has been said.
fn parallel(cx: &Cx<'_>, line: &LimitLine) -> Option<u32> {
    let [rate] = line.rates.as_slice() else {
        return None;
    };
    let place = Place::new(cx, Reads::NOTHING);
    let value = crate::types::literal_int(&rate.amount, &place, &mut Report::default())?;
    u32::try_from(value).ok().filter(|value| *value > 0)
}

fn failure(cx: &Cx<'_>, name: &Name) -> Option<FailurePolicy> {
    match name.text.as_str() {
        "abort" => Some(FailurePolicy::Abort),
        "continue" => Some(FailurePolicy::Continue),
        other => {
            let known = ["abort", "continue"].map(SmolStr::from);
            let message = format!("`failure` is `{other}`, expected `abort` or `continue`");
            cx.push(Problem::new(rules::UNRESOLVED_NAME, name.span, message).nearest(other, &known));
            None
        }
    }
}

fn trigger(cx: &Cx<'_>, clause: &Clause) {
    match (clause.key, &clause.value) {
        (Some(K::When), Value::Expr(expr)) => {
            let place = Place::new(
                cx,
                Reads {
                    context: true,
                    ..Reads::NOTHING
                },
            );
            cx.with_report(|report| infer(expr, Some(&Type::Bool), &place, report));
        }
        (Some(K::Confidence), Value::Expr(expr)) => {
            literals::ratio(cx, expr, "`confidence`");
        }
        _ => {}
    }
}
