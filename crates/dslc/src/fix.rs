//! `dslc check --fix` and `--diff`: repaired files are written, or shown as a unified diff.

use std::fmt::Write;
use std::path::Path;

use similar::TextDiff;

use dsl_check::repair::{Change, Fixed, Repair};

use crate::failure::{Failure, plain};
use crate::printer::{Paint, Printer, bold, shown};
use crate::render::Sources;
use crate::replace::replace;
use crate::workspace::{self, STDIN};

const MARK: &str = "\u{feff}";

/// Writes the repaired files and says what was repaired. Standard input is no file.
pub fn write(fixed: &Fixed, sources: &Sources, printer: &Printer) -> Result<(), Failure> {
    for (path, change) in &fixed.changes {
        if path.ends_with(STDIN) {
            continue;
        }
        let name = sources.shown(path);
        write_file(path, change)
            .map_err(|why| Failure::usage(format!("cannot write `{name}`: {why}; the rest is as it was")))?;
        for repair in fixed.repairs.iter().filter(|repair| repair.file == *path) {
            printer.note(&said(repair, &name));
        }
    }
    Ok(())
}

fn write_file(path: &Path, change: &Change) -> Result<(), String> {
    let bytes = workspace::read(path, false).map_err(|error| plain(&error))?;
    let is_marked = bytes.starts_with(MARK.as_bytes());
    match dsl_syntax::decode(&bytes) {
        Ok(text) if text == change.before => {}
        // The same file under another name.
        Ok(text) if text == change.after => return Ok(()),
        // Somebody else's work is not overwritten.
        _ => return Err("it has changed meanwhile".to_owned()),
    }
    let mark = if is_marked { MARK } else { "" };
    replace(path, format!("{mark}{}", change.after).as_bytes()).map_err(|error| plain(&error))
}

fn said(repair: &Repair, name: &str) -> String {
    let Repair { line, column, .. } = repair;
    let fixed = bold("fixed", Some(Paint::Green));
    format!(
        "{fixed} {name}:{line}:{column}: {} [{}]",
        shown(&repair.title),
        repair.rule
    )
}

/// The changes as one patch, as `git apply` and `patch -p1` read it.
pub fn diff(fixed: &Fixed, sources: &Sources, color: bool) -> String {
    let patches = fixed.changes.iter().map(|(path, change)| {
        let name = sources.shown(path);
        patch(name.trim_start_matches('/'), &change.before, &change.after, color)
    });
    patches.collect()
}

/// The change of one file.
pub fn patch(name: &str, before: &str, after: &str, color: bool) -> String {
    let patch = TextDiff::from_lines(before, after)
        .unified_diff()
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string();
    if !color {
        return patch;
    }
    let mut text = String::new();
    patch.lines().for_each(|line| _ = writeln!(text, "{}", painted(line)));
    text
}

/// A line of a patch, for a terminal.
fn painted(line: &str) -> String {
    let paint = match line.as_bytes().first() {
        Some(b'+') => Paint::Green,
        Some(b'-') => Paint::Red,
        Some(b'@') => Paint::Blue,
        _ => return shown(line),
    };
    bold(&shown(line), Some(paint))
}
