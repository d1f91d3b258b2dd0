//! Old runs and what only they refer to are removed, and nothing else.

use plan_tests::Project;
use serde_json::Value;

const PLAN: &str = "\
plan keep
  params:
    text: string
  outputs:
    report: file = write.report
  task write
    run: \"echo {{ params.text }} >report.md\"
    output:
      report: file = file(\"report.md\")
";

fn collect(project: &Project, args: &[&str]) -> Value {
    let output = project.run(&[&["gc", "--json"], args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn old_runs_go_and_a_report_that_a_kept_run_made_stays() {
    let project = Project::new(&[("keep.plan", PLAN)]);
    for text in ["one", "two", "one"] {
        let output = project.run(&["run", "keep.plan", "--param", &format!("text={text}")]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let planned = collect(&project, &["--keep", "1", "--dry-run"]);
    let done = collect(&project, &["--keep", "1"]);
    assert_eq!(planned["runs"], done["runs"]);
    assert_eq!(
        (planned["dry_run"].clone(), done["dry_run"].clone()),
        (true.into(), false.into())
    );
    // the report of the second run is the only one that nobody has any more
    assert_eq!((&done["runs_kept"], &done["artifacts"]), (&1.into(), &1.into()));
    let verified = project.run(&["verify", "last"]);
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
    let again = collect(&project, &["--keep", "1"]);
    assert_eq!(
        (&again["runs"], &again["artifacts"]),
        (&Value::Array(Vec::new()), &0.into())
    );
}

#[test]
fn a_duration_or_a_size_that_is_none_is_said() {
    let project = Project::new(&[("keep.plan", PLAN)]);
    let output = project.transcript(&["gc", "--older-than", "soon"]);
    assert!(
        output.contains("`--older-than soon` is no duration, expected one as `30d`"),
        "{output}"
    );
    let output = project.transcript(&["gc", "--max-size", "big"]);
    assert!(
        output.contains("`--max-size big` is no size, expected one as `5GB`"),
        "{output}"
    );
}
