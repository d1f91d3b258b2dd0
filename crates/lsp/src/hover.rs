//! `textDocument/hover`: what stands at a place, as Markdown; of a node also how it last went, and what its next run
//! would find.

use tower_lsp_server::ls_types::{Hover, HoverContents, MarkupContent, MarkupKind};

use crate::edge;
use crate::history;
use crate::text::Place;
use crate::view::Subject;

pub(crate) fn hover(subject: &Subject<'_>, place: Place) -> Option<Hover> {
    let view = subject.view;
    let offset = subject.offset(place);
    let found = view.snapshot.hover(subject.path, offset)?;
    let range = edge::range(&subject.document.text, found.span, view.settings.encoding);
    let contents = MarkupContent {
        kind: MarkupKind::Markdown,
        value: match went(subject, offset) {
            Some(went) => format!("{}\n\n{went}", found.text),
            None => found.text,
        },
    };
    Some(Hover {
        contents: HoverContents::Markup(contents),
        range: Some(range),
    })
}

fn went(subject: &Subject<'_>, offset: u32) -> Option<String> {
    let node = subject.view.snapshot.node_at(subject.path, offset)?;
    let runs = subject.view.runs();
    let runs = runs.of_plan(&node.file, &node.plan);
    let now_ms = store::now_ms();
    let went = history::hover(&runs, &node.name, now_ms)?;
    let forecasts = history::forecasts(subject.view, &node.file, &node.plan, &runs);
    if let Some(next) = forecasts.as_ref().and_then(|forecasts| forecasts.get(&node.name)) {
        return Some(format!("{went}\n\n{}", history::next_in_full(next, now_ms)));
    }
    let last = runs.iter().find(|run| run.node(&node.name).is_some())?;
    Some(match history::changed_since(subject.view, &node, last) {
        Some(changed) => format!("{went}\n\n{changed}"),
        None => went,
    })
}
