//! The simulation driver: it carries out what the engine wants in virtual time.
//!
//! Promise: the same engine, world and journal give the same events at the same times, and a wait of two hours takes
//! none. Like the embedded driver it applies what is due, makes it durable and only then carries out what follows.
//! Absent: clocks, processes, files and decisions; what becomes of an attempt is the [`World`]'s to say, what becomes
//! of a line the [`Journal`]'s.

use std::collections::BTreeMap;

use engine::event::{Ask, AttemptId, Command, Ended, Event, EventKind, Found, How, StartAttempt, StopReason, Timer};
use engine::{Engine, Keep, Phase};
use ir::fingerprint;
use ir::plan::NodeId;

use crate::reuse::ask_once;

/// What an attempt comes to.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// So long it takes; its timeout may be shorter.
    pub after_ms: u64,
    pub ended: Ended,
}

/// Whoever called for it knows why the driver is to end at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Halt;

/// What a simulated world does.
pub trait World {
    /// An attempt starts.
    fn start(&mut self, start: &StartAttempt, engine: &Engine) -> Result<Outcome, Halt>;

    /// A running attempt is told to end: how it does, and after how long.
    fn stop(&mut self, attempt: AttemptId, why: StopReason) -> Outcome {
        let _ = attempt;
        let how = match why {
            StopReason::Pause => How::Interrupted,
            StopReason::Cancel | StopReason::Abort | StopReason::PlanTimeout => How::Cancelled,
        };
        Outcome {
            after_ms: 0,
            ended: Ended {
                how,
                ..Ended::nothing(0)
            },
        }
    }

    /// People are asked: what happens because of it, and after how long.
    fn ask(&mut self, ask: &Ask, engine: &Engine) -> Vec<(u64, EventKind)>;

    /// A result of an earlier run is looked for. By default there have been none.
    fn look_up(&mut self, key: &str) -> Option<Found> {
        let _ = key;
        None
    }

    /// Results that later runs may reuse. By default nobody keeps them.
    fn keep(&mut self, keeps: Vec<Keep>) {
        let _ = keeps;
    }

    /// What expressions see when an attempt is looked at, before it starts or after it ended.
    fn sight(&mut self, before: bool) -> &mut dyn ir::eval::World;
}

/// What a simulated journal does.
pub trait Journal {
    /// Events that are due at the same time share a commit; at most so many.
    fn batch_max(&mut self) -> usize {
        1
    }

    /// An event was applied.
    fn append(&mut self, event: &Event, commands: &[Command], engine: &Engine) -> Result<(), Halt>;

    /// What was appended is to be durable.
    fn commit(&mut self) -> Result<(), Halt>;

    /// A command is about to be carried out.
    fn act(&mut self, command: &Command) -> Result<(), Halt> {
        let _ = command;
        Ok(())
    }

    /// All commands that followed from the last commit have been carried out.
    fn acted(&mut self) -> Result<(), Halt> {
        Ok(())
    }
}

/// Something that will happen.
#[derive(Debug)]
enum Due {
    Event(Box<EventKind>),
    Ended(AttemptId, Box<Ended>),
    Timer(Timer),
}

/// When something happens; of several at one time the one that was arranged first.
type At = (i64, u64);

#[derive(Debug)]
struct Running {
    ends: At,
    started_ms: i64,
    observed: Vec<engine::event::Observation>,
}

/// A run that is driven in virtual time.
pub struct Simulation<'a, W, J> {
    pub engine: Engine,
    world: &'a mut W,
    journal: &'a mut J,
    now_ms: i64,
    future: BTreeMap<At, Due>,
    arranged: u64,
    running: BTreeMap<AttemptId, Running>,
    timers: BTreeMap<Timer, At>,
    /// Of the events since the last commit.
    keeps: Vec<Keep>,
}

impl<'a, W: World, J: Journal> Simulation<'a, W, J> {
    /// Time goes on from `now_ms`, and never back behind the latest event.
    pub fn new(engine: Engine, now_ms: i64, world: &'a mut W, journal: &'a mut J) -> Self {
        let (_, latest_ms) = engine.times_ms();
        Self {
            engine,
            world,
            journal,
            now_ms: now_ms.max(latest_ms),
            future: BTreeMap::new(),
            arranged: 0,
            running: BTreeMap::new(),
            timers: BTreeMap::new(),
            keeps: Vec::new(),
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The world, with the engine that it may look at.
    pub fn world(&mut self) -> (&mut W, &Engine) {
        (self.world, &self.engine)
    }

    pub fn journal(&mut self) -> &mut J {
        self.journal
    }

    /// Time jumps: what was due meanwhile is due now.
    pub fn jump(&mut self, ms: u64) {
        self.now_ms = self.now_ms.saturating_add_unsigned(ms);
    }

    /// When the next thing happens by itself.
    pub fn next_ms(&self) -> Option<i64> {
        self.future.keys().next().map(|(at_ms, _)| *at_ms)
    }

    /// Tells the engine something now, in one commit.
    pub fn tell(&mut self, kinds: Vec<EventKind>) -> Result<(), Halt> {
        let mut commands = Vec::new();
        for kind in kinds {
            commands.extend(self.apply(kind)?);
        }
        self.commit()?;
        self.carry_out(commands)
    }

    /// What a result follows from is on record before the result is kept.
    fn commit(&mut self) -> Result<(), Halt> {
        self.journal.commit()?;
        let keeps = std::mem::take(&mut self.keeps);
        if !keeps.is_empty() {
            self.world.keep(keeps);
        }
        Ok(())
    }

    /// Arranges that something happens.
    pub fn arrange(&mut self, after_ms: u64, kind: EventKind) {
        self.enqueue(after_ms, Due::Event(Box::new(kind)));
    }

    /// Lets the next thing happen; says whether there was one.
    pub fn step(&mut self) -> Result<bool, Halt> {
        let Some(&(at_ms, _)) = self.future.keys().next() else {
            return Ok(false);
        };
        self.now_ms = self.now_ms.max(at_ms);
        let mut commands = Vec::new();
        for _ in 0..self.journal.batch_max().max(1) {
            let Some(next) = self.future.first_entry().filter(|next| next.key().0 <= self.now_ms) else {
                break;
            };
            let due = next.remove();
            let kind = self.happened(due);
            commands.extend(self.apply(kind)?);
        }
        self.commit()?;
        self.carry_out(commands)?;
        Ok(true)
    }

    fn happened(&mut self, due: Due) -> EventKind {
        match due {
            Due::Event(kind) => *kind,
            Due::Timer(timer) => {
                self.timers.remove(&timer);
                EventKind::TimerFired { timer }
            }
            Due::Ended(attempt, ended) => self.ended(attempt, *ended),
        }
    }

    fn ended(&mut self, attempt: AttemptId, mut ended: Ended) -> EventKind {
        if let Some(running) = self.running.remove(&attempt) {
            ended.duration_ms = u64::try_from(self.now_ms - running.started_ms).unwrap_or(0);
            ended.observed = running.observed;
        }
        let after = self
            .engine
            .observe(attempt, Phase::After(&ended), self.world.sight(false));
        ended.observed.extend(after);
        EventKind::AttemptEnded { attempt, ended }
    }

    fn apply(&mut self, kind: EventKind) -> Result<Vec<Command>, Halt> {
        let event = Event {
            time_ms: self.now_ms,
            kind,
        };
        let commands = self.engine.apply(&event);
        self.keeps.extend_from_slice(self.engine.keeps());
        self.journal.append(&event, &commands, &self.engine)?;
        Ok(commands)
    }

    fn carry_out(&mut self, mut commands: Vec<Command>) -> Result<(), Halt> {
        ask_once(&mut commands);
        for command in commands {
            self.journal.act(&command)?;
            match command {
                Command::StartAttempt(start) => self.start(&start)?,
                Command::StopAttempt { attempt, why } => self.stop(attempt, why),
                Command::SetTimer { timer, at_ms } => self.set_timer(timer, at_ms),
                Command::AskPeople(ask) => {
                    for (after_ms, kind) in self.world.ask(&ask, &self.engine) {
                        self.arrange(after_ms, kind);
                    }
                }
                Command::LookUp { node, instance } => {
                    let kind = self.looked_up(node, instance);
                    self.arrange(0, kind);
                }
                Command::Remember { node } => self.arrange(0, EventKind::Remembered { node }),
                Command::RunStopped { .. } => {}
            }
        }
        self.journal.acted()
    }

    fn looked_up(&mut self, node: NodeId, instance: Option<u32>) -> EventKind {
        let wanted = self.engine.sought(node, instance);
        let key = wanted
            .map(|wanted| fingerprint::digest(&wanted.parts))
            .unwrap_or_default();
        EventKind::LookedUp {
            node,
            instance,
            found: self.world.look_up(&key).map(Box::new),
            key: key.into(),
            files: Vec::new(),
            missed: None,
        }
    }

    fn start(&mut self, start: &StartAttempt) -> Result<(), Halt> {
        let attempt = start.attempt;
        let mut observed = Vec::new();
        let mut runs = start.exec.is_some() || start.call.is_some();
        if start.observes_before {
            observed = self.engine.observe(attempt, Phase::Before, self.world.sight(true));
            runs &= self.engine.may_start(attempt, &observed);
        }
        let mut outcome = Outcome {
            after_ms: 0,
            ended: Ended::nothing(0),
        };
        if runs {
            outcome = self.world.start(start, &self.engine)?;
            let timeout_ms = start.timeout_ms.unwrap_or(u64::MAX);
            if outcome.ended.how == How::TimedOut {
                outcome.after_ms = start.timeout_ms.unwrap_or(outcome.after_ms);
            } else if outcome.after_ms > timeout_ms {
                outcome.after_ms = timeout_ms;
                outcome.ended.how = How::TimedOut;
            }
        }
        let ends = self.enqueue(outcome.after_ms, Due::Ended(attempt, Box::new(outcome.ended)));
        let started_ms = self.now_ms;
        self.running.insert(
            attempt,
            Running {
                ends,
                started_ms,
                observed,
            },
        );
        Ok(())
    }

    /// One that has ended, or is just being reported, needs nothing.
    fn stop(&mut self, attempt: AttemptId, why: StopReason) {
        let Some(ends) = self.running.get(&attempt).map(|running| running.ends) else {
            return;
        };
        let outcome = self.world.stop(attempt, why);
        let at_ms = self.now_ms.saturating_add_unsigned(outcome.after_ms);
        // it may be over sooner than it could be stopped
        if ends.0 <= at_ms && ends.0 > self.now_ms {
            return;
        }
        self.future.remove(&ends);
        let ends = self.enqueue(outcome.after_ms, Due::Ended(attempt, Box::new(outcome.ended)));
        if let Some(running) = self.running.get_mut(&attempt) {
            running.ends = ends;
        }
    }

    /// Setting a timer again replaces it.
    fn set_timer(&mut self, timer: Timer, at_ms: i64) {
        if let Some(before) = self.timers.remove(&timer) {
            self.future.remove(&before);
        }
        let after_ms = u64::try_from(at_ms.saturating_sub(self.now_ms)).unwrap_or(0);
        let at = self.enqueue(after_ms, Due::Timer(timer.clone()));
        self.timers.insert(timer, at);
    }

    fn enqueue(&mut self, after_ms: u64, due: Due) -> At {
        let at = (self.now_ms.saturating_add_unsigned(after_ms), self.arranged);
        self.arranged += 1;
        self.future.insert(at, due);
        at
    }
}
