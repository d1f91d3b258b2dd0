//! The verbs of development: `cargo xtask test`, `vscode`, `book`, `bench`, `fuzz`, `simulate`, `sweep`, `mutants`, `crash`.
//!
//! It knows no crate of the project: it calls cargo, npm and the built binary, as a person would.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal"
)]

mod bench;
mod book;
mod editors;
mod otlp;
mod sarif;
mod shell;
mod steps;
mod test;
mod vscode;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

/// The verbs of development.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    /// Format, lints, every test, the editor extension
    Test {
        /// Also the slow rest: the packaged extension inside VS Code, the language server inside Neovim and Emacs,
        /// SARIF against its schema, the book, shellcheck
        #[arg(long)]
        all: bool,
    },
    /// The extension alone: its tests, its package, and that inside VS Code
    Vscode,
    /// The book as pages, below `target/book`
    Book,
    /// Ratios against peers and floors, measured in one run
    Bench(bench::Args),
    /// Fuzz lexer, parser, formatter and checker; see `cargo xtask fuzz --help`
    #[command(disable_help_flag = true)]
    Fuzz {
        /// Handed on to the fuzzer
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Random plans under random schedules and faults; a failing seed is printed with the command that repeats it
    Simulate {
        /// The first seed; from the clock, if none is given
        #[arg(long)]
        seed: Option<u64>,
        /// How many plans
        #[arg(long, default_value_t = 10_000)]
        plans: u64,
    },
    /// Every crash point of every scenario, as a table
    Sweep,
    /// Bugs on purpose, and which promise notices which: written into the book
    Mutants,
    /// Kills the real binary at random moments of real runs, and counts
    Crash {
        /// How often
        #[arg(long, default_value_t = 500)]
        kills: u32,
    },
}

fn main() -> ExitCode {
    let root = root();
    match Verb::parse() {
        Verb::Test { all } => test::test(&root, all),
        Verb::Vscode => test::vscode(&root),
        Verb::Book => book::book(&root),
        Verb::Bench(args) => bench::bench(&root, &args),
        Verb::Fuzz { args } => fuzz(&root, &args),
        Verb::Simulate { seed, plans } => {
            let mut args = vec!["run".to_owned(), "--plans".to_owned(), plans.to_string()];
            args.extend(
                seed.into_iter()
                    .flat_map(|seed| ["--seed".to_owned(), seed.to_string()]),
            );
            simulate(&root, Build::Optimised, &args)
        }
        Verb::Sweep => simulate(&root, Build::Optimised, &["sweep".to_owned()]),
        Verb::Mutants => simulate(&root, Build::Quick, &["mutants".to_owned()]),
        Verb::Crash { kills } => crash(&root, kills),
    }
}

/// How much a program is worth that runs only here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Build {
    Optimised,
    /// The work is done by another program that it builds.
    Quick,
}

fn simulate(root: &Path, build: Build, args: &[String]) -> ExitCode {
    let mut command = Command::new(steps::cargo());
    command.args(["run", "--quiet", "--package", "plan-simulate"]);
    if build == Build::Optimised {
        command.arg("--release");
    }
    exit(command.arg("--").args(args).current_dir(root))
}

/// The long version of the crash tests, on an optimised binary.
fn crash(root: &Path, kills: u32) -> ExitCode {
    let mut build = Command::new(steps::cargo());
    build.args(["build", "--release", "--quiet", "--package", "dslc"]);
    if !build.current_dir(root).status().is_ok_and(|status| status.success()) {
        return ExitCode::FAILURE;
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let mut command = Command::new(steps::cargo());
    command.args([
        "test",
        "--quiet",
        "--package",
        "plan-tests",
        "--test",
        "it",
        "crash::",
        "--",
        "--nocapture",
    ]);
    command.env("PLAN_TESTS_DSLC", target.join("release/dslc"));
    exit(command.env("CRASH_KILLS", kills.to_string()).current_dir(root))
}

fn exit(command: &mut Command) -> ExitCode {
    let code = command.status().ok().and_then(|status| status.code());
    ExitCode::from(code.map_or(1, |code| u8::try_from(code).unwrap_or(1)))
}

/// Optimised, but with the checks for overflow and the assertions of a debug build.
fn fuzz(root: &Path, args: &[String]) -> ExitCode {
    let mut command = Command::new(steps::cargo());
    command
        .args(["run", "--release", "--quiet", "--package", "plan-fuzz"])
        .args(["--config", "profile.release.debug-assertions=true"])
        .args(["--config", "profile.release.overflow-checks=true"])
        .args(["--target-dir", "target/fuzz", "--"])
        .args(args);
    exit(command.current_dir(root))
}

/// The project's root: the parent of this crate.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
