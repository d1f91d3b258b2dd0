//! The tagged JSON form of values.
//!
//! Reading is the exact inverse of writing: what the writer would not have written (an unknown `$`-key, a second key
//! beside one, an integer beyond 64 bits) is refused rather than guessed at.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use rust_decimal::Decimal;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, Serializer};
use smol_str::SmolStr;

use super::{FileRef, Value};

const DURATION: &str = "$duration";
const SIZE: &str = "$size";
const MONEY: &str = "$money";
const TIME: &str = "$time";
const FILE: &str = "$file";
const RECORD: &str = "$record";

/// Sequences are not preallocated beyond this, whatever a reader's size hint says.
const PREALLOCATED_ITEMS_MAX: usize = 4096;

/// A record with a `$`-key would be taken for a tag, so it is put inside one.
pub(super) fn needs_wrapper(fields: &BTreeMap<SmolStr, Value>) -> bool {
    let from_dollar = (Bound::Included("$"), Bound::Unbounded);
    fields
        .range::<str, _>(from_dollar)
        .next()
        .is_some_and(|(key, _)| key.starts_with('$'))
}

fn tagged<S: Serializer, T: Serialize + ?Sized>(serializer: S, tag: &str, value: &T) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, value)?;
    map.end()
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) if !value.is_finite() => Err(ser::Error::custom("a float that is not finite")),
            // The two zeros are equal, so they are written alike.
            Self::Float(value) => serializer.serialize_f64(*value + 0.0),
            Self::String(value) => serializer.serialize_str(value),
            Self::Duration(ms) => tagged(serializer, DURATION, ms),
            Self::Size(bytes) => tagged(serializer, SIZE, bytes),
            Self::Money(dollars) => tagged(serializer, MONEY, &dollars.normalize().to_string()),
            Self::Time(ms) => tagged(serializer, TIME, ms),
            Self::File(file) => tagged(serializer, FILE, file),
            Self::List(items) => serializer.collect_seq(items),
            Self::Record(fields) if needs_wrapper(fields) => tagged(serializer, RECORD, fields),
            Self::Record(fields) => serializer.collect_map(fields),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::Int)
            .map_err(|_| E::custom(format_args!("`{value}` is not a 64-bit integer")))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        if value.is_finite() {
            Ok(Value::Float(value))
        } else {
            Err(E::custom("a float that is not finite"))
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(PREALLOCATED_ITEMS_MAX));
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(key) = map.next_key::<SmolStr>()? {
            if key.starts_with('$') {
                if !fields.is_empty() {
                    return Err(de::Error::custom(format_args!(
                        "`{key}` stands beside other keys, expected it alone"
                    )));
                }
                return tagged_value(&key, map);
            }
            let value = map.next_value()?;
            if fields.insert(key.clone(), value).is_some() {
                return Err(de::Error::custom(format_args!("the key `{key}` is there twice")));
            }
        }
        Ok(Value::Record(fields))
    }
}

fn tagged_value<'de, A: MapAccess<'de>>(tag: &str, mut map: A) -> Result<Value, A::Error> {
    let value = match tag {
        DURATION => Value::Duration(map.next_value()?),
        SIZE => Value::Size(map.next_value()?),
        MONEY => Value::Money(decimal(&map.next_value::<SmolStr>()?)?),
        TIME => Value::Time(map.next_value()?),
        FILE => Value::File(map.next_value::<FileRef>()?),
        RECORD => Value::Record(map.next_value()?),
        _ => {
            return Err(de::Error::custom(format_args!(
                "unknown kind of value `{tag}`, expected {DURATION}, {SIZE}, {MONEY}, {TIME}, {FILE} or {RECORD}"
            )));
        }
    };
    match map.next_key::<SmolStr>()? {
        Some(key) => Err(de::Error::custom(format_args!(
            "`{key}` stands beside `{tag}`, expected `{tag}` alone"
        ))),
        None => Ok(value),
    }
}

fn decimal<E: de::Error>(text: &str) -> Result<Decimal, E> {
    text.parse()
        .map_err(|_| E::custom(format_args!("`{text}` is not an amount of money")))
}
