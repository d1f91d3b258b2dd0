//! Watching a run: live lines on a terminal, plain lines elsewhere, one event a line for machines.
//!
//! What is told is on disk already. A line for each thing that happened stays; below them, on a terminal, the live lines ([`frame`]).
//! Absent: what the run came to in the end.

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
use crate::printer::{Paint, Printer, bold, shown};
use crate::text;

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
    lines: Option<Lines>,
    view: Arc<Mutex<View>>,
}

impl<'a> Watch<'a> {
    pub fn new(printer: &'a Printer, format: Format, quiet: bool, engine: &Engine, folder: &RunFolder) -> Self {
        let view = Arc::new(Mutex::new(View::new(engine, folder.id(), Instant::now())));
        let draws = format == Format::Text && !quiet;
        let lines = printer.live().filter(|_| draws).map(|target| {
            let terminal = Term::stderr();
            let lines = Lines::new(target, view.clone(), printer.err_is_colored(), move || terminal.size());
            lines.animate();
            estimate_meanwhile(view.clone(), folder.clone(), engine.plan().name.to_string());
            lines
        });
        Self {
            printer,
            format,
            quiet,
            lines,
            view,
        }
    }

    /// Takes the live lines away.
    pub fn finish(&self) {
        if let Some(lines) = &self.lines {
            lines.finish();
        }
    }

    fn say(&self, word: &str, paint: Option<Paint>, label: &str, rest: &str) {
        let gap = if rest.is_empty() { "" } else { "  " };
        let pad = " ".repeat(11_usize.saturating_sub(word.len()));
        self.printer.note(&format!(
            "{pad}{} {}{gap}{}",
            bold(word, paint),
            shown(label),
            shown(rest)
        ));
    }

    fn tell(&self, engine: &Engine, notice: &Notice) {
        match notice {
            Notice::Started { node, label, attempt } => {
                let title = engine.title(*node).unwrap_or_default();
                // On a terminal it is among the live lines.
                if self.lines.is_none() {
                    let again = if *attempt > 1 {
                        format!("attempt {attempt}")
                    } else {
                        title
                    };
                    self.say("started", None, label, &again);
                }
            }
            Notice::FannedOut { label, instances, .. } => {
                self.say("fans out", None, label, &format!("{instances} instances"))
            }
            Notice::Line {
                label,
                line,
                capability,
                ..
            } => {
                if self.lines.is_none() {
                    self.say("goes on", None, label, &format!("line {line}, {capability}"));
                }
            }
            Notice::Waits {
                label, on, until_ms, ..
            } => {
                let until = until_ms
                    .map(|at_ms| format!(" until {}", ir::quantity::render_time(at_ms)))
                    .unwrap_or_default();
                self.say(
                    "waits",
                    Some(Paint::Yellow),
                    label,
                    &format!("{on} is over its limits{until}"),
                );
            }
            Notice::CircuitOpened { agent, probe_at_ms } => self.printer.warning(&format!(
                "the agent `{agent}` keeps failing and is left alone until {}",
                ir::quantity::render_time(*probe_at_ms)
            )),
            Notice::BudgetAlert { whose, item, used, of } => self.printer.warning(&format!(
                "{whose} has used {used} of {of}, its budget for {}",
                item.name()
            )),
            Notice::BudgetSpent { item, used, of } => self.printer.warning(&format!(
                "what is next is not within the budget for {}: {used} of {of} are used",
                item.name()
            )),
            Notice::Retrying { label, error, .. } => {
                self.say(
                    "retrying",
                    Some(Paint::Yellow),
                    label,
                    &format!("{}: {}", error.kind, error.message),
                );
            }
            Notice::Again { label, attempt, .. } => {
                self.say(
                    "again",
                    Some(Paint::Yellow),
                    label,
                    &format!("attempt {attempt} was cut off"),
                );
            }
            Notice::Blocked { label, .. } => self.say("in doubt", Some(Paint::Yellow), label, "a person has to decide"),
            Notice::Asked { label, approvers, .. } => {
                self.say("waits for", Some(Paint::Yellow), label, &approvers.join(", "));
            }
            Notice::Decided {
                label,
                by,
                person,
                decision,
                because,
                ..
            } => {
                let who = person.as_ref().unwrap_or(by);
                let because = because
                    .as_ref()
                    .map(|because| format!(": {because}"))
                    .unwrap_or_default();
                self.say(decision.name(), None, label, &format!("{who}{because}"));
            }
            Notice::Completed { label, duration_ms, .. } => {
                self.say("completed", Some(Paint::Green), label, &text::duration(*duration_ms));
            }
            Notice::Failed { label, error, .. } => {
                self.say(
                    "failed",
                    Some(Paint::Red),
                    label,
                    &format!("{}: {}", error.kind, error.message),
                );
            }
            Notice::Skipped { label, because, .. } => self.say("skipped", None, label, because),
            Notice::Cancelled { label, .. } => self.say("cancelled", Some(Paint::Red), label, ""),
            Notice::Aborting { label, .. } => {
                self.say("aborting", Some(Paint::Red), label, "nothing handles its failure")
            }
            Notice::PlanTimeout => self.printer.warning("the plan's time is up"),
            Notice::Ignored(ignored) => self
                .printer
                .warning(&format!("`{}` changed nothing: {}", ignored.event, ignored.reason)),
        }
    }
}

impl Observer for Watch<'_> {
    fn progress(&mut self, engine: &Engine, progress: Progress<'_>) {
        match progress {
            Progress::Warning(text) => self.printer.warning(text),
            Progress::Journaled(lines) if self.format == Format::Json => self.printer.out(lines),
            Progress::Notice(notice) if self.format == Format::Json => self.printer.line(&derived(notice)),
            Progress::Notice(notice) if !self.quiet => {
                if self.lines.is_some() {
                    let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
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
