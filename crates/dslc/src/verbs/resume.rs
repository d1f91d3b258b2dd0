//! `dslc resume`: goes on with a run that was paused, interrupted or in doubt.

use crate::detached::Background;
use crate::drive::{self, Watching};
use crate::failure::{Exit, Failure};
use crate::history::RunArgs;
use crate::printer::Printer;
use crate::workspace::Place;

use super::run::Tier;

/// Go on with a run that was paused or interrupted
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc resume last
  dslc resume k3fx

What completed is not repeated. An attempt that was cut off starts again, unless its task says `idempotent: false`: then the run
waits until `dslc resolve` says what became of it. The plan is the one that the run started with.")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// What the journal survives
    #[arg(long, value_enum, default_value_t, value_name = "TIER")]
    durability: Tier,
    /// Refuse to go on where the system cannot enforce the `effects:` of scripts
    #[arg(long)]
    strict_effects: bool,
    /// Go on in the background
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    watching: Watching,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let store = args.run.store.open_in(&place, args.durability.into());
    let folder = store.find(&args.run.run)?;
    if args.detach {
        let pid = Background {
            store: store.root(),
            durability: args.durability.into(),
            strict_effects: args.strict_effects,
        }
        .start(&folder)?;
        printer.note(&format!(
            "in the background, process {pid}; `dslc logs {} --follow`",
            folder.id()
        ));
        return Ok(Exit::Fine);
    }
    let mut options = drive::options(&place)?;
    options.strict_effects = args.strict_effects;
    let running = runtime::resume(&folder, options)?;
    drive::drive(running, &args.watching, printer)
}
