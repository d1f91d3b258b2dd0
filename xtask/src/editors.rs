//! The editors: the extension's own tests, its package, and the language server inside real editors without a screen.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{self, Steps};

const EXTENSION: &str = "editors/vscode";

/// Installs, compiles and tests the VS Code extension; packages it when asked.
pub fn extension(steps: &mut Steps<'_>, package: bool) {
    if !steps::present("npm") {
        steps.untested("the VS Code extension", "`npm` is missing: install Node.js 20 or newer");
        return;
    }
    if !steps.run("extension: install", EXTENSION, "npm", &["ci", "--no-audit", "--no-fund"]) {
        return;
    }
    steps.run("extension: test", EXTENSION, "npm", &["test"]);
    if package {
        steps.run("extension: package", EXTENSION, "npm", &["run", "package"]);
    }
}

/// Neovim, with its own client, must show a diagnostic of a broken plan.
pub fn neovim(steps: &mut Steps<'_>) {
    if let Err(why) = steps::ensure("nvim", "neovim") {
        return steps.untested("the language server in Neovim", &why);
    }
    let mut command = Command::new("nvim");
    command.args(["--headless", "-u", "NONE", "-c", "luafile tests/editors/smoke.lua"]);
    smoke(steps, "language server in Neovim", command);
}

/// Emacs, with eglot, must show a diagnostic of a broken plan.
pub fn emacs(steps: &mut Steps<'_>) {
    if let Err(why) = steps::ensure("emacs", "emacs-nox") {
        return steps.untested("the language server in Emacs", &why);
    }
    let mut command = Command::new("emacs");
    command.args(["--batch", "--quick", "--load", "tests/editors/smoke.el"]);
    smoke(steps, "language server in Emacs", command);
}

fn smoke(steps: &mut Steps<'_>, name: &str, mut command: Command) {
    command.current_dir(steps.root()).env("DSLC", binary(steps.root()));
    steps.command(name, command);
}

/// The debug binary that the Rust tests have built.
fn binary(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("debug").join("dslc")
}
