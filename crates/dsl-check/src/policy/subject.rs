//! A plan as policies see it: its graph, its facts, and what its capabilities say of themselves.
//!
//! Capabilities go by the names under which they are declared, whatever an import calls them. Absent: policies.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use ir::plan::Retry;
use smol_str::SmolStr;

use super::calls::{PlanAt, instance_count, own_instances, task_count};
use crate::check::checked;
use crate::diagnostic::{BlockRef, Place, Target};
use crate::facts::{Budget, ClauseFacts, Dir, EffectFact, Facts, NodeFacts, PlanFacts, clause_facts, file_facts};
use crate::graph::{PlanGraph, graphs};
use crate::imports::{Space, visible};
use crate::inputs::SourceChunk;
use crate::plans::{Header, PlanBlocks, file_plans, headers};
use crate::reach::{Reached, reached};
use crate::scope::{Capability, common, implicit_name};
use crate::signatures::{NodeKind, NodeSig, Sig, Work, is_script_capability, signatures};
use crate::under::PlanUnder;

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
    fn new(clauses: &[(BlockRef, Arc<ClauseFacts>)]) -> Self {
        let mut all = Self::default();
        clauses.iter().for_each(|(_, says)| all.add(says));
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
    db: &'a dyn salsa::Database,
    pub at: PlanAt,
    pub name: SmolStr,
    pub header: &'a Header,
    pub plan: PlanSays,
    clauses: Cow<'a, [(BlockRef, Arc<ClauseFacts>)]>,
    nodes: Nodes<'a>,
    capabilities: &'a BTreeMap<SmolStr, Arc<Capability>>,
    /// The declared names of capabilities that the file knows by others.
    renamed: HashMap<&'a str, &'a str>,
}

/// Which nodes are spoken of, and by what numbers.
enum Nodes<'a> {
    /// All of the plan; looked up when the first is asked about.
    OfPlan(OnceCell<Whole<'a>>),
    /// All of the plan, as a profile leaves it.
    Under { whole: Whole<'a>, reached: Reached },
    /// Those of one chunk, by their blocks. Nothing can be asked of the graph.
    OfChunk {
        chunk: SourceChunk,
        sigs: &'a [Sig],
        facts: &'a [Arc<Facts>],
    },
}

#[derive(Clone, Copy)]
struct Whole<'a> {
    blocks: &'a PlanBlocks,
    graph: &'a PlanGraph,
    facts: &'a PlanFacts,
}

impl<'a> Subject<'a> {
    /// `None`: the file has no such plan.
    pub fn new(db: &'a dyn salsa::Database, at: PlanAt) -> Option<Self> {
        Self::with(db, at, Nodes::OfPlan(OnceCell::new()))
    }

    /// As a profile leaves the plan.
    pub fn under(db: &'a dyn salsa::Database, at: PlanAt, under: &'a PlanUnder) -> Option<Self> {
        let graph = graphs(db, at.file).get(at.at)?;
        let blocks = file_plans(db, at.file).plans.get(at.at)?;
        let whole = Whole {
            blocks,
            graph,
            facts: &under.facts,
        };
        let reached = Reached::of(graph, &under.facts);
        let mut subject = Self::with(db, at, Nodes::Under { whole, reached })?;
        let blocks = blocks.clauses.iter().chain(&under.clauses);
        let clauses = blocks.zip(&under.facts.clauses);
        subject.clauses = clauses
            .filter_map(|(block, facts)| Some((*block, facts.plan.clone()?)))
            .collect();
        subject.plan = PlanSays::new(&subject.clauses);
        if let Some(scope) = &under.scope {
            subject.capabilities = &scope.capabilities;
        }
        Some(subject)
    }

    /// To ask about nodes of one chunk by what they say of themselves.
    pub fn of_chunk(db: &'a dyn salsa::Database, chunk: SourceChunk, plan: u32) -> Option<Self> {
        let at = PlanAt {
            file: chunk.file(db),
            at: plan as usize,
        };
        let nodes = Nodes::OfChunk {
            chunk,
            sigs: signatures(db, chunk),
            facts: &checked(db, chunk).facts,
        };
        Self::with(db, at, nodes)
    }

    fn with(db: &'a dyn salsa::Database, at: PlanAt, nodes: Nodes<'a>) -> Option<Self> {
        let file = at.file;
        let header = headers(db, file).get(at.at)?;
        let clauses = clause_facts(db, file).get(at.at)?;
        let names = &visible(db, file).names;
        let renamed = names
            .iter()
            .filter(|((space, name), origin)| *space == Space::Capability && *name != origin.name);
        let name = match header.clauses.is_empty() {
            true => implicit_name(file.path(db)),
            false => header.name.clone(),
        };
        Some(Self {
            db,
            at,
            name,
            header,
            plan: PlanSays::new(clauses),
            clauses: Cow::Borrowed(clauses),
            nodes,
            capabilities: &common(db, file).capabilities,
            renamed: renamed
                .map(|((_, name), origin)| (name.as_str(), origin.name.as_str()))
                .collect(),
        })
    }

    fn whole(&self) -> Whole<'a> {
        let look_up = || Whole {
            blocks: self.blocks(),
            graph: &graphs(self.db, self.at.file)[self.at.at],
            facts: &file_facts(self.db, self.at.file)[self.at.at],
        };
        match &self.nodes {
            Nodes::OfPlan(whole) => *whole.get_or_init(look_up),
            Nodes::Under { whole, .. } => *whole,
            Nodes::OfChunk { .. } => look_up(),
        }
    }

    pub fn blocks(&self) -> &'a PlanBlocks {
        &file_plans(self.db, self.at.file).plans[self.at.at]
    }

    pub fn graph(&self) -> &'a PlanGraph {
        self.whole().graph
    }

    /// Whether the graph has no mistakes of its own.
    pub fn is_whole(&self) -> bool {
        self.graph().is_whole()
    }

    /// Whether the node can never run.
    pub fn is_dead(&self, node: u32) -> bool {
        match &self.nodes {
            Nodes::Under { reached, .. } => reached.is_dead(node),
            _ => reached(self.db, self.at.file)[self.at.at].is_dead(node),
        }
    }

    /// How many tasks it has, those of the plans that it calls included.
    pub fn tasks(&self) -> u64 {
        task_count(self.db, self.at)
    }

    /// The same where each instance of a fan-out counts, if its items are written down.
    pub fn instances(&self) -> u64 {
        instance_count(self.db, self.at)
    }

    pub fn sig(&self, node: u32) -> &'a NodeSig {
        static NONE: LazyLock<NodeSig> = LazyLock::new(NodeSig::default);
        match &self.nodes {
            Nodes::OfPlan(_) | Nodes::Under { .. } => &self.whole().graph.nodes[node as usize],
            Nodes::OfChunk { sigs, .. } => match sigs.get(node as usize) {
                Some(Sig::Node { sig, .. }) => sig,
                _ => &NONE,
            },
        }
    }

    pub fn facts(&self, node: u32) -> Option<&'a NodeFacts> {
        let facts = match &self.nodes {
            Nodes::OfPlan(_) | Nodes::Under { .. } => self.whole().facts.nodes.get(node as usize),
            Nodes::OfChunk { facts, .. } => facts.get(node as usize),
        };
        facts?.node.as_deref()
    }

    pub fn node_name(&self, node: u32) -> &SmolStr {
        &self.sig(node).name
    }

    /// Who decides its prose.
    pub fn judge(&self) -> Option<&str> {
        self.clauses.iter().find_map(|(_, says)| says.judge.as_deref())
    }

    /// Tasks, gates and decisions.
    pub fn nodes(&self) -> impl Iterator<Item = u32> + '_ {
        let ties = &self.graph().ties;
        (0..ties.len() as u32).filter(|&node| ties[node as usize].kind != NodeKind::Hypothesis)
    }

    fn declared<'s>(&'s self, name: &'s str) -> &'s str {
        self.renamed.get(name).copied().unwrap_or(name)
    }

    /// The capability of a name that is known.
    pub fn capability(&self, name: &str) -> Option<&Capability> {
        self.capabilities.get(name).map(|found| &**found)
    }

    /// Whether a script of its own undoes what something else does.
    pub fn only_undoes(&self, node: u32) -> bool {
        !self.has_script(node) && self.facts(node).is_some_and(|facts| facts.undoes)
    }

    /// Whether the node runs a script of its own.
    pub fn has_script(&self, node: u32) -> bool {
        self.sig(node).work == Work::Script
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
        // what undoes the work is a script, whatever does it
        names.filter(known).chain(facts.undoes.then_some("shell")).collect()
    }

    pub fn uses(&self, node: u32) -> Vec<&str> {
        let mut names = self.written_uses(node);
        if !self.renamed.is_empty() {
            names.iter_mut().for_each(|name| *name = self.declared(name));
        }
        names
    }

    /// What a line of its `do:` calls.
    pub fn step_uses(&self, node: u32, line: u32) -> Option<&str> {
        let written = self.facts(node)?.steps.get(line as usize)?;
        Some(self.declared(written))
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
        let of_capabilities = self.capabilities_of(node).flat_map(effects_of);
        let touched = self.touched(node).map(|(_, effect)| effect);
        own.into_iter()
            .flatten()
            .chain(of_capabilities)
            .chain(touched)
            .collect()
    }

    /// The effects that its capabilities declare, each with the capability's declared name.
    pub fn capability_effects(&self, node: u32) -> Vec<(&str, &EffectFact)> {
        let names = if self.has_script(node) {
            Vec::new()
        } else {
            self.written_uses(node)
        };
        let effects = names.into_iter().filter_map(|name| {
            let effects = effects_of(self.capability(name)?);
            Some(effects.map(move |effect| (self.declared(name), effect)))
        });
        effects.flatten().chain(self.touched(node)).collect()
    }

    /// The capabilities whose script declares no effects, by their declared names.
    pub fn undeclared(&self, node: u32) -> Vec<&str> {
        let names = if self.has_script(node) {
            Vec::new()
        } else {
            self.written_uses(node)
        };
        let is_open = |name: &&str| {
            let capability = self.capability(name);
            capability.is_some_and(|found| found.effects.is_none() && found.runs_script())
        };
        names
            .into_iter()
            .filter(is_open)
            .map(|name| self.declared(name))
            .collect()
    }

    /// What it asks the capabilities of the language to touch.
    fn touched(&self, node: u32) -> impl Iterator<Item = (&str, &EffectFact)> {
        let facts = self.facts(node).into_iter().flat_map(|facts| &*facts.touches);
        let is_own = |name: &SmolStr| self.capability(name).is_some_and(|found| found.id.file.is_none());
        facts
            .filter(move |(name, _)| is_own(name))
            .map(|(name, effect)| (name.as_str(), effect))
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

/// What a capability declares, and the host that its runner calls.
fn effects_of(capability: &Capability) -> impl Iterator<Item = &EffectFact> {
    let runner = capability.runner.iter();
    let declared = capability.effects.iter().flat_map(|effects| &**effects);
    declared.chain(runner.filter_map(|runner| runner.reaches.as_ref()))
}

/// Where a plan and its nodes stand.
impl Subject<'_> {
    /// Of a file without plans.
    pub fn is_empty(&self) -> bool {
        self.header.clauses.is_empty() && self.blocks().nodes.is_empty()
    }

    /// The instances of its own tasks, where that is known.
    pub fn own_instances(&self) -> u64 {
        own_instances(self.db, self.at)
    }

    pub fn place(&self, node: u32, target: Target) -> Place {
        let block = match &self.nodes {
            Nodes::OfPlan(_) | Nodes::Under { .. } => self.whole().blocks.nodes[node as usize].0,
            Nodes::OfChunk { chunk, .. } => BlockRef {
                chunk: *chunk,
                index: node,
            },
        };
        Place { block, target }
    }

    /// The plan's header; of a plan without any, its first node.
    pub fn plan_place(&self) -> Option<Place> {
        let header = self.header.clauses.first().copied();
        let block = header.or_else(|| self.blocks().nodes.first().map(|(block, _)| *block))?;
        Some(Place {
            block,
            target: Target::Name,
        })
    }

    /// A place in the block of the plan's clauses that says such a thing.
    pub fn clause_place(&self, target: Target, says: impl Fn(&ClauseFacts) -> bool) -> Option<Place> {
        let (block, _) = self.clauses.iter().find(|(_, facts)| says(facts))?;
        Some(Place { block: *block, target })
    }
}
