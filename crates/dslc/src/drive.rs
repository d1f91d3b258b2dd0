//! Driving a run to its end, a pause or a doubt, with somebody watching; then saying what it came to.

use std::io::IsTerminal;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use runtime::{Options, Patience, Running};

use crate::failure::{Exit, Failure, plain};
use crate::outcome;
use crate::printer::{Printer, bold};
use crate::summary::Facts;
use crate::telemetry::Trace;
use crate::text;
use crate::verbs::export;
use crate::watch::{Format, Watch};
use crate::workspace::Place;

/// What verbs that run take.
#[derive(clap::Args, Default)]
pub struct Watching {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Print only what the run came to
    #[arg(long, short)]
    quiet: bool,
    /// Write a Chrome trace of the run, for Perfetto
    #[arg(long, value_name = "FILE")]
    trace: Option<std::path::PathBuf>,
}

/// The options of a driver that is this very binary.
pub fn options(place: &Place) -> Result<Options, Failure> {
    let binary: PathBuf = std::env::current_exe()
        .map_err(|error| Failure::internal(format!("cannot tell where dslc itself is: {}", plain(&error))))?;
    let mut options = Options::new(binary, place.cwd.clone());
    options.workspace = place.root.clone();
    options.signals = true;
    // somebody who watches sees the question, and answers it from elsewhere
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        options.patience = Patience::Endless;
    }
    Ok(options)
}

pub fn drive(running: Running, watching: &Watching, printer: &Printer) -> Result<Exit, Failure> {
    let Watching { format, quiet, .. } = *watching;
    if format == Format::Text && !quiet {
        printer.note(&format!(
            "{} {} of {}",
            bold("run", None),
            running.meta().run,
            running.meta().plan
        ));
    }
    say_recovery(&running, printer);
    let mut watch = Watch::new(printer, format, quiet, running.engine(), running.folder());
    let finished = running.drive(&mut watch);
    watch.finish();
    // the process ends: to take the plan apart piece by piece takes its time
    let finished = ManuallyDrop::new(finished?);
    let facts = Facts {
        meta: &finished.meta,
        engine: &finished.engine,
        driven: false,
    };
    match format {
        Format::Json => printer.raw_line(&format!("{{\"summary\":{}}}", facts.json(true))),
        Format::Text => {
            let results = outcome::results(&finished.engine, &finished.folder);
            if quiet {
                printer.out(results.trim_start());
            } else {
                printer.line(&format!(
                    "{} in {}",
                    text::status(facts.status()),
                    text::duration(facts.duration_ms())
                ));
                printer.out(&results);
            }
            printer.err(&outcome::next_steps(&finished.engine, &finished.folder, false));
        }
    }
    if let Some(path) = &watching.trace {
        export::write_trace(&Trace::read(&finished.folder)?, path, printer)?;
    }
    Ok(if finished.interrupted {
        Exit::Interrupted
    } else {
        outcome::exit(&finished.engine)
    })
}

/// What a resume found of the driver before.
fn say_recovery(running: &Running, printer: &Printer) {
    let recovery = running.recovery();
    if let Some(torn) = &recovery.torn {
        printer.warning(&format!(
            "cut {} bytes of an interrupted write from line {} of the journal",
            torn.bytes, torn.line
        ));
    }
    if recovery.killed > 0 {
        printer.warning(&format!(
            "killed {} processes that the driver before had left",
            recovery.killed
        ));
    }
    for label in &recovery.lost {
        printer.warning(&format!("the driver before ended while `{label}` ran"));
    }
}
