//! What comes first in the list, by kind of place: a line as far as it is written, and the words that an editor shows
//! at the top. A case is a line `place | offered, offered, …`; `!word` must not be there at all.

use tower_lsp_server::ls_types::{CompletionItem, CompletionResponse};

use super::fixture::Fixture;
use crate::completion::completion;

const PLAN: &str = r#"type Source
  title: string
  kind: web | paper

type Depth = shallow | deep

capability web.search "Search the web"
  input:
    query: string
    depth: Depth = shallow
  output:
    items: list[Source]

capability web.post "Post it"
  input:
    body: string

agent scout "Finds things"
  provides: web.search

agent mole "Digs"
  provides: web.search, web.post

plan research "Research"
  params:
    question: string
    depth: Depth = shallow
    wait: duration = 5m
  memory:
    last.seen: string scope:plan

  task collect "Collect" using:web.search
    by: scout, mole
    input:
      query: params.question

  task read "Read"
    needs: collect
    run: "true"
    output:
      best: Source = json(stdout) as Source
    fail unreadable when exit == 3

  gate review "Review"
    needs: read
    approver: role/editor
    options:
      - short "Short"
      - long "Long"

  task write "Write"
    needs: review
    run: "true"
"#;

fn offered(text: &str) -> Vec<CompletionItem> {
    let fixture = Fixture::new(text);
    let CompletionResponse::List(list) = completion(&fixture.subject(), fixture.cursor) else {
        panic!("not a list")
    };
    let mut items = list.items;
    items.sort_by(|a, b| a.sort_text.cmp(&b.sort_text));
    items
}

/// Each case is a line more at the end of the plan, which ends in a task.
#[track_caller]
fn check(before: &str, cases: &str) {
    for case in cases.lines().filter(|case| !case.trim().is_empty()) {
        let (place, expected) = case.rsplit_once(" ~ ").expect("` ~ ` between place and words");
        let place = place.replace("\\n", "\n");
        let items = offered(&format!("{PLAN}{before}{place}$0\n"));
        let labels: Vec<&str> = items.iter().map(|item| item.label.as_str()).collect();
        let (not, first): (Vec<&str>, Vec<&str>) = expected.split(", ").partition(|word| word.starts_with('!'));
        let top = &labels[..first.len().min(labels.len())];
        assert_eq!(top, first, "`{place}` offers {labels:?}");
        for word in not {
            assert!(!labels.contains(&&word[1..]), "`{place}` offers {word}: {labels:?}");
        }
        for item in &items {
            let explained = item.documentation.is_some() || item.data.is_some() || item.detail.is_some();
            assert!(explained, "`{}` of `{place}` says nothing of itself", item.label);
        }
    }
}

#[test]
fn values_have_the_type_that_is_wanted() {
    check(
        "",
        r"
    timeout:  ~ 30s, 5m, 1h, 1d, params.wait, !stdout
    timeout: 15 ~ 15s, 15m, 15h, 15d, 15w, 15ms
    when: params.wait > 2 ~ 2s, 2m, 2h
    when: params.depth ==  ~ shallow, deep, params.depth
    when: params.depth in [shallow,  ~ shallow, deep
    when: read.best.kind ==  ~ web, paper
    when: review.choice ==  ~ short, long
    when: collect.agent ==  ~ scout, mole
    cache:  ~ 30s, 5m
    idempotent:  ~ true, false
    budget:\n      cost:  ~ $1.00, $10.00
    output:\n      report: file = f ~ file
    output:\n      report: file? =  ~ file
    output:\n      reports: list[file] =  ~ file
    output:\n      said: string =  ~ stdout
",
    );
}

#[test]
fn after_a_dot_stand_the_members_of_whatever_is_before_it() {
    check(
        "",
        r"
    when: collect.items[0]. ~ title, kind
    when: first(collect.items). ~ title, kind
    when: collect.items | any(. ~ title, kind
    when: any(collect.items, it. ~ title, kind
    each: s in collect.items by s. ~ title, kind
    when: memory. ~ last.seen
    when: memory.last. ~ seen
    when: task. ~ id, key, attempt
    requires:\n      - system. ~ disk, memory, cpus, os, arch
    requires:\n      - system.disk. ~ free, total
",
    );
}

#[test]
fn operators_follow_operands() {
    check(
        "",
        r"
    when: params.depth  ~ and, or, in, is none, !params, !len
    when: params.depth == shallow  ~ and, or
    when: not  ~ review, read, collect
    when: collect.items |  ~ abs, all, any, !lower, !trim, !days
    when: params.question |  ~ abs, contains, csv, !days, !where
    run: {{ read.best as  ~ Depth, Source, string
",
    );
}

#[test]
fn words_are_those_of_the_place() {
    check(
        "",
        r"
    on  ~ success, failure, timeout, rate-limited, expectation
    on failure  ~ ->
    on failure ->  ~ !write, !collect
    fail odd  ~ when
    retry:  ~ immediate, linear, exponential, 3
    retry: exponential( ~ max, base, cap, factor, jitter
    retry: exponential(max: 3, base:  ~ 30s, 5m
    retry: 3  ~ on
    retry: 3 on  ~ failure, timeout, !success
    effects: read('x'),  ~ read, write, network
    limits:  ~ !parallel
    do:\n      web. ~ web.post, web.search
    do:\n      web.search( ~ query, depth
    do:\n      web.search(query: params.question, depth:  ~ shallow, deep
",
    );
}

#[test]
fn a_dotted_name_is_replaced_as_a_whole() {
    let items = offered(&format!("{PLAN}  task more \"More\" using:web.$0\n"));
    let search = items.iter().find(|item| item.label == "web.search").expect("offered");
    let Some(tower_lsp_server::ls_types::CompletionTextEdit::Edit(edit)) = &search.text_edit else {
        panic!("no edit")
    };
    let written = "  task more \"More\" using:".len() as u32;
    assert_eq!(
        (edit.range.start.character, edit.range.end.character),
        (written, written + 4)
    );
}

#[test]
fn clauses_fit_those_that_are_there() {
    check(
        "",
        r"
     ~ kind, when, each, input, !needs, !run, !call, !do, !parallel
",
    );
    check(
        "  task next \"Next\" using:web.post\n",
        r"
     ~ kind, needs, when, each, input, !run, !call, !do, !shell, !parallel
    by:  ~ mole, !scout
    input:\n       ~ body
    each: x in []\n     ~ kind, needs, when, parallel, tolerate
",
    );
    check(
        "",
        "  task next \"Next\"  ~ kind, using, needs\n  task next  ~ kind, using",
    );
    let header = offered(&format!("{PLAN}  task next $0"));
    let Some(tower_lsp_server::ls_types::CompletionTextEdit::Edit(edit)) = &header[0].text_edit else {
        panic!("no edit")
    };
    assert_eq!(
        edit.new_text, "kind:",
        "a clause of a header has no space behind its colon"
    );
}

#[test]
fn declarations_outside_of_plans() {
    check(
        "\n",
        r#"
type New =  ~ Depth, New, Source, string
type New\n  field:  ~ Depth, New, Source, string
capability x\n  runner:  ~ shell, http, mcp, llm, human, builtin
capability x\n  runner: http( ~ url, method
capability x\n  cost: $5  ~ per, per call
agent x\n  limits:\n     ~ requests, tokens, concurrent, cost
policy x\n  applies:  ~ task, gate, decision, node, plan
policy x\n  rule r\n     ~ for, require, deny, severity
policy x\n  rule r\n    for: task where kind ==  ~ research, analyze
policy x\n  rule r\n    for: gate where  ~ id, using, !kind
policy x\n  rule r\n    require: after( ~ task, gate
policy x\n  rule r\n    require: after(gate where approver ==  ~ role/, user/
profile x  ~ of
profile x of  ~ research
profile x of research\n  collect.input. ~ query, depth
profile x of research\n  collect.input.depth:  ~ shallow, deep
profile x of research\n  budget. ~ time, cost
profile x of research\n  web. ~ post, search
profile x of research\n  web.search. ~ cost, effects
"#,
    );
}

#[test]
fn tests_of_plans() {
    check(
        "\ntest \"t\" of research\n",
        r#"
  given:\n    depth:  ~ shallow, deep
  mock web.search  ~ ->, fails, when, by
  mock web.search -> {  ~ items
  mock web.search by  ~ mole, scout
  mock task read fails  ~ unreadable, failure
  approve  ~ review
  approve review  ~ as, choosing, after
  approve review as  ~ role/editor
  approve review as role/editor choosing  ~ long, short
  expect:\n    - status( ~ collect, read, review, write, !len
  expect:\n    - status(read) ==  ~ pending, ready
  expect:\n    - run.status ==  ~ pending, running, paused
"#,
    );
}

#[test]
fn memory_secrets_imports_and_rules() {
    check(
        "\nplan other\n",
        r#"
  memory:\n    key: string  ~ scope:
  memory:\n    key: string scope: ~ run, plan, global
  secrets:\n    token:  ~ env, file
  alert "slow" when run. ~ status, duration, cost
  alert "slow" when run.duration > 5m severity: ~ low, high, critical
  trigger:\n    confidence: 7 ~ 7%
"#,
    );
    let items = offered("use \"lib/$0\n=== lib/web.plan\n");
    assert_eq!(items.len(), 0, "a file that nobody knows of");
    let fixture = Fixture::with_all("use \"lib/$0\"\n=== lib/web.plan\ntype A\n  a: int\n");
    let CompletionResponse::List(list) = completion(&fixture.subject(), fixture.cursor) else {
        panic!("not a list")
    };
    assert_eq!(list.items[0].label, "lib/web.plan");
    let rules = offered("# allow(unused$0");
    assert!(rules.iter().any(|rule| rule.label == "unused-name"));
}
