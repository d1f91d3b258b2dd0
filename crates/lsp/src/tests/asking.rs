//! Clients that ask: diagnostics of documents and of the workspace, the difference of colours.

use serde_json::{Value, json};

use super::client::{Client, replace, uri, with_server};

const WRONG: &str = "task a\n  needs: nobody\n";
const RIGHT: &str = "task a\n  run: |\n    true\n";

async fn asking(client: &mut Client, root: &str) -> Value {
    let params = json!({
        "workspaceFolders": [{ "uri": uri(root), "name": "root" }],
        "capabilities": {
            "textDocument": { "diagnostic": {}, "publishDiagnostics": {} },
            "workspace": { "diagnostics": { "refreshSupport": true } },
        },
    });
    let answer = client.request("initialize", params).await.expect("initialize");
    client.notify("initialized", json!({})).await;
    answer
}

async fn ask(client: &mut Client, name: &str, previous: Value) -> Value {
    let mut params = json!({ "textDocument": { "uri": uri(name) } });
    if !previous.is_null() {
        params["previousResultId"] = previous;
    }
    client
        .request("textDocument/diagnostic", params)
        .await
        .expect("a report")
}

#[test]
fn a_document_is_reported_once_until_it_changes() {
    with_server(|mut client| async move {
        let offered = asking(&mut client, "/plans").await;
        assert_eq!(
            offered["capabilities"]["diagnosticProvider"]["workspaceDiagnostics"],
            true
        );
        client.open("a.plan", 1, WRONG).await;
        let first = ask(&mut client, "a.plan", Value::Null).await;
        assert_eq!(first["kind"], "full");
        assert_eq!(first["items"][0]["code"], "unresolved-name");
        let again = ask(&mut client, "a.plan", first["resultId"].clone()).await;
        assert_eq!(again["kind"], "unchanged");
        assert_eq!(again["resultId"], first["resultId"]);
        client.change("a.plan", 2, json!([{ "text": RIGHT }])).await;
        let mended = ask(&mut client, "a.plan", first["resultId"].clone()).await;
        assert_eq!(mended["kind"], "full");
        assert!(
            mended["items"]
                .as_array()
                .is_some_and(|items| items.iter().all(|item| item["severity"] == 4))
        );
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn who_asks_is_not_told_unasked_and_who_does_not_is() {
    with_server(|mut client| async move {
        asking(&mut client, "/plans").await;
        client.open("a.plan", 1, WRONG).await;
        ask(&mut client, "a.plan", Value::Null).await;
        assert!(!client.has_unread("textDocument/publishDiagnostics"));
        assert_eq!(client.finish().await, 0);
    });
    with_server(|mut client| async move {
        // it can ask, but could not be told to ask again
        let params = json!({
            "rootUri": "file:///plans",
            "capabilities": { "textDocument": { "diagnostic": {} } },
        });
        let answer = client.request("initialize", params).await.expect("initialize");
        assert_eq!(answer["capabilities"]["diagnosticProvider"], Value::Null);
        client.notify("initialized", json!({})).await;
        client.open("a.plan", 1, WRONG).await;
        assert_eq!(client.diagnostics("a.plan", 1).await.len(), 1);
        assert_eq!(client.finish().await, 0);
    });
}

async fn ask_workspace(client: &mut Client, previous: &[(String, Value)]) -> i64 {
    let known = previous.iter().map(|(uri, id)| json!({ "uri": uri, "value": id }));
    let params = json!({ "previousResultIds": known.collect::<Vec<_>>() });
    client.ask("workspace/diagnostic", params).await
}

/// By the end of their address: how many mistakes, and the name of the result.
fn reports(answer: &Value) -> Vec<(String, String, Value)> {
    let mut all: Vec<_> = answer["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|report| {
            let grave = report["items"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|item| item["severity"] != 4);
            let kind = match report["kind"].as_str() {
                Some("full") => format!("{} mistakes", grave.count()),
                kind => kind.unwrap_or_default().to_owned(),
            };
            let uri = report["uri"].as_str().unwrap_or_default().to_owned();
            (uri, kind, report["resultId"].clone())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn kinds(reports: &[(String, String, Value)]) -> Vec<&str> {
    reports.iter().map(|(_, kind, _)| kind.as_str()).collect()
}

#[test]
fn files_that_nobody_opened_are_reported_and_then_only_news() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().to_str().expect("a path").to_owned();
    std::fs::write(dir.path().join("a.plan"), WRONG).expect("written");
    std::fs::write(dir.path().join("b.plan"), RIGHT).expect("written");
    with_server(|mut client| async move {
        asking(&mut client, &root).await;
        // the files are found and read some time
        let mut seen = Vec::new();
        while seen.len() < 2 {
            client
                .wait_for(|message| message["method"] == "workspace/diagnostic/refresh")
                .await;
            let id = ask_workspace(&mut client, &[]).await;
            seen = reports(&client.answer(&json!(id)).await.expect("reports"));
        }
        assert_eq!(kinds(&seen), ["1 mistakes", "0 mistakes"]);
        let known: Vec<_> = seen.into_iter().map(|(uri, _, id)| (uri, id)).collect();
        let waiting = ask_workspace(&mut client, &known).await;
        let b = format!("{root}/b.plan");
        client.open(&b, 1, WRONG).await;
        let news = reports(&client.answer(&json!(waiting)).await.expect("reports"));
        assert_eq!(kinds(&news), ["unchanged", "1 mistakes"]);
        let known: Vec<_> = news.into_iter().map(|(uri, _, id)| (uri, id)).collect();
        let waiting = ask_workspace(&mut client, &known).await;
        let a = format!("{root}/a.plan");
        std::fs::remove_file(&a).expect("removed");
        let change = json!({ "uri": uri(&a), "type": 3 });
        client
            .notify("workspace/didChangeWatchedFiles", json!({ "changes": [change] }))
            .await;
        let news = reports(&client.answer(&json!(waiting)).await.expect("reports"));
        assert_eq!(kinds(&news), ["0 mistakes", "unchanged"]);
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_question_that_waits_can_be_cancelled() {
    with_server(|mut client| async move {
        asking(&mut client, "/plans").await;
        let known = [(uri("gone.plan"), json!("cbf29ce484222325"))];
        let first = ask_workspace(&mut client, &known).await;
        client.answer(&json!(first)).await.expect("it is gone");
        client.open("a.plan", 1, RIGHT).await;
        let report = ask(&mut client, "a.plan", Value::Null).await;
        let known = [(uri("a.plan"), report["resultId"].clone())];
        let waiting = ask_workspace(&mut client, &known).await;
        client.notify("$/cancelRequest", json!({ "id": waiting })).await;
        assert_eq!(client.answer(&json!(waiting)).await, Err(-32800));
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn colours_are_told_as_what_has_changed() {
    with_server(|mut client| async move {
        client.initialize(json!({})).await;
        client
            .open("a.plan", 1, "task a\n\ntask b\n  needs: a\n\ntask c\n")
            .await;
        let of_file = json!({ "textDocument": { "uri": uri("a.plan") } });
        let full = client
            .request("textDocument/semanticTokens/full", of_file.clone())
            .await
            .expect("tokens");
        let mut data: Vec<Value> = full["data"].as_array().expect("numbers").clone();
        client
            .change("a.plan", 2, json!([replace((3, 9), (3, 10), "a, c")]))
            .await;
        let mut params = of_file.clone();
        params["previousResultId"] = full["resultId"].clone();
        let delta = client
            .request("textDocument/semanticTokens/full/delta", params)
            .await
            .expect("a delta");
        let edits = delta["edits"].as_array().expect("edits");
        assert_eq!(edits.len(), 1);
        let at = edits[0]["start"].as_u64().expect("a start") as usize;
        let count = edits[0]["deleteCount"].as_u64().expect("a count") as usize;
        assert_eq!(count, 0, "a name was added");
        data.splice(at..at + count, edits[0]["data"].as_array().expect("numbers").clone());
        let now = client
            .request("textDocument/semanticTokens/full", of_file.clone())
            .await
            .expect("tokens");
        assert_eq!(now["data"], Value::from(data));
        // of an answer that is not known any more there is no difference
        let mut params = of_file;
        params["previousResultId"] = full["resultId"].clone();
        let whole = client
            .request("textDocument/semanticTokens/full/delta", params)
            .await
            .expect("tokens");
        assert_eq!(whole["data"], now["data"]);
        assert_eq!(client.finish().await, 0);
    });
}
