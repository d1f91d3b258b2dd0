//! `workspace/willRenameFiles`: imports of files that are moved, and in them, are told the new paths.

use std::collections::HashMap;
use std::path::PathBuf;

use tower_lsp_server::ls_types::{
    FileOperationFilter, FileOperationPattern, FileOperationPatternKind, FileOperationRegistrationOptions, FileRename,
    TextEdit, Uri, WorkspaceEdit,
};

use crate::code_action;
use crate::disk;
use crate::edge;
use crate::view::Views;

pub(crate) fn edits(views: &Views, files: &[FileRename]) -> Option<WorkspaceEdit> {
    let path = |uri: &str| -> Option<PathBuf> { Some(disk::normal(&edge::path(&uri.parse::<Uri>().ok()?))) };
    let moves: Vec<_> = files
        .iter()
        .filter_map(|file| Some((path(&file.old_uri)?, path(&file.new_uri)?)))
        .collect();
    let mut all: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for view in &views.all {
        // each file is told once, in the workspace that it belongs to
        let mut edits = view.snapshot.imports_after(&moves);
        edits.retain(|edit| std::ptr::eq(views.of(&edit.file), view));
        all.extend(code_action::workspace_edit(view, &edits)?.changes.unwrap_or_default());
    }
    (!all.is_empty()).then(|| WorkspaceEdit {
        changes: Some(all),
        ..WorkspaceEdit::default()
    })
}

/// Plans, and folders that may hold some.
pub(crate) fn registration() -> FileOperationRegistrationOptions {
    let filter = |glob: &str, matches| FileOperationFilter {
        scheme: Some("file".to_owned()),
        pattern: FileOperationPattern {
            glob: glob.to_owned(),
            matches: Some(matches),
            options: None,
        },
    };
    FileOperationRegistrationOptions {
        filters: vec![
            filter("**/*.plan", FileOperationPatternKind::File),
            filter("**", FileOperationPatternKind::Folder),
        ],
    }
}
