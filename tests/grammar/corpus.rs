//! The corpus of the tree-sitter grammar: plans and their trees, in the form of `tree-sitter test`.
//!
//! A case is a name between two lines of `=`, a plan, a line of `-` and the tree. `BLESS=1` writes the trees anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use dsl_syntax::table::{ClauseKey, DeclKind};
use plan_tests::root;
use tree_sitter::Node;

use super::{outline, reading};

const RULER: &str = "==================";

struct Case {
    name: String,
    plan: String,
    tree: String,
}

fn files() -> Vec<PathBuf> {
    let folder = root().join("grammar/tree-sitter-plan/test/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a corpus")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

fn cases(text: &str) -> Vec<Case> {
    let ruler = format!("{RULER}\n");
    let mut parts = text.split(&ruler);
    let mut cases = Vec::new();
    parts.next();
    while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
        let (plan, tree) = rest.split_once("\n---\n").unwrap_or((rest, ""));
        cases.push(Case {
            name: name.trim().to_owned(),
            plan: plan.trim_matches('\n').to_owned() + "\n",
            tree: tree.trim().to_owned(),
        });
    }
    cases
}

/// The plans of all cases, for the other tests.
pub fn plans() -> Vec<(String, String)> {
    let read = |file: PathBuf| std::fs::read_to_string(file).expect("a corpus file");
    let cases = files().into_iter().flat_map(|file| cases(&read(file)));
    cases
        .map(|case| (format!("corpus: {}", case.name), case.plan))
        .collect()
}

#[test]
fn the_corpus_is_read_as_it_says() {
    let mut complaints = String::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("a corpus file");
        let cases = cases(&text);
        assert!(!cases.is_empty(), "{} has no case", file.display());
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, written(&cases)).expect("writable");
            continue;
        }
        for case in cases {
            let read = shown(&case.plan);
            if read != case.tree {
                let _ = writeln!(complaints, "{}: {}\n{read}\n", file.display(), case.name);
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn the_corpus_holds_every_declaration_and_every_clause() {
    let mut words = BTreeSet::new();
    for file in files() {
        let text = std::fs::read_to_string(file).expect("a corpus file");
        for case in cases(&text) {
            words.extend(outline::of(&case.plan).into_iter().flatten().map(|line| line.key));
        }
    }
    let keywords = DeclKind::ALL.into_iter().map(DeclKind::keyword);
    let clauses = ClauseKey::ALL.iter().map(|key| key.word());
    let missing: Vec<_> = keywords.chain(clauses).filter(|word| !words.contains(*word)).collect();
    assert!(missing.is_empty(), "no case has {missing:?}");
}

fn written(cases: &[Case]) -> String {
    let mut text = String::new();
    for case in cases {
        let tree = shown(&case.plan);
        let _ = writeln!(
            text,
            "{RULER}\n{}\n{RULER}\n\n{}\n---\n\n{tree}\n",
            case.name, case.plan
        );
    }
    text.pop();
    text
}

fn shown(plan: &str) -> String {
    let mut out = String::new();
    show(reading::parse(plan).root_node(), None, 0, &mut out);
    out.trim().to_owned()
}

/// A line a node, with the field it stands in.
fn show(node: Node<'_>, field: Option<&str>, depth: usize, out: &mut String) {
    let field = field.map(|field| format!("{field}: ")).unwrap_or_default();
    let missing = if node.is_missing() { "MISSING " } else { "" };
    let _ = write!(
        out,
        "\n{:indent$}{field}({missing}{}",
        "",
        node.kind(),
        indent = depth * 2
    );
    for at in 0..node.child_count() {
        if let Some(child) = node.child(at).filter(|child| child.is_named() || child.is_missing()) {
            show(child, node.field_name_for_child(at as u32), depth + 1, out);
        }
    }
    out.push(')');
}
