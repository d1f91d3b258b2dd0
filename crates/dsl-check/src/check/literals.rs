//! Clauses whose values must be known before a run: numbers, durations, retry policies.

use dsl_syntax::ast::{Decl, Expr, ExprKind, Retry as Written, Span, UnaryOp, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::plan::{Backoff, Ratio, Retry, Tolerate};
use ir::types::Type;
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::Cx;
use super::env::{Place, Reads};
use super::task::typed;
use crate::graph::BUILTIN_MODES;
use crate::rules;
use crate::signatures::clause;
use crate::types::{Problem, Report, constant, literal_bool, literal_duration, literal_int, literal_ratio};
use crate::walk::unparen;

/// The most further attempts that `retry` may ask for.
const RETRIES_MAX: i64 = 1000;

/// The expression of a clause, if it is one.
pub(super) fn expr_of(decl: &Decl, key: K) -> Option<&Expr> {
    match &clause(decl, key)?.value {
        Value::Expr(expr) => Some(expr),
        _ => None,
    }
}

pub(super) fn bool_clause(cx: &Cx<'_>, decl: &Decl, key: K) -> Option<bool> {
    bool(cx, expr_of(decl, key)?)
}

/// A constant yes or no.
pub(super) fn bool(cx: &Cx<'_>, expr: &Expr) -> Option<bool> {
    if let Some((word, meant)) = foreign_bool(expr) {
        let message = format!("`{word}` is no truth value, expected `true` or `false`");
        let problem = Problem::new(rules::UNRESOLVED_NAME, expr.span, message).help(format!("write `{meant}`"));
        let edits = vec![(expr.span, meant.to_string())];
        cx.push(problem.fix(format!("change `{word}` to `{meant}`"), true, edits));
        return None;
    }
    cx.with_report(|report| literal_bool(expr, &Place::new(cx, Reads::NOTHING), report))
}

/// What other languages call true and false: nothing else can be meant where only a constant may stand.
fn foreign_bool(expr: &Expr) -> Option<(&str, bool)> {
    let ExprKind::Name(word) = &unparen(expr).kind else {
        return None;
    };
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some((word, true)),
        "false" | "no" | "off" => Some((word, false)),
        _ => None,
    }
}

pub(super) fn int_clause(cx: &Cx<'_>, decl: &Decl, key: K, least: i64) -> Option<i64> {
    let expr = expr_of(decl, key)?;
    int(cx, expr, least, i64::from(u32::MAX), &format!("`{}`", key.word()))
}

/// A constant integer between bounds.
pub(super) fn int(cx: &Cx<'_>, expr: &Expr, least: i64, most: i64, what: &str) -> Option<i64> {
    let value = cx.with_report(|report| literal_int(expr, &Place::new(cx, Reads::NOTHING), report))?;
    if (least..=most).contains(&value) {
        return Some(value);
    }
    let expected = if value < least {
        format!("at least {least}")
    } else {
        format!("at most {most}")
    };
    let near = value.clamp(least, most);
    let message = format!("{what} is {value}, expected {expected}");
    let problem = Problem::new(rules::OUT_OF_RANGE, expr.span, message);
    cx.push(problem.fix(
        format!("change it to {near}"),
        false,
        vec![(expr.span, near.to_string())],
    ));
    None
}

/// A constant duration that is not negative, in milliseconds.
pub(super) fn duration(cx: &Cx<'_>, expr: &Expr, what: &str) -> Option<u64> {
    let value = cx.with_report(|report| literal_duration(expr, &Place::new(cx, Reads::NOTHING), report))?;
    if value < 0 {
        let message = format!("{what} is negative, expected a time to wait");
        cx.push(without_sign(
            Problem::new(rules::OUT_OF_RANGE, expr.span, message),
            expr,
        ));
    }
    u64::try_from(value).ok()
}

/// A timeout may be computed; a negative one that is written down is a mistake.
pub(super) fn timeout(cx: &Cx<'_>, expr: &Expr, place: &Place<'_, '_>) -> ir::expr::Expr {
    if let ExprKind::Unary {
        op: UnaryOp::Neg,
        expr: inner,
    } = &unparen(expr).kind
        && matches!(inner.kind, ExprKind::Quantity { .. })
    {
        let message = "`timeout` is negative, expected a time to wait";
        cx.push(without_sign(
            Problem::new(rules::OUT_OF_RANGE, inner.span, message),
            expr,
        ));
    }
    let found = typed(cx, expr, &Type::Duration, place);
    let Some(known) = constant(&found) else { return found };
    if known == ir::Value::Duration(0) {
        let problem = Problem::new(
            rules::OUT_OF_RANGE,
            expr.span,
            "`timeout` is 0, expected a time to wait",
        );
        cx.push(problem.help("write how long it may take, such as `10m`"));
    }
    ir::Expr::Const(known)
}

fn without_sign(problem: Problem, expr: &Expr) -> Problem {
    match &unparen(expr).kind {
        ExprKind::Unary {
            op: UnaryOp::Neg,
            expr: inner,
        } => {
            let sign = Span::new(unparen(expr).span.start, inner.span.start);
            problem.fix("remove the sign", false, vec![(sign, String::new())])
        }
        _ => problem,
    }
}

/// A constant between 0 and 1.
pub(super) fn ratio(cx: &Cx<'_>, expr: &Expr, what: &str) -> Option<f64> {
    let value = cx.with_report(|report| literal_ratio(expr, &Place::new(cx, Reads::NOTHING), report))?;
    if (0.0..=1.0).contains(&value) {
        return Some(value);
    }
    let near = if value < 0.0 { "0%" } else { "100%" };
    let message = format!("{what} is {value}, expected 0% to 100%");
    let problem = Problem::new(rules::OUT_OF_RANGE, expr.span, message);
    cx.push(problem.fix(
        format!("change it to {near}"),
        false,
        vec![(expr.span, near.to_owned())],
    ));
    None
}

/// A number as it is written, exactly: 20% is 0.2. What is wrong with it is reported where its clause is checked.
pub(super) fn exact(cx: &Cx<'_>, expr: &Expr) -> Option<Ratio> {
    let number = match &unparen(expr).kind {
        ExprKind::Int(digits) | ExprKind::Float(digits) => Decimal::from_str_exact(&digits.replace('_', "")).ok()?,
        ExprKind::Ratio(percent) => {
            let percent = Decimal::from_str_exact(&percent.replace('_', "")).ok()?;
            percent.checked_div(Decimal::ONE_HUNDRED)?
        }
        _ => {
            let place = Place::new(cx, Reads::NOTHING);
            let value = literal_ratio(expr, &place, &mut Report::default())?;
            return Ratio::of_float(value);
        }
    };
    Some(Ratio(number.normalize()))
}

/// `tolerate: 20%` or a count.
pub(super) fn tolerate(cx: &Cx<'_>, decl: &Decl) -> Tolerate {
    expr_of(decl, K::Tolerate).map_or(Tolerate::Count(0), |expr| tolerated(cx, expr))
}

pub(super) fn tolerated(cx: &Cx<'_>, expr: &Expr) -> Tolerate {
    match &unparen(expr).kind {
        ExprKind::Ratio(_) | ExprKind::Float(_) => {
            let share = ratio(cx, expr, "`tolerate`").unwrap_or_default();
            Tolerate::BasisPoints((share * 10_000.0).round() as u32)
        }
        _ => Tolerate::Count(int(cx, expr, 0, i64::from(u32::MAX), "`tolerate`").unwrap_or_default() as u32),
    }
}

/// The `retry:` of a task or plan. `modes` are the failure modes declared by the task; a plan's retry may name any.
pub(super) fn retry(cx: &Cx<'_>, decl: &Decl, modes: Option<&[SmolStr]>) -> Option<Retry> {
    let Value::Retry(written) = &clause(decl, K::Retry)?.value else {
        return None;
    };
    retry_value(cx, written, modes)
}

pub(super) fn retry_value(cx: &Cx<'_>, written: &Written, modes: Option<&[SmolStr]>) -> Option<Retry> {
    for mode in &written.on {
        let known = BUILTIN_MODES.contains(&mode.text.as_str()) || modes.is_none_or(|modes| modes.contains(&mode.text));
        if !known {
            let mut all: Vec<SmolStr> = BUILTIN_MODES.iter().map(|mode| SmolStr::from(*mode)).collect();
            all.extend(modes.into_iter().flatten().cloned());
            let problem = Problem::new(
                rules::UNRESOLVED_NAME,
                mode.span,
                format!("there is no failure mode `{}`", mode.text),
            );
            cx.push(problem.nearest(&mode.text, &all));
        }
    }
    let on = written.on.iter().map(|mode| mode.text.clone()).collect();
    let policy = unparen(&written.policy);
    if let ExprKind::Call { func, args } = &policy.kind {
        let (allowed, signature): (&[&str], &str) = match func.text.as_str() {
            "immediate" => (&["max"], "immediate(max: int)"),
            "linear" => (
                &["max", "base", "step"],
                "linear(max: int, base: duration, step: duration)",
            ),
            "exponential" => (
                &["max", "base", "cap", "factor", "jitter"],
                "exponential(max: int, base: duration, cap: duration, factor: float, jitter: bool)",
            ),
            _ => {
                let known = ["immediate", "linear", "exponential"].map(SmolStr::from);
                let message = format!("there is no way to retry called `{}`", func.text);
                cx.push(Problem::new(rules::UNKNOWN_FUNCTION, func.span, message).nearest(&func.text, &known));
                return None;
            }
        };
        let found = Arguments::new(cx, policy.span, args, allowed, signature);
        let max = match found.get("max") {
            Some(max) => int(cx, max, 0, RETRIES_MAX, "`max`")? as u32,
            None => {
                if found.complete {
                    found.wrong(format!("`{}` has no `max`, expected how often to try again", func.text));
                }
                return None;
            }
        };
        let backoff = match func.text.as_str() {
            "immediate" => Backoff::Immediate,
            "linear" => {
                let base_ms = found.duration("base", 1_000)?;
                Backoff::Linear {
                    base_ms,
                    step_ms: found.duration("step", base_ms)?,
                }
            }
            _ => Backoff::Exponential {
                base_ms: found.duration("base", 1_000)?,
                cap_ms: match found.get("cap") {
                    Some(cap) => Some(duration(cx, cap, "`cap`")?),
                    None => None,
                },
                factor_milli: found.factor()?,
                jitter: match found.get("jitter") {
                    Some(jitter) => {
                        cx.with_report(|report| literal_bool(jitter, &Place::new(cx, Reads::NOTHING), report))?
                    }
                    None => false,
                },
            },
        };
        return Some(Retry { max, backoff, on });
    }
    let max = int(cx, policy, 0, RETRIES_MAX, "`retry`")? as u32;
    Some(Retry {
        max,
        backoff: Backoff::Immediate,
        on,
    })
}

/// The named arguments of a retry policy.
struct Arguments<'a, 'db> {
    cx: &'a Cx<'db>,
    span: Span,
    found: Vec<(&'a str, &'a Expr)>,
    signature: &'a str,
    /// No argument was wrong, so what is missing is missing.
    complete: bool,
}

impl<'a, 'db> Arguments<'a, 'db> {
    fn new(
        cx: &'a Cx<'db>,
        span: Span,
        args: &'a [dsl_syntax::ast::Arg],
        allowed: &[&'a str],
        signature: &'a str,
    ) -> Self {
        let mut this = Self {
            cx,
            span,
            found: Vec::new(),
            signature,
            complete: true,
        };
        for (at, arg) in args.iter().enumerate() {
            let name = match &arg.name {
                Some(name) => match allowed.iter().find(|allowed| **allowed == name.text) {
                    Some(known) => *known,
                    None => {
                        let message = format!("there is no argument `{}` here", name.text);
                        let near: Vec<SmolStr> = allowed.iter().map(|name| SmolStr::from(*name)).collect();
                        cx.push(Problem::new(rules::WRONG_ARGUMENTS, name.span, message).nearest(&name.text, &near));
                        this.complete = false;
                        continue;
                    }
                },
                None => match allowed.get(at) {
                    Some(name) => name,
                    None => {
                        this.wrong(format!("{} arguments, expected at most {}", args.len(), allowed.len()));
                        break;
                    }
                },
            };
            if this.get(name).is_some() {
                this.wrong(format!("`{name}` is given twice"));
            } else {
                this.found.push((name, &arg.value));
            }
        }
        this
    }

    fn get(&self, name: &str) -> Option<&'a Expr> {
        self.found
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, expr)| *expr)
    }

    fn wrong(&self, message: String) {
        self.cx
            .with_report(|report| report.wrong_arguments(self.span, message, self.signature));
    }

    fn duration(&self, name: &str, default: u64) -> Option<u64> {
        match self.get(name) {
            Some(expr) => duration(self.cx, expr, &format!("`{name}`")),
            None => Some(default),
        }
    }

    /// In thousandths.
    fn factor(&self) -> Option<u64> {
        let Some(expr) = self.get("factor") else {
            return Some(2_000);
        };
        let place = Place::new(self.cx, Reads::NOTHING);
        let value = self.cx.with_report(|report| literal_ratio(expr, &place, report))?;
        if (1.0..=1_000.0).contains(&value) {
            return Some((value * 1_000.0).round() as u64);
        }
        let message = format!("`factor` is {value}, expected 1 to 1000");
        self.cx.push(Problem::new(rules::OUT_OF_RANGE, expr.span, message));
        None
    }
}
