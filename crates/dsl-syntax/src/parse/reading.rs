//! A chunk as it was read, for when it is read again: blocks whose text is the same are not read twice.
//!
//! Promise: what a text is read as does not depend on what was read before. Absent: which texts are read again.

use std::ops::Range;
use std::sync::Arc;

use super::{Parser, ends_in_bar, once_a_run};
use crate::ast::{Block, BlockKind};
use crate::document::ChunkContext;
use crate::grammar::Grammar;
use crate::source::{Toks, source};
use crate::split::blocks;

/// The blocks of a chunk, each as it is by itself.
#[derive(Debug)]
pub struct Reading {
    text: Arc<str>,
    blocks: Vec<Read>,
}

#[derive(Clone, Debug)]
struct Read {
    place: Place,
    /// Its last line is a key whose text should stand below.
    awaits_text: bool,
    block: Arc<Block>,
}

/// Where a block stands, and all that it is read by beside its text.
#[derive(Clone, Debug)]
struct Place {
    kind: BlockKind,
    plan_indent: Option<u32>,
    text: Range<usize>,
}

impl Reading {
    pub fn new(text: Arc<str>, context: ChunkContext) -> Self {
        let before = Self {
            text: "".into(),
            blocks: Vec::new(),
        };
        before.again(text, context)
    }

    /// The same as [`Reading::new`], in less time where most blocks are as they were.
    #[must_use]
    pub fn again(&self, text: Arc<str>, context: ChunkContext) -> Self {
        let places = places(&text, context);
        let is_same = |(old, new): &(&Read, &Place)| {
            let by = |place: &Place| (place.kind, place.plan_indent);
            by(&old.place) == by(new) && self.text[old.place.text.clone()] == text[new.text.clone()]
        };
        let above = self.blocks.iter().zip(&places).take_while(is_same).count();
        let (old, new) = (&self.blocks[above..], &places[above..]);
        let below = old.iter().rev().zip(new.iter().rev()).take_while(is_same).count();
        let (between, rest) = new.split_at(new.len() - below);
        let moved = old[old.len() - below..].iter().zip(rest).map(|(read, place)| Read {
            place: place.clone(),
            ..read.clone()
        });
        let mut blocks = Vec::with_capacity(places.len());
        blocks.extend_from_slice(&self.blocks[..above]);
        read(&text, between, &mut blocks);
        blocks.extend(moved);
        Self { text, blocks }
    }

    /// The blocks beside each other, where one says what another need not. Their lengths add up to the text's.
    pub fn blocks(&self) -> Vec<Arc<Block>> {
        beside(self.blocks.iter().cloned())
    }

    /// The same, of what is not needed any more.
    pub fn into_blocks(self) -> Vec<Arc<Block>> {
        beside(self.blocks.into_iter())
    }
}

fn beside(all: impl Iterator<Item = Read>) -> Vec<Arc<Block>> {
    let (mut blocks, awaits_text): (Vec<_>, Vec<_>) = all.map(|read| (read.block, read.awaits_text)).unzip();
    once_a_run(&mut blocks, &awaits_text);
    blocks
}

fn places(text: &str, context: ChunkContext) -> Vec<Place> {
    let mut found: Vec<Place> = blocks(text, context)
        .map(|block| Place {
            kind: block.kind,
            plan_indent: block.context.plan_indent.filter(|_| block.kind == BlockKind::PlanNode),
            text: block.start..text.len(),
        })
        .collect();
    for next in 1..found.len() {
        found[next - 1].text.end = found[next].text.start;
    }
    found
}

fn read(text: &str, places: &[Place], found: &mut Vec<Read>) {
    let len: usize = places.iter().map(|place| place.text.len()).sum();
    let mut tokens = Toks::with_capacity(len / 5);
    let sources: Vec<_> = places
        .iter()
        .map(|place| source(&text[place.text.clone()], &mut tokens))
        .collect();
    let grammar = Grammar::new();
    found.extend(sources.into_iter().zip(places).map(|(source, place)| Read {
        awaits_text: ends_in_bar(&source, &tokens),
        block: Arc::new(Block {
            len: place.text.len() as u32,
            ..Parser::new(&text[place.text.clone()], &grammar, &tokens, source, place.plan_indent).block(place.kind)
        }),
        place: place.clone(),
    }));
}
