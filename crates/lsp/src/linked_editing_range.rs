//! `textDocument/linkedEditingRange`: the variable of an `each` and the answer of a step, where they are declared and
//! wherever they are read in the same task, in `{{ … }}` too.
//!
//! The protocol's ranges must have the same text, so the braces themselves cannot be linked: `{{` is not `}}`. Editors
//! close them.

use tower_lsp_server::ls_types::LinkedEditingRanges;

use crate::edge;
use crate::text::Place;
use crate::view::Subject;

/// What such a name may be while it is typed.
const NAME: &str = "[A-Za-z_][A-Za-z0-9_-]*";

pub(crate) fn ranges(subject: &Subject<'_>, place: Place) -> Option<LinkedEditingRanges> {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let names = subject
        .view
        .snapshot
        .linked_names(subject.path, subject.offset(place))?;
    Some(LinkedEditingRanges {
        ranges: names
            .into_iter()
            .map(|span| edge::range(text, span, encoding))
            .collect(),
        word_pattern: Some(NAME.to_owned()),
    })
}
