//! Text to tree: the lexer with layout, the parser, the tree, the table of declarations, the formatter.
//!
//! Parsing never fails: text in, tree and errors out, whatever the bytes. Absent: types, what names mean, files, LSP.

pub mod ast;
pub mod table;

/// How deep brackets, blocks and operators of one expression may nest; deeper text is a `syntax` error.
pub const NESTING_MAX: usize = 128;
/// A file larger than this is refused (`file-too-large`).
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
