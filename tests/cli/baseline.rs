//! `dslc check --baseline`: only what is new fails.

use plan_tests::Project;

use super::snapshot;

const OLD: &str = "task a\n  needs: gone\n  run: \"true\"\n\ntask b\n  needs: gone\n  run: \"true\"\n";

#[test]
fn what_is_known_does_not_fail_and_what_is_new_does() {
    let project = Project::new(&[
        ("a.plan", OLD),
        ("sub/b.plan", "task x\n  run: \"true\"\n  effects: destructive\n"),
    ]);
    snapshot!(project, "check", "--baseline", "known.jsonl", "--write-baseline");
    snapshot!(project, "check", "--baseline", "known.jsonl");
    let recorded = project.read("known.jsonl");
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(recorded);
    });
    let moved = format!("# more\n\ntask first\n  run: \"true\"\n\n{OLD}");
    project.write("a.plan", moved.as_bytes());
    assert_eq!(
        project.run(&["check", "--baseline", "known.jsonl"]).status.code(),
        Some(0),
        "lines have moved"
    );
    project.write("a.plan", format!("{moved}\ntask c\n  needs: gone, lost\n").as_bytes());
    snapshot!(project, "check", "--format", "short", "--baseline", "known.jsonl");
}

#[test]
fn the_folder_one_stands_in_does_not_matter() {
    let project = Project::new(&[("dslc.toml", ""), ("sub/b.plan", OLD), ("sub/ci/empty.txt", "")]);
    project.run(&["check", "--baseline", "sub/ci/known.jsonl", "--write-baseline"]);
    let output = project
        .command(&["check", "--baseline", "ci/known.jsonl"])
        .current_dir(project.path().join("sub"))
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_was_repaired_is_said() {
    let project = Project::new(&[("a.plan", OLD), ("b.plan", OLD)]);
    project.run(&["check", "--baseline", "known.jsonl", "--write-baseline"]);
    project.write("a.plan", b"task a\n");
    snapshot!(project, "check", "--baseline", "known.jsonl");
    snapshot!(project, "check", "--baseline", "known.jsonl", "b.plan");
}

#[test]
fn machines_get_the_new_ones_only() {
    let project = Project::new(&[("a.plan", OLD)]);
    project.run(&["check", "--baseline", "known.jsonl", "--write-baseline"]);
    let output = project.run(&["check", "--baseline", "known.jsonl", "--format", "json"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "{\"summary\":{\"files\":1,\"errors\":0,\"warnings\":0}}\n"
    );
}

#[test]
fn a_baseline_that_cannot_be_used() {
    let project = Project::new(&[
        ("a.plan", OLD),
        ("new.jsonl", "{\"dslc-baseline\":2}\n"),
        ("bad.jsonl", "{\"dslc-baseline\":1}\n{\"file\":\"a.plan\"}\n"),
    ]);
    snapshot!(project, "check", "--baseline", "none.jsonl");
    snapshot!(project, "check", "--baseline", "new.jsonl");
    snapshot!(project, "check", "--baseline", "bad.jsonl");
    snapshot!(
        project,
        "check",
        "--baseline",
        "no/such/folder.jsonl",
        "--write-baseline"
    );
    snapshot!(project, "check", "--write-baseline");
}
