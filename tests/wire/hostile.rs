//! Clients that do what they should not. Each gets a correct error, and the server goes on.

use std::process::Command;

use plan_tests::{Project, dslc};
use serde_json::{Value, json};

use super::client::{Client, at, replace, rules, uri};

const PLAN: &str = "task build\n  run: |\n    make\n\ntask pack\n  needs: biuld\n  run: |\n    make pack\n";

const INVALID_PARAMS: i64 = -32602;
const INVALID_REQUEST: i64 = -32600;
const NOT_INITIALIZED: i64 = -32002;

/// The document is served as if nothing had been.
fn assert_well(client: &mut Client, project: &Project, version: i64) {
    let path = project.path().join("well.plan");
    client.open(&path, version, PLAN);
    assert_eq!(rules(&client.diagnostics(&path, version)), ["unresolved-name"]);
    client.change(&path, version + 1, json!([replace((5, 9), (5, 14), "build")]));
    assert!(rules(&client.diagnostics(&path, version + 1)).is_empty());
    client.close(&path);
    assert_eq!(client.diagnostics(&path, Value::Null), json!([]));
}

#[test]
fn requests_come_before_initialize_and_after_shutdown() {
    let project = Project::new(&[]);
    let path = project.path().join("a.plan");
    let mut client = Client::start(Command::new(dslc()));
    assert_eq!(
        client.request("textDocument/hover", at(&path, 0, 0)),
        Err(NOT_INITIALIZED)
    );
    client.open(&path, 1, PLAN);
    assert_eq!(client.request("shutdown", Value::Null), Err(NOT_INITIALIZED));
    client.initialize(project.path());
    let again = client.request("initialize", json!({ "capabilities": {} }));
    assert_eq!(again, Err(INVALID_REQUEST));
    assert_well(&mut client, &project, 1);
    assert_eq!(client.request("shutdown", Value::Null), Ok(Value::Null));
    assert_eq!(
        client.request("textDocument/hover", at(&path, 0, 0)),
        Err(INVALID_REQUEST)
    );
    client.open(&path, 1, PLAN);
    client.notify("exit", Value::Null);
    assert_eq!(client.end().code(), Some(0));
    let late = client.rest();
    assert!(
        late.iter()
            .all(|message| message["method"] != "textDocument/publishDiagnostics"),
        "{late:?}"
    );
}

#[test]
fn whoever_hangs_up_leaves_no_server_behind() {
    let project = Project::new(&[]);
    assert_eq!(Client::start(Command::new(dslc())).hang_up().code(), Some(1));
    let mut client = Client::new(project.path());
    client.open(&project.path().join("a.plan"), 1, PLAN);
    for _ in 0..100 {
        client.ask(
            "textDocument/documentSymbol",
            json!({ "textDocument": { "uri": uri(&project.path().join("a.plan")) } }),
        );
    }
    assert_eq!(client.hang_up().code(), Some(1));
}

#[test]
fn places_versions_and_documents_that_are_not() {
    let project = Project::new(&[]);
    let (path, other) = (project.path().join("a.plan"), project.path().join("other.plan"));
    let mut client = Client::new(project.path());
    // not open
    client.change(&other, 7, json!([replace((0, 0), (0, 0), "x")]));
    client.close(&other);
    assert_eq!(
        client.request("textDocument/hover", at(&other, 0, 0)),
        Err(INVALID_PARAMS)
    );
    // outside
    client.open(&path, 5, PLAN);
    let far = u32::MAX as usize;
    for (line, character) in [(0, far), (far, 0), (far, far)] {
        for method in [
            "hover",
            "completion",
            "definition",
            "signatureHelp",
            "documentHighlight",
            "prepareRename",
        ] {
            let answer = client.request(&format!("textDocument/{method}"), at(&path, line, character));
            assert!(answer.is_ok(), "{method} at {line}:{character}: {answer:?}");
        }
    }
    assert_eq!(
        client.request(
            "textDocument/hover",
            json!({ "textDocument": { "uri": uri(&path) }, "position": { "line": -1, "character": 0 } })
        ),
        Err(INVALID_PARAMS)
    );
    client.change(
        &path,
        6,
        json!([
            replace((far, 0), (far, far), "\n# the end\n"),
            replace((9, 9), (2, 2), "")
        ]),
    );
    client.diagnostics(&path, 6);
    client.change(&path, 7, json!([{ "text": PLAN }]));
    // out of order
    for version in [7, 3, -1] {
        client.change(&path, version, json!([{ "text": "!" }]));
    }
    client.change(&path, 8, json!([replace((5, 9), (5, 14), "build")]));
    assert!(rules(&client.diagnostics(&path, 8)).is_empty());
    // opened twice
    client.open(&path, 1, PLAN);
    assert_eq!(rules(&client.diagnostics(&path, 1)), ["unresolved-name"]);
    assert_well(&mut client, &project, 1);
    client.finish();
}

#[test]
fn ten_thousand_requests_are_all_answered_once() {
    let project = Project::new(&[]);
    let path = project.path().join("a.plan");
    let mut client = Client::new(project.path());
    client.open(&path, 1, PLAN);
    let asked: Vec<i64> = (0..10_000)
        .map(|number| {
            if number % 500 == 499 {
                client.change(&path, 2 + number / 500, json!([replace((0, 0), (0, 0), "#\n")]));
            }
            client.ask("textDocument/hover", at(&path, 5, 10))
        })
        .collect();
    assert_eq!(rules(&client.diagnostics(&path, 21)), ["unresolved-name"]);
    assert!(client.request("textDocument/hover", at(&path, 0, 0)).is_ok());
    let mut answered: Vec<i64> = Vec::new();
    while answered.len() < asked.len() {
        let answer = client.wait_for(|message| message.get("method").is_none());
        let code = answer["error"]["code"].as_i64();
        assert!(code.is_none_or(|code| code == -32801), "{answer}");
        answered.push(answer["id"].as_i64().expect("ours"));
    }
    answered.sort_unstable();
    assert_eq!(answered, asked);
    client.finish();
}

#[test]
fn documents_that_are_no_plans_and_no_files() {
    let project = Project::new(&[]);
    let mut client = Client::new(project.path());
    let deep = format!(
        "task a\n  input:\n    x: {}1{}\n",
        "(".repeat(50_000),
        ")".repeat(50_000)
    );
    for (name, text) in [
        ("nothing.plan", String::new()),
        ("nul.plan", "task a\0b\n\u{feff}\u{202e}x: \u{10ffff}\n".to_owned()),
        ("deep.plan", deep),
        ("long.plan", format!("task a\n  run: \"{}\"\n", "x".repeat(2 << 20))),
        ("returns.plan", "task a\r  run: true\r\r\n".to_owned()),
    ] {
        let path = project.path().join(name);
        client.open(&path, 1, &text);
        client.diagnostics(&path, 1);
        client.symbols(&path);
        client.close(&path);
    }
    for address in [
        "untitled:Untitled-1",
        "git:/a.plan?ref=HEAD",
        "file:///",
        "file:///at-the-top.plan",
        "file://elsewhere/a.plan",
        "file:///a%00b.plan",
    ] {
        let document = json!({ "uri": address, "languageId": "plan", "version": 1, "text": PLAN });
        client.notify("textDocument/didOpen", json!({ "textDocument": document }));
        let sheet = client.wait_for(|message| message["params"]["uri"] == address);
        assert_eq!(rules(&sheet["params"]["diagnostics"]), ["unresolved-name"], "{address}");
    }
    assert_well(&mut client, &project, 1);
    client.finish();
}
