//! `dslc resolve`: a person says what became of an attempt that a crash left in doubt.

use std::time::Duration;

use clap::ValueEnum;
use engine::event::Resolution;
use runtime::Asked;
use store::RunFolder;

use crate::failure::{Exit, Failure};
use crate::history::{History, RunArgs};
use crate::printer::Printer;

/// How long a driver has to take the decision before we stop waiting for it.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// Say what became of an attempt that a crash left in doubt
#[derive(clap::Args)]
#[command(after_help = "Example:\n  dslc resolve last ship completed --because \"version 1.4.2 is live\"")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The node, or the instance `node[key]`
    #[arg(value_name = "NODE")]
    node: String,
    #[arg(value_enum)]
    resolution: Decided,
    /// Why, for the record
    #[arg(long, value_name = "WHY")]
    because: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Decided {
    /// It had its effect
    Completed,
    /// It had none, and is not to be tried again
    Failed,
    /// It had none, and is to be tried again
    Retry,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let folder = args.run.folder()?;
    let resolution = match args.resolution {
        Decided::Completed => Resolution::Completed,
        Decided::Failed => Resolution::Failed,
        Decided::Retry => Resolution::Retry,
    };
    let who = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
    match runtime::resolve(&folder, &args.node, resolution, &args.because, &who)? {
        Asked::Journaled => printer.note(&recorded(folder)?),
        Asked::Left { name, holder } if runtime::wait_until_taken(&folder, &name, TAKEN_WITHIN) => {
            printer.note(&format!("taken by {holder}"));
        }
        Asked::Left { holder, .. } => printer.warning(&format!("it is recorded, and {holder} has not taken it yet")),
    }
    Ok(Exit::Fine)
}

/// What the decision has come to: it may have been all that the run waited for.
fn recorded(folder: RunFolder) -> Result<String, Failure> {
    let history = History::read(folder)?;
    let run = &history.meta.run;
    Ok(match history.facts().engine.end() {
        Some(_) => format!("recorded; the run is over, `dslc show {run}` prints it"),
        None => format!("recorded; `dslc resume {run}` goes on"),
    })
}
