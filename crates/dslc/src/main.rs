//! `dslc`: the command line. `main` is a few lines, each verb a file of `verbs/`, and only `printer` prints.

mod against;
mod asking;
mod baseline;
mod changes;
mod cli;
mod detached;
mod drive;
mod dry_run;
mod failure;
mod fix;
mod follow;
mod history;
mod outcome;
mod picture;
mod printer;
mod render;
mod replace;
mod report;
mod snapshot;
mod summary;
mod telemetry;
mod terminal;
mod text;
mod told;
mod verbs;
mod watch;
mod workspace;

use std::process::ExitCode;

/// Checking is mostly small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
