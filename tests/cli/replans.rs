//! Runs that go on under a changed plan: what is kept and what runs anew, what people are told of it, and that a crash
//! leaves one of both plans.

use std::time::Duration;

use plan_tests::Project;
use serde_json::Value;

use super::lasting::{Killed, Left, run_folder, status, wait_for};

/// Everything that runs leaves a mark.
const PLAN: &str = "\
plan site
  version: 1.0.0
  failure: abort
  dir: run.workspace
  task fetch \"Fetch the pages\"
    run: \"echo fetch >> marks; echo 3\"
    output:
      pages: int = int(trim(stdout))
  task pay
    run: \"echo pay >> marks\"
    idempotent: false
    on in-doubt -> look
  task look
    run: \"echo looking\"
  task mirror
    needs: fetch
    run: \"echo mirror >> marks\"
    rollback: \"echo unmirror >> marks\"
  task render
    needs: fetch, pay, mirror
    run: \"echo render >> marks; exit {{ params.exit }}\"
  params:
    exit: int = 1
  task publish
    needs: render
    run: \"echo publish >> marks\"
";

/// `render` is mended, and nothing is mirrored any more.
fn changed() -> String {
    let mirror = PLAN.find("  task mirror").expect("a task");
    let render = PLAN.find("  task render").expect("a task");
    let plan = format!("{}{}", &PLAN[..mirror], &PLAN[render..]);
    let plan = plan
        .replace("fetch, pay, mirror", "fetch, pay")
        .replace("1.0.0", "1.0.1");
    plan.replace("exit {{ params.exit }}", "true")
}

#[test]
fn a_failed_run_goes_on_under_a_changed_plan_and_keeps_what_the_change_does_not_reach() {
    // without an abort, so that what is gone has to be undone
    let first = PLAN.replace("failure: abort", "failure: continue");
    let second = changed().replace("failure: abort", "failure: continue");
    let project = Project::new(&[("site.plan", &first)]);
    assert_eq!(
        project
            .run(&["run", "site.plan", "--seed", "1", "--parallel", "1"])
            .status
            .code(),
        Some(3)
    );
    project.write("site.plan", second.as_bytes());
    let because = ["--because", "rendering was wrong"];
    let replan = |args: &[&str]| project.transcript(&[&["replan", "last", "site.plan"], args, &because].concat());
    let said = [
        replan(&["--rerun", "nothing"]),
        replan(&["--dry-run"]),
        replan(&["--dry-run", "--rerun", "pay", "--param", "exit=0"]),
        replan(&[]),
        project.transcript(&["show", "last"]),
        project.transcript(&["events", "last"]),
        project.transcript(&["verify", "last"]),
        project.transcript(&["replay", "last"]),
        replan(&[]),
    ];
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(said.join("\n"));
    });
    assert_eq!(
        project.read("marks"),
        "fetch\npay\nmirror\nrender\nunmirror\nrender\npublish\n"
    );
    let report = project.run(&["report", "last"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    for what in ["revision 2: rendering was wrong", "`mirror`", "1.0.1"] {
        assert!(report.contains(what), "`{what}` is not in\n{report}");
    }
    // both plans are kept, and an edited one is found out
    let summary = status(&project);
    assert_eq!(summary["revisions"][0]["number"], 2);
    let plan = run_folder(&project).join("plan.2.ir.json");
    let text = std::fs::read_to_string(&plan).expect("a plan");
    std::fs::write(&plan, text.replace("publish >>", "publish  >>")).expect("written");
    for verb in ["verify", "replay", "show"] {
        let output = project.run(&[verb, "last"]);
        assert_eq!(output.status.code(), Some(1), "{verb}");
    }
}

#[test]
fn what_an_abort_undid_runs_anew_and_what_must_not_run_twice_waits_for_a_person() {
    let project = Project::new(&[("site.plan", PLAN)]);
    assert_eq!(
        project
            .run(&["run", "site.plan", "--quiet", "--parallel", "1"])
            .status
            .code(),
        Some(3)
    );
    let paid = PLAN
        .replace("echo pay >>", "echo paid >>")
        .replace("exit {{ params.exit }}", "true");
    project.write("site.plan", paid.as_bytes());
    let replan = ["replan", "last", "site.plan", "--because", "paying is better"];
    assert_eq!(project.run(&replan).status.code(), Some(4));
    let nodes = status(&project)["nodes"].clone();
    let status_of = |id: &str| {
        let mut nodes = nodes.as_array().into_iter().flatten();
        nodes.find(|node| node["id"] == id).map(|node| node["status"].clone())
    };
    assert_eq!(status_of("pay"), Some("blocked".into()));
    assert_eq!(status_of("fetch"), Some("completed".into()));
    assert!(
        project
            .run(&["resolve", "last", "pay", "completed", "--because", "it is paid"])
            .status
            .success()
    );
    assert_eq!(project.run(&["resume", "last"]).status.code(), Some(0));
    assert_eq!(
        project.read("marks"),
        "fetch\npay\nmirror\nrender\nunmirror\nmirror\nrender\npublish\n"
    );
    assert!(project.run(&["replay", "last"]).status.success());
}

#[test]
fn a_run_that_is_driven_keeps_its_plan() {
    let plan = "task t\n  run: \"touch {{ run.workspace }}/up; while [ ! -e {{ run.workspace }}/enough ]; do sleep 0.02; done\"\n";
    let project = Project::new(&[("t.plan", plan)]);
    let mut child = project
        .command(&["run", "t.plan", "--quiet"])
        .spawn()
        .expect("dslc starts");
    wait_for(|| project.path().join("up").exists());
    let replan = project.run(&["replan", "last", "t.plan", "--because", "no reason"]);
    let said = String::from_utf8_lossy(&replan.stderr).into_owned();
    assert!(
        !replan.status.success() && said.contains("is being driven by process"),
        "{said}"
    );
    project.write("enough", b"");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let late = project.run(&["replan", "last", "t.plan", "--because", "no reason"]);
    assert_eq!(late.status.code(), Some(2));
}

#[test]
fn a_kill_while_the_plan_is_changed_leaves_one_of_both_plans() {
    let killed = Killed {
        verb: &["replan", "last", "site.plan", "--because", "rendering was wrong"],
        apart: Duration::from_millis(4),
    };
    let failed = || {
        let project = Project::new(&[("site.plan", PLAN)]);
        project.run(&["run", "site.plan", "--quiet", "--parallel", "1"]);
        project.write("site.plan", changed().as_bytes());
        project
    };
    let left = |summary: &Value| {
        let revisions = summary["revisions"].as_array().map(Vec::len);
        match (summary["status"].as_str(), revisions) {
            (Some("failed"), None) => Left::Unasked,
            (Some("completed"), Some(1)) => Left::Done,
            (_, Some(1)) => Left::Asked,
            other => panic!("neither one nor the other: {other:?}"),
        }
    };
    killed.a_dozen_times(failed, left, |project| {
        let marks = project.read("marks");
        assert!(
            marks.matches("pay").count() == 1 && marks.matches("fetch").count() == 1,
            "{marks}"
        );
        assert!(marks.ends_with("publish\n"), "{marks}");
    });
}
