//! Results and facts that outlive runs, from the outside: reused, explained, remembered, collected.

use plan_tests::{Project, root};
use serde_json::Value;

const PLAN: &str = "\
plan survey
  params:
    query: string = \"quic\"
  memory:
    last.answer: string scope:plan
  outputs:
    answer: string = ask.answer
    before: string = memory.last.answer ?? \"nothing\"
  task ask timeout:1m
    input:
      q: params.query
    run: |
      echo about {{ input.q }}
    output:
      answer: string = trim(stdout)
    cache: 24h
  task keep timeout:1m
    needs: ask
    run: \"true\"
    remember last.answer = ask.answer
  task each timeout:1m
    each: word in [\"a\", \"b\"] by word
    input:
      w: word
    run: |
      echo \"$w\"
    cache: 24h
";

fn project() -> Project {
    Project::new(&[("survey.plan", PLAN)])
}

fn run(project: &Project, args: &[&str]) -> Value {
    let all = [&["run", "survey.plan", "--format", "json"], args].concat();
    let output = project.run(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let last: Value = serde_json::from_str(text.lines().last().expect("a summary")).expect("JSON");
    last["summary"].clone()
}

fn node<'s>(summary: &'s Value, id: &str) -> &'s Value {
    let nodes = summary["nodes"].as_array().expect("nodes");
    nodes.iter().find(|node| node["id"] == id).expect("a node")
}

fn explained(project: &Project, run: &str, node: &str) -> Value {
    let output = project.run(&["explain-cache", run, node, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_second_run_reuses_and_says_so_everywhere() {
    let project = project();
    let first = run(&project, &[]);
    let second = run(&project, &[]);
    assert_eq!(second["outputs"]["answer"], "about quic");
    assert_eq!(node(&second, "ask")["reused"]["run"], first["run"]);
    assert_eq!(node(&second, "ask")["attempts"], 0);
    assert_eq!(node(&second, "each[b]")["reused"]["run"], first["run"]);
    assert_eq!(node(&second, "keep")["reused"], Value::Null);
    let shown = project.transcript(&["show", "last"]);
    assert!(shown.contains("reused from "), "{shown}");
    let events = project.transcript(&["events", "last"]);
    assert!(events.contains("looked up  ask: the result of run "), "{events}");
    assert!(events.contains("remembered  keep: plan:survey:last.answer"), "{events}");
    let replayed = project.transcript(&["replay", "last"]);
    assert!(replayed.contains("led to the same"), "{replayed}");
    let (first_key, second_key) = (
        explained(&project, "last", "ask"),
        explained(&project, "last", "each[a]"),
    );
    assert_eq!(first_key["outcome"], "reused");
    assert_ne!(first_key["key"], second_key["key"]);
}

#[test]
fn explain_cache_names_what_is_different() {
    let project = project();
    run(&project, &[]);
    run(&project, &["--param", "query=tcp"]);
    let text = project.transcript(&["explain-cache", "last", "ask"]);
    assert!(text.contains("made anew: no result was kept for it"), "{text}");
    assert!(text.contains("input.q: was quic, is tcp"), "{text}");
    assert!(!text.contains("params.query: was"), "the input says it already: {text}");
    project.write("survey.plan", PLAN.replace("echo about", "echo of").as_bytes());
    run(&project, &["--param", "query=tcp"]);
    let differs = explained(&project, "last", "ask");
    let differences = differs["compared"]["differences"].as_array().expect("some").clone();
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(
        (&differences[0]["kind"], &differences[0]["what"]),
        (&"clause".into(), &"run".into())
    );
    for (node, why) in [
        ("keep", "the result of `keep` is never reused: it has no `cache:`"),
        ("each", "`each` has 2 instances, expected one of them, as `each[a]`"),
        ("none", "the run has no node `none`; `dslc show` lists them"),
    ] {
        let text = project.transcript(&["explain-cache", "last", node]);
        assert!(text.contains(why) && text.contains("--- exit 2"), "{text}");
    }
}

#[test]
fn a_run_finds_what_the_one_before_remembered_and_gc_keeps_the_latest() {
    let project = project();
    assert_eq!(
        run(&project, &[])["outputs"]["before"],
        "about quic",
        "its own, at its end"
    );
    run(&project, &["--param", "query=tcp"]);
    project.write(
        "look.plan",
        b"plan survey\n  memory:\n    last.answer: string scope:plan\n  outputs:\n    seen: string? = look.stdout\n  task look timeout:1m\n    run: |\n      printf %s {{ memory.last.answer ?? \"nothing\" }}\n",
    );
    let output = project.run(&["run", "look.plan", "--format", "json"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("\"outputs\":{\"seen\":\"about tcp\"}"), "{text}");
    let collected = project.run(&["gc", "--json", "--keep", "0"]);
    let collected: Value = serde_json::from_slice(&collected.stdout).expect("JSON");
    assert_eq!((&collected["facts"], &collected["results"]), (&1.into(), &0.into()));
    let third = run(&project, &[]);
    assert!(
        node(&third, "ask")["reused"].is_object(),
        "results outlive their runs: {third}"
    );
}

#[test]
fn the_example_with_memory_and_a_cache_passes_its_tests_and_is_refused_only_for_what_it_calls() {
    let project = Project::new(&[]);
    for name in ["http3-research.plan", "lib/web.plan"] {
        let text = std::fs::read(root().join("examples").join(name)).expect("an example");
        project.write(name, &text);
    }
    let tested = project.transcript(&["test", "http3-research.plan"]);
    assert!(tested.contains("2 passed"), "{tested}");
    let refused = project.transcript(&["run", "http3-research.plan"]);
    let errors = refused.lines().filter(|line| line.starts_with("error"));
    let others: Vec<&str> = errors
        .filter(|line| !line.starts_with("error[abstract-capability]"))
        .collect();
    assert!(refused.contains("`web.search` has no runner"), "{refused}");
    assert_eq!(others, [""; 0]);
}

#[test]
fn declared_files_take_part_with_their_contents() {
    let plan = "task build timeout:1m\n  dir: \".\"\n  run: |\n    mkdir -p out\n    echo x >>out/marks\n    cat src/* >out/all\n  effects: read(\"src/**\"), write(\"out/**\")\n  cache: 24h\n";
    let project = Project::new(&[("build.plan", plan), ("src/a.txt", "one")]);
    let built = || {
        let output = project.transcript(&["run", "build.plan"]);
        assert!(output.contains("--- exit 0"), "{output}");
        project.read("out/marks").lines().count()
    };
    assert_eq!((built(), built()), (1, 1), "nothing has changed");
    project.write("src/b.txt", b"two");
    assert_eq!(built(), 2, "there is another file to read");
    std::fs::remove_file(project.path().join("out/all")).expect("removed");
    assert_eq!(built(), 3, "what it wrote is gone");
    let events = project.transcript(&["events", "last"]);
    assert!(events.contains("left in `out/**` is not there as it was"), "{events}");
    let text = project.transcript(&["explain-cache", "last", "build"]);
    assert!(text.contains("read(\"src/**\")") && text.contains("2 files"), "{text}");
}
