//! Names of nodes that a misspelt one may be meant for.
//!
//! In a small plan all of them, to be compared; in a large one those that differ by a slip of a finger, found by the
//! hashes of the names with one letter left out. These are kept by chunk and by some chunks together, so an edit of a
//! name makes only a few anew. Absent: choosing.

use std::hash::Hasher;

use rustc_hash::FxHasher;
use smol_str::SmolStr;

use crate::diagnostic::BlockRef;
use crate::graph::sig_of;
use crate::inputs::{SourceChunk, SourceFile};
use crate::plans::file_plans;
use crate::signatures::{NodeKind, Sig, signatures};

/// A misspelt name is compared with all names of a plan that has no more nodes.
const COMPARED_NODES_MAX: usize = 256;

/// So many chunks are looked through at once: after an edit of a name these are put together anew.
const GROUP_CHUNKS: usize = 32;

/// No name of a node that is longer has near ones.
const NAME_BYTES_MAX: usize = 64;

/// Names of nodes of a plan that may be meant by `name`, of the kinds that make sense.
pub(crate) fn nodes_near(
    db: &dyn salsa::Database,
    file: SourceFile,
    plan: u32,
    name: &str,
    makes_sense: impl Fn(NodeKind) -> bool,
) -> Vec<SmolStr> {
    let plans = file_plans(db, file);
    let Some(blocks) = plans.plans.get(plan as usize) else {
        return Vec::new();
    };
    if blocks.nodes.len() <= COMPARED_NODES_MAX {
        let nodes = blocks.nodes.iter().filter(|(_, sig)| makes_sense(sig.kind));
        let names = nodes.map(|(_, sig)| sig.name.clone());
        return names.filter(|name| !name.is_empty()).collect();
    }
    let wanted: Vec<u64> = with_a_letter_less(name).collect();
    let mut found = Vec::new();
    for group in 0..file.chunks(db).len().div_ceil(GROUP_CHUNKS) {
        let slips = slips_of_group(db, file, group as u32);
        let mut near: Vec<BlockRef> = wanted.iter().flat_map(|slip| of_hash(slips, *slip)).collect();
        near.sort_unstable_by_key(|block| plans.place(*block));
        near.dedup();
        for block in near {
            let is_of_plan = plans.place(block).is_some_and(|(of, _)| of == plan);
            if let Some(sig) = sig_of(db, block).filter(|sig| is_of_plan && makes_sense(sig.kind)) {
                found.push(sig.name.clone());
            }
        }
    }
    found
}

fn of_hash(slips: &[(u64, BlockRef)], hash: u64) -> impl Iterator<Item = BlockRef> {
    let from = slips.partition_point(|(slip, _)| *slip < hash);
    let same = slips[from..].iter().take_while(move |(slip, _)| *slip == hash);
    same.map(|(_, block)| *block)
}

/// The slips of some of the file's chunks together: a plan may have many misspelt names, and each is looked for in all of them.
#[salsa::tracked(returns(ref))]
fn slips_of_group(db: &dyn salsa::Database, file: SourceFile, group: u32) -> Box<[(u64, BlockRef)]> {
    let chunks = file.chunks(db).chunks(GROUP_CHUNKS).nth(group as usize);
    let mut found = Vec::new();
    for &chunk in chunks.unwrap_or_default() {
        let block = |index| BlockRef { chunk, index };
        found.extend(slips(db, chunk).iter().map(|(slip, index)| (*slip, block(*index))));
    }
    found.sort_by_key(|(slip, _)| *slip);
    found.into()
}

/// The blocks of a chunk that hold nodes, by what becomes of their names when at most one letter is left out; sorted.
#[salsa::tracked(returns(ref))]
fn slips(db: &dyn salsa::Database, chunk: SourceChunk) -> Box<[(u64, u32)]> {
    let mut found = Vec::new();
    for (index, sig) in (0..).zip(signatures(db, chunk)) {
        if let Sig::Node { sig, .. } = sig
            && !sig.name.is_empty()
        {
            found.extend(with_a_letter_less(&sig.name).map(|slip| (slip, index)));
        }
    }
    found.sort_unstable();
    found.into()
}

/// Hashes of the word and of all that it becomes when one letter is left out; none of a very long word.
fn with_a_letter_less(word: &str) -> impl Iterator<Item = u64> + '_ {
    let hash = |head: &str, tail: &str| {
        let mut hasher = FxHasher::default();
        for byte in head.bytes().chain(tail.bytes()) {
            hasher.write_u8(byte);
        }
        hasher.finish()
    };
    let letters = word.char_indices().take_while(|_| word.len() <= NAME_BYTES_MAX);
    let shorter = letters.map(move |(at, letter)| hash(&word[..at], &word[at + letter.len_utf8()..]));
    std::iter::once(hash(word, "")).chain(shorter)
}
