//! Runs shellcheck, where it is installed, over the scripts of plans: several in one process, processes side by side, equal scripts once.
//!
//! What goes wrong with it (it is missing, too old, killed) leaves the lint out and is no failure of ours. Absent: what its findings are to
//! a plan (`dsl-check` knows).

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use dsl_check::{Dialect, Finding, ShellScript};
use serde::Deserialize;

/// More scripts than this are left out: shellcheck takes a few milliseconds for each.
pub const SCRIPTS_MAX: usize = 512;

/// Scripts that one process gets.
const BATCH: usize = 16;

/// Names the program; empty: none is run.
const VARIABLE: &str = "DSLC_SHELLCHECK";

type Key = (Dialect, String);

/// The program, and what is known of scripts for as long as this lives.
pub struct Shellcheck {
    program: PathBuf,
    known: HashMap<Key, Vec<Finding>>,
}

#[derive(Deserialize)]
struct Report {
    comments: Vec<Finding>,
}

impl Shellcheck {
    /// `None`: it is not installed, or not wanted.
    pub fn installed() -> Option<Self> {
        let known = HashMap::new();
        program().map(|program| Self { program, known })
    }

    /// Makes sure that these scripts are known; false: they are too many.
    pub fn look_at<'s>(&mut self, scripts: impl Iterator<Item = &'s ShellScript>) -> bool {
        let mut new: Vec<Key> = scripts
            .map(|script| (script.dialect, script.text.clone()))
            .filter(|key| !self.known.contains_key(key))
            .collect();
        new.sort_unstable_by(|a, b| (a.0.name(), &a.1).cmp(&(b.0.name(), &b.1)));
        new.dedup();
        if new.len() > SCRIPTS_MAX {
            return false;
        }
        let batches: Vec<&[Key]> = new
            .chunk_by(|a, b| a.0 == b.0)
            .flat_map(|same| same.chunks(BATCH))
            .collect();
        for (batch, found) in batches.iter().zip(run_all(&self.program, &batches)) {
            for (key, findings) in batch.iter().zip(found) {
                self.known.insert(key.clone(), findings);
            }
        }
        true
    }

    pub fn findings(&self, script: &ShellScript) -> &[Finding] {
        let key = (script.dialect, script.text.clone());
        self.known.get(&key).map_or(&[], Vec::as_slice)
    }
}

/// The program that is asked for, else `shellcheck` if it is on the path.
fn program() -> Option<PathBuf> {
    if let Some(asked) = std::env::var_os(VARIABLE) {
        return (!asked.is_empty()).then(|| asked.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("shellcheck"))
        .find(|program| program.is_file())
}

/// What is found in each script of each batch.
fn run_all(program: &Path, batches: &[&[Key]]) -> Vec<Vec<Vec<Finding>>> {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(batches.len());
    let mut done: Vec<(usize, Vec<Vec<Finding>>)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(batch) = batches.get(at) else { return done };
                let nothing = || batch.iter().map(|_| Vec::new()).collect();
                done.push((at, run(program, batch).unwrap_or_else(nothing)));
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .flatten()
            .collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, found)| found).collect()
}

/// `None`: shellcheck said nothing that we understand.
fn run(program: &Path, batch: &[Key]) -> Option<Vec<Vec<Finding>>> {
    let folder = tempfile::tempdir().ok()?;
    let mut names: Vec<OsString> = Vec::with_capacity(batch.len());
    for (at, (_, text)) in batch.iter().enumerate() {
        let name = at.to_string();
        std::fs::write(folder.path().join(&name), text).ok()?;
        names.push(name.into());
    }
    let output = Command::new(program)
        .args(["--norc", "--format=json1", "--shell", batch.first()?.0.name()])
        .args(&names)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let report: Report = serde_json::from_slice(&output.stdout).ok()?;
    let mut found: Vec<Vec<Finding>> = batch.iter().map(|_| Vec::new()).collect();
    for finding in report.comments {
        let at: Option<usize> = finding.file.parse().ok();
        if let Some(findings) = at.and_then(|at| found.get_mut(at)) {
            findings.push(finding);
        }
    }
    Some(found)
}
