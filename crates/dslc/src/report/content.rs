//! What a report says, most pressing first: how it stands, what is open, why it failed, who decided, then all that ran.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use engine::event::{NodeStatus, RunStatus};
use engine::{Engine, InstanceSnapshot, Listed, NodeError, NodeSnapshot, Undo, UndoStatus};
use ir::Value;
use ir::plan::{Body, NodeId};
use ir::show::Shown;
use ir::value::FileRef;

use super::gathered::Gathered;
use super::page::{Block, Line, Page, Section, Span, code, plain, strong, text};
use crate::asking;
use crate::failure::Failure;
use crate::history::History;
use crate::outcome::{argument, here};
use crate::printer::shown;
use crate::text::{duration, tries};

/// The end of a log that is quoted.
const LOG_LINES_MAX: usize = 20;
const LOG_TAIL_BYTES_MAX: u64 = 16 << 10;
/// Longest rendering of a value, in characters.
const VALUE_CHARS_MAX: usize = 160;
/// Instances of one fan-out that have a row each.
const INSTANCES_MAX: usize = 200;

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

    /// How the plan was changed while it ran, and what was kept.
    fn revisions(&self) -> Result<Section, Failure> {
        let mut blocks = Vec::new();
        let mut before = self.history.folder.plan(&self.history.meta)?;
        for revision in self.engine.revisions() {
            let plan = self.history.folder.revision(revision.number, &revision.ir_hash)?;
            let line = format!(
                "revision {}: {}, by {}, {}",
                revision.number,
                shown(&revision.because),
                shown(&revision.by),
                time(revision.time_ms)
            );
            blocks.push(Block::Paragraph(plain(line)));
            let changes = ir::diff::diff(&before, &plan);
            let items = changes.iter().map(change).collect();
            blocks.push(Block::List(items));
            before = plan;
        }
        Ok(Section::new("How the plan was changed", blocks))
    }

    /// Who decided what, when and why.
    fn decisions(&self) -> Section {
        let mut blocks = Vec::new();
        for gate in self.nodes.iter().flat_map(NodeSnapshot::gates) {
            let title = gate
                .ask
                .title
                .as_deref()
                .map_or(String::new(), |title| format!(" {}", shown(title)));
            blocks.push(Block::Paragraph(vec![
                code(shown(&gate.ask.label)),
                text(format!(
                    "{title} — asked {}, of {}",
                    time(gate.asked_ms),
                    asking::who(&gate.ask)
                )),
            ]));
            let mut items = Vec::new();
            for recorded in &gate.decisions {
                let choice = recorded.decision.choice().map(|choice| format!(" with {choice}"));
                let by = if recorded.person.is_some() {
                    format!("{} as {}", recorded.who(), recorded.by)
                } else {
                    recorded.by.to_string()
                };
                let because = recorded.because.as_ref().map(|because| format!(": {}", shown(because)));
                items.push(vec![
                    Span::Status(recorded.decision.name().to_owned()),
                    text(format!(
                        "{} by {by}, {}{}",
                        choice.unwrap_or_default(),
                        time(recorded.time_ms),
                        because.unwrap_or_default()
                    )),
                ]);
            }
            if gate.decisions.is_empty() {
                items.push(plain("nobody has decided"));
            }
            for check in &gate.ask.checks {
                let saw = check.saw.as_ref().map(|saw| format!(" (it saw {saw})"));
                let how = if check.prose {
                    "shown to them, not checked: "
                } else {
                    "held: "
                };
                items.push(vec![
                    text(how),
                    code(shown(&check.text)),
                    text(shown(&saw.unwrap_or_default())),
                ]);
            }
            blocks.push(Block::List(items));
        }
        for asked in self.nodes.iter().flat_map(|node| &node.questions) {
            let Some(wanted) = &asked.ask.question else { continue };
            blocks.push(Block::Paragraph(vec![
                code(shown(&asked.ask.label)),
                text(format!(" asked {}: {}", time(asked.asked_ms), shown(&wanted.text))),
            ]));
            blocks.push(Block::List(vec![match &asked.answered {
                None => plain("nobody has answered"),
                Some(given) => {
                    let because = given.because.as_ref().map(|because| format!(": {}", shown(because)));
                    vec![
                        Span::Status("answered".to_owned()),
                        text(format!(
                            " by {}, {}{}, ",
                            given.by,
                            time(given.time_ms),
                            because.unwrap_or_default()
                        )),
                        code(short(&given.answer)),
                    ]
                }
            }]));
        }
        let chosen = self.nodes.iter().filter_map(|node| {
            let to = self.engine.node(node.chosen?)?;
            Some(vec![code(node.id.as_str()), text(" led to "), code(to.id.as_str())])
        });
        let interventions = self.gathered.interventions.iter();
        let interventions = interventions.map(|done| {
            let mut line = plain(format!("{}: ", time(done.time_ms)));
            line.extend(done.what.iter().cloned());
            line
        });
        let items: Vec<Line> = chosen.chain(interventions).collect();
        if !items.is_empty() {
            blocks.push(Block::List(items));
        }
        Section::new("Decisions", blocks)
    }

    fn evidence(&self) -> Section {
        let plan = self.engine.plan();
        let mut rows = Vec::new();
        for hypothesis in self.engine.hypotheses() {
            let title = hypothesis.title.as_ref().map(|title| format!(" {}", shown(title)));
            rows.push(vec![
                vec![strong(hypothesis.name.as_str()), text(title.unwrap_or_default())],
                plain(format!(
                    "{} ({})",
                    hypothesis.prior,
                    percent(hypothesis.prior.per_mille())
                )),
                plain(format!(
                    "{} ({})",
                    hypothesis.odds,
                    percent(hypothesis.odds.per_mille())
                )),
                self.clauses(plan, &hypothesis.evidence),
            ]);
        }
        Section::new(
            "Evidence and odds",
            table(vec!["hypothesis", "odds at first", "odds now", "evidence"], rows),
        )
    }

    fn clauses(&self, plan: &ir::Plan, evidence: &[engine::EvidenceSnapshot]) -> Line {
        let mut line = Vec::new();
        let writer = Shown {
            plan,
            item: "it",
            renamed: &|name| name,
        };
        for given in evidence.iter().filter(|given| given.holds != Some(false)) {
            let clause = plan
                .nodes
                .get(given.node as usize)
                .and_then(|node| node.body.task())
                .and_then(|task| task.evidence.get(given.clause));
            let when = clause.map(|clause| writer.expr(&clause.when)).unwrap_or_default();
            if !line.is_empty() {
                line.push(text("; "));
            }
            line.push(code(given.label.as_str()));
            let verb = if given.against { "refutes by" } else { "supports by" };
            let told = if given.holds.is_none() { ", cannot be told" } else { "" };
            line.push(text(format!(" {verb} {}{told}: ", given.by.0)));
            line.push(code(when));
        }
        if line.is_empty() {
            line.push(text("none"));
        }
        line
    }

    fn alerts(&self) -> Section {
        let items: Vec<Line> = self
            .engine
            .alerts()
            .iter()
            .map(|alert| {
                let severity = alert.severity.as_ref().map(|severity| format!(" ({severity})"));
                plain(format!(
                    "{}: {}{}",
                    time(alert.time_ms),
                    shown(&alert.name),
                    severity.unwrap_or_default()
                ))
            })
            .collect();
        let blocks = if items.is_empty() {
            Vec::new()
        } else {
            vec![Block::List(items)]
        };
        Section::new("Alerts", blocks)
    }

    /// In plan order, with what a task called and the instances of a fan-out behind it.
    fn ran(&self) -> Section {
        let mut rows = Vec::new();
        let mut left_out = 0;
        let mut instances: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (depth, listed) in self.engine.listing() {
            match listed {
                Listed::Node(node) => rows.push(self.row(depth, &node)),
                Listed::Instance { of, snapshot } => {
                    let count = instances.entry(of).or_default();
                    *count += 1;
                    if *count > INSTANCES_MAX {
                        left_out += 1;
                    } else {
                        rows.push(instance_row(depth, &snapshot));
                    }
                }
            }
        }
        let mut blocks = table(
            vec!["node", "status", "attempts", "took", "started", "what it found"],
            rows,
        );
        if left_out > 0 {
            let more = format!("{left_out} more instances; dslc show {} lists them", self.run);
            blocks.push(Block::Paragraph(plain(more)));
        }
        Section::new("What ran", blocks)
    }

    /// What an abort or a cancel took back, and what it could not.
    fn undone(&self) -> Section {
        let undone = self
            .engine
            .listing()
            .into_iter()
            .filter_map(|(_, listed)| match listed {
                Listed::Node(node) => Some((node.id, node.undo?)),
                Listed::Instance { snapshot, .. } => Some((snapshot.label, snapshot.undo?)),
            });
        let items: Vec<Line> = undone
            .map(|(label, undo)| {
                let mut line = vec![code(shown(&label))];
                line.push(match (undo.status, &undo.error) {
                    (UndoStatus::Done, _) => text(" was undone"),
                    (UndoStatus::Running, _) => text(" is being undone"),
                    (UndoStatus::Failed, None) => text(" was not undone: what it did is still there"),
                    (UndoStatus::Failed, Some(error)) => text(format!(
                        " was not undone, what it did is still there: {}: {}",
                        error.kind,
                        shown(&error.message)
                    )),
                });
                line
            })
            .collect();
        match items.is_empty() {
            true => Section::default(),
            false => Section::new("What was undone", vec![Block::List(items)]),
        }
    }

    fn row(&self, depth: u32, node: &NodeSnapshot) -> Vec<Line> {
        let title = node.title.as_ref().map(|title| format!(" {}", shown(title)));
        let mut found = Vec::new();
        if let Some(because) = node.because.as_ref().filter(|_| node.status == NodeStatus::Skipped) {
            found.push(text(shown(because)));
        }
        for (name, value) in self.declared(node) {
            if !found.is_empty() {
                found.push(text("; "));
            }
            found.push(code(format!("{name} = {}", short(value))));
        }
        vec![
            vec![arrows(depth), code(node.id.as_str()), text(title.unwrap_or_default())],
            status(node.status, node.undo.as_ref()),
            plain(match node.instances.is_empty() {
                true => attempts(node.attempts),
                false => tries(node),
            }),
            plain(node.duration_ms().map(duration).unwrap_or_default()),
            plain(node.started_ms.map(time).unwrap_or_default()),
            found,
        ]
    }

    /// The outputs that the plan gives a task, without what a script always has.
    fn declared<'n>(&self, node: &'n NodeSnapshot) -> impl Iterator<Item = (&'n str, &'n Value)> {
        let plan = self.engine.plan_node(node.node);
        let names: Vec<String> = match plan.map(|plan| &plan.body) {
            Some(Body::Task(task)) => task.output.iter().map(|output| output.name.to_string()).collect(),
            _ => Vec::new(),
        };
        let of_script = plan.is_some_and(|plan| plan.body.script().is_some());
        node.outputs
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .filter(move |(name, _)| !of_script || names.iter().any(|known| known == name))
    }

    fn artifacts(&self) -> Section {
        let mut rows = Vec::new();
        for node in &self.nodes {
            for (name, value) in &node.outputs {
                files(value, &mut |file| {
                    rows.push(vec![
                        vec![code(format!("{}.{name}", node.id))],
                        vec![code(shown(&file.path))],
                        plain(format!("{} bytes", file.size)),
                        vec![code(file.digest.as_str())],
                        vec![code(here(&self.history.folder.artifacts().path(&file.digest)))],
                    ]);
                });
            }
        }
        Section::new(
            "Artifacts",
            table(vec!["output", "made as", "size", "BLAKE3", "where it is"], rows),
        )
    }

    fn unverified(&self) -> Section {
        let items: Vec<Line> = self
            .engine
            .unverified()
            .into_iter()
            .map(|prose| vec![code(prose.label.as_str()), text(format!(": {}", shown(&prose.text)))])
            .collect();
        if items.is_empty() {
            return Section::default();
        }
        let intro = Block::Paragraph(plain(
            "Nobody has judged these expectations; they did not pass, and did not fail.",
        ));
        Section::new("Unverified expectations", vec![intro, Block::List(items)])
    }

    fn origin(&self) -> Section {
        let meta = &self.history.meta;
        let items = vec![
            vec![text("folder "), code(here(self.history.folder.path()))],
            vec![text("compiled plan "), code(meta.ir_hash.as_str())],
            vec![
                text(format!("journal of {} events, ending in ", self.gathered.events)),
                code(self.gathered.head.as_str()),
            ],
            plain(format!(
                "seed {}, {} at a time, driven {}, by {}",
                meta.seed,
                meta.parallel,
                times(self.gathered.drivers),
                meta.engine
            )),
        ];
        let check = format!("dslc verify {0}\ndslc replay {0}", self.run);
        let blocks = vec![
            Block::List(items),
            Block::Paragraph(plain("That nothing of this was changed afterwards is checked with")),
            Block::Verbatim(check),
        ];
        Section::new("Where this comes from", blocks)
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

fn change(change: &ir::diff::Change) -> Line {
    use ir::diff::Kind;
    let mut line = vec![text(format!("{} ", change.what)), code(shown(&change.name))];
    line.push(text(match &change.kind {
        Kind::Added => " is new".to_owned(),
        Kind::Removed => " is gone".to_owned(),
        Kind::Renamed { from } => format!(" was {}", shown(from)),
        Kind::Changed { clauses } => {
            let names: Vec<&str> = clauses.iter().map(|clause| clause.clause.as_str()).collect();
            format!(": {} changed", names.join(", "))
        }
    }));
    line.push(text(format!(" ({})", change.class.word())));
    line
}

fn table(head: Vec<&'static str>, rows: Vec<Vec<Line>>) -> Vec<Block> {
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Block::Table { head, rows }]
}

/// How deep something stands: within the task before it, or what that called.
fn arrows(depth: u32) -> Span {
    text("↳ ".repeat(depth as usize))
}

fn status(status: NodeStatus, undo: Option<&Undo>) -> Line {
    let mut line = vec![Span::Status(status.name().to_owned())];
    if let Some(undo) = undo {
        line.push(text(match undo.status {
            UndoStatus::Running => ", being undone",
            UndoStatus::Done => ", undone",
            UndoStatus::Failed => ", not undone",
        }));
    }
    line
}

fn instance_row(depth: u32, instance: &InstanceSnapshot) -> Vec<Line> {
    let took = instance.settled_ms.zip(instance.started_ms);
    vec![
        vec![arrows(depth), code(shown(&instance.label))],
        status(instance.status, instance.undo.as_ref()),
        plain(attempts(instance.attempts)),
        plain(
            took.map(|(settled, started)| duration(settled - started))
                .unwrap_or_default(),
        ),
        plain(instance.started_ms.map(time).unwrap_or_default()),
        Line::new(),
    ]
}

fn handled(node: &NodeSnapshot) -> &'static str {
    match node.handled {
        Some(true) => " (the plan handled it)",
        Some(false) => " (nothing in the plan handled it)",
        None => "",
    }
}

fn attempts(attempts: u32) -> String {
    match attempts {
        0 => String::new(),
        attempts => attempts.to_string(),
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn percent(per_mille: u32) -> String {
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

fn files<'v>(value: &'v Value, see: &mut dyn FnMut(&'v FileRef)) {
    match value {
        Value::File(file) => see(file),
        Value::List(items) => items.iter().for_each(|item| files(item, see)),
        Value::Record(fields) => fields.values().for_each(|field| files(field, see)),
        _ => {}
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
