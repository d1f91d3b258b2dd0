//! Names that only types explain: fields, members of enumerations, ways to fail, options. `$0` is the cursor, `«…»` where
//! it leads.

use tower_lsp_server::ls_types::HoverContents;

use super::fixture::Fixture;
use crate::references::{references, rename};
use crate::{definition, hover, type_definition};

const PLAN: &str = r#"type Depth = shallow | deep

type Source
  ## As it is printed
  title: string
  kind: web | paper

capability web.search "Search the web"
  input:
    ## What to look for
    query: string
    limit: int = 10
  output:
    items: list[Source]
  cost: $1.00 per call

plan inner
  params:
    level: Depth = deep
  outputs:
    summary: string = "x"

  task inside
    run: |
      true

plan research
  params:
    depth: Depth = shallow
    first: Source = { title: "A", kind: web }

  task collect using:web.search
    when: params.depth == deep and params.first.title != "x"
    input:
      query: "a"
    output:
      sources: list[Source] = result.items
    fail no-results when sources is empty
    retry: 2 on no-results
    on no-results -> ask

  task read
    needs: collect
    each: source in collect.sources by source.title
    run: |
      echo {{ source.kind }}
    expect:
      - collect.sources | all(len(.title) > 0)
      - collect.sources[0].kind == paper

  task steps
    do:
      web.search(query: "b", limit: 2) -> hits
    output:
      best: string = hits.items[0].title

  task sub
    call: inner
    input:
      level: shallow

  task last kind:research
    needs: sub, any(collect, read)
    retry: exponential(max: 3)
    run: |
      echo {{ sub.summary }}

  gate ask
    approver: role/a
    options:
      - go-on "Go on"
      - stop "Stop"

  task again
    needs: ask
    when: ask.choice == go-on and collect.error.kind == no-results
    run: |
      echo {{ collect.error.kind }}

profile quick of research
  params.depth: deep
  collect.input.query: "c"

test "asks" of research
  given:
    depth: deep
  mock web.search -> { items: [{ title: "T", kind: paper }] }
  mock task read fails timeout
  mock task inside -> { stdout: "" }
  mock web.search when query == "a" -> { items: [] }
  approve ask as role/a choosing go-on
  expect:
    - ask.choice == go-on
    - read.status == failed
    - run.status == completed
"#;

/// The text with marks in place of some of its words, each by its line and its place among the same words of it.
fn marked(line: &str, at: &str, declared: &str) -> String {
    assert_eq!(PLAN.matches(line).count(), 1, "`{line}` is not there once");
    assert_eq!(
        PLAN.matches(&declared.replace(['«', '»'], "")).count(),
        1,
        "`{declared}` is not there once"
    );
    let text = PLAN.replace(line, at);
    let plain = declared.replace(['«', '»'], "");
    match text.contains(&plain) {
        true => text.replace(&plain, declared),
        false => panic!("`{declared}` and `{line}` are one line"),
    }
}

/// What stands at `$0` is declared between the marks.
#[track_caller]
fn leads(at: &str, declared: &str) {
    let fixture = Fixture::new(&marked(&at.replace("$0", ""), at, declared));
    fixture.check_mark(definition::definition(&fixture.subject(), fixture.cursor));
}

#[test]
fn fields_lead_to_their_record() {
    for at in [
        "params.first.ti$0tle !=",
        "by source.ti$0tle",
        "all(len(.ti$0tle)",
        "hits.items[0].ti$0tle",
        "{ ti$0tle: \"A\"",
        "{ ti$0tle: \"T\"",
    ] {
        leads(at, "«title»: string");
    }
    leads("{{ source.ki$0nd }}", "«kind»: web | paper");
}

#[test]
fn what_is_given_and_answered_leads_to_the_capability() {
    leads("    input:\n      qu$0ery: \"a\"", "«query»: string");
    leads("web.search(qu$0ery: \"b\"", "«query»: string");
    leads("\"b\", li$0mit: 2", "«limit»: int");
    leads("= result.it$0ems", "«items»: list[Source]");
    leads("hits.it$0ems[0]", "«items»: list[Source]");
    leads("-> { it$0ems: [{", "«items»: list[Source]");
}

#[test]
fn what_a_plan_takes_and_gives_is_found_from_its_callers() {
    leads("      le$0vel: shallow", "    «level»: Depth = deep");
    leads("sub.sum$0mary", "«summary»: string");
    leads("  given:\n    de$0pth:", "    «depth»: Depth = shallow");
    leads("params.de$0pth: deep", "    «depth»: Depth = shallow");
    leads("collect.input.qu$0ery: \"c\"", "      «query»: \"a\"");
    leads("mock task in$0side", "  task «inside»\n");
    leads("when qu$0ery ==", "«query»: string");
    leads("pa$0rams.depth == deep", "plan research\n  «params»:");
}

#[test]
fn members_of_enumerations_lead_to_where_they_are_written() {
    leads("params.depth == de$0ep", "shallow | «deep»");
    leads("level: Depth = de$0ep", "shallow | «deep»");
    leads("      level: sha$0llow", "type Depth = «shallow»");
    leads("given:\n    depth: de$0ep", "shallow | «deep»");
    leads("params.depth: de$0ep", "shallow | «deep»");
    leads("[0].kind == pa$0per", "web | «paper»");
    leads("kind: pa$0per }", "web | «paper»");
}

#[test]
fn ways_to_fail_and_options_lead_to_who_names_them() {
    leads("retry: 2 on no-re$0sults", "fail «no-results» when");
    leads("    on no-re$0sults -> ask", "fail «no-results» when");
    leads("error.kind == no-re$0sults", "fail «no-results» when");
    leads("choosing go$0-on", "- «go-on» \"Go on\"");
    leads("- ask.choice == go$0-on", "- «go-on» \"Go on\"");
    leads("when: ask.choice == go$0-on", "- «go-on» \"Go on\"");
}

#[test]
fn the_type_of_a_field_is_its_record() {
    let fixture = Fixture::new(&marked("hits.items[0].title", "hits.it$0ems[0].title", "type «Source»"));
    fixture.check_mark(type_definition::type_definition(&fixture.subject(), fixture.cursor));
}

/// The lines of the uses of what stands at `$0`, as they are written.
fn uses(at: &str) -> Vec<&'static str> {
    let plain = at.replace("$0", "");
    assert_eq!(PLAN.matches(&plain).count(), 1, "`{plain}` is not there once");
    let fixture = Fixture::new(&PLAN.replace(&plain, at));
    let found = references(&fixture.subject(), fixture.cursor, true).unwrap_or_default();
    let line = |one: &tower_lsp_server::ls_types::Location| {
        let line = PLAN.lines().nth(one.range.start.line as usize);
        line.unwrap_or_default().trim()
    };
    found.iter().map(line).collect()
}

#[test]
fn all_uses_of_a_field_are_found() {
    assert_eq!(
        uses("{ ti$0tle: \"T\""),
        [
            "title: string",
            "first: Source = { title: \"A\", kind: web }",
            "when: params.depth == deep and params.first.title != \"x\"",
            "each: source in collect.sources by source.title",
            "- collect.sources | all(len(.title) > 0)",
            "best: string = hits.items[0].title",
            "mock web.search -> { items: [{ title: \"T\", kind: paper }] }",
        ]
    );
    assert_eq!(
        uses("qu$0ery: string"),
        [
            "query: string",
            "query: \"a\"",
            "web.search(query: \"b\", limit: 2) -> hits",
            "collect.input.query: \"c\"",
            "mock web.search when query == \"a\" -> { items: [] }"
        ]
    );
}

#[test]
fn all_uses_of_a_member_of_an_enumeration_are_found() {
    assert_eq!(
        uses("params.depth == de$0ep"),
        [
            "type Depth = shallow | deep",
            "level: Depth = deep",
            "when: params.depth == deep and params.first.title != \"x\"",
            "params.depth: deep",
            "depth: deep",
        ]
    );
    assert_eq!(
        uses("- go$0-on \"Go on\""),
        [
            "- go-on \"Go on\"",
            "when: ask.choice == go-on and collect.error.kind == no-results",
            "approve ask as role/a choosing go-on",
            "- ask.choice == go-on",
        ]
    );
    assert_eq!(
        uses("fail no-re$0sults when"),
        [
            "fail no-results when sources is empty",
            "retry: 2 on no-results",
            "on no-results -> ask",
            "when: ask.choice == go-on and collect.error.kind == no-results",
        ]
    );
}

/// The edits of renaming what stands at `$0`, or why it cannot be.
fn renamed(text: &str, new: &str) -> Result<usize, String> {
    let fixture = Fixture::new(text);
    let edit = rename(&fixture.subject(), fixture.cursor, new).map_err(|error| error.message.into_owned())?;
    Ok(edit.changes.unwrap_or_default().values().map(Vec::len).sum())
}

#[test]
fn what_belongs_to_a_plan_is_renamed_everywhere() {
    let at = |line: &str| PLAN.replace(&line.replace("$0", ""), line);
    assert_eq!(renamed(&at("fail no-re$0sults when"), "nothing"), Ok(4));
    assert_eq!(renamed(&at("- go$0-on \"Go on\""), "proceed"), Ok(4));
    assert_eq!(renamed(&at("type Depth = shallow | de$0ep"), "thorough"), Ok(5));
    assert_eq!(renamed(&at("    de$0pth: Depth = shallow"), "how"), Ok(4));
    let refused = |line: &str, new: &str| renamed(&at(line), new).expect_err("refused");
    assert_eq!(
        refused("fail no-re$0sults when", "timeout"),
        "`timeout` is a way to fail of the language"
    );
    assert_eq!(refused("- go$0-on \"Go on\"", "stop"), "`stop` is there already");
    assert_eq!(
        refused("type Depth = shallow | de$0ep", "shallow"),
        "`shallow` is there already"
    );
    assert!(refused("kind: web | pa$0per", "book").contains("declare it as a `type`"));
    assert!(refused("      ti$0tle: string".trim_start(), "name").contains("data from outside"));
}

#[test]
fn an_enumeration_is_not_mistaken_for_a_node() {
    let text = "plan p\n  params:\n    how: fast | slow\n\n  task fa$0st\n    run: |\n      true\n\n  task b\n    needs: fast\n    when: params.how == fast\n    run: |\n      true\n";
    assert_eq!(renamed(text, "quick"), Ok(2));
}

#[track_caller]
fn shows(at: &str, expected: &str) {
    let plain = at.replace("$0", "");
    assert_eq!(PLAN.matches(&plain).count(), 1, "`{plain}` is not there once");
    let fixture = Fixture::new(&PLAN.replace(&plain, at));
    let shown = hover::hover(&fixture.subject(), fixture.cursor).map(|hover| match hover.contents {
        HoverContents::Markup(markup) => markup.value,
        other => panic!("not Markdown: {other:?}"),
    });
    let shown = shown.unwrap_or_default();
    assert!(shown.contains(expected), "expected {expected:?} in:\n{shown}");
}

#[test]
fn hover_says_where_a_name_comes_from() {
    shows(
        "all(len(.ti$0tle)",
        "type Source\n  title: string\n```\nAs it is printed",
    );
    shows(
        "    input:\n      qu$0ery: \"a\"",
        "capability web.search\n  input:\n    query: string\n```\nWhat to look for",
    );
    shows("params.depth == de$0ep", "type Depth = shallow | deep");
    shows(
        "on no-re$0sults -> ask",
        "task collect\n  fail no-results when sources is empty",
    );
    shows("choosing go$0-on", "gate ask\n  options:\n    - go-on \"Go on\"");
    shows("read.status == fai$0led", "one of `pending");
    shows("fails time$0out", "its time was up");
    shows("kind: web | pa$0per", "kind: web | paper");
    shows("approver: ro$0le/a", "whoever has the role");
    shows("sources by sou$0rce.title", "source: Source");
    shows("pa$0rams.first.title !=", "params:");
    shows("ru$0n.status == completed", "the run:");
    shows("kind:rese$0arch", "what sort of work");
    shows("sub, an$0y(collect, read)", "the first of these");
    shows("exponential(m$0ax: 3)", "waits a multiple");
    shows("profile qui$0ck of", "profile quick of research");
    shows("$1.00 per ca$0ll", "what a call costs");
    shows("mock task in$0side", "task inside");
    shows("when query$0 ==", "capability web.search\n  input:\n    query: string");
}

#[test]
fn words_that_nobody_declares_are_found_where_they_are_said() {
    let text = "policy p\n  rule r\n    for: task where kind == deploy\n    require: after(gate where approver == role/release)\n\nplan a\n  gate g\n    approver: role/rele$0ase\n\n  task t kind:deploy\n    needs: g\n    owner: role/release\n    run: |\n      true\n    on timeout -> u\n\n  task u\n    run: |\n      echo role/release\n    on timeout -> t\n\ntest \"x\" of a\n  approve g as role/release\n";
    let lines = |text: &str| -> Vec<u32> {
        let fixture = Fixture::new(text);
        let found = references(&fixture.subject(), fixture.cursor, false).unwrap_or_default();
        found.iter().map(|one| one.range.start.line + 1).collect()
    };
    assert_eq!(lines(text), [4, 8, 12, 23]);
    let text = text.replace("$0", "");
    assert_eq!(lines(&text.replace("kind:deploy", "kind:dep$0loy")), [3, 10]);
    assert_eq!(lines(&text.replacen("on timeout", "on time$0out", 1)), [15, 20]);
    assert_eq!(
        lines(&text.replace("    needs: g", "    nee$0ds: g")),
        Vec::<u32>::new()
    );
}
