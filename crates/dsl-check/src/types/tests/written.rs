//! Types as written.

use super::*;

#[test]
fn types_mean_what_they_say() {
    check_table(
        &[
            ("string", "string"),
            ("string(50..5000)", "string(50..5000)"),
            ("string(..5)", "string(..5)"),
            ("string(/^[a-z]+$/)", "string(/^[a-z]+$/)"),
            ("int(-5..1_000)", "int(-5..1000)"),
            ("float(0.0..1.50)", "float(0..1.5)"),
            ("list[url](5..)", "list[url](5..)"),
            ("list[Source]?", "list[Source]?"),
            ("map[list[int]]", "map[list[int]]"),
            ("secret[string]", "secret[string]"),
            ("Depth", "shallow | moderate | detailed"),
            ("a | b", "a | b"),
            ("strng", "unresolved-name at `strng`: there is no type `strng`"),
            (
                "list",
                "wrong-arguments at `list`: `list` stands alone, expected what it holds",
            ),
            (
                "int[string]",
                "wrong-arguments at `string`: `int` takes no type in brackets; `list`, `map` and `secret` do",
            ),
            (
                "int(10..1)",
                "out-of-range at `10..1`: the lower bound 10 is above the upper bound 1, so nothing fits",
            ),
            ("int(0.5..1)", "type-mismatch at `0.5`: a bound here is an integer"),
            (
                "bool(0..1)",
                "type-mismatch at `0..1`: `bool` cannot be narrowed by bounds",
            ),
            (
                "int(/a/)",
                "type-mismatch at `/a/`: `int` cannot be narrowed by a regex",
            ),
            ("a | b | a", "duplicate-name at `a`: `a` is listed twice"),
            ("list[strng]", "unresolved-name at `strng`: there is no type `strng`"),
        ],
        |text| {
            let mut report = Report::default();
            let ty = resolve_type(&parsed_type(text), &table(), &mut report);
            if report.problems.is_empty() {
                ty.to_string()
            } else {
                told(&format!("type X\n  field: {text}"), &report).join("\n")
            }
        },
    );
    let mut report = Report::default();
    resolve_type(&parsed_type("string(/a(/)"), &table(), &mut report);
    assert_eq!(report.problems[0].rule, "invalid-regex");
}
