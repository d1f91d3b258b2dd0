//! What the server tells the client unasked: diagnostics and log lines.
//!
//! Whoever has something to say leaves it here and goes on; one task sends. Of a file's diagnostics only the newest are
//! kept, and they are sent only if they, or the document's version, differ from what was sent last: a client that reads
//! slowly costs no memory, and diagnostics never go back in time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::{Diagnostic, MessageType, Uri};

use crate::progress;

/// The most log lines that wait; further ones are dropped.
const LINES_MAX: usize = 100;

/// Diagnostics of one file.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Sheet {
    pub version: Option<i32>,
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, Default)]
pub(crate) struct Outbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    filled: Notify,
    /// The latest revision of the workspace.
    revision: watch::Sender<u64>,
}

#[derive(Default)]
struct Waiting {
    /// The revision of the workspace that the sheets belong to.
    revision: u64,
    sheets: BTreeMap<Uri, Sheet>,
    lines: Vec<(MessageType, String)>,
    /// Of files that nobody opened, all of them.
    rest: Option<Vec<(Uri, Sheet)>>,
    /// Lenses show something that is out of date.
    old_lenses: bool,
    /// So do diagnostics that the client asked for.
    old_diagnostics: bool,
    /// How many plans of the workspace have been read, of how many.
    loaded: Option<(usize, usize)>,
}

impl Outbox {
    /// Leaves diagnostics that were found at a revision, unless there are newer ones.
    pub(crate) fn publish(&self, revision: u64, sheets: impl IntoIterator<Item = (Uri, Sheet)>) {
        let mut waiting = self.lock();
        if revision >= waiting.revision {
            waiting.revision = revision;
            waiting.sheets.extend(sheets);
        }
        drop(waiting);
        self.0.filled.notify_one();
    }

    pub(crate) fn log(&self, kind: MessageType, line: String) {
        let mut waiting = self.lock();
        if waiting.lines.len() < LINES_MAX {
            waiting.lines.push((kind, line));
        }
        drop(waiting);
        self.0.filled.notify_one();
    }

    /// Leaves the diagnostics of all files that nobody opened, unless something has changed since.
    pub(crate) fn publish_rest(&self, revision: u64, sheets: Vec<(Uri, Sheet)>) {
        let mut waiting = self.lock();
        if revision >= waiting.revision {
            waiting.rest = Some(sheets);
        }
        drop(waiting);
        self.0.filled.notify_one();
    }

    /// The workspace has changed.
    pub(crate) fn changed(&self, revision: u64) {
        self.0.revision.send_replace(revision);
    }

    /// Tells whoever waits for a change.
    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    /// Has the client ask for diagnostics again.
    pub(crate) fn refresh_diagnostics(&self) {
        self.lock().old_diagnostics = true;
        self.0.filled.notify_one();
    }

    /// Shows how much of the workspace has been read.
    pub(crate) fn show_loaded(&self, done: usize, of: usize) {
        self.lock().loaded = Some((done, of));
        self.0.filled.notify_one();
    }

    /// Has the client ask for lenses again.
    pub(crate) fn refresh_lenses(&self) {
        self.lock().old_lenses = true;
        self.0.filled.notify_one();
    }

    /// Sends what is left here, for as long as it is polled.
    pub(crate) async fn send_to(self, client: Client) {
        let mut sent: BTreeMap<Uri, Sheet> = BTreeMap::new();
        let mut loading = None;
        loop {
            self.0.filled.notified().await;
            let waiting = {
                let mut waiting = self.lock();
                let revision = waiting.revision;
                std::mem::replace(
                    &mut *waiting,
                    Waiting {
                        revision,
                        ..Waiting::default()
                    },
                )
            };
            if waiting.old_lenses {
                let client = client.clone();
                // nobody waits for the answer
                tokio::spawn(async move { client.code_lens_refresh().await });
            }
            if waiting.old_diagnostics {
                let client = client.clone();
                tokio::spawn(async move { client.workspace_diagnostic_refresh().await });
            }
            if let Some(loaded) = waiting.loaded {
                progress::show(&client, &mut loading, loaded);
            }
            for (kind, line) in waiting.lines {
                client.log_message(kind, line).await;
            }
            for (uri, sheet) in with_what_is_gone(waiting.rest, &sent).into_iter().chain(waiting.sheets) {
                let is_empty = sheet.version.is_none() && sheet.diagnostics.is_empty();
                let known = sent.get(&uri);
                if known == Some(&sheet) || known.is_none() && is_empty {
                    continue;
                }
                client
                    .publish_diagnostics(uri.clone(), sheet.diagnostics.clone(), sheet.version)
                    .await;
                if is_empty {
                    sent.remove(&uri);
                } else {
                    sent.insert(uri, sheet);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Files that nobody opened, those too that had mistakes and are not there any more.
fn with_what_is_gone(rest: Option<Vec<(Uri, Sheet)>>, sent: &BTreeMap<Uri, Sheet>) -> Vec<(Uri, Sheet)> {
    let Some(mut rest) = rest else {
        return Vec::new();
    };
    let there: BTreeSet<Uri> = rest.iter().map(|(uri, _)| uri.clone()).collect();
    let gone = sent
        .iter()
        .filter(|(uri, sheet)| sheet.version.is_none() && !there.contains(*uri));
    let empty = gone.map(|(uri, _)| {
        let nothing = Sheet {
            version: None,
            diagnostics: Vec::new(),
        };
        (uri.clone(), nothing)
    });
    rest.extend(empty);
    rest
}
