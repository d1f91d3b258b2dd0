//! `textDocument/semanticTokens`, whole documents and ranges: what the names of a text are.

use dsl_check::{NameKind, NameToken};
use tower_lsp_server::ls_types::{
    Range, SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensLegend,
};

use crate::edge;
use crate::view::Subject;

/// By number; [`type_of`] gives the number.
const TYPES: [SemanticTokenType; 10] = [
    SemanticTokenType::KEYWORD,
    SemanticTokenType::PROPERTY,
    SemanticTokenType::FUNCTION,
    SemanticTokenType::NAMESPACE,
    SemanticTokenType::TYPE,
    SemanticTokenType::INTERFACE,
    SemanticTokenType::CLASS,
    SemanticTokenType::VARIABLE,
    SemanticTokenType::MACRO,
    SemanticTokenType::EVENT,
];
const MODIFIERS: [SemanticTokenModifier; 2] = [
    SemanticTokenModifier::DECLARATION,
    SemanticTokenModifier::DEFAULT_LIBRARY,
];
const DECLARATION: u32 = 1;
/// A key is a word of the language, which a field is not.
const DEFAULT_LIBRARY: u32 = 2;

pub(crate) fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend {
        token_types: TYPES.to_vec(),
        token_modifiers: MODIFIERS.to_vec(),
    }
}

pub(crate) fn tokens(subject: &Subject<'_>, within: Option<Range>) -> SemanticTokens {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let found = subject.view.snapshot.name_tokens(subject.path);
    let wanted = |range: &Range| within.is_none_or(|within| range.start < within.end && within.start < range.end);
    let mut data = Vec::with_capacity(found.len());
    let (mut line, mut column) = (0, 0);
    let mut places = text.walk(encoding);
    for token in found {
        let [start, end] = [token.span.start, token.span.end].map(|at| edge::position(places.place(at as usize)));
        let range = Range { start, end };
        // the protocol has no tokens of several lines; names have none either
        if range.start.line != range.end.line || !wanted(&range) {
            continue;
        }
        let same_line = range.start.line == line;
        data.push(SemanticToken {
            delta_line: range.start.line - line,
            delta_start: range.start.character - if same_line { column } else { 0 },
            length: range.end.character - range.start.character,
            token_type: type_of(&token),
            token_modifiers_bitset: modifiers(&token),
        });
        (line, column) = (range.start.line, range.start.character);
    }
    SemanticTokens { result_id: None, data }
}

fn modifiers(token: &NameToken) -> u32 {
    match token.kind {
        NameKind::Key => DEFAULT_LIBRARY,
        _ if token.declares => DECLARATION,
        _ => 0,
    }
}

fn type_of(token: &NameToken) -> u32 {
    match token.kind {
        NameKind::Keyword => 0,
        NameKind::Key | NameKind::Member => 1,
        NameKind::Node => 2,
        NameKind::Plan | NameKind::Group => 3,
        NameKind::Type => 4,
        NameKind::Capability => 5,
        NameKind::Agent => 6,
        NameKind::Hypothesis => 7,
        NameKind::Function => 8,
        NameKind::Event => 9,
    }
}
