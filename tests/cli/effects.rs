//! `effects:` from the outside: a script that lies about what it touches is stopped, one that tells the truth runs.
//!
//! Where the kernel cannot confine, these say so and try nothing.

use std::process::Output;

use plan_tests::Project;

use super::lasting::{status, wait_for};

fn run(plan: &str, prepare: impl FnOnce(&Project)) -> (Project, Output, String) {
    let project = Project::new(&[("p.plan", plan)]);
    prepare(&project);
    let output = project.run(&["run", "p.plan", "--parallel", "1"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (project, output, said)
}

#[expect(clippy::print_stderr, reason = "whoever reads the output of the tests is told")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// What a script may do with these effects, one task each: `true` for what should work.
fn try_scripts(effects: &str, scripts: &[(&str, bool)]) {
    let support = runtime::confine::support();
    if !support.files || !support.network {
        skip(&support.shortfall().unwrap_or_default());
        return;
    }
    let mut plan = "plan p\n  dir: run.workspace\n  failure: continue\n".to_owned();
    for (at, (script, _)) in scripts.iter().enumerate() {
        plan.push_str(&format!("  task t{at}\n    optional: true\n"));
        if at > 0 {
            plan.push_str(&format!("    needs: t{}?\n", at - 1));
        }
        if !effects.is_empty() {
            plan.push_str(&format!("    effects: {effects}\n"));
        }
        plan.push_str(&format!("    run: |\n      {script}\n"));
    }
    let (project, output, said) = run(&plan, |project| {
        project.write("src/deep/a.txt", b"a");
        project.write("other/b.txt", b"b");
        project.write("file.txt", b"f");
        project.write("out/old.txt", b"old");
    });
    assert_eq!(output.status.code(), Some(0), "{said}");
    let shown = project.run(&["show", "last", "--json"]);
    let summary: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    for (at, (script, works)) in scripts.iter().enumerate() {
        let status = summary["nodes"][at]["status"].as_str();
        let expected = if *works { "completed" } else { "failed" };
        assert_eq!(status, Some(expected), "`{script}` with `{effects}`\n{said}");
    }
}

#[test]
fn files_are_what_was_declared() {
    try_scripts(
        "read(\"src/**\", \"file.txt\"), write(\"out/**\", \"new/report.md\")",
        &[
            ("cat src/deep/a.txt file.txt", true),
            ("cat other/b.txt", false),
            ("cat p.plan", false),
            ("ls other", false),
            (
                "echo x > out/new.txt && mkdir out/sub && mv out/new.txt out/sub && cat out/sub/new.txt",
                true,
            ),
            ("echo x > src/deep/a.txt", false),
            ("echo x >> file.txt", false),
            ("rm -f src/deep/a.txt", false),
            ("echo x > new/report.md", true),
            ("echo x > new/other.md", false),
            ("mv out/old.txt other/", false),
            ("ln -s \"$PWD/other\" out/link && cat out/link/b.txt", false),
            // what every script needs
            (
                "t=$(mktemp) && echo x > \"$t\" && cat \"$t\" /etc/passwd > /dev/null",
                true,
            ),
            ("cat <<< \"$(seq 100000)\" | tail -1", true),
            ("echo x > /dev/stderr", true),
            ("echo x > ~/x && test \"$HOME\" = \"$TMPDIR\"", true),
            ("python3 -c 'import json, tempfile; tempfile.TemporaryFile()'", true),
        ],
    );
}

#[test]
fn without_network_there_is_none() {
    let listen = "python3 -c 'import socket; socket.socket().bind((\"127.0.0.1\", 0))'";
    let udp = "python3 -c 'import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)'";
    let unix = "python3 -c 'import socket; socket.socketpair()'";
    try_scripts("read(\"src\")", &[(listen, false), (udp, false), (unix, true)]);
    try_scripts("network(\"*\")", &[(listen, true), (udp, true)]);
    try_scripts("", &[(listen, true), ("cat other/b.txt > out/b.txt", true)]);
}

#[test]
fn processes_outside_are_out_of_reach() {
    try_scripts(
        "read(\"src\")",
        &[
            ("kill -0 $PPID", false),
            ("tr '\\0' '\\n' < /proc/$PPID/environ | grep -q .", false),
            ("sleep 5 & kill $!", true),
        ],
    );
}

#[test]
fn inputs_files_and_captures_pass_the_confinement() {
    let plan = "\
plan p
  dir: run.workspace
  task a
    effects: write(\"report.md\")
    run: |
      echo hello > report.md
    output:
      report: file = file(\"report.md\")
  task b
    needs: a
    effects: write(\"unused.md\")
    input:
      report: a.report
    run: |
      grep -q hello \"$report\"
      grep -q report \"$PLAN_INPUT\"
    expect:
      - not exists(\"unused.md\")
";
    let (project, output, said) = run(plan, |_| {});
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!project.path().join("unused.md").exists());
    let runs = project.path().join(".dslc/runs");
    let run = std::fs::read_dir(runs)
        .expect("runs")
        .flatten()
        .next()
        .expect("one")
        .path();
    let left = std::fs::read_dir(run.join("tmp")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "temporary folders are left");
}

#[test]
fn what_is_not_enforced_is_said_once_and_a_stopped_script_explained() {
    let plan = "plan p\n  failure: continue\n  task a\n    effects: network(\"api.example.com\")\n    run: \"cat {{ run.workspace }}/p.plan\"\n  task b\n    effects: network(\"api.example.com\")\n    run: \"true\"\n";
    let (project, _, said) = run(plan, |_| {});
    assert_eq!(said.matches("hosts are not enforced").count(), 1, "{said}");
    let support = runtime::confine::support();
    if support.files {
        assert!(
            said.contains("`a` may touch only what its `effects:` declare"),
            "{said}"
        );
        assert!(project.run(&["run", "p.plan", "--detach"]).status.success());
        wait_for(|| status(&project)["status"] == "failed");
        let shown = project.run(&["show", "last"]);
        let warned = String::from_utf8_lossy(&shown.stderr);
        assert!(warned.contains("`a` may touch only what"), "{warned}");
    }
    assert_eq!(
        said.matches("are not enforced: the kernel").count(),
        usize::from(!support.files),
        "{said}"
    );
}

#[test]
fn strict_effects_run_where_the_kernel_can() {
    let plan = "task a\n  effects: read(\"src\")\n  run: \"true\"\n";
    let project = Project::new(&[("p.plan", plan)]);
    let output = project.run(&["run", "p.plan", "--strict-effects"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let support = runtime::confine::support();
    let expected = if support.files && support.network { 0 } else { 2 };
    assert_eq!(output.status.code(), Some(expected), "{said}");
}

/// Scripts of capabilities are confined by what the capability declares, whoever carries it out.
#[test]
fn a_capability_that_lies_about_its_effects_is_stopped() {
    let support = runtime::confine::support();
    if !support.files || !support.network {
        skip(&support.shortfall().unwrap_or_default());
        return;
    }
    let capability = |name: &str, runner: &str, script: &str| {
        let runner = match runner {
            "" => String::new(),
            runner => format!("  runner: {runner}(\"{script}\")\n"),
        };
        format!(
            "capability {name} \"Looks\"\n  input:\n    at: path\n  output:\n    text: string\n  effects: read(\"src/**\")\n  idempotent: true\n{runner}\n"
        )
    };
    let listen = "python3 -c 'import socket; socket.socket().bind((\\\"127.0.0.1\\\", 0))'; echo heard";
    let agent = "agent hand \"Does it\"\n  provides: by-agent\n  runner: shell(\"cat $at\")\n\n";
    let task = |name: &str, clauses: &str, path: &str| {
        format!("  task {name} {clauses}\n    optional: true\n    input:\n      at: \"{path}\"\n")
    };
    let plan = [
        capability("look", "shell", "cat $at"),
        capability("write", "shell", "echo x > $at; echo written"),
        capability("listen", "shell", listen),
        capability("by-agent", "", ""),
        agent.to_owned(),
        "plan p\n  dir: run.workspace\n  failure: continue\n".to_owned(),
        task("honest", "using:look", "src/a.txt"),
        task("reads", "using:look", "other/b.txt"),
        task("writes", "using:write", "src/a.txt"),
        task("listens", "using:listen", "src/a.txt"),
        task("hired", "using:by-agent by:hand", "src/a.txt"),
        task("hired-liar", "using:by-agent by:hand", "other/b.txt"),
        "  task line\n    optional: true\n    do:\n      look(at: \"src/a.txt\") -> a\n      look(at: \"other/b.txt\") -> b\n".to_owned(),
    ]
    .concat();
    let (project, output, said) = run(&plan, |project| {
        project.write("src/a.txt", b"a");
        project.write("other/b.txt", b"b");
    });
    assert_eq!(output.status.code(), Some(0), "{said}");
    let shown = project.run(&["show", "last", "--json"]);
    let summary: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let expected = [
        ("honest", "completed"),
        ("reads", "failed"),
        ("writes", "failed"),
        ("listens", "failed"),
        ("hired", "completed"),
        ("hired-liar", "failed"),
        ("line", "failed"),
    ];
    for (node, (name, status)) in summary["nodes"].as_array().expect("nodes").iter().zip(expected) {
        assert_eq!(
            (node["id"].as_str(), node["status"].as_str()),
            (Some(name), Some(status)),
            "{said}"
        );
    }
    assert!(
        said.contains("`reads` may touch only what its `effects:` declare"),
        "{said}"
    );
    assert_eq!(project.read("src/a.txt"), "a");
}
