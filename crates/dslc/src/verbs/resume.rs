//! `dslc resume`: goes on with a run that was paused, interrupted or in doubt.

use crate::detached::Background;
use crate::drive::{self, Watching};
use crate::failure::{Exit, Failure};
use crate::history::RunArgs;
use crate::printer::Printer;
use crate::workspace::Place;
use ir::plan::{Budget, Money};
use ir::quantity::{parse_duration, parse_money};
use runtime::Asked;
use store::{RunFolder, Store};

use super::run::Tier;

/// Go on with a run that was paused or interrupted
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dslc resume last
  dslc resume k3fx
  dslc resume k3fx --budget cost=20

What completed is not repeated. An attempt that was cut off starts again, unless its task says `idempotent: false`: then the run \
waits until `dslc resolve` says what became of it. The plan is the one that the run started with.")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Raise the plan's budget first: `cost=20`, `tokens=500000` or `time=2h`
    #[arg(long, value_name = "ITEM=MOST", value_parser = raised)]
    budget: Vec<Raise>,
    #[command(flatten)]
    going: Going,
}

/// How a run goes on.
#[derive(clap::Args)]
pub struct Going {
    /// What the journal survives
    #[arg(long, value_enum, default_value_t, value_name = "TIER")]
    durability: Tier,
    /// Refuse to go on where the system cannot enforce the `effects:` of scripts
    #[arg(long)]
    strict_effects: bool,
    /// Go on in the background
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    watching: Watching,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let folder = args.going.store(&place, &args.run).find(&args.run.run)?;
    if !args.budget.is_empty() {
        let by = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
        let asked = runtime::raise_budget(&folder, &whole(&args.budget), &by)?;
        if let Asked::Taken(holder) | Asked::Left(holder) = asked {
            printer.note(&format!("the budget is raised; {holder} goes on"));
            return Ok(Exit::Fine);
        }
    }
    args.going.go_on(&place, &args.run, &folder, printer)
}

impl Going {
    pub fn store(&self, place: &Place, run: &RunArgs) -> Store {
        run.store.open_in(place, self.durability.into())
    }

    /// Drives a run that nobody drives, here or in the background.
    pub fn go_on(&self, place: &Place, run: &RunArgs, folder: &RunFolder, printer: &Printer) -> Result<Exit, Failure> {
        if self.detach {
            let pid = Background {
                store: self.store(place, run).root(),
                durability: self.durability.into(),
                strict_effects: self.strict_effects,
            }
            .start(folder)?;
            printer.note(&format!(
                "in the background, process {pid}; `dslc logs {} --follow`",
                folder.id()
            ));
            return Ok(Exit::Fine);
        }
        let mut options = drive::options(place)?;
        options.strict_effects = self.strict_effects;
        let running = runtime::resume(folder, options)?;
        drive::drive(running, &self.watching, printer)
    }
}

/// One part of a budget, and its new bound.
#[derive(Clone)]
enum Raise {
    Cost(Money),
    Tokens(u64),
    TimeMs(u64),
}

fn raised(text: &str) -> Result<Raise, String> {
    let expected = "expected one as `cost=20`, `tokens=500000` or `time=2h`";
    let (item, most) = text.split_once('=').ok_or(expected)?;
    match item {
        "cost" => parse_money(most).map(|most| Raise::Cost(Money(most))),
        "tokens" => most
            .replace('_', "")
            .parse()
            .map(Raise::Tokens)
            .map_err(|_| format!("`{most}` is not a number of tokens")),
        "time" => {
            let ms = u64::try_from(parse_duration(most)?);
            ms.map(Raise::TimeMs)
                .map_err(|_| format!("`{most}` is not a positive duration"))
        }
        _ => Err(format!("a budget has no `{item}`, {expected}")),
    }
}

/// Of what is given twice the last counts.
fn whole(parts: &[Raise]) -> Budget {
    let mut budget = Budget::default();
    for part in parts {
        match part {
            Raise::Cost(most) => budget.cost = Some(*most),
            Raise::Tokens(most) => budget.tokens = Some(*most),
            Raise::TimeMs(most) => budget.time_ms = Some(*most),
        }
    }
    budget
}
