//! Which texts are a url, a path, a version … and how text is shown in messages.

use smol_str::SmolStr;

use crate::pattern;
use crate::quantity;
use crate::types::Type;
use crate::value::order::is_version;

const PRINCIPAL_KINDS: &[&str] = &["role", "user", "agent", "team"];

/// How much of a text a message shows.
const SHOWN_CHARS_MAX: usize = 40;

/// Why the text does not convert to a type that string literals convert to; `None` if it does, or if no text is wrong
/// for the type.
pub fn text_problem(text: &str, ty: &Type) -> Option<String> {
    let short = shortened(text);
    match ty {
        Type::Url if !is_url(text) => Some(format!(
            "{short:?} is not a url, expected one as `https://example.org/page`"
        )),
        Type::Path if text.is_empty() => Some("the path is empty".to_owned()),
        Type::Path if text.contains('\0') => Some(format!("{short:?} is not a path: it has a NUL character")),
        Type::Regex => pattern::compile(text)
            .err()
            .map(|why| format!("{short:?} is not a regular expression: {why}")),
        Type::Version if !is_version(text) => Some(format!("{short:?} is not a version, expected one as `1.2.0`")),
        Type::Principal if !is_principal(text) => Some(format!(
            "{short:?} is not a principal, expected one as `role/release` or `user/alice`"
        )),
        Type::Time => quantity::parse_time(text).err(),
        _ => None,
    }
}

/// A scheme, a colon, something after it; with `//`, a host. No white space.
pub fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let rest_fits = match rest.strip_prefix("//") {
        Some(rest) if scheme == "file" => !rest.is_empty(),
        Some(rest) => !rest.is_empty() && !rest.starts_with(['/', '?', '#']),
        None => !rest.is_empty(),
    };
    scheme_fits && rest_fits && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// `role/release`, `user/alice`, `agent/coder`, `team/sre`.
pub fn is_principal(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, name)| PRINCIPAL_KINDS.contains(&kind) && is_name(name))
}

/// A name of the language: words of letters, digits and underscores, joined by single hyphens.
fn is_name(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text.split('-').all(word) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// The beginning of a text, for a message.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `` `a`, `b` or `c` ``
pub(super) fn alternatives(members: &[SmolStr]) -> String {
    match members {
        [] => "nothing".to_owned(),
        [one] => format!("`{one}`"),
        [init @ .., last] => format!("`{}` or `{last}`", init.join("`, `")),
    }
}
