//! What can be written at a place: clauses that fit there, names, members, functions, words.
//!
//! What is expected is read from the lines before the cursor, so it works while the text is broken; what there is to
//! offer comes from the same scopes that the checker uses. A name is not offered where it would close a loop, a clause not
//! where it would conflict. Absent: the protocol.
//!
//! - `line` reads one line: words, brackets, operands; `expected` says what the lines before the cursor ask for.
//! - `candidates` holds what is known there and what was found; `clauses`, `nodes`, `values`, `imports` and `expressions` find it.
//! - `reading` types what stands before a dot or a comparison; `words` are those of the language, with their meanings.

mod candidates;
mod clauses;
mod expected;
mod expressions;
mod imports;
pub(super) mod line;
mod nodes;
mod reading;
mod values;
pub(super) mod words;

use std::path::Path;

use dsl_syntax::ast::{Block, Item, Name, Span};
use dsl_syntax::table::ClauseKey as K;
use ir::types::Type;

use self::candidates::{Candidates, Written, word_of};
use self::clauses::declarations;
use self::expected::{Expected, expected};
use self::line::{beside, is_word};
use self::reading::{Reading, Sees};
use crate::analysis::Analysis;
use crate::diagnostic::BlockRef;
use crate::places::decl_of;

/// What can be written at a place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Completions {
    pub found: Vec<Completion>,
    /// There is more than this: it has to be asked again when more of the word is written.
    pub is_part: bool,
}

/// Something that can be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    pub label: String,
    pub kind: CompletionKind,
    /// Its type or title, on one line.
    pub detail: Option<String>,
    /// Markdown.
    pub doc: Option<String>,
    /// What is inserted in place of [`Completion::span`], if it is not the label.
    pub insert: Option<String>,
    /// The word that stands there already; the cursor is at its end or within it.
    pub span: Span,
    /// What comes first among its kind; those that are alike come by their labels.
    pub order: u32,
    /// It is what the place wants most likely: it comes before all others.
    pub fits: bool,
    /// By what [`Analysis::about_completion`] finds its documentation, where nobody has looked for it yet.
    pub about: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CompletionKind {
    Keyword,
    Clause,
    Node,
    Plan,
    Type,
    Capability,
    Agent,
    Hypothesis,
    Member,
    Group,
    Function,
    Word,
}

impl Completion {
    fn new(label: impl Into<String>, kind: CompletionKind, span: Span) -> Self {
        Self {
            label: label.into(),
            kind,
            detail: None,
            doc: None,
            insert: None,
            span,
            order: 0,
            fits: false,
            about: None,
        }
    }
}

/// Whether needs are being written behind the text of a block.
pub(super) fn writes_needs(before: &str, tree: &Block) -> bool {
    let decl = match &tree.item {
        Some(Item::Decl(decl)) => Some(decl),
        _ => None,
    };
    matches!(expected(before, decl), Expected::Needs)
}

impl Analysis {
    /// What can be written at an offset; nothing where anything can, as in a script.
    pub fn completions(&self, path: &Path, offset: u32) -> Completions {
        let Some((block, start, tree)) = self.block_at(path, offset) else {
            let found = declarations(Span::new(offset, offset));
            return Completions { found, is_part: false };
        };
        let in_chunk = crate::places::start_of(&self.db, block);
        let text = block.chunk.text(&self.db);
        let Some(before) = text.get(in_chunk as usize..(in_chunk + offset - start) as usize) else {
            return Completions::default();
        };
        let decl = match &tree.item {
            Some(Item::Decl(decl)) => Some(decl),
            _ => None,
        };
        let after = &text[before.len() + in_chunk as usize..];
        let rest = after.lines().next().unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        if line.trim().is_empty() && rest.starts_with(' ') && !rest.trim().is_empty() {
            return Completions::default();
        }
        let expected = expected(before, decl);
        let mut candidates = Candidates::new(self, block, decl, word_of(expected, before, rest, offset));
        candidates.at_offset = offset - start;
        candidates.rest = rest;
        if is_word(line.trim_start()) {
            candidates.beside = beside(before, after);
        }
        candidates.add(expected);
        candidates.offered()
    }

    /// The type of a path that a clause reads at an offset of its block.
    pub(super) fn type_at(&self, block: BlockRef, path: &str, at: u32) -> Option<Type> {
        let decl = decl_of(&self.db, block)?;
        let clause = decl.clauses.iter().find(|clause| clause.span.contains(at));
        let candidates = Candidates::new(self, block, Some(decl), Written::default());
        // the key of an item is about the item
        let key = match clause.and_then(|clause| clause.key) {
            Some(K::Each) => Some(K::By),
            key => key,
        };
        let sees = Sees::of(decl, key, candidates.node.is_some());
        Reading::new(&candidates, sees, None).type_of(path)
    }

    /// The documentation of something that was offered at an offset, as Markdown.
    pub fn about_completion(&self, path: &Path, offset: u32, about: &str) -> Option<String> {
        let (block, ..) = self.block_at(path, offset)?;
        let name = |text: &str| Name {
            text: text.into(),
            span: Span::default(),
        };
        let names: Vec<Name> = about.split('.').map(name).collect();
        let file = block.chunk.file(&self.db);
        // names of capabilities have dots
        self.about_name(file, block, &name(about))
            .or_else(|| self.about_path(file, block, &names))
    }
}
