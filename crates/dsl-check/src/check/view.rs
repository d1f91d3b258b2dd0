//! What a block may know of the nodes that it mentions: what the graph says about just these.
//!
//! This is what keeps a change of the graph from re-checking blocks that cannot see it. Absent: types.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::around::{Around, around};
use crate::diagnostic::BlockRef;
use crate::graph::{Access, Requirement, Topology, sig_of, topologies};
use crate::inputs::SourceChunk;
use crate::plans::{PlanBlocks, file_plans};
use crate::scope::scope;
use crate::signatures::{Mention, NodeSig, Sig, signatures};
use crate::trees::outline;

/// What a block may know of the nodes that it mentions.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct View {
    /// The plan of the file that the block belongs to, or is about.
    pub plan: u32,
    /// By name.
    pub nodes: Vec<(SmolStr, Seen)>,
    /// Needs of the node that another of its needs implies, each with that other.
    pub redundant: Vec<(SmolStr, SmolStr)>,
    /// Members of an `any(…)` of the node, each with another that may complete just as well.
    pub racing: Vec<(SmolStr, SmolStr)>,
    /// What of an `any(…)` or a quorum of the node is read.
    pub choices: Vec<Choice>,
}

/// Members of a quorum of which at least so many have completed.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Choice {
    pub sure: usize,
    pub members: Vec<SmolStr>,
}

/// What is not read is seen as if it were always there.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Seen {
    pub sig: Arc<NodeSig>,
    pub access: Access,
    pub error: Access,
}

impl View {
    pub fn get(&self, name: &str) -> Option<(u32, &Seen)> {
        let at = self
            .nodes
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
            .ok()?;
        Some((at as u32, &self.nodes[at].1))
    }
}

/// One for each block of the chunk. This is what keeps a change of the graph from re-checking blocks that cannot see
/// it: the graph is asked only what the block reads, and only when something around the chunk's nodes has changed.
#[salsa::tracked(returns(ref))]
pub(crate) fn views(db: &dyn salsa::Database, chunk: SourceChunk) -> Vec<View> {
    let Around { layout, topologies, .. } = around(db, chunk);
    let sigs = signatures(db, chunk);
    let nodes = |plan: u32| Nodes {
        db,
        topology: &topologies[plan as usize],
        blocks: &layout.plans[plan as usize],
        here: (chunk, sigs),
    };
    let view = |index: u32, mentions: &[Mention]| {
        let block = BlockRef { chunk, index };
        match &sigs[index as usize] {
            Sig::Test { of, .. } | Sig::Profile { of, .. } => about(db, chunk, of, mentions).unwrap_or_default(),
            _ => match layout.place(block) {
                Some((plan, Some(node))) => of_node(&nodes(plan), plan, node, mentions),
                Some((plan, None)) => of_clauses(&nodes(plan), plan, mentions),
                None => View::default(),
            },
        }
    };
    (0..)
        .zip(&outline(db, chunk).mentions)
        .map(|(index, mentions)| view(index, mentions))
        .collect()
}

/// The nodes of a plan.
struct Nodes<'db> {
    db: &'db dyn salsa::Database,
    topology: &'db Topology,
    blocks: &'db PlanBlocks,
    /// The chunk of whoever looks, where most of the nodes stand that it mentions.
    here: (SourceChunk, &'db [Sig]),
}

impl Nodes<'_> {
    fn sig(&self, node: u32) -> Option<&Arc<NodeSig>> {
        let block = self.blocks.nodes[node as usize].0;
        match self.here {
            (chunk, sigs) if chunk == block.chunk => match sigs.get(block.index as usize)? {
                Sig::Node { sig, .. } => Some(sig),
                _ => None,
            },
            _ => sig_of(self.db, block),
        }
    }
}

/// What a block may know that is about another plan.
fn about(db: &dyn salsa::Database, chunk: SourceChunk, of: &Option<SmolStr>, mentions: &[Mention]) -> Option<View> {
    let name = of.as_ref()?;
    let shape = scope(db, chunk.file(db)).about(name)?;
    let plans = file_plans(db, shape.file);
    let at = plans.named(&shape.plan.name)?;
    let nodes = Nodes {
        db,
        topology: topologies(db, shape.file).get(at)?,
        blocks: plans.plans.get(at)?,
        here: (chunk, signatures(db, chunk)),
    };
    Some(View {
        nodes: seen(&nodes, mentions, |_, _| (Access::Always, Access::Always)),
        ..View::default()
    })
}

/// Of what is not read it does not matter whether it is there.
fn of_node(nodes: &Nodes<'_>, plan: u32, node: u32, mentions: &[Mention]) -> View {
    let graph = nodes.topology;
    let nodes = seen(nodes, mentions, |other, mention| {
        let access = if mention.is_read {
            graph.access(node, other)
        } else {
            Access::Always
        };
        let error = if mention.error_is_read {
            graph.error_access(node, other)
        } else {
            Access::Always
        };
        (access, error)
    });
    let name = |node: u32| graph.ties[node as usize].name.clone();
    let names = |(need, other)| (name(need), name(other));
    let is_read = |member: u32| {
        let name = &graph.ties[member as usize].name;
        let found = mentions.binary_search_by(|mention| mention.name.cmp(name));
        found.is_ok_and(|at| mentions[at].is_read)
    };
    let choice = |requirement: &Requirement| {
        let Requirement::Quorum { count, of } = requirement else {
            return None;
        };
        let members: Vec<SmolStr> = of.iter().copied().filter(|on| is_read(*on)).map(name).collect();
        let sure = (*count as usize).saturating_sub(of.len() - members.len());
        (sure > 0).then_some(Choice { sure, members })
    };
    View {
        plan,
        nodes,
        choices: graph.requirements(node).iter().filter_map(choice).collect(),
        redundant: graph.redundant_needs(node).into_iter().map(names).collect(),
        racing: graph.racing_needs(node, is_read).into_iter().map(names).collect(),
    }
}

fn of_clauses(nodes: &Nodes<'_>, plan: u32, mentions: &[Mention]) -> View {
    let graph = nodes.topology;
    let nodes = seen(nodes, mentions, |other, mention| {
        let access = if !mention.is_read || graph.is_certain(other) {
            Access::Always
        } else {
            Access::Maybe
        };
        (access, Access::Maybe)
    });
    View {
        plan,
        nodes,
        ..View::default()
    }
}

fn seen(
    nodes: &Nodes<'_>,
    mentions: &[Mention],
    access: impl Fn(u32, &Mention) -> (Access, Access),
) -> Vec<(SmolStr, Seen)> {
    let of_mention = |mention: &Mention| {
        let at = nodes.topology.find(&mention.name)?;
        let (access, error) = access(at, mention);
        let sig = nodes.sig(at)?.clone();
        Some((mention.name.clone(), Seen { sig, access, error }))
    };
    mentions.iter().filter_map(of_mention).collect()
}
