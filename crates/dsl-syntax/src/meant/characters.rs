//! What was meant by characters that start no token.

use std::ops::Range;

/// What to put in which place.
type Change = (Range<usize>, String);

/// What to do about `text[at]`, and a repair where that is certain.
pub(crate) fn meant(text: &str, at: Range<usize>) -> Option<(&'static str, Option<Change>)> {
    let (before, rest) = (&text[..at.start], &text[at.end..]);
    let word = |word: &str| {
        let space = |is_there: bool| if is_there { "" } else { " " };
        let left = space(before.is_empty() || before.ends_with(char::is_whitespace));
        let right = space(rest.is_empty() || rest.starts_with(char::is_whitespace));
        Some((at.clone(), format!("{left}{word}{right}")))
    };
    Some(match &text[at.clone()] {
        "&&" => ("write `and`", word("and")),
        "||" => ("write `or`", word("or")),
        "!" if rest.starts_with('!') => ("write `not`", None),
        "!" if before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ']'))
            && (rest.is_empty() || rest.starts_with(char::is_whitespace)) =>
        {
            (
                "what has no `?` must be there: leave `!` out",
                Some((at, String::new())),
            )
        }
        "!" => (
            "write `not`",
            Some((at, format!("not{}", if rest.starts_with(' ') { "" } else { " " }))),
        ),
        ";" => {
            let after = rest.trim_start_matches([' ', '\t', '\r']);
            let is_last = after.is_empty() || after.starts_with('\n');
            (
                "a line ends by itself, without `;`",
                is_last.then(|| (at, String::new())),
            )
        }
        "~" if before.ends_with('=') => {
            let operator = at.start - 1..at.end;
            ("write `matches`", Some((operator, "matches".to_owned())))
        }
        "@" => (
            "an address stands in double quotes; people are written `user/alice`, `role/release`",
            None,
        ),
        quoted if quoted.starts_with('\'') => {
            let inner = quoted[1..]
                .strip_suffix('\'')
                .filter(|inner| !inner.contains(['"', '\\', '{']));
            let text = inner.map(|inner| (at, format!("\"{inner}\"")));
            ("strings stand in double quotes: `\"…\"`", text)
        }
        "`" => ("strings stand in double quotes: `\"…\"`", None),
        _ => return None,
    })
}
