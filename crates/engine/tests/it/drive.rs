//! A driver in virtual time: it does what commands say, in a random order, and watches that they make sense.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::event::{
    AttemptId, Command, Ended, Event, EventKind, How, NodeStatus, Resolution, RunStarted, RunStatus, StartAttempt,
    StopReason, Timer,
};
use engine::{Engine, NodeSnapshot, Weight};
use ir::plan::{Body, NodeId, Plan};

use crate::generate::Rng;
use crate::model::{Fate, Model, outcome, seed_of};

/// What a schedule may do besides letting attempts end.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub crashes: bool,
    pub pauses: bool,
    pub nonsense: bool,
    pub cancel: bool,
}

pub struct Drive<'a> {
    pub plan: &'a Arc<Plan>,
    pub engine: Engine,
    pub seed: u64,
    pub rng: Rng,
    pub faults: Faults,
    pub time_ms: i64,
    /// What is journaled: each event with the commands and the digest after it.
    pub journal: Vec<(Event, Vec<Command>, Option<String>)>,
    running: BTreeMap<AttemptId, StartAttempt>,
    stopping: BTreeMap<AttemptId, StopReason>,
    timers: BTreeMap<Timer, i64>,
    /// What was looked for or is being kept: what is to be reported about it.
    answers: Vec<EventKind>,
    stopped: Option<RunStatus>,
    seen: Vec<NodeSnapshot>,
    last_attempt: BTreeMap<(NodeId, Option<u32>), (u32, u32)>,
    crashes_left: u32,
    /// What each unit's last attempt was started with: what it read.
    pub read: BTreeMap<String, String>,
}

impl<'a> Drive<'a> {
    pub fn new(plan: &'a Arc<Plan>, seed: u64, schedule: u64, faults: Faults) -> Self {
        let engine = Engine::new(plan.clone());
        Self {
            seen: engine.nodes(),
            plan,
            engine,
            seed,
            rng: Rng(schedule),
            faults,
            time_ms: 1_000_000,
            journal: Vec::new(),
            running: BTreeMap::new(),
            stopping: BTreeMap::new(),
            timers: BTreeMap::new(),
            answers: Vec::new(),
            stopped: None,
            last_attempt: BTreeMap::new(),
            crashes_left: 4,
            read: BTreeMap::new(),
        }
    }

    /// Runs to the end.
    pub fn run(&mut self) {
        self.tell(EventKind::RunStarted(RunStarted {
            run: "r1".into(),
            inputs: Default::default(),
            seed: self.seed,
            parallel: self.plan.limits.parallel.unwrap_or(2),
            workspace: "/w".to_owned(),
            memory: Default::default(),
        }));
        self.tell(driver());
        self.go_on();
    }

    /// Has everything tried again that failed; says whether there was anything.
    pub fn retry_failed(&mut self) -> bool {
        let failed = |node: &NodeSnapshot| {
            node.status == NodeStatus::Failed && self.engine.weigh_retry(node.node) == Ok(Weight::Counts)
        };
        let nodes: Vec<NodeId> = self
            .engine
            .nodes()
            .iter()
            .filter(|node| failed(node))
            .map(|node| node.node)
            .collect();
        if nodes.is_empty() {
            return false;
        }
        // what has settled may begin anew
        self.seen.clear();
        self.stopped = None;
        let (because, by) = (None, "ann".to_owned());
        self.tell(EventKind::RetryAsked { nodes, because, by });
        true
    }

    /// To the next end.
    pub fn go_on(&mut self) {
        let mut steps = 0;
        while !self.over() {
            steps += 1;
            assert!(steps < 20_000, "no end in sight");
            self.step();
        }
    }

    fn over(&self) -> bool {
        self.engine.status().is_over()
    }

    fn step(&mut self) {
        if self.faults.crashes && self.crashes_left > 0 && self.rng.percent(10) {
            self.crashes_left -= 1;
            return self.crash();
        }
        if self.faults.pauses && self.rng.percent(10) {
            return self.tell(if self.rng.clone().percent(50) {
                EventKind::PAUSE
            } else {
                EventKind::RESUME
            });
        }
        if self.faults.cancel && self.rng.percent(5) {
            return self.tell(EventKind::CancelAsked {
                because: None,
                rollback: false,
            });
        }
        if self.faults.nonsense && self.rng.percent(20) {
            return self.nonsense();
        }
        match self.engine.status() {
            RunStatus::Paused => self.tell(EventKind::RESUME),
            RunStatus::Blocked => self.resolve(),
            _ => self.let_something_happen(),
        }
    }

    fn let_something_happen(&mut self) {
        if !self.answers.is_empty() && (self.rng.percent(50) || self.running.is_empty()) {
            let answer = self.answers.swap_remove(self.rng.clone().below(self.answers.len()));
            return self.tell(answer);
        }
        let choices = self.running.len() + self.timers.len();
        assert!(choices > 0, "the run is stuck: {:#?}", self.engine.nodes());
        let choice = self.rng.below(choices);
        if let Some(attempt) = self.running.keys().nth(choice).copied() {
            return self.end(attempt);
        }
        let (timer, at_ms) = self
            .timers
            .iter()
            .nth(choice - self.running.len())
            .map(|(timer, at)| (timer.clone(), *at))
            .expect("a timer");
        self.timers.remove(&timer);
        self.time_ms = self.time_ms.max(at_ms);
        self.tell(EventKind::TimerFired { timer });
    }

    fn end(&mut self, attempt: AttemptId) {
        let start = self.running.remove(&attempt).expect("it runs");
        self.time_ms += self.rng.below(50) as i64;
        let how = match self.stopping.remove(&attempt) {
            Some(StopReason::Pause) if self.rng.percent(70) => How::Interrupted,
            Some(StopReason::Cancel | StopReason::PlanTimeout) if self.rng.percent(70) => How::Cancelled,
            _ if start.exec.is_some() => {
                let (seed, node) = self.local(attempt.node);
                outcome(seed, node, attempt.instance, attempt.attempt)
            }
            _ => How::Nothing,
        };
        let ended = Ended {
            how,
            // It must tell neither how often the same attempt was started nor in which order calls began.
            stdout: format!("{} {}", start.label, attempt.attempt),
            ..Ended::nothing(5)
        };
        self.tell(EventKind::AttemptEnded { attempt, ended });
    }

    /// What decides the attempts of a node: the seed of its scope, and its number there.
    fn local(&self, id: NodeId) -> (u64, NodeId) {
        let name = self.engine.name(id, None).expect("a node of the run");
        let (prefix, own) = name.rfind('/').map_or(("", &*name), |at| name.split_at(at + 1));
        let number = own.trim_start_matches('n').parse().expect("a number");
        (seed_of(self.seed, prefix), number)
    }

    fn crash(&mut self) {
        self.running.clear();
        self.stopping.clear();
        self.timers.clear();
        self.answers.clear();
        self.tell(driver());
        for lost in self.engine.in_flight() {
            self.tell(EventKind::AttemptLost { attempt: lost.attempt });
        }
    }

    fn resolve(&mut self) {
        let blocked = self.engine.blocked();
        let attempt = self.rng.pick(&blocked).attempt;
        self.tell(EventKind::Resolved {
            node: attempt.node,
            instance: attempt.instance,
            resolution: Resolution::Retry,
            because: "looked".to_owned(),
            by: "user/me".to_owned(),
        });
    }

    /// Late, doubled and senseless events, which must change nothing.
    fn nonsense(&mut self) {
        let node = self.rng.below(self.plan.nodes.len() + 2) as NodeId;
        let instance = self.rng.percent(50).then(|| self.rng.clone().below(4) as u32);
        let attempt = AttemptId {
            node,
            instance,
            attempt: 1 + self.rng.below(3) as u32,
            start: self.rng.below(2) as u32,
            undo: false,
        };
        if self.running.contains_key(&attempt) {
            return;
        }
        let kind = match self.rng.below(6) {
            0 => EventKind::AttemptLost { attempt },
            1 => EventKind::AttemptEnded {
                attempt,
                ended: Ended::nothing(1),
            },
            2 => self.rng.pick(&self.journal).0.kind.clone(),
            3 => EventKind::TimerFired {
                timer: Timer::Backoff {
                    node,
                    instance,
                    attempt: 99,
                },
            },
            4 => EventKind::TimerFired { timer: Timer::Plan },
            _ => EventKind::Resolved {
                node,
                instance,
                resolution: Resolution::Completed,
                because: String::new(),
                by: String::new(),
            },
        };
        let harmless = match &kind {
            EventKind::RunStarted(_) => true,
            EventKind::AttemptEnded { attempt, .. } | EventKind::AttemptLost { attempt } => {
                !self.running.contains_key(attempt)
            }
            EventKind::TimerFired { timer } => !self.timers.contains_key(timer),
            EventKind::Resolved { node, instance, .. } => !self
                .engine
                .blocked()
                .iter()
                .any(|blocked| blocked.attempt.node == *node && blocked.attempt.instance == *instance),
            _ => false,
        };
        if harmless {
            let before = self.engine.nodes();
            let ignored = self.engine.ignored().len();
            self.tell(kind);
            assert_eq!(
                before,
                self.engine.nodes(),
                "an event that means nothing changed something"
            );
            assert_eq!(self.engine.ignored().len(), ignored + 1);
        }
    }

    pub fn tell(&mut self, kind: EventKind) {
        let event = Event {
            time_ms: self.time_ms,
            kind,
        };
        let commands = self.engine.apply(&event);
        // Of most runs the last state will do.
        let digests = self.seed.is_multiple_of(8) || self.over();
        let digest = digests.then(|| self.engine.state_digest());
        self.journal.push((event, commands.clone(), digest));
        // A new driver is told again.
        let new_driver = self
            .journal
            .last()
            .is_some_and(|(event, ..)| matches!(event.kind, EventKind::DriverStarted { .. }));
        if self.engine.status() == RunStatus::Running || new_driver {
            self.stopped = None;
        }
        for command in commands {
            self.carry_out(command);
        }
        self.watch();
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::StartAttempt(start) => self.started(*start),
            Command::StopAttempt { attempt, why } => {
                assert!(
                    self.running.contains_key(&attempt) || self.faults.crashes,
                    "stops what does not run"
                );
                self.stopping.insert(attempt, why);
            }
            Command::SetTimer { timer, at_ms } => {
                self.timers.insert(timer, at_ms);
            }
            Command::AskPeople(_) => {}
            Command::LookUp { node, instance } => {
                let wanted = self.engine.sought(node, instance).expect("something to look for");
                self.answers.push(EventKind::LookedUp {
                    node,
                    instance,
                    key: ir::fingerprint::digest(&wanted.parts).into(),
                    files: Vec::new(),
                    found: None,
                    missed: None,
                });
            }
            Command::Remember { node } => {
                assert!(!self.engine.facts(node).is_empty(), "nothing to keep");
                self.answers.push(EventKind::Remembered { node });
            }
            Command::RunStopped { status } => {
                assert_eq!(status, self.engine.status());
                assert_ne!(self.stopped, Some(status), "said twice");
                assert!(self.running.is_empty(), "stopped while something runs");
                let unkept = self
                    .answers
                    .iter()
                    .any(|answer| matches!(answer, EventKind::Remembered { .. }));
                assert!(!self.over() || !unkept, "over before what it remembered is kept");
                self.stopped = Some(status);
            }
        }
    }

    fn started(&mut self, start: StartAttempt) {
        let id = start.attempt;
        let unit = (id.node, id.instance);
        assert!(
            self.running.keys().all(|other| (other.node, other.instance) != unit),
            "`{}` runs twice",
            start.label
        );
        assert!(
            self.running.len() < self.plan.limits.parallel.unwrap_or(2) as usize,
            "over `limits.parallel`"
        );
        let last = self.last_attempt.insert(unit, (id.attempt, id.start));
        let expected = match last {
            None => (id.attempt, id.start) == (1, 0),
            Some((attempt, start)) => {
                (id.attempt, id.start) == (attempt + 1, 0) || (id.attempt, id.start) == (attempt, start + 1)
            }
        };
        assert!(expected, "attempt {id:?} after {last:?}");
        // One of a call that began with this event was not seen before.
        let settled = self
            .seen
            .get(id.node as usize)
            .is_some_and(|before| before.status.is_settled());
        assert!(!settled, "`{}` starts after it settled", start.label);
        if (id.node as usize) < self.plan.nodes.len() {
            let model = Model::of(self.plan, fates(&self.engine.nodes()[..self.plan.nodes.len()]));
            assert!(model.may_start(id.node), "`{}` starts before its needs", start.label);
        }
        if let Some(exec) = &start.exec {
            self.read.insert(start.label.to_string(), format!("{:?}", exec.env));
        }
        self.running.insert(id, start);
        let node = self.engine.plan_node(id.node).expect("a node of the run");
        if let Body::Task(task) = &node.body
            && let Some(parallel) = task.each.as_ref().and_then(|each| each.parallel)
        {
            let instances = self.running.keys().filter(|other| other.node == id.node).count();
            assert!(instances <= parallel as usize, "over the fan-out's `parallel`");
        }
    }

    /// What must hold after every event.
    fn watch(&mut self) {
        let now = self.engine.nodes();
        for (before, after) in self.seen.iter().zip(&now) {
            let settled = before.status.is_settled();
            if settled {
                assert_eq!(before.status, after.status, "`{}` settled twice", after.id);
                assert_eq!(before.outputs, after.outputs, "outputs of `{}` changed", after.id);
                assert!(
                    before.handled.is_none() || before.handled == after.handled,
                    "`{}` was decided twice",
                    after.id
                );
            }
        }
        let in_flight: BTreeSet<AttemptId> = self.engine.in_flight().iter().map(|attempt| attempt.attempt).collect();
        let running: BTreeSet<AttemptId> = self.running.keys().copied().collect();
        assert!(running.is_subset(&in_flight), "the engine forgot an attempt");
        let stands = !matches!(self.engine.status(), RunStatus::Running);
        assert_eq!(
            stands,
            self.stopped.is_some(),
            "whether the run stands still was not said"
        );
        let idle = in_flight.is_empty() && self.timers.is_empty() && self.answers.is_empty();
        assert!(!idle || stands, "nothing happens and nothing will: {now:#?}");
        let free = in_flight.len() < self.plan.limits.parallel.unwrap_or(2) as usize;
        let limits_of_calls = self.plan.plans.values().any(|plan| plan.limits.parallel.is_some());
        let looks = !self.answers.is_empty();
        let held = !free || stands || looks || limits_of_calls || self.faults.pauses || self.faults.cancel;
        assert!(
            held || now.iter().all(|node| node.status != NodeStatus::Ready),
            "a slot is free and a node is ready"
        );
        self.seen = now;
    }
}

pub fn fates(nodes: &[NodeSnapshot]) -> Vec<Option<Fate>> {
    nodes
        .iter()
        .map(|node| match node.status {
            NodeStatus::Completed | NodeStatus::Failed | NodeStatus::Skipped | NodeStatus::Cancelled => Some(Fate {
                status: node.status,
                mode: node.error.as_ref().map(|error| error.kind.to_string()),
            }),
            _ => None,
        })
        .collect()
}

pub fn driver() -> EventKind {
    EventKind::DriverStarted {
        boot_id: "b".into(),
        pid: 1,
        pid_started: 1,
        supervisor_pid: 2,
        supervisor_started: 2,
    }
}
