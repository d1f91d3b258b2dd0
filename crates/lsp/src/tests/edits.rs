//! Editing: diagnostics while typing, in order and of the right version, whatever comes between.

use serde_json::{Value, json};

use super::client::{Client, at, replace, rules, uri, with_server, with_session, with_tools};
use crate::Tools;

const GOOD: &str = "task build\n  run: |\n    make\n\ntask pack\n  needs: build\n  run: |\n    make pack\n";

#[test]
fn diagnostics_come_on_opening_follow_typing_and_go_on_closing() {
    with_session(|mut client| async move {
        client
            .open("a.plan", 1, &GOOD.replace("needs: build", "needs: biuld"))
            .await;
        let found = client.diagnostics("a.plan", 1).await;
        assert_eq!(rules(&found), ["unresolved-name"]);
        assert_eq!(found[0]["severity"], 1);
        assert_eq!(found[0]["source"], "dslc");
        assert_eq!(found[0]["range"], replace((5, 9), (5, 14), "")["range"]);
        assert_eq!(found[0]["codeDescription"]["href"], "dslc-rule:unresolved-name.md");
        assert!(found[0]["message"].as_str().expect("a message").contains("`biuld`"));

        client
            .change("a.plan", 2, json!([replace((5, 9), (5, 14), "build")]))
            .await;
        assert!(client.diagnostics("a.plan", 2).await.is_empty());

        client.change("a.plan", 3, json!([replace((0, 5), (0, 10), "x")])).await;
        assert_eq!(rules(&client.diagnostics("a.plan", 3).await), ["unresolved-name"]);
        client.close("a.plan").await;
        let cleared = client
            .wait_for(|message| message["params"]["uri"] == uri("a.plan"))
            .await;
        assert_eq!(cleared["params"]["diagnostics"], json!([]));
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn other_places_are_related_information() {
    with_session(|mut client| async move {
        client
            .open("a.plan", 1, "task a\n  needs: b\n\ntask b\n  needs: a\n")
            .await;
        let found = client.diagnostics("a.plan", 1).await;
        assert_eq!(rules(&found), ["dependency-cycle"]);
        let related = found[0]["relatedInformation"].as_array().expect("other places");
        assert!(
            related.iter().any(|place| place["location"]["uri"] == uri("a.plan")),
            "{related:?}"
        );
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_change_of_an_imported_file_shows_in_the_file_that_imports_it() {
    with_session(|mut client| async move {
        client.open("lib.plan", 1, "type Source\n  title: string\n").await;
        client
            .open("main.plan", 1, "use \"lib.plan\"\n\ntype Pair\n  left: Source\n")
            .await;
        assert!(client.diagnostics("main.plan", 1).await.is_empty());
        client
            .change("lib.plan", 2, json!([replace((0, 5), (0, 11), "Page")]))
            .await;
        assert_eq!(rules(&client.diagnostics("main.plan", 1).await), ["unresolved-name"]);
        client
            .change("lib.plan", 3, json!([replace((0, 5), (0, 9), "Source")]))
            .await;
        assert!(client.diagnostics("main.plan", 1).await.is_empty());
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn columns_are_utf16_unless_agreed_otherwise() {
    let text = "task build \"😀\" kind:nonsense\n";
    for (offered, column) in [(json!({}), 21), (json!({ "positionEncodings": ["utf-8"] }), 23)] {
        with_server(|mut client| async move {
            client.initialize(offered).await;
            client.open("a.plan", 1, text).await;
            let found = client.diagnostics("a.plan", 1).await;
            assert_eq!(rules(&found), ["unknown-kind"]);
            assert_eq!(found[0]["range"]["start"], json!({ "line": 0, "character": column }));
            let (end, start) = (column + "nonsense".len() as u32, column);
            client
                .change("a.plan", 2, json!([replace((0, start), (0, end), "test")]))
                .await;
            assert!(client.diagnostics("a.plan", 2).await.is_empty());
            assert_eq!(client.finish().await, 0);
        });
    }
}

#[test]
fn changes_apply_one_after_the_other_and_a_whole_text_replaces_all() {
    with_session(|mut client| async move {
        client.open("a.plan", 1, "").await;
        let changes = json!([{ "text": GOOD }, replace((5, 9), (5, 14), "nobody"), replace((5, 9), (5, 11), "a")]);
        client.change("a.plan", 2, changes).await;
        let found = client.diagnostics("a.plan", 2).await;
        assert!(
            found[0]["message"].as_str().expect("a message").contains("`abody`"),
            "{found:?}"
        );
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn changes_that_make_no_sense_are_logged_and_ignored() {
    with_session(|mut client| async move {
        client.change("a.plan", 2, json!([{ "text": "task" }])).await;
        expect_log(&mut client, "which is not open").await;
        client.close("a.plan").await;
        expect_log(&mut client, "is not open").await;
        client.open("a.plan", 5, GOOD).await;
        client.change("a.plan", 5, json!([{ "text": "!" }])).await;
        expect_log(&mut client, "it is at version 5 already").await;
        client
            .change("a.plan", 6, json!([replace((900, 1), (800, 2), "\n# the end\n")]))
            .await;
        assert!(client.diagnostics("a.plan", 6).await.is_empty());
        assert_eq!(client.finish().await, 0);
    });
}

async fn expect_log(client: &mut Client, part: &str) {
    let line = client
        .wait_for(|message| message["method"] == "window/logMessage")
        .await;
    assert!(
        line["params"]["message"]
            .as_str()
            .is_some_and(|line| line.contains(part)),
        "{line}"
    );
}

#[test]
fn after_two_thousand_rapid_changes_the_last_version_counts_and_nothing_went_back_in_time() {
    const CHANGES: i32 = 2_000;
    with_session(|mut client| async move {
        client.open("a.plan", 1, GOOD).await;
        let mut hovers = Vec::new();
        let mut length = "build".len() as u32;
        for version in 2..=CHANGES {
            // The need is right in even versions, and names the version in odd ones.
            let name = if version % 2 == 0 {
                "build".to_owned()
            } else {
                format!("build{version}")
            };
            client
                .change("a.plan", version, json!([replace((5, 9), (5, 9 + length), &name)]))
                .await;
            length = name.len() as u32;
            if version % 10 == 0 {
                hovers.push(client.ask("textDocument/hover", at("a.plan", 5, 4)).await);
            }
        }
        for id in hovers {
            let answer = client.answer(&json!(id)).await;
            assert!(answer.is_ok() || answer == Err(-32801), "{answer:?}");
        }
        let versions = published_until(&mut client, CHANGES).await;
        assert!(versions.is_sorted_by(|(a, _), (b, _)| a < b), "{versions:?}");
        for (version, messages) in &versions {
            let expected = if version % 2 == 0 || *version == 1 { 0 } else { 1 };
            assert_eq!(messages.len(), expected, "version {version}: {messages:?}");
            assert!(
                messages
                    .iter()
                    .all(|message| message.contains(&format!("`build{version}`"))),
                "{messages:?}"
            );
        }
        assert_eq!(client.finish().await, 0);
    });
}

/// The versions whose diagnostics came, in the order they came, with the messages, up to the last version.
async fn published_until(client: &mut Client, last: i32) -> Vec<(i64, Vec<String>)> {
    let mut published = Vec::new();
    loop {
        let sheet = client
            .wait_for(|message| message["method"] == "textDocument/publishDiagnostics")
            .await;
        let version = sheet["params"]["version"].as_i64().expect("a version");
        let diagnostics = sheet["params"]["diagnostics"].as_array().expect("a list");
        let messages = diagnostics
            .iter()
            .filter(|one| one["severity"] != 4)
            .map(|one| one["message"].as_str().unwrap_or_default().to_owned())
            .collect();
        published.push((version, messages));
        if version == i64::from(last) {
            return published;
        }
    }
}

#[test]
fn a_request_that_was_cancelled_is_answered_once() {
    with_session(|mut client| async move {
        client.open("a.plan", 1, GOOD).await;
        let id = client
            .ask(
                "textDocument/documentSymbol",
                json!({ "textDocument": { "uri": uri("a.plan") } }),
            )
            .await;
        client.notify("$/cancelRequest", json!({ "id": id })).await;
        let answer = client.answer(&json!(id)).await;
        assert!(answer.is_ok() || answer == Err(-32800), "{answer:?}");
        assert_eq!(client.request("no/suchMethod", Value::Null).await, Err(-32601));
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn files_on_disk_are_read_anew_when_they_change_and_when_they_are_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let write = |name: &str, text: &str| std::fs::write(path(name), text).expect("written");
    write("lib.plan", "type Source\n  title: string\n");
    write("dslc.toml", "[kinds]\nextra = [\"ponder\"]\n");
    with_server(|mut client| async move {
        let params = json!({ "rootUri": uri(&path("")), "capabilities": {} });
        client.request("initialize", params).await.expect("initialize");
        let main = path("main.plan");
        let text = "use \"lib.plan\"\n\nplan p\n  params:\n    source: Source\n  task t kind:ponder timeout:1m\n    run: \"echo {{ params.source.title }}\"\n";
        client.open(&main, 1, text).await;
        assert!(client.diagnostics(&main, 1).await.is_empty());

        write("lib.plan", "type Page\n  title: string\n");
        changed_on_disk(&mut client, &path("lib.plan")).await;
        assert_eq!(rules(&client.diagnostics(&main, 1).await), ["unresolved-name"]);

        client
            .open(&path("lib.plan"), 1, "type Source\n  title: string\n")
            .await;
        assert!(client.diagnostics(&main, 1).await.is_empty());
        client.close(&path("lib.plan")).await;
        assert_eq!(rules(&client.diagnostics(&main, 1).await), ["unresolved-name"]);

        write("dslc.toml", "");
        changed_on_disk(&mut client, &path("dslc.toml")).await;
        assert_eq!(
            rules(&client.diagnostics(&main, 1).await),
            ["unresolved-name", "unknown-kind"]
        );
        write("dslc.toml", "[lint]\nno-such-rule = \"allow\"\n");
        changed_on_disk(&mut client, &path("dslc.toml")).await;
        expect_log(&mut client, "no-such-rule").await;

        std::fs::remove_file(path("lib.plan")).expect("removed");
        changed_on_disk(&mut client, &path("lib.plan")).await;
        assert!(rules(&client.diagnostics(&main, 1).await).contains(&"unresolved-import"));
        assert_eq!(client.finish().await, 0);
    });
}

async fn changed_on_disk(client: &mut Client, path: &str) {
    let change = json!({ "uri": uri(path), "type": 2 });
    client
        .notify("workspace/didChangeWatchedFiles", json!({ "changes": [change] }))
        .await;
}

/// A program that says the same of every script, and writes down each time that it was asked.
fn program(folder: &std::path::Path) -> shellcheck::Shellcheck {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("shellcheck");
    let said = r#"{"comments":[{"file":"0","line":1,"endLine":1,"column":15,"endColumn":21,"level":"info","code":2086,"message":"Double quote to prevent globbing.","fix":null}]}"#;
    let text = format!(
        "#!/bin/sh\necho asked >> '{}'\necho '{said}'\n",
        folder.join("asked").display()
    );
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
    shellcheck::Shellcheck::of(path)
}

#[test]
fn what_shellcheck_says_comes_when_the_typing_pauses() {
    let folder = tempfile::tempdir().expect("a folder");
    let shellcheck = program(folder.path());
    let tools = Tools {
        shellcheck: Some(shellcheck),
        ..Tools::default()
    };
    with_tools(tools, |mut client| async move {
        client.initialize(json!({})).await;
        let plan = "task pack\n  run: |\n    tar czf a.tgz $FILES\n";
        client.open("a.plan", 1, plan).await;
        assert!(client.diagnostics("a.plan", 1).await.is_empty(), "nobody waits for it");
        let found = client.diagnostics("a.plan", 1).await;
        assert_eq!(rules(&found), ["shell-lint"]);
        assert_eq!(found[0]["range"], replace((2, 18), (2, 24), "")["range"]);
        // what was not edited is known, and moves along
        client.change("a.plan", 2, json!([replace((0, 0), (0, 0), "\n")])).await;
        let moved = client.diagnostics("a.plan", 2).await;
        assert_eq!(moved[0]["range"], replace((3, 18), (3, 24), "")["range"]);
        assert_eq!(client.finish().await, 0);
    });
    let asked = std::fs::read_to_string(folder.path().join("asked")).expect("asked");
    assert_eq!(asked, "asked\n", "once");
}
