//! `dslc check` for CI: annotations of GitHub and SARIF. The schema of SARIF is checked by `cargo xtask test --all`.

use plan_tests::Project;
use serde_json::{Value, json};

use super::snapshot;

const WRONG: &str = "\
task build \"100%, done\"
  timeout: 5MB

task ship
  needs: biuld
  run: \"true\"

task ship
  run: \"true\"
  effects: destructive
";

#[test]
fn github_gets_a_workflow_command_for_each() {
    let project = Project::new(&[("a,b.plan", WRONG), ("c.plan", "task a\n  title: \"5%\n")]);
    snapshot!(project, "check", "--format", "github");
}

#[test]
fn paths_are_those_of_the_checkout() {
    let project = Project::new(&[("flows/deep/a.plan", WRONG)]);
    let first = |checkout: &std::path::Path| {
        let output = project
            .command(&["check", "--format", "github"])
            .current_dir(project.path().join("flows"))
            .env("GITHUB_WORKSPACE", checkout)
            .output()
            .expect("runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(first(project.path()).starts_with("::error file=flows/deep/a.plan,line=2,"));
    let elsewhere = first(&project.path().join("elsewhere"));
    assert!(elsewhere.starts_with("::error file=deep/a.plan,"), "{elsewhere}");
}

fn sarif(project: &Project, args: &[&str]) -> Value {
    let output = project.run(&[&["check", "--format", "sarif"], args].concat());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn sarif_has_rules_places_labels_and_fixes() {
    let project = Project::new(&[("flow s/größe.plan", WRONG)]);
    let log = sarif(&project, &[]);
    let run = &log["runs"][0];
    assert_eq!(log["version"], "2.1.0");
    let root = run["originalUriBaseIds"]["%SRCROOT%"]["uri"].as_str().expect("a root");
    assert!(root.starts_with("file:///") && root.ends_with('/'), "{root}");
    let results = run["results"].as_array().expect("results");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index");
        assert_eq!(rules[usize::try_from(index).expect("small")]["id"], result["ruleId"]);
    }
    let of = |rule: &str| results.iter().find(|result| result["ruleId"] == rule).expect("found");
    let place = &of("unresolved-name")["locations"][0]["physicalLocation"];
    assert_eq!(
        *place,
        json!({
            "artifactLocation": { "uri": "flow%20s/gr%C3%B6%C3%9Fe.plan", "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": 5, "startColumn": 10, "endLine": 5, "endColumn": 15 },
        })
    );
    let replacement = &of("unresolved-name")["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["insertedContent"]["text"], "build");
    assert_eq!(replacement["deletedRegion"], place["region"]);
    let related = &of("duplicate-name")["relatedLocations"][0];
    assert_eq!(related["physicalLocation"]["region"]["startLine"], 4);
    assert_eq!(of("unhandled-doubt")["level"], "warning");
    let page = rules
        .iter()
        .find(|rule| rule["id"] == "unresolved-name")
        .expect("listed");
    let explained = project.run(&["explain", "unresolved-name"]).stdout;
    assert_eq!(
        page["help"]["markdown"].as_str().map(str::trim),
        Some(String::from_utf8_lossy(&explained).trim())
    );
}

#[test]
fn sarif_of_nothing_wrong_is_a_report_too() {
    let project = Project::new(&[("a.plan", "task a\n")]);
    assert_eq!(sarif(&project, &[])["runs"][0]["results"], json!([]));
    assert_eq!(project.run(&["check", "--format", "sarif"]).status.code(), Some(0));
}
