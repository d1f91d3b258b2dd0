//! The editor's grammar knows every word of the table.

use std::collections::BTreeSet;

use dsl_syntax::table::{ClauseKey, DeclKind};
use plan_tests::root;

#[test]
fn the_textmate_grammar_knows_every_keyword_and_every_clause() {
    let path = root().join("editors/vscode/syntaxes/plan.tmLanguage.json");
    let text = std::fs::read_to_string(path).expect("the grammar");
    let grammar: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
    let mut words = BTreeSet::new();
    collect(&grammar, &mut words);
    let declarations = DeclKind::ALL.into_iter().map(DeclKind::keyword);
    let clauses = ClauseKey::ALL.iter().map(|key| key.word());
    let missing: Vec<_> = declarations
        .chain(clauses)
        .filter(|word| !words.contains(*word))
        .collect();
    assert!(missing.is_empty(), "the grammar has never heard of {missing:?}");
}

/// The words in the patterns of the grammar.
fn collect(value: &serde_json::Value, words: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(pattern) if matches!(key.as_str(), "match" | "begin" | "end" | "while") => {
                        let pattern = pattern.replace("\\b", " ");
                        let split = pattern.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
                        words.extend(split.filter(|word| !word.is_empty()).map(str::to_owned));
                    }
                    _ => collect(value, words),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        _ => {}
    }
}
