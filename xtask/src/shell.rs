//! `shell-lint` with the real shellcheck: the page of the rule, as somebody would try it.

use std::fs;
use std::process::Command;

use crate::editors::binary;
use crate::sarif::example;
use crate::steps::{self, Steps};

const WHAT: &str = "shell-lint with shellcheck";

pub fn shellcheck(steps: &mut Steps<'_>) {
    if let Err(why) = steps::ensure("shellcheck", &["shellcheck"]) {
        return steps.untested(WHAT, &why);
    }
    let raised = |heading| raised(steps, heading);
    match (raised("Wrong"), raised("Right")) {
        (Ok(wrong), Ok(right)) if wrong.contains("warning[shell-lint]") && right.is_empty() => {
            println!("\n── {WHAT}: ok");
        }
        (Ok(wrong), Ok(right)) => steps.failed(WHAT, &format!("*Wrong* says {wrong:?}, *Right* {right:?}")),
        (Err(why), _) | (_, Err(why)) => steps.failed(WHAT, &why),
    }
}

/// What is said of the examples below a heading.
fn raised(steps: &Steps<'_>, heading: &str) -> Result<String, String> {
    let why = |error: std::io::Error| error.to_string();
    let page = fs::read_to_string(steps.root().join("crates/dsl-check/rules/shell-lint.md")).map_err(why)?;
    let folder = tempfile::tempdir().map_err(why)?;
    fs::write(folder.path().join("a.plan"), example(&page, heading)).map_err(why)?;
    let output = Command::new(binary(steps.root()))
        .args(["check", "--format", "short", "a.plan"])
        .current_dir(folder.path())
        .output()
        .map_err(why)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
