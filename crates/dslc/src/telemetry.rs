//! A run as other tools read it: a Chrome trace for Perfetto, spans and metrics for OpenTelemetry.
//!
//! Everything comes from the journal, so any run can be exported at any time, and as often as wanted: the ids of its
//! spans are always the same. Secrets are not in the journal. Absent: sampling, and anything live.

pub mod chrome;
pub mod otlp;
pub mod send;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use engine::event::{AttemptId, Command, Event, EventKind, How};
use engine::{Engine, NodeSnapshot};
use runtime::RunError;
use rust_decimal::Decimal;
use smol_str::SmolStr;
use store::{RunFolder, RunMeta};

use crate::verbs::events;

/// A run in time.
pub struct Trace {
    pub meta: RunMeta,
    pub status: &'static str,
    /// Why it failed, where no node says so.
    pub message: Option<String>,
    pub start_ms: i64,
    pub end_ms: i64,
    /// Those that started, in the order of their numbers.
    pub nodes: BTreeMap<u32, NodeSnapshot>,
    /// In the order of their starts.
    pub attempts: Vec<Attempt>,
    pub marks: Vec<Mark>,
    /// Of agents with a breaker: `closed`, `half-open`, `open`.
    pub circuits: Vec<(SmolStr, &'static str)>,
}

pub struct Attempt {
    pub id: AttemptId,
    pub label: SmolStr,
    pub start_ms: i64,
    pub end_ms: i64,
    /// `exit 0`, `timed out`, `running`
    pub outcome: String,
    pub failed: bool,
    pub cost: Decimal,
    pub tokens: u64,
}

/// Something that happened at one moment.
pub struct Mark {
    pub time_ms: i64,
    pub text: String,
}

impl Trace {
    /// Reads a run's journal.
    pub fn read(folder: &RunFolder) -> Result<Self, RunError> {
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut open: BTreeMap<AttemptId, usize> = BTreeMap::new();
        let mut seen = Vec::new();
        let history = runtime::fold(folder, |entry, commands| {
            // it was read a moment ago
            let Ok(event) = Event::from_json(entry.event()) else {
                return;
            };
            match &event.kind {
                EventKind::AttemptEnded { attempt, ended } => {
                    if let Some(span) = open.remove(attempt).and_then(|at| attempts.get_mut(at)) {
                        span.end_ms = event.time_ms;
                        span.outcome = events::how(&ended.how);
                        span.failed = !matches!(
                            ended.how,
                            How::Exited(0) | How::Nothing | How::Answered(_) | How::Interrupted
                        );
                        if let Some(used) = &ended.used {
                            span.cost = used.cost.0;
                            span.tokens = used.tokens;
                        }
                    }
                }
                EventKind::AttemptLost { attempt } => {
                    if let Some(span) = open.remove(attempt).and_then(|at| attempts.get_mut(at)) {
                        span.end_ms = event.time_ms;
                        span.outcome = "lost".to_owned();
                        span.failed = true;
                    }
                }
                _ => seen.push(event.clone()),
            }
            for command in commands {
                if let Command::StartAttempt(start) = command {
                    open.insert(start.attempt, attempts.len());
                    attempts.push(Attempt {
                        id: start.attempt,
                        label: start.label.clone(),
                        start_ms: event.time_ms,
                        end_ms: event.time_ms,
                        outcome: "running".to_owned(),
                        failed: false,
                        cost: Decimal::ZERO,
                        tokens: 0,
                    });
                }
            }
        })?;
        let engine = &history.engine;
        let (start_ms, end_ms) = engine.times_ms();
        for at in open.into_values() {
            attempts[at].end_ms = end_ms;
        }
        let mut nodes: BTreeMap<u32, NodeSnapshot> = engine.nodes().into_iter().map(|node| (node.node, node)).collect();
        for attempt in &attempts {
            if let Some(node) = engine.node(attempt.id.node) {
                nodes.entry(node.node).or_insert(node);
            }
        }
        nodes.retain(|_, node| node.started_ms.is_some());
        let marks = seen.iter().map(|event| mark(event, engine)).collect();
        Ok(Self {
            circuits: engine.circuits(),
            status: engine.status().name(),
            message: engine.end().and_then(|end| end.message.clone()),
            meta: history.meta,
            start_ms,
            end_ms,
            nodes,
            attempts,
            marks,
        })
    }

    /// When a node ended, or the run, where it has not.
    pub fn end_of(&self, node: &NodeSnapshot) -> i64 {
        node.settled_ms.unwrap_or(self.end_ms)
    }
}

fn mark(event: &Event, engine: &Engine) -> Mark {
    Mark {
        time_ms: event.time_ms,
        text: events::describe(&event.kind, engine),
    }
}
