//! Types of expressions and what is said about them.

use super::*;

fn types(rows: &[(&str, &str)]) {
    check_table(rows, |text| outcome(text, None, &table()));
}

/// `text` is `expression : expected type`.
fn checked(rows: &[(&str, &str)]) {
    check_table(rows, |text| {
        let (expr, ty) = text.rsplit_once(" : ").expect("`expression : type`");
        let expected = resolve_type(&parsed_type(ty), &table(), &mut Report::default());
        outcome(expr, Some(&expected), &table())
    });
}

#[test]
fn literals_have_their_types() {
    types(&[
        ("1", "int"),
        ("1.5", "float"),
        ("80%", "float"),
        ("5m", "duration"),
        ("1.5h", "duration"),
        ("50MB", "size"),
        ("$10.00", "money"),
        ("1.2.0", "version"),
        ("\"a\"", "string"),
        ("/^a+$/", "regex"),
        ("true", "bool"),
        ("role/release", "principal"),
        ("[1, 2]", "list[int]"),
        ("[1, 2.5]", "list[float]"),
        ("{ a: 1, b: \"x\" }", "{ a: int, b: string }"),
        ("-3", "int"),
        ("-9223372036854775808", "int"),
    ]);
}

#[test]
fn literals_that_do_not_fit_are_refused() {
    types(&[
        (
            "9223372036854775808",
            "invalid-literal at `9223372036854775808`: `9223372036854775808` does not fit an integer of 64 bits",
        ),
        (
            "0.5ms",
            "invalid-literal at `0.5ms`: `0.5ms` is not a whole number of milliseconds",
        ),
    ]);
}

#[test]
fn names_are_looked_up_and_the_nearest_is_offered() {
    types(&[
        ("params.repo", "path"),
        ("memory.http3.claims", "list[string]"),
        ("stdout", "string"),
        ("parms.repo", "unresolved-name at `parms`: `parms` is not in scope"),
        ("params.dept", "unresolved-name at `dept`: `params` has no `dept`"),
        (
            "params.source.titel",
            "unresolved-name at `titel`: `Source` has no `titel`",
        ),
        (
            "params",
            "type-mismatch at `params`: `params` is a group of values, expected one of them",
        ),
        (
            "params.sources.title",
            "type-mismatch at `params.sources`: found `list[Source]`, expected a record with a field `title`",
        ),
    ]);
    let mut report = Report::default();
    infer(&parsed("params.dept"), None, &table(), &mut report);
    assert_eq!(report.problems[0].help.as_deref(), Some("did you mean `depth`?"));
    assert_eq!(
        report.problems[0].fixes[0].edits,
        [(Span::new(7, 11), "depth".to_owned())]
    );
}

#[test]
fn one_mistake_is_one_problem() {
    types(&[
        (
            "len(parms.repo) + 5 > 3 and exit == 0",
            "unresolved-name at `parms`: `parms` is not in scope",
        ),
        (
            "late.x + 1 == late2",
            "undeclared-dependency at `late`: `late` is not needed",
        ),
        (
            "upper(nope) ?? lower(stdout)",
            "unresolved-name at `nope`: `nope` is not in scope",
        ),
        ("[1, nope, 2]", "unresolved-name at `nope`: `nope` is not in scope"),
        (
            "(1 if nope else 2) + 1",
            "unresolved-name at `nope`: `nope` is not in scope",
        ),
    ]);
}

#[test]
fn quantities_have_natural_types() {
    types(&[
        ("5m * 2", "duration"),
        ("2 * 5m", "duration"),
        ("5m / 30s", "float"),
        ("5m / 2", "duration"),
        ("1MB + 500KB", "size"),
        ("$1.00 * 3", "money"),
        ("$1.00 * 80%", "money"),
        ("params.cost * 0.9", "money"),
        ("params.since + 5m", "time"),
        ("params.since - params.since", "duration"),
        ("1 + 2.5", "float"),
        ("7 / 2", "int"),
        ("-params.limit", "duration"),
        ("\"a\" + \"b\"", "string"),
        ("params.large > 1MB", "bool"),
        ("1 < 2.5", "bool"),
    ]);
}

#[test]
fn units_do_not_mix() {
    types(&[
        (
            "50MB > 30s",
            "unit-mismatch at `>`: cannot compare: the left side is a size, the right side a duration",
        ),
        (
            "params.limit == 30",
            "unit-mismatch at `==`: cannot compare: the left side is a duration, the right side a number",
        ),
        (
            "5m + 1MB",
            "unit-mismatch at `+`: cannot add: the left side is a duration, the right side a size",
        ),
        (
            "5m * 5m",
            "unit-mismatch at `*`: cannot multiply: the left side is a duration, the right side a duration",
        ),
        ("bytes(5m)", "unit-mismatch at `5m`: found a duration, expected a size"),
    ]);
    checked(&[
        (
            "30 : duration",
            "unit-mismatch at `30`: found a number, expected a duration",
        ),
        (
            "50MB : duration",
            "unit-mismatch at `50MB`: found a size, expected a duration",
        ),
    ]);
}

#[test]
fn division_by_a_zero_that_can_be_seen_is_said() {
    types(&[
        ("exit / 0", "out-of-range at `0`: division by zero"),
        ("exit % (1 - 1)", "out-of-range at `(1 - 1)`: division by zero"),
        ("5m / 0s", "out-of-range at `0s`: division by zero"),
        ("exit / params.max", "int"),
    ]);
}

#[test]
fn members_of_enumerations_are_bare_where_they_are_expected() {
    types(&[
        ("params.depth == detailed", "bool"),
        ("detailed == params.depth", "bool"),
        ("params.depth in [shallow, moderate]", "bool"),
        (
            "params.depth == detailled",
            "unresolved-name at `detailled`: `detailled` is no member of `shallow | moderate | detailed`",
        ),
        (
            "params.depth == \"detailed\"",
            "type-mismatch at `\"detailed\"`: found a string, expected one of `shallow | moderate | detailed`",
        ),
        ("30 if params.depth == detailed else 10", "int"),
        (
            "shallow if params.dry else params.depth",
            "shallow | moderate | detailed",
        ),
        (
            "params.depth if params.dry else shallow",
            "shallow | moderate | detailed",
        ),
        ("params.old-depth ?? shallow", "shallow | moderate | detailed"),
        (
            "params.depth < moderate",
            "type-mismatch at `params.depth`: found `shallow | moderate | detailed`, expected something with an order: numbers, quantities, times, versions or strings",
        ),
    ]);
    checked(&[
        ("moderate : Depth", "shallow | moderate | detailed"),
        ("moderate : Depth?", "(shallow | moderate | detailed)?"),
        (
            "shallow if params.dry else params.depth : Depth",
            "shallow | moderate | detailed",
        ),
        (
            "[shallow, detailed] : list[Depth]",
            "list[shallow | moderate | detailed]",
        ),
        (
            "deep : Depth",
            "unresolved-name at `deep`: `deep` is no member of `shallow | moderate | detailed`",
        ),
        (
            "params.depth : string",
            "type-mismatch at `params.depth`: found `shallow | moderate | detailed`, expected `string`",
        ),
    ]);
}

#[test]
fn texts_convert_where_it_is_expected_and_are_checked() {
    checked(&[
        ("\"src\" : path", "path"),
        ("\"{{ params.repo }}/src\" : path", "path"),
        ("\"https://example.org/a\" : url", "url"),
        (
            "\"not a url\" : url",
            "invalid-literal at `\"not a url\"`: \"not a url\" is not a url, expected one as `https://example.org/page`",
        ),
        ("\"2026-01-01T00:00:00Z\" : time", "time"),
        (
            "\"tomorrow\" : time",
            "invalid-literal at `\"tomorrow\"`: `tomorrow` is not a time, expected one as `2026-11-21T09:30:00Z`",
        ),
        ("\"1.2.0\" : version", "version"),
        (
            "params.query : path",
            "type-mismatch at `params.query`: found `string`, expected `path`",
        ),
        (
            "params.repo : string",
            "type-mismatch at `params.repo`: found `path`, expected `string`",
        ),
        ("[\"a\", \"b\"] : list[path]", "list[path]"),
        ("params.note ?? \"x\" : string", "string"),
        (
            "\"5\" : int",
            "type-mismatch at `\"5\"`: found `string`, expected `int`",
        ),
    ]);
    types(&[
        ("params.site == \"https://example.org\"", "bool"),
        ("params.repo == \"\"", "invalid-literal at `\"\"`: the path is empty"),
    ]);
}

#[test]
fn int_widens_to_float_and_nothing_else_converts() {
    checked(&[
        ("1 : float", "float"),
        ("params.max : float", "float"),
        ("[1, 2] : list[float]", "list[float]"),
        ("1.5 : int", "type-mismatch at `1.5`: found `float`, expected `int`"),
        (
            "params.max : string",
            "type-mismatch at `params.max`: found `int`, expected `string`",
        ),
        ("[1] : json", "json"),
    ]);
    let mut report = Report::default();
    let typed = infer(&parsed("1"), Some(&Type::FLOAT), &table(), &mut report);
    assert_eq!(typed.expr, Expr::Const(ir::Value::Float(1.0)));
    let typed = infer(&parsed("params.max"), Some(&Type::FLOAT), &table(), &mut report);
    assert_eq!(
        typed.expr,
        Expr::Cast(Box::new((Expr::Ref(Ref::Param("max".into())), Type::FLOAT)))
    );
}

#[test]
fn constants_are_held_against_refinements() {
    let rule = |text: &str| {
        let (expr, ty) = text.rsplit_once(" : ").expect("`expression : type`");
        let expected = resolve_type(&parsed_type(ty), &table(), &mut Report::default());
        let mut report = Report::default();
        infer(&parsed(expr), Some(&expected), &table(), &mut report);
        report
            .problems
            .iter()
            .map(|problem| problem.rule)
            .collect::<Vec<_>>()
            .join(" ")
    };
    check_table(
        &[
            ("5 : int(0..10)", ""),
            ("11 : int(0..10)", "out-of-range"),
            ("-1 : int(0..)", "out-of-range"),
            ("5 + 6 : int(0..10)", "out-of-range"),
            ("params.max : int(0..10)", ""),
            ("2 : float(0.0..1.0)", "out-of-range"),
            ("80% : float(0.0..1.0)", ""),
            ("\"ab\" : string(3..)", "out-of-range"),
            ("\"äöü\" : string(3..3)", ""),
            ("\"ABC\" : string(/^[a-z]+$/)", "out-of-range"),
            ("[1] : list[int](2..)", "out-of-range"),
            ("[params.max] : list[int](2..)", "out-of-range"),
            ("[params.max, 2] : list[int](2..)", ""),
            ("[1, 20] : list[int(0..10)]", "out-of-range"),
            ("30 if params.dry else 10 : int(0..20)", "out-of-range"),
            (
                "{ title: \"a\", link: \"https://a.org\", score: 11 } : Source",
                "out-of-range",
            ),
        ],
        rule,
    );
}

#[test]
fn records_are_checked_field_by_field() {
    checked(&[
        ("{ title: \"a\", link: \"https://a.org\", score: 1 } : Source", "Source"),
        ("{ depth: moderate, ratio: 1 } : Options", "Options"),
        (
            "{ title: \"a\" } : Source",
            "missing-field at `{ title: \"a\" }`: this `Source` lacks `link`, `score`",
        ),
        (
            "{ depth: moderate, ratoi: 1 } : Options",
            "unresolved-name at `ratoi`: `Options` has no `ratoi`",
        ),
        (
            "{ depth: moderate, depth: shallow } : Options",
            "duplicate-name at `depth`: the field `depth` is given twice",
        ),
        ("[{ depth: shallow }] : list[Options]", "list[Options]"),
        ("{ a: 1, b: 2 } : map[float]", "map[float]"),
        (
            "params.source : Options",
            "type-mismatch at `params.source`: found `Source`, expected `Options`",
        ),
    ]);
}

#[test]
fn what_may_be_absent_has_to_be_handled() {
    let absent = |what: &str, expected: &str| {
        format!("not-optional-safe at `{what}`: `{what}` may be absent, expected {expected}")
    };
    types(&[
        ("params.note", "string?"),
        ("params.note ?? \"none\"", "string"),
        ("params.note ?? params.note", "string?"),
        ("params.note is none", "bool"),
        ("upper(params.note)", &absent("params.note", "`string`")),
        (
            "params.retries + 1",
            &absent("params.retries", "a value to calculate with"),
        ),
        ("params.retries > 1", &absent("params.retries", "a value to compare")),
        (
            "\"{{ params.note }}\"",
            &absent("params.note", "a value to write into the text"),
        ),
        (
            "params.best.title",
            &absent("params.best", "a record with a field `title`"),
        ),
        ("upper(params.note) if params.note is not none else \"\"", "string"),
        ("\"\" if params.note is none else upper(params.note)", "string"),
        ("params.note is not none and len(params.note) > 3", "bool"),
        ("params.note is none or len(params.note) > 3", "bool"),
        ("not (params.note is none) and len(params.note) > 3", "bool"),
        (
            "params.note is not none or len(params.note) > 3",
            &absent("params.note", "`string` or a list or a map"),
        ),
        ("params.best is not none and params.best.title == \"a\"", "bool"),
        ("first(params.tags)", "string?"),
        ("params.tags[0]", "string"),
        ("params.sources | map(.reason)", "list[string?]"),
        (
            "params.sources | where(.reason is not none and len(.reason) > 3)",
            "list[Source]",
        ),
    ]);
    checked(&[
        ("params.note : string", &absent("params.note", "`string`")),
        ("params.note : string?", "string?"),
        ("none : string?", "string?"),
        ("\"a\" if params.dry else none : string?", "string?"),
        (
            "\"a\" if params.dry else none : string",
            "not-optional-safe at `none`: this value may be absent, expected `string`",
        ),
    ]);
}

#[test]
fn guards_outside_the_expression_count() {
    let mut env = table();
    let mut report = Report::default();
    let guard = infer(&parsed("params.note is not none"), Some(&Type::Bool), &env, &mut report);
    env.known = facts_when(&guard.expr, true);
    assert_eq!(outcome("upper(params.note)", None, &env), "string");
}

#[test]
fn where_one_of_two_is_there_one_is_enough() {
    let guards = [
        "(params.note ?? params.source.reason) is not none",
        "params.note is not none or params.source.reason is not none",
        "not (params.note is none and params.source.reason is none)",
    ];
    for guard in guards {
        let mut env = table();
        let mut report = Report::default();
        let guard = infer(&parsed(guard), Some(&Type::Bool), &env, &mut report);
        env.known = facts_when(&guard.expr, true);
        let upper = |text: &str| outcome(&format!("upper({text})"), None, &env);
        assert_eq!(upper("params.note ?? params.source.reason"), "string");
        assert_eq!(upper("params.source.reason ?? params.note"), "string");
        assert_ne!(upper("params.note"), "string");
        assert_ne!(upper("params.source.reason"), "string");
    }
}

#[test]
fn json_is_dynamic_until_it_is_checked() {
    types(&[
        ("json(stdout).errors as int", "int"),
        ("result.items[0].name", "json"),
        ("json(stdout) as list[Source]", "list[Source]"),
        ("json(stdout).a == 1", "bool"),
        ("json(stdout).a is none", "bool"),
        (
            "json(stdout).a + 1",
            "type-mismatch at `+`: cannot add: the left side is `json`, the right side `int`",
        ),
        (
            "len(result)",
            "wrong-arguments at `result`: found `json` for `x` of `len`, expected `string` or a list or a map",
        ),
        (
            "5m as int",
            "type-mismatch at `5m`: a `duration` is never a `int`: `as` checks data, it does not calculate",
        ),
        ("params.query as path", "path"),
        ("params.max as int(0..10)", "int(0..10)"),
        (
            "result as Sorce",
            "unresolved-name at `Sorce`: there is no type `Sorce`",
        ),
    ]);
    checked(&[(
        "result : int",
        "type-mismatch at `result`: found `json`, expected `int`",
    )]);
    let mut report = Report::default();
    infer(&parsed("result"), Some(&Type::INT), &table(), &mut report);
    assert_eq!(report.problems[0].help.as_deref(), Some("check it: `… as int`"));
}

#[test]
fn functions_know_their_arguments() {
    types(&[
        ("len(params.tags)", "int"),
        ("params.query | slug | truncate(100)", "string"),
        ("params.query | len + 1", "int"),
        (
            "params.tags | where(len(it) > 0) | map(upper(it)) | join(\", \")",
            "string",
        ),
        ("params.sources | all(len(.title) >= 2)", "bool"),
        ("params.sources | map(.score) | sum", "int"),
        ("params.sources | sort_by(.score) | first", "Source?"),
        ("params.sources | count(.score > 3)", "int"),
        ("max(params.sources | map(.score))", "int?"),
        ("zip(params.tags, [1, 2])", "list[{ left: string, right: int }]"),
        ("get(params.counts, \"a\")", "int?"),
        ("params.counts[\"a\"]", "int"),
        ("keys(params.counts)", "list[string]"),
        ("round(2.567, 2)", "float"),
        ("round(3)", "float"),
        ("contains(params.tags, \"a\")", "bool"),
        ("contains(stdout, \"a\")", "bool"),
        ("truncate(n: 3, s: stdout)", "string"),
        ("format(\"{} of {}\", 1, params.large)", "string"),
        ("sum([1s, 2s])", "duration"),
        ("first([])", "json"),
        ("csv(stdout) | map(it[\"a\"])", "list[string]"),
        ("abs(-5m)", "duration"),
        (
            "uper(stdout)",
            "unknown-function at `uper`: there is no function `uper`",
        ),
        (
            "truncate(stdout)",
            "wrong-arguments at `truncate(stdout)`: `truncate` has 1 argument, expected 2",
        ),
        (
            "stdout | upper(1)",
            "wrong-arguments at `stdout | upper(1)`: `upper` has 2 arguments, expected 1",
        ),
        (
            "truncate(stdout, length: 3)",
            "wrong-arguments at `length`: `truncate` has no parameter `length`",
        ),
        (
            "truncate(stdout, s: stdout)",
            "wrong-arguments at `stdout`: `truncate` gets `s` twice",
        ),
        (
            "upper(5)",
            "wrong-arguments at `5`: found `int` for `s` of `upper`, expected `string`",
        ),
        (
            "contains(params.tags, 5)",
            "wrong-arguments at `5`: found `int` for `y` of `contains`, expected `string`",
        ),
        (
            "format(\"{} of {}\", 1)",
            "wrong-arguments at `\"{} of {}\"`: the template has 2 `{}`, the call 1 argument to fill in",
        ),
        (
            "params.tags | where(len(it))",
            "type-mismatch at `len(it)`: found `int`, expected `bool`",
        ),
        (
            "params.tags | sum(it)",
            "type-mismatch at `it`: found `string`, expected numbers, durations, sizes or money to add",
        ),
        (
            "it > 3",
            "unresolved-name at `it`: `it` is not in scope: it is the item inside an argument of a function about items",
        ),
        (
            "params.tags[-1]",
            "out-of-range at `-1`: an index below 0, expected a position counted from 0",
        ),
        (
            "exists(\"go.mod\")",
            "unknown-function at `exists`: `exists` looks at the world, which is allowed only in `output`, `expect`, `requires` and `checks`",
        ),
    ]);
}

#[test]
fn functions_that_observe_are_allowed_where_the_place_says_so() {
    let env = Table {
        observes: true,
        ..table()
    };
    assert_eq!(outcome("exists(\"go.mod\")", None, &env), "bool");
    assert_eq!(outcome("file(\"report.md\")", None, &env), "file");
    assert_eq!(outcome("file(\"out/*.md\")", None, &env), "list[file]");
    assert_eq!(outcome("hash(file(\"a\"))", None, &env), "string");
    assert_eq!(
        outcome("file(params.query)", None, &env),
        "wrong-arguments at `params.query`: found `string` for `path` of `file`, expected `path`"
    );
}

#[test]
fn tests_of_texts_and_lists() {
    types(&[
        ("stdout matches /^a+$/", "bool"),
        ("stdout matches \"^a+$\"", "bool"),
        ("params.tags is empty", "bool"),
        ("stdout is not empty", "bool"),
        (
            "exit is empty",
            "type-mismatch at `exit`: found `int`, expected a list, a map or a string",
        ),
        (
            "exit in params.tags",
            "type-mismatch at `exit`: found `int`, expected `string`",
        ),
        ("\"a\" in params.tags", "bool"),
        (
            "exit matches /a/",
            "type-mismatch at `exit`: found `int`, expected `string`",
        ),
        ("not exit", "type-mismatch at `exit`: found `int`, expected `bool`"),
        ("exit and true", "type-mismatch at `exit`: found `int`, expected `bool`"),
        (
            "stdout + params.repo",
            "type-mismatch at `+`: cannot add: the left side is `string`, the right side `path`",
        ),
        (
            "1 if params.dry else \"a\"",
            "type-mismatch at `1 if params.dry else \"a\"`: cannot choose between the two: the left side is `int`, the right side `string`",
        ),
    ]);
    let mut report = Report::default();
    infer(&parsed("stdout matches /a(/"), None, &table(), &mut report);
    assert_eq!(
        report.problems.iter().map(|problem| problem.rule).collect::<Vec<_>>(),
        ["invalid-regex"]
    );
}

#[test]
fn constants_are_folded_for_clauses() {
    let fold = |text: &str| {
        let typed = infer(&parsed(text), None, &table(), &mut Report::default());
        constant(&typed.expr)
    };
    assert_eq!(fold("5m * 2"), Some(ir::Value::Duration(600_000)));
    assert_eq!(fold("len([1, 2]) + 1"), Some(ir::Value::Int(3)));
    assert_eq!(fold("params.max + 1"), None);

    let mut report = Report::default();
    assert_eq!(literal_duration(&parsed("90s"), &table(), &mut report), Some(90_000));
    assert_eq!(literal_ratio(&parsed("80%"), &table(), &mut report), Some(0.8));
    assert_eq!(report, Report::default());
    assert_eq!(literal_int(&parsed("params.max"), &table(), &mut report), None);
    assert_eq!(
        told("params.max", &report),
        ["type-mismatch at `params.max`: this `int` is only known while running, expected a constant"]
    );
}

#[test]
fn every_signature_can_be_read() {
    for func in ir::func::Func::ALL {
        assert!(signature::parse(func.signature()).is_some(), "{}", func.signature());
    }
}

#[test]
fn expressions_as_deep_as_the_parser_allows_fit_a_small_stack() {
    const FORMS: &[(&str, &str, &str)] = &[
        ("(", "1", ")"),
        ("upper(", "stdout", ")"),
        ("[", "1", "]"),
        ("{ a: ", "1", " }"),
        ("not ", "true", ""),
        ("1 + (", "1", ")"),
        ("(1 if true else ", "1", ")"),
        ("params.tags | where(", "true", ")"),
        ("\"{{ ", "1", " }}\""),
    ];
    let walk = || {
        for (open, inner, close) in FORMS {
            let deepest = (1..=dsl_syntax::NESTING_MAX).rev().find_map(|depth| {
                let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
                let (expr, errors) = dsl_syntax::parse_expr(&text);
                errors.is_empty().then_some((depth, expr))
            });
            let (depth, expr) = deepest.expect("one level parses");
            assert!(depth > 30, "`{open}` nests only {depth} deep");
            infer(&expr, None, &table(), &mut Report::default());
        }
    };
    // What threads of a pool have.
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(walk);
    thread.expect("a thread").join().expect("no overflow");
}
