//! The verbs of development: `cargo xtask test`, `cargo xtask book`, `cargo xtask bench`, `cargo xtask fuzz`.
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

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

/// The verbs of development.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    /// Format, lints, every test, the editor extension
    Test {
        /// Also the slow rest: the packaged extension, the language server inside Neovim and Emacs, SARIF against its schema, the book, shellcheck
        #[arg(long)]
        all: bool,
    },
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
}

fn main() -> ExitCode {
    let root = root();
    match Verb::parse() {
        Verb::Test { all } => test::test(&root, all),
        Verb::Book => book::book(&root),
        Verb::Bench(args) => bench::bench(&root, &args),
        Verb::Fuzz { args } => fuzz(&root, &args),
    }
}

/// Optimised, but with the checks for overflow and the assertions of a debug build.
fn fuzz(root: &Path, args: &[String]) -> ExitCode {
    let status = Command::new(steps::cargo())
        .args(["run", "--release", "--quiet", "--package", "plan-fuzz"])
        .args(["--config", "profile.release.debug-assertions=true"])
        .args(["--config", "profile.release.overflow-checks=true"])
        .args(["--target-dir", "target/fuzz", "--"])
        .args(args)
        .current_dir(root)
        .status();
    let code = status.ok().and_then(|status| status.code());
    ExitCode::from(code.map_or(1, |code| u8::try_from(code).unwrap_or(1)))
}

/// The project's root: the parent of this crate.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
