//! Several folders at once, reading them, and telling of files that nobody opened.

use serde_json::{Value, json};

use super::client::{Client, rules, uri, with_server};

const WRONG: &str = "task a\n  needs: nobody\n";
const KIND: &str = "task a kind:ponder timeout:1m\n  run: \"true\"\n";
const SHARED: &str = "use \"/shared.plan\"\n\ntype Pair\n  left: Shared\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a path").to_owned()
    }
}

async fn start(client: &mut Client, folders: &[&Folder], capabilities: Value) {
    let folders = folders
        .iter()
        .map(|folder| json!({ "uri": uri(&folder.path("")), "name": "one" }));
    let params = json!({ "workspaceFolders": folders.collect::<Vec<_>>(), "capabilities": capabilities });
    client.request("initialize", params).await.expect("initialize");
    client.notify("initialized", json!({})).await;
}

/// The mistakes that are published of a file, whatever its version, once there are any or none.
async fn published(client: &mut Client, path: &str, any: bool) -> Vec<Value> {
    let message = client
        .wait_for(|message| {
            let found = &message["params"]["diagnostics"];
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri(path)
                && found.as_array().is_some_and(|found| found.is_empty() != any)
        })
        .await;
    message["params"]["diagnostics"].as_array().cloned().unwrap_or_default()
}

#[test]
fn each_folder_has_its_own_root_and_settings() {
    let one = Folder::new(&[
        ("dslc.toml", ""),
        ("shared.plan", "type Shared\n  a: int\n"),
        ("deep/a.plan", SHARED),
    ]);
    let two = Folder::new(&[("dslc.toml", "[lint]\nunknown-kind = \"allow\"\n"), ("a.plan", KIND)]);
    with_server(|mut client| async move {
        start(&mut client, &[&one, &two], json!({})).await;
        client.open(&one.path("deep/a.plan"), 1, SHARED).await;
        assert_eq!(
            rules(&client.diagnostics(&one.path("deep/a.plan"), 1).await),
            Vec::<&str>::new()
        );
        client.open(&two.path("a.plan"), 1, KIND).await;
        let found = client.diagnostics(&two.path("a.plan"), 1).await;
        assert!(!rules(&found).contains(&"unknown-kind"), "{found:?}");
        let three = Folder::new(&[("a.plan", KIND)]);
        client.open(&three.path("a.plan"), 1, KIND).await;
        let found = client.diagnostics(&three.path("a.plan"), 1).await;
        assert!(rules(&found).contains(&"unknown-kind"), "{found:?}");
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn what_is_typed_in_one_folder_is_seen_in_another_that_imports_it() {
    let lib = Folder::new(&[("dslc.toml", ""), ("shared.plan", "type Shared\n  a: int\n")]);
    let app = Folder::new(&[("dslc.toml", "")]);
    let relative = format!(
        "../{}/shared.plan",
        lib.0.path().file_name().and_then(|name| name.to_str()).expect("a name")
    );
    let text = format!("use \"{relative}\"\n\ntype Pair\n  left: Other\n");
    with_server(|mut client| async move {
        start(&mut client, &[&lib, &app], json!({})).await;
        let (shared, user) = (lib.path("shared.plan"), app.path("a.plan"));
        client.open(&user, 1, &text).await;
        assert_eq!(rules(&client.diagnostics(&user, 1).await), ["unresolved-name"]);
        client.open(&shared, 1, "type Other\n  a: int\n").await;
        published(&mut client, &user, false).await;
        let edit = super::client::replace((0, 5), (0, 10), "Third");
        client.change(&shared, 2, json!([edit])).await;
        published(&mut client, &user, true).await;
        // an import that comes later brings the open text, not the saved one
        client
            .change(&user, 2, json!([{ "text": "type Pair\n  left: int\n" }]))
            .await;
        client.diagnostics(&user, 2).await;
        let text = text.replace("Other", "Third");
        client.change(&user, 3, json!([{ "text": text }])).await;
        assert_eq!(rules(&client.diagnostics(&user, 3).await), Vec::<&str>::new());
        // what is closed is what was saved
        client.close(&shared).await;
        published(&mut client, &user, true).await;
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn an_import_that_cannot_be_read_says_why() {
    let folder = Folder::new(&[("dslc.toml", ""), ("lib.plan/a.txt", "")]);
    with_server(|mut client| async move {
        start(&mut client, &[&folder], json!({})).await;
        let user = folder.path("a.plan");
        client
            .open(&user, 1, "use \"lib.plan\"\n\ntype Pair\n  left: int\n")
            .await;
        let found = client.diagnostics(&user, 1).await;
        assert_eq!(
            found[0]["message"],
            "`lib.plan` cannot be read: it is not a regular file"
        );
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn folders_come_and_go() {
    let one = Folder::new(&[("a.plan", "task a\n  run: |\n    true\n")]);
    let two = Folder::new(&[("dslc.toml", ""), ("lib/b.plan", WRONG)]);
    with_server(|mut client| async move {
        start(&mut client, &[&one], json!({})).await;
        client.open(&two.path("lib/c.plan"), 1, SHARED).await;
        client.diagnostics(&two.path("lib/c.plan"), 1).await;
        let folder = json!({ "uri": uri(&two.path("")), "name": "two" });
        let event = |added: Value, removed: Value| json!({ "event": { "added": added, "removed": removed } });
        let params = event(json!([folder.clone()]), json!([]));
        client.notify("workspace/didChangeWorkspaceFolders", params).await;
        let found = published(&mut client, &two.path("lib/b.plan"), true).await;
        assert_eq!(rules(&found), ["unresolved-name"]);
        let params = event(json!([]), json!([folder]));
        client.notify("workspace/didChangeWorkspaceFolders", params).await;
        published(&mut client, &two.path("lib/b.plan"), false).await;
        // what is open stays
        client
            .change(&two.path("lib/c.plan"), 2, json!([{ "text": WRONG }]))
            .await;
        let found = client.diagnostics(&two.path("lib/c.plan"), 2).await;
        assert_eq!(rules(&found), ["unresolved-name"]);
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn files_that_nobody_opened_are_told_of_too() {
    let folder = Folder::new(&[
        (".gitignore", "out/\n"),
        ("a.plan", WRONG),
        ("out/b.plan", WRONG),
        ("types.plan", "type Shared\n  a: int\n"),
        ("uses.plan", "use \"types.plan\"\n\ntype Pair\n  left: Shared\n"),
    ]);
    with_server(|mut client| async move {
        start(&mut client, &[&folder], json!({})).await;
        assert_eq!(
            rules(&published(&mut client, &folder.path("a.plan"), true).await),
            ["unresolved-name"]
        );
        // an edit is felt where it is imported
        client
            .open(&folder.path("types.plan"), 1, "type Other\n  a: int\n")
            .await;
        let found = published(&mut client, &folder.path("uses.plan"), true).await;
        assert_eq!(rules(&found), ["unresolved-name"]);
        client
            .change(
                &folder.path("types.plan"),
                2,
                json!([{ "text": "type Shared\n  a: int\n" }]),
            )
            .await;
        published(&mut client, &folder.path("uses.plan"), false).await;
        std::fs::remove_file(folder.path("a.plan")).expect("removed");
        let change = json!({ "uri": uri(&folder.path("a.plan")), "type": 3 });
        client
            .notify("workspace/didChangeWatchedFiles", json!({ "changes": [change] }))
            .await;
        published(&mut client, &folder.path("a.plan"), false).await;
        assert!(!client.has_unread_about(&uri(&folder.path("out/b.plan"))));
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn reading_a_workspace_is_shown_and_uses_in_it_are_found() {
    let many: Vec<(String, String)> = (0..400)
        .map(|at| {
            (
                format!("p{at}.plan"),
                format!(
                    "use \"types.plan\"\n\ntype T{at}\n  left: Shared\n{}",
                    "# \n".repeat(2_000)
                ),
            )
        })
        .collect();
    let mut files: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("types.plan", "type Shared\n  a: int\n"));
    let folder = Folder::new(&files);
    with_server(|mut client| async move {
        start(
            &mut client,
            &[&folder],
            json!({ "window": { "workDoneProgress": true } }),
        )
        .await;
        client.grant("window/workDoneProgress/create").await;
        let is = |kind: &'static str| {
            move |message: &Value| message["method"] == "$/progress" && message["params"]["value"]["kind"] == kind
        };
        let begin = client.wait_for(is("begin")).await;
        assert_eq!(begin["params"]["value"]["title"], "Reading plans");
        client.wait_for(is("end")).await;
        client
            .open(&folder.path("types.plan"), 1, "type Shared\n  a: int\n")
            .await;
        let params = json!({
            "textDocument": { "uri": uri(&folder.path("types.plan")) },
            "position": { "line": 0, "character": 6 },
            "context": { "includeDeclaration": false },
        });
        let uses = client.request("textDocument/references", params).await.expect("uses");
        assert_eq!(uses.as_array().map(Vec::len), Some(400));
        assert_eq!(client.finish().await, 0);
    });
}
