//! Every rule says whether a machine can repair it, and its *Wrong* examples are repaired as it says.

use std::collections::BTreeSet;

use dsl_check::Diagnostic;
use dsl_check::Severity;
use dsl_check::rules::{RULES, Repair, Rule};
use plan_tests::Project;

use super::rules::{FOR_A_RUN, UNWRITABLE, examples};

/// An example of a rule: its files, formatted if they can be, and what is wrong with them.
struct Example {
    rule: &'static Rule,
    folder: String,
    files: Vec<(String, String)>,
    found: Vec<Diagnostic>,
    is_formatted: bool,
}

impl Example {
    fn new(rule: &'static Rule, at: usize, mut files: Vec<(String, String)>) -> Self {
        let mut is_formatted = true;
        for (_, text) in &mut files {
            match dsl_syntax::format(text) {
                Ok(formatted) => *text = formatted,
                Err(_) => is_formatted = false,
            }
        }
        Self {
            rule,
            folder: format!("{}-{at}", rule.name),
            found: plan_tests::check(&files),
            files,
            is_formatted,
        }
    }

    /// Whether it could be repaired, and whether unseen.
    fn can_be_repaired(&self) -> Option<bool> {
        let fixes = of_rule(&self.found, self.rule).flat_map(|found| &found.fixes);
        fixes.map(|fix| fix.safe).max()
    }

    /// What is wrong with what `dslc check --fix` made of it.
    fn complaint(&self, project: &Project) -> Option<String> {
        let path = |name: &str| format!("{}/{name}", self.folder);
        let after: Vec<(String, String)> = self
            .files
            .iter()
            .map(|(name, _)| (name.clone(), project.read(&path(name))))
            .collect();
        let found = plan_tests::check(&after);
        let text = &after[0].1;
        if let Some(left) = of_rule(&found, self.rule).next() {
            return Some(format!("is still there after its repair: {}\n{text}", left.message));
        }
        if let Some(new) = errors(&found).difference(&errors(&self.found)).next() {
            return Some(format!("its repair brings {new}\n{text}"));
        }
        let is_well = |text: &String| match dsl_syntax::format(text) {
            Ok(formatted) => formatted == *text || !self.is_formatted,
            Err(_) => false,
        };
        let is_formatted = after.iter().all(|(_, text)| is_well(text));
        (!is_formatted).then(|| format!("its repair is not formatted\n{text}"))
    }
}

fn of_rule<'a>(found: &'a [Diagnostic], rule: &Rule) -> impl Iterator<Item = &'a Diagnostic> {
    found.iter().filter(|diagnostic| diagnostic.rule == rule.name)
}

fn errors(found: &[Diagnostic]) -> BTreeSet<&'static str> {
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.map(|diagnostic| diagnostic.rule).collect()
}

/// Those whose examples are no plans, or that only a run, a server or shellcheck knows of: tested with the verb that says them.
fn is_elsewhere(rule: &Rule) -> bool {
    let elsewhere = UNWRITABLE.contains(&rule.name) || FOR_A_RUN.contains(&rule.name);
    elsewhere || rule.name == "capability-drift"
}

#[test]
fn every_wrong_example_is_repaired_if_its_rule_can_be() {
    let mut complaints = Vec::new();
    // of other hints nobody asks
    for hints in [false, true] {
        let rules = RULES
            .iter()
            .filter(|rule| !is_elsewhere(rule) && (rule.severity == Severity::Hint) == hints);
        let all: Vec<(&Rule, Vec<Example>)> = rules
            .map(|rule| {
                let wrong = examples(rule.page, "Wrong").into_iter().enumerate();
                (rule, wrong.map(|(at, files)| Example::new(rule, at, files)).collect())
            })
            .collect();
        let project = Project::new(&[]);
        for example in all.iter().flat_map(|(_, examples)| examples) {
            for (name, text) in &example.files {
                project.write(&format!("{}/{name}", example.folder), text.as_bytes());
            }
        }
        let fix = ["check", "--fix", "--unsafe-fixes", "--hints"];
        project.run(if hints { &fix } else { &fix[..3] });
        for (rule, examples) in &all {
            let repaired = examples.iter().filter_map(Example::can_be_repaired).max();
            let said = match (rule.repair, repaired) {
                (Repair::None, None) | (Repair::Safe, Some(true)) | (Repair::Asked, Some(false)) => "",
                (Repair::None, Some(_)) => "has a repair, but says that there is none",
                (_, None) => "can be repaired, it says, but none of its *Wrong* examples can",
                (Repair::Safe, Some(false)) => "is repaired unseen, it says, but only if asked for",
                (Repair::Asked, Some(true)) => "is repaired when asked for, it says, but unseen",
            };
            let of_rule = examples
                .iter()
                .filter(|example| example.can_be_repaired().is_some())
                .filter_map(|example| example.complaint(&project))
                .chain((!said.is_empty()).then(|| said.to_owned()));
            complaints.extend(of_rule.map(|complaint| format!("{}: {complaint}", rule.name)));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
