//! Parameters as they are typed on a command line: `--param KEY=TEXT`.

use super::check::{Checker, UnknownKeys};
use super::{from_json, text};
use crate::quantity;
use crate::types::{Type, Types};
use crate::value::Value;

/// Reads a parameter by its type: `1MB`, `5m`, `$10.00`, `80%`, plain text without quotes, JSON for lists, maps and
/// records. An optional parameter that is to be absent is left out altogether.
pub fn parse_param(text: &str, ty: &Type, types: &Types) -> Result<Value, String> {
    let value = match ty.required() {
        Type::Bool => parse_bool(text)?,
        Type::Int(_) => parse_int(text)?,
        Type::Float(_) => parse_float(text)?,
        Type::List(_) | Type::Map(_) | Type::Record(_) | Type::Fields(_) => parse_json(text, ty)?,
        // Dynamic: what reads as JSON is JSON, the rest is text.
        Type::Json => serde_json::from_str(text).map_or_else(|_| Value::from(text), from_json),
        Type::Secret(_) => {
            return Err("a secret comes from the plan's `secrets:`, not from a parameter".to_owned());
        }
        Type::File | Type::Dir => {
            return Err(format!(
                "a `{}` is made by a run, expected a parameter of type `path`",
                ty.required()
            ));
        }
        _ => Value::from(text),
    };
    Checker {
        types,
        unknown_keys: UnknownKeys::Refused,
    }
    .check_all(value, ty)
    .map_err(|error| error.to_string())
}

fn parse_bool(text: &str) -> Result<Value, String> {
    match text {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        _ => Err(format!("saw {:?}, expected `true` or `false`", text::shortened(text))),
    }
}

fn parse_int(text: &str) -> Result<Value, String> {
    let digits = text.replace('_', "");
    digits.parse().map(Value::Int).map_err(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
            format!("`{text}` does not fit into 64 bits")
        }
        _ => format!("saw {:?}, expected an integer", text::shortened(text)),
    })
}

fn parse_float(text: &str) -> Result<Value, String> {
    if text.ends_with('%') {
        return quantity::parse_ratio(text).map(Value::Float);
    }
    match text.replace('_', "").parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Value::Float(float)),
        _ => Err(format!("saw {:?}, expected a number", text::shortened(text))),
    }
}

fn parse_json(text: &str, ty: &Type) -> Result<Value, String> {
    let json = serde_json::from_str(text).map_err(|error| format!("a `{ty}` is given as JSON: {error}"))?;
    Ok(from_json(json))
}
