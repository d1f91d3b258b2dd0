//! `textDocument/hover`: what stands at a place, as Markdown.

use tower_lsp_server::ls_types::{Hover, HoverContents, MarkupContent, MarkupKind};

use crate::edge;
use crate::text::Place;
use crate::view::Subject;

pub(crate) fn hover(subject: &Subject<'_>, place: Place) -> Option<Hover> {
    let view = subject.view;
    let found = view.snapshot.hover(subject.path, subject.offset(place))?;
    let range = edge::range(&subject.document.text, found.span, view.settings.encoding);
    let contents = MarkupContent {
        kind: MarkupKind::Markdown,
        value: found.text,
    };
    Some(Hover {
        contents: HoverContents::Markup(contents),
        range: Some(range),
    })
}
