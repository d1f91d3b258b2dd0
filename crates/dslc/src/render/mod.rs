//! Diagnostics for people, logs and machines.
//!
//! Every form reads the same [`Sources`]; files come in path order and diagnostics by position. Absent: which diagnostics
//! there are, and printing.

mod cap;
mod github;
mod json;
mod pretty;
mod sarif;
mod short;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use dsl_check::{Diagnostic, Severity};
use dsl_syntax::ast::Span;
use dsl_syntax::{BYTE_ORDER_MARK, LineIndex};
use serde::Serialize;

/// `--format`
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub enum Format {
    /// With the lines of the plan, for people
    #[default]
    Pretty,
    /// One line each: `FILE:LINE:COL: severity[rule]: message`
    Short,
    /// One JSON object a line, and a summary
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands of GitHub Actions: annotations
    Github,
}

/// The text of one file, and where its lines are.
pub struct Source {
    /// As the user would name it.
    pub shown: String,
    pub text: String,
    /// A byte order mark stands before it.
    pub is_marked: bool,
    /// The bytes of a file that is no text.
    bytes: Option<Vec<u8>>,
    /// Made when the first diagnostic is shown: most files have none.
    lines: OnceCell<LineIndex>,
}

impl Source {
    fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// The bytes of the file.
    pub fn whole(&self) -> Cow<'_, [u8]> {
        match (&self.bytes, self.is_marked) {
            (Some(bytes), _) => bytes.into(),
            (None, true) => [BYTE_ORDER_MARK.as_bytes(), self.text.as_bytes()].concat().into(),
            (None, false) => self.text.as_bytes().into(),
        }
    }

    /// The line, from 0, of a byte offset.
    pub fn line_of(&self, offset: usize) -> usize {
        self.lines().line(u32::try_from(offset).unwrap_or(u32::MAX)) as usize
    }

    /// A line's bytes, its end included.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let line = u32::try_from(line).unwrap_or(u32::MAX - 1);
        self.lines().line_start(line) as usize..self.lines().line_start(line + 1) as usize
    }

    /// Line and column, from 0, in characters.
    pub fn line_col(&self, offset: usize) -> (u32, u32) {
        self.lines().line_col(u32::try_from(offset).unwrap_or(u32::MAX))
    }
}

/// The files that diagnostics point into.
pub struct Sources {
    files: BTreeMap<Arc<Path>, Source>,
    cwd: PathBuf,
    repository: PathBuf,
}

/// A place as people and machines count it: line and column (in characters) from 1, and bytes from 0.
#[derive(Clone, Copy, Serialize)]
pub struct Position {
    pub line: u32,
    pub column: u32,
    pub offset: u32,
}

impl Sources {
    pub fn new(cwd: PathBuf) -> Self {
        Self {
            files: BTreeMap::new(),
            repository: repository(&cwd),
            cwd,
        }
    }

    /// Bytes that are no text keep their offsets: each stands as `?`. A byte order mark is no part of the text; a file that
    /// had one keeps it.
    pub fn add(&mut self, path: Arc<Path>, bytes: &[u8]) {
        let text = bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes());
        let is_marked = text.is_some() || self.get(&path).is_some_and(|source| source.is_marked);
        let whole = bytes;
        let bytes = text.unwrap_or(bytes);
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        let source = Source {
            shown: self.shown(&path),
            bytes: (text.as_bytes() != bytes).then(|| whole.to_vec()),
            text,
            is_marked,
            lines: OnceCell::new(),
        };
        self.files.insert(path, source);
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn get(&self, path: &Path) -> Option<&Source> {
        self.files.get(path)
    }

    /// A path as the user would name it: relative where it lies below the current folder.
    pub fn shown(&self, path: &Path) -> String {
        shown_path(path, &self.cwd)
    }

    /// The folder that paths in reports for other machines are relative to.
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// A path relative to the repository, where it lies in it.
    pub fn in_repository(&self, path: &Path) -> String {
        shown_path(path, &self.repository)
    }

    /// Start and end of a span; of a file without text the first character.
    pub fn range(&self, file: &Path, span: Span) -> (Position, Position) {
        let source = self.get(file);
        let mark = match source.is_some_and(|source| source.is_marked) {
            true => BYTE_ORDER_MARK.len() as u32,
            false => 0,
        };
        let position = |offset: u32| {
            let (line, column) = source.map_or((0, 0), |source| source.line_col(offset as usize));
            Position {
                line: line + 1,
                column: column + 1,
                offset: mark + offset,
            }
        };
        (position(span.start), position(span.end))
    }
}

/// What a workflow has checked out, if this is one and we are in it, else the current folder.
fn repository(cwd: &Path) -> PathBuf {
    let checkout = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let checkout = checkout.filter(|folder| folder.is_absolute() && cwd.starts_with(folder));
    checkout.unwrap_or_else(|| cwd.to_path_buf())
}

pub fn shown_path(path: &Path, cwd: &Path) -> String {
    if path.file_name().is_some_and(|name| name == crate::workspace::STDIN) {
        return "<stdin>".to_owned();
    }
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}

/// How many of each were found.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub hints: usize,
}

impl Counts {
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        let mut counts = Self::default();
        for diagnostic in diagnostics {
            match diagnostic.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Hint => counts.hints += 1,
            }
        }
        counts
    }
}

/// Diagnostics in one form; for people not more of a file than they read, unless they want `all`.
pub fn render(format: Format, diagnostics: &[Diagnostic], sources: &Sources, color: bool, all: bool) -> String {
    match format {
        Format::Pretty => pretty::render(diagnostics, sources, color, all),
        Format::Short => short::render(diagnostics, sources),
        Format::Json => json::render(diagnostics, sources),
        Format::Sarif => sarif::render(diagnostics, sources),
        Format::Github => github::render(diagnostics, sources),
    }
}
