//! What editors ask, in the project's own types with absolute byte spans; here, where things are declared.
//!
//! Absent: the language server's protocol.

mod assists;
mod called;
mod completion;
mod declared;
mod hierarchy;
mod hints;
mod hover;
mod lenses;
mod linked;
mod links;
mod members;
mod moved;
mod nodes;
mod references;
mod symbols;
mod things;
mod tokens;
mod type_definition;
mod waits;

use std::path::Path;
use std::sync::Arc;

use dsl_syntax::ast::{Block, Item, Span};

use self::declared::Asked;
use self::things::{Thing, thing_at};
use crate::analysis::{Analysis, Edge};
use crate::diagnostic::BlockRef;
use crate::imports::import_path;
use crate::inputs::SourceFile;
use crate::trees::parse;

pub use assists::{Assist, AssistKind};
pub use called::Called;
pub use completion::{Completion, CompletionKind, Completions};
pub use hierarchy::{HierarchyItem, HierarchyStep};
pub use hints::{Hint, HintOf};
pub use hover::Hover;
pub use lenses::{Lens, LensOf};
pub use links::FileLink;
pub use nodes::NodeAt;
pub use references::{Location, References};
pub use symbols::{Symbol, SymbolKind};
pub use tokens::{NameKind, NameToken};

/// Where the thing at a place is declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// The name that was asked about.
    pub origin: Span,
    pub file: Arc<Path>,
    /// The declared name.
    pub span: Span,
}

impl Analysis {
    pub fn definition(&self, path: &Path, offset: u32) -> Option<Definition> {
        let (block, start, tree) = self.block_at(path, offset)?;
        let thing = thing_at(tree, offset - start)?;
        if let Thing::Import(origin) = thing {
            let target = self.import_at(block.chunk.file(&self.db), tree)?;
            let file = target.path(&self.db).clone();
            return Some(Definition {
                origin: origin.shifted(start),
                file,
                span: Span::default(),
            });
        }
        let place = self.declaration(&mut Asked::default(), block, &thing)?;
        let (file, span) = Edge::new(self).span(&place);
        Some(Definition {
            origin: thing.name()?.shifted(start),
            file,
            span,
        })
    }

    pub(crate) fn block_at(&self, path: &Path, offset: u32) -> Option<(BlockRef, u32, &Block)> {
        let file = self.file(path)?;
        let mut start = 0;
        for &chunk in file.chunks(&self.db) {
            let len = chunk.text(&self.db).len() as u32;
            if offset > start + len {
                start += len;
                continue;
            }
            for (index, block) in parse(&self.db, chunk).iter().enumerate() {
                if offset < start + block.len
                    || (offset == start + block.len && index + 1 == parse(&self.db, chunk).len())
                {
                    return Some((
                        BlockRef {
                            chunk,
                            index: index as u32,
                        },
                        start,
                        block,
                    ));
                }
                start += block.len;
            }
        }
        None
    }

    fn import_at(&self, file: SourceFile, block: &Block) -> Option<SourceFile> {
        let Some(Item::Use(used)) = &block.item else {
            return None;
        };
        let text = used.path.as_ref()?.plain()?;
        let path = import_path(self.root(), file.path(&self.db), &text);
        self.project.files(&self.db).get(path.as_path()).copied()
    }
}
