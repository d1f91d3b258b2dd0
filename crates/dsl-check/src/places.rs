//! Places in the trees: blocks, and what symbolic targets stand for in them now.
//!
//! All offsets are relative to the block, [`start_of`] gives the block's own in its chunk. Absent: offsets in files
//! ([`crate::analysis`]).

use dsl_syntax::ast::{Block, Clause, Decl, Expr, Item, Name, NeedKind, RouteOn, Span, Value};
use dsl_syntax::table::ClauseKey as K;

use crate::diagnostic::{BlockRef, Target};
use crate::flow::{prints, variable};
use crate::runnable::name_in;
use crate::signatures::clause;
use crate::trees::{outline, parse};
use crate::under::line_of;
use crate::walk;

pub(crate) fn block_of(db: &dyn salsa::Database, block: BlockRef) -> Option<&Block> {
    parse(db, block.chunk).get(block.index as usize).map(|block| &**block)
}

pub(crate) fn decl_of(db: &dyn salsa::Database, block: BlockRef) -> Option<&Decl> {
    match &block_of(db, block)?.item {
        Some(Item::Decl(decl)) => Some(decl),
        _ => None,
    }
}

/// Whether there is an error in a declaration's header or in its line: what is written below may then be taken for a part of
/// it.
pub(crate) fn header_is_broken(db: &dyn salsa::Database, block: BlockRef) -> bool {
    let Some((decl, there)) = decl_of(db, block).zip(block_of(db, block)) else {
        return false;
    };
    let from = (start_of(db, block) + decl.header.start) as usize;
    let line = block.chunk.text(db).get(from..).and_then(|text| text.lines().next());
    let line_end = decl.header.start as usize + line.map_or(0, str::len);
    let end = line_end.max(decl.header.end as usize);
    there.errors.iter().any(|error| (error.span.start as usize) < end)
}

/// How far into its chunk a block starts.
pub(crate) fn start_of(db: &dyn salsa::Database, block: BlockRef) -> u32 {
    let starts = &outline(db, block.chunk).starts;
    starts.get(block.index as usize).copied().unwrap_or_default()
}

/// A target's place in the tree; of what is not there, the whole header.
pub(crate) fn find(block: &Block, target: &Target) -> Span {
    match (&block.item, target) {
        (_, Target::Span(span)) => *span,
        (Some(Item::Use(used)), Target::Use(name)) => {
            let picked = name
                .as_ref()
                .and_then(|name| used.picked.iter().find(|picked| picked.text == *name));
            match (picked, &used.path) {
                (Some(picked), _) => picked.span,
                (None, Some(path)) => path.span,
                (None, None) => used.span,
            }
        }
        (Some(Item::Use(used)), _) => used.span,
        (Some(Item::Decl(decl)), target) => find_in(decl, target).unwrap_or_else(|| name_span(decl)),
        (None, _) => Span::default(),
    }
}

/// A target's place in the tree, if it is there.
pub(crate) fn find_exactly(block: &Block, target: &Target) -> Option<Span> {
    match (&block.item, target) {
        (_, Target::Span(span)) => Some(*span),
        (Some(Item::Decl(decl)), Target::Name) => decl.name.as_ref().map(|name| name.span),
        (Some(Item::Decl(decl)), target) => find_in(decl, target),
        (Some(Item::Use(used)), Target::Use(None)) => used.path.as_ref().map(|path| path.span),
        (Some(Item::Use(used)), Target::Use(Some(name))) => {
            let mut picked = used.picked.iter();
            picked.find(|picked| picked.text == *name).map(|picked| picked.span)
        }
        _ => None,
    }
}

/// The name of an entry of a clause.
fn entry(clause: &Clause, name: &str) -> Option<Span> {
    let mut names: Box<dyn Iterator<Item = &Name>> = match &clause.value {
        Value::Assigns(assigns) => Box::new(assigns.iter().map(|assign| &assign.name)),
        Value::Typed(typed) => Box::new(typed.iter().map(|item| &item.name)),
        Value::Fields(fields) => Box::new(fields.iter().map(|field| &field.name)),
        Value::Fail(fail) => Box::new(std::iter::once(&fail.mode)),
        Value::Remember(remember) => Box::new(std::iter::once(&remember.key)),
        Value::Evidence(evidence) => Box::new(std::iter::once(&evidence.hypothesis)),
        Value::Steps(steps) => {
            let args = steps.iter().flat_map(|step| &step.args);
            Box::new(args.filter_map(|arg| arg.name.as_ref()))
        }
        _ => return None,
    };
    names.find(|found| found.text == name).map(|name| name.span)
}

/// The expressions of an entry of a clause, or of all of it.
fn of_entry<'a>(clause: &'a Clause, entry: Option<&str>, look: &mut dyn FnMut(&'a Expr)) {
    match (&clause.value, entry) {
        (Value::Assigns(assigns), Some(entry)) => {
            let of_entry = assigns.iter().filter(|assign| assign.name.text == entry);
            of_entry.for_each(|assign| look(&assign.value));
        }
        (Value::Typed(typed), Some(entry)) => {
            let of_entry = typed.iter().filter(|item| item.name.text == entry);
            of_entry.filter_map(|item| item.value.as_ref()).for_each(look);
        }
        (value, _) => walk::exprs(value, look),
    }
}

/// The first of the expressions that reads the value of that path.
fn first_read<'a>(path: &str, exprs: impl FnOnce(&mut dyn FnMut(&'a Expr))) -> Option<Span> {
    let wanted: Vec<&str> = path.split('.').collect();
    let reads = |expr: &Expr| match walk::path(expr) {
        Some(names) => {
            let mut pairs = names.iter().zip(&wanted);
            names.len() >= wanted.len() && pairs.all(|(name, wanted)| *wanted == "*" || name.text == *wanted)
        }
        None => false,
    };
    let mut found = None;
    exprs(&mut |expr| {
        walk::deep(expr, &mut |inner| {
            if found.is_none() && reads(inner) {
                found = Some(inner.span);
            }
        });
    });
    found
}

/// Where a script prints the variable that it has an input or an entry of `env:` in.
fn printed_from(decl: &Decl, key: K, path: &str) -> Option<Span> {
    let name = match path.split_once('.')? {
        _ if !matches!(key, K::Run | K::Rollback) => return None,
        ("input", input) => variable(input),
        ("env", name) => name.to_owned(),
        _ => return None,
    };
    let printed = prints(decl, key).variables;
    printed
        .iter()
        .filter(|(printed, _)| *printed == name)
        .map(|(_, place)| *place)
        .min()
}

/// Where the name stands; of what has none, the title.
pub(crate) fn name_span(decl: &Decl) -> Span {
    decl.name.as_ref().map_or_else(
        || decl.title.as_ref().map_or(decl.keyword, |title| title.span),
        |name| name.span,
    )
}

fn find_in(decl: &Decl, target: &Target) -> Option<Span> {
    let first_name = |clause: &Clause| match &clause.value {
        Value::Names(names) => names.first().map(|name| name.span),
        _ => None,
    };
    match target {
        Target::Span(_) | Target::Name | Target::Use(_) => None,
        Target::Arm(at) => {
            let routes = decl
                .clauses
                .iter()
                .filter(|clause| matches!(clause.value, Value::Route(_)));
            Some(routes.into_iter().nth(*at as usize)?.name.span)
        }
        Target::Fallback => first_name(clause(decl, K::Fallback)?),
        Target::Call => first_name(clause(decl, K::Call)?),
        Target::Named(key, name) => {
            let mut of_key = decl.clauses.iter().filter(|clause| clause.key == Some(*key));
            of_key.find_map(|clause| name_in(&clause.value, name))
        }
        Target::Clause(key) => Some(clause(decl, *key)?.name.span),
        Target::NameIn(key) => first_name(clause(decl, *key)?),
        Target::Step(capability) => {
            let Value::Steps(steps) = &clause(decl, K::Do)?.value else {
                return None;
            };
            let mut names = steps.iter().map(|step| &step.capability);
            Some(names.find(|name| name.text == *capability)?.span)
        }
        Target::StepArg(at, name) => {
            let Value::Steps(steps) = &clause(decl, K::Do)?.value else {
                return None;
            };
            let mut names = steps.get(*at as usize)?.args.iter().filter_map(|arg| arg.name.as_ref());
            Some(names.find(|written| written.text == *name)?.span)
        }
        Target::Effect(name, arg) => {
            let Value::Effects(effects) = &clause(decl, K::Effects)?.value else {
                return None;
            };
            let of_name = effects.iter().filter(|effect| effect.name.text == *name);
            let mut args = of_name.flat_map(|effect| &effect.args);
            Some(args.find(|written| written.plain().as_ref() == Some(arg))?.span)
        }
        Target::Rule(at) => {
            let mut rules = decl.clauses.iter().filter_map(|clause| match &clause.value {
                Value::Rule(rule) => Some(rule.name.span),
                _ => None,
            });
            rules.nth(*at as usize)
        }
        Target::Inner(outer, inner) => {
            let outer = clause(decl, *outer)?;
            let Value::Clauses(clauses) = &outer.value else {
                return Some(outer.name.span);
            };
            let found = clauses.iter().find(|clause| clause.key == Some(*inner));
            Some(found.map_or(outer.name.span, |clause| clause.span))
        }
        Target::Entry(key, name) => {
            let of_key = decl.clauses.iter().filter(|clause| clause.key == Some(*key));
            let mut entries = of_key.filter_map(|clause| entry(clause, name));
            entries.next()
        }
        Target::Read { key, entry: name, path } => {
            let Some(key) = key else {
                let title = decl.title.as_ref()?;
                return Some(first_read(path, |look| walk::string(title, look)).unwrap_or(title.span));
            };
            let of_key = decl.clauses.iter().filter(|clause| clause.key == Some(*key));
            let mut named = of_key.filter_map(|clause| match name {
                Some(name) => Some((clause, entry(clause, name)?)),
                None => Some((clause, clause.name.span)),
            });
            let (clause, span) = named.next()?;
            let read = first_read(path, |look| of_entry(clause, name.as_deref(), look));
            Some(read.or_else(|| printed_from(decl, *key, path)).unwrap_or(span))
        }
        Target::Line(path) => Some(line_of(decl, path)?.0.span),
        Target::LineValue(path) => match line_of(decl, path)?.1 {
            Value::Expr(expr) => Some(expr.span),
            _ => None,
        },
        Target::Value(key) => match &clause(decl, *key)?.value {
            Value::Expr(expr) => Some(expr.span),
            _ => None,
        },
        Target::EntryValue(key, name) => {
            let of_key = decl.clauses.iter().filter(|clause| clause.key == Some(*key));
            let assigns = of_key.filter_map(|clause| match &clause.value {
                Value::Assigns(assigns) => Some(assigns),
                _ => None,
            });
            let mut entries = assigns.flatten();
            Some(entries.find(|assign| assign.name.text == *name)?.value.span)
        }
        Target::Need(wanted) => {
            let Value::Needs(needs) = &clause(decl, K::Needs)?.value else {
                return None;
            };
            needs.iter().find_map(|need| match &need.kind {
                NeedKind::Node { name, .. } => (name.text == *wanted).then_some(name.span),
                NeedKind::Any(of) | NeedKind::Quorum { of, .. } => {
                    of.iter().find(|name| name.text == *wanted).map(|name| name.span)
                }
            })
        }
        Target::Route { on, to } => decl.clauses.iter().find_map(|clause| match &clause.value {
            Value::Route(route) if route.to.text == *to => {
                let event = match &route.on {
                    RouteOn::Event(event) => Some(&event.text),
                    RouteOn::When(_) | RouteOn::Else(_) => None,
                };
                (event == on.as_ref()).then_some(route.to.span)
            }
            _ => None,
        }),
    }
}
