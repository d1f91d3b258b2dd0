//! `dslc check --fix` and `--diff`: repaired files are written, or shown as a unified diff.

use std::fmt::Write;
use std::path::Path;

use similar::TextDiff;

use dsl_check::repair::{Change, Fixed, Repair};
use dsl_syntax::BYTE_ORDER_MARK;

use crate::failure::{Failure, plain};
use crate::printer::{Paint, Printer, bold, shown};
use crate::render::Sources;
use crate::replace::replace;
use crate::workspace::{self, STDIN};

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
    let is_marked = bytes.starts_with(BYTE_ORDER_MARK.as_bytes());
    match dsl_syntax::decode(&bytes) {
        Ok(text) if text == change.before => {}
        // The same file under another name.
        Ok(text) if text == change.after => return Ok(()),
        // Somebody else's work is not overwritten.
        _ => return Err("it has changed meanwhile".to_owned()),
    }
    let mark = if is_marked { BYTE_ORDER_MARK } else { "" };
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

/// The changes as one patch, as `git apply` and `patch -p1` read it in `folder`.
pub fn diff(fixed: &Fixed, sources: &Sources, folder: &Path, color: bool) -> String {
    let patches = fixed.changes.iter().map(|(path, change)| {
        let name = match path.ends_with(STDIN) {
            true => Path::new("stdin.plan"),
            false => path.strip_prefix(folder).unwrap_or(path),
        };
        match sources.get(path).is_some_and(|source| source.is_marked) {
            true => patch(name, &marked(&change.before), &marked(&change.after), color),
            false => patch(name, &change.before, &change.after, color),
        }
    });
    patches.collect()
}

fn marked(text: &str) -> String {
    format!("{BYTE_ORDER_MARK}{text}")
}

/// The change of one file.
pub fn patch(name: &Path, before: &str, after: &str, color: bool) -> String {
    // Lines end at line feeds: that is what those who read patches know.
    let [before, after] = [before, after].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let patch = TextDiff::configure()
        .newline_terminated(true)
        .diff_slices(&before, &after)
        .unified_diff()
        .header(&header('a', name), &header('b', name))
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

/// A name as git writes it in a patch: in quotes where its bytes are not plain, and ended where it has spaces.
fn header(side: char, name: &Path) -> String {
    let bytes = name.as_os_str().as_encoded_bytes();
    let bytes = bytes.strip_prefix(b"/").unwrap_or(bytes);
    let plain = std::str::from_utf8(bytes).ok();
    let plain = plain.filter(|name| !name.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')));
    if let Some(name) = plain {
        let end = if name.contains(' ') { "\t" } else { "" };
        return format!("{side}/{name}{end}");
    }
    let mut quoted = format!("\"{side}/");
    for &byte in bytes {
        // Infallible: writing to a string.
        let _ = match byte {
            b'"' | b'\\' => write!(quoted, "\\{}", byte as char),
            b' '..=b'~' => write!(quoted, "{}", byte as char),
            _ => write!(quoted, "\\{byte:03o}"),
        };
    }
    quoted.push('"');
    quoted
}
