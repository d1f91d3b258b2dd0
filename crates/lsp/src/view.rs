//! What a reader sees: a snapshot of the workspace with exactly the changes that came before the question.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dsl_check::{Analysis, Diagnostic, ShellScript};
use tower_lsp_server::ls_types::Uri;

use crate::disk;
use crate::documents::{Document, Documents};
use crate::edge;
use crate::history::{History, Runs};
use crate::scripts::Scripts;
use crate::settings::Settings;
use crate::text::{Place, Text};

pub(crate) struct View {
    pub(crate) snapshot: Analysis,
    /// Of the workspaces: what follows from one text does so while this stays the same.
    pub(crate) revision: u64,
    /// The client's: its files are checked though nobody opened them.
    pub(crate) is_folder: bool,
    pub(crate) documents: Documents,
    pub(crate) settings: Arc<Settings>,
    /// `None`: shellcheck is not installed.
    pub(crate) scripts: Option<Scripts>,
    /// `None`: nobody reads stores.
    pub(crate) history: Option<History>,
}

/// Views of all workspaces that are open, at least one. A file is seen in the deepest one around it.
pub(crate) struct Views {
    pub(crate) all: Vec<View>,
    /// Plans of the client's folders are still being read.
    pub(crate) is_loading: bool,
    pub(crate) turn: Turn,
}

/// Held by who looks at all files. A client may be told of them and ask about them at once: who comes second finds the answers
/// there, instead of getting in the way.
pub(crate) type Turn = Arc<Mutex<()>>;

impl Views {
    /// What is no file is seen in the first.
    pub(crate) fn of(&self, path: &Path) -> &View {
        let around = self.all.iter().filter(|view| path.starts_with(view.snapshot.root()));
        let deepest = around.max_by_key(|view| view.snapshot.root().components().count());
        deepest.unwrap_or(&self.all[0])
    }

    /// Asks about an open document; `None` if it is not open.
    pub(crate) fn about<T>(
        &self,
        path: &Path,
        question: impl FnOnce(&Subject<'_>) -> T,
    ) -> Result<Option<T>, Interrupted> {
        self.of(path).about(path, question)
    }

    /// Looks at all files, when nobody else does.
    pub(crate) fn in_turn<T>(&self, look: impl FnOnce(&Self) -> T) -> T {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        look(self)
    }

    /// Runs something on all snapshots until it is done, a change is pending, or it panics.
    pub(crate) fn catch<T>(&self, work: impl FnOnce(&Self) -> T) -> Result<T, Interrupted> {
        self.all[0].catch(|_| work(self))
    }
}

/// An open document in a view.
pub(crate) struct Subject<'v> {
    pub(crate) view: &'v View,
    pub(crate) path: &'v Path,
    pub(crate) document: &'v Document,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Interrupted {
    /// A change came before the answer was found.
    Overtaken,
    Panicked(String),
}

impl View {
    /// Asks about an open document; `None` if it is not open.
    pub(crate) fn about<T>(
        &self,
        path: &Path,
        question: impl FnOnce(&Subject<'_>) -> T,
    ) -> Result<Option<T>, Interrupted> {
        self.catch(|view| {
            let path = view.snapshot.path(path);
            let document = view.documents.get(&path)?;
            Some(question(&Subject {
                view,
                path: &path,
                document,
            }))
        })
    }

    /// Runs something on the snapshot until it is done, a change is pending, or it panics.
    pub(crate) fn catch<T>(&self, work: impl FnOnce(&Self) -> T) -> Result<T, Interrupted> {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.snapshot.catch(|_| work(self))));
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Interrupted::Overtaken),
            Err(panic) => Err(Interrupted::Panicked(panic_message(panic.as_ref()))),
        }
    }

    /// The files below the root: what they import from elsewhere is not among them.
    pub(crate) fn own_files(&self) -> Vec<Arc<Path>> {
        let mut files = self.snapshot.files();
        files.retain(|path| path.starts_with(self.snapshot.root()));
        files
    }

    /// All that is wrong with an open document as far as it is known, and the scripts that shellcheck may have
    /// something to say of.
    pub(crate) fn diagnostics(&self, path: &Path, document: &Document) -> (Vec<Diagnostic>, Vec<ShellScript>) {
        let mut found = self.snapshot.diagnostics(path);
        let Some(scripts) = &self.scripts else {
            return (found, Vec::new());
        };
        let (more, scripts) = scripts.diagnostics(&self.snapshot, path, document.text.as_str());
        found.extend(more);
        (found, scripts)
    }

    /// Where the runs of the workspace are kept.
    pub(crate) fn store(&self) -> PathBuf {
        let store = self.snapshot.config().store.as_deref();
        self.snapshot.root().join(store.unwrap_or(disk::STORE))
    }

    /// The runs of the workspace, as far as they are known.
    pub(crate) fn runs(&self) -> Arc<Runs> {
        let history = self.history.as_ref();
        history.map_or_else(Arc::default, |history| history.runs(&self.store()))
    }

    /// The text of a file, open or not.
    pub(crate) fn text(&self, path: &Path) -> Option<Arc<Text>> {
        match self.documents.get(path) {
            Some(document) => Some(document.text.clone()),
            None => Some(Arc::new(Text::new(self.snapshot.text(path)?))),
        }
    }

    /// The address of a file, as the client wrote it if it is open.
    pub(crate) fn uri(&self, path: &Path) -> Option<Uri> {
        self.documents
            .get(path)
            .map(|document| document.uri.clone())
            .or_else(|| edge::uri(path))
    }
}

impl Subject<'_> {
    pub(crate) fn offset(&self, place: Place) -> u32 {
        self.document.text.offset(place, self.view.settings.encoding) as u32
    }
}

pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
