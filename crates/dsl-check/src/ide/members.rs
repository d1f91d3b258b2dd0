//! Where the members of an enumeration are written: two enumerations with the same members are one type, so the place that
//! says it best is taken.
//!
//! That is a type of that name, then what a gate or a task lists, then a type that is written in place; of several the
//! first. Only declarations and signatures are looked through. Absent: which enumeration is meant.

use std::collections::HashSet;

use dsl_syntax::ast::{self, Decl, Name, Span, Value};
use smol_str::SmolStr;

use super::declared::PlanAt;
use super::things::one_of;
use crate::analysis::Analysis;
use crate::diagnostic::{BlockRef, Place, Target};
use crate::graph::{BUILTIN_MODES, graphs};
use crate::imports::{declarations, visible};
use crate::inputs::SourceFile;
use crate::places::decl_of;
use crate::plans::file_plans;
use crate::scope::scope;
use crate::signatures::{FieldSig, NodeSig, Sig};

impl Analysis {
    /// Where the member of that name of an enumeration is written, as a file and one of its plans see it. `all` is sorted.
    pub(super) fn place_of_member(
        &self,
        file: SourceFile,
        plan: Option<PlanAt>,
        all: &[SmolStr],
        name: &SmolStr,
    ) -> Option<Place> {
        let files = self.with_imports(file);
        let aliases = |sig: &Sig| matches!(sig, Sig::Type(ty) if ty.alias.as_ref().is_some_and(|ty| is_of(ty, all)));
        let in_place = |sig: &Sig| written(sig).any(|field| is_of(&field.ty, all));
        self.first_declared(&files, &aliases, all, name)
            .or_else(|| self.listed_in(plan?, all, name))
            .or_else(|| self.first_declared(&files, &in_place, all, name))
            .or_else(|| self.agent_of(file, all, name))
            .or_else(|| {
                let is_error = BUILTIN_MODES.iter().all(|mode| all.iter().any(|one| one == mode));
                is_error.then(|| self.mode_of_plan(plan?, name))?
            })
    }

    /// The first way to fail of that name that a task of the plan declares.
    pub(super) fn mode_of_plan(&self, plan: PlanAt, name: &str) -> Option<Place> {
        let block = self.first_node(plan, |sig| sig.modes.iter().any(|mode| mode == name))?;
        self.entry_of(block, name)
    }

    /// The file, and all that it imports, directly or not.
    fn with_imports(&self, file: SourceFile) -> Vec<SourceFile> {
        let mut seen = HashSet::from([file]);
        let mut all = vec![file];
        let mut next = 0;
        while let Some(&file) = all.get(next) {
            next += 1;
            let imported = visible(&self.db, file).files.iter().copied();
            all.extend(imported.filter(|file| seen.insert(*file)));
        }
        all
    }

    fn first_declared(
        &self,
        files: &[SourceFile],
        fits: &dyn Fn(&Sig) -> bool,
        all: &[SmolStr],
        name: &str,
    ) -> Option<Place> {
        let declared = files.iter().flat_map(|file| declarations(&self.db, *file).iter());
        let mut fitting = declared.filter(|(_, sig)| fits(sig));
        fitting.find_map(|(block, _)| self.written_in(*block, all, name))
    }

    /// The options of a gate, or an enumeration in the outputs of a task.
    fn listed_in(&self, plan: PlanAt, all: &[SmolStr], name: &str) -> Option<Place> {
        let lists = |sig: &NodeSig| is_same(sig.options.iter(), all);
        if let Some(gate) = self.first_node(plan, lists) {
            return self.entry_of(gate, name);
        }
        let gives = |sig: &NodeSig| sig.outputs.iter().flatten().any(|field| is_of(&field.ty, all));
        self.written_in(self.first_node(plan, gives)?, all, name)
    }

    fn first_node(&self, (file, plan): PlanAt, fits: impl Fn(&NodeSig) -> bool) -> Option<BlockRef> {
        let graph = graphs(&self.db, file).get(plan)?;
        let at = graph.nodes.iter().position(|sig| fits(sig))?;
        let (block, _) = file_plans(&self.db, file).plans.get(plan)?.nodes.get(at)?;
        Some(*block)
    }

    fn written_in(&self, block: BlockRef, all: &[SmolStr], name: &str) -> Option<Place> {
        let lists = types(decl_of(&self.db, block)?).into_iter().map(one_of);
        let mut fitting = lists.filter(|list| is_same(list.iter().map(|one| &one.text), all));
        let member = fitting.next()?.iter().find(|one| one.text == name)?;
        Some(Place::at(block, member.span))
    }

    /// `task.agent` is one of the agents that `by:` names.
    fn agent_of(&self, file: SourceFile, all: &[SmolStr], name: &SmolStr) -> Option<Place> {
        let agents = &scope(&self.db, file).agents;
        if !all.iter().all(|name| agents.contains_key(name)) {
            return None;
        }
        let block = self.block_of_name(file, crate::imports::Space::Agent, name)?;
        let target = Target::Name;
        Some(Place { block, target })
    }
}

/// The fields that a declaration shows.
fn written(sig: &Sig) -> Box<dyn Iterator<Item = &FieldSig> + '_> {
    match sig {
        Sig::Type(sig) => Box::new(sig.fields.iter()),
        Sig::Capability(sig) => Box::new(sig.input.iter().chain(&sig.output)),
        Sig::Plan(sig) | Sig::PlanRest(sig) => Box::new(sig.params.iter().chain(&sig.outputs).chain(&sig.memory)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The types that are written in a declaration, in order.
fn types(decl: &Decl) -> Vec<&ast::Type> {
    let of_clauses = decl.clauses.iter().flat_map(|clause| -> Vec<&ast::Type> {
        match &clause.value {
            Value::Fields(fields) => fields.iter().map(|field| &field.ty).collect(),
            Value::Typed(typed) => typed.iter().map(|item| &item.ty).collect(),
            _ => Vec::new(),
        }
    });
    let own = decl.alias.iter().chain(decl.fields.iter().map(|field| &field.ty));
    own.chain(of_clauses).collect()
}

/// Whether a name stands in an enumeration that is written where it is used.
pub(super) fn is_in_place(decl: &Decl, name: Span) -> bool {
    let lists = types(decl).into_iter().map(one_of);
    let mut lists = lists.skip(usize::from(decl.alias.is_some()));
    lists.any(|list| list.iter().any(|one| one.span == name))
}

fn is_of(ty: &ast::Type, all: &[SmolStr]) -> bool {
    let members: &[Name] = one_of(ty);
    is_same(members.iter().map(|member| &member.text), all)
}

/// Whether they are these, in whatever order.
fn is_same<'n>(members: impl Iterator<Item = &'n SmolStr>, all: &[SmolStr]) -> bool {
    let mut members: Vec<&SmolStr> = members.collect();
    members.sort_unstable();
    !members.is_empty() && members.into_iter().eq(all)
}
