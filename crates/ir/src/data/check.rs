//! Checking a value against a type, with the conversions that a type asks for.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::{DataError, text};
use crate::pattern;
use crate::quantity;
use crate::types::{Bounds, ListType, StringRefine, Type, Types};
use crate::value::{VALUE_DEPTH_MAX, Value};

/// What becomes of the keys of a record that its type does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownKeys {
    /// Data from tools says more than a plan asks for.
    Dropped,
    /// What a person typed for this plan has no other reader: it is a mistake.
    Refused,
}

#[derive(Clone, Copy)]
pub(super) struct Checker<'t> {
    pub types: &'t Types,
    pub unknown_keys: UnknownKeys,
}

type Checked = Result<Value, DataError>;

impl Checker<'_> {
    pub(super) fn check_all(self, value: Value, ty: &Type) -> Checked {
        if !value.fits_depth(VALUE_DEPTH_MAX) {
            return Err(DataError::new(format!("nests deeper than {VALUE_DEPTH_MAX} levels")));
        }
        self.check(value, ty)
    }

    fn check(self, value: Value, ty: &Type) -> Checked {
        match (ty, value) {
            (Type::Error | Type::Json, value) => Ok(value),
            (Type::None | Type::Optional(_), Value::None) => Ok(Value::None),
            (Type::Optional(inner) | Type::Secret(inner), value) => self.check(value, inner),
            (Type::Bool, value @ Value::Bool(_)) => Ok(value),
            (Type::Int(bounds), Value::Int(int)) => in_bounds(Value::Int(int), Decimal::from(int), bounds.as_deref()),
            (Type::Float(bounds), Value::Int(int)) => {
                in_bounds(Value::Float(int as f64), Decimal::from(int), bounds.as_deref())
            }
            (Type::Float(bounds), Value::Float(float)) => float_in_bounds(float, bounds.as_deref()),
            (Type::String(refine), Value::String(text)) => refined_text(text, refine.as_deref()),
            (Type::Enum(members), Value::String(text)) => member(text, members),
            (Type::Url | Type::Path | Type::Regex | Type::Version | Type::Principal, Value::String(text)) => {
                text::text_problem(&text, ty).map_or(Ok(Value::String(text)), |problem| Err(DataError::new(problem)))
            }
            (Type::Duration, value @ Value::Duration(_))
            | (Type::Size, value @ Value::Size(_))
            | (Type::Money, value @ Value::Money(_))
            | (Type::Time, value @ Value::Time(_))
            | (Type::File | Type::Dir, value @ Value::File(_)) => Ok(value),
            (Type::Duration, Value::String(text)) => quantity(quantity::parse_duration(&text).map(Value::Duration)),
            (Type::Size, Value::String(text)) => quantity(quantity::parse_size(&text).map(Value::Size)),
            (Type::Money, Value::String(text)) => quantity(quantity::parse_money(&text).map(Value::Money)),
            (Type::Time, Value::String(text)) => quantity(quantity::parse_time(&text).map(Value::Time)),
            // The sum of no items is a zero of any unit.
            (Type::Duration, Value::Int(0)) => Ok(Value::Duration(0)),
            (Type::Size, Value::Int(0)) => Ok(Value::Size(0)),
            (Type::Money, Value::Int(0)) => Ok(Value::Money(Decimal::ZERO)),
            (Type::List(list), Value::List(items)) => self.list(items, list),
            (Type::Map(item), Value::Record(fields)) => self.map(fields, item),
            (Type::Record(name), Value::Record(fields)) => match self.types.get(name) {
                Some(record) => self.record(fields, record.fields.iter().map(|field| (&field.name, &field.ty))),
                None => Err(DataError::new(format!("the type `{name}` is not one of the plan's"))),
            },
            (Type::Fields(wanted), Value::Record(fields)) => self.record(fields, wanted.iter()),
            (_, value) => Err(mismatch(&value, ty)),
        }
    }

    fn list(self, items: Vec<Value>, list: &ListType) -> Checked {
        if let Some(bounds) = &list.len {
            length_in_bounds(items.len(), "items", bounds)?;
        }
        let items = items
            .into_iter()
            .enumerate()
            .map(|(i, item)| self.check(item, &list.item).map_err(|error| error.below_index(i)));
        Ok(Value::List(items.collect::<Result<_, _>>()?))
    }

    fn map(self, fields: BTreeMap<SmolStr, Value>, item: &Type) -> Checked {
        let fields = fields.into_iter().map(|(key, field)| match self.check(field, item) {
            Ok(field) => Ok((key, field)),
            Err(error) => Err(error.below_key(&key)),
        });
        Ok(Value::Record(fields.collect::<Result<_, _>>()?))
    }

    fn record<'a>(
        self,
        mut fields: BTreeMap<SmolStr, Value>,
        wanted: impl Iterator<Item = (&'a SmolStr, &'a Type)>,
    ) -> Checked {
        let mut checked = BTreeMap::new();
        for (name, ty) in wanted {
            match fields.remove(name) {
                None if ty.is_optional() => {}
                None => {
                    return Err(DataError::new(format!(
                        "`{name}` is missing, expected {}",
                        expected(ty)
                    )));
                }
                Some(field) => {
                    let field = self.check(field, ty).map_err(|error| error.below_key(name))?;
                    if !(field.is_none() && ty.is_optional()) {
                        checked.insert(name.clone(), field);
                    }
                }
            }
        }
        match fields.keys().next() {
            Some(key) if self.unknown_keys == UnknownKeys::Refused => {
                Err(DataError::new(format!("there is no field `{key}`")))
            }
            _ => Ok(Value::Record(checked)),
        }
    }
}

fn quantity(parsed: Result<Value, String>) -> Checked {
    parsed.map_err(DataError::new)
}

fn mismatch(value: &Value, ty: &Type) -> DataError {
    DataError::new(format!("saw {}, expected {}", shown(value), expected(ty)))
}

/// The value if it is short, else its kind.
fn shown(value: &Value) -> String {
    match value {
        Value::None | Value::List(_) | Value::Record(_) | Value::File(_) => value.kind().to_owned(),
        Value::String(text) => format!("the string {:?}", text::shortened(text)),
        _ => format!("`{}`, {}", super::render(value), value.kind()),
    }
}

fn expected(ty: &Type) -> String {
    match ty {
        Type::Enum(members) => text::alternatives(members),
        Type::None => "none".to_owned(),
        _ => format!("`{ty}`"),
    }
}

fn member(text: SmolStr, members: &[SmolStr]) -> Checked {
    if members.contains(&text) {
        return Ok(Value::String(text));
    }
    Err(DataError::new(format!(
        "saw {:?}, expected {}",
        text::shortened(&text),
        text::alternatives(members)
    )))
}

fn refined_text(text: SmolStr, refine: Option<&StringRefine>) -> Checked {
    match refine {
        None => {}
        Some(StringRefine::Len(bounds)) => length_in_bounds(text.chars().count(), "characters", bounds)?,
        Some(StringRefine::Regex(pattern)) => matches(&text, pattern)?,
    }
    Ok(Value::String(text))
}

fn matches(text: &str, pattern: &str) -> Result<(), DataError> {
    if pattern::compile(pattern).map_err(DataError::new)?.is_match(text) {
        return Ok(());
    }
    Err(DataError::new(format!(
        "{:?} does not match `/{pattern}/`",
        text::shortened(text)
    )))
}

fn length_in_bounds(len: usize, what: &str, bounds: &Bounds) -> Result<(), DataError> {
    if within(Decimal::from(len), bounds)? {
        return Ok(());
    }
    let what = if len == 1 { what.trim_end_matches('s') } else { what };
    Err(DataError::new(format!("has {len} {what}, expected {bounds}")))
}

fn in_bounds(value: Value, number: Decimal, bounds: Option<&Bounds>) -> Checked {
    match bounds {
        Some(bounds) if !within(number, bounds)? => Err(DataError::new(format!(
            "`{}` is out of range, expected {bounds}",
            super::render(&value)
        ))),
        _ => Ok(value),
    }
}

/// Compared as floats: a float is seldom the decimal it was written as, the bound is converted the same way.
fn float_in_bounds(float: f64, bounds: Option<&Bounds>) -> Checked {
    if let Some(bounds) = bounds {
        let above = bound::<f64>(bounds.lo.as_ref())?.is_none_or(|lo| float >= lo);
        let below = bound::<f64>(bounds.hi.as_ref())?.is_none_or(|hi| float <= hi);
        if !(above && below) {
            let float = quantity::render_float(float);
            return Err(DataError::new(format!("`{float}` is out of range, expected {bounds}")));
        }
    }
    Ok(Value::Float(float))
}

fn within(number: Decimal, bounds: &Bounds) -> Result<bool, DataError> {
    let above = bound::<Decimal>(bounds.lo.as_ref())?.is_none_or(|lo| number >= lo);
    let below = bound::<Decimal>(bounds.hi.as_ref())?.is_none_or(|hi| number <= hi);
    Ok(above && below)
}

/// A bound as a number. The checker writes only numbers; a plan changed by hand may hold anything.
fn bound<T: std::str::FromStr>(text: Option<&SmolStr>) -> Result<Option<T>, DataError> {
    text.map(|text| {
        text.parse()
            .map_err(|_| DataError::new(format!("the bound `{text}` is not a number")))
    })
    .transpose()
}
