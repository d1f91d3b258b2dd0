//! The clauses of a plan, checked and lowered.

use std::collections::BTreeMap;

use dsl_syntax::ast::{Clause, Decl, Field, LimitLine, Name, TypedAssign, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::Expr;
use ir::plan::{
    Alert, Budget, FailurePolicy, Judge, Limits, MemoryKey, MemoryScope, Output, Param, Retry, Secret, Trigger,
};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Place, Reads};
use super::literals;
use super::task::{output, prose_of, typed};
use super::{Cx, rates, scripts, settings, shape};
use crate::rules;
use crate::types::{Problem, Report, resolve_type};

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
    pub description: Option<SmolStr>,
    pub secrets: Vec<Secret>,
    pub budget: Budget,
    pub limits: Limits,
    pub judge: Option<Judge>,
    pub trigger: Option<Trigger>,
    pub alerts: Vec<Alert>,
    pub parallel: Option<u32>,
    pub timeout_ms: Option<u64>,
    pub failure: Option<FailurePolicy>,
    pub retry: Option<Retry>,
}

pub(crate) fn lower_plan_block(cx: &Cx<'_>, decl: &Decl) -> PlanParts {
    let mut parts = PlanParts {
        title: decl.title.as_ref().and_then(|title| title.plain()),
        ..PlanParts::default()
    };
    settings::duplicate_alerts(cx, &decl.clauses);
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
        (Some(K::Labels), Value::Names(names)) => {
            shape::duplicate_names(cx, names.iter(), "the label");
            parts.labels = names.iter().map(|name| name.text.clone()).collect();
        }
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
        (Some(K::Memory), Value::Typed(typed)) => parts.memory = memory(cx, typed),
        (Some(K::Secrets), Value::Assigns(assigns)) => {
            shape::duplicate_names(cx, assigns.iter().map(|assign| &assign.name), "the secret");
            parts.secrets = assigns
                .iter()
                .filter_map(|assign| {
                    Some(Secret {
                        name: assign.name.text.clone(),
                        from: settings::secret(cx, &assign.value)?,
                    })
                })
                .collect();
        }
        (Some(K::Budget), _) => {
            parts.budget = settings::budget(cx, clause);
        }
        (Some(K::Limits), Value::Limits(lines)) => {
            parts.limits = super::limits(lines);
            limits(cx, lines, parts);
        }
        (Some(K::Description), _) => parts.description = prose_of(&clause.value),
        (Some(K::Retry), Value::Retry(written)) => parts.retry = literals::retry_value(cx, written, None),
        (Some(K::Timeout), Value::Expr(expr)) => parts.timeout_ms = literals::duration(cx, expr, "`timeout`"),
        (Some(K::Failure), Value::Names(names)) => {
            parts.failure = names.first().and_then(|name| settings::failure(cx, name))
        }
        (Some(K::Dir), Value::Expr(expr)) => {
            parts.dir = Some(scripts::text(cx, expr, &Type::Path, &Place::new(cx, Reads::PLAN)));
        }
        (Some(K::Judge), Value::Names(names)) => {
            parts.judge = settings::judge(cx, names);
        }
        (Some(K::Trigger), Value::Clauses(clauses)) => parts.trigger = Some(settings::trigger(cx, clause, clauses)),
        (Some(K::Alert), Value::Alert(alert)) => {
            parts.alerts.push(settings::alert(cx, alert));
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
pub(crate) fn field_type(cx: &Cx<'_>, field: &Field) -> (Type, Option<Expr>) {
    let place = Place::new(cx, Reads::NOTHING);
    let ty = cx.with_report(|report| resolve_type(&field.ty, &place, report));
    let default = field.default.as_ref().map(|default| typed(cx, default, &ty, &place));
    (ty, default)
}

fn memory(cx: &Cx<'_>, keys: &[TypedAssign]) -> Vec<MemoryKey> {
    shape::duplicate_names(cx, keys.iter().map(|key| &key.name), "the memory key");
    groups_and_keys(cx, keys);
    let place = Place::new(cx, Reads::NOTHING);
    keys.iter()
        .map(|key| {
            let ty = cx.with_report(|report| resolve_type(&key.ty, &place, report));
            let default = key.value.as_ref().map(|value| typed(cx, value, &ty, &place));
            let scope = match &key.scope {
                Some(name) => memory_scope(cx, name),
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

/// `a` beside `a.b`: `memory.a` would be a value and a group of values.
fn groups_and_keys(cx: &Cx<'_>, keys: &[TypedAssign]) {
    let by_name: BTreeMap<&str, &Name> = keys.iter().map(|key| (key.name.text.as_str(), &key.name)).collect();
    for key in keys {
        let text = key.name.text.as_str();
        let groups = text.match_indices('.').map(|(at, _)| &text[..at]);
        for other in groups.filter_map(|group| by_name.get(group)) {
            let (first, later) = if other.span.start < key.name.span.start {
                (*other, &key.name)
            } else {
                (&key.name, *other)
            };
            let message = format!(
                "the memory key `{}` beside `{}`: one is a group of the other",
                later.text, first.text
            );
            cx.push(Problem::new(rules::DUPLICATE_NAME, later.span, message).label(first.span, "already here"));
        }
    }
}

fn memory_scope(cx: &Cx<'_>, name: &Name) -> MemoryScope {
    match name.text.as_str() {
        "run" => MemoryScope::Run,
        "plan" => MemoryScope::Plan,
        "global" => MemoryScope::Global,
        other => {
            let problem = Problem::new(
                rules::UNRESOLVED_NAME,
                name.span,
                format!("there is no scope `{other}`"),
            );
            cx.push(problem.help("`run`, `plan` or `global`"));
            MemoryScope::Run
        }
    }
}

fn limits(cx: &Cx<'_>, lines: &[LimitLine], parts: &mut PlanParts) {
    rates::check_lines(cx, lines, rates::OF_PLAN, "a plan");
    for line in lines {
        if line.name.text == "parallel" {
            parts.parallel = parallel(cx, line);
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
