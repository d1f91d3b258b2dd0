//! Which plans a file holds, and which blocks belong to each.
//!
//! Bare nodes make up the implicit plan of a file that has no other. Read from the thinnest part of signatures, so only edits of names
//! and of ties between nodes come here. Absent: edges ([`crate::graph`]).

use std::ops::Deref;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::diagnostic::BlockRef;
use crate::inputs::{SourceChunk, SourceFile};
use crate::scope::implicit_name;
use crate::signatures::{Piece, Ties, shown};

/// The plans of a file and their nodes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct FilePlans {
    pub plans: Vec<PlanBlocks>,
    /// By block of the file, the plan and the node that it holds.
    places: Vec<Option<(u32, Option<u32>)>>,
    /// Of plans with one name the first.
    named: FxHashMap<SmolStr, u32>,
    /// The first block of each chunk.
    first: FxHashMap<SourceChunk, u32>,
    /// Bare nodes although the file has plans.
    pub stray: Vec<BlockRef>,
}

impl FilePlans {
    /// The number of the plan of that name; an implicit one is named after its file.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.named.get(name).map(|&at| at as usize)
    }

    /// The plan that a block belongs to, and the node that it holds.
    pub fn place(&self, block: BlockRef) -> Option<(u32, Option<u32>)> {
        let first = self.first.get(&block.chunk)?;
        *self.places.get((first + block.index) as usize)?
    }

    /// The same of a chunk's first blocks.
    pub fn places(&self, chunk: SourceChunk, count: usize) -> &[Option<(u32, Option<u32>)>] {
        let first = self.first.get(&chunk).map(|&first| first as usize);
        let of_chunk = first.and_then(|first| self.places.get(first..first + count));
        of_chunk.unwrap_or_default()
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PlanBlocks {
    /// Empty where the header is broken; of an implicit plan too.
    pub name: SmolStr,
    /// The header and the clauses after nodes; none for the implicit plan.
    pub clauses: Vec<BlockRef>,
    pub nodes: Nodes,
}

/// The nodes of a plan and how they are tied, shared with its graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Nodes(Arc<Vec<(BlockRef, Arc<Ties>)>>);

impl Deref for Nodes {
    type Target = [(BlockRef, Arc<Ties>)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Nodes {
    type Item = &'a (BlockRef, Arc<Ties>);
    type IntoIter = std::slice::Iter<'a, (BlockRef, Arc<Ties>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl From<Vec<(BlockRef, Arc<Ties>)>> for Nodes {
    fn from(nodes: Vec<(BlockRef, Arc<Ties>)>) -> Self {
        Self(Arc::new(nodes))
    }
}

/// The blocks of each chunk of a file.
#[salsa::tracked(returns(ref))]
fn layout(db: &dyn salsa::Database, file: SourceFile) -> Box<[(SourceChunk, Arc<[Piece]>)]> {
    let chunks = file.chunks(db).iter();
    chunks.map(|&chunk| (chunk, shown(db, chunk).pieces.clone())).collect()
}

#[salsa::tracked(returns(ref))]
pub(crate) fn file_plans(db: &dyn salsa::Database, file: SourceFile) -> Arc<FilePlans> {
    let mut found = FilePlans::default();
    let mut bare = Vec::new();
    // of each plan
    let mut nodes: Vec<Vec<(BlockRef, Arc<Ties>)>> = Vec::new();
    for &(chunk, ref pieces) in layout(db, file) {
        found.first.insert(chunk, found.places.len() as u32);
        for (index, piece) in pieces.iter().enumerate() {
            let block = BlockRef {
                chunk,
                index: index as u32,
            };
            let mut place = None;
            match piece {
                Piece::Plan(name) => {
                    let at = found.plans.len() as u32;
                    place = Some((at, None));
                    found.named.entry(name.clone()).or_insert(at);
                    found.plans.push(PlanBlocks {
                        name: name.clone(),
                        clauses: vec![block],
                        nodes: Nodes::default(),
                    });
                    nodes.push(Vec::new());
                }
                Piece::PlanRest => {
                    let at = found.plans.len() as u32;
                    if let Some(plan) = found.plans.last_mut() {
                        plan.clauses.push(block);
                        place = Some((at - 1, None));
                    }
                }
                Piece::Node(node) if node.in_plan => {
                    let at = found.plans.len() as u32;
                    if let Some(nodes) = nodes.last_mut() {
                        place = Some((at - 1, Some(nodes.len() as u32)));
                        nodes.push((block, node.clone()));
                    }
                }
                Piece::Node(node) => bare.push((found.places.len(), block, node.clone())),
                Piece::Other => {}
            }
            found.places.push(place);
        }
    }
    for (plan, nodes) in found.plans.iter_mut().zip(nodes) {
        plan.nodes = nodes.into();
    }
    if found.plans.is_empty() {
        for (index, (at, ..)) in bare.iter().enumerate() {
            found.places[*at] = Some((0, Some(index as u32)));
        }
        found.plans.push(PlanBlocks {
            name: SmolStr::default(),
            clauses: Vec::new(),
            nodes: bare
                .into_iter()
                .map(|(_, block, node)| (block, node))
                .collect::<Vec<_>>()
                .into(),
        });
        found.named.insert(implicit_name(file.path(db)), 0);
    } else {
        found.stray = bare.into_iter().map(|(_, block, _)| block).collect();
    }
    Arc::new(found)
}

/// A plan without its nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// Empty where the header is broken; of an implicit plan too.
    pub name: SmolStr,
    pub clauses: Vec<BlockRef>,
}

/// The plans of a file: after an edit of a node, the same as before.
#[salsa::tracked(returns(ref))]
pub(crate) fn headers(db: &dyn salsa::Database, file: SourceFile) -> Vec<Header> {
    let plans = file_plans(db, file).plans.iter();
    let header = |plan: &PlanBlocks| Header {
        name: plan.name.clone(),
        clauses: plan.clauses.clone(),
    };
    plans.map(header).collect()
}
