//! The verbs of development: `cargo xtask test`, `cargo xtask bench`.
//!
//! It knows no crate of the project: it calls cargo, npm and the built binary, as a person would.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal"
)]

mod bench;
mod editors;
mod sarif;
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
        /// Also the slow rest: the packaged extension, the language server inside Neovim and Emacs, SARIF against its schema
        #[arg(long)]
        all: bool,
    },
    /// Ratios against ninja and bare processes, measured in one run
    Bench {
        /// Sizes of the graphs, in tasks
        #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
        tasks: Vec<usize>,
        /// Measurements of each figure; the median is printed
        #[arg(long, default_value_t = 5)]
        repeat: usize,
    },
}

fn main() -> ExitCode {
    let root = root();
    match Verb::parse() {
        Verb::Test { all } => test::test(&root, all),
        Verb::Bench { tasks, repeat } => bench::bench(&root, &tasks, repeat.max(1)),
    }
}

/// The project's root: the parent of this crate.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
