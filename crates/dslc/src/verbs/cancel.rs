//! `dslc cancel`: the end of a run, now.

use crate::detached;
use crate::failure::{Exit, Failure};
use crate::history::RunArgs;
use crate::printer::Printer;

/// Cancel a run: stop what runs, start nothing more
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc cancel last
  dslc cancel k3fx --because \"the window is over\"")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Why, for the record
    #[arg(long, value_name = "WHY")]
    because: Option<String>,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let folder = args.run.folder()?;
    let asked = runtime::cancel(&folder, args.because.clone())?;
    detached::go_on(&folder, &args.run, &asked, printer)?;
    Ok(Exit::Fine)
}
