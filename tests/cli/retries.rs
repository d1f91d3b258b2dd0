//! Runs that failed and are tried again: what is repeated and what is not, who may ask, and that a crash leaves either
//! the run as it was or all of what was asked.

use std::time::Duration;

use plan_tests::Project;
use serde_json::Value;

use super::lasting::{Killed, Left, status, wait_for};
use super::snapshot;

/// `mend` fails until there is a file; everything that runs leaves a mark.
const PLAN: &str = "\
plan shop
  failure: continue
  task stock
    run: \"echo stock >> {{ run.workspace }}/marks\"
    idempotent: false
    on in-doubt -> look
  task look
    run: \"echo looking\"
  task mend
    needs: stock
    retry: 1
    run: \"echo mend >> {{ run.workspace }}/marks; test -e {{ run.workspace }}/mended\"
  task open
    needs: mend
    run: \"echo open >> {{ run.workspace }}/marks\"
";

#[test]
fn what_failed_is_tried_again_and_what_completed_is_not() {
    let project = Project::new(&[("shop.plan", PLAN)]);
    snapshot!(project, "run", "shop.plan", "--seed", "1", "--parallel", "1");
    project.write("mended", b"");
    let because = ["--because", "the roof is mended"];
    let retry = |args: &[&str]| project.transcript(&[&["retry", "last"], args, &because].concat());
    let said = [
        retry(&["mnd"]),
        retry(&["stock"]),
        retry(&["open"]),
        retry(&["mend"]),
        // the second time it changes nothing
        retry(&["mend"]),
        project.transcript(&["show", "last"]),
        project.transcript(&["events", "last"]),
        project.transcript(&["replay", "last"]),
    ];
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(said.join("\n"));
    });
    assert_eq!(project.read("marks"), "stock\nmend\nmend\nmend\nopen\n");
    let report = project.run(&["report", "last"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("tried again: the roof is mended"), "{report}");
    assert!(project.run(&["verify", "last"]).status.success());
}

#[test]
fn a_live_driver_takes_it_from_its_inbox() {
    let gate = "  gate hold\n    approver: role/boss\n    timeout: 1h\n    on timeout -> look\n";
    let project = Project::new(&[("shop.plan", &format!("{PLAN}{gate}"))]);
    assert!(project.run(&["run", "shop.plan", "--detach"]).status.success());
    wait_for(|| status(&project)["status"] == "blocked");
    project.write("mended", b"");
    let retry = project.run(&["retry", "last", "mend"]);
    let said = String::from_utf8_lossy(&retry.stderr).into_owned();
    assert!(retry.status.success() && said.contains("taken by process"), "{said}");
    wait_for(|| project.read("marks").ends_with("open\n"));
    assert!(project.run(&["cancel", "last"]).status.success());
    wait_for(|| status(&project)["status"] == "cancelled");
}

#[test]
fn a_kill_while_it_is_asked_for_leaves_the_run_as_it_was_or_all_of_what_was_asked() {
    let killed = Killed {
        verb: &["retry", "last", "mend"],
        apart: Duration::from_millis(2),
    };
    let failed = || {
        let project = Project::new(&[("shop.plan", PLAN)]);
        assert_eq!(project.run(&["run", "shop.plan", "--quiet"]).status.code(), Some(3));
        project.write("mended", b"");
        project
    };
    let left = |summary: &Value| match summary["status"].as_str() {
        Some("failed") => Left::Unasked,
        Some("completed") => Left::Done,
        _ => Left::Asked,
    };
    killed.a_dozen_times(failed, left, |project| {
        assert_eq!(status(project)["status"], "completed");
        let marks = project.read("marks");
        assert_eq!(marks.matches("stock").count(), 1, "{marks}");
        // an attempt that was cut off may have left its mark
        assert!(
            marks.matches("open").count() >= 1 && marks.matches("mend").count() >= 3,
            "{marks}"
        );
    });
}
