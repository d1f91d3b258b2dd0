//! Which plans a file holds, and which blocks belong to each.
//!
//! Bare nodes make up the implicit plan of a file that has no other. Absent: edges ([`crate::graph`]).

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::diagnostic::BlockRef;
use crate::inputs::SourceFile;
use crate::signatures::{NodeSig, Sig, signatures};

/// The plans of a file and their nodes.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct FilePlans {
    pub plans: Vec<PlanBlocks>,
    /// The plan and the node that a block holds.
    pub places: HashMap<BlockRef, (u32, Option<u32>)>,
    /// Bare nodes although the file has plans.
    pub stray: Vec<BlockRef>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct PlanBlocks {
    /// Empty where the header is broken; of an implicit plan too.
    pub name: SmolStr,
    /// The header and the clauses after nodes; none for the implicit plan.
    pub clauses: Vec<BlockRef>,
    pub nodes: Vec<(BlockRef, Arc<NodeSig>)>,
}

#[salsa::tracked(returns(ref))]
pub(crate) fn file_plans(db: &dyn salsa::Database, file: SourceFile) -> Arc<FilePlans> {
    let mut found = FilePlans::default();
    let mut bare = Vec::new();
    for &chunk in file.chunks(db) {
        for (index, sig) in signatures(db, chunk).iter().enumerate() {
            let block = BlockRef {
                chunk,
                index: index as u32,
            };
            match sig {
                Sig::Plan(plan) => {
                    found.places.insert(block, (found.plans.len() as u32, None));
                    found.plans.push(PlanBlocks {
                        name: plan.name.clone(),
                        clauses: vec![block],
                        nodes: Vec::new(),
                    });
                }
                Sig::PlanRest(_) => {
                    if let Some(plan) = found.plans.last_mut() {
                        plan.clauses.push(block);
                        found.places.insert(block, (found.plans.len() as u32 - 1, None));
                    }
                }
                Sig::Node(node) if node.in_plan => {
                    let at = found.plans.len() as u32;
                    if let Some(plan) = found.plans.last_mut() {
                        found.places.insert(block, (at - 1, Some(plan.nodes.len() as u32)));
                        plan.nodes.push((block, node.clone()));
                    }
                }
                Sig::Node(node) => bare.push((block, node.clone())),
                _ => {}
            }
        }
    }
    if found.plans.is_empty() {
        found.places.extend(
            bare.iter()
                .enumerate()
                .map(|(index, (block, _))| (*block, (0, Some(index as u32)))),
        );
        found.plans.push(PlanBlocks {
            name: SmolStr::default(),
            clauses: Vec::new(),
            nodes: bare,
        });
    } else {
        found.stray = bare.into_iter().map(|(block, _)| block).collect();
    }
    Arc::new(found)
}
