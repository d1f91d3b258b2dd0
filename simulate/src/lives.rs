//! One run over the lives of its drivers: each opens what is on disk, takes the run over and drives it until it ends or dies.
//!
//! Between them somebody may come who asks for something while nobody drives. Journal, fold, opening and engine are
//! those of the product; what is simulated is the disk, the time and what attempts come to.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::event::{Ask, Command, Event, EventKind, Resolution, RunStatus};
use engine::{Engine, GateSnapshot, NodeSnapshot};
use ir::Value;
use ir::plan::{Budget, Inputs, Money, Plan};
use runtime::sim::{Halt, Journal, Simulation, World};
use runtime::{History, RunError, fold_journal, opening, standing_still};
use smol_str::SmolStr;
use store::{Durability, ErrorClass, Head, JOURNAL_FORMAT, RUN_FORMAT, Reader, RunMeta, Store, Tail, Writer};

use crate::checks::{Checks, Known};
use crate::disk::{Disk, Fault};
use crate::faults::{Faults, Moment};
use crate::later::{Revisions, Wish, some_that_failed};
use crate::promises::{Invariant, Violation};

/// When every simulated run starts.
const START_MS: i64 = 1_700_000_000_000;
/// What takes longer than this will never be reported, and somebody starts a new driver.
pub const NEVER_MS: u64 = 1_000_000_000_000;
/// A run that needs more drivers than this makes no progress.
const LIVES_MAX: usize = 100;
/// A driver that takes more steps than this goes round in circles.
const STEPS_MAX: usize = 50_000;
/// What somebody does in a row about a run that moves no more, before they leave it.
const HELP_MAX: usize = 50;
const BUFFER_BYTES: usize = 1 << 13;

/// What is run.
pub struct Case<'c> {
    pub plan: &'c Arc<Plan>,
    pub inputs: Inputs,
    pub seed: u64,
    pub parallel: u32,
    /// Its graph is one that the model understands.
    pub modelled: bool,
    /// So many events may share a sync.
    pub batch_max: usize,
    /// The plan under which somebody has the run go on that stands for the first time.
    pub then: Option<Arc<Plan>>,
    /// What earlier runs read.
    pub known: Known,
}

/// What it came to.
#[derive(Clone, Debug)]
pub struct Done {
    pub status: RunStatus,
    pub nodes: Vec<NodeSnapshot>,
    pub outputs: Vec<(SmolStr, Value)>,
    pub journal: Vec<u8>,
    pub lives: usize,
    pub known: Known,
}

/// A world that lives on while drivers die.
pub trait LastingWorld: World {
    /// What people will still do about something that they were asked before.
    fn still_to_come(&mut self, ask: &Ask, engine: &Engine) -> Vec<(u64, EventKind)>;
}

/// What somebody wants to ask for, and what they have asked for so far.
#[derive(Default)]
struct Visitor {
    wish: Option<Wish>,
    /// The number of the revision that was due when they asked.
    asked_for: u32,
    revisions: Revisions,
}

/// Runs to the end, over as many lives as it takes.
pub fn run<W: LastingWorld>(case: &Case<'_>, world: &mut W, faults: &mut Faults) -> Result<Done, Violation> {
    let meta = meta(case);
    let disk = Disk::default();
    let mut checks = Checks::new(case.plan, case.parallel, case.modelled, case.known.clone());
    let mut now_ms = START_MS;
    let mut visitor = Visitor::default();
    for lives in 1..=LIVES_MAX {
        let opened = open(case, &meta, &disk, &visitor.revisions).map_err(|error| unreadable(&error))?;
        checks.reopened(opened.tail.seq as usize, &opened.engine);
        let plan = opened.engine.plan().clone();
        let mut recorder = Recorder {
            writer: writer(&disk, &opened.tail)?,
            disk: disk.clone(),
            checks: &mut checks,
            faults,
            batch_max: case.batch_max,
            moment: None,
            acts: 0,
            past: Vec::new(),
        };
        let simulation = Simulation::new(opened.engine, now_ms, world, &mut recorder);
        let ended = match visitor.wish.clone() {
            Some(wish) => visitor.ask(simulation, &wish),
            None => drive(simulation, &meta),
        };
        if let Some(violation) = checks.violation.take() {
            return Err(violation);
        }
        match ended? {
            Ended::Stands(engine) => {
                checks.stands(&engine);
                let is_over = engine.status() == RunStatus::Completed;
                let first = case.then.clone().filter(|_| !is_over && engine.revisions().is_empty());
                visitor.wish = match first {
                    Some(plan) => Some(Wish::Replan(plan)),
                    None if is_over => None,
                    None => faults.wish(engine.plan(), true),
                };
                if let Some(violation) = checks.violation.take() {
                    return Err(violation);
                }
                if visitor.wish.is_none() {
                    let done = finish(case, &meta, &disk, &engine, lives, &visitor.revisions)?;
                    let known = checks.into_known();
                    return Ok(Done { known, ..done });
                }
                now_ms = engine.times_ms().1 + 1_000;
            }
            Ended::Left { plan, at_ms } => {
                visitor.wish = faults.wish(&plan, false);
                now_ms = at_ms + 1_000;
            }
            Ended::Died(died_ms) => {
                if faults.power_lost() {
                    disk.lose_power(faults.rng());
                }
                disk.settle();
                if faults.flips() {
                    tamper(case, &meta, &disk, faults, &visitor.revisions)?;
                }
                now_ms = faults.next_life_ms(died_ms);
                // whoever was asking looks whether it is on record, and asks again
                if visitor.wish.is_none() {
                    visitor.wish = faults.wish(&plan, false);
                } else if let Some(Wish::Replan(_)) = &visitor.wish {
                    let now = open(case, &meta, &disk, &visitor.revisions).map_err(|error| unreadable(&error))?;
                    let done = now.engine.next_revision() > visitor.asked_for;
                    visitor.wish = visitor.wish.take().filter(|_| !done);
                }
            }
        }
    }
    Err(endless(format!("it has not ended after {LIVES_MAX} drivers")))
}

enum Ended {
    Stands(Box<Engine>),
    Died(i64),
    /// Somebody asked for something, or found that there was nothing to ask for.
    Left {
        plan: Arc<Plan>,
        at_ms: i64,
    },
}

impl Visitor {
    /// What somebody asks for goes into the journal of a run that nobody drives.
    fn ask<W: LastingWorld>(
        &mut self,
        mut simulation: Simulation<'_, W, Recorder<'_, '_>>,
        wish: &Wish,
    ) -> Result<Ended, Violation> {
        let died = |simulation: &Simulation<'_, W, Recorder<'_, '_>>| Ok(Ended::Died(simulation.now_ms()));
        self.asked_for = simulation.engine.next_revision();
        let still = standing_still(&simulation.engine);
        if simulation.engine.run().is_some() && (still.is_empty() || simulation.tell(still).is_ok()) {
            let mut rng = simulation.journal().faults.rng().clone();
            let asked = wish.asked(&simulation.engine, &mut rng, &mut self.revisions);
            if let Some(kind) = asked {
                simulation.journal().faults.visits += 1;
                if simulation.tell(vec![kind]).is_err() {
                    return died(&simulation);
                }
            }
        } else if simulation.engine.run().is_some() {
            return died(&simulation);
        }
        self.wish = None;
        Ok(Ended::Left {
            plan: simulation.engine.plan().clone(),
            at_ms: simulation.now_ms(),
        })
    }
}

/// The life of one driver.
fn drive<W: LastingWorld>(
    mut simulation: Simulation<'_, W, Recorder<'_, '_>>,
    meta: &RunMeta,
) -> Result<Ended, Violation> {
    if simulation.engine.end().is_some() {
        return Ok(Ended::Stands(Box::new(simulation.engine)));
    }
    let resuming = simulation.engine.run().is_some();
    let mut driven = simulation.tell(opening(&simulation.engine, meta, Default::default(), driver()));
    for (ask, asked_ms) in asking(&simulation.engine).into_iter().filter(|_| resuming) {
        let since_ms = simulation.now_ms().saturating_sub(asked_ms).max(0).unsigned_abs();
        let (world, engine) = simulation.world();
        for (after_ms, kind) in world.still_to_come(&ask, engine) {
            simulation.arrange(after_ms.saturating_sub(since_ms), kind);
        }
    }
    // driving a paused run is what resuming means
    if driven.is_ok() && resuming && simulation.engine.status() == RunStatus::Paused {
        driven = simulation.tell(vec![EventKind::RESUME]);
    }
    let mut helped = 0;
    for _ in 0..STEPS_MAX {
        if driven.is_err() {
            return Ok(Ended::Died(simulation.now_ms()));
        }
        if simulation.engine.end().is_some() {
            return Ok(Ended::Stands(Box::new(simulation.engine)));
        }
        let meddled = meddle(&mut simulation);
        if let Some(jump_ms) = simulation.journal().faults.jump_ms() {
            simulation.jump(jump_ms);
        }
        driven = match (meddled, simulation.next_ms()) {
            (Some(kind), _) => simulation.tell(vec![kind]),
            (None, Some(next_ms)) if next_ms > simulation.now_ms().saturating_add_unsigned(NEVER_MS / 2) => Err(Halt),
            (None, Some(_)) => {
                helped = 0;
                simulation.step().map(drop)
            }
            (None, None) => match help(&mut simulation, helped)? {
                Some(kind) if helped < HELP_MAX => {
                    helped += 1;
                    simulation.tell(vec![kind])
                }
                _ => return Ok(Ended::Stands(Box::new(simulation.engine))),
            },
        };
    }
    Err(endless(format!("it has not ended after {STEPS_MAX} steps")))
}

/// Something that comes from outside while a driver drives.
fn meddle<W: World>(simulation: &mut Simulation<'_, W, Recorder<'_, '_>>) -> Option<EventKind> {
    if simulation.journal().faults.may_retry() {
        let mut rng = simulation.journal().faults.rng().clone();
        let asked = some_that_failed(&simulation.engine, &mut rng);
        let others_wait = simulation.engine.has_ready();
        if asked.is_some() && simulation.journal().faults.retries_now(others_wait) {
            simulation.journal().faults.visits += 1;
            return asked;
        }
    }
    let recorder = simulation.journal();
    recorder.faults.meddle(&recorder.past)
}

/// What somebody does about a run that moves no more, and that they have helped so often; `None`: it may stand.
fn help<W: World>(
    simulation: &mut Simulation<'_, W, Recorder<'_, '_>>,
    helped: usize,
) -> Result<Option<EventKind>, Violation> {
    let engine = &simulation.engine;
    match engine.status() {
        RunStatus::Paused => Ok(Some(match engine.run_budget().cost {
            // more, and only then on
            Some(cost) if engine.paused_for().is_some() && helped.is_multiple_of(2) => EventKind::BudgetRaised {
                budget: Budget {
                    cost: Some(Money(cost.0 + cost.0)),
                    ..Budget::default()
                },
                by: "user/me".to_owned(),
            },
            _ => EventKind::RESUME,
        })),
        RunStatus::Blocked => {
            let blocked = engine.blocked();
            Ok(blocked.first().map(|doubt| EventKind::Resolved {
                node: doubt.attempt.node,
                instance: doubt.attempt.instance,
                resolution: Resolution::Retry,
                because: "looked".to_owned(),
                by: "user/me".to_owned(),
            }))
        }
        RunStatus::Running | RunStatus::Pending => {
            let open: Vec<_> = engine
                .nodes()
                .into_iter()
                .filter(|node| node.settled_ms.is_none())
                .collect();
            let open: Vec<String> = open
                .iter()
                .map(|node| format!("{} {:?}", node.id, node.status))
                .collect();
            Err(endless(format!(
                "nothing happens and nothing will: {}",
                open.join(", ")
            )))
        }
        RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => Ok(None),
    }
}

fn endless(what: String) -> Violation {
    Violation {
        invariant: Invariant::ComesToAnEnd,
        what,
    }
}

/// What people are asked, and since when.
fn asking(engine: &Engine) -> Vec<(Ask, i64)> {
    let open: BTreeSet<_> = engine.asking().iter().map(|ask| (ask.node, ask.instance)).collect();
    let nodes = engine.nodes();
    let gates = nodes.iter().flat_map(NodeSnapshot::gates);
    let waits = |gate: &&GateSnapshot| open.contains(&(gate.ask.node, gate.ask.instance));
    let gates = gates.filter(waits).map(|gate| (gate.ask.clone(), gate.asked_ms));
    let questions = nodes.iter().flat_map(|node| &node.questions);
    let questions = questions.filter(|question| question.waits);
    gates
        .chain(questions.map(|question| (question.ask.clone(), question.asked_ms)))
        .collect()
}

/// What is on disk now is what the run was.
fn finish(
    case: &Case<'_>,
    meta: &RunMeta,
    disk: &Disk,
    engine: &Engine,
    lives: usize,
    revisions: &Revisions,
) -> Result<Done, Violation> {
    let folded = open(case, meta, disk, revisions).map_err(|error| unreadable(&error))?;
    if folded.engine.state_digest() != engine.state_digest() {
        return Err(Violation {
            invariant: Invariant::FoldAndReplay,
            what: "the journal folds to another state than the one that the driver had".to_owned(),
        });
    }
    let outputs = engine.end().map(|end| end.outputs.clone()).unwrap_or_default();
    Ok(Done {
        status: engine.status(),
        nodes: engine.nodes(),
        outputs: outputs.into_iter().collect(),
        journal: disk.bytes(),
        lives,
        known: Known::new(),
    })
}

/// Turns a bit over and looks whether that is noticed; then turns it back.
fn tamper(
    case: &Case<'_>,
    meta: &RunMeta,
    disk: &Disk,
    faults: &mut Faults,
    revisions: &Revisions,
) -> Result<(), Violation> {
    let before = disk.bytes();
    let sound = open(case, meta, disk, revisions)
        .map_err(|error| unreadable(&error))?
        .tail;
    let events = sound.seq;
    let Some(at) = disk.flip(faults.rng(), sound.valid_len as usize) else {
        return Ok(());
    };
    let unnoticed = match open(case, meta, disk, revisions) {
        Err(error) => error.class() != ErrorClass::Corrupt,
        // what looks like a write that was interrupted is said, and cut
        Ok(opened) => opened.tail.torn.is_none() || opened.tail.seq >= events,
    };
    disk.set(before.clone());
    match unnoticed {
        true => Err(Violation {
            invariant: Invariant::Tampering,
            what: format!("a bit was turned over at {:?}", around(&before, at)),
        }),
        false => Ok(()),
    }
}

fn around(bytes: &[u8], at: usize) -> String {
    let (start, end) = (at.saturating_sub(20), bytes.len().min(at + 20));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}›{}", text(&bytes[start..at]), text(&bytes[at..end]))
}

fn open(case: &Case<'_>, meta: &RunMeta, disk: &Disk, revisions: &Revisions) -> Result<History, RunError> {
    let input = Box::new(Cursor::new(disk.bytes()));
    let reader = Reader::on(input, BUFFER_BYTES, path(), genesis(), artifacts());
    fold_journal(meta.clone(), case.plan.clone(), revisions, reader, |_, _| {})
}

fn writer(disk: &Disk, tail: &Tail) -> Result<Writer, Violation> {
    let writer = Writer::on(Box::new(disk.clone()), path(), tail, artifacts(), Durability::Power);
    writer.map_err(|error| Violation {
        invariant: Invariant::NothingLost,
        what: error.to_string(),
    })
}

fn unreadable(error: &RunError) -> Violation {
    Violation {
        invariant: Invariant::FoldAndReplay,
        what: error.to_string(),
    }
}

fn genesis() -> Head {
    Head::genesis(b"a simulated run")
}

fn path() -> PathBuf {
    PathBuf::from("journal.jsonl")
}

/// Values of simulated runs are small: nothing is ever stored.
fn artifacts() -> store::Artifacts {
    Store::new("/nowhere", Durability::Process).artifacts()
}

fn meta(case: &Case<'_>) -> RunMeta {
    let here = Path::new("/simulated").to_path_buf();
    RunMeta {
        format: RUN_FORMAT.to_owned(),
        journal: JOURNAL_FORMAT.to_owned(),
        run: "simulated".to_owned(),
        started: store::rfc3339(START_MS),
        plan: case.plan.name.to_string(),
        version: None,
        title: None,
        source: None,
        ir_hash: String::new(),
        engine: "simulated".to_owned(),
        inputs: case.inputs.clone(),
        seed: case.seed,
        parallel: case.parallel,
        who: "simulation".to_owned(),
        host: "simulation".to_owned(),
        cwd: here.clone(),
        workspace: here,
    }
}

fn driver() -> EventKind {
    EventKind::DriverStarted {
        boot_id: "simulated".into(),
        pid: 1,
        pid_started: 1,
        supervisor_pid: 2,
        supervisor_started: 2,
    }
}

/// The product's journal on the simulated disk, watched.
struct Recorder<'r, 'p> {
    writer: Writer,
    disk: Disk,
    checks: &'r mut Checks<'p>,
    faults: &'r mut Faults,
    batch_max: usize,
    /// How the driver dies in this turn.
    moment: Option<Moment>,
    /// Commands carried out in this turn.
    acts: usize,
    /// What could come a second time.
    past: Vec<EventKind>,
}

impl Recorder<'_, '_> {
    /// Goes on while nothing is wrong.
    fn sound(&self) -> Result<(), Halt> {
        if self.checks.violation.is_some() {
            Err(Halt)
        } else {
            Ok(())
        }
    }
}

impl Journal for Recorder<'_, '_> {
    fn batch_max(&mut self) -> usize {
        1 + self.faults.rng().below(self.batch_max)
    }

    fn append(&mut self, event: &Event, commands: &[Command], engine: &Engine) -> Result<(), Halt> {
        if let Err(error) = self.writer.stage(event.time_ms, event, &commands, None) {
            self.checks.broken(Invariant::NothingLost, error.to_string());
        }
        self.checks.applied(event, commands, engine);
        let doubles = matches!(
            event.kind,
            EventKind::AttemptEnded { .. }
                | EventKind::Decided { .. }
                | EventKind::Answered { .. }
                | EventKind::TimerFired { .. }
        );
        if doubles {
            self.past.push(event.kind.clone());
        }
        self.sound()
    }

    fn commit(&mut self) -> Result<(), Halt> {
        self.acts = 0;
        self.moment = self.faults.at_commit();
        let room = self.faults.rng().below(2_000);
        match self.moment {
            Some(Moment::BeforeWriting) => return Err(Halt),
            Some(Moment::WhileWriting) => self.disk.fail_next(Fault::DieWhileWriting { written: room }),
            Some(Moment::BeforeSyncing) => self.disk.fail_next(Fault::DieBeforeSync),
            Some(Moment::FailedSync) => self.disk.fail_next(Fault::FailedSync),
            Some(Moment::NoRoom) => self.disk.fail_next(Fault::Full { room }),
            Some(Moment::AfterSyncing | Moment::WhileActing | Moment::AfterActing) | None => {}
        }
        self.writer.commit().map_err(|_| Halt)?;
        self.checks.committed();
        match self.moment {
            Some(Moment::AfterSyncing) => Err(Halt),
            _ => Ok(()),
        }
    }

    fn act(&mut self, command: &Command) -> Result<(), Halt> {
        if self.moment == Some(Moment::WhileActing) && self.acts == 1 {
            return Err(Halt);
        }
        self.acts += 1;
        if let Command::StartAttempt(start) = command {
            self.checks.acting(start, self.disk.is_synced());
        }
        self.sound()
    }

    fn acted(&mut self) -> Result<(), Halt> {
        match self.moment {
            Some(Moment::WhileActing | Moment::AfterActing) => Err(Halt),
            _ => Ok(()),
        }
    }
}
