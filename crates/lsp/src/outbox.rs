//! What the server tells the client unasked: diagnostics and log lines.
//!
//! Whoever has something to say leaves it here and goes on; one task sends. Of a file's diagnostics only the newest are
//! kept, and they are sent only if they, or the document's version, differ from what was sent last: a client that reads
//! slowly costs no memory, and diagnostics never go back in time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::{Diagnostic, MessageType, Uri};

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
}

#[derive(Default)]
struct Waiting {
    /// The revision of the workspace that the sheets belong to.
    revision: u64,
    sheets: BTreeMap<Uri, Sheet>,
    lines: Vec<(MessageType, String)>,
    /// Lenses show something that is out of date.
    old_lenses: bool,
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

    /// Has the client ask for lenses again.
    pub(crate) fn refresh_lenses(&self) {
        self.lock().old_lenses = true;
        self.0.filled.notify_one();
    }

    /// Sends what is left here, for as long as it is polled.
    pub(crate) async fn send_to(self, client: Client) {
        let mut sent = BTreeMap::new();
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
            for (kind, line) in waiting.lines {
                client.log_message(kind, line).await;
            }
            for (uri, sheet) in waiting.sheets {
                if sent.get(&uri) == Some(&sheet) {
                    continue;
                }
                client
                    .publish_diagnostics(uri.clone(), sheet.diagnostics.clone(), sheet.version)
                    .await;
                if sheet.version.is_some() {
                    sent.insert(uri, sheet);
                } else {
                    sent.remove(&uri);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
