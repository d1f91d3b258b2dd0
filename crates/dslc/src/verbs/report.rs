//! `dslc report`: the hand-over of a run.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::failure::{Exit, Failure, plain};
use crate::history::{History, RunArgs};
use crate::printer::Printer;
use crate::report::{Gathered, report};

/// Write the hand-over of a run: what it was for, what happened, who decided what and why, what is open
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc report last
  dslc report k3fx --format html --out report.html

It is made from the run's folder alone, at any time: of a run that waits, it says for whom, and what to type.")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Form,
    /// Where to [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Form {
    #[default]
    Markdown,
    /// One file that needs no other
    Html,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let mut gathered = Gathered::default();
    let history = History::read_with(args.run.folder()?, |entry, event, engine| {
        gathered.see(entry, event, engine);
    })?;
    let page = report(&history, &gathered)?;
    let text = match args.format {
        Form::Markdown => page.markdown(),
        Form::Html => page.html(),
    };
    match &args.out {
        None => printer.raw(&text),
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::usage(format!("cannot write `{}`: {}", path.display(), plain(&error))))?,
    }
    Ok(Exit::Fine)
}
