//! `bounds`: times and money as they are, so nothing is masked.

use plan_tests::{Project, root};

const PLAN: &str = "\
capability web.search
  input:
    query: string
  cost: $0.50 per call

plan research \"Find out\"
  params:
    links: list[string](..20)
    deep: list[string]
  budget:
    time: 2h
    cost: $10.00
    tokens: 9000
  limits:
    parallel: 4
  retry: exponential(max: 2, base: 10s)
  task search using:web.search
    input:
      query: \"x\"
    timeout: 5m
    budget:
      tokens: 5000
    fallback: guess
  task guess
    run: \"true\"
    timeout: 1m
  task fetch
    needs: search
    each: link in params.links
    parallel: 5
    run: \"true\"
    timeout: 2m
  task dig
    needs: fetch
    each: link in params.deep
    run: \"true\"
  gate good
    needs: fetch
    approver: role/editor
    timeout: 1d
  gate better
    needs: good
    approver: role/editor
  task publish
    needs: better
    run: \"true\"
    timeout: 10m
";

fn stdout(project: &Project, args: &[&str]) -> String {
    let output = project.run(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

macro_rules! snapshot {
    ($text:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, { insta::assert_snapshot!($text) })
    };
}

#[test]
fn bounds_say_where_the_time_and_the_money_go() {
    let project = Project::new(&[("a.plan", PLAN)]);
    snapshot!(stdout(&project, &["bounds", "a.plan"]));
    snapshot!(stdout(&project, &["bounds", "a.plan", "--format", "json"]));
}

#[test]
fn bounds_of_the_examples() {
    let project = Project::new(&[]);
    for name in ["delivery", "http3-research", "repo-audit", "debug-500"] {
        let path = root().join(format!("examples/{name}.plan"));
        snapshot!(stdout(&project, &["bounds", &path.display().to_string()]));
    }
}

#[test]
fn a_plan_over_its_limits_has_bounds_like_any_other() {
    let plan = "plan p\n  timeout: 1m\n  budget:\n    time: 30s\n  task a\n    run: \"true\"\n    timeout: 50s\n    retry: 1\n";
    let project = Project::new(&[("a.plan", plan)]);
    snapshot!(stdout(&project, &["bounds", "a.plan"]));
    let refused = project.run(&["compile", "a.plan"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("budget-exceeded"));
}

#[test]
fn a_plan_with_other_errors_has_none() {
    let project = Project::new(&[("a.plan", "task a\n  needs: b\n")]);
    let output = project.run(&["bounds", "a.plan"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_dry_run_says_the_bounds() {
    let project = Project::new(&[("a.plan", "task a\n  run: \"true\"\n  timeout: 50m\n")]);
    let text = stdout(&project, &["run", "a.plan", "--dry-run"]);
    assert!(text.contains("at worst 50m\n"), "{text}");
}
