//! What the live lines show, kept up to date from notices: what runs and since when, what waits and for whom, how far
//! the run is.

use std::time::{Duration, Instant};

use engine::{Engine, Notice};
use smol_str::SmolStr;

use super::estimate::{Estimates, Paths};

/// The estimate is made anew no more often.
const ESTIMATE_PAUSE: Duration = Duration::from_millis(250);

pub struct View {
    /// As it is typed.
    pub run: String,
    pub started: Instant,
    /// Nodes of the plan.
    pub nodes: u64,
    pub counts: Counts,
    pub running: Vec<Running>,
    pub waiting: Vec<Waiting>,
    pub remaining: Option<Remaining>,
    pub estimates: Estimates,
    paths: Paths,
    estimated: Option<Instant>,
}

pub struct Running {
    pub label: SmolStr,
    pub title: String,
    pub attempt: u32,
    pub since: Instant,
}

pub struct Waiting {
    pub label: SmolStr,
    pub what: What,
}

/// What has to happen.
pub enum What {
    /// A further attempt starts then.
    Time { at: Instant, why: SmolStr },
    /// One of these decides, or anybody answers, by such a command.
    People {
        approvers: Vec<SmolStr>,
        until: Option<Instant>,
        command: String,
    },
    /// Somebody finds out what an attempt did.
    Doubt,
}

#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub settled: u64,
    pub failed: u64,
    pub skipped: u64,
}

/// How long the rest takes, by earlier runs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Remaining {
    pub time: Duration,
    pub as_of: Instant,
    /// Something is on the way that no earlier run had.
    pub at_least: bool,
}

impl View {
    pub fn new(engine: &Engine, run: &str, started: Instant) -> Self {
        let plan = engine.plan();
        let mut paths = Paths::of(plan);
        let mut counts = Counts::default();
        let mut nodes = 0;
        // of a resumed run some have settled before
        for (node, status) in engine.statuses() {
            nodes += 1;
            if status.is_settled() {
                counts.settled += 1;
                engine.position(node).into_iter().for_each(|at| paths.settle(at));
            }
        }
        let waiting = engine.blocked().into_iter().map(|doubt| Waiting {
            label: doubt.label,
            what: What::Doubt,
        });
        Self {
            run: run.rsplit('-').next().unwrap_or(run).to_owned(),
            started,
            nodes,
            counts,
            running: Vec::new(),
            waiting: waiting.collect(),
            remaining: None,
            estimates: Estimates::default(),
            paths,
            estimated: None,
        }
    }

    pub fn take(&mut self, engine: &Engine, notice: &Notice, now: Instant) {
        match notice {
            Notice::Started { node, label, attempt } => {
                self.forget(label);
                engine
                    .position(*node)
                    .into_iter()
                    .for_each(|at| self.paths.start(at, now));
                self.running.push(Running {
                    label: label.clone(),
                    title: engine.title(*node).unwrap_or_default(),
                    attempt: *attempt,
                    since: now,
                });
            }
            Notice::Called { nodes, .. } => self.nodes += u64::from(*nodes),
            Notice::Undoing { node, label } => self.running.push(Running {
                label: undo_of(label),
                title: engine.title(*node).unwrap_or_default(),
                attempt: 1,
                since: now,
            }),
            Notice::Undone { label, .. } | Notice::UndoFailed { label, .. } => self.forget(&undo_of(label)),
            Notice::Retrying {
                label, error, at_ms, ..
            } => {
                let at = now + until(*at_ms);
                let why = error.kind.clone();
                self.wait(label, What::Time { at, why });
            }
            Notice::Waits {
                label, on, until_ms, ..
            } => {
                // Without a time it is until something that runs has ended.
                let at = now + until_ms.map_or(Duration::ZERO, until);
                let why = format!("the limits of {on}").into();
                self.wait(label, What::Time { at, why });
            }
            Notice::Blocked { label, .. } => self.wait(label, What::Doubt),
            Notice::Asked {
                label,
                approvers,
                deadline_ms,
                ..
            } => {
                let until = deadline_ms.map(|at_ms| now + until(at_ms));
                let approvers = approvers.clone();
                let asks = engine.asking().into_iter().find(|ask| ask.label == *label);
                let command = asks.and_then(|ask| crate::asking::commands(ask, &self.run).into_iter().next());
                let command = command.unwrap_or_default();
                self.wait(
                    label,
                    What::People {
                        approvers,
                        until,
                        command,
                    },
                );
            }
            Notice::Again { label, .. } => self.forget(label),
            Notice::Completed { node, label, .. } | Notice::Cancelled { node, label } => {
                self.settle(engine, *node, label);
            }
            Notice::Failed { node, label, .. } => {
                self.counts.failed += 1;
                self.settle(engine, *node, label);
            }
            Notice::Skipped { node, label, .. } => {
                self.counts.skipped += 1;
                self.settle(engine, *node, label);
            }
            _ => return,
        }
        if self.estimated.is_none_or(|at| now >= at + ESTIMATE_PAUSE) {
            self.estimate(now);
        }
    }

    pub fn estimate(&mut self, now: Instant) {
        self.estimated = Some(now);
        self.remaining = self.paths.remaining(&self.estimates, now);
    }

    fn wait(&mut self, label: &SmolStr, what: What) {
        self.forget(label);
        self.waiting.push(Waiting {
            label: label.clone(),
            what,
        });
    }

    fn forget(&mut self, label: &SmolStr) {
        self.running.retain(|running| running.label != *label);
        self.waiting.retain(|waiting| waiting.label != *label);
    }

    /// Instances of a fan-out and the nodes of a called plan are not counted: their task is.
    fn settle(&mut self, engine: &Engine, node: u32, label: &SmolStr) {
        self.forget(label);
        if engine.name(node, None).is_some_and(|name| name == *label) {
            self.counts.settled += 1;
            engine.position(node).into_iter().for_each(|at| self.paths.settle(at));
        }
    }
}

fn undo_of(label: &str) -> SmolStr {
    smol_str::format_smolstr!("undo of {label}")
}

/// From now to a time of the wall clock.
fn until(at_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(at_ms - store::now_ms()).unwrap_or(0))
}
