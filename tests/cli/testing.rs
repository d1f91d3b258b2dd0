//! `dslc test` from the outside: what passes, what fails and why, what is refused.

use std::fmt::Write;

use plan_tests::{Project, root};
use serde_json::Value;

use super::snapshot;

const WORDS: &str = "\
plan words \"Words\"
  params:
    who: string = \"world\"
  outputs:
    text: string = shout.text
  task greet timeout:1m
    run: |
      echo hello {{ params.who }}
    retry: linear(max: 2, base: 1h, step: 1h)
    output:
      text: string = trim(stdout)
  task shout timeout:1m
    needs: greet
    input:
      t: greet.text
    run: |
      echo \"$t!\"
    output:
      text: string = trim(stdout)
    fail quiet when text == \"\"
    on quiet -> mend
  task mend timeout:1m
    run: \"true\"
  gate ok \"Is it?\"
    needs: shout
    approver: role/boss
    timeout: 4h
    on timeout -> late
  task late timeout:1m
    run: \"true\"
";

const PASSING: &str = "
test \"greets the moon\" of words
  given:
    who: \"moon\"
  mock task greet -> { stdout: \"hello moon\\n\" }
  mock task shout when t == \"hello moon\" -> { stdout: \"hello moon!\\n\" }
  approve ok as role/boss after 2h
  expect:
    - outputs.text == \"hello moon!\"
    - run.status == completed
    - run.duration == 2h
    - not ran(mend)
    - ran(ok) and attempts(greet) == 1

test \"nobody approves\" of words
  mock task greet fails failure times 2, then { stdout: \"hi\" }
  mock task shout -> { stdout: \"hi!\" }
  mock task late -> {}
  expect:
    - ok.error.kind == timeout
    - status(late) == completed
    - attempts(greet) == 3
    - run.duration == 7h
";

const FAILING: &str = "
test \"expects what is not so\" of words
  mock task greet -> { stdout: \"hi\" }
  mock task shout -> { stdout: \"\" }
  mock task mend -> { exit: 3, stderr: \"no glue\" }
  expect:
    - run.duration >= 1h
    - status(shout) == completed
    - shout.error.kind == failure
    - not ran(mend) and ran(greet)
    - ran(ok)
    - \"Everybody is happy\"

test \"forgets a mock\" of words
  mock task greet -> { stdout: \"hi\" }
  expect:
    - ran(shout)

test \"answers once too seldom\" of words
  mock task greet fails failure times 1
  expect:
    - attempts(greet) == 2
";

fn project(tests: &[&str]) -> Project {
    Project::new(&[("words.plan", &[&[WORDS], tests].concat().concat())])
}

#[test]
fn tests_that_pass_take_no_time() {
    let project = project(&[PASSING]);
    snapshot!(project, "test");
    snapshot!(project, "test", "words.plan", "--filter", "moon");
    assert!(!project.path().join(".dslc").exists());
}

#[test]
fn a_failing_expectation_shows_both_sides_and_the_run() {
    let project = project(&[PASSING, FAILING]);
    snapshot!(project, "test", "words.plan");
    snapshot!(project, "test", "words.plan", "--format", "json");
}

#[test]
fn nothing_to_test_is_said() {
    let project = project(&[]);
    snapshot!(project, "test");
    project.write("more.plan", PASSING.replace("of words", "of gone").as_bytes());
    snapshot!(project, "test", "more.plan");
    project.write("more.plan", format!("{WORDS}{PASSING}").as_bytes());
    snapshot!(project, "test", "more.plan", "--filter", "mars");
    snapshot!(project, "test", "gone.plan");
}

/// Those that this version cannot run say so.
#[test]
fn the_tests_of_the_examples_pass() {
    let project = Project::new(&[]);
    let examples = root().join("examples");
    let output = project.run(&["test", &examples.display().to_string(), "--format", "json"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(lines.len() > 4, "{said}{}", String::from_utf8_lossy(&output.stderr));
    let failures = lines.iter().filter_map(|line| line["failures"].as_array()).flatten();
    let is_ready = |failure: &&Value| {
        let message = failure["message"].as_str().unwrap_or_default();
        !message.ends_with("cannot be run by this version")
    };
    let failures: Vec<&Value> = failures.filter(is_ready).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn tests_are_listed_without_being_run_and_broken_files_are_left_out() {
    let text = format!("{WORDS}{PASSING}");
    let project = Project::new(&[("words.plan", &text), ("broken.plan", "task a\n  needs: gone\n")]);
    let output = project.run(&["test", "--list", "--filter", "moon", "--format", "json"]);
    assert!(output.status.success());
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let listed: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let line = text
        .lines()
        .position(|line| line.starts_with("test \"greets"))
        .expect("it is there")
        + 1;
    let expected = serde_json::json!({"test": "greets the moon", "plan": "words", "file": "words.plan", "line": line});
    assert_eq!(listed, [expected]);
}

/// A thousand tests of a plan of twenty nodes.
#[test]
fn a_thousand_tests_are_carried_out() {
    let mut text = "plan many\n".to_owned();
    for n in 0..20 {
        let needs = if n == 0 {
            String::new()
        } else {
            format!("    needs: t{}\n", n - 1)
        };
        // Infallible: writing to a string.
        let _ = write!(text, "  task t{n} timeout:1m\n{needs}    run: \"echo {n}\"\n");
    }
    for n in 0..1000 {
        let _ = write!(text, "\ntest \"number {n}\" of many\n");
        (0..20).for_each(|task| text.push_str(&format!("  mock task t{task} -> {{ stdout: \"{n}\" }}\n")));
        let _ = write!(
            text,
            "  expect:\n    - t19.stdout == \"{n}\"\n    - run.status == completed\n"
        );
    }
    let output = Project::new(&[("many.plan", &text)]).run(&["test"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.ends_with("test result: ok. 1000 passed; 0 failed\n"), "{said}");
}

/// Called once for each region, so its gate asks several times.
const CALLED: &str = "\
plan release
  params:
    region: string
  gate ship \"Ship to {{ params.region }}?\"
    approver: role/release
    options:
      - fast \"To everyone\"
      - slow \"A few first\"
    timeout: 1d
    on rejected -> apologise
  task publish
    needs: ship
    run: \"echo publish {{ ship.choice }}\"
  task apologise
    run: \"echo sorry\"

plan campaign
  judge: human
  gate start
    approver: role/boss
  task regions
    needs: start
    each: region in [\"eu\", \"us\"] by region
    call: release
    input:
      region: region
  task posters
    each: region in [\"eu\", \"us\"] by region
    run: \"echo poster\"
    expect:
      - \"It is pretty\"

test \"people of called plans decide\" of campaign
  mock task publish -> {}
  mock task posters -> {}
  approve start as role/boss after 1h
  approve ship as role/release choosing slow after 2h
  mock judge -> true
  expect:
    - run.status == completed
    - run.duration == 3h

test \"they may say no\" of campaign
  mock task apologise -> {}
  mock task posters -> {}
  approve start as role/boss
  reject ship as role/release
  mock judge -> true times 1, then false
  expect:
    - status(regions) == completed
    - status(posters) == failed
    - posters.error.kind == expectation

test \"they may be late\" of campaign
  mock task posters -> {}
  approve start as role/boss
  approve ship as role/release choosing slow after 2d
  expect:
    - status(regions) == failed
    - status(posters) == completed
    - run.duration == 1d
";

#[test]
fn people_reach_the_gates_of_called_plans_and_judge_instances() {
    let project = Project::new(&[("campaign.plan", CALLED)]);
    snapshot!(project, "test");
}
