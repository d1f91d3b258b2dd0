//! The pages: all of them in the summary, links that lead to a page and a heading that exist, plans that compile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dsl_check::Severity;
use plan_tests::root;

use super::{fenced, page, pages};

#[test]
fn the_summary_lists_every_page_once() {
    let summary = std::fs::read_to_string(page("SUMMARY.md")).expect("SUMMARY.md");
    let mut listed: Vec<_> = links(&summary);
    listed.sort();
    let names: Vec<_> = pages()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name != "SUMMARY.md")
        .collect();
    assert_eq!(listed, names);
}

#[test]
fn every_link_and_every_include_leads_somewhere() {
    let mut complaints = Vec::new();
    for (name, text) in pages() {
        let folder = page(&name).parent().map(Path::to_path_buf).unwrap_or_default();
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                page(&name)
            } else {
                folder.join(file)
            };
            if !target.exists() {
                complaints.push(format!("{name}: {link}"));
            } else if !anchor.is_empty() && !anchors(&target).contains(anchor) {
                complaints.push(format!("{name}: {link} (no such heading)"));
            }
        }
        for include in includes(&text) {
            if !folder.join(include).exists() {
                complaints.push(format!("{name}: includes {include}"));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// A block `plan` is a file, and a block `plan,task` the clauses of a task. What is wrong with it on purpose stands at the end
/// of the line: `# error[rule]`. A block `plan NAME` is looked at by the commands of its chapter.
#[test]
fn every_plan_of_the_book_compiles_as_marked() {
    let mut complaints = Vec::new();
    let mut plans = 0;
    for (name, text) in pages() {
        let blocks = fenced(&text);
        for (number, block) in blocks.iter().enumerate() {
            let words: Vec<_> = block.info.split([' ', ',']).collect();
            let ["plan", rest @ ..] = words.as_slice() else {
                continue;
            };
            plans += 1;
            let plan = match rest {
                [] if block.text.starts_with("{{#include") => continue,
                [] => block.text.clone(),
                ["task"] => in_a_task(&block.text),
                [file] if file.ends_with(".plan") => {
                    let later = &blocks[number + 1..];
                    if !later
                        .iter()
                        .any(|block| block.info == "console" && block.text.contains(file))
                    {
                        complaints.push(format!("{name}: no command looks at {file}"));
                    }
                    continue;
                }
                _ => {
                    complaints.push(format!("{name}: a block `{}`", block.info));
                    continue;
                }
            };
            if let Err(complaint) = compiles(&plan) {
                complaints.push(format!(
                    "{name}, line {}: {complaint}",
                    text[..block.start].lines().count()
                ));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(plans > 15, "only {plans} plans");
}

fn in_a_task(clauses: &str) -> String {
    let lines = clauses.lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!("  {line}\n")
        }
    });
    "task example\n".to_owned() + &lines.collect::<String>()
}

fn compiles(plan: &str) -> Result<(), String> {
    let lines = dsl_syntax::LineIndex::new(plan);
    let marked: BTreeSet<_> = plan
        .lines()
        .enumerate()
        .filter_map(|(number, line)| {
            Some((
                number as u32,
                line.split_once("# error[")?.1.split(']').next()?.to_owned(),
            ))
        })
        .collect();
    let found = plan_tests::check(&[("main.plan".to_owned(), plan.to_owned())]);
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    let errors: BTreeSet<_> = errors
        .map(|one| (lines.line(one.span.start), one.rule.to_owned()))
        .collect();
    if errors == marked {
        Ok(())
    } else {
        Err(format!("marked {marked:?}, found {errors:?} in\n{plan}"))
    }
}

// ---------- Markdown ----------

/// The targets of inline links, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        let mut rest = without_code(line);
        while let Some((_, after)) = rest.split_once("](") {
            let (target, after) = after.split_once(')').unwrap_or((after, ""));
            links.push(target.to_owned());
            rest = after.to_owned();
        }
    }
    links
}

fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// A line with the text between backticks left out.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

fn includes(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.split("{{#include ").skip(1);
    starts.filter_map(|rest| Some(rest.split_once("}}")?.0.trim()))
}

/// The anchors that mdbook gives to the headings of a page, and of what it includes.
fn anchors(path: &PathBuf) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut anchors: BTreeSet<_> = prose(&text)
        .filter(|line| line.starts_with('#'))
        .map(|line| slug(line.trim_start_matches('#').trim()))
        .collect();
    for include in includes(&text).filter(|include| include.ends_with(".md")) {
        anchors.extend(self::anchors(&path.parent().unwrap_or(&root()).join(include)));
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}
