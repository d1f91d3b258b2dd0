//! What stands at an offset of a block, and the names that its clauses introduce: by its syntax alone. Absent: what they mean.

use dsl_syntax::ast::{
    Block, Clause, Decl, Expr as Ast, ExprKind, Item, MockTarget, Name, NeedKind, RouteOn, Span, Type, TypeKind, Value,
};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};
use ir::func::Func;

use crate::walk;

/// What stands at an offset.
pub(super) enum Thing<'a> {
    Keyword(DeclKind),
    Clause(&'static table::Row, Span),
    Function(Func, Span),
    /// The path up to the name at the offset: `collect`, `collect.sources`.
    Path(Vec<Name>),
    /// A name outside of expressions.
    Name(&'a Name),
    /// A parameter, output, input, … where it is declared.
    Member(&'a Name),
    Import(Span),
}

/// The name of a field or output in a clause of a declaration.
pub(super) fn member_span(decl: &Decl, key: &str, member: &str) -> Option<Span> {
    let clause = decl.clauses.iter().find(|clause| clause.name.text == key)?;
    match &clause.value {
        Value::Fields(fields) => fields
            .iter()
            .find(|field| field.name.text == member)
            .map(|field| field.name.span),
        Value::Typed(typed) => typed
            .iter()
            .find(|item| item.name.text == member || item.name.text.starts_with(&format!("{member}.")))
            .map(|item| item.name.span),
        Value::Assigns(assigns) => assigns
            .iter()
            .find(|assign| assign.name.text == member)
            .map(|assign| assign.name.span),
        _ => None,
    }
}

/// The names that a clause introduces: fields, outputs, inputs, variables.
pub(super) fn members(value: &Value) -> Vec<&Name> {
    match value {
        Value::Fields(fields) => fields.iter().map(|field| &field.name).collect(),
        Value::Typed(typed) => typed.iter().map(|item| &item.name).collect(),
        Value::Assigns(assigns) => assigns.iter().map(|assign| &assign.name).collect(),
        Value::Each(each) => vec![&each.var],
        Value::Steps(steps) => steps.iter().filter_map(|step| step.bind.as_ref()).collect(),
        _ => Vec::new(),
    }
}

/// What a node reads by its bare name and declares itself: an output, a variable of `each`, the answer of a step.
pub(super) fn own_member(decl: &Decl, name: &str) -> Option<Span> {
    let reads_bare = |clause: &&Clause| matches!(clause.key, Some(K::Output | K::Each | K::Do));
    let own = decl.clauses.iter().filter(reads_bare).filter(|_| decl.kind.is_node());
    own.flat_map(|clause| members(&clause.value))
        .find(|member| member.text == name)
        .map(|member| member.span)
}

/// The names beside one that a clause or a record type introduces.
pub(super) fn siblings(decl: &Decl, name: Span) -> Option<Vec<&Name>> {
    let fields: Vec<&Name> = decl.fields.iter().map(|field| &field.name).collect();
    let lists = decl.clauses.iter().map(|clause| members(&clause.value));
    lists
        .chain([fields])
        .find(|names| names.iter().any(|one| one.span == name))
}

/// The path of a profile's line up to the name at the offset.
pub(super) fn segments(path: &Name, at: u32) -> Vec<Name> {
    let mut start = path.span.start;
    let mut found = Vec::new();
    for part in path.text.split('.') {
        if start > at {
            break;
        }
        let end = start + part.len() as u32;
        found.push(Name {
            text: part.into(),
            span: Span::new(start, end),
        });
        start = end + 1;
    }
    found
}

pub(super) fn thing_at(block: &Block, at: u32) -> Option<Thing<'_>> {
    let decl = match block.item.as_ref()? {
        Item::Use(used) => {
            if let Some(name) = used.picked.iter().find(|name| name.span.contains(at)) {
                return Some(Thing::Name(name));
            }
            let path = used.path.as_ref()?;
            return path.span.contains(at).then_some(Thing::Import(path.span));
        }
        Item::Decl(decl) => decl,
    };
    if decl.keyword.contains(at) && decl.name.as_ref().is_none_or(|name| !name.span.contains(at)) {
        return Some(Thing::Keyword(decl.kind));
    }
    if let Some(name) = decl.name.iter().chain(&decl.of).find(|name| name.span.contains(at)) {
        return Some(Thing::Name(name));
    }
    let mut expr = None;
    if let Some(title) = &decl.title {
        walk::string(title, &mut |outer| {
            walk::deep(outer, &mut |inner| expr = thing_in(inner, at).or(expr.take()));
        });
    }
    let mut ty = decl.alias.as_ref().and_then(|ty| type_at(ty, at));
    for field in &decl.fields {
        if field.name.span.contains(at) {
            return Some(Thing::Member(&field.name));
        }
        ty = ty.or_else(|| type_at(&field.ty, at));
    }
    if let Some(name) = ty {
        return Some(Thing::Name(name));
    }
    for clause in decl.clauses.iter().filter(|clause| clause.span.contains(at)) {
        if clause.name.span.contains(at) && decl.kind == DeclKind::Profile {
            return Some(Thing::Path(segments(&clause.name, at)));
        }
        if let Value::Remember(remember) = &clause.value
            && remember.key.span.contains(at)
        {
            let group = Name {
                text: "memory".into(),
                span: remember.key.span,
            };
            return Some(Thing::Path(vec![group, remember.key.clone()]));
        }
        if let Some(name) = members(&clause.value).into_iter().find(|name| name.span.contains(at)) {
            return Some(Thing::Member(name));
        }
        if clause.name.span.contains(at) {
            let row = table::find(table::clauses(decl.kind), &clause.name.text)?;
            return Some(Thing::Clause(row, clause.name.span));
        }
        if let Some(name) = name_in(&clause.value, at) {
            return (!is_of_words(clause)).then_some(Thing::Name(name));
        }
        walk::exprs(&clause.value, &mut |outer| {
            if outer.span.contains(at) {
                walk::deep(outer, &mut |inner| expr = thing_in(inner, at).or(expr.take()));
            }
        });
    }
    expr
}

/// The thing that an expression itself is at the offset, not its parts.
fn thing_in<'a>(expr: &'a Ast, at: u32) -> Option<Thing<'a>> {
    match &expr.kind {
        ExprKind::Name(text) if expr.span.contains(at) => Some(Thing::Path(vec![Name {
            text: text.clone(),
            span: expr.span,
        }])),
        ExprKind::Field { name, .. } if name.span.contains(at) => walk::path(expr).map(Thing::Path),
        ExprKind::Call { func, .. } | ExprKind::Pipe { func, .. } if func.span.contains(at) => {
            Func::from_name(&func.text).map(|known| Thing::Function(known, func.span))
        }
        ExprKind::Cast { ty, .. } => type_at(ty, at).map(Thing::Name),
        _ => None,
    }
}

/// The name of a type at the offset.
fn type_at(ty: &Type, at: u32) -> Option<&Name> {
    match &ty.kind {
        TypeKind::Named { name, arg, .. } => {
            if name.span.contains(at) {
                return Some(name);
            }
            arg.as_ref().and_then(|arg| type_at(arg, at))
        }
        _ => None,
    }
}

/// What it lists are words of the plan's own, and people: nothing that is declared.
pub(super) fn is_of_words(clause: &Clause) -> bool {
    matches!(
        clause.key,
        Some(
            K::Kind
                | K::Labels
                | K::Risks
                | K::Owner
                | K::Approver
                | K::Failure
                | K::Severity
                | K::Intent
                | K::Keywords
        )
    )
}

/// The name outside of expressions at the offset.
fn name_in(value: &Value, at: u32) -> Option<&Name> {
    let here = |name: &&Name| name.span.contains(at);
    match value {
        Value::Names(names) => names.iter().find(here),
        Value::Needs(needs) => needs.iter().find_map(|need| match &need.kind {
            NeedKind::Node { name, .. } => Some(name).filter(here),
            NeedKind::Any(of) | NeedKind::Quorum { of, .. } => of.iter().find(here),
        }),
        Value::Route(route) => match &route.on {
            RouteOn::Event(event) if event.span.contains(at) => Some(event),
            _ => Some(&route.to).filter(here),
        },
        Value::Evidence(evidence) => Some(&evidence.hypothesis).filter(here),
        Value::Steps(steps) => steps.iter().map(|step| &step.capability).find(here),
        Value::Fields(fields) => fields.iter().find_map(|field| type_at(&field.ty, at)),
        Value::Typed(typed) => typed.iter().find_map(|item| type_at(&item.ty, at)),
        Value::Mock(mock) => match &mock.target {
            MockTarget::Task(name) | MockTarget::Capability(name) => Some(name).filter(here),
        },
        Value::Decide(decide) => Some(&decide.gate).filter(here),
        _ => None,
    }
}
