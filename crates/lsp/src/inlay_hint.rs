//! `textDocument/inlayHint`: what is true of a node and not written at it: what it takes at worst, outputs that it has
//! from elsewhere, and who leads to it. A client may want some of that only.

use dsl_check::HintOf;
use serde::Deserialize;
use tower_lsp_server::ls_types::{InlayHint, InlayHintKind, InlayHintLabel, Range};

use crate::edge;
use crate::view::Subject;

/// Which hints a client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Hints {
    pub worst_case: bool,
    pub outputs: bool,
    pub dependencies: bool,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            worst_case: true,
            outputs: true,
            dependencies: true,
        }
    }
}

pub(crate) fn hints(subject: &Subject<'_>, within: Range, wanted: Hints) -> Vec<InlayHint> {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let snapshot = &subject.view.snapshot;
    let [start, end] = [within.start, within.end].map(|position| subject.offset(edge::place(position)));
    let hint = |at: u32, label: String, kind, tooltip: &str| InlayHint {
        position: edge::position(text.place(at as usize, encoding)),
        padding_left: Some(!label.starts_with(':')),
        label: InlayHintLabel::String(label),
        kind,
        text_edits: None,
        tooltip: Some(tooltip.to_owned().into()),
        padding_right: None,
        data: None,
    };
    let mut found = Vec::new();
    if wanted.outputs || wanted.dependencies {
        for one in snapshot.node_hints(subject.path, start..end) {
            match one.what {
                HintOf::Outputs if wanted.outputs => {
                    let kind = Some(InlayHintKind::TYPE);
                    found.push(hint(one.at, one.text, kind, "outputs that are not written here"));
                }
                HintOf::Dependencies if wanted.dependencies => {
                    found.push(hint(
                        one.at,
                        one.text,
                        None,
                        "waits for these: their routes and fallbacks lead here",
                    ));
                }
                _ => {}
            }
        }
    }
    if wanted.worst_case {
        let all = snapshot.worst_cases(subject.path).into_iter();
        let here = all.filter(|(at, _)| (start..=end).contains(at));
        found.extend(here.map(|(at, note)| hint(at, label(&note), None, "at worst, retries and waits included")));
    }
    found.sort_by_key(|hint| hint.position);
    found
}

/// `≤ 10m`, but `unbounded` and `a person, up to 4h` as they are.
fn label(note: &str) -> String {
    match note.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("≤ {note}"),
        false => note.to_owned(),
    }
}
