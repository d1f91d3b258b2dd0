//! The first lines of a script, or the first steps, become a task of their own that the rest needs.
//!
//! Only the first ones: what ran before something must still run before it; and only if they leave nothing in the shell
//! that the rest uses. What says how a script runs is copied.

use dsl_syntax::ast::{Clause, ExprKind, Raw, Span, Step, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};

use super::{Assist, AssistKind, Here};
use crate::ide::things::{members, own_member};
use crate::shell_lint::dialect;
use crate::types::shell::can_part;
use crate::walk;

/// What the new task has too: where and as what its script runs, and when.
const COPIED: &[K] = &[
    K::Kind,
    K::Using,
    K::Needs,
    K::When,
    K::Input,
    K::Env,
    K::Dir,
    K::Shell,
    K::By,
    K::Effects,
    K::Idempotent,
];

pub(super) fn task(here: &Here<'_>) -> Option<Assist> {
    if here.decl.kind != DeclKind::Task || here.clause(K::Each).is_some() || here.selected.start == here.selected.end {
        return None;
    }
    let work = here
        .decl
        .clauses
        .iter()
        .find(|clause| clause.span.contains(here.selected.start))?;
    let taken = match &work.value {
        Value::Script(raw) if work.key == Some(K::Run) => of_script(here, raw)?,
        Value::Steps(steps) => of_steps(here, work, steps)?,
        _ => return None,
    };
    let name = here.free_name(&format!("{}-setup", here.name()?))?;
    let needs = here.plain_needs();
    let edits = vec![
        here.edit(here.insert_before(&written(here, work, &name, taken))),
        here.edit((taken, String::new())),
        here.edit(here.need_only(&name, &needs)?),
    ];
    Some(Assist {
        title: format!("extract into a task `{name}`"),
        kind: AssistKind::Extract,
        edits,
    })
}

fn written(here: &Here<'_>, work: &Clause, name: &str, taken: Span) -> String {
    let depth = here.depth();
    let copied = |clause: &&Clause| clause.key.is_some_and(|key| COPIED.contains(&key));
    let clauses = here.decl.clauses.iter().filter(copied);
    let mut text = format!("{:depth$}task {name}", "");
    for clause in clauses.clone().filter(|clause| clause.in_header) {
        text.push(' ');
        text.push_str(here.slice(clause.span));
    }
    for clause in clauses.filter(|clause| !clause.in_header) {
        text.push('\n');
        text.push_str(here.lines_of(clause));
    }
    let header = Span::new(here.line_start(work.span.start), here.line_end(work.span.start));
    text.push('\n');
    text.push_str(here.slice(header));
    text.push_str(here.slice(taken));
    text
}

/// The selected lines, if they are the first and not all.
fn of_script(here: &Here<'_>, raw: &Raw) -> Option<Span> {
    let lines = raw.lines.iter().map(|line| here.line_start(line.block_start));
    let taken = first_of(here, lines)?;
    let rest = Span::new(taken.end, raw.span.end);
    if here.slice(rest).trim().is_empty()
        || raw.lines.first()?.block_start < here.line_end(here.clause(K::Run)?.span.start)
    {
        return None;
    }
    let lines = raw.lines.iter().filter(|line| line.block_start < taken.end).count();
    if dialect(here.decl).is_none() || !can_part(raw, lines) {
        return None;
    }
    let mut is_own = false;
    for interp in raw.interps.iter().filter(|interp| interp.span.start < taken.end) {
        if let Ok(expr) = &interp.expr {
            walk::deep(expr, &mut |inner| {
                if let ExprKind::Name(name) = &inner.kind {
                    is_own |= own_member(here.decl, name).is_some();
                }
            });
        }
    }
    (!is_own).then_some(taken)
}

/// The selected steps, if they are the first and nothing else reads what they answer.
fn of_steps(here: &Here<'_>, work: &Clause, steps: &[Step]) -> Option<Span> {
    let lines = steps.iter().map(|step| here.line_start(step.span.start));
    let taken = first_of(here, lines)?;
    if taken.end > steps.last()?.span.start || steps.first()?.span.start < here.line_end(work.span.start) {
        return None;
    }
    let answers = members(&work.value)
        .into_iter()
        .filter(|name| name.span.start < taken.end);
    let answers: Vec<&str> = answers.map(|name| name.text.as_str()).collect();
    let mut is_read = false;
    for clause in &here.decl.clauses {
        walk::exprs(&clause.value, &mut |outer| {
            walk::deep(outer, &mut |inner| {
                let reads = matches!(&inner.kind, ExprKind::Name(name) if answers.contains(&name.as_str()));
                is_read |= reads && !(taken.start <= inner.span.start && inner.span.end <= taken.end);
            });
        });
    }
    (!is_read).then_some(taken)
}

/// From the first of these lines to the last that is selected; the selection begins on the first.
fn first_of(here: &Here<'_>, mut lines: impl Iterator<Item = u32>) -> Option<Span> {
    let first = lines.next()?;
    // an end within the indentation of a line does not take that line
    let last = here.selected.start + here.slice(here.selected).trim_end().len() as u32;
    if here.line_start(here.selected.start) != first || last < first {
        return None;
    }
    let end = lines.find(|line| *line >= last)?;
    Some(Span::new(first, end))
}
