//! `cargo xtask test`: what must pass before a merge; `--all` adds what is slow or needs an editor.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::book;
use crate::editors;
use crate::otlp;
use crate::sarif;
use crate::shell;
use crate::steps::{self, Steps};

pub fn test(root: &Path, all: bool) -> ExitCode {
    let mut steps = Steps::new(root);
    cargo(&mut steps);
    editors::extension(&mut steps, all);
    if all {
        wire(&mut steps);
        editors::neovim(&mut steps);
        editors::emacs(&mut steps);
        sarif::sarif(&mut steps);
        otlp::otlp(&mut steps);
        book::build(&mut steps);
        shell::shellcheck(&mut steps);
    }
    steps.finish()
}

/// The language server's tests of typing, at length.
fn wire(steps: &mut Steps<'_>) {
    let mut tests = Command::new(steps::cargo());
    tests
        .args([
            "test",
            "--quiet",
            "--package",
            "plan-tests",
            "--test",
            "it",
            "wire::edits",
        ])
        .envs([("WIRE_CHANGES", "30000"), ("WIRE_ROUNDS", "400"), ("WIRE_SEED", "2")])
        .current_dir(steps.root());
    steps.command("a long day of typing", tests);
}

/// What of it is about VS Code.
pub fn vscode(root: &Path) -> ExitCode {
    let mut steps = Steps::new(root);
    if build(&mut steps) {
        editors::extension(&mut steps, true);
    }
    steps.finish()
}

fn build(steps: &mut Steps<'_>) -> bool {
    steps.run(
        "build",
        ".",
        &steps::cargo(),
        &["build", "--quiet", "--package", "dslc"],
    )
}

/// The Rust part. The binary is built first, because the command-line tests run it.
fn cargo(steps: &mut Steps<'_>) {
    let cargo = steps::cargo();
    steps.run("format", ".", &cargo, &["fmt", "--all", "--check"]);
    steps.run(
        "lints",
        ".",
        &cargo,
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    );
    if build(steps) {
        let mut tests = Command::new(&cargo);
        tests
            .args(["test", "--workspace", "--no-fail-fast"])
            .current_dir(steps.root());
        // Snapshots are compared, never written, whatever the caller's shell says.
        tests.env("INSTA_UPDATE", "no").env_remove("BLESS");
        steps.command("tests", tests);
    }
}
