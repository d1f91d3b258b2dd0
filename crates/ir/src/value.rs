//! Values: what expressions yield, parameters hold and the journal keeps.
//!
//! The JSON form is natural JSON where JSON has the notion, and an object with one `$`-key where it has not
//! (`{"$duration":300000}`), so that it is read back without knowing the type. Absent: floats for money, time or size.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use smol_str::SmolStr;

/// A value. `PartialEq` is structural; comparing across kinds is the evaluator's business.
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
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct FileRef {
    /// BLAKE3 of the bytes, 64 hexadecimal digits.
    pub digest: SmolStr,
    /// Bytes.
    pub size: u64,
    /// Where it was when it was stored, as the plan wrote it.
    pub path: SmolStr,
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        todo!("ir helper")
    }
}

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        todo!("ir helper")
    }
}
