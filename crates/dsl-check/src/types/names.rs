//! Names, paths, fields and indices: from what the environment says to values.

use dsl_syntax::ast::{self, ExprKind, Name, Span};
use ir::func::Func;
use ir::types::Type;
use ir::{Expr, Value};
use smol_str::SmolStr;

use super::env::{Lookup, Meant, Namespace};
use super::infer::{Checker, Typed, Want};
use super::problem::Report;
use crate::meant::function_called;

/// What stands before a dot.
enum Base {
    Namespace(Namespace),
    Value(Typed),
}

impl Checker<'_> {
    pub(super) fn path(&mut self, expr: &ast::Expr, hint: Option<&Type>) -> Typed {
        match self.base(expr, hint) {
            Base::Value(typed) => typed,
            Base::Namespace(namespace) => {
                self.report.namespace_as_value(expr.span, &namespace.path);
                Typed::error()
            }
        }
    }

    /// A name or a path of names, which may mean a group of values; any other expression is a value.
    fn base(&mut self, expr: &ast::Expr, hint: Option<&Type>) -> Base {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name, expr.span, hint),
            ExprKind::Field { base, name } => match self.base(base, None) {
                Base::Namespace(namespace) => {
                    let found = self.env.member(&namespace, name, self.report);
                    self.looked_up(found, |report, candidates| {
                        report.unresolved_member(name.span, &namespace.path, &name.text, candidates);
                    })
                }
                Base::Value(typed) => {
                    let text = written(base);
                    let typed = self.require(base, typed, &format!("a record with a field `{}`", name.text));
                    Base::Value(self.field(typed, text.as_deref().unwrap_or("…"), base.span, name))
                }
            },
            _ => Base::Value(self.expr(expr, Want::Anything)),
        }
    }

    /// Members of an expected enumeration go before names.
    fn name(&mut self, name: &SmolStr, span: Span, hint: Option<&Type>) -> Base {
        let members = match hint.map(Type::required) {
            Some(Type::Enum(members)) => Some(members),
            _ => None,
        };
        if let Some(members) = members
            && members.contains(name)
        {
            self.env.meant(span, Meant::Member(members));
            let ty = Type::Enum(members.clone());
            return Base::Value(Typed::new(Expr::Const(Value::String(name.clone())), ty));
        }
        let found = self.env.first(name, span, self.report);
        let of_item = self.items.last().map(|item| self.field_names(item)).unwrap_or_default();
        self.looked_up(found, |report, candidates| match members {
            Some(members) => report.no_such_enum_member(span, name, members),
            None if of_item.contains(name) => report.unresolved_name(span, name, &[format!("it.{name}").into()]),
            None => report.unresolved_name(span, name, candidates),
        })
    }

    fn looked_up(&mut self, found: Lookup, not_found: impl FnOnce(&mut Report, &[SmolStr])) -> Base {
        match found {
            Lookup::Found { ty, expr } => Base::Value(self.narrowed(Typed::new(expr, ty))),
            Lookup::Namespace(namespace) => Base::Namespace(namespace),
            Lookup::Silenced => Base::Value(Typed::error()),
            Lookup::NotFound { candidates } => {
                not_found(self.report, &candidates);
                Base::Value(Typed::error())
            }
        }
    }

    pub(super) fn item(&mut self, span: Span) -> Typed {
        let Some(item) = self.items.last().cloned() else {
            self.report.it_outside_items(span);
            return Typed::error();
        };
        self.narrowed(Typed::new(Expr::It(0), item))
    }

    /// `owner` names the base in messages.
    pub(super) fn field(&mut self, base: Typed, owner: &str, base_span: Span, name: &Name) -> Typed {
        if base.is_error() {
            return base;
        }
        let ty = match &base.ty {
            Type::Json => Some(Type::Json),
            Type::Fields(fields) => fields.get(&name.text).cloned(),
            Type::Record(record) => self
                .env
                .types()
                .get(record)
                .and_then(|record| record.field(&name.text))
                .cloned(),
            _ => {
                self.report.no_fields(base_span, &base.ty, owner, name);
                return Typed::error();
            }
        };
        let Some(ty) = ty else {
            let candidates = self.field_names(&base.ty);
            let owner = match &base.ty {
                Type::Record(record) => record.as_str(),
                _ => owner,
            };
            self.report.unresolved_member(name.span, owner, &name.text, &candidates);
            return Typed::error();
        };
        let of = &base.ty;
        self.env.meant(name.span, Meant::Field { of, ty: &ty });
        self.narrowed(Typed::new(Expr::Field(Box::new((base.expr, name.text.clone()))), ty))
    }

    pub(super) fn field_names(&self, ty: &Type) -> Vec<SmolStr> {
        match ty {
            Type::Fields(fields) => fields.keys().cloned().collect(),
            Type::Record(record) => self
                .env
                .types()
                .get(record)
                .map(|record| record.fields.iter().map(|field| field.name.clone()).collect())
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    pub(super) fn index(&mut self, base: &ast::Expr, index: &ast::Expr) -> Typed {
        let list = self.present(base, None, "a list or a map");
        if list.is_error() {
            self.expr(index, Want::Anything);
            return list;
        }
        let (at, ty) = match &list.ty {
            // The items of `[]` have no type of their own.
            Type::List(list) if list.item.is_error() => (self.expr(index, Want::Exactly(&Type::INT)), Type::Json),
            Type::List(list) => (self.expr(index, Want::Exactly(&Type::INT)), list.item.clone()),
            Type::Map(item) => (self.expr(index, Want::Exactly(&Type::STRING)), (**item).clone()),
            Type::Json => (self.json_index(index), Type::Json),
            other => {
                self.report.expected_one_of(base.span, other, "a list or a map", None);
                return Typed::error();
            }
        };
        if at.is_error() {
            return at;
        }
        if matches!(at.expr, Expr::Const(Value::Int(i)) if i < 0) {
            self.report.negative_index(index.span);
            return Typed::error();
        }
        self.narrowed(Typed::new(Expr::Index(Box::new((list.expr, at.expr))), ty))
    }

    fn json_index(&mut self, index: &ast::Expr) -> Typed {
        let at = self.present(index, None, "a position or a key");
        if at.is_error() || matches!(at.ty, Type::Int(_) | Type::String(_)) {
            return at;
        }
        self.report
            .expected_one_of(index.span, &at.ty, "a position (`int`) or a key (`string`)", None);
        Typed::error()
    }
}

/// A path of names as the plan writes it, for messages.
pub(super) fn written(expr: &ast::Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::It => Some("it".to_owned()),
        ExprKind::ItField(name) => Some(format!(".{}", name.text)),
        ExprKind::Field { base, name } => Some(format!("{}.{}", written(base)?, name.text)),
        ExprKind::Paren(inner) => written(inner),
        _ => None,
    }
}

/// Whether the function is about a list or a map as a whole: others may be fields of its items, or keys.
const fn of_collections(func: Func) -> bool {
    matches!(
        func,
        Func::Len | Func::First | Func::Last | Func::Sum | Func::Min | Func::Max | Func::Count | Func::Join
    ) || matches!(
        func,
        Func::Any | Func::All | Func::Map | Func::Where | Func::SortBy | Func::Keys | Func::Values
    )
}

/// Whether values of the type have no parts.
pub(super) const fn is_plain(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Path | Type::Url | Type::Int(_) | Type::Float(_) | Type::Bool | Type::Enum(_) | Type::Time
    )
}

pub(super) fn field_help(ty: &Type, owner: &str, field: &str) -> Option<String> {
    if let Some(func) = Func::from_name(function_called(field).unwrap_or(field))
        && (!matches!(ty, Type::List(_) | Type::Map(_)) || of_collections(func))
    {
        return Some(format!("it is a function: `{}({owner})`", func.name()));
    }
    match ty {
        Type::List(_) => Some(format!("of each item: `{owner} | map(.{field})`")),
        Type::Map(_) => Some(format!(
            "a map has keys: `get({owner}, \"{field}\")`, or `{owner}[\"{field}\"]`"
        )),
        Type::String(_) => Some(format!("if it is JSON, parse it: `json({owner}).{field}`")),
        _ => None,
    }
}
