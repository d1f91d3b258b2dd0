//! What the fixes of lints write.

use dsl_check::Workspace;

/// The text with the first fix of the first diagnostic of that rule.
fn fixed(rule: &str, text: &str) -> String {
    let mut workspace = Workspace::new("/w");
    workspace.set_file("a.plan", text.as_bytes());
    let found = workspace.diagnostics("a.plan".as_ref());
    let diagnostic = found.iter().find(|one| one.rule == rule).expect("the diagnostic");
    let fix = diagnostic.fixes.first().expect("a fix");
    let mut edits = fix.edits.clone();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
    let mut text = text.to_owned();
    for edit in edits {
        text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    text
}

#[test]
fn a_redundant_need_goes_with_its_comma_or_its_line() {
    let above = "task a\ntask b\n  needs: a\ntask c\n  needs: ";
    let after = |needs: &str| fixed("redundant-need", &format!("{above}{needs}\n"));
    assert_eq!(after("a, b"), format!("{above}b\n"));
    assert_eq!(after("b, a"), format!("{above}b\n"));
    assert_eq!(after("a b"), format!("{above}b\n"));
    let lines = "task a\ntask b\n  needs: a\ntask c\n  needs:\n    - a\n    - b\n";
    assert_eq!(fixed("redundant-need", lines), lines.replace("    - a\n", ""));
}

#[test]
fn a_value_that_is_read_gets_its_need_where_the_others_stand() {
    let before = "task a\n  run: echo\ntask b\n  run: echo\ntask c";
    let reads = "\n  run: |\n    echo {{ a.stdout }} {{ b.stdout }}\n";
    let after = |needs: &str| fixed("undeclared-dependency", &format!("{before}{needs}{reads}"));
    assert_eq!(after(" needs:b"), format!("{before} needs:b,a{reads}"));
    assert_eq!(after("\n  needs: b"), format!("{before}\n  needs: b, a{reads}"));
    assert_eq!(
        after("\n  needs:\n    - b"),
        format!("{before}\n  needs:\n    - b\n    - a{reads}")
    );
    assert_eq!(
        fixed(
            "undeclared-dependency",
            &format!("{before}{}", reads.replace(" {{ b.stdout }}", ""))
        ),
        format!("{before}\n  needs: a{}", reads.replace(" {{ b.stdout }}", ""))
    );
}

#[test]
fn an_optional_need_gets_its_question_mark() {
    let text = "task a\n  optional: true\ntask b\n  needs: a\n";
    assert_eq!(
        fixed("optional-needs-question", text),
        text.replace("needs: a", "needs: a?")
    );
}

#[test]
fn an_unused_suppression_goes_with_its_line() {
    let text = "task a\n  # allow(unknown-kind): ours\n  timeout: 1m\n";
    assert_eq!(fixed("unused-suppression", text), "task a\n  timeout: 1m\n");
    let misspelt = "# allow(unknown-knd): ours\ntask a kind:ponder\n";
    assert_eq!(fixed("unused-suppression", misspelt), misspelt.replace("knd", "kind"));
}

#[test]
fn a_dead_route_goes_with_its_line() {
    let text = "# first\n\ntask a\n  run: \"true\"\n  on timeout -> b # too slow\ntask b\n";
    assert_eq!(
        fixed("dead-route", text),
        "# first\n\ntask a\n  run: \"true\"\ntask b\n"
    );
    let arm = "decision d\n  when true -> b\n  else -> c\ntask b\ntask c\n";
    assert_eq!(fixed("dead-route", arm), arm.replace("  else -> c\n", ""));
}

#[test]
fn a_literal_beside_another_type_is_written_with_or_without_quotes() {
    let check = |expr: &str| format!("task a\n  run: \"true\"\n  expect:\n    - {expr}\n");
    for (wrong, right) in [
        ("exit == \"0\"", "exit == 0"),
        ("\"3\" < len(stdout)", "3 < len(stdout)"),
        ("duration < \"5m\"", "duration < 5m"),
        ("stdout == (1.5)", "stdout == (\"1.5\")"),
        ("stdout != true", "stdout != \"true\""),
    ] {
        assert_eq!(fixed("type-mismatch", &check(wrong)), check(right));
    }
    let default = |value: &str| {
        format!("plan p\n  params:\n    n: int = {value}\n  task a\n    run: \"echo {{{{ params.n }}}}\"\n")
    };
    assert_eq!(fixed("type-mismatch", &default("\"5\"")), default("5"));
}
