//! Reading the database: diagnostics with absolute places, plans, compiled plans. An [`Analysis`] can go to another thread.
//!
//! This is the edge where block-relative and symbolic places become byte offsets of files. Absent: changing anything.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dsl_syntax::DecodeError;
use dsl_syntax::ast::{Block, Clause, Decl, Expr, Item, Name, NeedKind, RouteOn, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use crate::amend;
use crate::bounds::bounds_problems;
use crate::check::check;
use crate::config::Config;
use crate::diagnostic::{Amend, BlockRef, Diag, Diagnostic, Edit, Fix, Label, LocalFix, Place, Severity, Target};
use crate::imports::{normalize, visible};
use crate::inputs::{Database, Project, SourceChunk, SourceFile, for_each_chunk};
use crate::plans::file_plans;
use crate::policy::policy_problems;
use crate::problems::{file_problems, flow_problems, graph_problems, reach_problems};
use crate::removal::removal;
use crate::rules;
use crate::runnable::name_in;
use crate::scope::implicit_name;
use crate::signatures::{clause, parse};
use crate::suppressions;
use crate::unused::unused;
use crate::walk;
use crate::writes::write_conflicts;

/// A view of the workspace as it was when this was made. While one exists, changes of the workspace wait for it, and queries on it
/// end with [`salsa::Cancelled`]: run them under [`Analysis::catch`], and drop it soon.
#[derive(Clone)]
pub struct Analysis {
    pub(crate) db: Database,
    pub(crate) project: Project,
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

    pub fn text(&self, path: &Path) -> Option<String> {
        let file = self.file(path)?;
        Some(file.chunks(&self.db).iter().map(|chunk| chunk.text(&self.db)).collect())
    }

    /// The files that a file imports.
    pub fn imports(&self, path: &Path) -> Vec<Arc<Path>> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        visible(&self.db, self.project, file)
            .files
            .iter()
            .map(|file| file.path(&self.db).clone())
            .collect()
    }

    /// Everything wrong with a file, sorted by position.
    pub fn diagnostics(&self, path: &Path) -> Vec<Diagnostic> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let mut edge = Edge::new(self);
        if let Some(refused) = file.refused(&self.db) {
            return self.refused(file, refused).into_iter().collect();
        }
        let mut found = Vec::new();
        let mut show = |diag: &Diag| {
            if let Some(severity) = self.config().severity(diag.rule) {
                let severity = if diag.lowered {
                    severity.max(Severity::Warning)
                } else {
                    severity
                };
                found.push(edge.diagnostic(diag, severity));
            }
        };
        let project = self.project;
        for_each_chunk(&self.db, file.chunks(&self.db), |db, chunk| {
            check(db, project, chunk);
        });
        for &chunk in file.chunks(&self.db) {
            check(&self.db, self.project, chunk).iter().for_each(&mut show);
        }
        file_problems(&self.db, self.project, file).iter().for_each(&mut show);
        graph_problems(&self.db, self.project, file).iter().for_each(&mut show);
        flow_problems(&self.db, self.project, file).iter().for_each(&mut show);
        reach_problems(&self.db, self.project, file).iter().for_each(&mut show);
        policy_problems(&self.db, self.project, file).iter().for_each(&mut show);
        write_conflicts(&self.db, self.project, file).iter().for_each(&mut show);
        bounds_problems(&self.db, self.project, file).iter().for_each(&mut show);
        unused(&self.db, self.project, file).iter().for_each(&mut show);
        suppressions::apply(self, file, &mut found);
        once_a_file(&mut found, rules::TAB_INDENTATION);
        found.sort_by(|a, b| (a.span, a.rule, &a.message).cmp(&(b.span, b.rule, &b.message)));
        found.dedup();
        found
    }

    fn refused(&self, file: SourceFile, refused: &DecodeError) -> Option<Diagnostic> {
        let rule = rules::name(refused.rule());
        let (at, help) = match refused {
            DecodeError::NotUtf8 { offset } => (*offset as u32, "save the file as UTF-8"),
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
        decl_of(&self.db, block)
    }
}

pub(crate) fn block_of(db: &dyn salsa::Database, block: BlockRef) -> Option<&Block> {
    parse(db, block.chunk).get(block.index as usize)
}

pub(crate) fn decl_of(db: &dyn salsa::Database, block: BlockRef) -> Option<&Decl> {
    match &block_of(db, block)?.item {
        Some(Item::Decl(decl)) => Some(decl),
        _ => None,
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
        chunk
            + parse(db, block.chunk)
                .iter()
                .take(block.index as usize)
                .map(|block| block.len)
                .sum::<u32>()
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
        let blocks = parse(db, place.block.chunk);
        let before = blocks.iter().take(place.block.index as usize);
        let start = before.map(|block| block.len).sum();
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
        let amended = diag
            .amend
            .as_ref()
            .and_then(|amend| self.amend(diag.place.block, amend));
        let mut fixes: Vec<Fix> = diag
            .fixes
            .iter()
            .chain(&amended)
            .map(|fix| Fix {
                title: fix.title.clone(),
                safe: fix.safe,
                edits: fix
                    .edits
                    .iter()
                    .filter_map(|(target, text)| {
                        Some(Edit {
                            file: file.clone(),
                            span: find_exactly(block?, target)?.shifted(start),
                            text: text.clone(),
                        })
                    })
                    .collect(),
            })
            .filter(|fix: &Fix| !fix.edits.is_empty())
            .collect();
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

impl Edge<'_> {
    /// The edit that an amendment is, as the block stands now.
    fn amend(&self, block: BlockRef, amend: &Amend) -> Option<LocalFix> {
        let db = &self.analysis.db;
        let before: u32 = parse(db, block.chunk)
            .iter()
            .take(block.index as usize)
            .map(|block| block.len)
            .sum();
        let text = block.chunk.text(db).get(before as usize..)?;
        let (span, text) = amend::edit(decl_of(db, block)?, text, &amend.how)?;
        Some(LocalFix {
            title: amend.title.clone(),
            safe: false,
            edits: vec![(Target::Span(span), text)],
        })
    }
}

/// A target's place in the tree; of what is not there, the whole header.
fn find(block: &Block, target: &Target) -> Span {
    match (&block.item, target) {
        (_, Target::Span(span)) => *span,
        (Some(Item::Use(used)), Target::Use(name)) => {
            let picked = name
                .as_ref()
                .and_then(|name| used.picked.iter().find(|picked| picked.text == *name));
            match (picked, &used.path) {
                (Some(picked), _) => picked.span,
                (None, Some(path)) => path.span,
                (None, None) => used.span,
            }
        }
        (Some(Item::Use(used)), _) => used.span,
        (Some(Item::Decl(decl)), target) => find_in(decl, target).unwrap_or_else(|| name_span(decl)),
        (None, _) => Span::default(),
    }
}

/// A target's place in the tree, if it is there.
fn find_exactly(block: &Block, target: &Target) -> Option<Span> {
    match (&block.item, target) {
        (_, Target::Span(span)) => Some(*span),
        (Some(Item::Decl(decl)), target) => find_in(decl, target),
        _ => None,
    }
}

/// The name of an entry of a clause.
fn entry(clause: &Clause, name: &str) -> Option<Span> {
    let mut names: Box<dyn Iterator<Item = &Name>> = match &clause.value {
        Value::Assigns(assigns) => Box::new(assigns.iter().map(|assign| &assign.name)),
        Value::Typed(typed) => Box::new(typed.iter().map(|item| &item.name)),
        Value::Fields(fields) => Box::new(fields.iter().map(|field| &field.name)),
        Value::Fail(fail) => Box::new(std::iter::once(&fail.mode)),
        Value::Remember(remember) => Box::new(std::iter::once(&remember.key)),
        Value::Evidence(evidence) => Box::new(std::iter::once(&evidence.hypothesis)),
        Value::Steps(steps) => {
            let args = steps.iter().flat_map(|step| &step.args);
            Box::new(args.filter_map(|arg| arg.name.as_ref()))
        }
        _ => return None,
    };
    names.find(|found| found.text == name).map(|name| name.span)
}

/// The expressions of an entry of a clause, or of all of it.
fn of_entry<'a>(clause: &'a Clause, entry: Option<&str>, look: &mut dyn FnMut(&'a Expr)) {
    match (&clause.value, entry) {
        (Value::Assigns(assigns), Some(entry)) => {
            let of_entry = assigns.iter().filter(|assign| assign.name.text == entry);
            of_entry.for_each(|assign| look(&assign.value));
        }
        (Value::Typed(typed), Some(entry)) => {
            let of_entry = typed.iter().filter(|item| item.name.text == entry);
            of_entry.filter_map(|item| item.value.as_ref()).for_each(look);
        }
        (value, _) => walk::exprs(value, look),
    }
}

/// The first of the expressions that reads the value of that path.
fn first_read<'a>(path: &str, exprs: impl FnOnce(&mut dyn FnMut(&'a Expr))) -> Option<Span> {
    let wanted: Vec<&str> = path.split('.').collect();
    let reads = |expr: &Expr| match walk::path(expr) {
        Some(names) => {
            let mut pairs = names.iter().zip(&wanted);
            names.len() >= wanted.len() && pairs.all(|(name, wanted)| *wanted == "*" || name.text == *wanted)
        }
        None => false,
    };
    let mut found = None;
    exprs(&mut |expr| {
        walk::deep(expr, &mut |inner| {
            if found.is_none() && reads(inner) {
                found = Some(inner.span);
            }
        });
    });
    found
}

fn name_span(decl: &Decl) -> Span {
    decl.name.as_ref().map_or_else(
        || decl.title.as_ref().map_or(decl.keyword, |title| title.span),
        |name| name.span,
    )
}

fn find_in(decl: &Decl, target: &Target) -> Option<Span> {
    let first_name = |clause: &Clause| match &clause.value {
        Value::Names(names) => names.first().map(|name| name.span),
        _ => None,
    };
    match target {
        Target::Span(_) | Target::Name | Target::Use(_) => None,
        Target::Arm(at) => {
            let routes = decl
                .clauses
                .iter()
                .filter(|clause| matches!(clause.value, Value::Route(_)));
            Some(routes.into_iter().nth(*at as usize)?.name.span)
        }
        Target::Fallback => first_name(clause(decl, K::Fallback)?),
        Target::Call => first_name(clause(decl, K::Call)?),
        Target::Named(key, name) => {
            let mut of_key = decl.clauses.iter().filter(|clause| clause.key == Some(*key));
            of_key.find_map(|clause| name_in(&clause.value, name))
        }
        Target::Clause(key) => Some(clause(decl, *key)?.name.span),
        Target::NameIn(key) => first_name(clause(decl, *key)?),
        Target::Step(capability) => {
            let Value::Steps(steps) = &clause(decl, K::Do)?.value else {
                return None;
            };
            let mut names = steps.iter().map(|step| &step.capability);
            Some(names.find(|name| name.text == *capability)?.span)
        }
        Target::Effect(name, arg) => {
            let Value::Effects(effects) = &clause(decl, K::Effects)?.value else {
                return None;
            };
            let of_name = effects.iter().filter(|effect| effect.name.text == *name);
            let mut args = of_name.flat_map(|effect| &effect.args);
            Some(args.find(|written| written.plain().as_ref() == Some(arg))?.span)
        }
        Target::Rule(at) => {
            let mut rules = decl.clauses.iter().filter_map(|clause| match &clause.value {
                Value::Rule(rule) => Some(rule.name.span),
                _ => None,
            });
            rules.nth(*at as usize)
        }
        Target::Inner(outer, inner) => {
            let outer = clause(decl, *outer)?;
            let Value::Clauses(clauses) = &outer.value else {
                return Some(outer.name.span);
            };
            let found = clauses.iter().find(|clause| clause.key == Some(*inner));
            Some(found.map_or(outer.name.span, |clause| clause.span))
        }
        Target::Entry(key, name) => {
            let of_key = decl.clauses.iter().filter(|clause| clause.key == Some(*key));
            let mut entries = of_key.filter_map(|clause| entry(clause, name));
            entries.next()
        }
        Target::Read { key, entry: name, path } => {
            let Some(key) = key else {
                let title = decl.title.as_ref()?;
                return Some(first_read(path, |look| walk::string(title, look)).unwrap_or(title.span));
            };
            let of_key = decl.clauses.iter().filter(|clause| clause.key == Some(*key));
            let mut named = of_key.filter_map(|clause| match name {
                Some(name) => Some((clause, entry(clause, name)?)),
                None => Some((clause, clause.name.span)),
            });
            let (clause, span) = named.next()?;
            Some(first_read(path, |look| of_entry(clause, name.as_deref(), look)).unwrap_or(span))
        }
        Target::Value(key) => match &clause(decl, *key)?.value {
            Value::Expr(expr) => Some(expr.span),
            _ => None,
        },
        Target::EntryValue(key, name) => {
            let of_key = decl.clauses.iter().filter(|clause| clause.key == Some(*key));
            let assigns = of_key.filter_map(|clause| match &clause.value {
                Value::Assigns(assigns) => Some(assigns),
                _ => None,
            });
            let mut entries = assigns.flatten();
            Some(entries.find(|assign| assign.name.text == *name)?.value.span)
        }
        Target::Need(wanted) => {
            let Value::Needs(needs) = &clause(decl, K::Needs)?.value else {
                return None;
            };
            needs.iter().find_map(|need| match &need.kind {
                NeedKind::Node { name, .. } => (name.text == *wanted).then_some(name.span),
                NeedKind::Any(of) | NeedKind::Quorum { of, .. } => {
                    of.iter().find(|name| name.text == *wanted).map(|name| name.span)
                }
            })
        }
        Target::Route { on, to } => decl.clauses.iter().find_map(|clause| match &clause.value {
            Value::Route(route) if route.to.text == *to => {
                let event = match &route.on {
                    RouteOn::Event(event) => Some(&event.text),
                    RouteOn::When(_) | RouteOn::Else(_) => None,
                };
                (event == on.as_ref()).then_some(route.to.span)
            }
            _ => None,
        }),
    }
}
