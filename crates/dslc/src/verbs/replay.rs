//! `dslc replay`: does this engine decide what was decided then?

use crate::failure::{Exit, Failure};
use crate::history::RunArgs;
use crate::printer::Printer;
use crate::verbs::check::counted;

/// Feed a run's journal to a fresh engine and compare every decision; runs nothing
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let report = runtime::replay(&args.run.folder()?)?;
    let count = |count: u64, name| counted(usize::try_from(count).unwrap_or(usize::MAX), name);
    printer.line(&format!(
        "run {}: {} led to the same {}",
        report.run,
        count(report.events, "event"),
        count(report.commands, "command")
    ));
    printer.line(&format!("state {}", report.state));
    Ok(Exit::Fine)
}
