//! The book: `docs` as pages below `target/book`, built by a pinned mdbook that is installed on first use.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::steps::{self, Steps};

const VERSION: &str = "0.5.4";

pub fn book(root: &Path) -> ExitCode {
    let mut steps = Steps::new(root);
    build(&mut steps);
    steps.finish()
}

/// Builds the pages; a page of the summary that is not there fails it.
pub fn build(steps: &mut Steps<'_>) {
    let target = steps::target(steps.root());
    let tools = target.join("tools");
    let mdbook = tools.join("bin/mdbook");
    if !is_pinned(&mdbook) && !install(steps, &tools) {
        return;
    }
    let mut command = Command::new(mdbook);
    command.args(["build", "docs", "--dest-dir"]).arg(target.join("book"));
    command.current_dir(steps.root());
    steps.command("book", command);
}

fn is_pinned(mdbook: &Path) -> bool {
    let said = Command::new(mdbook).arg("--version").output();
    said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).trim().ends_with(VERSION))
}

/// Without its server and its watcher, which takes half the time.
fn install(steps: &mut Steps<'_>, tools: &Path) -> bool {
    let mut command = Command::new(steps::cargo());
    command.args(["install", "mdbook", "--locked", "--quiet", "--force"]);
    command.args(["--version", VERSION, "--no-default-features", "--features", "search"]);
    command.arg("--root").arg(tools);
    command.env("CARGO_TARGET_DIR", tools.join("build"));
    steps.command("book: install mdbook", command)
}
