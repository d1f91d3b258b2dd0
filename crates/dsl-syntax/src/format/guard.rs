//! The formatter's own check of its result: the same comments, the same tokens, the same tree.

use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};

use super::FormatError;
use super::hints::stays_in_header;
use crate::ast::{Block, BlockKind, Item};
use crate::lexer::lex;
use crate::parse::parse_file;
use crate::token::{Kind, Lexed};

/// Refuses a result that says something else than the text it was made from.
pub(super) fn same(text: &str, lexed: &Lexed, blocks: &[(u32, Block)], printed: &str) -> Result<(), FormatError> {
    let printed_lexed = lex(printed);
    if comments(text, lexed) != comments(printed, &printed_lexed) {
        return Err(FormatError::Changed("a comment"));
    }
    if words(text, lexed) != words(printed, &printed_lexed) {
        return Err(FormatError::Changed("a word"));
    }
    let printed_blocks = parse_file(printed);
    if printed_blocks.iter().any(|(_, block)| !block.errors.is_empty()) || meaning(blocks) != meaning(&printed_blocks) {
        return Err(FormatError::Changed("the plan's meaning"));
    }
    Ok(())
}

/// The comments in order of their text: attributes that move below a header change their order.
fn comments<'t>(text: &'t str, lexed: &Lexed) -> Vec<&'t str> {
    let comments = lexed
        .tokens
        .iter()
        .filter(|token| matches!(token.kind, Kind::Comment | Kind::Doc));
    let mut comments: Vec<_> = comments.map(|token| text[token.range()].trim_end()).collect();
    comments.sort_unstable();
    comments
}

/// A sum over all words, literals and operators: the same in any order, without the commas that the house adds.
fn words(text: &str, lexed: &Lexed) -> u64 {
    let words = lexed.tokens.iter().filter(|token| !token.kind.is_trivia());
    words
        .filter(|token| !matches!(token.kind, Kind::Newline | Kind::Comma | Kind::Raw))
        .map(|token| {
            let mut hasher = DefaultHasher::new();
            text[token.range()].hash(&mut hasher);
            hasher.finish()
        })
        .fold(0, u64::wrapping_add)
}

/// The trees without their places.
fn meaning(blocks: &[(u32, Block)]) -> u64 {
    let mut sink = Sink {
        hasher: DefaultHasher::new(),
        quoted: false,
    };
    for (_, block) in blocks {
        let Some(item) = &block.item else { continue };
        // Writing into a hasher cannot fail.
        let _ = match item {
            Item::Use(_) if block.kind != BlockKind::Use => Ok(()),
            Item::Use(_) => write!(sink, "{item:?}"),
            Item::Decl(decl) => {
                let mut decl = decl.clone();
                // Attributes that move below the header move behind those that stay.
                decl.clauses
                    .sort_by_key(|clause| !(clause.in_header && stays_in_header(clause)));
                for clause in &mut decl.clauses {
                    clause.in_header = false;
                }
                write!(sink, "{:?}{decl:?}", block.kind)
            }
        };
    }
    sink.hasher.finish()
}

/// Hashes the debug form of a tree, numbers outside of quotes left out: those are the places.
struct Sink {
    hasher: DefaultHasher,
    quoted: bool,
}

impl fmt::Write for Sink {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let number = !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit());
        if self.quoted || !number {
            self.hasher.write(piece.as_bytes());
        }
        self.quoted = piece.ends_with('"');
        Ok(())
    }
}
