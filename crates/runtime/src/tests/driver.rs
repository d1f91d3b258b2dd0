//! The embedded driver with small plans: real processes, a real store, a real supervisor.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::event::{NodeStatus, Resolution, RunStatus};
use engine::{Engine, NodeSnapshot};
use ir::expr::{Capture, Expr, Ref};
use ir::func::Func;
use ir::plan::{Inputs, Plan, Task};
use ir::types::{ListType, Type};
use ir::value::Value;
use store::{Durability, RunFolder, Store};

use super::options;
use super::plans::{
    at_least, bind, call, check, node, output, param, plan, retries, script_of, task, text, trimmed_stdout, with,
};
use crate::{Control, Finished, Observer, Options, Progress, RunError, Unwatched, replay, request, resume, start};

struct Home {
    dir: tempfile::TempDir,
    store: Store,
}

fn home() -> Home {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::new(dir.path().join(".dslc"), Durability::Process);
    Home { dir, store }
}

impl Home {
    fn options(&self) -> Options {
        Options {
            grace_ms: 2_000,
            ..options(self.dir.path())
        }
    }

    fn run(&self, plan: Plan) -> Finished {
        self.run_with(plan, Inputs::new(), &mut Unwatched)
    }

    fn run_with(&self, plan: Plan, inputs: Inputs, observer: &mut dyn Observer) -> Finished {
        let finished = start(&self.store, plan, inputs, self.options())
            .expect("a run")
            .drive(observer)
            .expect("driven");
        replay(&finished.folder).expect("the journal replays");
        finished
    }

    fn resume(&self, folder: &RunFolder) -> Finished {
        let finished = resume(folder, self.options())
            .expect("resumed")
            .drive(&mut Unwatched)
            .expect("driven");
        replay(&finished.folder).expect("the journal replays");
        finished
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn lines(&self, name: &str) -> usize {
        fs::read_to_string(self.path(name)).map_or(0, |text| text.lines().count())
    }
}

fn node_of(engine: &Engine, id: &str) -> NodeSnapshot {
    engine.nodes().into_iter().find(|node| node.id == id).expect("a node")
}

fn statuses(engine: &Engine) -> Vec<NodeStatus> {
    engine.nodes().into_iter().map(|node| node.status).collect()
}

fn error_of(engine: &Engine, id: &str) -> (String, String) {
    let error = node_of(engine, id).error.expect("an error");
    (error.kind.to_string(), error.message)
}

/// Does something once a log line with a word in it was seen.
struct When<F: FnMut()> {
    word: &'static str,
    act: F,
}

impl<F: FnMut()> Observer for When<F> {
    fn progress(&mut self, _engine: &Engine, progress: Progress<'_>) {
        if let Progress::Output { bytes, .. } = progress
            && String::from_utf8_lossy(bytes).contains(self.word)
        {
            (self.act)();
        }
    }

    fn wants_output(&self) -> bool {
        true
    }
}

#[test]
fn outputs_flow_from_task_to_task_and_out_of_the_run() {
    let home = home();
    let mut plan = plan(vec![
        with(task("greet", "echo \"Hello, $who\"", &[]), |task| {
            task.input = vec![bind("who", Expr::Ref(Ref::Param("who".into())))];
            task.output = vec![output("greeting", Type::String(None), trimmed_stdout())];
        }),
        with(
            task("shout", "echo \"$greeting!\"; cat \"$PLAN_INPUT\" >&2", &[0]),
            |task| {
                task.input = vec![bind("greeting", Expr::Ref(Ref::Output(0, "greeting".into())))];
                task.output = vec![
                    output("loud", Type::String(None), call(Func::Upper, trimmed_stdout())),
                    output("input", Type::String(None), Expr::Ref(Ref::Capture(Capture::Stderr))),
                ];
            },
        ),
    ]);
    plan.params = vec![param("who", Type::String(None), Some(Value::String("you".into())))];
    plan.outputs = vec![output(
        "loud",
        Type::String(None),
        Expr::Ref(Ref::Output(1, "loud".into())),
    )];
    let value = "it's $(me); \"quoted\"\n{{ x }}";
    let finished = home.run_with(
        plan,
        [("who".into(), Value::String(value.into()))].into(),
        &mut Unwatched,
    );
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    let end = finished.engine.end().expect("ended");
    assert_eq!(
        end.outputs["loud"],
        Value::String(format!("HELLO, {}!", value.to_uppercase()).into())
    );
    let Value::String(input) = &node_of(&finished.engine, "shout").outputs["input"] else {
        panic!("text")
    };
    let input: serde_json::Value = serde_json::from_str(input).expect("JSON");
    assert_eq!(input["greeting"], format!("Hello, {value}"));
    let log = fs::read_to_string(finished.folder.log_path("greet", 1)).expect("a log");
    assert_eq!(log, format!("Hello, {value}\n"));
}

#[test]
fn bad_parameters_and_bad_supervisors_leave_no_run_behind() {
    let home = home();
    let mut demo = plan(vec![task("a", ":", &[])]);
    demo.params = vec![param("count", Type::Int(None), None)];
    let given = [("cuont".into(), Value::Int(1)), ("count".into(), Value::Bool(true))].into();
    let error = start(&home.store, demo, given, home.options())
        .err()
        .expect("refused")
        .to_string();
    assert!(
        error.contains("plan `demo` has no parameter `cuont`; there are `count`"),
        "{error}"
    );
    assert!(error.contains("parameter `count`: "), "{error}");

    let options = Options {
        supervisor: "/bin/true".into(),
        ..home.options()
    };
    let error = start(&home.store, plan(vec![task("a", ":", &[])]), Inputs::new(), options)
        .err()
        .expect("refused");
    assert!(matches!(error, RunError::NoSupervisor { .. }), "{error}");
    assert!(home.store.runs().expect("listed").is_empty());
}

#[test]
fn a_failure_is_told_and_what_needs_it_is_skipped() {
    let home = home();
    let finished = home.run(plan(vec![
        task("a", "echo why >&2; exit 3", &[]),
        task("b", ":", &[0]),
        task("c", ":", &[]),
    ]));
    assert_eq!(finished.engine.status(), RunStatus::Failed);
    assert_eq!(
        statuses(&finished.engine),
        [NodeStatus::Failed, NodeStatus::Skipped, NodeStatus::Completed]
    );
    let error = node_of(&finished.engine, "a").error.expect("an error");
    assert_eq!((error.kind.as_str(), error.exit), ("failure", Some(3)));
}

#[test]
fn what_cannot_be_started_is_one_clear_sentence() {
    let home = home();
    let with_env = |name: &str, env: Vec<(&str, Expr)>| {
        with(task(name, ":", &[]), |task| {
            script_of(task).env = env.into_iter().map(|(name, value)| bind(name, value)).collect()
        })
    };
    let finished = home.run(plan(vec![
        with(task("dir", ":", &[]), |task| {
            script_of(task).dir = Some(text("nowhere/at all"))
        }),
        with_env("program", vec![("PATH", text("/nonexistent"))]),
        with_env("large", vec![("big", text(&"x".repeat(200_000)))]),
    ]));
    let dir = home.path("nowhere/at all");
    let expected = [
        ("dir", format!("`dir:` is `{}`, and there is no such folder", dir.display())),
        ("program", "no program `sh` in $PATH; install it".to_owned()),
        ("large", "`$big` has 200004 bytes, and the system passes fewer than 131072 in one string; read it from the file that $PLAN_INPUT names".to_owned()),
    ];
    for (id, sentence) in expected {
        let (_, message) = error_of(&finished.engine, id);
        assert!(message.contains(&sentence), "{id}: {message}");
    }
}

#[test]
fn a_flaky_task_is_retried_after_its_backoff() {
    let home = home();
    let counter = home.path("count");
    let script = format!("echo x >>{0}; [ $(wc -l <{0}) -ge 3 ]", counter.display());
    let finished = home.run(plan(vec![with(task("flaky", &script, &[]), |task| {
        task.retry = retries(5).into()
    })]));
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    assert_eq!(node_of(&finished.engine, "flaky").attempts, 3);
}

#[test]
fn time_is_up_for_the_attempt_and_its_children() {
    let home = home();
    let pid = home.path("pid");
    let script = format!(
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >{}; sleep 1000' & wait; wait",
        pid.display()
    );
    let mut options = home.options();
    options.grace_ms = 50;
    let plan = plan(vec![with(task("slow", &script, &[]), |task| {
        task.timeout = Some(Expr::Const(Value::Duration(300))).into()
    })]);
    let finished = start(&home.store, plan, Inputs::new(), options)
        .expect("a run")
        .drive(&mut Unwatched)
        .expect("driven");
    assert_eq!(error_of(&finished.engine, "slow").0, "timeout");
    let pid: u32 = fs::read_to_string(pid)
        .expect("it started")
        .trim()
        .parse()
        .expect("a pid");
    assert_eq!(crate::procfs::started_ticks(pid), None, "its child is still alive");
}

#[test]
fn files_become_artifacts_and_large_output_leaves_the_journal() {
    let home = home();
    let list = Type::List(Box::new(ListType {
        item: Type::File,
        len: None,
    }));
    let make = with(
        task(
            "make",
            "echo one >a.md; echo two >b.md; yes large | head -c 100000",
            &[],
        ),
        |task| {
            task.output = vec![
                output("report", Type::File, call(Func::File, text("a.md"))),
                output("all", list, call(Func::File, text("*.md"))),
                output("text", Type::String(None), Expr::Ref(Ref::Capture(Capture::Stdout))),
            ];
        },
    );
    let read = with(task("read", "rm -f a.md; cat \"$report\"", &[0]), |task| {
        script_of(task).env = vec![bind("report", Expr::Ref(Ref::Output(0, "report".into())))];
        task.output = vec![output("text", Type::String(None), trimmed_stdout())];
    });
    let mut demo = plan(vec![make, read]);
    demo.outputs = vec![output(
        "large",
        Type::String(None),
        Expr::Ref(Ref::Output(0, "text".into())),
    )];
    let finished = home.run(demo);
    assert_eq!(
        finished.engine.status(),
        RunStatus::Completed,
        "{:?}",
        finished.engine.nodes()
    );
    assert_eq!(
        node_of(&finished.engine, "read").outputs["text"],
        Value::String("one".into())
    );
    let Value::String(large) = &finished.engine.end().expect("ended").outputs["large"] else {
        panic!("text")
    };
    assert_eq!(large.len(), 100_000);
    let journal = fs::metadata(finished.folder.path().join("journal.jsonl"))
        .expect("there")
        .len();
    assert!(journal < 20_000, "{journal}");
}

#[test]
fn runaway_output_is_kept_to_its_bound() {
    let home = home();
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo end >&2";
    let finished = home.run(plan(vec![with(task("loud", script, &[]), |task| {
        task.output = vec![output(
            "err",
            Type::String(None),
            Expr::Ref(Ref::Capture(Capture::Stderr)),
        )];
    })]));
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    let log = fs::metadata(finished.folder.log_path("loud", 1)).expect("a log").len();
    assert_eq!(log, 3_000_004, "the log has all of it");
}

#[test]
fn preconditions_are_looked_at_before_anything_starts() {
    let home = home();
    let fact = |name: &str| Expr::Ref(Ref::World(name.into()));
    let guarded = |id: &str, expr: Expr| {
        let script = format!("echo ran >>{}", home.path(id).display());
        with(task(id, &script, &[]), |task| {
            task.requires = vec![check(expr, "it")].into()
        })
    };
    let finished = home.run(plan(vec![
        guarded("room", at_least(fact("system.disk.free"), Value::Size(1))),
        guarded("vast", at_least(fact("system.disk.free"), Value::Size(i64::MAX))),
        with(node("seen", &[0], Task::default()), |task| {
            task.expect = vec![check(call(Func::Exists, text("missing")), "exists(\"missing\")")];
        }),
    ]));
    assert_eq!(
        statuses(&finished.engine),
        [NodeStatus::Completed, NodeStatus::Failed, NodeStatus::Failed]
    );
    assert_eq!(error_of(&finished.engine, "vast").0, "precondition");
    assert_eq!(error_of(&finished.engine, "seen").0, "expectation");
    assert_eq!((home.lines("room"), home.lines("vast")), (1, 0));
}

#[test]
fn scripts_see_only_what_they_may() {
    let home = home();
    let finished = home.run(plan(vec![with(
        task("env", "env | cut -d= -f1 | sort; read line || echo no input", &[]),
        |task| {
            task.output = vec![output(
                "names",
                Type::String(None),
                Expr::Ref(Ref::Capture(Capture::Stdout)),
            )];
        },
    )]));
    let Value::String(names) = &node_of(&finished.engine, "env").outputs["names"] else {
        panic!("text")
    };
    for name in ["PATH", "DSLC_RUN", "DSLC_NODE", "DSLC_ATTEMPT", "DSLC_KEY"] {
        assert!(names.lines().any(|line| line == name), "{name} is not in {names}");
    }
    assert!(!names.contains("CARGO_PKG_NAME"), "{names}");
    assert!(names.ends_with("no input\n"));
}

#[test]
fn a_pause_interrupts_what_may_be_repeated_and_lets_the_rest_end() {
    let home = home();
    let go = home.path("go");
    let waits = |name: &str| {
        format!(
            "echo x >>{}; echo up; until [ -e {} ]; do sleep 0.01; done",
            home.path(name).display(),
            go.display()
        )
    };
    let once = format!("echo x >>{}; echo up; sleep 0.3", home.path("once").display());
    let demo = plan(vec![
        task("again", &waits("again"), &[]),
        with(task("once", &once, &[]), |task| task.idempotent = false),
        task("after", ":", &[0, 1]),
    ]);
    let running = start(&home.store, demo, Inputs::new(), home.options()).expect("a run");
    let control: Control = running.control();
    let mut up = 0;
    let mut observer = When {
        word: "up",
        act: || {
            up += 1;
            if up == 2 {
                control.pause();
            }
        },
    };
    let finished = running.drive(&mut observer).expect("driven");
    assert_eq!(finished.engine.status(), RunStatus::Paused);
    fs::write(&go, "").expect("written");
    let finished = home.resume(&finished.folder);
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    assert_eq!((home.lines("again"), home.lines("once")), (2, 1));
    assert_eq!(
        node_of(&finished.engine, "again").attempts,
        1,
        "an interrupted attempt does not count"
    );
    let error = resume(&finished.folder, home.options()).err().expect("nothing left");
    assert!(
        error.to_string().contains("is completed and has nothing left to do"),
        "{error}"
    );
}

#[test]
fn a_run_left_at_once_repeats_what_it_may_and_asks_about_the_rest() {
    let home = home();
    let go = home.path("go");
    let waits = |name: &str| {
        format!(
            "echo x >>{}; echo up; until [ -e {} ]; do sleep 0.01; done",
            home.path(name).display(),
            go.display()
        )
    };
    let demo = plan(vec![
        task("first", &format!("echo x >>{}", home.path("first").display()), &[]),
        task("again", &waits("again"), &[0]),
        with(task("once", &waits("once"), &[0]), |task| task.idempotent = false),
    ]);
    let running = start(&home.store, demo, Inputs::new(), home.options()).expect("a run");
    let control = running.control();
    let mut up = 0;
    let mut observer = When {
        word: "up",
        act: || {
            up += 1;
            if up == 2 {
                control.interrupt();
                control.interrupt();
            }
        },
    };
    let finished = running.drive(&mut observer).expect("driven");
    assert!(finished.interrupted);
    fs::write(&go, "").expect("written");
    let finished = home.resume(&finished.folder);
    assert_eq!(finished.engine.status(), RunStatus::Blocked);
    assert_eq!(
        statuses(&finished.engine),
        [NodeStatus::Completed, NodeStatus::Completed, NodeStatus::Blocked]
    );
    assert_eq!(
        (home.lines("first"), home.lines("again"), home.lines("once")),
        (1, 2, 1)
    );

    let error = request::resolve(&finished.folder, "again", Resolution::Retry, "x", "me")
        .expect_err("not in doubt")
        .to_string();
    assert!(
        error.contains("`again` is not in doubt") && error.contains("`once`"),
        "{error}"
    );
    request::resolve(&finished.folder, "once", Resolution::Retry, "it did nothing", "me").expect("resolved");
    assert_eq!(home.lines("once"), 1, "nothing starts without a driver");
    let finished = home.resume(&finished.folder);
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    assert_eq!(home.lines("once"), 2);
}

#[test]
fn a_run_can_be_steered_through_its_inbox() {
    let home = home();
    let running = start(
        &home.store,
        plan(vec![task("wait", "echo up; sleep 1000", &[])]),
        Inputs::new(),
        home.options(),
    )
    .expect("a run");
    let folder = running.folder().clone();
    let mut observer = When {
        word: "up",
        act: || {
            // an unreadable request disturbs nobody
            folder.inbox().post("{\"event\":\"run-started\"}").expect("posted");
            assert!(matches!(
                request::cancel(&folder, Some("enough".to_owned()), false),
                Ok(request::Asked::Left { .. })
            ));
        },
    };
    let finished = running.drive(&mut observer).expect("driven");
    assert_eq!(finished.engine.status(), RunStatus::Cancelled);
    assert!(finished.folder.inbox().messages().expect("read").is_empty());
    replay(&finished.folder).expect("the journal replays");
}

#[test]
fn a_request_is_done_once_though_its_file_is_still_there() {
    let home = home();
    let demo = plan(vec![task("a", ":", &[]), task("b", ":", &[0])]);
    let running = start(&home.store, demo, Inputs::new(), home.options()).expect("a run");
    let inbox = running.folder().inbox();
    let name = inbox.post("{\"event\":\"pause-asked\"}").expect("posted");
    let finished = running.drive(&mut Unwatched).expect("driven");
    assert_eq!(finished.engine.status(), RunStatus::Paused);
    // as if the driver had died before it deleted the file
    fs::write(inbox.path().join(&name), "{\"event\":\"pause-asked\"}").expect("written");
    let finished = home.resume(&finished.folder);
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    assert!(!inbox.is_waiting(&name));
    let mut times = 0;
    crate::fold(&finished.folder, |entry, _| times += usize::from(entry.inbox.is_some())).expect("readable");
    assert_eq!(times, 1);
}

#[test]
fn cancelling_a_run_that_nobody_drives_needs_nobody() {
    let home = home();
    let demo = plan(vec![task("wait", "echo up; sleep 1000", &[])]);
    let running = start(&home.store, demo, Inputs::new(), home.options()).expect("a run");
    let control = running.control();
    let mut observer = When {
        word: "up",
        act: || {
            control.interrupt();
            control.interrupt();
        },
    };
    let finished = running.drive(&mut observer).expect("driven");
    let asked = request::cancel(&finished.folder, None, false).expect("asked");
    assert_eq!(
        asked,
        request::Asked::Journaled {
            goes_on: false,
            unread: Vec::new()
        }
    );
    let report = replay(&finished.folder).expect("the journal replays");
    assert_eq!(report.status, RunStatus::Cancelled);
    let error = request::cancel(&finished.folder, None, false)
        .expect_err("it has ended")
        .to_string();
    assert!(error.contains("is cancelled and has nothing left to do"), "{error}");
}

#[test]
fn a_journal_that_decides_otherwise_is_named() {
    let home = home();
    let finished = home.run(plan(vec![task("a", "exit 1", &[])]));
    // the same events under another plan, all hashes in order
    let other = plan(vec![task("b", "exit 2", &[])]);
    let forged = start(&home.store, other, Inputs::new(), home.options()).expect("a run");
    let folder = forged.folder().clone();
    drop(forged);
    copy_journal(&finished.folder, &folder);
    match replay(&folder) {
        Err(RunError::Diverged(divergence)) => {
            assert_eq!((divergence.seq, divergence.event.as_str()), (1, "run-started"));
        }
        other => panic!("expected a divergence, got {other:?}"),
    }
}

/// Writes the events and commands of one run into another.
fn copy_journal(from: &RunFolder, to: &RunFolder) {
    let lock = to.lock().expect("free");
    let tail = to.read().expect("opened").finish().expect("read");
    let mut writer = to.append(&lock, &tail).expect("opened");
    let mut reader = from.read().expect("opened");
    while let Some(entry) = reader.next_entry().expect("read") {
        let raw = |text| serde_json::from_str::<&serde_json::value::RawValue>(text).expect("JSON");
        let (event, commands) = (raw(entry.event()), raw(entry.commands()));
        writer.stage(0, &event, &commands, None).expect("staged");
    }
    writer.commit().expect("committed");
}

#[test]
fn two_drivers_never_drive_one_run() {
    let home = home();
    let running = start(
        &home.store,
        plan(vec![task("a", ":", &[])]),
        Inputs::new(),
        home.options(),
    )
    .expect("a run");
    let error = resume(running.folder(), home.options())
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains("is being driven by process"), "{error}");
}

/// Whatever the last thing is that reached the disk, a resume finishes the run, and what completed does not run again.
#[test]
fn a_crash_after_any_byte_of_the_journal_loses_nothing() {
    let home = home();
    let count = |name: &str| format!("echo x >>{}/$DSLC_RUN.{name}", home.dir.path().display());
    let demo = || {
        plan(vec![
            with(task("a", &format!("{}; echo out", count("a")), &[]), |task| {
                task.output = vec![output("x", Type::String(None), trimmed_stdout())]
            }),
            task("b", &count("b"), &[]),
            with(
                task("c", &format!("{}; [ \"$x\" = out ]", count("c")), &[0, 1]),
                |task| {
                    script_of(task).env = vec![bind("x", Expr::Ref(Ref::Output(0, "x".into())))];
                },
            ),
        ])
    };
    let whole = home.run(demo());
    let bytes = fs::read(whole.folder.path().join("journal.jsonl")).expect("there");
    let mut cuts: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at] == b'\n')
        .flat_map(|at| [at, at + 1, at + 30])
        .collect();
    cuts.insert(0, 0);
    for cut in cuts {
        let copy = copy_run(&home, &whole.folder, &bytes[..cut.min(bytes.len())]);
        let completed: Vec<String> = crate::fold(&copy, |_, _| {})
            .expect("readable")
            .engine
            .nodes()
            .into_iter()
            .filter(|node| node.status == NodeStatus::Completed)
            .map(|node| node.id.to_string())
            .collect();
        for name in ["a", "b", "c"] {
            let _ = fs::remove_file(home.path(&format!("{}.{name}", whole.folder.id())));
        }
        match resume(&copy, home.options()) {
            Ok(running) => {
                let finished = running.drive(&mut Unwatched).expect("driven");
                assert_eq!(finished.engine.status(), RunStatus::Completed, "cut at {cut}");
                replay(&finished.folder).expect("the journal replays");
            }
            Err(RunError::Ended { .. }) => assert_eq!(completed.len(), 3),
            Err(error) => panic!("cut at {cut}: {error}"),
        }
        for name in ["a", "b", "c"] {
            let ran = home.lines(&format!("{}.{name}", whole.folder.id()));
            let expected = usize::from(!completed.iter().any(|id| id == name));
            assert_eq!(ran, expected, "`{name}`, cut at {cut}");
        }
    }
}

/// The same run with a journal that was cut.
fn copy_run(home: &Home, run: &RunFolder, journal: &[u8]) -> RunFolder {
    let copy = home.store.root().join("runs/copy");
    let _ = fs::remove_dir_all(&copy);
    for folder in ["inbox", "work", "logs"] {
        fs::create_dir_all(copy.join(folder)).expect("created");
    }
    for name in ["run.json", "plan.ir.json"] {
        fs::copy(run.path().join(name), copy.join(name)).expect("copied");
    }
    fs::write(copy.join("journal.jsonl"), journal).expect("written");
    home.store.find("copy").expect("found")
}

#[test]
fn survivors_of_a_killed_supervisor_are_reaped_before_a_resume() {
    let home = home();
    let pid_file = home.path("pid");
    let script = format!(
        "echo x >>{}; if [ -e {1} ]; then exit 0; fi; echo $$ >{1}; echo up; sleep 1000",
        home.path("ran").display(),
        pid_file.display()
    );
    let running = start(
        &home.store,
        plan(vec![task("a", &script, &[])]),
        Inputs::new(),
        home.options(),
    )
    .expect("a run");
    let folder = running.folder().clone();
    let supervisor = running.supervisor_pid();
    // both die at once, as when the system kills a whole group
    let mut observer = When {
        word: "up",
        act: || crate::procfs::signal(supervisor, rustix::process::Signal::KILL),
    };
    let error = running.drive(&mut observer).expect_err("no supervisor, no driver");
    assert!(matches!(error, RunError::Supervisor { .. }), "{error}");
    let survivor: u32 = fs::read_to_string(&pid_file)
        .expect("it ran")
        .trim()
        .parse()
        .expect("a pid");
    assert!(
        crate::procfs::started_ticks(survivor).is_none(),
        "the driver reaps what its supervisor left"
    );
    let finished = home.resume(&folder);
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    assert_eq!(home.lines("ran"), 2);
}

#[test]
fn a_long_chain_takes_time_in_proportion() {
    let home = home();
    let nodes = (0..300_u32)
        .map(|at| task(&format!("t{at}"), ":", at.checked_sub(1).as_slice()))
        .collect();
    let start = std::time::Instant::now();
    let finished = home.run(plan(nodes));
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert!(
        !Path::new(&finished.folder.log_path("t0", 1)).exists(),
        "no output, no log"
    );
    assert_eq!(finished.engine.nodes().len(), 300);
}
