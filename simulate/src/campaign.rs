//! Random plans under random schedules and faults: each seed is a plan, a way to run it and what goes wrong meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::event::{
    Ask, AttemptId, Call, Ended, EventKind, GateDecision, How, RunStatus, StartAttempt, StopReason, Usage,
};
use engine::{Engine, NodeSnapshot};
use ir::Value;
use ir::plan::{FailurePolicy, Money, Need, NodeId, Plan};
use runtime::sim::{Halt, Outcome, World};
use rust_decimal::Decimal;
use smol_str::format_smolstr;

use crate::checks::{Invariant, Violation};
use crate::faults::{Faults, Kinds};
use crate::generate::Rng;
use crate::lives::{Case, Done, LastingWorld, NEVER_MS, run};
use crate::model::{Model, outcome, seed_of};
use crate::plans::plan;

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
    };
    let kinds = Kinds {
        deaths: rng.percent(70),
        pauses: rng.percent(30),
        cancels: rng.percent(8),
        doubles: rng.percent(50),
        jumps: rng.percent(30),
        flips: rng.percent(25),
    };
    let plain = run(&case, &mut Chance::new(seed, seed ^ 0x5CED, 0), &mut Faults::none())?;
    if plan.failure == FailurePolicy::Continue && drawn.is_modelled {
        model(&plan, seed, &plain)?;
    }
    let faulty = || {
        let mut faults = Faults::random(seed, kinds);
        let mut world = Chance::new(seed, seed, faults.lost_percent());
        run(&case, &mut world, &mut faults).map(|done| (done, faults.deaths))
    };
    let (with_faults, deaths) = faulty()?;
    let (again, _) = faulty()?;
    if with_faults.journal != again.journal {
        return Err(Violation {
            invariant: Invariant::SameTwice,
            what: "two runs of one seed left different journals".to_owned(),
        });
    }
    if drawn.is_settled && is_settled_by_the_plan(&plan, &with_faults) && !kinds.cancels {
        same(&plain, &with_faults)?;
    }
    let lines = |done: &Done| done.journal.iter().filter(|byte| **byte == b'\n').count();
    Ok(Tally {
        plans: 1,
        runs: 3,
        events: lines(&plain) + 2 * lines(&with_faults),
        deaths: 2 * deaths,
    })
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

/// The final states of two runs are the same but for times. Nodes of called plans are not compared one by one: which instances of a
/// fan-out that fails have called at all is for the order to decide, and what came of a call is its task's to show.
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
    sight: Nothing,
}

impl Chance {
    fn new(seed: u64, schedule: u64, lost_percent: u64) -> Self {
        Self {
            seed,
            schedule: Rng(schedule),
            lost_percent,
            ends: BTreeMap::new(),
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
        let text = format!("{name} {instance:?} {attempt}");
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

    /// Two people decide, mostly alike, as the seed wants.
    fn decisions(&mut self, gate: NodeId, label: &str) -> Vec<(u64, EventKind)> {
        let mut mind = Rng(seed_of(self.seed, label) ^ 0xDEC1DE);
        let decision = match mind.percent(65) {
            true => GateDecision::Approved { choice: None },
            false => GateDecision::Rejected,
        };
        let decided = |n: usize, by: &str| EventKind::Decided {
            node: gate,
            by: by.into(),
            person: Some(format_smolstr!("user/{n}")),
            decision: decision.clone(),
            because: None,
        };
        let people = [decided(1, "role/release"), decided(2, "role/owner")];
        people.map(|kind| (self.soon(), kind)).into()
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

    fn ask(&mut self, ask: &Ask) -> Vec<(u64, EventKind)> {
        self.decisions(ask.node, &ask.label)
    }

    fn sight(&mut self, _: bool) -> &mut dyn ir::eval::World {
        &mut self.sight.0
    }
}

impl LastingWorld for Chance {
    fn still_to_come(&mut self, gate: &Ask) -> Vec<(u64, EventKind)> {
        self.decisions(gate.node, &gate.label)
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
