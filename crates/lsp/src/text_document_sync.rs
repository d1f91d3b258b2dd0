//! `textDocument/didOpen`, `didChange`, `didClose` and `workspace/didChangeWatchedFiles`: what they do to the open
//! documents and the workspace. Runs on the writer's thread only.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use dsl_check::Loader;
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
        let is_first_without_folder = self.settings.root.is_none() && self.documents.is_empty();
        let entered = match path.parent() {
            Some(folder) if is_first_without_folder && path.is_absolute() => self.enter(&disk::root_of(folder)),
            _ => Ok(()),
        };
        let path: Arc<Path> = self.workspace.path(path).into();
        self.workspace.open_file(&path, text.as_bytes());
        self.documents.insert(
            path,
            Document {
                uri,
                version,
                text: Arc::new(Text::new(text)),
            },
        );
        entered
    }

    /// Applies changes in order, each to the text that the one before it left.
    pub(crate) fn change(&mut self, path: &Path, version: i32, changes: Vec<Change>) -> Result<(), Refusal> {
        let path = self.workspace.path(path);
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
        for (range, new) in edits {
            if self.workspace.edit(&path, range, &new).is_err() {
                // The text was too large to be read; it may fit now.
                self.workspace.set_file(&path, text.as_str().as_bytes());
                break;
            }
        }
        Ok(())
    }

    /// From now on the file is what is on disk, if anything is.
    pub(crate) fn close(&mut self, path: &Path) -> Result<Document, Refusal> {
        let path = self.workspace.path(path);
        let document = self
            .documents
            .remove(&path)
            .ok_or_else(|| format!("`{}` was closed, but it is not open", path.display()))?;
        self.workspace.close_file(&path);
        self.reload(&path);
        Ok(document)
    }

    /// A file changed on disk; what the client has open is not read from there.
    pub(crate) fn changed_on_disk(&mut self, path: &Path) -> Result<(), Refusal> {
        let path = self.workspace.path(path);
        if path == self.workspace.root().join(disk::CONFIG) {
            return self.read_config();
        }
        if self.documents.get(&path).is_none() {
            self.reload(&path);
        }
        Ok(())
    }

    fn reload(&mut self, path: &Path) {
        match Disk.read(path) {
            Ok(bytes) => self.workspace.set_file(path, &bytes),
            Err(_) => self.workspace.remove_file(path),
        }
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
