//! Text to tree: the lexer with layout, the parser, the tree, the table of declarations, the formatter.
//!
//! Parsing never fails: text in, tree and errors out, whatever the bytes. Absent: types, what names mean, files, LSP.

pub mod ast;
mod document;
mod format;
mod grammar;
mod lexer;
mod lines;
mod meant;
mod messages;
mod parse;
mod raw;
mod shape;
mod source;
mod split;
pub mod table;
mod token;

pub use document::{Chunk, ChunkContext, Document};
pub use format::{FormatError, format};
pub use lexer::{lex, unit_from};
pub use lines::{BYTE_ORDER_MARK, DecodeError, LineIndex, decode};
pub use parse::{Reading, parse_chunk, parse_expr, parse_file, parse_type};
pub use token::{Kind, Lexed, Line, LineKind, Token};

/// The whole token vector, trivia included: every byte of the text is in one of them.
pub fn tokens(text: &str) -> Vec<Token> {
    lex(text).tokens
}

/// How deep brackets, blocks and operators of one expression may nest; deeper text is a `syntax` error.
pub const NESTING_MAX: usize = 128;
/// A file larger than this is refused (`file-too-large`).
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
