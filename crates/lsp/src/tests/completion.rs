//! What is offered where, in whole texts and in broken ones.

use tower_lsp_server::ls_types::{CompletionItem, CompletionList, CompletionResponse, CompletionTextEdit};

use super::fixture::Fixture;
use crate::completion::{completion, documentation, unresolved};
use crate::signature_help::signature_help;

fn listed(text: &str) -> CompletionList {
    let fixture = Fixture::new(text);
    match completion(&fixture.subject(), fixture.cursor) {
        CompletionResponse::Array(items) => panic!("not a list: {items:?}"),
        CompletionResponse::List(list) => list,
    }
}

fn offered(text: &str) -> Vec<CompletionItem> {
    listed(text).items
}

/// The labels as an editor shows them.
fn sorted(mut items: Vec<CompletionItem>) -> Vec<String> {
    items.sort_by(|a, b| a.sort_text.cmp(&b.sort_text));
    items.into_iter().map(|item| item.label).collect()
}

fn labels(text: &str) -> Vec<String> {
    offered(text).into_iter().map(|item| item.label).collect()
}

#[track_caller]
fn check(text: &str, has: &[&str], has_not: &[&str]) {
    let found = labels(text);
    for label in has {
        assert!(
            found.iter().any(|one| one == label),
            "`{label}` is not offered: {found:?}"
        );
    }
    for label in has_not {
        assert!(!found.iter().any(|one| one == label), "`{label}` is offered");
    }
}

const PLAN: &str = r#"type Source
  title: string
  kind: web | paper

capability web.search "Search the web"
  input:
    query: string
    limit: int = 10
  output:
    items: list[Source]

agent scout "Finds things"
  provides: web.search

plan research "Research"
  params:
    question: string
    depth: shallow | deep = shallow

  task collect "Collect" using:web.search
    input:
      query: params.question

  task read
    needs: collect
    run: |
      cat paper
    output:
      text: string = stdout
      best: Source = json(stdout) as Source
    fail unreadable when exit == 3

  task write
    needs: read
    run: |
      echo {{ read.text }}
"#;

/// The plan with a line more at its end.
fn with(line: &str) -> String {
    format!("{PLAN}{line}")
}

#[test]
fn at_the_margin_declarations_begin() {
    check("$0", &["plan", "task", "type", "use"], &["needs"]);
    check("ta$0", &["task"], &[]);
}

#[test]
fn in_a_task_its_clauses_are_offered_but_those_it_has() {
    check(
        &with("    $0"),
        &["expect", "retry", "on", "timeout"],
        &["needs", "run", "params"],
    );
}

#[test]
fn at_the_indentation_of_nodes_clauses_of_the_plan_and_nodes_are_offered() {
    check(&with("  $0"), &["outputs", "budget", "task", "gate"], &["run"]);
}

#[test]
fn needs_make_no_loop() {
    let text = with("").replace("  task read\n    needs: collect", "  task read\n    needs: collect, $0");
    check(&text, &[], &["read", "write", "collect"]);
    let text = with("").replace("  task write\n    needs: read", "  task write\n    needs: $0");
    check(&text, &["collect", "read"], &["write"]);
}

/// A plan of so many tasks; the last but one needs what is written.
fn many(count: usize, needs: &str) -> String {
    let task = |at: usize| match at + 2 == count {
        true => format!("\n  task t{at}\n    needs: {needs}$0\n    run: \"true\"\n"),
        false => format!("\n  task t{at}\n    run: \"true\"\n"),
    };
    "plan p\n".to_owned() + &(0..count).map(task).collect::<String>()
}

#[test]
fn the_node_above_comes_first() {
    assert_eq!(sorted(offered(&many(5, ""))), ["t2", "t1", "t0", "t4"]);
}

#[test]
fn of_many_nodes_the_nearest_are_offered_and_then_those_with_the_letters() {
    let list = listed(&many(500, ""));
    assert!(list.is_incomplete, "the editor has to ask again");
    let labels = sorted(list.items);
    assert_eq!((labels.len(), labels[0].as_str()), (200, "t497"));
    let list = listed(&many(500, "t11"));
    assert!(list.is_incomplete);
    let labels = sorted(list.items);
    assert!(
        labels.contains(&"t11".to_owned())
            && labels.contains(&"t411".to_owned())
            && labels.contains(&"t151".to_owned())
    );
    assert!(!labels.contains(&"t412".to_owned()), "{labels:?}");
}

#[test]
fn everything_has_documentation_names_when_somebody_wants_it() {
    let text = &with("").replace("  task write\n    needs: read", "  task write\n    needs: $0");
    let fixture = Fixture::new(text);
    let items = offered(text);
    let collect = items.iter().find(|item| item.label == "collect").expect("offered");
    assert_eq!(collect.documentation, None);
    let about = unresolved(collect).expect("something to look for");
    let found = documentation(&fixture.subject(), &about).expect("documentation");
    let found = format!("{found:?}");
    assert!(
        found.contains("**Collect**") && found.contains("items: list[Source]"),
        "{found}"
    );
    let text = &with("    expect:\n      - params.$0");
    let (fixture, items) = (Fixture::new(text), offered(text));
    let about = unresolved(&items[0]).expect("something to look for");
    let found = format!("{:?}", documentation(&fixture.subject(), &about));
    assert!(found.contains("params.question: string"), "{found}");
    let clause = offered(&with("    tim$0"));
    let timeout = clause.iter().find(|item| item.label == "timeout").expect("offered");
    let found = format!("{:?}", timeout.documentation);
    assert!(found.contains("```plan"), "{found}");
    for item in offered(&with("    $0")) {
        assert!(
            item.documentation.is_some() || item.data.is_some() || item.detail.is_some(),
            "{}",
            item.label
        );
    }
}

#[test]
fn a_route_leads_to_no_node_before_it() {
    let text = with("").replace("    fail unreadable", "    on failure -> $0\n    fail unreadable");
    check(&text, &["write"], &["collect", "read"]);
}

#[test]
fn events_are_those_of_the_node() {
    let text = with("").replace("    fail unreadable", "    on $0\n    fail unreadable");
    check(&text, &["failure", "timeout", "unreadable"], &["approved"]);
    check(
        "gate g\n  approver: role/x\n  on $0\n",
        &["approved", "rejected"],
        &["in-doubt"],
    );
}

#[test]
fn members_have_their_types() {
    let found = offered(&with("    expect:\n      - read.$0"));
    let text = found.iter().find(|item| item.label == "text").expect("an output");
    assert_eq!(text.detail.as_deref(), Some("string"));
    assert!(found.iter().any(|item| item.label == "status"));
    check(
        &with("    expect:\n      - read.best.$0"),
        &["title", "kind"],
        &["text"],
    );
    check(&with("    expect:\n      - params.$0"), &["question", "depth"], &[]);
}

#[test]
fn members_of_an_enumeration_follow_a_comparison() {
    check(&with("    when: params.depth == $0"), &["shallow", "deep"], &[]);
    check(&with("    when: read.best.kind != $0"), &["web", "paper"], &[]);
}

#[test]
fn in_interpolations_what_is_upstream_is_offered() {
    let text = with("").replace("{{ read.text }}", "{{ $0 }}");
    check(&text, &["read", "collect", "params"], &["write"]);
    let text = with("").replace("{{ read.text }}", "{{ read.text | $0 }}");
    check(&text, &["trim", "lower"], &["read"]);
}

#[test]
fn nothing_is_offered_in_scripts_strings_and_comments() {
    assert_eq!(labels(&with("").replace("cat paper", "cat $0")), Vec::<String>::new());
    assert_eq!(labels("task a \"no $0"), Vec::<String>::new());
    assert_eq!(labels("# a $0"), Vec::<String>::new());
}

#[test]
fn a_header_offers_values_and_attributes() {
    check(&with("  task more \"More\" using:$0"), &["web.search", "bash"], &[]);
    check(&with("  task more \"More\" kind:$0"), &["research", "deploy"], &[]);
    check(&with("  task more \"More\" $0"), &["using", "kind"], &[]);
}

#[test]
fn inputs_are_those_of_the_capability_that_are_missing() {
    let text = with("").replace(
        "      query: params.question\n",
        "      query: params.question\n      $0\n",
    );
    check(&text, &["limit"], &["query"]);
}

#[test]
fn types_are_offered_where_a_type_stands() {
    let text = with("").replace("text: string = stdout", "text: $0");
    check(&text, &["string", "duration", "Source"], &["read"]);
}

#[test]
fn a_test_offers_parameters_mocks_and_results() {
    check(
        &with("\ntest \"t\" of research\n  given:\n    $0"),
        &["question", "depth"],
        &[],
    );
    check(
        &with("\ntest \"t\" of research\n  mock $0"),
        &["web.search", "task"],
        &[],
    );
    check(
        &with("\ntest \"t\" of research\n  expect:\n    - status($0"),
        &["collect", "read"],
        &[],
    );
}

#[test]
fn what_is_written_of_a_word_is_replaced() {
    let found = offered(&with("    expe$0"));
    let item = found.iter().find(|item| item.label == "expect").expect("a clause");
    let Some(CompletionTextEdit::Edit(edit)) = &item.text_edit else {
        panic!("no edit")
    };
    assert_eq!((edit.range.start.character, edit.range.end.character), (4, 8));
    assert!(edit.new_text.starts_with("expect:\n"), "{}", edit.new_text);
}

#[test]
fn anywhere_in_any_text_is_safe() {
    for (at, _) in PLAN.char_indices().step_by(3) {
        let cut = format!("{}$0", &PLAN[..at]);
        offered(&cut);
        let broken = format!("{}$0{}", &PLAN[..at], &PLAN[at..]);
        offered(&broken);
    }
}

#[test]
fn the_function_being_called_is_explained() {
    let fixture = Fixture::new(&with("    expect:\n      - round(1.5, $0"));
    let help = signature_help(&fixture.subject(), fixture.cursor).expect("help");
    assert!(help.signatures[0].label.starts_with("round("));
    assert_eq!(help.active_parameter, Some(1));
    for (line, label, active) in [
        (
            "    do:\n      web.search(query: \"x\", li$0",
            "web.search(query: string, limit: int) -> { items: list[Source] }",
            1,
        ),
        (
            "    do:\n      web.search(limit: 3$0",
            "web.search(query: string, limit: int) -> { items: list[Source] }",
            1,
        ),
        (
            "    retry: exponential(max: 3, base: $0",
            "exponential(max: int, base: duration, cap: duration, factor: float, jitter: bool)",
            1,
        ),
        ("    effects: write($0", "write(pattern, …)", 0),
        (
            "\ntest \"t\" of research\n  expect:\n    - status($0",
            "status(node)",
            0,
        ),
    ] {
        let fixture = Fixture::new(&with(line));
        let help = signature_help(&fixture.subject(), fixture.cursor).expect("help");
        assert_eq!(help.signatures[0].label, label);
        assert_eq!(help.active_parameter, Some(active), "{line}");
    }
    for (line, label) in [
        ("    needs: any($0", "any(task, …)"),
        ("    needs: collect, any(read, $0", "any(task, …)"),
        ("    needs:\n      - 2 of ($0", "2 of (task, …)"),
    ] {
        let fixture = Fixture::new(&with(line));
        let help = signature_help(&fixture.subject(), fixture.cursor).expect("help");
        assert_eq!(help.signatures[0].label, label);
    }
    let fixture = Fixture::new(&with("    when: any($0"));
    let help = signature_help(&fixture.subject(), fixture.cursor).expect("help");
    assert!(help.signatures[0].label.starts_with("any(xs"), "{help:?}");
    let fixture = Fixture::new(&with("    expect:\n      - nothing($0"));
    assert_eq!(signature_help(&fixture.subject(), fixture.cursor), None);
}

/// Beside the plan a file with two types and a capability.
fn with_lib(line: &str) -> String {
    format!(
        "{line}\n\ntask a\n  run: |\n    true\n=== lib/web.plan\ntype Source\n  title: string\n\ntype Claim = string\n\ncapability web.search\n  input:\n    q: string\n=== other.plan\ntype Other = string\n"
    )
}

fn labels_with_lib(line: &str) -> Vec<String> {
    let fixture = Fixture::with_all(&with_lib(line));
    match completion(&fixture.subject(), fixture.cursor) {
        CompletionResponse::Array(items) => panic!("not a list: {items:?}"),
        CompletionResponse::List(list) => sorted(list.items),
    }
}

#[test]
fn an_import_picks_what_its_file_declares() {
    let all = ["Claim", "Source", "web.search"];
    assert_eq!(labels_with_lib("use $0 from \"lib/web.plan\""), all);
    assert_eq!(
        labels_with_lib("use Source, $0 from \"lib/web.plan\""),
        ["Claim", "web.search"]
    );
    assert_eq!(
        labels_with_lib("use web.se$0, Claim from \"/lib/web.plan\""),
        ["Source", "web.search"]
    );
    assert_eq!(labels_with_lib("use Source, $0"), ["Claim", "web.search"]);
    assert_eq!(labels_with_lib("use O$0"), ["Claim", "Other", "Source", "web.search"]);
    assert_eq!(labels_with_lib("use Source $0"), ["from"]);
    assert_eq!(labels_with_lib("use Source from \"$0"), ["lib/web.plan", "other.plan"]);
    assert_eq!(labels_with_lib("use Other from \"$0"), ["other.plan", "lib/web.plan"]);
    assert_eq!(labels_with_lib("use \"/$0"), ["/lib/web.plan", "/other.plan"]);
}

#[test]
fn every_type_that_can_be_written_is_wanted() {
    let first = |ty: &str| {
        let text = format!("type Way = here | there\n\nplan p\n  params:\n    a: {ty} = x\n    b: {ty} = $0\n");
        offered(&text)
            .into_iter()
            .filter(|item| item.sort_text.as_deref().is_some_and(|sort| sort.starts_with('0')))
            .map(|item| item.label)
            .collect::<Vec<_>>()
    };
    assert_eq!(first("Way?"), ["here", "there"]);
    assert_eq!(first("on | off"), ["on", "off"]);
    assert_eq!(first("principal")[0], "role/");
    for ty in ["time", "version", "duration", "money?", "url", "regex"] {
        assert!(!first(ty).is_empty(), "{ty}");
    }
}
