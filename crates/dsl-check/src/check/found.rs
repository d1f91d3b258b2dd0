//! What checking one block finds, and how long that holds.
//!
//! The blocks of a chunk that is being edited are checked again only if they were edited, or something has changed that
//! they see. Promise: what holds is what would be found again. Absent: what is wrong with blocks.

use std::sync::{Arc, LazyLock};

use dsl_syntax::ast::{Block, Decl, Item, SyntaxError, SyntaxRule};
use dsl_syntax::table::DeclKind;

use super::cx::part_of_plan;
use super::{Cx, View, check_decl, views};
use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::facts::Facts;
use crate::fallbacks::{Misfit, misfit};
use crate::scope::{Common, PlanScope, common};
use crate::signatures::Sig;
use crate::trees::OfBlock;
use crate::words::{hash, holds};

/// Of most declarations that are no nodes.
static NO_FACTS: LazyLock<Arc<Facts>> = LazyLock::new(Arc::default);

/// A block where it stands.
pub(super) struct Here<'db> {
    pub db: &'db dyn salsa::Database,
    pub at: BlockRef,
    pub block: &'db Arc<Block>,
}

/// Of one block.
#[derive(Debug)]
pub(crate) struct Found {
    pub diags: Vec<Diag>,
    pub facts: Arc<Facts>,
    pub misfit: Option<Misfit>,
    /// `None`: it is found again each time.
    from: Option<Basis>,
}

/// All that the checks of a block at its place in the chunk look at, as long as they do not look beyond: what a [`Cx`] holds.
#[derive(Debug)]
struct Basis {
    of: Arc<OfBlock>,
    view: View,
    /// As far as the chunk mentions it; what the block does not mention is of no matter.
    part: Arc<PlanScope>,
    common: Arc<Common>,
    is_node: bool,
}

impl Basis {
    fn new(here: &Here<'_>, decl: &Decl, of: &Arc<OfBlock>) -> Option<Self> {
        let view = &views(here.db, here.at.chunk)[here.at.index as usize];
        Some(Self {
            of: of.clone(),
            view: view.clone(),
            part: part_of_plan(here.db, here.at.chunk, view.plan)?.clone(),
            common: common(here.db, here.at.chunk.file(here.db)).clone(),
            is_node: decl.kind.is_node(),
        })
    }

    /// It reads whatever a check would depend on, so that who trusts this depends on it too.
    fn holds(&self, here: &Here<'_>) -> bool {
        let chunk = here.at.chunk;
        let is_same_part =
            |part: &Arc<PlanScope>| Arc::ptr_eq(&self.part, part) || self.part.is_same_to(part, &self.of.words);
        Arc::ptr_eq(&self.of.block, here.block)
            && self.is_same_to(common(here.db, chunk.file(here.db)))
            && self.view == views(here.db, chunk)[here.at.index as usize]
            && part_of_plan(here.db, chunk, self.view.plan).is_some_and(is_same_part)
    }

    /// Whether names mean the same to it. A node knows of no capabilities but those that it names and those that the
    /// nodes use which it mentions.
    fn is_same_to(&self, common: &Arc<Common>) -> bool {
        let mentions = |name: &str| {
            let mut seen = self.view.nodes.iter();
            !self.is_node || holds(&self.of.words, hash(name)) || seen.any(|(_, seen)| seen.sig.work.uses(name))
        };
        Arc::ptr_eq(&self.common, common) || self.common.is_same_to(common, mentions)
    }
}

impl Found {
    /// `of`: what was read off the block, if its chunk is being edited, so that it will be asked whether this holds.
    pub(super) fn new(here: &Here<'_>, sig: &Sig, of: Option<&Arc<OfBlock>>) -> Self {
        let errors = here.block.errors.iter();
        let said = errors.filter(|error| !is_in_unknown_clause(error, here.block));
        let mut diags: Vec<Diag> = said.map(|error| of_syntax(error, here.at)).collect();
        let Some(Item::Decl(decl)) = &here.block.item else {
            return Self {
                diags,
                facts: NO_FACTS.clone(),
                misfit: None,
                from: None,
            };
        };
        let cx = Cx::new(here.db, here.at, decl);
        let node = check_decl(&cx, here.block, decl);
        let misfit = misfit(&cx, sig);
        let from = of
            .filter(|of| !cx.has_looked_beyond() && Arc::ptr_eq(&of.block, here.block))
            .and_then(|of| Basis::new(here, decl, of));
        let (found, facts) = cx.finish(decl, node.as_ref(), !here.block.errors.is_empty());
        diags.extend(found);
        Self {
            diags,
            facts: if facts == **NO_FACTS {
                NO_FACTS.clone()
            } else {
                Arc::new(facts)
            },
            misfit,
            from,
        }
    }

    pub(super) fn holds(&self, here: &Here<'_>) -> bool {
        self.from.as_ref().is_some_and(|basis| basis.holds(here))
    }
}

/// What a literal should be in a clause that nobody knows is said when its name is right.
fn is_in_unknown_clause(error: &SyntaxError, block: &Block) -> bool {
    let decl = match &block.item {
        Some(Item::Decl(decl)) if error.rule == SyntaxRule::InvalidLiteral && decl.kind != DeclKind::Profile => decl,
        _ => return false,
    };
    let behind = decl
        .clauses
        .partition_point(|clause| clause.span.start <= error.span.start);
    let clause = behind.checked_sub(1).and_then(|at| decl.clauses.get(at));
    clause.is_some_and(|clause| clause.key.is_none() && error.span.end <= clause.span.end)
}

fn of_syntax(error: &SyntaxError, block: BlockRef) -> Diag {
    let place = Place {
        block,
        target: Target::Span(error.span),
    };
    let mut diag = Diag::new(error.rule.name(), place, error.message.clone());
    diag.help.clone_from(&error.help);
    if let Some(fix) = &error.fix {
        let safe = error.rule == SyntaxRule::TabIndentation;
        diag = diag.fix(fix.title.clone(), safe, fix.span, fix.text.clone());
    }
    diag
}
