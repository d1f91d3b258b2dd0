//! Which node a name stands for, in the words of people: its file, its plan, its name.

use std::path::Path;
use std::sync::Arc;

use dsl_syntax::ast::Name;
use smol_str::SmolStr;

use super::things::{Thing, own_member, thing_at};
use crate::analysis::Analysis;
use crate::diagnostic::BlockRef;
use crate::graph::sig_of;
use crate::inputs::SourceFile;
use crate::plans::file_plans;

/// A node of a plan.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeAt {
    pub file: Arc<Path>,
    /// Empty of the file's implicit plan.
    pub plan: SmolStr,
    pub name: SmolStr,
}

impl Analysis {
    /// The node whose name stands at an offset, where it is declared or used.
    pub fn node_at(&self, path: &Path, offset: u32) -> Option<NodeAt> {
        let block = self.node_block_at(path, offset)?;
        self.node_of(block)
    }

    /// The block of that node.
    pub(super) fn node_block_at(&self, path: &Path, offset: u32) -> Option<BlockRef> {
        let (block, start, tree) = self.block_at(path, offset)?;
        let named = |name: &Name| self.node(block, &name.text).map(|(block, _)| block);
        match thing_at(tree, offset - start)? {
            Thing::Name(name) => named(name),
            Thing::Path(names) if names.len() == 1 && !self.is_own(block, &names[0]) => named(&names[0]),
            Thing::Word(name, _) if !self.is_own(block, &name) => named(&name),
            Thing::Keyword(kind) if kind.is_node() => Some(block),
            _ => None,
        }
    }

    fn is_own(&self, block: BlockRef, name: &Name) -> bool {
        let decl = crate::places::decl_of(&self.db, block);
        decl.is_some_and(|decl| own_member(decl, &name.text).is_some())
    }

    pub(super) fn node_of(&self, block: BlockRef) -> Option<NodeAt> {
        let file: SourceFile = block.chunk.file(&self.db);
        let plans = file_plans(&self.db, file);
        let (plan, _) = plans.place(block)?;
        Some(NodeAt {
            file: file.path(&self.db).clone(),
            plan: plans.plans.get(plan as usize)?.name.clone(),
            name: sig_of(&self.db, block)?.name.clone(),
        })
    }
}
