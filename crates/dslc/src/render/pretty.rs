//! Diagnostics with the lines of the plan, drawn by ariadne.
//!
//! The text is made safe to show first, at the same length in bytes, so that no plan can drive the terminal and every
//! line counts as one. A line too long to draw is quoted by its place only.

use std::collections::HashMap;
use std::fmt::{Debug, Display, Write};
use std::ops::Range;
use std::path::Path;

use ariadne::{Cache, Color, Config, IndexType, Label, Report, ReportKind};
use dsl_check::{Diagnostic, Severity};
use dsl_syntax::ast::Span;

use super::cap::{Capped, capped};
use super::{Source, Sources};
use crate::printer::{is_control, shown};

/// A longer line is not drawn.
const LINE_BYTES_MAX: usize = 500;
/// A label further away is a note: ariadne goes through all lines between two labels.
const LINES_BETWEEN_MAX: usize = 200;

type Place<'a> = (&'a Path, Range<usize>);

/// `all`: however many there are.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool, all: bool) -> String {
    let mut cache = Drawn {
        sources,
        drawn: HashMap::new(),
    };
    let mut text = String::new();
    let Capped { shown, left } = capped(diagnostics, all);
    for diagnostic in shown {
        let mut bytes = Vec::new();
        let kind = format!("{}[{}]", diagnostic.severity.name(), diagnostic.rule);
        let drawn = drawable(diagnostic, sources)
            && report(diagnostic, &kind, sources, color)
                .write(&mut cache, &mut bytes)
                .is_ok();
        match String::from_utf8(bytes) {
            Ok(report) if drawn => trimmed(&mut text, &report),
            _ => undrawn(&mut text, diagnostic, sources),
        }
        text.push('\n');
    }
    for (file, count) in left {
        let _ = writeln!(
            text,
            "… and {} more in {}; `dslc check --all` shows them",
            grouped(count),
            sources.shown(file)
        );
    }
    text
}

/// `12,345`
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// ariadne pads lines with spaces.
fn trimmed(text: &mut String, report: &str) {
    for line in report.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn report<'a, 'k>(diagnostic: &'a Diagnostic, kind: &'k str, sources: &Sources, color: bool) -> Report<'k, Place<'a>> {
    let paint = match diagnostic.severity {
        Severity::Error => Color::Red,
        Severity::Warning => Color::Yellow,
        Severity::Hint => Color::Blue,
    };
    let kind = ReportKind::Custom(kind, paint);
    let primary = place(&diagnostic.file, diagnostic.span, sources);
    let mut report = Report::build(kind, primary.clone())
        .with_config(Config::new().with_color(color).with_index_type(IndexType::Byte))
        .with_message(shown(&diagnostic.message));
    let help = diagnostic
        .help
        .as_deref()
        .or_else(|| diagnostic.fixes.first().map(|fix| fix.title.as_str()));
    let mut said = false;
    // ariadne begins a new frame for a line above the one before
    let mut drawn: Vec<(Place<'a>, String, Color)> = Vec::new();
    for label in &diagnostic.labels {
        if is_far(diagnostic, label, sources) {
            report.add_note(format!(
                "{}: {}",
                named(sources, &label.file, label.span),
                shown(&label.message)
            ));
            continue;
        }
        let at = place(&label.file, label.span, sources);
        let own = at == primary;
        said |= own;
        drawn.push((at, shown(&label.message), if own { paint } else { Color::Blue }));
    }
    if !said {
        // Only a label with words is underlined, so the help stands there.
        drawn.push((primary, shown(help.unwrap_or("here")), paint));
    }
    let is_elsewhere = |place: &Place<'_>| place.0 != &*diagnostic.file;
    drawn.sort_by(|(a, ..), (b, ..)| (is_elsewhere(a), a.0, a.1.start).cmp(&(is_elsewhere(b), b.0, b.1.start)));
    for (at, message, color) in drawn {
        report.add_label(Label::new(at).with_message(message).with_color(color));
    }
    for note in &diagnostic.notes {
        report.add_note(shown(note));
    }
    if let Some(help) = help.filter(|_| said) {
        report.set_help(shown(help));
    }
    report.finish()
}

fn is_far(diagnostic: &Diagnostic, label: &dsl_check::Label, sources: &Sources) -> bool {
    let line = |span: Span| {
        sources
            .get(&label.file)
            .map_or(0, |source| source.line_of(span.start as usize))
    };
    diagnostic.file == label.file && line(diagnostic.span).abs_diff(line(label.span)) > LINES_BETWEEN_MAX
}

/// A place inside its file, never backwards, at character boundaries.
fn place<'a>(file: &'a Path, span: Span, sources: &Sources) -> Place<'a> {
    let len = sources.get(file).map_or(0, |source| source.text.len());
    let start = (span.start as usize).min(len);
    (file, start..(span.end as usize).clamp(start, len))
}

fn drawable(diagnostic: &Diagnostic, sources: &Sources) -> bool {
    let fits = |file: &Path, span: Span| {
        sources.get(file).is_some_and(|source| {
            let first = source.line_of(span.start as usize);
            let last = source.line_of(span.end as usize);
            [first, last]
                .into_iter()
                .all(|line| source.line_range(line).len() <= LINE_BYTES_MAX)
        })
    };
    fits(&diagnostic.file, diagnostic.span) && diagnostic.labels.iter().all(|label| fits(&label.file, label.span))
}

/// The headline, the places and the help, without lines of the plan.
fn undrawn(text: &mut String, diagnostic: &Diagnostic, sources: &Sources) {
    // Infallible: writing to a string.
    let _ = writeln!(
        text,
        "{}[{}]: {}",
        diagnostic.severity.name(),
        diagnostic.rule,
        shown(&diagnostic.message)
    );
    let _ = writeln!(text, "  at {}", named(sources, &diagnostic.file, diagnostic.span));
    for label in &diagnostic.labels {
        let _ = writeln!(
            text,
            "  at {}: {}",
            named(sources, &label.file, label.span),
            shown(&label.message)
        );
    }
    for note in &diagnostic.notes {
        let _ = writeln!(text, "  note: {}", shown(note));
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(text, "  help: {}", shown(help));
    }
}

fn named(sources: &Sources, file: &Path, span: Span) -> String {
    let (line, column) = sources
        .get(file)
        .map_or((0, 0), |source| source.line_col(span.start as usize));
    format!("{}:{}:{}", sources.shown(file), line + 1, column + 1)
}

/// Each file is prepared for drawing once, and only if something is drawn from it.
struct Drawn<'a> {
    sources: &'a Sources,
    drawn: HashMap<&'a Path, ariadne::Source<String>>,
}

impl<'a> Cache<&'a Path> for &mut Drawn<'a> {
    type Storage = String;

    fn fetch(&mut self, id: &&'a Path) -> Result<&ariadne::Source<String>, impl Debug> {
        let source = self.sources.get(id).ok_or("no such file")?;
        Ok::<_, &str>(
            self.drawn
                .entry(id)
                .or_insert_with(|| ariadne::Source::from(safe(source))),
        )
    }

    fn display<'b>(&self, id: &'b &'a Path) -> Option<impl Display + 'b> {
        Some(shown(&self.sources.shown(id)))
    }
}

/// The text with characters that are no line end here, or drive a terminal, replaced by others of the same length.
fn safe(source: &Source) -> String {
    let mut text = String::with_capacity(source.text.len());
    let mut chars = source.text.chars().peekable();
    while let Some(c) = chars.next() {
        let line_end = c == '\n' || (c == '\r' && chars.peek() == Some(&'\n'));
        if line_end || c == '\t' || !is_control(c) {
            text.push(c);
        } else {
            text.push(match c.len_utf8() {
                1 => '?',
                2 => '\u{b7}',
                _ => '\u{fffd}',
            });
        }
    }
    text
}
