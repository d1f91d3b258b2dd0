//! Which plans a file holds, and which blocks belong to each.
//!
//! Bare nodes make up the implicit plan of a file that has no other. Read from the thinnest part of signatures, so only
//! edits of names and of ties between nodes come here. Absent: edges ([`crate::graph`]).

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
    fn begin(&mut self, name: SmolStr, clauses: Vec<BlockRef>) {
        self.named.entry(name.clone()).or_insert(self.plans.len() as u32);
        self.plans.push(PlanBlocks {
            name,
            clauses,
            nodes: Nodes::default(),
        });
    }

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

/// How many plans begin before each chunk of a file, and in all of it: after most edits the same.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct PlansBefore {
    chunks: FxHashMap<SourceChunk, u32>,
    all: u32,
}

impl PlansBefore {
    /// For each block of the chunk the plan that it belongs to, and whether it is a node of it.
    pub fn owners<'a>(
        &self,
        chunk: SourceChunk,
        pieces: &'a [Piece],
    ) -> impl Iterator<Item = Option<(u32, bool)>> + use<'a> {
        let mut plans = self.chunks.get(&chunk).copied().unwrap_or_default();
        let has_plans = self.all > 0;
        pieces.iter().map(move |piece| match piece {
            Piece::Plan(_) => {
                plans += 1;
                Some((plans - 1, false))
            }
            Piece::PlanRest => Some((plans.checked_sub(1)?, false)),
            Piece::Node(node) if node.in_plan => Some((plans.checked_sub(1)?, true)),
            Piece::Node(_) => (!has_plans).then_some((0, true)),
            Piece::Other => None,
        })
    }
}

#[salsa::tracked(returns(ref))]
pub(crate) fn plans_before(db: &dyn salsa::Database, file: SourceFile) -> PlansBefore {
    let mut all = 0;
    let before = layout(db, file).iter().map(|(chunk, pieces)| {
        let before = all;
        all += pieces.iter().filter(|piece| matches!(piece, Piece::Plan(_))).count() as u32;
        (*chunk, before)
    });
    let chunks = before.collect();
    PlansBefore { chunks, all }
}

#[salsa::tracked(returns(ref))]
pub(crate) fn file_plans(db: &dyn salsa::Database, file: SourceFile) -> Arc<FilePlans> {
    let before = plans_before(db, file);
    let mut found = FilePlans::default();
    // of each plan
    let mut nodes: Vec<Vec<(BlockRef, Arc<Ties>)>> = vec![Vec::new(); before.all.max(1) as usize];
    for &(chunk, ref pieces) in layout(db, file) {
        found.first.insert(chunk, found.places.len() as u32);
        let owners = before.owners(chunk, pieces);
        for ((index, piece), owner) in (0..).zip(&**pieces).zip(owners) {
            let block = BlockRef { chunk, index };
            let node = match (piece, owner) {
                (Piece::Plan(name), _) => {
                    found.begin(name.clone(), vec![block]);
                    None
                }
                (Piece::Node(node), Some((plan, _))) => {
                    let nodes = &mut nodes[plan as usize];
                    nodes.push((block, node.clone()));
                    Some(nodes.len() as u32 - 1)
                }
                (Piece::Node(node), None) => {
                    found.stray.extend((!node.in_plan).then_some(block));
                    None
                }
                (Piece::PlanRest, Some((plan, _))) => {
                    found.plans[plan as usize].clauses.push(block);
                    None
                }
                (Piece::PlanRest, None) | (Piece::Other, _) => None,
            };
            found.places.push(owner.map(|(plan, _)| (plan, node)));
        }
    }
    if found.plans.is_empty() {
        found.begin(SmolStr::default(), Vec::new());
        found.named = FxHashMap::from_iter([(implicit_name(file.path(db)), 0)]);
    }
    for (plan, nodes) in found.plans.iter_mut().zip(nodes) {
        plan.nodes = nodes.into();
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
