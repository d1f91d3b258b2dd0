//! Literals of lists and records, against what is expected of them.

use std::collections::{BTreeMap, HashMap};

use dsl_syntax::ast::{self, RecordKey, Span};
use ir::Expr;
use ir::types::{ListType, Type};
use smol_str::SmolStr;

use super::assign::join;
use super::env::Meant;
use super::infer::{Checker, Typed, Want, convert};

/// What a record literal may hold.
enum Shape {
    /// The name for messages, and the fields in declared order.
    Fields(SmolStr, Vec<(SmolStr, Type)>),
    /// Any key, one type.
    Map(Type),
}

impl Checker<'_> {
    /// `[a, b]`
    pub(super) fn list(&mut self, at: &ast::Expr, items: &[ast::Expr], want: Want<'_>) -> Typed {
        let wanted = match want.ty().map(Type::required) {
            Some(Type::List(list)) => Some(&list.item),
            _ => None,
        };
        let typed = match (want, wanted) {
            (Want::Exactly(_), Some(item)) => self.list_of(items, item),
            (_, hint) => self.list_of_anything(items, hint),
        };
        if typed.is_error() {
            typed
        } else {
            self.settle(at, typed, want)
        }
    }

    fn list_of(&mut self, items: &[ast::Expr], item: &Type) -> Typed {
        let typed: Vec<Typed> = items.iter().map(|expr| self.expr(expr, Want::Exactly(item))).collect();
        if typed.iter().any(Typed::is_error) {
            return Typed::error();
        }
        Typed::new(
            Expr::List(typed.into_iter().map(|item| item.expr).collect()),
            Type::list(item.clone()),
        )
    }

    fn list_of_anything(&mut self, items: &[ast::Expr], hint: Option<&Type>) -> Typed {
        let want = hint.map_or(Want::Anything, Want::Hint);
        let typed: Vec<Typed> = items.iter().map(|expr| self.expr(expr, want)).collect();
        if typed.iter().any(Typed::is_error) {
            return Typed::error();
        }
        // An empty list fits every list: its items are of the type that silences.
        let mut common = Type::Error;
        for (expr, item) in items.iter().zip(&typed) {
            match join(&common, &item.ty, self.env.types()) {
                Some(ty) => common = ty,
                None => {
                    self.report.type_mismatch(expr.span, &item.ty, &common, None);
                    return Typed::error();
                }
            }
        }
        let items = typed
            .into_iter()
            .map(|item| convert(item.expr, &item.ty, &common))
            .collect();
        Typed::new(
            Expr::List(items),
            Type::List(Box::new(ListType {
                item: common,
                len: None,
            })),
        )
    }

    /// `{ k: v }`
    pub(super) fn record(&mut self, at: &ast::Expr, given: &[(RecordKey, ast::Expr)], want: Want<'_>) -> Typed {
        let shape = match want {
            Want::Exactly(expected) => self.shape(expected.required()),
            _ => None,
        };
        let given = self.without_duplicates(given);
        match shape {
            Some(Shape::Fields(name, fields)) => {
                if let Some(of) = want.ty().map(Type::required) {
                    self.mean_fields(of, &given, &fields);
                }
                let expr = self.record_of(at.span, &given, &name, &fields);
                let ty = want.ty().cloned().unwrap_or(Type::Error);
                expr.map_or_else(Typed::error, |expr| Typed::new(expr, ty))
            }
            Some(Shape::Map(item)) => {
                let typed = self.map_of(&given, &item);
                if typed.is_error() {
                    typed
                } else {
                    self.settle(at, typed, want)
                }
            }
            None => {
                let typed = self.record_of_anything(&given);
                if typed.is_error() {
                    typed
                } else {
                    self.settle(at, typed, want)
                }
            }
        }
    }

    fn mean_fields(&self, of: &Type, given: &[(&RecordKey, &ast::Expr)], fields: &[(SmolStr, Type)]) {
        for (key, _) in given {
            if let Some((_, ty)) = fields.iter().find(|(field, _)| *field == key.text) {
                self.env.meant(key.span, Meant::Field { of, ty });
            }
        }
    }

    fn shape(&self, expected: &Type) -> Option<Shape> {
        match expected {
            Type::Record(name) => {
                let record = self.env.types().get(name)?;
                let fields = record
                    .fields
                    .iter()
                    .map(|field| (field.name.clone(), field.ty.clone()))
                    .collect();
                Some(Shape::Fields(name.clone(), fields))
            }
            Type::Fields(fields) => {
                let fields = fields.iter().map(|(name, ty)| (name.clone(), ty.clone())).collect();
                Some(Shape::Fields(SmolStr::from(expected.to_string()), fields))
            }
            Type::Map(item) => Some(Shape::Map((**item).clone())),
            _ => None,
        }
    }

    fn without_duplicates<'e>(&mut self, given: &'e [(RecordKey, ast::Expr)]) -> Vec<(&'e RecordKey, &'e ast::Expr)> {
        let mut first: HashMap<&SmolStr, Span> = HashMap::with_capacity(given.len());
        let mut kept = Vec::with_capacity(given.len());
        for (key, value) in given {
            match first.get(&key.text) {
                Some(span) => self.report.duplicate_field(key.span, *span, &key.text),
                None => {
                    first.insert(&key.text, key.span);
                    kept.push((key, value));
                }
            }
        }
        kept
    }

    /// Every given field is known and fits, every field that may not be absent is given. `None`: a problem was reported.
    fn record_of(
        &mut self,
        span: Span,
        given: &[(&RecordKey, &ast::Expr)],
        name: &SmolStr,
        fields: &[(SmolStr, Type)],
    ) -> Option<Expr> {
        let mut values: BTreeMap<&SmolStr, Expr> = BTreeMap::new();
        let mut broken = false;
        let mut unknown = false;
        for (key, value) in given {
            let Some((_, ty)) = fields.iter().find(|(field, _)| *field == key.text) else {
                let candidates: Vec<SmolStr> = fields.iter().map(|(field, _)| field.clone()).collect();
                self.report.unresolved_member(key.span, name, &key.text, &candidates);
                unknown = true;
                continue;
            };
            let typed = self.expr(value, Want::Exactly(ty));
            broken |= typed.is_error();
            values.insert(&key.text, typed.expr);
        }
        let absent = fields.iter().filter(|(field, _)| !values.contains_key(field));
        let missing: Vec<SmolStr> = absent
            .filter(|(_, ty)| !may_be_left_out(ty))
            .map(|(field, _)| field.clone())
            .collect();
        // A misspelt field is one mistake, not one unknown field and one missing.
        if !missing.is_empty() && !unknown {
            self.report.missing_fields(span, name, &missing);
        }
        if broken || unknown || !missing.is_empty() {
            return None;
        }
        // In declared order; what is left out reads as `none`.
        let given = fields
            .iter()
            .filter_map(|(field, _)| Some((field.clone(), values.remove(field)?)));
        Some(Expr::Record(given.collect()))
    }

    fn map_of(&mut self, given: &[(&RecordKey, &ast::Expr)], item: &Type) -> Typed {
        let mut values = Vec::with_capacity(given.len());
        let mut broken = false;
        for (key, value) in given {
            let typed = self.expr(value, Want::Exactly(item));
            broken |= typed.is_error();
            values.push((key.text.clone(), typed.expr));
        }
        if broken {
            Typed::error()
        } else {
            Typed::new(Expr::Record(values), Type::map(item.clone()))
        }
    }

    fn record_of_anything(&mut self, given: &[(&RecordKey, &ast::Expr)]) -> Typed {
        let mut values = Vec::with_capacity(given.len());
        let mut types = BTreeMap::new();
        let mut broken = false;
        for (key, value) in given {
            let typed = self.expr(value, Want::Anything);
            broken |= typed.is_error();
            values.push((key.text.clone(), typed.expr));
            types.insert(key.text.clone(), typed.ty);
        }
        if broken {
            Typed::error()
        } else {
            Typed::new(Expr::Record(values), Type::Fields(types))
        }
    }
}

/// `T?`, and what may be anything.
const fn may_be_left_out(ty: &Type) -> bool {
    ty.is_optional() || ty.is_error()
}
