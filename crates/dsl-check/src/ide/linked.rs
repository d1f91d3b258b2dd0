//! Names that mean something within one declaration only, a variable of `each` or the answer of a step: all places
//! where one stands.
//!
//! Editors change them together while they are typed, those in `{{ … }}` too. What others can read is renamed instead.

use std::path::Path;

use dsl_syntax::ast::{Decl, ExprKind, Span, Value};

use super::things::own_member;
use crate::analysis::Analysis;
use crate::places::decl_of;
use crate::walk;

impl Analysis {
    /// In order; `None` where no such name stands.
    pub fn linked_names(&self, path: &Path, offset: u32) -> Option<Vec<Span>> {
        let (block, start, _) = self.block_at(path, offset)?;
        let decl = decl_of(&self.db, block)?;
        let at = offset - start;
        let local = locals(decl).into_iter();
        let all = local.map(|(name, span)| places(decl, name, span));
        let mut here = all.filter(|places| places.iter().any(|place| place.contains(at)));
        let mut places = here.next()?;
        places.sort_unstable();
        Some(places.into_iter().map(|place| place.shifted(start)).collect())
    }
}

fn locals(decl: &Decl) -> Vec<(&str, Span)> {
    let mut found = Vec::new();
    for clause in &decl.clauses {
        match &clause.value {
            Value::Each(each) => found.push((each.var.text.as_str(), each.var.span)),
            Value::Steps(steps) => {
                let answers = steps.iter().filter_map(|step| step.bind.as_ref());
                found.extend(answers.map(|name| (name.text.as_str(), name.span)));
            }
            _ => {}
        }
    }
    found
}

/// Where a name is read that is declared at `declared`, and that place.
fn places(decl: &Decl, name: &str, declared: Span) -> Vec<Span> {
    let mut found = vec![declared];
    // of two with one name the first is meant
    if own_member(decl, name) != Some(declared) {
        return found;
    }
    let mut look = |outer: &dsl_syntax::ast::Expr| {
        walk::deep(outer, &mut |inner| {
            if matches!(&inner.kind, ExprKind::Name(read) if read == name) {
                found.push(inner.span);
            }
        });
    };
    if let Some(title) = &decl.title {
        walk::string(title, &mut look);
    }
    decl.clauses
        .iter()
        .for_each(|clause| walk::exprs(&clause.value, &mut look));
    found
}
