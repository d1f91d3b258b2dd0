//! Text in, text out.

mod broken;
mod documents;
mod expressions;
mod formatting;
mod plans;
mod random;
mod sizes;
mod trees;

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::ast::SyntaxError;
use crate::{LineIndex, parse_file};

/// The plans in `examples/`, which define the house style.
fn examples() -> Vec<(PathBuf, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut found = Vec::new();
    for folder in [root.clone(), root.join("lib")] {
        let entries = std::fs::read_dir(&folder).expect("the examples are there");
        for path in entries.map(|entry| entry.expect("a readable folder").path()) {
            if path.extension().is_some_and(|extension| extension == "plan") {
                let text = std::fs::read_to_string(&path).expect("a readable example");
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 8, "the examples are missing");
    found
}

/// All errors of a file, one a line with its place.
fn errors(text: &str) -> String {
    let index = LineIndex::new(text);
    let mut out = String::new();
    for (offset, block) in parse_file(text) {
        for error in block.errors {
            line(&mut out, &index, error.shifted(offset));
        }
    }
    out
}

fn line(out: &mut String, index: &LineIndex, error: SyntaxError) {
    let (line, column) = index.line_col(error.span.start);
    let help = error.help.map(|help| format!(" ({help})")).unwrap_or_default();
    let _ = writeln!(
        out,
        "{}:{} {}: {}{help}",
        line + 1,
        column + 1,
        error.rule.name(),
        error.message
    );
}

#[test]
fn all_examples_are_read_without_error() {
    for (path, text) in examples() {
        assert_eq!(errors(&text), "", "{}", path.display());
    }
}

/// How many cases a property is tried on; a failing case is kept as a test of its own, not in a file.
fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        ..Default::default()
    }
}
