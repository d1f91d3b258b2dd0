//! `dslc check`: all diagnostics of all plans below some paths.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use dsl_check::repair::{Fixed, Wanted, repair};
use dsl_check::{Diagnostic, Severity};

use crate::against;
use crate::baseline::{self, Baseline};
use crate::changes::{Changes, Woken};
use crate::failure::{Exit, Failure, plain};
use crate::fix;
use crate::printer::Printer;
use crate::render::{self, Counts, Format, Source, shown_path};
use crate::workspace::{Found, Loaded, Place, STDIN, is_stdin};

/// Check plans: everything that can be known before a run
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc check                         every plan of the workspace
  dslc check deploy.plan lib/
  dslc check --format json - < deploy.plan
  dslc check --format sarif > dslc.sarif
  dslc check --deny warnings --hints
  dslc check --fix                   repair what can be repaired without a doubt
  dslc check --diff | git apply      the same, seen first
  dslc check --baseline known.jsonl --write-baseline
  dslc check --baseline known.jsonl  fails on what is new since then
  dslc check --against tools.json    has a tool changed since it was pinned?

Imported files are checked with those that import them; `--fix` leaves them alone unless they are among PATH.")]
pub struct Args {
    /// Files and folders; `-` is standard input; without any, the workspace
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Exit with 1 on warnings too
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Show hints too
    #[arg(long)]
    hints: bool,
    /// Show people everything; without it `pretty` shows the gravest 100 of a file that has more
    #[arg(long)]
    all: bool,
    /// Apply safe fixes; of standard input the repaired text is printed
    #[arg(long, group = "fixing")]
    fix: bool,
    /// Write nothing; show what `--fix` would change as a unified diff, and exit with 1 if there is any
    #[arg(long, group = "fixing", conflicts_with = "format")]
    diff: bool,
    /// Apply fixes too that may not be what was meant
    #[arg(long, requires = "fixing")]
    unsafe_fixes: bool,
    /// Leave out the findings that FILE holds: only new ones are shown and fail
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what is found now to the file of `--baseline`, and exit with 0
    #[arg(long, requires = "baseline", conflicts_with = "diff")]
    write_baseline: bool,
    /// Compare the tools of MCP servers with `dslc.lock` and the capabilities that call them; FILE is what a server
    /// answers to `tools/list`
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Pin the tools as `--against` finds them in `dslc.lock`, and exit with 0
    #[arg(long, requires = "against", conflicts_with_all = ["fixing", "write_baseline"])]
    write_lock: bool,
    /// Check again whenever a plan changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["fixing", "write_baseline", "write_lock"])]
    watch: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Deny {
    Warnings,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    if args.watch {
        return watch(args, printer);
    }
    let Checked { exit, loaded, found } = once(args, printer)?;
    let exit = found.end(exit, printer);
    // The process ends here: freeing the trees of a large workspace one by one would only take time.
    std::mem::forget(loaded);
    Ok(exit)
}

/// Checks now, and again after each change.
fn watch(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    if args.paths.iter().any(|path| is_stdin(path)) {
        return Err(Failure::usage(
            "standard input cannot be watched, expected files or folders",
        ));
    }
    let place = Place::find()?;
    // What is not there at the start is a slip; later it may be just being replaced.
    place.files(&args.paths)?;
    let mut paths: Vec<PathBuf> = args.paths.iter().map(|path| place.absolute(path)).collect();
    if paths.is_empty() {
        paths.push(place.root.clone());
    }
    let mut changes = Changes::new(&paths)?;
    let clears = args.format == Format::Pretty && std::io::stdout().is_terminal();
    loop {
        if clears {
            printer.out("\u{1b}[2J\u{1b}[3J\u{1b}[H");
        }
        match once(args, printer) {
            Ok(checked) => {
                checked.found.end(checked.exit, printer);
                checked
                    .loaded
                    .workspace
                    .files()
                    .iter()
                    .for_each(|file| changes.beside(file));
            }
            // A file that is just being replaced, settings that are half written: the next change may mend it.
            Err(failure) => printer.failure(&failure),
        }
        printer.note("waiting for changes; Ctrl-C ends");
        if printer.closed() || changes.wait() == Woken::Interrupted {
            return Ok(Exit::Interrupted);
        }
    }
}

/// One check.
struct Checked {
    exit: Exit,
    /// What it was about.
    loaded: Loaded,
    found: Found,
}

fn once(args: &Args, printer: &Printer) -> Result<Checked, Failure> {
    let place = Place::find()?;
    let found = place.files(&args.paths)?;
    let (exit, loaded) = checked(args, &place, &found.files, printer)?;
    Ok(Checked { exit, loaded, found })
}

fn checked(
    args: &Args,
    place: &Place,
    files: &BTreeSet<PathBuf>,
    printer: &Printer,
) -> Result<(Exit, Loaded), Failure> {
    let mut loaded = Loaded::new(place, files, Severity::Hint)?;
    loaded.check_scripts();
    let wanted = Wanted {
        unsafe_too: args.unsafe_fixes,
        hints: args.hints,
    };
    let fixes = args.fix || args.diff;
    let baseline = match &args.baseline {
        Some(path) if !args.write_baseline => Some(read_baseline(path, place)?),
        _ => None,
    };
    if let (true, Some(baseline)) = (fixes, &baseline) {
        loaded.leave_out(baseline.clone());
    }
    let fixed = fixes.then(|| repair(&mut loaded, files, wanted));
    if args.write_lock {
        let exit = against::write_lock(&args.against, place, &loaded, printer)?;
        return Ok((exit, loaded));
    }
    let compared = match args.against.is_empty() {
        true => None,
        false => Some(against::compare(&args.against, place, &mut loaded)?),
    };
    if !args.hints {
        let is_shown = |diagnostic: &Diagnostic| diagnostic.severity != Severity::Hint;
        loaded.diagnostics.retain(is_shown);
    }
    if let (false, Some(baseline)) = (fixes, baseline) {
        loaded.leave_out(baseline);
    }
    if let (true, Some(fixed)) = (args.diff, &fixed) {
        left_alone(&loaded, files, wanted, printer);
        return Ok((diff(fixed, &loaded, place, printer), loaded));
    }
    if let Some(fixed) = &fixed {
        fix::write(fixed, &loaded.sources, printer)?;
    }
    let stdin = args.paths.iter().any(|path| is_stdin(path));
    let is_text_printed = args.fix && stdin;
    if is_text_printed {
        let repaired = loaded.sources.get(&place.cwd.join(STDIN));
        printer.raw(repaired.map(Source::whole).unwrap_or_default());
    }
    if let (true, Some(path)) = (args.write_baseline, &args.baseline) {
        let exit = write_baseline(&loaded, path, place, printer)?;
        return Ok((exit, loaded));
    }
    report(args, &loaded, is_text_printed, printer);
    let counts = Counts::of(&loaded.diagnostics);
    if args.format == Format::Pretty {
        let repaired = fixed.as_ref().map_or(0, |fixed| fixed.repairs.len());
        printer.note(&summary(loaded.sources.len(), repaired, counts));
        loaded.known.iter().for_each(|known| account(known, printer));
        if loaded.scripts_left_out {
            let most = shellcheck::SCRIPTS_MAX;
            printer.note(&format!("shell-lint left out: there are more than {most} scripts"));
        }
        compared.iter().for_each(|compared| against::account(compared, printer));
        match &fixed {
            None => offer(&loaded, files, wanted, printer),
            Some(_) => left_alone(&loaded, files, wanted, printer),
        }
    }
    let wrong = counts.errors > 0 || (args.deny.is_some() && counts.warnings > 0);
    let exit = if wrong { Exit::PlanWrong } else { Exit::Fine };
    Ok((exit, loaded))
}

fn read_baseline(path: &Path, place: &Place) -> Result<Baseline, Failure> {
    let path = place.absolute(path);
    Baseline::read(&path, &shown_path(&path, &place.cwd))
}

fn write_baseline(loaded: &Loaded, path: &Path, place: &Place, printer: &Printer) -> Result<Exit, Failure> {
    let path = place.absolute(path);
    let shown = shown_path(&path, &place.cwd);
    let baseline = Baseline::of(&loaded.diagnostics, &path);
    baseline
        .write(&path)
        .map_err(|error| Failure::usage(format!("cannot write the baseline `{shown}`: {}", plain(&error))))?;
    printer.note(&format!("wrote {} to {shown}", counted(baseline.len(), "finding")));
    Ok(Exit::Fine)
}

fn account(known: &baseline::Outcome, printer: &Printer) {
    if known.known > 0 {
        printer.note(&format!("{} left out", counted(known.known, "known problem")));
    }
    if known.gone > 0 {
        let gone = counted(known.gone, "finding");
        printer.note(&format!(
            "{gone} of the baseline no longer there: write it anew with `--write-baseline`"
        ));
    }
}

/// The diagnostics; beside the result where that is the repaired text.
fn report(args: &Args, loaded: &Loaded, is_text_printed: bool, printer: &Printer) {
    let color = match is_text_printed {
        true => printer.err_is_colored(),
        false => printer.out_is_colored(),
    };
    let text = render::render(args.format, &loaded.diagnostics, &loaded.sources, color, args.all);
    match (is_text_printed, args.format) {
        (true, _) => printer.err(&text),
        (false, Format::Pretty) => printer.out(&text),
        (false, _) => printer.raw(&text),
    }
}

fn diff(fixed: &Fixed, loaded: &Loaded, place: &Place, printer: &Printer) -> Exit {
    let holds_all = |folder: &Path| fixed.changes.keys().all(|path| path.starts_with(folder));
    let folder = [place.cwd.as_path(), &place.root]
        .into_iter()
        .find(|folder| holds_all(folder));
    let folder = folder.unwrap_or(Path::new("/"));
    printer.raw(fix::diff(fixed, &loaded.sources, folder, printer.out_is_colored()));
    if folder != place.cwd {
        printer.note(&format!("the paths are those below `{}`", folder.display()));
    }
    let counts = Counts::of(&loaded.diagnostics);
    let repairs = counted(fixed.repairs.len(), "problem");
    printer.note(&format!("would fix {repairs}; after that {}", found(counts)));
    match fixed.repairs.is_empty() && counts.errors == 0 {
        true => Exit::Fine,
        false => Exit::PlanWrong,
    }
}

fn fixable(loaded: &Loaded, files: &BTreeSet<PathBuf>, wanted: Wanted) -> usize {
    let fixes = loaded.diagnostics.iter();
    fixes
        .filter(|diagnostic| wanted.of(diagnostic, files).is_some())
        .count()
}

/// Says that there are fixes which were not applied.
fn left_alone(loaded: &Loaded, files: &BTreeSet<PathBuf>, wanted: Wanted, printer: &Printer) {
    match fixable(loaded, files, wanted) {
        0 => {}
        1 => printer.note("1 fix left alone: the plan would be no better for it"),
        left => printer.note(&format!(
            "{left} fixes left alone: the plan would be no better for them"
        )),
    }
}

/// Says how many problems a machine can repair.
fn offer(loaded: &Loaded, files: &BTreeSet<PathBuf>, wanted: Wanted, printer: &Printer) {
    let safe = fixable(loaded, files, wanted);
    let all = fixable(
        loaded,
        files,
        Wanted {
            unsafe_too: true,
            ..wanted
        },
    );
    match (safe, all - safe) {
        (0, 0) => {}
        (0, more) => printer.note(&format!("{more} can be fixed with `--fix --unsafe-fixes`")),
        (safe, 0) => printer.note(&format!("{safe} can be fixed with `--fix`")),
        (safe, more) => printer.note(&format!(
            "{safe} can be fixed with `--fix`, {more} more with `--unsafe-fixes`"
        )),
    }
}

fn summary(files: usize, repaired: usize, counts: Counts) -> String {
    if files == 0 {
        return "no `.plan` files found".to_owned();
    }
    let fixed = match repaired {
        0 => String::new(),
        _ => format!("{} fixed, ", counted(repaired, "problem")),
    };
    let left = if repaired > 0 { "left" } else { "" };
    let text = format!("{}: {fixed}{} {left}", counted(files, "file"), found(counts));
    text.trim_end().to_owned()
}

/// `2 errors, 1 warning`
fn found(counts: Counts) -> String {
    let kinds = [
        (counts.errors, "error"),
        (counts.warnings, "warning"),
        (counts.hints, "hint"),
    ];
    let found: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| counted(count, name))
        .collect();
    match found.is_empty() {
        true => "no problems".to_owned(),
        false => found.join(", "),
    }
}

pub fn counted(count: usize, name: &str) -> String {
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}
