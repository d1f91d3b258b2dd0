//! The grammar as a document: it is whole in itself, it speaks of what the compiler's table has, and it reads what the
//! compiler reads (`agree.rs`).

mod agree;
mod notation;
mod railroad;
mod recogniser;
mod sentence;

use std::collections::BTreeSet;

use dsl_syntax::table::{self, ALLOW, ClauseKey, DeclKind, LIMIT, RULE, Row, Shape, TRIGGER};
use plan_tests::root;
use regex::Regex;

fn text() -> String {
    std::fs::read_to_string(root().join("grammar/plan.ebnf")).expect("the grammar")
}

fn captures(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).expect("a pattern of ours");
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The productions alone: no comments, no regular expressions.
fn productions() -> String {
    let without = |pattern: &str, text: &str| Regex::new(pattern).expect("ours").replace_all(text, " ").into_owned();
    let text = without(r"(?s)\(\*.*?\*\)", &text());
    without(r"/(\\.|\[[^\]\n]*\]|[^/\n\\])*/", &text)
}

/// The words between double quotes.
fn terminals() -> BTreeSet<String> {
    captures(r#""([a-z]+)""#, &productions())
}

fn rows() -> impl Iterator<Item = &'static Row> {
    let own = DeclKind::ALL.into_iter().flat_map(table::clauses);
    own.chain(ALLOW).chain(LIMIT).chain(RULE).chain(TRIGGER)
}

/// Clauses without a colon: their word is a part of the grammar.
fn is_statement(shape: Shape) -> bool {
    use Shape::{Alert, Arm, Decide, ElseArm, Evidence, Fail, Mock, Remember, Route, Rule};
    matches!(
        shape,
        Fail | Remember | Evidence | Route | Arm | ElseArm | Alert | Rule | Mock | Decide
    )
}

#[test]
fn every_name_of_the_grammar_is_defined_once_and_used() {
    let productions = productions();
    let bare = Regex::new(r#""[^"\n]*"|'[^'\n]*'"#)
        .expect("ours")
        .replace_all(&productions, " ")
        .into_owned();
    let definition = Regex::new(r"(?m)^\s*([A-Za-z][A-Za-z-]*)(?:\([a-z]\))?\s*= ").expect("ours");
    let list: Vec<_> = definition
        .captures_iter(&bare)
        .map(|found| found[1].to_owned())
        .collect();
    let defined: BTreeSet<_> = list.iter().cloned().collect();
    assert_eq!(list.len(), defined.len(), "something is defined twice");
    let mut used = captures(r"([A-Za-z][A-Za-z-]*)", &definition.replace_all(&bare, " "));
    // layout, the parameter of `body`, and lines of raw blocks
    for given in ["NL", "INDENT", "DEDENT", "RAW-LINE", "x"] {
        used.remove(given);
    }
    let undefined: Vec<_> = used.difference(&defined).collect();
    assert!(undefined.is_empty(), "used, but not defined: {undefined:?}");
    // documentation comments are attached by the layout; the file is where reading begins
    let unused: Vec<_> = defined
        .difference(&used)
        .filter(|name| !matches!(name.as_str(), "file" | "DOC"))
        .collect();
    assert!(unused.is_empty(), "defined, but not used: {unused:?}");
}

#[test]
fn the_grammar_has_every_keyword_and_every_statement_of_the_table() {
    let terminals = terminals();
    let keywords = DeclKind::ALL.into_iter().map(DeclKind::keyword);
    let statements = rows().filter(|row| is_statement(row.shape)).map(|row| row.key.word());
    let missing: Vec<_> = keywords
        .chain(statements)
        .filter(|word| !terminals.contains(*word))
        .collect();
    assert!(missing.is_empty(), "no production has {missing:?}");
}

#[test]
fn nothing_else_in_the_grammar_claims_to_be_a_clause() {
    let clauses: BTreeSet<_> = ClauseKey::ALL.iter().map(|key| key.word().to_owned()).collect();
    let claimed = captures(r#""([a-z]+)" ":""#, &productions());
    // `key: type scope:run`, a part of a line
    let strange: Vec<_> = claimed
        .iter()
        .filter(|word| !clauses.contains(*word) && *word != "scope")
        .collect();
    assert!(strange.is_empty(), "no clauses: {strange:?}");
}

#[test]
fn the_grammar_has_a_rule_for_every_shape() {
    let text = text();
    let comments: String = Regex::new(r"\(\*([^*]*)\*\)")
        .expect("ours")
        .captures_iter(&text)
        .map(|found| format!("{} ", &found[1]))
        .collect();
    let named: BTreeSet<_> = comments.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let shapes: BTreeSet<_> = rows().map(|row| format!("{:?}", row.shape)).collect();
    let productions = productions();
    let written = |shape: &str| named.contains(shape) || productions.contains(&format!("{} ", shape.to_lowercase()));
    let missing: Vec<_> = shapes.iter().filter(|shape| !written(shape)).collect();
    assert!(missing.is_empty(), "no rule for {missing:?}");
}
