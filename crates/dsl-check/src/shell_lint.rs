//! `shell-lint`: what shellcheck says of a plan's scripts, at its place in the plan.
//!
//! A script is handed out with each interpolation replaced by a variable of the same length, quoted as its place needs,
//! so that lines and columns are those of the text. Findings that our way of running scripts makes meaningless are left
//! out. Absent: running shellcheck, which is up to the caller.

use std::path::Path;

use dsl_syntax::ast::{Decl, ExprKind, Item, Raw, Span, Value};
use dsl_syntax::table::ClauseKey as K;
use serde::Deserialize;
use smol_str::SmolStr;

use crate::analysis::{Analysis, Edge};
use crate::diagnostic::{BlockRef, Diagnostic, Edit, Fix};
use crate::rules;
use crate::signatures::{clause, name_of};
use crate::suppressions;
use crate::trees::blocks;
use crate::types::shell::{self, Place};
use crate::walk;

/// Longer scripts are not looked at.
const SCRIPT_BYTES_MAX: usize = 64 << 10;

/// What does not apply here: scripts run under `set -euo pipefail`, have no first line of their own, and are read apart
/// from the files that they source.
const MEANINGLESS: &[u32] = &[1090, 1091, 2103, 2148, 2164];

/// A script to be looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShellScript {
    pub text: String,
    /// As shellcheck names it.
    pub dialect: Dialect,
    /// For each line: where it starts in the text, and in the file.
    lines: Vec<(u32, u32)>,
    /// The interpolations, in the text.
    values: Vec<(u32, u32)>,
    /// Names that the plan sets: inputs, `env`, …
    declared: Vec<SmolStr>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dialect {
    Bash,
    Sh,
}

impl Dialect {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Sh => "sh",
        }
    }
}

/// One comment of shellcheck's `json1` format. Lines and columns count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub file: String,
    pub line: u32,
    pub end_line: u32,
    pub column: u32,
    pub end_column: u32,
    pub code: u32,
    pub message: String,
    pub fix: Option<Repair>,
}

#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
pub struct Repair {
    pub replacements: Vec<Replacement>,
}

#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Replacement {
    pub line: u32,
    pub end_line: u32,
    pub column: u32,
    pub end_column: u32,
    pub replacement: String,
}

impl Analysis {
    /// The scripts of a file in which shellcheck may find something; none if the rule is off.
    pub fn shell_scripts(&self, path: &Path) -> Vec<ShellScript> {
        let (Some(file), Some(_)) = (self.file(path), self.config().severity(rules::SHELL_LINT)) else {
            return Vec::new();
        };
        let mut edge = Edge::new(self);
        let mut found = Vec::new();
        for &chunk in file.chunks(&self.db) {
            for (index, block) in blocks(&self.db, chunk).iter().enumerate() {
                let Some(Item::Decl(decl)) = &block.item else { continue };
                let index = index as u32;
                let scripts = [K::Run, K::Rollback].into_iter().filter_map(|key| clause(decl, key));
                for clause in scripts {
                    // what is wrong with its text is said already
                    let is_broken = block.errors.iter().any(|error| clause.span.contains(error.span.start));
                    if let (Value::Script(raw), Some(dialect), false) = (&clause.value, dialect(decl), is_broken) {
                        let start = edge.block_start(BlockRef { chunk, index });
                        found.extend(script(raw, dialect, start, decl));
                    }
                }
            }
        }
        found
    }

    /// What the findings about a script are to the plan.
    pub fn shell_diagnostics(&self, path: &Path, script: &ShellScript, findings: &[Finding]) -> Vec<Diagnostic> {
        let (Some(file), Some(severity)) = (self.file(path), self.config().severity(rules::SHELL_LINT)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for finding in findings {
            let place = |line, column| script.place(line, column);
            let (Some(start), Some(end)) = (
                place(finding.line, finding.column),
                place(finding.end_line, finding.end_column),
            ) else {
                continue;
            };
            if MEANINGLESS.contains(&finding.code) || script.is_about_declared(finding) {
                continue;
            }
            let file = file.path(&self.db).clone();
            let message = finding.message.lines().next().unwrap_or_default();
            found.push(Diagnostic {
                rule: rules::SHELL_LINT,
                severity,
                message: format!("{} [SC{}]", message.trim_end_matches('.'), finding.code),
                file: file.clone(),
                span: Span::new(start, end.max(start)),
                labels: Vec::new(),
                notes: vec![format!(
                    "more about it: https://www.shellcheck.net/wiki/SC{}",
                    finding.code
                )],
                help: None,
                fixes: script.repair(finding, &file).into_iter().collect(),
            });
        }
        suppressions::silence(self, file, rules::SHELL_LINT, &mut found);
        found.sort_by(|a, b| (a.span, &a.message).cmp(&(b.span, &b.message)));
        found.dedup();
        found
    }
}

/// `None`: shellcheck does not know the language.
pub(crate) fn dialect(decl: &Decl) -> Option<Dialect> {
    let shell = match clause(decl, K::Shell).map(|clause| &clause.value) {
        Some(Value::Expr(expr)) => match &walk::unparen(expr).kind {
            ExprKind::Name(name) => Some(name.clone()),
            ExprKind::String(text) => text.plain(),
            _ => return None,
        },
        Some(_) => return None,
        None => name_of(decl, K::Using),
    };
    let program = shell.as_deref().unwrap_or("bash").split_whitespace().next();
    match program? {
        "bash" | "shell" => Some(Dialect::Bash),
        "sh" | "dash" => Some(Dialect::Sh),
        _ => None,
    }
}

fn script(raw: &Raw, dialect: Dialect, start: u32, decl: &Decl) -> Option<ShellScript> {
    if raw.text.len() > SCRIPT_BYTES_MAX || is_simple(&raw.text) {
        return None;
    }
    let mut text = String::with_capacity(raw.text.len());
    let mut values = Vec::new();
    for (interp, place) in raw.interps.iter().zip(shell::places(raw)) {
        text.push_str(&raw.text[text.len()..interp.start as usize]);
        let written = &raw.text[interp.start as usize..interp.end as usize];
        if written.contains('\n') {
            return None;
        }
        let name = |around: usize| "D".repeat(written.len() - around);
        match place {
            Place::Bare => text.push_str(&format!("\"${}\"", name(3))),
            Place::DoubleQuoted | Place::HereDoc | Place::Arithmetic => text.push_str(&format!("${{{}}}", name(3))),
            Place::Comment | Place::Plain(_) => text.push_str(written),
        }
        values.push((interp.start, interp.end));
    }
    text.push_str(&raw.text[text.len()..]);
    Some(ShellScript {
        text,
        dialect,
        lines: raw
            .lines
            .iter()
            .map(|line| (line.text_start, start + line.block_start))
            .collect(),
        values,
        declared: declared(decl),
    })
}

/// A few plain words a line, in which there is nothing to find.
fn is_simple(text: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || " \n./_-:=,+@%".contains(letter);
    text.chars().all(plain)
}

/// The variables that the plan gives the script.
fn declared(decl: &Decl) -> Vec<SmolStr> {
    let keys = [K::Input, K::Env].into_iter();
    let assigns = keys.filter_map(|key| match &clause(decl, key)?.value {
        Value::Assigns(assigns) => Some(assigns),
        _ => None,
    });
    let names = assigns
        .flatten()
        .map(|assign| assign.name.text.replace('-', "_").into());
    names.collect()
}

impl ShellScript {
    /// The place in the file of a line and a column.
    fn place(&self, line: u32, column: u32) -> Option<u32> {
        let (offset, line) = self.offset(line, column)?;
        Some(line.1 + (offset - line.0))
    }

    /// The offset in the text, and the line.
    fn offset(&self, line: u32, column: u32) -> Option<(u32, (u32, u32))> {
        let found = *self.lines.get(line.checked_sub(1)? as usize)?;
        let text = self.text.get(found.0 as usize..)?;
        let text = text.split('\n').next().unwrap_or_default();
        let letters = column.saturating_sub(1) as usize;
        let within = text.char_indices().nth(letters).map_or(text.len(), |(at, _)| at);
        Some((found.0 + within as u32, found))
    }

    /// A variable "is not assigned" that the plan sets.
    fn is_about_declared(&self, finding: &Finding) -> bool {
        let first = finding.message.split_whitespace().next().unwrap_or_default();
        matches!(finding.code, 2153 | 2154) && self.declared.iter().any(|name| name == first)
    }

    /// What shellcheck would write, unless it touches an interpolation.
    fn repair(&self, finding: &Finding, file: &std::sync::Arc<Path>) -> Option<Fix> {
        let replacements = &finding.fix.as_ref()?.replacements;
        let mut edits = Vec::with_capacity(replacements.len());
        for replacement in replacements {
            let start = self.offset(replacement.line, replacement.column)?.0;
            let end = self.offset(replacement.end_line, replacement.end_column)?.0;
            if self.values.iter().any(|&(from, to)| start < to && from < end) {
                return None;
            }
            edits.push(Edit {
                file: file.clone(),
                span: Span::new(
                    self.place(replacement.line, replacement.column)?,
                    self.place(replacement.end_line, replacement.end_column)?,
                ),
                text: replacement.replacement.clone(),
            });
        }
        edits.sort_by_key(|edit| edit.span);
        (!edits.is_empty()).then(|| Fix {
            title: format!("do as shellcheck says [SC{}]", finding.code),
            safe: false,
            edits,
        })
    }
}
