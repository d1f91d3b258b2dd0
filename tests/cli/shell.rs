//! `shell-lint`: what shellcheck said stands at its place in the plan. The answers are recorded from shellcheck 0.9;
//! the real program is asked in `cargo xtask test --all`.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use plan_tests::Project;

const PLAN: &str = "\
plan p
  params:
    name: string = \"x\"
  task pack
    input:
      risk-level: \"high\"
    run: |
      cd out
      tar czf é $FILES {{ params.name }}
      test $risk_level = \"{{ params.name }}\"
";

/// Of the script above; file `0` is the first that a process is given.
const ANSWER: &str = r#"{"comments":[
{"file":"0","line":1,"endLine":1,"column":1,"endColumn":7,"level":"warning","code":2164,"message":"Use 'cd ... || exit' or 'cd ... || return' in case cd fails.","fix":null},
{"file":"0","line":2,"endLine":2,"column":11,"endColumn":17,"level":"info","code":2086,"message":"Double quote to prevent globbing and word splitting.","fix":{"replacements":[{"column":11,"endColumn":11,"endLine":2,"insertionPoint":"afterEnd","line":2,"precedence":7,"replacement":"\""},{"column":17,"endColumn":17,"endLine":2,"insertionPoint":"beforeStart","line":2,"precedence":7,"replacement":"\""}]}},
{"file":"0","line":3,"endLine":3,"column":6,"endColumn":17,"level":"warning","code":2154,"message":"risk_level is referenced but not assigned.","fix":null},
{"file":"0","line":3,"endLine":3,"column":21,"endColumn":38,"level":"info","code":9999,"message":"About the interpolation.","fix":{"replacements":[{"column":21,"endColumn":25,"endLine":3,"insertionPoint":"afterEnd","line":3,"precedence":7,"replacement":"x"}]}}
]}"#;

/// A project in which shellcheck answers with that text, and notes that it was asked.
fn project(plan: &str, answer: &str) -> Project {
    let project = Project::new(&[("a.plan", plan), ("answer.json", answer)]);
    let home = project.path().display();
    // what is in quotes is well
    let program = format!(
        "#!/bin/sh\ncat -- \"$@\" > '{home}/asked' 2>/dev/null\n\
         if grep -q '\"$FILES\"' '{home}/asked'; then echo '{{\"comments\":[]}}'; else cat '{home}/answer.json'; fi\nexit 1\n"
    );
    project.write("shellcheck", program.as_bytes());
    let path = project.path().join("shellcheck");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("ours");
    project
}

fn check(project: &Project, args: &[&str]) -> Output {
    let mut command = project.command(args);
    command.env("DSLC_SHELLCHECK", project.path().join("shellcheck"));
    command.output().expect("dslc starts")
}

fn found(project: &Project) -> String {
    let output = check(project, &["check", "--format", "short", "a.plan"]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn findings_stand_at_their_place_in_the_plan() {
    let project = project(PLAN, ANSWER);
    // a `cd` that may fail ends the script, and the plan assigns `risk_level`
    insta::assert_snapshot!(found(&project), @r"
    a.plan:9:17: warning[shell-lint]: Double quote to prevent globbing and word splitting [SC2086]
    a.plan:10:27: warning[shell-lint]: About the interpolation [SC9999]
    ");
}

#[test]
fn shellcheck_reads_an_interpolation_as_a_variable_that_is_as_long() {
    let project = project(PLAN, ANSWER);
    found(&project);
    insta::assert_snapshot!(project.read("asked"), @r#"
    cd out
    tar czf é $FILES "$DDDDDDDDDDDDDD"
    test $risk_level = "${DDDDDDDDDDDDDD}"
    "#);
}

#[test]
fn its_repairs_are_made_when_asked_for_but_never_inside_an_interpolation() {
    let project = project(PLAN, ANSWER);
    let output = check(&project, &["check", "--fix", "--unsafe-fixes", "a.plan"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(project.read("a.plan"), PLAN.replace("$FILES", "\"$FILES\""));
}

#[test]
fn a_comment_silences_a_line_or_a_whole_script() {
    let line = PLAN.replace("      tar", "      # allow(shell-lint): two files\n      tar");
    let moved = ANSWER.replace("\"line\":3,\"endLine\":3", "\"line\":4,\"endLine\":4");
    let moved = moved.replace("\"line\":2,\"endLine\":2", "\"line\":3,\"endLine\":3");
    let found_below = found(&project(&line, &moved));
    assert!(
        !found_below.contains("SC2086") && found_below.contains("SC9999"),
        "{found_below}"
    );

    let whole = PLAN.replace("    run:", "    # allow(shell-lint): it is as it is\n    run:");
    assert_eq!(found(&project(&whole, ANSWER)), "");
}

#[test]
fn where_it_is_missing_or_talks_nonsense_nothing_is_said() {
    assert_eq!(found(&project(PLAN, "no JSON")), "");
    assert_eq!(found(&project(PLAN, r#"{"comments":[{"file":"7"}]}"#)), "");
    let missing = project(PLAN, ANSWER);
    std::fs::remove_file(missing.path().join("shellcheck")).expect("ours");
    assert_eq!(found(&missing), "");
}

#[test]
fn where_the_rule_is_off_it_is_not_asked() {
    let project = project(PLAN, ANSWER);
    project.write("dslc.toml", b"[lint]\nshell-lint = \"allow\"\n");
    assert_eq!(found(&project), "");
    assert!(!project.path().join("asked").exists());
}

#[test]
fn scripts_for_other_interpreters_and_plain_words_are_not_looked_at() {
    let plan = "task a using:python\n  run: \"print('$x')\"\ntask b\n  run: \"make all\"\n";
    let project = project(plan, ANSWER);
    assert_eq!(found(&project), "");
    assert!(!project.path().join("asked").exists());
}

#[test]
fn too_many_scripts_are_left_out_and_that_is_said() {
    let task = |at: usize| format!("task t{at}\n  run: \"echo $x {at}\"\n");
    let project = project(&(0..513).map(task).collect::<String>(), ANSWER);
    let output = check(&project, &["check", "a.plan"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("shell-lint left out: there are more than 512 scripts"),
        "{said}"
    );
    assert!(!project.path().join("asked").exists());
}
