//! Hints and links: below a line, `^ text` says what is shown at a column of it.

use std::path::Path;

use serde_json::json;
use tower_lsp_server::ls_types::{InlayHintLabel, Position, Range};

use super::client::{uri, with_server};
use super::fixture::Fixture;
use crate::inlay_hint::{self, Hints};

/// Takes the lines `^ text` out of a text, and says what they want: line, column, text.
fn split(text: &str) -> (String, Vec<(u32, u32, String)>) {
    let (mut plan, mut wanted, mut line) = (String::new(), Vec::new(), 0);
    for one in text.split_inclusive('\n') {
        match one.trim_start().strip_prefix('^') {
            Some(rest) => {
                let column = one.len() - one.trim_start().len();
                wanted.push((line - 1, column as u32, rest.trim().to_owned()));
            }
            None => {
                plan.push_str(one);
                line += 1;
            }
        }
    }
    (plan, wanted)
}

const NONE: Hints = Hints {
    worst_case: false,
    outputs: false,
    dependencies: false,
};

#[track_caller]
fn check(hints: Hints, text: &str) {
    let (plan, wanted) = split(text);
    let fixture = Fixture::new(&plan);
    let all = Range::new(Position::new(0, 0), Position::new(u32::MAX, 0));
    let found = inlay_hint::hints(&fixture.subject(), all, hints);
    let found: Vec<_> = found
        .into_iter()
        .map(|hint| match hint.label {
            InlayHintLabel::String(label) => (hint.position.line, hint.position.character, label),
            InlayHintLabel::LabelParts(_) => unreachable!(),
        })
        .collect();
    assert_eq!(found, wanted);
    let nothing = inlay_hint::hints(&fixture.subject(), all, NONE);
    assert!(nothing.is_empty(), "{nothing:?}");
}

#[test]
fn headers_say_what_their_node_takes_at_worst() {
    let hints = Hints {
        worst_case: true,
        ..NONE
    };
    check(
        hints,
        "\
task a
      ^ ≤ 10m
  timeout: 5m
  retry: 1
  run: |
    true

task b \"B\"
          ^ ≤ 1m
  timeout: 1m
  run: |
    true
",
    );
}

const CAPABILITIES: &str = "
type Source
  link: url

capability web.search
  input:
    query: string
  output:
    items: list[Source]
  runner: shell(\"search\")

capability web.count
  input:
    query: string
  output:
    a: int
    b: int
    c: int
    d: int
  runner: shell(\"count\")
";

#[test]
fn outputs_that_come_from_elsewhere_are_shown_with_their_types() {
    let hints = Hints { outputs: true, ..NONE };
    let text = "\
plan other
  outputs:
    n: int = count.n
  task count
    run: |
      echo 1
    output:
      n: int = int(stdout)

plan p
  task find using:web.search
                            ^ → items: list[Source]
    input:
      query: \"x\"

  task many using:web.count
                           ^ → a: int, b: int, c: int, 1 more
    input:
      query: \"x\"

  task sub
          ^ → n: int
    call: other

  task each-one
               ^ → got: list[string]
    needs: find
    each: x in find.items
    run: |
      echo {{ x.link }}
    output:
      got: string = stdout

  task both
    do:
      web.search(query: \"x\") -> hits
                                    ^ : { items: list[Source] }
      web.search(query: \"y\")

  task said
    run: |
      echo 1
    output:
      n: int = int(stdout)
";
    check(hints, &format!("{text}{CAPABILITIES}"));
}

#[test]
fn who_leads_to_a_node_is_shown_at_it() {
    let hints = Hints {
        dependencies: true,
        ..NONE
    };
    check(
        hints,
        "\
task a
  fail dry when stdout == \"\"
  run: |
    true
  fallback: spare
  on dry -> other
  on failure -> other
  on success -> next

task spare
          ^ ← fallback of a
  run: |
    true

task other
          ^ ← dry of a, failure of a
  run: |
    true

task next
         ^ ← success of a
  run: |
    true

decision which
  needs: next
  when next.exit == 0 -> left
  else -> right

task left
         ^ ← chosen by which
  run: |
    true

task right
          ^ ← chosen by which
  needs: spare?
  run: |
    true
",
    );
}

#[test]
fn a_range_has_the_hints_within_it_and_broken_text_keeps_what_is_known() {
    let text = "task a\n  run: |\n    true\n  on failure -> b\n\ntask b\n  needs: (\n";
    let fixture = Fixture::new(text);
    let shown = |from: u32, to: u32| {
        let range = Range::new(Position::new(from, 0), Position::new(to, 0));
        inlay_hint::hints(&fixture.subject(), range, Hints::default()).len()
    };
    assert_eq!((shown(0, 5), shown(5, 6), shown(6, 9)), (0, 1, 0));
}

#[test]
fn a_client_says_which_hints_it_wants() {
    with_server(|mut client| async move {
        let params = json!({
            "capabilities": { "workspace": { "inlayHint": { "refreshSupport": true } } },
            "initializationOptions": { "inlayHints": { "worstCase": false } },
        });
        client.request("initialize", params).await.expect("initialize");
        client.notify("initialized", json!({})).await;
        client
            .open("a.plan", 1, "task a\n  timeout: 1m\n  run: |\n    true\n  on failure -> b\n\ntask b\n  timeout: 1m\n  run: |\n    true\n")
            .await;
        let all = json!({
            "textDocument": { "uri": uri("a.plan") },
            "range": { "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } },
        });
        let labels = |hints: serde_json::Value| -> Vec<String> {
            let hints = hints.as_array().cloned().unwrap_or_default();
            hints
                .iter()
                .filter_map(|hint| hint["label"].as_str().map(str::to_owned))
                .collect()
        };
        let hints = client
            .request("textDocument/inlayHint", all.clone())
            .await
            .expect("hints");
        assert_eq!(labels(hints), ["← failure of a"]);
        let settings = json!({ "dslc": { "inlayHints": { "worstCase": true, "dependencies": false } } });
        client
            .notify("workspace/didChangeConfiguration", json!({ "settings": settings }))
            .await;
        client.grant("workspace/inlayHint/refresh").await;
        let hints = client.request("textDocument/inlayHint", all).await.expect("hints");
        assert_eq!(labels(hints), ["≤ 1m", "≤ 1m"]);
        // what cannot be read changes nothing
        client
            .notify("workspace/didChangeConfiguration", json!({ "settings": { "dslc": 7 } }))
            .await;
        assert_eq!(client.finish().await, 0);
    });
}

/// `path-as-written → where it leads`, of all paths that are looked for.
fn paths(text: &str) -> Vec<String> {
    let fixture = Fixture::new(text);
    let found = fixture
        .subject()
        .view
        .snapshot
        .file_links(Path::new("/plans/main.plan"));
    let written = |link: &dsl_check::FileLink| {
        let text = fixture.text().as_str();
        text[link.span.start as usize..link.span.end as usize].to_owned()
    };
    let shown = found
        .iter()
        .map(|link| format!("{} → {}", written(link), link.target.display()));
    shown.collect()
}

#[test]
fn paths_start_where_the_language_says() {
    let text = "\
use \"lib/a.plan\"

plan p
  params:
    service: path = \"services/api\"
    query: string = \"not/a/path\"
  secrets:
    token: file(\"secrets/token\", key: \"k\")
    other: env(\"TOKEN\")

  task a
    dir: params.service
    effects: read(\"src/main.rs\"), write(\"out/**\"), network(\"example.org\")
    run: |
      make
    output:
      report: file = file(\"report.md\")
      all: list[file] = file(\"*.md\")

  task b
    dir: run.workspace
    run: |
      echo {{ hash(\"Cargo.lock\") }}

  task c
    effects: read(\"own/of/the/run\"), read(\"/etc/hosts\")
    run: |
      true

capability lint
  runner: mcp(command: [\"python3\", \"tools/lint.py\"], tool: \"lint\")
";
    assert_eq!(
        paths(text),
        [
            "\"lib/a.plan\" → /plans/lib/a.plan",
            "\"services/api\" → /plans/services/api",
            "\"secrets/token\" → /plans/secrets/token",
            "\"src/main.rs\" → /plans/services/api/src/main.rs",
            "\"report.md\" → /plans/services/api/report.md",
            "\"Cargo.lock\" → /plans/Cargo.lock",
            "\"/etc/hosts\" → /etc/hosts",
            "\"python3\" → /plans/python3",
            "\"tools/lint.py\" → /plans/tools/lint.py",
            "\"lint\" → /plans/lint",
        ]
    );
}

#[test]
fn only_files_that_are_there_are_links_and_imports_always() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("src")).expect("made");
    for name in ["dslc.toml", "src/main.rs"] {
        std::fs::write(dir.path().join(name), "").expect("written");
    }
    let file = dir.path().join("a.plan").to_str().expect("a path").to_owned();
    let root = uri(dir.path().to_str().expect("a path"));
    with_server(|mut client| async move {
        let params = json!({ "rootUri": root, "capabilities": {} });
        client.request("initialize", params).await.expect("initialize");
        client.notify("initialized", json!({})).await;
        let text = "use \"none.plan\"\n\ntask a\n  dir: \".\"\n  effects: read(\"src/main.rs\", \"src\", \"none.rs\")\n  run: |\n    true\n";
        client.open(&file, 1, text).await;
        let params = json!({ "textDocument": { "uri": uri(&file) } });
        let links = client
            .request("textDocument/documentLink", params)
            .await
            .expect("links");
        let targets: Vec<_> = links
            .as_array()
            .expect("a list")
            .iter()
            .map(|link| &link["target"])
            .collect();
        assert_eq!(
            targets,
            [
                &json!(format!("{root}/none.plan")),
                &json!(format!("{root}/src/main.rs"))
            ]
        );
        assert_eq!(client.finish().await, 0);
    });
}
