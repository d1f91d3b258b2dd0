//! What a chunk can see of the graph of its file: the firewall between edits of the graph and what blocks know of it.
//!
//! It is made again after every edit of the graph, which takes a few numbers, and is the same as before unless something changed that a
//! node of the chunk waits for, directly or not, or that has a name which the chunk mentions. Promise: whatever is asked about the
//! chunk's own nodes and their needs, routes and mentions has the same answer while this is the same; nothing else may be asked of it.

use std::sync::Arc;

use crate::diagnostic::BlockRef;
use crate::graph::{Topology, mix, topologies};
use crate::inputs::SourceChunk;
use crate::plans::{FilePlans, file_plans};
use crate::trees::outline;

#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub layout: Arc<FilePlans>,
    pub topologies: Arc<Vec<Arc<Topology>>>,
    /// The plan that each block is a part of, and whether it is a node of it.
    places: Box<[Option<(u32, bool)>]>,
    /// The plans that these are parts of, each once.
    pub plans: Box<[u32]>,
    /// Of all that can be seen.
    key: u64,
}

impl PartialEq for Around {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.places == other.places
    }
}

impl Around {
    /// For each block that holds a node, the plan that it belongs to.
    pub fn plans_of_nodes(&self) -> impl Iterator<Item = Option<u32>> {
        self.places.iter().map(|place| match place {
            Some((plan, true)) => Some(*plan),
            _ => None,
        })
    }
}

#[salsa::tracked(returns(ref))]
pub(crate) fn around(db: &dyn salsa::Database, chunk: SourceChunk) -> Around {
    let file = chunk.file(db);
    let layout = file_plans(db, file);
    let topologies = topologies(db, file);
    let outline = outline(db, chunk);
    let mut key = 0;
    let mut plans: Vec<u32> = Vec::new();
    let place = |index: u32| {
        let (plan, node) = layout.place(BlockRef { chunk, index })?;
        let topology = &topologies[plan as usize];
        if !plans.contains(&plan) {
            plans.push(plan);
        }
        match node {
            Some(node) => key = mix(key, topology.key(node)),
            // what it reads has completed or not, whatever waits for it
            None => {
                let mentions = outline.mentions[index as usize].iter();
                for mention in mentions.filter(|mention| mention.is_read) {
                    let known = topology.index.get(&mention.name);
                    key = mix(key, known.map_or(0, |&node| topology.key(node)));
                }
            }
        }
        Some((plan, node.is_some()))
    };
    let places = (0..outline.mentions.len() as u32).map(place).collect();
    for &plan in &plans {
        let topology = &topologies[plan as usize];
        key = outline
            .mentioned
            .iter()
            .fold(key, |key, &name| mix(key, topology.names_like(name)));
    }
    Around {
        layout: layout.clone(),
        topologies: topologies.clone(),
        places,
        plans: plans.into(),
        key,
    }
}
