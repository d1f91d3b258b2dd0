//! Runs that wait for people: what they ask, who may answer, and that an answer leads somewhere whoever drives, or nobody.

use std::time::Duration;

use plan_tests::Project;

use super::lasting::{signal_driver, status, wait_for};
use super::snapshot;

const RELEASE: &str = "\
plan release \"Release\"
  version: 1.2.0
  task build
    run: \"echo v1\"
  gate ship \"Ship {{ build.stdout | trim }}?\"
    needs: build
    approver: role/release
    quorum: 2
    checks:
      - len(build.stdout) > 1
      - \"The notes read well\"
    options:
      - fast \"To everyone\": \"risky\"
      - slow \"One region first\"
    on rejected -> mend
  task publish
    needs: ship
    run: \"echo publishing {{ ship.choice }}\"
  task mend
    run: \"echo mending\"
";

/// A gate while something else runs, so that there is a driver.
const BUSY: &str = "\
task build
  run: \"touch {{ run.workspace }}/built; while [ ! -e {{ run.workspace }}/enough ]; do sleep 0.02; done\"
gate ship
  approver: role/release
task publish
  needs: ship
  run: \"touch {{ run.workspace }}/published\"
";

/// The words with which ann approves `ship`.
fn approve(because: &'static str) -> [&'static str; 9] {
    [
        "approve",
        "last",
        "ship",
        "--as",
        "role/release",
        "--who",
        "user/ann",
        "--because",
        because,
    ]
}

#[test]
fn a_gate_says_what_it_asks_and_what_answers_it() {
    let project = Project::new(&[("release.plan", RELEASE)]);
    snapshot!(project, "run", "release.plan", "--seed", "1", "--parallel", "1");
    snapshot!(project, "show", "last");
    snapshot!(project, "runs");
}

#[test]
fn decisions_are_weighed_before_they_are_on_record() {
    let project = Project::new(&[("release.plan", RELEASE)]);
    project.run(&["run", "release.plan"]);
    let fast = ["--as", "role/release", "--because", "ready", "--choose", "fast"];
    let ann = [&["approve", "last", "ship", "--who", "user/ann"], &fast[..]].concat();
    let transcript = |args: &[&str]| project.transcript(args);
    let said = [
        transcript(&["approve", "last", "shp", "--as", "role/release", "--because", "?"]),
        transcript(&["approve", "last", "build", "--as", "role/release", "--because", "?"]),
        transcript(&["approve", "last", "ship", "--as", "role/x", "--because", "?"]),
        transcript(&["approve", "last", "ship", "--as", "role/release", "--because", "?"]),
        transcript(&ann),
        transcript(&ann),
        transcript(&[
            "reject",
            "last",
            "ship",
            "--who",
            "user/ann",
            "--as",
            "role/release",
            "--because",
            "on second thought",
        ]),
    ];
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(said.join("\n"));
    });
    assert_eq!(status(&project)["status"], "blocked");
    let bob = [&["approve", "last", "ship", "--who", "user/bob"], &fast[..]].concat();
    assert!(project.run(&bob).status.success());
    wait_for(|| is_over(&project));
    snapshot!(project, "show", "last");
    snapshot!(project, "logs", "last", "publish");
    // the same again is fine, also now; something else is too late
    assert!(project.run(&bob).status.success());
    let late = project.run(&["reject", "last", "ship", "--as", "role/release", "--because", "no"]);
    assert_eq!(late.status.code(), Some(2));
    let gate = &status(&project)["gates"][0];
    assert_eq!((&gate["status"], &gate["choice"]), (&"approved".into(), &"fast".into()));
    assert_eq!(gate["decisions"][1]["who"], "user/bob");
    assert!(project.run(&["replay", "last"]).status.success());
}

#[test]
fn one_rejection_is_enough_and_the_plan_says_what_follows() {
    let project = Project::new(&[("release.plan", RELEASE)]);
    project.run(&["run", "release.plan", "--seed", "1", "--parallel", "2"]);
    let reject = [
        "reject",
        "last",
        "ship",
        "--as",
        "role/release",
        "--who",
        "user/ann",
        "--because",
        "no notes",
    ];
    assert!(project.run(&reject).status.success());
    wait_for(|| is_over(&project));
    snapshot!(project, "show", "last");
    snapshot!(project, "events", "last");
}

#[test]
fn a_live_driver_takes_decisions_a_pause_and_a_cancel_from_its_inbox() {
    let project = Project::new(&[("busy.plan", BUSY)]);
    let mut child = project
        .command(&["run", "busy.plan", "--quiet"])
        .spawn()
        .expect("dslc starts");
    wait_for(|| project.path().join("built").exists());
    let approve = approve("ready");
    let output = project.run(&approve);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("taken by process"), "{said}");
    wait_for(|| project.path().join("published").exists());
    assert!(project.run(&["pause", "last"]).status.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(status(&project)["status"], "paused");
    let cancel = project.run(&["cancel", "last", "--because", "enough"]);
    let said = String::from_utf8_lossy(&cancel.stderr);
    assert!(
        cancel.status.success() && said.contains("the run is cancelled"),
        "{said}"
    );
    let again = project.run(&["cancel", "last"]);
    assert_eq!(again.status.code(), Some(2));
}

#[test]
fn a_paused_run_takes_a_decision_and_stays_paused() {
    let project = Project::new(&[("release.plan", &RELEASE.replace("quorum: 2", "quorum: 1"))]);
    project.run(&["run", "release.plan"]);
    assert!(project.run(&["pause", "last"]).status.success());
    let approve = [&approve("ready")[..], &["--choose", "slow"]].concat();
    let output = project.run(&approve);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("dslc resume"), "{said}");
    assert_eq!(status(&project)["status"], "paused");
    assert_eq!(project.run(&["resume", "last"]).status.code(), Some(0));
}

#[test]
fn of_many_who_contradict_each_other_at_once_exactly_one_wins() {
    let plan = "gate g\n  approver: role/a\ntask t\n  run: \"touch {{ run.workspace }}/up; while [ ! -e {{ run.workspace }}/enough ]; do sleep 0.02; done\"\n";
    let project = Project::new(&[("g.plan", plan)]);
    let mut child = project
        .command(&["run", "g.plan", "--quiet"])
        .spawn()
        .expect("dslc starts");
    wait_for(|| project.path().join("up").exists());
    let people: Vec<_> = (0..6)
        .map(|who| {
            let verb = if who % 2 == 0 { "approve" } else { "reject" };
            let who = format!("user/u{who}");
            let args = [verb, "last", "g", "--as", "role/a", "--who", &who, "--because", "first"];
            (
                verb,
                project
                    .command(&args)
                    .stderr(std::process::Stdio::null())
                    .spawn()
                    .expect("dslc starts"),
            )
        })
        .collect();
    let winners: Vec<(&str, bool)> = people
        .into_iter()
        .map(|(verb, mut person)| (verb, person.wait().expect("it ends").success()))
        .collect();
    project.write("enough", b"");
    child.wait().expect("it ends");
    let gate = &status(&project)["gates"][0];
    assert_eq!(gate["decisions"].as_array().map(Vec::len), Some(1), "{gate}");
    let won = gate["decisions"][0]["decision"].as_str().expect("a word");
    for (verb, succeeded) in winners {
        assert_eq!(won.starts_with(verb), succeeded, "{verb}, {won}");
    }
}

#[test]
fn a_deadline_that_passed_while_nobody_drove_fires_on_resume() {
    let plan =
        "gate g\n  approver: role/a\n  timeout: 50ms\n  on timeout -> escalate\ntask escalate\n  run: \"echo up\"\n";
    let project = Project::new(&[("g.plan", plan)]);
    assert_eq!(project.run(&["run", "g.plan"]).status.code(), Some(4));
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(project.run(&["resume", "last"]).status.code(), Some(0));
    snapshot!(project, "show", "last");
}

#[test]
fn a_driver_in_the_background_stays_for_a_deadline_and_leaves_its_words() {
    let plan =
        "gate g\n  approver: role/a\n  timeout: 300ms\n  on timeout -> escalate\ntask escalate\n  run: \"echo up\"\n";
    let project = Project::new(&[("g.plan", plan)]);
    let output = project.run(&["run", "g.plan", "--detach"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    wait_for(|| is_over(&project));
    let followed = project.run(&["logs", "last", "--follow"]);
    assert!(String::from_utf8_lossy(&followed.stdout).contains("up"));
    let driver = project.run(&["logs", "last", "--driver"]);
    assert!(String::from_utf8_lossy(&driver.stdout).contains("completed"));
}

/// A plan with a gate, started in the background; its driver killed; resumed; approved from elsewhere; finished; handed over.
#[test]
fn a_gate_survives_the_death_of_its_driver_and_the_report_tells_it() {
    let plan = "\
plan handover \"Ship it\"
  description: \"Builds, asks, ships.\"
  failure: continue
  task build
    run: \"touch {{ run.workspace }}/built; while [ ! -e {{ run.workspace }}/enough ]; do sleep 0.02; done; echo v2\"
    output:
      version: string = trim(stdout)
  task lint
    run: |
      echo looking; echo 'line 3: | <b>' >&2; exit 3
  gate ship \"Ship {{ build.version }}?\"
    needs: build
    approver: role/release
    checks:
      - len(build.version) == 2
      - \"The notes read well\"
  task publish
    needs: ship
    run: \"echo published > note.txt\"
    output:
      note: file = file(\"note.txt\")
";
    let project = Project::new(&[("handover.plan", plan)]);
    assert!(
        project
            .run(&["run", "handover.plan", "--detach", "--seed", "1", "--parallel", "2"])
            .status
            .success()
    );
    wait_for(|| project.path().join("built").exists());
    signal_driver(&project, rustix::process::Signal::KILL);
    wait_for(|| status(&project)["status"] == "interrupted");
    assert!(report(&project, "markdown").contains("dslc resume"));
    project.write("enough", b"");
    assert_eq!(project.run(&["resume", "last"]).status.code(), Some(4));
    let waiting = report(&project, "markdown");
    assert!(
        waiting.contains("dslc approve") && waiting.contains("--as role/release"),
        "{waiting}"
    );
    let approve = approve("notes read");
    assert!(project.run(&approve).status.success());
    wait_for(|| status(&project)["status"] == "failed" && !shows(&project, "driven by"));
    let told = report(&project, "markdown");
    for what in [
        "Builds, asks, ships.",
        "`lint` failed as **failure**: exit code 3: line 3: \\| \\<b\\>",
        "looking\nline 3: | <b>",
        "**approved** by user/ann as role/release",
        "notes read",
        "held: `len(build.version) == 2` (it saw 2 == 2)",
        "the driver ended while `build` ran",
        "`version = v2`",
        "`publish.note` | `note.txt` | 10 bytes",
        "`ship`: The notes read well",
        "driven 3 times",
    ] {
        assert!(told.contains(what), "`{what}` is not in\n{told}");
    }
    let html = report(&project, "html");
    assert!(html.contains("line 3: | &lt;b&gt;") && !html.contains("<b>"), "{html}");
    assert!(project.run(&["replay", "last"]).status.success());
}

#[test]
fn evidence_decides_between_hypotheses_and_show_tells_the_odds() {
    let plan = "\
hypothesis pool \"The pool is too small\"
  prior: 40%
hypothesis race \"Two writers\"
  prior: 20%
task look-pool
  run: \"echo 0\"
  refutes pool when int(trim(stdout)) == 0 by 8
task look-race
  run: \"exit 1\"
  optional: true
  supports race when exit != 0 by 20
decision culprit
  needs: look-pool, look-race?
  from: hypotheses
  on pool -> mend-pool
  on race -> mend-race
task mend-pool
  run: \"true\"
task mend-race
  run: \"true\"
";
    let project = Project::new(&[("why.plan", plan)]);
    let ran = project.run(&["run", "why.plan"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    snapshot!(project, "show", "last");
    let hypotheses = &status(&project)["hypotheses"];
    assert_eq!(hypotheses[1]["odds"], "5:1", "{hypotheses}");
    let told = report(&project, "markdown");
    assert!(told.contains("`look-race` supports by 20: `exit != 0`"), "{told}");
    assert!(told.contains("| 5:1 (83.3 %) |"), "{told}");
}

fn report(project: &Project, format: &str) -> String {
    let output = project.run(&["report", "last", "--format", format]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn shows(project: &Project, what: &str) -> bool {
    String::from_utf8_lossy(&project.run(&["show", "last"]).stdout).contains(what)
}

/// Completed, and its driver gone.
fn is_over(project: &Project) -> bool {
    let shown = project.run(&["show", "last"]).stdout;
    let shown = String::from_utf8_lossy(&shown);
    shown.contains("  completed\n") && !shown.contains("driven by")
}
