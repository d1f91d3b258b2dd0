//! Values: what expressions yield, parameters hold and the journal keeps.
//!
//! The JSON form is natural JSON where JSON has the notion, and an object with one `$`-key where it has not
//! (`{"$duration":300000}`), so that it is read back without knowing the type. Equal values have equal bytes. Absent:
//! floats for money, time or size, and floats that are not finite.

mod codec;
pub(crate) mod order;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use smol_str::SmolStr;

/// How deep a value may nest, counted in levels of its JSON form: it must fit into an event, and events are read by a
/// parser that stops at 128.
pub const VALUE_DEPTH_MAX: usize = 100;

/// A value. `PartialEq` is structural; what the language calls equal is [`Value::same`].
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// Finite: an operation that would leave the finite numbers is an error.
    Float(f64),
    /// Strings, enumeration members, urls, paths, versions, principals, regexes: all text.
    String(SmolStr),
    /// Milliseconds; may be negative after a subtraction.
    Duration(i64),
    /// Bytes.
    Size(i64),
    /// Dollars.
    Money(Decimal),
    /// Milliseconds since the Unix epoch, UTC.
    Time(i64),
    File(FileRef),
    List(Vec<Value>),
    /// Records and maps.
    Record(BTreeMap<SmolStr, Value>),
}

/// An artifact: bytes in the content-addressed store, and the path they came from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct FileRef {
    /// BLAKE3 of the bytes, 64 hexadecimal digits.
    pub digest: SmolStr,
    /// Bytes.
    pub size: u64,
    /// Where it was when it was stored, as the plan wrote it.
    pub path: SmolStr,
}

impl Value {
    /// What kind of value it is, for messages: `a list`, `none`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float(_) => "a float",
            Self::String(_) => "a string",
            Self::Duration(_) => "a duration",
            Self::Size(_) => "a size",
            Self::Money(_) => "an amount of money",
            Self::Time(_) => "a time",
            Self::File(_) => "a file",
            Self::List(_) => "a list",
            Self::Record(_) => "a record",
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether its JSON form nests at most `levels` deep. Looks no deeper than that, so it may be asked of anything.
    pub fn fits_depth(&self, levels: usize) -> bool {
        match self {
            Self::List(items) => levels >= 1 && items.iter().all(|item| item.fits_depth(levels - 1)),
            Self::Record(fields) => {
                let own = if codec::needs_wrapper(fields) { 2 } else { 1 };
                levels >= own && fields.values().all(|field| field.fits_depth(levels - own))
            }
            Self::File(_) => levels >= 2,
            Self::Duration(_) | Self::Size(_) | Self::Money(_) | Self::Time(_) => levels >= 1,
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) => true,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<SmolStr> for Value {
    fn from(value: SmolStr) -> Self {
        Self::String(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}
