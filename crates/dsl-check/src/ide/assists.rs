//! Rewritings that a person may ask for at a place: they change how a plan is written down, or add what it lacks.
//!
//! Each is one file and one function of the place; what it writes is formatted and checks if the text around it does.
//! An assist that would change what is computed is not offered. Absent: repairs of diagnostics.

mod create;
mod extract;
mod gate;
mod inline;
mod sort;

use std::path::Path;
use std::sync::Arc;

use dsl_syntax::ast::{Clause, Decl, Item, NeedKind, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use smol_str::{SmolStr, format_smolstr};

use crate::amend;
use crate::analysis::Analysis;
use crate::diagnostic::{AmendHow, BlockRef, Edit};
use crate::graph::{Topology, topologies};
use crate::inputs::SourceFile;
use crate::places::{block_of, decl_of, start_of};
use crate::plans::{PlanBlocks, file_plans};
use crate::signatures::clause;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assist {
    pub title: String,
    pub kind: AssistKind,
    /// They do not overlap.
    pub edits: Vec<Edit>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AssistKind {
    /// Adds what a name stands for.
    Create,
    Extract,
    Inline,
    Rewrite,
}

impl Analysis {
    /// What can be done with a selection; where nothing is selected, with the place.
    pub fn assists(&self, path: &Path, selected: Span) -> Vec<Assist> {
        let Some(here) = Here::new(self, path, selected) else {
            return Vec::new();
        };
        let all = [
            extract::task,
            inline::task,
            gate::before,
            create::task,
            create::parameter,
            create::capability,
            sort::tasks,
        ];
        all.into_iter().filter_map(|assist| assist(&here)).collect()
    }
}

/// A declaration, and what is selected in it. Offsets are those of its block.
struct Here<'a> {
    analysis: &'a Analysis,
    file: SourceFile,
    block: BlockRef,
    decl: &'a Decl,
    text: &'a str,
    /// Where the block starts in its file.
    start: u32,
    selected: Span,
}

/// What is edited of a block: from where to where, and what stands there then.
type Change = (Span, String);

impl<'a> Here<'a> {
    fn new(analysis: &'a Analysis, path: &Path, selected: Span) -> Option<Self> {
        let (block, start, tree) = analysis.block_at(path, selected.start)?;
        let Some(Item::Decl(decl)) = &tree.item else {
            return None;
        };
        let within = |at: u32| at.saturating_sub(start).min(tree.len);
        Some(Self {
            analysis,
            file: block.chunk.file(&analysis.db),
            block,
            decl,
            text: text_of(analysis, block)?,
            start,
            selected: Span::new(within(selected.start), within(selected.end)),
        })
    }

    /// Another declaration of the same file.
    fn other(&self, block: BlockRef) -> Option<Self> {
        Some(Self {
            analysis: self.analysis,
            file: self.file,
            block,
            decl: decl_of(&self.analysis.db, block)?,
            text: text_of(self.analysis, block)?,
            start: crate::analysis::Edge::new(self.analysis).block_start(block),
            selected: Span::default(),
        })
    }

    fn edit(&self, (span, text): Change) -> Edit {
        Edit {
            file: self.file.path(&self.analysis.db).clone(),
            span: span.shifted(self.start),
            text,
        }
    }

    fn path(&self) -> &Arc<Path> {
        self.file.path(&self.analysis.db)
    }

    fn name(&self) -> Option<&'a SmolStr> {
        self.decl.name.as_ref().map(|name| &name.text)
    }

    /// The plan that the declaration belongs to, and the number of the node that it is.
    fn plan(&self) -> Option<(&'a PlanBlocks, Option<u32>)> {
        let plans = file_plans(&self.analysis.db, self.file);
        let (plan, node) = plans.place(self.block)?;
        Some((plans.plans.get(plan as usize)?, node))
    }

    fn topology(&self) -> Option<&'a Topology> {
        let db = &self.analysis.db;
        let (plan, _) = file_plans(db, self.file).place(self.block)?;
        topologies(db, self.file).get(plan as usize).map(AsRef::as_ref)
    }

    /// A name that no node of the plan has: this one, or with a number behind it.
    fn free_name(&self, wanted: &str) -> Option<SmolStr> {
        let topology = self.topology()?;
        let numbered = (2..).map(|number| format_smolstr!("{wanted}-{number}"));
        std::iter::once(SmolStr::from(wanted))
            .chain(numbered)
            .find(|name| topology.find(name).is_none())
    }

    fn clause(&self, key: K) -> Option<&'a Clause> {
        clause(self.decl, key)
    }

    /// How deep the declaration stands.
    fn depth(&self) -> usize {
        amend::column(self.text, self.decl.keyword.start)
    }

    fn is_in_header(&self) -> bool {
        self.decl.header.contains(self.selected.start)
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    fn line_start(&self, at: u32) -> u32 {
        let before = self.text.get(..at as usize).unwrap_or_default();
        before.rfind('\n').map_or(0, |end| end as u32 + 1)
    }

    /// Behind the line feed.
    fn line_end(&self, at: u32) -> u32 {
        let rest = self.text.get(at as usize..).unwrap_or_default();
        at + rest.find('\n').map_or(rest.len(), |end| end + 1) as u32
    }

    /// A clause with the whole of its lines.
    fn lines_of(&self, clause: &Clause) -> &'a str {
        let span = Span::new(self.line_start(clause.span.start), self.line_end(clause.span.end));
        self.slice(span).trim_end()
    }

    /// A declaration right before this one and its comments.
    fn insert_before(&self, text: &str) -> Change {
        (Span::default(), format!("{}\n\n", text.trim_end()))
    }

    /// A declaration right behind this one.
    fn insert_after(&self, text: &str) -> Change {
        let end = self.text.trim_end().len() as u32;
        (Span::new(end, end), format!("\n\n{}", text.trim_end()))
    }

    /// Needs one more node, in place of those plain needs that it has through it.
    fn need_only(&self, new: &SmolStr, moved: &[SmolStr]) -> Option<Change> {
        if moved.is_empty() {
            return amend::edit(self.decl, self.text, &AmendHow::Need(new.clone()));
        }
        let mut is_there = false;
        amend::rewritten(self.decl, self.text, |need| match &need.kind {
            NeedKind::Node { name, optional: false } if moved.contains(&name.text) => {
                let first = !std::mem::replace(&mut is_there, true);
                first.then(|| new.to_string()).into_iter().collect()
            }
            _ => vec![amend::shown(need)],
        })
    }

    /// The nodes that are needed by name, as completed.
    fn plain_needs(&self) -> Vec<SmolStr> {
        let Some(Value::Needs(needs)) = self.clause(K::Needs).map(|clause| &clause.value) else {
            return Vec::new();
        };
        let plain = needs.iter().filter_map(|need| match &need.kind {
            NeedKind::Node { name, optional: false } => Some(name.text.clone()),
            _ => None,
        });
        plain.collect()
    }
}

fn text_of(analysis: &Analysis, block: BlockRef) -> Option<&str> {
    let start = start_of(&analysis.db, block) as usize;
    let len = block_of(&analysis.db, block)?.len as usize;
    block.chunk.text(&analysis.db).get(start..start + len)
}
