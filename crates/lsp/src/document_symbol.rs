//! `textDocument/documentSymbol`: the outline. Declarations, in a plan its parameters, nodes and outputs, in a record
//! its fields.

use dsl_check::Symbol;
use dsl_syntax::table::DeclKind;
use tower_lsp_server::ls_types::{DocumentSymbol, DocumentSymbolResponse, Location, SymbolInformation, SymbolKind};

use crate::edge;
use crate::view::Subject;

pub(crate) fn symbols(subject: &Subject<'_>) -> DocumentSymbolResponse {
    let found = subject.view.snapshot.symbols(subject.path);
    if subject.view.settings.has_symbol_trees {
        DocumentSymbolResponse::Nested(found.iter().map(|symbol| nested(subject, symbol)).collect())
    } else {
        DocumentSymbolResponse::Flat(flat(subject, &found))
    }
}

#[expect(deprecated, reason = "the field has to be given")]
fn nested(subject: &Subject<'_>, symbol: &Symbol) -> DocumentSymbol {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let children: Vec<_> = symbol.children.iter().map(|child| nested(subject, child)).collect();
    DocumentSymbol {
        name: symbol.name.to_string(),
        detail: symbol.title.as_ref().map(ToString::to_string),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: edge::range(text, symbol.span, encoding),
        selection_range: edge::range(text, symbol.name_span, encoding),
        children: (!children.is_empty()).then_some(children),
    }
}

#[expect(deprecated, reason = "the field has to be given")]
pub(crate) fn information(symbol: &Symbol, container: Option<&Symbol>, location: Location) -> SymbolInformation {
    SymbolInformation {
        name: symbol.name.to_string(),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        location,
        container_name: container.map(|container| container.name.to_string()),
    }
}

/// For clients that know no trees: each symbol with the name of the one around it.
fn flat(subject: &Subject<'_>, symbols: &[Symbol]) -> Vec<SymbolInformation> {
    let place = |symbol: &Symbol| Location {
        uri: subject.document.uri.clone(),
        range: edge::range(&subject.document.text, symbol.span, subject.view.settings.encoding),
    };
    let mut found = Vec::new();
    for symbol in symbols {
        found.push(information(symbol, None, place(symbol)));
        let children = symbol.children.iter();
        found.extend(children.map(|child| information(child, Some(symbol), place(child))));
    }
    found
}

fn kind(kind: dsl_check::SymbolKind) -> SymbolKind {
    let kind = match kind {
        dsl_check::SymbolKind::Declaration(kind) => kind,
        dsl_check::SymbolKind::Parameter => return SymbolKind::VARIABLE,
        dsl_check::SymbolKind::Output => return SymbolKind::PROPERTY,
        dsl_check::SymbolKind::Field => return SymbolKind::FIELD,
    };
    match kind {
        DeclKind::Type => SymbolKind::STRUCT,
        DeclKind::Capability => SymbolKind::INTERFACE,
        DeclKind::Agent => SymbolKind::OBJECT,
        DeclKind::Policy => SymbolKind::CONSTANT,
        DeclKind::Plan => SymbolKind::MODULE,
        DeclKind::Profile => SymbolKind::NAMESPACE,
        DeclKind::Test => SymbolKind::METHOD,
        DeclKind::Task => SymbolKind::FUNCTION,
        DeclKind::Gate => SymbolKind::EVENT,
        DeclKind::Decision => SymbolKind::ENUM,
        DeclKind::Hypothesis => SymbolKind::VARIABLE,
    }
}
