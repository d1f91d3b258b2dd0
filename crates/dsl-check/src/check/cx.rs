//! Everything that the checks of one block share: what they may look at, and what they find.
//!
//! Promise: what is found through these fields alone holds as long as they do; whoever looks beyond is noted. Absent: what is
//! checked.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use dsl_syntax::ast::{Decl, Name, Span, Value};
use dsl_syntax::table::ClauseKey;
use ir::types::Type;
use smol_str::SmolStr;

use super::env::NODE_STATUSES;
use super::meanings::Meaning;
use super::outputs::{self, node_outputs};
use super::view::{Seen, View, views};
use crate::diagnostic::{BlockRef, Diag, LocalFix, Place, Target};
use crate::facts::{self, Facts, Noted, Source};
use crate::graph::{Access, PlanGraph, sig_of};
use crate::inputs::{SourceChunk, SourceFile};
use crate::meant::{clauses_meant, instead_of_node};
use crate::near;
use crate::places::{decl_of, header_is_broken};
use crate::plans::file_plans;
use crate::reach;
use crate::removal::whole_lines;
use crate::rules;
use crate::scope::{Common, FileScope, PlanScope, PlanShape, TypedField, Works, common, plan_here, scope};
use crate::signatures::{NodeKind, Sig, signatures};
use crate::trees::outline;
use crate::types::{Problem, Report};

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
    pub(super) home: SourceFile,
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
    pub(super) meanings: Option<RefCell<Vec<Meaning>>>,
}

/// What a chunk may know of one of the plans that its blocks are parts of.
pub(super) fn part_of_plan(db: &dyn salsa::Database, chunk: SourceChunk, plan: u32) -> Option<&Arc<PlanScope>> {
    let mut here = plan_here(db, chunk).iter();
    here.find(|(at, _)| *at == plan).map(|(_, part)| part)
}

fn broken_each(decl: &Decl) -> Option<Span> {
    let mut unread = clauses_meant(decl).filter(|(_, clause)| clause.key.is_none() || clause.value == Value::Error);
    unread
        .find(|(key, _)| *key == ClauseKey::Each)
        .map(|(_, clause)| clause.span)
}

static NO_PLAN: LazyLock<PlanScope> = LazyLock::new(PlanScope::default);

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

    /// One that remembers what names mean.
    pub(super) fn with_meanings(self) -> Self {
        Self {
            meanings: Some(RefCell::default()),
            ..self
        }
    }

    /// What is found from here on holds for this time only.
    pub fn look_beyond(&self) {
        self.looked_beyond.set(true);
    }

    pub(super) fn has_looked_beyond(&self) -> bool {
        self.looked_beyond.get()
    }

    /// For whatever else there is to know. What is found with it holds until something is edited that the block may see,
    /// and is found again then; what is found without holds as long as the fields of this do.
    pub fn db(&self) -> &'db dyn salsa::Database {
        self.look_beyond();
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

    /// Whether a mistake that has been reported hides outputs of the node that is being checked.
    pub fn own_outputs_unknown(&self) -> bool {
        let sigs = signatures(self.database, self.block.chunk);
        match sigs.get(self.block.index as usize) {
            Some(Sig::Node { sig, .. }) => outputs::outputs_unknown(self, sig),
            _ => false,
        }
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
        let is_node = sig_of(db, self.block).is_some();
        if is_node && file_plans(db, self.file).place(self.block).is_none() {
            return Vec::new();
        }
        near::nodes_near(db, self.file, self.view.plan, name, makes_sense)
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
            self.push(match instead_of_node(&name.text) {
                Some(help) => problem.help(help),
                None => {
                    let mut near = self.nodes_near(&name.text);
                    // nothing leads from a node to itself
                    near.retain(|near| sig_of(self.db(), self.block).is_none_or(|sig| sig.name != *near));
                    let problem = problem.nearest(&name.text, &near);
                    match problem.help.is_none() {
                        true => problem.help(format!("declare it (`task {}`), or leave it out", name.text)),
                        false => problem,
                    }
                }
            });
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
        let may_be_secret = match &source {
            Source::Secret(_) => true,
            // a caller may give a secret to it
            Source::Param(name) => self
                .field(PlanScope::params, name)
                .is_some_and(TypedField::may_hold_text),
            _ => false,
        };
        if may_be_secret {
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

    pub(super) fn finish(self, decl: &Decl, node: Option<&ir::plan::Node>, unreadable: bool) -> (Vec<Diag>, Facts) {
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

impl reach::Scope for Cx<'_> {
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
    let place = |span: Span| Place {
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
