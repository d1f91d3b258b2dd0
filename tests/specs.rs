//! Language specs: every section of `specs/**/*.md` is a test, named by its heading.
//!
//! A `plan` block is a file (`plan lib/x.plan` names it; the default is `main.plan`). The comments `# error[rule]:
//! text` at the ends of lines are the diagnostics expected there: exactly these, the text a part of the message. They
//! are taken out before checking. Hints count only in sections that expect one. In a section whose title begins with
//! `To be run` (`under NAME`: that profile) the first plan is also asked what keeps it from being run. `BLESS=1`
//! rewrites the comments.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use dsl_check::{Diagnostic, Severity};
use dsl_syntax::LineIndex;
use libtest_mimic::{Arguments, Failed, Trial};
use plan_tests::{blocks, root};

fn main() {
    let arguments = Arguments::from_args();
    let folder = root().join("tests/specs");
    let files = markdown(&folder);
    if std::env::var_os("BLESS").is_some() {
        files.iter().for_each(|file| bless(file));
    }
    let mut trials = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a spec");
        let area = file
            .strip_prefix(&folder)
            .unwrap_or(&file)
            .with_extension("")
            .display()
            .to_string();
        for case in cases(&text) {
            trials.push(Trial::test(format!("{area}: {}", case.title), move || case.judge()));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = ignore::Walk::new(folder)
        .flatten()
        .map(ignore::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files
}

/// One section: its files as written, comments included.
struct Case {
    title: String,
    files: Vec<(String, String)>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for section in format!("\n{text}").split("\n## ").skip(1) {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        let files: Vec<_> = blocks(body)
            .into_iter()
            .map(|(name, text)| (named(name), text))
            .collect();
        if !files.is_empty() {
            cases.push(Case {
                title: title.trim().to_owned(),
                files,
            });
        }
    }
    cases
}

fn named(name: String) -> String {
    if name.is_empty() { "main.plan".to_owned() } else { name }
}

/// A diagnostic expected or found on a line (from 0) of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Mark {
    line: usize,
    severity: String,
    rule: String,
    text: String,
}

impl Case {
    fn judge(&self) -> Result<(), Failed> {
        let found = self.found();
        let mut complaint = String::new();
        for ((name, text), found) in self.files.iter().zip(found) {
            let (_, expected) = split(text);
            let (missing, extra) = differences(expected, found);
            for mark in missing {
                let _ = writeln!(
                    complaint,
                    "{name}:{} expected {}[{}]: {}",
                    mark.line + 1,
                    mark.severity,
                    mark.rule,
                    mark.text
                );
            }
            for mark in extra {
                let _ = writeln!(
                    complaint,
                    "{name}:{} found {}[{}]: {}",
                    mark.line + 1,
                    mark.severity,
                    mark.rule,
                    mark.text
                );
            }
        }
        if complaint.is_empty() {
            Ok(())
        } else {
            Err(complaint.into())
        }
    }

    /// What the checker says, file by file.
    fn found(&self) -> Vec<Vec<Mark>> {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|(name, text)| (name.clone(), split(text).0))
            .collect();
        let wants_hints = self
            .files
            .iter()
            .any(|(_, text)| split(text).1.iter().any(|mark| mark.severity == "hint"));
        let diagnostics = match self.title.strip_prefix("To be run") {
            None => plan_tests::check(&files),
            Some(rest) => {
                let under = rest.strip_prefix(" under ").and_then(|rest| rest.split(':').next());
                plan_tests::check_to_run(&files, under)
            }
        };
        let of_file = |(name, text): &(String, String)| {
            let lines = LineIndex::new(text);
            let here = diagnostics.iter().filter(|diagnostic| diagnostic.file.ends_with(name));
            here.filter(|diagnostic| wants_hints || diagnostic.severity != Severity::Hint)
                .map(|diagnostic| mark(diagnostic, &lines))
                .collect()
        };
        files.iter().map(of_file).collect()
    }
}

fn mark(diagnostic: &Diagnostic, lines: &LineIndex) -> Mark {
    Mark {
        line: lines.line(diagnostic.span.start) as usize,
        severity: diagnostic.severity.name().to_owned(),
        rule: diagnostic.rule.to_owned(),
        text: diagnostic.message.clone(),
    }
}

/// The marks that found no counterpart, on either side.
fn differences(expected: Vec<Mark>, mut found: Vec<Mark>) -> (Vec<Mark>, Vec<Mark>) {
    let mut missing = Vec::new();
    for mark in expected {
        let same = |other: &Mark| {
            (other.line, &other.severity, &other.rule) == (mark.line, &mark.severity, &mark.rule)
                && other.text.contains(&mark.text)
        };
        match found.iter().position(same) {
            Some(at) => _ = found.remove(at),
            None => missing.push(mark),
        }
    }
    (missing, found)
}

/// A plan without its marks, and the marks.
fn split(text: &str) -> (String, Vec<Mark>) {
    let mut plan = String::new();
    let mut marks = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(at) = first_mark(line) else {
            plan.push_str(line);
            plan.push('\n');
            continue;
        };
        plan.push_str(line[..at].trim_end());
        plan.push('\n');
        let mut rest = &line[at..];
        while !rest.is_empty() {
            let end = first_mark(&rest[1..]).map_or(rest.len(), |next| next + 1);
            marks.extend(parse_mark(rest[..end].trim(), number));
            rest = &rest[end..];
        }
    }
    (plan, marks)
}

fn first_mark(line: &str) -> Option<usize> {
    ["# error[", "# warning[", "# hint["]
        .into_iter()
        .filter_map(|start| line.find(start))
        .min()
}

fn parse_mark(text: &str, line: usize) -> Option<Mark> {
    let (severity, rest) = text.strip_prefix("# ")?.split_once('[')?;
    let (rule, text) = rest.split_once(']')?;
    let text = text.strip_prefix(':').unwrap_or(text).trim();
    Some(Mark {
        line,
        severity: severity.to_owned(),
        rule: rule.to_owned(),
        text: text.to_owned(),
    })
}

/// Rewrites the marks of a file where they differ from what the checker says, or have no words yet.
fn bless(file: &Path) {
    let before = std::fs::read_to_string(file).expect("a spec");
    let mut after = before.clone();
    for case in cases(&before) {
        for ((_, text), found) in case.files.iter().zip(case.found()) {
            let (missing, extra) = differences(split(text).1, found.clone());
            let wordless = split(text).1.iter().any(|mark| mark.text.is_empty());
            if wordless || !missing.is_empty() || !extra.is_empty() {
                after = after.replacen(text.as_str(), &remarked(text, &found), 1);
            }
        }
    }
    if after != before {
        std::fs::write(file, after).expect("a spec is written");
    }
}

/// The plan with these marks; a mark that is still true keeps its words.
fn remarked(text: &str, found: &[Mark]) -> String {
    let (plan, old) = split(text);
    let mut marked = String::new();
    for (number, line) in plan.lines().enumerate() {
        marked.push_str(line);
        for mark in found.iter().filter(|mark| mark.line == number) {
            let said = |old: &&Mark| !old.text.is_empty() && mark.text.contains(&old.text);
            let kept = old
                .iter()
                .filter(|old| old.line == number && old.rule == mark.rule)
                .find(said);
            let words = kept.map_or(&mark.text, |old| &old.text);
            let _ = write!(marked, "  # {}[{}]: {words}", mark.severity, mark.rule);
        }
        marked.push('\n');
    }
    marked
}
