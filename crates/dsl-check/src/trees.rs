//! The trees of chunks, and what is read off them at once.
//!
//! A tree is many times as large as its text, and hardly anybody asks for it twice: it is kept only where the text is
//! being edited or somebody wants to know places in it. A cold check reads each chunk twice, for its [`outline`] and to
//! check it. Absent: meaning.

use std::borrow::Cow;
use std::sync::Arc;

use dsl_syntax::ast::{Block, Suppression};

use crate::inputs::SourceChunk;
use crate::signatures::{Mention, Shown, mentions, of_block};
use crate::words::{hash, words};

/// The blocks of a chunk, to be looked at now.
pub(crate) fn blocks(db: &dyn salsa::Database, chunk: SourceChunk) -> Cow<'_, [Block]> {
    if chunk.source(db).is_edited {
        Cow::Borrowed(parse(db, chunk))
    } else {
        Cow::Owned(read(db, chunk))
    }
}

/// The same, kept for whoever asks next.
#[salsa::tracked(returns(deref))]
pub(crate) fn parse(db: &dyn salsa::Database, chunk: SourceChunk) -> Vec<Block> {
    read(db, chunk)
}

fn read(db: &dyn salsa::Database, chunk: SourceChunk) -> Vec<Block> {
    let source = chunk.source(db);
    let context = dsl_syntax::ChunkContext {
        plan_indent: source.plan_indent,
    };
    dsl_syntax::parse_chunk(&source.text, context)
}

/// What others want to know of a chunk before anything in it is checked.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Outline {
    /// Read it through [`crate::signatures::shown`], which is the same after most edits.
    pub shown: Arc<Shown>,
    /// For each block the names that it mentions.
    pub mentions: Box<[Box<[Mention]>]>,
    /// The same names, hashed; sorted, each once.
    pub mentioned: Box<[u32]>,
    /// Every word of the text, hashed; sorted, each once.
    pub words: Box<[u32]>,
    /// Where each block starts in the chunk.
    pub starts: Box<[u32]>,
    /// With the index of the block that they stand in.
    pub suppressions: Box<[(u32, Suppression)]>,
}

#[salsa::tracked(returns(ref))]
pub(crate) fn outline(db: &dyn salsa::Database, chunk: SourceChunk) -> Outline {
    let blocks = blocks(db, chunk);
    let mut start = 0;
    let starts = blocks.iter().map(|block| {
        let at = start;
        start += block.len;
        at
    });
    let suppressions = (0..).zip(blocks.iter()).flat_map(|(index, block)| {
        let here = block.suppressions.iter();
        here.map(move |suppression| (index, suppression.clone()))
    });
    let mentions: Box<[_]> = blocks.iter().map(mentions).collect();
    let mut mentioned: Vec<u32> = mentions.iter().flatten().map(|mention| hash(&mention.name)).collect();
    mentioned.sort_unstable();
    mentioned.dedup();
    Outline {
        shown: Arc::new(Shown::new(blocks.iter().map(of_block).collect())),
        mentions,
        mentioned: mentioned.into(),
        words: words(chunk.text(db)),
        starts: starts.collect(),
        suppressions: suppressions.collect(),
    }
}
