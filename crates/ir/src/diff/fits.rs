//! Whether values of one type still do where another was: what callers give, and what they get.

use rust_decimal::Decimal;

use crate::plan::Plan;
use crate::types::{Bounds, StringRefine, Type, Types};

pub(super) struct Fits<'p> {
    pub old: &'p Plan,
    pub new: &'p Plan,
}

impl Fits<'_> {
    /// Whether all that was accepted still is.
    pub fn input(&self, old: &Type, new: &Type) -> bool {
        fits((old, &self.old.types), (new, &self.new.types))
    }

    /// Whether all that comes out is something that could before.
    pub fn output(&self, new: &Type, old: &Type) -> bool {
        fits((new, &self.new.types), (old, &self.old.types))
    }
}

/// Whether every value of the first type is one of the second. Records go by their names; what changed in them is said of them.
fn fits((from, from_types): (&Type, &Types), (to, to_types): (&Type, &Types)) -> bool {
    let mut stack = vec![(from, to)];
    while let Some((from, to)) = stack.pop() {
        let here = match (from, to) {
            _ if from == to => true,
            (_, Type::Json) => true,
            (Type::Optional(from), Type::Optional(to)) => {
                stack.push((from, to));
                true
            }
            (_, Type::Optional(to)) => {
                stack.push((from, to));
                true
            }
            (Type::Int(from), Type::Int(to) | Type::Float(to)) | (Type::Float(from), Type::Float(to)) => {
                within(from.as_deref(), to.as_deref())
            }
            (Type::String(_), Type::String(None)) => true,
            (Type::String(Some(from)), Type::String(Some(to))) => match (&**from, &**to) {
                (StringRefine::Len(from), StringRefine::Len(to)) => within(Some(from), Some(to)),
                _ => false,
            },
            (Type::Enum(from), Type::Enum(to)) => from.iter().all(|member| to.contains(member)),
            (Type::List(from), Type::List(to)) => {
                stack.push((&from.item, &to.item));
                within(from.len.as_ref(), to.len.as_ref())
            }
            (Type::Map(from), Type::Map(to)) | (Type::Secret(from), Type::Secret(to)) => {
                stack.push((from, to));
                true
            }
            (Type::Record(from), Type::Record(to)) => {
                // the same record under another name
                from_types.get(from).is_some() && from_types.get(from) == to_types.get(to)
            }
            _ => false,
        };
        if !here {
            return false;
        }
    }
    true
}

fn within(inner: Option<&Bounds>, outer: Option<&Bounds>) -> bool {
    let Some(outer) = outer else { return true };
    let number = |text: Option<&smol_str::SmolStr>| text.and_then(|text| text.parse::<Decimal>().ok());
    let (lo, hi) = (
        number(inner.and_then(|bounds| bounds.lo.as_ref())),
        number(inner.and_then(|bounds| bounds.hi.as_ref())),
    );
    let above = number(outer.lo.as_ref()).is_none_or(|least| lo.is_some_and(|lo| lo >= least));
    let below = number(outer.hi.as_ref()).is_none_or(|most| hi.is_some_and(|hi| hi <= most));
    above && below
}
