//! Edits of clauses by what they should say: set a clause, add a need. Written down as text only when somebody looks.
//!
//! Absent: deciding what a plan should say.

use dsl_syntax::ast::{Clause, Decl, Span, Value};
use dsl_syntax::table::ClauseKey as K;

use crate::diagnostic::AmendHow;
use crate::signatures::clause;

/// The edit of a declaration in the text of its block; `None`: the clause is not one that can be amended.
pub(crate) fn edit(decl: &Decl, text: &str, how: &AmendHow) -> Option<(Span, String)> {
    match how {
        AmendHow::Set(key, value) => Some(match clause(decl, *key) {
            Some(clause) => replaced(clause, *key, value),
            None => added(decl, text, *key, value),
        }),
        AmendHow::Need(name) => match clause(decl, K::Needs) {
            None => Some(added(decl, text, K::Needs, name)),
            Some(clause) => needed(clause, text, name),
        },
    }
}

fn replaced(clause: &Clause, key: K, value: &str) -> (Span, String) {
    let space = if clause.in_header { "" } else { " " };
    (clause.span, format!("{}:{space}{value}", key.word()))
}

fn added(decl: &Decl, text: &str, key: K, value: &str) -> (Span, String) {
    let below = decl.clauses.iter().find(|clause| !clause.in_header);
    let indent = below.map_or_else(
        || column(text, decl.keyword.start) + 2,
        |clause| column(text, clause.span.start),
    );
    let end = decl.header.end;
    (Span::new(end, end), format!("\n{:indent$}{}: {value}", "", key.word()))
}

fn needed(clause: &Clause, text: &str, name: &str) -> Option<(Span, String)> {
    let Value::Needs(needs) = &clause.value else {
        return None;
    };
    let last = needs.last()?.span;
    let line = text.get(..last.start as usize)?.rsplit('\n').next()?;
    let more = match line.trim_start().strip_prefix("- ") {
        Some(_) => format!(
            "\n{:indent$}- {name}",
            "",
            indent = line.len() - line.trim_start().len()
        ),
        None if clause.in_header => format!(",{name}"),
        None => format!(", {name}"),
    };
    Some((Span::new(last.end, last.end), more))
}

fn column(text: &str, at: u32) -> usize {
    let before = text.get(..at as usize).unwrap_or_default();
    before.len() - before.rfind('\n').map_or(0, |end| end + 1)
}
