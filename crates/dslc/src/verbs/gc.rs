//! `dslc gc`: removes old runs and what only they refer to.

use std::fmt::Write;

use serde::Serialize;
use store::{Collected, Durability, Retention, RunFolder};

use crate::failure::{Exit, Failure};
use crate::history::{History, StoreArg};
use crate::printer::Printer;

/// Remove ended runs that are old, too many or too large, and what nothing refers to or reuses any more
#[derive(clap::Args)]
#[command(after_help = "\
Runs that have not ended are always kept. Without an option only these are removed: artifacts that \
nothing refers to, results that no task would reuse, and remembered values that were replaced.

Examples:
  dslc gc --older-than 30d --dry-run
  dslc gc --keep 100
  dslc gc --max-size 5GB
  dslc gc --keep-facts 1000 --facts-older-than 90d")]
pub struct Args {
    /// Keep so many ended runs, the newest
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Remove ended runs of which nothing was written for longer than this, as `30d`
    #[arg(long, value_name = "DURATION")]
    older_than: Option<String>,
    /// Keep as many ended runs, the newest, as have room in this, as `5GB`; artifacts do not count
    #[arg(long, value_name = "SIZE")]
    max_size: Option<String>,
    /// Of what runs remembered for later ones, keep so many values, the newest
    #[arg(long, value_name = "N")]
    keep_facts: Option<usize>,
    /// Forget what was remembered longer ago than this, as `90d`
    #[arg(long, value_name = "DURATION")]
    facts_older_than: Option<String>,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArg,
}

#[derive(Serialize)]
struct Json<'a> {
    dry_run: bool,
    runs: &'a [String],
    artifacts: u64,
    bytes: u64,
    runs_kept: usize,
    results: u64,
    facts: u64,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let keep = Retention {
        runs_max: args.keep,
        age_max_ms: duration("--older-than", args.older_than.as_deref())?,
        size_max_bytes: args.max_size.as_deref().map(size).transpose()?,
        facts_max: args.keep_facts,
        facts_age_max_ms: duration("--facts-older-than", args.facts_older_than.as_deref())?,
    };
    let store = args.store.open(Durability::default())?;
    let collected = store.collect(&keep, args.dry_run, has_ended)?;
    if args.json {
        let json = Json {
            dry_run: args.dry_run,
            runs: &collected.runs,
            artifacts: collected.artifacts,
            bytes: collected.bytes,
            runs_kept: collected.runs_kept,
            results: collected.results,
            facts: collected.facts,
        };
        // Plain structures of strings and numbers always serialise.
        printer.raw_line(&serde_json::to_string(&json).unwrap_or_default());
        return Ok(Exit::Fine);
    }
    printer.out(&said(&collected, args.dry_run));
    Ok(Exit::Fine)
}

/// One that cannot be read is kept: a person may still want to look at it.
fn has_ended(folder: &RunFolder) -> bool {
    History::read(folder.clone()).is_ok_and(|history| history.engine.status().is_over())
}

fn said(collected: &Collected, dry_run: bool) -> String {
    let mut text = String::new();
    for run in &collected.runs {
        // Infallible: writing to a string.
        let _ = writeln!(text, "  {run}");
    }
    let verb = if dry_run { "would remove" } else { "removed" };
    let runs = collected.runs.len();
    let _ = writeln!(
        text,
        "{verb} {runs} {} and {} {}, {} bytes; {} {} kept",
        if runs == 1 { "run" } else { "runs" },
        collected.artifacts,
        if collected.artifacts == 1 {
            "artifact"
        } else {
            "artifacts"
        },
        collected.bytes,
        collected.runs_kept,
        if collected.runs_kept == 1 { "run is" } else { "runs are" },
    );
    for (count, one, many) in [
        (collected.results, "result", "results that no task would reuse"),
        (collected.facts, "remembered value", "remembered values"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{verb} {count} {}", if count == 1 { one } else { many });
        }
    }
    text
}

fn duration(option: &str, text: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let ms = ir::quantity::parse_duration(text)
        .ok()
        .and_then(|ms| u64::try_from(ms).ok());
    match ms {
        Some(ms) => Ok(Some(ms)),
        None => Err(Failure::usage(format!(
            "`{option} {text}` is no duration, expected one as `30d`"
        ))),
    }
}

fn size(text: &str) -> Result<u64, Failure> {
    let bytes = ir::quantity::parse_size(text)
        .ok()
        .and_then(|bytes| u64::try_from(bytes).ok());
    bytes.ok_or_else(|| Failure::usage(format!("`--max-size {text}` is no size, expected one as `5GB`")))
}
