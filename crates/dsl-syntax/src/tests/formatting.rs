//! The formatter: examples stay as they are, odd layouts become the house's, and it never fights itself.

use super::examples;
use crate::{FormatError, format};

fn formatted(text: &str) -> String {
    let once = format(text).unwrap_or_else(|error| panic!("{error}: {error:?}\n{text}"));
    let twice = format(&once).unwrap_or_else(|error| panic!("{error}: {error:?}\n{once}"));
    assert_eq!(once, twice, "formatting is not idempotent");
    once
}

#[test]
fn the_examples_are_in_house_style() {
    for (path, text) in examples() {
        let formatted = formatted(&text);
        let expected = if path.ends_with("sketch.plan") {
            text.replace("needs: scope collect", "needs: scope, collect")
        } else {
            text
        };
        assert!(formatted == expected, "{}:\n{formatted}", path.display());
    }
}

#[test]
fn one_of_everything_is_in_house_style() {
    let text = include_str!("everything.plan");
    let expected = text.replace(" owner:team/sre\n", "\n  owner: team/sre\n").replace(
        "type Depth = shallow | moderate | detailed\ntype Port",
        "type Depth = shallow | moderate | detailed\n\ntype Port",
    );
    assert_eq!(formatted(text), expected);
}

#[test]
fn odd_layouts_become_the_house_s() {
    let text = "\
# top

use   \"a.plan\"
use b,c from \"b.plan\"
type  X
   a :int( 1 .. 5 )?=3
   b:a|b |c


   c: list [ string ]
plan  p  \"P\"   version:1.0.0 labels:a,b # trailing

    params:
        ## doc
        q: string
# about t
    task t \"T {{params.q}}\"  timeout:5m kind:x   using:shell
        needs: a b?  any( c d ) 2 of(e f)
        run: |
              if x; then
                  y   z
              fi

              # end
        # note
        when: not a==b  and -c<d or f (x , y )[ 0 ] . z |where( .x>it . y )
        input:
            l: [
                1,2,
                # two
                { a:1,b :[ ] }
            ]
        env: 
            E: {}
        on  failure->t2
    task t2
    hypothesis h
        prior: 5%
    hypothesis i
        prior: 5%
    # the end of i
    owner: team/x
test \"x\" of p
  mock a.b->{a:1}times 2,then fails x
  expect: x+-1 == - y
";
    insta::assert_snapshot!(formatted(text));
}

#[test]
fn a_script_stays_as_it_is_in_one_line_too() {
    let text = "\
task a
  run: \"docker ps --format '{{.ID}} {{x}}' {{params.q}}  {{  len( a,b ) }}\"
  env:
    E: \"{{params.q}}\"
";
    let expected = text.replace("E: \"{{params.q}}", "E: \"{{ params.q }}");
    assert_eq!(formatted(text), expected);
    assert_eq!(formatted("task a run:\"{{f}}\""), "task a\n  run: \"{{f}}\"\n");
}

#[test]
fn comments_stay_where_they_are() {
    let text = "\
task a
  # above the clause
  timeout: 5m # behind it
    # deeper than what follows
  needs: b # with a list
# at the margin, above a clause
  expect:
    - a # item

    # after the items
  # before the next

  retry: 3
      # far in
# last
";
    insta::assert_snapshot!(formatted(text));
}

#[test]
fn what_is_allowed_stays_on_the_line_above() {
    let text = "task a\n  run: \"x\"\n    # allow(unknown-kind): ours\n      # so there\ntask b kind:ours\n";
    let expected = "task a\n  run: \"x\"\n\n# allow(unknown-kind): ours\n# so there\ntask b kind:ours\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn empty_texts_stay_empty() {
    assert_eq!(format(""), Ok(String::new()));
    assert_eq!(format("\n \n\n"), Ok(String::new()));
    assert_eq!(formatted("task a"), "task a\n");
    assert_eq!(formatted("\n\n# only a comment  \n\n"), "# only a comment\n");
}

#[test]
fn text_with_errors_is_refused() {
    let error = format("task ok\ntask a\n  needs: ,\n");
    assert!(
        matches!(&error, Err(FormatError::Syntax(error)) if error.span.start == 24),
        "{error:?}"
    );
}

#[test]
fn a_bracket_left_open_before_a_declaration_is_refused() {
    let error = format("plan p e:(\n task a\n  d\n");
    assert!(
        matches!(&error, Err(FormatError::Syntax(error)) if error.span.start == 11),
        "{error:?}"
    );
}

#[test]
fn a_clause_does_not_leave_the_comment_that_allows_it() {
    let text = "# allow(redundant-need): both are meant\ntask ship needs:build,test timeout:5m\n  run: \"true\"\n";
    assert_eq!(formatted(text), text);
    let plain = "# both are meant\ntask ship needs:build\n  run: \"true\"\n";
    assert_eq!(
        formatted(plain),
        "# both are meant\ntask ship\n  needs: build\n  run: \"true\"\n"
    );
}
