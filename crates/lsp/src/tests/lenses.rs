//! Lenses, and the commands behind them.

use std::path::Path;

use serde_json::{Value, json};

use super::client::{at, uri, with_session, with_tools};
use super::fixture::Fixture;
use crate::{Tools, code_lens, references};

/// `line: title`, lines from 1.
fn lenses(text: &str) -> Vec<String> {
    let fixture = Fixture::new(text);
    let shown = code_lens::lenses(&fixture.subject()).into_iter().map(|lens| {
        let title = lens.command.map(|command| command.title).unwrap_or_default();
        format!("{}: {title}", lens.range.start.line + 1)
    });
    shown.collect()
}

const PLAN: &str = r#"type Source
  title: string

capability web.search
  input:
    query: string
  output:
    found: list[Source]

plan p
  task a
    using: web.search
    input:
      query: "x"

  task b
    needs: a
    when: len(a.found) > 0
    run: |
      echo {{ len(a.found) }} # a is a word here
    on failure -> c

  task c
    run: |
      true

test "it works" of p
  mock task a -> { found: [] }
  expect:
    - status(a) == completed
"#;

#[test]
fn every_declaration_says_how_often_it_is_used_and_plans_and_tests_can_be_run() {
    assert_eq!(
        lenses(PLAN),
        [
            "1: 1 reference",
            "4: 1 reference",
            "10: ▶ Run",
            "10: 1 reference",
            "11: 5 references",
            "16: 0 references",
            "23: 1 reference",
            "27: ▶ Test",
        ]
    );
}

#[test]
fn the_first_node_of_a_file_without_plans_stands_for_its_plan() {
    assert_eq!(
        lenses("task a\n  run: |\n    true\n\ntask b\n  needs: a\n"),
        ["1: ▶ Run", "1: 1 reference", "5: 0 references"]
    );
}

#[test]
fn uses_in_files_that_import_it_count() {
    let text = "$0type Source\n  title: string\n=== other.plan\nuse \"main.plan\"\ntype Pair\n  left: Source\n  right: Source\n";
    let fixture = Fixture::new(text);
    assert_eq!(
        code_lens::lenses(&fixture.subject())[0].command.as_ref().unwrap().title,
        "0 references"
    );
    let text = "use \"types.plan\"\ntype Pair\n  left: Source\n=== types.plan\n$0type Source\n  title: string\n";
    let fixture = Fixture::with_all(text);
    let titles = code_lens::lenses(&fixture.subject())
        .into_iter()
        .filter_map(|lens| lens.command);
    assert_eq!(titles.map(|command| command.title).collect::<Vec<_>>(), ["1 reference"]);
}

/// A test may speak of nodes of a plan that its own plan calls: the test's file imports that one's file, not theirs.
#[test]
fn uses_in_files_that_import_it_through_others_count() {
    let text = "plan inner\n  task $0deep\n    run: \"true\"\n=== outer.plan\nuse \"main.plan\"\n\nplan outer\n  task go\n    call: inner\n=== test.plan\nuse \"outer.plan\"\n\ntest \"x\" of outer\n  mock task deep -> { stdout: \"\" }\n";
    let fixture = Fixture::with_all(text);
    let subject = fixture.subject();
    let found = references::references(&subject, fixture.cursor, false);
    assert_eq!(found.map(|found| found.len()), Some(1));
    let titles = code_lens::lenses(&subject).into_iter().filter_map(|lens| lens.command);
    let titles: Vec<String> = titles.map(|command| command.title).collect();
    assert_eq!(titles, ["▶ Run", "1 reference", "1 reference"]);
}

#[test]
fn broken_text_keeps_its_lenses() {
    assert_eq!(
        lenses("plan p\n  task a\n    needs: (\n\n  task b\n    needs: a\n    run:\n"),
        ["1: ▶ Run", "1: 0 references", "2: 1 reference", "5: 0 references"]
    );
}

/// Every count above a declaration of the examples is what "find all references" finds.
#[test]
fn a_count_is_the_number_of_references() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut counted = 0;
    for entry in std::fs::read_dir(examples).expect("examples").flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else {
            continue;
        };
        let fixture = Fixture::new(&text);
        let subject = fixture.subject();
        for lens in subject.view.snapshot.lenses(subject.path) {
            let Some(uses) = lens.uses else { continue };
            let range = crate::edge::range(fixture.text(), lens.span, subject.view.settings.encoding);
            let found = references::references(&subject, crate::edge::place(range.start), false);
            assert_eq!(
                found.map(|found| found.len()),
                Some(uses as usize),
                "{} {:?}",
                entry.path().display(),
                lens.what
            );
            counted += 1;
        }
    }
    assert!(counted > 50, "{counted}");
}

async fn execute(client: &mut super::client::Client, command: &str, argument: Value) -> Result<Value, i64> {
    let params = json!({ "command": command, "arguments": [argument] });
    client.request("workspace/executeCommand", params).await
}

#[test]
fn the_server_answers_what_needs_no_process() {
    with_session(|mut client| async move {
        client.open("a.plan", 1, PLAN).await;
        let page = execute(&mut client, "dslc.explain", json!("write-conflict")).await;
        assert!(page.is_ok_and(|page| page.as_str().is_some_and(|page| page.contains("write-conflict"))));
        assert_eq!(
            execute(&mut client, "dslc.explain", json!("no-such-rule")).await,
            Err(-32602)
        );
        let graph = execute(&mut client, "dslc.graph", json!({ "uri": uri("a.plan") })).await;
        assert_eq!(graph.map(|graph| graph["nodes"].as_array().map(Vec::len)), Ok(Some(3)));
        let found = execute(&mut client, "dslc.references", at("a.plan", 0, 0)["position"].clone()).await;
        assert_eq!(found, Err(-32602));
        let place = json!({ "uri": uri("a.plan"), "position": { "line": 10, "character": 7 } });
        let found = execute(&mut client, "dslc.references", place).await;
        assert_eq!(found.map(|found| found.as_array().map(Vec::len)), Ok(Some(5)));
        assert_eq!(execute(&mut client, "dslc.nonsense", json!({})).await, Err(-32602));
        let plan = "plan p\n  task a\n    timeout: 2m\n    run: |\n      true\n";
        client.open("b.plan", 1, plan).await;
        let page = execute(&mut client, "dslc.bounds", json!({ "uri": uri("b.plan"), "plan": "p" })).await;
        assert_eq!(
            page,
            Ok(json!(
                "# At worst: `p`\n\n| what | at most |\n| --- | --- |\n| time | 2m |\n\n## Critical path\n\n| node | time |\n| --- | --- |\n| `a` | 2m |\n"
            ))
        );
        client.open("c.plan", 1, "task a\n  needs: nobody\n").await;
        assert_eq!(
            execute(&mut client, "dslc.bounds", json!({ "uri": uri("c.plan") })).await,
            Err(-32803)
        );
    });
}

#[test]
fn runs_and_tests_are_started_on_what_is_saved() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("a.plan");
    std::fs::write(&file, PLAN).expect("written");
    let name = file.to_str().expect("a path").to_owned();
    // it says how it was started
    let tools = Tools {
        program: Some("/bin/echo".into()),
        ..Tools::default()
    };
    with_tools(tools, |mut client| async move {
        let offered = client.initialize(json!({})).await;
        let commands = offered["capabilities"]["executeCommandProvider"]["commands"].to_string();
        assert!(
            commands.contains("dslc.run") && commands.contains("dslc.test"),
            "{commands}"
        );
        client.open(&name, 1, PLAN).await;
        let target = json!({ "uri": uri(&name), "plan": "p", "params": { "n": "3" } });
        let outcome = execute(&mut client, "dslc.run", target).await.expect("started");
        assert_eq!(outcome["stdout"], format!("run --detach {name} p --param n=3\n"));
        let shown = client
            .wait_for(|message| message["method"] == "window/showMessage")
            .await;
        assert_eq!(shown["params"]["type"], 3);
        let target = json!({ "uri": uri(&name), "test": "it works" });
        let outcome = execute(&mut client, "dslc.test", target).await.expect("started");
        assert_eq!(outcome["stdout"], format!("test {name} --filter it works\n"));
        client.change(&name, 2, json!([{ "text": "task a\n" }])).await;
        let target = json!({ "uri": uri(&name) });
        assert_eq!(execute(&mut client, "dslc.run", target).await, Err(-32803));
    });
}

#[test]
fn what_the_client_does_itself_is_not_offered_to_it() {
    with_tools(Tools::default(), |mut client| async move {
        let params = json!({
            "capabilities": {},
            "initializationOptions": { "commands": ["dslc.run", "dslc.references"] },
        });
        let answer = client.request("initialize", params).await.expect("initialize");
        let commands = &answer["capabilities"]["executeCommandProvider"]["commands"];
        assert_eq!(
            commands,
            &json!(["dslc.bounds", "dslc.explain", "dslc.graph", "dslc.log"])
        );
        client.notify("initialized", json!({})).await;
        client.open("a.plan", 1, PLAN).await;
        let of_file = json!({ "textDocument": { "uri": uri("a.plan") } });
        let lenses = client.request("textDocument/codeLens", of_file).await.expect("lenses");
        // it runs plans; nobody runs tests
        assert!(lenses.to_string().contains("dslc.run") && !lenses.to_string().contains("dslc.test"));
    });
}
