//! `dslc retry`: what failed is tried again, and what its failure kept from running may run.

use runtime::Asked;

use super::resume::Going;
use crate::asking;
use crate::detached;
use crate::failure::{Exit, Failure};
use crate::history::RunArgs;
use crate::printer::Printer;
use crate::workspace::Place;

/// Try nodes of a run again that failed, or that its end cancelled or undid
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc retry last deploy --because \"the host is back\"
  dslc retry k3fx fetch parse --detach

What completed is not repeated. Retries count anew, what was spent stays spent, and what the failure kept from running, or the end of \
the run cancelled or undid, runs after it. What is in doubt is resolved first, and what completed and is not idempotent never runs \
again. The same ask twice is fine.")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The nodes; `node[key]` stands for the node, whose completed instances stay
    #[arg(value_name = "NODE", required = true)]
    nodes: Vec<String>,
    /// Why, for the record
    #[arg(long, value_name = "WHY", value_parser = crate::asking::reason)]
    because: Option<String>,
    #[command(flatten)]
    going: Going,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let folder = args.going.store(&place, &args.run).find(&args.run.run)?;
    let asked = runtime::retry(&folder, &args.nodes, args.because.as_deref(), &asking::login())?;
    detached::warn_of_unread(&asked, printer);
    match asked {
        Asked::Journaled { .. } => args.going.go_on(&place, &args.run, &folder, printer),
        Asked::Taken(holder) => {
            printer.note(&format!("taken by {holder}"));
            Ok(Exit::Fine)
        }
        Asked::Left(holder) => {
            printer.warning(&format!("it is on record, and {holder} has not taken it yet"));
            Ok(Exit::Fine)
        }
        Asked::Already => {
            printer.note(&format!(
                "that was asked for before; `dslc show {}` tells how far it is",
                folder.id()
            ));
            Ok(Exit::Fine)
        }
    }
}
