//! Where the type of the thing at a place is declared: of a value its record, of a task the capability or the plan that
//! does it.

use std::path::Path;

use dsl_syntax::ast::{Clause, Decl, Name, Span, Type, TypeKind, Value};

use super::Definition;
use super::declared::Asked;
use super::things::{one_of, thing_at};
use crate::analysis::{Analysis, Edge};
use crate::diagnostic::{BlockRef, Place, Target};
use crate::graph::sig_of;
use crate::places::decl_of;
use crate::signatures::Work;

impl Analysis {
    /// `None` where the type is one of the language's.
    pub fn type_definition(&self, path: &Path, offset: u32) -> Option<Definition> {
        let (block, start, tree) = self.block_at(path, offset)?;
        let thing = thing_at(tree, offset - start)?;
        let origin = thing.name()?;
        let value = self.declaration(&mut Asked::default(), block, &thing)?;
        let declared = match value.target {
            Target::Span(span) => self.type_of_member(value.block, span)?,
            _ => self.worker(value.block)?,
        };
        let (file, span) = Edge::new(self).span(&declared);
        Some(Definition {
            origin: origin.shifted(start),
            file,
            span,
        })
    }

    /// The declaration that a field, a parameter or an output has as its type, lists and options apart.
    fn type_of_member(&self, block: BlockRef, member: Span) -> Option<Place> {
        let decl = decl_of(&self.db, block)?;
        if let Some(alias) = &decl.alias
            && one_of(alias).iter().any(|one| one.span == member)
        {
            let target = Target::Name;
            return Some(Place { block, target });
        }
        let name = innermost(written_type(decl, member)?)?;
        self.place_of(block.chunk.file(&self.db), block, &name.text)
    }

    /// What does the work of a node.
    fn worker(&self, node: BlockRef) -> Option<Place> {
        let (Work::Capability(name) | Work::Call(name)) = &sig_of(&self.db, node)?.work else {
            return None;
        };
        self.place_of(node.chunk.file(&self.db), node, name)
    }
}

fn written_type(decl: &Decl, member: Span) -> Option<&Type> {
    let in_clause = |clause: &'_ Clause| match &clause.value {
        Value::Fields(fields) => fields.iter().position(|field| field.name.span == member),
        Value::Typed(typed) => typed.iter().position(|item| item.name.span == member),
        _ => None,
    };
    let own = decl.fields.iter().find(|field| field.name.span == member);
    own.map(|field| &field.ty).or_else(|| {
        decl.clauses.iter().find_map(|clause| {
            let at = in_clause(clause)?;
            match &clause.value {
                Value::Fields(fields) => Some(&fields.get(at)?.ty),
                Value::Typed(typed) => Some(&typed.get(at)?.ty),
                _ => None,
            }
        })
    })
}

fn innermost(ty: &Type) -> Option<&Name> {
    let mut ty = ty;
    loop {
        match &ty.kind {
            TypeKind::Named { arg: Some(arg), .. } => ty = arg,
            TypeKind::Named { name, .. } => return Some(name),
            _ => return None,
        }
    }
}
