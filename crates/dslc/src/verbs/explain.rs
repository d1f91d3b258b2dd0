//! `dslc explain`: the page of a rule, or the list of all.

use dsl_check::rules;

use crate::failure::{Exit, Failure};
use crate::printer::{Printer, bold};

/// Explain a rule: what it means, why, a wrong and a right example
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dslc explain\n  dslc explain dependency-cycle")]
pub struct Args {
    /// The name in brackets of a diagnostic; without it all rules are listed
    rule: Option<String>,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let Some(name) = &args.rule else {
        printer.out(&list());
        return Ok(Exit::Fine);
    };
    match rules::find(name) {
        Some(rule) => printer.line(rule.page.trim_end()),
        None => return Err(unknown(name)),
    }
    Ok(Exit::Fine)
}

fn list() -> String {
    let width = rules::RULES.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut group = "";
    for rule in rules::RULES {
        if rule.group != group {
            group = rule.group;
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{}\n", bold(group, None)));
        }
        text.push_str(&format!(
            "  {:<width$}  {:<7}  {}\n",
            rule.name,
            rule.severity.name(),
            rule.summary()
        ));
    }
    text
}

fn unknown(name: &str) -> Failure {
    let nearest = rules::RULES
        .iter()
        .map(|rule| (strsim::damerau_levenshtein(name, rule.name), rule.name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 3.max(name.len() / 3));
    let failure = Failure::usage(format!("no rule `{name}`"));
    match nearest {
        Some((_, rule)) => failure.help(format!("dslc explain {rule}")),
        None => failure.help("dslc explain lists all rules"),
    }
}
