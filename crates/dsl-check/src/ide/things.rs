//! What stands at an offset of a block, and the names that its clauses introduce: by its syntax alone. Absent: what they mean.

use dsl_syntax::ast::{
    BinaryOp, Block, Clause, Decl, Expr as Ast, ExprKind, Item, MockReplyKind, MockTarget, Name, NeedKind, RouteOn,
    Span, Type, TypeKind, Value,
};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};
use ir::func::Func;

use crate::walk;

/// What stands at an offset.
#[derive(Clone)]
pub(super) enum Thing<'a> {
    Keyword(DeclKind),
    Clause(&'static table::Row, Span),
    Function(Func, Span),
    /// What is called, and is no function of expressions; the name, or that of one of its arguments.
    Form(&'a Name, Span),
    /// A need of which some of several are enough; whether one is.
    Needs(bool, Span),
    /// The path up to the name at the offset: `collect`, `collect.sources`.
    Path(Vec<Name>),
    /// A name by itself in an expression, and the path that it is compared with: it may be a member of an enumeration.
    Word(Name, Option<Vec<Name>>),
    /// A field of what is no path: `title` of `.title`, of `first(x).title`, of `{ title: … }`.
    Field(Name),
    /// A name outside of expressions.
    Name(&'a Name),
    /// A parameter, output, input, … where it is declared.
    Member(&'a Name),
    /// Where an enumeration is written out: one of its members.
    OneOf(&'a Name, &'a [Name]),
    /// What a capability is given: the capability, and the name of the argument.
    Argument(&'a Name, &'a Name),
    /// What a route, or a retry, is about.
    Event(&'a Name),
    /// How something fails that is mocked.
    Fails(&'a MockTarget, &'a Name),
    /// A gate, and its option that a test chooses.
    Choosing(&'a Name, &'a Name),
    /// A word of the plan's own, a person, a word of the language: what a clause lists and nobody declares.
    Said(Name, K),
    /// A rule that is allowed to be broken.
    Rule(&'a Name),
    Import(Span),
}

/// What sort of word it is that is said in several places and declared in none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sort {
    Kind,
    Label,
    Risk,
    Person,
    /// A way to fail, or another event, of the language.
    Mode,
}

impl Thing<'_> {
    /// A word that is said in several places and declared in none, as far as its place tells.
    pub fn sort(&self) -> Option<Sort> {
        match self {
            Thing::Said(_, K::Kind) => Some(Sort::Kind),
            Thing::Said(_, K::Labels) => Some(Sort::Label),
            Thing::Said(_, K::Risks) => Some(Sort::Risk),
            Thing::Said(_, K::Owner | K::Approver) => Some(Sort::Person),
            Thing::Event(_) | Thing::Fails(..) => Some(Sort::Mode),
            // of a policy
            Thing::Word(_, Some(path)) => match path.as_slice() {
                [attribute] if attribute.text == "kind" => Some(Sort::Kind),
                _ => None,
            },
            _ => None,
        }
    }

    /// Where the name stands, if it is one that may be declared somewhere.
    pub fn name(&self) -> Option<Span> {
        match self {
            Thing::Path(names) => names.last().map(|name| name.span),
            Thing::Word(name, _) | Thing::Field(name) | Thing::Said(name, _) => Some(name.span),
            Thing::Name(name)
            | Thing::Member(name)
            | Thing::OneOf(name, _)
            | Thing::Argument(_, name)
            | Thing::Event(name)
            | Thing::Fails(_, name)
            | Thing::Choosing(_, name)
            | Thing::Rule(name) => Some(name.span),
            Thing::Form(_, span) | Thing::Needs(_, span) => Some(*span),
            Thing::Keyword(_) | Thing::Clause(..) | Thing::Function(..) | Thing::Import(_) => None,
        }
    }
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

/// The names that a clause introduces: fields, outputs, inputs, variables, ways to fail, options.
pub(super) fn members(value: &Value) -> Vec<&Name> {
    match value {
        Value::Fields(fields) => fields.iter().map(|field| &field.name).collect(),
        Value::Typed(typed) => typed.iter().map(|item| &item.name).collect(),
        Value::Assigns(assigns) => assigns.iter().map(|assign| &assign.name).collect(),
        Value::Each(each) => vec![&each.var],
        Value::Steps(steps) => steps.iter().filter_map(|step| step.bind.as_ref()).collect(),
        Value::Fail(fail) => vec![&fail.mode],
        Value::Options(options) => options.iter().map(|option| &option.name).collect(),
        Value::Rule(rule) => vec![&rule.name],
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
    let of_type = decl.alias.as_ref().map_or(&[][..], one_of).iter().collect();
    let modes = decl.clauses.iter().filter(|clause| clause.key == Some(K::Fail));
    let modes = modes.flat_map(|clause| members(&clause.value)).collect();
    let lists = decl.clauses.iter().map(|clause| members(&clause.value));
    [modes, fields, of_type]
        .into_iter()
        .chain(lists)
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
    if let Some(allowed) = block.suppressions.iter().find(|one| one.rule.span.contains(at)) {
        return Some(Thing::Rule(&allowed.rule));
    }
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
    if let Some(field) = decl.fields.iter().find(|field| field.name.span.contains(at)) {
        return Some(Thing::Member(&field.name));
    }
    let types = decl.alias.iter().chain(decl.fields.iter().map(|field| &field.ty));
    if let Some(found) = types.into_iter().find_map(|ty| type_at(ty, at)) {
        return Some(found);
    }
    let mut expr = None;
    if let Some(title) = &decl.title {
        walk::string(title, &mut |outer| expr = in_expr(outer, at).or(expr.take()));
    }
    let defaults = decl.fields.iter().filter_map(|field| field.default.as_ref());
    expr = expr.or_else(|| defaults.into_iter().find_map(|default| in_expr(default, at)));
    let mut clauses = decl.clauses.iter().filter(|clause| clause.span.contains(at));
    expr.or_else(|| clauses.find_map(|clause| in_clause(decl, clause, table::clauses(decl.kind), at)))
}

fn in_clause<'a>(decl: &'a Decl, clause: &'a Clause, rows: &'static [table::Row], at: u32) -> Option<Thing<'a>> {
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
        let row = table::find(rows, &clause.name.text)?;
        return Some(Thing::Clause(row, clause.name.span));
    }
    if let Some((inner, rows)) = nested(decl.kind, clause) {
        let mut inner = inner.iter().filter(|clause| clause.span.contains(at));
        return inner.find_map(|clause| in_clause(decl, clause, rows, at));
    }
    if let Some(found) = in_value(clause, &clause.value, at) {
        return Some(found);
    }
    let mut expr = None;
    walk::exprs(&clause.value, &mut |outer| {
        if outer.span.contains(at) {
            expr = in_expr(outer, at).or(expr.take());
        }
    });
    // words of such a clause mean nothing without it
    let is_one = matches!(
        clause.value,
        Value::Breaker(_) | Value::Rates(_) | Value::Limits(_) | Value::Alert(_)
    );
    expr.or_else(|| {
        let row = table::find(rows, &clause.name.text).filter(|_| is_one)?;
        Some(Thing::Clause(row, clause.span))
    })
}

/// The clauses in a clause.
fn nested(kind: DeclKind, clause: &Clause) -> Option<(&[Clause], &'static [table::Row])> {
    match &clause.value {
        Value::Clauses(inner) => Some((inner, table::nested(kind, clause.key?)?)),
        Value::Rule(rule) => Some((&rule.clauses, table::RULE)),
        _ => None,
    }
}

/// The innermost thing at the offset of an expression.
fn in_expr(outer: &Ast, at: u32) -> Option<Thing<'_>> {
    let mut found = None;
    // the operand that a dot follows, and the other side of a comparison
    let mut base = None;
    let mut against = None;
    walk::deep(outer, &mut |inner| {
        match &inner.kind {
            ExprKind::Field { base: of, .. } => base = Some(of.span),
            ExprKind::Binary {
                op: BinaryOp::Eq | BinaryOp::Ne | BinaryOp::In,
                lhs,
                rhs,
                ..
            } if inner.span.contains(at) => {
                let other = if rhs.span.contains(at) { lhs } else { rhs };
                against = walk::path(walk::unparen(other));
            }
            _ => {}
        }
        let here = match &inner.kind {
            ExprKind::Name(text) if inner.span.contains(at) && base != Some(inner.span) => {
                let (text, span) = (text.clone(), inner.span);
                Some(Thing::Word(Name { text, span }, against.clone()))
            }
            _ => thing_in(inner, at),
        };
        found = here.or(found.take());
    });
    found
}

/// The thing that an expression itself is at the offset, not its parts.
fn thing_in(expr: &Ast, at: u32) -> Option<Thing<'_>> {
    match &expr.kind {
        ExprKind::Name(text) if expr.span.contains(at) => Some(Thing::Path(vec![Name {
            text: text.clone(),
            span: expr.span,
        }])),
        ExprKind::Field { name, .. } if name.span.contains(at) => {
            Some(walk::path(expr).map_or_else(|| Thing::Field(name.clone()), Thing::Path))
        }
        ExprKind::ItField(name) if name.span.contains(at) => Some(Thing::Field(name.clone())),
        ExprKind::Record(fields) => {
            let (key, _) = fields.iter().find(|(key, _)| key.span.contains(at))?;
            Some(Thing::Field(Name {
                text: key.text.clone(),
                span: key.span,
            }))
        }
        ExprKind::Call { func, .. } | ExprKind::Pipe { func, .. } if func.span.contains(at) => {
            let known = Func::from_name(&func.text).map(|known| Thing::Function(known, func.span));
            Some(known.unwrap_or(Thing::Form(func, func.span)))
        }
        ExprKind::Call { func, args } if expr.span.contains(at) => {
            let mut names = args.iter().filter_map(|arg| arg.name.as_ref());
            let name = names.find(|name| name.span.contains(at))?;
            Some(Thing::Form(func, name.span))
        }
        ExprKind::Cast { ty, .. } => type_at(ty, at),
        ExprKind::Principal(text) if expr.span.contains(at) => {
            let (text, span) = (text.clone(), expr.span);
            Some(Thing::Said(Name { text, span }, K::Approver))
        }
        ExprKind::Selector(selector) if selector.what.span.contains(at) => {
            Some(Thing::Said(selector.what.clone(), K::For))
        }
        _ => None,
    }
}

/// The name in a type at the offset.
fn type_at(ty: &Type, at: u32) -> Option<Thing<'_>> {
    match &ty.kind {
        TypeKind::Named { name, arg, .. } => {
            if name.span.contains(at) {
                return Some(Thing::Name(name));
            }
            arg.as_ref().and_then(|arg| type_at(arg, at))
        }
        TypeKind::Enum(members) => {
            let here = members.iter().find(|member| member.span.contains(at))?;
            Some(Thing::OneOf(here, members))
        }
        TypeKind::Error => None,
    }
}

/// The members of the enumeration that a type is, or is a list of.
pub(super) fn one_of(ty: &Type) -> &[Name] {
    match &ty.kind {
        TypeKind::Named { arg: Some(arg), .. } => one_of(arg),
        TypeKind::Enum(members) => members,
        _ => &[],
    }
}

/// What it lists are words of the plan's own, and people: nothing that is declared.
pub(super) fn is_of_words(key: Option<K>) -> bool {
    matches!(
        key,
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
                | K::From
        )
    )
}

/// The thing outside of expressions at the offset.
fn in_value<'a>(clause: &'a Clause, value: &'a Value, at: u32) -> Option<Thing<'a>> {
    let here = |name: &&Name| name.span.contains(at);
    let name = match value {
        Value::Names(names) => {
            let name = names.iter().find(here)?;
            return Some(match clause.key {
                Some(key) if is_of_words(Some(key)) => Thing::Said(name.clone(), key),
                _ => Thing::Name(name),
            });
        }
        Value::Needs(needs) => {
            let need = needs.iter().find(|need| need.span.contains(at))?;
            let (of, is_any) = match &need.kind {
                NeedKind::Node { name, .. } => return here(&name).then_some(Thing::Name(name)),
                NeedKind::Any(of) => (of, true),
                NeedKind::Quorum { of, .. } => (of, false),
            };
            return Some(
                of.iter()
                    .find(here)
                    .map_or(Thing::Needs(is_any, need.span), Thing::Name),
            );
        }
        Value::Route(route) => match &route.on {
            RouteOn::Event(event) if event.span.contains(at) => return Some(Thing::Event(event)),
            _ => Some(&route.to).filter(here),
        },
        Value::Retry(retry) => return retry.on.iter().find(here).map(Thing::Event),
        Value::Evidence(evidence) => Some(&evidence.hypothesis).filter(here),
        Value::Steps(steps) => {
            let step = steps.iter().find(|step| step.span.contains(at))?;
            let mut arguments = step.args.iter().filter_map(|arg| arg.name.as_ref());
            if let Some(name) = arguments.find(here) {
                return Some(Thing::Argument(&step.capability, name));
            }
            Some(&step.capability).filter(here)
        }
        Value::Fields(fields) => return fields.iter().find_map(|field| type_at(&field.ty, at)),
        Value::Typed(typed) => {
            if let Some(scope) = typed.iter().filter_map(|item| item.scope.as_ref()).find(here) {
                return Some(Thing::Said(scope.clone(), K::Memory));
            }
            return typed.iter().find_map(|item| type_at(&item.ty, at));
        }
        Value::Mock(mock) => {
            let (MockTarget::Task(target) | MockTarget::Capability(target)) = &mock.target;
            let modes = mock.replies.iter().filter_map(|reply| match &reply.kind {
                MockReplyKind::Fails(mode) => Some(mode),
                MockReplyKind::Value(_) => None,
            });
            if let Some(mode) = modes.into_iter().find(here) {
                return Some(Thing::Fails(&mock.target, mode));
            }
            [Some(target), mock.by.as_ref()].into_iter().flatten().find(here)
        }
        Value::Decide(decide) => {
            if let Some(option) = decide.choosing.as_ref().filter(here) {
                return Some(Thing::Choosing(&decide.gate, option));
            }
            if here(&&decide.principal) {
                return Some(Thing::Said(decide.principal.clone(), K::Approver));
            }
            Some(&decide.gate).filter(here)
        }
        Value::Effects(effects) => {
            let found = effects.iter().map(|effect| &effect.name).find(here)?;
            return Some(Thing::Said(found.clone(), K::Effects));
        }
        Value::Limits(lines) => {
            let found = lines.iter().map(|line| &line.name).find(here)?;
            return Some(Thing::Said(found.clone(), K::Limits));
        }
        Value::Alert(alert) => {
            let found = alert.severity.as_ref().filter(here)?;
            return Some(Thing::Said(found.clone(), K::Severity));
        }
        Value::Selector(selector) => {
            return Some(Thing::Said(Some(&selector.what).filter(here)?.clone(), K::For));
        }
        Value::Override(value) => return in_value(clause, value, at),
        _ => None,
    };
    name.map(Thing::Name)
}
