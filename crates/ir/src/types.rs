//! Types of values: what the checker computes, what data is checked against at run time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A type. Records are referred to by name and defined once per plan, so that they may refer to each other.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// Silences what follows a mistake: compatible with everything. Never in a lowered plan.
    Error,
    /// The type of `none` alone; a lowered plan holds it only inside `Optional`.
    None,
    Bool,
    Int(Option<Box<Bounds>>),
    Float(Option<Box<Bounds>>),
    String(Option<Box<StringRefine>>),
    Duration,
    Size,
    Money,
    Time,
    Url,
    Path,
    Regex,
    Version,
    Principal,
    /// Dynamic data.
    Json,
    /// An artifact, stored by content.
    File,
    /// A folder, stored by content.
    Dir,
    List(Box<ListType>),
    Map(Box<Type>),
    Optional(Box<Type>),
    Secret(Box<Type>),
    /// Members in the order written; two with the same set of members are one type (see `same`).
    Enum(Vec<SmolStr>),
    /// A named record of [`Types`].
    Record(SmolStr),
    /// A record written in place: the type of `{ k: v }` before it is checked against a named one, and of a node's
    /// `error`.
    Fields(BTreeMap<SmolStr, Type>),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ListType {
    pub item: Type,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<Bounds>,
}

/// Inclusive bounds, as decimal text so that they hash and compare exactly; `None` is unbounded. For `Int` and lengths
/// the text is an integer, for `Float` a decimal number.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Bounds {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lo: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hi: Option<SmolStr>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StringRefine {
    /// Length in characters.
    Len(Bounds),
    Regex(SmolStr),
}

/// The named records of a plan.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Types(pub BTreeMap<SmolStr, RecordDef>);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordDef {
    /// In declared order.
    pub fields: Vec<FieldDef>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldDef {
    pub name: SmolStr,
    #[serde(rename = "type")]
    pub ty: Type,
}

impl Type {
    pub const STRING: Self = Self::String(None);
    pub const INT: Self = Self::Int(None);
    pub const FLOAT: Self = Self::Float(None);

    /// The named records in it. As deep as the type, which the parser bounds.
    pub fn records(&self, found: &mut Vec<SmolStr>) {
        match self {
            Self::Record(name) => found.push(name.clone()),
            Self::List(list) => list.item.records(found),
            Self::Map(inner) | Self::Optional(inner) | Self::Secret(inner) => inner.records(found),
            Self::Fields(fields) => fields.values().for_each(|ty| ty.records(found)),
            _ => {}
        }
    }

    pub fn list(item: Self) -> Self {
        Self::List(Box::new(ListType { item, len: None }))
    }

    pub fn map(item: Self) -> Self {
        Self::Map(Box::new(item))
    }

    /// `T?`; what is optional already, dynamic or mistaken stays as it is.
    pub fn optional(self) -> Self {
        match self {
            Self::Optional(_) | Self::Error | Self::Json => self,
            Self::None => Self::Optional(Box::new(Self::Error)),
            _ => Self::Optional(Box::new(self)),
        }
    }

    /// The `T` of `T?`, itself otherwise.
    pub fn required(&self) -> &Self {
        match self {
            Self::Optional(inner) => inner,
            _ => self,
        }
    }

    /// Whether a value may be absent.
    pub const fn is_optional(&self) -> bool {
        matches!(self, Self::Optional(_) | Self::None)
    }

    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error)
    }

    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Float(_))
    }

    /// Held as text at run time, so that text functions apply.
    pub const fn is_text(&self) -> bool {
        matches!(
            self,
            Self::String(_) | Self::Url | Self::Path | Self::Regex | Self::Version | Self::Principal | Self::Enum(_)
        )
    }

    /// String literals convert to it where it is expected.
    pub const fn converts_from_literal(&self) -> bool {
        matches!(self, Self::Path | Self::Url | Self::Time | Self::Regex | Self::Version)
    }

    /// Has `<`.
    pub const fn is_ordered(&self) -> bool {
        matches!(
            self,
            Self::Int(_)
                | Self::Float(_)
                | Self::String(_)
                | Self::Duration
                | Self::Size
                | Self::Money
                | Self::Time
                | Self::Version
        )
    }

    /// What it is without its refinement: `string(1..5)` is a `string`.
    pub fn unrefined(&self) -> Self {
        match self {
            Self::Int(_) => Self::INT,
            Self::Float(_) => Self::FLOAT,
            Self::String(_) => Self::STRING,
            Self::List(list) => Self::list(list.item.clone()),
            Self::Optional(inner) => Self::Optional(Box::new(inner.unrefined())),
            _ => self.clone(),
        }
    }

    /// Whether the two are one type, refinements included. Enumerations are structural, in whatever order they list
    /// their members. A mistake is the same as anything.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Error, _) | (_, Self::Error) => true,
            (Self::Enum(a), Self::Enum(b)) => same_members(a, b),
            (Self::List(a), Self::List(b)) => a.len == b.len && a.item.same(&b.item),
            (Self::Map(a), Self::Map(b))
            | (Self::Optional(a), Self::Optional(b))
            | (Self::Secret(a), Self::Secret(b)) => a.same(b),
            (Self::Fields(a), Self::Fields(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && a.same(b))
            }
            _ => self == other,
        }
    }

    /// Whether a value of this type may stand where `target` is expected. Only what the language converts silently:
    /// `int` to `float`, `T` to `T?`, anything to `json`, a record written in place to one with those fields. Refinements
    /// don't matter here: constants are checked when compiling, data when running.
    pub fn assignable_to(&self, target: &Self, types: &Types) -> bool {
        match (self, target) {
            (Self::Error, _) | (_, Self::Error) => true,
            (Self::Secret(_), Self::Json) => false,
            (_, Self::Json) => true,
            (Self::None, Self::Optional(_)) => true,
            (Self::Optional(a), Self::Optional(b)) => a.assignable_to(b, types),
            (_, Self::Optional(b)) => self.assignable_to(b, types),
            (Self::Int(_), Self::Int(_) | Self::Float(_))
            | (Self::Float(_), Self::Float(_))
            | (Self::String(_), Self::String(_)) => true,
            (Self::List(a), Self::List(b)) => a.item.assignable_to(&b.item, types),
            (Self::Map(a), Self::Map(b)) | (Self::Secret(a), Self::Secret(b)) => a.assignable_to(b, types),
            (Self::Fields(fields), Self::Map(item)) => fields.values().all(|field| field.assignable_to(item, types)),
            (Self::Fields(fields), Self::Fields(wanted)) => fields_fit(fields, wanted.iter(), types),
            (Self::Fields(fields), Self::Record(name)) => types.get(name).is_none_or(|record| {
                fields_fit(
                    fields,
                    record.fields.iter().map(|field| (&field.name, &field.ty)),
                    types,
                )
            }),
            _ => self.same(target),
        }
    }
}

/// Every wanted field is there with its type, or may be absent; no other is there.
fn fields_fit<'a>(
    fields: &BTreeMap<SmolStr, Type>,
    wanted: impl Iterator<Item = (&'a SmolStr, &'a Type)>,
    types: &Types,
) -> bool {
    let mut known = 0;
    for (name, ty) in wanted {
        match fields.get(name) {
            Some(field) if field.assignable_to(ty, types) => known += 1,
            Some(_) => return false,
            None if ty.is_optional() => {}
            None => return false,
        }
    }
    known == fields.len()
}

fn same_members(a: &[SmolStr], b: &[SmolStr]) -> bool {
    let set = |members: &[SmolStr]| members.iter().cloned().collect::<BTreeSet<_>>();
    a == b || set(a) == set(b)
}

impl Types {
    pub fn get(&self, name: &str) -> Option<&RecordDef> {
        self.0.get(name)
    }
}

impl RecordDef {
    pub fn field(&self, name: &str) -> Option<&Type> {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| &field.ty)
    }
}

impl Bounds {
    pub const fn is_unbounded(&self) -> bool {
        self.lo.is_none() && self.hi.is_none()
    }
}

/// As the language writes it; an optional enumeration, which has no notation of its own, in parentheses.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error => f.write_str("unknown"),
            Self::None => f.write_str("none"),
            Self::Bool => f.write_str("bool"),
            Self::Int(bounds) => refined(f, "int", bounds.as_deref()),
            Self::Float(bounds) => refined(f, "float", bounds.as_deref()),
            Self::String(None) => f.write_str("string"),
            Self::String(Some(refine)) => match &**refine {
                StringRefine::Len(bounds) => refined(f, "string", Some(bounds)),
                StringRefine::Regex(pattern) => write!(f, "string(/{pattern}/)"),
            },
            Self::Duration => f.write_str("duration"),
            Self::Size => f.write_str("size"),
            Self::Money => f.write_str("money"),
            Self::Time => f.write_str("time"),
            Self::Url => f.write_str("url"),
            Self::Path => f.write_str("path"),
            Self::Regex => f.write_str("regex"),
            Self::Version => f.write_str("version"),
            Self::Principal => f.write_str("principal"),
            Self::Json => f.write_str("json"),
            Self::File => f.write_str("file"),
            Self::Dir => f.write_str("dir"),
            Self::List(list) => refined(f, &format!("list[{}]", list.item), list.len.as_ref()),
            Self::Map(item) => write!(f, "map[{item}]"),
            Self::Optional(inner) if matches!(**inner, Self::Enum(_)) => write!(f, "({inner})?"),
            Self::Optional(inner) => write!(f, "{inner}?"),
            Self::Secret(inner) => write!(f, "secret[{inner}]"),
            Self::Enum(members) => f.write_str(&members.join(" | ")),
            Self::Record(name) => f.write_str(name),
            Self::Fields(fields) => {
                f.write_str("{")?;
                for (i, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{} {name}: {ty}", if i == 0 { "" } else { "," })?;
                }
                f.write_str(if fields.is_empty() { "}" } else { " }" })
            }
        }
    }
}

fn refined(f: &mut fmt::Formatter<'_>, name: &str, bounds: Option<&Bounds>) -> fmt::Result {
    f.write_str(name)?;
    match bounds {
        Some(bounds) if !bounds.is_unbounded() => write!(f, "({bounds})"),
        _ => Ok(()),
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}..{}",
            self.lo.as_deref().unwrap_or_default(),
            self.hi.as_deref().unwrap_or_default()
        )
    }
}
