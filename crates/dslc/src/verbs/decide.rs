//! `dslc approve` and `dslc reject`: what a person says to a gate that waits for people.

use engine::event::GateDecision;
use runtime::{Asked, Decision};

use crate::asking;
use crate::detached;
use crate::failure::{Exit, Failure};
use crate::history::RunArgs;
use crate::printer::Printer;

/// Approve a gate that waits for people
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc approve last release --as role/release --because \"the notes are complete\"
  dslc approve k3fx approve-design --as role/architect --choose b --because \"cheaper to undo\"

The run goes on by itself: through its driver, or in the background if it has none. The same decision twice is fine, a different \
second one is refused. A gate with a quorum counts people: `--who` says who you are where several act as one role.")]
pub struct ApproveArgs {
    #[command(flatten)]
    saying: Saying,
    /// One of the gate's options
    #[arg(long, value_name = "OPTION")]
    choose: Option<String>,
}

/// Reject a gate that waits for people
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  dslc reject last release --as role/release --because \"the changelog is missing\"

One rejection is enough, whatever the quorum. The gate fails as `rejected`, and the plan's `on rejected` says what follows.")]
pub struct RejectArgs {
    #[command(flatten)]
    saying: Saying,
}

/// Who says it, about what, and why.
#[derive(clap::Args)]
struct Saying {
    #[command(flatten)]
    run: RunArgs,
    /// The gate
    #[arg(value_name = "GATE")]
    gate: String,
    /// The principal as which you decide, one of the gate's `approver:`
    #[arg(long = "as", value_name = "PRINCIPAL")]
    by: String,
    /// Who you are [default: `user/` and your login]
    #[arg(long, value_name = "USER")]
    who: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "WHY", value_parser = crate::asking::reason)]
    because: String,
}

pub fn approve(args: &ApproveArgs, printer: &Printer) -> Result<Exit, Failure> {
    let choice = args.choose.as_ref().map(Into::into);
    decide(&args.saying, GateDecision::Approved { choice }, printer)
}

pub fn reject(args: &RejectArgs, printer: &Printer) -> Result<Exit, Failure> {
    decide(&args.saying, GateDecision::Rejected, printer)
}

fn decide(saying: &Saying, decision: GateDecision, printer: &Printer) -> Result<Exit, Failure> {
    let folder = saying.run.folder()?;
    let person = match &saying.who {
        Some(who) => Some(who.clone()),
        // a person who decides as such needs no second name
        None if saying.by.starts_with("user/") => None,
        None => Some(format!("user/{}", asking::login())),
    };
    let decision = Decision {
        gate: saying.gate.clone(),
        by: saying.by.as_str().into(),
        person: person.map(Into::into),
        decision,
        because: Some(saying.because.clone()),
    };
    let asked = runtime::decide(&folder, &decision)?;
    match &asked {
        Asked::Already => printer.note(&format!("`{}` was {} before", saying.gate, decision.decision)),
        Asked::Left(_) => {}
        Asked::Taken(_) | Asked::Journaled { .. } => {
            printer.note(&format!("`{}` {}", saying.gate, decision.decision));
        }
    }
    detached::go_on(&folder, &saying.run, &asked, printer)?;
    Ok(Exit::Fine)
}
