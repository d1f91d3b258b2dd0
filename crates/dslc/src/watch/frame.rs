//! One picture of the live lines: what runs, what waits and the command that answers it, a bar.
//!
//! Promise: no line is wider than the terminal, and together they leave half of its rows to what was said before; a
//! wrapped line would be counted wrong and drawn over what is above it. Commands that do not fit behind what they are
//! about have lines of their own.

use std::time::{Duration, Instant};

use console::{measure_text_width, truncate_str};

use super::view::{Running, View, Waiting, What};
use crate::printer::{Paint, bold, shown};

/// At most so many nodes have a line of their own.
const LINES_MAX: usize = 12;
/// The word that a line begins with is as wide.
const WORD: usize = 11;
const LABEL_MAX: usize = 28;
const BAR_MAX: usize = 30;
/// Below that there is room for the figures only.
const BAR_COLUMNS_MIN: usize = 50;

/// The lines for a terminal of that size, which may be narrow.
pub fn frame(view: &View, now: Instant, (rows, columns): (u16, u16)) -> Vec<String> {
    let columns = usize::from(columns).saturating_sub(1).max(10);
    let room = LINES_MAX.min(usize::from(rows / 2)).saturating_sub(1).max(1);
    let mut lines = Vec::new();
    // people first: nothing goes on without them
    let (people, others): (Vec<&Waiting>, Vec<&Waiting>) = view
        .waiting
        .iter()
        .partition(|waiting| !matches!(waiting.what, What::Time { .. }));
    let shown_running = running_lines(&view.running, now, columns);
    for waiting in people {
        lines.extend(waiting_lines(view, waiting, now, columns));
    }
    lines.extend(shown_running);
    for waiting in others {
        lines.extend(waiting_lines(view, waiting, now, columns));
    }
    if lines.len() > room {
        let more = lines.len() - (room - 1).max(1);
        lines.truncate((room - 1).max(1));
        lines.push(fit(&format!("{}and {more} more", " ".repeat(WORD + 1)), columns));
    }
    lines.push(last_line(view, now, columns));
    lines
}

fn running_lines(running: &[Running], now: Instant, columns: usize) -> Vec<String> {
    let width = running
        .iter()
        .map(|running| measure_text_width(&running.label))
        .max()
        .unwrap_or(0)
        .min(LABEL_MAX)
        .min(columns.saturating_sub(WORD + 12));
    let since = |running: &Running| elapsed(now.saturating_duration_since(running.since));
    let since_width = running.iter().map(|running| since(running).len()).max().unwrap_or(0);
    let line = |running: &Running| {
        let since = since(running);
        let label = truncate_str(&one_line(&running.label), width, "…").into_owned();
        let pad = " ".repeat(width.saturating_sub(measure_text_width(&label)));
        let again = if running.attempt > 1 {
            format!("attempt {}  ", running.attempt)
        } else {
            String::new()
        };
        let text = format!(
            "{} {label}{pad} {since:>since_width$}  {again}{}",
            word("running", Paint::Blue),
            one_line(&running.title)
        );
        fit(text.trim_end(), columns)
    };
    running.iter().map(line).collect()
}

fn waiting_lines(view: &View, waiting: &Waiting, now: Instant, columns: usize) -> Vec<String> {
    let label = one_line(&waiting.label);
    let run = &view.run;
    match &waiting.what {
        What::Time { at, why } => {
            let left = elapsed(at.saturating_duration_since(now));
            let text = format!("{} {label}  again in {left}  ({why})", word("waiting", Paint::Yellow));
            vec![fit(&text, columns)]
        }
        What::People {
            approvers,
            until,
            command,
        } => {
            let who = approvers.first().map_or("anybody", |approver| approver.as_str());
            let more = approvers.len().saturating_sub(1);
            let or_others = if more > 0 {
                format!(" or {more} more")
            } else {
                String::new()
            };
            let left = until
                .map(|until| format!(", {} left", elapsed(until.saturating_duration_since(now))))
                .unwrap_or_default();
            let head = format!(
                "{} {label}  waits for {who}{or_others}{left}",
                word("gate", Paint::Yellow)
            );
            with_command(&head, command, columns)
        }
        What::Doubt => {
            let head = format!("{} {label}  nobody saw how it ended", word("in doubt", Paint::Yellow));
            let command = format!("dslc resolve {run} {} completed|failed|retry", argument(&waiting.label));
            with_command(&head, &command, columns)
        }
    }
}

/// Behind what it is about where there is room, else below it.
fn with_command(head: &str, command: &str, columns: usize) -> Vec<String> {
    let command = one_line(command);
    if measure_text_width(head) + 2 + measure_text_width(&command) <= columns {
        return vec![format!("{head}  {}", bold(&command, None))];
    }
    let indent = (WORD + 1).min(columns.saturating_sub(measure_text_width(&command)));
    let mut lines = vec![fit(head, columns)];
    let words = wrapped(&command, columns.saturating_sub(indent));
    lines.extend(words.map(|words| fit(&format!("{}{}", " ".repeat(indent), bold(&words, None)), columns)));
    lines
}

/// Between words: a command that is cut short cannot be typed.
fn wrapped(command: &str, columns: usize) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = Vec::new();
    for word in command.split(' ') {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + 1 + measure_text_width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter()
}

fn last_line(view: &View, now: Instant, columns: usize) -> String {
    let counts = &view.counts;
    let mut figures = vec![format!("{}/{}", counts.settled, view.nodes), time(view, now)];
    for (count, name) in [
        (view.running.len() as u64, "running"),
        (view.waiting.len() as u64, "waiting"),
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
    ] {
        if count > 0 {
            figures.push(format!("{count} {name}"));
        }
    }
    let mut text = figures.join("  ");
    if columns >= BAR_COLUMNS_MIN {
        let width = (columns / 4).min(BAR_MAX);
        let bar = bar(counts.settled, view.nodes, width);
        text = format!("    {bar} {text}");
    }
    fit(&text, columns)
}

/// How long it has been running, and how long it will.
fn time(view: &View, now: Instant) -> String {
    let mut text = elapsed(now.saturating_duration_since(view.started));
    if let Some(rest) = &view.remaining {
        let gone = now.saturating_duration_since(rest.as_of);
        let left = rest.time.saturating_sub(gone);
        let about = if rest.at_least { "at least" } else { "about" };
        if left >= Duration::from_secs(1) {
            text.push_str(&format!(", {about} {} left", elapsed(left)));
        }
    }
    text
}

fn bar(done: u64, all: u64, width: usize) -> String {
    let full = (done.min(all) * width as u64).checked_div(all);
    let full = full.and_then(|full| usize::try_from(full).ok()).unwrap_or(width);
    let mut bar = "━".repeat(full);
    if full < width {
        bar.push('╸');
        bar.push_str(&"─".repeat(width - full - 1));
    }
    bar
}

/// `12 s`, `3 min 5 s`, `2 h 3 min`: tenths would only flicker.
fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn word(word: &str, paint: Paint) -> String {
    format!(
        "{}{}",
        " ".repeat(WORD.saturating_sub(word.len())),
        bold(word, Some(paint))
    )
}

fn fit(text: &str, columns: usize) -> String {
    truncate_str(text, columns, "…").into_owned()
}

fn one_line(text: &str) -> String {
    shown(text).replace('\n', " ")
}

/// As a shell takes it.
fn argument(label: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if label.chars().all(plain) {
        label.to_owned()
    } else {
        format!("'{}'", label.replace('\'', "'\\''"))
    }
}
