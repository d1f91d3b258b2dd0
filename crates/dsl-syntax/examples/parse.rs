//! Parses the files it is given and prints every error with its place; `cargo run --example parse -- FILE…`.
#![expect(clippy::print_stdout, reason = "a tool for people")]

use dsl_syntax::{LineIndex, decode, parse_file};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let text = decode(&bytes).map_err(|error| format!("{path}: {error}"))?;
        let index = LineIndex::new(text);
        for (offset, block) in parse_file(text) {
            for error in &block.errors {
                let (line, column) = index.line_col(error.span.start + offset);
                println!(
                    "{path}:{}:{}: {}[{}]",
                    line + 1,
                    column + 1,
                    error.message,
                    error.rule.name()
                );
            }
        }
    }
    Ok(())
}
