//! The picture of a plan, of one with mistakes too.

use tower_lsp_server::ls_types::{TextDocumentIdentifier, Uri};

use super::fixture::Fixture;
use crate::graph::{Graph, Params, graph};

/// The graph at the cursor, as lines: nodes with shape and first line, then edges.
fn drawn(text: &str) -> String {
    let fixture = Fixture::new(text);
    let params = Params {
        text_document: TextDocumentIdentifier {
            uri: "file:///plans/main.plan".parse::<Uri>().expect("an address"),
        },
        position: Some(crate::edge::position(fixture.cursor)),
    };
    graph(&fixture.subject(), &params).map_or_else(|| "nothing".to_owned(), |graph| lines(&graph))
}

fn lines(graph: &Graph) -> String {
    let star = |critical: bool| if critical { "*" } else { "" };
    let mut text = format!("{}\n", graph.plan);
    for node in &graph.nodes {
        let note = node.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
        let line = node.selection_range.start.line;
        text.push_str(&format!(
            "{line}: {} {}{note}{}\n",
            node.shape,
            node.id,
            star(node.critical)
        ));
    }
    for edge in &graph.edges {
        let name = |at: u32| &graph.nodes[at as usize].id;
        let label = edge
            .label
            .as_ref()
            .map_or_else(String::new, |label| format!(" `{label}`"));
        let (from, to) = (name(edge.from), name(edge.to));
        text.push_str(&format!("{from} -> {to} {}{label}{}\n", edge.kind, star(edge.critical)));
    }
    text
}

const RELEASE: &str = r#"plan release
  task build
    timeout: 5m
    run: |
      make
    on failure -> report

  task report
    timeout: 1m
    run: |
      echo failed

  decision way
    needs: build
    when build.exit == 0 -> ship
    else -> wait

  gate ship "Ship it?"
    approver: role/release
    timeout: 1h

  task wait
"#;

#[test]
fn a_plan_has_its_nodes_edges_and_critical_path() {
    insta::assert_snapshot!(drawn(RELEASE), @r"
    release
    1: task build (5m)*
    7: task report (1m)*
    12: decision way
    17: gate ship (a person, up to 1h)
    21: milestone wait
    build -> report route `failure`*
    build -> way need
    way -> ship arm `build.exit == 0`
    way -> wait arm `else`
    ");
}

#[test]
fn a_plan_with_mistakes_is_drawn_as_far_as_it_is_understood() {
    let text = "plan p\n  task a\n    needs: gone\n    run: |\n      true\n\n  task b\n    needs: a, any(a, c)\n    nonsense: 1\n\n  task c\n    fallback: a\n    run: |\n";
    insta::assert_snapshot!(drawn(text), @r"
    p
    1: task a
    6: milestone b
    10: task c
    a -> b need
    a -> b need `any`
    c -> b need `any`
    c -> a fallback
    ");
}

#[test]
fn the_plan_at_the_cursor_is_meant() {
    let text = "plan one\n  task a\n\nplan two\n  task $0b\n    each: x in [1, 2]\n    run: |\n      true\n";
    insta::assert_snapshot!(drawn(text), @r"
    two
    4: fan-out b (unbounded)
    ");
}

#[test]
fn a_file_without_a_plan_has_no_graph() {
    assert_eq!(drawn("type A = string\n$0"), "nothing");
}
