//! `dslc completions`: what a shell needs to complete our arguments.

use clap_complete::Shell;

use crate::cli;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Print shell completions
#[derive(clap::Args)]
#[command(after_help = "Example:\n  dslc completions bash > ~/.local/share/bash-completion/completions/dslc")]
pub struct Args {
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "dslc", &mut script);
    printer.raw(&script);
    Ok(Exit::Fine)
}
