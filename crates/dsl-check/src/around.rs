//! What a chunk can see of the graph of its file: the firewall between edits of the graph and what blocks know of it.
//!
//! It is made again after every edit of the graph, which takes a few numbers, and is the same as before unless
//! something changed that a node of the chunk waits for, directly or not, or that has a name which the chunk mentions.
//! Promise: whatever is asked about the chunk's own nodes and their needs, routes and mentions has the same answer
//! while this is the same; nothing else may be asked of it.

use std::sync::Arc;

use crate::graph::{Topology, topologies};
use crate::hashed::mix;
use crate::inputs::SourceChunk;
use crate::plans::{FilePlans, file_plans, plans_before};
use crate::signatures::shown;
use crate::trees::outline;

/// Which plans the blocks of a chunk are parts of: seldom another one after an edit of the graph.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct PlansHere {
    /// The plan of each block, and whether it is a node of it.
    of_blocks: Box<[Option<(u32, bool)>]>,
    /// The same plans, each once.
    pub all: Box<[u32]>,
}

impl PlansHere {
    /// For each block that holds a node, the plan that it belongs to.
    pub fn of_nodes(&self) -> impl Iterator<Item = Option<u32>> {
        self.of_blocks.iter().map(|place| match place {
            Some((plan, true)) => Some(*plan),
            _ => None,
        })
    }
}

#[salsa::tracked(returns(ref))]
pub(crate) fn plans_here(db: &dyn salsa::Database, chunk: SourceChunk) -> PlansHere {
    let before = plans_before(db, chunk.file(db));
    let of_blocks: Box<[_]> = before.owners(chunk, &shown(db, chunk).pieces).collect();
    let mut all: Vec<u32> = of_blocks.iter().flatten().map(|(plan, _)| *plan).collect();
    all.dedup();
    PlansHere {
        of_blocks,
        all: all.into(),
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub layout: Arc<FilePlans>,
    pub topologies: Arc<Vec<Arc<Topology>>>,
    /// Of all that can be seen.
    key: u64,
}

impl PartialEq for Around {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

#[salsa::tracked(returns(ref))]
pub(crate) fn around(db: &dyn salsa::Database, chunk: SourceChunk) -> Around {
    let file = chunk.file(db);
    let layout = file_plans(db, file);
    let topologies = topologies(db, file);
    let outline = outline(db, chunk);
    let mut key = 0;
    let places = layout.places(chunk, outline.mentions.len());
    for (place, mentions) in places.iter().zip(&outline.mentions) {
        key = mix(key, place.map_or(0, |(plan, _)| u64::from(plan) + 1));
        match *place {
            Some((plan, Some(node))) => key = mix(key, topologies[plan as usize].key(node)),
            // what it reads has completed or not, whatever waits for it
            Some((plan, None)) => {
                let topology = &topologies[plan as usize];
                for mention in mentions.iter().filter(|mention| mention.is_read) {
                    let known = topology.find(&mention.name);
                    key = mix(key, known.map_or(0, |node| topology.key(node)));
                }
            }
            None => {}
        }
    }
    for &plan in &plans_here(db, chunk).all {
        let topology = &topologies[plan as usize];
        let names = outline.mentioned.iter();
        key = names.fold(key, |key, &name| mix(key, topology.names_like(name)));
    }
    Around {
        layout: layout.clone(),
        topologies: topologies.clone(),
        key,
    }
}
