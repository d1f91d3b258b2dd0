//! Any text at all: nothing panics, lengths add up, and what can be formatted formats to itself.

use proptest::prelude::*;

use super::examples;
use crate::{Document, format, parse_expr, parse_file, tokens};

/// Pieces from which clauses, strings, brackets and layouts of all kinds come together by chance.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "task ", "plan p\n", "  gate g\n", "type T\n", "policy p\n", "profile a of b\n", "test \"t\" of b\n", "use ", "  needs: ",
            "  run: |\n", "    echo {{ x }}\n", "  when: ", "  on ", " -> ", "  expect:\n", "    - ", "a", "b.c", "role/x", " if ",
            " else ", "\"", "{{", "}}", "(", ")", "[", "]", "{", "}", ", ", ": ", ":", "|", " | ", "/", "\\", "5m", "$1", "80%", "1.2.3",
            "..", "?", "??", "=", " == ", " is none", " as ", "\n", "\n", "\r\n", "\t", "  ", "    ", "# c\n", "## d\n", "\u{feff}", "é", "\u{0}",
            "5parsecs", "0..1", ".x", "-", "*", "any(", "2 of (", "mock ", " times 2", "rule r\n", "on failure -> a\n", "kind:x ", "scope:run",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn check(text: &str) {
    let mut offset = 0;
    for (at, block) in parse_file(text) {
        assert_eq!(at, offset);
        offset += block.len;
        for error in &block.errors {
            assert!(
                error.span.start <= error.span.end && error.span.end <= block.len,
                "{error:?} in {text:?}"
            );
            let start = (at + error.span.start) as usize;
            assert!(
                text.is_char_boundary(start) && text.is_char_boundary((at + error.span.end) as usize),
                "{error:?}"
            );
        }
    }
    assert_eq!(offset as usize, text.len());
    assert_eq!(tokens(text).last().map_or(0, |token| token.end as usize), text.len());
    if let Ok(formatted) = format(text) {
        assert_eq!(format(&formatted).as_deref(), Ok(&*formatted), "{text:?}");
    } else if let Err(error @ crate::FormatError::Changed(_)) = format(text) {
        panic!("{error}: {text:?}");
    }
    parse_expr(text);
}

proptest! {
    #![proptest_config(super::cases(600))]

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn pieces_of_plans_are_read_without_panic(text in pieces()) {
        check(&text);
    }
}

proptest! {
    #![proptest_config(super::cases(60))]

    #[test]
    fn damaged_examples_are_read_without_panic(
        which in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..30, pieces()), 1..4),
    ) {
        let examples = examples();
        let mut text = which.get(&examples).1.clone();
        for (at, len, new) in cuts {
            let start = at.index(text.len() + 1);
            let (start, end) = (floor(&text, start), floor(&text, (start + len).min(text.len())));
            text.replace_range(start..end.max(start), &new);
        }
        check(&text);
    }

    #[test]
    fn valid_plans_with_odd_layout_are_formatted(
        which in any::<prop::sample::Index>(),
        width in 1usize..6,
        seed in proptest::collection::vec(0u8..8, 40),
    ) {
        let mut all = examples();
        all.push(("everything.plan".into(), include_str!("everything.plan").to_owned()));
        let (path, text) = which.get(&all);
        let odd = unsettled(text, width, &seed);
        let formatted = format(&odd);
        prop_assert!(formatted.is_ok(), "{}: {:?}\n{}", path.display(), formatted, odd);
        let formatted = formatted.unwrap_or_default();
        let again = format(&formatted);
        prop_assert_eq!(again.as_deref(), Ok(&*formatted));
        prop_assert_eq!(Document::new(&formatted).text(), formatted);
    }
}

/// The same plan with another indentation, comments and blank lines strewn in, and windows line ends here and there.
fn unsettled(text: &str, width: usize, seed: &[u8]) -> String {
    let mut out = String::new();
    let mut in_raw = None;
    for (at, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let dice = seed[at % seed.len()];
        if in_raw.is_some_and(|key| !line.trim().is_empty() && indent <= key) {
            in_raw = None;
        }
        let continued = line.trim_start().starts_with(['{', '}', ']']);
        if in_raw.is_none() && !continued {
            match dice {
                0 => out.push_str(&format!("{}# note {at}\n", " ".repeat(indent / 2 * width))),
                1 => out.push_str("\n\n"),
                _ => {}
            }
        }
        let shifted = in_raw.map_or(indent / 2 * width, |key: usize| {
            key / 2 * width + width + indent.saturating_sub(key + 2)
        });
        if !line.trim().is_empty() {
            out.push_str(&" ".repeat(shifted));
            out.push_str(line.trim_start());
        }
        if in_raw.is_none() && line.ends_with(": |") {
            in_raw = Some(indent);
        }
        if dice == 2 && in_raw.is_none() && !line.trim_start().starts_with('#') {
            out.push_str("   # trailing");
        }
        out.push_str(if dice == 3 { "\r\n" } else { "\n" });
    }
    out
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
