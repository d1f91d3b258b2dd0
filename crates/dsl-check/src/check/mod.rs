//! The diagnostics of one chunk: shape, names, types.
//!
//! Promise: editing the body of a task re-checks its chunk and what can see the change, nothing else. A chunk is
//! checked from its own tree, the file's scope, and its [`views`]: what the graph says about just the nodes that its
//! blocks mention. Absent: diagnostics about the graph as a whole ([`crate::problems`]) and about files.

mod about;
mod agents;
mod capabilities;
mod declared;
mod doubt;
mod effects;
mod env;
mod flow;
mod found;
mod limits;
mod lints;
mod literals;
mod meanings;
mod outcome;
mod outputs;
mod plan;
mod policies;
mod profiles;
mod rates;
mod routes;
mod runners;
mod scripts;
mod settings;
mod shape;
mod task;
mod testing;
mod work;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;

use dsl_syntax::ast::{Block, Decl, Name, Span};
use dsl_syntax::table::DeclKind;
use smol_str::SmolStr;

pub(crate) use agents::runner as runner_of_agent;
pub(crate) use capabilities::runner as runner_of_capability;
pub(crate) use effects::effects;
pub(crate) use env::{NODE_STATUSES, RUN_STATUSES, Reads};
pub(crate) use found::Found;
pub(crate) use limits::{costs, duration_ms, limits, money};
pub(crate) use meanings::{Meaning, What, meanings};
pub(crate) use outputs::{agent_type, declared_outputs, error_type, node_outputs, outputs_unknown};
pub(crate) use plan::{PlanParts, field_type, lower_plan_block};
pub(crate) use profiles::{OF_CAPABILITY, WITH_MEMBERS, capability_of, is_of_plan, settable_of_node, settable_of_plan};
pub(crate) use shape::kinds;
pub(crate) use task::{NodeParts, lower_node, names_in, prose, with_default_retry, written};
pub(crate) use testing::lower_test;

use crate::around::{Around, around};
use crate::diagnostic::{BlockRef, Diag, LocalFix, Target};
use crate::facts::{self, Facts, Noted, Source};
use crate::graph::{Access, PlanGraph, Topology, sig_of, topologies};
use crate::inputs::{SourceChunk, SourceFile};
use crate::kept::Kept;
use crate::places::{decl_of, header_is_broken};
use crate::plans::{PlanBlocks, file_plans};
use crate::removal::whole_lines;
use crate::rules;
use crate::scope::{Common, FileScope, PlanScope, PlanShape, TypedField, Works, common, plan_here, scope};
use crate::signatures::{Mention, NodeKind, NodeSig, Sig, signatures};
use crate::slices::Slices;
use crate::trees::{blocks, outline};
use crate::types::{Problem, Report};
use found::Here;
use ir::types::Type;

/// What a block may know of the nodes that it mentions.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct View {
    /// The plan of the file that the block belongs to, or is about.
    pub plan: u32,
    /// By name.
    pub nodes: Vec<(SmolStr, Seen)>,
    /// Needs of the node that another of its needs implies, each with that other.
    pub redundant: Vec<(SmolStr, SmolStr)>,
    /// Members of an `any(…)` of the node, each with another that may complete just as well.
    pub racing: Vec<(SmolStr, SmolStr)>,
}

/// What is not read is seen as if it were always there.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Seen {
    pub sig: Arc<NodeSig>,
    pub access: Access,
    pub error: Access,
}

impl View {
    pub fn get(&self, name: &str) -> Option<(u32, &Seen)> {
        let at = self
            .nodes
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
            .ok()?;
        Some((at as u32, &self.nodes[at].1))
    }
}

/// One for each block of the chunk. This is what keeps a change of the graph from re-checking blocks that cannot see
/// it: the graph is asked only what the block reads, and only when something around the chunk's nodes has changed.
#[salsa::tracked(returns(ref))]
pub(crate) fn views(db: &dyn salsa::Database, chunk: SourceChunk) -> Vec<View> {
    let Around { layout, topologies, .. } = around(db, chunk);
    let sigs = signatures(db, chunk);
    let nodes = |plan: u32| Nodes {
        db,
        topology: &topologies[plan as usize],
        blocks: &layout.plans[plan as usize],
        here: (chunk, sigs),
    };
    let view = |index: u32, mentions: &[Mention]| {
        let block = BlockRef { chunk, index };
        match &sigs[index as usize] {
            Sig::Test { of, .. } | Sig::Profile { of, .. } => about(db, chunk, of, mentions).unwrap_or_default(),
            _ => match layout.place(block) {
                Some((plan, Some(node))) => of_node(&nodes(plan), plan, node, mentions),
                Some((plan, None)) => of_clauses(&nodes(plan), plan, mentions),
                None => View::default(),
            },
        }
    };
    (0..)
        .zip(&outline(db, chunk).mentions)
        .map(|(index, mentions)| view(index, mentions))
        .collect()
}

/// The nodes of a plan.
struct Nodes<'db> {
    db: &'db dyn salsa::Database,
    topology: &'db Topology,
    blocks: &'db PlanBlocks,
    /// The chunk of whoever looks, where most of the nodes stand that it mentions.
    here: (SourceChunk, &'db [Sig]),
}

impl Nodes<'_> {
    fn sig(&self, node: u32) -> Option<&Arc<NodeSig>> {
        let block = self.blocks.nodes[node as usize].0;
        match self.here {
            (chunk, sigs) if chunk == block.chunk => match sigs.get(block.index as usize)? {
                Sig::Node { sig, .. } => Some(sig),
                _ => None,
            },
            _ => sig_of(self.db, block),
        }
    }
}

/// What a block may know that is about another plan.
fn about(db: &dyn salsa::Database, chunk: SourceChunk, of: &Option<SmolStr>, mentions: &[Mention]) -> Option<View> {
    let name = of.as_ref()?;
    let shape = scope(db, chunk.file(db)).about(name)?;
    let plans = file_plans(db, shape.file);
    let at = plans.named(&shape.plan.name)?;
    let nodes = Nodes {
        db,
        topology: topologies(db, shape.file).get(at)?,
        blocks: plans.plans.get(at)?,
        here: (chunk, signatures(db, chunk)),
    };
    Some(View {
        nodes: seen(&nodes, mentions, |_, _| (Access::Always, Access::Always)),
        ..View::default()
    })
}

/// Of what is not read it does not matter whether it is there.
fn of_node(nodes: &Nodes<'_>, plan: u32, node: u32, mentions: &[Mention]) -> View {
    let graph = nodes.topology;
    let nodes = seen(nodes, mentions, |other, mention| {
        let access = if mention.is_read {
            graph.access(node, other)
        } else {
            Access::Always
        };
        let error = if mention.error_is_read {
            graph.error_access(node, other)
        } else {
            Access::Always
        };
        (access, error)
    });
    let name = |node: u32| graph.ties[node as usize].name.clone();
    let names = |(need, other)| (name(need), name(other));
    let is_read = |member: u32| {
        let name = &graph.ties[member as usize].name;
        let found = mentions.binary_search_by(|mention| mention.name.cmp(name));
        found.is_ok_and(|at| mentions[at].is_read)
    };
    View {
        plan,
        nodes,
        redundant: graph.redundant_needs(node).into_iter().map(names).collect(),
        racing: graph.racing_needs(node, is_read).into_iter().map(names).collect(),
    }
}

fn of_clauses(nodes: &Nodes<'_>, plan: u32, mentions: &[Mention]) -> View {
    let graph = nodes.topology;
    let nodes = seen(nodes, mentions, |other, mention| {
        let access = if !mention.is_read || graph.is_certain(other) {
            Access::Always
        } else {
            Access::Maybe
        };
        (access, Access::Maybe)
    });
    View {
        plan,
        nodes,
        ..View::default()
    }
}

fn seen(
    nodes: &Nodes<'_>,
    mentions: &[Mention],
    access: impl Fn(u32, &Mention) -> (Access, Access),
) -> Vec<(SmolStr, Seen)> {
    let of_mention = |mention: &Mention| {
        let at = nodes.topology.find(&mention.name)?;
        let (access, error) = access(at, mention);
        let sig = nodes.sig(at)?.clone();
        Some((mention.name.clone(), Seen { sig, access, error }))
    };
    mentions.iter().filter_map(of_mention).collect()
}

/// What checking a chunk's own blocks finds.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Checked {
    pub diags: Vec<Diag>,
    /// One for each block.
    pub facts: Arc<[Arc<Facts>]>,
    /// Of these, what checks of whole plans ask of all chunks.
    pub slices: Slices,
}

/// The diagnostics of a chunk's own blocks.
pub(crate) fn check(db: &dyn salsa::Database, chunk: SourceChunk) -> &Vec<Diag> {
    &checked(db, chunk).diags
}

#[salsa::tracked(returns(ref))]
pub(crate) fn checked(db: &dyn salsa::Database, chunk: SourceChunk) -> Checked {
    let sigs = signatures(db, chunk);
    let kept = chunk.source(db).kept.as_deref();
    let known = kept.map(Kept::found).unwrap_or_default();
    let read_off = kept.map(Kept::read_off).unwrap_or_default();
    let all: Vec<Arc<Found>> = (0..)
        .zip(blocks(db, chunk).iter())
        .map(|(index, block)| {
            let here = Here {
                db,
                at: BlockRef { chunk, index },
                block,
            };
            match known.get(index as usize) {
                Some(found) if found.holds(&here) => found.clone(),
                _ => Arc::new(Found::new(&here, &sigs[index as usize], read_off.get(index as usize))),
            }
        })
        .collect();
    let diags: Vec<Diag> = all.iter().flat_map(|found| &found.diags).cloned().collect();
    let facts: Arc<[Arc<Facts>]> = all.iter().map(|found| found.facts.clone()).collect();
    let misfits = all.iter().filter_map(|found| found.misfit.clone());
    let slices = Slices::new(&diags, sigs, &facts, misfits.collect());
    if let Some(kept) = kept {
        kept.keep_found(all);
    }
    Checked { slices, diags, facts }
}

/// What it lowers to, if it is a node.
fn check_decl(cx: &Cx<'_>, block: &Block, decl: &Decl) -> Option<ir::plan::Node> {
    if !cx.scope.ambiguous.is_empty() {
        declared::check_ambiguous(cx, decl);
    }
    shape::check(cx, block.kind, decl);
    match decl.kind {
        DeclKind::Type => declared::check_type(cx, decl),
        DeclKind::Capability => capabilities::check(cx, decl),
        DeclKind::Agent => agents::check(cx, decl),
        DeclKind::Policy => policies::check(cx, decl),
        DeclKind::Plan => {
            let parts = plan::lower_plan_block(cx, decl);
            cx.noted.clauses(parts.timeout_ms, parts.parallel, parts.retry);
        }
        DeclKind::Profile => profiles::check(cx, decl),
        DeclKind::Test => drop(testing::lower_test(cx, decl, &mut |_| 0)),
        DeclKind::Task | DeclKind::Gate | DeclKind::Decision | DeclKind::Hypothesis => {
            let parts = task::lower_node(cx, decl);
            lints::variables(cx, decl);
            routes::check(cx, decl);
            lints::check(cx, decl);
            if decl.kind == DeclKind::Task {
                doubt::check(cx, decl);
            }
            return parts.node;
        }
    }
    None
}

/// What a block would say if it said something else: as the checks of whole plans want to know it.
pub(crate) fn facts_of(db: &dyn salsa::Database, block: BlockRef, decl: &Decl) -> Facts {
    let cx = Cx::new(db, block, decl);
    // it is not what is written there
    cx.looked_beyond.set(true);
    let node = match decl.kind {
        DeclKind::Plan => {
            let parts = plan::lower_plan_block(&cx, decl);
            cx.noted.clauses(parts.timeout_ms, parts.parallel, parts.retry);
            None
        }
        kind if kind.is_node() => task::lower_node(&cx, decl).node,
        _ => None,
    };
    cx.finish(decl, node.as_ref(), false).1
}

/// Everything that the checks of one block share.
pub(crate) struct Cx<'db> {
    database: &'db dyn salsa::Database,
    /// Something was asked of the database that is not one of these fields.
    looked_beyond: Cell<bool>,
    pub file: SourceFile,
    pub block: BlockRef,
    pub scope: &'db Common,
    /// As far as the chunk mentions it; see [`Cx::whole_plan`].
    pub plan: &'db PlanScope,
    /// Where names mean what they mean: the file of the block, or of another plan that it is about.
    home: SourceFile,
    /// Which plan of that file `plan` is a part of; `None`: it is all of its plan.
    part_of: Option<u32>,
    pub view: &'db View,
    /// Of a fan-out that could not be read.
    broken_each: Option<Span>,
    /// When lowering: the graph, for the ids that nodes have in the IR.
    pub graph: Option<&'db PlanGraph>,
    /// What is wrong; a cell, because the scope of a place also reports.
    report: RefCell<Report>,
    /// For the facts of the block.
    pub noted: Noted,
    /// What names turn out to mean, where somebody asks.
    meanings: Option<RefCell<Vec<Meaning>>>,
}

/// What a chunk may know of one of the plans that its blocks are parts of.
fn part_of_plan(db: &dyn salsa::Database, chunk: SourceChunk, plan: u32) -> Option<&Arc<PlanScope>> {
    let mut here = plan_here(db, chunk).iter();
    here.find(|(at, _)| *at == plan).map(|(_, part)| part)
}

fn broken_each(decl: &Decl) -> Option<Span> {
    let each = crate::signatures::clause(decl, dsl_syntax::table::ClauseKey::Each)?;
    matches!(each.value, dsl_syntax::ast::Value::Error).then_some(each.span)
}

static NO_PLAN: std::sync::LazyLock<PlanScope> = std::sync::LazyLock::new(PlanScope::default);

impl<'db> Cx<'db> {
    pub fn new(db: &'db dyn salsa::Database, block: BlockRef, decl: &Decl) -> Self {
        let file = block.chunk.file(db);
        let view = &views(db, block.chunk)[block.index as usize];
        let part = part_of_plan(db, block.chunk, view.plan).map(|part| &**part);
        let (plan, part_of) = match (&decl.of, part) {
            (Some(of), _) => {
                let shape = scope(db, file).about(&of.text);
                (shape.map(|shape| &*shape.plan), None)
            }
            (None, Some(part)) => (Some(part), Some(view.plan)),
            (None, None) => {
                let own = scope(db, file).own.get(view.plan as usize);
                (own.map(|plan| &**plan), None)
            }
        };
        Self {
            database: db,
            looked_beyond: Cell::new(decl.of.is_some() || part_of.is_none()),
            file,
            block,
            scope: common(db, file),
            plan: plan.unwrap_or(&*NO_PLAN),
            home: file,
            part_of,
            view,
            broken_each: broken_each(decl),
            graph: None,
            report: RefCell::default(),
            noted: Noted::default(),
            meanings: None,
        }
    }

    /// For whatever else there is to know. What is found with it holds until something is edited that the block may see,
    /// and is found again then; what is found without holds as long as the fields of this do.
    pub fn db(&self) -> &'db dyn salsa::Database {
        self.looked_beyond.set(true);
        self.database
    }

    /// Everything that names mean, plans included. Asked only by who calls a plan or looks for what is not there: its
    /// answer changes with every parameter of the file.
    pub fn whole_scope(&self) -> &'db FileScope {
        scope(self.db(), self.home)
    }

    /// All of the plan's scope, for names that are not in the part of it that the chunk mentions. As rarely.
    pub fn whole_plan(&self) -> &'db PlanScope {
        let whole = self.part_of.and_then(|at| self.whole_scope().own.get(at as usize));
        whole.map_or(self.plan, |plan| &**plan)
    }

    /// A parameter, an output or a memory key of the plan that the block mentions.
    pub fn field(&self, group: fn(&PlanScope) -> &[TypedField], name: &str) -> Option<&'db TypedField> {
        debug_assert!(
            self.looked_beyond.get() || self.graph.is_some() || self.text().contains(name),
            "what was found holds while what the block mentions is the same"
        );
        let find = |plan: &'db PlanScope| group(plan).iter().find(|field| field.name == name);
        find(self.plan).or_else(|| find(self.whole_plan()))
    }

    /// The text of the block.
    pub fn text(&self) -> &'db str {
        let starts = &outline(self.database, self.block.chunk).starts;
        let text = self.block.chunk.text(self.database);
        let at = |index: u32| starts.get(index as usize).map(|&start| start as usize);
        let range = at(self.block.index).map(|start| start..at(self.block.index + 1).unwrap_or(text.len()));
        range.and_then(|range| text.get(range)).unwrap_or_default()
    }

    /// The declaration that is being checked.
    pub fn decl(&self) -> Option<&'db Decl> {
        decl_of(self.database, self.block)
    }

    /// Whether there is an error in its header.
    pub fn header_is_broken(&self) -> bool {
        header_is_broken(self.database, self.block)
    }

    /// A clause with the rest of its lines, to take it out.
    pub fn whole_lines(&self, span: Span) -> Span {
        whole_lines(self.text(), 0, span)
    }

    /// What of these spans is between them as written, if that is on one line.
    pub fn between(&self, before: Span, after: Span) -> Option<&'db str> {
        let found = self.text().get(before.end as usize..after.start as usize)?;
        (!found.contains('\n')).then_some(found)
    }

    /// The id that a node of the view has in the IR; while only checking, its position in the view.
    pub fn node_id(&self, at: u32) -> u32 {
        let Some(graph) = self.graph else { return at };
        self.view
            .nodes
            .get(at as usize)
            .and_then(|(name, _)| graph.ir_id(name))
            .unwrap_or(at)
    }

    /// Checks something of another plan where that plan stands: names mean there what they mean there.
    pub fn at_home<T>(&self, shape: &PlanShape, check: impl FnOnce(&Cx<'db>) -> T) -> T {
        let whole = scope(self.db(), shape.file);
        let own = whole.own.iter().find(|plan| plan.name == shape.plan.name);
        let home = Cx {
            scope: whole,
            plan: own.map_or(self.plan, |plan| &**plan),
            home: shape.file,
            part_of: own.map_or(self.part_of, |_| None),
            looked_beyond: Cell::new(true),
            report: RefCell::default(),
            noted: Noted::default(),
            meanings: self.meanings.as_ref().map(|_| RefCell::default()),
            ..*self
        };
        let result = check(&home);
        self.mean_all(home.meanings);
        home.report
            .into_inner()
            .problems
            .into_iter()
            .for_each(|problem| self.push(problem));
        result
    }

    pub fn with_report<T>(&self, f: impl FnOnce(&mut Report) -> T) -> T {
        let mut report = self.report.take();
        let result = f(&mut report);
        let mut rest = self.report.borrow_mut();
        report.problems.append(&mut rest.problems);
        *rest = report;
        result
    }

    pub fn push(&self, problem: Problem) {
        self.report.borrow_mut().push(problem);
    }

    pub fn has_errors(&self) -> bool {
        self.problems() > 0
    }

    /// How many there are so far.
    pub fn problems(&self) -> usize {
        self.report.borrow().problems.len()
    }

    /// Whether a fan-out could not be read, whose variable the name may be: that is one mistake.
    pub fn has_unknown_variables(&self, name: &str) -> bool {
        self.broken_each.is_some_and(|each| {
            let written = self.text().get(each.range());
            written.is_some_and(|written| written.contains(name))
        })
    }

    /// Names of nodes of the plan that `name` may be meant for; read only where something was not found.
    pub fn nodes_near(&self, name: &str) -> Vec<SmolStr> {
        self.near(name, |_| true)
    }

    /// The same of hypotheses.
    pub fn hypotheses_near(&self, name: &str) -> Vec<SmolStr> {
        let is_hypothesis = |kind| kind == NodeKind::Hypothesis;
        self.near(name, is_hypothesis)
    }

    /// A node outside of its file's plans sees none of theirs.
    fn near(&self, name: &str, makes_sense: impl Fn(NodeKind) -> bool) -> Vec<SmolStr> {
        let db = self.db();
        let is_node = crate::graph::sig_of(db, self.block).is_some();
        if is_node && crate::plans::file_plans(db, self.file).place(self.block).is_none() {
            return Vec::new();
        }
        crate::near::nodes_near(db, self.file, self.view.plan, name, makes_sense)
    }

    /// A name that stands for a node; `None` was reported.
    pub fn node(&self, name: &Name) -> Option<(u32, &'db Seen)> {
        let found = self.view.get(&name.text);
        if found.is_none() {
            let problem = Problem::new(
                rules::UNRESOLVED_NAME,
                name.span,
                format!("there is no task, gate or decision `{}`", name.text),
            );
            self.push(problem.nearest(&name.text, &self.nodes_near(&name.text)));
        }
        found
    }

    /// Remembers a value that the block reads.
    pub fn note(&self, span: Span, read: &ir::Ref) {
        // what is lowered has been checked before
        if self.graph.is_some() {
            return;
        }
        let node = |at: u32| {
            self.view
                .nodes
                .get(at as usize)
                .map(|(name, _)| name.clone())
                .unwrap_or_default()
        };
        let source = match read {
            ir::Ref::Param(name) => Source::Param(name.clone()),
            ir::Ref::Secret(name) => Source::Secret(name.clone()),
            ir::Ref::Memory(key) => Source::Memory(key.clone()),
            ir::Ref::Output(at, output) => Source::Node(node(*at), output.clone()),
            ir::Ref::Status(at) => Source::Node(node(*at), "status".into()),
            ir::Ref::Attempts(at) => Source::Node(node(*at), "attempts".into()),
            ir::Ref::NodeDuration(at) => Source::Node(node(*at), "duration".into()),
            ir::Ref::NodeAgent(at) => Source::Node(node(*at), "agent".into()),
            ir::Ref::Choice(at) => Source::Node(node(*at), "choice".into()),
            ir::Ref::Error(at) => Source::Error(node(*at)),
            ir::Ref::Each => Source::Each,
            ir::Ref::Input(name) => Source::Input(name.clone()),
            ir::Ref::Own(name) => Source::Own(name.clone()),
            ir::Ref::Capture(capture) => Source::Capture(*capture),
            ir::Ref::Run(_)
            | ir::Ref::Task(_)
            | ir::Ref::Plan(_)
            | ir::Ref::Budget(_)
            | ir::Ref::World(_)
            | ir::Ref::Context(_)
            | ir::Ref::Asked(_) => return,
        };
        let is_secret = match &source {
            Source::Secret(_) => true,
            Source::Param(name) => self.field(PlanScope::params, name).is_some_and(TypedField::is_secret),
            _ => false,
        };
        if is_secret {
            self.noted.secret();
        }
        self.noted.read(span, source);
    }

    /// What a node of the view gives to others under that name.
    fn type_of_output(&self, at: u32, output: &str) -> Option<Type> {
        let (_, seen) = self.view.nodes.get(at as usize)?;
        let outputs = node_outputs(self, &seen.sig);
        let (_, ty) = outputs.into_iter().find(|(name, _)| name == output)?;
        let ty = if seen.sig.each { Type::list(ty) } else { ty };
        Some(self.as_seen(seen, ty))
    }

    /// What may not have completed may not be there.
    fn as_seen(&self, seen: &Seen, ty: Type) -> Type {
        match seen.access {
            Access::Always => ty,
            Access::Maybe | Access::No => ty.optional(),
        }
    }

    fn finish(self, decl: &Decl, node: Option<&ir::plan::Node>, unreadable: bool) -> (Vec<Diag>, Facts) {
        let block = self.block;
        let problems = self.report.into_inner().problems;
        let wrong: Vec<Span> = problems.iter().map(|problem| problem.span).collect();
        let facts = facts::of_decl(decl, self.noted, node, &wrong, unreadable);
        let mut said = HashSet::new();
        let diags = problems
            .into_iter()
            .filter(|problem| {
                // a node that is read three times without being needed is one mistake
                problem.rule != rules::UNDECLARED_DEPENDENCY || said.insert(problem.message.clone())
            })
            .map(|problem| of_problem(problem, block))
            .collect();
        (diags, facts)
    }
}

impl Works for Cx<'_> {
    fn common(&self) -> &Common {
        self.scope
    }

    fn plan_called(&self, name: &str) -> Option<&PlanShape> {
        self.whole_scope().plan_called(name)
    }
}

impl crate::reach::Scope for Cx<'_> {
    fn node(&self, at: u32) -> SmolStr {
        let found = self.view.nodes.get(at as usize);
        found.map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn type_of(&self, read: &ir::Ref) -> Option<Type> {
        match read {
            ir::Ref::Param(name) => Some(self.field(PlanScope::params, name)?.ty.clone()),
            ir::Ref::Output(at, output) => self.type_of_output(*at, output),
            ir::Ref::Choice(at) => {
                let (_, seen) = self.view.nodes.get(*at as usize)?;
                Some(self.as_seen(seen, Type::Enum(seen.sig.options.clone())))
            }
            ir::Ref::Status(_) => Some(outputs::members(NODE_STATUSES)),
            _ => None,
        }
    }
}

fn of_problem(problem: Problem, block: BlockRef) -> Diag {
    let place = |span: Span| crate::diagnostic::Place {
        block,
        target: Target::Span(span),
    };
    let mut diag = Diag::new(rules::name(problem.rule), place(problem.span), problem.message);
    diag.help = problem.help;
    diag.amend = problem.amend;
    diag.labels = problem
        .labels
        .into_iter()
        .map(|(span, text)| (place(span), text))
        .collect();
    diag.fixes = problem
        .fixes
        .into_iter()
        .map(|fix| LocalFix {
            title: fix.title,
            safe: fix.safe,
            edits: fix
                .edits
                .into_iter()
                .map(|(span, text)| (Target::Span(span), text))
                .collect(),
        })
        .collect();
    diag
}
