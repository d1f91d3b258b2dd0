//! What the names of a text are, for colouring: declared names, keys, nodes, types, members, functions; and how places nest.
//!
//! Read from the trees alone, so a text with mistakes keeps its colours. Absent: what can be told from a token by itself.

use std::path::Path;

use dsl_syntax::ast::{Decl, Expr, ExprKind, Item, MockTarget, Name, NeedKind, RouteOn, Span, Type, TypeKind, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};

use super::things::{members, own_member, segments};
use crate::analysis::Analysis;
use crate::inputs::{SourceChunk, for_each_chunk};
use crate::trees::blocks;
use crate::walk;

/// What a name is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NameKind {
    Keyword,
    Key,
    Node,
    Plan,
    Type,
    Capability,
    Agent,
    Hypothesis,
    /// A field, parameter, output or input.
    Member,
    /// `params`, `run`, `task`, …
    Group,
    Function,
    /// A failure mode or event.
    Event,
}

/// A name of a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct NameToken {
    pub span: Span,
    pub kind: NameKind,
    pub declares: bool,
}

const GROUPS: &[&str] = &[
    "params", "memory", "secrets", "run", "task", "plan", "budget", "system", "network", "input", "outputs", "context",
];

impl Analysis {
    /// The names in a file, in order, none within another.
    pub fn name_tokens(&self, path: &Path) -> Vec<NameToken> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let chunks = file.chunks(&self.db);
        for_each_chunk(&self.db, chunks, |db, chunk| {
            tokens_of(db, chunk);
        });
        let mut found = Vec::new();
        let mut start = 0;
        for &chunk in chunks {
            let tokens = tokens_of(&self.db, chunk).iter().map(|token| NameToken {
                span: token.span.shifted(start),
                ..*token
            });
            found.extend(tokens);
            start += chunk.text(&self.db).len() as u32;
        }
        found
    }

    /// The spans around an offset, inner first: name, expressions, clause, declaration.
    pub fn spans_around(&self, path: &Path, offset: u32) -> Vec<Span> {
        let Some((_, start, block)) = self.block_at(path, offset) else {
            return Vec::new();
        };
        let at = offset - start;
        let mut found = Vec::new();
        if let Some(Item::Decl(decl)) = &block.item {
            found.push(decl.span.cover(decl.header));
            for clause in decl.clauses.iter().filter(|clause| clause.span.contains(at)) {
                found.push(clause.span);
                walk::exprs(&clause.value, &mut |outer| {
                    walk::deep(outer, &mut |inner| {
                        if inner.span.contains(at) {
                            found.push(inner.span);
                        }
                    });
                });
            }
            let mut names = Tokens::default();
            names.decl(decl);
            let here = names.found.iter().filter(|token| token.span.contains(at));
            found.extend(here.map(|token| token.span));
        }
        found.sort_by_key(|span| (span.end - span.start, span.start));
        found.dedup();
        // each must lie within the next
        let mut nested: Vec<Span> = Vec::new();
        for span in found {
            if nested
                .last()
                .is_none_or(|inner| span.start <= inner.start && inner.end <= span.end)
            {
                nested.push(span);
            }
        }
        nested.into_iter().map(|span| span.shifted(start)).collect()
    }
}

/// The names in a chunk, from its start.
#[salsa::tracked(returns(deref))]
fn tokens_of(db: &dyn salsa::Database, chunk: SourceChunk) -> Box<[NameToken]> {
    let mut found = Vec::new();
    let mut start = 0;
    for block in blocks(db, chunk).iter() {
        let mut tokens = Tokens::default();
        match &block.item {
            Some(Item::Decl(decl)) => tokens.decl(decl),
            Some(Item::Use(used)) => used.picked.iter().for_each(|name| tokens.name(name, NameKind::Type)),
            None => {}
        }
        found.extend(tokens.sorted().into_iter().map(|token| NameToken {
            span: token.span.shifted(start),
            ..token
        }));
        start += block.len;
    }
    found.into()
}

#[derive(Default)]
struct Tokens {
    found: Vec<NameToken>,
}

impl Tokens {
    fn push(&mut self, span: Span, kind: NameKind, declares: bool) {
        if span.start < span.end {
            self.found.push(NameToken { span, kind, declares });
        }
    }

    fn name(&mut self, name: &Name, kind: NameKind) {
        self.push(name.span, kind, false);
    }

    /// By place; of two on one place the first.
    fn sorted(mut self) -> Vec<NameToken> {
        self.found.sort_by_key(|token| (token.span.start, token.span.end));
        let mut end = 0;
        self.found.retain(|token| {
            let free = token.span.start >= end;
            if free {
                end = token.span.end;
            }
            free
        });
        self.found
    }

    fn decl(&mut self, decl: &Decl) {
        self.push(decl.keyword, NameKind::Keyword, false);
        if let Some(name) = &decl.name {
            self.push(name.span, declared(decl.kind), true);
        }
        if let Some(of) = &decl.of {
            self.name(of, NameKind::Plan);
        }
        if let Some(title) = &decl.title {
            walk::string(title, &mut |outer| {
                walk::deep(outer, &mut |inner| self.expr(inner, decl))
            });
        }
        decl.alias.iter().for_each(|ty| self.ty(ty));
        for field in &decl.fields {
            self.push(field.name.span, NameKind::Member, true);
            self.ty(&field.ty);
        }
        for clause in &decl.clauses {
            if decl.kind == DeclKind::Profile {
                for (at, segment) in segments(&clause.name, clause.name.span.end).iter().enumerate() {
                    self.name(segment, if at == 0 { NameKind::Node } else { NameKind::Member });
                }
            } else {
                self.push(clause.name.span, NameKind::Key, false);
            }
            self.value(clause.key, &clause.value);
            for name in members(&clause.value) {
                self.push(name.span, NameKind::Member, true);
            }
            walk::exprs(&clause.value, &mut |outer| {
                walk::deep(outer, &mut |inner| self.expr(inner, decl))
            });
        }
    }

    fn value(&mut self, key: Option<K>, value: &Value) {
        match value {
            Value::Names(names) => {
                let kind = match key {
                    Some(K::Using | K::Provides | K::Capabilities | K::Judge) => NameKind::Capability,
                    Some(K::By) => NameKind::Agent,
                    Some(K::Call) => NameKind::Plan,
                    Some(K::Fallback) => NameKind::Node,
                    _ => return,
                };
                names.iter().for_each(|name| self.name(name, kind));
            }
            Value::Needs(needs) => {
                for need in needs {
                    match &need.kind {
                        NeedKind::Node { name, .. } => self.name(name, NameKind::Node),
                        NeedKind::Any(of) | NeedKind::Quorum { of, .. } => {
                            of.iter().for_each(|name| self.name(name, NameKind::Node));
                        }
                    }
                }
            }
            Value::Route(route) => {
                if let RouteOn::Event(event) = &route.on {
                    self.name(event, NameKind::Event);
                }
                self.name(&route.to, NameKind::Node);
            }
            Value::Evidence(evidence) => self.name(&evidence.hypothesis, NameKind::Hypothesis),
            Value::Steps(steps) => steps
                .iter()
                .for_each(|step| self.name(&step.capability, NameKind::Capability)),
            Value::Fields(fields) => fields.iter().for_each(|field| self.ty(&field.ty)),
            Value::Typed(typed) => typed.iter().for_each(|item| self.ty(&item.ty)),
            Value::Fail(fail) => self.push(fail.mode.span, NameKind::Event, true),
            Value::Retry(retry) => retry.on.iter().for_each(|mode| self.name(mode, NameKind::Event)),
            Value::Mock(mock) => match &mock.target {
                MockTarget::Task(name) => self.name(name, NameKind::Node),
                MockTarget::Capability(name) => self.name(name, NameKind::Capability),
            },
            Value::Decide(decide) => self.name(&decide.gate, NameKind::Node),
            _ => {}
        }
    }

    fn ty(&mut self, ty: &Type) {
        let mut ty = Some(ty);
        while let Some(here) = ty {
            ty = None;
            if let TypeKind::Named { name, arg, .. } = &here.kind {
                self.name(name, NameKind::Type);
                ty = arg.as_deref();
            }
        }
    }

    fn expr(&mut self, expr: &Expr, decl: &Decl) {
        match &expr.kind {
            ExprKind::Name(text) => {
                let kind = if own_member(decl, text).is_some() {
                    NameKind::Member
                } else if GROUPS.contains(&text.as_str()) {
                    NameKind::Group
                } else {
                    NameKind::Node
                };
                self.push(expr.span, kind, false);
            }
            ExprKind::Field { name, .. } | ExprKind::ItField(name) => self.name(name, NameKind::Member),
            ExprKind::Call { func, .. } | ExprKind::Pipe { func, .. } => self.name(func, NameKind::Function),
            ExprKind::Cast { ty, .. } => self.ty(ty),
            _ => {}
        }
    }
}

fn declared(kind: DeclKind) -> NameKind {
    match kind {
        DeclKind::Type => NameKind::Type,
        DeclKind::Capability => NameKind::Capability,
        DeclKind::Agent => NameKind::Agent,
        DeclKind::Plan | DeclKind::Policy | DeclKind::Profile | DeclKind::Test => NameKind::Plan,
        DeclKind::Task | DeclKind::Gate | DeclKind::Decision => NameKind::Node,
        DeclKind::Hypothesis => NameKind::Hypothesis,
    }
}
