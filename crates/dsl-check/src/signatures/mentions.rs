//! The names that a block mentions, in expressions and outside of them. Absent: what they mean.

use std::sync::Arc;

use dsl_syntax::ast::*;
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use super::clauses::text;
use crate::walk;

/// A name that may mean a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mention {
    pub name: SmolStr,
    /// It stands in an expression, which wants to know whether the node has completed by then …
    pub is_read: bool,
    /// … or its error.
    pub error_is_read: bool,
}

/// The names that a block mentions, sorted.
pub(crate) fn mentions(block: &Block) -> Arc<[Mention]> {
    let Some(Item::Decl(decl)) = &block.item else {
        return Arc::default();
    };
    let mut found = reads(decl);
    let mut names = Vec::new();
    for clause in &decl.clauses {
        // words that no node goes by
        if !matches!(clause.key, Some(K::Kind | K::Labels | K::Risks)) {
            names_in(&clause.value, &mut names);
        }
        if decl.kind == DeclKind::Profile {
            names.extend(clause.name.text.split('.').next().map(SmolStr::from));
        }
    }
    found.extend(names.into_iter().map(|name| Mention {
        name,
        is_read: false,
        error_is_read: false,
    }));
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|later, first| {
        let same = later.name == first.name;
        if same {
            first.is_read |= later.is_read;
            first.error_is_read |= later.error_is_read;
        }
        same
    });
    found.into()
}

/// The names that the expressions of a declaration read, in their order.
pub(crate) fn reads(decl: &Decl) -> Vec<Mention> {
    let mut found = Vec::new();
    for clause in &decl.clauses {
        walk::exprs(&clause.value, &mut |expr| reads_in(expr, &mut found));
    }
    if let Some(title) = &decl.title {
        walk::string(title, &mut |expr| reads_in(expr, &mut found));
    }
    found
}

/// The names that an expression reads.
fn reads_in(expr: &Expr, found: &mut Vec<Mention>) {
    let mut read = |name: &SmolStr, error_is_read| {
        found.push(Mention {
            name: name.clone(),
            is_read: true,
            error_is_read,
        });
    };
    walk::deep(expr, &mut |inner| match &inner.kind {
        ExprKind::Name(name) => read(name, false),
        ExprKind::Field { base, name } if name.text == "error" => {
            if let ExprKind::Name(node) = &base.kind {
                read(node, true);
            }
        }
        _ => {}
    });
}

/// Names of nodes that stand outside of expressions.
fn names_in(value: &Value, names: &mut Vec<SmolStr>) {
    match value {
        Value::Needs(needs) => {
            for need in needs {
                match &need.kind {
                    NeedKind::Node { name, .. } => names.push(text(name)),
                    NeedKind::Any(of) | NeedKind::Quorum { of, .. } => names.extend(of.iter().map(text)),
                }
            }
        }
        Value::Names(list) => names.extend(list.iter().map(text)),
        Value::Route(route) => {
            names.push(text(&route.to));
            if let RouteOn::Event(event) = &route.on {
                names.push(text(event));
            }
        }
        Value::Evidence(evidence) => names.push(text(&evidence.hypothesis)),
        Value::Mock(mock) => {
            if let MockTarget::Task(name) = &mock.target {
                names.push(text(name));
            }
        }
        Value::Decide(decide) => names.push(text(&decide.gate)),
        _ => {}
    }
}
