//! What a plan is run with: secrets, budgets, a judge, alerts, a trigger; also the odds of hypotheses.
//!
//! The clauses of a plan and the lines of its profiles are checked by the same functions. Absent: limits ([`super::rates`]).

use dsl_syntax::ast::{Alert as Written, Arg, Clause, Evidence, Expr as Ast, ExprKind, Name, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::Expr;
use ir::plan::{Alert, Budget, FailurePolicy, Judge, Money, Ratio, SecretSource, Trigger};
use ir::types::Type;
use smol_str::SmolStr;

use super::env::{Place, Reads};
use super::task::typed;
use super::work::used_capability;
use super::{Cx, literals, shape};
use crate::facts;
use crate::rules;
use crate::scope::Capability;
use crate::types::{Problem, constant, infer, infer_string, literal_ratio};
use crate::walk::unparen;

/// `env("VAR")` or `file("path", key: "k")`
pub(super) fn secret(cx: &Cx<'_>, value: &Ast) -> Option<SecretSource> {
    let ExprKind::Call { func, args } = &unparen(value).kind else {
        if !matches!(value.kind, ExprKind::Error) {
            let message = "a secret comes from `env(\"VAR\")` or `file(\"path\", key: \"k\")`, expected one of them";
            cx.push(Problem::new(rules::WRONG_ARGUMENTS, value.span, message));
        }
        return None;
    };
    let (allowed, signature): (&[&str], &str) = match func.text.as_str() {
        "env" => (&["name"], "env(\"VARIABLE\")"),
        "file" => (&["path", "key"], "file(\"path\", key: \"name\")"),
        other => {
            let known = ["env", "file"].map(SmolStr::from);
            let message = format!("a secret does not come from `{other}`, expected `env` or `file`");
            cx.push(Problem::new(rules::UNKNOWN_FUNCTION, func.span, message).nearest(other, &known));
            return None;
        }
    };
    let wrong = |span: Span, message: String| cx.with_report(|report| report.wrong_arguments(span, message, signature));
    let [first, rest @ ..] = args.as_slice() else {
        wrong(value.span, format!("`{}` has no argument", func.text));
        return None;
    };
    if let Some(name) = first.name.as_ref().filter(|name| name.text != allowed[0]) {
        wrong(
            name.span,
            format!("there is no argument `{}` before `{}`", name.text, allowed[0]),
        );
        return None;
    }
    let mut key = None;
    match (rest, allowed) {
        ([], _) => {}
        (
            [
                Arg {
                    name: Some(name),
                    value,
                },
            ],
            [_, known],
        ) if name.text == *known => key = Some(constant_text(cx, value, "the key")?),
        ([extra, ..], _) => wrong(extra.value.span, format!("`{}` has an argument too many", func.text)),
    }
    if let ("env", ExprKind::Name(name)) = (func.text.as_str(), &first.value.kind) {
        let quoted = format!("\"{name}\"");
        let message = format!("`{name}` without quotes, expected the name of a variable in quotes");
        let problem = Problem::new(rules::TYPE_MISMATCH, first.value.span, message);
        let problem = problem.help(format!("write `env({quoted})`"));
        cx.push(problem.fix("put it in quotes", false, vec![(first.value.span, quoted)]));
        return None;
    }
    let what = if func.text == "env" { "the variable" } else { "the path" };
    let text = constant_text(cx, &first.value, what)?;
    if func.text == "env" && !is_variable(&text) {
        let message = format!("`{text}` is no name of an environment variable");
        let problem = Problem::new(rules::INVALID_LITERAL, first.value.span, message);
        cx.push(problem.help("letters, digits and `_`, such as `API_TOKEN`"));
    }
    Some(if func.text == "env" {
        SecretSource::Env(text)
    } else {
        SecretSource::File { path: text, key }
    })
}

/// A text that is written in place and is not empty.
fn constant_text(cx: &Cx<'_>, value: &Ast, what: &str) -> Option<SmolStr> {
    let found = cx.with_report(|report| infer(value, Some(&Type::STRING), &Place::new(cx, Reads::NOTHING), report));
    if found.ty.is_error() {
        return None;
    }
    match constant(&found.expr) {
        Some(ir::Value::String(text)) if !text.trim().is_empty() => Some(text),
        Some(_) => {
            let message = format!("{what} is empty, expected its name");
            cx.push(Problem::new(rules::OUT_OF_RANGE, value.span, message));
            None
        }
        None => {
            cx.with_report(|report| report.not_constant(value.span, &Type::STRING));
            None
        }
    }
}

fn is_variable(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(word) && !text.starts_with(|c: char| c.is_ascii_digit())
}

pub(super) const BUDGET: [&str; 4] = ["time", "cost", "tokens", "alert"];

/// `budget:` of a plan or a task.
pub(super) fn budget(cx: &Cx<'_>, clause: &Clause) -> Budget {
    let mut found = Budget::default();
    let Value::Assigns(assigns) = &clause.value else {
        return found;
    };
    shape::duplicate_names(cx, assigns.iter().map(|assign| &assign.name), "the budget's");
    for assign in assigns {
        let name = &assign.name;
        if !BUDGET.contains(&name.text.as_str()) {
            let message = format!("a budget has no `{}`", name.text);
            let problem = Problem::new(rules::UNKNOWN_CLAUSE, name.span, message);
            cx.push(problem.nearest(&name.text, &BUDGET.map(SmolStr::from)));
            continue;
        }
        match budget_entry(cx, &name.text, &assign.value) {
            Some(Expr::Const(ir::Value::Duration(ms))) => found.time_ms = u64::try_from(ms).ok(),
            Some(Expr::Const(ir::Value::Money(dollars))) => found.cost = Some(Money(dollars)),
            Some(Expr::Const(ir::Value::Int(tokens))) => found.tokens = u64::try_from(tokens).ok(),
            None => found.alert = literals::exact(cx, &assign.value),
            Some(_) => {}
        }
    }
    if let [only] = assigns.as_slice()
        && only.name.text == "alert"
    {
        let message = "`alert` of a budget that bounds nothing, expected `time`, `cost` or `tokens` beside it";
        cx.push(Problem::new(rules::MISSING_CLAUSE, only.name.span, message));
    }
    cx.noted.budget(facts::Budget {
        time_ms: found.time_ms,
        cost: found.cost.map(|cost| cost.0),
        tokens: found.tokens,
    });
    found
}

/// One value of a budget. `None`: the share at which it warns.
pub(super) fn budget_entry(cx: &Cx<'_>, name: &str, value: &Ast) -> Option<Expr> {
    let place = Place::new(cx, Reads::NOTHING);
    let ty = match name {
        "time" => Type::Duration,
        "cost" => Type::Money,
        "tokens" => Type::INT,
        _ => {
            literals::ratio(cx, value, "`alert`");
            return None;
        }
    };
    let found = typed(cx, value, &ty, &place);
    // it reads nothing, so it is known, however it is written
    let Some(found) = constant(&found) else {
        return Some(found);
    };
    let is_negative = match &found {
        ir::Value::Duration(ms) => *ms < 0,
        ir::Value::Money(dollars) => dollars.is_sign_negative() && !dollars.is_zero(),
        ir::Value::Int(tokens) => *tokens < 0,
        _ => false,
    };
    if is_negative {
        let message = format!("a budget's `{name}` is negative, expected what may be used");
        cx.push(Problem::new(rules::OUT_OF_RANGE, value.span, message));
    }
    Some(Expr::Const(found))
}

pub(super) fn failure(cx: &Cx<'_>, name: &Name) -> Option<FailurePolicy> {
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

/// `judge: human`, or a capability that answers yes or no.
pub(super) fn judge(cx: &Cx<'_>, names: &[Name]) -> Option<Judge> {
    let name = names.first()?;
    if name.text == "human" {
        return Some(Judge::Human);
    }
    let capability = used_capability(cx, name)?;
    if let Some(why) = cannot_judge(capability) {
        let message = format!("`{}` cannot judge: {why}", name.text);
        let help = "a judge takes the expectation as a `string`, what is judged as `json`, and gives one `bool`";
        cx.push(Problem::new(rules::TYPE_MISMATCH, name.span, message).help(help));
    }
    Some(Judge::Capability(name.text.clone()))
}

/// It is given the expectation, and what it is about; it says yes or no.
fn cannot_judge(capability: &Capability) -> Option<String> {
    let verdicts = capability.output.iter().filter(|field| field.ty == Type::Bool).count();
    match verdicts {
        0 => return Some("it gives no `bool`, expected one that says whether the expectation holds".to_owned()),
        1 => {}
        more => {
            return Some(format!(
                "it gives {more} `bool`s, expected one that says whether the expectation holds"
            ));
        }
    }
    let is_text = |ty: &Type| matches!(ty.required(), Type::String(_));
    if !capability.input.iter().any(|field| is_text(&field.ty)) {
        return Some("it takes no `string`, expected one for the expectation".to_owned());
    }
    let mut texts = 0;
    let other = capability.input.iter().find(|field| {
        texts += usize::from(is_text(&field.ty));
        let is_given = (is_text(&field.ty) && texts == 1) || field.ty == Type::Json;
        !is_given && !field.has_default && !field.ty.is_optional()
    });
    other.map(|field| format!("nobody gives it `{}`, which has no default", field.name))
}

const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];

pub(super) fn alert(cx: &Cx<'_>, alert: &Written) -> Alert {
    let reads = Reads {
        nodes: true,
        outcome: true,
        ..Reads::PLAN
    };
    let place = Place::new(cx, reads);
    let lowered = Alert {
        name: cx.with_report(|report| infer_string(&alert.name, &place, report)).expr,
        when: typed(cx, &alert.when, &Type::Bool, &place),
        severity: alert.severity.as_ref().map(|name| name.text.clone()),
    };
    if let Some(severity) = &alert.severity
        && !SEVERITIES.contains(&severity.text.as_str())
    {
        let known = SEVERITIES.map(SmolStr::from);
        let message = format!("there is no severity `{}`", severity.text);
        let mut problem = Problem::new(rules::UNRESOLVED_NAME, severity.span, message).nearest(&severity.text, &known);
        if problem.help.is_none() {
            problem = problem.help("`low`, `medium`, `high` or `critical`");
        }
        cx.push(problem);
    }
    lowered
}

/// Alerts are told apart by their names.
pub(super) fn duplicate_alerts(cx: &Cx<'_>, clauses: &[Clause]) {
    let names: Vec<Name> = clauses
        .iter()
        .filter_map(|clause| match &clause.value {
            Value::Alert(alert) => Some(Name {
                text: alert.name.plain()?,
                span: alert.name.span,
            }),
            _ => None,
        })
        .collect();
    shape::duplicate_names(cx, names.iter(), "the alert");
}

/// `trigger:`: what makes a request pick the plan.
pub(super) fn trigger(cx: &Cx<'_>, whole: &Clause, clauses: &[Clause]) -> Trigger {
    let texts = |names: &[Name]| names.iter().map(|name| name.text.clone()).collect();
    let mut found = Trigger::default();
    for clause in clauses {
        match (clause.key, &clause.value) {
            (Some(K::When), Value::Expr(expr)) => {
                let reads = Reads {
                    context: true,
                    ..Reads::NOTHING
                };
                let place = Place::new(cx, reads);
                found.when = Some(typed(cx, expr, &Type::Bool, &place));
            }
            (Some(K::Confidence), Value::Expr(expr)) => {
                literals::ratio(cx, expr, "`confidence`");
                found.confidence = literals::exact(cx, expr);
            }
            (Some(K::Intent), Value::Names(names)) => {
                shape::duplicate_names(cx, names.iter(), "the intent");
                found.intent = texts(names);
            }
            (Some(K::Keywords), Value::Names(names)) => {
                shape::duplicate_names(cx, names.iter(), "the keyword");
                found.keywords = texts(names);
            }
            _ => {}
        }
    }
    let picks = |clause: &Clause| matches!(clause.key, None | Some(K::Intent | K::Keywords | K::When));
    if !clauses.iter().any(picks) {
        let message = "a trigger that no request can match, expected `intent`, `keywords` or `when`";
        cx.push(Problem::new(rules::MISSING_CLAUSE, whole.name.span, message).help("add a line `intent: …`"));
    }
    found
}

/// How likely a hypothesis is at first: evidence multiplies odds, so what is certain or impossible stays so.
pub(super) fn prior(cx: &Cx<'_>, expr: &Ast) -> Option<Ratio> {
    let prior = literals::ratio(cx, expr, "`prior`")?;
    if prior <= 0.0 || prior >= 1.0 {
        let what = if prior <= 0.0 { "impossible" } else { "certain" };
        let message =
            format!("a hypothesis that is {what} at first stays so, expected more than 0% and less than 100%");
        cx.push(Problem::new(rules::OUT_OF_RANGE, expr.span, message));
    }
    literals::exact(cx, expr)
}

/// `supports H when expr by 4`, without its name.
pub(super) fn evidence(cx: &Cx<'_>, evidence: &Evidence, place: &Place<'_, '_>) -> Option<(Expr, Ratio)> {
    let when = typed(cx, &evidence.when, &Type::Bool, place);
    let nothing = Place::new(cx, Reads::NOTHING);
    let by = cx.with_report(|report| literal_ratio(&evidence.by, &nothing, report));
    if by.is_some_and(|by| by <= 0.0) {
        let message = format!("odds times {}, expected a factor above 0", by.unwrap_or_default());
        cx.push(Problem::new(rules::OUT_OF_RANGE, evidence.by.span, message));
    }
    Some((when, literals::exact(cx, &evidence.by)?))
}
