//! Where blocks and chunks begin, seen from the lines alone.
//!
//! A block starts at a line at the margin, or at a node or a clause at the indentation of a plan's children. Chunks are
//! runs of whole blocks; where one ends depends on the text since its start and on nothing else, so that after an edit
//! the old boundaries come back a few blocks further on. Absent: tokens; nothing here needs to know what a string is.

use crate::ast::BlockKind;
use crate::document::ChunkContext;
use crate::lexer::{indentation, is_blank, line_end};
use crate::meant;
use crate::table::DeclKind;

/// A chunk may end at a block whose header says so once it has this many blocks, …
const CHUNK_BLOCKS_MIN: u32 = 8;
/// … one header in this many does, …
const CHUNK_BLOCKS_SPREAD: u32 = 8;
/// … and it does end at this many blocks, …
const CHUNK_BLOCKS_MAX: u32 = 32;
/// … or this many bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// A block's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BlockAt {
    pub kind: BlockKind,
    pub start: usize,
    /// What a chunk that starts here has to know.
    pub context: ChunkContext,
    /// The first line that is neither blank nor a comment; where there is none, the start.
    header: usize,
}

/// The blocks of `text`, which stands in `context`. They cover it; empty text has none.
pub(crate) fn blocks(text: &str, context: ChunkContext) -> Blocks<'_> {
    Blocks {
        bytes: text.as_bytes(),
        pos: 0,
        plan: context.plan_indent.map_or(Plan::Outside, Plan::Inside),
        after_node: context.plan_indent.is_some(),
        comments: Vec::new(),
        pending: (!text.is_empty()).then_some(BlockAt {
            kind: BlockKind::Other,
            start: 0,
            context,
            header: 0,
        }),
    }
}

/// Where the lines stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    Outside,
    /// Below a `plan` header, no line of its body seen yet.
    Opened,
    /// In a plan whose children have this indentation.
    Inside(u32),
}

struct Comment {
    start: usize,
    indent: u32,
}

/// Iterates over blocks; each is known to end only when the next one begins.
pub(crate) struct Blocks<'t> {
    bytes: &'t [u8],
    pos: usize,
    plan: Plan,
    /// A node of the plan has begun, so that a clause of the plan is a block of its own.
    after_node: bool,
    /// The comment lines right above.
    comments: Vec<Comment>,
    pending: Option<BlockAt>,
}

impl Iterator for Blocks<'_> {
    type Item = BlockAt;

    fn next(&mut self) -> Option<BlockAt> {
        while self.pos < self.bytes.len() {
            let start = self.pos;
            let end = line_end(self.bytes, start);
            self.pos = (end + 1).min(self.bytes.len());
            if let Some(block) = self.line(start, end) {
                // The text before the first header is a block only if there is any.
                let before = self.pending.replace(block).filter(|before| before.start < block.start);
                if before.is_some() {
                    return before;
                }
            }
        }
        self.pending.take()
    }
}

impl Blocks<'_> {
    /// Takes one line in; returns the block that begins with it or with the comments above it.
    fn line(&mut self, start: usize, end: usize) -> Option<BlockAt> {
        let line = &self.bytes[start..end];
        if is_blank(line) {
            self.comments.clear();
            return None;
        }
        let (indent, width) = indentation(line);
        if line[width] == b'#' {
            self.comments.push(Comment { start, indent });
            return None;
        }
        let comments = self.attached(indent);
        self.comments.clear();
        if matches!(line[width], b')' | b']' | b'}') {
            return None;
        }
        let kind = self.header(indent, &line[width..])?;
        let context = match self.plan {
            Plan::Inside(indent) => ChunkContext {
                plan_indent: Some(indent),
            },
            Plan::Outside | Plan::Opened => ChunkContext::default(),
        };
        Some(BlockAt {
            kind,
            start: comments.unwrap_or(start),
            context,
            header: start,
        })
    }

    /// Where the comments start that belong to a header with this indentation: those right above that are not deeper.
    /// Deeper ones may be lines of a script.
    fn attached(&self, indent: u32) -> Option<usize> {
        let attached = self
            .comments
            .iter()
            .rev()
            .take_while(|comment| comment.indent <= indent);
        attached.last().map(|comment| comment.start)
    }

    /// What begins with a line at the margin.
    fn margin_header(&mut self, line: &[u8]) -> BlockKind {
        let declared = declares(line);
        if declared.is_none() && first_word(line) != b"use" {
            // A stray line in a plan must not cut off the nodes below it; clauses below it are its own.
            self.after_node = false;
            if self.plan == Plan::Opened {
                self.plan = Plan::Outside;
            }
            return BlockKind::Other;
        }
        self.after_node = false;
        self.plan = match (declared, self.plan) {
            (Some(DeclKind::Plan), _) => Plan::Opened,
            // Neither must a node that has lost its indentation: those below it keep theirs.
            (Some(kind), Plan::Inside(children)) if kind.is_node() => Plan::Inside(children),
            _ => Plan::Outside,
        };
        if declared.is_some() {
            BlockKind::Top
        } else {
            BlockKind::Use
        }
    }

    /// What begins with this line of code, if anything does.
    fn header(&mut self, indent: u32, line: &[u8]) -> Option<BlockKind> {
        if indent == 0 {
            return Some(self.margin_header(line));
        }
        if self.plan == Plan::Opened {
            self.plan = Plan::Inside(indent);
        }
        let Plan::Inside(children) = self.plan else {
            return None;
        };
        if indent > children {
            return None;
        }
        if declares(line).is_some_and(DeclKind::is_node) {
            self.after_node = true;
            return Some(BlockKind::PlanNode);
        }
        if indent == children && self.after_node {
            self.after_node = false;
            return Some(BlockKind::PlanRest);
        }
        None
    }
}

/// The letters the line starts with, unless they are a key (`task:`) or part of a longer word.
fn first_word(line: &[u8]) -> &[u8] {
    let len = line.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    match line.get(len) {
        None | Some(b' ' | b'\t' | b'\r' | b'"') => &line[..len],
        _ => &[],
    }
}

/// What the line declares, or is meant to: then the parser says how it is written.
fn declares(line: &[u8]) -> Option<DeclKind> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let word = text(first_word(line))?;
    DeclKind::from_keyword(word).or_else(|| meant::declaration(text(line)?).filter(|_| word != "use"))
}

/// Decides, block by block, where chunks end.
#[derive(Default)]
pub(crate) struct Chunker {
    start: usize,
    blocks: u32,
}

impl Chunker {
    /// Whether a new chunk starts at `block`. The decision needs nothing from before the current chunk.
    pub fn starts_at(&mut self, text: &str, block: &BlockAt) -> bool {
        let full = self.blocks >= CHUNK_BLOCKS_MAX || block.start - self.start >= CHUNK_BYTES;
        let chosen = self.blocks >= CHUNK_BLOCKS_MIN && {
            let header = &text.as_bytes()[block.header..line_end(text.as_bytes(), block.header)];
            fnv(header).is_multiple_of(CHUNK_BLOCKS_SPREAD)
        };
        let starts = self.blocks > 0 && (full || chosen);
        if starts {
            *self = Self {
                start: block.start,
                blocks: 0,
            };
        }
        self.blocks += 1;
        starts
    }
}

/// FNV-1a, folded: any fixed hash does.
fn fnv(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0x811c_9dc5u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    hash ^ (hash >> 16)
}
