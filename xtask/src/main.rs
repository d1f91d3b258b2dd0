//! The verbs of development: `cargo xtask test`, `cargo xtask book`, `cargo xtask bench`.
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
mod sarif;
mod shell;
mod steps;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

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
}

fn main() -> ExitCode {
    let root = root();
    match Verb::parse() {
        Verb::Test { all } => test::test(&root, all),
        Verb::Book => book::book(&root),
        Verb::Bench(args) => bench::bench(&root, &args),
    }
}

/// The project's root: the parent of this crate.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
