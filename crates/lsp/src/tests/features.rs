//! Each feature as a function of a text with a cursor.

use tower_lsp_server::ls_types::{
    CodeActionContext, CodeActionKind, CodeActionOrCommand, CodeActionParams, DocumentSymbol, DocumentSymbolResponse,
    HoverContents, Range, TextDocumentIdentifier, TextEdit,
};

use dsl_syntax::ast::Span;

use super::fixture::Fixture;
use crate::edge;
use crate::text::{Encoding, Text};
use crate::{
    call_hierarchy, code_action, code_lens, definition, document_symbol, formatting, hover, linked_editing_range,
    range_formatting, type_definition,
};

/// The text that the hover at the cursor shows.
fn hovered(text: &str) -> Option<String> {
    let fixture = Fixture::new(text);
    let hover = hover::hover(&fixture.subject(), fixture.cursor)?;
    match hover.contents {
        HoverContents::Markup(markup) => Some(markup.value),
        other => panic!("not Markdown: {other:?}"),
    }
}

#[track_caller]
fn check_hover(text: &str, expected: &[&str]) {
    let shown = hovered(text).expect("a hover");
    for part in expected {
        assert!(shown.contains(part), "expected {part:?} in:\n{shown}");
    }
}

#[test]
fn hover_shows_types_gates_and_capabilities_as_they_are_written() {
    check_hover(
        "type $0Source\n  ## Where\n  title: string\n  kind: web | paper\n",
        &["title: string", "kind: web | paper"],
    );
    check_hover("type $0Depth = shallow | deep\n", &["type Depth = shallow | deep"]);
    check_hover(
        "gate $0g \"Go\"\n  approver: role/x\n",
        &["gate g \"Go\"", "approver: role/x"],
    );
    let capability = "capability $0web.find \"Finds\"\n  input:\n    query: string\n  cost: $5 per call\n";
    check_hover(capability, &["query: string", "cost: $5 per call"]);
}

#[test]
fn hover_types_what_a_task_reads_of_itself() {
    let with = |line: &str| {
        format!(
            "type S\n  title: string\n\nplan p\n  params:\n    all: list[S] = []\n\n  task a\n    each: s in params.all\n    run: |\n      echo\n{line}"
        )
    };
    check_hover(&with("    fail odd when ex$0it == 3\n"), &["exit: int"]);
    check_hover(&with("    fail odd when s.ti$0tle == \"\"\n"), &["s.title: string"]);
    check_hover(&with("    on time$0out -> a\n"), &["its time was up"]);
    check_hover(
        &with("    output:\n      tex$0t: string = stdout\n"),
        &["text: string = stdout"],
    );
}

#[test]
fn a_clause_is_explained() {
    check_hover(
        "task a\n  ne$0eds: b\n\ntask b\n  run: |\n    true\n",
        &["what must be completed first"],
    );
}

#[test]
fn a_declaration_keyword_is_explained() {
    check_hover("ta$0sk a\n  run: |\n    true\n", &["task", "does one thing"]);
}

#[test]
fn a_name_shows_what_it_stands_for() {
    check_hover(
        "## Says hello.\ntask greet \"Greet\"\n  run: |\n    echo hello\n\ntask next\n  needs: gr$0eet\n",
        &["greet", "Greet", "Says hello."],
    );
}

#[test]
fn a_parameter_shows_its_type_and_documentation() {
    let plan = "plan p\n  params:\n    ## Where to look\n    repo: path = \".\"\n\n  task a\n    dir: params.re$0po\n    run: |\n      true\n";
    check_hover(plan, &["repo", "path", "Where to look"]);
}

#[test]
fn a_function_shows_its_signature() {
    check_hover(
        "task a\n  when: l$0en(\"abc\") > 2\n  run: |\n    true\n",
        &["len(", "how many characters"],
    );
}

#[test]
fn nothing_is_said_about_nothing() {
    assert_eq!(hovered("task a\n  run: |\n    true\n$0\n"), None);
    assert_eq!(hovered("$0"), None);
}

/// The definition of what is at `$0` is what stands between `«` and `»`.
#[track_caller]
fn check_definition(text: &str) {
    let fixture = Fixture::new(text);
    fixture.check_mark(definition::definition(&fixture.subject(), fixture.cursor));
}

#[test]
fn a_need_leads_to_its_task() {
    check_definition("task «build»\n  run: |\n    make\n\ntask pack\n  needs: bui$0ld\n");
}

#[test]
fn a_route_leads_to_its_task() {
    check_definition("task a\n  run: |\n    true\n  on failure -> b$0\n\ntask «b»\n  run: |\n    true\n");
}

#[test]
fn an_output_in_a_script_leads_to_where_it_is_declared() {
    check_definition(
        "task a\n  run: |\n    echo 1\n  output:\n    «count»: int = int(stdout)\n\ntask b\n  needs: a\n  run: |\n    echo {{ a.cou$0nt }}\n",
    );
}

#[test]
fn a_parameter_leads_to_its_declaration() {
    check_definition(
        "plan p\n  params:\n    «repo»: path = \".\"\n\n  task a\n    dir: params.re$0po\n    run: |\n      true\n",
    );
}

#[test]
fn a_type_leads_into_the_file_that_it_is_imported_from() {
    check_definition(
        "use Source from \"lib/web.plan\"\n\ntype Pair\n  left: Sou$0rce\n=== lib/web.plan\ntype «Source»\n  title: string\n",
    );
}

#[test]
fn a_name_that_is_nowhere_leads_nowhere() {
    let fixture = Fixture::new("task a\n  needs: no$0body\n");
    assert_eq!(definition::definition(&fixture.subject(), fixture.cursor), None);
}

fn outline(symbols: &[DocumentSymbol], depth: usize, lines: &mut Vec<String>) {
    for symbol in symbols {
        assert!(
            contains(symbol.range, symbol.selection_range),
            "the name stands outside of {symbol:?}"
        );
        lines.push(format!("{}{}", "  ".repeat(depth), symbol.name));
        outline(symbol.children.as_deref().unwrap_or_default(), depth + 1, lines);
    }
}

fn contains(outer: Range, inner: Range) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[test]
fn the_outline_has_what_belongs_to_a_plan_below_the_plan() {
    let fixture = Fixture::new(
        "type T\n  a: int\n\nplan p \"P\"\n  params:\n    x: int\n\n  task a\n    run: |\n      true\n\n  gate g\n    needs: a\n    checks:\n      - a.exit == 0\n",
    );
    let DocumentSymbolResponse::Nested(symbols) = document_symbol::symbols(&fixture.subject()) else {
        panic!("not a tree")
    };
    let mut lines = Vec::new();
    outline(&symbols, 0, &mut lines);
    let names: Vec<_> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| ["T", "  a", "p", "  x", "  g"].contains(line))
        .collect();
    assert_eq!(names, ["T", "  a", "p", "  x", "  a", "  g"], "{lines:?}");
}

/// The text after the edits, which are all of one document and do not overlap.
pub fn apply(text: &Text, edits: &[TextEdit]) -> String {
    let mut edits: Vec<_> = edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
    let mut result = text.as_str().to_owned();
    for edit in edits {
        let offset = |position| text.offset(edge::place(position), Encoding::Utf16);
        result.replace_range(offset(edit.range.start)..offset(edit.range.end), &edit.new_text);
    }
    result
}

fn fixes(fixture: &Fixture, only: Option<Vec<CodeActionKind>>) -> Vec<(String, String)> {
    let cursor = edge::position(fixture.cursor);
    let uri = fixture.subject().document.uri.clone();
    let params = CodeActionParams {
        text_document: TextDocumentIdentifier { uri: uri.clone() },
        range: Range {
            start: cursor,
            end: cursor,
        },
        context: CodeActionContext {
            only,
            ..Default::default()
        },
        work_done_progress_params: Default::default(),
        partial_result_params: Default::default(),
    };
    let actions = code_action::actions(&fixture.subject(), &params).into_iter();
    let applied = actions.map(|action| {
        let CodeActionOrCommand::CodeAction(action) = action else {
            panic!("a command")
        };
        let changes = action.edit.and_then(|edit| edit.changes).expect("changes");
        (action.title, apply(fixture.text(), &changes[&uri]))
    });
    applied.collect()
}

#[test]
fn a_client_gets_the_kinds_of_actions_that_it_wants() {
    let fixture = Fixture::new("plan p\n\n  task b$0\n    needs: nobody\n    run: |\n      true\n");
    let titles = |only: &[&'static str]| -> Vec<String> {
        let only = only.iter().map(|kind| CodeActionKind::new(kind)).collect();
        fixes(&fixture, Some(only))
            .into_iter()
            .map(|(title, _)| title)
            .collect()
    };
    let gate = ["add a gate before `b`"];
    assert_eq!(titles(&["refactor"]), gate);
    assert_eq!(titles(&["refactor.rewrite"]), gate);
    assert_eq!(titles(&["refactor.extract", "refactor.inline"]), Vec::<String>::new());
    assert_eq!(titles(&["source"]), Vec::<String>::new());
}

#[test]
fn a_misspelt_name_is_repaired_by_a_quick_fix() {
    let text = "task build\n  run: |\n    make\n\ntask pack\n  needs: biu$0ld\n";
    let found = fixes(&Fixture::new(text), None);
    assert!(
        found.iter().any(|(_, text)| text.ends_with("needs: build\n")),
        "{found:?}"
    );
    assert_eq!(fixes(&Fixture::new(text), Some(vec![CodeActionKind::QUICKFIX])), found);
    assert_eq!(fixes(&Fixture::new(text), Some(vec![CodeActionKind::REFACTOR])), []);
    assert_eq!(
        fixes(&Fixture::new(&text.replace("$0", "").replace("make", "ma$0ke")), None),
        []
    );
}

#[test]
fn a_repair_may_stand_in_another_declaration() {
    let text = "capability code.write\n  input:\n    task: string\n\ncapability code.review\n  input:\n    patch: string\n\n\
                agent coder\n  provides: code.write\n\n\
                task review using:code.review\n  by: co$0der\n  input:\n    patch: \"diff\"\n";
    let found = fixes(&Fixture::new(text), None);
    let (title, after) = &found[0];
    assert_eq!(title, "add `code.review` to `provides:` of `coder`");
    assert!(after.contains("  provides: code.write, code.review\n"), "{after}");
}

#[test]
fn formatting_gives_the_text_that_the_formatter_writes() {
    let text = "task   a\n    needs:   b c\n\ntask b\ntask c # last\n";
    let fixture = Fixture::new(text);
    let edits = formatting::format(&fixture.subject()).expect("it parses");
    assert_eq!(
        apply(fixture.text(), &edits),
        dsl_syntax::format(text).expect("it parses")
    );
    assert_ne!(edits, []);
    let formatted = apply(fixture.text(), &edits);
    assert_eq!(
        formatting::format(&Fixture::new(&formatted).subject()),
        Some(Vec::new())
    );
}

#[test]
fn text_with_mistakes_in_its_syntax_is_not_formatted() {
    assert_eq!(
        formatting::format(&Fixture::new("task a\n  needs: (b\n").subject()),
        None
    );
}

/// The plans that the project comes with.
fn examples() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files = std::fs::read_dir(folder).expect("the examples").flatten();
    let plans = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "plan"));
    plans
        .map(|file| std::fs::read_to_string(file.path()).expect("UTF-8"))
        .collect()
}

/// Asks everything about every few characters; what comes back stands in the document.
fn ask_everywhere(text: &str) {
    let fixture = Fixture::new(text);
    let subject = fixture.subject();
    let end = edge::position(fixture.text().place(text.len(), Encoding::Utf16));
    for offset in (0..=text.len()).step_by(7) {
        let place = fixture.text().place(offset, Encoding::Utf16);
        if let Some(hover) = hover::hover(&subject, place) {
            assert!(
                hover
                    .range
                    .is_some_and(|range| range.start <= range.end && range.end <= end),
                "{hover:?}"
            );
        }
        definition::definition(&subject, place);
        type_definition::type_definition(&subject, place);
        linked_editing_range::ranges(&subject, place);
        range_formatting::format_on_type(&subject, edge::position(place));
        for item in call_hierarchy::prepare(&subject, place).into_iter().flatten() {
            assert!(contains(item.range, item.selection_range), "{item:?}");
            call_hierarchy::incoming(subject.view, &item).expect("steps");
            call_hierarchy::outgoing(subject.view, &item).expect("steps");
        }
        let at = subject.offset(place);
        subject.view.snapshot.assists(subject.path, Span::new(at, at));
        subject
            .view
            .snapshot
            .assists(subject.path, Span::new(at.saturating_sub(40), at));
    }
    document_symbol::symbols(&subject);
    formatting::format(&subject);
    code_lens::lenses(&subject);
    crate::publish_diagnostics::sheets(&fixture.into_views());
}

#[test]
fn everything_can_be_asked_everywhere_in_the_examples_and_in_ruins_of_them() {
    let examples = examples();
    assert!(examples.len() >= 5);
    for text in &examples {
        ask_everywhere(text);
        for part in 1..4 {
            let cut = crate::text::floor_char_boundary(text, text.len() * part / 4 + part);
            ask_everywhere(&text[..cut]);
            ask_everywhere(&format!("{}{}", &text[cut..], &text[..cut]));
        }
    }
}
