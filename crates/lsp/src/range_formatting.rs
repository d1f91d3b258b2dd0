//! `textDocument/rangeFormatting` and `onTypeFormatting`: the declarations that a range touches, and the line that was
//! just begun.

use tower_lsp_server::ls_types::{Position, Range, TextEdit};

use crate::edge;
use crate::formatting::edit;
use crate::view::Subject;

/// Formats the declarations that the range touches, as the formatter leaves them in the whole text. A document with
/// mistakes in its syntax is left as it is.
pub(crate) fn format_range(subject: &Subject<'_>, range: Range) -> Option<Vec<TextEdit>> {
    let text = subject.document.text.as_str();
    let formatted = dsl_syntax::format(text).ok()?;
    let ends = |text: &str| -> Vec<usize> {
        let blocks = dsl_syntax::parse_file(text);
        let mut end = 0;
        blocks
            .iter()
            .map(|(_, block)| {
                end += block.len as usize;
                end
            })
            .collect()
    };
    let (old, new) = (ends(text), ends(&formatted));
    if old.len() != new.len() {
        return Some(Vec::new());
    }
    let at = |position| subject.offset(edge::place(position)) as usize;
    let (start, end) = (at(range.start), at(range.end));
    let first = old.partition_point(|block| *block <= start);
    let last = old
        .partition_point(|block| *block < end)
        .min(old.len().saturating_sub(1));
    let begin = |ends: &[usize]| first.checked_sub(1).map_or(0, |before| ends[before]);
    let (Some(&old_end), Some(&new_end)) = (old.get(last), new.get(last)) else {
        return Some(Vec::new());
    };
    let (old_start, new_start) = (begin(&old).min(old_end), begin(&new).min(new_end));
    let found = edit(subject, old_start..old_end, &formatted[new_start..new_end]);
    Some(found.into_iter().collect())
}

/// How deep a body stands below its header.
const STEP: usize = 2;

/// After a line feed: the new line is indented as what may follow, and the line above loses the spaces at its end.
pub(crate) fn format_on_type(subject: &Subject<'_>, at: Position) -> Option<Vec<TextEdit>> {
    let text = subject.document.text.as_str();
    let start = subject.offset(edge::place(Position { character: 0, ..at })) as usize;
    let above = text.get(..start)?.strip_suffix('\n')?;
    let above_start = above.rfind('\n').map_or(0, |end| end + 1);
    let line = above.get(above_start..)?.trim_end_matches('\r');
    let here = text.get(start..)?.lines().next().unwrap_or_default();
    let kept = line.trim_end();
    let mut edits = Vec::new();
    // a line of nothing but spaces tells nothing
    let wanted = if kept.is_empty() { None } else { Some(depth(kept)) };
    let indent = here.len() - here.trim_start_matches(' ').len();
    if let Some(wanted) = wanted.filter(|wanted| here.trim().is_empty() && *wanted != indent) {
        edits.extend(edit(subject, start..start + indent, &" ".repeat(wanted)));
    }
    if kept.len() < line.len() {
        edits.extend(edit(subject, above_start + kept.len()..above_start + line.len(), ""));
    }
    Some(edits)
}

/// How deep what follows a line stands: deeper behind a header, a key without a value, and a bar.
fn depth(line: &str) -> usize {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let code = line.trim_start();
    let word = code.split([' ', '"']).next().unwrap_or_default();
    let is_header = dsl_syntax::table::DeclKind::from_keyword(word).is_some() && code.len() > word.len();
    let opens = code.ends_with(':') || code.ends_with(": |");
    if (is_header || opens) && !code.starts_with('#') {
        indent + STEP
    } else {
        indent
    }
}
