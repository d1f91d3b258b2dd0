//! `dslc show`: one run, node by node.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs;

use engine::event::{NodeStatus, Usage};
use engine::{InstanceSnapshot, Listed, NodeSnapshot, Reused, Undo, UndoStatus};
use ir::plan::Money;
use store::RunFolder;

use crate::failure::{Exit, Failure};
use crate::history::{History, RunArgs};
use crate::outcome;
use crate::printer::{Printer, bold, shown};
use crate::summary::Facts;
use crate::text;

/// Show a run: its nodes with status, attempts and time
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dslc show last\n  dslc show k3fx --json")]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let history = History::read(args.run.folder()?)?;
    let facts = history.facts();
    if args.json {
        printer.raw_line(&facts.json(true));
        return Ok(Exit::Fine);
    }
    let mut text = head(&history, &facts);
    for (depth, listed) in history.engine.listing() {
        let indent = " ".repeat(2 + 2 * depth as usize);
        text.push_str(&match listed {
            Listed::Node(node) => row(&indent, &node),
            Listed::Instance { snapshot, .. } => instance_row(&indent, &snapshot),
        });
    }
    for hypothesis in history.engine.hypotheses() {
        let likely = hypothesis.odds.per_mille();
        let title = hypothesis.title.as_deref().map(|title| format!("  {}", shown(title)));
        // Infallible: writing to a string.
        let _ = writeln!(
            text,
            "  {:>9} % {}{}  odds {}",
            format!("{}.{}", likely / 10, likely % 10),
            bold(&shown(&hypothesis.name), None),
            title.unwrap_or_default(),
            hypothesis.odds
        );
    }
    for alert in history.engine.alerts() {
        let severity = alert.severity.as_deref().unwrap_or_default();
        let _ = writeln!(text, "  alert       {}  {severity}", shown(&alert.name));
    }
    if facts.status() == "failed" {
        warned(&history.folder)
            .iter()
            .for_each(|warning| printer.warning(warning));
    }
    printer.out(&text);
    printer.out(&outcome::results(&history.engine, &history.folder));
    printer.out(&outcome::next_steps(
        &history.engine,
        &history.folder,
        history.driven_by.is_some(),
    ));
    Ok(Exit::Fine)
}

/// What drivers in the background have warned of, which nobody saw.
fn warned(folder: &RunFolder) -> Vec<String> {
    let said = fs::read(folder.path().join(runtime::DRIVER_LOG)).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let warnings = said.lines().filter_map(|line| line.strip_prefix("warning: "));
    let mut seen = HashSet::new();
    let each_once = warnings.filter(|warning| seen.insert(*warning));
    each_once.map(str::to_owned).collect()
}

fn head(history: &History, facts: &Facts<'_>) -> String {
    let meta = &history.meta;
    let mut text = format!("{} {}", bold("run", None), meta.run);
    // Infallible: writing to a string.
    let _ = write!(text, "  {}", text::status(facts.status()));
    let version = history
        .engine
        .plan()
        .version
        .as_ref()
        .map_or_else(String::new, |version| format!(" {version}"));
    let _ = writeln!(
        text,
        "\nplan {}{version}, started {}, {}",
        meta.plan,
        meta.started,
        text::duration(facts.duration_ms())
    );
    let all = used(None, facts.engine.used());
    if !all.is_empty() {
        let _ = writeln!(text, "used{all}");
    }
    for revision in history.engine.revisions() {
        let _ = writeln!(
            text,
            "revision {}, {} by {}: {}",
            revision.number,
            store::rfc3339(revision.time_ms),
            shown(&revision.by),
            shown(&revision.because)
        );
    }
    if let Some(holder) = &history.driven_by {
        let _ = writeln!(text, "driven by {holder}");
    }
    text.push('\n');
    text
}

fn row(indent: &str, node: &NodeSnapshot) -> String {
    let mut text = format!(
        "{indent}{} {}",
        text::status_padded(node.status.name()),
        bold(&shown(&node.id), None)
    );
    if let Some(title) = &node.title {
        let _ = write!(text, "  {}", shown(title));
    }
    details(&mut text, &text::tries(node), node.duration_ms(), node.undo.as_ref());
    reused(&mut text, node.reused.as_ref());
    text.push_str(&used(node.agent.as_deref(), node.used));
    text.push('\n');
    if let Some(error) = node.error.as_ref().filter(|_| node.instances.is_empty()) {
        let handled = if node.handled == Some(true) { " (handled)" } else { "" };
        let _ = writeln!(
            text,
            "{indent}              {}: {}{handled}",
            error.kind,
            shown(&error.message)
        );
    } else if node.status == NodeStatus::Skipped
        && let Some(because) = &node.because
    {
        let _ = writeln!(text, "{indent}              {}", shown(because));
    }
    for asked in &node.questions {
        if let Some(given) = &asked.answered {
            let answer = ir::data::to_plain_json(&given.answer).to_string();
            let because = given.because.as_ref().map(|because| format!(": {because}"));
            let about = asked.ask.instance.map(|_| format!("{}: ", asked.ask.label));
            let line = format!(
                "{}{} answered {answer}{}",
                about.unwrap_or_default(),
                given.by,
                because.unwrap_or_default()
            );
            let _ = writeln!(text, "                {}", shown(&line));
        }
    }
    for recorded in node.gate.iter().flat_map(|gate| &gate.decisions) {
        let _ = writeln!(text, "                {}", shown(&recorded.to_string()));
    }
    not_undone(&mut text, indent, node.undo.as_ref());
    text
}

fn instance_row(indent: &str, instance: &InstanceSnapshot) -> String {
    let mut text = format!(
        "{indent}{} {}",
        text::status_padded(instance.status.name()),
        shown(&instance.label)
    );
    let duration = instance
        .settled_ms
        .zip(instance.started_ms)
        .map(|(settled, started)| settled - started);
    let tries = match instance.attempts {
        0 | 1 => String::new(),
        attempts => format!("{attempts} attempts"),
    };
    details(&mut text, &tries, duration, instance.undo.as_ref());
    reused(&mut text, instance.reused.as_ref());
    text.push_str(&used(instance.agent.as_deref(), Usage::default()));
    text.push('\n');
    if let Some(error) = &instance.error {
        let _ = writeln!(text, "{indent}              {}: {}", error.kind, shown(&error.message));
    }
    let said = instance
        .gate
        .iter()
        .flat_map(|gate| &gate.decisions)
        .map(ToString::to_string);
    // who rejected it is what it failed with
    for said in said.filter(|said| instance.error.as_ref().is_none_or(|error| error.message != *said)) {
        let _ = writeln!(text, "{indent}              {}", shown(&said));
    }
    not_undone(&mut text, indent, instance.undo.as_ref());
    text
}

/// `  by coder  $0.40  1200 tokens`, as far as there is something to say.
fn used(agent: Option<&str>, used: Usage) -> String {
    let mut text = String::new();
    if let Some(agent) = agent {
        let _ = write!(text, "  by {}", shown(agent));
    }
    if used.cost != Money::default() {
        let _ = write!(text, "  ${}", ir::quantity::render_money(used.cost.0));
    }
    if used.tokens > 0 {
        let _ = write!(text, "  {} tokens", used.tokens);
    }
    text
}

fn not_undone(text: &mut String, indent: &str, undo: Option<&Undo>) {
    if let Some(error) = undo.and_then(|undo| undo.error.as_ref()) {
        let _ = writeln!(
            text,
            "{indent}              its undo: {}: {}",
            error.kind,
            shown(&error.message)
        );
    }
}

fn reused(text: &mut String, reused: Option<&Reused>) {
    if let Some(reused) = reused {
        let _ = write!(text, "  reused from {}", reused.run);
    }
}

fn details(text: &mut String, tries: &str, duration_ms: Option<i64>, undo: Option<&Undo>) {
    if !tries.is_empty() {
        let _ = write!(text, "  {tries}");
    }
    if let Some(ms) = duration_ms {
        let _ = write!(text, "  {}", text::duration(ms));
    }
    if let Some(undo) = undo {
        text.push_str(match undo.status {
            UndoStatus::Running => "  being undone",
            UndoStatus::Done => "  undone",
            UndoStatus::Failed => "  not undone",
        });
    }
}
