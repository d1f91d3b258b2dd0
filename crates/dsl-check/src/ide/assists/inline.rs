//! A task that only one other needs, and nobody reads, becomes the first lines of that one's script.

use dsl_syntax::ast::{NeedKind, Raw, Span, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};

use super::{Assist, AssistKind, Here};
use crate::amend;
use crate::diagnostic::Edit;
use crate::shell_lint::dialect;
use crate::types::shell::can_join;

/// What the task may say and the other must say in the same words: where and as what a script runs.
const SAME: &[K] = &[
    K::When,
    K::Input,
    K::Env,
    K::Dir,
    K::Shell,
    K::Using,
    K::By,
    K::Effects,
    K::Idempotent,
];
/// What may get lost: words for people.
const LOST: &[K] = &[K::Kind, K::Description, K::Labels, K::Owner];

pub(super) fn task(here: &Here<'_>) -> Option<Assist> {
    let block = here
        .analysis
        .node_block_at(here.path(), here.start + here.selected.start)?;
    if block.chunk.file(&here.analysis.db) != here.file {
        return None;
    }
    let task = here.other(block)?;
    let script = script(&task)?;
    let is_plain = task.decl.clauses.iter().all(|clause| {
        let key = clause.key.unwrap_or(K::On);
        matches!(key, K::Needs | K::Run) || SAME.contains(&key) || LOST.contains(&key)
    });
    if !is_plain {
        return None;
    }
    // what stands before the last declaration ends with a blank line
    let file_len = task.analysis.text(task.path())?.len();
    if task.start as usize + task.text.len() == file_len {
        return None;
    }
    let user = only_user(&task)?;
    let user_script = self::script(&user)?;
    if dialect(task.decl).is_none() || !can_join(script, user_script) {
        return None;
    }
    let is_alike = SAME.iter().all(|&key| said(&task, key) == said(&user, key));
    if !is_alike || user.clause(K::Each).is_some() || user.clause(K::Retry).is_some() {
        return None;
    }
    let name = task.name()?;
    let mut edits = vec![removed(&task), moved(script, &user, user_script)?];
    edits.push(user.edit(needs(&task, &user)?));
    Some(Assist {
        title: format!("inline `{name}` into `{}`", user.name()?),
        kind: AssistKind::Inline,
        edits,
    })
}

/// The block of a script.
fn script<'a>(here: &Here<'a>) -> Option<&'a Raw> {
    let clause = here.clause(K::Run).filter(|_| here.decl.kind == DeclKind::Task)?;
    match &clause.value {
        Value::Script(raw) if raw.span.start >= here.line_end(clause.span.start) => Some(raw),
        _ => None,
    }
}

fn said<'a>(here: &Here<'a>, key: K) -> Option<Vec<&'a str>> {
    here.clause(key)
        .map(|clause| here.slice(clause.span).split_whitespace().collect())
}

/// The node that needs this one by name, if nothing else speaks of it.
fn only_user<'a>(task: &Here<'a>) -> Option<Here<'a>> {
    let at = task.start + task.decl.name.as_ref()?.span.start;
    let found = task.analysis.references(task.path(), at)?;
    let mut uses = found.all.iter().filter(|one| Some(*one) != found.declaration.as_ref());
    let (only, None) = (uses.next()?, uses.next()) else {
        return None;
    };
    if only.file != *task.path() {
        return None;
    }
    let (block, ..) = task.analysis.block_at(&only.file, only.span.start)?;
    let user = task.other(block)?;
    let is_need = user.plain_needs().contains(task.name()?);
    let in_needs = user
        .clause(K::Needs)?
        .span
        .shifted(user.start)
        .contains(only.span.start);
    (is_need && in_needs).then_some(user)
}

/// The needs of the one with those of the task in place of the task.
fn needs(task: &Here<'_>, user: &Here<'_>) -> Option<(Span, String)> {
    let inherited: Vec<String> = match task.clause(K::Needs).map(|clause| &clause.value) {
        Some(Value::Needs(needs)) => needs.iter().map(amend::shown).collect(),
        _ => Vec::new(),
    };
    let Value::Needs(own) = &user.clause(K::Needs)?.value else {
        return None;
    };
    let own: Vec<String> = own.iter().map(amend::shown).collect();
    let name = task.name()?;
    amend::rewritten(user.decl, user.text, |need| match &need.kind {
        NeedKind::Node { name: needed, .. } if needed.text == *name => {
            inherited.iter().filter(|need| !own.contains(*need)).cloned().collect()
        }
        _ => vec![amend::shown(need)],
    })
}

fn removed(task: &Here<'_>) -> Edit {
    let whole = Span::new(0, task.text.len() as u32);
    task.edit((whole, String::new()))
}

fn moved(script: &Raw, user: &Here<'_>, user_script: &Raw) -> Option<Edit> {
    let first = user_script.lines.first()?.block_start;
    let indent = amend::column(user.text, first);
    let lines = script.text.trim_end().lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{:indent$}{line}\n", ""),
    });
    let at = user.line_start(first);
    Some(user.edit((Span::new(at, at), lines.collect())))
}
