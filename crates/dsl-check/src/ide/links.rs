//! The paths in a text: what is imported, and the files that plans name in secrets, `effects:`, `file(…)` and defaults.
//!
//! A task's paths start at its `dir:`, which is followed as far as it is written in the plan; other paths start at the
//! workspace. Absent: whether a file is there, patterns, and paths that only a run knows.

use std::path::{Path, PathBuf};

use dsl_syntax::ast::{Decl, Expr, ExprKind, Item, Span, StringLit, TypeKind, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::diagnostic::BlockRef;
use crate::imports::{import_path, normalize};
use crate::places::decl_of;
use crate::plans::file_plans;
use crate::signatures::clause;
use crate::trees::parse;
use crate::walk;

/// A path as it is written, quotes included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileLink {
    pub span: Span,
    pub target: PathBuf,
    /// It leads there, whether a file is there or not.
    pub is_import: bool,
}

/// Functions of a path.
const OF_FILES: &[&str] = &["file", "exists", "hash"];

impl Analysis {
    /// In the order of the text.
    pub fn file_links(&self, path: &Path) -> Vec<FileLink> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut start = 0;
        for &chunk in file.chunks(&self.db) {
            for (index, block) in (0..).zip(parse(&self.db, chunk)) {
                match &block.item {
                    Some(Item::Use(used)) => {
                        let written = used.path.as_ref().and_then(|path| Some((path.span, path.plain()?)));
                        found.extend(written.map(|(span, text)| FileLink {
                            span: span.shifted(start),
                            target: import_path(self.root(), file.path(&self.db), &text),
                            is_import: true,
                        }));
                    }
                    Some(Item::Decl(decl)) => {
                        let link = |(written, target): (&StringLit, PathBuf)| FileLink {
                            span: written.span.shifted(start),
                            target,
                            is_import: false,
                        };
                        found.extend(self.paths_in(BlockRef { chunk, index }, decl).into_iter().map(link));
                    }
                    None => {}
                }
                start += block.len;
            }
        }
        found
    }

    /// The imports of a file.
    pub(crate) fn import_links(&self, path: &Path) -> Vec<(Span, PathBuf)> {
        let imports = self.file_links(path).into_iter().filter(|link| link.is_import);
        imports.map(|link| (link.span, link.target)).collect()
    }

    fn paths_in<'a>(&self, block: BlockRef, decl: &'a Decl) -> Vec<(&'a StringLit, PathBuf)> {
        let from_root = |written: &'a StringLit| Some((written, self.below(Some(self.root()), written)?));
        // where the scripts run: known once for the declaration
        let dir = self.dir_of(block, decl);
        let from_dir = |written: &'a StringLit| Some((written, self.below(dir.as_deref(), written)?));
        let mut found = Vec::new();
        for clause in &decl.clauses {
            match (clause.key, &clause.value) {
                (Some(K::Secrets), Value::Assigns(secrets)) => {
                    let files = secrets.iter().filter_map(|secret| of_files(&secret.value));
                    found.extend(files.filter_map(from_root));
                }
                (Some(K::Effects), Value::Effects(effects)) if decl.kind == DeclKind::Task => {
                    let files = effects
                        .iter()
                        .filter(|effect| matches!(&*effect.name.text, "read" | "write"));
                    found.extend(files.flat_map(|effect| &effect.args).filter_map(from_dir));
                }
                (Some(K::Params), Value::Fields(params)) => {
                    let paths = params.iter().filter(|param| is_path(&param.ty.kind));
                    let defaults = paths.filter_map(|param| string(param.default.as_ref()?));
                    found.extend(defaults.filter_map(from_root));
                }
                (Some(K::Runner), value) => {
                    walk::exprs(value, &mut |outer| {
                        walk::deep(outer, &mut |inner| found.extend(string(inner).and_then(from_root)));
                    });
                }
                (_, value) if decl.kind.is_node() => walk::exprs(value, &mut |outer| {
                    walk::deep(outer, &mut |inner| found.extend(of_files(inner).and_then(from_dir)));
                }),
                _ => {}
            }
        }
        found
    }

    /// Absent of patterns, of what is interpolated, and of what is relative to nothing that is known.
    fn below(&self, dir: Option<&Path>, written: &StringLit) -> Option<PathBuf> {
        let text = written.plain()?;
        let is_path = !text.is_empty() && !text.contains(['*', '?', '[', '{', '\n']);
        let is_found = dir.is_some() || Path::new(text.as_str()).is_absolute();
        (is_path && is_found).then(|| normalize(&dir.unwrap_or(Path::new("/")).join(text.as_str())))
    }

    /// The `dir:` of a task, else of its plan.
    fn dir_of(&self, block: BlockRef, decl: &Decl) -> Option<PathBuf> {
        let plans = file_plans(&self.db, block.chunk.file(&self.db));
        let own = plans.place(block).and_then(|(plan, _)| plans.plans.get(plan as usize));
        let clauses = own.into_iter().flat_map(|plan| &plan.clauses);
        let of_plan: Vec<&Decl> = clauses.filter_map(|&block| decl_of(&self.db, block)).collect();
        let all = std::iter::once(decl).chain(of_plan.iter().copied());
        let written = all
            .filter_map(|decl| clause(decl, K::Dir))
            .find_map(|clause| match &clause.value {
                Value::Expr(expr) => Some(expr),
                _ => None,
            })?;
        let text = match walk::path(walk::unparen(written)) {
            Some(path) => {
                let names: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
                match names.as_slice() {
                    ["run", "workspace"] => SmolStr::default(),
                    ["params", name] => default_of(&of_plan, name)?,
                    _ => return None,
                }
            }
            None => string(written)?.plain()?,
        };
        Some(self.root().join(text.as_str()))
    }
}

/// The text that a parameter has if it is not given.
fn default_of(plan: &[&Decl], name: &str) -> Option<SmolStr> {
    let params = plan.iter().filter_map(|decl| match &clause(decl, K::Params)?.value {
        Value::Fields(params) => params.iter().find(|param| param.name.text == name),
        _ => None,
    });
    params
        .filter_map(|param| string(param.default.as_ref()?)?.plain())
        .next()
}

/// The path of `file("report.md")`.
fn of_files(expr: &Expr) -> Option<&StringLit> {
    match &walk::unparen(expr).kind {
        ExprKind::Call { func, args } if OF_FILES.contains(&func.text.as_str()) => string(&args.first()?.value),
        _ => None,
    }
}

fn string(expr: &Expr) -> Option<&StringLit> {
    match &walk::unparen(expr).kind {
        ExprKind::String(text) => Some(text),
        _ => None,
    }
}

fn is_path(ty: &TypeKind) -> bool {
    matches!(ty, TypeKind::Named { name, .. } if name.text == "path")
}
