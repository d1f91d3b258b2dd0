//! `dslc test`: the tests of plans, carried out in virtual time. Nothing runs and nothing is stored.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use dsl_check::{Severity, TestCase};
use ir::Value;
use runtime::testing::{Seen, TestFailure, TestReport, run_test};
use serde::Serialize;
use serde_json::json;

use super::check::counted;
use super::compile::without_errors;
use crate::failure::{Exit, Failure};
use crate::printer::{Paint, Printer, bold, shown};
use crate::render::shown_path;
use crate::text;
use crate::told::{Told, told};
use crate::workspace::{Loaded, Place};

/// Run the tests of plans
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc test                          every test of the workspace
  dslc test deploy.plan lib/
  dslc test --filter \"second agent\"
  dslc test --list
  dslc test --format json | jq 'select(.status == \"failed\")'

The plan runs on the real engine in virtual time: a wait of two hours takes none. Scripts, capabilities and people are \
those that the test mocks; what would run and is not mocked fails the test, so that a test touches nothing.")]
pub struct Args {
    /// Files and folders; `-` is standard input; without any, the workspace
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only tests whose title contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Print the tests and run none; files with errors are left out
    #[arg(long)]
    list: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One test a line, and a summary
    Json,
}

/// Longest value in a message, in characters.
const VALUE_CHARS: usize = 200;

/// The tests of a file.
struct Tested {
    /// As it is shown.
    file: String,
    cases: Vec<TestCase>,
}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    left_out: usize,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let found = place.files(&args.paths)?;
    let exit = of_files(args, &place, &found.files, printer)?;
    Ok(found.end(exit, printer))
}

fn of_files(args: &Args, place: &Place, files: &BTreeSet<PathBuf>, printer: &Printer) -> Result<Exit, Failure> {
    let (mut found, broken) = find(args, place, files, printer)?;
    let all: usize = found.iter().map(|tested| tested.cases.len()).sum();
    if all == 0 && broken == 0 {
        printer.note("no tests found; `test \"title\" of PLAN` in a plan's file declares one");
    }
    if let Some(filter) = &args.filter {
        for tested in &mut found {
            tested.cases.retain(|case| case.test.title.contains(filter.as_str()));
        }
    }
    let left: usize = found.iter().map(|tested| tested.cases.len()).sum();
    if let (0, 1.., Some(filter)) = (left, all, &args.filter) {
        let message = format!("no title contains `{filter}`, of {}", counted(all, "test"));
        return Err(Failure::usage(message));
    }
    if args.list {
        list(&found, args.format, printer);
        return Ok(Exit::Fine);
    }
    let mut counts = Counts {
        left_out: all - left,
        ..Counts::default()
    };
    let mut failed = Vec::new();
    for tested in found.iter().filter(|tested| !tested.cases.is_empty()) {
        if args.format == Format::Text {
            let tests = counted(tested.cases.len(), "test");
            printer.line(&format!("running {tests} of {}", shown(&tested.file)));
        }
        for case in &tested.cases {
            let report = run_test(&case.plan, &case.test);
            match report.passed() {
                true => counts.passed += 1,
                false => counts.failed += 1,
            }
            match args.format {
                Format::Json => printer.raw_line(&as_json(case, &tested.file, &report)),
                Format::Text => printer.line(&line(case, &report)),
            }
            if !report.passed() {
                failed.push((tested, case, report));
            }
            if printer.closed() {
                return Ok(Exit::Fine);
            }
        }
    }
    if broken > 0 {
        printer.note(&format!(
            "{} with errors, whose tests were not run",
            counted(broken, "file")
        ));
    }
    let wrong = counts.failed > 0 || broken > 0;
    let exit = if wrong { Exit::PlanWrong } else { Exit::Fine };
    match args.format {
        Format::Json => {
            printer.raw_line(&json!({"summary": {"passed": counts.passed, "failed": counts.failed}}).to_string())
        }
        Format::Text => {
            for (tested, case, report) in &failed {
                printer.out(&account(tested, case, report));
            }
            if all > 0 {
                printer.line(&format!("\n{}", summary(&counts)));
            }
        }
    }
    Ok(exit)
}

/// One test a line, with its place.
fn list(found: &[Tested], format: Format, printer: &Printer) {
    for tested in found {
        for TestCase { test, plan, .. } in &tested.cases {
            let file = &tested.file;
            printer.raw_line(&match format {
                Format::Text => format!("{}:{}: {}", shown(file), test.line, shown(&test.title)),
                Format::Json => {
                    json!({"test": test.title, "plan": plan.name, "file": file, "line": test.line}).to_string()
                }
            });
        }
    }
}

/// The tests of the files that the user means; their errors are printed and end the command, unless the tests are only listed.
/// The tests, and how many files have errors, which are printed unless tests are only listed.
fn find(
    args: &Args,
    place: &Place,
    files: &BTreeSet<PathBuf>,
    printer: &Printer,
) -> Result<(Vec<Tested>, usize), Failure> {
    let mut loaded = Loaded::new(place, files, Severity::Error)?;
    if !args.list {
        // Its answer is that of each file below.
        let _ = without_errors(&mut loaded, printer);
    }
    let mut found = Vec::new();
    let mut broken = 0;
    for file in files {
        let Ok(cases) = loaded.workspace.tests(file) else {
            broken += 1;
            continue;
        };
        let file = shown_path(file, &place.cwd);
        found.push(Tested { file, cases });
    }
    Ok((found, broken))
}

fn line(case: &TestCase, report: &TestReport) -> String {
    let result = match report.passed() {
        true => bold("ok", Some(Paint::Green)),
        false => bold("FAILED", Some(Paint::Red)),
    };
    let unverified = match report.unverified.len() {
        0 => String::new(),
        count => format!(" ({count} unverified)"),
    };
    format!("test {} ... {result}{unverified}", shown(&case.test.title))
}

fn summary(counts: &Counts) -> String {
    let result = match counts.failed {
        0 => bold("ok", Some(Paint::Green)),
        _ => bold("FAILED", Some(Paint::Red)),
    };
    let Counts {
        passed,
        failed,
        left_out,
    } = counts;
    let left_out = match left_out {
        0 => String::new(),
        left_out => format!("; {left_out} filtered out"),
    };
    format!("test result: {result}. {passed} passed; {failed} failed{left_out}")
}

/// What failed, with what was seen, and what happened in the run.
fn account(tested: &Tested, case: &TestCase, report: &TestReport) -> String {
    let test = &case.test;
    let file = shown(&tested.file);
    let mut text = format!("\n{}  {file}:{}\n", bold(&shown(&test.title), None), test.line);
    for failure in &report.failures {
        match failure {
            TestFailure::Expectation {
                text: claim,
                line,
                seen,
            } => {
                let error = bold("does not hold", Some(Paint::Red));
                // Infallible: writing to a string.
                let _ = writeln!(text, "  {}  {error}  {file}:{line}", shown(claim));
                sides(&mut text, seen);
            }
            TestFailure::Refused { message, help } => {
                let _ = writeln!(text, "  {}", bold(&shown(message), Some(Paint::Red)));
                if let Some(help) = help {
                    let _ = writeln!(text, "  {}: {}", bold("help", None), shown(help));
                }
            }
        }
    }
    events(&mut text, report);
    text
}

/// Both sides of a comparison, or the parts of a claim that do not hold.
fn sides(text: &mut String, seen: &[Seen]) {
    for (side, name) in seen.iter().zip([" left", "right"].iter().cycle()) {
        let name = if seen.len() == 2 {
            format!("{name}: ")
        } else {
            String::new()
        };
        let value = match &side.value {
            Ok(value) => written(value),
            Err(why) => format!("no value: {why}"),
        };
        // a constant is its own value
        let of = match value == side.text {
            true => String::new(),
            false => format!("{} = ", side.text),
        };
        let _ = writeln!(text, "    {name}{}", shown(&format!("{of}{value}")));
    }
}

/// What happened, with the virtual time since the start.
fn events(text: &mut String, report: &TestReport) {
    if report.events.is_empty() {
        return;
    }
    let _ = writeln!(text, "  the run ({}):", report.status.name());
    for (at_ms, notice) in &report.events {
        let at = match at_ms {
            0 => String::new(),
            at_ms => text::duration(*at_ms),
        };
        let (Told::Line(line) | Told::Warning(line)) = told(notice, |_| None);
        let _ = writeln!(text, "{at:>12} {line}");
    }
}

/// As a plan would write it, but for strings, which are always quoted.
fn written(value: &Value) -> String {
    let text = match value {
        Value::None => "none".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::List(_) | Value::Record(_) => ir::data::to_plain_json(value).to_string(),
        value => ir::data::render(value),
    };
    match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    test: &'a str,
    plan: &'a str,
    file: &'a str,
    line: u32,
    status: &'static str,
    failures: Vec<Failed<'a>>,
    unverified: &'a [String],
}

/// Of a claim that compares nothing, `left` is what it asks about and `right` what that should be. A test that could
/// not be carried out has a message, and no expectation.
#[derive(Default, Serialize)]
struct Failed<'a> {
    expectation: Option<&'a str>,
    left: serde_json::Value,
    right: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

fn as_json(case: &TestCase, file: &str, report: &TestReport) -> String {
    let test = &case.test;
    let line = Line {
        test: &test.title,
        plan: &test.plan,
        file,
        line: test.line,
        status: if report.passed() { "passed" } else { "failed" },
        failures: report.failures.iter().map(failed).collect(),
        unverified: &report.unverified,
    };
    // Plain structures of strings and numbers always serialise.
    serde_json::to_string(&line).unwrap_or_default()
}

fn failed(failure: &TestFailure) -> Failed<'_> {
    let (text, line, seen) = match failure {
        TestFailure::Expectation { text, line, seen } => (text, line, seen),
        TestFailure::Refused { message, help } => {
            return Failed {
                message: Some(message),
                help: help.as_deref(),
                ..Failed::default()
            };
        }
    };
    let plain = |side: &Seen| match &side.value {
        Ok(value) => ir::data::to_plain_json(value),
        Err(_) => serde_json::Value::Null,
    };
    let (left, right) = match seen.as_slice() {
        [left, right] => (plain(left), plain(right)),
        [only] => (plain(only), json!(only.value != Ok(Value::Bool(true)))),
        several => (several.iter().map(plain).collect(), serde_json::Value::Null),
    };
    Failed {
        expectation: Some(text),
        left,
        right,
        line: Some(*line),
        message: seen
            .iter()
            .find_map(|side| side.value.as_ref().err())
            .map(String::as_str),
        help: None,
    }
}
