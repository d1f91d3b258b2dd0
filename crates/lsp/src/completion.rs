//! `textDocument/completion`: what can be written at the cursor, with documentation.

use dsl_check::{Completion, CompletionKind};
use tower_lsp_server::ls_types::{
    CompletionItem, CompletionItemKind, CompletionResponse, CompletionTextEdit, Documentation, InsertTextFormat,
    InsertTextMode, MarkupContent, MarkupKind, TextEdit,
};

use crate::edge;
use crate::text::Place;
use crate::view::Subject;

pub(crate) fn completion(subject: &Subject<'_>, place: Place) -> CompletionResponse {
    let found = subject.view.snapshot.completions(subject.path, subject.offset(place));
    CompletionResponse::Array(found.into_iter().map(|one| item(subject, one)).collect())
}

fn item(subject: &Subject<'_>, found: Completion) -> CompletionItem {
    let range = edge::range(&subject.document.text, found.span, subject.view.settings.encoding);
    let snippets = subject.view.settings.has_snippets;
    let insert = match found.insert {
        Some(insert) if snippets => insert,
        Some(insert) => plain(&insert),
        None => found.label.clone(),
    };
    let format = if snippets && insert.contains('$') {
        InsertTextFormat::SNIPPET
    } else {
        InsertTextFormat::PLAIN_TEXT
    };
    CompletionItem {
        kind: Some(kind(found.kind)),
        detail: found.detail,
        documentation: found.doc.map(|value| {
            Documentation::MarkupContent(MarkupContent {
                kind: MarkupKind::Markdown,
                value,
            })
        }),
        // what is near comes before what is always there
        sort_text: Some(format!("{}{}", rank(found.kind), found.label)),
        insert_text_format: Some(format),
        insert_text_mode: Some(InsertTextMode::ADJUST_INDENTATION),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit {
            range,
            new_text: insert,
        })),
        label: found.label,
        ..CompletionItem::default()
    }
}

/// A snippet without its stops: `${1:name}` becomes `name`.
fn plain(snippet: &str) -> String {
    let mut text = String::new();
    let mut rest = snippet;
    while let Some(at) = rest.find('$') {
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
    }
}
