//! A plan as policies see it: its graph, its facts, and what its capabilities say of themselves.
//!
//! Capabilities go by the names under which they are declared, whatever an import calls them. Absent: policies.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ir::plan::Retry;
use smol_str::SmolStr;

use super::calls::{PlanAt, task_count};
use crate::diagnostic::{Place, Target};
use crate::facts::{Budget, ClauseFacts, Dir, EffectFact, NodeFacts, PlanFacts, file_facts};
use crate::graph::{PlanGraph, graphs};
use crate::imports::{Space, visible};
use crate::inputs::Project;
use crate::plans::{PlanBlocks, file_plans};
use crate::reach::{Reached, reached};
use crate::scope::{Capability, implicit_name, scope};
use crate::signatures::{NodeKind, Work, is_script_capability};

/// What all blocks of a plan's clauses say together.
#[derive(Clone, Debug, Default)]
pub(super) struct PlanSays {
    pub owner: Option<SmolStr>,
    pub labels: Vec<SmolStr>,
    pub version: Option<SmolStr>,
    pub failure: Option<SmolStr>,
    pub judge: Option<SmolStr>,
    pub dir: Dir,
    pub timeout_ms: Option<u64>,
    pub retry: Option<Retry>,
    pub budget: Budget,
    pub broken: bool,
}

impl PlanSays {
    fn new(facts: &PlanFacts) -> Self {
        let mut all = Self::default();
        for facts in facts.clauses.iter().filter_map(|facts| facts.plan.as_deref()) {
            all.add(facts);
        }
        all
    }

    /// Of what is said twice, which is a mistake, the first counts.
    fn add(&mut self, more: &ClauseFacts) {
        self.owner = self.owner.take().or_else(|| more.owner.clone());
        self.labels.extend(more.labels.iter().cloned());
        self.version = self.version.take().or_else(|| more.version.clone());
        self.failure = self.failure.take().or_else(|| more.failure.clone());
        self.judge = self.judge.take().or_else(|| more.judge.clone());
        if self.dir == Dir::None {
            self.dir = more.dir.clone();
        }
        self.timeout_ms = self.timeout_ms.or(more.timeout_ms);
        self.retry = self.retry.take().or_else(|| more.retry.clone());
        self.budget = Budget {
            time_ms: self.budget.time_ms.or(more.budget.time_ms),
            cost: self.budget.cost.or(more.budget.cost),
            tokens: self.budget.tokens.or(more.budget.tokens),
        };
        self.broken |= more.broken;
    }
}

pub(super) struct Subject<'a> {
    pub name: SmolStr,
    pub blocks: &'a PlanBlocks,
    pub graph: &'a PlanGraph,
    pub plan: PlanSays,
    /// The graph has no mistakes of its own.
    pub whole: bool,
    pub reached: &'a Reached,
    /// How many tasks it has, those of the plans that it calls included.
    pub tasks: u64,
    facts: &'a PlanFacts,
    capabilities: &'a BTreeMap<SmolStr, Arc<Capability>>,
    /// The declared names of capabilities that the file knows by others.
    renamed: HashMap<&'a str, &'a str>,
}

impl<'a> Subject<'a> {
    /// `None`: the file has no such plan.
    pub fn new(db: &'a dyn salsa::Database, project: Project, PlanAt { file, at }: PlanAt) -> Option<Self> {
        let blocks = file_plans(db, file).plans.get(at)?;
        let facts = file_facts(db, project, file).get(at)?;
        let names = &visible(db, project, file).names;
        let renamed = names
            .iter()
            .filter(|((space, name), origin)| *space == Space::Capability && *name != origin.name);
        let name = match blocks.clauses.is_empty() {
            true => implicit_name(file.path(db)),
            false => blocks.name.clone(),
        };
        Some(Self {
            name,
            blocks,
            graph: graphs(db, file).get(at)?,
            plan: PlanSays::new(facts),
            whole: graphs(db, file).get(at)?.is_whole(),
            reached: reached(db, project, file).get(at)?,
            tasks: task_count(db, project, PlanAt { file, at }),
            facts,
            capabilities: &scope(db, project, file).capabilities,
            renamed: renamed
                .map(|((_, name), origin)| (name.as_str(), origin.name.as_str()))
                .collect(),
        })
    }

    pub fn facts(&self, node: u32) -> Option<&NodeFacts> {
        self.facts.nodes.get(node as usize)?.node.as_deref()
    }

    pub fn node_name(&self, node: u32) -> &SmolStr {
        &self.graph.nodes[node as usize].name
    }

    /// Tasks, gates and decisions.
    pub fn nodes(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.graph.nodes.len() as u32).filter(|&node| self.graph.nodes[node as usize].kind != NodeKind::Hypothesis)
    }

    fn declared<'s>(&'s self, name: &'s str) -> &'s str {
        self.renamed.get(name).copied().unwrap_or(name)
    }

    /// The capability of a name that is known.
    pub fn capability(&self, name: &str) -> Option<&Capability> {
        self.capabilities.get(name).map(|found| &**found)
    }

    /// Whether the node runs a script of its own.
    pub fn has_script(&self, node: u32) -> bool {
        self.graph.nodes[node as usize].work == Work::Script
    }

    /// What does the work, by the names that the file uses; those that are not known are left out.
    pub fn written_uses(&self, node: u32) -> Vec<&str> {
        let Some(facts) = self.facts(node) else {
            return Vec::new();
        };
        if self.has_script(node) {
            let shell = facts.using.as_deref().filter(|using| is_script_capability(using));
            return vec![shell.unwrap_or("shell")];
        }
        let known = |name: &&str| self.capabilities.contains_key(*name);
        let names = facts.using.iter().chain(&*facts.steps).map(SmolStr::as_str);
        names.filter(known).collect()
    }

    pub fn uses(&self, node: u32) -> Vec<&str> {
        let mut names = self.written_uses(node);
        if !self.renamed.is_empty() {
            names.iter_mut().for_each(|name| *name = self.declared(name));
        }
        names
    }

    /// The name under which a capability is declared.
    pub fn declared_name<'s>(&'s self, written: &'s str) -> &'s str {
        self.declared(written)
    }

    fn capabilities_of(&self, node: u32) -> impl Iterator<Item = &Capability> {
        let names = if self.has_script(node) {
            Vec::new()
        } else {
            self.written_uses(node)
        };
        names.into_iter().filter_map(|name| self.capability(name))
    }

    pub fn risks(&self, node: u32) -> Vec<&str> {
        let own = self.facts(node).into_iter().flat_map(|facts| &*facts.risks);
        let of_capabilities = self.capabilities_of(node).flat_map(|capability| &*capability.risks);
        own.chain(of_capabilities).map(SmolStr::as_str).collect()
    }

    /// Its own effects, or those of its capabilities.
    pub fn effects(&self, node: u32) -> Vec<&EffectFact> {
        let own = self.facts(node).and_then(|facts| facts.effects.as_deref());
        let of_capabilities = self.capabilities_of(node).filter_map(|found| found.effects.as_deref());
        own.into_iter().chain(of_capabilities).flatten().collect()
    }

    /// The effects that its capabilities declare, each with the capability's declared name.
    pub fn capability_effects(&self, node: u32) -> Vec<(&str, &EffectFact)> {
        let names = if self.has_script(node) {
            Vec::new()
        } else {
            self.written_uses(node)
        };
        let effects = names.into_iter().filter_map(|name| {
            let effects = self.capability(name)?.effects.as_deref()?;
            Some(effects.iter().map(move |effect| (self.declared(name), effect)))
        });
        effects.flatten().collect()
    }

    pub fn effect_names(&self, node: u32) -> Vec<&str> {
        self.effects(node)
            .into_iter()
            .map(|effect| effect.name.as_str())
            .collect()
    }

    pub fn default_retry(&self) -> Option<&Retry> {
        self.plan.retry.as_ref()
    }

    pub fn is_idempotent(&self, node: u32) -> bool {
        let own = self.facts(node).is_none_or(|facts| facts.idempotent);
        own && self.capabilities_of(node).all(|capability| capability.idempotent)
    }
}

/// Where a plan and its nodes stand.
impl Subject<'_> {
    /// Of a file without plans.
    pub fn is_empty(&self) -> bool {
        self.blocks.clauses.is_empty() && self.blocks.nodes.is_empty()
    }

    pub fn own_tasks(&self) -> u64 {
        let nodes = self.graph.nodes.iter();
        nodes.filter(|node| node.kind == NodeKind::Task).count() as u64
    }

    pub fn place(&self, node: u32, target: Target) -> Place {
        Place {
            block: self.blocks.nodes[node as usize].0,
            target,
        }
    }

    /// The plan's header; of a plan without any, its first node.
    pub fn plan_place(&self) -> Option<Place> {
        let header = self.blocks.clauses.first().copied();
        let block = header.or_else(|| self.blocks.nodes.first().map(|(block, _)| *block))?;
        Some(Place {
            block,
            target: Target::Name,
        })
    }

    /// A place in the block of the plan's clauses that says such a thing.
    pub fn clause_place(&self, target: Target, says: impl Fn(&ClauseFacts) -> bool) -> Option<Place> {
        let blocks = self.blocks.clauses.iter().zip(&self.facts.clauses);
        let mut saying = blocks.filter(|(_, facts)| facts.plan.as_deref().is_some_and(&says));
        let (block, _) = saying.next()?;
        Some(Place { block: *block, target })
    }
}
