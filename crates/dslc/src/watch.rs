//! Watching a run: live lines on a terminal, plain lines elsewhere, one event a line for machines.
//!
//! What is told is on disk already. A line for each thing that happened stays; below them, on a terminal, a line for each
//! running attempt and a bar with counts. Absent: what the run came to in the end.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use console::{Term, truncate_str};
use engine::{Engine, Notice};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use runtime::{Observer, Progress};
use serde::Serialize;

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

/// At most so many running attempts have a line of their own.
const LINES_MAX: usize = 12;
const REDRAW: Duration = Duration::from_millis(120);

pub struct Watch<'a> {
    printer: &'a Printer,
    format: Format,
    quiet: bool,
    bar: Option<ProgressBar>,
    live: Arc<Mutex<Live>>,
}

/// What the live lines show.
#[derive(Default)]
struct Live {
    running: Vec<Running>,
    counts: Counts,
}

struct Running {
    label: String,
    title: String,
    since: Instant,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    settled: u64,
    failed: u64,
    skipped: u64,
}

impl<'a> Watch<'a> {
    pub fn new(printer: &'a Printer, format: Format, quiet: bool, engine: &Engine) -> Self {
        // Of a resumed run some have settled before.
        let settled = engine.nodes().iter().filter(|node| node.settled_ms.is_some()).count() as u64;
        let live = Arc::new(Mutex::new(Live {
            counts: Counts {
                settled,
                ..Counts::default()
            },
            ..Live::default()
        }));
        let nodes = engine.plan().nodes.len() as u64;
        let draws = format == Format::Text && !quiet;
        let bar = printer.live().filter(|_| draws).map(|lines| {
            let bar = lines.add(ProgressBar::new(nodes).with_style(style(live.clone())));
            bar.enable_steady_tick(REDRAW);
            bar
        });
        Self {
            printer,
            format,
            quiet,
            bar,
            live,
        }
    }

    /// Takes the live lines away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
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
                if self.bar.is_none() {
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
                if let Some(bar) = &self.bar {
                    let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
                    live.take(engine, notice);
                    bar.set_position(live.counts.settled);
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

impl Live {
    fn take(&mut self, engine: &Engine, notice: &Notice) {
        let (node, label) = match notice {
            Notice::Started { node, label, .. } => {
                let title = engine.title(*node).unwrap_or_default();
                self.running.push(Running {
                    label: label.to_string(),
                    title,
                    since: Instant::now(),
                });
                return;
            }
            Notice::Retrying { label, .. }
            | Notice::Again { label, .. }
            | Notice::Blocked { label, .. }
            | Notice::Asked { label, .. } => {
                self.running.retain(|running| running.label != label.as_str());
                return;
            }
            Notice::Completed { node, label, .. } => (node, label),
            Notice::Failed { node, label, .. } => {
                self.counts.failed += 1;
                (node, label)
            }
            Notice::Skipped { node, label, .. } => {
                self.counts.skipped += 1;
                (node, label)
            }
            Notice::Cancelled { node, label } => (node, label),
            Notice::FannedOut { .. }
            | Notice::Decided { .. }
            | Notice::Aborting { .. }
            | Notice::PlanTimeout
            | Notice::Ignored(_) => return,
        };
        self.running.retain(|running| running.label != label.as_str());
        // Instances of a fan-out are not counted: the task is.
        if engine
            .plan()
            .nodes
            .get(*node as usize)
            .is_some_and(|known| known.id == *label)
        {
            self.counts.settled += 1;
        }
    }

    /// One line each: a wrapped one would be counted wrong, and drawn over what is above it.
    fn lines(&self, (rows, columns): (u16, u16)) -> String {
        let lines_max = LINES_MAX.min(usize::from(rows / 2)).max(1);
        let mut text = String::new();
        for running in self.running.iter().take(lines_max) {
            let since = format!("  {} s", running.since.elapsed().as_secs());
            let what = format!(
                "    {} {} {}",
                bold("running", Some(Paint::Blue)),
                one_line(&running.label),
                one_line(&running.title)
            );
            let room = usize::from(columns).saturating_sub(since.len() + 1);
            text.push_str(&truncate_str(what.trim_end(), room, "…"));
            text.push_str(&since);
            text.push('\n');
        }
        if let Some(more) = self.running.len().checked_sub(lines_max).filter(|more| *more > 0) {
            // Infallible: writing to a string.
            let _ = writeln!(text, "            and {more} more");
        }
        text
    }

    fn counts(&self) -> String {
        let mut text = format!("{} running", self.running.len());
        for (count, name) in [(self.counts.failed, "failed"), (self.counts.skipped, "skipped")] {
            if count > 0 {
                let _ = write!(text, ", {count} {name}");
            }
        }
        text
    }
}

fn one_line(text: &str) -> String {
    shown(text).replace('\n', " ")
}

/// One bar whose lines are made anew at each drawing, so that no attempt needs a thread of its own.
fn style(live: Arc<Mutex<Live>>) -> ProgressStyle {
    let (lines, counts) = (live.clone(), live);
    let terminal = Term::stderr();
    ProgressStyle::with_template("{running}    {bar:20} {pos}/{len}  {counts}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
        .with_key("running", move |_: &ProgressState, out: &mut dyn Write| {
            let size = terminal.size();
            let live = lines.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = out.write_str(&live.lines(size));
        })
        .with_key("counts", move |_: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&counts.lock().unwrap_or_else(PoisonError::into_inner).counts());
        })
}
