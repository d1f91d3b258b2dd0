//! `dslc replan`: a run goes on under a changed plan, and keeps what the change does not reach.

use std::fmt::Write;
use std::path::PathBuf;

use engine::{Carried, Engine};
use ir::fingerprint::Difference;
use runtime::Replan;

use super::compile::{Opened, Source};
use super::diff;
use super::resume::Going;
use super::run::inputs;
use crate::asking;
use crate::drive;
use crate::failure::{Exit, Failure};
use crate::history::{History, RunArgs};
use crate::printer::{Paint, Printer, bold, shown};
use crate::workspace::Place;

/// Go on with a paused or failed run under a changed plan
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc replan last deploy.plan --because \"the host moved\" --dry-run
  dslc replan last deploy.plan --because \"the host moved\"
  dslc replan k3fx flows.plan deploy --because \"the data was wrong\" --rerun fetch --detach

A completed node keeps its result if nothing that it is made of has changed: its clauses, what it uses, what leads to it, and the values \
that it reads. The rest runs anew. Gates are asked again if what they show has changed. What a node did that is no longer in the plan is \
undone by its `rollback:`. What completed, has changed and is not idempotent waits for `dslc resolve`, unless `--rerun` names it. Spent \
budget stays spent. Nobody may drive the run: `dslc pause` first.")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    source: Source,
    /// Why, for the record
    #[arg(long, value_name = "WHY", value_parser = crate::asking::reason)]
    because: String,
    /// A completed node that runs once more all the same
    #[arg(long, value_name = "NODE")]
    rerun: Vec<String>,
    /// A parameter that is to be another one, or that the plan has newly
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// A JSON object with such parameters; those of the command line win
    #[arg(long, value_name = "FILE")]
    params_file: Option<PathBuf>,
    /// Print what would be kept, what would run anew and why; change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    going: Going,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let folder = args.going.store(&place, &args.run).find(&args.run.run)?;
    let mut opened = Opened::new(&args.source, &place, printer, |_| true)?;
    let plan = opened.plan_to_run(&args.source, printer)?;
    let given = inputs(&args.params, args.params_file.as_deref(), &plan)?;
    let replan = Replan {
        plan,
        given,
        rerun: args.rerun.iter().map(Into::into).collect(),
        because: args.because.clone(),
        by: asking::login(),
    };
    let options = drive::options(&place)?;
    if args.dry_run {
        let before = History::read(folder.clone())?;
        let changes = ir::diff::diff(before.engine.plan(), &replan.plan);
        printer.out(&diff::changed(&changes));
        printer.out(&carried(&runtime::preview(&folder, &replan, &options)?));
        return Ok(Exit::Fine);
    }
    let number = runtime::replan(&folder, &replan, &options)?;
    printer.note(&format!(
        "the plan of run {} is changed: revision {number}",
        folder.id()
    ));
    args.going.go_on(&place, &args.run, &folder, printer)
}

/// What stays and what runs anew, node by node.
fn carried(engine: &Engine) -> String {
    let mut text = String::new();
    let mut line = |word: &str, paint: Option<Paint>, name: &str, rest: &str| {
        let pad = " ".repeat(11_usize.saturating_sub(word.len()));
        let gap = if rest.is_empty() { "" } else { "  " };
        // Infallible: writing to a string.
        let _ = writeln!(text, "{pad}{} {}{gap}{}", bold(word, paint), shown(name), shown(rest));
    };
    for (node, what) in engine.carried() {
        let name = engine.name(node, None).unwrap_or_default();
        match what {
            Carried::Kept => line("kept", Some(Paint::Green), &name, ""),
            Carried::New => line("new", None, &name, ""),
            Carried::NotCompleted(status) => line("anew", None, &name, &format!("it was {}", status.name())),
            Carried::Asked => line("anew", Some(Paint::Yellow), &name, "as asked for"),
            Carried::Changed(differences) => line("anew", Some(Paint::Yellow), &name, &because(&differences)),
            Carried::InDoubt(differences) => {
                let rest = format!("{}; it is not idempotent, so a person decides", because(&differences));
                line("in doubt", Some(Paint::Red), &name, &rest);
            }
            Carried::Open => line("open", None, &name, "kept if what it reads is still the same then"),
            Carried::Decided => line("decided", None, &name, "once more"),
        }
    }
    for (name, undone) in engine.left_behind() {
        let rest = if undone { "what it did is undone first" } else { "" };
        line("gone", Some(Paint::Red), &name, rest);
    }
    text
}

/// `changed: run, params.host`
fn because(differences: &[Difference]) -> String {
    let names: Vec<&str> = differences.iter().map(|difference| difference.what.as_str()).collect();
    match names.as_slice() {
        [] => "what is read of it now was not kept".to_owned(),
        names => format!("changed: {}", names.join(", ")),
    }
}
