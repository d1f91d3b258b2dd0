//! A file as chunks of whole blocks, edited in place.
//!
//! Promise: the chunks after any edits are those of a fresh split of the same text, and an edit looks only at the
//! chunks around it.

use std::ops::Range;
use std::sync::Arc;

use crate::split::{Chunker, blocks};

/// What a chunk has to know about the text above it in order to be parsed alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct ChunkContext {
    /// `Some(n)`: it starts inside a plan whose children are indented `n`.
    pub plan_indent: Option<u32>,
}

/// A run of whole blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// Shared with whoever keeps the chunk.
    pub text: Arc<str>,
    pub context: ChunkContext,
}

/// The text of a file, cut into chunks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Document {
    chunks: Vec<Chunk>,
}

impl Document {
    pub fn new(text: &str) -> Self {
        Self {
            chunks: chunks(text, ChunkContext::default()).collect(),
        }
    }

    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    pub fn text(&self) -> String {
        self.chunks.iter().map(|chunk| &*chunk.text).collect()
    }

    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.text.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The chunk that `offset` is in and where that chunk starts; the end of the text is in the last chunk.
    pub fn chunk_at(&self, offset: usize) -> Option<(usize, usize)> {
        let mut start = 0;
        for (index, chunk) in self.chunks.iter().enumerate() {
            if offset < start + chunk.text.len() || index + 1 == self.chunks.len() {
                return Some((index, start));
            }
            start += chunk.text.len();
        }
        None
    }

    /// Replaces a byte range by `new` and returns which chunks, by their new indices, are not those of before. A range
    /// beyond the text, or not between characters, is brought to the nearest place that is.
    pub fn edit(&mut self, range: Range<usize>, new: &str) -> Range<usize> {
        let Some((touched, _)) = self.chunk_at(range.start) else {
            *self = Self::new(new);
            return 0..self.chunks.len();
        };
        // Where a chunk starts is decided by the line before it and its first block, so the chunk before is safe.
        let first = touched.saturating_sub(1);
        let base: usize = self.chunks[..first].iter().map(|chunk| chunk.text.len()).sum();
        let total = self.len();
        let stop = range.end.clamp(range.start.min(total), total);
        // The old chunks from `first` on, up to the one the edit ends in.
        let mut old_end = first;
        let mut covered = base;
        while old_end < self.chunks.len() && (covered < stop || old_end <= touched) {
            covered += self.chunks[old_end].text.len();
            old_end += 1;
        }
        let mut text: String = self.chunks[first..old_end].iter().map(|chunk| &*chunk.text).collect();
        let start = floor(&text, range.start - base.min(range.start));
        let stop = floor(&text, stop - base).max(start);
        text.replace_range(start..stop, new);
        let replaced = self.settle(first, &mut old_end, text);
        // The chunk before the edited one was looked at and has seldom changed.
        let old = &self.chunks[first..old_end];
        let same = replaced.iter().zip(old).take_while(|(new, old)| new == old).count();
        let changed = first + same..first + replaced.len();
        self.chunks.splice(first..old_end, replaced);
        changed
    }

    /// The chunks of `text`, which replaces the chunks from `first` to `old_end`. As long as the last one could still
    /// grow or be cut differently, further old chunks are taken in.
    fn settle(&self, first: usize, old_end: &mut usize, mut text: String) -> Vec<Chunk> {
        let context = self.chunks[first].context;
        let mut take = 1;
        loop {
            let Some(next) = self.chunks.get(*old_end) else {
                return chunks(&text, context).collect();
            };
            // Look one chunk ahead: if a chunk starts where that one did, everything after it is as it was.
            let seam = text.len();
            text.push_str(&next.text);
            let mut cut = Vec::new();
            let mut at = 0;
            let mut met = false;
            for chunk in chunks(&text, context) {
                if at == seam && chunk.context == next.context {
                    met = true;
                    break;
                }
                at += chunk.text.len();
                cut.push(chunk);
            }
            if met {
                return cut;
            }
            *old_end += 1;
            // Doubling what is taken keeps the whole linear where boundaries never meet.
            for _ in 1..take {
                if let Some(more) = self.chunks.get(*old_end).filter(|_| *old_end + 1 < self.chunks.len()) {
                    text.push_str(&more.text);
                    *old_end += 1;
                }
            }
            take *= 2;
        }
    }
}

/// The nearest character boundary at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Cuts text that stands in `context` into chunks.
fn chunks(text: &str, context: ChunkContext) -> impl Iterator<Item = Chunk> + '_ {
    let mut chunker = Chunker::default();
    let mut blocks = blocks(text, context);
    let mut start = 0;
    let mut current = context;
    let mut done = text.is_empty();
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        for block in blocks.by_ref() {
            if chunker.starts_at(text, &block) {
                let chunk = Chunk {
                    text: text[start..block.start].into(),
                    context: current,
                };
                (start, current) = (block.start, block.context);
                return Some(chunk);
            }
        }
        done = true;
        Some(Chunk {
            text: text[start..].into(),
            context: current,
        })
    })
}
