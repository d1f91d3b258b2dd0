//! `new`, `diff`, `compile --snapshot` and `--verify`.

use plan_tests::Project;

use super::snapshot;

const OLD: &str = "\
plan ship \"Ship\"
  version: 1.2.0
  params:
    target: staging | production
    retries: int = 3
  outputs:
    url: string = deploy.stdout
  secrets:
    token: env(\"TOKEN\")
  task build
    run: |
      make
      echo {{ params.target }}
    timeout: 10m
  task check
    needs: build
    run: \"make test\"
    effects: read(\"src/**\")
  task deploy
    needs: check
    run: \"make deploy\"
  task report
    needs: deploy
    run: \"echo done\"
";

const NEW: &str = "\
plan ship \"Ship\"
  version: 1.2.0
  params:
    target: staging | canary
    retries: int = 5
    region: string
    note: string = \"\"
  outputs:
    url: string = deploy.stdout
    log: string = compile.stdout
  secrets:
    token: env(\"TOKEN\")
  task compile
    run: |
      make
      echo {{ params.target }}
    timeout: 10m
  task check
    needs: compile
    run: \"make test\"
    effects: read(\"src/**\"), network(\"example.org\")
  gate look
    needs: check
    approver: role/release
  task deploy
    needs: look
    run: |
      make deploy
      echo {{ params.region }}
";

#[test]
fn a_diff_says_what_changed_and_what_that_means() {
    let project = Project::new(&[("old.plan", OLD), ("new.plan", NEW)]);
    snapshot!(project, "diff", "old.plan", "new.plan");
    snapshot!(project, "diff", "old.plan", "new.plan", "--bump");
    snapshot!(project, "diff", "old.plan", "old.plan", "--exit-code");
    assert_eq!(
        project
            .run(&["diff", "old.plan", "new.plan", "--exit-code"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn a_diff_for_machines() {
    let project = Project::new(&[
        ("old.plan", OLD),
        ("new.plan", &OLD.replace("timeout: 10m", "timeout: 20m")),
    ]);
    let output = project.run(&["diff", "old.plan", "new.plan", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["next"], "1.2.1");
    assert_eq!(report["class"], "fix");
    let changes = serde_json::json!([{
        "what": "task",
        "name": "build",
        "change": "changed",
        "clauses": [{ "clause": "timeout", "old": "10m", "new": "20m", "class": "fix" }],
        "class": "fix",
    }]);
    assert_eq!(report["changes"], changes);
}

#[test]
fn before_the_first_release_breaking_raises_the_second_number() {
    let early = |text: &str| text.replace("1.2.0", "0.4.1");
    let project = Project::new(&[
        ("old.plan", &early(OLD)),
        ("new.plan", &early(NEW)),
        ("fix.plan", &early(OLD).replace("10m", "20m")),
        ("none.plan", &OLD.replace("  version: 1.2.0\n", "")),
    ]);
    let bump = |old: &str, new: &str| {
        let output = project.run(&["diff", old, new, "--bump"]);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(bump("old.plan", "new.plan"), "0.5.0");
    assert_eq!(bump("old.plan", "fix.plan"), "0.4.2");
    assert_eq!(bump("old.plan", "old.plan"), "0.4.1");
    assert_eq!(bump("none.plan", "new.plan"), "0.1.0");
}

#[test]
fn what_is_compared_may_be_compiled_or_come_in() {
    let two = format!("{OLD}\nplan other\n  task a\n    run: \"true\"\n");
    let project = Project::new(&[("a.plan", OLD), ("two.plan", &two)]);
    project.run(&["compile", "a.plan", "--out", "a.json"]);
    let same = |args: &[&str], input: &str| {
        let output = project.run_with_input(&[&["diff", "--exit-code"], args].concat(), input.as_bytes());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{args:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    };
    same(&["a.json", "a.plan"], "");
    same(&["two.plan:ship", "a.plan"], "");
    same(&["-", "a.plan"], OLD);
    same(&["-", "a.plan"], &project.read("a.json"));
}

#[test]
fn what_cannot_be_compared() {
    let project = Project::new(&[
        ("a.plan", OLD),
        ("broken.plan", "task a\n  needs: gone\n"),
        ("text.json", "[]"),
        ("old.json", "{\"format\":\"plan-ir/1\"}"),
    ]);
    snapshot!(project, "diff", "gone.plan", "a.plan");
    snapshot!(project, "diff", "broken.plan", "a.plan");
    snapshot!(project, "diff", "text.json", "a.plan");
    snapshot!(project, "diff", "old.json", "a.plan");
    snapshot!(project, "diff", "-", "-");
    snapshot!(project, "diff", "a.plan:gone", "a.plan");
    snapshot!(project, "diff", "--help");
}

#[test]
fn a_snapshot_holds_all_plans_of_a_file_and_sees_what_they_mean() {
    let plans = "plan a\n  task x\n    run: \"true\"\n\nplan b\n  task y\n    run: \"true\"\n    timeout: 1m\n";
    let project = Project::new(&[("a.plan", plans)]);
    snapshot!(project, "compile", "a.plan", "--verify");
    snapshot!(project, "compile", "a.plan", "--snapshot");
    assert_eq!(project.read("a.plan.snap").matches("\n# plan ").count(), 2);
    project.write("a.plan", format!("# moved\n\n{plans}").as_bytes());
    snapshot!(project, "compile", "a.plan", "--verify");
    project.write("a.plan", plans.replace("1m", "2m").as_bytes());
    snapshot!(project, "compile", "a.plan", "--verify");
}

#[test]
fn a_snapshot_that_cannot_be_made() {
    let project = Project::new(&[("a.plan", "type A = string\n"), ("b.plan", "task a\n  needs: gone\n")]);
    snapshot!(project, "compile", "a.plan", "--snapshot");
    snapshot!(project, "compile", "b.plan", "--snapshot");
    snapshot!(project, "compile", "-", "--snapshot");
    assert!(!project.path().join("b.plan.snap").exists());
}

#[test]
fn every_template_checks_without_a_hint_and_is_formatted() {
    let project = Project::new(&[]);
    let list = String::from_utf8(project.run(&["new", "--list"]).stdout).expect("text");
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 5, "{list}");
    for name in names {
        let plan = format!("my-{name}");
        let output = project.run(&["new", &plan, "--template", name]);
        assert_eq!(output.status.code(), Some(0), "{name}");
        let file = format!("{plan}.plan");
        assert!(project.read(&file).contains("\ntest \""), "{name} has no test");
        assert!(!project.read(&file).contains("NAME"), "{name} has a name left");
        let check = project.run(&["check", "--hints", "--format", "short", &file]);
        assert_eq!(String::from_utf8_lossy(&check.stdout), "", "{name}");
        assert_eq!(check.status.code(), Some(0), "{name}");
        assert_eq!(project.run(&["fmt", "--check", &file]).status.code(), Some(0), "{name}");
        assert_eq!(project.run(&["compile", &file]).status.code(), Some(0), "{name}");
    }
}

#[test]
fn a_new_plan_overwrites_nothing() {
    let project = Project::new(&[("a.plan", "task a\n"), ("plans/x.txt", "")]);
    snapshot!(project, "new", "--list");
    snapshot!(project, "new", "build");
    snapshot!(project, "new", "a");
    assert_eq!(project.read("a.plan"), "task a\n");
    snapshot!(project, "new", "gone/x");
    snapshot!(project, "new", "9-lives");
    snapshot!(project, "new");
    assert_eq!(project.run(&["new", "plans/deep.plan"]).status.code(), Some(0));
    assert!(project.read("plans/deep.plan").contains("plan deep "));
}
