//! Policies: what plans must satisfy. Which bind a plan, and what the plan does against them.
//!
//! Promise: editing a task compiles no policy, and editing a policy checks no task. A policy is compiled from its own
//! block only ([`compile`]); plans are judged by graphs, facts and signatures only ([`judge`]), so their places are
//! symbolic. A plan whose graph has mistakes is judged by nothing that depends on the graph. Absent: enforcing anything
//! while a plan runs.

mod attributes;
mod calls;
mod compile;
mod conditions;
mod effects;
mod flows;
mod judge;
mod limits;
mod model;
mod names;
mod passes;
mod patterns;
mod problems;
mod subject;
mod words;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use dsl_syntax::ast::Item;

pub(crate) use attributes::ATTRIBUTES;
pub use attributes::attribute_table;
pub(crate) use calls::{PlanAt, fan_outs};
pub(crate) use compile::Compiler;
pub(crate) use limits::bounds_of;
pub(crate) use model::{Policy, What};
pub(crate) use names::{Names, has_plans, known};
pub(crate) use problems::{policy_problems, policy_problems_of_nodes, policy_problems_under};

use crate::check::kinds;
use crate::diagnostic::BlockRef;
use crate::imports::{declarations, visible};
use crate::inputs::{Project, SourceChunk, SourceFile};
use crate::plans::headers;
use crate::signatures::{Sig, signatures};
use crate::trees::blocks;
use crate::types::Report;
use judge::{Judge, Of, Tri};
use subject::Subject;

/// A policy and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct PolicyAt {
    pub block: BlockRef,
    pub policy: Arc<Policy>,
}

/// The policies of a chunk, each with its block's index. Read from the text alone.
#[salsa::tracked(returns(ref))]
pub(crate) fn compiled(db: &dyn salsa::Database, chunk: SourceChunk) -> Vec<(u32, Arc<Policy>)> {
    let is_policy = |sig: &Sig| matches!(sig, Sig::Policy(_));
    if !signatures(db, chunk).iter().any(is_policy) {
        return Vec::new();
    }
    let kinds = kinds(db);
    let text = chunk.text(db);
    let mut start = 0;
    let mut found = Vec::new();
    for (index, block) in (0..).zip(blocks(db, chunk).iter()) {
        let end = start + block.len as usize;
        if let Some(Item::Decl(decl)) = &block.item
            && decl.kind == dsl_syntax::table::DeclKind::Policy
            && let Some(name) = &decl.name
        {
            // what is wrong is reported where the chunk is checked
            let mut compiler = Compiler {
                text: text.get(start..end).unwrap_or_default(),
                kinds: &kinds,
                report: &mut Report::default(),
            };
            found.push((index, Arc::new(compiler.policy(decl, name.text.clone()))));
        }
        start = end;
    }
    found
}

/// The policies in whose reach a file is: its own, those of the files that it imports, directly or not, and those of
/// the settings.
#[salsa::tracked(returns(ref))]
pub(crate) fn policies_in_reach(db: &dyn salsa::Database, file: SourceFile) -> Vec<PolicyAt> {
    let mut found = Vec::new();
    if !has_policies(db) {
        // as in most workspaces: what is imported by what is imported need not be looked at
        return found;
    }
    let mut seen = HashSet::from([file]);
    let mut queue = VecDeque::from([file]);
    for &everywhere in settings_files(db) {
        if seen.insert(everywhere) {
            queue.push_back(everywhere);
        }
    }
    while let Some(at) = queue.pop_front() {
        for (block, sig) in declarations(db, at).iter() {
            if let Sig::Policy(_) = sig {
                let of_chunk = compiled(db, block.chunk);
                let policy = of_chunk.iter().find(|(index, _)| *index == block.index);
                found.extend(policy.map(|(_, policy)| PolicyAt {
                    block: *block,
                    policy: policy.clone(),
                }));
            }
        }
        let imported = visible(db, at).files.iter().copied();
        queue.extend(imported.filter(|next| seen.insert(*next)));
    }
    found
}

/// Whether any file declares a policy.
#[salsa::tracked(returns(copy))]
pub(crate) fn has_policies(db: &dyn salsa::Database) -> bool {
    let project = Project::get(db);
    let mut files = project.files(db).values();
    files.any(|&file| {
        declarations(db, file)
            .iter()
            .any(|(_, sig)| matches!(sig, Sig::Policy(_)))
    })
}

/// The files that `policies` of the settings names.
#[salsa::tracked(returns(ref))]
pub(crate) fn settings_files(db: &dyn salsa::Database) -> Vec<SourceFile> {
    let project = Project::get(db);
    let config = project.config(db);
    if config.policies.is_empty() {
        return Vec::new();
    }
    let root = project.root(db);
    let files = project.files(db).iter();
    files
        .filter(|(path, _)| path.strip_prefix(root).is_ok_and(|path| config.is_policy_file(path)))
        .map(|(_, file)| *file)
        .collect()
}

/// The policies that bind each plan of a file.
#[salsa::tracked(returns(ref))]
fn bindings(db: &dyn salsa::Database, file: SourceFile) -> Vec<Vec<PolicyAt>> {
    let policies = policies_in_reach(db, file);
    if policies.is_empty() {
        return Vec::new();
    }
    let of_plan = |at| {
        let Some(subject) = Subject::new(db, PlanAt { file, at }) else {
            return Vec::new();
        };
        binding(&subject, policies).into_iter().cloned().collect()
    };
    (0..headers(db, file).len()).map(of_plan).collect()
}

/// Those of the policies that bind a plan.
fn binding<'s, 'p>(subject: &'s Subject<'s>, policies: &'p [PolicyAt]) -> Vec<&'p PolicyAt> {
    let judge = Judge::new(subject, flows::Flows::none());
    let binds = |at: &&PolicyAt| match &at.policy.applies {
        Some(applies) => judge.holds(applies, Of::Plan) == Tri::Yes,
        None => true,
    };
    policies.iter().filter(binds).collect()
}

/// The policies that bind a plan.
fn policies_of(db: &dyn salsa::Database, plan: PlanAt) -> &[PolicyAt] {
    bindings(db, plan.file).get(plan.at).map_or(&[], Vec::as_slice)
}

/// Where the policies stand that bind a plan of the file.
pub(crate) fn blocks_of(db: &dyn salsa::Database, file: SourceFile, at: usize) -> Vec<BlockRef> {
    let policies = policies_of(db, PlanAt { file, at });
    policies.iter().map(|at| at.block).collect()
}
