//! `--profile`: plans that are compiled, bounded, drawn and run with the values of one of their profiles.

use plan_tests::Project;

use super::snapshot;

const PLAN: &str = "\
plan release \"Release\"
  params:
    target: string = \"staging\"
  timeout: 1h

  task build
    run: |
      echo {{ params.target }} \"$LEVEL\"
    env:
      LEVEL: \"info\"
    timeout: 10m

  task ship
    needs: build
    run: |
      echo shipped
    timeout: 10m

profile production of release
  timeout: 2h
  params.target: \"the world\"
  limits.parallel: 2
  build.timeout: 1m
  build.env.LEVEL: \"warn\"
  build.retry: 2
  ship.when: params.target != \"nowhere\"

profile quick of release
  ship.when: false
";

fn project() -> Project {
    Project::new(&[("release.plan", PLAN)])
}

fn json(project: &Project, args: &[&str]) -> serde_json::Value {
    let output = project.run(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.trim_end().lines().last().unwrap_or_default();
    serde_json::from_str(last).expect("JSON")
}

#[test]
fn a_profile_changes_the_compiled_plan_where_it_says_so_and_nowhere_else() {
    let project = project();
    let plain = json(&project, &["compile", "release.plan"]);
    let under = json(&project, &["compile", "release.plan", "--profile", "production"]);
    assert_eq!(plain["profile"], serde_json::Value::Null);
    assert_eq!(under["profile"], "production");
    snapshot!(
        project,
        "compile",
        "release.plan",
        "--pretty",
        "--profile",
        "production"
    );
    project.write("plain.json", plain.to_string().as_bytes());
    let mut same = under.clone();
    for key in ["profile", "timeout_ms", "params", "limits", "nodes"] {
        let fields = same.as_object_mut().expect("a plan");
        match plain.get(key) {
            Some(value) => drop(fields.insert(key.to_owned(), value.clone())),
            None => drop(fields.remove(key)),
        }
    }
    assert_eq!(same, plain);
}

#[test]
fn bounds_and_dry_runs_are_those_under_the_profile() {
    let project = project();
    snapshot!(project, "bounds", "release.plan", "--profile", "production");
    snapshot!(project, "run", "release.plan", "--dry-run", "--profile", "production");
}

#[test]
fn an_unknown_profile_is_refused_with_the_nearest() {
    let project = project();
    snapshot!(project, "compile", "release.plan", "--profile", "prodution");
    snapshot!(project, "graph", "release.plan", "--profile", "nightly");
    project.write("bare.plan", b"task build\n  run: \"true\"\n");
    snapshot!(project, "bounds", "bare.plan", "--profile", "production");
}

#[test]
fn a_run_under_a_profile_does_as_that_says_and_remembers_it() {
    let project = project();
    let run = json(
        &project,
        &["run", "release.plan", "--profile", "quick", "--format", "json"],
    );
    assert_eq!(run["summary"]["profile"], "quick");
    let nodes = run["summary"]["nodes"].as_array().expect("nodes");
    let status = |at: usize| nodes[at]["status"].as_str().unwrap_or_default().to_owned();
    assert_eq!((status(0), status(1)), ("completed".to_owned(), "skipped".to_owned()));
    let shown = json(&project, &["show", "last", "--json"]);
    assert_eq!(shown["profile"], "quick");
    let plain = json(&project, &["run", "release.plan", "--format", "json"]);
    assert_eq!(plain["summary"]["profile"], serde_json::Value::Null);
}

#[test]
fn an_implicit_plan_has_profiles_too() {
    let text = "task build\n  run: |\n    echo built\n  timeout: 10m\n\nprofile quick of bare\n  timeout: 5m\n  build.timeout: 1m\n";
    let project = Project::new(&[("bare.plan", text)]);
    let under = json(&project, &["compile", "bare.plan", "--profile", "quick"]);
    assert_eq!(under["timeout_ms"], 300_000);
    assert_eq!(under["nodes"][0]["line"], 1);
}
