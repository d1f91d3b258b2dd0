//! Whatever is typed, the diagnostics are those of a fresh workspace with the same text.

use std::path::Path;

use dsl_check::{Config, Severity, Workspace};
use proptest::prelude::*;

const PIECES: &[&str] = &[
    "task a\n  run: |\n    echo 1\n",
    "task b \"Second\" kind:test\n  needs: a\n  run: |\n    echo {{ a.stdout }}\n",
    "task c\n  needs: b, missing\n  when: a.exit == 0\n  run: \"true\"\n  on failure -> a\n",
    "plan p\n  params:\n    x: int = 3\n  outputs:\n    y: string = t.stdout\n\n  task t\n    run: |\n      echo {{ params.x }}\n",
    "type T\n  f: string\n  g: U?\n",
    "gate g\n  needs: a\n  checks:\n    - len(b.stdout) > 2\n",
    "decision d\n  needs: a\n  when a.exit == 0 -> b\n  else -> c\n",
    "\n",
    "# allow(unresolved-name): a test\n",
    "  needs: c\n",
    "  unknown: 3\n",
    "\t",
    "\"",
    "|",
    "a",
];

#[derive(Clone, Debug)]
struct Change {
    at: usize,
    len: usize,
    piece: usize,
}

fn change() -> impl Strategy<Value = Change> {
    (0..10_000usize, 0..40usize, 0..PIECES.len()).prop_map(|(at, len, piece)| Change { at, len, piece })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn edited_and_fresh_agree(start in proptest::collection::vec(0..PIECES.len(), 0..40), changes in proptest::collection::vec(change(), 1..8)) {
        let mut text: String = start.into_iter().map(|piece| PIECES[piece]).collect();
        let mut edited = Workspace::new("/w");
        edited.open_file("a.plan", text.as_bytes());
        edited.diagnostics("a.plan".as_ref());
        for change in changes {
            let from = change.at % (text.len() + 1);
            let to = (from + change.len).min(text.len());
            edited.edit("a.plan", from..to, PIECES[change.piece]).expect("ASCII");
            text.replace_range(from..to, PIECES[change.piece]);
            let mut fresh = Workspace::new("/w");
            fresh.set_file("a.plan", text.as_bytes());
            prop_assert_eq!(edited.text("a.plan".as_ref()), fresh.text("a.plan".as_ref()));
            prop_assert_eq!(edited.diagnostics("a.plan".as_ref()), fresh.diagnostics("a.plan".as_ref()), "{}", text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_text_every_question_has_an_answer(pieces in proptest::collection::vec((0..PIECES.len(), "\\PC{0,6}"), 0..20)) {
        let text: String = pieces.into_iter().map(|(piece, noise)| format!("{}{noise}", PIECES[piece])).collect();
        let mut workspace = Workspace::new("/w");
        workspace.set_file("a.plan", text.as_bytes());
        let path = "a.plan".as_ref();
        for diagnostic in workspace.diagnostics(path) {
            prop_assert!(diagnostic.span.start <= diagnostic.span.end && diagnostic.span.end as usize <= text.len(), "{diagnostic:?}");
        }
        for plan in workspace.plans(path) {
            // refused or compiled, but answered; `compile` itself asserts that what it makes verifies
            let _ = workspace.compile(path, Some(&plan.name));
        }
        workspace.symbols(path);
        for at in 0..=text.len() as u32 {
            workspace.hover(path, at);
            workspace.definition(path, at);
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut workspace = Workspace::new("/w");
        workspace.set_file("a.plan", &bytes);
        workspace.diagnostics("a.plan".as_ref());
    }
}

#[test]
fn an_edit_that_splits_a_character_is_refused() {
    let mut workspace = Workspace::new("/w");
    workspace.set_file("a.plan", "# ü\n".as_bytes());
    assert!(workspace.edit("a.plan", 3..4, "x").is_err());
    assert!(workspace.edit("a.plan", 0..99, "x").is_err());
    assert!(workspace.edit("b.plan", 0..0, "x").is_err());
    assert_eq!(workspace.text("a.plan".as_ref()).as_deref(), Some("# ü\n"));
}

#[test]
fn a_file_that_is_no_text_says_where() {
    let mut workspace = Workspace::new("/w");
    workspace.set_file("a.plan", b"task a\n\xff");
    let found = workspace.diagnostics("a.plan".as_ref());
    assert_eq!((found[0].rule, found[0].span.start), ("not-utf8", 7));
    workspace.set_file("a.plan", b"task a\n");
    assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
}

#[test]
fn a_suppression_silences_the_next_line_only() {
    let mut workspace = Workspace::new("/w");
    let text = "# allow(unknown-kind): a test\ntask a kind:ponder timeout:1m\n  run: \"true\"\ntask b kind:muse timeout:1m\n  run: \"true\"\n";
    workspace.set_file("a.plan", text.as_bytes());
    let found = workspace.diagnostics("a.plan".as_ref());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.contains("`muse`"), "{found:?}");
}

#[test]
fn a_suppression_of_a_hint_is_of_use_also_where_only_errors_are_asked_for() {
    let mut workspace = Workspace::new("/w");
    let config = "[lint]\nunused-suppression = \"error\"\n";
    workspace.set_config(Config::parse(config).expect("settings"));
    let mut errors = |text: &str| {
        workspace.set_file("a.plan", text.as_bytes());
        let paths = [Path::new("/w/a.plan").into()];
        let found = workspace.diagnostics_of(&paths, Severity::Error).remove(0);
        found.iter().map(|found| found.rule).collect::<Vec<_>>()
    };
    let comment = "# allow(missing-timeout): a test\n";
    let task = "task a\n  run: \"true\"\n";
    assert!(errors(&format!("{comment}{task}")).is_empty());
    assert_eq!(
        errors(&format!("{comment}{task}  timeout: 1m\n")),
        ["unused-suppression"]
    );
    assert!(errors(task).is_empty(), "a hint is no error");
}
