//! What `docs/ci` and the hooks tell others to run works.

use std::collections::BTreeSet;

use plan_tests::{Project, dslc, root};

/// The commands of a file that start with `dslc`, options included.
fn commands(path: &str, lead: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(path)).expect("a file");
    let found = text.lines().filter_map(|line| line.trim().strip_prefix(lead));
    found
        .map(str::trim)
        .filter(|line| line.starts_with("dslc "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_commands_of_the_workflow_the_page_and_the_hooks_run() {
    let hooks = commands(".pre-commit-hooks.yaml", "entry:");
    let mut all = commands("docs/ci/plans.yml", "run:");
    all.extend(commands("docs/ci/README.md", ""));
    assert!(hooks.len() == 3 && all.len() >= 5, "{hooks:?} {all:?}");
    all.extend(hooks.into_iter().map(|hook| format!("{hook} a.plan b.plan")));
    let path = std::env::join_paths(
        dslc()
            .parent()
            .map(Into::into)
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .expect("a path");
    let project = Project::new(&[("a.plan", "task a\n"), ("b.plan", "task b\n")]);
    project.run(&["check", "--baseline", "dslc-baseline.jsonl", "--write-baseline"]);
    for command in all {
        let output = std::process::Command::new("sh")
            .args(["-ec", &command])
            .env("PATH", &path)
            .current_dir(project.path())
            .output()
            .expect("sh starts");
        assert_eq!(output.status.code(), Some(0), "{command}: {output:?}");
    }
    assert!(project.read("dslc.sarif").contains("\"2.1.0\""));
}
