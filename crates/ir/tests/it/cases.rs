//! Tables of expressions and what they yield: `expression => value or error`. `BLESS=1` writes what is yielded now.

use std::fmt::Write;
use std::path::Path;

use dsl_ir::eval::eval;

use crate::notation;
use crate::sample::{SampleScope, SampleWorld};

fn yielded(text: &str) -> String {
    match eval(&notation::expr(text), &SampleScope, &mut SampleWorld) {
        Ok(value) => serde_json::to_string(&value).unwrap(),
        Err(error) => format!("error: {error}"),
    }
}

fn run_table(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases").join(name);
    let table = std::fs::read_to_string(&path).unwrap();
    let (mut now, mut wrong) = (String::new(), String::new());
    for (number, line) in (1..).zip(table.lines()) {
        let case = line.split_once(" =>").filter(|_| !line.starts_with('#'));
        let Some((expr, wanted)) = case else {
            writeln!(now, "{line}").unwrap();
            continue;
        };
        let seen = yielded(expr);
        writeln!(now, "{expr} => {seen}").unwrap();
        if seen != wanted.trim() {
            writeln!(
                wrong,
                "{name}:{number}: {}\n  wanted {}\n  seen   {seen}",
                expr.trim(),
                wanted.trim()
            )
            .unwrap();
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, now).unwrap();
    } else {
        assert!(wrong.is_empty(), "\n{wrong}");
    }
}

#[test]
fn operators_yield_what_the_table_says() {
    run_table("operators.txt");
}

#[test]
fn functions_yield_what_the_table_says() {
    run_table("functions.txt");
}

#[test]
fn errors_are_sentences() {
    run_table("errors.txt");
}
