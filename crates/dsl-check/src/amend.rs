//! Edits of clauses by what they should say: set a clause, add a need. Written down as text only when somebody looks.
//!
//! Absent: deciding what a plan should say.

use dsl_syntax::ast::{Clause, Decl, Name, Need, NeedKind, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use crate::diagnostic::AmendHow;
use crate::removal::whole_lines;
use crate::signatures::{clause, reads};

/// The edit of a declaration in the text of its block; `None`: the clause is not one that can be amended.
pub(crate) fn edit(decl: &Decl, text: &str, how: &AmendHow) -> Option<(Span, String)> {
    match how {
        AmendHow::Set(key, value) => Some(match clause(decl, *key) {
            Some(clause) => replaced(clause, *key, value),
            None => added(decl, text, *key, value),
        }),
        AmendHow::Line(line) => Some(below(decl, text, line)),
        AmendHow::Entry(key, line) => match clause(decl, *key) {
            Some(clause) => entered(clause, text, line),
            None => {
                let indent = indent(decl, text) + 2;
                Some(below(decl, text, &format!("{}:\n{:indent$}{line}", key.word(), "")))
            }
        },
        AmendHow::Names(key, names) => {
            let Value::Names(there) = &clause(decl, *key)?.value else {
                return None;
            };
            let last = there.last()?.span;
            Some((Span::new(last.end, last.end), after(text, last, false, names)?))
        }
        AmendHow::Need(name) => match clause(decl, K::Needs) {
            None => Some(added(decl, text, K::Needs, name)),
            Some(clause) => {
                let last = needs(clause)?.last()?.span;
                let more = after(text, last, clause.in_header, std::slice::from_ref(name))?;
                Some((Span::new(last.end, last.end), more))
            }
        },
        // it would have to be needed again
        AmendHow::NoNeed { name, follows: false } if reads(decl).iter().any(|read| read.name == *name) => None,
        AmendHow::NoNeed { name, .. } => rewritten(decl, text, |need| match &need.kind {
            NeedKind::Node { name: needed, .. } if needed.text == *name => Vec::new(),
            _ => vec![shown(need)],
        }),
        AmendHow::Any(names) => {
            let is_one = |need: &Need| matches!(&need.kind, NeedKind::Node { name, .. } if names.contains(&name.text));
            let clause = clause(decl, K::Needs)?;
            let first = needs(clause)?.iter().position(is_one)?;
            let mut at = 0;
            rewritten(decl, text, |need| {
                at += 1;
                match (is_one(need), at == first + 1) {
                    (true, true) => vec![format!("any({})", names.join(", "))],
                    (true, false) => Vec::new(),
                    (false, _) => vec![shown(need)],
                }
            })
        }
        AmendHow::Each(names) => rewritten(decl, text, |need| match &need.kind {
            NeedKind::Any(of) if names.iter().all(|name| of.iter().any(|member| member.text == *name)) => {
                of.iter().map(|member| format!("{}?", member.text)).collect()
            }
            _ => vec![shown(need)],
        }),
    }
}

fn replaced(clause: &Clause, key: K, value: &str) -> (Span, String) {
    let space = if clause.in_header { "" } else { " " };
    (clause.span, format!("{}:{space}{value}", key.word()))
}

/// As the first line below the header.
fn added(decl: &Decl, text: &str, key: K, value: &str) -> (Span, String) {
    let indent = indent(decl, text);
    let end = decl.header.end;
    (Span::new(end, end), format!("\n{:indent$}{}: {value}", "", key.word()))
}

/// As the last line of the body.
pub(crate) fn below(decl: &Decl, text: &str, line: &str) -> (Span, String) {
    let indent = indent(decl, text);
    let body = text.get(..decl.span.end as usize).unwrap_or_default();
    let rest = text.get(body.len()..).unwrap_or_default();
    if body.ends_with('\n') {
        let end = body.len() as u32;
        return (Span::new(end, end), format!("{:indent$}{line}\n", ""));
    }
    let end = (body.len() + rest.find('\n').unwrap_or(rest.len())) as u32;
    (Span::new(end, end), format!("\n{:indent$}{line}", ""))
}

/// How deep the clauses of the declaration stand, or should: deeper than its header.
pub(crate) fn indent(decl: &Decl, text: &str) -> usize {
    let header = column(text, decl.keyword.start);
    let below = decl.clauses.iter().find(|clause| !clause.in_header);
    let found = below.map(|clause| column(text, clause.span.start));
    found.filter(|found| *found > header).unwrap_or(header + 2)
}

/// As the last entry.
fn entered(clause: &Clause, text: &str, line: &str) -> Option<(Span, String)> {
    let Value::Assigns(entries) = &clause.value else {
        return None;
    };
    let (first, last) = (entries.first()?, entries.last()?);
    let indent = column(text, first.span.start);
    Some((
        Span::new(last.span.end, last.span.end),
        format!("\n{:indent$}{line}", ""),
    ))
}

/// More names after the last of a list.
fn after(text: &str, last: Span, in_header: bool, names: &[SmolStr]) -> Option<String> {
    let line = text.get(..last.start as usize)?.rsplit('\n').next()?;
    let indent = line.len() - line.trim_start().len();
    let more = names.iter().map(|name| match line.trim_start().starts_with("- ") {
        true => format!("\n{:indent$}- {name}", ""),
        false if in_header => format!(",{name}"),
        false => format!(", {name}"),
    });
    Some(more.collect())
}

fn needs(clause: &Clause) -> Option<&[Need]> {
    match &clause.value {
        Value::Needs(needs) => Some(needs),
        _ => None,
    }
}

/// The clause of needs with others in place of each; without any it is taken out. Comments in it would be lost, so then
/// it stays.
pub(crate) fn rewritten(decl: &Decl, text: &str, mut by: impl FnMut(&Need) -> Vec<String>) -> Option<(Span, String)> {
    let clause = clause(decl, K::Needs)?;
    let written = text.get(clause.span.start as usize..clause.span.end as usize)?;
    if written.contains('#') {
        return None;
    }
    let needs: Vec<String> = needs(clause)?.iter().flat_map(&mut by).collect();
    Some(match (needs.is_empty(), clause.in_header) {
        (true, _) => (whole_lines(text, 0, clause.span), String::new()),
        (false, true) => replaced(clause, K::Needs, &needs.join(",").replace(", ", ",")),
        (false, false) => replaced(clause, K::Needs, &needs.join(", ")),
    })
}

pub(crate) fn shown(need: &Need) -> String {
    let listed = |of: &[Name]| of.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(", ");
    match &need.kind {
        NeedKind::Node { name, optional: true } => format!("{}?", name.text),
        NeedKind::Node { name, .. } => name.text.to_string(),
        NeedKind::Any(of) => format!("any({})", listed(of)),
        NeedKind::Quorum { count, of, .. } => format!("{count} of ({})", listed(of)),
    }
}

pub(crate) fn column(text: &str, at: u32) -> usize {
    let before = text.get(..at as usize).unwrap_or_default();
    before.len() - before.rfind('\n').map_or(0, |end| end + 1)
}
