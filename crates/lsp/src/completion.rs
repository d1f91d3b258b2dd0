//! `textDocument/completion`: what can be written at the cursor; `completionItem/resolve`: its documentation, where
//! that has to be looked for.
//!
//! A long list costs more to send than to find: only its beginning is sent, the client asks again when more is written,
//! and of each item only what is not understood anyway.

use dsl_check::{Completion, CompletionKind};
use serde::{Deserialize, Serialize};
use tower_lsp_server::ls_types::{
    CompletionItem, CompletionItemKind, CompletionList, CompletionResponse, CompletionTextEdit, Documentation,
    InsertReplaceEdit, InsertTextFormat, InsertTextMode, MarkupContent, MarkupKind, Range, TextEdit, Uri,
};

use crate::edge;
use crate::text::Place;
use crate::view::Subject;

/// What an item says of itself when its documentation is asked for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Unresolved {
    pub uri: Uri,
    /// Where it was offered.
    line: u32,
    column: u32,
    about: String,
}

pub(crate) fn completion(subject: &Subject<'_>, place: Place) -> CompletionResponse {
    let found = subject.view.snapshot.completions(subject.path, subject.offset(place));
    let mut items = Items {
        subject,
        place,
        range: None,
    };
    CompletionResponse::List(CompletionList {
        is_incomplete: found.is_part,
        items: found.found.into_iter().map(|one| items.item(one)).collect(),
    })
}

/// What an item is about, if its documentation has to be looked for.
pub(crate) fn unresolved(item: &CompletionItem) -> Option<Unresolved> {
    serde_json::from_value(item.data.clone()?).ok()
}

/// The documentation of an item that was offered before; absent if the text has changed so much that nothing is known of it.
pub(crate) fn documentation(subject: &Subject<'_>, unresolved: &Unresolved) -> Option<Documentation> {
    let place = Place {
        line: unresolved.line,
        column: unresolved.column,
    };
    let offset = subject.offset(place);
    let snapshot = &subject.view.snapshot;
    snapshot
        .about_completion(subject.path, offset, &unresolved.about)
        .map(markdown)
}

fn markdown(value: String) -> Documentation {
    Documentation::MarkupContent(MarkupContent {
        kind: MarkupKind::Markdown,
        value,
    })
}

struct Items<'s> {
    subject: &'s Subject<'s>,
    place: Place,
    /// All replace the same part of a word.
    range: Option<Range>,
}

impl Items<'_> {
    fn item(&mut self, found: Completion) -> CompletionItem {
        let settings = &self.subject.view.settings;
        let text = &self.subject.document.text;
        let range = *self
            .range
            .get_or_insert_with(|| edge::range(text, found.span, settings.encoding));
        let cursor = edge::position(self.place);
        let sort_text = sort_text(&found);
        let insert = match found.insert {
            Some(insert) if settings.has_snippets => insert,
            Some(insert) => plain(&insert),
            None => found.label.clone(),
        };
        let is_snippet = settings.has_snippets && insert.contains('$');
        CompletionItem {
            kind: Some(kind(found.kind)),
            detail: found.detail,
            documentation: found.doc.map(markdown),
            sort_text: Some(sort_text),
            insert_text_format: is_snippet.then_some(InsertTextFormat::SNIPPET),
            insert_text_mode: insert.contains('\n').then_some(InsertTextMode::ADJUST_INDENTATION),
            text_edit: Some(match settings.can_insert_or_replace && range.end != cursor {
                true => CompletionTextEdit::InsertAndReplace(InsertReplaceEdit {
                    new_text: insert,
                    insert: Range::new(range.start, cursor),
                    replace: range,
                }),
                false => CompletionTextEdit::Edit(TextEdit::new(range, insert)),
            }),
            label: found.label,
            data: found.about.and_then(|about| self.unresolved(about)),
            ..CompletionItem::default()
        }
    }

    fn unresolved(&self, about: String) -> Option<serde_json::Value> {
        let unresolved = Unresolved {
            uri: self.subject.document.uri.clone(),
            line: self.place.line,
            column: self.place.column,
            about,
        };
        serde_json::to_value(unresolved).ok()
    }
}

/// What the place wants comes first, what is near before what is always there.
fn sort_text(found: &Completion) -> String {
    let rank = if found.fits { '0' } else { rank(found.kind) };
    match found.order {
        0 => format!("{rank}{}", found.label),
        order => format!("{rank}{order:05}"),
    }
}

/// A snippet without its stops: `${1:name}` becomes `name`, `\$` a dollar.
fn plain(snippet: &str) -> String {
    let mut text = String::new();
    let mut rest = snippet;
    while let Some(at) = rest.find('$') {
        if let Some(before) = rest[..at].strip_suffix('\\') {
            text.push_str(before);
            text.push('$');
            rest = &rest[at + 1..];
            continue;
        }
        text.push_str(&rest[..at]);
        rest = rest[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit());
        if let Some(inner) = rest.strip_prefix('{') {
            let end = inner.find('}').unwrap_or(inner.len());
            text.push_str(inner[..end].split_once(':').map_or("", |(_, default)| default));
            rest = inner.get(end + 1..).unwrap_or_default();
        }
    }
    text + rest
}

fn rank(kind: CompletionKind) -> char {
    match kind {
        CompletionKind::Member => 'a',
        CompletionKind::Node | CompletionKind::Hypothesis | CompletionKind::Clause => 'b',
        CompletionKind::Capability | CompletionKind::Agent | CompletionKind::Plan | CompletionKind::Type => 'c',
        CompletionKind::Group | CompletionKind::Word => 'd',
        CompletionKind::Keyword => 'e',
        CompletionKind::Function => 'f',
    }
}

fn kind(kind: CompletionKind) -> CompletionItemKind {
    match kind {
        CompletionKind::Keyword => CompletionItemKind::KEYWORD,
        CompletionKind::Clause => CompletionItemKind::PROPERTY,
        CompletionKind::Node => CompletionItemKind::EVENT,
        CompletionKind::Plan | CompletionKind::Group => CompletionItemKind::MODULE,
        CompletionKind::Type => CompletionItemKind::STRUCT,
        CompletionKind::Capability => CompletionItemKind::INTERFACE,
        CompletionKind::Agent => CompletionItemKind::CLASS,
        CompletionKind::Hypothesis => CompletionItemKind::VARIABLE,
        CompletionKind::Member => CompletionItemKind::FIELD,
        CompletionKind::Function => CompletionItemKind::FUNCTION,
        CompletionKind::Word => CompletionItemKind::ENUM_MEMBER,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_snippet_without_stops_keeps_its_defaults() {
        assert_eq!(plain("task ${1:name} \"${2:Title}\""), "task name \"Title\"");
        assert_eq!(plain("needs: $0"), "needs: ");
        assert_eq!(plain("list[$1]"), "list[]");
        assert_eq!(plain("open ${1:end"), "open end");
        assert_eq!(plain("\\$1.00"), "$1.00");
    }
}
