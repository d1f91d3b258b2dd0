//! What the tree keeps of the text: docs, suppressions, raw blocks, places.

use crate::ast::{Block, Clause, Decl, Item, Raw, Text, Value};
use crate::{Kind, parse_file, tokens};

fn decl(text: &str) -> Decl {
    let blocks = parse_file(text);
    let errors: Vec<_> = blocks.iter().flat_map(|(_, block)| &block.errors).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let decl = blocks.into_iter().find_map(|(_, block)| match block {
        Block {
            item: Some(Item::Decl(decl)),
            ..
        } => Some(decl),
        _ => None,
    });
    decl.expect("a declaration")
}

fn clause<'d>(decl: &'d Decl, name: &str) -> &'d Clause {
    decl.clauses
        .iter()
        .find(|clause| clause.name.text == name)
        .expect("the clause")
}

fn script(decl: &Decl) -> &Raw {
    match &clause(decl, "run").value {
        Value::Script(raw) => raw,
        other => panic!("{other:?}"),
    }
}

#[test]
fn docs_stand_above_what_they_document() {
    let text = "## About\n## the file\n\n##About a\n## more\ntask a\n  ## how long\n  timeout: 5m\n  # no doc\n  input:\n    ## x\n    x: 1\n    y: 2\n";
    let blocks = parse_file(text);
    assert_eq!(blocks[0].1.file_doc.as_deref(), Some("About\nthe file"));
    let decl = decl(text);
    assert_eq!(decl.doc.as_deref(), Some("About a\nmore"));
    assert_eq!(clause(&decl, "timeout").doc.as_deref(), Some("how long"));
    let Value::Assigns(lines) = &clause(&decl, "input").value else {
        panic!("lines expected")
    };
    assert_eq!(lines[0].doc.as_deref(), Some("x"));
    assert_eq!(lines[1].doc, None);
}

#[test]
fn suppressions_are_read_from_comments() {
    let text = "# allow(unused-name): kept for others\ntask a\n  # allow(missing-timeout)\n  run: |\n    # allow(x): part of the script\n    echo\n";
    let found: Vec<_> = parse_file(text)
        .into_iter()
        .flat_map(|(_, block)| block.suppressions)
        .collect();
    let shown: Vec<_> = found
        .iter()
        .map(|it| (it.rule.text.as_str(), it.reason.as_deref()))
        .collect();
    assert_eq!(
        shown,
        [("unused-name", Some("kept for others")), ("missing-timeout", None)]
    );
}

#[test]
fn what_may_be_meant_as_a_suppression_is_none() {
    let formed = |comment: &str| {
        let (_, block) = parse_file(&format!("{comment}\ntask a\n  run: \"x\"\n")).remove(0);
        block
            .suppressions
            .first()
            .map(|it| (it.rule.text.to_string(), it.is_formed))
    };
    let meant = |name: &str| Some((name.to_owned(), false));
    assert_eq!(formed("#allow(a-b)"), Some(("a-b".to_owned(), true)));
    assert_eq!(formed("# allow(a-b, c): x"), meant("a-b"));
    assert_eq!(formed("# allow a-b"), meant("a-b"));
    assert_eq!(formed("# allow ( a-b )"), meant("a-b"));
    assert_eq!(formed("# dslc: Allow(a-b): x"), meant("a-b"));
    assert_eq!(formed("# allowed here"), None);
    assert_eq!(formed("# allow()"), None);
}

#[test]
fn raw_blocks_lose_their_indentation_and_nothing_else() {
    let text =
        "task a\n  run: | # why\n\n      first {{ x }}\n    \tsecond \"\\n\"\n\n      # third  \n\n\n  timeout: 5m\n";
    let decl = decl(text);
    let raw = script(&decl);
    assert_eq!(raw.text, "\n  first {{ x }}\n\tsecond \"\\n\"\n\n  # third  \n");
    for line in &raw.lines {
        let here = raw.text[line.text_start as usize..].lines().next();
        let there = text[line.block_start as usize..].lines().next();
        assert_eq!(here, there);
    }
}

#[test]
fn raw_blocks_end_at_the_first_line_that_is_not_deeper() {
    let text = "task a\n  run: |\n    echo\n  # after\n  timeout: 5m\ntask b\n";
    assert_eq!(script(&decl(text)).text, "echo\n");
}

#[test]
fn interpolations_of_a_script_are_read_and_never_reported() {
    let text = "task a\n  run: |\n    echo {{ a | f(\"}}\") }} '{{.ID}}' {{ json . }}\n    {{ open\n    last {{x}}\n";
    let decl = decl(text);
    let raw = script(&decl);
    let seen: Vec<_> = raw
        .interps
        .iter()
        .map(|interp| {
            let here = &raw.text[interp.start as usize..interp.end as usize];
            assert_eq!(here, &text[interp.span.start as usize..interp.span.end as usize]);
            match &interp.expr {
                Ok(expr) => format!("{here} = {:?}", &text[expr.span.start as usize..expr.span.end as usize]),
                Err(error) => format!("{here} ! {}", error.message),
            }
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"));
}

#[test]
fn windows_line_ends_change_nothing() {
    let text = "task a \"A\"\n  run: |\n    echo \"x\"\n    done\n  when: \"a\" == \"b\"\n  needs: b, c\n";
    let windows = text.replace('\n', "\r\n");
    let (unix, dos) = (decl(text), decl(&windows));
    assert_eq!(script(&unix).text, script(&dos).text);
    assert_eq!(unix.clauses.len(), dos.clauses.len());
}

#[test]
fn a_one_line_script_is_a_script() {
    let decl = decl("task a\n  run: \"make {{ x }}\"\n");
    let raw = script(&decl);
    assert_eq!(raw.text, "make {{ x }}\n");
    assert!(raw.interps[0].expr.is_ok());
}

#[test]
fn raw_blocks_stand_where_text_or_an_expression_is_expected() {
    let decl = decl("task a\n  description: |\n    long\n  input:\n    prompt: |\n      do {{ x }}\n    n: 1\n");
    assert!(matches!(&clause(&decl, "description").value, Value::Text(Text::Raw(_))));
    let Value::Assigns(lines) = &clause(&decl, "input").value else {
        panic!("lines expected")
    };
    assert_eq!(lines.len(), 2);
    insta::assert_compact_debug_snapshot!(lines[0].value.kind);
}

#[test]
fn attributes_are_clauses_of_the_header() {
    let decl = decl("task a \"A: b\" kind:research labels:x,y retry:exponential(max: 3, base: 1s)\n  timeout: 5m\n");
    let shown: Vec<_> = decl
        .clauses
        .iter()
        .map(|it| (it.name.text.as_str(), it.in_header))
        .collect();
    assert_eq!(
        shown,
        [("kind", true), ("labels", true), ("retry", true), ("timeout", false)]
    );
    assert!(matches!(&decl.clauses[1].value, Value::Names(names) if names.len() == 2));
}

#[test]
fn unknown_clauses_are_kept_for_the_checker() {
    let decl = decl("task a\n  whatever: 1 2 ]\n    deeper\n  colour blue\n  timeout: 5m\n");
    let unknown: Vec<_> = decl
        .clauses
        .iter()
        .map(|it| (it.name.text.as_str(), it.key.is_none(), it.value == Value::Unknown))
        .collect();
    assert_eq!(
        unknown,
        [
            ("whatever", true, true),
            ("colour", true, true),
            ("timeout", false, false)
        ]
    );
}

#[test]
fn tokens_cover_every_byte() {
    let text = "# c\n\ntask a \"x {{ y }}\" kind:z # d\n  run: | # e\n    echo\n\n  when: [1,\n    2] # f\n  é\n";
    let mut at = 0;
    for token in tokens(text) {
        assert_eq!(token.start, at);
        at = token.end;
    }
    assert_eq!(at as usize, text.len());
    let names = tokens(text).into_iter().filter(|token| token.kind == Kind::Name);
    let names: Vec<_> = names.map(|token| &text[token.range()]).collect();
    assert_eq!(names, ["task", "a", "y", "kind", "z", "run", "when"]);
}

#[test]
fn a_stray_carriage_return_is_white_space() {
    for text in ["\r# c\n\n", "task a\n \r timeout: 5m\n", "\r\r\n\rtask a\r"] {
        assert!(
            parse_file(text).iter().all(|(_, block)| block.errors.is_empty()),
            "{text:?}"
        );
    }
}
