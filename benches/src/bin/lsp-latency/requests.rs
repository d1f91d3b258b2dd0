//! One document: changes and their diagnostics, and what is asked between them. Every change is taken back.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Place};
use crate::figures::{Times, heading, row, together};
use crate::process::processor_time;

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
    for (ours, floor) in ours.changes.iter().zip(&floor.changes) {
        row(&format!("  {}", ours.name), ours, floor, None);
    }
    let all = [&ours, &floor].map(|measured| together(&measured.changes));
    row("a change, to published diagnostics", &all[0], &all[1], most(0));
    for (at, (ours, floor)) in ours.asked.iter().zip(&floor.asked).enumerate() {
        row(ours.name, ours, floor, most(at + 1));
    }
    Ok(())
}

/// The name of the first node is used by all others.
pub fn rename(server: &str, plan: &Path, most: &str) -> io::Result<()> {
    let text = std::fs::read_to_string(plan)?;
    let at = places(&text, "needs: ").first().copied().unwrap_or_default();
    let mut edits = 0;
    let mut renames = |server: &mut Command| -> io::Result<Times> {
        let mut client = Client::start(server, plan.parent().unwrap_or(plan))?;
        client.open(plan, &text)?;
        let mut params = client.at(at);
        params["newName"] = json!("another");
        let (edit, _) = client.request("textDocument/rename", params.clone())?;
        edits = edits.max(edit.to_string().matches("newText").count());
        timed("rename", &mut client, |client| {
            let times = (0..RENAMES).map(|_| Ok(client.request("textDocument/rename", params.clone())?.1));
            times.collect()
        })
    };
    let ours = renames(Command::new(server).arg("lsp"))?;
    let floor = renames(Command::new(std::env::current_exe()?).arg("null"))?;
    heading("a name that is used everywhere");
    row(&format!("rename, {edits} places"), &ours, &floor, most.parse().ok());
    Ok(())
}

struct Measured {
    changes: Vec<Times>,
    asked: Vec<Times>,
}

impl Measured {
    fn of(server: &mut Command, plan: &Path, text: &str) -> io::Result<Self> {
        let client = &mut Client::start(server, plan.parent().unwrap_or(plan))?;
        client.open(plan, text)?;
        let (scripts, needs) = (spread(&script_lines(text)), spread(&places(text, "needs: ")));
        for &place in scripts.iter().take(WARM) {
            typed(client, place, "x")?;
        }
        let kinds = [
            ("in a script", scripts.clone(), "x"),
            ("a digit of a timeout", spread(&places(text, "timeout: ")), "1"),
            ("an empty line", spread(&line_starts(text)), "\n"),
            ("in `needs`", needs.clone(), "x"),
            ("in a node's name", spread(&places(text, "task ")), "x"),
        ];
        let mut changes = Vec::new();
        for (name, places, new) in kinds {
            changes.push(timed(name, client, |client| {
                let times = places.iter().map(|&place| typed(client, place, new));
                Ok(times.collect::<io::Result<Vec<_>>>()?.concat())
            })?);
        }
        let steady = |method: &'static str| {
            let needs = needs.clone();
            move |client: &mut Client| {
                needs
                    .iter()
                    .map(|&at| Ok(client.request(method, client.at(at))?.1))
                    .collect()
            }
        };
        let asked = vec![
            timed("completion, right after a change", client, |client| {
                let ask = |client: &mut Client, (line, column)| {
                    client.request("textDocument/completion", client.at((line, column + 1)))
                };
                needs.iter().map(|&place| after_change(client, place, ask)).collect()
            })?,
            timed("hover", client, steady("textDocument/hover"))?,
            timed("definition", client, steady("textDocument/definition"))?,
            timed("semantic tokens, right after a change", client, |client| {
                let ask = |client: &mut Client, _| {
                    let params = json!({ "textDocument": client.document() });
                    client.request("textDocument/semanticTokens/full", params)
                };
                scripts.iter().map(|&place| after_change(client, place, ask)).collect()
            })?,
            timed("the same, as a change of those before", client, |client| {
                let known = RefCell::new(json!(""));
                let ask = |client: &mut Client, _| {
                    let params = json!({ "textDocument": client.document(), "previousResultId": *known.borrow() });
                    let answer = client.request("textDocument/semanticTokens/full/delta", params)?;
                    known.replace(answer.0["resultId"].clone());
                    Ok(answer)
                };
                // the first is told whole
                let times = scripts.iter().map(|&place| after_change(client, place, ask));
                Ok(times.collect::<io::Result<Vec<_>>>()?.into_iter().skip(1).collect())
            })?,
        ];
        Ok(Self { changes, asked })
    }
}

/// Times, and what the server used a processor for meanwhile.
fn timed(
    name: &'static str,
    client: &mut Client,
    work: impl FnOnce(&mut Client) -> io::Result<Vec<Duration>>,
) -> io::Result<Times> {
    let before = processor_time(client.process())?;
    let each = work(client)?;
    let processor = processor_time(client.process())?.saturating_sub(before);
    Ok(Times { name, each, processor })
}

/// How long a question takes that follows a character; the character is taken back.
fn after_change(
    client: &mut Client,
    place: Place,
    ask: impl Fn(&mut Client, Place) -> io::Result<(Value, Duration)>,
) -> io::Result<Duration> {
    let version = client.change((place, place), "x")?;
    let (_, took) = ask(client, place)?;
    client.diagnosed(version)?;
    let back = client.change((place, (place.0, place.1 + 1)), "")?;
    client.diagnosed(back)?;
    Ok(took)
}

/// A change and its opposite, each until its diagnostics come.
fn typed(client: &mut Client, place: Place, new: &str) -> io::Result<Vec<Duration>> {
    let after = match new {
        "\n" => (place.0 + 1, 0),
        _ => (place.0, place.1 + new.len()),
    };
    let mut to_diagnostics = |range, new: &str| -> io::Result<Duration> {
        let started = Instant::now();
        let version = client.change(range, new)?;
        Ok(client.diagnosed(version)? - started)
    };
    Ok(vec![
        to_diagnostics((place, place), new)?,
        to_diagnostics((place, after), "")?,
    ])
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
fn spread(places: &[Place]) -> Vec<Place> {
    let step = places.len().div_ceil(TIMES).max(1);
    places.iter().copied().step_by(step).collect()
}
