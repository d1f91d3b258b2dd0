//! `dslc explain-cache`: what a node's result was looked for by, what came of it, and what differs from an earlier run.

use std::fmt::Write;

use engine::event::EventKind;
use engine::{Engine, Reused};
use ir::fingerprint::{self, Difference, Kind, Part};
use ir::plan::NodeId;
use ir::quantity::render_time;
use serde::Serialize;
use store::CacheEntry;

use crate::failure::{Exit, Failure};
use crate::history::{History, RunArgs};
use crate::printer::{Printer, bold, shown};

/// Explain why a task ran or did not: what its result follows from, and what differs from an earlier run
#[derive(clap::Args)]
#[command(after_help = "\
A result of an earlier run is reused where everything listed here is the same and the task's `cache:` allows its age.

Examples:
  dslc explain-cache last summarize
  dslc explain-cache k3fx 'read[https://example.org]' --json")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The node, or the instance `node[key]`
    #[arg(value_name = "NODE")]
    node: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What is known about one look.
#[derive(Serialize)]
struct Explained {
    run: String,
    node: String,
    /// `reused`, `made`, or `waiting` before it was looked for.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reused: Option<Reused>,
    /// Why what was there did not stand in.
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<String>,
    key: String,
    parts: Vec<Part>,
    /// The nearest result of another run of the same task.
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<Compared>,
}

#[derive(Serialize)]
struct Compared {
    run: String,
    label: String,
    made_ms: i64,
    differences: Vec<Difference>,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let mut looks = Vec::new();
    let history = History::read_with(args.run.folder()?, |_, event, _| {
        if let EventKind::LookedUp {
            node,
            instance,
            missed: Some(missed),
            ..
        } = &event.kind
        {
            looks.push(((*node, *instance), missed.clone()));
        }
    })?;
    let engine = &history.engine;
    let (node, instance) = find(engine, &args.node)?;
    let Some(wanted) = engine.sought(node, instance) else {
        return Err(never(engine, node, &args.node));
    };
    let mut parts = wanted.parts;
    let looked = engine.looked(node, instance);
    parts.extend(looked.iter().flat_map(|(_, files)| files.iter().cloned()));
    let key = looked.map_or_else(|| fingerprint::digest(&parts), |(key, _)| key.to_string());
    let reused = engine.reused(node, instance).cloned();
    let missed = looks.into_iter().rev().find(|(unit, _)| *unit == (node, instance));
    let plan = engine.plan_of(node).name.clone();
    let own = engine.plan_node(node).map(|node| node.id.clone()).unwrap_or_default();
    let mut cache = history.folder.store().cache()?;
    let nearest = cache.nearest(&plan, &own, &args.node, history.folder.id())?;
    let explained = Explained {
        run: history.meta.run.clone(),
        node: wanted.label.to_string(),
        outcome: match (&reused, looked) {
            (Some(_), _) => "reused",
            (None, Some(_)) => "made",
            (None, None) => "waiting",
        },
        reused,
        missed: missed.map(|(_, why)| why),
        key,
        compared: nearest.map(|entry| compared(&entry, &parts)),
        parts,
    };
    if args.json {
        // Plain structures of strings and numbers always serialise.
        printer.raw_line(&serde_json::to_string(&explained).unwrap_or_default());
    } else {
        printer.out(&said(&explained));
    }
    Ok(Exit::Fine)
}

fn compared(entry: &CacheEntry, parts: &[Part]) -> Compared {
    Compared {
        run: entry.run.clone(),
        label: entry.label.clone(),
        made_ms: entry.made_ms,
        differences: fingerprint::differences(&entry.parts, parts),
    }
}

/// The node, or the instance of a fan-out, of a name.
fn find(engine: &Engine, name: &str) -> Result<(NodeId, Option<u32>), Failure> {
    let found = engine.find_unit(name);
    let (node, instance) =
        found.ok_or_else(|| Failure::usage(format!("the run has no node `{name}`; `dslc show` lists them")))?;
    let instances = engine.node(node).map(|node| node.instances).unwrap_or_default();
    match instances.first().filter(|_| instance.is_none()) {
        None => Ok((node, instance)),
        Some(first) => Err(Failure::usage(format!(
            "`{name}` has {} instances, expected one of them, as `{}`",
            instances.len(),
            first.label
        ))),
    }
}

fn never(engine: &Engine, node: NodeId, name: &str) -> Failure {
    let task = engine.plan_node(node).and_then(|node| node.body.task());
    let why = match task {
        None => "it is no task",
        Some(task) if task.cache_ms.is_none() => "it has no `cache:`",
        Some(task) if !task.idempotent => "it may not be repeated, so every run does it anew",
        Some(_) => "it runs nothing of its own",
    };
    Failure::usage(format!("the result of `{name}` is never reused: {why}"))
}

fn said(explained: &Explained) -> String {
    let mut text = format!("{}  ", bold(&shown(&explained.node), None));
    // Infallible: writing to a string.
    let _ = match (&explained.reused, &explained.missed) {
        (Some(reused), _) => writeln!(
            text,
            "reused: the result of run {}, made {}",
            reused.run,
            render_time(reused.made_ms)
        ),
        (None, Some(missed)) => writeln!(text, "made anew: {}", shown(missed)),
        (None, None) if explained.outcome == "made" => writeln!(text, "made anew: no result was kept for it"),
        (None, None) => writeln!(text, "not looked for yet"),
    };
    let _ = writeln!(text, "key {}\n", explained.key);
    for (kind, title) in KINDS {
        for part in explained.parts.iter().filter(|part| part.kind == kind) {
            let content = if part.shown.is_empty() {
                &part.digest[..12.min(part.digest.len())]
            } else {
                &part.shown
            };
            let _ = writeln!(text, "  {title:<8} {:<28} {}", shown(&part.what), one_line(content));
        }
    }
    if let Some(compared) = &explained.compared {
        let made = render_time(compared.made_ms);
        let _ = match compared.differences.is_empty() {
            true => writeln!(text, "\nthe same as in run {}, made {made}", compared.run),
            false => writeln!(text, "\ndiffers from run {}, made {made}:", compared.run),
        };
        if compared.label != explained.node {
            let _ = writeln!(text, "  (there it was `{}`)", shown(&compared.label));
        }
        for one in &compared.differences {
            if one.before == one.now {
                let _ = writeln!(text, "  {}: other contents", shown(&one.what));
                continue;
            }
            let side = |side: &Option<String>| side.as_deref().map_or("nothing".to_owned(), one_line);
            let _ = writeln!(
                text,
                "  {}: was {}, is {}",
                shown(&one.what),
                side(&one.before),
                side(&one.now)
            );
        }
    }
    text
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Clause, "says"),
    (Kind::Use, "uses"),
    (Kind::Lead, "after"),
    (Kind::Value, "reads"),
    (Kind::Files, "files"),
];

/// A part whose content is too much to show is known by its hash.
fn one_line(text: &str) -> String {
    match text.is_empty() {
        true => "something else".to_owned(),
        false => shown(&text.replace('\n', " ⏎ ")),
    }
}
