//! Data against types, parameters as typed on a command line, quantities as text.

use dsl_ir::data::{check, from_json, parse_param, render, to_plain_json};
use dsl_ir::quantity;
use dsl_ir::types::Type;
use dsl_ir::value::Value;
use proptest::prelude::*;

use crate::notation::ty;
use crate::sample::TYPES;
use crate::value::any_value;

fn checked(json: &str, wanted: &str) -> String {
    let value = from_json(serde_json::from_str(json).unwrap());
    match check(value, &ty(wanted), &TYPES) {
        Ok(value) => serde_json::to_string(&value).unwrap(),
        Err(error) => format!("error: {error}"),
    }
}

fn param(text: &str, wanted: &str) -> String {
    match parse_param(text, &ty(wanted), &TYPES) {
        Ok(value) => serde_json::to_string(&value).unwrap(),
        Err(error) => format!("error: {error}"),
    }
}

fn assert_table(run: fn(&str, &str) -> String, table: &[(&str, &str, &str)]) {
    for (text, ty, wanted) in table {
        assert_eq!(run(text, ty), *wanted, "{text} as {ty}");
    }
}

#[test]
fn types_are_written_as_the_language_writes_them() {
    let texts = [
        "none",
        "bool",
        "int",
        "int(0..10)",
        "float(..1.5)",
        "string(50..)",
        "string(/^[a-z]+$/)",
        "duration",
        "size",
        "money",
        "time",
        "url",
        "path",
        "regex",
        "version",
        "principal",
        "json",
        "file",
        "dir",
        "list[url](5..)",
        "list[list[int]]",
        "map[int?]",
        "string?",
        "secret[string]",
        "a | b",
        "(a | b)?",
        "Source",
        "{ a: int, b: string? }",
    ];
    for text in texts {
        assert_eq!(ty(text).to_string(), text);
    }
}

#[test]
fn enumerations_are_one_type_in_any_order() {
    assert!(ty("a | b").same(&ty("b | a")));
    assert!(!ty("a | b").same(&ty("a | b | c")));
    assert!(Type::list(ty("a | b")).same(&Type::list(ty("b | a"))));
    assert!(!ty("int(0..1)").same(&ty("int")));
}

#[test]
fn only_what_the_language_converts_is_assignable() {
    let assignable = |from: &str, to: &str| ty(from).assignable_to(&ty(to), &TYPES);
    for (from, to) in [
        ("int", "float"),
        ("int(0..5)", "int(0..3)"),
        ("int", "float?"),
        ("none", "string?"),
        ("list[int]", "list[float]"),
        ("{a: int}", "json"),
        ("{title: string, link: url}", "Source"),
        ("{a: int, b: float}", "map[float]"),
    ] {
        assert!(assignable(from, to), "{from} to {to}");
    }
    for (from, to) in [
        ("float", "int"),
        ("string?", "string"),
        ("json", "int"),
        ("string", "url"),
        ("duration", "size"),
        ("{title: string}", "Source"),
        ("{title: string, link: url, more: int}", "Source"),
        ("secret[string]", "string"),
        ("secret[string]", "json"),
        ("none", "string"),
    ] {
        assert!(!assignable(from, to), "{from} to {to}");
    }
}

#[test]
fn data_is_checked_to_the_last_refinement() {
    assert_table(
        checked,
        &[
            ("3", "int", "3"),
            ("3", "float", "3.0"),
            ("3.0", "int", "error: saw `3`, a float, expected `int`"),
            ("11", "int(0..10)", "error: `11` is out of range, expected 0..10"),
            ("0.5", "float(0.6..)", "error: `0.5` is out of range, expected 0.6.."),
            ("\"äöü\"", "string(3..3)", "\"äöü\""),
            ("\"a\"", "string(3..)", "error: has 1 character, expected 3.."),
            (
                "\"a1\"",
                "string(/^[a-z]+$/)",
                "error: \"a1\" does not match `/^[a-z]+$/`",
            ),
            ("[1]", "list[int](2..)", "error: has 1 item, expected 2.."),
            (
                "[1, \"a\"]",
                "list[int]",
                "error: `[1]`: saw the string \"a\", expected `int`",
            ),
            (
                "{\"a\": [true, 1]}",
                "map[list[bool]]",
                "error: `a[1]`: saw `1`, an int, expected `bool`",
            ),
            ("null", "int?", "null"),
            ("null", "int", "error: saw none, expected `int`"),
            ("\"b\"", "a | b", "\"b\""),
            ("\"c\"", "a | b", "error: saw \"c\", expected `a` or `b`"),
            ("1", "a | b | c", "error: saw `1`, an int, expected `a`, `b` or `c`"),
            ("{\"any\": [1]}", "json", "{\"any\":[1]}"),
            ("\"x\"", "file", "error: saw the string \"x\", expected `file`"),
        ],
    );
}

#[test]
fn text_becomes_what_its_type_is() {
    assert_table(
        checked,
        &[
            ("\"5m\"", "duration", "{\"$duration\":300000}"),
            ("\"1.5GB\"", "size", "{\"$size\":1500000000}"),
            ("\"$10.00\"", "money", "{\"$money\":\"10\"}"),
            ("\"10.00\"", "money", "{\"$money\":\"10\"}"),
            ("\"1970-01-01T00:00:01Z\"", "time", "{\"$time\":1000}"),
            (
                "\"yesterday\"",
                "time",
                "error: `yesterday` is not a time, expected one as `2026-11-21T09:30:00Z`",
            ),
            ("\"https://a.example/b?c\"", "url", "\"https://a.example/b?c\""),
            ("\"mailto:a@b\"", "url", "\"mailto:a@b\""),
            (
                "\"a b\"",
                "url",
                "error: \"a b\" is not a url, expected one as `https://example.org/page`",
            ),
            (
                "\"http://\"",
                "url",
                "error: \"http://\" is not a url, expected one as `https://example.org/page`",
            ),
            ("\"\"", "path", "error: the path is empty"),
            (
                "\"[\"",
                "regex",
                "error: \"[\" is not a regular expression: unclosed character class",
            ),
            ("\"1.2.0-rc.1\"", "version", "\"1.2.0-rc.1\""),
            (
                "\"1.2\"",
                "version",
                "error: \"1.2\" is not a version, expected one as `1.2.0`",
            ),
            ("\"role/release-team\"", "principal", "\"role/release-team\""),
            (
                "\"boss/me\"",
                "principal",
                "error: \"boss/me\" is not a principal, expected one as `role/release` or `user/alice`",
            ),
        ],
    );
}

#[test]
fn records_drop_what_their_type_does_not_have() {
    assert_table(
        checked,
        &[
            (
                r#"{"title": "a", "link": "x:y", "reason": null, "more": 1}"#,
                "Source",
                r#"{"link":"x:y","title":"a"}"#,
            ),
            (
                r#"{"title": "a"}"#,
                "Source",
                "error: `link` is missing, expected `url`",
            ),
            (
                r#"{"name": "a", "children": [{"name": "b", "children": [{"name": 1}]}]}"#,
                "Tree",
                "error: `children[0].children[0].name`: saw `1`, an int, expected `string`",
            ),
            ("{}", "Unknown", "error: the type `Unknown` is not one of the plan's"),
        ],
    );
}

#[test]
fn parameters_are_read_by_their_type() {
    assert_table(
        param,
        &[
            ("1MB", "size", "{\"$size\":1000000}"),
            ("5m", "duration", "{\"$duration\":300000}"),
            ("$10.00", "money", "{\"$money\":\"10\"}"),
            ("80%", "float", "0.8"),
            ("1_000", "int", "1000"),
            ("-3", "int", "-3"),
            ("1e3", "float", "1000.0"),
            ("true", "bool", "true"),
            ("true", "string", "\"true\""),
            ("\"quoted\"", "string", "\"\\\"quoted\\\"\""),
            ("shallow", "shallow | deep", "\"shallow\""),
            ("5m", "duration?", "{\"$duration\":300000}"),
            ("[\"5m\"]", "list[duration]", "[{\"$duration\":300000}]"),
            ("{\"a\": 1}", "json", "{\"a\":1}"),
            ("just text", "json", "\"just text\""),
            ("yes", "bool", "error: saw \"yes\", expected `true` or `false`"),
            ("4.2", "int", "error: saw \"4.2\", expected an integer"),
            (
                "99999999999999999999",
                "int",
                "error: `99999999999999999999` does not fit into 64 bits",
            ),
            ("inf", "float", "error: saw \"inf\", expected a number"),
            ("0", "int(1..)", "error: `0` is out of range, expected 1.."),
            (
                "5parsecs",
                "size",
                "error: `5parsecs` is not a size, expected one as `500B`, `10KB` or `2GiB`",
            ),
            ("0.5B", "size", "error: `0.5B` is not a whole number of bytes"),
            (
                "99999999999w",
                "duration",
                "error: `99999999999w` is too long a duration",
            ),
            ("deep", "a | b", "error: saw \"deep\", expected `a` or `b`"),
            (
                "a,b",
                "list[string]",
                "error: a `list[string]` is given as JSON: expected value at line 1 column 1",
            ),
            (
                r#"{"title": "a", "link": "x:y", "lnk": 1}"#,
                "Source",
                "error: there is no field `lnk`",
            ),
            (
                "x",
                "file",
                "error: a `file` is made by a run, expected a parameter of type `path`",
            ),
        ],
    );
}

#[test]
fn quantities_keep_their_largest_whole_unit() {
    for text in ["250ms", "90s", "5m", "36h", "2d", "1w", "0s", "-5m"] {
        assert_eq!(quantity::render_duration(quantity::parse_duration(text).unwrap()), text);
    }
    for text in ["500B", "1234B", "10KB", "50MB", "2GiB", "1TB", "3KiB", "0B"] {
        assert_eq!(quantity::render_size(quantity::parse_size(text).unwrap()), text);
    }
    for text in ["", "m", "5", "5 m", "5mm", ".5m", "5.m", "1.2.3s", "+5m", "--5m", "５m"] {
        assert!(quantity::parse_duration(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_quantity_is_read_back_from_its_text(n: i64, scale in 0_u32..20) {
        prop_assert_eq!(quantity::parse_duration(&quantity::render_duration(n)), Ok(n));
        prop_assert_eq!(quantity::parse_size(&quantity::render_size(n)), Ok(n));
        let money = rust_decimal::Decimal::new(n, scale);
        prop_assert_eq!(quantity::parse_money(&quantity::render_money(money)), Ok(money));
    }

    #[test]
    fn a_time_is_read_back_from_its_text(ms in -62_135_596_800_000_i64..253_402_300_799_000) {
        prop_assert_eq!(quantity::parse_time(&quantity::render_time(ms)), Ok(ms));
    }

    #[test]
    fn a_float_is_read_back_from_its_text(float in any::<f64>().prop_filter("finite", |float| float.is_finite())) {
        prop_assert_eq!(quantity::render_float(float).parse(), Ok(float));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,20}") {
        for name in ["int", "float", "duration", "size", "money", "time", "url", "version", "principal", "json", "list[int]"] {
            let _ = parse_param(&text, &ty(name), &TYPES);
        }
    }

    #[test]
    fn checked_data_is_of_its_type(value in any_value()) {
        for name in ["json", "float?", "list[json]", "map[json]", "duration", "{a: json}"] {
            if let Ok(once) = check(value.clone(), &ty(name), &TYPES) {
                prop_assert_eq!(check(once.clone(), &ty(name), &TYPES), Ok(once));
            }
        }
    }

    #[test]
    fn plain_json_is_checked_back(value in any_value()) {
        let name = match &value {
            Value::Duration(_) => "duration",
            Value::Size(_) => "size",
            Value::Money(_) => "money",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            _ => return Ok(()),
        };
        let plain = from_json(to_plain_json(&value));
        prop_assert_eq!(check(plain, &ty(name), &TYPES), Ok(value.clone()));
        prop_assert!(!render(&value).is_empty());
    }
}
