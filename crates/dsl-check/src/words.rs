//! Which words a chunk mentions, to tell what nobody uses: by its text alone, so that nothing that is used is ever missed.
//!
//! A word counts wherever it stands, in scripts and strings too; only the names that declarations introduce, imports,
//! and lines of comment do not. Words are kept as hashes: of two that share one, neither is said to be unused. Absent:
//! what words mean.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// Keywords before a name that is only declared there.
const DECLARE: &[&str] = &["type", "capability", "agent", "hypothesis"];

/// What is kept of a word.
pub(crate) fn hash(word: &str) -> u32 {
    hash_all(&[word])
}

/// The same of a word in parts.
pub(crate) fn hash_all(parts: &[&str]) -> u32 {
    let mut hasher = FxHasher::default();
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        hasher.write_u8(byte);
    }
    folded(&hasher)
}

fn folded(hasher: &FxHasher) -> u32 {
    let hash = hasher.finish();
    (hash >> 32) as u32 ^ hash as u32
}

/// Sorted: every word, every path (`params.depth`) and its beginnings, `remember key`, and `evidence name` for a hypothesis.
pub(crate) fn words(text: &str) -> Box<[u32]> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with('#') {
            continue;
        }
        let mut tokens = line
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .map(|token| token.trim_matches(['.', '-']))
            .filter(|token| !token.is_empty());
        let Some(first) = tokens.next() else { continue };
        match first {
            "use" => continue,
            "remember" => found.extend(tokens.clone().next().map(|key| hash_all(&["remember ", key]))),
            "supports" | "refutes" => found.extend(tokens.clone().next().map(|name| hash_all(&["evidence ", name]))),
            _ => {}
        }
        add(first, &mut found);
        let introduced = usize::from(DECLARE.contains(&first));
        tokens.skip(introduced).for_each(|token| add(token, &mut found));
    }
    found.sort_unstable();
    found.dedup();
    found.into()
}

fn add(word: &str, found: &mut Vec<u32>) {
    let mut hasher = FxHasher::default();
    for byte in word.bytes() {
        if byte == b'.' {
            found.push(folded(&hasher));
        }
        hasher.write_u8(byte);
    }
    found.push(folded(&hasher));
}

/// Whether a sorted list of words holds this one.
pub(crate) fn holds(words: &[u32], word: u32) -> bool {
    words.binary_search(&word).is_ok()
}
