//! `dslc resolve`: a person says what became of an attempt that a crash left in doubt.

use clap::ValueEnum;
use engine::event::Resolution;
use runtime::Asked;
use store::RunFolder;

use crate::detached;
use crate::failure::{Exit, Failure};
use crate::history::{History, RunArgs};
use crate::printer::Printer;

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
    #[arg(long, value_name = "WHY", value_parser = crate::asking::reason)]
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
    let asked = runtime::resolve(&folder, &args.node, resolution, &args.because, &who)?;
    detached::warn_of_unread(&asked, printer);
    match &asked {
        // to go on after a doubt is a decision of its own
        Asked::Journaled { .. } => printer.note(&recorded(folder)?),
        _ => detached::go_on(&folder, &args.run, &asked, printer)?,
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
