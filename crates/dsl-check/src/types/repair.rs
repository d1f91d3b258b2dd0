//! What a machine may write instead of an expression, a name or a pattern that does not fit.
//!
//! Guesses, so nothing of this is done unasked. Absent: where it stands.

use dsl_syntax::ast::{self, ExprKind, Span};
use ir::types::Type;

use super::assign::is_checked;
use super::problem::Problem;
use crate::walk;

/// What to write before and after an expression, or instead of it, to make it fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conversion {
    Around(String, String),
    Instead(String),
    /// What stands in quotes is a value as it is.
    Bare(String),
}

/// The problem with the repair of an expression at a place; what stands in quotes and should not needs no other help.
pub(super) fn converted_by(mut problem: Problem, span: Span, conversion: Option<Conversion>) -> Problem {
    let at = |at: u32| Span::new(at, at);
    match conversion {
        None => problem,
        Some(Conversion::Instead(text)) => problem.fix(format!("change it to `{text}`"), false, vec![(span, text)]),
        Some(Conversion::Bare(text)) => {
            problem.help = Some(format!("write it without quotes: `{text}`"));
            problem.fix(format!("change it to `{text}`"), false, vec![(span, text)])
        }
        Some(Conversion::Around(before, after)) => {
            if before == "\"" {
                problem.help = Some("write it in quotes".to_owned());
            }
            let title = format!("write `{before}…{after}`");
            let edits = [(at(span.start), before), (at(span.end), after)];
            problem.fix(
                title,
                false,
                edits.into_iter().filter(|(_, text)| !text.is_empty()).collect(),
            )
        }
    }
}

/// The repair of one side of a comparison or calculation that is a literal, and not of the other side's type.
pub(super) fn literal_conversion(side: &ast::Expr, found: &Type, other: &Type) -> Option<(Span, Conversion)> {
    let plain = walk::unparen(side);
    let is_literal = matches!(
        plain.kind,
        ExprKind::String(_) | ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Version(_)
    );
    let conversion = is_literal.then(|| conversion(plain, found, other))??;
    let is_plain = !matches!(&conversion, Conversion::Around(before, _) if before != "\"");
    is_plain.then_some((plain.span, conversion))
}

/// How an expression that does not fit could be written, where there is one way that is likely meant.
pub(super) fn conversion(at: &ast::Expr, found: &Type, expected: &Type) -> Option<Conversion> {
    let wanted = expected.required();
    let around = |before: &str, after: &str| Some(Conversion::Around(before.to_owned(), after.to_owned()));
    match (&at.kind, found, wanted) {
        (ExprKind::Int(digits), _, Type::Version) => Some(Conversion::Instead(format!("{digits}.0.0"))),
        (ExprKind::Float(digits), _, Type::Version) => Some(Conversion::Instead(format!("{digits}.0"))),
        (ExprKind::Int(digits) | ExprKind::Float(digits), _, Type::Duration) => {
            Some(Conversion::Instead(format!("{digits}s")))
        }
        (ExprKind::Int(digits) | ExprKind::Float(digits), _, Type::Size) => {
            Some(Conversion::Instead(format!("{digits}MB")))
        }
        (ExprKind::Int(digits) | ExprKind::Float(digits), _, Type::Money) => {
            Some(Conversion::Instead(format!("${digits}")))
        }
        (ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Version(_), _, Type::String(_)) => {
            around("\"", "\"")
        }
        (ExprKind::String(text), _, Type::Int(_) | Type::Float(_) | Type::Bool) => {
            let plain = text.plain()?;
            let is_value = match wanted {
                Type::Int(_) => plain.parse::<i64>().is_ok(),
                Type::Float(_) => plain.parse::<f64>().is_ok_and(f64::is_finite) && plain.starts_with(char::is_numeric),
                _ => matches!(plain.as_str(), "true" | "false"),
            };
            let is_expression = *wanted == Type::Bool && plain.contains(['=', '<', '>', '(']);
            let bare = if is_expression {
                plain.replace('\'', "\"")
            } else {
                plain.to_string()
            };
            (is_value || is_expression).then_some(Conversion::Bare(bare))
        }
        (ExprKind::String(text), _, Type::Duration | Type::Size | Type::Money) => {
            let plain = text.plain()?;
            let is_value = match wanted {
                Type::Duration => ir::quantity::parse_duration(&plain).is_ok(),
                Type::Size => ir::quantity::parse_size(&plain).is_ok(),
                _ => ir::quantity::parse_money(&plain).is_ok(),
            };
            is_value.then(|| Conversion::Bare(plain.to_string()))
        }
        (_, Type::Optional(_), _) => None,
        (
            _,
            Type::Int(_) | Type::Float(_) | Type::Bool | Type::Duration | Type::Size | Type::Money,
            Type::String(_),
        ) => around("string(", ")"),
        (ExprKind::String(_), _, Type::File) => around("file(", ")"),
        (_, Type::String(_), Type::Int(_)) => around("int(", ")"),
        (_, Type::String(_), Type::Float(_)) => around("float(", ")"),
        (_, Type::Float(_), Type::Int(_)) => around("int(", ")"),
        (_, found, Type::List(list)) if found.same(&list.item) => around("[", "]"),
        (ExprKind::Name(_) | ExprKind::Field { .. } | ExprKind::Call { .. } | ExprKind::Index { .. }, ..)
            if is_checked(found, wanted) =>
        {
            around("", &format!(" as {wanted}"))
        }
        _ => None,
    }
}

/// A value of a type that stands for nothing, as it is written.
pub(super) fn nothing(ty: &Type) -> Option<&'static str> {
    Some(match ty.required() {
        Type::String(None) => "\"\"",
        Type::Int(None) => "0",
        Type::Float(None) => "0.0",
        Type::Bool => "false",
        Type::List(list) if list.len.is_none() => "[]",
        Type::Map(_) => "{}",
        Type::Duration => "0s",
        Type::Size => "0B",
        Type::Money => "$0.00",
        _ => return None,
    })
}

/// The pattern that matches this text and nothing else; `None`: it has been escaped in part.
pub(super) fn literally(pattern: &str) -> Option<String> {
    if pattern.contains(['\\', '/']) {
        return None;
    }
    let escaped = pattern.chars().flat_map(|c| {
        let escape = r".+*?()|[]{}^$".contains(c).then_some('\\');
        escape.into_iter().chain([c])
    });
    Some(escaped.collect())
}
