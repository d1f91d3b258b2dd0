//! The JSON form of values: every value is read back as itself, equal values have equal bytes.

use std::collections::BTreeMap;

use dsl_ir::data;
use dsl_ir::value::{FileRef, VALUE_DEPTH_MAX, Value};
use proptest::prelude::*;
use rust_decimal::Decimal;
use smol_str::SmolStr;

fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn written(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

/// Any value; keys are often ones that look like tags.
pub fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>()
            .prop_filter("finite", |float| float.is_finite())
            .prop_map(Value::Float),
        ".{0,30}".prop_map(|text: String| Value::from(text)),
        any::<i64>().prop_map(Value::Duration),
        any::<i64>().prop_map(Value::Size),
        any::<i64>().prop_map(Value::Time),
        (any::<i64>(), 0_u32..28).prop_map(|(digits, scale)| Value::Money(Decimal::new(digits, scale))),
        ("[0-9a-f]{64}", any::<u64>(), ".{0,10}").prop_map(|(digest, size, path)| Value::File(FileRef {
            digest: digest.into(),
            size,
            path: path.into()
        })),
    ];
    let key = prop_oneof![
        "[a-z]{1,5}",
        Just("$duration".to_owned()),
        Just("$record".to_owned()),
        "\\$?.{0,3}"
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::btree_map(key.clone().prop_map(SmolStr::from), inner, 0..5).prop_map(Value::Record),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_is_read_back_as_itself(value in any_value()) {
        let text = written(&value);
        let back = read(&text).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(written(&back), text);
        prop_assert!(back.same(&value));
    }

    #[test]
    fn the_tagged_form_is_what_is_written(value in any_value()) {
        prop_assert_eq!(data::to_json(&value).to_string(), serde_json::to_value(&value).unwrap().to_string());
    }

    #[test]
    fn reading_any_text_is_a_value_or_an_error(text in ".{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn plain_json_is_never_taken_for_a_tag(value in any_value()) {
        let plain = data::to_plain_json(&value);
        let back = data::from_json(plain.clone());
        prop_assert_eq!(data::to_plain_json(&back), plain);
    }

    #[test]
    fn order_is_the_same_from_both_sides(a in any_value(), b in any_value()) {
        prop_assert_eq!(a.compare(&b), b.compare(&a).map(std::cmp::Ordering::reverse));
        prop_assert_eq!(a.same(&b), b.same(&a));
        prop_assert!(a.same(&a));
    }

    #[test]
    fn an_int_and_a_float_compare_exactly(int: i64, float in -1e19..1e19_f64) {
        let exact = (int as i128).cmp(&(float.floor() as i128));
        let seen = Value::Int(int).compare(&Value::Float(float)).unwrap();
        let wanted = if exact.is_eq() && float.fract() != 0.0 { std::cmp::Ordering::Less } else { exact };
        prop_assert_eq!(seen, wanted);
    }
}

#[test]
fn values_are_natural_json_with_tags() {
    let value = Value::Record(BTreeMap::from([
        (
            "list".into(),
            Value::List(vec![
                Value::None,
                Value::Bool(true),
                Value::Int(i64::MIN),
                Value::Float(1.0),
            ]),
        ),
        ("for".into(), Value::Duration(300_000)),
        ("size".into(), Value::Size(-1)),
        ("cost".into(), Value::Money("10.00".parse().unwrap())),
        ("at".into(), Value::Time(0)),
    ]));
    let text = r#"{"at":{"$time":0},"cost":{"$money":"10"},"for":{"$duration":300000},"list":[null,true,-9223372036854775808,1.0],"size":{"$size":-1}}"#;
    assert_eq!(written(&value), text);
}

#[test]
fn what_was_not_written_here_is_refused() {
    let cases = [
        (r#"{"$duration":"5m"}"#, "invalid type: string \"5m\", expected i64"),
        (r#"{"$weight":5}"#, "unknown kind of value `$weight`"),
        (r#"{"$duration":5,"a":1}"#, "`a` stands beside `$duration`"),
        (r#"{"a":1,"$duration":5}"#, "`$duration` stands beside other keys"),
        (r#"{"a":1,"a":2}"#, "the key `a` is there twice"),
        (r#"{"$money":"ten"}"#, "`ten` is not an amount of money"),
        ("9223372036854775808", "`9223372036854775808` is not a 64-bit integer"),
        ("1e999", "number out of range"),
    ];
    for (text, wanted) in cases {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(wanted), "{text}: {error}");
    }
}

#[test]
fn a_float_that_is_not_finite_is_not_written() {
    assert!(serde_json::to_string(&Value::Float(f64::NAN)).is_err());
}

#[test]
fn the_deepest_value_fits_into_an_event() {
    let mut value = Value::Int(1);
    for _ in 0..VALUE_DEPTH_MAX {
        value = Value::List(vec![value]);
    }
    assert!(value.fits_depth(VALUE_DEPTH_MAX));
    assert_eq!(read(&written(&value)).unwrap(), value);
    assert!(!Value::List(vec![value]).fits_depth(VALUE_DEPTH_MAX));
}
