//! The protocol's types to ours and back: addresses, places, notifications.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use dsl_syntax::ast::Span;
use tower_lsp_server::ls_types::{
    DidChangeTextDocumentParams, DidOpenTextDocumentParams, Position, Range, TextDocumentContentChangeEvent, Uri,
};

use crate::text::{Encoding, Place, Text};
use crate::text_document_sync::Change;
use crate::writer::Message;

/// The file that an address names. What is no file (a document that was never saved) is a path of its own, which nothing
/// on disk has.
pub(crate) fn path(uri: &Uri) -> Arc<Path> {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    match uri.to_file_path() {
        Some(path) if is_file => path.into(),
        _ => Path::new(uri.as_str()).into(),
    }
}

/// The address of a file that is not open.
pub(crate) fn uri(path: &Path) -> Option<Uri> {
    if path.is_absolute() {
        Uri::from_file_path(path)
    } else {
        Uri::from_str(path.to_str()?).ok()
    }
}

pub(crate) fn place(position: Position) -> Place {
    Place {
        line: position.line,
        column: position.character,
    }
}

pub(crate) fn position(place: Place) -> Position {
    Position {
        line: place.line,
        character: place.column,
    }
}

pub(crate) fn range(text: &Text, span: Span, encoding: Encoding) -> Range {
    Range {
        start: position(text.place(span.start as usize, encoding)),
        end: position(text.place(span.end as usize, encoding)),
    }
}

pub(crate) fn opened(params: DidOpenTextDocumentParams) -> Message {
    let document = params.text_document;
    let path = path(&document.uri);
    Message::Open {
        uri: document.uri,
        path,
        version: document.version,
        text: document.text,
    }
}

pub(crate) fn changed(params: DidChangeTextDocumentParams) -> Message {
    Message::Change {
        path: path(&params.text_document.uri),
        version: params.text_document.version,
        changes: params.content_changes.into_iter().map(change).collect(),
    }
}

fn change(event: TextDocumentContentChangeEvent) -> Change {
    Change {
        range: event.range.map(|range| (place(range.start), place(range.end))),
        text: event.text,
    }
}
