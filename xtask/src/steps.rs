//! Steps: commands run one after another, each announced, with one account of what failed and what was not tested.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// What the steps so far came to.
pub struct Steps<'a> {
    root: &'a Path,
    passed: usize,
    failed: Vec<String>,
    untested: Vec<String>,
}

impl<'a> Steps<'a> {
    pub fn new(root: &'a Path) -> Self {
        Self {
            root,
            passed: 0,
            failed: Vec::new(),
            untested: Vec::new(),
        }
    }

    pub fn root(&self) -> &'a Path {
        self.root
    }

    /// Runs a command in a folder below the root. The rest goes on after a failure, so that one run tells everything.
    pub fn run(&mut self, name: &str, dir: &str, program: &str, args: &[&str]) -> bool {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.root.join(dir));
        self.command(name, command)
    }

    pub fn command(&mut self, name: &str, mut command: Command) -> bool {
        println!("\n── {name}: {}", shown(&command));
        let started = Instant::now();
        let ok = match command.stdin(Stdio::null()).status() {
            Ok(status) => status.success(),
            Err(error) => {
                println!("cannot start it: {error}");
                false
            }
        };
        println!(
            "── {name}: {} after {:.1} s",
            if ok { "ok" } else { "FAILED" },
            started.elapsed().as_secs_f64()
        );
        if ok {
            self.passed += 1;
        } else {
            self.failed.push(name.to_owned());
        }
        ok
    }

    /// Notes that something was left out, and why.
    pub fn untested(&mut self, what: &str, why: &str) {
        println!("\n── {what}: not tested, {why}");
        self.untested.push(format!("{what} ({why})"));
    }

    /// Notes that something could be told to be wrong without running a step.
    pub fn failed(&mut self, name: &str, why: &str) {
        println!("\n── {name}: FAILED, {why}");
        self.failed.push(name.to_owned());
    }

    /// The closing account.
    pub fn finish(self) -> ExitCode {
        println!();
        for what in &self.untested {
            println!("not tested: {what}");
        }
        for name in &self.failed {
            println!("step failed: {name}");
        }
        println!("steps: {} passed, {} failed", self.passed, self.failed.len());
        ExitCode::from(u8::from(!self.failed.is_empty()))
    }
}

/// Whether a program is there and answers.
pub fn present(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Makes sure that a program is there, from Debian's packages if need be; an error says why it is not.
pub fn ensure(program: &str, packages: &[&str]) -> Result<(), String> {
    if present(program) {
        return Ok(());
    }
    let package = packages.join(" ");
    println!("\n── {program} is missing, installing Debian's `{package}`");
    let installed = debian(packages);
    match (installed, present(program)) {
        (_, true) => Ok(()),
        (true, false) => Err(format!("`{package}` was installed, but `{program}` does not answer")),
        (false, false) => Err(format!("`apt-get install {package}` failed")),
    }
}

/// Installs packages of Debian, where that is what the machine runs and we may.
pub fn debian(packages: &[&str]) -> bool {
    let apt = |args: &[&str]| {
        Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let install = [&["install", "--yes", "--quiet", "--no-install-recommends"], packages].concat();
    apt(&install) || (apt(&["update", "--quiet"]) && apt(&install))
}

/// Where cargo builds.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// The cargo that runs us.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(OsStr::new("?"));
    let mut text = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}
