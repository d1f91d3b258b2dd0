//! `dslc man`: the manual pages, made from the same table as `--help`.

use clap_mangen::Man;

use crate::cli;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Print the manual page of dslc, or of one command
#[derive(clap::Args)]
#[command(after_help = "Example:\n  dslc man run | man -l -")]
pub struct Args {
    /// A command; without it the page of dslc itself
    command: Option<String>,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let mut all = cli::command();
    all.build();
    let command = match &args.command {
        None => all,
        Some(name) => match all.find_subcommand(name).filter(|command| !command.is_hide_set()) {
            Some(command) => command.clone(),
            None => {
                return Err(Failure::usage(format!("no command `{name}`")).help("dslc help lists them"));
            }
        },
    };
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::internal(error.to_string()))?;
    printer.raw(&page);
    Ok(Exit::Fine)
}
