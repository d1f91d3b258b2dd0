//! `textDocument/semanticTokens/full/delta`: what has changed since the client was last told. One answer is kept for
//! each open document.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tower_lsp_server::ls_types::{
    SemanticToken, SemanticTokens, SemanticTokensDelta, SemanticTokensEdit, SemanticTokensFullDeltaResult, Uri,
};

/// Numbers of one token on the wire.
const NUMBERS: u32 = 5;

#[derive(Default)]
pub(crate) struct Told(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    count: u64,
    latest: HashMap<Uri, (String, Vec<SemanticToken>)>,
}

impl Told {
    /// Gives the answer a name and keeps it.
    pub(crate) fn keep(&self, uri: Uri, mut tokens: SemanticTokens) -> SemanticTokens {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.count += 1;
        let name = answers.count.to_string();
        answers.latest.insert(uri, (name.clone(), tokens.data.clone()));
        tokens.result_id = Some(name);
        tokens
    }

    /// The difference to the answer of that name; the whole if it was not the latest.
    pub(crate) fn change(&self, uri: Uri, previous: &str, tokens: SemanticTokens) -> SemanticTokensFullDeltaResult {
        let before = {
            let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            answers.latest.remove(&uri).filter(|(name, _)| name == previous)
        };
        let new = self.keep(uri, tokens);
        match before {
            None => new.into(),
            Some((_, old)) => SemanticTokensDelta {
                edits: edit(&old, &new.data).into_iter().collect(),
                result_id: new.result_id,
            }
            .into(),
        }
    }

    pub(crate) fn forget(&self, uri: &Uri) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.latest.remove(uri);
    }
}

/// All between the common start and the common end. Tokens are told relative to each other, so what is moved stays the same.
fn edit(old: &[SemanticToken], new: &[SemanticToken]) -> Option<SemanticTokensEdit> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[start..], &new[start..]);
    let end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
    (!old.is_empty() || !new.is_empty()).then(|| SemanticTokensEdit {
        start: start as u32 * NUMBERS,
        delete_count: old.len() as u32 * NUMBERS,
        data: Some(new.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(length: u32) -> SemanticToken {
        SemanticToken {
            delta_line: 1,
            delta_start: 0,
            length,
            token_type: 0,
            token_modifiers_bitset: 0,
        }
    }

    #[test]
    fn an_edit_makes_the_new_of_the_old() {
        for (old, new) in [
            (vec![], vec![]),
            (vec![1], vec![]),
            (vec![], vec![1, 2]),
            (vec![1, 2, 3], vec![1, 3]),
            (vec![1, 1, 1], vec![1, 1]),
            (vec![1, 2, 3], vec![1, 4, 5, 3]),
        ] {
            let [mut tokens, wanted] = [&old, &new].map(|all| all.iter().copied().map(token).collect::<Vec<_>>());
            let found = edit(&tokens, &wanted);
            assert_eq!(found.is_none(), old == new);
            if let Some(edit) = found {
                let start = (edit.start / NUMBERS) as usize;
                let end = start + (edit.delete_count / NUMBERS) as usize;
                tokens.splice(start..end, edit.data.unwrap_or_default());
            }
            assert_eq!(tokens, wanted);
        }
    }
}
