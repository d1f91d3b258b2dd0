//! What a run has come to, for people: its outputs and where they are, what failed and why, what nobody verified, and what to
//! type next.

use std::fmt::Write;
use std::path::Path;

use engine::event::{Ask, NodeStatus, RunStatus};
use engine::{Engine, Listed, NodeError, NodeSnapshot};
use ir::Value;
use smol_str::SmolStr;
use store::RunFolder;

use crate::asking;
use crate::failure::Exit;
use crate::printer::{Paint, bold, shown};

/// The exit code of a run that nothing drives any more.
pub fn exit(engine: &Engine) -> Exit {
    match engine.status() {
        // somebody has to raise it
        RunStatus::Paused if engine.paused_for().is_some() => Exit::Waiting,
        RunStatus::Completed => Exit::Fine,
        RunStatus::Failed | RunStatus::Cancelled => Exit::RunFailed,
        RunStatus::Blocked => Exit::Waiting,
        RunStatus::Paused | RunStatus::Pending | RunStatus::Running => Exit::Interrupted,
    }
}

/// The plan's outputs, with the paths of those that are files, and expectations that nobody verified.
pub fn results(engine: &Engine, folder: &RunFolder) -> String {
    let mut text = String::new();
    let outputs = engine.end().map(|end| &end.outputs);
    if let Some(outputs) = outputs.filter(|outputs| !outputs.is_empty()) {
        heading(&mut text, "outputs", None);
        for (name, value) in outputs {
            let _ = writeln!(text, "  {name}: {}", shown(&self::value(value, folder)));
        }
    }
    let unverified = engine.unverified();
    if !unverified.is_empty() {
        heading(
            &mut text,
            "unverified: nobody has judged these expectations",
            Some(Paint::Yellow),
        );
        for prose in unverified {
            let _ = writeln!(text, "  {}: {}", prose.label, shown(&prose.text));
        }
    }
    text
}

/// What failed and why, and the commands that lead on.
pub fn next_steps(engine: &Engine, folder: &RunFolder, driven: bool) -> String {
    let mut text = failures(engine, folder);
    let run = folder.id();
    let blocked = engine.blocked();
    if !blocked.is_empty() {
        heading(
            &mut text,
            "in doubt: nobody knows whether these had their effect; look, then say",
            Some(Paint::Yellow),
        );
        for attempt in blocked {
            let _ = writeln!(
                text,
                "  dslc resolve {run} {} completed|failed|retry --because \"…\"",
                argument(&attempt.label)
            );
        }
    }
    let asking = engine.asking();
    if !asking.is_empty() {
        heading(&mut text, "waits for people", Some(Paint::Yellow));
        for ask in asking {
            let approved = approved(engine, ask);
            text.push_str(&asking::question(ask, approved, run, store::now_ms()));
        }
    }
    let failed = runtime::failed_nodes(engine);
    if matches!(engine.status(), RunStatus::Failed | RunStatus::Cancelled) && !failed.is_empty() {
        heading(&mut text, "to try again", None);
        let names: Vec<String> = failed.iter().map(|name| argument(name)).collect();
        let _ = writeln!(text, "  dslc retry {run} {}", names.join(" "));
    }
    if !engine.status().is_over() && !driven && engine.status() != RunStatus::Blocked {
        match engine.paused_for() {
            Some(item) => {
                let words = format!(
                    "paused: what is next is not within the budget for {}; raise it to go on",
                    item.name()
                );
                heading(&mut text, &words, Some(Paint::Yellow));
                let _ = writeln!(text, "  dslc resume {run} --budget {}=…", item.name());
            }
            None => {
                heading(&mut text, "to go on", None);
                let _ = writeln!(text, "  dslc resume {run}");
            }
        }
    }
    text
}

/// How many have said yes to what is asked.
fn approved(engine: &Engine, ask: &Ask) -> usize {
    let node = engine.node(ask.node);
    let mut gates = node.iter().flat_map(NodeSnapshot::gates);
    let gate = gates.find(|gate| gate.ask.instance == ask.instance);
    gate.map_or(0, |gate| gate.decisions.len())
}

fn failures(engine: &Engine, folder: &RunFolder) -> String {
    let mut text = String::new();
    if let Some(message) = engine.end().and_then(|end| end.message.as_ref()) {
        heading(&mut text, &shown(message), Some(Paint::Red));
    }
    let failed = unhandled(engine);
    if !failed.is_empty() {
        heading(&mut text, "failed", Some(Paint::Red));
    }
    for (label, error) in failed {
        failure(&mut text, &label, &error, folder);
    }
    let not_undone = not_undone(engine);
    if !not_undone.is_empty() {
        heading(&mut text, "not undone: what these did is still there", Some(Paint::Red));
    }
    for (label, error) in not_undone {
        failure(&mut text, &format!("undo of {label}"), &error, folder);
    }
    text
}

/// Failures that nothing handled, down to where they happened. What failed within a call that came to a good end, in a further
/// attempt, say, is none.
fn unhandled(engine: &Engine) -> Vec<(SmolStr, NodeError)> {
    let mut found = Vec::new();
    // what is deeper than this is of no interest
    let mut depth_max = u32::MAX;
    for (depth, listed) in engine.listing() {
        if depth > depth_max {
            continue;
        }
        depth_max = u32::MAX;
        let (label, status, error, handled, told) = match listed {
            Listed::Node(node) => {
                let told = node
                    .instances
                    .iter()
                    .any(|instance| instance.status == NodeStatus::Failed);
                (node.id, node.status, node.error, node.handled == Some(true), told)
            }
            Listed::Instance { snapshot, .. } => (snapshot.label, snapshot.status, snapshot.error, false, false),
        };
        match error.filter(|_| status == NodeStatus::Failed && !handled) {
            // its instances say why
            Some(_) if told => {}
            Some(error) => found.push((label, error)),
            None => depth_max = depth,
        }
    }
    found
}

fn not_undone(engine: &Engine) -> Vec<(SmolStr, NodeError)> {
    let failed = |(_, listed)| match listed {
        Listed::Node(node) => Some((node.id, node.undo?.error?)),
        Listed::Instance { snapshot, .. } => Some((snapshot.label, snapshot.undo?.error?)),
    };
    engine.listing().into_iter().filter_map(failed).collect()
}

fn failure(text: &mut String, label: &str, error: &NodeError, folder: &RunFolder) {
    let _ = writeln!(
        text,
        "  {}  {}: {}",
        bold(&shown(label), None),
        error.kind,
        shown(&error.message)
    );
    let log = folder.log_path(label, error.attempts);
    if log.exists() {
        let _ = writeln!(text, "    log {}", here(&log));
    }
}

fn value(value: &Value, folder: &RunFolder) -> String {
    match value {
        Value::File(file) => format!("{}  ({})", here(&folder.artifacts().path(&file.digest)), file.path),
        Value::List(items) if items.iter().any(|item| matches!(item, Value::File(_))) => items
            .iter()
            .map(|item| self::value(item, folder))
            .collect::<Vec<_>>()
            .join(", "),
        Value::List(_) | Value::Record(_) => ir::data::to_plain_json(value).to_string(),
        Value::None => "none".to_owned(),
        value => ir::data::render(value),
    }
}

/// Relative to the current folder where it lies below it.
pub fn here(path: &Path) -> String {
    let cwd = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&cwd).unwrap_or(path).display().to_string()
}

fn heading(text: &mut String, words: &str, paint: Option<Paint>) {
    let _ = writeln!(text, "\n{}", bold(words, paint));
}

/// As a shell takes it.
pub fn argument(label: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if label.chars().all(plain) {
        label.to_owned()
    } else {
        format!("'{}'", label.replace('\'', "'\\''"))
    }
}
