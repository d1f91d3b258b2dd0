//! What can be written at a place: clauses that fit there, names, members, functions, words.
//!
//! What is expected is read from the lines before the cursor, so it works while the text is broken; what there is to
//! offer comes from the same scopes that the checker uses. A name is not offered where it would close a loop. Absent:
//! ranking, the protocol.

use std::path::Path;

use dsl_syntax::ast::{Decl, Item, Name, Span};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind, Row, Shape};

use super::candidates::{Candidates, declarations};
use crate::analysis::Analysis;

/// What can be written at a place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Completions {
    pub found: Vec<Completion>,
    /// There is more than this: it has to be asked again when more of the word is written.
    pub is_part: bool,
}

/// Something that can be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    pub label: String,
    pub kind: CompletionKind,
    /// Its type or title, on one line.
    pub detail: Option<String>,
    /// Markdown.
    pub doc: Option<String>,
    /// What is inserted in place of [`Completion::span`], if it is not the label.
    pub insert: Option<String>,
    /// The part of a word that stands there already.
    pub span: Span,
    /// What comes first among its kind; those that are alike come by their labels.
    pub order: u32,
    /// By what [`Analysis::about_completion`] finds its documentation, where nobody has looked for it yet.
    pub about: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CompletionKind {
    Keyword,
    Clause,
    Node,
    Plan,
    Type,
    Capability,
    Agent,
    Hypothesis,
    Member,
    Group,
    Function,
    Word,
}

/// What the text before the cursor asks for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Expected<'t> {
    /// A declaration of a file, or nodes of its implicit plan.
    Declarations,
    Clauses {
        rows: &'static [Row],
        /// Nodes can stand here too.
        nodes: bool,
    },
    Needs,
    /// Where a route leads.
    Target,
    /// `on`
    Event,
    /// The value of a clause.
    Value(&'static Row),
    /// An expression that has been written so far.
    Expr(&'t str),
    Type,
    Hypothesis,
    Gate,
    /// `mock`
    Mocked,
    MemoryKey,
    /// Inputs of what a task uses, parameters of the plan that a test is about.
    Inputs,
    Words(&'static [&'static str]),
    Nothing,
}

impl Analysis {
    /// What can be written at an offset; nothing where anything can, as in a script.
    pub fn completions(&self, path: &Path, offset: u32) -> Completions {
        let Some((block, start, tree)) = self.block_at(path, offset) else {
            let found = declarations(Span::new(offset, offset));
            return Completions { found, is_part: false };
        };
        let in_chunk = crate::places::start_of(&self.db, block);
        let text = block.chunk.text(&self.db);
        let Some(before) = text.get(in_chunk as usize..(in_chunk + offset - start) as usize) else {
            return Completions::default();
        };
        let decl = match &tree.item {
            Some(Item::Decl(decl)) => Some(decl),
            _ => None,
        };
        let word = before.len() - trailing_word(before).len();
        let span = Span::new(start + word as u32, offset);
        let expected = expected(before, decl.map(|decl| decl.kind), nodes_indent(before, decl));
        let mut candidates = Candidates::new(self, block, decl, span);
        candidates.add(expected, before);
        candidates.offered(before)
    }

    /// The documentation of something that was offered at an offset, as Markdown.
    pub fn about_completion(&self, path: &Path, offset: u32, about: &str) -> Option<String> {
        let (block, ..) = self.block_at(path, offset)?;
        let name = |text: &str| Name {
            text: text.into(),
            span: Span::default(),
        };
        let names: Vec<Name> = about.split('.').map(name).collect();
        let file = block.chunk.file(&self.db);
        // names of capabilities have dots
        self.about_name(file, block, &name(about))
            .or_else(|| self.about_path(file, block, &names))
    }
}

/// How far nodes of the plan around are indented.
fn nodes_indent(text: &str, decl: Option<&Decl>) -> usize {
    match decl {
        Some(decl) if decl.kind.is_node() => {
            let before = text.get(..decl.keyword.start as usize).unwrap_or_default();
            before.len() - before.rfind('\n').map_or(0, |end| end + 1)
        }
        _ => {
            let mut inner = text.lines().skip(1).filter(|line| !line.trim().is_empty());
            inner.next().map_or(2, indent_of).max(1)
        }
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

pub(super) fn trailing_word(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let word = &text[text.trim_end_matches(is_part).len()..];
    word.trim_start_matches('-')
}

/// A line further up that the cursor's line stands in: `input:`, `run: |`, the header.
struct Around<'t> {
    key: &'t str,
    /// The text below is raw.
    raw: bool,
}

fn expected(before: &str, kind: Option<DeclKind>, plan_indent: usize) -> Expected<'_> {
    let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    if let Some(open) = line.rfind("{{").filter(|&open| !line[open..].contains("}}")) {
        return Expected::Expr(&line[open + 2..]);
    }
    let rest = line.trim_start();
    let indent = line.len() - rest.len();
    if rest.starts_with('#') || in_string(rest) {
        return Expected::Nothing;
    }
    let around = around(before, indent);
    if around.iter().any(|outer| outer.raw) {
        return Expected::Nothing;
    }
    if indent == 0 {
        return match kind.filter(|kind| rest.starts_with(kind.keyword())) {
            Some(kind) => header(rest, kind),
            None if is_word(rest) => Expected::Declarations,
            None => Expected::Nothing,
        };
    }
    let Some(kind) = kind else {
        return Expected::Nothing;
    };
    let is_header = kind.is_node()
        && rest
            .strip_prefix(kind.keyword())
            .is_some_and(|rest| rest.starts_with(' '));
    if is_header && indent <= plan_indent {
        return header(rest, kind);
    }
    let rows = table::clauses(kind);
    match around.as_slice() {
        [] if indent <= plan_indent && (kind == DeclKind::Plan || kind.is_node()) => {
            let rows = table::clauses(DeclKind::Plan);
            in_body(rest, rows, true)
        }
        [] => in_body(rest, rows, false),
        [inner, ..] => within(rest, kind, inner),
    }
}

/// The lines around the current one, inner first, without the header of the block.
fn around(before: &str, indent: usize) -> Vec<Around<'_>> {
    let mut found = Vec::new();
    let mut least = indent;
    let mut lines: Vec<&str> = before.lines().collect();
    if !before.ends_with('\n') {
        lines.pop();
    }
    let header = lines
        .iter()
        .position(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let first = header.map_or(lines.len(), |at| at + 1);
    for line in lines.iter().skip(first).rev() {
        let text = line.trim_start();
        let at = line.len() - text.len();
        if text.is_empty() || at >= least {
            continue;
        }
        least = at;
        let key = text.split([':', ' ']).next().unwrap_or_default();
        found.push(Around {
            key,
            raw: text.trim_end().ends_with('|'),
        });
    }
    found
}

/// An odd number of quotes opens a string.
fn in_string(line: &str) -> bool {
    line.replace("\\\"", "").matches('"').count() % 2 == 1
}

fn is_word(text: &str) -> bool {
    trailing_word(text).len() == text.len()
}

/// In `task collect "Title" kind:research`, after the name.
fn header(rest: &str, kind: DeclKind) -> Expected<'_> {
    let last = rest.rsplit(' ').next().unwrap_or_default();
    if let Some((key, _)) = last.split_once(':') {
        let row = table::find(table::clauses(kind), key);
        return row.map_or(Expected::Nothing, Expected::Value);
    }
    match (kind, rest.split_whitespace().count()) {
        (DeclKind::Profile | DeclKind::Test, _) => Expected::Nothing,
        (_, words) if kind.is_node() && words > 2 => Expected::Clauses {
            rows: table::clauses(kind),
            nodes: false,
        },
        _ => Expected::Nothing,
    }
}

/// A clause of a declaration, as far as it is written.
fn in_body<'t>(rest: &'t str, rows: &'static [Row], nodes: bool) -> Expected<'t> {
    if is_word(rest) {
        return Expected::Clauses { rows, nodes };
    }
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let arrow = after.contains("->");
    let condition = || {
        after
            .split_once(" when ")
            .map(|(_, expr)| expr.strip_prefix("when ").unwrap_or(expr))
    };
    match first {
        "on" | "else" | "when" if arrow => Expected::Target,
        "on" => Expected::Event,
        "when" => Expected::Expr(after),
        "fail" | "alert" => condition().map_or(Expected::Nothing, Expected::Expr),
        "supports" | "refutes" => condition().map_or(Expected::Hypothesis, Expected::Expr),
        "remember" => match after.split_once('=') {
            Some((_, expr)) => Expected::Expr(expr),
            None => Expected::MemoryKey,
        },
        "approve" | "reject" if !after.trim_start().contains(' ') => Expected::Gate,
        "mock" => Expected::Mocked,
        _ => match rest.split_once(':') {
            Some((key, value)) => table::find(rows, key.trim()).map_or(Expected::Nothing, |row| value_of(row, value)),
            None => Expected::Nothing,
        },
    }
}

/// After `key:`.
fn value_of<'t>(row: &'static Row, value: &'t str) -> Expected<'t> {
    match row.shape {
        Shape::Needs => Expected::Needs,
        Shape::Expr | Shape::Items | Shape::Predicate => Expected::Expr(value),
        Shape::Each => match value.split_once(" in ") {
            Some((_, expr)) => Expected::Expr(expr),
            None => Expected::Nothing,
        },
        Shape::Retry if value.contains(" on ") => Expected::Event,
        _ => Expected::Value(row),
    }
}

/// In the lines of a clause.
fn within<'t>(rest: &'t str, kind: DeclKind, around: &Around<'_>) -> Expected<'t> {
    let Some(row) = table::find(table::clauses(kind), around.key) else {
        return match around.key {
            "rule" => in_body(rest, table::RULE, false),
            _ => Expected::Nothing,
        };
    };
    let item = rest.strip_prefix("- ").or_else(|| rest.strip_prefix('-'));
    let value = rest.split_once(':').map(|(_, value)| value);
    match (row.shape, value) {
        (Shape::Items, _) => item.map_or(Expected::Nothing, Expected::Expr),
        (Shape::Needs, _) if item.is_some() => Expected::Needs,
        (Shape::Names | Shape::Patterns, _) if item.is_some() => Expected::Value(row),
        (Shape::Fields | Shape::Typed | Shape::Memory, Some(value)) => match value.split_once('=') {
            Some((_, expr)) => Expected::Expr(expr),
            None => Expected::Type,
        },
        (Shape::Assigns, Some(value)) => Expected::Expr(value),
        (Shape::Assigns, None) if row.key == K::Budget => Expected::Words(&["time", "cost", "tokens", "alert"]),
        (Shape::Assigns, None) => Expected::Inputs,
        (Shape::Limits, None) => Expected::Words(&["parallel", "queue", "requests", "tokens", "concurrent", "cost"]),
        (Shape::Steps, _) if is_path(rest) => Expected::Value(row),
        (Shape::Steps, Some(value)) => Expected::Expr(value),
        (Shape::Trigger, _) => in_body(rest, block_rows(row.key), false),
        _ => Expected::Nothing,
    }
}

fn block_rows(key: K) -> &'static [Row] {
    match key {
        K::Allow => table::ALLOW,
        K::Limit => table::LIMIT,
        _ => table::TRIGGER,
    }
}

fn is_path(text: &str) -> bool {
    text.split('.').all(is_word)
}
