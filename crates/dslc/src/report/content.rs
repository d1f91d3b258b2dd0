//! What a report says, most pressing first: how it stands, what is open, why it failed, who decided, then all that ran.

mod decided;
mod left;
mod ran;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use engine::event::{NodeStatus, RunStatus};
use engine::{Engine, InstanceSnapshot, NodeError, NodeSnapshot};
use ir::Value;

use super::gathered::Gathered;
use super::page::{Block, Line, Page, Section, Span, code, plain, strong, text};
use crate::asking;
use crate::failure::Failure;
use crate::history::History;
use crate::outcome::{argument, here};
use crate::printer::shown;
use crate::text::duration;

/// The end of a log that is quoted.
const LOG_LINES_MAX: usize = 20;
const LOG_TAIL_BYTES_MAX: u64 = 16 << 10;
/// Longest rendering of a value, in characters.
const VALUE_CHARS_MAX: usize = 160;

struct Report<'a> {
    history: &'a History,
    gathered: &'a Gathered,
    engine: &'a Engine,
    nodes: Vec<NodeSnapshot>,
    run: &'a str,
}

/// The hand-over of a run.
pub fn report(history: &History, gathered: &Gathered) -> Result<Page, Failure> {
    let report = Report {
        history,
        gathered,
        engine: &history.engine,
        nodes: history.engine.nodes(),
        run: &history.meta.run,
    };
    let sections = [
        report.head(),
        report.open(),
        report.failures(),
        report.undone(),
        report.outputs(),
        report.decisions(),
        report.revisions()?,
        report.evidence(),
        report.alerts(),
        report.ran(),
        report.artifacts(),
        report.unverified(),
        report.origin(),
    ];
    Ok(Page {
        title: report.title(),
        sections: sections
            .into_iter()
            .filter(|section| !section.blocks.is_empty())
            .collect(),
    })
}

impl Report<'_> {
    fn title(&self) -> String {
        let plan = self.engine.plan();
        let title = plan.title.as_deref().unwrap_or(&plan.name);
        format!("{}: {}", shown(title), self.status())
    }

    fn status(&self) -> &'static str {
        self.history.facts().status()
    }

    fn is_over(&self) -> bool {
        self.engine.end().is_some()
    }

    /// What it was for, and how it stands, in sentences and a few facts.
    fn head(&self) -> Section {
        let meta = &self.history.meta;
        let plan = self.engine.plan();
        let mut blocks = Vec::new();
        if let Some(description) = &plan.description {
            blocks.push(Block::Paragraph(plain(shown(description))));
        }
        blocks.push(Block::Paragraph(self.standing()));
        let version = plan
            .version
            .as_ref()
            .map_or_else(String::new, |version| format!(" {version}"));
        let mut facts = vec![
            vec![text("run "), code(self.run)],
            vec![text("plan "), code(format!("{}{version}", meta.plan))],
        ];
        if let Some(source) = &meta.source {
            facts[1].extend([text(" from "), code(shown(source))]);
        }
        if let Some(owner) = &plan.owner {
            facts[1].push(text(format!(", owned by {owner}")));
        }
        facts.push(plain(format!(
            "started {} by {} on {}, {} until now{}",
            moment(&meta.started),
            shown(&meta.who),
            shown(&meta.host),
            duration(self.history.facts().duration_ms()),
            if self.is_over() { "" } else { " (as of its last event)" }
        )));
        for (name, value) in self.engine.inputs() {
            facts.push(vec![text("given "), code(format!("{name} = {}", short(value)))]);
        }
        blocks.push(Block::List(facts));
        Section::new("", blocks)
    }

    fn standing(&self) -> Line {
        let count = |wanted: NodeStatus| self.nodes.iter().filter(|node| node.status == wanted).count();
        let mut line = vec![text("The run is "), Span::Status(self.status().to_owned())];
        let mut counts = Vec::new();
        for status in [
            NodeStatus::Completed,
            NodeStatus::Failed,
            NodeStatus::Skipped,
            NodeStatus::Cancelled,
            NodeStatus::Running,
            NodeStatus::Waiting,
            NodeStatus::Blocked,
            NodeStatus::Pending,
        ] {
            match count(status) {
                0 => {}
                count => counts.push(format!("{count} {}", status.name())),
            }
        }
        line.push(text(format!(
            "; of its {} nodes {}.",
            self.nodes.len(),
            counts.join(", ")
        )));
        if let Some(message) = self.engine.end().and_then(|end| end.message.as_deref()) {
            line.push(text(format!(" {}.", shown(message))));
        }
        line
    }

    /// What somebody has to do, and the commands that do it.
    fn open(&self) -> Section {
        let mut blocks = Vec::new();
        for ask in self.engine.asking() {
            let title = ask.title.as_ref().map(|title| format!(": {}", shown(title)));
            let mut line = vec![
                code(ask.label.as_str()),
                text(format!("{} waits for ", title.unwrap_or_default())),
            ];
            line.push(strong(asking::who(ask)));
            if let Some(deadline_ms) = ask.deadline_ms {
                line.push(text(format!(", until {}", time(deadline_ms))));
            }
            if let Some(wanted) = &ask.question {
                line.push(text(format!(": {}", shown(&wanted.text))));
            }
            blocks.push(Block::Paragraph(line));
            blocks.push(Block::Verbatim(asking::commands(ask, self.run).join("\n")));
        }
        let run = self.run;
        for doubt in self.engine.blocked() {
            blocks.push(Block::Paragraph(vec![
                code(doubt.label.as_str()),
                text(" is in doubt: nobody knows whether its last attempt had its effect. Look, then say"),
            ]));
            let label = argument(&doubt.label);
            blocks.push(Block::Verbatim(format!(
                "dslc resolve {run} {label} completed|failed|retry --because \"…\""
            )));
        }
        let driven = self.history.driven_by.as_ref();
        match (self.engine.status(), driven) {
            (RunStatus::Pending | RunStatus::Running | RunStatus::Paused, None) => {
                blocks.push(Block::Paragraph(plain(
                    "Nobody drives it. What completed is kept; it goes on where it stopped with",
                )));
                blocks.push(Block::Verbatim(format!("dslc resume {run}")));
            }
            (_, Some(holder)) if !self.is_over() => {
                blocks.push(Block::Paragraph(plain(format!("It is driven by {holder}."))));
            }
            _ => {}
        }
        Section::new("What is open", blocks)
    }

    fn failures(&self) -> Section {
        let mut blocks = Vec::new();
        for node in &self.nodes {
            let failed = |instance: &&InstanceSnapshot| instance.status == NodeStatus::Failed;
            let instances: Vec<_> = node.instances.iter().filter(failed).collect();
            if let (NodeStatus::Failed, Some(error)) = (node.status, &node.error) {
                self.failure(&mut blocks, &node.id, error, handled(node), instances.is_empty());
            }
            let tolerated = match node.status {
                NodeStatus::Completed => " (the plan tolerates it)",
                _ => "",
            };
            for instance in instances {
                if let Some(error) = &instance.error {
                    self.failure(&mut blocks, &instance.label, error, tolerated, true);
                }
            }
        }
        Section::new("What failed, and why", blocks)
    }

    fn failure(&self, blocks: &mut Vec<Block>, label: &str, error: &NodeError, handled: &str, quotes: bool) {
        let attempts = match error.attempts {
            0 | 1 => String::new(),
            attempts => format!(", after {attempts} attempts"),
        };
        blocks.push(Block::Paragraph(vec![
            code(label),
            text(" failed as "),
            strong(error.kind.as_str()),
            text(format!("{attempts}: {}{handled}", shown(&error.message))),
        ]));
        let log = self.history.folder.log_path(label, error.attempts);
        if quotes && let Some(tail) = tail(&log) {
            blocks.push(Block::Paragraph(vec![text("The end of "), code(here(&log)), text(":")]));
            blocks.push(Block::Verbatim(tail));
        }
    }

    fn outputs(&self) -> Section {
        let outputs = self.engine.end().map(|end| &end.outputs);
        let rows = outputs.into_iter().flatten();
        let rows: Vec<_> = rows
            .map(|(name, value)| vec![vec![code(name.as_str())], self.value(value)])
            .collect();
        Section::new("What came out", table(vec!["output", "value"], rows))
    }

    fn value(&self, value: &Value) -> Line {
        match value {
            Value::File(file) => vec![
                code(here(&self.history.folder.artifacts().path(&file.digest))),
                text(format!(" ({}, {} bytes)", shown(&file.path), file.size)),
            ],
            value => vec![code(short(value))],
        }
    }
}

fn table(head: Vec<&'static str>, rows: Vec<Vec<Line>>) -> Vec<Block> {
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Block::Table { head, rows }]
}

fn handled(node: &NodeSnapshot) -> &'static str {
    match node.handled {
        Some(true) => " (the plan handled it)",
        Some(false) => " (nothing in the plan handled it)",
        None => "",
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::None => "none".to_owned(),
        Value::List(_) | Value::Record(_) => ir::data::to_plain_json(value).to_string(),
        Value::File(file) => file.path.to_string(),
        value => ir::data::render(value),
    };
    let text = shown(text.trim());
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn time(ms: i64) -> String {
    moment(&store::rfc3339(ms))
}

/// `2026-11-21 16:59:22 UTC`
fn moment(rfc3339: &str) -> String {
    let seconds = rfc3339.split('.').next().unwrap_or(rfc3339);
    format!("{} UTC", seconds.trim_end_matches('Z').replace('T', " "))
}

/// The last lines of a log; nothing of one that is empty or gone.
fn tail(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let len = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(LOG_TAIL_BYTES_MAX)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(LOG_LINES_MAX);
    let tail: Vec<String> = lines[skipped..].iter().map(|line| shown(line)).collect();
    (!tail.is_empty()).then(|| tail.join("\n"))
}
