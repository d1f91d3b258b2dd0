//! What stands above declarations in an editor: the plans and tests that can be run, and how often each name is used.
//!
//! Uses are found chunk by chunk and counted once for a file, so an edit reads its own chunk again and adds up the
//! rest. A count is what [`Analysis::references`] finds, less the declaration. Absent: how runs went.

use std::path::Path;
use std::sync::Arc;

use dsl_syntax::ast::{Decl, ExprKind, Item, MockTarget, Name, NeedKind, RouteOn, Span, Type, TypeKind, Value};
use dsl_syntax::table::DeclKind;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::declared::node_of_called;
use super::things::{is_of_words, own_member};
use crate::analysis::{Analysis, Edge};
use crate::calls::PlanRef;
use crate::diagnostic::BlockRef;
use crate::graph::topologies;
use crate::imports::{Space, Visible, declared, visible};
use crate::inputs::{Project, SourceChunk, SourceFile, for_each_chunk};
use crate::places::name_span;
use crate::plans::file_plans;
use crate::scope::scope;
use crate::signatures::{Sig, signatures};
use crate::trees::blocks;
use crate::walk;

/// Something to be shown above a declaration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lens {
    /// The declared name; of a test its title.
    pub span: Span,
    pub what: LensOf,
    /// How often it is used; absent of what cannot be.
    pub uses: Option<u32>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LensOf {
    /// Empty of a file's implicit plan.
    Plan(SmolStr),
    Test(SmolStr),
    /// The plan is empty of a file's implicit one.
    Node {
        plan: SmolStr,
        name: SmolStr,
    },
    /// A type, capability, agent or policy.
    Other(SmolStr),
}

impl Analysis {
    /// In the order of the text.
    pub fn lenses(&self, path: &Path) -> Vec<Lens> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        for_each_chunk(&self.db, file.chunks(&self.db), |db, chunk| {
            used_names(db, chunk);
        });
        let counts = self.counts(file);
        let plans = file_plans(&self.db, file);
        let mut edge = Edge::new(self);
        let mut found = Vec::new();
        for &chunk in file.chunks(&self.db) {
            for ((index, sig), used) in (0..)
                .zip(signatures(&self.db, chunk))
                .zip(used_names(&self.db, chunk).iter())
            {
                let block = BlockRef { chunk, index };
                let mut push = |what, uses: Option<u32>| {
                    let span = used.name.shifted(edge.block_start(block));
                    found.push(Lens { span, what, uses });
                };
                let place = plans.place(block);
                match sig {
                    Sig::Node { sig, .. } => {
                        let Some((plan, Some(node))) = place else { continue };
                        let name = plans.plans[plan as usize].name.clone();
                        if plans.plans[plan as usize].clauses.is_empty() && node == 0 {
                            push(LensOf::Plan(SmolStr::default()), None);
                        }
                        let of = LensOf::Node {
                            plan: name,
                            name: sig.name.clone(),
                        };
                        push(of, Some(counts.of(&Owner::Node(plan, node))));
                    }
                    Sig::Plan(plan) => {
                        let owner = Owner::Declared(Space::Plan, plan.name.clone());
                        push(LensOf::Plan(plan.name.clone()), Some(counts.of(&owner)));
                    }
                    Sig::Test { title, .. } => push(LensOf::Test(title.clone().unwrap_or_default()), None),
                    sig => {
                        if let Some((space, name)) = declared(sig) {
                            let owner = Owner::Declared(space, name.clone());
                            push(LensOf::Other(name), Some(counts.of(&owner)));
                        }
                    }
                }
            }
        }
        found
    }

    /// How often the declarations of a file are used, in all files.
    fn counts(&self, file: SourceFile) -> Counts {
        let mut counts = Counts::default();
        for user in self.users(file) {
            for ((home, owner), count) in uses_in(&self.db, user).iter() {
                if *home == file {
                    *counts.0.entry(owner.clone()).or_default() += count;
                }
            }
        }
        counts
    }

    /// The file and those that import it, directly or not: a test speaks of the nodes of plans that its plan calls.
    fn users(&self, file: SourceFile) -> Vec<SourceFile> {
        let importers = importers(&self.db);
        let mut seen = FxHashSet::from_iter([file]);
        let mut all = vec![file];
        let mut next = 0;
        while let Some(file) = all.get(next) {
            next += 1;
            let direct = importers.get(file).into_iter().flatten().copied();
            all.extend(direct.filter(|file| seen.insert(*file)));
        }
        all
    }
}

/// By file, those that import it. Asked once, not once a file.
#[salsa::tracked(returns(ref))]
fn importers(db: &dyn salsa::Database) -> FxHashMap<SourceFile, Vec<SourceFile>> {
    let mut importers: FxHashMap<SourceFile, Vec<SourceFile>> = FxHashMap::default();
    for &file in Project::get(db).files(db).values() {
        for &there in &visible(db, file).files {
            importers.entry(there).or_default().push(file);
        }
    }
    importers
}

#[derive(Default)]
struct Counts(FxHashMap<Owner, u32>);

impl Counts {
    fn of(&self, owner: &Owner) -> u32 {
        self.0.get(owner).copied().unwrap_or_default()
    }
}

/// What a name stands for, within its file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Owner {
    /// By the number of its plan.
    Node(u32, u32),
    Declared(Space, SmolStr),
}

/// In which a name is looked for, in this order.
const SPACES: [Space; 5] = [Space::Type, Space::Capability, Space::Agent, Space::Plan, Space::Policy];

type Uses = FxHashMap<(SourceFile, Owner), u32>;

/// What the names in a file stand for, and how often each does.
#[salsa::tracked(returns(ref))]
fn uses_in(db: &dyn salsa::Database, file: SourceFile) -> Arc<Uses> {
    let plans = file_plans(db, file);
    let seen = visible(db, file);
    let mut uses = Uses::default();
    let mut others: FxHashMap<&SmolStr, u32> = FxHashMap::default();
    for &chunk in file.chunks(db) {
        let sigs = signatures(db, chunk);
        for ((index, sig), used) in (0..).zip(sigs).zip(used_names(db, chunk).iter()) {
            let home = match plans.place(BlockRef { chunk, index }) {
                Some((plan, _)) => Some((file, plan)),
                None => about(db, file, sig),
            };
            let topology = home.and_then(|(file, plan)| Some((file, plan, topologies(db, file).get(plan as usize)?)));
            for (name, count) in &used.uses {
                let node = topology.and_then(|(file, plan, nodes)| Some((file, plan, nodes.find(name)?)));
                let node = node.or_else(|| called_by_tested(db, sig, home?, name, seen));
                match node {
                    Some((file, plan, node)) => *uses.entry((file, Owner::Node(plan, node))).or_default() += count,
                    None => *others.entry(name).or_default() += count,
                }
            }
        }
    }
    for (name, count) in others {
        let origin = SPACES.iter().find_map(|&space| Some((space, seen.get(space, name)?)));
        if let Some((space, origin)) = origin {
            let owner = Owner::Declared(space, origin.name.clone());
            *uses.entry((origin.file, owner)).or_default() += count;
        }
    }
    Arc::new(uses)
}

/// A node that a test speaks of and its plan does not have: one of the plans that it calls.
fn called_by_tested(
    db: &dyn salsa::Database,
    sig: &Sig,
    (file, at): (SourceFile, u32),
    name: &SmolStr,
    seen: &Visible,
) -> Option<(SourceFile, u32, u32)> {
    let is_declared = || SPACES.iter().any(|&space| seen.get(space, name).is_some());
    if !matches!(sig, Sig::Test { .. }) || is_declared() {
        return None;
    }
    let (plan, node) = node_of_called(db, PlanRef { file, at }, name)?;
    Some((plan.file, plan.at, node))
}

/// The plan that a profile or test is about.
fn about(db: &dyn salsa::Database, file: SourceFile, sig: &Sig) -> Option<(SourceFile, u32)> {
    let (Sig::Profile { of, .. } | Sig::Test { of, .. }) = sig else {
        return None;
    };
    let of = of.as_ref()?;
    let home = scope(db, file).about(of)?.file;
    Some((home, file_plans(db, home).named(of)? as u32))
}

/// The names that a block uses.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Used {
    /// Where the block's own name stands, in the block.
    name: Span,
    uses: Box<[(SmolStr, u32)]>,
}

/// One for each block of a chunk.
#[salsa::tracked(returns(ref))]
fn used_names(db: &dyn salsa::Database, chunk: SourceChunk) -> Box<[Used]> {
    let of_block = |block: &Arc<dsl_syntax::ast::Block>| {
        let mut names = Names::default();
        let mut name = Span::default();
        match &block.item {
            Some(Item::Decl(decl)) => {
                names.decl(decl);
                name = name_span(decl);
            }
            Some(Item::Use(used)) => used.picked.iter().for_each(|name| names.add(name)),
            None => {}
        }
        Used {
            name,
            uses: names.counted(),
        }
    };
    blocks(db, chunk).iter().map(of_block).collect()
}

/// The names in a declaration that stand for something declared elsewhere.
#[derive(Default)]
struct Names(Vec<SmolStr>);

impl Names {
    fn add(&mut self, name: &Name) {
        self.0.push(name.text.clone());
    }

    fn all<'a>(&mut self, names: impl IntoIterator<Item = &'a Name>) {
        names.into_iter().for_each(|name| self.add(name));
    }

    fn counted(mut self) -> Box<[(SmolStr, u32)]> {
        self.0.sort_unstable();
        let runs = self.0.chunk_by(|a, b| a == b);
        runs.map(|run| (run[0].clone(), run.len() as u32)).collect()
    }

    fn decl(&mut self, decl: &Decl) {
        self.all(&decl.of);
        decl.alias.iter().for_each(|ty| self.ty(ty));
        decl.fields.iter().for_each(|field| self.ty(&field.ty));
        if let Some(title) = &decl.title {
            walk::string(title, &mut |outer| self.exprs(outer, decl));
        }
        for clause in &decl.clauses {
            if decl.kind == DeclKind::Profile {
                self.0.extend(clause.name.text.split('.').next().map(SmolStr::from));
            }
            if !is_of_words(clause.key) {
                self.value(&clause.value);
            }
            walk::exprs(&clause.value, &mut |outer| self.exprs(outer, decl));
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Names(names) => self.all(names),
            Value::Needs(needs) => {
                for need in needs {
                    match &need.kind {
                        NeedKind::Node { name, .. } => self.add(name),
                        NeedKind::Any(of) | NeedKind::Quorum { of, .. } => self.all(of),
                    }
                }
            }
            Value::Route(route) => {
                if let RouteOn::Event(event) = &route.on {
                    self.add(event);
                }
                self.add(&route.to);
            }
            Value::Evidence(evidence) => self.add(&evidence.hypothesis),
            Value::Steps(steps) => self.all(steps.iter().map(|step| &step.capability)),
            Value::Fields(fields) => fields.iter().for_each(|field| self.ty(&field.ty)),
            Value::Typed(typed) => typed.iter().for_each(|item| self.ty(&item.ty)),
            Value::Mock(mock) => {
                let (MockTarget::Task(name) | MockTarget::Capability(name)) = &mock.target;
                self.add(name);
                self.all(&mock.by);
            }
            Value::Override(value) => self.value(value),
            Value::Decide(decide) => self.add(&decide.gate),
            _ => {}
        }
    }

    fn ty(&mut self, ty: &Type) {
        let mut ty = Some(ty);
        while let Some(here) = ty {
            ty = None;
            if let TypeKind::Named { name, arg, .. } = &here.kind {
                self.add(name);
                ty = arg.as_deref();
            }
        }
    }

    fn exprs(&mut self, outer: &dsl_syntax::ast::Expr, decl: &Decl) {
        walk::deep(outer, &mut |inner| match &inner.kind {
            ExprKind::Name(text) if own_member(decl, text).is_none() => self.0.push(text.clone()),
            ExprKind::Cast { ty, .. } => self.ty(ty),
            _ => {}
        });
    }
}
