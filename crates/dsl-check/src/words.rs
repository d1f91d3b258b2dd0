//! Which words a chunk mentions, to tell what nobody uses: by its text alone, so that nothing that is used is ever missed.
//!
//! A word counts wherever it stands, in scripts and strings too; only the names that declarations introduce, imports, and lines of
//! comment do not. Absent: what words mean.

use smol_str::SmolStr;

use crate::inputs::SourceChunk;

/// Keywords before a name that is only declared there.
const DECLARE: &[&str] = &["type", "capability", "agent", "hypothesis"];

/// Sorted: every word, every path (`params.depth`) and its beginnings, `remember key`, and `evidence name` for a hypothesis.
#[salsa::tracked(returns(ref))]
pub(crate) fn words(db: &dyn salsa::Database, chunk: SourceChunk) -> Box<[SmolStr]> {
    let mut found = Vec::new();
    for line in chunk.text(db).lines() {
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
            "remember" => found.extend(
                tokens
                    .clone()
                    .next()
                    .map(|key| SmolStr::from(format!("remember {key}"))),
            ),
            "supports" | "refutes" => {
                let hypothesis = tokens.clone().next();
                found.extend(hypothesis.map(|name| SmolStr::from(format!("evidence {name}"))));
            }
            _ => {}
        }
        found.push(SmolStr::from(first));
        let introduced = usize::from(DECLARE.contains(&first));
        for token in tokens.skip(introduced) {
            found.push(token.into());
        }
    }
    found.sort_unstable();
    found.dedup();
    let mut beginnings: Vec<SmolStr> = Vec::new();
    for word in found.iter().filter(|word| word.contains('.')) {
        beginnings.extend(word.match_indices('.').map(|(end, _)| SmolStr::from(&word[..end])));
    }
    found.extend(beginnings);
    found.sort_unstable();
    found.dedup();
    found.into()
}
