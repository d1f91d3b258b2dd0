//! One document: changes and their diagnostics, and what is asked between them. Every change is taken back.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, Place};
use crate::figures::{heading, row};

/// Of each kind.
const TIMES: usize = 120;
const RENAMES: usize = 20;
/// Before the clock counts.
const WARM: usize = 10;

/// `most`: the targets in milliseconds of changes, completion, hover, definition and tokens, as far as they have one.
pub fn requests(server: &str, plan: &Path, most: &[&str]) -> io::Result<()> {
    let text = std::fs::read_to_string(plan)?;
    let ours = Measured::of(Command::new(server).arg("lsp"), plan, &text)?;
    let floor = Measured::of(Command::new(std::env::current_exe()?).arg("null"), plan, &text)?;
    let most = |at: usize| most.get(at).and_then(|most| most.parse().ok());
    heading(&format!("a document of {} KB", text.len() / 1024));
    for ((name, times), (_, floor)) in ours.changes.iter().zip(&floor.changes) {
        row(&format!("  {name}"), times, floor, None);
    }
    let all = |measured: &Measured| {
        measured
            .changes
            .iter()
            .flat_map(|(_, times)| times.clone())
            .collect::<Vec<_>>()
    };
    row("a change, to published diagnostics", &all(&ours), &all(&floor), most(0));
    for (at, ((name, times), (_, floor))) in ours.asked.iter().zip(&floor.asked).enumerate() {
        row(name, times, floor, most(at + 1));
    }
    Ok(())
}

/// The name of the first node is used by all others.
pub fn rename(server: &str, plan: &Path, most: &str) -> io::Result<()> {
    let text = std::fs::read_to_string(plan)?;
    let at = places(&text, "needs: ").first().copied().unwrap_or_default();
    let renames = |server: &mut Command| -> io::Result<(Vec<Duration>, usize)> {
        let mut client = Client::start(server, plan.parent().unwrap_or(plan))?;
        client.open(plan, &text)?;
        let (mut times, mut bytes) = (Vec::new(), 0);
        for time in 0..RENAMES + WARM {
            let mut params = client.at(at);
            params["newName"] = json!(format!("other-{time}"));
            let (edit, took) = client.request("textDocument/rename", params)?;
            bytes = edit.to_string().matches("newText").count();
            times.push(took);
        }
        Ok((times.split_off(WARM), bytes))
    };
    let (ours, edits) = renames(Command::new(server).arg("lsp"))?;
    let (floor, _) = renames(Command::new(std::env::current_exe()?).arg("null"))?;
    heading("a name that is used everywhere");
    row(&format!("rename, {edits} places"), &ours, &floor, most.parse().ok());
    Ok(())
}

struct Measured {
    /// By the kind of change.
    changes: Vec<(&'static str, Vec<Duration>)>,
    /// By the request.
    asked: Vec<(&'static str, Vec<Duration>)>,
}

impl Measured {
    fn of(server: &mut Command, plan: &Path, text: &str) -> io::Result<Self> {
        let mut client = Client::start(server, plan.parent().unwrap_or(plan))?;
        client.open(plan, text)?;
        let kinds = [
            ("in a script", spread(&script_lines(text), TIMES), "x"),
            ("a digit of a timeout", spread(&places(text, "timeout: "), TIMES), "1"),
            ("an empty line", spread(&line_starts(text), TIMES), "\n"),
            ("in `needs`", spread(&places(text, "needs: "), TIMES), "x"),
            ("in a node's name", spread(&places(text, "task "), TIMES), "x"),
        ];
        let mut changes = Vec::new();
        for (name, places, new) in kinds {
            let mut times = Vec::new();
            for place in places {
                times.extend(typed(&mut client, place, new)?);
            }
            changes.push((name, times.split_off(WARM.min(times.len()))));
        }
        let needs = spread(&places(text, "needs: "), TIMES);
        let mut completion = Vec::new();
        for &place in &needs {
            let version = client.change((place, place), "x")?;
            let (line, column) = place;
            completion.push(
                client
                    .request("textDocument/completion", client.at((line, column + 1)))?
                    .1,
            );
            client.diagnosed(version)?;
            let back = client.change((place, (line, column + 1)), "")?;
            client.diagnosed(back)?;
        }
        let mut asked = vec![("completion, right after a change", completion)];
        for (name, method) in [
            ("hover", "textDocument/hover"),
            ("definition", "textDocument/definition"),
        ] {
            let times: io::Result<Vec<_>> = needs
                .iter()
                .map(|&place| Ok(client.request(method, client.at(place))?.1))
                .collect();
            asked.push((name, times?));
        }
        let mut tokens = Vec::new();
        for place in spread(&script_lines(text), TIMES) {
            let version = client.change((place, place), "x")?;
            let params = json!({ "textDocument": client.document() });
            tokens.push(client.request("textDocument/semanticTokens/full", params)?.1);
            client.diagnosed(version)?;
            let back = client.change((place, (place.0, place.1 + 1)), "")?;
            client.diagnosed(back)?;
        }
        asked.push(("semantic tokens, right after a change", tokens));
        Ok(Self { changes, asked })
    }
}

/// A change and its opposite, each until its diagnostics come.
fn typed(client: &mut Client, place: Place, new: &str) -> io::Result<[Duration; 2]> {
    let after = match new {
        "\n" => (place.0 + 1, 0),
        _ => (place.0, place.1 + new.len()),
    };
    let mut timed = |range, new: &str| -> io::Result<Duration> {
        let started = Instant::now();
        let version = client.change(range, new)?;
        Ok(client.diagnosed(version)? - started)
    };
    Ok([timed((place, place), new)?, timed((place, after), "")?])
}

/// Where the values of a key begin.
fn places(text: &str, key: &str) -> Vec<Place> {
    let lines = text.lines().enumerate();
    let at = |line: &str| {
        line.trim_start()
            .starts_with(key)
            .then(|| line.len() - line.trim_start().len() + key.len())
    };
    lines.filter_map(|(number, line)| Some((number, at(line)?))).collect()
}

/// Inside of scripts, which stand deepest.
fn script_lines(text: &str) -> Vec<Place> {
    let lines: Vec<&str> = text.lines().collect();
    let below = |number: usize| Some((number + 1, lines.get(number + 1)?.len()));
    let scripts = (0..lines.len()).filter(|&number| lines[number].trim() == "run: |");
    scripts.filter_map(below).collect()
}

/// Before headers.
fn line_starts(text: &str) -> Vec<Place> {
    places(text, "task ").into_iter().map(|(line, _)| (line, 0)).collect()
}

/// Some of them, from all over the document.
fn spread(places: &[Place], most: usize) -> Vec<Place> {
    let step = places.len().div_ceil(most.max(1)).max(1);
    places.iter().copied().step_by(step).collect()
}
