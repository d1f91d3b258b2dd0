//! Every rule has a page that explains it with a wrong and a right example, and both are what they say.

use dsl_check::rules::{RULES, Rule};
use dsl_check::tools::{Listing, Lock};
use dsl_check::{Severity, Workspace};
use plan_tests::root;

#[test]
fn every_page_belongs_to_a_rule() {
    let mut pages: Vec<String> = std::fs::read_dir(root().join("crates/dsl-check/rules"))
        .expect("the pages")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().trim_end_matches(".md").to_owned())
        .collect();
    pages.sort();
    let mut rules: Vec<_> = RULES.iter().map(|rule| rule.name.to_owned()).collect();
    rules.sort();
    assert_eq!(pages, rules);
}

#[test]
fn every_wrong_example_raises_exactly_its_rule_and_every_right_one_nothing() {
    let mut complaints = Vec::new();
    for rule in RULES {
        if let Err(complaint) = judge(rule) {
            complaints.push(format!("{}: {complaint}", rule.name));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Rules about bytes that cannot stand in a Markdown file, or what another program says; the command-line tests cover them.
pub(super) const UNWRITABLE: &[&str] = &["not-utf8", "file-too-large", "shell-lint"];

/// Rules that are asked for only when a plan is to be run.
pub(super) const FOR_A_RUN: &[&str] = &["abstract-capability"];

fn judge(rule: &Rule) -> Result<(), String> {
    let wrong = examples(rule.page, "Wrong");
    let right = examples(rule.page, "Right");
    if UNWRITABLE.contains(&rule.name) {
        return Ok(());
    }
    if wrong.is_empty() || right.is_empty() {
        return Err("the page lacks a `## Wrong` or a `## Right` with a plan".to_owned());
    }
    let raised = |files: &[(String, String)]| {
        let mut raised = match FOR_A_RUN.contains(&rule.name) {
            true => plan_tests::check_to_run(files, None),
            false => plan_tests::check(files),
        };
        // hints count on their own pages
        raised.retain(|diagnostic| diagnostic.rule == rule.name || diagnostic.severity != Severity::Hint);
        raised
    };
    if rule.name == "capability-drift" {
        return judge_drift(rule);
    }
    for files in wrong {
        let raised = raised(&files);
        let rules: Vec<_> = raised.iter().map(|diagnostic| diagnostic.rule).collect();
        if rules.is_empty() || rules.iter().any(|name| *name != rule.name) {
            return Err(format!("*Wrong* raises {rules:?}"));
        }
    }
    for files in right {
        let raised = raised(&files);
        if let Some(diagnostic) = raised.first() {
            return Err(format!("*Right* raises {}: {}", diagnostic.rule, diagnostic.message));
        }
    }
    Ok(())
}

/// Beside its plan, an example of this rule has what a server lists, as JSON.
fn judge_drift(rule: &Rule) -> Result<(), String> {
    let found = |heading: &str| -> Result<usize, String> {
        let section = plan_tests::section(rule.page, heading);
        let listing = section
            .split("```json\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        let listing = Listing::parse(listing.unwrap_or_default())?;
        let mut workspace = Workspace::new("/project");
        for (name, text) in examples(rule.page, heading).concat() {
            workspace.set_file(name, text.as_bytes());
        }
        let compared = workspace.compare_tools(&[listing], &Lock::default());
        let rules = compared
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.rule == rule.name);
        Ok(rules.count())
    };
    match (found("Wrong")?, found("Right")?) {
        (1, 0) => Ok(()),
        (wrong, right) => Err(format!("*Wrong* raises {wrong}, *Right* {right}")),
    }
}

/// The examples below a heading. Each fenced block is one file, named by what follows `plan` on its fence; a block with the
/// name of one before it, or none, starts a new example.
pub(super) fn examples(page: &str, heading: &str) -> Vec<Vec<(String, String)>> {
    let mut examples: Vec<Vec<(String, String)>> = Vec::new();
    for (name, text) in plan_tests::blocks(plan_tests::section(page, heading)) {
        let name = if name.is_empty() { "main.plan".to_owned() } else { name };
        match examples.last_mut() {
            Some(files) if files.iter().all(|(other, _)| *other != name) => files.push((name, text)),
            _ => examples.push(vec![(name, text)]),
        }
    }
    examples
}
