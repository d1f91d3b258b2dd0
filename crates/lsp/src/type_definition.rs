//! `textDocument/typeDefinition`: of a value the record that it is, of a task the capability or plan that does it.

use tower_lsp_server::ls_types::GotoDefinitionResponse;

use crate::definition;
use crate::text::Place;
use crate::view::Subject;

pub(crate) fn type_definition(subject: &Subject<'_>, place: Place) -> Option<GotoDefinitionResponse> {
    let found = subject
        .view
        .snapshot
        .type_definition(subject.path, subject.offset(place))?;
    definition::location(subject, &found)
}
