//! Results of earlier runs: a task with `cache:` has them looked through before its first attempt, and what it comes to
//! is kept for later runs.
//!
//! What is found stands in for the work and for what judged it, and for nothing else: it counts as no attempt, uses up
//! no budget, and is not undone. A task that may not be repeated is done anew in every run, and so are calls of plans,
//! whose tasks have results of their own. Absent: where results lie, and how old one may be at the moment, which a
//! driver finds out; the event says what it found.

use ir::fingerprint::{self, Kind, Part, Recipe};
use ir::plan::{Effect, EffectKind, Judge, NodeId, Task, Work};
use serde::Serialize;
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::{Command, Found, Kept};
use crate::graph::task;
use crate::judge::Products;
use crate::notice::Notice;
use crate::retry::unit_of;
use crate::scope::{Place, RunScope};
use crate::state::UnitId;

/// What is looked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Sought {
    pub label: SmolStr,
    /// All that the result follows from, but for the files.
    pub parts: Vec<Part>,
    /// Patterns of the files that take part with their contents: the task says that it reads them.
    pub reads: Vec<SmolStr>,
    /// Patterns of the files that the task says it writes: they must be as it left them.
    pub writes: Vec<SmolStr>,
    /// Where those files are; relative to where `dslc` was started, absent: the run's work folder.
    pub dir: Option<String>,
    pub age_max_ms: u64,
    /// A person has it tried again: none stands in, and what it comes to is kept.
    pub anew: bool,
}

/// A result to be kept for later runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Keep {
    pub node: NodeId,
    pub instance: Option<u32>,
    /// By what it was looked for.
    pub key: SmolStr,
    pub files: Vec<Part>,
    pub result: Kept,
}

/// A result that stands in for what a node or an instance would have done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reused {
    /// The run that made it.
    pub run: SmolStr,
    pub made_ms: i64,
}

/// What came of looking for a result.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Looked {
    pub key: SmolStr,
    pub files: Vec<Part>,
    pub reused: Option<Reused>,
    /// What it reads may have changed since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_stale: bool,
}

impl Engine {
    /// What is looked for before a task, or an instance, is attempted; absent where its result is never reused. The
    /// same before it starts and after it has ended.
    pub fn sought(&self, node: NodeId, instance: Option<u32>) -> Option<Sought> {
        let unit = unit_of(node, instance);
        self.state.find_unit(unit)?;
        let task = task(self.scopes.node(node))?;
        let age_max_ms = task.cache_ms.filter(|_| is_reusable(task))?;
        let scope = self.scope(Place::Unit(unit));
        let own_dir = task.script().and_then(|script| script.dir.as_ref());
        let dir = own_dir.or(scope.plan().dir.as_ref());
        let effects = self.effects(unit, task);
        Some(Sought {
            label: self.label(unit),
            parts: self.parts(unit, &scope),
            reads: patterns(effects, EffectKind::Read),
            writes: patterns(effects, EffectKind::Write),
            dir: dir
                .and_then(|dir| scope.eval(dir).ok())
                .map(|dir| ir::data::render(&dir)),
            age_max_ms,
            anew: self.state.node(node).retries > 0,
        })
    }

    /// Of a call those of the capability.
    fn effects<'a>(&'a self, unit: UnitId, task: &'a Task) -> &'a [Effect] {
        let declared = match &task.work {
            Work::Capability(name) => {
                let capability = self.scopes.of(unit.node).plan().capabilities.get(name);
                capability.and_then(|capability| capability.effects.as_ref())
            }
            _ => task.effects.as_ref(),
        };
        declared.map_or(&[], Vec::as_slice)
    }

    fn parts(&self, unit: UnitId, scope: &RunScope<'_>) -> Vec<Part> {
        let table = self.scopes.table(unit.node);
        let plan = scope.plan();
        let local = self.scopes.of(unit.node).local(unit.node);
        let recipe = || Box::new(fingerprint::of_result(plan, self.plan(), local));
        let Recipe {
            mut parts,
            given,
            reads,
        } = *table.recipe.get_or_init(recipe).clone();
        let captures: Vec<_> = table.read.iter().collect();
        parts.push(Part::new(Kind::Use, "captures", &captures, ""));
        parts.extend(given.iter().map(|(name, expr)| match scope.eval(expr) {
            Ok(value) => self.part_of(name.to_string(), &value),
            Err(error) => Part::new(Kind::Value, name.clone(), &("error", &error.message), &error.message),
        }));
        parts.extend(self.values(Place::Unit(unit), self.scopes.node(unit.node), &reads));
        parts
    }

    /// Whether a result is to be looked for before a unit starts: once, before its first attempt, and again where it
    /// begins anew.
    pub(crate) fn looks_up(&self, unit: UnitId) -> bool {
        self.scopes.traits(unit.node).is_cached
            && !self.state.looked.contains_key(&unit)
            && !self.state.judging.contains_key(&unit)
    }

    /// Looking takes no place and no time that counts.
    pub(crate) fn look_up(&mut self, unit: UnitId) {
        self.state.looking.insert(unit);
        self.commands.push(Command::LookUp {
            node: unit.node,
            instance: unit.instance,
        });
    }

    /// A driver that takes over is told again what the one before may not have come to.
    pub(crate) fn ask_again(&mut self) {
        let looking = self.state.looking.iter().map(|unit| Command::LookUp {
            node: unit.node,
            instance: unit.instance,
        });
        let remembering = self.state.remembering.iter();
        let remembering = remembering.map(|node| Command::Remember { node: *node });
        self.commands.extend(looking.chain(remembering));
    }

    /// Whether it is the driver's turn: to report what it found, or that facts are kept.
    pub fn waits_for_driver(&self) -> bool {
        !self.state.looking.is_empty() || !self.state.remembering.is_empty()
    }

    pub(crate) fn looked_up(
        &mut self,
        unit: UnitId,
        key: &SmolStr,
        files: &[Part],
        found: Option<&Found>,
    ) -> Result<(), String> {
        if !self.state.looking.remove(&unit) {
            return Err("nothing is looked for".to_owned());
        }
        let reused = found.map(|found| Reused {
            run: found.run.clone(),
            made_ms: found.made_ms,
        });
        let looked = Looked {
            key: key.clone(),
            files: files.to_vec(),
            reused: reused.clone(),
            is_stale: false,
        };
        self.state.looked.insert(unit, looked);
        match (found, reused) {
            (Some(found), Some(reused)) => self.reuse(unit, &found.result, reused),
            _ => self.queue(unit),
        }
        Ok(())
    }

    fn reuse(&mut self, unit: UnitId, result: &Kept, reused: Reused) {
        let now_ms = self.state.now_ms;
        let node = self.state.node_mut(unit.node);
        node.started_ms.get_or_insert(now_ms);
        if let (Some(index), Some(fan)) = (unit.instance, &mut node.fan) {
            fan.instances[index as usize].started_ms.get_or_insert(now_ms);
        }
        self.notices.push(Notice::Reused {
            node: unit.node,
            label: self.label(unit),
            run: reused.run,
            made_ms: reused.made_ms,
        });
        self.state.unit_mut(unit).evidence = result.evidence.clone().into();
        if let Some(agent) = &result.agent {
            self.state.agents.insert(unit, agent.clone());
        }
        let products = Products {
            outputs: result.outputs.clone(),
            truncated: result.truncated.clone(),
            writes: result.writes.clone(),
            checks: Vec::new(),
        };
        // people judged that result, and may judge this one otherwise
        let asks_people = self.scopes.of(unit.node).plan().judge == Some(Judge::Human);
        if asks_people && self.has_to_judge(unit) {
            return self.begin_judging(unit, products);
        }
        if result.verified {
            self.state.verified.insert(unit);
        }
        self.unit_completed(unit, products);
    }

    /// Whether another run's result stands in for a unit's.
    pub(crate) fn is_reused(&self, unit: UnitId) -> bool {
        self.reused(unit.node, unit.instance).is_some()
    }

    /// The result that stands in for what a node or an instance would have done.
    pub fn reused(&self, node: NodeId, instance: Option<u32>) -> Option<&Reused> {
        self.state.looked.get(&unit_of(node, instance))?.reused.as_ref()
    }

    /// By what a result was looked for, and what of that only the disk could tell.
    pub fn looked(&self, node: NodeId, instance: Option<u32>) -> Option<(&SmolStr, &[Part])> {
        let looked = self.state.looked.get(&unit_of(node, instance))?;
        Some((&looked.key, &looked.files))
    }

    /// Something that was over begins anew: whatever goes on meanwhile may read other values than it was looked for by, so what
    /// it comes to is not kept.
    pub(crate) fn keep_nothing_under_way(&mut self) {
        let mut looked = std::mem::take(&mut self.state.looked);
        for (unit, looked) in &mut looked {
            let is_settled = match unit.instance {
                None => self.state.node(unit.node).is_settled(),
                Some(_) => self.state.unit(*unit).status.is_settled(),
            };
            looked.is_stale |= !is_settled;
        }
        self.state.looked = looked;
    }

    /// Offers what a unit made to later runs.
    pub(crate) fn keep(&mut self, unit: UnitId, products: &Products) {
        let looked = self.state.looked.get(&unit);
        let Some(looked) = looked.filter(|looked| looked.reused.is_none() && !looked.is_stale) else {
            return;
        };
        self.keeps.push(Keep {
            node: unit.node,
            instance: unit.instance,
            key: looked.key.clone(),
            files: looked.files.clone(),
            result: Kept {
                outputs: products.outputs.clone(),
                truncated: products.truncated.clone(),
                writes: products.writes.clone(),
                evidence: self.state.unit(unit).evidence.to_vec(),
                agent: self.state.agents.get(&unit).cloned(),
                verified: self.state.verified.contains(&unit),
            },
        });
    }

    /// Results that the latest event led to; the next event forgets them.
    pub fn keeps(&self) -> &[Keep] {
        &self.keeps
    }
}

/// Whether another run's result may stand in for a task's.
pub(crate) fn is_reusable(task: &Task) -> bool {
    let repeatable = match &task.work {
        Work::Script(_) | Work::Capability(_) => true,
        Work::Steps(steps) => steps.iter().all(|step| step.idempotent),
        Work::Nothing | Work::Call(_) => false,
    };
    repeatable && task.idempotent
}

fn patterns(effects: &[Effect], kind: EffectKind) -> Vec<SmolStr> {
    let of_kind = effects.iter().filter(|effect| effect.kind == kind);
    of_kind.flat_map(|effect| effect.args.iter().cloned()).collect()
}
