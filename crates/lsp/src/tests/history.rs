//! What lenses and hovers say of runs: the store is written here as a driver writes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dsl_check::Workspace;
use engine::Engine;
use engine::event::{AttemptId, Command, Ended, Event, EventKind, How, RunStarted};
use serde_json::{Value, json};
use smol_str::SmolStr;
use store::{Durability, Forecast, NewRun, RunFolder, RunLock, Store, Writer};

use super::client::{Client, at, uri, with_server, with_tools};
use crate::Tools;

const PLAN: &str =
    "plan p\n  task fetch\n    run: |\n      true\n\n  task pack\n    needs: fetch\n    run: |\n      true\n";
const BEGAN_MS: i64 = 1_790_000_000_000;

/// A workspace with a plan, and runs of it.
struct Home {
    dir: tempfile::TempDir,
    file: PathBuf,
    text: String,
}

/// A run that goes on.
struct Run {
    folder: RunFolder,
    _lock: RunLock,
    writer: Writer,
    engine: Engine,
    now_ms: i64,
    started: Vec<AttemptId>,
}

impl Home {
    fn new() -> Self {
        Self::with(PLAN)
    }

    fn with(text: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("dslc.toml"), "").expect("written");
        let file = dir.path().join("a.plan");
        std::fs::write(&file, text).expect("written");
        let text = text.to_owned();
        Self { dir, file, text }
    }

    fn file(&self) -> &str {
        self.file.to_str().expect("a path")
    }

    fn start(&self) -> Run {
        let mut workspace = Workspace::new(self.dir.path());
        workspace.set_file(&self.file, self.text.as_bytes());
        let plan = workspace.compile(&self.file, None).expect("compiled");
        let store = Store::new(self.dir.path().join(".dslc"), Durability::Process);
        let new = NewRun {
            inputs: Default::default(),
            seed: 1,
            parallel: 2,
            engine: "engine/1".to_owned(),
            source: Some("a.plan".to_owned()),
            who: "me".to_owned(),
            cwd: self.dir.path().to_path_buf(),
            workspace: self.dir.path().to_path_buf(),
        };
        let (folder, meta, lock) = store.create_run(&plan, new).expect("created");
        let tail = folder.read().and_then(|reader| reader.finish()).expect("read");
        let writer = folder.append(&lock, &tail).expect("opened");
        let mut run = Run {
            folder,
            _lock: lock,
            writer,
            engine: Engine::new(Arc::new(plan)),
            now_ms: BEGAN_MS,
            started: Vec::new(),
        };
        run.tell(EventKind::RunStarted(RunStarted {
            run: meta.run.into(),
            inputs: Default::default(),
            seed: 1,
            parallel: 2,
            workspace: self.dir.path().to_string_lossy().into_owned(),
            memory: Default::default(),
        }));
        run.tell(EventKind::DriverStarted {
            boot_id: "b".into(),
            pid: std::process::id(),
            pid_started: own_start(),
            supervisor_pid: 2,
            supervisor_started: 2,
        });
        run
    }

    /// A run whose attempts end with these codes.
    fn ran(&self, exits: &[i32]) {
        let mut run = self.start();
        exits.iter().for_each(|exit| run.end(*exit));
    }
}

/// When this process began, as the system's table says.
fn own_start() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields
        .split_whitespace()
        .nth(19)
        .and_then(|field| field.parse().ok())
        .unwrap_or_default()
}

impl Run {
    fn tell(&mut self, kind: EventKind) {
        let event = Event {
            time_ms: self.now_ms,
            kind,
        };
        let commands = self.engine.apply(&event);
        self.writer.stage(self.now_ms, &event, &commands, None).expect("staged");
        self.writer.commit().expect("committed");
        for command in commands {
            match command {
                Command::StartAttempt(start) => self.started.push(start.attempt),
                Command::LookUp { node, instance } => self.tell(EventKind::LookedUp {
                    node,
                    instance,
                    key: "unknown".into(),
                    files: Vec::new(),
                    found: None,
                    missed: None,
                }),
                _ => {}
            }
        }
    }

    /// The attempt that was started first ends after 12 seconds.
    fn end(&mut self, exit: i32) {
        self.now_ms += 12_000;
        let attempt = self.started.remove(0);
        let ended = Ended {
            how: How::Exited(exit),
            stdout: String::new(),
            stderr: String::new(),
            truncated: Vec::new(),
            duration_ms: 12_000,
            observed: Vec::new(),
            used: None,
        };
        self.tell(EventKind::AttemptEnded { attempt, ended });
    }
}

/// Reuses what ran under a plan of the same text, and nothing that is not known to have run.
fn foresee(last: &RunFolder, plan: ir::Plan) -> BTreeMap<SmolStr, Forecast> {
    let meta = last.meta().expect("readable");
    let forecast = match plan.hash() == meta.ir_hash {
        true => Forecast::Reused {
            run: meta.run,
            until_ms: i64::MAX,
            provided: None,
        },
        false => Forecast::Unfit {
            why: "it is another plan".to_owned(),
        },
    };
    [("fetch".into(), forecast)].into()
}

#[test]
fn what_is_said_of_the_next_run_is_never_of_another_text() {
    let text = PLAN.replacen("    run", "    cache: 1h\n    run", 1);
    let home = Home::with(&text);
    home.ran(&[0, 0]);
    let tools = Tools {
        foresee: Some(foresee),
        ..Tools::default()
    };
    with_tools(tools, |mut client| async move {
        open(&mut client, &home).await;
        lenses(&mut client, &home).await;
        refreshed(&mut client).await;
        // how it went is known, what would come next is worked out
        assert_eq!(
            lenses(&mut client, &home).await,
            ["completed in 12 s", "completed in 12 s"]
        );
        refreshed(&mut client).await;
        let reused = "completed in 12 s; would be reused from cache";
        assert_eq!(lenses(&mut client, &home).await, [reused, "completed in 12 s"]);
        let hover = hovered(&mut client, &home, 1).await;
        assert!(hover.contains("**Next run**: would be reused from cache"), "{hover}");
        assert!(!hovered(&mut client, &home, 6).await.contains("Next run"));
        let edit = super::client::replace((4, 6), (4, 10), "false");
        client.change(home.file(), 2, json!([edit])).await;
        assert_eq!(
            lenses(&mut client, &home).await[0],
            "completed in 12 s",
            "nothing stale"
        );
        refreshed(&mut client).await;
        let again = "completed in 12 s; would run again: it is another plan";
        assert_eq!(lenses(&mut client, &home).await[0], again);
        // what only people read changes nothing, and what is broken is not spoken of
        let comment = super::client::replace((0, 0), (0, 0), "# a plan\n");
        client.change(home.file(), 3, json!([comment])).await;
        let broken = super::client::replace((3, 11), (3, 13), "\"x\"");
        client.change(home.file(), 4, json!([broken])).await;
        assert_eq!(lenses(&mut client, &home).await[0], "completed in 12 s");
        assert_eq!(client.finish().await, 0);
    });
}

/// The same whatever the plan says.
fn all_reused(last: &RunFolder, plan: ir::Plan) -> BTreeMap<SmolStr, Forecast> {
    let run = last.meta().expect("readable").run;
    let reused = |node: &ir::plan::Node| {
        let run = run.clone();
        let forecast = Forecast::Reused {
            run,
            until_ms: i64::MAX,
            provided: None,
        };
        (node.id.clone(), forecast)
    };
    plan.nodes.iter().map(reused).collect()
}

#[test]
fn of_a_large_plan_is_spoken_when_there_is_time_to_compile_it() {
    let more = (0..2_000).map(|at| format!("\n  task t{at}\n    needs: pack\n    run: \"true\"\n"));
    let text = PLAN.replacen("    run", "    cache: 1h\n    run", 1) + &more.collect::<String>();
    let home = Home::with(&text);
    home.ran(&[0]);
    let tools = Tools {
        foresee: Some(all_reused),
        ..Tools::default()
    };
    with_tools(tools, |mut client| async move {
        open(&mut client, &home).await;
        lenses(&mut client, &home).await;
        refreshed(&mut client).await;
        assert_eq!(lenses(&mut client, &home).await[0], "completed in 12 s");
        refreshed(&mut client).await;
        let reused = "completed in 12 s; would be reused from cache";
        assert_eq!(lenses(&mut client, &home).await[0], reused);
        assert!(hovered(&mut client, &home, 1).await.contains("**Next run**"));
        let comment = super::client::replace((0, 0), (0, 0), "# a plan\n");
        client.change(home.file(), 2, json!([comment])).await;
        assert_eq!(lenses(&mut client, &home).await[0], "completed in 12 s");
        refreshed(&mut client).await;
        assert_eq!(lenses(&mut client, &home).await[0], reused, "found to be the same plan");
        assert_eq!(client.finish().await, 0);
    });
}

async fn open(client: &mut Client, home: &Home) {
    let params = json!({
        "rootUri": uri(home.dir.path().to_str().expect("a path")),
        "capabilities": {
            "workspace": { "codeLens": { "refreshSupport": true } },
            "window": { "showDocument": { "support": true } },
        },
    });
    client.request("initialize", params).await.expect("initialize");
    client.notify("initialized", json!({})).await;
    client.open(home.file(), 1, &home.text).await;
}

/// The titles that speak of runs.
async fn lenses(client: &mut Client, home: &Home) -> Vec<String> {
    let params = json!({ "textDocument": { "uri": uri(home.file()) } });
    let lenses = client.request("textDocument/codeLens", params).await.expect("lenses");
    let titles = lenses.as_array().into_iter().flatten();
    let titles = titles.filter_map(|lens| lens["command"]["title"].as_str());
    let speaks = |title: &&str| !title.contains("reference") && !title.contains('▶');
    titles.filter(speaks).map(str::to_owned).collect()
}

/// Waits until the server says that lenses are out of date.
async fn refreshed(client: &mut Client) {
    client.grant("workspace/codeLens/refresh").await;
}

async fn written(client: &mut Client, run: &RunFolder) {
    let path = run.path().join("journal.jsonl");
    let change = json!({ "uri": uri(path.to_str().expect("a path")), "type": 2 });
    let params = json!({ "changes": [change] });
    client.notify("workspace/didChangeWatchedFiles", params).await;
}

#[test]
fn a_lens_says_how_a_task_went_and_a_hover_says_more() {
    let home = Home::new();
    home.ran(&[0, 0]);
    home.ran(&[0, 1]);
    home.ran(&[0, 0]);
    with_server(|mut client| async move {
        open(&mut client, &home).await;
        assert!(lenses(&mut client, &home).await.is_empty(), "nobody waits for it");
        refreshed(&mut client).await;
        assert_eq!(
            lenses(&mut client, &home).await,
            ["completed in 12 s, 3 of 3 runs", "completed in 12 s, 2 of 3 runs"]
        );
        let hover = client.request("textDocument/hover", at(home.file(), 6, 12)).await;
        let text = hover.expect("a hover")["contents"]["value"].to_string();
        assert!(
            text.contains("completed in 12 s; completed in 3 of the last 3 runs"),
            "{text}"
        );
        assert_eq!(client.finish().await, 0);
    });
}

/// What the hover on the name of a task says.
async fn hovered(client: &mut Client, home: &Home, line: u32) -> String {
    let hover = client.request("textDocument/hover", at(home.file(), line, 8)).await;
    hover.expect("a hover")["contents"]["value"].to_string()
}

#[test]
fn a_hover_says_what_has_changed_since_the_run() {
    let home = Home::new();
    home.ran(&[0, 0]);
    with_server(|mut client| async move {
        open(&mut client, &home).await;
        lenses(&mut client, &home).await;
        refreshed(&mut client).await;
        assert!(!hovered(&mut client, &home, 1).await.contains("changed since"));
        // the script of the first task; the second is as it was
        let edit = super::client::replace((3, 6), (3, 10), "false");
        client.change(home.file(), 2, json!([edit])).await;
        let text = hovered(&mut client, &home, 1).await;
        assert!(text.contains("`run` has changed since"), "{text}");
        assert!(!hovered(&mut client, &home, 5).await.contains("changed since"));
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_live_run_is_followed_line_by_line() {
    let home = Home::new();
    let mut run = home.start();
    with_server(|mut client| async move {
        open(&mut client, &home).await;
        lenses(&mut client, &home).await;
        refreshed(&mut client).await;
        assert_eq!(lenses(&mut client, &home).await, ["running"]);
        run.end(0);
        written(&mut client, &run.folder).await;
        refreshed(&mut client).await;
        let mut shown = lenses(&mut client, &home).await;
        // what was written in two strokes may be told of in two as well
        while shown.len() < 2 {
            refreshed(&mut client).await;
            shown = lenses(&mut client, &home).await;
        }
        assert_eq!(shown, ["completed in 12 s", "running"]);
        run.end(1);
        written(&mut client, &run.folder).await;
        refreshed(&mut client).await;
        assert_eq!(
            lenses(&mut client, &home).await,
            ["completed in 12 s", "failed after 12 s"]
        );
        let hover = client.request("textDocument/hover", at(home.file(), 5, 8)).await;
        let text = hover.expect("a hover")["contents"]["value"].to_string();
        assert!(text.contains("failed after 12 s") && text.contains("```text"), "{text}");
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_run_whose_driver_has_died_is_interrupted() {
    let home = Home::new();
    let mut run = home.start();
    run.tell(EventKind::DriverStarted {
        boot_id: "b".into(),
        // nobody has this number
        pid: i32::MAX as u32,
        pid_started: 1,
        supervisor_pid: 2,
        supervisor_started: 2,
    });
    with_server(|mut client| async move {
        open(&mut client, &home).await;
        lenses(&mut client, &home).await;
        refreshed(&mut client).await;
        let shown = lenses(&mut client, &home).await;
        assert_eq!(
            shown,
            if cfg!(target_os = "linux") {
                ["interrupted"]
            } else {
                ["running"]
            }
        );
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn what_is_damaged_is_left_out_and_read_once_it_is_whole() {
    let home = Home::new();
    let mut run = home.start();
    run.end(0);
    run.end(0);
    let journal = run.folder.path().join("journal.jsonl");
    let whole = std::fs::read(&journal).expect("read");
    let mut damaged = whole.clone();
    damaged[40] ^= 1;
    std::fs::write(&journal, damaged).expect("written");
    with_server(|mut client| async move {
        open(&mut client, &home).await;
        lenses(&mut client, &home).await;
        std::fs::create_dir(home.dir.path().join(".dslc/runs/no-run")).expect("made");
        home.ran(&[0]);
        written(&mut client, &run.folder).await;
        refreshed(&mut client).await;
        assert_eq!(lenses(&mut client, &home).await, ["completed in 12 s", "running"]);
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn the_log_of_a_task_is_opened() {
    let home = Home::new();
    let mut run = home.start();
    run.end(0);
    let log = run.folder.log_path("fetch", 1);
    std::fs::write(&log, "hello\n").expect("written");
    with_server(|mut client| async move {
        open(&mut client, &home).await;
        lenses(&mut client, &home).await;
        refreshed(&mut client).await;
        let ask = |node: &str| {
            let target = json!({ "uri": uri(home.file()), "plan": "p", "node": node });
            json!({ "command": "dslc.log", "arguments": [target] })
        };
        let answer = client.request("workspace/executeCommand", ask("fetch")).await;
        assert_eq!(answer, Ok(Value::from(log.to_str())));
        let shown = client
            .wait_for(|message| message["method"] == "window/showDocument")
            .await;
        assert_eq!(shown["params"]["uri"], uri(&log.to_string_lossy()));
        let answer = client.request("workspace/executeCommand", ask("nobody")).await;
        assert_eq!(answer, Err(-32803));
        assert_eq!(client.finish().await, 0);
    });
}

#[test]
fn a_plan_of_the_same_name_in_another_file_has_its_own_runs() {
    let runs = crate::history::Runs::default();
    assert!(runs.of_plan(Path::new("/plans/a.plan"), "p").is_empty());
    let home = Home::new();
    home.ran(&[0, 0]);
    let history = crate::history::History::start(std::sync::Weak::new(), None).expect("started");
    let store = home.dir.path().join(".dslc");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while history.runs(&store).0.is_empty() {
        assert!(std::time::Instant::now() < deadline, "no run was read");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let runs = history.runs(&store);
    assert_eq!(runs.of_plan(&home.file, "p").len(), 1);
    assert!(runs.of_plan(&home.file, "q").is_empty());
    assert!(runs.of_plan(&home.dir.path().join("b.plan"), "p").is_empty());
}
