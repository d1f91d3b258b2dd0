//! Broken text: every mistake is reported once, where it is, and what is around it survives.

use super::errors;
use crate::ast::{Item, Value};
use crate::parse_file;

const EIGHT: &str = "\
plan release \"Release\"
  params:
    level: int(1..5) = 3

  task a \"First\" kind:build
    needs: b, , c
    timeout: 5m

  task b
    when: params.level >
    run: |
      echo hi

  task c
    timeout: len((1 + 2
    needs: b

  task d
    on failur e
    on failure -> a

  task \"No name\"
    needs: a

  tsak e
    needs: a

  task f kind: research
    priority: 1

plam q
  x: 1
";

#[test]
fn eight_mistakes_are_eight_errors() {
    insta::assert_snapshot!(errors(EIGHT));
}

#[test]
fn what_is_around_a_mistake_survives() {
    let mut seen = String::new();
    for (_, block) in parse_file(EIGHT) {
        let Some(Item::Decl(decl)) = block.item else {
            continue;
        };
        let name = decl.name.map_or("-".into(), |name| name.text);
        let clauses: Vec<_> = decl
            .clauses
            .iter()
            .map(|clause| {
                format!(
                    "{}{}",
                    clause.name.text,
                    if clause.value == Value::Error { "!" } else { "" }
                )
            })
            .collect();
        seen.push_str(&format!("{} {name}: {}\n", decl.kind.keyword(), clauses.join(" ")));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn mistakes_in_headers() {
    let text = "task\ntask a b\ntask \"A\"\ntask b \"B\" kind\ntask c when -> x\ntest of b\nprofile x\nuse\nuse a b\nuse \"x\" as\ntype X =\n";
    insta::assert_snapshot!(errors(text));
}

#[test]
fn mistakes_in_clauses() {
    let text = "\
task a
  timeout 5m
  limits: 3
  input: 3
  retry: 3 on
  each: x of y
  by a
  on failure - b
  fail x if y
  expect:
    - 1 == 2 == 3
    a == b
  do:
    web.search
  priority:
  when: a = b
  effects: read(\"x\"
  needs: 2 off (a, b)
";
    insta::assert_snapshot!(errors(text));
}

#[test]
fn a_fan_out_over_a_list_alone_is_told_its_form() {
    insta::assert_snapshot!(errors("task a\n  each: [\"eu\", \"us\"] by it\n"));
}

#[test]
fn mistakes_in_tokens() {
    let text = "\
task a
  timeout: 5parsecs
  budget:
    cost: $5x
    time: 1.2.3.4
  shell: \"abc
  dir: 'abc' 
  key: a && b || !c
  when: title matches /abc
  description: \"\\q \\u{110000} \\u{zz}\"
  priority: é
";
    insta::assert_snapshot!(errors(text));
}

#[test]
fn mistakes_in_indentation() {
    let text = "  task floating
task a
    timeout: 5m
  needs: b
      run: |
        echo
    task inner
      x: 1
\ttolerate: 1
task b
  timeout: 5m
    retry: 3
    priority: 2
  test \"x\" of a
";
    insta::assert_snapshot!(errors(text));
}

#[test]
fn mistakes_in_policies_types_profiles_and_tests() {
    let text = "\
policy p
  rule
    for: tsk
  rule r
    deny: flow(secrets, web.*
    require: after(task where kind == )
  applies: plan where
type Y
  a: list[
  b: int(1)
  c: string(/a/
  d
profile y of z
  a.b c
  a..b: 3
  a.retry: x: 3
test \"t\" of b
  mock a.b -> {a: 1
  mock c fails
  mock d
  approve x as y
";
    insta::assert_snapshot!(errors(text));
}

#[test]
fn an_open_bracket_costs_its_clause() {
    let text =
        "task a\n  retry: exponential(max: 3,\n  timeout: 5m\n  env:\n    A: len([1, 2\n    B: 3\ntask b\n  needs: a\n";
    insta::assert_snapshot!(errors(text));
}

#[test]
fn depth_is_bounded() {
    let nested = format!("task a\n  when: {}1{}\n", "(".repeat(500), ")".repeat(500));
    let chain = format!("task a\n  when: x{}\n", " + 1".repeat(500));
    let fields = format!("task a\n  when: x{}\n", ".y".repeat(500));
    let types = format!("type T = {}int{}\n", "list[".repeat(500), "]".repeat(500));
    let strings = format!("task a\n  when: {}1{}\n", "\"{{ ".repeat(500), " }}\"".repeat(500));
    let wide = format!("task a\n  when: [{}]\n", "a.b == 1 and f(x), ".repeat(500));
    for (text, count) in [
        (nested, 1),
        (chain, 1),
        (fields, 1),
        (types, 1),
        (strings, 1),
        (wide, 0),
    ] {
        let errors = errors(&text);
        assert_eq!(errors.lines().count(), count, "{errors}");
    }
}

#[test]
fn an_attribute_without_a_value_whose_lines_stand_below() {
    assert_eq!(
        errors("capability w input:"),
        "1:20 syntax: `input` has no value, expected its lines below, indented\n"
    );
}

#[test]
fn a_line_that_is_no_deeper_than_its_node() {
    assert_eq!(
        errors("plan t\n  task t\n run: \"x\"\n"),
        "3:2 indentation: indented by 1, expected 4 as the lines beside it\n"
    );
}
