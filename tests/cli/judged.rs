//! Prose that people judge: of a task once, of a fan-out once for each instance, which goes by its key.

use plan_tests::Project;
use serde_json::Value;

use super::lasting::{status, wait_for};
use super::snapshot;

const POSTERS: &str = "\
plan posters
  judge: human
  failure: continue
  limits:
    parallel: 1
  task paint \"A poster for each region\"
    each: region in [\"eu\", \"us\", \"the rest\"] by region
    tolerate: 1
    run: \"echo {{ region }} >> {{ run.workspace }}/painted\"
    expect:
      - \"It is pretty\"
      - \"It can be read from afar\"
  task hang
    needs: paint
    run: \"echo hanging\"
";

#[test]
fn each_instance_of_a_fan_out_is_asked_about_and_answered_for_itself() {
    let project = Project::new(&[("posters.plan", POSTERS)]);
    snapshot!(project, "run", "posters.plan", "--seed", "1");
    assert_eq!(project.read("painted"), "eu\nus\nthe rest\n");
    let said = |args: &[&str]| project.transcript(&[args, &["--as", "user/ann", "--because", "looked at it"]].concat());
    let said = [
        said(&["approve", "last", "paint"]),
        said(&["approve", "last", "paint[asia]"]),
        project.transcript(&["answer", "last", "paint[eu]", "good=true"]),
        said(&["approve", "last", "paint[us]"]),
        said(&["approve", "last", "paint[us]"]),
        said(&["reject", "last", "paint[us]"]),
        said(&["reject", "last", "paint[eu]"]),
        project.transcript(&["show", "last"]),
        said(&["approve", "last", "paint[the rest]"]),
    ];
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(said.join("\n"));
    });
    wait_for(|| status(&project)["status"] == "completed");
    let summary = status(&project);
    let gates: Vec<(&Value, &Value)> = summary["gates"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|gate| (&gate["id"], &gate["status"]))
        .collect();
    assert_eq!(
        gates,
        [
            (&"paint[eu]".into(), &"rejected".into()),
            (&"paint[us]".into(), &"approved".into()),
            (&"paint[the rest]".into(), &"approved".into()),
        ]
    );
    assert_eq!(summary["unverified"], serde_json::json!([]));
    let report = project.run(&["report", "last"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    for what in ["`paint[us]`", "of anybody", "by user/ann", "looked at it"] {
        assert!(report.contains(what), "`{what}` is not in\n{report}");
    }
    for verb in ["replay", "verify"] {
        assert!(project.run(&[verb, "last"]).status.success());
    }
}
