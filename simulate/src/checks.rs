//! What must hold at every step of every run, whatever happens to its driver.
//!
//! The checks see what the engine says and what the disk has; they know the plan as it is, not as the engine understood
//! it. The first invariant that is broken ends the run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::event::{
    AttemptId, Command, Event, EventKind, GateDecision, NodeStatus, Revision, RunStatus, StartAttempt,
};
use engine::{Engine, InstanceSnapshot, NodeSnapshot, QuestionSnapshot, Recorded};
use ir::plan::{NodeId, Plan};
use smol_str::SmolStr;

use crate::anew::{self, Anew};
use crate::ledger::{Change, Ledger, Over};
use crate::model::{Fate, Model};
use crate::promises::{Invariant, Violation};

type Unit = (NodeId, Option<u32>);

/// The line of `do:`, or the sentence that is judged: each has a key of its own.
type Part = (Option<u32>, Option<String>);

/// What was read by the work that each key of a result stands for, over all runs of a seed: names with digests.
pub type Known = BTreeMap<String, Vec<(SmolStr, SmolStr)>>;

/// What is remembered of an event, for as long as it is on disk.
struct Logged {
    /// Of the state after it.
    digest: String,
    intents: Vec<Intent>,
    changes: Vec<Change>,
    paused: bool,
    anew: Anew,
    under_way: BTreeSet<NodeId>,
    /// Attempts whose end nobody saw, and units that a person wants repeated.
    doubts: BTreeSet<AttemptId>,
}

#[derive(Clone)]
struct Intent {
    attempt: AttemptId,
    part: Part,
    key: String,
    idempotent: bool,
}

/// What has been seen of a run, over all its drivers.
pub struct Checks<'p> {
    plan: &'p Plan,
    /// The plan is one that the model of the graph understands.
    modelled: bool,
    parallel: u32,
    /// The plan as it is now.
    current: Arc<Plan>,
    /// What is to be done again, since somebody asked for something.
    anew: Anew,
    /// Nodes that had begun when somebody had others tried again: they go on, whatever is open above them now.
    under_way: BTreeSet<NodeId>,
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
    keys: BTreeMap<(Unit, u32, Part), String>,
    ledger: Ledger<'p>,
    known: Known,
    pub violation: Option<Violation>,
}

impl<'p> Checks<'p> {
    /// `known`: what earlier runs read.
    pub fn new(plan: &'p Arc<Plan>, parallel: u32, modelled: bool, known: Known) -> Self {
        Self {
            plan,
            modelled,
            parallel,
            current: plan.clone(),
            anew: Anew::default(),
            under_way: BTreeSet::new(),
            seen: Vec::new(),
            log: Vec::new(),
            durable: 0,
            paused: false,
            doubts: BTreeSet::new(),
            once: BTreeSet::new(),
            intents: BTreeSet::new(),
            last_attempt: BTreeMap::new(),
            keys: BTreeMap::new(),
            ledger: Ledger::new(plan),
            known,
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
            EventKind::PauseAsked { .. } => self.paused = engine.end().is_none(),
            EventKind::ResumeAsked { .. } => self.paused = false,
            EventKind::AttemptLost { attempt } => _ = self.doubts.insert(*attempt),
            EventKind::Resolved { node, instance, .. } => {
                self.doubts
                    .retain(|doubt| (doubt.node, doubt.instance) != (*node, *instance));
                self.anew.may_repeat(&engine.name(*node, *instance).unwrap_or_default());
            }
            _ => {}
        }
        let now = engine.nodes();
        if let EventKind::LookedUp { node, key, .. } = &event.kind {
            self.looked_up(*node, key, engine);
        }
        match &event.kind {
            EventKind::RetryAsked { nodes, .. } => self.retried(nodes, &now, engine),
            EventKind::Replanned(revision) => self.replanned(revision, engine),
            _ => {
                self.settled_stays(&now);
                self.decisions_stand(&now);
                if let Some(stale) = self.anew.stale(&now) {
                    self.broken(
                        Invariant::AskedFor,
                        format!("`{stale}` was changed and has not run again"),
                    );
                }
            }
        }
        let changes = self.ledger.changes(event, commands);
        changes.iter().for_each(|change| self.ledger.take(change));
        self.within_limits(event.time_ms, engine);
        let mut intents = Vec::new();
        for command in commands {
            if let Command::StartAttempt(start) = command {
                self.intended(start, &now, engine);
                intents.push(Intent {
                    attempt: start.attempt,
                    part: part_of(start),
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
        let attempts: Vec<AttemptId> = running.iter().map(|running| running.attempt).collect();
        self.fan_outs(&attempts, engine);
        self.called_plans(&attempts, engine);
        let idle = engine.status() == RunStatus::Running && running.is_empty() && !engine.waits_for_driver();
        // a fan-out that has not begun shows so, though its instances wait for a quota
        let waits = |node: &&NodeSnapshot| {
            let of_instance = |instance: &InstanceSnapshot| instance.status == NodeStatus::Ready;
            node.instances.is_empty() || node.instances.iter().any(of_instance)
        };
        let ready = now.iter().filter(waits).find(|node| node.status == NodeStatus::Ready);
        if let (true, false, Some(node)) = (idle, self.paused, ready) {
            self.broken(
                Invariant::ComesToAnEnd,
                format!("`{}` is ready and nothing runs", node.id),
            );
        }
        let unsettled = now.iter().find(|node| !node.status.is_settled());
        if let (Some(_), Some(node)) = (engine.end(), unsettled) {
            self.broken(
                Invariant::ComesToAnEnd,
                format!("the run ended, and `{}` is {:?}", node.id, node.status),
            );
        }
        self.log.push(Logged {
            digest: engine.state_digest(),
            intents,
            changes,
            paused: self.paused,
            anew: self.anew.clone(),
            under_way: self.under_way.clone(),
            doubts: self.doubts.clone(),
        });
        self.seen = now;
    }

    /// One key stands for one thing that is read: else a result would stand in for other work.
    /// Absent: what is tried again may change what is read after it was looked for.
    fn looked_up(&mut self, node: NodeId, key: &str, engine: &Engine) {
        if self.anew.was_asked {
            return;
        }
        let read: Vec<_> = engine
            .values_read(node)
            .into_iter()
            .map(|part| (part.what, part.digest))
            .collect();
        match self.known.get(key) {
            Some(before) if *before != read => {
                let name = engine.name(node, None).unwrap_or_default();
                let what = format!("`{name}` reads {read:?}, and has the key of what reads {before:?}");
                self.broken(Invariant::SameRead, what);
            }
            Some(_) => {}
            None => _ = self.known.insert(key.to_owned(), read),
        }
    }

    /// What was read under which key.
    pub fn into_known(self) -> Known {
        self.known
    }

    fn retried(&mut self, asked: &[NodeId], now: &[NodeSnapshot], engine: &Engine) {
        self.under_way = self.begun();
        let asked = asked.iter().map(|node| anew::owner(engine, *node)).collect();
        match Anew::retried(&asked, &self.seen, now) {
            Ok(anew) => self.anew = anew,
            Err(node) => self.broken(Invariant::AskedFor, format!("`{node}` had completed and begins anew")),
        }
        self.paused = engine.is_paused();
        // a driver starts what begins anew at once
        self.seen = now.to_vec();
    }

    /// Nodes that have not settled, and of which an attempt was started that still counts.
    fn begun(&self) -> BTreeSet<NodeId> {
        let started = |node: &NodeSnapshot, instance: Option<u32>, attempt: u32| {
            let last = self.last_attempt.get(&(node.node, instance));
            last.is_some_and(|(last, _)| *last == attempt)
        };
        let has_begun = |node: &&NodeSnapshot| match node.instances.as_slice() {
            [] => started(node, None, node.attempts),
            instances => (0..)
                .zip(instances)
                .any(|(at, instance)| started(node, Some(at), instance.attempts)),
        };
        let open = self.seen.iter().filter(|node| !node.status.is_settled());
        open.filter(has_begun).map(|node| node.node).collect()
    }

    fn replanned(&mut self, revision: &Revision, engine: &Engine) {
        if let Some(plan) = &revision.plan {
            self.anew = Anew::replanned(&self.seen, &self.current, plan);
            self.current = plan.clone();
        }
        self.paused = engine.is_paused();
    }

    /// The run stands, and nobody will drive it.
    pub fn stands(&mut self, engine: &Engine) {
        let asking = engine.asking();
        if let Some(ask) = asking.iter().find(|ask| ask.deadline_ms.is_some()) {
            let what = format!("`{}` waits for people until a time that never comes", ask.label);
            self.broken(Invariant::ComesToAnEnd, what);
        }
    }

    fn settled_stays(&mut self, now: &[NodeSnapshot]) {
        let mut known = self
            .seen
            .iter()
            .filter_map(|before| Some((before, anew::find(now, before.node)?)));
        let changed = known.find(|(before, after)| {
            let same = before.status == after.status
                && before.outputs == after.outputs
                && (before.handled.is_none() || before.handled == after.handled);
            before.status.is_settled() && !same
        });
        if let Some((before, after)) = changed {
            let what = format!("`{}` was {:?} and is {:?}", before.id, before.status, after.status);
            self.broken(Invariant::SettledStays, what);
        }
    }

    fn intended(&mut self, start: &StartAttempt, now: &[NodeSnapshot], engine: &Engine) {
        let id = start.attempt;
        let unit = (id.node, id.instance);
        let label = start.label.clone();
        if id.undo {
            let is_new = self.intents.insert(id);
            return self.must(Invariant::IntentFirst, is_new, || format!("`{label}` is wanted twice"));
        }
        let was_settled = anew::find(&self.seen, id.node).is_some_and(|node| node.status.is_settled());
        self.must(Invariant::SettledStays, !was_settled, || {
            format!("`{label}` starts after it settled")
        });
        let last = self.last_attempt.insert(unit, (id.attempt, id.start));
        if let Err(what) = self.anew.started(&anew::owner(engine, id.node), &label) {
            self.broken(Invariant::AskedFor, what);
        }
        // a call that was refused or that called a plan has made attempts without an intent, and attempts before a
        // person asked for something still count
        let has_gaps = start.call.is_some() || self.anew.was_asked;
        let follows = match last {
            None => (id.attempt, id.start) == (1, 0) || has_gaps,
            Some((attempt, start)) => {
                [(attempt + 1, 0), (attempt, start + 1)].contains(&(id.attempt, id.start))
                    || has_gaps && id.attempt > attempt
            }
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
        let before = self.keys.insert((unit, id.attempt, part_of(start)), key.clone());
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
        if self.modelled && id.start == 0 && !self.under_way.contains(&id.node) {
            let plan = engine.plan_of(id.node);
            let first = first_of(engine, id.node);
            let at = now.partition_point(|node| node.node < first);
            let scope = &now[at..at + plan.nodes.len()];
            let may = Model::of(plan, fates(scope)).may_start(id.node - first);
            self.must(Invariant::NeedsFirst, may, || format!("`{label}` starts"));
        }
    }

    fn fan_outs(&mut self, running: &[AttemptId], engine: &Engine) {
        let nodes: BTreeSet<NodeId> = running.iter().map(|attempt| attempt.node).collect();
        for node in nodes {
            let body = engine.plan_node(node).map(|node| &node.body);
            let Some(limit) = body.and_then(|body| body.task()?.each.as_ref()?.parallel) else {
                continue;
            };
            let count = running.iter().filter(|attempt| attempt.node == node).count();
            self.must(Invariant::ParallelLimit, count <= limit as usize, || {
                format!("{count} instances of node {node} run, and its limit is {limit}")
            });
        }
    }

    /// Each called plan holds its own limit, what it calls itself included.
    fn called_plans(&mut self, running: &[AttemptId], engine: &Engine) {
        let name = |node: NodeId| engine.name(node, None).unwrap_or_default();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut limits: BTreeMap<String, u32> = BTreeMap::new();
        for attempt in running {
            let name = name(attempt.node);
            for (at, _) in name.match_indices('/') {
                *counts.entry(name[..=at].to_owned()).or_default() += 1;
            }
            if let (Some(at), Some(limit)) = (name.rfind('/'), engine.plan_of(attempt.node).limits.parallel) {
                limits.insert(name[..=at].to_owned(), limit);
            }
        }
        for (prefix, limit) in limits {
            let count = counts.get(&prefix).copied().unwrap_or(0);
            self.must(Invariant::ParallelLimit, count <= limit as usize, || {
                format!("{count} attempts run in `{prefix}`, and its limit is {limit}")
            });
        }
    }

    fn within_limits(&mut self, now_ms: i64, engine: &Engine) {
        match self.ledger.over(now_ms) {
            Some(Over::Budget(what)) => self.broken(Invariant::BudgetHeld, what),
            Some(Over::Quota(what)) => self.broken(Invariant::QuotaHeld, what),
            Some(Over::AtOnce(what)) => self.broken(Invariant::ParallelLimit, what),
            None => {}
        }
        let (used, spent) = (self.ledger.spent(), engine.used().cost.0);
        self.must(Invariant::SpentIsUsed, used == spent, || {
            format!("calls used ${used}, and ${spent} count as spent")
        });
    }

    /// Decisions are only added, and while their gate is open; no person has two, and an approval has its quorum.
    fn decisions_stand(&mut self, now: &[NodeSnapshot]) {
        for node in now {
            let before = anew::find(&self.seen, node.node);
            if let Some(changed) = before.and_then(|before| changed_answer(before, node)) {
                return self.broken(
                    Invariant::DecisionStands,
                    format!("the answer to `{changed}` is another"),
                );
            }
            let Some(gate) = &node.gate else { continue };
            let known = before.and_then(|before| before.gate.as_ref());
            let known = known.filter(|known| known.asked_ms == gate.asked_ms);
            let known = known.map(|gate| gate.decisions.as_slice()).unwrap_or_default();
            let was_settled = before.is_some_and(|before| before.status.is_settled());
            let adds = gate.decisions.starts_with(known) && (!was_settled || known.len() == gate.decisions.len());
            let people: BTreeSet<_> = gate.decisions.iter().map(|decision| &decision.person).collect();
            let once = people.len() == gate.decisions.len();
            let approves = |decision: &&Recorded| matches!(decision.decision, GateDecision::Approved { .. });
            let approvals = gate.decisions.iter().filter(approves).count();
            let is_enough = node.status != NodeStatus::Completed || approvals >= gate.ask.quorum as usize;
            if !adds || !once || !is_enough {
                let said: Vec<String> = gate.decisions.iter().map(ToString::to_string).collect();
                self.broken(Invariant::DecisionStands, format!("`{}`: {}", node.id, said.join(", ")));
            }
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
        self.anew = self.log.last().map(|last| last.anew.clone()).unwrap_or_default();
        self.under_way = self.log.last().map(|last| last.under_way.clone()).unwrap_or_default();
        self.current = engine.plan().clone();
        self.seen = engine.nodes();
        self.intents.clear();
        self.last_attempt.clear();
        self.keys.clear();
        self.once.clear();
        self.doubts = self.log.last().map(|last| last.doubts.clone()).unwrap_or_default();
        self.ledger = Ledger::new(self.plan);
        let changes = self.log.iter().flat_map(|logged| &logged.changes);
        changes.for_each(|change| self.ledger.take(change));
        for intent in self.log.iter().flat_map(|logged| &logged.intents) {
            let Intent {
                attempt,
                part,
                key,
                idempotent,
            } = intent;
            if attempt.undo {
                continue;
            }
            let unit = (attempt.node, attempt.instance);
            self.last_attempt.insert(unit, (attempt.attempt, attempt.start));
            self.keys.insert((unit, attempt.attempt, part.clone()), key.clone());
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

fn part_of(start: &StartAttempt) -> Part {
    let call = start.call.as_ref();
    let judges = call.and_then(|call| call.judges.as_ref()).map(ToString::to_string);
    (call.and_then(|call| call.step), judges)
}

/// The question whose answer is no longer the one that was on record.
fn changed_answer(before: &NodeSnapshot, after: &NodeSnapshot) -> Option<SmolStr> {
    let answered = before.questions.iter().filter(|question| question.answered.is_some());
    let mut changed = answered.filter(|known| {
        let same = |now: &&QuestionSnapshot| now.ask.label == known.ask.label && now.asked_ms == known.asked_ms;
        let now = after.questions.iter().find(same);
        now.is_some_and(|now| now.answered != known.answered)
    });
    changed.next().map(|known| known.ask.label.clone())
}

/// The first node of the scope that a node is in: a call's nodes follow each other.
fn first_of(engine: &Engine, node: NodeId) -> NodeId {
    let mut first = 0;
    loop {
        let count = engine.plan_of(first).nodes.len() as NodeId;
        if node < first + count || count == 0 {
            return first;
        }
        first += count;
    }
}

/// What nodes have come to, as the model wants it.
pub fn fates(nodes: &[NodeSnapshot]) -> Vec<Option<Fate>> {
    let fate = |node: &NodeSnapshot| {
        node.status.is_settled().then(|| Fate {
            status: node.status,
            mode: node.error.as_ref().map(|error| error.kind.to_string()),
        })
    };
    nodes.iter().map(fate).collect()
}
