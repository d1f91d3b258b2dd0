//! Watching a run: live lines on a terminal, plain lines elsewhere, one event a line for machines.
//!
//! What is told is on disk already. A line for each thing that happened stays; below them, on a terminal, the live
//! lines ([`frame`]). Absent: what the run came to in the end.

mod estimate;
mod frame;
mod lines;
#[cfg(test)]
mod tests;
mod view;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::ValueEnum;
use console::Term;
use engine::{Engine, Notice};
use runtime::{Observer, Progress};
use serde::Serialize;
use store::RunFolder;

use self::estimate::Estimates;
use self::lines::Lines;
use self::view::View;
use crate::printer::Printer;
use crate::told::{Told, told};

/// `--format` of verbs that run.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub enum Format {
    /// For people: live on a terminal, plain lines elsewhere
    #[default]
    Text,
    /// One event a line, as in the journal, and a summary
    Json,
}

pub struct Watch<'a> {
    printer: &'a Printer,
    format: Format,
    quiet: bool,
    /// On a terminal.
    live: Option<Live>,
}

/// The live lines, and what they show.
struct Live {
    lines: Lines,
    view: Arc<Mutex<View>>,
}

impl<'a> Watch<'a> {
    pub fn new(printer: &'a Printer, format: Format, quiet: bool, engine: &Engine, folder: &RunFolder) -> Self {
        let draws = format == Format::Text && !quiet;
        let live = printer.live().filter(|_| draws).map(|target| {
            let view = Arc::new(Mutex::new(View::new(engine, folder.id(), Instant::now())));
            let terminal = Term::stderr();
            let lines = Lines::new(target, view.clone(), printer.err_is_colored(), move || terminal.size());
            lines.animate();
            estimate_meanwhile(view.clone(), folder.clone(), engine.plan().name.to_string());
            Live { lines, view }
        });
        Self {
            printer,
            format,
            quiet,
            live,
        }
    }

    /// Takes the live lines away.
    pub fn finish(&self) {
        if let Some(live) = &self.live {
            live.lines.finish();
        }
    }

    fn tell(&self, engine: &Engine, notice: &Notice) {
        // On a terminal it is among the live lines.
        if self.live.is_some()
            && matches!(
                notice,
                Notice::Started { .. } | Notice::Line { .. } | Notice::Undoing { .. }
            )
        {
            return;
        }
        match told(notice, |node| engine.title(node)) {
            Told::Line(line) => self.printer.note(&line),
            Told::Warning(text) => self.printer.warning(&text),
        }
    }
}

impl Observer for Watch<'_> {
    fn progress(&mut self, engine: &Engine, progress: Progress<'_>) {
        match progress {
            Progress::Warning(text) => self.printer.warning(text),
            Progress::Journaled(lines) if self.format == Format::Json => self.printer.raw(lines),
            Progress::Notice(notice) if self.format == Format::Json => self.printer.raw_line(&derived(notice)),
            Progress::Notice(notice) if !self.quiet => {
                if let Some(live) = &self.live {
                    let mut view = live.view.lock().unwrap_or_else(PoisonError::into_inner);
                    view.take(engine, notice, Instant::now());
                }
                self.tell(engine, notice);
            }
            Progress::Journaled(_) | Progress::Notice(_) | Progress::Output { .. } => {}
        }
    }
}

/// What follows from events is not in the journal, and says so.
fn derived(notice: &Notice) -> String {
    #[derive(Serialize)]
    struct Derived<'a> {
        derived: &'a Notice,
    }
    // Plain structures of strings and numbers always serialise.
    serde_json::to_string(&Derived { derived: notice }).unwrap_or_default()
}

/// Earlier runs are read beside the run: it does not wait for them.
fn estimate_meanwhile(view: Arc<Mutex<View>>, folder: RunFolder, plan: String) {
    std::thread::spawn(move || {
        let estimates = Estimates::of_earlier(&folder, &plan);
        let mut view = view.lock().unwrap_or_else(PoisonError::into_inner);
        view.estimates = estimates;
        view.estimate(Instant::now());
    });
}
