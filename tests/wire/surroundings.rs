//! A disk that changes, goes away, or says no.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use plan_tests::{Project, dslc};
use serde_json::{Value, json};

use super::client::{Client, at, replace, rules, uri};

const LIB: &str = "type Source\n  title: string\n";
const MAIN: &str = "use \"lib.plan\"\n\ntype Pair\n  left: Source\n";
const CHANGED: u8 = 2;
const DELETED: u8 = 3;

#[test]
fn files_that_are_deleted_under_the_server_leave_no_diagnostic_behind() {
    let project = Project::new(&[("lib.plan", LIB), ("main.plan", MAIN)]);
    let (lib, main) = (project.path().join("lib.plan"), project.path().join("main.plan"));
    let mut client = Client::new(project.path());
    client.open(&main, 1, MAIN);
    assert!(rules(&client.diagnostics(&main, 1)).is_empty());
    fs::remove_file(&lib).expect("removed");
    client.changed_on_disk(&lib, DELETED);
    assert!(rules(&client.diagnostics(&main, 1)).contains(&"unresolved-import"));
    fs::write(&lib, LIB).expect("written");
    client.changed_on_disk(&lib, CHANGED);
    assert!(rules(&client.diagnostics(&main, 1)).is_empty());
    // what is open is what the editor has, whatever becomes of the file
    fs::remove_file(&main).expect("removed");
    client.changed_on_disk(&main, DELETED);
    client.change(&main, 2, json!([replace((3, 8), (3, 14), "Suorce")]));
    assert_eq!(rules(&client.diagnostics(&main, 2)), ["unresolved-name"]);
    client.close(&main);
    assert_eq!(client.diagnostics(&main, Value::Null), json!([]));
    // all of it goes, and comes back as something else
    client.open(&main, 1, MAIN);
    assert!(rules(&client.diagnostics(&main, 1)).is_empty());
    fs::remove_dir_all(project.path()).expect("removed");
    client.changed_on_disk(&lib, DELETED);
    assert!(rules(&client.diagnostics(&main, 1)).contains(&"unresolved-import"));
    fs::create_dir_all(&lib).expect("a folder of that name");
    client.changed_on_disk(&lib, CHANGED);
    client.change(&main, 2, json!([replace((0, 0), (0, 0), "\n")]));
    assert!(rules(&client.diagnostics(&main, 2)).contains(&"unresolved-import"));
    client.finish();
}

/// A server that may read nothing of ours: for the superuser, who may read everything, as somebody else.
fn powerless(project: &Project) -> Command {
    let is_superuser = fs::metadata("/proc/self").is_ok_and(|ours| ours.uid() == 0);
    if !is_superuser {
        return Command::new(dslc());
    }
    let program = project.path().join("dslc");
    fs::copy(dslc(), &program).expect("a copy of the binary");
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let mut command = Command::new(program);
    let nobody = 65_534;
    command.uid(nobody).gid(nobody);
    command
}

#[test]
fn a_workspace_that_may_not_be_read_is_said_and_what_is_open_is_served() {
    let project = Project::new(&[("closed/lib.plan", LIB), ("closed/dslc.toml", "")]);
    let folder = project.path().join("closed");
    let main = folder.join("main.plan");
    let program = powerless(&project);
    let allow = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("ours");
    allow(0);
    let mut client = Client::start(program);
    client.initialize(&folder);
    client.open(&main, 1, MAIN);
    let found = client.diagnostics(&main, 1);
    let message = "`lib.plan` cannot be read: permission denied";
    assert!(found.to_string().contains(message), "{found}");
    let said = client.wait_for(|message| message["method"] == "window/logMessage");
    let said = said["params"]["message"].to_string();
    assert!(
        said.contains("dslc.toml") && said.to_lowercase().contains("permission denied"),
        "{said}"
    );
    assert!(client.request("workspace/symbol", json!({ "query": "" })).is_ok());
    allow(0o755);
    client.changed_on_disk(&folder.join("lib.plan"), CHANGED);
    client.change(&main, 2, json!([replace((0, 0), (0, 0), "\n")]));
    assert!(rules(&client.diagnostics(&main, 2)).is_empty());
    client.finish();
}

#[test]
fn a_store_that_is_written_meanwhile_disturbs_nothing() {
    let plan = "plan p\n  task a\n    run: \"true\"\n    timeout: 1m\n  task b\n    needs: a\n    run: \"true\"\n    timeout: 1m\n";
    let project = Project::new(&[("p.plan", plan)]);
    let path = project.path().join("p.plan");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let is_over = &is_over;
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                project.run(&["run", "p.plan", "--durability", "process"]);
            }
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                tear(project.path());
            }
        });
        let _ends_both = EndOfTest(is_over);
        let mut client = Client::new(project.path());
        client.open(&path, 1, plan);
        let mut ran = false;
        for version in 2..5_000 {
            if ran && version > 120 {
                break;
            }
            client.change(&path, version, json!([replace((0, 0), (0, 0), "#\n")]));
            let line = version as usize - 1;
            let hover = client.request("textDocument/hover", at(&path, line + 1, 8));
            assert!(hover.is_ok(), "{hover:?}");
            let lenses = client.request(
                "textDocument/codeLens",
                json!({ "textDocument": { "uri": uri(&path) } }),
            );
            let lenses = lenses.expect("lenses").to_string();
            ran |= lenses.contains("completed in");
            assert!(rules(&client.diagnostics(&path, version)).is_empty());
        }
        assert!(ran, "no lens tells of the runs");
        client.finish();
    });
}

/// Says so, however the test ends.
struct EndOfTest<'a>(&'a AtomicBool);

impl Drop for EndOfTest<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Makes runs of half a journal, of none, and of rubbish, and takes them away again.
fn tear(root: &Path) {
    let runs = root.join(".dslc/runs");
    for entry in fs::read_dir(&runs).into_iter().flatten().flatten() {
        let Ok(journal) = fs::read(entry.path().join("journal.jsonl")) else {
            continue;
        };
        for (name, bytes) in [
            ("torn", &journal[..journal.len() / 2]),
            ("empty", &[]),
            ("rubbish", b"\xff\0{}\n"),
        ] {
            let folder = runs.join(format!("{}-{name}", entry.file_name().display()));
            _ = fs::create_dir_all(&folder);
            _ = fs::write(folder.join("journal.jsonl"), bytes);
            _ = fs::remove_dir_all(folder);
        }
    }
}
