//! Data at the edges of a run: checked against types, read from plain JSON and from the command line, rendered for
//! people and scripts.
//!
//! What is checked here satisfies its type to the last refinement, and fits into the journal. Absent: where data comes
//! from, and artifacts (making a file needs a store).

mod check;
mod param;
mod text;

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Number, Value as Json};
use smol_str::SmolStr;

use crate::quantity;
use crate::types::{Type, Types};
use crate::value::Value;

pub use param::parse_param;
pub use text::{is_principal, is_url, text_problem};

/// Data that is not of the type it should have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataError {
    /// Where in the data: `sources[3].link`, relative to what was checked; empty: all of it.
    pub path: String,
    pub message: String,
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}`: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for DataError {}

impl DataError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            message: message.into(),
        }
    }

    /// The same error, seen from one level further out.
    fn below_key(mut self, key: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{key}{dot}{}", self.path);
        self
    }

    fn below_index(mut self, index: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("[{index}]{dot}{}", self.path);
        self
    }
}

/// Checks data against a type, with what the type converts: an int where a float is wanted, text where a url, a
/// duration (`"5m"`), a size, money or a time is. Keys that a record type does not have are dropped, as are optional ones
/// that are `none`, so that data has one form.
pub fn check(value: Value, ty: &Type, types: &Types) -> Result<Value, DataError> {
    check::Checker {
        types,
        unknown_keys: check::UnknownKeys::Dropped,
    }
    .check_all(value, ty)
}

/// Plain JSON as a value. An integer beyond 64 bits becomes the nearest float.
pub fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => from_number(&number),
        Json::String(text) => Value::String(text.into()),
        Json::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        Json::Object(fields) => Value::Record(
            fields
                .into_iter()
                .map(|(key, field)| (SmolStr::from(key), from_json(field)))
                .collect(),
        ),
    }
}

fn from_number(number: &Number) -> Value {
    match (number.as_i64(), number.as_f64()) {
        (Some(int), _) => Value::Int(int),
        (None, Some(float)) if float.is_finite() => Value::Float(float),
        // A number is one or the other; were it neither, its digits are kept as text.
        (None, _) => Value::String(number.to_string().into()),
    }
}

/// The tagged form, which [`Value`] is read back from.
pub fn to_json(value: &Value) -> Json {
    // Only a float that is not finite has no JSON form, and no operation yields one.
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// Natural JSON for people and other programs: `"5m"`, `"10.00"`, a time as RFC 3339, a file as its path. It is not
/// read back without its type; with it ([`check`]) it is, except for files.
pub fn to_plain_json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::Number((*value).into()),
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::List(items) => Json::Array(items.iter().map(to_plain_json).collect()),
        Value::Record(fields) => Json::Object(
            fields
                .iter()
                .map(|(key, field)| (key.to_string(), to_plain_json(field)))
                .collect::<Map<_, _>>(),
        ),
        _ => Json::String(render(value)),
    }
}

/// A value as text: what `string(x)` and `{{ x }}` yield and scripts get. `none` is empty, lists and records are plain
/// JSON, a file is its path.
pub fn render(value: &Value) -> String {
    render_cow(value).into_owned()
}

/// Like [`render`], without a copy of what is text already.
pub fn render_cow(value: &Value) -> Cow<'_, str> {
    Cow::Owned(match value {
        Value::None => return Cow::Borrowed(""),
        Value::Bool(true) => return Cow::Borrowed("true"),
        Value::Bool(false) => return Cow::Borrowed("false"),
        Value::String(text) => return Cow::Borrowed(text),
        Value::File(file) => return Cow::Borrowed(&file.path),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => quantity::render_float(*value),
        Value::Duration(ms) => quantity::render_duration(*ms),
        Value::Size(bytes) => quantity::render_size(*bytes),
        Value::Money(dollars) => quantity::render_money(*dollars),
        Value::Time(ms) => quantity::render_time(*ms),
        Value::List(_) | Value::Record(_) => to_plain_json(value).to_string(),
    })
}
