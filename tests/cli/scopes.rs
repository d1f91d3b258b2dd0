//! Plans that call plans, and what an abort undoes: the run, its logs, its events, its machine formats.

use plan_tests::Project;
use serde_json::Value;

use super::snapshot;

const CALLS: &str = "\
plan release \"Release\"
  outputs:
    urls: list[string] = regions.url
  task build
    run: \"echo app-1.2\"
  task regions
    needs: build
    each: region in [\"eu\", \"us\"] by region
    call: publish
    input:
      what: build.stdout | trim
      where: region

plan publish \"Publish\"
  params:
    what: string
    where: string
  limits:
    parallel: 1
  outputs:
    url: string = push.stdout | trim
  task pack
    run: \"echo packing {{ params.what }} for {{ params.where }}\"
  task push
    needs: pack
    run: \"echo https://{{ params.where }}/{{ params.what }}\"
";

/// The second plan fails, after what it and its caller did.
const ABORT: &str = "\
plan deploy
  task host
    run: \"echo host >>{{ run.workspace }}/world\"
    rollback: \"echo undo host >>{{ run.workspace }}/world\"
  task app
    needs: host
    call: install

plan install
  task files
    run: \"echo files >>{{ run.workspace }}/world\"
    rollback: \"echo undo files >>{{ run.workspace }}/world\"
  task link
    needs: files
    run: \"echo link >>{{ run.workspace }}/world\"
    rollback: \"echo still linked >&2; exit 4\"
  task start
    needs: link
    run: \"exit 3\"
";

fn assert_replays(project: &Project) {
    let replayed = project.run(&["replay", "last"]);
    assert!(
        replayed.status.success(),
        "{}",
        String::from_utf8_lossy(&replayed.stderr)
    );
}

#[test]
fn a_called_plan_runs_within_the_run_that_calls_it() {
    let project = Project::new(&[("release.plan", CALLS)]);
    snapshot!(
        project,
        "run",
        "release.plan",
        "release",
        "--seed",
        "1",
        "--parallel",
        "1"
    );
    snapshot!(project, "show", "last");
    snapshot!(project, "logs", "last", "regions[eu]");
    snapshot!(project, "logs", "last", "regions[eu]/push");
    let shown = project.run(&["show", "last", "--json"]);
    let summary: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let ids: Vec<&str> = summary["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let expected = [
        "build",
        "regions",
        "regions[eu]",
        "regions[eu]/pack",
        "regions[eu]/push",
        "regions[us]",
        "regions[us]/pack",
        "regions[us]/push",
    ];
    assert_eq!(ids, expected);
    assert_replays(&project);
}

#[test]
fn an_abort_undoes_last_first_and_says_what_it_could_not_undo() {
    let project = Project::new(&[("deploy.plan", ABORT)]);
    snapshot!(
        project,
        "run",
        "deploy.plan",
        "deploy",
        "--seed",
        "1",
        "--parallel",
        "1"
    );
    snapshot!(project, "show", "last");
    let world = std::fs::read_to_string(project.path().join("world")).expect("the world");
    assert_eq!(world, "host\nfiles\nlink\nundo files\nundo host\n");
    assert_replays(&project);
}

#[test]
fn the_report_has_what_was_called_where_it_belongs_and_what_was_undone() {
    let project = Project::new(&[("deploy.plan", ABORT)]);
    assert_eq!(
        project.run(&["run", "deploy.plan", "deploy", "--quiet"]).status.code(),
        Some(3)
    );
    let report = project.run(&["report", "last"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    let at = |what: &str| {
        report
            .find(what)
            .unwrap_or_else(|| panic!("`{what}` is not in\n{report}"))
    };
    let ran = at("## What ran");
    assert!(at("| `app`") > ran && at("| ↳ `app/files`") > at("| `app`"), "{report}");
    for what in [
        "## What was undone",
        "`app/files` was undone",
        "`host` was undone",
        "`app/link` was not undone, what it did is still there: failure: exit code 4: still linked",
    ] {
        at(what);
    }
}
