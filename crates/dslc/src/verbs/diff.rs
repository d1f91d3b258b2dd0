//! `dslc diff`: what changed between two plans, part by part, and the version that follows from it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ir::Plan;
use ir::diff::{Change, Class, ClauseChange, Kind};
use serde::Serialize;

use super::compile::{self, Source};
use crate::failure::{Exit, Failure, plain};
use crate::printer::{Paint, Printer, bold, shown};
use crate::workspace::{self, Place};

/// Show what changed between two plans: breaking, feature or fix
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc diff old/deploy.plan deploy.plan
  dslc diff flows.plan:deploy flows.plan:deploy-eu
  git show HEAD:deploy.plan | dslc diff - deploy.plan
  dslc diff deploy.ir.json deploy.plan --bump

Breaking: those who call the plan, or name its nodes in profiles, tests and approvals, must follow. \
Feature: there is more to use, or another way through the plan. Fix: all else.")]
pub struct Args {
    /// A plan file, FILE:PLAN where it has several, compiled JSON, or `-`
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The same, as it is now
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print only the next version
    #[arg(long)]
    bump: bool,
    /// Exit with 1 if there are changes
    #[arg(long)]
    exit_code: bool,
    #[arg(long, value_enum, default_value_t, conflicts_with = "bump")]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    if workspace::is_stdin(&args.old) && workspace::is_stdin(&args.new) {
        return Err(Failure::usage(
            "both plans are `-`, expected standard input for one of them",
        ));
    }
    let place = Place::find()?;
    let old = load(&args.old, &place, printer)?;
    let new = load(&args.new, &place, printer)?;
    let changes = ir::diff::diff(&old, &new);
    let next = next_version(&old, ir::diff::class(&changes))?;
    if args.bump {
        printer.line(&next);
    } else {
        match args.format {
            Format::Text => printer.out(&text(&old, &new, &changes, &next)),
            Format::Json => printer.raw(&json(&old, &new, &changes, &next)?),
        }
    }
    Ok(match args.exit_code && !changes.is_empty() {
        true => Exit::PlanWrong,
        false => Exit::Fine,
    })
}

/// A plan of a file, compiled if it is not yet.
fn load(asked: &Path, place: &Place, printer: &Printer) -> Result<Plan, Failure> {
    let (file, plan) = split(asked, place);
    if workspace::is_stdin(&file) || file.extension().is_some_and(|extension| extension == "json") {
        let bytes = workspace::read(&place.cwd.join(&file), workspace::is_stdin(&file))
            .map_err(|error| Failure::unreadable(&file, plain(&error)))?;
        if bytes.trim_ascii_start().starts_with(b"{") {
            return compiled(&bytes, &file);
        }
        if !workspace::is_stdin(&file) {
            return Err(Failure::usage(format!("`{}` is no compiled plan", file.display())));
        }
        return compile::compile_bytes(&bytes, place, printer);
    }
    compile::compile(
        &Source {
            file,
            plan,
            profile: None,
        },
        place,
        printer,
    )
}

/// `FILE`, or `FILE:PLAN` unless that is a file.
fn split(asked: &Path, place: &Place) -> (PathBuf, Option<String>) {
    let text = asked.to_string_lossy();
    match text.rsplit_once(':') {
        Some((file, plan)) if !place.absolute(asked).exists() && !file.is_empty() && !plan.is_empty() => {
            (PathBuf::from(file), Some(plan.to_owned()))
        }
        _ => (asked.to_path_buf(), None),
    }
}

fn compiled(bytes: &[u8], file: &Path) -> Result<Plan, Failure> {
    let wrong = |why: String| Failure::new(Exit::PlanWrong, format!("`{}`: {why}", file.display()));
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let plan = Plan::from_json(text).map_err(|error| wrong(error.to_string()))?;
    ir::verify::verify(&plan).map_err(|error| wrong(error.to_string()))?;
    Ok(plan)
}

/// Semantic versioning; before 1.0.0 what breaks raises the second number, all else the third.
fn next_version(old: &Plan, class: Option<Class>) -> Result<String, Failure> {
    let Some(version) = &old.version else {
        return Ok("0.1.0".to_owned());
    };
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Option<Vec<u64>> = core.split('.').map(|number| number.parse().ok()).collect();
    let Some([major, minor, patch]) = numbers.as_deref() else {
        return Err(Failure::usage(format!(
            "the version `{version}` of the old plan has no three numbers to raise"
        )));
    };
    Ok(match (class, major) {
        (None, _) => version.to_string(),
        (Some(Class::Breaking), 0) => format!("0.{}.0", minor + 1),
        (Some(Class::Breaking), _) => format!("{}.0.0", major + 1),
        (Some(Class::Feature), 1..) => format!("{major}.{}.0", minor + 1),
        (Some(Class::Feature | Class::Fix), _) => format!("{major}.{minor}.{}", patch + 1),
    })
}

const fn paint(class: Class) -> Option<Paint> {
    match class {
        Class::Breaking => Some(Paint::Red),
        Class::Feature => Some(Paint::Green),
        Class::Fix => None,
    }
}

fn text(old: &Plan, new: &Plan, changes: &[Change], next: &str) -> String {
    let mut text = changed(changes);
    summary(&mut text, old, new, changes, next);
    text
}

/// The changes one by one.
pub fn changed(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        // Infallible: writing to a string.
        let _ = writeln!(text, "{}", headline(change));
        if let Kind::Changed { clauses } = &change.kind {
            clauses.iter().for_each(|clause| clause_lines(&mut text, clause));
        }
    }
    text
}

fn summary(text: &mut String, old: &Plan, new: &Plan, changes: &[Change], next: &str) {
    let count = |class: Class| {
        let count = changes.iter().filter(|change| change.class == class).count();
        (count > 0).then(|| format!("{count} {}", class.word()))
    };
    let counts: Vec<_> = [Class::Breaking, Class::Feature, Class::Fix]
        .into_iter()
        .filter_map(count)
        .collect();
    let summary = match counts.as_slice() {
        [] => "no changes".to_owned(),
        counts => counts.join(", "),
    };
    let said = |plan: &Plan| {
        plan.version
            .as_ref()
            .map_or("no version".to_owned(), |version| version.to_string())
    };
    let now = match (old.version == new.version, changes.is_empty()) {
        (_, true) => String::new(),
        (true, false) if new.version.is_none() => format!("; the plan has no version, the next is {next}"),
        (true, false) => format!("; the version is still {}, the next is {next}", said(new)),
        (false, false) => format!("; from {} to {}, at least {next} by what changed", said(old), said(new)),
    };
    let _ = writeln!(text, "{summary}{now}");
}

fn headline(change: &Change) -> String {
    let class = bold(change.class.word(), paint(change.class));
    let (mark, rest) = match &change.kind {
        Kind::Added => ("+", String::new()),
        Kind::Removed => ("-", String::new()),
        Kind::Renamed { from } => ("~", format!(" was `{}`", shown(from))),
        Kind::Changed { .. } => ("~", String::new()),
    };
    format!(
        "{mark} {} {}{rest}  [{class}]",
        change.what,
        bold(&shown(&change.name), None)
    )
}

fn clause_lines(text: &mut String, change: &ClauseChange) {
    let class = change.class.word();
    let is_short = |side: &Option<String>| {
        side.as_ref()
            .is_none_or(|text| text.len() <= 60 && !text.contains('\n'))
    };
    if is_short(&change.old) && is_short(&change.new) {
        let side = |side: &Option<String>| side.as_ref().map_or("(none)".to_owned(), |text| shown(text));
        let (old, new) = (side(&change.old), side(&change.new));
        let _ = writeln!(text, "    {}: {old} → {new}  [{class}]", change.clause);
        return;
    }
    let _ = writeln!(text, "    {}:  [{class}]", change.clause);
    let (old, new) = (lines(&change.old), lines(&change.new));
    for line in similar::TextDiff::from_lines(&old, &new).iter_all_changes() {
        let line = format!("{}{}", line.tag(), line.value().trim_end_matches('\n'));
        let _ = writeln!(text, "      {}", shown(&line));
    }
}

fn lines(side: &Option<String>) -> String {
    side.as_ref().map(|text| format!("{text}\n")).unwrap_or_default()
}

fn json(old: &Plan, new: &Plan, changes: &[Change], next: &str) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Side<'a> {
        plan: &'a str,
        version: Option<&'a str>,
        hash: String,
    }
    #[derive(Serialize)]
    struct Report<'a> {
        old: Side<'a>,
        new: Side<'a>,
        class: Option<Class>,
        next: &'a str,
        changes: &'a [Change],
    }
    fn side(plan: &Plan) -> Side<'_> {
        Side {
            plan: &plan.name,
            version: plan.version.as_deref(),
            hash: plan.hash(),
        }
    }
    let report = Report {
        old: side(old),
        new: side(new),
        class: ir::diff::class(changes),
        next,
        changes,
    };
    let text = serde_json::to_string_pretty(&report).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(text + "\n")
}
