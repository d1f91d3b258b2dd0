//! Collecting what nobody needs any more: old runs, and artifacts that no kept run refers to.
//!
//! Promise: a run that has not ended is kept with what it remembered, and so is every artifact whose digest stands anywhere in
//! a kept run or in a journal of the store. Drivers hold a shared lock of the store and the collector an exclusive one, so
//! nothing is added meanwhile. What is interrupted leaves artifacts too many, never too few. Absent: when a run has ended,
//! which the caller says.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::lock::StoreLock;
use crate::run::RunFolder;
use crate::{Store, now_ms};

const DIGEST_HEX_LEN: usize = 64;

/// Which ended runs are kept. What is absent keeps all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// The newest ones.
    pub runs_max: Option<usize>,
    /// Those that were written to within this time.
    pub age_max_ms: Option<u64>,
    /// The newest ones that have room together.
    pub size_max_bytes: Option<u64>,
    /// Of what runs remembered for later ones, the newest values.
    pub facts_max: Option<usize>,
    /// Those that are no older.
    pub facts_age_max_ms: Option<u64>,
}

/// What was removed, or would be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Collected {
    /// Newest first.
    pub runs: Vec<String>,
    pub artifacts: u64,
    pub bytes: u64,
    pub runs_kept: usize,
    /// Results of tasks that no task would reuse any more.
    pub results: u64,
    /// Remembered values that later ones replaced, or that are too old or too many.
    pub facts: u64,
}

impl Store {
    /// Removes ended runs that `keep` does not keep, then every artifact that nothing refers to any more.
    pub fn collect(
        &self,
        keep: &Retention,
        dry_run: bool,
        mut has_ended: impl FnMut(&RunFolder) -> bool,
    ) -> Result<Collected, StoreError> {
        if !self.root().exists() {
            return Ok(Collected::default());
        }
        let _lock = StoreLock::exclusive(self.root())?;
        let mut collected = Collected::default();
        let (mut kept, mut ended_count, mut ended_bytes) = (Vec::new(), 0_usize, 0_u64);
        let mut unfinished = BTreeSet::new();
        for folder in self.runs()? {
            let bytes = size_of(folder.path())?;
            if !has_ended(&folder) {
                unfinished.insert(folder.id().to_owned());
                kept.push(folder);
                continue;
            }
            ended_count += 1;
            ended_bytes = ended_bytes.saturating_add(bytes);
            let old = |max_ms| age_ms(&folder).is_some_and(|age_ms| age_ms > max_ms);
            let goes = keep.runs_max.is_some_and(|max| ended_count > max)
                || keep.size_max_bytes.is_some_and(|max| ended_bytes > max)
                || keep.age_max_ms.is_some_and(old);
            if !goes {
                kept.push(folder);
                continue;
            }
            collected.bytes += bytes;
            collected.runs.push(folder.id().to_owned());
            if !dry_run {
                self.remove_run(&folder)?;
            }
        }
        collected.runs_kept = kept.len();
        // a file that is corrupt is no reason to keep everything else: it keeps what it refers to
        collected.results = self.cache().and_then(|mut cache| cache.compact(dry_run)).unwrap_or(0);
        let memory = self.memory();
        let compacted =
            memory.and_then(|mut memory| memory.compact(keep.facts_max, keep.facts_age_max_ms, &unfinished, dry_run));
        collected.facts = compacted.unwrap_or(0);
        self.collect_artifacts(&kept, dry_run, &mut collected)?;
        Ok(collected)
    }

    /// A run is gone at once: its name is taken away before its files are.
    fn remove_run(&self, folder: &RunFolder) -> Result<(), StoreError> {
        let path = folder.path();
        let runs = path.parent().unwrap_or(path);
        let gone = crate::disk::temporary(runs);
        fs::rename(path, &gone).map_err(StoreError::io("remove", path))?;
        self.durability.sync_dir(runs)?;
        fs::remove_dir_all(&gone).map_err(StoreError::io("remove", &gone))
    }

    fn collect_artifacts(
        &self,
        kept: &[RunFolder],
        dry_run: bool,
        collected: &mut Collected,
    ) -> Result<(), StoreError> {
        let stored = self.stored_artifacts()?;
        let mut unused: BTreeSet<&str> = stored.iter().map(|(digest, _)| digest.as_str()).collect();
        for folder in kept {
            for file in files_in(folder.path())? {
                strike_out(&file, &mut unused)?;
            }
        }
        for file in files_in(self.root())? {
            strike_out(&file, &mut unused)?;
        }
        for (digest, path) in &stored {
            if !unused.contains(digest.as_str()) {
                continue;
            }
            collected.artifacts += 1;
            collected.bytes += fs::metadata(path).map_or(0, |meta| meta.len());
            if !dry_run {
                fs::remove_file(path).map_err(StoreError::io("remove", path))?;
            }
        }
        Ok(())
    }

    fn stored_artifacts(&self) -> Result<Vec<(String, PathBuf)>, StoreError> {
        let root = self.root().join("artifacts");
        let mut stored = Vec::new();
        for folder in entries(&root)? {
            let Some(head) = folder.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                continue;
            };
            // what a write left behind lies beside the folders
            if !folder.is_dir() {
                continue;
            }
            for path in entries(&folder)? {
                let digest = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .map(|tail| format!("{head}{tail}"));
                if let Some(digest) = digest.filter(|digest| digest.len() == DIGEST_HEX_LEN) {
                    stored.push((digest, path));
                }
            }
        }
        stored.sort_unstable();
        Ok(stored)
    }
}

/// Milliseconds since something was last written to its journal.
fn age_ms(folder: &RunFolder) -> Option<u64> {
    let modified = fs::metadata(folder.path().join(crate::run::JOURNAL))
        .ok()?
        .modified()
        .ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    let age_ms = now_ms().saturating_sub(i64::try_from(since.as_millis()).ok()?);
    u64::try_from(age_ms).ok()
}

/// Takes the digests that stand in a file off the list. Any 64 hexadecimal digits count: too much is kept rather than
/// too little.
fn strike_out(path: &Path, unused: &mut BTreeSet<&str>) -> Result<(), StoreError> {
    let file = fs::File::open(path).map_err(StoreError::io("read", path))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(StoreError::io("read", path))?;
        if read == 0 {
            return Ok(());
        }
        for digits in line.split(|byte| !byte.is_ascii_hexdigit()) {
            if digits.len() == DIGEST_HEX_LEN
                && let Ok(digest) = std::str::from_utf8(digits)
            {
                unused.remove(digest);
            }
        }
    }
}

/// The files directly in a folder.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = entries(folder)?;
    files.retain(|path| path.is_file());
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let items = match fs::read_dir(folder) {
        Ok(items) => items,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("read the folder", folder)(error)),
    };
    let paths = items.map(|item| item.map(|item| item.path()));
    let paths: Result<Vec<_>, _> = paths.collect();
    paths.map_err(StoreError::io("read the folder", folder))
}

/// Of all files below a folder; links are not followed.
fn size_of(folder: &Path) -> Result<u64, StoreError> {
    let mut bytes = 0;
    let mut work = vec![folder.to_owned()];
    while let Some(at) = work.pop() {
        for path in entries(&at)? {
            let meta = fs::symlink_metadata(&path).map_err(StoreError::io("look at", &path))?;
            if meta.is_dir() {
                work.push(path);
            } else {
                bytes += meta.len();
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability, NewRun};

    fn store(dir: &tempfile::TempDir) -> Store {
        Store::new(dir.path().join(".dslc"), Durability::Power)
    }

    /// A run whose journal names an artifact.
    fn run(store: &Store, bytes: &[u8]) -> (String, PathBuf) {
        let new = NewRun {
            inputs: Default::default(),
            seed: 1,
            parallel: 1,
            engine: "test".to_owned(),
            source: None,
            who: "me".to_owned(),
            cwd: PathBuf::from("/"),
            workspace: PathBuf::from("/"),
        };
        let (folder, _, lock) = store.create_run(&ir::Plan::new("p"), new).expect("made");
        let stored = store.artifacts().put(bytes).expect("stored");
        let tail = folder.read().and_then(|mut reader| {
            while reader.next_entry()?.is_some() {}
            Ok(reader.tail().clone())
        });
        let mut writer = folder.append(&lock, &tail.expect("read")).expect("a writer");
        let event = serde_json::json!({ "file": stored.digest });
        writer.stage(1, &event, &[0_u8; 0], None).expect("staged");
        writer.commit().expect("synced");
        (folder.id().to_owned(), store.artifacts().path(&stored.digest))
    }

    #[test]
    fn ended_runs_go_oldest_first_with_what_only_they_refer_to() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let mut runs: Vec<_> = [&b"one"[..], b"two", b"three"].map(|bytes| run(&store, bytes)).into();
        runs.sort();
        let keep = Retention {
            runs_max: Some(1),
            ..Retention::default()
        };
        let planned = store.collect(&keep, true, |_| true).expect("planned");
        assert!(
            runs.iter().all(|(_, artifact)| artifact.exists()),
            "a dry run removes nothing"
        );
        let done = store.collect(&keep, false, |_| true).expect("done");
        assert_eq!(planned, done);
        assert_eq!(done.runs, [runs[1].0.clone(), runs[0].0.clone()]);
        assert_eq!((done.artifacts, done.runs_kept), (2, 1));
        assert_eq!(
            runs.iter().map(|(_, artifact)| artifact.exists()).collect::<Vec<_>>(),
            [false, false, true]
        );
        assert_eq!(store.runs().expect("listed").len(), 1);
    }

    #[test]
    fn a_run_that_has_not_ended_is_kept_whatever_the_retention() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let (_, artifact) = run(&store, b"one");
        let keep = Retention {
            runs_max: Some(0),
            age_max_ms: Some(0),
            size_max_bytes: Some(0),
            ..Retention::default()
        };
        let done = store.collect(&keep, false, |_| false).expect("done");
        assert_eq!((done.runs.len(), done.runs_kept), (0, 1));
        assert!(artifact.exists());
    }

    #[test]
    fn nothing_is_collected_while_somebody_drives_a_run_and_nobody_drives_meanwhile() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let (id, _) = run(&store, b"one");
        let folder = store.find(&id).expect("there");
        let driver = folder.lock().expect("taken");
        let refused = store
            .collect(&Retention::default(), false, |_| true)
            .expect_err("refused");
        assert!(refused.to_string().contains("being driven"), "{refused}");
        drop(driver);
        let collector = StoreLock::exclusive(store.root()).expect("taken");
        assert!(folder.lock().is_err(), "a driver waits for the collector");
        drop(collector);
        folder.lock().expect("free again");
    }

    #[test]
    fn a_digest_in_a_journal_of_the_store_keeps_its_artifact() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        run(&store, b"one");
        let stored = store.artifacts().put(b"kept").expect("stored");
        fs::write(
            store.root().join("memory.jsonl"),
            format!("{{\"digest\":\"{}\"}}\n", stored.digest),
        )
        .expect("written");
        let keep = Retention {
            runs_max: Some(0),
            ..Retention::default()
        };
        let done = store.collect(&keep, false, |_| true).expect("done");
        assert_eq!((done.runs.len(), done.artifacts), (1, 1));
        assert!(store.artifacts().path(&stored.digest).exists());
    }
}
