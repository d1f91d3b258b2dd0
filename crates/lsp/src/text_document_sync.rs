//! `textDocument/didOpen`, `didChange`, `didClose` and `workspace/didChangeWatchedFiles`: what they do to the open
//! documents and the workspace. Runs on the writer's thread only.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use dsl_check::{Loader, Workspace};
use tower_lsp_server::ls_types::Uri;

use crate::disk::{self, Disk};
use crate::documents::Document;
use crate::text::{Encoding, Place, Text};
use crate::writer::Writer;

/// A replacement; without a range, of the whole text.
#[derive(Debug)]
pub(crate) struct Change {
    pub range: Option<(Place, Place)>,
    pub text: String,
}

/// Why a notification was not obeyed: a line for the client's log.
pub(crate) type Refusal = String;

impl Writer {
    pub(crate) fn open(&mut self, uri: Uri, path: &Path, version: i32, text: String) -> Result<(), Refusal> {
        let admitted = self.admit(path);
        let workspace = &mut self.roots.of(path).workspace;
        let path: Arc<Path> = workspace.path(path).into();
        workspace.open_file(&path, text.as_bytes());
        self.documents.insert(
            path,
            Document {
                uri,
                version,
                text: Arc::new(Text::new(text)),
            },
        );
        admitted
    }

    /// Applies changes in order, each to the text that the one before it left.
    pub(crate) fn change(&mut self, path: &Path, version: i32, changes: Vec<Change>) -> Result<(), Refusal> {
        let path = self.roots.of(path).workspace.path(path);
        let Some(document) = self.documents.get_mut(&path) else {
            return Err(format!(
                "a change to `{}`, which is not open, was ignored",
                path.display()
            ));
        };
        if version <= document.version {
            return Err(format!(
                "a change to version {version} of `{}` was ignored: it is at version {} already",
                path.display(),
                document.version
            ));
        }
        document.version = version;
        let text = Arc::make_mut(&mut document.text);
        let mut edits = Vec::with_capacity(changes.len());
        for change in changes {
            let range = range(text, change.range, self.settings.encoding);
            text.replace(range.clone(), &change.text);
            edits.push((range, change.text));
        }
        // The document is as the client has it now, whatever becomes of the workspace.
        for workspace in self.roots.showing(&path) {
            for (range, new) in &edits {
                if workspace.edit(&path, range.clone(), new).is_err() {
                    // The text was too large to be read; it may fit now.
                    workspace.set_file(&path, text.as_str().as_bytes());
                    break;
                }
            }
        }
        Ok(())
    }

    /// From now on the file is what is on disk, if anything is.
    pub(crate) fn close(&mut self, path: &Path) -> Result<Document, Refusal> {
        let workspace = &mut self.roots.of(path).workspace;
        let path = workspace.path(path);
        let document = self
            .documents
            .remove(&path)
            .ok_or_else(|| format!("`{}` was closed, but it is not open", path.display()))?;
        workspace.close_file(&path);
        reload(workspace, &path);
        for workspace in self.roots.dismiss(&path) {
            workspace.close_file(&path);
            reload(workspace, &path);
        }
        Ok(document)
    }

    /// A file changed on disk; what the client has open is not read from there.
    pub(crate) fn changed_on_disk(&mut self, path: &Path) -> Result<(), Refusal> {
        let path = disk::normal(path);
        if path.file_name().is_some_and(|name| name == disk::CONFIG) {
            let root = path.parent().unwrap_or(&path).to_path_buf();
            let read = self.read_config(&root);
            self.find_plans(&root);
            return read;
        }
        if self.documents.get(&path).is_none() && disk::is_plan(&path) {
            // others may have imported it
            let roots = self.roots.iter_mut().map(|root| &mut root.workspace);
            roots
                .filter(|workspace| workspace.has(&path) || path.starts_with(workspace.root()))
                .for_each(|workspace| reload(workspace, &path));
        }
        Ok(())
    }
}

fn reload(workspace: &mut Workspace, path: &Path) {
    match Disk.read(path) {
        Ok(bytes) => workspace.set_file(path, &bytes),
        Err(error) => workspace.lose_file(path, &error),
    }
}

fn range(text: &Text, range: Option<(Place, Place)>, encoding: Encoding) -> Range<usize> {
    match range {
        Some((start, end)) => {
            let (a, b) = (text.offset(start, encoding), text.offset(end, encoding));
            a.min(b)..a.max(b)
        }
        None => 0..text.as_str().len(),
    }
}
