//! Calls of capabilities that this machine carries out, their budgets, and what is refused before it starts.

use plan_tests::Project;
use serde_json::Value;

fn summary(project: &Project) -> Value {
    let shown = project.run(&["show", "last", "--json"]);
    serde_json::from_slice(&shown.stdout).expect("JSON")
}

const COUNT: &str = r#"
capability count "Counts"
  input:
    name: string
    fails-at: int = 0
  output:
    n: int
    note: string
  cost: $0.40 per call
  runner: shell("echo x >> $name; n=$(wc -l < $name); test $n != $fails_at; printf '{\"n\": %d, \"note\": \"%s\"}' $n $name")
"#;

#[test]
fn a_shell_runner_answers_and_a_retry_goes_on_at_the_line_that_failed() {
    let plan = format!(
        "{COUNT}
plan p
  outputs:
    n: int = steps.n
    text: string = text.text
  task steps
    do:
      count(name: \"one\") -> a
      count(name: \"two\", fails-at: 1) -> b
      count(name: a.note) -> c
      file.write(path: \"out/found.txt\", text: \"{{{{ c.note }}}} {{{{ b.n }}}}\") -> written
    output:
      n: int = c.n
      path: path = written.path
    retry: 1
  task text using:file.read
    needs: steps
    input:
      path: steps.path
"
    );
    let project = Project::new(&[("p.plan", &plan)]);
    let ran = project.run(&["run", "p.plan"]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(0), "{said}");
    let summary = summary(&project);
    // the first line is not run again: the third is the second call that counts for `one`
    assert_eq!(summary["outputs"]["n"], 2, "{said}");
    assert_eq!(summary["outputs"]["text"], "one 2", "{said}");
    assert_eq!(summary["nodes"][0]["attempts"], 2);
    assert_eq!(summary["nodes"][0]["cost"], "1.60");
    assert_eq!(summary["cost"], "1.60");
    let replayed = project.run(&["replay", "last"]);
    assert_eq!(replayed.status.code(), Some(0));
}

#[test]
fn a_spent_budget_pauses_the_run_until_it_is_raised() {
    let plan = format!(
        "{COUNT}
plan p
  params:
    names: list[string] = [\"n\", \"n\"]
  budget:
    cost: $0.50
  task all using:count
    each: name in params.names
    parallel: 1
    input:
      name: name
"
    );
    let project = Project::new(&[("p.plan", &plan)]);
    let ran = project.run(&["run", "p.plan"]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(4), "{said}");
    assert!(said.contains("--budget cost=…"), "{said}");
    assert_eq!(summary(&project)["status"], "paused");
    let again = project.run(&["resume", "last"]);
    assert_eq!(again.status.code(), Some(4));
    let wrong = project.run(&["resume", "last", "--budget", "coffee=2"]);
    assert_eq!(wrong.status.code(), Some(2));
    let raised = project.run(&["resume", "last", "--budget", "cost=1"]);
    assert_eq!(
        raised.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&raised.stderr)
    );
    let summary = summary(&project);
    assert_eq!(summary["cost"], "0.80");
    assert_eq!(summary["status"], "completed");
    assert_eq!(summary["nodes"][0]["attempts"], 2);
}

#[test]
fn a_capability_judges_prose() {
    let plan = r#"
capability review "Judges"
  input:
    sentence: string
    made: json
  output:
    holds: bool
  runner: shell("case $sentence in *short*) echo false;; *) echo true;; esac")

plan p
  judge: review
  failure: continue
  task good
    run: "true"
    expect:
      - "It reads well"
  task bad
    run: "true"
    expect:
      - "It is short"
"#;
    let project = Project::new(&[("p.plan", plan)]);
    let ran = project.run(&["run", "p.plan"]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(3), "{said}");
    let summary = summary(&project);
    assert_eq!(summary["nodes"][0]["status"], "completed", "{said}");
    assert_eq!(summary["nodes"][1]["error"]["kind"], "expectation");
    assert_eq!(summary["unverified"], serde_json::json!([]));
}

#[test]
fn what_nothing_here_carries_out_is_refused_before_anything_starts() {
    let plan = r#"
capability web.search "Searches"
  input:
    query: string
  output:
    items: list[string]
  runner: mcp(command: ["server"], tool: "search")

plan p
  task first
    run: "touch ran"
  task second using:web.search
    input:
      query: "x"
"#;
    let project = Project::new(&[("p.plan", plan)]);
    for arguments in [&["run", "p.plan"][..], &["run", "p.plan", "--dry-run"]] {
        let ran = project.run(arguments);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(1), "{said}");
        assert!(
            said.contains("`using: web.search` of `second` in line 12 (run by `mcp`)"),
            "{said}"
        );
    }
    let runs = project.run(&["runs", "--json"]);
    assert!(!String::from_utf8_lossy(&runs.stdout).contains("\"run\""));
}
