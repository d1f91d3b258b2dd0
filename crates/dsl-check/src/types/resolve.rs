//! Types as written to types: names, items, refinements.

use dsl_syntax::ast::{self, ExprKind, Name, Refine, TypeKind, UnaryOp};
use ir::types::{Bounds, ListType, StringRefine, Type};
use rust_decimal::Decimal;
use smol_str::{SmolStr, ToSmolStr};

use super::env::Env;
use super::literal::check_regex;
use super::problem::Report;

/// The types that every plan knows, as they are written.
pub const BUILTIN_TYPES: &[&str] = &[
    "string",
    "int",
    "float",
    "bool",
    "duration",
    "size",
    "money",
    "time",
    "url",
    "path",
    "regex",
    "version",
    "principal",
    "json",
    "file",
    "dir",
    "list",
    "map",
    "secret",
];

/// The type that is written there; the error type if something is wrong with it.
pub fn resolve_type(written: &ast::Type, env: &dyn Env, report: &mut Report) -> Type {
    match &written.kind {
        TypeKind::Error => Type::Error,
        TypeKind::Enum(members) => enumeration(members, report),
        TypeKind::Named {
            name,
            arg,
            refine,
            optional,
        } => {
            let ty = named(name, arg.as_deref(), env, report);
            let ty = match refine {
                Some(refine) => refined(ty, name, refine, report),
                None => ty,
            };
            if *optional { ty.optional() } else { ty }
        }
    }
}

fn enumeration(members: &[Name], report: &mut Report) -> Type {
    let mut seen: Vec<&Name> = Vec::with_capacity(members.len());
    let mut by_text = std::collections::HashMap::new();
    for member in members {
        match by_text.get(&member.text) {
            Some(first) => report.duplicate_member(member.span, *first, &member.text),
            None => {
                by_text.insert(&member.text, member.span);
                seen.push(member);
            }
        }
    }
    Type::Enum(seen.into_iter().map(|member| member.text.clone()).collect())
}

fn named(name: &Name, arg: Option<&ast::Type>, env: &dyn Env, report: &mut Report) -> Type {
    let generic: fn(Type) -> Type = match name.text.as_str() {
        "list" => Type::list,
        "map" => Type::map,
        "secret" => |inner| Type::Secret(Box::new(inner)),
        _ => {
            if let Some(arg) = arg {
                report.takes_no_type_argument(arg.span, &name.text);
                return Type::Error;
            }
            return plain(name, env, report);
        }
    };
    let Some(arg) = arg else {
        report.needs_type_argument(name.span, &name.text);
        return Type::Error;
    };
    match resolve_type(arg, env, report) {
        Type::Error => Type::Error,
        inner => generic(inner),
    }
}

fn plain(name: &Name, env: &dyn Env, report: &mut Report) -> Type {
    if let Some(ty) = builtin(&name.text) {
        return ty;
    }
    env.type_named(&name.text).unwrap_or_else(|| {
        let mut candidates = env.type_names();
        candidates.extend(BUILTIN_TYPES.iter().map(|name| SmolStr::new_static(name)));
        report.unresolved_type(name.span, &name.text, &candidates);
        Type::Error
    })
}

fn builtin(name: &str) -> Option<Type> {
    Some(match name {
        "string" => Type::STRING,
        "int" => Type::INT,
        "float" => Type::FLOAT,
        "bool" => Type::Bool,
        "duration" => Type::Duration,
        "size" => Type::Size,
        "money" => Type::Money,
        "time" => Type::Time,
        "url" => Type::Url,
        "path" => Type::Path,
        "regex" => Type::Regex,
        "version" => Type::Version,
        "principal" => Type::Principal,
        "json" => Type::Json,
        "file" => Type::File,
        "dir" => Type::Dir,
        _ => return None,
    })
}

/// What the ends of a range count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BoundKind {
    Int,
    Float,
    /// Characters or items: an integer from 0.
    Length,
}

fn refined(ty: Type, name: &Name, refine: &Refine, report: &mut Report) -> Type {
    match (ty, refine) {
        (Type::Error, _) => Type::Error,
        (Type::String(None), Refine::Regex(pattern)) => match check_regex(&pattern.text) {
            Ok(()) => Type::String(Some(Box::new(StringRefine::Regex(pattern.text.clone())))),
            Err(why) => {
                report.invalid_regex(pattern.span, &why);
                Type::Error
            }
        },
        (Type::Int(None), Refine::Range { .. }) => {
            bounds(refine, BoundKind::Int, report).map_or(Type::Error, |bounds| Type::Int(bounds.map(Box::new)))
        }
        (Type::Float(None), Refine::Range { .. }) => {
            bounds(refine, BoundKind::Float, report).map_or(Type::Error, |bounds| Type::Float(bounds.map(Box::new)))
        }
        (Type::String(None), Refine::Range { .. }) => bounds(refine, BoundKind::Length, report)
            .map_or(Type::Error, |bounds| {
                Type::String(bounds.map(|bounds| Box::new(StringRefine::Len(bounds))))
            }),
        (Type::List(list), Refine::Range { .. }) if list.len.is_none() => bounds(refine, BoundKind::Length, report)
            .map_or(Type::Error, |len| {
                Type::List(Box::new(ListType { item: list.item, len }))
            }),
        (_, Refine::Range { span, .. }) => {
            report.cannot_refine(*span, &name.text, "bounds");
            Type::Error
        }
        (_, Refine::Regex(pattern)) => {
            report.cannot_refine(pattern.span, &name.text, "a regex");
            Type::Error
        }
    }
}

/// Both ends, in canonical text. `Some(None)`: the range says nothing. `None`: a problem was reported.
fn bounds(refine: &Refine, kind: BoundKind, report: &mut Report) -> Option<Option<Bounds>> {
    let Refine::Range { lo, hi, span } = refine else {
        return None;
    };
    let lo = end(lo.as_deref(), kind, report)?;
    let hi = end(hi.as_deref(), kind, report)?;
    if let (Some(lo), Some(hi)) = (lo, hi)
        && lo > hi
    {
        report.bounds_reversed(*span, &lo.to_string(), &hi.to_string());
        return None;
    }
    let text = |end: Option<Decimal>| end.map(|end| end.to_smolstr());
    let bounds = Bounds {
        lo: text(lo),
        hi: text(hi),
    };
    Some((!bounds.is_unbounded()).then_some(bounds))
}

/// `Some(None)`: unbounded. `None`: a problem was reported (or the parser has reported one).
fn end(written: Option<&ast::Expr>, kind: BoundKind, report: &mut Report) -> Option<Option<Decimal>> {
    let Some(written) = written else {
        return Some(None);
    };
    if matches!(written.kind, ExprKind::Error) {
        return None;
    }
    let Some((text, whole)) = number(written) else {
        report.bound_of_wrong_type(
            written.span,
            if kind == BoundKind::Float {
                "a number"
            } else {
                "an integer"
            },
        );
        return None;
    };
    if kind != BoundKind::Float && !whole {
        report.bound_of_wrong_type(written.span, "an integer");
        return None;
    }
    let Ok(value) = Decimal::from_str_exact(&text) else {
        report.invalid_literal(written.span, format!("`{text}` has too many digits for a bound"));
        return None;
    };
    if kind != BoundKind::Float && text.parse::<i64>().is_err() {
        report.invalid_literal(written.span, format!("`{text}` does not fit an integer of 64 bits"));
        return None;
    }
    if kind == BoundKind::Length && value.is_sign_negative() && !value.is_zero() {
        report.bound_of_wrong_type(written.span, "a length, 0 or more");
        return None;
    }
    Some(Some(value.normalize()))
}

/// The digits of a number literal, possibly negative, and whether it is an integer.
fn number(expr: &ast::Expr) -> Option<(String, bool)> {
    match &expr.kind {
        ExprKind::Int(digits) => Some((digits.replace('_', ""), true)),
        ExprKind::Float(digits) => Some((digits.replace('_', ""), false)),
        ExprKind::Unary { op: UnaryOp::Neg, expr } => number(expr).map(|(digits, whole)| (format!("-{digits}"), whole)),
        ExprKind::Paren(inner) => number(inner),
        _ => None,
    }
}
