//! The committed parser is what the grammar generates.

use std::path::Path;

use plan_tests::root;
use tree_sitter_generate::{OptLevel, generate_parser_in_directory};

/// Editors with an older tree-sitter read this version of the tables, newer ones too.
const ABI: usize = 14;

const GENERATED: &[&str] = &[
    "grammar.json",
    "node-types.json",
    "parser.c",
    "tree_sitter/alloc.h",
    "tree_sitter/array.h",
    "tree_sitter/parser.h",
];

#[test]
fn the_committed_parser_is_what_the_grammar_generates() {
    let folder = root().join("grammar/tree-sitter-plan");
    if std::env::var_os("BLESS").is_some() {
        return generate(&folder, &folder.join("src"));
    }
    let fresh = tempfile::tempdir().expect("a temporary folder");
    generate(&folder, fresh.path());
    for file in GENERATED {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        assert!(
            read(&folder.join("src")) == read(fresh.path()),
            "{file} is not what grammar.js generates; BLESS=1 cargo test -p plan-tests grammar::generated"
        );
    }
}

#[test]
fn the_parser_is_small_enough_to_be_committed() {
    let parser = root().join("grammar/tree-sitter-plan/src/parser.c");
    let bytes = std::fs::metadata(parser).expect("a parser").len();
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

/// With the generator's own JavaScript engine: no Node.js is asked.
fn generate(folder: &Path, out: &Path) {
    let mut diagnostics = Vec::new();
    let runtime = Some("native");
    let made = generate_parser_in_directory(
        folder,
        Some(out),
        None::<&Path>,
        ABI,
        None,
        runtime,
        true,
        OptLevel::default(),
        &mut diagnostics,
    );
    made.unwrap_or_else(|error| panic!("{error}"));
    let warnings: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
    assert!(warnings.is_empty(), "{}", warnings.join("\n"));
}
