//! `dslc check`: the three forms, what it walks, how it ends.

use plan_tests::Project;

use super::snapshot;

const WRONG: &str = "\
task build \"Größe\"
  run: |
    echo 1
  timeout: 5MB

task ship
  needs: biuld
  run: \"true\"
";

const WARNS: &str = "task a\n  run: \"true\"\n  effects: destructive\n";

#[test]
fn pretty_shows_the_lines_of_the_plan() {
    snapshot!(Project::new(&[("a.plan", WRONG)]), "check", "a.plan");
}

#[test]
fn of_a_hopeless_file_people_see_the_gravest_hundred_and_machines_everything() {
    // above all errors, so that the first hundred by place would be warnings
    let warnings: String = (0..60)
        .map(|at| format!("task w{at}\n  run: \"true\"\n  effects: destructive\n"))
        .collect();
    let errors: String = (0..1200).map(|at| format!("task t{at}\n  needs: u{at}\n")).collect();
    let project = Project::new(&[("a.plan", &format!("{warnings}{errors}"))]);
    let printed = |args: &[&str]| String::from_utf8(project.run(args).stdout).expect("UTF-8");
    let count = |args: &[&str], what: &str| printed(args).matches(what).count();
    assert_eq!(count(&["check"], "error[unresolved-name]"), 100);
    assert_eq!(count(&["check"], "warning["), 0);
    let last = printed(&["check"]).lines().last().map(str::to_owned);
    let left = "… and 1,160 more in a.plan; `dslc check --all` shows them";
    assert_eq!(last.as_deref(), Some(left));
    let ends = |args: &[&str]| {
        let output = project.run(args);
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    let (code, summary) = ends(&["check"]);
    assert_eq!(code, Some(1));
    assert!(summary.contains("1200 errors, 60 warnings"), "{summary}");
    assert_eq!(ends(&["check", "--all"]).0, code);
    assert_eq!(count(&["check", "--all"], "error[unresolved-name]"), 1200);
    assert_eq!(count(&["check", "--format", "json"], "\"unresolved-name\""), 1200);
    assert_eq!(count(&["check", "--format", "short"], "error[unresolved-name]"), 1200);
}

#[test]
fn an_import_that_cannot_be_read_is_said_with_the_reason() {
    let project = Project::new(&[("a.plan", "use \"lib.plan\"\n\ntype Pair\n  left: string\n")]);
    std::fs::create_dir(project.path().join("lib.plan")).expect("made");
    let printed = String::from_utf8(project.run(&["check", "--format", "short", "a.plan"]).stdout).expect("UTF-8");
    assert_eq!(
        printed,
        "a.plan:1:5: error[unresolved-import]: `lib.plan` cannot be read: it is a folder\n"
    );
}

#[test]
fn short_is_one_line_each() {
    snapshot!(
        Project::new(&[("a.plan", WRONG)]),
        "check",
        "--format",
        "short",
        "a.plan"
    );
}

#[test]
fn json_is_one_object_a_line_and_a_summary() {
    snapshot!(
        Project::new(&[("a.plan", WRONG)]),
        "check",
        "--format",
        "json",
        "a.plan"
    );
}

#[test]
fn the_workspace_is_checked_in_path_order() {
    let files = [
        ("b/x.plan", WRONG),
        ("a.plan", WARNS),
        ("c.plan", "task a\n"),
        ("notes.txt", "no plan"),
    ];
    snapshot!(Project::new(&files), "check", "--format", "short");
}

#[test]
fn what_git_ignores_is_not_walked_but_may_be_named() {
    let project = Project::new(&[("out/a.plan", WRONG), (".gitignore", "out/\n"), ("b.plan", "task a\n")]);
    snapshot!(project, "check", "--format", "short");
    snapshot!(project, "check", "--format", "short", "out/a.plan");
}

#[test]
fn the_settings_include_and_exclude() {
    let settings = "[workspace]\ninclude = [\"flows/**\"]\nexclude = [\"flows/old/**\"]\n";
    let files = [
        ("dslc.toml", settings),
        ("a.plan", WRONG),
        ("flows/b.plan", "task a\n"),
        ("flows/old/c.plan", WRONG),
    ];
    snapshot!(Project::new(&files), "check", "--format", "json");
}

#[test]
fn a_rule_can_be_raised_or_silenced_in_the_settings() {
    let files = [
        (
            "dslc.toml",
            "[lint]\nunhandled-doubt = \"error\"\nunknown-kind = \"allow\"\n",
        ),
        ("a.plan", WARNS),
        ("b.plan", "task a kind:ponder\n"),
    ];
    snapshot!(Project::new(&files), "check", "--format", "short");
}

#[test]
fn what_makes_another_plan_of_it_is_always_an_error() {
    let files = [
        ("dslc.toml", "[lint]\nunresolved-name = \"allow\"\n"),
        ("b.plan", WRONG),
    ];
    snapshot!(Project::new(&files), "check", "--format", "short");
}

#[test]
fn settings_that_say_nothing_known_are_refused() {
    snapshot!(Project::new(&[("dslc.toml", "[workspace]\nexlude = []\n")]), "check");
}

#[test]
fn warnings_fail_only_when_denied() {
    let project = Project::new(&[("a.plan", WARNS)]);
    snapshot!(project, "check", "--format", "short");
    snapshot!(project, "check", "--format", "short", "--deny", "warnings");
}

#[test]
fn an_import_is_checked_with_what_imports_it() {
    let files = [
        ("main.plan", "use \"lib/types.plan\"\ntask a\n"),
        ("lib/types.plan", "type A\n  x: Nothing\n"),
    ];
    snapshot!(Project::new(&files), "check", "--format", "short", "main.plan");
}

#[test]
fn standard_input_is_a_dash() {
    let project = Project::new(&[]);
    let output = project.run_with_input(&["check", "--format", "short", "-"], WRONG.as_bytes());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.lines().all(|line| line.starts_with("<stdin>:")), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn nothing_to_check_is_said() {
    snapshot!(Project::new(&[]), "check");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let project = Project::new(&[]);
    let many: String = (0..2_000)
        .map(|n| format!("task t{n}\n  needs: nothing-{n}\n"))
        .collect();
    project.write("a.plan", many.as_bytes());
    let mut child = project
        .command(&["check", "--format", "short", "a.plan"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("dslc starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("dslc ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(1), "the plan is as wrong as before");
}

#[test]
fn colours_come_only_when_asked_for_without_a_terminal() {
    let project = Project::new(&[("a.plan", WRONG)]);
    let plain = project.run(&["check", "a.plan"]);
    assert!(!plain.stdout.contains(&0x1b));
    let colored = project
        .command(&["check", "--color", "always", "a.plan"])
        .env_remove("NO_COLOR")
        .output()
        .expect("runs");
    assert!(colored.stdout.contains(&0x1b));
}

#[test]
fn a_plan_cannot_drive_the_terminal() {
    let project = Project::new(&[]);
    project.write(
        "a.plan",
        b"task a \"\x1b]0;title\x07\"\n  needs: x\x1b[31m \xe2\x80\xae\n  run: \"\xc2\x9b31m\"\n",
    );
    let output = project.run(&["check", "a.plan"]);
    assert!(!output.stdout.contains(&0x1b));
    assert!(!String::from_utf8_lossy(&output.stdout).contains(['\u{202e}', '\u{9b}', '\u{7}']));
    assert_eq!(output.status.code(), Some(1));
}
