//! How the plans of a workspace went when they ran: read from its store on a thread of its own, shown in lenses and hovers.
//!
//! Nothing waits for it: a question is answered with what is known, and has the store looked at. Journals are read without a lock, each
//! line once; a run that has settled is kept as a few figures. Absent: changing anything, and why a run failed in full.

mod changed;
mod store_reader;
mod words;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::writer::Message;
use store_reader::StoreReader;

pub(crate) use changed::changed_since;
pub(crate) use store_reader::{Went, WentRun};
pub(crate) use words::{hover, in_short};

/// Changes that come together are looked at together, …
const PAUSE: Duration = Duration::from_millis(100);
/// … and a run that writes without a pause is looked at this often.
const PATIENCE: Duration = Duration::from_millis(500);
/// A store is not looked at more often because somebody asked: whoever can watch files is told of changes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct History {
    shared: Arc<Mutex<HashMap<PathBuf, Known>>>,
    wanted: Sender<PathBuf>,
}

#[derive(Default)]
struct Known {
    runs: Arc<Runs>,
    looked: Option<Instant>,
}

/// The latest runs of a store, newest first.
#[derive(Default, PartialEq, Debug)]
pub(crate) struct Runs(pub(crate) Vec<Arc<WentRun>>);

impl History {
    /// `writer` is told when more is known; it is not kept alive for that.
    pub(crate) fn start(writer: Weak<Sender<Message>>) -> std::io::Result<Self> {
        let (wanted, asked) = channel();
        let history = Self {
            shared: Arc::default(),
            wanted,
        };
        let shared = history.shared.clone();
        let thread = std::thread::Builder::new().name("history".to_owned());
        thread.spawn(move || watch(&shared, &asked, &writer))?;
        Ok(history)
    }

    /// What is known of a store; it is looked at once more if that was a while ago.
    pub(crate) fn runs(&self, store: &Path) -> Arc<Runs> {
        let mut shared = lock(&self.shared);
        let known = shared.entry(store.to_path_buf()).or_default();
        if known.looked.is_none_or(|looked| looked.elapsed() > LOOK_AGAIN) {
            known.looked = Some(Instant::now());
            // the thread ends with the server
            _ = self.wanted.send(store.to_path_buf());
        }
        known.runs.clone()
    }

    /// A file of a store has changed.
    pub(crate) fn changed(&self, store: &Path) {
        _ = self.wanted.send(store.to_path_buf());
    }
}

impl Runs {
    /// The runs of a plan of a file, newest first; `plan` is empty of the file's implicit plan.
    pub(crate) fn of_plan(&self, file: &Path, plan: &str) -> Vec<&WentRun> {
        let implicit = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let plan = if plan.is_empty() { implicit } else { plan };
        let runs = self.0.iter().map(AsRef::as_ref);
        runs.filter(|run| run.plan == plan && run.source.as_deref().is_none_or(|source| source == file))
            .collect()
    }
}

fn lock(shared: &Mutex<HashMap<PathBuf, Known>>) -> MutexGuard<'_, HashMap<PathBuf, Known>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(shared: &Mutex<HashMap<PathBuf, Known>>, asked: &Receiver<PathBuf>, writer: &Weak<Sender<Message>>) {
    let mut readers: HashMap<PathBuf, StoreReader> = HashMap::new();
    while let Ok(first) = asked.recv() {
        let mut stores = vec![first];
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            match asked.recv_timeout(PAUSE) {
                Ok(store) => stores.push(store),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        stores.sort();
        stores.dedup();
        let mut is_news = false;
        for store in stores {
            let mut reader = readers.remove(&store).unwrap_or_else(|| StoreReader::new(&store));
            // what a journal holds must not end the server: a store that makes reading fail is begun anew
            let read = catch_unwind(AssertUnwindSafe(|| {
                let runs = reader.read();
                (reader, runs)
            }));
            let Ok((reader, runs)) = read else { continue };
            readers.insert(store.clone(), reader);
            let mut shared = lock(shared);
            let known = shared.entry(store).or_default();
            if *known.runs != runs {
                known.runs = Arc::new(runs);
                is_news = true;
            }
        }
        if is_news {
            let Some(writer) = writer.upgrade() else { return };
            if writer.send(Message::HistoryKnown).is_err() {
                return;
            }
        }
    }
}
