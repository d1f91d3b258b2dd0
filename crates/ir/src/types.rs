//! Types of values: what the checker computes, what data is checked against at run time.

use std::collections::BTreeMap;

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

/// Inclusive bounds, as decimal text so that they hash and compare exactly; `None` is unbounded. For `Int` and lengths the text is an
/// integer, for `Float` a decimal number.
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
