//! `dslc check`: all diagnostics of all plans below some paths.

use std::path::PathBuf;

use clap::ValueEnum;
use dsl_check::Severity;

use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::render::{self, Counts, Format};
use crate::workspace::{Loaded, Place};

/// Check plans: everything that can be known before a run
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc check                         every plan of the workspace
  dslc check deploy.plan lib/
  dslc check --format json - < deploy.plan
  dslc check --deny warnings --hints

Imported files are checked with those that import them.")]
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
}

#[derive(Clone, Copy, ValueEnum)]
enum Deny {
    Warnings,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let files = place.files(&args.paths)?;
    let mut loaded = Loaded::new(&place, &files)?;
    if !args.hints {
        loaded
            .diagnostics
            .retain(|diagnostic| diagnostic.severity != Severity::Hint);
    }
    printer.out(&render::render(
        args.format,
        &loaded.diagnostics,
        &loaded.sources,
        printer.out_is_colored(),
    ));
    let counts = Counts::of(&loaded.diagnostics);
    if args.format == Format::Pretty {
        printer.note(&summary(loaded.sources.len(), counts));
    }
    let wrong = counts.errors > 0 || (args.deny.is_some() && counts.warnings > 0);
    Ok(if wrong { Exit::PlanWrong } else { Exit::Fine })
}

fn summary(files: usize, counts: Counts) -> String {
    if files == 0 {
        return "no `.plan` files found".to_owned();
    }
    let mut found = Vec::new();
    for (count, name) in [
        (counts.errors, "error"),
        (counts.warnings, "warning"),
        (counts.hints, "hint"),
    ] {
        if count > 0 {
            found.push(counted(count, name));
        }
    }
    let found = if found.is_empty() {
        "no problems".to_owned()
    } else {
        found.join(", ")
    };
    format!("{}: {found}", counted(files, "file"))
}

pub fn counted(count: usize, name: &str) -> String {
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}
