//! The language reference: its tables are those of the compiler, and its plans compile.

use std::fmt::Write;

use dsl_check::Severity;
use dsl_syntax::table::{self, DeclKind};
use ir::func::Func;
use plan_tests::{blocks, root};

const REFERENCE: &str = "docs/language.md";

#[test]
fn the_tables_of_the_reference_are_those_of_the_compiler() {
    let path = root().join(REFERENCE);
    let text = std::fs::read_to_string(&path).expect("the reference");
    let right = filled(&text);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, right).expect("writable");
        return;
    }
    assert!(
        text == right,
        "{REFERENCE} is not what the tables say; BLESS=1 cargo test -p plan-tests house"
    );
}

#[test]
fn the_plans_of_the_reference_check_without_errors() {
    let text = std::fs::read_to_string(root().join(REFERENCE)).expect("the reference");
    let plans: Vec<_> = blocks(&text).into_iter().map(|(_, plan)| plan).collect();
    assert!(plans.len() >= 3, "the reference has examples");
    for plan in plans {
        let found = plan_tests::check(&[("main.plan".to_owned(), plan.clone())]);
        let errors: Vec<_> = found
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| &d.message)
            .collect();
        assert!(errors.is_empty(), "{errors:?} in\n{plan}");
    }
}

#[test]
fn the_reference_has_a_table_for_every_declaration_with_clauses() {
    let text = std::fs::read_to_string(root().join(REFERENCE)).expect("the reference");
    for kind in DeclKind::ALL
        .into_iter()
        .filter(|kind| !table::clauses(*kind).is_empty())
    {
        assert!(
            text.contains(&format!("<!-- clauses {} -->", kind.keyword())),
            "no table for `{}`",
            kind.keyword()
        );
    }
}

/// The text with everything between `<!-- clauses X -->` or `<!-- functions -->`, `<!-- attributes -->` and `<!-- end
/// -->` written anew.
fn filled(text: &str) -> String {
    let mut result = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line == "<!-- end -->" {
            inside = false;
        }
        if !inside {
            let _ = writeln!(result, "{line}");
        }
        let Some(what) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        if what == "functions" {
            result.push_str(&functions());
            inside = true;
        } else if what == "attributes" {
            result.push_str(&attributes());
            inside = true;
        } else if let Some(kind) = what.strip_prefix("clauses ").and_then(DeclKind::from_keyword) {
            result.push_str(&clauses(kind));
            inside = true;
        }
    }
    result
}

fn clauses(kind: DeclKind) -> String {
    let mut out = format!("| clause of a {} | what it says |\n| --- | --- |\n", kind.keyword());
    for row in table::clauses(kind) {
        let notes = match (row.required, row.repeats) {
            (true, _) => " (required)",
            (_, true) => " (may repeat)",
            _ => "",
        };
        let _ = writeln!(out, "| `{}` | {}{notes} |", row.key.word(), cell(row.doc));
    }
    out
}

fn functions() -> String {
    let mut out = String::from("| function | what it gives |\n| --- | --- |\n");
    for func in Func::ALL {
        let _ = writeln!(out, "| `{}` | {} |", cell(func.signature()), cell(func.doc()));
    }
    out
}

fn attributes() -> String {
    let mut out = String::from("| attribute | of a | is | what it says |\n| --- | --- | --- | --- |\n");
    for [name, of, sort, doc] in dsl_check::attribute_table() {
        let _ = writeln!(out, "| `{name}` | {of} | {sort} | {} |", cell(&doc));
    }
    out
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
