//! One JSON object a line and a last line with the counts: the form that other programs read.
//!
//! Lines and columns count from 1 (columns in characters), offsets in bytes from 0. Fields are added, never renamed.

use dsl_check::{Diagnostic, Fix, Label};
use serde::Serialize;

use super::{Counts, Position, Sources};

#[derive(Serialize)]
struct Line<'a> {
    rule: &'a str,
    severity: &'a str,
    message: &'a str,
    file: String,
    start: Position,
    end: Position,
    labels: Vec<LabelJson<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    fixes: Vec<FixJson<'a>>,
}

#[derive(Serialize)]
struct LabelJson<'a> {
    file: String,
    start: Position,
    end: Position,
    message: &'a str,
}

#[derive(Serialize)]
struct FixJson<'a> {
    title: &'a str,
    safe: bool,
    edits: Vec<EditJson<'a>>,
}

#[derive(Serialize)]
struct EditJson<'a> {
    file: String,
    start: Position,
    end: Position,
    text: &'a str,
}

#[derive(Serialize)]
struct SummaryLine {
    summary: Summary,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    errors: usize,
    warnings: usize,
}

pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        push(&mut text, &line(diagnostic, sources));
    }
    let Counts { errors, warnings, .. } = Counts::of(diagnostics);
    push(
        &mut text,
        &SummaryLine {
            summary: Summary {
                files: sources.len(),
                errors,
                warnings,
            },
        },
    );
    text
}

fn push(text: &mut String, line: &impl Serialize) {
    // Plain structures of strings and numbers always serialise.
    text.push_str(&serde_json::to_string(line).unwrap_or_default());
    text.push('\n');
}

fn line<'a>(diagnostic: &'a Diagnostic, sources: &Sources) -> Line<'a> {
    let (start, end) = sources.range(&diagnostic.file, diagnostic.span);
    Line {
        rule: diagnostic.rule,
        severity: diagnostic.severity.name(),
        message: &diagnostic.message,
        file: sources.shown(&diagnostic.file),
        start,
        end,
        labels: diagnostic
            .labels
            .iter()
            .map(|label| label_json(label, sources))
            .collect(),
        notes: &diagnostic.notes,
        help: diagnostic.help.as_deref(),
        fixes: diagnostic.fixes.iter().map(|fix| fix_json(fix, sources)).collect(),
    }
}

fn label_json<'a>(label: &'a Label, sources: &Sources) -> LabelJson<'a> {
    let (start, end) = sources.range(&label.file, label.span);
    LabelJson {
        file: sources.shown(&label.file),
        start,
        end,
        message: &label.message,
    }
}

fn fix_json<'a>(fix: &'a Fix, sources: &Sources) -> FixJson<'a> {
    let edits = fix.edits.iter().map(|edit| {
        let (start, end) = sources.range(&edit.file, edit.span);
        EditJson {
            file: sources.shown(&edit.file),
            start,
            end,
            text: &edit.text,
        }
    });
    FixJson {
        title: &fix.title,
        safe: fix.safe,
        edits: edits.collect(),
    }
}
