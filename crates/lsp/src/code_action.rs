//! `textDocument/codeAction`: the repairs that diagnostics bring with them, as quick fixes.

use std::collections::HashMap;

use tower_lsp_server::ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Diagnostic, Range, TextEdit, Uri, WorkspaceEdit,
};

use crate::edge;
use crate::publish_diagnostics::diagnostic;
use crate::view::{Subject, View};

pub(crate) fn actions(subject: &Subject<'_>, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
    let wants_fixes = params
        .context
        .only
        .as_ref()
        .is_none_or(|kinds| kinds.iter().any(covers_quick_fixes));
    if !wants_fixes {
        return Vec::new();
    }
    let view = subject.view;
    let mut actions = Vec::new();
    for found in view.diagnostics(subject.path, subject.document).0 {
        if found.fixes.is_empty() {
            continue;
        }
        let shown = diagnostic(view, subject.document, &found);
        if touch(shown.range, params.range) {
            actions.extend(found.fixes.iter().filter_map(|fix| action(view, fix, &shown)));
        }
    }
    actions
}

fn covers_quick_fixes(kind: &CodeActionKind) -> bool {
    *kind == CodeActionKind::EMPTY || *kind == CodeActionKind::QUICKFIX
}

fn touch(a: Range, b: Range) -> bool {
    a.start <= b.end && b.start <= a.end
}

fn action(view: &View, fix: &dsl_check::Fix, shown: &Diagnostic) -> Option<CodeActionOrCommand> {
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for edit in &fix.edits {
        let range = edge::range(view.text(&edit.file)?.as_ref(), edit.span, view.settings.encoding);
        changes.entry(view.uri(&edit.file)?).or_default().push(TextEdit {
            range,
            new_text: edit.text.clone(),
        });
    }
    Some(CodeActionOrCommand::CodeAction(CodeAction {
        title: fix.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![shown.clone()]),
        edit: Some(WorkspaceEdit {
            changes: Some(changes),
            ..Default::default()
        }),
        is_preferred: Some(fix.safe),
        ..Default::default()
    }))
}
