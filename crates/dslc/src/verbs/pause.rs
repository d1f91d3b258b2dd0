//! `dslc pause`: a run stands still until it is resumed.

use crate::detached;
use crate::failure::{Exit, Failure};
use crate::history::RunArgs;
use crate::printer::Printer;

/// Pause a run
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  dslc pause last

What may be repeated is stopped and starts again on `dslc resume`; the rest comes to its end first. Nothing new starts.")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let folder = args.run.folder()?;
    let asked = runtime::pause(&folder)?;
    detached::go_on(&folder, &args.run, &asked, printer)?;
    Ok(Exit::Fine)
}
