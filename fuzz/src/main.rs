//! `plan-fuzz [TARGET…] --time 60s --seed N`: fuzzes until something is found or the time is over; `--pathological`:
//! the worst plans at full size.
//!
//! Each target runs for that time of a processor, one after another. A finding goes to `corpus/TARGET/`, and the exit
//! code is 1; a crash that takes the process leaves its input beside it, as `crash.case`.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use plan_fuzz::pathological::{self, SHAPES, Shape};
use plan_fuzz::session::{STACK_BYTES, Until};
use plan_fuzz::{Finding, Session, Target, corpus};

/// Fuzz the language's front end
#[derive(Parser)]
#[command(name = "cargo xtask fuzz", bin_name = "cargo xtask fuzz")]
struct Args {
    /// What to fuzz; everything, if nothing is named
    #[arg(value_enum)]
    targets: Vec<Target>,
    /// How much time of a processor each target gets, as `90s`, `15m` or `1h`
    #[arg(long, default_value = "60s", value_parser = duration)]
    time: Duration,
    /// Everything follows from it; from the clock, if none is given
    #[arg(long)]
    seed: Option<u64>,
    /// Instead, check plans that nobody should write, at a quarter of their full size and at full size, and compare the times
    #[arg(long, conflicts_with_all = ["targets", "time", "seed"])]
    pathological: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.pathological {
        return pathological();
    }
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = args.seed.unwrap_or_else(|| clock.map_or(1, |time| time.as_secs()));
    let targets = if args.targets.is_empty() {
        &Target::ALL[..]
    } else {
        &args.targets
    };
    let mut found = false;
    for &target in targets {
        found |= fuzz(target, seed, args.time);
    }
    ExitCode::from(u8::from(found))
}

/// Whether something was found.
fn fuzz(target: Target, seed: u64, time: Duration) -> bool {
    let name = target.name();
    println!("{name}: seed {seed}, {} s", time.as_secs());
    let folder = corpus::folder(name);
    let crash = folder.join("crash.case");
    if let Err(error) = std::fs::create_dir_all(&folder) {
        println!("{name}: cannot write to {}: {error}", folder.display());
        return true;
    }
    let current = Some(crash.clone());
    let (cases, finding) = Session { target, seed, current }.run(Until::Time(time));
    match finding {
        None => {
            // Nothing crashed.
            let _ = std::fs::remove_file(crash);
            println!("{name}: {cases} cases, no finding");
            false
        }
        Some(finding) => {
            let _ = std::fs::remove_file(crash);
            println!("{name}: after {cases} cases: {}", finding.why);
            match keep(&folder, &finding) {
                Ok(path) => println!("{name}: kept as {}", path.display()),
                Err(error) => println!(
                    "{name}: not kept: {error}; it is {:?}",
                    String::from_utf8_lossy(&finding.input)
                ),
            }
            true
        }
    }
}

/// More than this for four times the size is more than linear.
const FOURFOLD_MOST: f64 = 10.0;
/// Less is noise.
const NOISE: Duration = Duration::from_millis(20);

/// Every shape on a small stack; whether each was checked in time that grows as it does.
fn pathological() -> ExitCode {
    let mut all_linear = true;
    for shape in SHAPES {
        let [quarter, full] = [shape.full / 4, shape.full].map(|size| timed(shape, size));
        let growth = full.as_secs_f64() / quarter.max(NOISE).as_secs_f64();
        let is_linear = growth <= FOURFOLD_MOST;
        all_linear &= is_linear;
        let verdict = if is_linear { "" } else { "  MORE THAN LINEAR" };
        println!(
            "{:<42} {:>8} {full:>10.1?} {growth:>5.1}×{verdict}",
            shape.name, shape.full
        );
    }
    ExitCode::from(u8::from(!all_linear))
}

/// How long checking takes. A panic says so itself, and ends everything.
fn timed(shape: &Shape, size: usize) -> Duration {
    let files = (shape.make)(size);
    let work = move || {
        let started = Instant::now();
        pathological::check(&files);
        started.elapsed()
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    let time = thread.map(|thread| thread.join());
    match time {
        Ok(Ok(time)) => time,
        _ => std::process::exit(101),
    }
}

/// Under the first free number.
fn keep(folder: &std::path::Path, finding: &Finding) -> std::io::Result<PathBuf> {
    let path = (1..)
        .map(|number| folder.join(format!("{number:03}.case")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.join("finding.case"));
    std::fs::write(&path, &finding.input)?;
    Ok(path)
}

fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let parsed = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::from_secs(number * seconds))
    });
    parsed.ok_or_else(|| format!("`{text}` is no time, expected one like `90s`, `15m` or `1h`"))
}
