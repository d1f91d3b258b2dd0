//! The parts of the book that are printed from the program: the index of rules, and the verbs of the command line.

use std::fmt::Write;

use dsl_check::rules::{RULES, Repair, Rule};
use dsl_syntax::table::{ClauseKey, DeclKind};
use plan_tests::Project;

use super::{BLESS, current, page};

#[test]
fn the_index_of_rules_is_current() {
    let mut complaints = Vec::new();
    current("rules.md", &index(), &mut complaints);
    for rule in RULES {
        let include = format!("{{{{#include ../../crates/dsl-check/rules/{}.md}}}}\n", rule.name);
        current(&format!("rules/{}.md", rule.name), &include, &mut complaints);
    }
    let summary = std::fs::read_to_string(page("SUMMARY.md")).expect("SUMMARY.md");
    current("SUMMARY.md", &with_rules(&summary), &mut complaints);
    assert!(complaints.is_empty(), "{complaints:?} {BLESS}");
}

#[test]
fn the_page_of_the_command_line_is_current() {
    let text = std::fs::read_to_string(page("command-line.md")).expect("command-line.md");
    let mut complaints = Vec::new();
    let text = filled(&filled(&text, "verbs", &verbs_table()), "help", &help());
    current("command-line.md", &text, &mut complaints);
    assert!(complaints.is_empty(), "{complaints:?} {BLESS}");
}

#[test]
fn the_colours_of_the_book_know_every_word() {
    let script = std::fs::read_to_string(page("plan.js")).expect("plan.js");
    let words = |name: &str| -> Vec<&str> {
        let (_, rest) = script.split_once(&format!("const {name} =")).expect("the words");
        rest.split('"').nth(1).unwrap_or_default().split(' ').collect()
    };
    let clauses: Vec<_> = ClauseKey::ALL
        .iter()
        .map(|key| key.word())
        .filter(|word| *word != "rule")
        .collect();
    assert_eq!(words("CLAUSES"), clauses);
    let declarations = words("DECLARATIONS");
    assert!(
        DeclKind::ALL
            .into_iter()
            .all(|kind| declarations.contains(&kind.keyword()))
    );
}

/// The groups in their order.
fn groups() -> Vec<&'static str> {
    let mut groups: Vec<_> = RULES.iter().map(|rule| rule.group).collect();
    groups.dedup();
    groups
}

fn of_group(group: &str) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().filter(move |rule| rule.group == group)
}

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

fn index() -> String {
    let mut out = String::from(
        "# Rules\n\nEvery message has the name of its rule in brackets: `error[unresolved-name]`. `dslc explain RULE` prints the same pages.\n\n\
         A rule can be raised or silenced for a workspace in [`dslc.toml`](language.md#dslctoml), and for one line by a comment above it:\n\
         `# allow(rule-name): reason`. What is *always* an error is neither: the plan would not be what is written. Nor does a comment of a plan lift what a policy forbids\n\
         (all of *Policy*, of `secret-leak` what a rule denies, and `undeclared-effect`), unless it is a warning there. Hints are shown in editors, and by `dslc check --hints`.\n\n\
         Many mistakes can be repaired by a machine: `dslc check --fix` makes the repairs that cannot change what a correct plan means, with\n\
         `--unsafe-fixes` also those that guess what was meant; the editor offers both.\n",
    );
    for group in groups() {
        let _ = write!(
            out,
            "\n## {}\n\n| rule | | what it says | repair |\n| --- | --- | --- | --- |\n",
            capital(group)
        );
        for rule in of_group(group) {
            let (name, severity) = (rule.name, rule.severity.name());
            let always = if rule.is_essential() { ", always" } else { "" };
            let summary = rule.summary().replace('|', "\\|");
            let how = match rule.repair {
                Repair::Safe => "`--fix`: ",
                Repair::Asked => "`--unsafe-fixes`: ",
                Repair::None => "none: ",
            };
            let repaired = rule.repaired.replace('|', "\\|");
            let _ = writeln!(
                out,
                "| [`{name}`](rules/{name}.md) | {severity}{always} | {summary} | {how}{repaired} |"
            );
        }
    }
    out
}

/// The summary with a line for each rule below that of the index.
fn with_rules(summary: &str) -> String {
    let mut out = String::new();
    for line in summary.lines().filter(|line| !line.contains("](rules/")) {
        let _ = writeln!(out, "{line}");
        if line.contains("](rules.md)") {
            for rule in RULES {
                let _ = writeln!(out, "  - [{0}](rules/{0}.md)", rule.name);
            }
        }
    }
    out
}

// ---------- the command line ----------

fn printed(args: &[&str]) -> String {
    let output = Project::new(&[]).run(args);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The verbs and what they do, from the list in `dslc --help`.
fn verbs() -> Vec<(String, String)> {
    let help = printed(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let rows = lines.filter_map(|line| line.trim().split_once("  "));
    rows.map(|(verb, what)| (verb.to_owned(), what.trim().to_owned()))
        .filter(|(verb, _)| verb != "help")
        .collect()
}

fn verbs_table() -> String {
    let mut out = String::from("| verb | what it does |\n| --- | --- |\n");
    for (verb, what) in verbs() {
        let _ = writeln!(out, "| [`{verb}`](#{verb}) | {what} |");
    }
    out
}

fn help() -> String {
    let mut out = String::new();
    for (verb, _) in verbs() {
        let text = printed(&["help", &verb]);
        let text: Vec<_> = text.trim_end().lines().map(str::trim_end).collect();
        let _ = write!(out, "\n### {verb}\n\n```text\n{}\n```\n", text.join("\n"));
    }
    out
}

/// The text with what stands between `<!-- NAME -->` and `<!-- end -->` replaced.
fn filled(text: &str, name: &str, with: &str) -> String {
    let start = format!("<!-- {name} -->\n");
    let (before, rest) = text.split_once(&start).expect("the place is marked");
    let (_, after) = rest.split_once("<!-- end -->").expect("its end is marked");
    format!("{before}{start}{with}<!-- end -->{after}")
}
