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
  dslc cancel k3fx --because \"the window is over\"
  dslc cancel last --rollback                     undo what completed, last first")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Why, for the record
    #[arg(long, value_name = "WHY", value_parser = crate::asking::reason)]
    because: Option<String>,
    /// Undo what completed, by the `rollback:` of each task
    #[arg(long)]
    rollback: bool,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let folder = args.run.folder()?;
    let asked = runtime::cancel(&folder, args.because.clone(), args.rollback)?;
    detached::go_on(&folder, &args.run, &asked, printer)?;
    Ok(Exit::Fine)
}
