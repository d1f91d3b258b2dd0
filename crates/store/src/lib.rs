//! What a run leaves behind: run folders, hash-chained journals, content-addressed artifacts, locks and inboxes.
//!
//! Promise: what was acknowledged is on disk and is read back as it was written, or the error says which file and line is not.
//! A run is a folder that can be read and copied. Absent: executing, and what events mean (their payload is any `Serialize`).

mod artifacts;
mod blob;
mod cache;
mod disk;
mod error;
mod forecast;
mod gc;
mod id;
mod inbox;
mod journal;
mod lock;
mod medium;
mod memory;
mod read;
mod run;
mod shared;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub use artifacts::{Artifacts, Stored, hash_file, hash_reader};
pub use blob::INLINE_MAX_BYTES;
pub use cache::{Cache, CacheEntry, Kept};
pub use disk::Durability;
pub use error::{ErrorClass, StoreError};
pub use forecast::{Forecast, Provided};
pub use gc::{Collected, Retention};
pub use id::{random, rfc3339};
pub use inbox::{Inbox, Message};
pub use journal::{Entry, Head, JOURNAL_FORMAT, Tail, TornTail, Writer, canonical};
pub use lock::{Holder, RunLock};
pub use medium::Medium;
pub use memory::{Memory, Remembered};
pub use read::Reader;
pub use run::{Log, RUN_FORMAT, RunFolder, RunMeta};

use ir::plan::{Inputs, Plan};

/// The folder `.dslc` of a workspace.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    durability: Durability,
}

/// What a new run is about; the store adds its name and time.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub inputs: Inputs,
    pub seed: u64,
    pub parallel: u32,
    pub engine: String,
    pub source: Option<String>,
    pub who: String,
    pub cwd: PathBuf,
    pub workspace: PathBuf,
}

/// Runs started in the same millisecond differ in ten random bits; so many in a row do not collide by chance.
const ID_TRIES: u32 = 64;

impl Store {
    /// The store in `root` (`…/.dslc`); nothing is created before the first run.
    pub fn new(root: impl Into<PathBuf>, durability: Durability) -> Self {
        let root: PathBuf = root.into();
        // a run keeps absolute paths
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { root, durability }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn artifacts(&self) -> Artifacts {
        Artifacts::new(self.root.join("artifacts"), self.durability)
    }

    fn runs_dir(&self) -> PathBuf {
        self.root.join("runs")
    }

    fn folder(&self, id: &str) -> RunFolder {
        RunFolder {
            id: id.to_owned(),
            path: self.runs_dir().join(id),
            artifacts: self.artifacts(),
            durability: self.durability,
        }
    }

    /// Makes the folder of a new run and takes it. Everything is on disk when this returns; before, there is no such run.
    pub fn create_run(&self, plan: &Plan, new: NewRun) -> Result<(RunFolder, RunMeta, RunLock), StoreError> {
        let runs = self.runs_dir();
        self.durability.create_dirs(&runs)?;
        self.durability.create_dirs(&self.root.join("artifacts"))?;
        self.ignore_in_git()?;
        let temp = disk::temporary(&runs);
        fs::create_dir(&temp).map_err(StoreError::io("create the folder", &temp))?;
        let created = self.fill_and_name(&temp, plan, new);
        if created.is_err() {
            let _ = fs::remove_dir_all(&temp);
        }
        created
    }

    fn fill_and_name(
        &self,
        temp: &Path,
        plan: &Plan,
        new: NewRun,
    ) -> Result<(RunFolder, RunMeta, RunLock), StoreError> {
        let now_ms = now_ms();
        let runs = self.runs_dir();
        let plan_json = plan.to_canonical_json();
        let mut meta = RunMeta {
            format: RUN_FORMAT.to_owned(),
            journal: JOURNAL_FORMAT.to_owned(),
            run: String::new(),
            started: rfc3339(now_ms),
            plan: plan.name.to_string(),
            version: plan.version.as_ref().map(ToString::to_string),
            title: plan.title.as_ref().map(ToString::to_string),
            source: new.source,
            ir_hash: Plan::hash_of_text(&plan_json),
            engine: new.engine,
            inputs: new.inputs,
            seed: new.seed,
            parallel: new.parallel,
            who: new.who,
            host: lock::host(),
            cwd: new.cwd,
            workspace: new.workspace,
        };
        self.durability
            .write_new(&temp.join(run::PLAN_JSON), plan_json.as_bytes())?;
        self.durability.write_new(&temp.join(run::JOURNAL), b"")?;
        for folder in run::FOLDERS {
            let path = temp.join(folder);
            fs::create_dir(&path).map_err(StoreError::io("create the folder", &path))?;
        }
        let lock = RunLock::take(&temp.join(run::LOCK), "new")?;
        let named_ms = self.after_newest(now_ms)?;
        let run_json = temp.join(run::RUN_JSON);
        for _ in 0..ID_TRIES {
            meta.run = id::new_run_id(named_ms);
            let path = runs.join(&meta.run);
            if path.exists() {
                continue;
            }
            let mut text = serde_json::to_string_pretty(&meta).map_err(|error| StoreError::Encode {
                what: error.to_string(),
            })?;
            text.push('\n');
            self.durability.write_new(&run_json, text.as_bytes())?;
            self.durability.sync_dir(temp)?;
            match fs::rename(temp, &path) {
                Ok(()) => {
                    self.durability.sync_dir(&runs)?;
                    return Ok((self.folder(&meta.run), meta, lock));
                }
                // another run of this second has the name: folders that are not empty are not replaced
                Err(error) if path.exists() => {
                    drop(error);
                    fs::remove_file(&run_json).map_err(StoreError::io("delete", &run_json))?;
                }
                Err(error) => return Err(StoreError::io("name", &path)(error)),
            }
        }
        Err(StoreError::Io {
            doing: "find a free name in",
            path: runs,
            source: std::io::Error::from(std::io::ErrorKind::AlreadyExists),
        })
    }

    /// The time by which a run that starts now is named: names sort by it, so it is later than that of every run that
    /// is there. Clocks are set back now and then, and two runs may start in one millisecond; a clock that was wrong by
    /// more than a day is left alone.
    fn after_newest(&self, now_ms: i64) -> Result<i64, StoreError> {
        const SET_BACK_MS_MAX: i64 = 24 * 60 * 60 * 1000;
        let ids = self.run_ids()?;
        let named = ids.iter().filter_map(|id| id::named_ms(id));
        let newest = named.filter(|named_ms| *named_ms < now_ms + SET_BACK_MS_MAX).max();
        Ok(newest.map_or(now_ms, |newest_ms| now_ms.max(newest_ms + 1)))
    }

    /// A store lies in a repository as a rule, and is never part of it.
    fn ignore_in_git(&self) -> Result<(), StoreError> {
        let path = self.root.join(".gitignore");
        match fs::exists(&path).map_err(StoreError::io("look at", &path))? {
            true => Ok(()),
            false => fs::write(&path, "*\n").map_err(StoreError::io("write", &path)),
        }
    }

    /// The run that a name stands for: all of its name, or as much of its beginning or of its last part as is unique.
    /// `last` is the newest.
    pub fn find(&self, name: &str) -> Result<RunFolder, StoreError> {
        let ids = self.run_ids()?;
        if ids.iter().any(|id| id == name) {
            return Ok(self.folder(name));
        }
        let fitting: Vec<&String> = match name {
            "last" => ids.first().into_iter().collect(),
            _ => ids.iter().filter(|id| id::matches(id, name)).collect(),
        };
        match fitting.as_slice() {
            [] => Err(StoreError::NoSuchRun {
                name: name.to_owned(),
                root: self.root.clone(),
            }),
            [id] => Ok(self.folder(id)),
            several => Err(StoreError::Ambiguous {
                name: name.to_owned(),
                runs: several.iter().take(5).map(|id| (*id).clone()).collect(),
            }),
        }
    }

    /// All runs, newest first.
    pub fn runs(&self) -> Result<Vec<RunFolder>, StoreError> {
        Ok(self.run_ids()?.iter().map(|id| self.folder(id)).collect())
    }

    fn run_ids(&self) -> Result<Vec<String>, StoreError> {
        let runs = self.runs_dir();
        let items = match fs::read_dir(&runs) {
            Ok(items) => items,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::io("read the folder", &runs)(error)),
        };
        let mut ids = Vec::new();
        for item in items {
            let item = item.map_err(StoreError::io("read the folder", &runs))?;
            if let Ok(name) = item.file_name().into_string()
                && !name.starts_with('.')
            {
                ids.push(name);
            }
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(ids)
    }
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
