//! The folder of one run: what it runs, its journal, its lock, its inbox, its logs.
//!
//! Promise: a folder under `runs/` is whole: it is filled under a temporary name and synced before it gets its own.
//! Absent: what the events in the journal mean.

use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use ir::plan::{Inputs, Plan};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::artifacts::Artifacts;
use crate::disk::{Durability, temporary};
use crate::error::StoreError;
use crate::inbox::Inbox;
use crate::journal::{Head, JOURNAL_FORMAT, Tail, Writer};
use crate::lock::{Holder, RunLock};
use crate::read::{Reader, last_line};

/// The version of a run's folder.
pub const RUN_FORMAT: &str = "run/1";

pub(crate) const RUN_JSON: &str = "run.json";
pub(crate) const PLAN_JSON: &str = "plan.ir.json";
pub(crate) const JOURNAL: &str = "journal.jsonl";
pub(crate) const LOCK: &str = "lock";
pub(crate) const FOLDERS: [&str; 3] = ["inbox", "work", "logs"];

/// What `run.json` holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunMeta {
    pub format: String,
    pub journal: String,
    pub run: String,
    /// RFC 3339, UTC.
    pub started: String,
    pub plan: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The file it was compiled from, as it was named: for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Of `plan.ir.json`, domain-separated (`Plan::hash`).
    pub ir_hash: String,
    pub engine: String,
    pub inputs: Inputs,
    pub seed: u64,
    pub parallel: u32,
    pub who: String,
    pub host: String,
    /// Where `dslc` was started: `dir:` of tasks is relative to it.
    pub cwd: PathBuf,
    /// The workspace's root, or `cwd`.
    pub workspace: PathBuf,
}

/// An existing run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) artifacts: Artifacts,
    pub(crate) durability: Durability,
}

/// In a log's name these stand for themselves; a dot does not, so that no name is hidden or has a second extension.
const IN_NAMES: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'[')
    .remove(b']')
    .remove(b',')
    .remove(b'=');
/// File systems allow 255 bytes in a name.
const NAME_MAX_BYTES: usize = 180;

impl RunFolder {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store that it is in.
    pub fn store(&self) -> crate::Store {
        let root = self.path.ancestors().nth(2).unwrap_or(&self.path);
        crate::Store::new(root, self.durability)
    }

    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// Where scripts without a `dir:` run.
    pub fn work_dir(&self) -> PathBuf {
        self.path.join("work")
    }

    /// Temporary folders of attempts that are confined; gone when they have ended.
    pub fn temp_dir(&self) -> PathBuf {
        self.path.join("tmp")
    }

    pub fn logs_dir(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// The log of an attempt; it exists once there was output.
    pub fn log_path(&self, label: &str, attempt: u32) -> PathBuf {
        self.logs_dir().join(format!("{}.{attempt}.log", file_name(label)))
    }

    /// The file that `$PLAN_INPUT` names for an attempt.
    pub fn input_path(&self, label: &str, attempt: u32) -> PathBuf {
        self.logs_dir()
            .join(format!("{}.{attempt}.input.json", file_name(label)))
    }

    /// The logs of a node's attempts that exist, first attempt first.
    pub fn logs_of(&self, label: &str) -> Result<Vec<(u32, PathBuf)>, StoreError> {
        let mut found: Vec<_> = self
            .logs()?
            .into_iter()
            .filter(|log| log.label == label)
            .map(|log| (log.attempt, log.path))
            .collect();
        found.sort_unstable();
        Ok(found)
    }

    /// All logs, in order of node and attempt.
    pub fn logs(&self) -> Result<Vec<Log>, StoreError> {
        let dir = self.logs_dir();
        let mut found = Vec::new();
        for item in fs::read_dir(&dir).map_err(StoreError::io("read the folder", &dir))? {
            let item = item.map_err(StoreError::io("read the folder", &dir))?;
            let Ok(name) = item.file_name().into_string() else {
                continue;
            };
            let Some((stem, attempt)) = name.strip_suffix(".log").and_then(|name| name.rsplit_once('.')) else {
                continue;
            };
            let Ok(attempt) = attempt.parse() else {
                continue;
            };
            let label = percent_encoding::percent_decode_str(stem)
                .decode_utf8_lossy()
                .into_owned();
            found.push(Log {
                label,
                attempt,
                path: item.path(),
            });
        }
        found.sort_unstable();
        Ok(found)
    }

    pub fn inbox(&self) -> Inbox {
        Inbox {
            root: self.path.join("inbox"),
            durability: self.durability,
        }
    }

    /// `run.json`, its versions checked.
    pub fn meta(&self) -> Result<RunMeta, StoreError> {
        let path = self.path.join(RUN_JSON);
        let bytes = fs::read(&path).map_err(StoreError::io("read", &path))?;
        #[derive(Deserialize)]
        struct Versions {
            format: String,
            journal: String,
        }
        let corrupt = |error: serde_json::Error| StoreError::Corrupt {
            path: path.clone(),
            line: 0,
            what: error.to_string(),
        };
        let versions: Versions = serde_json::from_slice(&bytes).map_err(corrupt)?;
        for (found, expected) in [(versions.format, RUN_FORMAT), (versions.journal, JOURNAL_FORMAT)] {
            if found != expected {
                return Err(StoreError::Format { path, found, expected });
            }
        }
        serde_json::from_slice(&bytes).map_err(corrupt)
    }

    /// What runs, checked against the hash in `run.json`.
    pub fn plan(&self, meta: &RunMeta) -> Result<Plan, StoreError> {
        read_plan(&self.path.join(PLAN_JSON), &meta.ir_hash, "`run.json`")
    }

    /// Where a revision of the plan lies; the first is the plan that the run started with.
    pub fn revision_path(&self, number: u32) -> PathBuf {
        match number {
            0 | 1 => self.path.join(PLAN_JSON),
            number => self.path.join(format!("plan.{number}.ir.json")),
        }
    }

    /// Keeps a revision of the plan, durably, before an event says so. One that no event came to speak of is replaced.
    pub fn write_revision(&self, _lock: &RunLock, number: u32, plan: &Plan) -> Result<(), StoreError> {
        let path = self.revision_path(number);
        let temp = temporary(&self.path);
        let written = self.durability.write_new(&temp, plan.to_canonical_json().as_bytes());
        let named = written.and_then(|()| fs::rename(&temp, &path).map_err(StoreError::io("name", &path)));
        if named.is_err() {
            let _ = fs::remove_file(&temp);
        }
        named?;
        self.durability.sync_dir(&self.path)
    }

    /// A revision of the plan, checked against the hash that its event has.
    pub fn revision(&self, number: u32, hash: &str) -> Result<Plan, StoreError> {
        read_plan(&self.revision_path(number), hash, "the journal")
    }

    /// Takes the run for this process.
    pub fn lock(&self) -> Result<RunLock, StoreError> {
        RunLock::take(&self.path.join(LOCK), &self.id)
    }

    /// Who drives the run, if anybody does.
    pub fn driven_by(&self) -> Result<Option<Holder>, StoreError> {
        RunLock::holder(&self.path.join(LOCK))
    }

    /// Reads the journal from its start.
    pub fn read(&self) -> Result<Reader, StoreError> {
        let path = self.path.join(RUN_JSON);
        let bytes = fs::read(&path).map_err(StoreError::io("read", &path))?;
        Reader::open(self.path.join(JOURNAL), Head::genesis(&bytes), self.artifacts.clone())
    }

    /// Reads on behind `tail`, where an earlier reader ended.
    pub fn read_behind(&self, tail: &Tail) -> Result<Reader, StoreError> {
        Reader::open_behind(self.path.join(JOURNAL), tail, self.artifacts.clone())
    }

    /// How long the journal is now, in bytes.
    pub fn journal_len(&self) -> Result<u64, StoreError> {
        let path = self.path.join(JOURNAL);
        let found = fs::metadata(&path).map_err(StoreError::io("look at", &path))?;
        Ok(found.len())
    }

    /// Continues the journal behind `tail`, cutting what is torn. Only with the lock.
    pub fn append(&self, _lock: &RunLock, tail: &Tail) -> Result<Writer, StoreError> {
        Writer::open(self.path.join(JOURNAL), tail, self.artifacts.clone(), self.durability)
    }

    /// The first line of the journal, unchecked: for lists.
    pub fn first_line(&self) -> Result<String, StoreError> {
        let path = self.path.join(JOURNAL);
        let file = fs::File::open(&path).map_err(StoreError::io("open", &path))?;
        let mut line = String::new();
        std::io::BufReader::new(file)
            .read_line(&mut line)
            .map_err(StoreError::io("read", &path))?;
        Ok(line)
    }

    /// The last whole line of the journal, unchecked: for lists.
    pub fn last_line(&self) -> Result<Option<String>, StoreError> {
        last_line(&self.path.join(JOURNAL))
    }
}

/// One log file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Log {
    pub label: String,
    pub attempt: u32,
    pub path: PathBuf,
}

/// A compiled plan whose hash something else says.
fn read_plan(path: &Path, expected: &str, said_by: &str) -> Result<Plan, StoreError> {
    let text = fs::read_to_string(path).map_err(StoreError::io("read", path))?;
    let corrupt = |what: String| StoreError::Corrupt {
        path: path.to_owned(),
        line: 0,
        what,
    };
    let unreadable = |error: ir::plan::PlanError| corrupt(error.to_string());
    // as it was written, as a rule; reformatted it is the same plan
    if Plan::hash_of_text(&text) == expected {
        return Plan::from_canonical_json(&text).map_err(unreadable);
    }
    let plan = Plan::from_json(&text).map_err(unreadable)?;
    match plan.hash() {
        hash if hash == expected => Ok(plan),
        hash => Err(corrupt(format!("its hash is {hash}, and {said_by} says {expected}"))),
    }
}

/// A node's name as part of a file's name; long ones are cut and told apart by a hash.
fn file_name(label: &str) -> String {
    let name = utf8_percent_encode(label, IN_NAMES).to_string();
    if name.len() <= NAME_MAX_BYTES {
        return name;
    }
    let digest = blake3::hash(label.as_bytes()).to_hex();
    // do not cut a %XX
    let mut cut = NAME_MAX_BYTES;
    while name[cut - 2..cut].contains('%') {
        cut -= 1;
    }
    format!("{}~{}", &name[..cut], &digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_logs_are_plain_and_bounded() {
        assert_eq!(file_name("deep-dive[a/b c]"), "deep-dive[a%2Fb%20c]");
        assert_eq!(file_name("../x"), "%2E%2E%2Fx");
        let long = file_name(&"/é".repeat(300));
        assert!(long.len() < 220);
        assert_ne!(long, file_name(&"/é".repeat(301)));
    }
}
