//! Scenarios, text in and text out: `scenarios/*.md`, one to a section.
//!
//! A `plan` block, perhaps a `changed` one for `> replan`, then a `run` block in which `>` lines are events and the
//! lines below each say what came of it, notices before commands. `BLESS=1` rewrites them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use engine::event::{
    Account, Ask, AttemptId, Call, Command, Ended, Event, EventKind, Found, GateDecision, How, Kept, Observation,
    Resolution, Revision, RunStarted, StartAttempt, Timer, Usage,
};
use engine::{Carried, Engine, Listed, NodeSnapshot, Notice, Phase, Undo};
use ir::eval::World;
use ir::expr::Capture;
use ir::fingerprint::Difference;
use ir::plan::{Budget, Money, NodeId, Plan};
use ir::value::{FileRef, Value};

use crate::{drive, notation};

#[test]
#[expect(clippy::disallowed_methods, reason = "the test reads its scenarios")]
fn scenarios_come_out_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/scenarios");
    let bless = std::env::var("BLESS").is_ok();
    let mut wrong = Vec::new();
    for name in [
        "graph",
        "attempts",
        "calls",
        "agents",
        "budgets",
        "queue",
        "fan-out",
        "stopping",
        "world",
        "people",
        "questions",
        "subplans",
        "rollback",
        "retry",
        "replan",
        "hypotheses",
        "alerts",
        "reuse",
        "memory",
    ] {
        let path = format!("{folder}/{name}.md");
        let text = std::fs::read_to_string(&path).expect("a file of scenarios");
        let actual = played(&text);
        if bless {
            std::fs::write(&path, actual).expect("a file that can be written");
        } else if actual != text {
            let differs = text
                .lines()
                .zip(actual.lines())
                .find(|(expected, actual)| expected != actual);
            wrong.push(format!("{name}.md, first difference: {differs:?}\n{actual}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The text with every `run` block as it comes out.
fn played(text: &str) -> String {
    let mut out = String::new();
    let (mut block, mut content, mut plan, mut changed) = (None, String::new(), String::new(), String::new());
    for line in text.lines() {
        match (block, line) {
            (None, "```plan" | "```changed" | "```run") => {
                block = line.strip_prefix("```");
                content.clear();
                out += &format!("{line}\n");
            }
            (None, _) => out += &format!("{line}\n"),
            (Some(kind), "```") => {
                if kind == "plan" {
                    plan.clone_from(&content);
                    out += &content;
                } else if kind == "changed" {
                    changed.clone_from(&content);
                    out += &content;
                } else {
                    let events = content.lines().filter_map(|line| line.strip_prefix("> "));
                    out += &Play::new(notation::plan(&plan), &changed).all(events);
                }
                out += "```\n";
                block = None;
            }
            (Some(_), _) => content += &format!("{line}\n"),
        }
    }
    out
}

struct Play {
    engine: Engine,
    plan: Arc<Plan>,
    /// The plan that it may be changed to.
    changed: String,
    time_ms: i64,
    last: Option<EventKind>,
    /// The last attempt of each label.
    attempts: BTreeMap<String, AttemptId>,
    /// The last question of each, and in which attempt.
    asked: BTreeMap<String, (NodeId, Option<u32>, u32)>,
    /// Units for which a result is looked for.
    wanted: BTreeMap<String, (NodeId, Option<u32>)>,
    world: Pretend,
    out: String,
}

impl Play {
    fn new(plan: Plan, changed: &str) -> Self {
        let plan = Arc::new(plan);
        Self {
            engine: Engine::new(plan.clone()),
            plan,
            changed: changed.to_owned(),
            time_ms: 0,
            last: None,
            attempts: BTreeMap::new(),
            asked: BTreeMap::new(),
            wanted: BTreeMap::new(),
            world: Pretend::default(),
            out: String::new(),
        }
    }

    fn all<'a>(mut self, lines: impl Iterator<Item = &'a str>) -> String {
        for line in lines {
            self.say(&format!("> {line}"));
            self.line(line);
        }
        self.out
    }

    fn say(&mut self, line: &str) {
        self.out += line;
        self.out += "\n";
    }

    fn line(&mut self, line: &str) {
        let mut words = words(line);
        if let Some(ms) = words[0].strip_prefix('+') {
            self.time_ms += ms.parse::<i64>().expect("milliseconds");
            words.remove(0);
        }
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["start", params @ ..] => self.start(params),
            ["nodes"] => self.nodes(),
            ["unverified"] => {
                for unverified in self.engine.unverified() {
                    self.say(&format!("{}: {}", unverified.label, unverified.text));
                }
            }
            ["world", name, "=", value] => self.world.set(name, value),
            ["pause"] => self.tell(EventKind::PAUSE),
            ["resume"] => self.tell(EventKind::RESUME),
            ["cancel"] => self.tell(EventKind::CancelAsked {
                because: None,
                rollback: false,
            }),
            ["cancel", "rollback"] => self.tell(EventKind::CancelAsked {
                because: None,
                rollback: true,
            }),
            ["driver"] => self.tell(drive::driver()),
            ["again"] => self.tell(self.last.clone().expect("an event before")),
            ["lost", label] => self.tell(EventKind::AttemptLost {
                attempt: self.attempts[*label],
            }),
            [decision @ ("approve" | "reject"), gate, "as", by, rest @ ..] => self.decide(decision, gate, by, rest),
            ["timer", "answer", label] => {
                let (node, instance, attempt) = self.asked[*label];
                let timer = Timer::Answer {
                    node,
                    instance,
                    attempt,
                };
                self.tell(EventKind::TimerFired { timer });
            }
            ["timer", "gate", gate] => {
                let timer = Timer::Gate { node: self.node(gate) };
                self.tell(EventKind::TimerFired { timer });
            }
            ["timer", "budget"] => self.tell(EventKind::TimerFired { timer: Timer::Budget }),
            ["timer", "account", account] => {
                let account = match account.parse() {
                    Ok(scope) => Account::Plan(scope),
                    Err(_) => Account::Agent((*account).into()),
                };
                let timer = Timer::Account { account };
                self.tell(EventKind::TimerFired { timer });
            }
            ["raise", cost] => {
                let cost = Some(Money(ir::quantity::parse_money(cost).expect("money")));
                let budget = Budget {
                    cost,
                    ..Budget::default()
                };
                let by = "user/ann".to_owned();
                self.tell(EventKind::BudgetRaised { budget, by });
            }
            ["used"] => {
                let Usage { cost, tokens } = self.engine.used();
                self.say(&format!("{} and {tokens} tokens", ir::quantity::render_money(cost.0)));
            }
            ["timer", "alerts"] => self.tell(EventKind::TimerFired { timer: Timer::Alert }),
            ["odds"] => self.odds(),
            ["timer", "plan"] => self.tell(EventKind::TimerFired { timer: Timer::Plan }),
            ["timer-of", label, attempt] => {
                let node = self.node(label);
                let attempt = attempt.parse().expect("a number");
                let timer = Timer::Call {
                    node,
                    instance: None,
                    attempt,
                };
                self.tell(EventKind::TimerFired { timer });
            }
            ["timer", label, number @ ..] => {
                let (node, instance, attempt) = match self.attempts.get(*label) {
                    Some(attempt) => (attempt.node, attempt.instance, attempt.attempt),
                    None => {
                        let node = self.node(label);
                        (node, None, self.engine.node(node).map_or(0, |node| node.attempts))
                    }
                };
                let attempt = number
                    .first()
                    .map_or(attempt, |number| number.parse::<u32>().expect("a number") - 1);
                self.tell(EventKind::TimerFired {
                    timer: Timer::Backoff {
                        node,
                        instance,
                        attempt: attempt + 1,
                    },
                });
            }
            [by, "answers", label, ..] if by.starts_with("user/") => {
                let json = line.split_once(" with ").expect("an answer").1;
                let (node, instance, _) = self.asked[*label];
                self.tell(EventKind::Answered {
                    node,
                    instance,
                    by: (*by).into(),
                    answer: answer(json),
                    because: None,
                });
            }
            ["nothing-for", label] => self.looked_up(label, None),
            ["found", label, outputs @ ..] => self.looked_up(label, Some(outputs)),
            ["kept", id] => {
                let node = self.engine.find(id).expect("a node of the run");
                self.tell(EventKind::Remembered { node });
            }
            [label, "answers", ..] => {
                let json = line.split_once(" answers ").expect("an answer").1;
                let (json, used) = json
                    .split_once(" for ")
                    .map_or((json, None), |(json, used)| (json, Some(usage(used))));
                self.ended(label, How::Answered(answer(json)), used);
            }
            [label, "fails", mode, message] => {
                let (mode, message) = ((*mode).into(), (*message).to_owned());
                self.ended(label, How::CallFailed { mode, message }, None);
            }
            ["replan", because, rerun @ ..] => {
                let plan = notation::plan(&self.changed);
                self.tell(EventKind::Replanned(Revision {
                    number: self.engine.next_revision(),
                    ir_hash: plan.hash().into(),
                    inputs: self.engine.inputs().clone(),
                    rerun: rerun.iter().map(|node| (*node).into()).collect(),
                    because: (*because).to_owned(),
                    by: "ann".to_owned(),
                    plan: Some(Arc::new(plan)),
                }));
            }
            ["carried"] => {
                for (node, what) in self.engine.carried() {
                    let name = self.named(node, None);
                    self.say(&format!("{name}: {}", carried(&what)));
                }
                for (name, undone) in self.engine.left_behind() {
                    self.say(&format!("{name}: gone{}", if undone { ", undone" } else { "" }));
                }
            }
            ["retry", nodes @ ..] => self.tell(EventKind::RetryAsked {
                nodes: nodes
                    .iter()
                    .map(|node| self.engine.find(node).expect("a node"))
                    .collect(),
                because: None,
                by: "ann".to_owned(),
            }),
            ["resolve", label, resolution] => self.resolve(label, resolution),
            [label, how @ ..] => self.end(label, how),
            [] => {}
        }
    }

    fn start(&mut self, params: &[&str]) {
        let params = params.iter().filter_map(|param| param.split_once('='));
        let values = params.map(|(name, value)| (name.into(), Value::String(value.into())));
        // what earlier runs remembered goes by slots, which have a colon
        let (memory, inputs) = values.partition(|(name, _): &(smol_str::SmolStr, _)| name.contains(':'));
        self.tell(EventKind::RunStarted(RunStarted {
            run: "r1".into(),
            inputs,
            seed: 1,
            parallel: self.plan.limits.parallel.unwrap_or(4),
            workspace: "/w".to_owned(),
            memory,
        }));
    }

    /// What came of looking for a result: `name=text` for each of its outputs and, with a colon in it, of what it remembered.
    fn looked_up(&mut self, label: &str, found: Option<&[&str]>) {
        let (node, instance) = self.wanted[label];
        let wanted = self.engine.sought(node, instance).expect("something to look for");
        let value = |part: &&str| {
            let (name, text) = part.split_once('=').expect("name=text");
            (name.into(), Value::String(text.into()))
        };
        let found = found.map(|outputs| {
            let (writes, outputs) = outputs
                .iter()
                .map(value)
                .partition(|(name, _): &(smol_str::SmolStr, _)| name.contains(':'));
            Box::new(Found {
                run: "r0".into(),
                made_ms: 7,
                result: Kept {
                    outputs,
                    writes,
                    ..Kept::default()
                },
            })
        });
        self.tell(EventKind::LookedUp {
            node,
            instance,
            key: ir::fingerprint::digest(&wanted.parts).into(),
            files: Vec::new(),
            found,
            missed: None,
        });
    }

    /// `exit 2 "stdout" "stderr"`, `timeout`, `signal 9`, …
    fn end(&mut self, label: &str, how: &[&str]) {
        let attempt = self.attempts[label];
        let (how, rest) = match how {
            ["exit", code, rest @ ..] => (How::Exited(code.parse().expect("a code")), rest),
            ["signal", signal] => (How::Signalled(signal.parse().expect("a number")), &[][..]),
            ["not-started", why] => (How::NotStarted((*why).to_owned()), &[][..]),
            ["timeout"] => (How::TimedOut, &[][..]),
            ["interrupted"] => (How::Interrupted, &[][..]),
            ["cancelled"] => (How::Cancelled, &[][..]),
            ["nothing"] => (How::Nothing, &[][..]),
            other => panic!("no such end: {other:?}"),
        };
        let text = |index: usize| rest.get(index).map_or(String::new(), |text| text.replace("\\n", "\n"));
        let mut ended = Ended {
            how,
            stdout: text(0),
            stderr: text(1),
            ..Ended::nothing(10)
        };
        if rest.last() == Some(&"truncated") {
            ended.truncated.push(Capture::Stdout);
        }
        self.report(attempt, ended);
    }

    fn ended(&mut self, label: &str, how: How, used: Option<Usage>) {
        let ended = Ended {
            how,
            used,
            ..Ended::nothing(10)
        };
        self.report(self.attempts[label], ended);
    }

    fn report(&mut self, attempt: AttemptId, mut ended: Ended) {
        ended.observed = self.before(attempt);
        if self.engine.may_start(attempt, &ended.observed) {
            let after = self.engine.observe(attempt, Phase::After(&ended), &mut self.world);
            ended.observed.extend(after);
        } else {
            ended = Ended {
                observed: ended.observed,
                ..Ended::nothing(0)
            };
        }
        self.tell(EventKind::AttemptEnded { attempt, ended });
    }

    fn before(&mut self, attempt: AttemptId) -> Vec<Observation> {
        self.engine.observe(attempt, Phase::Before, &mut self.world)
    }

    fn resolve(&mut self, label: &str, resolution: &str) {
        let (node, instance) = match self.attempts.get(label) {
            Some(attempt) if attempt.instance.is_some() => (attempt.node, attempt.instance),
            _ => (self.node(label), None),
        };
        let resolution = match resolution {
            "completed" => Resolution::Completed,
            "failed" => Resolution::Failed,
            _ => Resolution::Retry,
        };
        let (because, by) = ("it looked so".to_owned(), "user/ann".to_owned());
        self.tell(EventKind::Resolved {
            node,
            instance,
            resolution,
            because,
            by,
        });
    }

    /// `approve g as role/x by user/ann choosing a because "ready"`
    fn decide(&mut self, decision: &str, gate: &str, by: &str, rest: &[&str]) {
        let after = |word: &str| rest.iter().position(|other| *other == word).map(|at| rest[at + 1]);
        let decision = if decision == "approve" {
            GateDecision::Approved {
                choice: after("choosing").map(Into::into),
            }
        } else {
            GateDecision::Rejected
        };
        let (node, instance) = self.engine.find_unit(gate).expect("a node or an instance of that name");
        self.tell(EventKind::Decided {
            node,
            instance,
            by: by.into(),
            person: after("by").map(Into::into),
            decision,
            because: after("because").map(str::to_owned),
        });
    }

    fn odds(&mut self) {
        for hypothesis in self.engine.hypotheses() {
            let mut line = format!("{} {}", hypothesis.name, hypothesis.odds);
            for evidence in &hypothesis.evidence {
                let sign = if evidence.against { "/" } else { "*" };
                let holds = evidence.holds.map_or("?".to_owned(), |holds| holds.to_string());
                write!(line, ", {} {sign}{} {holds}", evidence.label, evidence.by.0).expect("text grows");
            }
            self.say(&line);
        }
    }

    fn node(&self, id: &str) -> u32 {
        self.engine.find(id).expect("a node of that name")
    }

    fn tell(&mut self, kind: EventKind) {
        self.last = Some(kind.clone());
        let commands = self.engine.apply(&Event {
            time_ms: self.time_ms,
            kind,
        });
        let notices: Vec<String> = self.engine.notices().iter().filter_map(told).collect();
        for notice in notices {
            self.say(&notice);
        }
        for keep in self.engine.keeps().to_vec() {
            let outputs = keep.result.outputs.iter();
            let outputs = outputs.map(|(name, value)| format!(" {name} = {}", ir::data::render(value)));
            let line = format!(
                "keep {}{}",
                self.named(keep.node, keep.instance),
                outputs.collect::<String>()
            );
            self.say(&line);
        }
        for command in commands {
            let line = self.asked_for(command);
            self.say(&line);
        }
        if let Some(end) = self.engine.end().cloned()
            && self.out.ends_with(&format!("run: {}\n", name(&end.status)))
        {
            for line in end.message.iter().map(|message| format!("because {message}")) {
                self.say(&line);
            }
            for (output, value) in &end.outputs {
                self.say(&format!("output {output} = {}", ir::data::render(value)));
            }
        }
    }

    fn asked_for(&mut self, command: Command) -> String {
        match command {
            Command::StartAttempt(start) => {
                self.attempts.insert(start.label.to_string(), start.attempt);
                started(&start)
            }
            Command::StopAttempt { attempt, why } => {
                let undo = if attempt.undo { "undo of " } else { "" };
                let label = self.named(attempt.node, attempt.instance);
                format!("stop {undo}{label} ({})", name(&why))
            }
            Command::AskPeople(ask) if ask.question.is_some() => {
                let attempts = self.engine.node(ask.node).map_or(0, |node| match ask.instance {
                    Some(index) => node.instances[index as usize].attempts,
                    None => node.attempts,
                });
                self.asked
                    .insert(ask.label.to_string(), (ask.node, ask.instance, attempts));
                questioned(&ask)
            }
            Command::AskPeople(ask) => asked(&ask),
            Command::SetTimer {
                timer:
                    Timer::Answer {
                        node,
                        instance,
                        attempt,
                    },
                at_ms,
            } => format!(
                "timer of the question {} #{attempt} at {at_ms}",
                self.named(node, instance)
            ),
            Command::SetTimer {
                timer: Timer::Gate { node },
                at_ms,
            } => format!("timer of {} at {at_ms}", self.named(node, None)),
            Command::SetTimer {
                timer:
                    Timer::Call {
                        node,
                        instance,
                        attempt,
                    },
                at_ms,
            } => format!("timer of the call {} #{attempt} at {at_ms}", self.named(node, instance)),
            Command::SetTimer {
                timer: Timer::Account { account },
                at_ms,
            } => format!("timer of {} at {at_ms}", self.engine.whose(&account)),
            Command::SetTimer {
                timer: Timer::Budget,
                at_ms,
            } => format!("timer of the budget at {at_ms}"),
            Command::SetTimer {
                timer: Timer::Alert,
                at_ms,
            } => format!("timer of the alerts at {at_ms}"),
            Command::SetTimer {
                timer: Timer::Plan,
                at_ms,
            } => format!("timer of the plan at {at_ms}"),
            Command::SetTimer {
                timer:
                    Timer::Backoff {
                        node,
                        instance,
                        attempt,
                    },
                at_ms,
            } => {
                let label = self.named(node, instance);
                format!("timer {label} #{attempt} at {at_ms}")
            }
            Command::LookUp { node, instance } => {
                let label = self.named(node, instance);
                self.wanted.insert(label.clone(), (node, instance));
                format!("look up {label}")
            }
            Command::Remember { node } => {
                let facts = self.engine.facts(node).into_iter();
                let facts = facts.map(|fact| format!("{} = {}", fact.slot, ir::data::render(&fact.value)));
                format!(
                    "remember {}: {}",
                    self.named(node, None),
                    facts.collect::<Vec<_>>().join(", ")
                )
            }
            Command::RunStopped { status } => format!("run: {}", name(&status)),
        }
    }

    fn named(&self, node: NodeId, instance: Option<u32>) -> String {
        self.engine.name(node, instance).expect("a node of the run").to_string()
    }

    fn nodes(&mut self) {
        for (depth, listed) in self.engine.listing() {
            let indent = "  ".repeat(depth as usize);
            match listed {
                Listed::Node(node) => self.say_node(&indent, &node),
                Listed::Instance { snapshot, .. } => {
                    let undo = undone(snapshot.undo.as_ref());
                    self.say(&format!("{indent}{} {}{undo}", snapshot.label, name(&snapshot.status)));
                }
            }
        }
    }

    fn say_node(&mut self, indent: &str, node: &NodeSnapshot) {
        let mut line = format!("{indent}{} {}", node.id, name(&node.status));
        if let Some(handled) = node.handled {
            line += if handled { ", handled" } else { ", unhandled" };
        }
        line += &undone(node.undo.as_ref());
        for (output, value) in &node.outputs {
            write!(line, ", {output} = {}", ir::data::render(value)).expect("text grows");
        }
        self.say(&line);
    }
}

fn carried(what: &Carried) -> String {
    let changes = |differences: &[Difference]| {
        let names: Vec<&str> = differences.iter().map(|difference| difference.what.as_str()).collect();
        names.join(", ")
    };
    match what {
        Carried::Kept => "kept".to_owned(),
        Carried::New => "new".to_owned(),
        Carried::NotCompleted(status) => format!("anew, it was {}", status.name()),
        Carried::Asked => "anew, as asked for".to_owned(),
        Carried::Changed(differences) => format!("anew, changed: {}", changes(differences)),
        Carried::InDoubt(differences) => format!("in doubt, changed: {}", changes(differences)),
        Carried::Open => "open".to_owned(),
        Carried::Decided => "decided again".to_owned(),
    }
}

fn undone(undo: Option<&Undo>) -> String {
    undo.map(|undo| format!(", undo {}", name(&undo.status)))
        .unwrap_or_default()
}

fn started(start: &StartAttempt) -> String {
    let mut line = format!("start {} #{}", start.label, start.attempt.attempt);
    if start.attempt.start > 0 {
        write!(line, " again").expect("text grows");
    }
    match &start.call {
        Some(call) => line += &calling(call),
        None if start.exec.is_none() => line += ", only to look",
        None => {}
    }
    if start.observes_before {
        line += ", looks first";
    }
    if let Some(timeout_ms) = start.timeout_ms {
        write!(line, ", within {timeout_ms}").expect("text grows");
    }
    for (variable, value) in start.exec.iter().flat_map(|exec| &exec.env) {
        let value = match value {
            Value::None => "none".to_owned(),
            value => ir::data::render(value),
        };
        write!(line, ", {variable}={value}").expect("text grows");
    }
    line
}

fn calling(call: &Call) -> String {
    let mut line = call.step.map_or(String::new(), |step| format!(" line {step}"));
    write!(line, " calls {}", call.capability).expect("text grows");
    for (name, value) in &call.input {
        write!(line, ", {name}={}", ir::data::render(value)).expect("text grows");
    }
    if let Some(sentence) = &call.judges {
        write!(line, ", to judge \"{sentence}\"").expect("text grows");
    }
    if let Some(agent) = &call.agent {
        write!(line, ", by {agent}").expect("text grows");
    }
    line
}

fn asked(ask: &Ask) -> String {
    let about = ask
        .instance
        .map(|_| format!(" about {},", ask.label))
        .unwrap_or_default();
    let mut line = format!("ask{about} {} of {}", ask.quorum, ask.approvers.join(", "));
    if let Some(title) = &ask.title {
        write!(line, ", {title:?}").expect("text grows");
    }
    for check in &ask.checks {
        let saw = check.saw.as_deref().unwrap_or(if check.prose { "?" } else { "holds" });
        write!(line, ", `{}` ({saw})", check.text).expect("text grows");
    }
    for option in &ask.options {
        write!(
            line,
            ", {}: {}",
            option.name,
            option.title.as_deref().unwrap_or_default()
        )
        .expect("text grows");
    }
    if let Some(deadline_ms) = ask.deadline_ms {
        write!(line, ", until {deadline_ms}").expect("text grows");
    }
    line
}

fn questioned(ask: &Ask) -> String {
    let mut line = format!("ask people for {}", ask.label);
    if let Some(wanted) = &ask.question {
        write!(line, " {:?}", wanted.text).expect("text grows");
        for field in &wanted.fields {
            let mark = if field.optional { "?" } else { "" };
            write!(line, ", {}: {}{mark}", field.name, field.ty).expect("text grows");
        }
    }
    if let Some(deadline_ms) = ask.deadline_ms {
        write!(line, ", until {deadline_ms}").expect("text grows");
    }
    line
}

/// `0.05 1200`: dollars and tokens.
fn usage(text: &str) -> Usage {
    let (cost, tokens) = text.split_once(' ').expect("cost and tokens");
    Usage {
        cost: Money(ir::quantity::parse_money(cost).expect("money")),
        tokens: tokens.parse().expect("a number"),
    }
}

fn answer(json: &str) -> Value {
    ir::data::from_json(serde_json::from_str(json).expect("JSON"))
}

fn told(notice: &Notice) -> Option<String> {
    Some(match notice {
        Notice::Started { .. } | Notice::Line { .. } => return None,
        Notice::Reused { label, run, .. } => format!("reused {label} of {run}"),
        Notice::Waits {
            label, on, until_ms, ..
        } => match until_ms {
            Some(at_ms) => format!("{label} waits for {on} until {at_ms}"),
            None => format!("{label} waits for {on}"),
        },
        Notice::CircuitOpened { agent, probe_at_ms } => format!("the circuit of {agent} is open until {probe_at_ms}"),
        Notice::BudgetAlert { whose, item, used, of } => format!("alert: {whose} used {used} of {of} {}", item.name()),
        Notice::BudgetSpent { item, used, of } => format!("the budget for {} is spent: {used} of {of}", item.name()),
        Notice::Alert { name, .. } => format!("alert: {name}"),
        Notice::Answered { label, by, .. } => format!("{label} answered by {by}"),
        Notice::Asked { label, .. } => format!("{label} asks people"),
        Notice::Decided {
            label, by, decision, ..
        } => format!("{label} {decision} as {by}"),
        Notice::FannedOut { label, instances, .. } => format!("{label} fans out into {instances}"),
        Notice::Retrying { label, error, .. } => {
            format!("{label} retries after {}: {}", error.kind, error.message)
        }
        Notice::Replanned { number, by, .. } => format!("revision {number} by {by}"),
        Notice::Kept { label, .. } => format!("{label} kept"),
        Notice::RetryAsked { label, by, .. } => format!("{label} once more, asked by {by}"),
        Notice::Again { label, .. } => format!("{label} goes again"),
        Notice::Blocked { label, .. } => format!("{label} is in doubt"),
        Notice::Completed { label, .. } => format!("{label} completed"),
        Notice::Failed { label, error, .. } => {
            format!("{label} failed, {}: {}", error.kind, error.message)
        }
        Notice::Skipped { label, because, .. } => format!("{label} skipped: {because}"),
        Notice::Cancelled { label, .. } => format!("{label} cancelled"),
        Notice::Aborting { label, .. } => format!("abort, because of {label}"),
        Notice::PlanTimeout => "the plan's time is up".to_owned(),
        Notice::Called { label, plan, nodes, .. } => format!("{label} calls {plan}, {nodes} nodes"),
        Notice::CallTimeout { label, .. } => format!("the time of {label} is up"),
        Notice::RollingBack { count } => format!("rolls back {count}"),
        Notice::Undoing { .. } => return None,
        Notice::Undone { label, .. } => format!("{label} undone"),
        Notice::UndoFailed { label, error, .. } => format!("{label} not undone, {}: {}", error.kind, error.message),
        Notice::Ignored(ignored) => format!("ignored {}: {}", ignored.event, ignored.reason),
    })
}

/// The name that a status or a reason has in JSON.
fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|json| json.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Words, and texts in quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// A world of a few names: `yes` and `no` for files, a number for facts.
#[derive(Default)]
struct Pretend {
    known: BTreeMap<String, String>,
}

impl Pretend {
    fn set(&mut self, name: &str, value: &str) {
        self.known.insert(name.to_owned(), value.to_owned());
    }
}

impl World for Pretend {
    fn file(&mut self, path: &str) -> Result<Value, String> {
        let size = self
            .known
            .get(path)
            .and_then(|size| size.parse().ok())
            .ok_or(format!("`{path}` is not there"))?;
        Ok(Value::File(FileRef {
            digest: "d".repeat(64).into(),
            size,
            path: path.into(),
        }))
    }

    fn exists(&mut self, path: &str) -> Result<bool, String> {
        Ok(self.known.contains_key(path))
    }

    fn hash(&mut self, path: &str) -> Result<String, String> {
        self.file(path).map(|_| "d".repeat(64))
    }

    fn fact(&mut self, name: &str) -> Result<Value, String> {
        let fact = self.known.get(name).ok_or(format!("`{name}` cannot be told"))?;
        fact.parse()
            .map(Value::Int)
            .map_err(|_| format!("`{name}` is not a number"))
    }
}
