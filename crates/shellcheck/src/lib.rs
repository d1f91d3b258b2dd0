//! Runs shellcheck, where it is installed, over the scripts of plans: several in one process, processes side by side,
//! equal scripts once.
//!
//! What goes wrong with it (it is missing, too old, killed) leaves the lint out and is no failure of ours. Absent: what
//! its findings are to a plan (`dsl-check` knows).

use std::collections::{HashMap, HashSet};
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
        program().map(Self::of)
    }

    /// This program.
    pub fn of(program: PathBuf) -> Self {
        let known = HashMap::new();
        Self { program, known }
    }

    /// Makes sure that these scripts are known; false: they are too many.
    pub fn look_at<'s>(&mut self, scripts: impl Iterator<Item = &'s ShellScript>) -> bool {
        let Some(question) = self.question(scripts) else {
            return false;
        };
        self.learn(question.ask());
        true
    }

    /// What has to be asked to know these scripts; `None`: they are too many.
    pub fn question<'s>(&self, scripts: impl Iterator<Item = &'s ShellScript>) -> Option<Question> {
        let mut new: Vec<Key> = scripts.map(key).filter(|key| !self.known.contains_key(key)).collect();
        new.sort_unstable_by(|a, b| (a.0.name(), &a.1).cmp(&(b.0.name(), &b.1)));
        new.dedup();
        (new.len() <= SCRIPTS_MAX).then(|| Question {
            program: self.program.clone(),
            scripts: new,
        })
    }

    pub fn learn(&mut self, answer: Answer) {
        self.known.extend(answer.0);
    }

    /// Forgets all other scripts.
    pub fn keep<'s>(&mut self, scripts: impl Iterator<Item = &'s ShellScript>) {
        let kept: HashSet<Key> = scripts.map(key).collect();
        self.known.retain(|key, _| kept.contains(key));
    }

    pub fn findings(&self, script: &ShellScript) -> &[Finding] {
        self.known.get(&key(script)).map_or(&[], Vec::as_slice)
    }
}

fn key(script: &ShellScript) -> Key {
    (script.dialect, script.text.clone())
}

/// Scripts that nothing is known of yet. Asking takes a while, and nobody has to be kept waiting for it.
pub struct Question {
    program: PathBuf,
    scripts: Vec<Key>,
}

pub struct Answer(Vec<(Key, Vec<Finding>)>);

impl Question {
    pub fn is_empty(&self) -> bool {
        self.scripts.is_empty()
    }

    pub fn ask(&self) -> Answer {
        let batches: Vec<&[Key]> = self
            .scripts
            .chunk_by(|a, b| a.0 == b.0)
            .flat_map(|same| same.chunks(BATCH))
            .collect();
        let found = run_all(&self.program, &batches);
        let answered = batches
            .iter()
            .zip(found)
            .flat_map(|(batch, found)| batch.iter().cloned().zip(found));
        Answer(answered.collect())
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
