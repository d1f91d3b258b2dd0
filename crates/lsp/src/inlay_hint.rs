//! `textDocument/inlayHint`: behind the header of a node, what it takes at worst.

use tower_lsp_server::ls_types::{InlayHint, InlayHintLabel, Range};

use crate::edge;
use crate::view::Subject;

pub(crate) fn hints(subject: &Subject<'_>, within: Range) -> Vec<InlayHint> {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let found = subject.view.snapshot.worst_cases(subject.path);
    let hint = |(offset, note): (u32, String)| {
        let position = edge::position(text.place(offset as usize, encoding));
        (within.start <= position && position <= within.end).then(|| InlayHint {
            position,
            label: InlayHintLabel::String(label(&note)),
            kind: None,
            text_edits: None,
            tooltip: Some("at worst, retries and waits included".to_owned().into()),
            padding_left: Some(true),
            padding_right: None,
            data: None,
        })
    };
    found.into_iter().filter_map(hint).collect()
}

/// `≤ 10m`, but `unbounded` and `a person, up to 4h` as they are.
fn label(note: &str) -> String {
    match note.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("≤ {note}"),
        false => note.to_owned(),
    }
}
