//! Runs from the outside: what `run` prints, what it leaves behind, what the other verbs say about it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plan_tests::{Project, root};
use serde_json::Value;

use super::lasting::wait_for;
use super::snapshot;

const CHAIN: &str = "\
plan chain \"Three in a row\"
  version: 1.0.0
  params:
    who: string = \"world\"
  outputs:
    text: string = last.text
  task first
    run: \"echo hello\"
  task middle \"In between\"
    needs: first
    run: |
      echo {{ first.stdout | trim }}, {{ params.who }}
    expect:
      - len(stdout) > 3
      - \"It is polite\"
  task last
    needs: middle
    run: |
      echo {{ middle.stdout | trim }}!
    output:
      text: string = trim(stdout)
";

#[test]
fn a_run_and_what_the_other_verbs_say_about_it() {
    let project = Project::new(&[("chain.plan", CHAIN)]);
    snapshot!(project, "run", "chain.plan", "--seed", "1", "--parallel", "1");
    snapshot!(project, "runs");
    snapshot!(project, "show", "last");
    snapshot!(project, "show", "last", "--json");
    snapshot!(project, "logs", "last");
    snapshot!(project, "logs", "last", "middle");
    snapshot!(project, "events", "last");
    snapshot!(project, "replay", "last");
    snapshot!(project, "verify", "last");
    snapshot!(project, "resume", "last");
}

#[test]
fn a_failure_names_the_node_its_error_and_its_log() {
    let plan = "task a\n  run: |\n    echo on the way\n    exit 3\n\ntask b\n  needs: a\n  run: \"true\"\n";
    snapshot!(
        Project::new(&[("a.plan", plan)]),
        "run",
        "a.plan",
        "--parallel",
        "1",
        "--seed",
        "1"
    );
}

/// One of three instances may fail, and does so twice.
const PAGES: &str = "\
plan pages
  limits:
    parallel: 1
  task fetch
    each: page in [\"a\", \"b\", \"c\"] by page
    tolerate: 1
    retry: 1
    run: |
      echo \"looking for {{ page }}\"
      test {{ page }} != b
";

#[test]
fn instances_are_told_from_attempts_and_a_tolerated_failure_says_why() {
    let project = Project::new(&[("pages.plan", PAGES)]);
    assert!(project.run(&["run", "pages.plan"]).status.success());
    let show = String::from_utf8_lossy(&project.run(&["show", "last"]).stdout).into_owned();
    assert!(show.contains("fetch  3 instances, 4 attempts  "), "{show}");
    assert!(show.contains("fetch[b]  2 attempts  "), "{show}");
    let json = json_lines(&project.run(&["show", "last", "--json"]).stdout);
    let fetch = &json[0]["nodes"][0];
    assert_eq!((&fetch["instances"], &fetch["attempts"]), (&3.into(), &4.into()));
    for (format, why, row) in [
        (
            "markdown",
            "`fetch[b]` failed as **failure**, after 2 attempts: ",
            "| 3 instances, 4 attempts |",
        ),
        ("html", "after 2 attempts: ", "<td>3 instances, 4 attempts</td>"),
    ] {
        let report = project.run(&["report", "last", "--format", format]);
        let report = String::from_utf8_lossy(&report.stdout).into_owned();
        for what in [why, row, "(the plan tolerates it)", "looking for b"] {
            assert!(report.contains(what), "`{what}` is not in\n{report}");
        }
        assert!(!report.contains("looking for a"), "{report}");
    }
}

#[test]
fn quiet_prints_results_only() {
    snapshot!(Project::new(&[("chain.plan", CHAIN)]), "run", "chain.plan", "--quiet");
}

#[test]
fn a_dry_run_starts_nothing() {
    let project = Project::new(&[("chain.plan", CHAIN)]);
    snapshot!(project, "run", "chain.plan", "--dry-run", "--param", "who=moon");
    assert!(!project.path().join(".dslc").exists());
}

#[test]
fn json_is_one_event_a_line_and_a_summary() {
    let project = Project::new(&[("chain.plan", CHAIN)]);
    let output = project.run(&["run", "chain.plan", "--format", "json", "--param", "who=moon"]);
    let lines: Vec<Value> = json_lines(&output.stdout);
    assert_eq!(lines[0]["event"]["event"], "run-started");
    let summary = &lines.last().expect("a summary")["summary"];
    assert_eq!(summary["status"], "completed");
    assert_eq!(summary["outputs"]["text"], "hello, moon!");
    assert_eq!(summary["nodes"].as_array().map(Vec::len), Some(3));
    assert_eq!(summary["unverified"][0], "middle: It is polite");
    let run = summary["run"].as_str().expect("a name");
    let shown: Value = serde_json::from_slice(&project.run(&["show", run, "--json"]).stdout).expect("JSON");
    assert_eq!(&shown, summary);
}

#[test]
fn parameters_come_from_a_file_and_the_command_line_wins() {
    let project = Project::new(&[("chain.plan", CHAIN), ("p.json", "{\"who\": \"file\"}")]);
    let text = |args: &[&str]| {
        json_lines(&project.run(args).stdout).pop().expect("a line")["summary"]["outputs"]["text"].clone()
    };
    let base = ["run", "chain.plan", "--format", "json", "--params-file", "p.json"];
    assert_eq!(text(&base), "hello, file!");
    assert_eq!(text(&[&base[..], &["--param", "who=line"]].concat()), "hello, line!");
}

#[test]
fn a_run_can_be_started_from_standard_input() {
    let project = Project::new(&[]);
    let output = project.run_with_input(&["run", "-", "--quiet"], b"task a\n  run: \"true\"\n");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn ctrl_c_pauses_and_resume_goes_on() {
    let plan = "task a\n  run: \"echo a >> {{ run.workspace }}/ran\"\n\ntask b\n  needs: a\n  run: |\n    test -e \"$HOME/go\" || sleep 100\n    echo b >> {{ run.workspace }}/ran\n";
    let project = Project::new(&[("a.plan", plan)]);
    let mut child = project
        .command(&["run", "a.plan"])
        .env("HOME", project.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dslc starts");
    wait_for(|| project.read("ran") == "a\n");
    // The second task has started once its driver has said so; give it a moment either way.
    std::thread::sleep(Duration::from_millis(300));
    interrupt(child.id());
    let status = child.wait().expect("dslc ends");
    assert_eq!(status.code(), Some(130));
    let output = child.wait_with_output().expect("piped");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("pausing: ") && said.contains("dslc resume "), "{said}");
    project.write("go", b"");
    let resumed = project
        .command(&["resume", "last"])
        .env("HOME", project.path())
        .output()
        .expect("dslc starts");
    assert_eq!(
        resumed.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&resumed.stderr)
    );
    assert_eq!(project.read("ran"), "a\nb\n");
    assert_eq!(project.run(&["replay", "last"]).status.code(), Some(0));
}

#[test]
fn a_second_ctrl_c_stops_at_once_and_leaves_a_doubt() {
    let plan = "task a\n  run: \"touch {{ run.workspace }}/ran; sleep 100\"\n  idempotent: false\n";
    let project = Project::new(&[("a.plan", plan)]);
    let mut child = project
        .command(&["run", "a.plan"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("dslc starts");
    wait_for(|| project.path().join("ran").exists());
    interrupt(child.id());
    // The first one waits for what must not be repeated.
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("a child").is_none());
    interrupt(child.id());
    let started = Instant::now();
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(project.run(&["resume", "last"]).status.code(), Some(4));
}

#[test]
fn deciding_the_last_doubt_ends_the_run_and_says_so() {
    let plan = "task a\n  run: \"touch {{ run.workspace }}/ran; sleep 100\"\n  idempotent: false\n";
    let project = Project::new(&[("a.plan", plan)]);
    let mut child = project
        .command(&["run", "a.plan"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    wait_for(|| project.path().join("ran").exists());
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert_eq!(project.run(&["resume", "last"]).status.code(), Some(4));
    let resolved = project.run(&["resolve", "last", "a", "failed", "--because", "I looked"]);
    let said = String::from_utf8_lossy(&resolved.stderr);
    assert!(resolved.status.success() && said.contains("the run is over"), "{said}");
    let again = project.run(&["resolve", "last", "a", "failed", "--because", "I looked"]);
    assert_eq!(
        again.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
}

#[test]
fn a_terminal_that_closes_pauses_however_often_it_says_so() {
    let plan = "task a\n  run: \"touch {{ run.workspace }}/ran; sleep 1; touch {{ run.workspace }}/done\"\n  idempotent: false\n\ntask b\n  needs: a\n  run: \"true\"\n";
    let project = Project::new(&[("a.plan", plan)]);
    let mut child = project
        .command(&["run", "a.plan"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("dslc starts");
    wait_for(|| project.path().join("ran").exists());
    for _ in 0..2 {
        signal(child.id(), rustix::process::Signal::HUP);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(project.path().join("done").exists());
    assert_eq!(project.run(&["resume", "last"]).status.code(), Some(0));
}

#[test]
fn two_drivers_of_one_run_are_one_too_many() {
    let plan = "task a\n  run: \"sleep 100\"\n";
    let project = Project::new(&[("a.plan", plan)]);
    let mut child = project
        .command(&["run", "a.plan"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    wait_for(|| project.run(&["runs"]).stdout.windows(7).any(|word| word == b"running"));
    let second = project.run(&["resume", "last"]);
    assert_eq!(second.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&second.stderr).contains("is being driven by process"));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    snapshot!(project, "runs");
}

#[test]
fn an_attempt_in_doubt_waits_for_a_person() {
    let plan = "task a\n  run: \"touch {{ run.workspace }}/ran; sleep 100\"\n  idempotent: false\n\ntask b\n  needs: a\n  run: \"true\"\n";
    let project = Project::new(&[("a.plan", plan)]);
    let mut child = project
        .command(&["run", "a.plan"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    wait_for(|| project.path().join("ran").exists());
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let resumed = project.run(&["resume", "last"]);
    assert_eq!(
        resumed.status.code(),
        Some(4),
        "{}",
        String::from_utf8_lossy(&resumed.stderr)
    );
    let wrong = project.run(&["resolve", "last", "b", "completed", "--because", "I looked"]);
    assert_eq!(
        wrong.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&wrong.stderr)
    );
    let resolved = project.run(&["resolve", "last", "a", "completed", "--because", "I looked"]);
    assert_eq!(
        resolved.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&resolved.stderr)
    );
    let resumed = project.run(&["resume", "last"]);
    assert_eq!(
        resumed.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&resumed.stderr)
    );
    assert_eq!(project.run(&["replay", "last"]).status.code(), Some(0));
}

#[test]
fn a_journal_that_was_edited_is_noticed() {
    let project = Project::new(&[("a.plan", "task a\n  run: \"echo 1\"\n")]);
    assert!(project.run(&["run", "a.plan"]).status.success());
    let runs = project.path().join(".dslc/runs");
    let run = std::fs::read_dir(runs)
        .expect("runs")
        .flatten()
        .next()
        .expect("a run")
        .path();
    let journal = run.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    std::fs::write(&journal, text.replacen("\"parallel\":", "\"parallel\":1", 1)).expect("written");
    for verb in ["verify", "replay", "show"] {
        let output = project.run(&[verb, "last"]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{verb}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // Nothing after the last event vouches for it: it looks like an interrupted write, and verify says that it is no event.
    std::fs::write(&journal, text.replacen("\"exited\":0", "\"exited\":1", 1)).expect("written");
    let output = project.run(&["verify", "last"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn repo_audit_audits_a_repository() {
    let repo = Project::new(&[("LICENSE", "MIT"), ("a.txt", "hello")]);
    git(repo.path(), &["init", "--quiet"]);
    git(repo.path(), &["add", "."]);
    git(
        repo.path(),
        &[
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b.c",
            "commit",
            "--quiet",
            "--message",
            "first",
        ],
    );
    let project = Project::new(&[]);
    let plan = root().join("examples/repo-audit.plan").display().to_string();
    let param = format!("repo={}", repo.path().display());
    let output = project.run(&["run", &plan, "--param", &param]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let path = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("report: ")?.strip_suffix("  (report.md)"));
    let report = project.read(path.expect("the report's path"));
    assert!(
        report.contains("- licence: LICENSE") && report.contains("- authors: 1"),
        "{report}"
    );
}

#[test]
fn the_sketch_runs() {
    let project = Project::new(&[]);
    let plan = root().join("examples/sketch.plan").display().to_string();
    let output = project.run(&["run", &plan]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("collect: Each source is an IETF document"), "{text}");
}

#[test]
fn mini_editor_creates_then_edits() {
    let project = Project::new(&[]);
    let plan = root().join("examples/mini-editor.plan").display().to_string();
    for sections in [1, 2] {
        let output = project.run(&[
            "run",
            &plan,
            "--param",
            "instruction=Write it's $HOME down",
            "--format",
            "json",
        ]);
        let summary = json_lines(&output.stdout).pop().expect("a summary")["summary"].clone();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{summary} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(summary["outputs"]["summary"]["sections"], sections, "{summary}");
    }
    assert!(
        project
            .read("write-it-s--home-down.md")
            .contains("Write it's $HOME down")
    );
}

pub fn json_lines(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(bytes)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn git(dir: &Path, args: &[&str]) {
    assert!(
        Command::new("git")
            .args(args)
            .current_dir(dir)
            .status()
            .expect("git starts")
            .success()
    );
}

fn interrupt(pid: u32) {
    signal(pid, rustix::process::Signal::INT);
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a process");
    rustix::process::kill_process(pid, signal).expect("it runs");
}
