//! Reading the clauses of a declaration: names, flags, and fields without their spans. Absent: whether they are right.

use dsl_syntax::ast::{self, *};
use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use super::FieldSig;
use crate::meant::clauses_meant;

/// The first clause with that key.
pub(crate) fn clause(decl: &Decl, key: K) -> Option<&Clause> {
    decl.clauses.iter().find(|clause| clause.key == Some(key))
}

pub(crate) fn name_of(decl: &Decl, key: K) -> Option<SmolStr> {
    match &clause(decl, key)?.value {
        Value::Names(names) => names.first().map(text),
        _ => None,
    }
}

/// The keys of `memory:` with the scope `global`.
pub(super) fn global_keys(decl: &Decl) -> Vec<SmolStr> {
    let Some(Value::Typed(keys)) = clause(decl, K::Memory).map(|clause| &clause.value) else {
        return Vec::new();
    };
    let is_global = |key: &&TypedAssign| key.scope.as_ref().is_some_and(|scope| scope.text == "global");
    keys.iter().filter(is_global).map(|key| text(&key.name)).collect()
}

/// The names of `name: expr` lines.
pub(super) fn assigned(decl: &Decl, key: K) -> Vec<SmolStr> {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Assigns(assigns)) => assigns.iter().map(|assign| text(&assign.name)).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn names_of(decl: &Decl, key: K) -> Vec<SmolStr> {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Names(names)) => names.iter().map(text).collect(),
        _ => Vec::new(),
    }
}

pub(crate) fn is_true(decl: &Decl, key: K) -> bool {
    match clause(decl, key).map(|clause| &clause.value) {
        Some(Value::Expr(expr)) => matches!(expr.kind, ExprKind::Bool(true)),
        _ => false,
    }
}

pub(super) fn fields_of(decl: &Decl, key: K) -> Option<Vec<FieldSig>> {
    match &clause(decl, key)?.value {
        Value::Fields(fields) => Some(fields.iter().map(field).collect()),
        _ => Some(Vec::new()),
    }
}

pub(super) fn typed_of(decl: &Decl, key: K) -> Option<Vec<FieldSig>> {
    match &clause(decl, key)?.value {
        Value::Typed(typed) => Some(
            typed
                .iter()
                .map(|item| FieldSig {
                    name: text(&item.name),
                    ty: without_spans(item.ty.clone()),
                    has_default: item.value.is_some(),
                })
                .collect(),
        ),
        _ => Some(Vec::new()),
    }
}

pub(super) fn field(field: &Field) -> FieldSig {
    FieldSig {
        name: text(&field.name),
        ty: without_spans(field.ty.clone()),
        has_default: field.default.is_some(),
    }
}

pub(super) fn text(name: &Name) -> SmolStr {
    name.text.clone()
}

/// The type with every span at zero, so that moving it changes nothing.
pub(super) fn without_spans(mut ty: ast::Type) -> ast::Type {
    clear_type(&mut ty);
    ty
}

fn clear_type(ty: &mut ast::Type) {
    ty.span = Span::default();
    match &mut ty.kind {
        TypeKind::Enum(names) => names.iter_mut().for_each(|name| name.span = Span::default()),
        TypeKind::Named { name, arg, refine, .. } => {
            name.span = Span::default();
            if let Some(arg) = arg {
                clear_type(arg);
            }
            match refine {
                Some(Refine::Range { lo, hi, span }) => {
                    *span = Span::default();
                    lo.iter_mut().chain(hi).for_each(|bound| clear_bound(bound));
                }
                Some(Refine::Regex(name)) => name.span = Span::default(),
                None => {}
            }
        }
        TypeKind::Error => {}
    }
}

/// Bounds are literals, possibly negated.
fn clear_bound(bound: &mut Expr) {
    bound.span = Span::default();
    if let ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) = &mut bound.kind {
        clear_bound(expr);
    }
}

/// The clauses in which the parser found something wrong, or for which other words stand.
pub(super) fn broken(decl: &Decl, block: &Block) -> Vec<K> {
    let is_broken = |clause: &Clause| {
        let holds = |error: &SyntaxError| clause.span.contains(error.span.start);
        clause.key.is_none() || clause.value == Value::Error || block.errors.iter().any(holds)
    };
    let broken = clauses_meant(decl).filter(|(_, clause)| is_broken(clause));
    broken.map(|(key, _)| key).collect()
}
