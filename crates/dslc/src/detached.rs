//! Drivers in the background: starting one, and being one.
//!
//! A driver in the background is this binary with a hidden verb; what it prints is in the run's folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use runtime::{Asked, Patience};
use store::{Durability, RunFolder, Store};

use crate::drive;
use crate::failure::{Exit, Failure, plain};
use crate::history::RunArgs;
use crate::printer::Printer;
use crate::workspace::Place;

/// The hidden verb: `dslc __drive STORE RUN TIER [strict]`.
pub const NAME: &str = "__drive";
const STRICT: &str = "strict";

/// How a driver in the background is to drive.
pub struct Background<'a> {
    pub store: &'a Path,
    pub durability: Durability,
    pub strict_effects: bool,
}

impl Background<'_> {
    /// Starts a driver for a run that nobody drives; returns once it has the run.
    pub fn start(&self, folder: &RunFolder) -> Result<u32, Failure> {
        let binary: PathBuf = std::env::current_exe()
            .map_err(|error| Failure::internal(format!("cannot tell where dslc itself is: {}", plain(&error))))?;
        let mut command = Command::new(binary);
        let tier = match self.durability {
            Durability::Power => "power",
            Durability::Process => "process",
        };
        command.arg(NAME).arg(self.store).args([folder.id(), tier]);
        if self.strict_effects {
            command.arg(STRICT);
        }
        Ok(runtime::detach(folder, command)?)
    }
}

/// Says what became of a request, and has the run go on where it led to something.
pub fn go_on(folder: &RunFolder, args: &RunArgs, asked: &Asked, printer: &Printer) -> Result<(), Failure> {
    let run = folder.id();
    warn_of_unread(asked, printer);
    match asked {
        Asked::Already => {}
        Asked::Taken(holder) => printer.note(&format!("taken by {holder}")),
        Asked::Left(holder) => printer.warning(&format!("it is on record, and {holder} has not taken it yet")),
        Asked::Journaled { goes_on: true, .. } => {
            let store = args.store.open(Durability::default())?;
            let pid = Background {
                store: store.root(),
                durability: Durability::default(),
                strict_effects: false,
            }
            .start(folder)?;
            printer.note(&format!(
                "the run goes on in the background, process {pid}; `dslc show {run}` tells how far it is"
            ));
        }
        Asked::Journaled { goes_on: false, .. } => printer.note(&standing(folder)?),
    }
    Ok(())
}

/// Says that words are on record as they were typed, where a secret in them would have gone unnoticed.
pub fn warn_of_unread(asked: &Asked, printer: &Printer) {
    let Asked::Journaled { unread, .. } = asked else { return };
    if unread.is_empty() {
        return;
    }
    let names: Vec<String> = unread.iter().map(|name| format!("`{name}`")).collect();
    printer.warning(&format!(
        "what you wrote is on record as you typed it: the secrets of the run that cannot be read here were not looked for in it: {}",
        names.join(", ")
    ));
}

/// What a run that nobody drives waits for.
fn standing(folder: &RunFolder) -> Result<String, Failure> {
    let history = crate::history::History::read(folder.clone())?;
    let run = folder.id();
    Ok(match history.facts().status() {
        status @ ("completed" | "failed" | "cancelled") => format!("the run is {status}; `dslc show {run}` prints it"),
        "blocked" => format!("the run still waits for people; `dslc show {run}` says for whom"),
        _ => format!("`dslc resume {run}` goes on"),
    })
}

/// Is a driver in the background, to the end.
pub fn main(mut args: impl Iterator<Item = std::ffi::OsString>, printer: &Printer) -> Result<Exit, Failure> {
    let usage = || Failure::usage(format!("`dslc {NAME}` is started by dslc itself"));
    let store = PathBuf::from(args.next().ok_or_else(usage)?);
    let run = args.next().and_then(|run| run.into_string().ok()).ok_or_else(usage)?;
    let durability = match args.next() {
        Some(tier) if tier == "process" => Durability::Process,
        _ => Durability::Power,
    };
    // the end of the terminal that started it is none of its business
    let _ = rustix::process::setsid();
    let folder = Store::new(store, durability).find(&run)?;
    let mut options = drive::options(&Place::find()?)?;
    options.patience = Patience::Deadlines;
    options.strict_effects = args.next().is_some_and(|arg| arg == STRICT);
    let running = runtime::resume(&folder, options)?;
    drive::drive(running, &drive::Watching::default(), printer)
}
