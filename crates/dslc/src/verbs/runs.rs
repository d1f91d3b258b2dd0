//! `dslc runs`: the runs of the store, newest first.

use std::fmt::Write;

use store::{Durability, RunFolder};

use crate::failure::{Exit, Failure};
use crate::history::{History, StoreArg};
use crate::printer::Printer;
use crate::text;

/// List runs, newest first
#[derive(clap::Args)]
pub struct Args {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArg,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let runs = args.store.open(Durability::default())?.runs()?;
    if runs.is_empty() {
        printer.note("no runs yet; `dslc run FILE` starts one");
    }
    let mut exit = Exit::Fine;
    for folder in runs {
        if printer.closed() {
            break;
        }
        // One unreadable run does not hide the others.
        match line(folder, args.json) {
            Ok(line) => printer.out(&line),
            Err(failure) => {
                printer.failure(&failure);
                exit = failure.exit;
            }
        }
    }
    Ok(exit)
}

fn line(folder: RunFolder, json: bool) -> Result<String, Failure> {
    let history = History::read(folder)?;
    let facts = history.facts();
    if json {
        return Ok(facts.json(false) + "\n");
    }
    let mut line = format!("{}  {}", history.meta.run, text::status_padded(facts.status()));
    // Infallible: writing to a string.
    let _ = write!(
        line,
        "  {:>8}  {}",
        text::duration(facts.duration_ms()),
        history.meta.plan
    );
    if let Some(title) = &history.meta.title {
        let _ = write!(line, "  {}", crate::printer::shown(title));
    }
    line.push('\n');
    Ok(line)
}
