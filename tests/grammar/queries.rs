//! The queries: their files compile, what they colour is what `test/highlight` says, and no node has two colours.
//!
//! In those plans a comment below a line says `# ^ capture` of the place above its caret, `# <- capture` of the line's start.

use std::collections::BTreeMap;
use std::ops::Range;

use plan_tests::root;
use tree_sitter::{Language, Query, QueryCursor, StreamingIterator};

use super::reading;

fn query(text: &str) -> Query {
    let language: Language = tree_sitter_plan::LANGUAGE.into();
    Query::new(&language, text).unwrap_or_else(|error| panic!("{error}"))
}

/// The captures of a text, by place; hidden ones (`_x`) left out.
fn captures(query: &Query, text: &str) -> BTreeMap<(usize, usize), Vec<String>> {
    let tree = reading::parse(text);
    let mut cursor = QueryCursor::new();
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut matches = cursor.matches(query, tree.root_node(), text.as_bytes());
    while let Some(one) = matches.next() {
        for capture in one.captures {
            let name = query.capture_names()[capture.index as usize];
            let Range { start, end } = capture.node.byte_range();
            if !name.starts_with('_') {
                found.entry((start, end)).or_default().push(name.to_owned());
            }
        }
    }
    found
}

/// The capture of the smallest node around an offset.
fn innermost(found: &BTreeMap<(usize, usize), Vec<String>>, offset: usize) -> Option<&str> {
    let around = found
        .iter()
        .filter(|((start, end), _)| *start <= offset && offset < *end);
    let smallest = around.min_by_key(|((start, end), _)| end - start)?;
    smallest.1.first().map(String::as_str)
}

#[test]
fn the_queries_fit_the_grammar() {
    use tree_sitter_plan::{FOLDS, HIGHLIGHTS, INDENTS, INJECTIONS, LOCALS};
    for text in [HIGHLIGHTS, INJECTIONS, LOCALS, FOLDS, INDENTS] {
        assert!(query(text).pattern_count() > 0);
    }
}

#[test]
fn highlights_are_what_the_comments_below_say() {
    let query = query(tree_sitter_plan::HIGHLIGHTS);
    let mut complaints = Vec::new();
    let mut asserted = 0;
    for entry in std::fs::read_dir(root().join("grammar/tree-sitter-plan/test/highlight"))
        .expect("plans")
        .flatten()
    {
        let text = std::fs::read_to_string(entry.path()).expect("a plan");
        let tree = reading::parse(&text);
        assert_eq!(reading::broken(&tree, &text), None);
        let found = captures(&query, &text);
        let (mut start, mut above) = (0, 0);
        for line in text.split_inclusive('\n') {
            match expectation(line) {
                None => above = start,
                Some((column, expected)) => {
                    asserted += 1;
                    let seen = innermost(&found, above + column);
                    if seen != Some(expected) {
                        complaints.push(format!(
                            "{}expected {expected}, found {seen:?}",
                            &text[above..start + line.len()]
                        ));
                    }
                }
            }
            start += line.len();
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(asserted > 40, "only {asserted} places are looked at");
}

fn expectation(line: &str) -> Option<(usize, &str)> {
    let rest = line.strip_prefix('#')?;
    if let Some(capture) = rest.trim().strip_prefix("<- ") {
        return Some((0, capture));
    }
    let caret = line.find('^')?;
    line[1..caret]
        .trim()
        .is_empty()
        .then(|| (caret, line[caret + 1..].trim()))
}

#[test]
fn no_node_has_two_colours_and_every_key_has_one() {
    let query = query(tree_sitter_plan::HIGHLIGHTS);
    let mut complaints = Vec::new();
    for (name, text) in super::agree::plans() {
        let Some(lines) = super::outline::of(&text) else {
            continue;
        };
        let found = captures(&query, &text);
        let twice = found
            .iter()
            .find(|(_, captures)| captures.iter().any(|capture| capture != &captures[0]));
        if let Some(((start, end), captures)) = twice {
            complaints.push(format!("{name}: `{}` is {captures:?}", &text[*start..*end]));
        }
        let bare = lines
            .iter()
            .find(|line| line.value.is_some() && innermost(&found, line.at).is_none());
        if let Some(line) = bare {
            complaints.push(format!("{name}: `{}` has no colour", line.key));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn scripts_are_injected_as_a_shell_s_and_python_s() {
    let query = query(tree_sitter_plan::INJECTIONS);
    let text = "task a\n  run: |\n    echo {{ x }}\ntask b using:python\n  run: |\n    import os\n";
    let found = captures(&query, text);
    let contents = found
        .values()
        .filter(|captures| captures.iter().any(|name| name == "injection.content"));
    assert_eq!(contents.count(), 2);
    let languages = found
        .iter()
        .filter(|(_, captures)| captures.iter().any(|name| name == "injection.language"));
    let languages: Vec<_> = languages.map(|((start, end), _)| &text[*start..*end]).collect();
    assert_eq!(languages, ["python"]);
}
