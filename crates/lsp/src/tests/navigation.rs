//! From a place to others: types, needs, linked names, imports of files that move.

use tower_lsp_server::ls_types::{CallHierarchyItem, FileRename};

use super::fixture::Fixture;
use crate::text::{Encoding, Place};
use crate::view::View;
use crate::{call_hierarchy, edge, linked_editing_range, range_formatting, type_definition, will_rename_files};

/// The type of what is at `$0` is declared between `«` and `»`.
#[track_caller]
fn check_type(text: &str) {
    let fixture = Fixture::new(text);
    fixture.check_mark(type_definition::type_definition(&fixture.subject(), fixture.cursor));
}

#[test]
fn the_type_of_a_value_is_its_record() {
    check_type(
        "type «Source»\n  title: string\n\ntask a\n  run: |\n    true\n  output:\n    found: list[Source] = json(stdout) as list[Source]\n\ntask b\n  needs: a\n  when: len(a.fo$0und) > 0\n",
    );
    check_type(
        "use \"types.plan\"\n\nplan p\n  params:\n    first: Pair?\n\n  task a\n    when: params.fi$0rst is not none\n=== types.plan\ntype «Pair»\n  left: string\n",
    );
    check_type("type «Inner»\n  a: int\n\ntype Outer\n  in$0ner: Inner\n");
}

#[test]
fn the_type_of_a_task_is_what_does_its_work() {
    check_type(
        "capability «web.search»\n  output:\n    n: int\n\ntask a\n  using: web.search\n\ntask b\n  needs: $0a\n",
    );
    check_type("plan «inner»\n  task x\n    run: |\n      true\n\nplan outer\n  task a$0\n    call: inner\n");
}

#[test]
fn what_is_of_a_type_of_the_language_leads_nowhere() {
    let fixture = Fixture::new("plan p\n  params:\n    a$0: string\n");
    assert_eq!(
        type_definition::type_definition(&fixture.subject(), fixture.cursor),
        None
    );
}

const CALLS: &str = r#"use "lib.plan"

plan outer
  task first
    run: |
      true

  task second
    needs: first
    call: inner

  gate third
    needs: second, first?
    approver: role/a
=== lib.plan
plan inner
  task x
    run: |
      true
    on failure -> y

  task y
    run: |
      true

  task z
    needs: any(x, y)
    run: |
      true
"#;

fn prepared(fixture: &Fixture) -> CallHierarchyItem {
    let items = call_hierarchy::prepare(&fixture.subject(), fixture.cursor).expect("an item");
    items.into_iter().next().expect("one")
}

/// `name line:column …`: who is needed, and where that is said.
fn needs(view: &View, item: &CallHierarchyItem) -> Vec<String> {
    let steps = call_hierarchy::outgoing(view, item).expect("steps").into_iter();
    steps.map(|step| shown(&step.to, &step.from_ranges)).collect()
}

fn needed_by(view: &View, item: &CallHierarchyItem) -> Vec<String> {
    let steps = call_hierarchy::incoming(view, item).expect("steps").into_iter();
    steps.map(|step| shown(&step.from, &step.from_ranges)).collect()
}

fn shown(item: &CallHierarchyItem, places: &[tower_lsp_server::ls_types::Range]) -> String {
    let places = places
        .iter()
        .map(|range| format!(" {}:{}", range.start.line + 1, range.start.character + 1));
    format!("{}{}", item.name, places.collect::<String>())
}

#[test]
fn a_task_leads_to_what_it_needs_and_to_what_needs_it() {
    let fixture = Fixture::new(&CALLS.replace("needs: first\n", "needs: fi$0rst\n"));
    let subject = fixture.subject();
    let first = prepared(&fixture);
    assert_eq!(needs(subject.view, &first), Vec::<String>::new());
    assert_eq!(needed_by(subject.view, &first), ["second 9:12", "third 13:20"]);
}

#[test]
fn calls_lead_into_the_plan_and_out_again() {
    let fixture = Fixture::new(&CALLS.replace("task second", "task sec$0ond"));
    let view = fixture.subject().view;
    let second = prepared(&fixture);
    assert_eq!(needs(view, &second), ["first 9:12", "inner 10:11"]);
    let inner = call_hierarchy::outgoing(view, &second)
        .expect("steps")
        .pop()
        .expect("inner")
        .to;
    assert_eq!(needs(view, &inner), ["z 1:6"]);
    assert_eq!(needed_by(view, &inner), ["second 10:11"]);
    let last = call_hierarchy::outgoing(view, &inner)
        .expect("steps")
        .pop()
        .expect("z")
        .to;
    assert_eq!(needs(view, &last), ["x 12:16", "y 12:19"]);
    assert_eq!(needed_by(view, &last), ["inner 1:6"]);
}

#[test]
fn a_route_is_a_need_of_where_it_leads() {
    let text = CALLS.replace("plan inner\n  task x", "plan inner\n  task $0x");
    let fixture = Fixture::new(&text);
    let view = fixture.subject().view;
    assert_eq!(needed_by(view, &prepared(&fixture)), ["y 7:8", "z 12:16"]);
}

/// The linked places, as `line:column`.
fn linked(text: &str) -> Vec<String> {
    let fixture = Fixture::new(text);
    let found = linked_editing_range::ranges(&fixture.subject(), fixture.cursor);
    let ranges = found.map(|found| found.ranges).unwrap_or_default().into_iter();
    ranges
        .map(|range| format!("{}:{}", range.start.line + 1, range.start.character + 1))
        .collect()
}

#[test]
fn local_names_are_typed_together() {
    let each = "task a\n  each: it$0em in [1, 2]\n  run: |\n    echo {{ item }} {{ item + 1 }}\n\ntask b\n  needs: a\n";
    assert_eq!(linked(each), ["2:9", "4:13", "4:24"]);
    let inside = each
        .replace("it$0em in", "item in")
        .replace("{{ item }}", "{{ it$0em }}");
    assert_eq!(linked(&inside), ["2:9", "4:13", "4:24"]);
    let steps = "task a\n  do:\n    x.y(n: 1) -> on$0e\n    x.y(n: one.m)\n";
    assert_eq!(linked(steps), ["3:18", "4:12"]);
    assert_eq!(linked("task $0a\n\ntask b\n  needs: a\n"), Vec::<String>::new());
}

fn renamed(text: &str, old: &str, new: &str) -> Vec<String> {
    let fixture = Fixture::with_all(text);
    let file = FileRename {
        old_uri: format!("file:///plans/{old}"),
        new_uri: format!("file:///plans/{new}"),
    };
    let views = fixture.into_views();
    let changes = will_rename_files::edits(&views, &[file]).and_then(|edit| edit.changes);
    let mut all: Vec<String> = Vec::new();
    for (uri, edits) in changes.unwrap_or_default() {
        let name = uri.as_str().trim_start_matches("file:///plans/").to_owned();
        all.extend(edits.into_iter().map(|edit| format!("{name}: {}", edit.new_text)));
    }
    all.sort();
    all
}

#[test]
fn imports_follow_files_and_folders_that_move() {
    let text = "use \"lib/a.plan\"\nuse \"/lib/b.plan\"\ntype T = string\n=== lib/a.plan\nuse \"b.plan\"\n=== lib/b.plan\nuse \"../main.plan\"\n";
    assert_eq!(
        renamed(text, "lib/b.plan", "lib/deep/c.plan"),
        [
            "lib/a.plan: \"deep/c.plan\"",
            "lib/b.plan: \"../../main.plan\"",
            "main.plan: \"/lib/deep/c.plan\""
        ]
    );
    assert_eq!(
        renamed(text, "lib", "shared"),
        ["main.plan: \"/shared/b.plan\"", "main.plan: \"shared/a.plan\""]
    );
    assert_eq!(renamed(text, "lib/none.plan", "x.plan"), Vec::<String>::new());
}

/// The text after formatting the lines of the selection.
fn formatted(text: &str) -> String {
    let fixture = Fixture::new(text);
    let (_, marked) = fixture.marked.clone().expect("a selection");
    let place = |at: usize| edge::position(fixture.text().place(at, Encoding::Utf16));
    let range = tower_lsp_server::ls_types::Range {
        start: place(marked.start),
        end: place(marked.end),
    };
    let edits = range_formatting::format_range(&fixture.subject(), range).expect("edits");
    super::features::apply(fixture.text(), &edits)
}

#[test]
fn only_the_declarations_of_a_range_are_formatted() {
    let text = "task a\n  needs:   x\n\ntask b\n  needs:  «x»\n\n\n\ntask c\n  needs:   x\n";
    assert_eq!(
        formatted(text),
        "task a\n  needs:   x\n\ntask b\n  needs: x\n\ntask c\n  needs:   x\n"
    );
    let text = "task a\n  needs:   «x\n\ntask b\n  needs»:  x\n\ntask c\n  needs:   x\n";
    assert_eq!(
        formatted(text),
        "task a\n  needs: x\n\ntask b\n  needs: x\n\ntask c\n  needs:   x\n"
    );
}

/// The text after the line feed before the cursor was typed.
fn typed(text: &str) -> String {
    let fixture = Fixture::new(text);
    let Place { line, column } = fixture.cursor;
    let at = edge::position(Place { line, column });
    let edits = range_formatting::format_on_type(&fixture.subject(), at).unwrap_or_default();
    super::features::apply(fixture.text(), &edits)
}

#[test]
fn a_new_line_is_as_deep_as_what_may_follow() {
    assert_eq!(typed("task a  \n$0"), "task a\n  ");
    assert_eq!(typed("plan p\n  task a\n$0\n"), "plan p\n  task a\n    \n");
    assert_eq!(typed("task a\n  run: |\n$0"), "task a\n  run: |\n    ");
    assert_eq!(
        typed("task a\n  run: |\n    one\n$0"),
        "task a\n  run: |\n    one\n    "
    );
    assert_eq!(typed("task a\n  output:\n        $0\n"), "task a\n  output:\n    \n");
    assert_eq!(typed("task a\n  needs: b\n$0run"), "task a\n  needs: b\nrun");
    assert_eq!(typed("# task a\n$0"), "# task a\n");
}
