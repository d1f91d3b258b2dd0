//! `textDocument/references`, `documentHighlight`, `prepareRename` and `rename`: one search, four answers.

use std::collections::HashMap;
use std::path::Path;

use dsl_check::Location;
use tower_lsp_server::jsonrpc::{Error, ErrorCode};
use tower_lsp_server::ls_types::{
    self, DocumentHighlight, DocumentHighlightKind, PrepareRenameResponse, TextEdit, Uri, WorkspaceEdit,
};

use crate::edge;
use crate::text::Place;
use crate::view::Subject;

pub(crate) fn references(
    subject: &Subject<'_>,
    place: Place,
    with_declaration: bool,
) -> Option<Vec<ls_types::Location>> {
    let found = subject.view.snapshot.references(subject.path, subject.offset(place))?;
    let wanted = |location: &&Location| with_declaration || Some(*location) != found.declaration.as_ref();
    let mut texts = Texts::default();
    let all = found.all.iter().filter(wanted);
    Some(all.filter_map(|location| texts.location(subject, location)).collect())
}

pub(crate) fn highlights(subject: &Subject<'_>, place: Place) -> Option<Vec<DocumentHighlight>> {
    let found = subject.view.snapshot.references(subject.path, subject.offset(place))?;
    let here = found.all.iter().filter(|location| *location.file == *subject.path);
    let highlight = |location: &Location| DocumentHighlight {
        range: edge::range(&subject.document.text, location.span, subject.view.settings.encoding),
        kind: Some(if Some(location) == found.declaration.as_ref() {
            DocumentHighlightKind::WRITE
        } else {
            DocumentHighlightKind::READ
        }),
    };
    Some(here.map(highlight).collect())
}

/// What would be renamed, nothing where there is nothing, or why it cannot be.
pub(crate) fn prepare_rename(subject: &Subject<'_>, place: Place) -> Result<Option<PrepareRenameResponse>, Error> {
    let snapshot = &subject.view.snapshot;
    let found = snapshot
        .renamable(subject.path, subject.offset(place))
        .map_err(refused)?;
    Ok(found.map(|(span, name)| PrepareRenameResponse::RangeWithPlaceholder {
        range: edge::range(&subject.document.text, span, subject.view.settings.encoding),
        placeholder: name.to_string(),
    }))
}

fn refused(why: String) -> Error {
    Error {
        code: ErrorCode::ServerError(REQUEST_FAILED),
        message: why.into(),
        data: None,
    }
}

/// All edits, or why the name cannot be given.
pub(crate) fn rename(subject: &Subject<'_>, place: Place, new: &str) -> Result<WorkspaceEdit, Error> {
    let offset = subject.offset(place);
    let all = subject
        .view
        .snapshot
        .rename(subject.path, offset, new)
        .map_err(refused)?;
    let mut texts = Texts::default();
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for location in &all {
        if let Some(found) = texts.location(subject, location) {
            changes.entry(found.uri).or_default().push(TextEdit {
                range: found.range,
                new_text: new.to_owned(),
            });
        }
    }
    Ok(WorkspaceEdit {
        changes: Some(changes),
        ..WorkspaceEdit::default()
    })
}

/// The protocol's code for a request that is well-formed and cannot be carried out.
const REQUEST_FAILED: i64 = -32803;

/// Texts of files, each read once.
#[derive(Default)]
struct Texts(HashMap<std::sync::Arc<Path>, std::sync::Arc<crate::text::Text>>);

impl Texts {
    fn location(&mut self, subject: &Subject<'_>, location: &Location) -> Option<ls_types::Location> {
        let view = subject.view;
        if !self.0.contains_key(&location.file) {
            self.0.insert(location.file.clone(), view.text(&location.file)?);
        }
        let text = self.0.get(&location.file)?;
        Some(ls_types::Location {
            uri: view.uri(&location.file)?,
            range: edge::range(text, location.span, view.settings.encoding),
        })
    }
}
