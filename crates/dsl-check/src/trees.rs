//! The trees of chunks, and what is read off them at once.
//!
//! A tree is many times as large as its text, and hardly anybody asks for it twice: it is kept only where the text is
//! being edited or somebody wants to know places in it. A cold check reads each chunk twice, for its [`outline`] and to
//! check it. Absent: meaning.

use std::borrow::Cow;
use std::sync::Arc;

use dsl_syntax::ast::{Block, Suppression};

use crate::inputs::{ChunkSource, SourceChunk};
use crate::kept::Kept;
use crate::signatures::{Mention, Shown, Sig, mentions, of_block};
use crate::words::{hash, words};

/// The blocks of a chunk, to be looked at now.
pub(crate) fn blocks(db: &dyn salsa::Database, chunk: SourceChunk) -> Cow<'_, [Arc<Block>]> {
    let source = chunk.source(db);
    if source.kept.is_some() || source.blocks.get().is_some() {
        Cow::Borrowed(parse(db, chunk))
    } else {
        Cow::Owned(read(source))
    }
}

/// The same, kept with the text for whoever asks next.
pub(crate) fn parse(db: &dyn salsa::Database, chunk: SourceChunk) -> &[Arc<Block>] {
    let source = chunk.source(db);
    source.blocks.get_or_init(|| read(source))
}

fn read(source: &ChunkSource) -> Vec<Arc<Block>> {
    let context = dsl_syntax::ChunkContext {
        plan_indent: source.plan_indent,
    };
    match &source.kept {
        Some(kept) => kept.read(&source.text, context),
        None => dsl_syntax::Reading::new(source.text.clone(), context).into_blocks(),
    }
}

/// What others want to know of a chunk before anything in it is checked.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Outline {
    /// Read it through [`crate::signatures::shown`], which is the same after most edits.
    pub shown: Arc<Shown>,
    /// For each block the names that it mentions.
    pub mentions: Box<[Arc<[Mention]>]>,
    /// The same names, hashed; sorted, each once.
    pub mentioned: Box<[u32]>,
    /// Every word of the text, hashed; sorted, each once.
    pub words: Box<[u32]>,
    /// Where each block starts in the chunk.
    pub starts: Box<[u32]>,
    /// With the index of the block that they stand in.
    pub suppressions: Box<[(u32, Suppression)]>,
}

/// What is read off one block.
#[derive(Debug)]
pub(crate) struct OfBlock {
    pub block: Arc<Block>,
    sig: Sig,
    mentions: Arc<[Mention]>,
    /// Every word of its text, hashed.
    pub words: Box<[u32]>,
}

impl OfBlock {
    fn new(block: &Arc<Block>, text: &str) -> Self {
        Self {
            block: block.clone(),
            sig: of_block(block),
            mentions: mentions(block),
            words: words(text),
        }
    }
}

#[salsa::tracked(returns(ref))]
pub(crate) fn outline(db: &dyn salsa::Database, chunk: SourceChunk) -> Outline {
    let source = chunk.source(db);
    let known = source.kept.as_deref().map(Kept::read_off).unwrap_or_default();
    let blocks = blocks(db, chunk);
    let mut start = 0;
    let starts: Box<[u32]> = blocks
        .iter()
        .map(|block| {
            let at = start;
            start += block.len;
            at
        })
        .collect();
    let of_block = |(block, &start): (&Arc<Block>, &u32)| {
        let mut known = known.iter();
        match known.find(|known| Arc::ptr_eq(&known.block, block)) {
            Some(known) => known.clone(),
            None => {
                let text = source.text.get(start as usize..(start + block.len) as usize);
                Arc::new(OfBlock::new(block, text.unwrap_or_default()))
            }
        }
    };
    let all: Vec<Arc<OfBlock>> = blocks.iter().zip(&starts).map(of_block).collect();
    let suppressions = (0..).zip(blocks.iter()).flat_map(|(index, block)| {
        let here = block.suppressions.iter();
        here.map(move |suppression| (index, suppression.clone()))
    });
    let each_once = |mut hashes: Vec<u32>| {
        // of runs that are sorted, which this is quick with
        hashes.sort();
        hashes.dedup();
        hashes.into_boxed_slice()
    };
    let mentioned = all.iter().flat_map(|of| &*of.mentions);
    let outline = Outline {
        shown: Arc::new(Shown::new(all.iter().map(|of| of.sig.clone()).collect())),
        mentions: all.iter().map(|of| of.mentions.clone()).collect(),
        mentioned: each_once(mentioned.map(|mention| hash(&mention.name)).collect()),
        words: each_once(all.iter().flat_map(|of| &*of.words).copied().collect()),
        starts,
        suppressions: suppressions.collect(),
    };
    if let Some(kept) = &source.kept {
        kept.keep_read_off(all);
    }
    outline
}
