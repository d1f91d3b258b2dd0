//! The repair of a quoted here-document that holds values of the plan: its delimiter without quotes, and a backslash
//! before all that the shell would then expand beside them.
//!
//! Promise: what the shell reads is what it read before, but for the values. Absent where the delimiter needs its
//! quotes, where the text holds other `{{ … }}` that mean themselves, and where there is more to escape than somebody
//! wants to read.

use dsl_syntax::ast::{Raw, RawInterp, Span};

use super::heredoc::HereDoc;
use crate::types::problem::Unquoted;

/// More backslashes than this make a text that nobody wants.
const ESCAPES_MAX: usize = 32;

/// How the here-document is written so that it expands the values in it, which `is_value` tells from other text.
pub(super) fn unquoted(script: &Raw, document: &HereDoc, is_value: impl Fn(&RawInterp) -> bool) -> Option<Unquoted> {
    // escapes of a string that stands for a script: places cannot be mapped back
    if script.lines.len() != script.text.lines().count() {
        return None;
    }
    let word = &document.delimiter;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if word.is_empty() || !word.chars().all(is_plain) {
        return None;
    }
    let body = script.text.get(document.body.clone())?;
    let first = script
        .interps
        .partition_point(|interp| (interp.start as usize) < document.body.start);
    let within = |interp: &&RawInterp| (interp.start as usize) < document.body.end;
    let values: Vec<&RawInterp> = script.interps[first..].iter().take_while(within).collect();
    if !values.iter().all(|interp| is_value(interp)) {
        return None;
    }
    let places = escapes(body, document.body.start, &values);
    if places.len() > ESCAPES_MAX {
        return None;
    }
    let at = |place: usize| in_block(script, place);
    let mut edits = vec![(
        Span::new(at(document.word.start)?, at(document.word.end)?),
        word.clone(),
    )];
    for place in &places {
        edits.push((Span::new(at(*place)?, at(*place)?), "\\".to_owned()));
    }
    let before = script.text.get(document.operator.start..document.word.start)?;
    Some(Unquoted {
        operator: format!("{before}{word}"),
        escapes: !places.is_empty(),
        edits,
    })
}

/// Where a backslash is missing: before what expands, and before backslashes that would be taken for one.
fn escapes(body: &str, start: usize, values: &[&RawInterp]) -> Vec<usize> {
    let mut values = values.iter().peekable();
    let mut found = Vec::new();
    let mut at = 0;
    let bytes = body.as_bytes();
    while at < bytes.len() && found.len() <= ESCAPES_MAX {
        if let Some(value) = values.next_if(|value| value.start as usize == start + at) {
            at = value.end as usize - start;
            continue;
        }
        let before_value = values
            .peek()
            .is_some_and(|value| value.start as usize == start + at + 1);
        let expands = match bytes[at] {
            // before a value it is a dollar sign in any case
            b'$' => !before_value,
            b'`' => true,
            b'\\' => before_value || matches!(bytes.get(at + 1), Some(b'$' | b'`' | b'\\' | b'\n')),
            _ => false,
        };
        if expands {
            found.push(start + at);
        }
        at += 1;
    }
    found
}

/// A place in the text of a script as one in its block.
pub(super) fn in_block(script: &Raw, place: usize) -> Option<u32> {
    let place = u32::try_from(place).ok()?;
    let line = script
        .lines
        .partition_point(|line| line.text_start <= place)
        .checked_sub(1)?;
    let line = &script.lines[line];
    Some(line.block_start + place - line.text_start)
}
