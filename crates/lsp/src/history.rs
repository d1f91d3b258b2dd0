//! How the plans of a workspace went when they ran: read from its store on a thread of its own, shown in lenses and hovers.
//!
//! Nothing waits for it: a question is answered with what is known, and has the store looked at. Journals are read
//! without a lock, each line once; a run that has settled is kept as a few figures. Absent: changing anything, and why
//! a run failed in full.

mod changed;
mod next_run;
mod store_reader;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::writer::Message;
use next_run::{ForeseenOf, Later, OfPlan};
use store_reader::StoreReader;

pub(crate) use changed::changed_since;
pub use next_run::Foresee;
pub(crate) use next_run::{Forecasts, forecasts};
pub(crate) use store_reader::{Went, WentRun};
pub(crate) use words::{hover, in_short, next_in_full, next_in_short};

/// Changes that come together are looked at together, …
const PAUSE: Duration = Duration::from_millis(100);
/// … and a run that writes without a pause is looked at this often.
const PATIENCE: Duration = Duration::from_millis(500);
/// A store is not looked at more often because somebody asked: whoever can watch files is told of changes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct History {
    shared: Arc<Shared>,
    wanted: Sender<Wanted>,
    /// `None`: nobody can tell.
    foresee: Option<Foresee>,
}

/// By store.
type Shared = Mutex<HashMap<PathBuf, Known>>;

/// What the thread is to do.
enum Wanted {
    /// Look at a store, which may have changed.
    Runs(PathBuf),
    /// Work out what the next run of a plan would find in one.
    Forecasts(PathBuf),
    /// Have a large plan compiled for that, now that the typing pauses.
    Compiled(Later),
    /// More is known.
    Known,
}

#[derive(Default)]
struct Known {
    runs: Arc<Runs>,
    looked: Option<Instant>,
    foreseen: ForeseenOf,
}

/// The latest runs of a store, newest first.
#[derive(Default, PartialEq, Debug)]
pub(crate) struct Runs(pub(crate) Vec<Arc<WentRun>>);

impl History {
    /// `writer` is told when more is known; it is not kept alive for that.
    pub(crate) fn start(writer: Weak<Sender<Message>>, foresee: Option<Foresee>) -> std::io::Result<Self> {
        let (wanted, asked) = channel();
        let history = Self {
            shared: Arc::default(),
            wanted,
            foresee,
        };
        let shared = history.shared.clone();
        let thread = std::thread::Builder::new().name("history".to_owned());
        thread.spawn(move || watch(&shared, &asked, foresee, &writer))?;
        Ok(history)
    }

    /// What is known of a store; it is looked at once more if that was a while ago.
    pub(crate) fn runs(&self, store: &Path) -> Arc<Runs> {
        let mut shared = lock(&self.shared);
        let known = shared.entry(store.to_path_buf()).or_default();
        if known.looked.is_none_or(|looked| looked.elapsed() > LOOK_AGAIN) {
            known.looked = Some(Instant::now());
            // the thread ends with the server
            _ = self.wanted.send(Wanted::Runs(store.to_path_buf()));
        }
        known.runs.clone()
    }

    /// Has the client ask again.
    fn tell(&self) {
        _ = self.wanted.send(Wanted::Known);
    }

    /// A file of a store has changed.
    pub(crate) fn changed(&self, store: &Path) {
        _ = self.wanted.send(Wanted::Runs(store.to_path_buf()));
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

fn lock(shared: &Shared) -> MutexGuard<'_, HashMap<PathBuf, Known>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(shared: &Shared, asked: &Receiver<Wanted>, foresee: Option<Foresee>, writer: &Weak<Sender<Message>>) {
    let mut readers: HashMap<PathBuf, StoreReader> = HashMap::new();
    while let Some(wanted) = together(asked) {
        let mut stores: BTreeMap<PathBuf, bool> = BTreeMap::new();
        let mut later: HashMap<OfPlan, Later> = HashMap::new();
        let mut is_news = false;
        for one in wanted {
            match one {
                Wanted::Runs(store) => drop(stores.insert(store, true)),
                Wanted::Forecasts(store) => drop(stores.entry(store).or_default()),
                Wanted::Compiled(plan) => drop(later.insert(plan.of.clone(), plan)),
                Wanted::Known => is_news = true,
            }
        }
        for (store, &has_changed) in &stores {
            is_news |= has_changed && read(shared, &mut readers, store);
            let work_out = |foresee| next_run::work_out(shared, store, has_changed, foresee);
            let worked_out = foresee.map(|foresee| catch_unwind(AssertUnwindSafe(|| work_out(foresee))));
            is_news |= matches!(worked_out, Some(Ok(true)));
        }
        let messages = later.into_values().map(next_run::compile_later);
        for message in messages.chain(is_news.then_some(Message::HistoryKnown)) {
            let Some(writer) = writer.upgrade() else { return };
            if writer.send(message).is_err() {
                return;
            }
        }
    }
}

/// What is wanted within a while; `None` at the end.
fn together(asked: &Receiver<Wanted>) -> Option<Vec<Wanted>> {
    let mut wanted = vec![asked.recv().ok()?];
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        match asked.recv_timeout(PAUSE) {
            Ok(more) => wanted.push(more),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    Some(wanted)
}

/// Reads what is new in a store, and says whether anything is.
fn read(shared: &Shared, readers: &mut HashMap<PathBuf, StoreReader>, store: &Path) -> bool {
    let mut reader = readers.remove(store).unwrap_or_else(|| StoreReader::new(store));
    // what a journal holds must not end the server: a store that makes reading fail is begun anew
    let read = catch_unwind(AssertUnwindSafe(|| {
        let runs = reader.read();
        (reader, runs)
    }));
    let Ok((reader, runs)) = read else { return false };
    readers.insert(store.to_path_buf(), reader);
    let mut shared = lock(shared);
    let known = shared.entry(store.to_path_buf()).or_default();
    let is_news = *known.runs != runs;
    if is_news {
        known.runs = Arc::new(runs);
    }
    is_news
}
