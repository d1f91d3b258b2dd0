//! Reading the database: diagnostics with absolute places, plans, compiled plans. An [`Analysis`] can go to another thread.
//!
//! This is the edge where block-relative and symbolic places become byte offsets of files. Absent: changing anything.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use dsl_syntax::DecodeError;
use dsl_syntax::ast::{Decl, Span};
use smol_str::SmolStr;

use crate::amend;
use crate::bounds::bounds_problems;
use crate::check::check;
use crate::config::Config;
use crate::diagnostic::{Amend, BlockRef, Diag, Diagnostic, Edit, Fix, Label, Place, Severity, Target, Whose};
use crate::fallbacks::fallback_problems;
use crate::imports::{Space, declarations, normalize, visible};
use crate::inputs::{Database, MANY, Project, SourceChunk, SourceFile, for_each, for_each_chunk, for_each_since};
use crate::places::{block_of, decl_of, find, find_exactly, header_is_broken, start_of};
use crate::plans::file_plans;
use crate::policy::{policy_problems, policy_problems_of_nodes};
use crate::problems::{file_problems, flow_problems, graph_problems, reach_problems};
use crate::reach::{keepers, reach_ahead};
use crate::removal::removal;
use crate::rules;
use crate::scope::implicit_name;
use crate::signatures::Sig;
use crate::suppressions;
use crate::under::{Under, profile_problems};
use crate::unused::unused;
use crate::writes::write_conflicts;

/// A query whose answer is what is wrong.
type Ask<T> = for<'db> fn(&'db dyn salsa::Database, T) -> &'db Vec<Diag>;

/// What can be wrong with the blocks of a chunk.
const OF_CHUNKS: &[Ask<SourceChunk>] = &[check, policy_problems_of_nodes];

/// What can be wrong with a file as a whole: of each half what takes long first, and in the first half whoever asks what
/// must have happened before a node.
const OF_FILES: &[Ask<SourceFile>] = &[
    write_conflicts,
    reach_problems,
    unused,
    policy_problems,
    fallback_problems,
    graph_problems,
    bounds_problems,
    flow_problems,
    file_problems,
    profile_problems,
];

/// A view of the workspace as it was when this was made. While one exists, changes of the workspace wait for it, and
/// queries on it end with [`salsa::Cancelled`]: run them under [`Analysis::catch`], and drop it soon.
#[derive(Clone)]
pub struct Analysis {
    pub(crate) db: Database,
    pub(crate) project: Project,
    /// Compiled plans and worst cases are those under this profile.
    pub(crate) under: Option<Arc<Under>>,
}

/// A plan of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanInfo {
    pub name: SmolStr,
    pub title: Option<SmolStr>,
    /// Made of the bare nodes of a file.
    pub implicit: bool,
    /// The header; of an implicit plan the first node's.
    pub span: Span,
    pub nodes: usize,
}

/// A question was overtaken by a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overtaken;

impl Analysis {
    /// Runs a reading function; it ends early when the workspace changes.
    pub fn catch<T>(&self, f: impl FnOnce(&Self) -> T) -> Result<T, Overtaken> {
        salsa::Cancelled::catch(AssertUnwindSafe(|| f(self))).map_err(|_| Overtaken)
    }

    pub fn root(&self) -> &Path {
        self.project.root(&self.db)
    }

    pub fn config(&self) -> &Config {
        self.project.config(&self.db)
    }

    /// The path as the workspace knows it: absolute or relative to the root, without `.` and `..`.
    pub fn path(&self, path: &Path) -> PathBuf {
        normalize(&self.root().join(path))
    }

    /// All files, those included that were loaded because others import them.
    pub fn files(&self) -> Vec<Arc<Path>> {
        self.project.files(&self.db).keys().cloned().collect()
    }

    pub(crate) fn file(&self, path: &Path) -> Option<SourceFile> {
        self.project.files(&self.db).get(self.path(path).as_path()).copied()
    }

    /// Whether the file is here, as it is on disk or in an editor.
    pub fn has(&self, path: &Path) -> bool {
        self.file(path).is_some()
    }

    pub fn text(&self, path: &Path) -> Option<String> {
        let file = self.file(path)?;
        Some(file.chunks(&self.db).iter().map(|chunk| chunk.text(&self.db)).collect())
    }

    /// The files that a file imports.
    pub fn imports(&self, path: &Path) -> Vec<Arc<Path>> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        visible(&self.db, file)
            .files
            .iter()
            .map(|file| file.path(&self.db).clone())
            .collect()
    }

    /// Everything wrong with a file, sorted by position.
    pub fn diagnostics(&self, path: &Path) -> Vec<Diagnostic> {
        self.diagnostics_from(path, Severity::Hint)
    }

    /// The same, down to a severity: to place what is less takes as long as to find it, for a plan with a hint at each task.
    pub(crate) fn diagnostics_from(&self, path: &Path, least: Severity) -> Vec<Diagnostic> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let mut edge = Edge::new(self);
        if let Some(refused) = file.refused(&self.db) {
            let found = self.refused(file, refused).into_iter();
            return found.filter(|diagnostic| diagnostic.severity <= least).collect();
        }
        let db = &self.db;
        for_each_chunk(db, file.chunks(db), |db, chunk| {
            OF_CHUNKS.iter().for_each(|ask| _ = ask(db, chunk));
        });
        let begun = Instant::now();
        let keepers = keepers(db, file);
        if keepers.len() >= MANY {
            for_each(db, &keepers, |db, chunk| reach_ahead(db, *chunk));
        }
        // after an edit of the graph that took long, so will this
        for_each_since(db, begun, OF_FILES, |db, ask| _ = ask(db, file));
        let mut found = Vec::new();
        // no comment of a plan lifts a policy
        let mut binding = Vec::new();
        // a comment is of use whatever it silences
        let places_all = least == Severity::Hint || suppressions::are_in(self, file);
        let mut show = |diag: &Diag| {
            if let Some(severity) = self.config().severity(diag.rule)
                && (places_all || severity <= least)
            {
                let severity = if diag.lowered {
                    severity.max(Severity::Warning)
                } else {
                    severity
                };
                let diagnostic = edge.diagnostic(diag, severity);
                if severity == Severity::Error && diag.is_of_policy() {
                    binding.push(diagnostic);
                } else {
                    found.push(diagnostic);
                }
            }
        };
        for &chunk in file.chunks(db) {
            OF_CHUNKS.iter().flat_map(|ask| ask(db, chunk)).for_each(&mut show);
        }
        OF_FILES.iter().flat_map(|ask| ask(db, file)).for_each(&mut show);
        suppressions::apply(self, file, &mut found, &binding);
        found.extend(binding);
        once_a_file(&mut found, rules::TAB_INDENTATION);
        found.retain(|diagnostic| diagnostic.severity <= least);
        found.sort_by(|a, b| (a.span, a.rule, &a.message).cmp(&(b.span, b.rule, &b.message)));
        found.dedup();
        found
    }

    fn refused(&self, file: SourceFile, refused: &DecodeError) -> Option<Diagnostic> {
        let rule = rules::name(refused.rule());
        let (at, help) = match refused {
            DecodeError::NotUtf8 { text_offset, .. } => (*text_offset as u32, "save the file as UTF-8"),
            DecodeError::FileTooLarge { .. } => (0, "split it into files that import each other"),
        };
        Some(Diagnostic {
            rule,
            severity: self.config().severity(rule)?,
            message: refused.to_string(),
            file: file.path(&self.db).clone(),
            span: Span::new(at, at),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Some(help.into()),
            fixes: Vec::new(),
        })
    }

    pub fn plans(&self, path: &Path) -> Vec<PlanInfo> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let mut edge = Edge::new(self);
        let mut found = Vec::new();
        for plan in &file_plans(&self.db, file).plans {
            let runs = plan.nodes.len();
            match plan.clauses.first() {
                Some(&header) => {
                    let span = edge
                        .span(&Place {
                            block: header,
                            target: Target::Name,
                        })
                        .1;
                    let title = match self.decl(header) {
                        Some(decl) => decl.title.as_ref().and_then(|title| title.plain()),
                        None => None,
                    };
                    found.push(PlanInfo {
                        name: plan.name.clone(),
                        title,
                        implicit: false,
                        span,
                        nodes: runs,
                    });
                }
                None if runs == 0 => {}
                None => {
                    let span = edge
                        .span(&Place {
                            block: plan.nodes[0].0,
                            target: Target::Name,
                        })
                        .1;
                    let name = implicit_name(file.path(&self.db));
                    found.push(PlanInfo {
                        name,
                        title: None,
                        implicit: true,
                        span,
                        nodes: runs,
                    });
                }
            }
        }
        found
    }

    pub(crate) fn decl(&self, block: BlockRef) -> Option<&Decl> {
        self.decl_under(block).or_else(|| decl_of(&self.db, block))
    }
}

/// Keeps the first of a rule, with the repairs of all.
fn once_a_file(found: &mut Vec<Diagnostic>, rule: &str) {
    let (mut of_rule, rest): (Vec<_>, Vec<_>) = found.drain(..).partition(|diagnostic| diagnostic.rule == rule);
    *found = rest;
    of_rule.sort_by_key(|diagnostic| diagnostic.span);
    of_rule.dedup();
    let mut all = of_rule.into_iter();
    let Some(mut first) = all.next() else {
        return;
    };
    if let Some(fix) = first.fixes.first_mut() {
        let edits = all.flat_map(|diagnostic| diagnostic.fixes).flat_map(|fix| fix.edits);
        fix.edits.extend(edits);
    }
    found.push(first);
}

/// Where blocks are now.
pub(crate) struct Edge<'a> {
    analysis: &'a Analysis,
    files: HashMap<SourceFile, HashMap<SourceChunk, u32>>,
}

impl<'a> Edge<'a> {
    pub fn new(analysis: &'a Analysis) -> Self {
        Self {
            analysis,
            files: HashMap::new(),
        }
    }

    /// The offset of a block in its file.
    pub fn block_start(&mut self, block: BlockRef) -> u32 {
        let db = &self.analysis.db;
        let file = block.chunk.file(db);
        let chunks = self.files.entry(file).or_insert_with(|| {
            let mut start = 0;
            let starts = file.chunks(db).iter().map(|&chunk| {
                let at = start;
                start += chunk.text(db).len() as u32;
                (chunk, at)
            });
            starts.collect()
        });
        let chunk = chunks.get(&block.chunk).copied().unwrap_or_default();
        chunk + start_of(db, block)
    }

    pub fn span(&mut self, place: &Place) -> (Arc<Path>, Span) {
        let db = &self.analysis.db;
        let start = self.block_start(place.block);
        let span = block_of(db, place.block)
            .map(|block| find(block, &place.target))
            .unwrap_or_default();
        (place.block.chunk.file(db).path(db).clone(), span.shifted(start))
    }

    /// What to take out of the block to remove what the place names.
    fn removal(&self, place: &Place) -> Option<Span> {
        let db = &self.analysis.db;
        let start = start_of(db, place.block);
        removal(
            block_of(db, place.block)?,
            &place.target,
            place.block.chunk.text(db),
            start,
        )
    }

    pub fn diagnostic(&mut self, diag: &Diag, severity: Severity) -> Diagnostic {
        let (file, span) = self.span(&diag.place);
        let start = self.block_start(diag.place.block);
        let block = block_of(&self.analysis.db, diag.place.block);
        let written = self.text_from(diag.place.block);
        let labels = diag
            .labels
            .iter()
            .map(|(place, message)| {
                let (file, span) = self.span(place);
                Label {
                    file,
                    span,
                    message: message.clone(),
                }
            })
            .collect();
        let mut fixes: Vec<Fix> = diag
            .fixes
            .iter()
            .map(|fix| Fix {
                title: fix.title.clone(),
                safe: fix.safe,
                edits: fix
                    .edits
                    .iter()
                    .filter_map(|(target, text)| {
                        let span = find_exactly(block?, target)?;
                        changes(written, span, text).then(|| Edit {
                            file: file.clone(),
                            span: span.shifted(start),
                            text: text.clone(),
                        })
                    })
                    .collect(),
            })
            .filter(|fix: &Fix| !fix.edits.is_empty())
            .collect();
        let amended = diag.amend.as_ref();
        fixes.extend(amended.and_then(|amend| self.amend(diag.place.block, amend)));
        if let Some((safe, taken)) = diag.removable.zip(self.removal(&diag.place)) {
            fixes.push(Fix {
                title: "remove it".into(),
                safe,
                edits: vec![Edit {
                    file: file.clone(),
                    span: taken.shifted(start),
                    text: String::new(),
                }],
            });
        }
        Diagnostic {
            rule: diag.rule,
            severity,
            message: diag.message.clone(),
            file,
            span,
            labels,
            notes: diag.notes.clone(),
            help: diag.help.clone(),
            fixes,
        }
    }
}

/// Whether a text is another one after an edit.
fn changes(text: &str, span: Span, new: &str) -> bool {
    text.get(span.start as usize..span.end as usize) != Some(new)
}

impl<'a> Edge<'a> {
    /// The edit that an amendment is, as the text stands now.
    fn amend(&mut self, block: BlockRef, amend: &Amend) -> Option<Fix> {
        let block = self.amended(block, &amend.of)?;
        let start = self.block_start(block);
        let written = self.text_from(block);
        let db = &self.analysis.db;
        if header_is_broken(db, block) {
            return None;
        }
        let (span, text) = amend::edit(decl_of(db, block)?, written, &amend.how)?;
        changes(written, span, &text).then(|| Fix {
            title: amend.title.clone(),
            safe: false,
            edits: vec![Edit {
                file: block.chunk.file(db).path(db).clone(),
                span: span.shifted(start),
                text,
            }],
        })
    }

    /// The text of a block's chunk from the block on.
    fn text_from(&self, block: BlockRef) -> &'a str {
        let db = &self.analysis.db;
        block
            .chunk
            .text(db)
            .get(start_of(db, block) as usize..)
            .unwrap_or_default()
    }

    /// The declaration that an amendment of a block is one of.
    fn amended(&self, block: BlockRef, of: &Whose) -> Option<BlockRef> {
        let db = &self.analysis.db;
        let file = block.chunk.file(db);
        match of {
            Whose::Here => Some(block),
            Whose::Plan => {
                let plans = file_plans(db, file);
                let (plan, _) = plans.place(block)?;
                plans.plans[plan as usize].clauses.first().copied()
            }
            Whose::Agent(name) => {
                let origin = visible(db, file).get(Space::Agent, name)?;
                let mut there = declarations(db, origin.file).iter();
                let found = there.find(|(_, sig)| matches!(sig, Sig::Agent(agent) if agent.name == origin.name));
                Some(found?.0)
            }
        }
    }
}
