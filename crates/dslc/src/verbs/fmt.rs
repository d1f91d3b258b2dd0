//! `dslc fmt`: formats plans in place, or says which differ.
//!
//! A file is replaced as a whole or not at all. Text with syntax errors is left alone and named.

use std::path::{Path, PathBuf};

use dsl_syntax::{FormatError, LineIndex};

use crate::failure::{Exit, Failure, plain};
use crate::printer::Printer;
use crate::render::shown_path;
use crate::replace::replace;
use crate::workspace::{self, Place, STDIN};

/// Format plans in place
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc fmt                      every plan of the workspace
  dslc fmt --check              lists what differs and exits 1
  dslc fmt - < a.plan           standard input to standard output

Lines end in line feeds afterwards, and a byte order mark is gone. Text with errors of syntax is left as it is.")]
pub struct Args {
    /// Files and folders; `-` is standard input; without any, the workspace
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; list the files that differ, and exit 1 if there are any
    #[arg(long)]
    check: bool,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let mut exit = Exit::Fine;
    let found = place.files(&args.paths)?;
    for path in &found.files {
        let shown = shown_path(path, &place.cwd);
        let is_stdin = path.ends_with(STDIN);
        let bytes =
            workspace::read(path, is_stdin).map_err(|error| Failure::unreadable(Path::new(&shown), plain(&error)))?;
        let formatted = match format(&bytes) {
            Ok(formatted) => formatted,
            Err(why) => {
                printer.failure(&Failure::new(Exit::PlanWrong, format!("{shown}{why}")));
                exit = Exit::PlanWrong;
                continue;
            }
        };
        let differs = formatted.as_bytes() != bytes;
        if is_stdin && !args.check {
            printer.raw(&formatted);
        } else if differs && args.check {
            printer.line(&shown);
            exit = Exit::PlanWrong;
        } else if differs {
            replace(path, formatted.as_bytes())
                .map_err(|error| Failure::usage(format!("cannot write `{shown}`: {}", plain(&error))))?;
            printer.note(&format!("formatted {shown}"));
        }
    }
    Ok(found.end(exit, printer))
}

/// The formatted text, or what stands in the way, to be put behind the file's name.
fn format(bytes: &[u8]) -> Result<String, String> {
    let text = dsl_syntax::decode(bytes).map_err(|error| format!(": {error}"))?;
    dsl_syntax::format(text).map_err(|error| match &error {
        FormatError::Syntax(syntax) => {
            let (line, column) = LineIndex::new(text).line_col(syntax.span.start);
            format!(":{}:{}: {error}", line + 1, column + 1)
        }
        FormatError::Changed(_) => format!(": {error}"),
    })
}
