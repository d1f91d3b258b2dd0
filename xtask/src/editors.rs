//! The editors: the extension's own tests, its package, and the language server inside real editors without a screen.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{self, Steps};
use crate::vscode;

pub const EXTENSION: &str = "editors/vscode";

/// Installs, compiles and tests the VS Code extension; when asked, packages it and tries the package in VS Code itself.
pub fn extension(steps: &mut Steps<'_>, package: bool) {
    if !steps::present("npm") {
        steps.untested("the VS Code extension", "`npm` is missing: install Node.js 20 or newer");
        return;
    }
    if !steps.run(
        "extension: install",
        EXTENSION,
        "npm",
        &["ci", "--no-audit", "--no-fund"],
    ) {
        return;
    }
    steps.run("extension: test", EXTENSION, "npm", &["test"]);
    if package && steps.run("extension: package", EXTENSION, "npm", &["run", "package"]) {
        vscode::vscode(steps);
    }
}

/// Neovim, with its own client, must show what is wrong with a plan, complete, repair and rename in it.
pub fn neovim(steps: &mut Steps<'_>) {
    match steps::ensure("nvim", &["neovim"]) {
        Ok(()) => smoke(steps, "language server in Neovim", "editors/neovim/test.sh"),
        Err(why) => steps.untested("the language server in Neovim", &why),
    }
}

/// The same of Emacs with eglot. Emacs 29 and newer bring eglot; for older ones Debian has it.
pub fn emacs(steps: &mut Steps<'_>) {
    match steps::ensure("emacs", &["emacs-nox", "elpa-eglot"]) {
        Ok(()) => smoke(steps, "language server in Emacs", "editors/emacs/test.sh"),
        Err(why) => steps.untested("the language server in Emacs", &why),
    }
}

fn smoke(steps: &mut Steps<'_>, name: &str, script: &str) {
    let mut command = Command::new("sh");
    command
        .arg(script)
        .env("DSLC", binary(steps.root()))
        .current_dir(steps.root());
    steps.command(name, command);
}

/// The debug binary that the Rust tests have built.
pub fn binary(root: &Path) -> PathBuf {
    steps::target(root).join("debug").join("dslc")
}
