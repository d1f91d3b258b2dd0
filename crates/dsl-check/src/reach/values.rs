//! What a value may be, as far as comparisons with constants tell: an over-approximation that is never too small.
//!
//! Long lists are cut or forgotten, so that every operation is bounded. Absent: where values come from.

use std::cmp::Ordering;

use ir::Value;
use ir::types::{Bounds, Type};
use smol_str::SmolStr;

/// How many values are told apart.
const VALUES_MAX: usize = 32;

/// What a value may be.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Values {
    OneOf(Box<[Value]>),
    /// Anything else, `none` included unless it is listed.
    NoneOf(Box<[Value]>),
    /// Something that has an order, and so never `none`.
    Between(Bound, Bound),
}

/// `None`: no bound.
pub(crate) type Bound = Option<Limit>;

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Limit {
    pub at: Value,
    pub inclusive: bool,
}

impl Values {
    pub fn only(value: Value) -> Self {
        Self::OneOf([value].into())
    }

    pub fn except(value: Value) -> Self {
        Self::NoneOf([value].into())
    }

    /// What every value of the type is; `None`: that says nothing here.
    pub fn of_type(ty: &Type) -> Option<Self> {
        let (ty, optional) = match ty {
            Type::Optional(inner) => (&**inner, true),
            ty => (ty, false),
        };
        let found = match ty {
            Type::Bool => Self::OneOf([Value::Bool(true), Value::Bool(false)].into()),
            Type::Enum(members) => one_of(members.iter().cloned().map(Value::String).collect())?,
            Type::Int(Some(bounds)) if !optional => of_bounds(bounds)?,
            Type::Error | Type::Json | Type::None => return None,
            _ if optional => return None,
            _ => Self::except(Value::None),
        };
        match found {
            Self::OneOf(members) if optional => one_of([&*members, &[Value::None]].concat()),
            found => Some(found),
        }
    }

    /// Whether it may be this value.
    pub fn admits(&self, value: &Value) -> bool {
        match self {
            Self::OneOf(members) => members.iter().any(|member| member.same(value)),
            Self::NoneOf(members) => !members.iter().any(|member| member.same(value)),
            Self::Between(lo, hi) => {
                let fits = |limit: &Limit, wrong: Ordering| match limit.at.compare(value) {
                    // of another kind: not one that the checker lets through
                    None => !value.is_none(),
                    Some(Ordering::Equal) => limit.inclusive,
                    Some(order) => order != wrong,
                };
                !value.is_none()
                    && lo.as_ref().is_none_or(|lo| fits(lo, Ordering::Greater))
                    && hi.as_ref().is_none_or(|hi| fits(hi, Ordering::Less))
            }
        }
    }

    /// What both allow; `None`: nothing.
    pub fn and(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::OneOf(members), rule) | (rule, Self::OneOf(members)) => {
                let left: Box<[Value]> = members.iter().filter(|member| rule.admits(member)).cloned().collect();
                (!left.is_empty()).then_some(Self::OneOf(left))
            }
            (Self::NoneOf(some), Self::NoneOf(others)) => {
                let mut all = some.to_vec();
                all.extend(others.iter().filter(|other| self.admits(other)).cloned());
                // what does not fit is admitted again, which is never wrong
                all.truncate(VALUES_MAX);
                Some(Self::NoneOf(all.into()))
            }
            (Self::Between(lo, hi), Self::NoneOf(_)) | (Self::NoneOf(_), Self::Between(lo, hi)) => {
                Some(Self::Between(lo.clone(), hi.clone()))
            }
            (Self::Between(lo, hi), Self::Between(other_lo, other_hi)) => {
                let lo = tighter(lo, other_lo, Ordering::Greater);
                let hi = tighter(hi, other_hi, Ordering::Less);
                between(lo, hi)
            }
        }
    }

    /// What either allows; `None`: anything.
    pub fn or(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::OneOf(members), Self::OneOf(others)) => {
                let new = others.iter().filter(|other| !self.admits(other));
                one_of(members.iter().chain(new).cloned().collect())
            }
            (Self::NoneOf(excluded), rule) | (rule, Self::NoneOf(excluded)) => {
                let left: Box<[Value]> = excluded.iter().filter(|value| !rule.admits(value)).cloned().collect();
                (!left.is_empty()).then_some(Self::NoneOf(left))
            }
            _ => {
                let absent = self.admits(&Value::None) || other.admits(&Value::None);
                (!absent).then(|| Self::except(Value::None))
            }
        }
    }
}

fn one_of(members: Vec<Value>) -> Option<Values> {
    (members.len() <= VALUES_MAX).then(|| Values::OneOf(members.into()))
}

/// `int(0..10)`
fn of_bounds(bounds: &Bounds) -> Option<Values> {
    let limit = |text: &Option<SmolStr>| -> Option<Bound> {
        let Some(text) = text else { return Some(None) };
        let at = Value::Int(text.parse().ok()?);
        Some(Some(Limit { at, inclusive: true }))
    };
    Some(Values::Between(limit(&bounds.lo)?, limit(&bounds.hi)?))
}

/// Between the two, unless nothing is.
fn between(lo: Bound, hi: Bound) -> Option<Values> {
    if let (Some(low), Some(high)) = (&lo, &hi) {
        match low.at.compare(&high.at) {
            Some(Ordering::Greater) => return None,
            Some(Ordering::Equal) if low.inclusive && high.inclusive => return Some(Values::only(low.at.clone())),
            Some(Ordering::Equal) => return None,
            _ => {}
        }
    }
    Some(Values::Between(lo, hi))
}

/// The bound that leaves less; `inner`: how it compares with the other.
fn tighter(one: &Bound, other: &Bound, inner: Ordering) -> Bound {
    let (Some(a), Some(b)) = (one, other) else {
        return one.clone().or_else(|| other.clone());
    };
    match a.at.compare(&b.at) {
        Some(Ordering::Equal) if a.inclusive => other.clone(),
        Some(Ordering::Equal) => one.clone(),
        Some(order) if order == inner => one.clone(),
        Some(_) => other.clone(),
        None => one.clone(),
    }
}

/// What a comparison with a constant leaves below it; whole numbers have no space between them.
pub(crate) fn below(at: &Value, inclusive: bool, whole: bool) -> Option<Values> {
    Some(Values::Between(None, Some(limit(at, inclusive, whole, -1)?)))
}

pub(crate) fn above(at: &Value, inclusive: bool, whole: bool) -> Option<Values> {
    Some(Values::Between(Some(limit(at, inclusive, whole, 1)?), None))
}

fn limit(at: &Value, inclusive: bool, whole: bool, inward: i64) -> Option<Limit> {
    match at {
        Value::Int(int) if whole && !inclusive => Some(Limit {
            at: Value::Int(int.checked_add(inward)?),
            inclusive: true,
        }),
        // texts are left out: two of them may be ordered as versions or as texts
        Value::Int(_) | Value::Float(_) | Value::Duration(_) | Value::Size(_) | Value::Money(_) | Value::Time(_) => {
            Some(Limit {
                at: at.clone(),
                inclusive,
            })
        }
        _ => None,
    }
}
