//! What is said about words that nobody declares: types and ways to fail of the language, what clauses list, attributes.
//!
//! Absent: anything that has to be looked up.

use dsl_syntax::ast::{Block, Item, Name};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};
use ir::plan::EffectKind;
use smol_str::SmolStr;

use crate::graph::BUILTIN_MODES;
use crate::ide::called::FORMS;
use crate::ide::completion::words;
use crate::policy::ATTRIBUTES;
use crate::types::BUILTIN_TYPES;

/// What a word means that is the name of nothing: a way to fail, a type of the language.
pub(super) fn about_word(word: &str) -> Option<String> {
    let meaning = match BUILTIN_TYPES.contains(&word) {
        true => words::type_meaning(word),
        false if BUILTIN_MODES.contains(&word) => words::mode(word),
        false => {
            let known = [words::SUCCESS, words::OF_GATE, words::HUMAN, words::SCRIPTS].concat();
            known.iter().find(|known| known.label == word)?.meaning
        }
    };
    Some(format!("**{word}**: {meaning}"))
}

/// A member of an enumeration that is written nowhere.
pub(super) fn about_member(name: &Name, all: &[SmolStr]) -> String {
    let is_mode = all.iter().any(|one| BUILTIN_MODES.contains(&one.as_str()));
    let known = is_mode.then(|| about_word(&name.text)).flatten();
    known.unwrap_or_else(|| format!("**{}**: one of `{}`", name.text, all.join(" | ")))
}

/// What a word means that a clause lists.
pub(super) fn about_said(key: K, word: &str) -> Option<String> {
    let known = match key {
        K::Failure => words::FAILURE,
        K::Severity => &[words::SEVERITIES, words::OF_RULE].concat(),
        K::From => words::HYPOTHESES,
        K::For => words::SELECTED,
        K::Memory => words::SCOPES,
        K::Effects => &EffectKind::ALL.map(words::effect),
        K::Limits => &[words::OF_PLAN_LIMITS, words::OF_AGENT_LIMITS].concat(),
        K::Owner | K::Approver => {
            let (who, _) = word.split_once('/')?;
            let found = words::PRINCIPALS
                .iter()
                .find(|one| one.label.trim_end_matches('/') == who)?;
            return Some(format!("**{word}**: {}", found.meaning));
        }
        _ => return None,
    };
    let found = known.iter().find(|known| known.label == word)?;
    Some(format!("**{word}**: {}", found.meaning))
}

/// What a clause says that lists a word.
pub(super) fn about_entry(block: &Block, key: K, word: &str) -> Option<String> {
    let Some(Item::Decl(decl)) = &block.item else {
        return None;
    };
    let tables = [decl.kind, DeclKind::Task, DeclKind::Plan].map(table::clauses);
    let mut rows = tables.into_iter().chain([table::TRIGGER]).flatten();
    let row = rows.find(|row| row.key == key)?;
    Some(format!("**{word}**, {}: {}", row.key.word(), row.doc))
}

/// What a profile sets: a clause, by the last word of the path.
pub(super) fn about_setting(block: &Block, word: &str) -> Option<String> {
    let is_profile = matches!(&block.item, Some(Item::Decl(decl)) if decl.kind == DeclKind::Profile);
    let kinds = [DeclKind::Plan, DeclKind::Task, DeclKind::Gate, DeclKind::Capability];
    let mut rows = kinds
        .into_iter()
        .filter_map(|kind| table::find(table::clauses(kind), word));
    let row = rows.next().filter(|_| is_profile)?;
    Some(format!("**{word}**: {}", row.doc))
}

/// A group of values.
pub(super) fn about_group(names: &[Name]) -> Option<String> {
    let [group] = names else { return None };
    let (name, meaning) = words::GROUPS.iter().find(|(name, _)| *name == group.text)?;
    Some(format!("**{name}**: {meaning}"))
}

/// What a policy can ask about.
pub(super) fn about_attribute(block: &Block, word: &str) -> Option<String> {
    let is_policy = matches!(&block.item, Some(Item::Decl(decl)) if decl.kind == DeclKind::Policy);
    let row = ATTRIBUTES.iter().find(|row| is_policy && row.name == word)?;
    Some(format!("**{word}**: {}, {}", row.sort.phrase(), row.doc))
}

pub(super) fn about_form(name: &str) -> Option<String> {
    let (_, parameters, doc) = FORMS.iter().find(|(form, ..)| *form == name)?;
    Some(format!("```plan\n{name}({})\n```\n{doc}", parameters.join(", ")))
}
