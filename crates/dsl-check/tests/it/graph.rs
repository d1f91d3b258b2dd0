//! Loops are said once, with the shortest way round; what a node may read of another.

use dsl_check::{Severity, Workspace};

use crate::errors;

/// Tasks from lines of `name: clause; clause`.
fn plan(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let (name, clauses) = line.split_once(':').unwrap_or((line, ""));
        text.push_str(&format!("task {name}\n"));
        if !clauses.contains("run") {
            text.push_str("  run: \"true\"\n");
        }
        for clause in clauses.split(';').map(str::trim).filter(|clause| !clause.is_empty()) {
            text.push_str(&format!("  {clause}\n"));
        }
    }
    text
}

fn loops(lines: &[&str]) -> Vec<(String, Vec<String>)> {
    let text = plan(lines);
    let mut workspace = Workspace::new("/w");
    workspace.set_file("a.plan", text.as_bytes());
    let mut found = Vec::new();
    let all = workspace.diagnostics("a.plan".as_ref());
    for diagnostic in all.into_iter().filter(|one| one.severity != Severity::Hint) {
        assert_eq!(diagnostic.rule, "dependency-cycle", "{diagnostic:?}");
        found.push((
            diagnostic.message,
            diagnostic.labels.into_iter().map(|label| label.message).collect(),
        ));
    }
    found
}

#[test]
fn a_task_that_needs_itself_is_a_loop_of_one_edge() {
    assert_eq!(
        loops(&["a: needs: a"]),
        [("`a` waits for itself".into(), vec!["`a` needs `a`".into()])]
    );
}

#[test]
fn of_two_ways_round_the_shorter_is_said() {
    let found = loops(&["a: needs: b, d", "b: needs: c", "c: needs: a", "d: needs: a"]);
    assert_eq!(
        found,
        [(
            "`a` waits for itself".into(),
            vec!["`a` needs `d`".into(), "`d` needs `a`".into()]
        )]
    );
}

#[test]
fn two_loops_are_two_diagnostics() {
    assert_eq!(
        loops(&[
            "a: needs: b",
            "b: needs: a",
            "c: needs: d",
            "d: needs: c",
            "e: needs: a, c"
        ])
        .len(),
        2
    );
}

#[test]
fn a_route_backwards_is_a_loop() {
    let found = loops(&["a", "b: needs: a; on failure -> a"]);
    assert_eq!(
        found[0].1,
        ["`a` waits for `b`, which leads to it on `failure`", "`b` needs `a`"]
    );
}

#[test]
fn a_fallback_comes_before_every_dependent() {
    let found = loops(&["a: fallback: c", "b: needs: a", "c: needs: b"]);
    assert_eq!(found[0].1, ["`b` needs `a`, whose fallback is `c`", "`c` needs `b`"]);
}

#[test]
fn a_long_chain_is_no_problem() {
    let mut text = String::from("task t0\n  run: \"true\"\n");
    for at in 1..20_000 {
        text.push_str(&format!(
            "task t{at}\n  needs: t{}\n  run: \"echo {{{{ t0.stdout }}}}\"\n",
            at - 1
        ));
    }
    assert_eq!(errors(&text), Vec::<String>::new());
}

/// What `reader` may read of `source`: `not`, `maybe` or `always`.
fn access(lines: &[&str]) -> &'static str {
    let text = plan(lines);
    let rules: Vec<String> = errors(&text);
    if rules.iter().any(|error| error.contains("undeclared-dependency")) {
        "not"
    } else if rules.iter().any(|error| error.contains("not-optional-safe")) {
        "maybe"
    } else {
        assert_eq!(rules, Vec::<String>::new(), "{text}");
        "always"
    }
}

#[test]
fn what_may_be_read_follows_from_the_paths() {
    let read = "env:\n    X: source.stdout";
    let reader = |clauses: &str| format!("reader: {clauses}; {read}");
    let table: &[(&str, &[&str], &str)] = &[
        ("no path", &["source"], ""),
        ("needed", &["source"], "needs: source"),
        ("needed through another", &["source", "b: needs: source"], "needs: b"),
        ("may have been skipped", &["source"], "needs: source?"),
        ("one of two", &["source", "b"], "needs: any(source, b)"),
        ("two of two", &["source", "b"], "needs: 2 of (source, b)"),
        (
            "both ways lead through",
            &["source", "b: needs: source", "c: needs: source"],
            "needs: any(b, c)",
        ),
        (
            "one way leads through",
            &["source", "b: needs: source", "c"],
            "needs: any(b, c)",
        ),
        ("behind its success", &["source: on success -> reader"], ""),
        ("behind its failure", &["source: on failure -> reader"], ""),
        (
            "behind a failure of what needs it",
            &["source", "b: needs: source; on failure -> reader"],
            "",
        ),
        ("only after it", &["source: needs: reader"], ""),
    ];
    let expected = [
        "not", "always", "always", "maybe", "maybe", "always", "always", "maybe", "always", "maybe", "always", "not",
    ];
    for ((what, nodes, clauses), expected) in table.iter().zip(expected) {
        let last = reader(clauses);
        let lines: Vec<&str> = nodes.iter().copied().chain([last.as_str()]).collect();
        assert_eq!(access(&lines), expected, "{what}");
    }
}

#[test]
fn a_fallback_stands_in() {
    let lines = [
        "source: fallback: other",
        "other",
        "reader: needs: source; env:\n    X: source.stdout",
    ];
    assert_eq!(access(&lines), "always");
}

/// The rules of the errors, in order.
fn rules(text: &str) -> Vec<String> {
    errors(text)
        .iter()
        .filter_map(|error| error.split(": ").nth(1))
        .map(str::to_owned)
        .collect()
}

#[test]
fn one_mistake_is_said_once() {
    let table = [
        // the reader would need `source`, had it spelt it right
        "task source\n  run: \"ls\"\ntask reader\n  needs: sorce\n  run: \"echo {{ source.stdout }}\"\n",
        // and so would what comes after it
        "task source\n  run: \"ls\"\ntask b\n  needs: sorce\n  run: \"ls\"\ntask reader\n  needs: b\n  run: \"echo {{ source.stdout }}\"\n",
        "task source\n  run: \"ls\"\n  on failure -> raeder\ntask reader\n  run: \"echo {{ source.error.message }}\"\n",
        // nobody knows the outputs of what is not there
        "task source\n  call: nowhere\ntask reader\n  needs: source\n  run: \"echo {{ source.anything }}\"\n",
        "task source using:no.capability\ntask reader\n  needs: source\n  run: \"echo {{ source.anything }}\"\n",
        // nor what a missing file declares
        "use \"nowhere.plan\"\nplan p\n  params:\n    x: Source\n  task a using:web.search\n",
        "use Source, web.search from \"nowhere.plan\"\nplan p\n  params:\n    x: Source\n  task a using:web.search\n",
    ];
    for text in table {
        assert_eq!(rules(text).len(), 1, "{text}\n{:?}", errors(text));
    }
}
