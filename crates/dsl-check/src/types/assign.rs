//! Which type may stand where another is expected, what two types have in common, and why not.
//!
//! The rule itself is [`Type::assignable_to`], shared with the runtime; here is its explanation. Refinements never stand
//! in the way: constants are checked where they are written, data when it arrives.

use ir::types::{ListType, Type, Types};

/// Why a value does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mismatch {
    /// It may be absent, and would fit if it were there.
    Optional,
    /// Both are quantities, of different dimensions.
    Unit,
    /// It is dynamic data: `as` would check it.
    Dynamic,
    Other,
}

/// Whether a `found` may stand where an `expected` is wanted.
pub fn assign(found: &Type, expected: &Type, types: &Types) -> Result<(), Mismatch> {
    if found.assignable_to(expected, types) {
        return Ok(());
    }
    let inner = found.required();
    let wanted = expected.required();
    let fits_if_there = found.is_optional() && !expected.is_optional() && inner.assignable_to(expected, types);
    Err(if fits_if_there || matches!(found, Type::None) {
        Mismatch::Optional
    } else if matches!(inner, Type::Json) {
        Mismatch::Dynamic
    } else if dimension(inner).is_some_and(|a| dimension(wanted).is_some_and(|b| a != b)) {
        Mismatch::Unit
    } else {
        Mismatch::Other
    })
}

/// The type of a value that has been shown to be there.
pub fn without_optional(ty: Type) -> Type {
    match ty {
        Type::Optional(inner) => *inner,
        other => other,
    }
}

/// What a quantity measures, in words: two with different words do not mix.
pub(super) const fn dimension(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Int(_) | Type::Float(_) => Some("a number"),
        Type::Duration => Some("a duration"),
        Type::Size => Some("a size"),
        Type::Money => Some("an amount of money"),
        Type::Time => Some("a point in time"),
        _ => None,
    }
}

/// The type of "one or the other": `None` if they have nothing in common.
pub(super) fn join(a: &Type, b: &Type, types: &Types) -> Option<Type> {
    match (a, b) {
        (Type::Error, other) | (other, Type::Error) => Some(other.clone()),
        (Type::None, other) | (other, Type::None) => Some(other.clone().optional()),
        (Type::Optional(a), b) | (b, Type::Optional(a)) => Some(join(a, b.required(), types)?.optional()),
        (Type::List(a), Type::List(b)) => {
            let len = if a.len == b.len { a.len.clone() } else { None };
            Some(Type::List(Box::new(ListType {
                item: join(&a.item, &b.item, types)?,
                len,
            })))
        }
        (a, b) if a.same(b) => Some(a.clone()),
        (a, b) => {
            let (a, b) = (a.unrefined(), b.unrefined());
            if a.assignable_to(&b, types) {
                Some(b)
            } else if b.assignable_to(&a, types) {
                Some(a)
            } else {
                None
            }
        }
    }
}

/// The type that `found` has to be converted to in order to be an `expected`: `None` where the values are the same.
/// The only silent conversion that changes a value is `int` to `float`, here or deeper.
pub(super) fn widened(found: &Type, expected: &Type) -> Option<Type> {
    match (found, expected) {
        (Type::Int(_), Type::Float(_)) => Some(Type::FLOAT),
        (Type::Optional(a), b) => Some(widened(a, b.required())?.optional()),
        (a, Type::Optional(b)) => widened(a, b),
        (Type::List(a), Type::List(b)) => Some(Type::list(widened(&a.item, &b.item)?)),
        (Type::Map(a), Type::Map(b)) => Some(Type::map(widened(a, b)?)),
        _ => None,
    }
}

/// Whether `as` may turn a `found` into a `to`: the data could be of that type.
pub(super) fn castable(found: &Type, to: &Type, types: &Types) -> bool {
    match (found.required(), to.required()) {
        (Type::Error | Type::Json, _) | (_, Type::Error | Type::Json) => true,
        (Type::Secret(_), _) | (_, Type::Secret(_)) => false,
        (
            Type::String(_),
            Type::Url
            | Type::Path
            | Type::Time
            | Type::Regex
            | Type::Version
            | Type::Principal
            | Type::Enum(_)
            | Type::Duration
            | Type::Size
            | Type::Money,
        ) => true,
        // A text is a string all right, but saying so calculates nothing that `string(x)` would not.
        (found, Type::String(_)) if found.is_text() => true,
        (Type::Enum(a), Type::Enum(b)) => a.iter().any(|member| b.contains(member)),
        (Type::List(a), Type::List(b)) => castable(&a.item, &b.item, types),
        (Type::Map(a), Type::Map(b)) => castable(a, b, types),
        (Type::Fields(_) | Type::Record(_) | Type::Map(_), Type::Fields(_) | Type::Record(_) | Type::Map(_)) => true,
        (found, to) => found.assignable_to(to, types),
    }
}

/// What to type when a `found` does not fit an `expected`.
pub(super) fn conversion_help(found: &Type, expected: &Type) -> Option<String> {
    let wanted = expected.required();
    Some(match (found, wanted) {
        _ if is_checked(found, wanted) => format!("check it: `… as {wanted}`"),
        (Type::Optional(found), _) => return conversion_help(found, wanted),
        (Type::Int(_) | Type::Float(_), Type::Bool) => "compare it, as in `… > 0`".to_owned(),
        (Type::String(_), Type::Bool) => "compare it, as in `… == \"yes\"`".to_owned(),
        (Type::List(_) | Type::Map(_), Type::Bool) => "compare how many there are, as in `len(…) > 0`".to_owned(),
        (Type::Int(_) | Type::Float(_), Type::Version) => "a version has three numbers: `1.0.0`".to_owned(),
        (Type::Error | Type::None, _) => return None,
        (Type::Float(_), Type::Int(_)) => "`int(…)` cuts the fraction off, `floor(…)` and `ceil(…)` round".to_owned(),
        (Type::Duration, Type::Int(_)) => "`ms(…)` is the number of milliseconds".to_owned(),
        (Type::Duration, Type::Float(_)) => "`seconds(…)` is the number of seconds".to_owned(),
        (Type::Size, Type::Int(_) | Type::Float(_)) => "`bytes(…)` is the number of bytes".to_owned(),
        (Type::Money, Type::Float(_)) => "`dollars(…)` is the number of dollars".to_owned(),
        (Type::String(_), Type::Int(_)) => "`int(…)` reads an integer".to_owned(),
        (Type::String(_), Type::Float(_)) => "`float(…)` reads a number".to_owned(),
        (Type::Int(_) | Type::Float(_), Type::Duration) => "a duration has a unit: `30s`, `5m`".to_owned(),
        (Type::Int(_) | Type::Float(_), Type::Size) => "a size has a unit: `500KB`, `2GiB`".to_owned(),
        (Type::Int(_) | Type::Float(_), Type::Money) => "an amount of money has its sign: `$10.00`".to_owned(),
        (Type::List(list), Type::String(_)) if matches!(list.item, Type::String(_)) => {
            "`join(…, \"\\n\")` makes one text of it".to_owned()
        }
        (found, Type::String(_)) if !matches!(found, Type::Secret(_)) => "`string(…)` renders it as text".to_owned(),
        (Type::Path | Type::String(_), Type::File) => "`file(…)` stores it".to_owned(),
        (found, Type::List(list)) if found.same(&list.item) => "a list of one is written `[…]`".to_owned(),
        (Type::List(found), Type::List(list)) => return conversion_help_of_items(&found.item, &list.item),
        (Type::List(_), wanted) if !matches!(wanted, Type::List(_)) => {
            "`first(…)` is one of them, if there is one".to_owned()
        }
        _ => return None,
    })
}

/// Whether a value of the one type may be one of the other, which `as` finds out.
pub(super) fn is_checked(found: &Type, wanted: &Type) -> bool {
    match (found, wanted) {
        (Type::Json, _) => true,
        (
            Type::String(_),
            Type::Url | Type::Path | Type::Time | Type::Regex | Type::Version | Type::Enum(_) | Type::Principal,
        ) => true,
        (Type::List(found), Type::List(wanted)) => is_checked(&found.item, &wanted.item),
        _ => false,
    }
}

/// The same of lists of these.
fn conversion_help_of_items(found: &Type, wanted: &Type) -> Option<String> {
    let function = match (found, wanted) {
        (Type::String(_), Type::Int(_)) => "int",
        (Type::String(_), Type::Float(_)) => "float",
        (Type::Int(_) | Type::Float(_) | Type::Bool, Type::String(_)) => "string",
        _ => return None,
    };
    Some(format!("of each item: `… | map({function}(it))`"))
}
