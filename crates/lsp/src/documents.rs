//! What the client has open: the text as it is in the editor, and its version there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tower_lsp_server::ls_types::Uri;

use crate::text::Text;

#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// As the client wrote it; answers about the document repeat it.
    pub uri: Uri,
    pub version: i32,
    pub text: Arc<Text>,
}

/// Cheap to clone: a reader gets all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents(Arc<BTreeMap<Arc<Path>, Document>>);

impl Documents {
    pub(crate) fn get(&self, path: &Path) -> Option<&Document> {
        self.0.get(path)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<Path>, &Document)> {
        self.0.iter()
    }

    pub(crate) fn get_mut(&mut self, path: &Path) -> Option<&mut Document> {
        Arc::make_mut(&mut self.0).get_mut(path)
    }

    pub(crate) fn insert(&mut self, path: Arc<Path>, document: Document) {
        Arc::make_mut(&mut self.0).insert(path, document);
    }

    pub(crate) fn remove(&mut self, path: &Path) -> Option<Document> {
        Arc::make_mut(&mut self.0).remove(path)
    }
}
