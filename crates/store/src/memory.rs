//! What runs remembered for later ones: `memory.jsonl`, a fact a line; of one slot the last line is the one that counts.
//!
//! Promise: a fact that [`Memory::remember`] returned for is on disk, and is there once, however often its run says it again.

use std::collections::{BTreeMap, BTreeSet};

use ir::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::StoreError;
use crate::journal::Entry;
use crate::shared::Shared;
use crate::{Store, blob, now_ms};

pub(crate) const MEMORY: &str = "memory.jsonl";
const FORMAT: &str = "memory/1";

/// A fact, and who remembered it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Remembered {
    /// `global:key`, `plan:NAME:key`
    pub slot: String,
    pub value: Value,
    pub run: String,
    /// `summarize`, `release/build`
    pub node: String,
    /// Counts from 0: a node that is begun anew may remember something else.
    #[serde(default)]
    pub round: u32,
    pub at_ms: i64,
}

/// A line, its value as it was written: large strings are references.
#[derive(Serialize, Deserialize)]
struct Line {
    slot: String,
    value: Box<RawValue>,
    run: String,
    node: String,
    #[serde(default)]
    round: u32,
    at_ms: i64,
}

/// Who said it: run, node, slot, and how often the node had begun anew.
type Said = (String, String, String, u32);

/// The memory of a store.
#[derive(Debug)]
pub struct Memory {
    log: Shared,
    latest: BTreeMap<String, Line>,
    /// What was said already.
    said: BTreeSet<Said>,
}

impl Store {
    /// What is remembered at this moment.
    pub fn memory(&self) -> Result<Memory, StoreError> {
        let log = Shared::new(self.root().join(MEMORY), FORMAT, self.artifacts(), self.durability);
        let mut memory = Memory {
            log,
            latest: BTreeMap::new(),
            said: BTreeSet::new(),
        };
        memory.read_on()?;
        Ok(memory)
    }
}

impl Memory {
    /// The value of a slot, if there is one.
    pub fn get(&self, slot: &str) -> Result<Option<Remembered>, StoreError> {
        self.latest.get(slot).map(|line| self.whole(line)).transpose()
    }

    /// All slots that have a value, by name.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        self.latest.keys().map(String::as_str)
    }

    /// Adds facts that are not there yet, in one write.
    pub fn remember(&mut self, facts: &[Remembered]) -> Result<(), StoreError> {
        // others may have appended meanwhile, but not for this run
        let known = |fact: &&Remembered| {
            !self
                .said
                .contains(&(fact.run.clone(), fact.node.clone(), fact.slot.clone(), fact.round))
        };
        let new: Vec<Line> = facts.iter().filter(known).map(Line::of).collect::<Result<_, _>>()?;
        let Self { log, latest, said } = self;
        log.append(&new, &mut |entry, _| take(entry, latest, said))?;
        for line in new {
            note(line.into_written()?, latest, said);
        }
        Ok(())
    }

    fn read_on(&mut self) -> Result<(), StoreError> {
        let Self { log, latest, said } = self;
        log.read_on(&mut |entry, _| take(entry, latest, said))
    }

    fn whole(&self, line: &Line) -> Result<Remembered, StoreError> {
        let value = blob::swap_in(line.value.get(), self.log.artifacts())?;
        let value = serde_json::from_str(&value).map_err(|error| StoreError::Encode {
            what: format!("`{}` in memory: {error}", line.slot),
        })?;
        Ok(Remembered {
            value,
            slot: line.slot.clone(),
            run: line.run.clone(),
            node: line.node.clone(),
            round: line.round,
            at_ms: line.at_ms,
        })
    }

    /// Forgets values that were replaced, those that are older than `age_max_ms`, and all but the newest `facts_max`;
    /// says how many lines went, or would. What runs said that have not ended stays: one that was interrupted may say
    /// it again, and must find that it is there, or its old value would come after a newer one.
    pub(crate) fn compact(
        &mut self,
        facts_max: Option<usize>,
        age_max_ms: Option<u64>,
        unfinished: &BTreeSet<String>,
        dry_run: bool,
    ) -> Result<u64, StoreError> {
        let lines = self.lines()?;
        let held: BTreeSet<&str> = lines
            .iter()
            .filter(|line| unfinished.contains(&line.run))
            .map(|line| line.slot.as_str())
            .collect();
        let oldest_ms = age_max_ms.map(|age_ms| now_ms().saturating_sub_unsigned(age_ms));
        let mut newest: Vec<&Line> = self.latest.values().collect();
        newest.sort_by_key(|line| (std::cmp::Reverse(line.at_ms), line.slot.clone()));
        newest.truncate(facts_max.unwrap_or(usize::MAX));
        newest.retain(|line| oldest_ms.is_none_or(|oldest_ms| line.at_ms >= oldest_ms));
        let wanted: BTreeSet<&str> = newest.iter().map(|line| line.slot.as_str()).collect();
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        last.extend(lines.iter().enumerate().map(|(at, line)| (line.slot.as_str(), at)));
        let stays = |(at, line): &(usize, &Line)| {
            let slot = line.slot.as_str();
            let counts = last.get(slot) == Some(at) && (wanted.contains(slot) || held.contains(slot));
            counts || unfinished.contains(&line.run)
        };
        let kept = lines.iter().enumerate().filter(stays);
        let kept: Result<Vec<String>, _> = kept.map(|(_, line)| serde_json::to_string(line)).collect();
        let kept = kept.map_err(encode)?;
        let gone = (lines.len() - kept.len()) as u64;
        if gone > 0 && !dry_run {
            self.log.replace(&kept)?;
        }
        Ok(gone)
    }

    /// All that stands in the file, in order.
    fn lines(&self) -> Result<Vec<Line>, StoreError> {
        let mut lines = Vec::new();
        self.log.again().read_on(&mut |entry, _| {
            lines.push(line_of(entry)?);
            Ok(())
        })?;
        Ok(lines)
    }
}

impl Line {
    fn of(fact: &Remembered) -> Result<Self, StoreError> {
        let value = serde_json::to_string(&fact.value).map_err(encode)?;
        Ok(Self {
            value: RawValue::from_string(value).map_err(encode)?,
            slot: fact.slot.clone(),
            run: fact.run.clone(),
            node: fact.node.clone(),
            round: fact.round,
            at_ms: fact.at_ms,
        })
    }

    /// As it is in the file.
    fn into_written(self) -> Result<Self, StoreError> {
        let value = blob::swap_out(self.value.get(), blob::HashOnly)?.into_owned();
        let value = RawValue::from_string(value).map_err(encode)?;
        Ok(Self { value, ..self })
    }
}

fn encode(error: serde_json::Error) -> StoreError {
    StoreError::Encode {
        what: error.to_string(),
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {} by {}/{}", self.slot, self.value.get(), self.run, self.node)
    }
}

fn take(entry: &Entry, latest: &mut BTreeMap<String, Line>, said: &mut BTreeSet<Said>) -> Result<(), StoreError> {
    note(line_of(entry)?, latest, said);
    Ok(())
}

fn line_of(entry: &Entry) -> Result<Line, StoreError> {
    serde_json::from_str(entry.event()).map_err(|error| StoreError::Encode {
        what: format!("line {} of `{MEMORY}`: {error}", entry.seq),
    })
}

fn note(line: Line, latest: &mut BTreeMap<String, Line>, said: &mut BTreeSet<Said>) {
    said.insert((line.run.clone(), line.node.clone(), line.slot.clone(), line.round));
    latest.insert(line.slot.clone(), line);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Durability;

    fn store(dir: &tempfile::TempDir) -> Store {
        Store::new(dir.path().join(".dslc"), Durability::Power)
    }

    fn fact(slot: &str, run: &str, value: &str) -> Remembered {
        Remembered {
            slot: slot.to_owned(),
            value: value.into(),
            run: run.to_owned(),
            node: "a".to_owned(),
            round: 0,
            at_ms: now_ms(),
        }
    }

    fn remember(store: &Store, slot: &str, run: &str, value: &str) {
        let mut memory = store.memory().expect("readable");
        memory.remember(&[fact(slot, run, value)]).expect("kept");
    }

    fn value(store: &Store, slot: &str) -> Option<String> {
        let memory = store.memory().expect("readable");
        let fact = memory.get(slot).expect("whole")?;
        Some(fact.value.as_str().expect("a string").to_owned())
    }

    #[test]
    fn the_last_value_of_a_slot_counts_also_of_two_that_append_at_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let (mut one, mut two) = (store.memory().expect("empty"), store.memory().expect("empty"));
        let large = "x".repeat(10_000);
        one.remember(&[fact("global:k", "r1", "one"), fact("global:l", "r1", &large)])
            .expect("kept");
        two.remember(&[fact("global:k", "r2", "two")]).expect("kept");
        assert_eq!(value(&store, "global:k").as_deref(), Some("two"));
        assert_eq!(value(&store, "global:l").as_deref(), Some(large.as_str()));
        assert_eq!(value(&store, "global:m"), None);
    }

    #[test]
    fn a_run_that_says_a_fact_again_does_not_bring_it_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        remember(&store, "k", "r1", "one");
        remember(&store, "k", "r2", "two");
        remember(&store, "k", "r1", "one");
        assert_eq!(value(&store, "k").as_deref(), Some("two"));
    }

    #[test]
    fn a_torn_end_is_no_fact_and_an_edited_one_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        remember(&store, "k", "r1", "true");
        let path = store.root().join(MEMORY);
        let whole = fs::read_to_string(&path).expect("there");
        fs::write(&path, format!("{whole}{}", &whole[..50])).expect("written");
        assert_eq!(value(&store, "k").as_deref(), Some("true"));
        remember(&store, "k", "r2", "two");
        let text = fs::read_to_string(&path).expect("there");
        fs::write(&path, text.replacen("true", "fake", 1)).expect("written");
        let error = store.memory().expect_err("refused").to_string();
        assert!(error.contains("memory.jsonl` is corrupt at line 2"), "{error}");
    }

    /// One that was interrupted does not know whether its fact is kept, and says it again.
    #[test]
    fn collecting_keeps_what_an_unfinished_run_may_say_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let (folder, _, lock) = store
            .create_run(&ir::Plan::new("p"), crate::tests::new_run())
            .expect("made");
        let interrupted = folder.id().to_owned();
        drop(lock);
        remember(&store, "k", "r0", "zero");
        remember(&store, "k", &interrupted, "one");
        remember(&store, "k", "r2", "two");
        let collect = |keep: crate::Retention, ended: bool| store.collect(&keep, false, |_| ended).expect("done").facts;
        assert_eq!(collect(crate::Retention::default(), false), 1, "what r0 said");
        remember(&store, "k", &interrupted, "one");
        assert_eq!(value(&store, "k").as_deref(), Some("two"));
        let none = crate::Retention {
            facts_max: Some(0),
            ..Default::default()
        };
        assert_eq!(
            collect(none, false),
            0,
            "without the newer value the old one would count"
        );
        assert_eq!(collect(crate::Retention::default(), true), 1);
        assert_eq!(collect(none, true), 1);
        assert_eq!(value(&store, "k"), None);
    }

    #[test]
    fn collecting_forgets_replaced_old_and_too_many_values() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(&dir);
        let mut memory = store.memory().expect("empty");
        let large = "x".repeat(10_000);
        for (n, slot) in ["k", "l", "m", "k"].into_iter().enumerate() {
            let at_ms = now_ms() - 10_000 + 1_000 * n as i64;
            let fact = Remembered {
                at_ms,
                ..fact(slot, &format!("r{n}"), if n == 3 { &large } else { slot })
            };
            memory.remember(&[fact]).expect("kept");
        }
        let collect = |keep: crate::Retention| store.collect(&keep, false, |_| true).expect("done").facts;
        assert_eq!(collect(crate::Retention::default()), 1, "the first value of k");
        let facts_max = Some(2);
        let keep = crate::Retention {
            facts_max,
            ..Default::default()
        };
        assert_eq!(collect(keep), 1, "l is the oldest");
        assert_eq!(value(&store, "l"), None);
        assert_eq!(value(&store, "k").as_deref(), Some(large.as_str()), "its blob is kept");
        let keep = crate::Retention {
            facts_age_max_ms: Some(7_500),
            ..Default::default()
        };
        assert_eq!(collect(keep), 1, "m is too old");
        assert_eq!(store.memory().expect("sound").slots().collect::<Vec<_>>(), ["k"]);
    }
}
