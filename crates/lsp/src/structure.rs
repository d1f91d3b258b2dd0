//! How a text is built up: `foldingRange`, `selectionRange`, `documentLink`, `workspace/symbol`.

use dsl_check::{FileLink, Symbol};
use tower_lsp_server::ls_types::{
    DocumentLink, FoldingRange, FoldingRangeKind, Location, Range, SelectionRange, SymbolInformation,
};

use crate::text::Place;
use crate::view::{Subject, View};
use crate::{document_symbol, edge};

/// Declarations, blocks of raw text and of lines, and runs of comments.
pub(crate) fn folding(subject: &Subject<'_>) -> Vec<FoldingRange> {
    let text = subject.document.text.as_str();
    let mut found = Vec::new();
    // the lines that may fold, outer first, with their indentation
    let mut open: Vec<(usize, u32)> = Vec::new();
    let mut last = 0;
    let mut comments: Option<u32> = None;
    let fold = |start: u32, end: u32, kind| FoldingRange {
        start_line: start,
        end_line: end,
        kind,
        ..FoldingRange::default()
    };
    for (at, line) in (0..).zip(text.lines()) {
        let rest = line.trim_start();
        if rest.is_empty() {
            continue;
        }
        if rest.starts_with('#') {
            comments.get_or_insert(at);
        } else if let Some(start) = comments.take()
            && start < last
        {
            found.push(fold(start, last, Some(FoldingRangeKind::Comment)));
        }
        let indent = line.len() - rest.len();
        while let Some((_, start)) = open.pop_if(|(outer, _)| *outer >= indent) {
            if start < last {
                found.push(fold(start, last, None));
            }
        }
        open.push((indent, at));
        last = at;
    }
    let rest = open.into_iter().filter(|(_, start)| *start < last);
    found.extend(rest.map(|(_, start)| fold(start, last, None)));
    found.sort_by_key(|range| (range.start_line, std::cmp::Reverse(range.end_line)));
    found
}

pub(crate) fn selections(subject: &Subject<'_>, places: &[Place]) -> Vec<SelectionRange> {
    places.iter().map(|place| selection(subject, *place)).collect()
}

fn selection(subject: &Subject<'_>, place: Place) -> SelectionRange {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let spans = subject.view.snapshot.spans_around(subject.path, subject.offset(place));
    let here = edge::position(place);
    let mut outer: Option<Box<SelectionRange>> = None;
    for span in spans.into_iter().rev() {
        outer = Some(Box::new(SelectionRange {
            range: edge::range(text, span, encoding),
            parent: outer,
        }));
    }
    match outer {
        Some(found) => *found,
        None => SelectionRange {
            range: Range { start: here, end: here },
            parent: None,
        },
    }
}

/// More paths are not looked for on the disk.
const LOOKS_MAX: usize = 1_000;

/// The files that are imported, and those that the text names and that are there.
pub(crate) fn links(subject: &Subject<'_>) -> Vec<DocumentLink> {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let found = subject.view.snapshot.file_links(subject.path).into_iter();
    let (imports, others): (Vec<_>, Vec<_>) = found.partition(|link| link.is_import);
    let others = others.into_iter().take(LOOKS_MAX).filter(|link| link.target.is_file());
    let link = |link: FileLink| {
        Some(DocumentLink {
            range: edge::range(text, link.span, encoding),
            target: Some(subject.view.uri(&link.target)?),
            tooltip: None,
            data: None,
        })
    };
    imports.into_iter().chain(others).filter_map(link).collect()
}

/// More would not be looked through.
const SYMBOLS_MAX: usize = 512;

/// Declarations of all files whose name holds the letters of the query, in order.
pub(crate) fn workspace_symbols(view: &View, query: &str) -> Vec<SymbolInformation> {
    let query = query.to_lowercase();
    let mut found = Vec::new();
    for path in view.snapshot.files() {
        if found.len() >= SYMBOLS_MAX {
            break;
        }
        // what stands inside a declaration is in the outline of its file
        let is_wanted = |symbol: &Symbol| {
            let is_declared = matches!(symbol.kind, dsl_check::SymbolKind::Declaration(_));
            is_declared && holds(&symbol.name.to_lowercase(), &query)
        };
        let symbols = view.snapshot.symbols(&path);
        let pairs = symbols.iter().flat_map(|symbol| {
            let children = symbol.children.iter().map(move |child| (child, Some(symbol)));
            std::iter::once((symbol, None)).chain(children)
        });
        let wanted: Vec<_> = pairs
            .filter(|(symbol, _)| is_wanted(symbol))
            .take(SYMBOLS_MAX - found.len())
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let (Some(text), Some(uri)) = (view.text(&path), view.uri(&path)) else {
            continue;
        };
        for (symbol, container) in wanted {
            let location = Location {
                uri: uri.clone(),
                range: edge::range(&text, symbol.name_span, view.settings.encoding),
            };
            found.push(document_symbol::information(symbol, container, location));
        }
    }
    found
}

/// The letters of the query, in order, others between them.
fn holds(name: &str, query: &str) -> bool {
    let mut letters = name.chars();
    query.chars().all(|wanted| letters.any(|letter| letter == wanted))
}
