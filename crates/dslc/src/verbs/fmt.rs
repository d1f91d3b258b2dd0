//! `dslc fmt`: formats plans in place, or says which differ.
//!
//! A file is replaced as a whole or not at all. Text with syntax errors is left alone and named.

use std::io;
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure, plain};
use crate::printer::Printer;
use crate::render::shown_path;
use crate::workspace::{self, Place, STDIN};

/// Format plans in place
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc fmt                      every plan of the workspace
  dslc fmt --check              lists what differs and exits 1
  dslc fmt - < a.plan           standard input to standard output")]
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
    for path in place.files(&args.paths)? {
        let shown = shown_path(&path, &place.cwd);
        let is_stdin = path.ends_with(STDIN);
        let bytes =
            workspace::read(&path, is_stdin).map_err(|error| Failure::unreadable(Path::new(&shown), plain(&error)))?;
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
            printer.out(&formatted);
        } else if differs && args.check {
            printer.line(&shown);
            exit = Exit::PlanWrong;
        } else if differs {
            replace(&path, formatted.as_bytes())
                .map_err(|error| Failure::usage(format!("cannot write `{shown}`: {}", plain(&error))))?;
            printer.note(&format!("formatted {shown}"));
        }
    }
    Ok(exit)
}

/// The formatted text, or what stands in the way, to be put behind the file's name.
fn format(bytes: &[u8]) -> Result<String, String> {
    let text = dsl_syntax::decode(bytes).map_err(|error| format!(": {error}"))?;
    dsl_syntax::format(text).map_err(|error| format!(": {error}"))
}

/// Writes beside the file and renames, so that a full disk or a crash leaves the old text. A link stays a link.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_synced(&beside, bytes)
        .and_then(|()| std::fs::set_permissions(&beside, std::fs::metadata(&path)?.permissions()))
        .and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // Nothing to do about a leftover that cannot be removed.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use io::Write;
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}
