//! The type of an expression, and the expression lowered: names resolved, literals converted, operands checked.
//!
//! Types flow both ways: what is expected makes members of enumerations bare names, texts into urls, and checks every
//! branch and item where it stands. What nothing is expected of is typed from its parts. Recursion is as deep as the
//! expression, which the parser bounds.

use dsl_syntax::ast::{self, BinaryOp as AstOp, ExprKind, IsWhat, Span, StringLit, StringPart, UnaryOp};
use ir::types::{ListType, Type};
use ir::{Expr, Value};

use super::assign::{Mismatch, assign, castable, conversion_help, dimension, join, widened, without_optional};
use super::env::Env;
use super::literal::{constant, is_refined, literal_value, nearest_within, negative_literal, text_as};
use super::names::written;
use super::narrow::{about_item, alternatives, facts_when, follows};
use super::problem::Report;
use super::repair::{conversion, literal_conversion};
use super::resolve::resolve_type;

/// An expression and its type. If the type is the error type, a problem was reported and the expression means nothing.
#[derive(Clone, PartialEq, Debug)]
pub struct Typed {
    pub expr: Expr,
    pub ty: Type,
}

impl Typed {
    pub const fn new(expr: Expr, ty: Type) -> Self {
        Self { expr, ty }
    }

    pub const fn error() -> Self {
        Self {
            expr: Expr::Const(Value::None),
            ty: Type::Error,
        }
    }

    pub const fn is_error(&self) -> bool {
        self.ty.is_error()
    }
}

/// Types and lowers `expr`. With an `expected` type the expression is also checked against it, and the result has that
/// type, or the error type after a problem was reported.
pub fn infer(expr: &ast::Expr, expected: Option<&Type>, env: &dyn Env, report: &mut Report) -> Typed {
    let want = expected.map_or(Want::Anything, Want::Exactly);
    Checker::new(env, report).expr(expr, want)
}

/// A string literal that stands outside an expression: a title, a message.
pub fn infer_string(literal: &StringLit, env: &dyn Env, report: &mut Report) -> Typed {
    Checker::new(env, report).interpolated(literal)
}

/// What is expected of an expression.
#[derive(Clone, Copy)]
pub(super) enum Want<'t> {
    Anything,
    /// Literals and bare members are read as this type; anything else may come.
    Hint(&'t Type),
    /// Anything else is a problem.
    Exactly(&'t Type),
}

impl<'t> Want<'t> {
    pub(super) const fn ty(self) -> Option<&'t Type> {
        match self {
            Self::Anything => None,
            Self::Hint(ty) | Self::Exactly(ty) => Some(ty),
        }
    }

    /// Where nothing is wanted: what another part of the expression turned out to be.
    fn or_like(self, other: &'t Typed) -> Self {
        match self {
            Self::Anything if !other.is_error() => Self::Hint(&other.ty),
            want => want,
        }
    }
}

/// The walk over one expression.
pub(super) struct Checker<'a> {
    pub(super) env: &'a dyn Env,
    pub(super) report: &'a mut Report,
    /// Types of `it`, the innermost last.
    pub(super) items: Vec<Type>,
    /// Known not to be none, from conditions inside the expression.
    known: Vec<Expr>,
    /// What is absent where this is read: the left sides of `??`.
    absent: Vec<Expr>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(env: &'a dyn Env, report: &'a mut Report) -> Self {
        Self {
            env,
            report,
            items: Vec::new(),
            known: Vec::new(),
            absent: Vec::new(),
        }
    }

    /// Any expression. Forms that only pass a value on hand the wish down to where the value is written.
    pub(super) fn expr(&mut self, expr: &ast::Expr, want: Want<'_>) -> Typed {
        match &expr.kind {
            ExprKind::Error => Typed::error(),
            ExprKind::Paren(inner) => self.expr(inner, want),
            ExprKind::If { then, cond, otherwise } => self.conditional(expr.span, then, cond, otherwise, want),
            ExprKind::Binary {
                op: AstOp::Coalesce,
                lhs,
                rhs,
                ..
            } => self.coalesce(expr.span, lhs, rhs, want),
            ExprKind::List(items) => self.list(expr, items, want),
            ExprKind::Record(fields) => self.record(expr, fields, want),
            _ => {
                let typed = self.plain(expr, want.ty());
                self.settle(expr, typed, want)
            }
        }
    }

    /// The expressions whose type comes from their parts.
    fn plain(&mut self, expr: &ast::Expr, hint: Option<&Type>) -> Typed {
        if let Some((value, ty)) = literal_value(expr, self.report) {
            return Typed::new(Expr::Const(value), ty);
        }
        match &expr.kind {
            ExprKind::String(literal) => self.string(literal, hint),
            ExprKind::Name(_) | ExprKind::Field { .. } => self.path(expr, hint),
            ExprKind::It => self.item(expr.span),
            ExprKind::ItField(name) => {
                let item = self.item(expr.span);
                self.field(item, "it", expr.span, name)
            }
            ExprKind::Index { base, index } => self.index(base, index),
            ExprKind::Call { func, args } => self.call(expr.span, func, None, args, hint),
            ExprKind::Pipe { lhs, func, args } => self.call(expr.span, func, Some(lhs), args, hint),
            ExprKind::Unary { op: UnaryOp::Not, expr } => {
                let inner = self.condition(expr);
                Typed::new(Expr::Not(Box::new(inner.expr)), Type::Bool)
            }
            ExprKind::Unary {
                op: UnaryOp::Neg,
                expr: operand,
            } => self.negation(operand, expr.span),
            ExprKind::Binary { op, op_span, lhs, rhs } => self.binary(expr.span, *op, *op_span, lhs, rhs),
            ExprKind::Is { expr, not, what } => self.is(expr, *not, *what),
            ExprKind::Cast { expr: operand, ty } => self.cast(operand, ty),
            ExprKind::Selector(_) | ExprKind::Pattern(_) => {
                self.report.policy_only(expr.span);
                Typed::error()
            }
            _ => Typed::error(),
        }
    }

    /// Holds a typed expression against what is wanted of it.
    pub(super) fn settle(&mut self, at: &ast::Expr, typed: Typed, want: Want<'_>) -> Typed {
        match want {
            Want::Exactly(expected) => self.fit(at, typed, expected),
            Want::Anything | Want::Hint(_) => typed,
        }
    }

    /// Makes an `expected` of the expression, or says why it is none.
    pub(super) fn fit(&mut self, at: &ast::Expr, found: Typed, expected: &Type) -> Typed {
        if found.is_error() || expected.is_error() {
            return found;
        }
        if let Err(mismatch) = assign(&found.ty, expected, self.env.types()) {
            self.mismatch(at, mismatch, &found.ty, expected);
            return Typed::error();
        }
        let expr = convert(found.expr, &found.ty, expected);
        if is_refined(expected) && !self.within(at.span, &expr, expected) {
            return Typed::error();
        }
        Typed::new(expr, expected.clone())
    }

    fn mismatch(&mut self, at: &ast::Expr, mismatch: Mismatch, found: &Type, expected: &Type) {
        match mismatch {
            Mismatch::Optional => {
                self.report.not_optional_safe(
                    at.span,
                    written(at).as_deref(),
                    (found, false),
                    &format!("`{expected}`"),
                );
            }
            Mismatch::Unit => {
                let name = |ty: &Type| dimension(ty.required()).unwrap_or("a value");
                self.report.unit_mismatch(
                    at.span,
                    name(found),
                    name(expected),
                    conversion_help(found, expected),
                    conversion(at, found, expected),
                );
            }
            Mismatch::Dynamic | Mismatch::Other => {
                self.report.type_mismatch_of(
                    at.span,
                    found,
                    expected,
                    conversion_help(found, expected),
                    conversion(at, found, expected),
                );
            }
        }
    }

    /// Checks a constant against a refinement; what is not constant is checked when it runs.
    fn within(&mut self, span: Span, expr: &Expr, expected: &Type) -> bool {
        let checked = match (constant(expr), expr, expected.required()) {
            (Some(value), ..) => ir::data::check(value, expected, self.env.types()),
            // How many items there are is known even where they are not.
            (None, Expr::List(items), Type::List(list)) => {
                let items = Value::List(vec![Value::None; items.len()]);
                let length = Type::List(Box::new(ListType {
                    item: Type::Json,
                    len: list.len.clone(),
                }));
                ir::data::check(items, &length, self.env.types())
            }
            _ => return true,
        };
        match checked {
            Ok(_) => true,
            Err(error) => {
                let near = constant(expr).and_then(|value| nearest_within(&value, expected.required()));
                self.report.out_of_range(span, &error.message, expected, near);
                false
            }
        }
    }

    /// A value that has to be there; an optional one is a problem.
    pub(super) fn present(&mut self, expr: &ast::Expr, hint: Option<&Type>, expected: &str) -> Typed {
        let typed = self.expr(expr, hint.map_or(Want::Anything, Want::Hint));
        self.require(expr, typed, expected)
    }

    pub(super) fn require(&mut self, at: &ast::Expr, typed: Typed, expected: &str) -> Typed {
        if !typed.ty.is_optional() {
            return typed;
        }
        self.report
            .not_optional_safe(at.span, written(at).as_deref(), (&typed.ty, false), expected);
        Typed::error()
    }

    /// A bool.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Typed {
        self.expr(expr, Want::Exactly(&Type::Bool))
    }

    /// Runs `walk` knowing more.
    pub(super) fn knowing<T>(&mut self, facts: Vec<Expr>, walk: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.known.len();
        self.known.extend(facts);
        let result = walk(self);
        self.known.truncate(before);
        result
    }

    /// Runs `walk` with `it` of this type.
    pub(super) fn with_item<T>(&mut self, item: Type, walk: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.known.clone();
        self.known.retain(|fact| !about_item(fact));
        let absent = std::mem::take(&mut self.absent);
        self.items.push(item);
        let result = walk(self);
        self.items.pop();
        self.known = outer;
        self.absent = absent;
        result
    }

    /// The value without its `?` where it is known to be there.
    pub(super) fn narrowed(&self, typed: Typed) -> Typed {
        let known = |facts: &[Expr]| facts.iter().any(|fact| follows(fact, &typed.expr, &self.absent));
        let given = || self.env.one_is_there(&typed.expr, &self.absent);
        if typed.ty.is_optional() && (known(&self.known) || known(self.env.known()) || given()) {
            return Typed::new(typed.expr, without_optional(typed.ty));
        }
        typed
    }

    // ---- strings ----

    fn string(&mut self, literal: &StringLit, hint: Option<&Type>) -> Typed {
        let wanted = hint.map(Type::required);
        let Some(text) = literal.plain() else {
            let typed = self.interpolated(literal);
            return match wanted {
                // Still a literal: it converts, only that the check has to wait for the values.
                Some(ty) if ty.converts_from_literal() && !typed.is_error() => {
                    Typed::new(Expr::Cast(Box::new((typed.expr, ty.clone()))), ty.clone())
                }
                _ => typed,
            };
        };
        match wanted {
            Some(ty) if ty.converts_from_literal() => {
                let (value, ty) = text_as(&text, ty, literal.span, self.env, self.report);
                Typed::new(Expr::Const(value), ty)
            }
            Some(ty @ Type::Enum(members)) if members.contains(&text) => {
                self.report.quoted_enum_member(literal.span, &text, ty);
                Typed::error()
            }
            _ => Typed::new(Expr::Const(Value::String(text)), Type::STRING),
        }
    }

    /// The text with its interpolations; a string whatever is in them, except what may be absent.
    pub(super) fn interpolated(&mut self, literal: &StringLit) -> Typed {
        if let Some(text) = literal.plain() {
            return Typed::new(Expr::Const(Value::String(text)), Type::STRING);
        }
        let mut parts = Vec::with_capacity(literal.parts.len());
        let mut broken = false;
        for part in &literal.parts {
            match part {
                StringPart::Text(text) => parts.push(Expr::Const(Value::String(text.clone()))),
                StringPart::Interp(expr, span) => {
                    let typed = self.renderable(expr);
                    broken |= typed.is_error();
                    // before a number it is a price
                    let dollar = matches!(parts.last(), Some(Expr::Const(Value::String(text))) if text.ends_with('$'));
                    if dollar && typed.ty.is_text() {
                        let text = written(expr).map_or("{{ … }}".to_owned(), |path| format!("{{{{ {path} }}}}"));
                        self.report.stray_dollar(*span, &text, "remove it");
                    }
                    parts.push(typed.expr);
                }
            }
        }
        if broken {
            Typed::error()
        } else {
            Typed::new(Expr::Concat(parts), Type::STRING)
        }
    }

    /// What stands in `{{ … }}`.
    pub(super) fn renderable(&mut self, expr: &ast::Expr) -> Typed {
        let typed = self.expr(expr, Want::Anything);
        if !typed.ty.is_optional() {
            return typed;
        }
        let written = written(expr);
        let expected = "a value to write into the text";
        self.report
            .not_optional_safe(expr.span, written.as_deref(), (&typed.ty, true), expected);
        Typed::error()
    }

    // ---- choices ----

    fn conditional(
        &mut self,
        span: Span,
        then: &ast::Expr,
        cond: &ast::Expr,
        otherwise: &ast::Expr,
        want: Want<'_>,
    ) -> Typed {
        let cond = self.condition(cond);
        let then_facts = facts_when(&cond.expr, true);
        let else_facts = facts_when(&cond.expr, false);
        // Where nothing is expected, one branch tells what the other's bare names and texts mean.
        let (a, b) = if self.is_open(then) && !self.is_open(otherwise) {
            let b = self.knowing(else_facts, |this| this.expr(otherwise, want));
            let a = self.knowing(then_facts, |this| this.expr(then, want.or_like(&b)));
            (a, b)
        } else {
            let a = self.knowing(then_facts, |this| this.expr(then, want));
            let b = self.knowing(else_facts, |this| this.expr(otherwise, want.or_like(&a)));
            (a, b)
        };
        if cond.is_error() || a.is_error() || b.is_error() {
            return Typed::error();
        }
        let Some(ty) = self.common(want, &a.ty, &b.ty) else {
            self.report
                .types_do_not_mix(span, "choose between the two", (&a.ty, &b.ty), None, None);
            return Typed::error();
        };
        let then = convert(a.expr, &a.ty, &ty);
        let otherwise = convert(b.expr, &b.ty, &ty);
        Typed::new(
            Expr::If(Box::new(ir::expr::IfExpr {
                cond: cond.expr,
                then,
                otherwise,
            })),
            ty,
        )
    }

    fn coalesce(&mut self, span: Span, lhs: &ast::Expr, rhs: &ast::Expr, want: Want<'_>) -> Typed {
        let a = self.expr(lhs, want.ty().map_or(Want::Anything, Want::Hint));
        let a = match want {
            Want::Exactly(expected) => self.fit_if_there(lhs, a, expected),
            _ => a,
        };
        let before = self.absent.len();
        self.absent.extend(alternatives(&a.expr).into_iter().cloned());
        let b = self.expr(rhs, want.or_like(&a));
        self.absent.truncate(before);
        if a.is_error() || b.is_error() {
            return Typed::error();
        }
        let left = match &a.ty {
            Type::None => &b.ty,
            other => other.required(),
        };
        let Some(ty) = self.common(want, left, &b.ty) else {
            let help = conversion_help(&b.ty, left);
            let converted = literal_conversion(rhs, &b.ty, left);
            self.report
                .types_do_not_mix(span, "stand in for the left side", (left, &b.ty), help, converted);
            return Typed::error();
        };
        let lhs = convert(a.expr, &a.ty, &ty.clone().optional());
        let rhs = convert(b.expr, &b.ty, &ty);
        Typed::new(Expr::Coalesce(Box::new((lhs, rhs))), ty)
    }

    /// The left side of `??`: it may be absent, but what is there has to fit.
    fn fit_if_there(&mut self, at: &ast::Expr, found: Typed, expected: &Type) -> Typed {
        if matches!(found.ty, Type::Json) && !matches!(expected.required(), Type::Json) {
            self.mismatch(at, Mismatch::Dynamic, &found.ty, expected);
            return Typed::error();
        }
        match self.fit(at, found, &expected.clone().optional()) {
            typed if typed.is_error() => typed,
            typed => Typed::new(typed.expr, expected.clone().optional()),
        }
    }

    fn common(&self, want: Want<'_>, a: &Type, b: &Type) -> Option<Type> {
        match want {
            Want::Exactly(expected) => Some(expected.clone()),
            _ => join(a, b, self.env.types()),
        }
    }

    // ---- tests and casts ----

    fn is(&mut self, operand: &ast::Expr, not: bool, what: IsWhat) -> Typed {
        let test = match what {
            IsWhat::None => {
                let typed = self.expr(operand, Want::Anything);
                if typed.is_error() {
                    return Typed::error();
                }
                Expr::IsNone(Box::new(typed.expr))
            }
            IsWhat::Empty => {
                let typed = self.present(operand, None, "a list, a map or a string");
                match &typed.ty {
                    Type::Error => return Typed::error(),
                    Type::List(_) | Type::Map(_) | Type::String(_) | Type::File | Type::Json => {}
                    other => {
                        self.report
                            .expected_one_of(operand.span, other, "a list, a map or a string", None);
                        return Typed::error();
                    }
                }
                Expr::IsEmpty(Box::new(typed.expr))
            }
        };
        Typed::new(if not { Expr::Not(Box::new(test)) } else { test }, Type::Bool)
    }

    fn cast(&mut self, operand: &ast::Expr, written: &ast::Type) -> Typed {
        let to = resolve_type(written, self.env, self.report);
        let want = if to.is_error() { Want::Anything } else { Want::Hint(&to) };
        let typed = self.expr(operand, want);
        if typed.is_error() || to.is_error() {
            return Typed::error();
        }
        if !castable(&typed.ty, &to, self.env.types()) {
            self.report
                .cannot_cast(operand.span, &typed.ty, &to, conversion_help(&typed.ty, &to));
            return Typed::error();
        }
        let expr = Expr::Cast(Box::new((typed.expr, to.clone())));
        if is_refined(&to) && !self.within(operand.span, &expr_of_cast(&expr), &to) {
            return Typed::error();
        }
        Typed::new(expr, to)
    }

    fn negation(&mut self, operand: &ast::Expr, span: Span) -> Typed {
        if let Some((value, ty)) = negative_literal(operand, span, self.report) {
            return Typed::new(Expr::Const(value), ty);
        }
        let typed = self.present(operand, None, "a number or a quantity");
        match &typed.ty {
            Type::Error => Typed::error(),
            Type::Int(_) | Type::Float(_) | Type::Duration | Type::Size | Type::Money => {
                let ty = typed.ty.unrefined();
                Typed::new(Expr::Neg(Box::new(typed.expr)), ty)
            }
            other => {
                self.report
                    .expected_one_of(operand.span, other, "a number or a quantity", None);
                Typed::error()
            }
        }
    }
}

/// The operand of a cast: what is held against the type.
fn expr_of_cast(expr: &Expr) -> Expr {
    match expr {
        Expr::Cast(cast) => cast.0.clone(),
        other => other.clone(),
    }
}

/// The value as the expected type holds it.
pub(super) fn convert(expr: Expr, found: &Type, expected: &Type) -> Expr {
    let Some(to) = widened(found, expected) else {
        return expr;
    };
    match (expr, to.required()) {
        // Exact up to 2^53, and the nearest float beyond, as at run time.
        (Expr::Const(Value::Int(int)), Type::Float(_)) => Expr::Const(Value::Float(int as f64)),
        (expr, _) => Expr::Cast(Box::new((expr, to))),
    }
}
