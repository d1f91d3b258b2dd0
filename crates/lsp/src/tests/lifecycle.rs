//! Start, end, and what must not end it.

use serde_json::{Value, json};

use super::client::{at, uri, with_server, with_session};

const PLAN: &str = "task a\n  run: |\n    true\n";

#[test]
fn the_server_says_what_it_offers_and_its_version() {
    with_server(|mut client| async move {
        let answer = client.initialize(json!({})).await;
        assert_eq!(
            answer["serverInfo"],
            json!({ "name": "dslc", "version": env!("CARGO_PKG_VERSION") })
        );
        let offered = &answer["capabilities"];
        assert_eq!(offered["positionEncoding"], "utf-16");
        assert_eq!(offered["textDocumentSync"]["change"], 2);
        for provider in [
            "hoverProvider",
            "definitionProvider",
            "documentSymbolProvider",
            "documentFormattingProvider",
        ] {
            assert_eq!(offered[provider], true, "{provider}");
        }
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn utf8_positions_are_used_when_the_client_offers_them() {
    with_server(|mut client| async move {
        let answer = client
            .initialize(json!({ "positionEncodings": ["utf-16", "utf-8"] }))
            .await;
        assert_eq!(answer["capabilities"]["positionEncoding"], "utf-8");
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn requests_before_initialize_are_refused() {
    with_server(|mut client| async move {
        assert_eq!(client.hover("a.plan", 0, 0).await, Err(-32002));
        client.open("a.plan", 1, PLAN).await;
        assert_eq!(client.request("shutdown", Value::Null).await, Err(-32002));
        client.initialize(json!({})).await;
        assert_eq!(
            client.request("initialize", json!({ "capabilities": {} })).await,
            Err(-32600)
        );
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn requests_after_shutdown_are_refused() {
    with_session(|mut client| async move {
        assert_eq!(client.request("shutdown", Value::Null).await, Ok(Value::Null));
        assert_eq!(client.hover("a.plan", 0, 0).await, Err(-32600));
        client.open("a.plan", 1, PLAN).await;
        client.notify("exit", Value::Null).await;
        assert_eq!(client.exit_code().await, 0);
    });
}

#[test]
fn exit_without_shutdown_and_hanging_up_end_with_1() {
    with_session(|mut client| async move {
        client.notify("exit", Value::Null).await;
        assert_eq!(client.exit_code().await, 1);
    });
    with_session(|mut client| async move {
        client.open("a.plan", 1, PLAN).await;
        assert_eq!(client.hang_up().await, 1);
    });
    with_server(|client| async move { assert_eq!(client.hang_up().await, 1) });
}

#[test]
fn a_client_that_does_not_wait_for_initialize_is_served() {
    with_server(|mut client| async move {
        let id = client.ask("initialize", json!({ "capabilities": {} })).await;
        client.notify("initialized", json!({})).await;
        client.open("a.plan", 1, PLAN).await;
        assert!(client.answer(&json!(id)).await.is_ok());
        client.diagnostics("a.plan", 1).await;
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn garbage_is_answered_and_survived() {
    with_session(|mut client| async move {
        client.send_bytes(b"Content-Length: 1\r\n\r\n{").await;
        assert_eq!(client.answer(&Value::Null).await, Err(-32700));
        client.send_bytes(b"GET / HTTP/1.1\r\n\r\n").await;
        assert_eq!(client.answer(&Value::Null).await, Err(-32700));
        client.send(&json!([1, 2])).await;
        assert_eq!(client.answer(&Value::Null).await, Err(-32600));
        client.send(&json!({ "jsonrpc": "2.0", "id": 9, "method": 3 })).await;
        assert_eq!(client.answer(&json!(9)).await, Err(-32600));
        client
            .send(&json!({ "jsonrpc": "2.0", "id": 77, "result": "to nobody" }))
            .await;
        assert_eq!(client.request("no/suchMethod", Value::Null).await, Err(-32601));
        client.notify("no/suchNotification", json!({})).await;
        client.notify("textDocument/didOpen", json!({ "nonsense": true })).await;
        assert_eq!(
            client.request("textDocument/hover", json!({ "nonsense": true })).await,
            Err(-32602)
        );
        assert_eq!(client.hover("not-open.plan", 0, 0).await, Err(-32602));
        client.open("a.plan", 1, PLAN).await;
        client.diagnostics("a.plan", 1).await;
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_panic_is_an_error_response_and_a_log_line() {
    with_session(|mut client| async move {
        client.open("a.plan", 1, PLAN).await;
        assert_eq!(
            client.request("test/panic", json!({ "uri": uri("a.plan") })).await,
            Err(-32603)
        );
        let line = client
            .wait_for(|message| message["method"] == "window/logMessage")
            .await;
        assert_eq!(line["params"]["message"], "a request failed: as asked");
        assert!(client.hover("a.plan", 0, 0).await.is_ok());
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_panic_while_writing_costs_no_document() {
    with_session(|mut client| async move {
        client.open("lib.plan", 1, "task a\n  needs: b\n").await;
        client.diagnostics("lib.plan", 1).await;
        client.notify("test/panicInWriter", Value::Null).await;
        let line = client
            .wait_for(|message| message["method"] == "window/logMessage")
            .await;
        assert_eq!(
            line["params"]["message"],
            "a change failed, so the workspace was read anew: as asked"
        );
        let rename = json!([super::client::replace((1, 9), (1, 10), "c")]);
        client.change("lib.plan", 2, rename).await;
        let found = client.diagnostics("lib.plan", 2).await;
        assert!(
            found[0]["message"]
                .as_str()
                .is_some_and(|message| message.contains("`c`")),
            "{found:?}"
        );
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn positions_outside_the_document_are_moved_into_it() {
    with_session(|mut client| async move {
        client.open("a.plan", 1, PLAN).await;
        for (line, character) in [(0, 4_000_000_000), (4_000_000_000, 0), (u32::MAX, u32::MAX)] {
            assert!(client.hover("a.plan", line, character).await.is_ok());
            let params = at("a.plan", line, character);
            assert!(client.request("textDocument/definition", params).await.is_ok());
        }
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_document_that_was_never_saved_is_served() {
    with_session(|mut client| async move {
        let document =
            json!({ "uri": "untitled:Untitled-1", "languageId": "plan", "version": 1, "text": "task a\n  needs: b\n" });
        client
            .notify("textDocument/didOpen", json!({ "textDocument": document }))
            .await;
        let message = client
            .wait_for(|message| message["params"]["uri"] == "untitled:Untitled-1")
            .await;
        assert_eq!(message["params"]["diagnostics"][0]["code"], "unresolved-name");
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn the_page_of_a_rule_can_be_read() {
    with_session(|mut client| async move {
        let page = client
            .request("dslc/rulePage", json!({ "rule": "dependency-cycle" }))
            .await
            .expect("an answer");
        assert!(
            page.as_str().is_some_and(|page| page.contains("dependency-cycle")),
            "{page}"
        );
        assert_eq!(
            client.request("dslc/rulePage", json!({ "rule": "no-such-rule" })).await,
            Ok(Value::Null)
        );
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_client_that_can_watch_files_is_asked_to() {
    with_server(|mut client| async move {
        let watching = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
        client
            .request("initialize", json!({ "capabilities": watching }))
            .await
            .expect("initialize");
        client.notify("initialized", json!({})).await;
        let asked = client.grant("client/registerCapability").await;
        let registration = &asked["params"]["registrations"][0];
        assert_eq!(registration["method"], "workspace/didChangeWatchedFiles");
        assert_eq!(
            registration["registerOptions"]["watchers"][0]["globPattern"],
            "**/*.plan"
        );
        assert_eq!(client.finish().await, 0);
    });
}
