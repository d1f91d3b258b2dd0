//! Random plans under random schedules and faults: each seed is a plan, a way to run it and what goes wrong meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::event::{
    Ask, AttemptId, Call, Ended, EventKind, Found, GateDecision, How, RunStatus, StartAttempt, StopReason, Usage,
};
use engine::{Engine, Keep, NodeSnapshot};
use ir::Value;
use ir::plan::{FailurePolicy, Money, Need, NodeId, Plan};
use runtime::sim::{Halt, Outcome, World};
use rust_decimal::Decimal;
use smol_str::format_smolstr;

use crate::checks::Known;
use crate::faults::{Faults, Kinds};
use crate::generate::Rng;
use crate::later::changed;
use crate::lives::{Case, Done, LastingWorld, NEVER_MS, run};
use crate::model::{Model, outcome, seed_of};
use crate::plans::{answer_of, plan};
use crate::promises::{Invariant, Violation};

/// So many of the questions and gates in a hundred are never answered: of those that wait for ever, and of those that do not.
const NOBODY_PERCENT: [u64; 2] = [8, 30];

/// What a seed took.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    pub plans: usize,
    pub runs: usize,
    pub events: usize,
    pub deaths: usize,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.plans += other.plans;
        self.runs += other.runs;
        self.events += other.events;
        self.deaths += other.deaths;
    }
}

/// Runs the plan of a seed: without faults, with those of the seed, and with those again.
pub fn seed(seed: u64) -> Result<Tally, Violation> {
    let mut rng = Rng(seed.wrapping_mul(0x1234_5678_9ABC_DEF1));
    let drawn = plan(&mut rng);
    let plan = Arc::new(drawn.plan);
    let case = Case {
        plan: &plan,
        inputs: ir::plan::Inputs::new(),
        seed,
        parallel: plan.limits.parallel.unwrap_or(2),
        modelled: true,
        batch_max: 1 + rng.below(4),
        then: None,
        known: Known::new(),
    };
    let kinds = Kinds {
        deaths: rng.percent(70),
        pauses: rng.percent(30),
        cancels: rng.percent(8),
        doubles: rng.percent(50),
        jumps: rng.percent(30),
        flips: rng.percent(25),
        retries: rng.percent(25),
        replans: rng.percent(20),
    };
    let mut world = Chance::new(&plan, seed, seed ^ 0x5CED, 0);
    let plain = run(&case, &mut world, &mut Faults::none())?;
    let case = Case {
        known: plain.known.clone(),
        ..case
    };
    let (shelf, known) = shelf(&case, &mut rng, world.made)?;
    let case = Case { known, ..case };
    if plan.failure == FailurePolicy::Continue && drawn.is_modelled {
        model(&plan, seed, &plain)?;
    }
    let faulty = || {
        let mut faults = Faults::random(seed, kinds);
        let mut world = Chance::new(&plan, seed, seed, faults.lost_percent());
        world.shelf.clone_from(&shelf);
        run(&case, &mut world, &mut faults).map(|done| (done, faults))
    };
    let (with_faults, faults) = faulty()?;
    let (again, _) = faulty()?;
    if with_faults.journal != again.journal {
        return Err(Violation {
            invariant: Invariant::SameTwice,
            what: "two runs of one seed left different journals".to_owned(),
        });
    }
    let meddled = kinds.cancels || faults.visits > 0;
    if drawn.is_settled && is_settled_by_the_plan(&plan, &with_faults) && !meddled {
        same(&plain, &with_faults)?;
    }
    let lines = |done: &Done| done.journal.iter().filter(|byte| **byte == b'\n').count();
    Ok(Tally {
        plans: 1,
        runs: 3,
        events: lines(&plain) + 2 * lines(&with_faults),
        deaths: 2 * faults.deaths,
    })
}

/// The results of two earlier runs: one of this plan, and one of a plan that differs in a script. Of one key that of
/// the other plan counts, so that a key which leaves something out is noticed.
fn shelf(case: &Case<'_>, rng: &mut Rng, made: Shelf) -> Result<(Shelf, Known), Violation> {
    if made.is_empty() || !rng.percent(60) {
        return Ok((Shelf::new(), case.known.clone()));
    }
    let other = Arc::new(changed(rng, case.plan));
    let mut world = Chance::new(&other, case.seed, case.seed ^ 0x07E4, 0);
    let case = Case {
        plan: &other,
        inputs: case.inputs.clone(),
        then: None,
        known: case.known.clone(),
        ..*case
    };
    let done = run(&case, &mut world, &mut Faults::none())?;
    let mut shelf = world.made;
    for (key, found) in made {
        shelf.entry(key).or_insert(found);
    }
    Ok((shelf, done.known))
}

/// Neither the order of events nor a doubt decided anything.
fn is_settled_by_the_plan(plan: &Plan, done: &Done) -> bool {
    let plans = std::iter::once(plan).chain(plan.plans.values());
    let mut needs = plans.flat_map(|plan| &plan.nodes).flat_map(|node| &node.needs);
    let has_quorum = needs.any(|need| matches!(need, Need::Quorum { .. }));
    let in_doubt = |node: &NodeSnapshot| {
        let of_instance = node.instances.iter().filter_map(|instance| instance.error.as_ref());
        node.error
            .iter()
            .chain(of_instance)
            .any(|error| error.kind == "in-doubt")
    };
    plan.failure == FailurePolicy::Continue && !has_quorum && !done.nodes.iter().any(in_doubt)
}

fn model(plan: &Plan, seed: u64, done: &Done) -> Result<(), Violation> {
    let model = Model::solve(plan, seed, BTreeSet::new());
    let differs = |what: String| {
        Err(Violation {
            invariant: Invariant::Model,
            what,
        })
    };
    for (node, expected) in done.nodes.iter().zip(&model.fates) {
        let mode = node.error.as_ref().map(|error| error.kind.to_string());
        let fits = expected
            .as_ref()
            .is_some_and(|expected| expected.status == node.status && expected.mode == mode);
        if !fits {
            return differs(format!(
                "`{}` is {:?} {mode:?}, expected {expected:?}",
                node.id, node.status
            ));
        }
    }
    let expected = if model.fails() {
        RunStatus::Failed
    } else {
        RunStatus::Completed
    };
    if done.status != expected {
        return differs(format!("the run {:?}, expected {expected:?}", done.status));
    }
    Ok(())
}

/// The final states of two runs are the same but for times. Nodes of called plans are not compared one by one: which
/// instances of a fan-out that fails have called at all is for the order to decide, and what came of a call is its
/// task's to show.
pub fn same(plain: &Done, other: &Done) -> Result<(), Violation> {
    let differs = |what: String| {
        Err(Violation {
            invariant: Invariant::SameWithoutFaults,
            what,
        })
    };
    let state = |node: &NodeSnapshot| {
        let mode = node.error.as_ref().map(|error| error.kind.clone());
        let mut outputs = node.outputs.clone();
        outputs.remove("duration");
        let undone = node.undo.as_ref().map(|undo| undo.status);
        (node.status, mode, outputs, node.chosen, undone)
    };
    let outermost = |node: &&NodeSnapshot| !node.id.contains('/');
    for (a, b) in plain
        .nodes
        .iter()
        .filter(outermost)
        .zip(other.nodes.iter().filter(outermost))
    {
        if state(a) != state(b) {
            return differs(format!("`{}` is {:?}, without faults {:?}", a.id, state(b), state(a)));
        }
    }
    if plain.status != other.status || plain.outputs != other.outputs {
        return differs(format!(
            "the run {:?} with {:?}, without faults {:?} with {:?}",
            other.status, other.outputs, plain.status, plain.outputs
        ));
    }
    Ok(())
}

/// A world in which the seed decides what attempts come to, and the schedule when.
struct Chance {
    seed: u64,
    schedule: Rng,
    lost_percent: u64,
    /// What an attempt that was started comes to.
    ends: BTreeMap<AttemptId, Ended>,
    /// Results of earlier runs, by their keys.
    shelf: Shelf,
    /// Those of this one.
    made: Shelf,
    /// How many nodes the outermost plan has.
    outermost: NodeId,
    sight: Nothing,
}

/// Results by their keys.
pub type Shelf = BTreeMap<String, Found>;

pub fn shelved(keep: Keep) -> (String, Found) {
    let found = Found {
        run: "before".into(),
        made_ms: 0,
        result: keep.result,
    };
    (keep.key.to_string(), found)
}

impl Chance {
    fn new(plan: &Plan, seed: u64, schedule: u64, lost_percent: u64) -> Self {
        let outermost = NodeId::try_from(plan.nodes.len()).unwrap_or(NodeId::MAX);
        Self {
            seed,
            schedule: Rng(schedule),
            lost_percent,
            ends: BTreeMap::new(),
            shelf: Shelf::new(),
            made: Shelf::new(),
            outermost,
            sight: Nothing(ir::eval::NoWorld),
        }
    }

    /// By where the node is in the run and in its plan: its number in the run may differ from one life to the next.
    fn ended(&self, start: &StartAttempt, engine: &Engine) -> Ended {
        let AttemptId {
            node,
            instance,
            attempt,
            ..
        } = start.attempt;
        let name = engine.name(node, None).unwrap_or_default();
        let (prefix, own) = name.rfind('/').map_or(("", &*name), |at| name.split_at(at + 1));
        let number = own.trim_start_matches('n').parse().unwrap_or(node);
        let seed = seed_of(self.seed, prefix);
        let how = outcome(seed, number, instance, attempt);
        // it does not tell how often the same attempt was started
        let text = format!("{name} {instance:?} {attempt}{}", read(start));
        match &start.call {
            None => Ended {
                how,
                stdout: text,
                ..Ended::nothing(0)
            },
            Some(call) => self.answered(start, call, how, text, engine),
        }
    }

    /// A capability answers as the script that it stands for would end.
    fn answered(&self, start: &StartAttempt, call: &Call, how: How, text: String, engine: &Engine) -> Ended {
        let failed = |mode: &str| How::CallFailed {
            mode: mode.into(),
            message: "as the seed wants".to_owned(),
        };
        let how = match how {
            How::Exited(0) => How::Answered(Value::Record([("stdout".into(), text.as_str().into())].into())),
            How::Exited(3) => failed("x"),
            // of one that may not be repeated nobody would know what it did
            How::TimedOut if start.idempotent => How::TimedOut,
            _ => failed("failure"),
        };
        // some are cheaper than they might be
        let price = engine.plan().capabilities.get(&call.capability);
        let price = price
            .and_then(|capability| capability.cost.first())
            .map(|rate| rate.amount.0);
        let mut rng = Rng(seed_of(self.seed, &text));
        let used = price.filter(|_| rng.percent(40)).map(|price| Usage {
            cost: Money(price * Decimal::new(rng.below(101) as i64, 2)),
            tokens: 0,
        });
        Ended {
            how,
            used,
            ..Ended::nothing(0)
        }
    }

    fn soon(&mut self) -> u64 {
        match self.schedule.below(10) {
            0..=2 => 0,
            3..=8 => self.schedule.below(300) as u64,
            _ => self.schedule.below(60_000) as u64,
        }
    }

    /// Two people decide, mostly alike, as the seed wants; sometimes nobody ever does.
    fn decisions(&mut self, ask: &Ask) -> Vec<(u64, EventKind)> {
        let mut mind = Rng(seed_of(self.seed, &ask.label) ^ 0xDEC1DE);
        if mind.percent(nobody_percent(ask)) {
            return Vec::new();
        }
        let decision = match mind.percent(65) {
            true => GateDecision::Approved { choice: None },
            false => GateDecision::Rejected,
        };
        let decided = |n: usize, by: &str| EventKind::Decided {
            node: ask.node,
            instance: None,
            by: by.into(),
            person: Some(format_smolstr!("user/{n}")),
            decision: decision.clone(),
            because: None,
        };
        let people = [decided(1, "role/release"), decided(2, "role/owner")];
        people.map(|kind| (self.soon(), kind)).into()
    }

    /// Somebody answers, perhaps with nonsense first, or nobody ever does.
    fn answers(&mut self, ask: &Ask) -> Vec<(u64, EventKind)> {
        let mut mind = Rng(seed_of(self.seed, &ask.label) ^ 0xA45);
        if mind.percent(nobody_percent(ask)) {
            return Vec::new();
        }
        let answered = |answer: Value| EventKind::Answered {
            node: ask.node,
            instance: ask.instance,
            by: "user/1".into(),
            answer,
            because: None,
        };
        let after_ms = self.soon();
        let sound = (after_ms, answered(answer_of(&format!("{} was asked", ask.label))));
        match mind.percent(30) {
            true => vec![(after_ms, answered(Value::Int(1))), sound],
            false => vec![sound],
        }
    }
}

fn nobody_percent(ask: &Ask) -> u64 {
    NOBODY_PERCENT[usize::from(ask.deadline_ms.is_some())]
}

/// What a script reads: it says something else about something else.
fn read(start: &StartAttempt) -> String {
    let mut text = String::new();
    if let Some(exec) = &start.exec {
        exec.argv.iter().for_each(|arg| text.push_str(arg));
        for (name, value) in &exec.env {
            // how long something took is in messages, and messages are in records
            if let Value::String(value) = value {
                text.push_str(&format!(" {name}={value}"));
            }
        }
    }
    match text.is_empty() {
        true => text,
        false => format!(" {:016x}", seed_of(0xCBF2_9CE4_8422_2325, &text)),
    }
}

impl World for Chance {
    fn start(&mut self, start: &StartAttempt, engine: &Engine) -> Result<Outcome, Halt> {
        let lost = self.schedule.percent(self.lost_percent);
        let after_ms = if lost { NEVER_MS } else { self.soon() };
        let ended = self.ended(start, engine);
        self.ends.insert(start.attempt, ended.clone());
        // a timeout without a time to wait takes none
        Ok(Outcome { after_ms, ended })
    }

    fn stop(&mut self, attempt: AttemptId, why: StopReason) -> Outcome {
        let after_ms = self.soon();
        // some end by themselves before they are stopped
        let ended = match (self.schedule.percent(70), why) {
            (false, _) | (_, StopReason::Abort) => match self.ends.get(&attempt) {
                Some(ended) => ended.clone(),
                None => stopped(How::Cancelled),
            },
            (true, StopReason::Pause) => stopped(How::Interrupted),
            (true, _) => stopped(How::Cancelled),
        };
        Outcome { after_ms, ended }
    }

    fn ask(&mut self, ask: &Ask, _: &Engine) -> Vec<(u64, EventKind)> {
        match ask.question {
            Some(_) => self.answers(ask),
            None => self.decisions(ask),
        }
    }

    fn look_up(&mut self, key: &str) -> Option<Found> {
        self.shelf.get(key).cloned()
    }

    fn keep(&mut self, keeps: Vec<Keep>) {
        // instances, and calls of one plan, that read the same have the same key, and this world has them end
        // differently all the same
        let alone = |keep: &Keep| keep.instance.is_none() && keep.node < self.outermost;
        let kept = keeps.into_iter().filter(alone).map(shelved);
        self.made.extend(kept);
    }

    fn sight(&mut self, _: bool) -> &mut dyn ir::eval::World {
        &mut self.sight.0
    }
}

impl LastingWorld for Chance {
    fn still_to_come(&mut self, ask: &Ask, engine: &Engine) -> Vec<(u64, EventKind)> {
        self.ask(ask, engine)
    }
}

/// Random plans look at nothing.
struct Nothing(ir::eval::NoWorld);

fn stopped(how: How) -> Ended {
    Ended {
        how,
        ..Ended::nothing(0)
    }
}
