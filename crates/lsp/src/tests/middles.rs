//! Completion within lines that are there already: on a word that is changed, beside lines that say the rest, behind
//! what is complete. `$0` is the cursor; what comes out is the text after the item was taken.

use tower_lsp_server::ls_types::{CompletionItem, CompletionResponse, CompletionTextEdit};

use super::fixture::Fixture;
use crate::completion::completion;
use crate::edge;

fn offered(text: &str) -> (Fixture, Vec<CompletionItem>) {
    let fixture = Fixture::new(text);
    let CompletionResponse::List(list) = completion(&fixture.subject(), fixture.cursor) else {
        panic!("not a list")
    };
    let mut items = list.items;
    items.sort_by(|a, b| a.sort_text.cmp(&b.sort_text));
    (fixture, items)
}

fn labels(text: &str) -> Vec<String> {
    offered(text).1.into_iter().map(|item| item.label).collect()
}

/// The line of the cursor once an item was taken.
fn taken(text: &str, label: &str) -> String {
    let (fixture, items) = offered(text);
    let found = items.iter().find(|item| item.label == label);
    let item = found.unwrap_or_else(|| panic!("`{label}` is not offered: {items:?}"));
    let Some(CompletionTextEdit::Edit(edit)) = &item.text_edit else {
        panic!("no edit")
    };
    let subject = fixture.subject();
    let at = |place| subject.offset(edge::place(place)) as usize;
    let mut text = fixture.text().as_str().to_owned();
    text.replace_range(at(edit.range.start)..at(edit.range.end), &edit.new_text);
    text.lines()
        .nth(fixture.cursor.line as usize)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// A plan with a line of its last task.
fn with(line: &str) -> String {
    format!(
        r#"capability web.search
  input:
    query: string
    depth: shallow | deep = shallow
  output:
    items: list[string]

plan p
  params:
    wait: duration = 5m
    times: list[int] = []

  task collect using:web.search
    input:
      query: "x"

  task read
    needs: collect
    run: "true"

  task write
    needs: collect, read
    timeout: 5m
    {line}
"#
    )
}

#[test]
fn a_word_is_replaced_to_its_end() {
    for (text, label, expected) in [
        (
            with("on failure -> x").replace("collect, read", "co$0llect, read"),
            "collect",
            "needs: collect, read",
        ),
        (
            with("on failure -> x").replace("collect, read", "collect, re$0ad"),
            "read",
            "needs: collect, read",
        ),
        (
            with("run: \"true\"").replace("timeout: 5m", "ti$0meout: 5m"),
            "timeout",
            "timeout: 5m",
        ),
        (
            with("run: \"true\"").replace("timeout: 5m", "ti$0meout: 5m"),
            "retry",
            "retry: 5m",
        ),
        (
            with("run: \"true\"").replace("timeout: 5m", "timeout: 5$0m"),
            "5h",
            "timeout: 5h",
        ),
        (with("when: par$0ams.wait > 5m"), "params", "when: params.wait > 5m"),
        (
            with("when: le$0n(params.times) > 0"),
            "len",
            "when: len(params.times) > 0",
        ),
        (
            with("").replace("using:web.search", "using:we$0b.search"),
            "web.search",
            "task collect using:web.search",
        ),
        (with("").replace("task read", "ta$0sk read"), "gate", "gate read"),
        (
            with("").replace("query: \"x\"", "de$0pth: deep"),
            "depth",
            "depth: deep",
        ),
        (with("when: params.$0times == []"), "wait", "when: params.wait == []"),
    ] {
        assert_eq!(taken(&text, label), expected, "{label}");
    }
}

#[test]
fn an_editor_that_can_leaves_the_choice_to_people() {
    let mut fixture = Fixture::new(&with("").replace("collect, read", "co$0llect, read"));
    fixture.settings().can_insert_or_replace = true;
    let CompletionResponse::List(list) = completion(&fixture.subject(), fixture.cursor) else {
        panic!("not a list")
    };
    let item = list.items.iter().find(|item| item.label == "collect").expect("offered");
    let Some(CompletionTextEdit::InsertAndReplace(edit)) = &item.text_edit else {
        panic!("{item:?}")
    };
    let ends = [edit.insert.end.character, edit.replace.end.character];
    assert_eq!(ends, [13, 18]);
}

#[test]
fn before_a_word_nothing_is_replaced() {
    assert_eq!(
        taken(&with("").replace("collect, read", "$0collect"), "read"),
        "needs: readcollect"
    );
}

#[test]
fn what_the_lines_beside_say_is_not_said_again() {
    for (text, gone) in [
        (
            "plan p\n  budget:\n    time: 2h\n    $0\n    cost: $5.00\n\n  task a\n    run: \"true\"\n",
            ["time", "cost"],
        ),
        (
            "plan p\n  trigger:\n    intent: a\n    $0\n    confidence: 60%\n\n  task a\n    run: \"true\"\n",
            ["intent", "confidence"],
        ),
        (
            "agent a\n  limits:\n    requests: 3 per 1m\n    concurrent: 2\n    $0\n",
            ["requests", "concurrent"],
        ),
        (
            "policy p\n  rule r\n    for: task\n    require: after(gate)\n    $0\n",
            ["for", "require"],
        ),
        (
            "plan p\n  params:\n    a: int = 1\n    b: int = 2\n\n  task t\n    run: \"true\"\n\ntest \"x\" of p\n  given:\n    a: 1\n    $0\n    b: 1\n",
            ["a", "b"],
        ),
    ] {
        let found = labels(text);
        for gone in gone {
            assert!(
                !found.iter().any(|label| label == gone),
                "{text} offers {gone}: {found:?}"
            );
        }
    }
    let rules = labels("policy p\n  rule r\n    for: task\n    require: after(gate)\n  $0\n");
    assert!(rules.contains(&"rule".to_owned()), "what may stand twice: {rules:?}");
}

#[test]
fn nothing_follows_what_is_complete() {
    for text in [
        "type A\n  a: int(0..10)$0\n",
        "type A\n  a: int($0\n",
        "type A\n  a: web | $0\n",
        "type A\n  a: string $0\n",
        "type A = int(0..10)$0\n",
        &with("when: len(params.times)$0"),
        &with("env:\n      A: params.times[0]$0"),
    ] {
        assert_eq!(labels(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(labels("type A\n  a: list[str$0\n")[..2], ["A", "string"]);
    assert_eq!(
        labels(&with("").replace("    timeout: 5m", "  $0  timeout: 5m")),
        Vec::<String>::new()
    );
    assert_eq!(labels("agent a\n  breaker: 5 failures in 1m, $0\n"), ["probe after"]);
    assert_eq!(labels("capability c\n  cost: $5 per c$0\n")[0], "call");
    assert_eq!(labels("agent a\n  limits:\n    cost: $5 per $0\n")[0], "call");
    assert_eq!(labels("agent a\n  limits:\n    requests: 5 per $0\n")[0], "1m");
}

#[test]
fn what_is_likely_comes_first() {
    let needs = with("").replace("needs: collect, read", "needs: $0").replace(
        "    needs: collect\n    run: \"true\"\n",
        "    needs: collect\n    run: \"true\"\n\n  task sorry\n    run: \"true\"\n",
    );
    let needs = needs.replace("      query: \"x\"\n", "      query: \"x\"\n    on failure -> sorry\n");
    assert_eq!(labels(&needs), ["read", "collect", "sorry"]);
    let own = with("output:\n      a: string = $0").replace("timeout: 5m", "run: \"true\"");
    assert_eq!(labels(&own)[..2], ["stdout", "stderr"]);
    let members = with("when: read.$0").replace("run: \"true\"", "run: \"true\"\n    output:\n      best: int = 1");
    assert_eq!(labels(&members)[..2], ["best", "stdout"]);
    assert_eq!(
        labels(&with("timeout: params.$0").replace("    timeout: 5m\n", ""))[..2],
        ["wait", "times"]
    );
    let with_script = labels(&with("run: \"true\"\n    $0"));
    assert_ne!(with_script[0], "using", "a script is there");
}

#[test]
fn titles_read_what_their_task_reads() {
    let text = with("").replace("task write", "task write \"Write {{ $0 }}\"");
    let found = labels(&text);
    assert!(
        found.contains(&"collect".to_owned()) && found.contains(&"params".to_owned()),
        "{found:?}"
    );
    let each = text.replace("timeout: 5m", "each: n in params.times");
    assert!(labels(&each).contains(&"n".to_owned()));
}

#[test]
fn clauses_are_about_what_the_plan_has() {
    let found = labels("plan p\n  task a\n    run: \"true\"\n    $0\n\ntest \"x\" of p\n  expect:\n    - ran(a)\n");
    for gone in ["supports", "refutes", "remember"] {
        assert!(!found.contains(&gone.to_owned()), "{gone}: {found:?}");
    }
    let test = "plan p\n  task a\n    run: \"true\"\n\ntest \"x\" of p\n  $0\n";
    assert!(!labels(test).contains(&"approve".to_owned()));
    let gate = test.replace("  task a\n    run: \"true\"\n", "  gate go\n    approver: user/ada\n");
    assert_eq!(taken(&gate, "approve"), "approve go as user/ada");
    let checks = gate.replace("    approver: user/ada\n", "    checks:\n      - true\n");
    assert!(!labels(&checks).contains(&"approve".to_owned()), "nobody decides");
    let answer = "plan p\n  task a\n    run: \"true\"\n    output:\n      n: int = 1\n\ntest \"x\" of p\n  mock task a -> { $0\n";
    assert_eq!(labels(answer), ["exit", "n", "stderr", "stdout"]);
}
