//! What types make of the names in a block: which record a field belongs to, which enumeration a member.
//!
//! The block is checked once more, with its checks telling, so that nobody else has to know what is expected where. Absent:
//! names whose meaning does not depend on types, and where anything is declared.

use std::cell::RefCell;

use dsl_syntax::ast::{Block, Item, Span};
use ir::types::Type;
use smol_str::SmolStr;

use super::{Cx, check_decl};
use crate::diagnostic::BlockRef;
use crate::inputs::SourceFile;
use crate::types::Meant;

/// What a name means.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Meaning {
    /// The name, in the block.
    pub name: Span,
    /// Where the names of types mean what they mean.
    pub file: SourceFile,
    pub what: What,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum What {
    Field {
        of: Type,
        ty: Type,
    },
    /// One of these.
    Member(Vec<SmolStr>),
}

/// In no order; a name that was looked at twice is there twice.
pub(crate) fn meanings(db: &dyn salsa::Database, at: BlockRef, block: &Block) -> Vec<Meaning> {
    let Some(Item::Decl(decl)) = &block.item else {
        return Vec::new();
    };
    let cx = Cx::new(db, at, decl).with_meanings();
    check_decl(&cx, block, decl);
    cx.meanings.map(RefCell::into_inner).unwrap_or_default()
}

impl Cx<'_> {
    pub(super) fn meant(&self, name: Span, meant: Meant<'_>) {
        let Some(all) = &self.meanings else { return };
        let what = match meant {
            Meant::Field { of, ty } => What::Field {
                of: of.clone(),
                ty: ty.clone(),
            },
            Meant::Member(members) => What::Member(members.to_vec()),
        };
        let file = self.home;
        all.borrow_mut().push(Meaning { name, file, what });
    }

    /// Those that were found where another plan stands.
    pub(super) fn mean_all(&self, found: Option<RefCell<Vec<Meaning>>>) {
        if let (Some(all), Some(found)) = (&self.meanings, found) {
            all.borrow_mut().extend(found.into_inner());
        }
    }
}
