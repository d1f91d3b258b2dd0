//! What a name that stands for nothing should stand for: a task, a parameter or a capability, as its use tells.

use dsl_syntax::ast::{Assign, BinaryOp, Clause, Expr, ExprKind, Field, Name, NeedKind, Span, Step, Unit, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use super::{Assist, AssistKind, Here};
use crate::amend;
use crate::imports::{Space, visible};
use crate::walk;

/// Of what nothing is known.
const ANYTHING: &str = "string";

pub(super) fn task(here: &Here<'_>) -> Option<Assist> {
    let (name, is_before) = wanted_node(here)?;
    let topology = here.topology()?;
    if topology.find(&name.text).is_some() || name.text.contains('.') {
        return None;
    }
    let (depth, inner, script) = (here.depth(), here.depth() + 2, here.depth() + 4);
    let text = format!(
        "{:depth$}task {}\n{:inner$}run: |\n{:script$}true\n",
        "", name.text, "", ""
    );
    let change = match is_before {
        true => here.insert_before(&text),
        false => here.insert_after(&text),
    };
    Some(Assist {
        title: format!("create a task `{}`", name.text),
        kind: AssistKind::Create,
        edits: vec![here.edit(change)],
    })
}

/// The name of a node at the place, and whether that node comes before this one.
fn wanted_node<'a>(here: &Here<'a>) -> Option<(&'a Name, bool)> {
    if !here.decl.kind.is_node() {
        return None;
    }
    let at = here.selected.start;
    let is_here = |name: &&Name| name.span.contains(at);
    here.decl.clauses.iter().find_map(|clause| match &clause.value {
        Value::Needs(needs) => needs.iter().find_map(|need| match &need.kind {
            NeedKind::Node { name, .. } => Some((Some(name).filter(is_here)?, true)),
            NeedKind::Any(of) | NeedKind::Quorum { of, .. } => Some((of.iter().find(is_here)?, true)),
        }),
        Value::Route(route) => Some((Some(&route.to).filter(is_here)?, false)),
        _ => None,
    })
}

pub(super) fn parameter(here: &Here<'_>) -> Option<Assist> {
    let (plan, _) = here.plan()?;
    let header = here.other(*plan.clauses.first()?)?;
    let (name, ty) = wanted_parameter(here)?;
    let mut blocks = plan.clauses.iter().filter_map(|block| here.other(*block));
    let with_params = blocks.find_map(|one| Some((fields(&one, K::Params)?, one)));
    let line = format!("{}: {ty}", name.text);
    let change = match &with_params {
        Some((fields, _)) if fields.iter().any(|field| field.name.text == name.text) => return None,
        Some((fields, one)) => {
            let last = fields.last()?;
            let indent = amend::column(one.text, last.span.start);
            let end = one.line_end(last.span.end);
            one.edit((Span::new(end, end), format!("{:indent$}{line}\n", "")))
        }
        None => {
            let inner = amend::indent(header.decl, header.text) + 2;
            let block = format!("{}:\n{:inner$}{line}", K::Params.word(), "");
            header.edit(amend::below(header.decl, header.text, &block))
        }
    };
    Some(Assist {
        title: format!("create a parameter `{}`", name.text),
        kind: AssistKind::Create,
        edits: vec![change],
    })
}

fn fields<'a>(here: &Here<'a>, key: K) -> Option<&'a [Field]> {
    match &here.clause(key)?.value {
        Value::Fields(fields) if !fields.is_empty() => Some(fields),
        _ => None,
    }
}

/// The parameter that is read at the place, and the type that fits there.
fn wanted_parameter(here: &Here<'_>) -> Option<(Name, String)> {
    let mut found = None;
    for clause in &here.decl.clauses {
        walk::exprs(&clause.value, &mut |outer| {
            walk::deep(outer, &mut |inner| match (&inner.kind, parameter_at(here, inner)) {
                (ExprKind::Binary { op, lhs, rhs, .. }, _) => {
                    // what it is compared or counted with tells its type
                    let (other, name) = match (parameter_at(here, lhs), parameter_at(here, rhs)) {
                        (Some(name), _) => (rhs, name),
                        (_, Some(name)) => (lhs, name),
                        _ => return,
                    };
                    let ty = match op {
                        BinaryOp::And | BinaryOp::Or => "bool".to_owned(),
                        _ => type_of(here, other),
                    };
                    found = Some((name, ty));
                }
                (_, Some(name)) if found.is_none() => found = Some((name, expected(clause, inner).to_owned())),
                _ => {}
            });
        });
    }
    found
}

fn parameter_at(here: &Here<'_>, expr: &Expr) -> Option<Name> {
    let ExprKind::Field { base, name } = &expr.kind else {
        return None;
    };
    let is_params = matches!(&base.kind, ExprKind::Name(base) if base == "params");
    (is_params && expr.span.contains(here.selected.start)).then(|| name.clone())
}

/// What a clause takes, where it is the whole of the value.
fn expected(clause: &Clause, expr: &Expr) -> &'static str {
    let is_whole = match &clause.value {
        Value::Expr(whole) => whole.span == expr.span,
        Value::Each(each) => each.list.span == expr.span,
        _ => false,
    };
    match clause.key.filter(|_| is_whole) {
        Some(K::Dir) => "path",
        Some(K::Timeout) => "duration",
        Some(K::When) => "bool",
        Some(K::Each) => "list[string]",
        _ => ANYTHING,
    }
}

pub(super) fn capability(here: &Here<'_>) -> Option<Assist> {
    if here.decl.kind != DeclKind::Task {
        return None;
    }
    let at = here.selected.start;
    let is_here = |name: &&Name| name.span.contains(at);
    let (name, input, output) = here
        .decl
        .clauses
        .iter()
        .find_map(|clause| match (clause.key, &clause.value) {
            (Some(K::Using), Value::Names(names)) => {
                Some((names.iter().find(is_here)?, given(here), taken(here, "result")))
            }
            (_, Value::Steps(steps)) => {
                let step = steps.iter().find(|step| is_here(&&step.capability))?;
                let output = step
                    .bind
                    .as_ref()
                    .map(|bind| taken(here, &bind.text))
                    .unwrap_or_default();
                Some((&step.capability, of_step(here, step), output))
            }
            _ => None,
        })?;
    let seen = visible(&here.analysis.db, here.file);
    if seen.get(Space::Capability, &name.text).is_some() || name.text.split('.').any(str::is_empty) {
        return None;
    }
    let mut text = format!("capability {}\n", name.text);
    for (key, fields) in [(K::Input, input), (K::Output, output)] {
        if !fields.is_empty() {
            text.push_str(&format!("  {}:\n", key.word()));
            let lines = fields.iter().map(|(name, ty)| format!("    {name}: {ty}\n"));
            text.extend(lines);
        }
    }
    let (plan, _) = here.plan()?;
    let first = plan.clauses.first().or(plan.nodes.first().map(|(block, _)| block))?;
    let first = here.other(*first)?;
    Some(Assist {
        title: format!("create a capability `{}`", name.text),
        kind: AssistKind::Create,
        edits: vec![first.edit(first.insert_before(&text))],
    })
}

type TypedName = (SmolStr, String);

/// What a task gives to what it uses.
fn given(here: &Here<'_>) -> Vec<TypedName> {
    let input = match here.clause(K::Input).map(|clause| &clause.value) {
        Some(Value::Assigns(assigns)) => assigns.as_slice(),
        _ => &[],
    };
    let typed = |assign: &Assign| (assign.name.text.clone(), type_of(here, &assign.value));
    input.iter().map(typed).collect()
}

fn of_step(here: &Here<'_>, step: &Step) -> Vec<TypedName> {
    let named = step
        .args
        .iter()
        .filter_map(|arg| Some((arg.name.as_ref()?, &arg.value)));
    named
        .map(|(name, value)| (name.text.clone(), type_of(here, value)))
        .collect()
}

/// The members of an answer that the task reads, each once; an output that is nothing else says the type.
fn taken(here: &Here<'_>, answer: &str) -> Vec<TypedName> {
    let member = |expr: &Expr| match &expr.kind {
        ExprKind::Field { base, name } if matches!(&base.kind, ExprKind::Name(base) if base == answer) => {
            Some(name.text.clone())
        }
        _ => None,
    };
    let mut found: Vec<TypedName> = Vec::new();
    for clause in &here.decl.clauses {
        if let Value::Typed(typed) = &clause.value {
            let whole = typed
                .iter()
                .filter_map(|item| Some((member(item.value.as_ref()?)?, here.slice(item.ty.span).to_owned())));
            found.extend(whole);
        }
        walk::exprs(&clause.value, &mut |outer| {
            walk::deep(outer, &mut |inner| {
                found.extend(member(inner).map(|name| (name, ANYTHING.to_owned())))
            });
        });
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|(name, _)| seen.insert(name.clone()));
    found
}

/// The type of a literal, of a parameter or of another node's output, as it is written; else text.
fn type_of(here: &Here<'_>, expr: &Expr) -> String {
    match &walk::unparen(expr).kind {
        ExprKind::Bool(_) => "bool".to_owned(),
        ExprKind::Int(_) => "int".to_owned(),
        ExprKind::Float(_) => "float".to_owned(),
        ExprKind::Money(_) => "money".to_owned(),
        ExprKind::Ratio(_) => "ratio".to_owned(),
        ExprKind::Version(_) => "version".to_owned(),
        ExprKind::Quantity { unit, .. } => quantity(*unit).to_owned(),
        ExprKind::List(items) => {
            let item = items
                .first()
                .map_or_else(|| ANYTHING.to_owned(), |item| type_of(here, item));
            format!("list[{item}]")
        }
        ExprKind::Record(_) => "json".to_owned(),
        ExprKind::Field { .. } => declared_type(here, expr).unwrap_or_else(|| ANYTHING.to_owned()),
        _ => ANYTHING.to_owned(),
    }
}

fn quantity(unit: Unit) -> &'static str {
    match unit {
        Unit::Ms | Unit::S | Unit::M | Unit::H | Unit::D | Unit::W => "duration",
        _ => "size",
    }
}

fn declared_type(here: &Here<'_>, expr: &Expr) -> Option<String> {
    let names = walk::path(expr)?;
    let [first, member] = names.as_slice() else {
        return None;
    };
    let (plan, _) = here.plan()?;
    if first.text == "params" {
        let mut blocks = plan.clauses.iter().filter_map(|block| here.other(*block));
        return blocks.find_map(|one| {
            let field = fields(&one, K::Params)?
                .iter()
                .find(|field| field.name.text == member.text)?;
            Some(one.slice(field.ty.span).to_owned())
        });
    }
    let node = here.topology()?.find(&first.text)?;
    let node = here.other(plan.nodes.get(node as usize)?.0)?;
    let Value::Typed(outputs) = &node.clause(K::Output)?.value else {
        return None;
    };
    let output = outputs.iter().find(|output| output.name.text == member.text)?;
    let ty = node.slice(output.ty.span);
    Some(match node.clause(K::Each) {
        Some(_) => format!("list[{ty}]"),
        None => ty.to_owned(),
    })
}
