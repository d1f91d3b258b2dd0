//! `textDocument/codeAction`: the repairs that diagnostics bring with them, as quick fixes, and what can be rewritten
//! at a place.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use dsl_check::{Assist, AssistKind, Edit};
use dsl_syntax::ast::Span;
use tower_lsp_server::ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Diagnostic, Range, TextEdit, Uri, WorkspaceEdit,
};

use crate::edge;
use crate::publish_diagnostics::diagnostic;
use crate::text::Text;
use crate::view::{Subject, View};

pub(crate) fn actions(subject: &Subject<'_>, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
    let only = params.context.only.as_deref();
    let mut actions = Vec::new();
    if wants(only, &CodeActionKind::QUICKFIX) {
        fixes(subject, params.range, &mut actions);
    }
    if KINDS[1..].iter().any(|kind| wants(only, kind)) || wants(only, &CodeActionKind::QUICKFIX) {
        let at = |position| subject.offset(edge::place(position));
        let selected = Span::new(at(params.range.start), at(params.range.end));
        let found = subject.view.snapshot.assists(subject.path, selected);
        let wanted = found.into_iter().filter(|assist| wants(only, &kind(assist.kind)));
        actions.extend(wanted.filter_map(|assist| assisted(subject.view, assist)));
    }
    actions
}

/// All kinds of actions that there are.
pub(crate) const KINDS: [CodeActionKind; 4] = [
    CodeActionKind::QUICKFIX,
    CodeActionKind::REFACTOR_EXTRACT,
    CodeActionKind::REFACTOR_INLINE,
    CodeActionKind::REFACTOR_REWRITE,
];

fn kind(kind: AssistKind) -> CodeActionKind {
    match kind {
        AssistKind::Create => CodeActionKind::QUICKFIX,
        AssistKind::Extract => CodeActionKind::REFACTOR_EXTRACT,
        AssistKind::Inline => CodeActionKind::REFACTOR_INLINE,
        AssistKind::Rewrite => CodeActionKind::REFACTOR_REWRITE,
    }
}

/// Whether the client wants actions of this kind: it may name a kind above it, `refactor`.
fn wants(only: Option<&[CodeActionKind]>, kind: &CodeActionKind) -> bool {
    let covers = |wanted: &CodeActionKind| {
        let rest = kind.as_str().strip_prefix(wanted.as_str());
        wanted == &CodeActionKind::EMPTY || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    only.is_none_or(|kinds| kinds.iter().any(covers))
}

fn fixes(subject: &Subject<'_>, at: Range, actions: &mut Vec<CodeActionOrCommand>) {
    let view = subject.view;
    for found in view.diagnostics(subject.path, subject.document).0 {
        if found.fixes.is_empty() {
            continue;
        }
        let shown = diagnostic(view, &subject.document.text, &found);
        if touch(shown.range, at) {
            actions.extend(found.fixes.iter().filter_map(|fix| fixed(view, fix, &shown)));
        }
    }
}

fn touch(a: Range, b: Range) -> bool {
    a.start <= b.end && b.start <= a.end
}

fn fixed(view: &View, fix: &dsl_check::Fix, shown: &Diagnostic) -> Option<CodeActionOrCommand> {
    Some(CodeActionOrCommand::CodeAction(CodeAction {
        title: fix.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![shown.clone()]),
        edit: Some(workspace_edit(view, &fix.edits)?),
        is_preferred: Some(fix.safe),
        ..Default::default()
    }))
}

fn assisted(view: &View, assist: Assist) -> Option<CodeActionOrCommand> {
    Some(CodeActionOrCommand::CodeAction(CodeAction {
        kind: Some(kind(assist.kind)),
        edit: Some(workspace_edit(view, &assist.edits)?),
        title: assist.title,
        ..Default::default()
    }))
}

/// Edits as the protocol has them.
pub(crate) fn workspace_edit(view: &View, edits: &[Edit]) -> Option<WorkspaceEdit> {
    let mut texts: HashMap<&Path, Arc<Text>> = HashMap::new();
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for edit in edits {
        if !texts.contains_key(&*edit.file) {
            texts.insert(&edit.file, view.text(&edit.file)?);
        }
        let range = edge::range(texts.get(&*edit.file)?, edit.span, view.settings.encoding);
        changes.entry(view.uri(&edit.file)?).or_default().push(TextEdit {
            range,
            new_text: edit.text.clone(),
        });
    }
    Some(WorkspaceEdit {
        changes: Some(changes),
        ..Default::default()
    })
}
