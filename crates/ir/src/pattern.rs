//! Compiled regular expressions, kept per thread: a pattern is used for many items, and compiling costs far more than
//! matching. The engine is linear in the text whatever the pattern. Absent: anchoring; a pattern matches anywhere
//! unless it says `^` or `$`.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use smol_str::SmolStr;

const CACHED_PATTERNS_MAX: usize = 64;
const COMPILED_BYTES_MAX: usize = 2 << 20;

thread_local! {
    static CACHE: RefCell<HashMap<SmolStr, Regex>> = RefCell::new(HashMap::new());
}

/// The compiled pattern, or why it is none: one line, for people.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    if let Some(regex) = CACHE.with_borrow(|cache| cache.get(pattern).cloned()) {
        return Ok(regex);
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| reason(&error))?;
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHED_PATTERNS_MAX {
            cache.clear();
        }
        cache.insert(pattern.into(), regex.clone());
    });
    Ok(regex)
}

/// The last line of the library's report has the reason; the lines before it draw the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or(&text);
    line.trim()
        .trim_start_matches("error: ")
        .trim_end_matches('.')
        .to_owned()
}
