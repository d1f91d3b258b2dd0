//! What outlives runs, with real processes and a real store: results that are reused, facts that are remembered, and
//! crashes between.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::event::{NodeStatus, RunStatus};
use ir::expr::{Expr, Ref};
use ir::func::Func;
use ir::plan::{Inputs, MemoryKey, MemoryScope, Plan, Remember, Task};
use ir::types::Type;
use ir::value::Value;
use store::Store;

use super::plans::{bind, call, node, output, param, plan, script_of, sh, task, text, trimmed_stdout};
use super::{drive_in_process, options, start_process, store, wait_for_a_run};
use crate::{Finished, Observer, Progress, RunError, Unwatched, fold, replay, resume, start};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const CRASHES: u64 = 12;

pub struct Home {
    pub dir: tempfile::TempDir,
    pub store: Store,
}

pub fn home() -> Home {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store(dir.path());
    Home { dir, store }
}

#[derive(Default)]
struct Warnings(Vec<String>);

impl Observer for Warnings {
    fn progress(&mut self, _: &engine::Engine, progress: Progress<'_>) {
        if let Progress::Warning(text) = progress {
            self.0.push(text.to_owned());
        }
    }
}

impl Home {
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn watched(&self, plan: Plan, query: &str) -> (Finished, Vec<String>) {
        let inputs: Inputs = match plan.params.is_empty() {
            true => Inputs::new(),
            false => [("query".into(), Value::from(query))].into(),
        };
        let mut warnings = Warnings::default();
        let finished = start(&self.store, plan, inputs, options(self.dir.path()))
            .and_then(|running| running.drive(&mut warnings))
            .expect("driven");
        replay(&finished.folder).expect("the journal replays");
        (finished, warnings.0)
    }

    pub fn run(&self, plan: Plan, query: &str) -> Finished {
        let (finished, warnings) = self.watched(plan, query);
        assert_eq!(finished.engine.status(), RunStatus::Completed);
        assert_eq!(warnings, [""; 0]);
        finished
    }

    /// How often the script has run.
    fn marks(&self) -> usize {
        fs::read_to_string(self.path("marks")).map_or(0, |text| text.lines().count())
    }

    /// `ask`, which leaves a mark and a report, and answers a query; its result is good for a day.
    pub fn asking(&self) -> Plan {
        let dir = self.dir.path().display();
        let mut task = Task {
            work: sh(&format!("echo x >>{dir}/marks; echo \"about $q\" | tee report.md")).into(),
            input: vec![bind("q", Expr::Ref(Ref::Param("query".into())))],
            output: vec![
                output("answer", Type::STRING, trimmed_stdout()),
                output("report", Type::File, call(Func::File, text("report.md"))),
            ],
            cache_ms: Some(DAY_MS),
            ..Task::default()
        };
        script_of(&mut task).env.push(bind("MODE", text("calm")));
        let mut plan = plan(vec![node("ask", &[], task)]);
        plan.params.push(param("query", Type::STRING, None));
        plan.outputs = vec![
            output("answer", Type::STRING, Expr::Ref(Ref::Output(0, "answer".into()))),
            output("report", Type::File, Expr::Ref(Ref::Output(0, "report".into()))),
        ];
        plan
    }
}

fn answer(finished: &Finished) -> &Value {
    &finished.engine.end().expect("over").outputs["answer"]
}

/// What the last look for a result said, if it found none that fits.
fn missed(finished: &Finished) -> Option<String> {
    let mut missed = None;
    fold(&finished.folder, |entry, _| {
        let event: serde_json::Value = serde_json::from_str(entry.event()).expect("JSON");
        if event["event"] == "looked-up" {
            missed = event["missed"].as_str().map(str::to_owned);
        }
    })
    .expect("readable");
    missed
}

#[test]
fn the_same_question_is_asked_once_and_another_one_anew() {
    let home = home();
    let first = home.run(home.asking(), "quic");
    let second = home.run(home.asking(), "quic");
    assert_eq!((home.marks(), answer(&second)), (1, &Value::from("about quic")));
    assert_eq!(answer(&first), answer(&second));
    let reused = second.engine.reused(0, None).expect("reused");
    assert_eq!(reused.run, first.meta.run);
    let Value::File(report) = &second.engine.end().expect("over").outputs["report"] else {
        panic!("a file");
    };
    assert_eq!(
        home.store.artifacts().get(&report.digest).expect("there"),
        b"about quic\n"
    );
    assert_eq!(answer(&home.run(home.asking(), "tcp")), &Value::from("about tcp"));
    assert_eq!(home.marks(), 2);
}

#[test]
fn what_the_task_says_takes_part_and_what_is_said_around_it_does_not() {
    let home = home();
    home.run(home.asking(), "quic");
    let changed = |change: &dyn Fn(&mut Task)| {
        let mut plan = home.asking();
        change(super::plans::task_mut(&mut plan.nodes[0]));
        plan
    };
    let mut titled = changed(&|task| task.timeout = Some(Expr::Const(Value::Duration(60_000))).into());
    titled.nodes[0].title = Some(text("Ask")).into();
    titled.nodes[0].line = 70;
    titled.nodes.push(task("other", "true", &[0]));
    home.run(titled, "quic");
    assert_eq!(home.marks(), 1);
    home.run(changed(&|task| script_of(task).env[0].value = text("hasty")), "quic");
    home.run(changed(&|task| task.fail.clear()), "quic");
    assert_eq!(home.marks(), 2);
    let silent = changed(&|task| script_of(task).text = format!("{}; true", script_of(task).text).into());
    home.run(silent, "quic");
    assert_eq!(home.marks(), 3);
}

#[test]
fn a_result_that_is_too_old_or_whose_file_is_gone_is_made_anew_and_said() {
    let home = home();
    let first = home.run(home.asking(), "quic");
    let mut short = home.asking();
    super::plans::task_mut(&mut short.nodes[0]).cache_ms = Some(0);
    std::thread::sleep(Duration::from_millis(3));
    let old = home.run(short, "quic");
    assert!(
        missed(&old).expect("said").contains("old, and `cache:` is 0"),
        "{:?}",
        missed(&old)
    );
    let Value::File(report) = &first.engine.end().expect("over").outputs["report"] else {
        panic!("a file");
    };
    fs::remove_file(home.store.artifacts().path(&report.digest)).expect("removed");
    let without = home.run(home.asking(), "quic");
    assert!(
        missed(&without).expect("said").contains("is missing"),
        "{:?}",
        missed(&without)
    );
    assert_eq!(home.marks(), 3);
    home.run(home.asking(), "quic");
    assert_eq!(home.marks(), 3, "its file is there again");
}

#[test]
fn a_cache_that_was_edited_is_said_once_and_the_run_does_without() {
    let home = home();
    for query in ["quic", "tcp"] {
        home.run(home.asking(), query);
    }
    let path = home.path(".dslc/cache.jsonl");
    let edited = fs::read_to_string(&path)
        .expect("there")
        .replacen("about quic", "about fish", 1);
    fs::write(&path, &edited).expect("written");
    let (finished, warnings) = home.watched(home.asking(), "quic");
    assert_eq!(answer(&finished), &Value::from("about quic"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("no result is reused or kept: "), "{warnings:?}");
    assert!(warnings[0].contains("is corrupt at line 2"), "{warnings:?}");
    assert_eq!(
        fs::read_to_string(&path).expect("there"),
        edited,
        "nothing was appended"
    );
}

fn shared(key: &str, ty: Type, scope: MemoryScope) -> MemoryKey {
    MemoryKey {
        key: key.into(),
        ty,
        scope,
        default: Some(text("nothing")),
    }
}

/// Reads `seen`, and remembers what the script says.
fn remembering(script: &str, scope: MemoryScope) -> Plan {
    let mut task = Task {
        work: sh(script).into(),
        output: vec![output("now", Type::STRING, trimmed_stdout())],
        remember: vec![Remember {
            key: "seen".into(),
            value: Expr::Ref(Ref::Own("now".into())),
        }]
        .into(),
        ..Task::default()
    };
    script_of(&mut task)
        .env
        .push(bind("SEEN", Expr::Ref(Ref::Memory("seen".into()))));
    let mut plan = plan(vec![node("look", &[], task)]);
    plan.memory.push(shared("seen", Type::STRING, scope));
    plan.outputs
        .push(output("answer", Type::STRING, Expr::Ref(Ref::Output(0, "now".into()))));
    plan
}

#[test]
fn a_later_run_sees_what_an_earlier_one_remembered_and_other_plans_only_what_is_global() {
    let home = home();
    for (scope, other_sees) in [(MemoryScope::Plan, "nothing+"), (MemoryScope::Global, "nothing+++")] {
        for expected in ["nothing+", "nothing++"] {
            let finished = home.run(remembering("echo \"$SEEN+\"", scope), "");
            assert_eq!(answer(&finished), &Value::from(expected));
        }
        let other = Plan {
            name: "other".into(),
            ..remembering("echo \"$SEEN+\"", scope)
        };
        assert_eq!(answer(&home.run(other, "")), &Value::from(other_sees));
    }
}

#[test]
fn what_no_longer_fits_its_type_is_absent_and_said() {
    let home = home();
    home.run(remembering("echo many", MemoryScope::Global), "");
    let mut counting = remembering("echo \"$SEEN\"", MemoryScope::Global);
    counting.memory[0] = MemoryKey {
        default: Some(Expr::Const(Value::Int(7))),
        ..shared("seen", Type::INT, MemoryScope::Global)
    };
    super::plans::task_mut(&mut counting.nodes[0]).remember.clear();
    let (finished, warnings) = home.watched(counting, "");
    assert_eq!(answer(&finished), &Value::from("7"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("`memory.seen` is absent: what run `"),
        "{warnings:?}"
    );
}

#[test]
fn memory_that_was_edited_keeps_a_run_from_starting() {
    let home = home();
    for _ in 0..2 {
        home.run(remembering("echo true", MemoryScope::Global), "");
    }
    let path = home.path(".dslc/memory.jsonl");
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replacen("true", "fake", 1)).expect("written");
    let refused = start(
        &home.store,
        remembering("true", MemoryScope::Global),
        Inputs::new(),
        options(home.dir.path()),
    );
    let error = refused.err().expect("refused").to_string();
    assert!(error.contains("memory.jsonl` is corrupt at line 2"), "{error}");
    home.run(plan(vec![task("other", "true", &[])]), "");
}

/// Ten tasks side by side, each of which makes a large result that later runs reuse, and remembers it.
fn keeping(dir: &Path) -> Plan {
    let nodes = (0..10).map(|at| {
        let script = format!(
            "echo x >>{}/ran.{at}; head -c 6000 /dev/zero | tr '\\0' {at}",
            dir.display()
        );
        let task = Task {
            work: sh(&script).into(),
            output: vec![output("made", Type::STRING, trimmed_stdout())],
            remember: vec![Remember {
                key: format!("k{at}").into(),
                value: Expr::Ref(Ref::Own("made".into())),
            }]
            .into(),
            cache_ms: Some(DAY_MS),
            ..Task::default()
        };
        node(&format!("t{at}"), &[], task)
    });
    let mut plan = plan(nodes.collect());
    plan.memory = (0..10)
        .map(|at| shared(&format!("k{at}"), Type::STRING, MemoryScope::Global))
        .collect();
    plan
}

#[test]
fn run_process() {
    drive_in_process(keeping);
}

#[test]
fn a_driver_killed_at_any_moment_leaves_no_half_result_and_no_fact_twice_or_never() {
    for crash in 0..CRASHES {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        let mut driver = start_process("reuse::run_process", dir);
        wait_for_a_run(dir);
        std::thread::sleep(Duration::from_millis(9 * crash + store::random() % 9));
        driver.kill().expect("killed");
        driver.wait().expect("reaped");
        let folder = store(dir).find("last").expect("made");
        let resumed = resume(&folder, options(dir)).and_then(|running| running.drive(&mut Unwatched));
        assert!(
            matches!(resumed, Ok(_) | Err(RunError::Ended { .. })),
            "{:?}",
            resumed.err()
        );
        replay(&folder).expect("the journal replays");
        // each fact is there once, whole, with its blob
        let text = fs::read_to_string(dir.join(".dslc/memory.jsonl")).expect("there");
        let memory = store(dir).memory().expect("sound");
        for at in 0..10 {
            let slot = format!("global:k{at}");
            assert_eq!(text.matches(&format!("\"{slot}\"")).count(), 1, "{text}");
            let fact = memory.get(&slot).expect("whole").expect("there");
            assert_eq!(fact.value, Value::from(at.to_string().repeat(6000)));
        }
        let ran = |at: u32| fs::read_to_string(dir.join(format!("ran.{at}"))).map_or(0, |text| text.len());
        let before: Vec<usize> = (0..10).map(ran).collect();
        let kept = store(dir).cache().expect("sound").len();
        let next = start(&store(dir), keeping(dir), Inputs::new(), options(dir))
            .and_then(|running| running.drive(&mut Unwatched))
            .expect("driven");
        assert_eq!(next.engine.status(), RunStatus::Completed);
        let reused = (0..10).filter(|at| next.engine.reused(*at, None).is_some()).count();
        assert_eq!(reused, kept, "whatever was kept is reused");
        let again = (0..10).filter(|at| ran(*at) > before[*at as usize]).count();
        assert_eq!(again, 10 - kept, "and the rest is made anew");
        for at in next.engine.nodes() {
            assert_eq!(at.status, NodeStatus::Completed);
        }
    }
}
