//! One store, read again and again: each journal from where the last reading ended.
//!
//! A run that may go on keeps its engine, a settled one its figures only. What cannot be read is left out until it has
//! changed: another version's runs, a folder that somebody deletes. Absent: locks, and checking what a driver did.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::event::{Event, EventKind, NodeStatus, RunStatus};
use engine::{Engine, NodeSnapshot};
use smol_str::SmolStr;
use store::{Durability, RunFolder, Store, Tail};

use super::Runs;

/// So many of the newest runs are looked at.
const RUNS_MAX: usize = 50;
/// So many runs of one plan are read: more are not counted.
const RUNS_OF_PLAN_MAX: usize = 10;
/// Runs that may go on and keep their engine; of older ones the journal is read again if it grows.
const LIVE_MAX: usize = 4;
/// A longer journal is not read: it takes longer than its figures are worth.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;

/// A run, as far as editors show it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct WentRun {
    pub id: String,
    pub plan: String,
    /// The file that it was compiled from, if it says.
    pub source: Option<PathBuf>,
    pub folder: PathBuf,
    pub status: RunStatus,
    /// It has settled, or somebody carries it on.
    pub is_driven: bool,
    /// It went on under a changed plan.
    pub is_revised: bool,
    pub began_ms: i64,
    pub took_ms: Option<i64>,
    nodes: HashMap<SmolStr, Went>,
}

/// How a node went in a run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Went {
    pub status: NodeStatus,
    pub took_ms: Option<i64>,
    pub attempts: u32,
    pub error: Option<String>,
    /// The result of an earlier run stood in.
    pub is_reused: bool,
}

impl WentRun {
    /// Absent if the node neither ran nor settled by itself.
    pub(crate) fn node(&self, name: &str) -> Option<&Went> {
        self.nodes.get(name)
    }
}

pub(super) struct StoreReader {
    store: Store,
    seen: HashMap<String, Seen>,
}

/// What is known of a run.
struct Seen {
    plan: String,
    /// How long its journal was when it was read.
    len: u64,
    /// `None`: it cannot be read.
    went: Option<Arc<WentRun>>,
    /// Of a run that may go on.
    live: Option<Live>,
}

struct Live {
    engine: Engine,
    tail: Tail,
    began_ms: i64,
    last_ms: i64,
    /// Its process, and when that started: numbers are used again.
    driver: Option<(u32, u64)>,
    is_revised: bool,
}

impl StoreReader {
    pub(super) fn new(store: &Path) -> Self {
        Self {
            store: Store::new(store, Durability::Process),
            seen: HashMap::new(),
        }
    }

    /// The newest runs as they are now; reads what has been written since the last time.
    pub(super) fn read(&mut self) -> Runs {
        let folders = self.store.runs().unwrap_or_default();
        let mut before = std::mem::take(&mut self.seen);
        let mut live = 0;
        let mut of_plan: HashMap<String, usize> = HashMap::new();
        let mut found = Vec::new();
        for folder in folders.into_iter().take(RUNS_MAX) {
            let before = before.remove(folder.id());
            let plan = match &before {
                Some(before) => before.plan.clone(),
                None => folder.meta().map(|meta| meta.plan).unwrap_or_default(),
            };
            let count = of_plan.entry(plan.clone()).or_default();
            *count += 1;
            let mut seen = if *count > RUNS_OF_PLAN_MAX {
                Seen::nothing(plan, 0)
            } else {
                Seen::now(&folder, plan, before)
            };
            live += usize::from(seen.live.is_some());
            if live > LIVE_MAX {
                seen.live = None;
            }
            found.extend(seen.went.clone());
            self.seen.insert(folder.id().to_owned(), seen);
        }
        Runs(found)
    }
}

impl Seen {
    fn nothing(plan: String, len: u64) -> Self {
        Self {
            plan,
            len,
            went: None,
            live: None,
        }
    }

    fn now(folder: &RunFolder, plan: String, before: Option<Self>) -> Self {
        let len = folder.journal_len().unwrap_or_default();
        let live = match before {
            Some(before) if before.len == len => return before.looked_at_again(),
            Some(before) if before.len < len => before.live,
            _ => None,
        };
        if len > JOURNAL_BYTES_MAX {
            return Self::nothing(plan, len);
        }
        Self::read(folder, len, live).unwrap_or_else(|| Self::nothing(plan, len))
    }

    /// Nothing has been written; its driver may have died.
    fn looked_at_again(mut self) -> Self {
        if let (Some(live), Some(went)) = (&self.live, &mut self.went) {
            let is_driven = live.is_driven();
            if went.is_driven != is_driven {
                Arc::make_mut(went).is_driven = is_driven;
            }
        }
        self
    }

    fn read(folder: &RunFolder, len: u64, live: Option<Live>) -> Option<Self> {
        let meta = folder.meta().ok()?;
        let mut reader;
        let mut live = match live {
            Some(live) => {
                reader = folder.read_behind(&live.tail).ok()?;
                live
            }
            None => {
                let plan = folder.plan(&meta).ok()?;
                ir::verify::verify(&plan).ok()?;
                reader = folder.read().ok()?;
                Live {
                    engine: Engine::new(Arc::new(plan)),
                    tail: reader.tail().clone(),
                    began_ms: 0,
                    last_ms: 0,
                    driver: None,
                    is_revised: false,
                }
            }
        };
        while let Some(entry) = reader.next_entry().ok()? {
            let mut event = Event::from_json(entry.event()).ok()?;
            if let EventKind::Replanned(revision) = &mut event.kind {
                live.is_revised = true;
                let plan = folder.revision(revision.number, &revision.ir_hash).ok()?;
                revision.plan = Some(Arc::new(plan));
            }
            if live.began_ms == 0 {
                live.began_ms = event.time_ms;
            }
            live.last_ms = event.time_ms;
            if let EventKind::DriverStarted { pid, pid_started, .. } = event.kind {
                live.driver = Some((pid, pid_started));
            }
            live.engine.apply(&event);
        }
        live.tail = reader.tail().clone();
        let status = live.engine.status();
        let is_over = status.is_over();
        let went = WentRun {
            id: folder.id().to_owned(),
            source: meta.source.map(|source| crate::disk::normal(&meta.cwd.join(source))),
            plan: meta.plan.clone(),
            is_driven: is_over || live.is_driven(),
            is_revised: live.is_revised,
            folder: folder.path().to_path_buf(),
            status,
            began_ms: live.began_ms,
            took_ms: is_over.then(|| live.last_ms - live.began_ms),
            nodes: nodes(&live.engine),
        };
        Some(Self {
            plan: meta.plan,
            len,
            went: Some(Arc::new(went)),
            live: (!is_over).then_some(live),
        })
    }
}

impl Live {
    /// Whether its driver is still there: a process has the number and began when the journal says. Elsewhere than on
    /// Linux nobody can tell without a lock.
    fn is_driven(&self) -> bool {
        let Some((pid, started)) = self.driver.filter(|_| cfg!(target_os = "linux")) else {
            return true;
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // behind the name of the program, which may hold anything
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let began = fields.split_whitespace().nth(STARTED_FIELD);
        began.and_then(|began| began.parse().ok()) == Some(started)
    }
}

/// Of the process table's fields behind the name: when the process began, in ticks since boot.
const STARTED_FIELD: usize = 19;

/// The plan's own nodes that ran; those of called plans have names with a slash.
fn nodes(engine: &Engine) -> HashMap<SmolStr, Went> {
    let all = engine.nodes().into_iter();
    let own = all.filter(|node| !node.id.contains('/') && did_something(node));
    let went = |node: NodeSnapshot| {
        let went = Went {
            status: node.status,
            took_ms: node.duration_ms(),
            attempts: node.attempts,
            is_reused: engine.reused(node.node, None).is_some(),
            error: node.error.map(|error| error.message),
        };
        (node.id, went)
    };
    own.map(went).collect()
}

fn did_something(node: &NodeSnapshot) -> bool {
    node.attempts > 0
        || matches!(
            node.status,
            NodeStatus::Waiting | NodeStatus::Completed | NodeStatus::Failed
        )
}
