//! `textDocument/formatting`: one edit, of what the formatter changes. A document with mistakes in its syntax is left as it
//! is: the diagnostics say why.

use std::ops::Range;

use tower_lsp_server::ls_types::TextEdit;

use crate::edge;
use crate::text::floor_char_boundary;
use crate::view::Subject;

pub(crate) fn format(subject: &Subject<'_>) -> Option<Vec<TextEdit>> {
    let text = &subject.document.text;
    let formatted = dsl_syntax::format(text.as_str()).ok()?;
    let whole = 0..text.as_str().len();
    Some(edit(subject, whole, &formatted).into_iter().collect())
}

/// What changes when a range gets a new text; `None` if it has that text.
pub(crate) fn edit(subject: &Subject<'_>, range: Range<usize>, new: &str) -> Option<TextEdit> {
    let text = &subject.document.text;
    let (start, end, new) = difference(text.as_str().get(range.clone())?, new)?;
    let encoding = subject.view.settings.encoding;
    let place = |at: usize| edge::position(text.place(range.start + at, encoding));
    Some(TextEdit {
        range: tower_lsp_server::ls_types::Range {
            start: place(start),
            end: place(end),
        },
        new_text: new.to_owned(),
    })
}

/// What to replace in `old`, from where to where, by what, to get `new`: all between the common start and the common end.
fn difference<'n>(old: &str, new: &'n str) -> Option<(usize, usize, &'n str)> {
    if old == new {
        return None;
    }
    let same_start = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let start = floor_char_boundary(old, same_start);
    let same_end = old[start..]
        .bytes()
        .rev()
        .zip(new[start..].bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    // Move forward to the next character's start: a shared tail may begin inside one.
    let end = (old.len() - same_end..=old.len()).find(|at| old.is_char_boundary(*at))?;
    Some((start, end, &new[start..new.len() - (old.len() - end)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_replaced() {
        for (old, new) in [
            ("a\n", "a\n"),
            ("a b c", "a  b c"),
            ("é", "è"),
            ("", "x"),
            ("xx", "x"),
            ("aéb", "aèb"),
            ("日本", "月本"),
        ] {
            let mut text = old.to_owned();
            if let Some((start, end, replacement)) = difference(old, new) {
                text.replace_range(start..end, replacement);
            }
            assert_eq!(text, new);
        }
        assert_eq!(difference("a b c", "a  b c"), Some((2, 2, " ")));
    }
}
