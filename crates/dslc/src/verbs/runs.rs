//! `dslc runs`: the runs of the store, newest first.

use std::fmt::Write;

use engine::event::{Command, Event, RunStatus};
use serde::Deserialize;
use store::{Durability, RunFolder, RunMeta};

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
            Ok(line) if args.json => printer.raw(&line),
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
    if let Some((status, duration_ms)) = ended(&folder).filter(|_| !json) {
        return Ok(row(&folder.meta()?, status.name(), duration_ms));
    }
    let history = History::read(folder)?;
    let facts = history.facts();
    match json {
        true => Ok(facts.json(false) + "\n"),
        false => Ok(row(&history.meta, facts.status(), facts.duration_ms())),
    }
}

/// How a run ended and how long it took, by the ends of its journal: of thousands of runs there is no time to read all
/// that is between. Absent: it has not ended, or that is not so easily seen.
fn ended(folder: &RunFolder) -> Option<(RunStatus, i64)> {
    #[derive(Deserialize)]
    struct Line {
        event: Event,
        commands: Vec<Command>,
    }
    let first: Line = serde_json::from_str(&folder.first_line().ok()?).ok()?;
    let last: Line = serde_json::from_str(&folder.last_line().ok()??).ok()?;
    let Some(Command::RunStopped { status }) = last.commands.last() else {
        return None;
    };
    status
        .is_over()
        .then(|| (*status, last.event.time_ms - first.event.time_ms))
}

fn row(meta: &RunMeta, status: &str, duration_ms: i64) -> String {
    let mut line = format!("{}  {}", meta.run, text::status_padded(status));
    // Infallible: writing to a string.
    let _ = write!(line, "  {:>8}  {}", text::duration(duration_ms), meta.plan);
    if let Some(title) = &meta.title {
        let _ = write!(line, "  {}", crate::printer::shown(title));
    }
    line.push('\n');
    line
}
