//! Folding, selection, links, symbols of the workspace, colours of names.

use tower_lsp_server::ls_types::{Position, Range};

use super::fixture::Fixture;
use crate::{semantic_tokens, structure};

const PLAN: &str = r#"# What this is,
# in two lines.
use "lib/web.plan"

plan p "Title"
  task a using:web.get timeout:5m
    input:
      url: params.where

  task b
    needs: a
    timeout: 1m
    run: |
      echo one
      echo {{ a.body | trim }}
=== lib/web.plan
capability web.get
  input:
    url: string
  output:
    body: string
"#;

#[test]
fn declarations_blocks_and_comments_fold() {
    let fixture = Fixture::new(PLAN);
    let found = structure::folding(&fixture.subject());
    let lines: Vec<(u32, u32)> = found.iter().map(|range| (range.start_line, range.end_line)).collect();
    assert_eq!(lines, [(0, 1), (4, 14), (5, 7), (6, 7), (9, 14), (12, 14)]);
}

#[test]
fn a_selection_grows_to_the_declaration() {
    let fixture = Fixture::new(&PLAN.replace("a.body", "a.bo$0dy"));
    let mut next = structure::selections(&fixture.subject(), &[fixture.cursor])
        .into_iter()
        .next();
    let mut texts = Vec::new();
    while let Some(range) = next {
        let Range { start, end } = range.range;
        texts.push((start.line, start.character, end.line, end.character));
        next = range.parent.map(|parent| *parent);
    }
    // the name, its path, the pipe, the script, the task
    assert_eq!(texts[0], (14, 16, 14, 20));
    assert_eq!(texts[1], (14, 14, 14, 20));
    assert_eq!(texts[2], (14, 14, 14, 27));
    assert_eq!(texts.last().map(|last| last.0), Some(9));
    assert!(texts.len() >= 5, "{texts:?}");
}

#[test]
fn imports_are_links() {
    let fixture = Fixture::new(PLAN);
    let found = structure::links(&fixture.subject());
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .target
            .as_ref()
            .is_some_and(|uri| uri.as_str().ends_with("/lib/web.plan"))
    );
    assert_eq!(found[0].range.start, Position::new(2, 4));
}

#[test]
fn symbols_of_all_files_are_found_by_some_of_their_letters() {
    let fixture = Fixture::new(PLAN);
    let named = |query: &str| -> Vec<String> {
        let found = structure::workspace_symbols(fixture.subject().view, query);
        found.into_iter().map(|symbol| symbol.name).collect()
    };
    assert_eq!(named("wgt"), ["web.get"]);
    assert_eq!(named("a"), ["a"]);
    assert_eq!(named(""), ["web.get", "p", "a", "b"]);
    assert_eq!(named("zzz"), Vec::<String>::new());
}

#[test]
fn names_are_coloured_by_what_they_are() {
    let fixture = Fixture::new(PLAN);
    let tokens = semantic_tokens::tokens(&fixture.subject(), None).data;
    let legend = semantic_tokens::legend();
    let lines: Vec<&str> = fixture.text().as_str().lines().collect();
    let (mut line, mut column) = (0, 0);
    let mut shown = Vec::new();
    for token in tokens {
        line += token.delta_line;
        column = if token.delta_line == 0 {
            column + token.delta_start
        } else {
            token.delta_start
        };
        let text = &lines[line as usize][column as usize..(column + token.length) as usize];
        let mut is = legend.token_types[token.token_type as usize].as_str().to_owned();
        for (modifier, bit) in legend.token_modifiers.iter().zip(0..) {
            if token.token_modifiers_bitset & (1 << bit) != 0 {
                is = format!("{is}.{}", modifier.as_str());
            }
        }
        shown.push(format!("{text}:{is}"));
    }
    for wanted in [
        "task:keyword",
        "a:function.declaration",
        "run:property.defaultLibrary",
        "web.get:interface",
        "params:namespace",
        "where:property",
        "trim:macro",
        "body:property",
    ] {
        assert!(shown.iter().any(|one| one == wanted), "{wanted} is not among {shown:?}");
    }
}

#[test]
fn a_range_has_the_tokens_within_it() {
    let fixture = Fixture::new(PLAN);
    let range = Range::new(Position::new(9, 0), Position::new(10, 0));
    let found = semantic_tokens::tokens(&fixture.subject(), Some(range)).data;
    assert_eq!(found.len(), 2, "`task` and `b`");
    assert_eq!((found[0].delta_line, found[0].delta_start), (9, 2));
}
