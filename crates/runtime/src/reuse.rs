//! What outlives runs, on the driver's side: results that are looked for and kept, facts that are remembered.
//!
//! A result stands in only if it is young enough, all of its artifacts are there, and what its task writes is as it
//! left it; otherwise the event says why not. Looking for results and keeping them never stops a run: a cache that
//! cannot be used is said once, and does without. Facts are promised: an error ends the driver, and the next one keeps
//! them. Absent: deciding what may be reused.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::event::{Command, EventKind, Found, Kept};
use engine::{Engine, Keep, Sought};
use ir::fingerprint::{self, Kind, Part};
use ir::plan::{NodeId, Plan};
use ir::quantity::render_duration;
use ir::value::Value;
use serde_json::value::RawValue;
use smol_str::SmolStr;
use store::{Artifacts, Cache, CacheEntry, ErrorClass, Memory, Remembered, Store, StoreError, now_ms};

use crate::driver::Driver;
use crate::error::RunError;
use crate::secrets::Redactor;
use crate::world::DiskWorld;

/// A driver's hold on what outlives runs; each file is read when it is needed first.
pub(crate) struct Shelf {
    store: Store,
    cache: CacheState,
    memory: Option<Memory>,
    /// Nodes whose facts are to be kept.
    pub remember: Vec<NodeId>,
}

enum CacheState {
    Unread,
    Open(Box<Cache>),
    /// Why it cannot be used.
    Broken(String),
}

/// What came of looking for a result.
type Outcome = Result<Option<Found>, String>;

impl Shelf {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            cache: CacheState::Unread,
            memory: None,
            remember: Vec::new(),
        }
    }

    /// The error is said once.
    fn cache(&mut self) -> Result<&mut Cache, Broken> {
        if matches!(self.cache, CacheState::Unread) {
            match self.store.cache() {
                Ok(cache) => self.cache = CacheState::Open(Box::new(cache)),
                Err(error) => return Err(self.broken(&error)),
            }
        }
        match &mut self.cache {
            CacheState::Open(cache) => Ok(cache),
            CacheState::Broken(why) => Err(Broken {
                why: why.clone(),
                is_news: false,
            }),
            CacheState::Unread => Err(Broken {
                why: String::new(),
                is_news: false,
            }),
        }
    }

    fn broken(&mut self, error: &StoreError) -> Broken {
        let why = error.to_string();
        self.cache = CacheState::Broken(why.clone());
        Broken { why, is_news: true }
    }

    fn memory(&mut self) -> Result<&mut Memory, StoreError> {
        let memory = match self.memory.take() {
            Some(memory) => memory,
            None => self.store.memory()?,
        };
        Ok(self.memory.insert(memory))
    }
}

/// The cache cannot be used.
struct Broken {
    why: String,
    is_news: bool,
}

/// By what a result is looked for.
pub(crate) fn key(wanted: &Sought, files: &[Part]) -> SmolStr {
    let parts: Vec<Part> = wanted.parts.iter().chain(files).cloned().collect();
    fingerprint::digest(&parts).into()
}

/// What a look for a result sees of the machine.
pub(crate) struct Sight<'a> {
    pub artifacts: &'a Artifacts,
    pub redactor: &'a Arc<Redactor>,
    /// Absolute path of the workspace's root.
    pub workspace: &'a str,
    pub run: &'a str,
    /// What has been looked at already, by whoever only looks; a run looks anew each time.
    pub glance: Option<&'a RefCell<Glance>>,
}

/// What somebody who only looks has seen of the files of tasks: each pattern in a folder once, and so many bytes in all.
pub(crate) struct Glance {
    bytes_left: u64,
    seen: HashMap<(PathBuf, String), Part>,
    /// Some files were more than was left.
    pub is_cut: bool,
}

impl Glance {
    pub fn new(bytes_max: u64) -> Self {
        Self {
            bytes_left: bytes_max,
            seen: HashMap::new(),
            is_cut: false,
        }
    }
}

impl Sight<'_> {
    /// What of a result's origin only the disk can tell: where its task runs, and the files that it says it reads.
    pub fn files(&self, wanted: &Sought, dir: &Path) -> Vec<Part> {
        let mut files = Vec::new();
        if wanted.dir.is_some() {
            let place = dir.strip_prefix(self.workspace).unwrap_or(dir);
            let place = place.to_string_lossy();
            files.push(Part::new(Kind::Files, "folder", &place, &place));
        }
        files.extend(wanted.reads.iter().map(|pattern| self.covered("read", pattern, dir)));
        files
    }

    /// The files that a pattern of `effects:` covers, with their contents.
    fn covered(&self, effect: &str, pattern: &str, dir: &Path) -> Part {
        let mut world = DiskWorld {
            dir,
            artifacts: self.artifacts,
            redactor: self.redactor,
        };
        let what = format!("{effect}({pattern:?})");
        let Some(glance) = self.glance else {
            return self.part(what, world.covered(pattern));
        };
        let mut glance = glance.borrow_mut();
        let place = (dir.to_path_buf(), what.clone());
        if let Some(seen) = glance.seen.get(&place) {
            return seen.clone();
        }
        let Some(files) = world.covered_within(pattern, &mut glance.bytes_left) else {
            glance.is_cut = true;
            return self.part(what, Err("too large to be looked at here".to_owned()));
        };
        let part = self.part(what, files);
        glance.seen.insert(place, part.clone());
        part
    }

    fn part(&self, what: String, files: Result<Vec<(String, String)>, String>) -> Part {
        match files {
            Ok(files) => {
                let count = match files.len() {
                    1 => "1 file".to_owned(),
                    count => format!("{count} files"),
                };
                Part::new(Kind::Files, what, &files, &count)
            }
            // nothing is known of them, so they are like no others
            Err(why) => Part::new(Kind::Files, what, &("unknown", self.run, &why), &why),
        }
    }

    /// Whether what was found can stand in now.
    pub fn fits(&self, entry: &CacheEntry, wanted: &Sought, dir: &Path) -> Result<Found, String> {
        let age_ms = u64::try_from(now_ms().saturating_sub(entry.made_ms)).unwrap_or(0);
        if age_ms > wanted.age_max_ms {
            let shown = |ms: u64| render_duration(i64::try_from(ms).unwrap_or(i64::MAX));
            return Err(format!(
                "the result of run `{}` is {} old, and `cache:` is {}",
                entry.run,
                shown(age_ms / 1000 * 1000),
                shown(wanted.age_max_ms)
            ));
        }
        let result: Kept =
            serde_json::from_str(entry.result.get()).map_err(|error| format!("the result cannot be read: {error}"))?;
        let mut missing = None;
        for value in result.outputs.values().chain(result.writes.values()) {
            crate::attempt::files_in(value, &mut |digest| {
                let damage = self.artifacts.verify(digest).err();
                missing = missing.take().or(damage);
            });
        }
        if let Some(error) = missing {
            return Err(error.to_string());
        }
        if let Some(wrote) = &entry.wrote {
            let now = self.wrote(wanted, dir);
            if now.as_ref().is_none_or(|now| now.digest != wrote.digest) {
                let what = wanted.writes.join("`, `");
                return Err(format!(
                    "what run `{}` left in `{what}` is not there as it was",
                    entry.run
                ));
            }
        }
        Ok(Found {
            run: entry.run.as_str().into(),
            made_ms: entry.made_ms,
            result,
        })
    }

    /// The files that a task says it writes, as they are now.
    fn wrote(&self, wanted: &Sought, dir: &Path) -> Option<Part> {
        let parts = wanted.writes.iter().map(|pattern| self.covered("write", pattern, dir));
        let parts: Vec<Part> = parts.collect();
        (!parts.is_empty()).then(|| Part::new(Kind::Files, "writes", &parts, ""))
    }
}

impl Driver<'_> {
    fn sight(&self) -> Sight<'_> {
        let run = self.journal.engine.run();
        Sight {
            artifacts: self.folder.artifacts(),
            redactor: self.preparer.secrets.redactor(),
            workspace: run.map_or("/", |run| &run.workspace),
            run: self.folder.id(),
            glance: None,
        }
    }

    /// Looks for a result, and reports what came of it.
    pub(crate) fn look_up(&mut self, node: NodeId, instance: Option<u32>) {
        let Some(wanted) = self.journal.engine.sought(node, instance) else {
            return;
        };
        let dir = self.preparer.dir(wanted.dir.as_deref());
        let files = self.sight().files(&wanted, &dir);
        let key = key(&wanted, &files);
        let found = match wanted.anew {
            true => Err("it was to be tried again".to_owned()),
            false => self.find(&key, &wanted, &dir),
        };
        let (found, missed) = match found {
            Ok(found) => (found.map(Box::new), None),
            Err(why) => (None, Some(why)),
        };
        self.happened(EventKind::LookedUp {
            node,
            instance,
            key,
            files,
            found,
            missed,
        });
    }

    fn find(&mut self, key: &str, wanted: &Sought, dir: &Path) -> Outcome {
        let found = match self.shelf.cache() {
            Ok(cache) => cache.find(key),
            Err(broken) => return Err(self.without_cache(broken)),
        };
        match found {
            Ok(None) => Ok(None),
            Ok(Some(entry)) => self.sight().fits(&entry, wanted, dir).map(Some),
            // one result is damaged: it is made anew
            Err(error @ (StoreError::NoArtifact { .. } | StoreError::ArtifactChanged { .. })) => Err(error.to_string()),
            Err(error) => {
                let broken = self.shelf.broken(&error);
                Err(self.without_cache(broken))
            }
        }
    }

    fn without_cache(&mut self, broken: Broken) -> String {
        if broken.is_news {
            self.warn(&format!("no result is reused or kept: {}", broken.why));
        }
        broken.why
    }

    /// Keeps results for later runs, in one write.
    pub(crate) fn keep(&mut self, keeps: &[Keep]) {
        if keeps.is_empty() {
            return;
        }
        let entries: Vec<CacheEntry> = keeps.iter().filter_map(|keep| self.entry(keep)).collect();
        let kept = match self.shelf.cache() {
            Ok(cache) => cache.keep(&entries),
            Err(broken) => {
                self.without_cache(broken);
                return;
            }
        };
        if let Err(error) = kept {
            let broken = self.shelf.broken(&error);
            self.without_cache(broken);
        }
    }

    fn entry(&self, keep: &Keep) -> Option<CacheEntry> {
        let engine = &self.journal.engine;
        let wanted = engine.sought(keep.node, keep.instance)?;
        let dir = self.preparer.dir(wanted.dir.as_deref());
        let wrote = self.sight().wrote(&wanted, &dir);
        let mut parts = wanted.parts;
        parts.extend(keep.files.iter().cloned());
        let made_ms = now_ms();
        let result = serde_json::to_string(&keep.result).ok()?;
        Some(CacheEntry {
            key: keep.key.to_string(),
            plan: engine.plan_of(keep.node).name.to_string(),
            node: engine.plan_node(keep.node)?.id.to_string(),
            label: wanted.label.to_string(),
            run: self.folder.id().to_owned(),
            made_ms,
            until_ms: made_ms.saturating_add_unsigned(wanted.age_max_ms),
            parts,
            wrote,
            result: RawValue::from_string(result).ok()?,
        })
    }

    /// Keeps facts for later runs, and reports that they are kept.
    pub(crate) fn keep_facts(&mut self) -> Result<(), RunError> {
        let nodes = std::mem::take(&mut self.shelf.remember);
        if nodes.is_empty() {
            return Ok(());
        }
        let at_ms = now_ms();
        let run = self.folder.id();
        let facts = nodes
            .iter()
            .flat_map(|node| facts(&self.journal.engine, *node, run, at_ms));
        let facts: Vec<Remembered> = facts.collect();
        self.shelf.memory()?.remember(&facts)?;
        for node in nodes {
            self.happened(EventKind::Remembered { node });
        }
        Ok(())
    }
}

fn facts(engine: &Engine, node: NodeId, run: &str, at_ms: i64) -> Vec<Remembered> {
    let name = engine.name(node, None).unwrap_or_default();
    let facts = engine.facts(node).into_iter();
    facts
        .map(|fact| Remembered {
            slot: fact.slot.to_string(),
            round: fact.round,
            value: fact.value,
            run: run.to_owned(),
            node: name.to_string(),
            at_ms,
        })
        .collect()
}

/// A driver that takes over a run is asked for everything once more, for some of it in the same breath as the first time.
pub(crate) fn ask_once(commands: &mut Vec<Command>) {
    let mut asked = BTreeSet::new();
    commands.retain(|command| match command {
        Command::LookUp { node, instance } => asked.insert((true, *node, *instance)),
        Command::Remember { node } => asked.insert((false, *node, None)),
        _ => true,
    });
}

/// What a run of the plan finds remembered, and sentences about what does not fit any more.
pub(crate) fn recalled(store: &Store, plan: &Plan) -> Result<(BTreeMap<SmolStr, Value>, Vec<String>), StoreError> {
    let (mut found, mut unfit) = (BTreeMap::new(), Vec::new());
    let mut keys = engine::shared_keys(plan).peekable();
    if keys.peek().is_none() {
        return Ok((found, unfit));
    }
    let memory = store.memory()?;
    for key in keys {
        let slot = key.slot();
        let fact = match memory.get(&slot) {
            Ok(Some(fact)) => fact,
            Ok(None) => continue,
            Err(error) if error.class() == ErrorClass::Corrupt => {
                unfit.push(format!("`memory.{}` is absent: {error}", key.key));
                continue;
            }
            Err(error) => return Err(error),
        };
        match ir::data::check(fact.value, key.ty, key.types) {
            Ok(value) => drop(found.insert(slot, value)),
            Err(error) => unfit.push(format!(
                "`memory.{}` is absent: what run `{}` remembered is no {}: {error}",
                key.key, fact.run, key.ty
            )),
        }
    }
    Ok((found, unfit))
}
