//! Input that is no plan: diagnostics or one clear sentence, the right exit code, no panic, no hang.

use std::time::{Duration, Instant};

use plan_tests::Project;

use super::snapshot;

#[test]
fn a_missing_file() {
    snapshot!(Project::new(&[]), "check", "nowhere.plan");
    snapshot!(Project::new(&[]), "run", "nowhere.plan");
}

#[test]
fn a_folder_where_a_file_must_be() {
    snapshot!(Project::new(&[("plans/a.plan", "task a\n")]), "run", "plans");
}

#[test]
fn an_unknown_plan_name() {
    let project = Project::new(&[("a.plan", "plan first\n  task a\nplan second\n  task a\n")]);
    snapshot!(project, "run", "a.plan", "frist");
    snapshot!(project, "compile", "a.plan");
}

#[test]
fn parameters_that_are_missing_unknown_or_ill_typed() {
    let plan = "plan p\n  params:\n    n: int(1..9)\n    who: string = \"me\"\n  task a\n";
    let project = Project::new(&[("a.plan", plan)]);
    snapshot!(project, "run", "a.plan");
    snapshot!(project, "run", "a.plan", "--param", "n=ten");
    snapshot!(project, "run", "a.plan", "--param", "n=12");
    snapshot!(project, "run", "a.plan", "--param", "n=1", "--param", "hwo=x");
    snapshot!(project, "run", "a.plan", "--param", "n");
    assert!(!project.path().join(".dslc").exists(), "nothing was started");
}

#[test]
fn a_file_of_parameters_that_is_none() {
    let project = Project::new(&[
        ("a.plan", "plan p\n  params:\n    n: int\n  task a\n"),
        ("p.json", "{ n: 1 }"),
        ("q.json", "[1]"),
    ]);
    snapshot!(project, "run", "a.plan", "--params-file", "p.json");
    snapshot!(project, "run", "a.plan", "--params-file", "q.json");
    snapshot!(project, "run", "a.plan", "--params-file", "r.json");
}

#[test]
fn a_plan_with_errors_is_not_started() {
    let project = Project::new(&[("a.plan", "task a\n  needs: b\n")]);
    snapshot!(project, "run", "a.plan");
    assert!(!project.path().join(".dslc").exists());
}

#[test]
fn a_plan_that_cannot_run_yet_is_not_started() {
    let tool =
        "capability web.look\n  output:\n    title: string\n  runner: mcp(command: [\"look\"], tool: \"look\")\n";
    let plan = format!("{tool}\ntask a\n  run: \"touch ran\"\n\ntask b using:web.look\n  needs: a\n");
    let project = Project::new(&[("a.plan", &plan)]);
    snapshot!(project, "run", "a.plan");
    assert!(!project.path().join(".dslc").exists());
}

#[test]
fn policies_of_the_settings_are_not_ignored() {
    let settings = "[workspace]\npolicies = [\"policies/*.plan\"]\n";
    let project = Project::new(&[("dslc.toml", settings), ("a.plan", "task a\n  run: \"true\"\n")]);
    snapshot!(project, "check", "--format", "short");
    snapshot!(project, "run", "a.plan");
    assert!(!project.path().join(".dslc").exists());
    let owners =
        "policy owned\n  rule owners \"Somebody answers for it\"\n    for: task\n    require: owner is not none\n";
    project.write("policies/owned.plan", owners.as_bytes());
    snapshot!(project, "check", "a.plan");
    snapshot!(project, "run", "a.plan");
    assert!(!project.path().join(".dslc").exists());
}

#[test]
fn a_store_that_cannot_be_written() {
    let project = Project::new(&[("a.plan", "task a\n  run: \"true\"\n"), ("store", "a file")]);
    snapshot!(project, "run", "a.plan", "--store", "store");
}

#[test]
fn a_program_or_a_folder_that_is_not_there() {
    let plan =
        "task a\n  shell: \"no-such-shell\"\n  run: \"true\"\n\ntask b\n  dir: \"no/such/folder\"\n  run: \"true\"\n";
    snapshot!(
        Project::new(&[("a.plan", &format!("plan p\n  failure: continue\n{}", indented(plan)))]),
        "run",
        "a.plan",
        "--parallel",
        "1"
    );
}

#[test]
fn a_run_that_does_not_exist() {
    for verb in ["show", "resume", "logs", "events", "replay", "verify"] {
        let output = Project::new(&[]).run(&[verb, "nothing"]);
        assert_eq!(output.status.code(), Some(2), "{verb}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("no run `nothing`"),
            "{verb}"
        );
    }
}

#[test]
fn unknown_verbs_and_options_are_usage() {
    for args in [
        &["chekc"][..],
        &["check", "--fromat", "json"],
        &["explain", "dependency-cylce"],
        &["fmt", "--check", "nowhere"],
    ] {
        assert_eq!(Project::new(&[]).run(args).status.code(), Some(2), "{args:?}");
    }
    snapshot!(Project::new(&[]), "explain", "dependency-cylce");
}

#[test]
fn bytes_that_are_no_text() {
    let project = Project::new(&[]);
    project.write("a.plan", b"task a\n  run: \"\xff\xfe\"\n");
    snapshot!(project, "check", "a.plan");
    snapshot!(project, "check", "--format", "json", "a.plan");
    snapshot!(project, "fmt", "a.plan");
}

#[test]
fn a_file_that_is_too_large() {
    let project = Project::new(&[]);
    project.write("a.plan", &vec![b' '; 16 * 1024 * 1024 + 1]);
    snapshot!(project, "check", "--format", "short", "a.plan");
}

/// Not random at all, so that a failure repeats: a linear congruential generator.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let step = |state: &mut u64| {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 56) as u8
    };
    (0..len).map(|_| step(&mut state)).collect()
}

#[test]
fn any_bytes_get_diagnostics_in_time() {
    let mut inputs = vec![
        vec![0; 1000],
        b"((((".repeat(50_000),
        b"\t\n".repeat(20_000),
        b"{{".repeat(50_000),
        b"\"".repeat(9_999),
    ];
    inputs.push(
        b"task a\n  run: |\n"
            .iter()
            .chain(&noise(1, 100_000))
            .copied()
            .filter(u8::is_ascii)
            .collect(),
    );
    inputs.push(b"a ".repeat(500_000));
    inputs.push(
        (0..5000)
            .flat_map(|n| format!("{}x\n", " ".repeat(n)).into_bytes())
            .collect(),
    );
    inputs.push(b"task a\n".repeat(20_000));
    inputs.extend((2..12).map(|seed| noise(seed, 5_000)));
    inputs.extend((12..22).map(|seed| noise(seed, 5_000).into_iter().map(|byte| b' ' + byte % 95).collect()));
    let project = Project::new(&[]);
    for (number, bytes) in inputs.iter().enumerate() {
        project.write("a.plan", bytes);
        for format in ["pretty", "short", "json"] {
            let started = Instant::now();
            let output = project.run(&["check", "--format", format, "a.plan"]);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                matches!(output.status.code(), Some(0 | 1)),
                "input {number} as {format}: {:?} {error}",
                output.status
            );
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "input {number} as {format} took {:?}",
                started.elapsed()
            );
        }
    }
}

fn indented(plan: &str) -> String {
    plan.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("  {line}\n")
            }
        })
        .collect()
}
