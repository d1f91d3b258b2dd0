//! What must hold at every step of every run, whatever happens to its driver.
//!
//! The checks see what the engine says and what the disk has; they know the plan as it is, not as the engine understood it. The first
//! invariant that is broken ends the run.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{AttemptId, Command, Event, EventKind, NodeStatus, RunStatus, StartAttempt};
use engine::{Engine, NodeSnapshot};
use ir::plan::{Body, NodeId, Plan};

use crate::model::{Fate, Model};

/// What is promised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Invariant {
    /// A node that settled stays as it settled, and never starts again.
    SettledStays,
    /// Exactly one intent on disk before each attempt; attempts are numbered without gaps.
    IntentFirst,
    /// Nothing is carried out that a loss of power could undo.
    SyncedFirst,
    NeedsFirst,
    ParallelLimit,
    /// Nothing starts while the run is paused.
    PauseHolds,
    /// A repetition of an attempt whose end nobody saw has the same idempotency key.
    SameKey,
    /// What was acknowledged is still there after a crash.
    NothingLost,
    /// The state is the fold of the journal, and every command is what was recorded.
    FoldAndReplay,
    /// An edited journal is noticed.
    Tampering,
    /// The run comes to an end.
    ComesToAnEnd,
    /// The same seed gives the same bytes.
    SameTwice,
    /// The final state is the one without faults.
    SameWithoutFaults,
    /// Statuses are those of the model of the graph.
    Model,
    /// What may not be repeated is not, unless a person says so.
    DoubtIsAsked,
    /// The engine's and the journal's own assertions.
    Assertion,
}

impl Invariant {
    pub const ALL: [Self; 16] = [
        Self::SettledStays,
        Self::IntentFirst,
        Self::SyncedFirst,
        Self::NeedsFirst,
        Self::ParallelLimit,
        Self::PauseHolds,
        Self::SameKey,
        Self::NothingLost,
        Self::FoldAndReplay,
        Self::Tampering,
        Self::ComesToAnEnd,
        Self::SameTwice,
        Self::SameWithoutFaults,
        Self::Model,
        Self::DoubtIsAsked,
        Self::Assertion,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::SettledStays => "a settled node stays as it is and never starts again",
            Self::IntentFirst => "exactly one intent before each attempt",
            Self::SyncedFirst => "nothing is carried out before it is synced",
            Self::NeedsFirst => "no node starts before its needs",
            Self::ParallelLimit => "never more at once than the limit",
            Self::PauseHolds => "nothing starts while the run is paused",
            Self::SameKey => "a repetition has the same key",
            Self::NothingLost => "what was acknowledged survives",
            Self::FoldAndReplay => "the state is the fold of the journal, byte for byte",
            Self::Tampering => "an edited journal is noticed",
            Self::ComesToAnEnd => "the run comes to an end",
            Self::SameTwice => "the same seed gives the same journal",
            Self::SameWithoutFaults => "the final state is the one without faults",
            Self::Model => "statuses are those of the model",
            Self::DoubtIsAsked => "what may not be repeated is not, unless a person says so",
            Self::Assertion => "an assertion of the code itself",
        }
    }
}

/// As the book lists them.
pub fn list() -> String {
    Invariant::ALL
        .iter()
        .map(|promise| format!("- {}\n", promise.name()))
        .collect()
}

/// A promise that was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant.name(), self.what)
    }
}

type Unit = (NodeId, Option<u32>);

/// What is remembered of an event, for as long as it is on disk.
struct Logged {
    /// Of the state after it.
    digest: String,
    intents: Vec<Intent>,
    paused: bool,
    /// Attempts whose end nobody saw, and units that a person wants repeated.
    doubts: BTreeSet<AttemptId>,
}

#[derive(Clone)]
struct Intent {
    attempt: AttemptId,
    key: String,
    idempotent: bool,
}

/// What has been seen of a run, over all its drivers.
pub struct Checks<'p> {
    plan: &'p Plan,
    /// The plan is one that the model of the graph understands.
    modelled: bool,
    parallel: u32,
    seen: Vec<NodeSnapshot>,
    /// One for each event.
    log: Vec<Logged>,
    /// So many events were acknowledged.
    durable: usize,
    paused: bool,
    doubts: BTreeSet<AttemptId>,
    /// Attempts that may not be repeated.
    once: BTreeSet<AttemptId>,
    /// Of what the running driver appended.
    intents: BTreeSet<AttemptId>,
    last_attempt: BTreeMap<Unit, (u32, u32)>,
    keys: BTreeMap<(Unit, u32), String>,
    pub violation: Option<Violation>,
}

impl<'p> Checks<'p> {
    pub fn new(plan: &'p Plan, parallel: u32, modelled: bool) -> Self {
        Self {
            plan,
            modelled,
            parallel,
            seen: Vec::new(),
            log: Vec::new(),
            durable: 0,
            paused: false,
            doubts: BTreeSet::new(),
            once: BTreeSet::new(),
            intents: BTreeSet::new(),
            last_attempt: BTreeMap::new(),
            keys: BTreeMap::new(),
            violation: None,
        }
    }

    /// Notes that a promise was broken, if nothing was before; what follows from it is not worth telling.
    pub fn broken(&mut self, invariant: Invariant, what: impl Into<String>) {
        self.violation.get_or_insert_with(|| Violation {
            invariant,
            what: what.into(),
        });
    }

    fn must(&mut self, invariant: Invariant, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken(invariant, what());
        }
    }

    /// An event was applied by the driver that runs.
    pub fn applied(&mut self, event: &Event, commands: &[Command], engine: &Engine) {
        match &event.kind {
            EventKind::PauseAsked => self.paused = engine.end().is_none(),
            EventKind::ResumeAsked => self.paused = false,
            EventKind::AttemptLost { attempt } => _ = self.doubts.insert(*attempt),
            EventKind::Resolved { node, instance, .. } => {
                self.doubts
                    .retain(|doubt| (doubt.node, doubt.instance) != (*node, *instance));
            }
            _ => {}
        }
        let now = engine.nodes();
        self.settled_stays(&now);
        let mut intents = Vec::new();
        for command in commands {
            if let Command::StartAttempt(start) = command {
                self.intended(start, &now);
                intents.push(Intent {
                    attempt: start.attempt,
                    key: start.key.to_string(),
                    idempotent: start.idempotent,
                });
            }
        }
        let running = engine.in_flight();
        let (limit, count) = (self.parallel as usize, running.len());
        self.must(Invariant::ParallelLimit, count <= limit, || {
            format!("{count} attempts run, and the limit is {limit}")
        });
        self.fan_outs(&running.iter().map(|running| running.attempt).collect::<Vec<_>>());
        let idle = engine.status() == RunStatus::Running && running.is_empty();
        let ready = now.iter().find(|node| node.status == NodeStatus::Ready);
        if let (true, false, Some(node)) = (idle, self.paused, ready) {
            self.broken(
                Invariant::ComesToAnEnd,
                format!("`{}` is ready and nothing runs", node.id),
            );
        }
        self.log.push(Logged {
            digest: engine.state_digest(),
            intents,
            paused: self.paused,
            doubts: self.doubts.clone(),
        });
        self.seen = now;
    }

    fn settled_stays(&mut self, now: &[NodeSnapshot]) {
        let changed = self.seen.iter().zip(now).find(|(before, after)| {
            let same = before.status == after.status
                && before.outputs == after.outputs
                && (before.handled.is_none() || before.handled == after.handled);
            is_settled(before.status) && !same
        });
        if let Some((before, after)) = changed {
            let what = format!("`{}` was {:?} and is {:?}", before.id, before.status, after.status);
            self.broken(Invariant::SettledStays, what);
        }
    }

    fn intended(&mut self, start: &StartAttempt, now: &[NodeSnapshot]) {
        let id = start.attempt;
        let unit = (id.node, id.instance);
        let label = start.label.clone();
        let was_settled = self
            .seen
            .get(id.node as usize)
            .is_some_and(|node| is_settled(node.status));
        self.must(Invariant::SettledStays, !was_settled, || {
            format!("`{label}` starts after it settled")
        });
        let last = self.last_attempt.insert(unit, (id.attempt, id.start));
        let follows = match last {
            None => (id.attempt, id.start) == (1, 0),
            Some((attempt, start)) => [(attempt + 1, 0), (attempt, start + 1)].contains(&(id.attempt, id.start)),
        };
        let is_new = self.intents.insert(id);
        self.must(Invariant::IntentFirst, follows && is_new, || {
            format!(
                "attempt {} (start {}) of `{label}` after {last:?}",
                id.attempt, id.start
            )
        });
        let paused = self.paused;
        self.must(Invariant::PauseHolds, !paused, || format!("`{label}` starts"));
        let key = start.key.to_string();
        let before = self.keys.insert((unit, id.attempt), key.clone());
        self.must(Invariant::SameKey, before.is_none_or(|before| before == key), || {
            format!("start {} of `{label}` has another", id.start)
        });
        let before = AttemptId {
            start: id.start.wrapping_sub(1),
            ..id
        };
        let repeats = self.doubts.contains(&before) && self.once.contains(&before);
        self.must(Invariant::DoubtIsAsked, !repeats, || {
            format!("attempt {} of `{label}` is repeated", id.attempt)
        });
        if !start.idempotent {
            self.once.insert(id);
        }
        if self.modelled {
            let may = Model::of(self.plan, fates(now)).may_start(id.node);
            self.must(Invariant::NeedsFirst, may, || format!("`{label}` starts"));
        }
    }

    fn fan_outs(&mut self, running: &[AttemptId]) {
        for (node, body) in (0..).zip(self.plan.nodes.iter().map(|node| &node.body)) {
            let Body::Task(task) = body else { continue };
            let Some(limit) = task.each.as_ref().and_then(|each| each.parallel) else {
                continue;
            };
            let count = running.iter().filter(|attempt| attempt.node == node).count();
            self.must(Invariant::ParallelLimit, count <= limit as usize, || {
                format!("{count} instances of node {node} run, and its limit is {limit}")
            });
        }
    }

    /// What was appended has been acknowledged.
    pub fn committed(&mut self) {
        self.durable = self.log.len();
    }

    /// An attempt is about to be started.
    pub fn acting(&mut self, start: &StartAttempt, is_synced: bool) {
        let label = &start.label;
        self.must(Invariant::SyncedFirst, is_synced, || {
            format!("`{label}` starts before its intent is synced")
        });
        let intended = self.intents.remove(&start.attempt);
        self.must(Invariant::IntentFirst, intended, || {
            format!("`{label}` starts without an intent, or twice")
        });
    }

    /// A new driver has folded what is on disk: so many events.
    pub fn reopened(&mut self, events: usize, engine: &Engine) {
        let durable = self.durable;
        self.must(Invariant::NothingLost, events >= durable, || {
            format!("{durable} events were acknowledged, and {events} are left")
        });
        let last = events.checked_sub(1).and_then(|last| self.log.get(last));
        let known = events == 0 || last.is_some_and(|last| last.digest == engine.state_digest());
        self.must(Invariant::FoldAndReplay, known, || {
            format!("{events} events fold to another state than the one before the crash")
        });
        // what did not survive never happened
        self.log.truncate(events);
        self.durable = events;
        self.paused = self.log.last().is_some_and(|last| last.paused);
        self.seen = engine.nodes();
        self.intents.clear();
        self.last_attempt.clear();
        self.keys.clear();
        self.once.clear();
        self.doubts = self.log.last().map(|last| last.doubts.clone()).unwrap_or_default();
        for intent in self.log.iter().flat_map(|logged| &logged.intents) {
            let Intent {
                attempt,
                key,
                idempotent,
            } = intent;
            let unit = (attempt.node, attempt.instance);
            self.last_attempt.insert(unit, (attempt.attempt, attempt.start));
            self.keys.insert((unit, attempt.attempt), key.clone());
            if !idempotent {
                self.once.insert(*attempt);
            }
        }
    }

    /// Of the state after the latest event.
    pub fn digest(&self) -> Option<&str> {
        self.log.last().map(|last| last.digest.as_str())
    }
}

pub const fn is_settled(status: NodeStatus) -> bool {
    matches!(
        status,
        NodeStatus::Completed | NodeStatus::Failed | NodeStatus::Skipped | NodeStatus::Cancelled
    )
}

/// What nodes have come to, as the model wants it.
pub fn fates(nodes: &[NodeSnapshot]) -> Vec<Option<Fate>> {
    let fate = |node: &NodeSnapshot| {
        is_settled(node.status).then(|| Fate {
            status: node.status,
            mode: node.error.as_ref().map(|error| error.kind.to_string()),
        })
    };
    nodes.iter().map(fate).collect()
}
