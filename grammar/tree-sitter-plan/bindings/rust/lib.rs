//! The plan language for tree-sitter: the generated parser, and the queries that colour and fold its trees.
//!
//! Absent: anything of the compiler. `tests/grammar` holds the two against each other.

use tree_sitter_language::LanguageFn;

#[expect(unsafe_code, reason = "the generated parser is C")]
mod c {
    unsafe extern "C" {
        pub fn tree_sitter_plan() -> *const ();
    }

    /// The language of the linked parser.
    pub const fn language() -> super::LanguageFn {
        // SAFETY: the function is the one that tree-sitter generates; it returns a static table.
        unsafe { super::LanguageFn::from_raw(tree_sitter_plan) }
    }
}

/// The language, for `tree_sitter::Parser::set_language`.
pub const LANGUAGE: LanguageFn = c::language();

pub const HIGHLIGHTS: &str = include_str!("../../queries/highlights.scm");
pub const INJECTIONS: &str = include_str!("../../queries/injections.scm");
pub const LOCALS: &str = include_str!("../../queries/locals.scm");
pub const FOLDS: &str = include_str!("../../queries/folds.scm");
pub const INDENTS: &str = include_str!("../../queries/indents.scm");
