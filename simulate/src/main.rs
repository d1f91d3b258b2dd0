//! `plan-simulate run|sweep|mutants`: the long versions of what the tests do in short; `cargo xtask simulate` and its like.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use plan_simulate::campaign::{self, Tally};
use plan_simulate::promises::{Invariant, Violation};
use plan_simulate::sweep::{scenarios, sweep};
use plan_simulate::{FOLDERS, mutants, root};
use rustix::time::{ClockId, clock_gettime};

/// Simulate runs, and everything that can go wrong with them
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Verb {
    /// Random plans under random schedules and faults
    #[command(name = "run")]
    Run {
        /// The first seed; from the clock, if none is given
        #[arg(long)]
        seed: Option<u64>,
        /// How many plans
        #[arg(long, default_value_t = 10_000)]
        plans: u64,
    },
    /// Every crash point of every scenario
    Sweep,
    /// Bugs on purpose: which promise notices which
    Mutants {
        /// How many plans each has to get past
        #[arg(long, default_value_t = 2_000)]
        plans: u64,
    },
}

fn main() -> ExitCode {
    match Verb::parse() {
        Verb::Run { seed, plans } => run(seed.unwrap_or_else(clock), plans),
        Verb::Sweep => sweep_all(),
        Verb::Mutants { plans } => hunt(plans),
    }
}

fn clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs() * 1_000_000)
}

/// What this process has used, whatever else the machine does.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

fn run(first: u64, plans: u64) -> ExitCode {
    println!("{plans} plans from seed {first}");
    // what panics is reported with its seed
    std::panic::set_hook(Box::new(|_| {}));
    let started = processor_time();
    let mut tally = Tally::default();
    for seed in first..first.saturating_add(plans) {
        match watched(seed) {
            Ok(of_seed) => tally.add(of_seed),
            Err(violation) => {
                println!("broken: {violation}");
                println!("to repeat it: cargo xtask simulate --seed {seed} --plans 1");
                return ExitCode::FAILURE;
            }
        }
    }
    let seconds = (processor_time() - started).as_secs_f64();
    let Tally {
        plans,
        runs,
        events,
        deaths,
    } = tally;
    let per_minute = runs as f64 / seconds * 60.0;
    println!("{plans} plans, {runs} runs, {events} events, {deaths} deaths of drivers: every promise was kept");
    println!("{seconds:.1} s of processor time, {per_minute:.0} runs a minute on one processor");
    ExitCode::SUCCESS
}

fn watched(seed: u64) -> Result<Tally, Violation> {
    catch_unwind(AssertUnwindSafe(|| campaign::seed(seed))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Violation {
            invariant: Invariant::Assertion,
            what: text.unwrap_or("a panic").to_owned(),
        })
    })
}

fn sweep_all() -> ExitCode {
    let mut rows = Vec::new();
    for folder in FOLDERS {
        let found = match scenarios(&root().join(folder)) {
            Ok(found) => found,
            Err(why) => return failed(&why),
        };
        for scenario in found {
            match sweep(&scenario) {
                Ok(swept) => rows.push((scenario.title, swept)),
                Err(why) => return failed(&format!("{}: {why}", scenario.title)),
            }
        }
    }
    print!("{}", plan_simulate::sweep::table(&rows));
    ExitCode::SUCCESS
}

fn hunt(plans: u64) -> ExitCode {
    let root = root();
    let tell = |mutant: &mutants::Mutant, caught: &mutants::Caught| {
        println!("{}: {}", mutant.name, caught.as_deref().unwrap_or("NOT CAUGHT"));
    };
    let caught = match mutants::hunt(&root, plans, tell) {
        Ok(caught) => caught,
        Err(error) => return failed(&error.to_string()),
    };
    if let Err(error) = write_table(&root, &mutants::table(&caught)) {
        return failed(&error.to_string());
    }
    ExitCode::from(u8::from(caught.values().any(Option::is_none)))
}

/// Into the book.
fn write_table(root: &Path, table: &str) -> std::io::Result<()> {
    let path = root.join(plan_simulate::PAGE);
    let page = std::fs::read_to_string(&path)?;
    std::fs::write(&path, plan_simulate::filled(&page, "mutants", table))
}

fn failed(why: &str) -> ExitCode {
    println!("{why}");
    ExitCode::FAILURE
}
