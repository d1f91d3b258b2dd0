//! The diagnostics of one chunk: shape, names, types.
//!
//! Promise: editing the body of a task re-checks its chunk and what can see the change, nothing else. A chunk is
//! checked from its own tree, the file's scope, and its [`views`]: what the graph says about just the nodes that its
//! blocks mention. Absent: diagnostics about the graph as a whole ([`crate::problems`]) and about files.

mod about;
mod agents;
mod capabilities;
mod cx;
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
mod view;
mod work;

use std::sync::Arc;

use dsl_syntax::ast::{Block, Decl};
use dsl_syntax::table::DeclKind;

pub(crate) use agents::runner as runner_of_agent;
pub(crate) use capabilities::runner as runner_of_capability;
pub(crate) use cx::Cx;
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
pub(crate) use view::{Seen, View, views};

use crate::diagnostic::{BlockRef, Diag};
use crate::facts::Facts;
use crate::inputs::SourceChunk;
use crate::kept::Kept;
use crate::signatures::signatures;
use crate::slices::Slices;
use crate::trees::blocks;
use found::Here;

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
    cx.look_beyond();
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
