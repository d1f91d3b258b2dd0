//! What is not one answer: a large workspace, a server that has nothing to do, a long day of typing.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, Place};
use crate::figures::single;
use crate::process;

/// The targets.
const FIRST_MS_MOST: f64 = 300.0;
const ALL_MS_MOST: f64 = 3000.0;
const MB_MOST: f64 = 600.0;
const GROWTH_MOST: f64 = 1.1;
/// No timer runs; a thread may be moved about.
const IDLE_MS_MOST: f64 = 1.0;
/// How long an idle server is watched.
const IDLE: Duration = Duration::from_secs(5);

/// A workspace of many files: one is open, then all are wanted.
pub fn workspace(server: &str, folder: &Path) -> io::Result<()> {
    let mut plans: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    plans.retain(|path| path.extension().is_some_and(|extension| extension == "plan"));
    plans.sort();
    let (first, text) = (&plans[0], std::fs::read_to_string(&plans[0])?);
    let started = Instant::now();
    let mut client = Client::start(Command::new(server).arg("lsp"), folder)?;
    client.open(first, &text)?;
    println!(
        "\n  a workspace of {} documents of {} KB",
        plans.len(),
        text.len() / 1024
    );
    single(
        "from the start to the open one's diagnostics",
        ms(started),
        FIRST_MS_MOST,
        " ms",
    );
    // who knows nothing is answered when all plans have been read
    let (report, _) = client.request("workspace/diagnostic", json!({ "previousResultIds": [] }))?;
    let known = report["items"].as_array().map_or(0, Vec::len);
    if known < plans.len() {
        return Err(io::Error::other(format!(
            "the server knows {known} of the {} plans in {}",
            plans.len(),
            folder.display()
        )));
    }
    single("… to those of all", ms(started), ALL_MS_MOST, " ms");
    let used = process::processor_time(client.process())?;
    println!(
        "  {:<40} {:>9.2} ms",
        "… and what processors worked for that",
        used.as_secs_f64() * 1e3
    );
    single(
        "peak memory",
        process::peak_memory(client.process())? / 1e6,
        MB_MOST,
        " MB",
    );
    idle(&client)
}

/// Nothing is asked, and nothing is done.
fn idle(client: &Client) -> io::Result<()> {
    std::thread::sleep(Duration::from_secs(1));
    let before = process::processor_time(client.process())?;
    std::thread::sleep(IDLE);
    let used = process::processor_time(client.process())?.saturating_sub(before);
    single(
        &format!("processor time in {} idle seconds", IDLE.as_secs()),
        used.as_secs_f64() * 1e3,
        IDLE_MS_MOST,
        " ms",
    );
    Ok(())
}

/// Changes without a pause, and what the server weighs after a sixth of them and at the end.
pub fn long(server: &str, plan: &Path, changes: &str) -> io::Result<()> {
    let text = std::fs::read_to_string(plan)?;
    let changes: usize = changes.parse().map_err(io::Error::other)?;
    let mut client = Client::start(Command::new(server).arg("lsp"), plan.parent().unwrap_or(plan))?;
    client.open(plan, &text)?;
    let places: Vec<Place> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| (number, line.len()))
        .collect();
    let started = Instant::now();
    let mut early = 0.0;
    for change in 0..changes / 2 {
        let place @ (line, column) = places[change * 7919 % places.len()];
        client.change((place, place), "x")?;
        let version = client.change((place, (line, column + 1)), "")?;
        client.diagnosed(version)?;
        if change == changes / 12 {
            early = process::memory(client.process())?;
        }
    }
    let late = process::memory(client.process())?;
    println!(
        "\n  {changes} changes in {:.0} s: {:.0} MB early, {:.0} MB in the end",
        started.elapsed().as_secs_f64(),
        early / 1e6,
        late / 1e6
    );
    single(
        "memory in the end, of that after a sixth",
        late / early,
        GROWTH_MOST,
        "×",
    );
    idle(&client)
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
