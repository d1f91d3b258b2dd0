//! What the next run of a plan would find among the results of earlier ones, without running any of it.
//!
//! The engine is driven as in a run, and answered what a driver would answer when it looks for a result; nothing is
//! started, so what comes behind a task that would run is compared by what the plan says of it. The keys are those of a
//! run: the same engine makes them, and the same [`Sight`] looks at the files, as far as they are not too large.
//! Absent: secrets. They are in keys by name only, but a run takes them out of files before it compares those; what is
//! compared here may still hold one, which is said where it matters.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use engine::event::{Command, Event, EventKind, Found, RunStarted};
use engine::{Engine, Sought};
use ir::fingerprint::{self, Difference, Kind, Part};
use ir::plan::{Inputs, NodeId, Plan};
use smol_str::SmolStr;
use store::{Artifacts, Cache, CacheEntry, Forecast, Kept, Provided, RunFolder, RunMeta, Store, StoreError, now_ms};

use crate::error::RunError;
use crate::reuse::{Glance, Sight, key, recalled};
use crate::secrets::Redactor;

/// More results are not looked for.
const LOOKS_MAX: usize = 20_000;
/// So much of the files that tasks touch is read.
const BYTES_MAX: u64 = 64 << 20;
/// So many attempts at once that none waits for another.
const PARALLEL: u32 = 1 << 20;
/// The name of the run that is not run: it is nobody's.
const RUN: &str = "next";

/// The tasks of a plan with `cache:` that were completed before, if the plan is started as an earlier run was: where
/// that was, and with what it was given.
pub fn forecast(last: &RunFolder, plan: Plan) -> Result<BTreeMap<SmolStr, Forecast>, RunError> {
    ir::verify::verify(&plan).map_err(|error| RunError::BadPlan(error.to_string()))?;
    let store = last.store();
    let mut looking = Looking::new(last, &store, plan)?;
    if !looking.kept.is_empty() {
        looking.drive()?;
        looking.compare_rest();
    }
    Ok(looking.found)
}

struct Looking {
    engine: Engine,
    meta: RunMeta,
    memory: BTreeMap<SmolStr, ir::Value>,
    cache: Cache,
    /// The newest results of the plan, by label.
    kept: BTreeMap<String, Kept>,
    artifacts: Artifacts,
    redactor: Arc<Redactor>,
    glance: RefCell<Glance>,
    /// The folder that a run would have to itself, with nothing in it yet.
    own_dir: PathBuf,
    found: BTreeMap<SmolStr, Forecast>,
}

impl Looking {
    fn new(last: &RunFolder, store: &Store, plan: Plan) -> Result<Self, RunError> {
        let mut meta = last.meta()?;
        meta.inputs = given(&meta, &last.plan(&meta)?, &plan);
        let (memory, _) = recalled(store, &plan)?;
        let cache = store.cache()?;
        let kept = cache.newest_of(&plan.name)?;
        Ok(Self {
            engine: Engine::new(Arc::new(plan)),
            memory,
            kept,
            cache,
            artifacts: store.artifacts(),
            redactor: Arc::default(),
            glance: RefCell::new(Glance::new(BYTES_MAX)),
            own_dir: last.path().with_file_name(RUN).join("work"),
            found: BTreeMap::new(),
            meta,
        })
    }

    fn drive(&mut self) -> Result<(), RunError> {
        let Ok(inputs) = engine::complete_inputs(self.engine.plan(), self.meta.inputs.clone()) else {
            return Ok(());
        };
        let mut commands: VecDeque<Command> = VecDeque::new();
        let opening = [
            EventKind::RunStarted(RunStarted {
                run: RUN.into(),
                inputs,
                seed: self.meta.seed,
                parallel: PARALLEL,
                workspace: self.meta.workspace.to_string_lossy().into_owned(),
                memory: std::mem::take(&mut self.memory),
            }),
            EventKind::DriverStarted {
                boot_id: SmolStr::default(),
                pid: 0,
                pid_started: 0,
                supervisor_pid: 0,
                supervisor_started: 0,
            },
        ];
        for kind in opening {
            commands.extend(self.tell(kind));
        }
        let mut looks = 0;
        while let Some(command) = commands.pop_front() {
            if let Command::LookUp { node, instance } = command {
                looks += 1;
                if looks > LOOKS_MAX {
                    break;
                }
                let answer = self.look_up(node, instance)?;
                commands.extend(answer.into_iter().flat_map(|kind| self.tell(kind)));
            }
        }
        Ok(())
    }

    fn tell(&mut self, kind: EventKind) -> Vec<Command> {
        self.engine.apply(&Event {
            time_ms: now_ms(),
            kind,
        })
    }

    /// What a driver would report.
    fn look_up(&mut self, node: NodeId, instance: Option<u32>) -> Result<Option<EventKind>, RunError> {
        let Some(wanted) = self.engine.sought(node, instance) else {
            return Ok(None);
        };
        let dir = match &wanted.dir {
            Some(dir) => self.meta.cwd.join(dir),
            None => self.own_dir.clone(),
        };
        let workspace = self.meta.workspace.to_string_lossy();
        let sight = Sight {
            artifacts: &self.artifacts,
            redactor: &self.redactor,
            workspace: &workspace,
            run: RUN,
            glance: Some(&self.glance),
        };
        let files = sight.files(&wanted, &dir);
        let key = key(&wanted, &files);
        let (forecast, found) = match self.cache.find(&key) {
            Ok(Some(entry)) => match sight.fits(&entry, &wanted, &dir) {
                Ok(found) => (Some(reused(&wanted, &found)), Some(Box::new(found))),
                Err(why) => (
                    Some(self.unfit(why, entry, &wanted, |entry| sight.fits(entry, &wanted, &dir))),
                    None,
                ),
            },
            Ok(None) => (self.again(node, &wanted, &files), None),
            Err(error @ (StoreError::NoArtifact { .. } | StoreError::ArtifactChanged { .. })) => {
                let why = error.to_string();
                (Some(Forecast::Unfit { why }), None)
            }
            Err(error) => return Err(error.into()),
        };
        if std::mem::take(&mut self.glance.borrow_mut().is_cut) {
            let forecast = self.but_for_files(node, &wanted);
            self.say(node, forecast);
            return Ok(None);
        }
        self.say(node, forecast);
        Ok(Some(EventKind::LookedUp {
            node,
            instance,
            key,
            files,
            found,
            missed: None,
        }))
    }

    /// Whether a run would look for secrets in what the task touches.
    fn may_hold_secrets(&self, wanted: &Sought) -> bool {
        touches_files(wanted) && !self.engine.plan().secrets.is_empty()
    }

    /// There is a result for the key, which does not stand in.
    fn unfit<T, E>(
        &self,
        why: String,
        mut entry: CacheEntry,
        wanted: &Sought,
        fits: impl Fn(&CacheEntry) -> Result<T, E>,
    ) -> Forecast {
        let is_what_it_wrote = entry.wrote.take().is_some() && fits(&entry).is_ok();
        Forecast::Unfit {
            why: match is_what_it_wrote && self.may_hold_secrets(wanted) {
                true => format!("{why}, unless it holds a secret"),
                false => why,
            },
        }
    }

    fn again(&self, node: NodeId, wanted: &Sought, files: &[Part]) -> Option<Forecast> {
        let kept = self.nearest(node, &wanted.label)?;
        let parts: Vec<Part> = wanted.parts.iter().chain(files).cloned().collect();
        let mut differences = fingerprint::differences(&kept.parts, &parts);
        let mut may_be_secrets = false;
        if self.may_hold_secrets(wanted) {
            let is_content = |one: &Difference| one.kind == Kind::Files && one.what != "folder";
            match differences.iter().all(is_content) {
                true => may_be_secrets = true,
                false => differences.retain(|one| !is_content(one)),
            }
        }
        Some(Forecast::Again {
            run: kept.run.clone(),
            differences,
            may_be_secrets,
        })
    }

    /// What can be told of a task whose files are too large to be looked at.
    fn but_for_files(&self, node: NodeId, wanted: &Sought) -> Option<Forecast> {
        let kept = self.nearest(node, &wanted.label)?;
        let is_known = |kind| kind != Kind::Files;
        Some(compared(kept, wanted, is_known, Provided::LargeFiles))
    }

    /// The newest result of the same instance, else of another one of its task.
    fn nearest(&self, node: NodeId, label: &str) -> Option<&Kept> {
        let id = &self.engine.plan_node(node)?.id;
        let own = |kept: &&Kept| kept.node == id.as_str();
        let same = self.kept.get(label).filter(own);
        same.or_else(|| {
            self.kept
                .values()
                .filter(own)
                .max_by_key(|kept| (kept.made_ms, &kept.label))
        })
    }

    /// Of a fan-out what its worst instance would come to.
    fn say(&mut self, node: NodeId, forecast: Option<Forecast>) {
        // the tasks of called plans have lenses in their own plan
        let name = self.engine.name(node, None).filter(|name| !name.contains('/'));
        let (Some(name), Some(forecast)) = (name, forecast) else {
            return;
        };
        let known = self.found.entry(name).or_insert_with(|| forecast.clone());
        if rank(&forecast) > rank(known) {
            *known = forecast;
        }
    }

    /// Tasks that were not looked for, because something comes first that would run.
    fn compare_rest(&mut self) {
        for node in 0..self.engine.node_count() {
            let is_open = self.engine.node(node).is_some_and(|node| !node.status.is_settled());
            let Some(wanted) = self.engine.sought(node, None).filter(|_| is_open) else {
                continue;
            };
            let looked = self
                .engine
                .name(node, None)
                .is_some_and(|name| self.found.contains_key(&name));
            let forecast = match self.nearest(node, &wanted.label) {
                Some(kept) if !looked => Some(compared(kept, &wanted, is_written, Provided::Values)),
                _ => None,
            };
            self.say(node, forecast);
        }
    }
}

/// What the plan was given, as far as it still has such parameters: what was only its default then is not given now.
fn given(meta: &RunMeta, then: &Plan, now: &Plan) -> Inputs {
    let given = meta.inputs.iter().filter(|(name, value)| {
        let has = now.params.iter().any(|param| param.name == **name);
        let mut others = meta.inputs.clone();
        others.remove(*name);
        let default = engine::complete_inputs(then, others).ok();
        has && default.is_none_or(|default| default.get(*name) != Some(*value))
    });
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn touches_files(wanted: &Sought) -> bool {
    !(wanted.reads.is_empty() && wanted.writes.is_empty())
}

fn reused(wanted: &Sought, found: &Found) -> Forecast {
    Forecast::Reused {
        run: found.run.to_string(),
        until_ms: found.made_ms.saturating_add_unsigned(wanted.age_max_ms),
        provided: touches_files(wanted).then_some(Provided::Files),
    }
}

/// What the plan says, whatever is read.
fn is_written(kind: Kind) -> bool {
    matches!(kind, Kind::Clause | Kind::Use)
}

/// By the parts that are known; the rest is taken for granted.
fn compared(kept: &Kept, wanted: &Sought, is_known: impl Fn(Kind) -> bool, provided: Provided) -> Forecast {
    let known = |parts: &[Part]| -> Vec<Part> { parts.iter().filter(|part| is_known(part.kind)).cloned().collect() };
    let differences = fingerprint::differences(&known(&kept.parts), &known(&wanted.parts));
    let run = kept.run.clone();
    match differences.is_empty() {
        false => Forecast::Again {
            run,
            differences,
            may_be_secrets: false,
        },
        true => Forecast::Reused {
            run,
            until_ms: kept.made_ms.saturating_add_unsigned(wanted.age_max_ms),
            provided: Some(provided),
        },
    }
}

fn rank(forecast: &Forecast) -> u32 {
    match forecast {
        Forecast::Reused { provided: None, .. } => 0,
        Forecast::Reused { .. } => 1,
        Forecast::Unfit { .. } => 2,
        Forecast::Again { .. } => 3,
    }
}
