//! What editors ask, in the project's own types with absolute byte spans; here, where things are declared.
//!
//! Absent: the language server's protocol.

mod assists;
mod called;
mod completion;
mod hierarchy;
mod hints;
mod hover;
mod lenses;
mod linked;
mod links;
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

use dsl_syntax::ast::{Block, Item, Name, Span};

use self::things::{Thing, member_span, own_member, thing_at};
use crate::analysis::{Analysis, Edge};
use crate::diagnostic::{BlockRef, Place, Target};
use crate::graph::graphs;
use crate::imports::{Space, declarations, declared, import_path, visible};
use crate::inputs::SourceFile;
use crate::places::decl_of;
use crate::plans::file_plans;
use crate::scope::scope;
use crate::signatures::NodeSig;
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
        let file = block.chunk.file(&self.db);
        let mut edge = Edge::new(self);
        let (origin, place) = match thing_at(tree, offset - start)? {
            Thing::Name(name) => (name.span, self.place_of(file, block, &name.text)?),
            Thing::Member(name) => (name.span, Place::at(block, name.span)),
            Thing::Path(names) => {
                let origin = names.last()?.span;
                (origin, self.place_of_path(file, block, &names)?)
            }
            Thing::Import(origin) => {
                let target = self.import_at(file, tree)?;
                let file = target.path(&self.db).clone();
                return Some(Definition {
                    origin: origin.shifted(start),
                    file,
                    span: Span::default(),
                });
            }
            Thing::Keyword(_) | Thing::Clause(..) | Thing::Function(..) => return None,
        };
        let (file, span) = edge.span(&place);
        Some(Definition {
            origin: origin.shifted(start),
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

    /// The node of that name in the plan that the block belongs to.
    fn node(&self, file: SourceFile, block: BlockRef, name: &str) -> Option<(BlockRef, Arc<NodeSig>)> {
        let plans = file_plans(&self.db, file);
        let (file, plan) = match plans.place(block) {
            Some((plan, _)) => (file, plan as usize),
            None => {
                // a profile or test, about a plan that may be elsewhere
                let of = decl_of(&self.db, block)?.of.as_ref()?;
                let home = scope(&self.db, file).about(&of.text)?.file;
                (home, file_plans(&self.db, home).named(&of.text)?)
            }
        };
        let graph = graphs(&self.db, file).get(plan)?;
        let at = graph.find(name)? as usize;
        let (block, _) = file_plans(&self.db, file).plans.get(plan)?.nodes.get(at)?;
        Some((*block, graph.nodes.get(at)?.clone()))
    }

    /// Where a name is declared: a node, else a declaration of the file or of its imports.
    fn place_of(&self, file: SourceFile, block: BlockRef, name: &str) -> Option<Place> {
        if let Some((block, _)) = self.node(file, block, name) {
            return Some(Place {
                block,
                target: Target::Name,
            });
        }
        let seen = visible(&self.db, file);
        let spaces = [Space::Type, Space::Capability, Space::Agent, Space::Plan, Space::Policy];
        let (space, origin) = spaces
            .iter()
            .find_map(|&space| seen.get(space, name).map(|origin| (space, origin)))?;
        let key = (space, origin.name.clone());
        let declarations = declarations(&self.db, origin.file);
        let (block, _) = declarations
            .iter()
            .find(|(_, sig)| declared(sig).as_ref() == Some(&key))?;
        Some(Place {
            block: *block,
            target: Target::Name,
        })
    }

    fn place_of_path(&self, file: SourceFile, block: BlockRef, names: &[Name]) -> Option<Place> {
        let first = names.first()?;
        match (first.text.as_str(), names.get(1)) {
            ("params" | "memory" | "secrets", Some(member)) => {
                let plans = file_plans(&self.db, file);
                let (plan, _) = plans.place(block)?;
                plans.plans.get(plan as usize)?.clauses.iter().find_map(|&clauses| {
                    let decl = decl_of(&self.db, clauses)?;
                    let span = member_span(decl, &first.text, &member.text)?;
                    Some(Place::at(clauses, span))
                })
            }
            ("input", Some(member)) if self.node(file, block, "input").is_none() => {
                let span = member_span(decl_of(&self.db, block)?, "input", &member.text)?;
                Some(Place::at(block, span))
            }
            (name, Some(member)) => {
                let (node, _) = self.node(file, block, name)?;
                let span = decl_of(&self.db, node).and_then(|decl| member_span(decl, "output", &member.text));
                let target = span.map_or(Target::Name, Target::Span);
                Some(Place { block: node, target })
            }
            (name, None) => {
                let own = decl_of(&self.db, block).and_then(|decl| own_member(decl, name));
                own.map(|span| Place::at(block, span))
                    .or_else(|| self.place_of(file, block, name))
            }
        }
    }
}
