//! Results by what they follow from: `cache.jsonl`, an entry a line; of one key the last line is the one that counts.
//!
//! A key is the hash of everything that a result follows from ([`ir::fingerprint`]); the entry lists it part by part,
//! so that a difference can be named. Large strings of a result, and its files, are artifacts. Promise: what
//! [`Cache::find`] returns was written so, its strings included; whether the files are still there is for the caller to
//! see. Absent: what a result is.

use std::collections::{BTreeMap, HashMap};

use ir::fingerprint::Part;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::StoreError;
use crate::journal::Entry;
use crate::shared::{Place, Shared};
use crate::{Store, blob, now_ms};

pub(crate) const CACHE: &str = "cache.jsonl";
const FORMAT: &str = "cache/1";

/// A result that later runs may reuse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CacheEntry {
    pub key: String,
    pub plan: String,
    /// `read`, as its plan names it.
    pub node: String,
    /// `read[https://…]`, `release/read`: as it was named in its run.
    pub label: String,
    pub run: String,
    pub made_ms: i64,
    /// When the task that made it would not reuse it any more.
    pub until_ms: i64,
    pub parts: Vec<Part>,
    /// What the files were that it wrote, where it says that it writes some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<Part>,
    pub result: Box<RawValue>,
}

/// The part of an entry that finding one needs.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    key: &'a str,
    #[serde(default)]
    until_ms: i64,
}

/// An entry without its result: what is compared.
#[derive(Clone, Debug, Deserialize)]
pub struct Kept {
    pub plan: String,
    pub node: String,
    pub label: String,
    pub run: String,
    pub made_ms: i64,
    pub parts: Vec<Part>,
}

/// Where a result came from.
#[derive(Debug, Deserialize)]
struct Whose {
    key: String,
    plan: String,
    node: String,
    label: String,
    run: String,
}

/// Results by the plan and the node that made them, oldest first.
type Origins = HashMap<(String, String), Vec<(Whose, Place)>>;

#[derive(Clone, Copy, Debug)]
struct At {
    place: Place,
    until_ms: i64,
}

/// The cache of a store.
#[derive(Debug)]
pub struct Cache {
    log: Shared,
    index: HashMap<String, At>,
    lines: u64,
    /// Read when somebody first asks for something to compare with.
    origins: Option<Origins>,
}

impl Store {
    /// The results that there are at this moment.
    pub fn cache(&self) -> Result<Cache, StoreError> {
        let log = Shared::new(self.root().join(CACHE), FORMAT, self.artifacts(), self.durability);
        let mut cache = Cache {
            log,
            index: HashMap::new(),
            lines: 0,
            origins: None,
        };
        cache.read_on()?;
        Ok(cache)
    }
}

impl Cache {
    /// How many results there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether a crash left something behind the last entry; the next append cuts it.
    pub fn is_torn(&self) -> bool {
        self.log.is_torn()
    }

    /// The newest result of a key, those of other runs that were kept meanwhile among them.
    pub fn find(&mut self, key: &str) -> Result<Option<CacheEntry>, StoreError> {
        self.read_on()?;
        let Some(at) = self.index.get(key) else {
            return Ok(None);
        };
        self.entry(at.place).map(Some)
    }

    /// Adds results, in one write.
    pub fn keep(&mut self, entries: &[CacheEntry]) -> Result<(), StoreError> {
        self.origins = None;
        let Self { log, index, lines, .. } = self;
        let places = log.append(entries, &mut |entry, place| take(entry, place, index, lines))?;
        *lines += entries.len() as u64;
        for (entry, place) in entries.iter().zip(places) {
            let until_ms = entry.until_ms;
            index.insert(entry.key.clone(), At { place, until_ms });
        }
        Ok(())
    }

    /// The newest result of another run of a plan's node, that of the same instance if there is one, for comparing.
    pub fn nearest(
        &mut self,
        plan: &str,
        node: &str,
        label: &str,
        but_of: &str,
    ) -> Result<Option<CacheEntry>, StoreError> {
        let origins = match self.origins.take() {
            Some(origins) => origins,
            None => self.read_origins()?,
        };
        let origins = self.origins.insert(origins);
        let of_node = origins.get(&(plan.to_owned(), node.to_owned()));
        let others = || {
            of_node
                .into_iter()
                .flatten()
                .rev()
                .filter(|(whose, _)| whose.run != but_of)
        };
        let same = others().find(|(whose, _)| whose.label == label);
        let place = same.or_else(|| others().next()).map(|(_, place)| *place);
        place.map(|place| self.entry(place)).transpose()
    }

    /// One look at the whole file, however many nodes are asked about.
    fn read_origins(&self) -> Result<Origins, StoreError> {
        let mut origins = Origins::new();
        self.for_each_newest(|whose, place, _| {
            let of_node = origins.entry((whose.plan.clone(), whose.node.clone()));
            of_node.or_default().push((whose, place));
            Ok(())
        })?;
        Ok(origins)
    }

    /// The newest result of each task and instance of a plan, by its label.
    pub fn newest_of(&self, plan: &str) -> Result<BTreeMap<String, Kept>, StoreError> {
        let mut newest = BTreeMap::new();
        self.for_each_newest(|whose, _, entry| {
            if whose.plan == plan {
                let kept: Kept = serde_json::from_str(entry).map_err(unreadable)?;
                newest.insert(whose.label, kept);
            }
            Ok(())
        })?;
        Ok(newest)
    }

    /// Reads the whole file again: of each key the entry that counts.
    fn for_each_newest(
        &self,
        mut see: impl FnMut(Whose, Place, &str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.log.again().read_on(&mut |entry, place| {
            let whose: Whose = serde_json::from_str(entry.event()).map_err(unreadable)?;
            match self.index.get(&whose.key) {
                Some(at) if at.place == place => see(whose, place, entry.event()),
                _ => Ok(()),
            }
        })
    }

    fn entry(&self, place: Place) -> Result<CacheEntry, StoreError> {
        let line = self.log.line(place)?;
        let event = event_of::<Box<RawValue>>(&line)?;
        let event = blob::swap_in(event.get(), self.log.artifacts())?;
        serde_json::from_str(&event).map_err(unreadable)
    }

    fn read_on(&mut self) -> Result<(), StoreError> {
        let Self { log, index, lines, .. } = self;
        log.read_on(&mut |entry, place| take(entry, place, index, lines))
    }

    /// Forgets what no task would reuse any more, and what was replaced; says how many lines went, or would.
    pub(crate) fn compact(&mut self, dry_run: bool) -> Result<u64, StoreError> {
        let now_ms = now_ms();
        let kept = self.index.values().filter(|at| at.until_ms >= now_ms);
        // by place: in the order in which they were written
        let kept: BTreeMap<u64, Place> = kept.map(|at| (at.place.from, at.place)).collect();
        let gone = self.lines - kept.len() as u64;
        if gone > 0 && !dry_run {
            let lines = kept.values().map(|place| {
                let event = event_of::<Box<RawValue>>(&self.log.line(*place)?)?;
                Ok(event.get().to_owned())
            });
            let lines: Vec<String> = lines.collect::<Result<_, StoreError>>()?;
            self.log.replace(&lines)?;
        }
        Ok(gone)
    }
}

#[derive(Deserialize)]
struct Event<T> {
    event: T,
}

fn event_of<T: for<'de> Deserialize<'de>>(line: &str) -> Result<T, StoreError> {
    let line: Event<T> = serde_json::from_str(line).map_err(unreadable)?;
    Ok(line.event)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Encode {
        what: format!("an entry of `{CACHE}`: {error}"),
    }
}

fn take(entry: &Entry, place: Place, index: &mut HashMap<String, At>, lines: &mut u64) -> Result<(), StoreError> {
    *lines += 1;
    let head: Head<'_> = serde_json::from_str(entry.event()).map_err(unreadable)?;
    let until_ms = head.until_ms;
    index.insert(head.key.to_owned(), At { place, until_ms });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Durability;

    fn store(dir: &tempfile::TempDir) -> Store {
        Store::new(dir.path().join(".dslc"), Durability::Power)
    }

    fn entry(key: &str, run: &str, result: &str) -> CacheEntry {
        let result = serde_json::json!({ "outputs": { "x": result } });
        CacheEntry {
            key: key.to_owned(),
            plan: "p".to_owned(),
            node: "a".to_owned(),
            label: "a".to_owned(),
            run: run.to_owned(),
            made_ms: now_ms(),
            until_ms: now_ms() + 60_000,
            parts: Vec::new(),
            wrote: None,
            result: RawValue::from_string(result.to_string()).expect("JSON"),
        }
    }

    fn found(cache: &mut Cache, key: &str) -> Option<String> {
        cache.find(key).expect("readable").map(|entry| entry.run)
    }

    #[test]
    fn the_last_result_of_a_key_counts_and_others_see_it_at_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut one, mut two) = (store(&dir).cache().expect("empty"), store(&dir).cache().expect("empty"));
        one.keep(&[entry("k", "r1", "v"), entry("l", "r1", "v")]).expect("kept");
        assert_eq!(found(&mut two, "k").as_deref(), Some("r1"));
        two.keep(&[entry("k", "r2", "v")]).expect("kept behind the others");
        one.keep(&[entry("k", "r2", "v")]).expect("a doubled entry is harmless");
        for cache in [&mut one, &mut two, &mut store(&dir).cache().expect("read")] {
            assert_eq!(found(cache, "k").as_deref(), Some("r2"));
            assert_eq!(found(cache, "l").as_deref(), Some("r1"));
            assert_eq!(found(cache, "m"), None);
        }
    }

    #[test]
    fn a_torn_end_is_no_entry_and_the_next_append_cuts_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        store
            .cache()
            .expect("empty")
            .keep(&[entry("k", "r1", "v")])
            .expect("kept");
        let path = store.root().join(CACHE);
        let whole = fs::read(&path).expect("there");
        for cut in 1..40 {
            let mut torn = whole.clone();
            torn.extend_from_slice(&whole[..cut * 10]);
            fs::write(&path, &torn).expect("written");
            let mut cache = store.cache().expect("read");
            assert!(cache.is_torn());
            assert_eq!(found(&mut cache, "k").as_deref(), Some("r1"));
            cache.keep(&[entry("l", "r2", "v")]).expect("kept");
            let mut again = store.cache().expect("read");
            assert!(!again.is_torn());
            assert_eq!(found(&mut again, "l").as_deref(), Some("r2"));
        }
    }

    #[test]
    fn an_edited_entry_is_refused_with_its_line() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let mut cache = store.cache().expect("empty");
        for run in ["r1", "r2"] {
            cache.keep(&[entry("k", run, "true")]).expect("kept");
        }
        let path = store.root().join(CACHE);
        let text = fs::read_to_string(&path).expect("there");
        fs::write(&path, text.replacen("true", "fake", 1)).expect("written");
        let error = store.cache().expect_err("refused").to_string();
        assert!(error.contains("cache.jsonl` is corrupt at line 2"), "{error}");
    }

    #[test]
    fn another_format_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let mut other = Shared::new(
            store.root().join(CACHE),
            "cache/9",
            store.artifacts(),
            Durability::Power,
        );
        other.append(&["x"], &mut |_, _| Ok(())).expect("written");
        let error = store.cache().expect_err("refused").to_string();
        assert!(
            error.contains("has format `cache/9`, and this dslc reads `cache/1`"),
            "{error}"
        );
    }

    #[test]
    fn large_strings_are_artifacts_and_a_missing_one_is_said() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let large = "x".repeat(10_000);
        store
            .cache()
            .expect("empty")
            .keep(&[entry("k", "r1", &large)])
            .expect("kept");
        let mut cache = store.cache().expect("read");
        let entry = cache.find("k").expect("readable").expect("there");
        assert!(entry.result.get().contains(&large));
        let digest = blake3::hash(large.as_bytes()).to_hex().to_string();
        fs::remove_file(store.artifacts().path(&digest)).expect("removed");
        assert!(matches!(cache.find("k"), Err(StoreError::NoArtifact { .. })));
    }

    #[test]
    fn collecting_keeps_what_a_task_may_reuse_and_all_that_it_refers_to() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let large = "x".repeat(10_000);
        let old = CacheEntry {
            until_ms: now_ms() - 1,
            ..entry("old", "r1", &"y".repeat(10_000))
        };
        let mut cache = store.cache().expect("empty");
        cache
            .keep(&[old, entry("k", "r1", "v"), entry("k", "r2", &large)])
            .expect("kept");
        let keep = crate::Retention::default();
        assert_eq!(store.collect(&keep, true, |_| true).expect("planned").results, 2);
        let done = store.collect(&keep, false, |_| true).expect("done");
        assert_eq!((done.results, done.artifacts), (2, 1));
        let mut cache = store.cache().expect("a sound file");
        let entry = cache.find("k").expect("readable").expect("there");
        assert!(
            entry.result.get().contains(&large),
            "its blob is kept, and still a blob"
        );
        assert_eq!(cache.len(), 1);
        assert_eq!(store.collect(&keep, false, |_| true).expect("done").results, 0);
    }

    #[test]
    fn the_nearest_result_is_of_another_run_and_of_the_same_instance_if_there_is_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let labelled = |key: &str, run: &str, label: &str| CacheEntry {
            label: label.to_owned(),
            ..entry(key, run, "v")
        };
        let mut cache = store.cache().expect("empty");
        let entries = [
            labelled("k", "r1", "a[x]"),
            labelled("l", "r2", "a[y]"),
            labelled("m", "r3", "a[x]"),
        ];
        cache.keep(&entries).expect("kept");
        let mut nearest = |plan, label, but_of| {
            let found = cache.nearest(plan, "a", label, but_of).expect("read");
            found.map(|entry| entry.key)
        };
        assert_eq!(nearest("p", "a[x]", "r3").as_deref(), Some("k"));
        assert_eq!(nearest("p", "a[z]", "r4").as_deref(), Some("m"));
        // the file was looked through once: of what it does not hold nobody asks it again
        fs::remove_file(store.root().join(CACHE)).expect("removed");
        assert_eq!(nearest("q", "a", ""), None);
    }

    #[test]
    fn of_each_task_and_instance_the_newest_result_is_compared() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut cache = store(&dir).cache().expect("empty");
        let labelled = |key: &str, run: &str, label: &str| CacheEntry {
            label: label.to_owned(),
            ..entry(key, run, "v")
        };
        let entries = [
            labelled("k", "r1", "a[x]"),
            labelled("l", "r2", "a[y]"),
            labelled("m", "r3", "a[x]"),
        ];
        cache.keep(&entries).expect("kept");
        let newest = cache.newest_of("p").expect("read");
        let newest: Vec<_> = newest.iter().map(|(label, kept)| (&**label, &*kept.run)).collect();
        assert_eq!(newest, [("a[x]", "r3"), ("a[y]", "r2")]);
        assert!(cache.newest_of("q").expect("read").is_empty());
    }
}
