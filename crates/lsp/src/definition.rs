//! `textDocument/definition`: where the name at a place was introduced, in this file or an imported one.

use dsl_check::Definition;
use tower_lsp_server::ls_types::{GotoDefinitionResponse, Location};

use crate::edge;
use crate::text::Place;
use crate::view::Subject;

pub(crate) fn definition(subject: &Subject<'_>, place: Place) -> Option<GotoDefinitionResponse> {
    let view = subject.view;
    let found = view.snapshot.definition(subject.path, subject.offset(place))?;
    location(subject, &found)
}

pub(crate) fn location(subject: &Subject<'_>, found: &Definition) -> Option<GotoDefinitionResponse> {
    let view = subject.view;
    let range = edge::range(view.text(&found.file)?.as_ref(), found.span, view.settings.encoding);
    Some(GotoDefinitionResponse::Scalar(Location {
        uri: view.uri(&found.file)?,
        range,
    }))
}
