//! `dslc check --baseline`: what was wrong already when the checks were adopted, so that only new findings fail.
//!
//! A finding is known by file, rule and message, not by its line, so that edits above it do not make it new; of several
//! alike as many are known as were recorded. Paths are relative to the baseline's folder. The file has one finding a line, in
//! order, so that it merges and reads well.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use dsl_check::Diagnostic;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, plain};
use crate::render::Sources;
use crate::replace::replace;

const VERSION: u32 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(rename = "dslc-baseline")]
    version: u32,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file: String,
    rule: String,
    message: String,
    #[serde(default = "once", skip_serializing_if = "is_once")]
    count: usize,
}

fn once() -> usize {
    1
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_once(count: &usize) -> bool {
    *count == 1
}

type Key = (String, String, String);

#[derive(Clone)]
pub struct Baseline {
    folder: PathBuf,
    known: BTreeMap<Key, usize>,
}

/// What a baseline was good for.
pub struct Outcome {
    /// Findings that it held and that are left out now.
    pub known: usize,
    /// Findings that it holds and that the files checked no longer have.
    pub gone: usize,
}

impl Baseline {
    /// Of diagnostics as they are now, to be written to `path`.
    pub fn of(diagnostics: &[Diagnostic], path: &Path) -> Self {
        let mut baseline = Self {
            folder: folder(path),
            known: BTreeMap::new(),
        };
        for diagnostic in diagnostics {
            *baseline.known.entry(baseline.key(diagnostic)).or_default() += 1;
        }
        baseline
    }

    /// How many findings it holds.
    pub fn len(&self) -> usize {
        self.known.values().sum()
    }

    pub fn read(path: &Path, shown: &str) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let failure = Failure::usage(format!("cannot read the baseline `{shown}`: {}", plain(&error)));
            match error.kind() {
                io::ErrorKind::NotFound => failure.help(format!("dslc check --baseline {shown} --write-baseline")),
                _ => failure,
            }
        })?;
        let wrong = |number: usize, error: serde_json::Error| {
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default();
            Failure::usage(format!("{shown}:{number}: not a line of a baseline: {why}"))
        };
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let (number, head) = lines.next().unwrap_or((1, ""));
        let head: Head = serde_json::from_str(head).map_err(|error| wrong(number, error))?;
        if head.version != VERSION {
            let found = head.version;
            return Err(Failure::usage(format!(
                "`{shown}` is a baseline of version {found}, expected {VERSION}"
            )));
        }
        let mut known = BTreeMap::new();
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).map_err(|error| wrong(number, error))?;
            *known.entry((line.file, line.rule, line.message)).or_default() += line.count;
        }
        Ok(Self {
            folder: folder(path),
            known,
        })
    }

    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = json(&Head { version: VERSION });
        for ((file, rule, message), &count) in &self.known {
            text.push_str(&json(&Line {
                file: file.clone(),
                rule: rule.clone(),
                message: message.clone(),
                count,
            }));
        }
        replace(path, text.as_bytes())
    }

    /// Leaves out what is known.
    pub fn apply(mut self, diagnostics: &mut Vec<Diagnostic>, sources: &Sources) -> Outcome {
        let before = diagnostics.len();
        diagnostics.retain(|diagnostic| match self.known.get_mut(&self.key(diagnostic)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        });
        let is_checked = |file: &str| sources.get(&self.folder.join(file)).is_some();
        let left = self.known.iter().filter(|((file, ..), _)| is_checked(file));
        Outcome {
            known: before - diagnostics.len(),
            gone: left.map(|(_, count)| count).sum(),
        }
    }

    fn key(&self, diagnostic: &Diagnostic) -> Key {
        let file = diagnostic.file.strip_prefix(&self.folder).unwrap_or(&diagnostic.file);
        (
            file.display().to_string(),
            diagnostic.rule.to_owned(),
            diagnostic.message.clone(),
        )
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_path_buf()
}

fn json(line: &impl Serialize) -> String {
    // Plain structures of strings and numbers always serialise.
    serde_json::to_string(line).unwrap_or_default() + "\n"
}
