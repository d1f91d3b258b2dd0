//! Arguments in, an exit code out. Absent: what the verbs do.

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::detached;
use crate::failure::{Exit, Failure};
use crate::printer::{Color, Printer};
use crate::verbs;

const EXAMPLES: &str = "\
Examples:
  dslc check                                      every plan of the workspace
  dslc check --format short plans/ a.plan
  dslc run examples/repo-audit.plan --param repo=.
  dslc resume RUN                                 go on after Ctrl-C or a crash
  dslc approve RUN GATE --as role/x --because WHY
  dslc explain dependency-cycle

Exit codes: 0 fine, 1 the plan is wrong, 2 usage, 3 the run failed, 4 the run waits for a person, \
5 internal error, 130 interrupted.";

/// Checks, compiles and runs plans: typed graphs of tasks, gates and decisions
#[derive(Parser)]
#[command(name = "dslc", version, after_help = EXAMPLES, max_term_width = 100, propagate_version = true)]
struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Check(verbs::check::Args),
    Fmt(verbs::fmt::Args),
    Compile(verbs::compile::Args),
    Graph(verbs::graph::Args),
    Diff(verbs::diff::Args),
    New(verbs::new::Args),
    Bounds(verbs::bounds::Args),
    Explain(verbs::explain::Args),
    Test(verbs::test::Args),
    Run(verbs::run::Args),
    Resume(verbs::resume::Args),
    Approve(verbs::decide::ApproveArgs),
    Reject(verbs::decide::RejectArgs),
    Answer(verbs::answer::Args),
    Pause(verbs::pause::Args),
    Cancel(verbs::cancel::Args),
    Resolve(verbs::resolve::Args),
    Retry(verbs::retry::Args),
    Replan(verbs::replan::Args),
    Runs(verbs::runs::Args),
    Show(verbs::show::Args),
    Logs(verbs::logs::Args),
    Events(verbs::events::Args),
    ExplainCache(verbs::explain_cache::Args),
    Export(verbs::export::Args),
    Report(verbs::report::Args),
    Replay(verbs::replay::Args),
    Verify(verbs::verify::Args),
    Gc(verbs::gc::Args),
    Lsp(verbs::lsp::Args),
    Completions(verbs::completions::Args),
    Man(verbs::man::Args),
}

pub fn main() -> ExitCode {
    // Started by drivers, not by people: no part of the command line that is documented.
    let hidden = std::env::args_os().nth(1);
    if hidden.as_deref().is_some_and(|verb| verb == verbs::supervise::NAME) {
        return end(&Printer::new(Color::Never), verbs::supervise::run);
    }
    if hidden.as_deref().is_some_and(|verb| verb == verbs::confined::NAME) {
        return end(&Printer::new(Color::Never), verbs::confined::run);
    }
    if hidden.is_some_and(|verb| verb == detached::NAME) {
        let printer = Printer::new(Color::Never);
        return end(&printer, || detached::main(std::env::args_os().skip(2), &printer));
    }
    let help_color = color_asked(std::env::args_os());
    let matches = Cli::command().color(help_color).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let printer = Printer::new(cli.color);
    end(&printer, || cli.verb.run(&printer))
}

/// `--color` as help and errors of usage follow it, which are printed while the arguments are read.
fn color_asked(args: impl Iterator<Item = OsString>) -> ColorChoice {
    let args: Vec<OsString> = args.take_while(|arg| arg != "--").collect();
    let word = |at: usize| args.get(at)?.to_str();
    let mut asked = (0..args.len()).filter_map(|at| match word(at)?.strip_prefix("--color")? {
        "" => word(at + 1),
        value => value.strip_prefix('='),
    });
    let color = asked.next_back().and_then(|word| Color::from_str(word, false).ok());
    color.unwrap_or_default().choice()
}

/// Runs a verb, says why it failed, and gives the exit code.
fn end(printer: &Printer, verb: impl FnOnce() -> Result<Exit, Failure>) -> ExitCode {
    let ended = panic::catch_unwind(panic::AssertUnwindSafe(verb))
        .unwrap_or_else(|_| Err(Failure::internal("this is a bug in dslc, what it met is above")));
    let ended = ended.and_then(|exit| printer.finish().map(|()| exit));
    let exit = ended.unwrap_or_else(|failure| {
        printer.failure(&failure);
        failure.exit
    });
    ExitCode::from(exit as u8)
}

/// The whole command line, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

impl Verb {
    fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        match self {
            Self::Check(args) => verbs::check::run(&args, printer),
            Self::Fmt(args) => verbs::fmt::run(&args, printer),
            Self::Compile(args) => verbs::compile::run(&args, printer),
            Self::Graph(args) => verbs::graph::run(&args, printer),
            Self::Diff(args) => verbs::diff::run(&args, printer),
            Self::New(args) => verbs::new::run(&args, printer),
            Self::Bounds(args) => verbs::bounds::run(&args, printer),
            Self::Explain(args) => verbs::explain::run(&args, printer),
            Self::Test(args) => verbs::test::run(&args, printer),
            Self::Run(args) => verbs::run::run(&args, printer),
            Self::Resume(args) => verbs::resume::run(&args, printer),
            Self::Approve(args) => verbs::decide::approve(&args, printer),
            Self::Reject(args) => verbs::decide::reject(&args, printer),
            Self::Answer(args) => verbs::answer::run(&args, printer),
            Self::Pause(args) => verbs::pause::run(&args, printer),
            Self::Cancel(args) => verbs::cancel::run(&args, printer),
            Self::Resolve(args) => verbs::resolve::run(&args, printer),
            Self::Retry(args) => verbs::retry::run(&args, printer),
            Self::Replan(args) => verbs::replan::run(&args, printer),
            Self::Runs(args) => verbs::runs::run(&args, printer),
            Self::Show(args) => verbs::show::run(&args, printer),
            Self::Logs(args) => verbs::logs::run(&args, printer),
            Self::Events(args) => verbs::events::run(&args, printer),
            Self::ExplainCache(args) => verbs::explain_cache::run(&args, printer),
            Self::Export(args) => verbs::export::run(&args, printer),
            Self::Report(args) => verbs::report::run(&args, printer),
            Self::Replay(args) => verbs::replay::run(&args, printer),
            Self::Verify(args) => verbs::verify::run(&args, printer),
            Self::Gc(args) => verbs::gc::run(&args, printer),
            Self::Lsp(args) => verbs::lsp::run(&args),
            Self::Completions(args) => verbs::completions::run(&args, printer),
            Self::Man(args) => verbs::man::run(&args, printer),
        }
    }
}
