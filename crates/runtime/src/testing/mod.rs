//! Carrying out tests of plans: the real engine in virtual time, mocks instead of everything that would run.
//!
//! Promise: a test touches nothing. What would run and has no mock ends the test, which says so. Absent: printing, and
//! where tests come from.

mod claims;
mod files;
mod mocks;

use std::sync::Arc;

use engine::event::{Command, Event, EventKind, RunStarted, RunStatus};
use engine::{Engine, Notice, complete_inputs as complete};
use ir::Value;
use ir::eval::{EvalError, NoWorld, Scope, eval};
use ir::expr::Ref;
use ir::plan::{Expectation, Inputs, Judge, Plan};
use ir::testing::{Mocked, Test};
use ir::types::Types;

use crate::sim::{Halt, Journal, Simulation};

pub use mocks::Mocks;

/// How many attempts run at once in a plan that does not say.
const PARALLEL: u32 = 4;
/// 2026-01-01T00:00:00Z: when every test starts.
const START_MS: i64 = 1_767_225_600_000;
/// A test that takes more events than this goes round in circles.
const EVENTS_MAX: usize = 1_000_000;

/// What a test came to.
#[derive(Clone, Debug)]
pub struct TestReport {
    /// None: it passed.
    pub failures: Vec<TestFailure>,
    /// Prose that nobody judged: of the test, and of nodes that completed.
    pub unverified: Vec<String>,
    /// Of the run.
    pub status: RunStatus,
    /// What happened, with the milliseconds since the start.
    pub events: Vec<(i64, Notice)>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum TestFailure {
    /// Something does not hold that should.
    Expectation {
        text: String,
        line: u32,
        /// What it compares, or what it asks: text and value, or why there is none.
        seen: Vec<Seen>,
    },
    /// The test cannot be carried out.
    Refused { message: String, help: Option<String> },
}

/// One side of an expectation.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// As the plan writes it.
    pub text: String,
    pub value: Result<Value, String>,
}

impl TestReport {
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    fn refused(message: impl Into<String>, help: Option<String>) -> Self {
        let message = message.into();
        Self {
            failures: vec![TestFailure::Refused { message, help }],
            unverified: Vec::new(),
            status: RunStatus::Pending,
            events: Vec::new(),
        }
    }
}

/// Without a mock of its judge prose stays unverified in a test, and nobody is asked.
fn judged(plan: &Arc<Plan>, test: &Test) -> Arc<Plan> {
    let is_mocked = |plan: &Plan| match &plan.judge {
        Some(Judge::Capability(name)) => test
            .mocks
            .iter()
            .any(|mock| mock.of == Mocked::Judge || mock.of == Mocked::Capability(name.clone())),
        Some(Judge::Human) => test.mocks.iter().any(|mock| mock.of == Mocked::Judge),
        None => true,
    };
    if std::iter::once(&**plan).chain(plan.plans.values()).all(is_mocked) {
        return plan.clone();
    }
    let mut plan = Plan::clone(plan);
    plan.judge = None;
    plan.plans.values_mut().for_each(|plan| plan.judge = None);
    Arc::new(plan)
}

/// Carries out a test of a plan that has passed `ir::verify`.
pub fn run_test(plan: &Arc<Plan>, test: &Test) -> TestReport {
    let inputs = match inputs(plan, test) {
        Ok(inputs) => inputs,
        Err(message) => return TestReport::refused(message, None),
    };
    let run = RunStarted {
        run: "test".into(),
        inputs,
        seed: 1,
        parallel: plan.limits.parallel.unwrap_or(PARALLEL).max(1),
        workspace: "/workspace".to_owned(),
        memory: Default::default(),
    };
    let driver = EventKind::DriverStarted {
        boot_id: "test".into(),
        pid: 1,
        pid_started: 1,
        supervisor_pid: 1,
        supervisor_started: 1,
    };
    let plan = &judged(plan, test);
    let mut mocks = Mocks::new(plan, test);
    let mut events = Events::default();
    let mut engine = Engine::new(plan.clone());
    for claim in &test.expect {
        if let Expectation::Check { expr, .. } = &claim.what {
            engine.also_read(expr);
        }
    }
    let mut simulation = Simulation::new(engine, START_MS, &mut mocks, &mut events);
    let mut driven = simulation.tell(vec![EventKind::RunStarted(run), driver]);
    while driven.is_ok() && simulation.engine.end().is_none() {
        match simulation.step() {
            Ok(true) => {}
            Ok(false) => break,
            Err(halt) => driven = Err(halt),
        }
    }
    let engine = simulation.engine;
    report(test, &engine, driven, mocks, events)
}

fn report(test: &Test, engine: &Engine, driven: Result<(), Halt>, mut mocks: Mocks<'_>, events: Events) -> TestReport {
    let mut report = TestReport {
        failures: Vec::new(),
        unverified: engine
            .unverified()
            .into_iter()
            .map(|prose| format!("{}: {}", prose.label, prose.text))
            .collect(),
        status: engine.status(),
        events: events.seen,
    };
    if driven.is_err() || mocks.refusal.is_some() {
        let refusal = mocks.refusal.take().unwrap_or_else(|| TestFailure::Refused {
            message: format!("it has not come to an end after {EVENTS_MAX} events"),
            help: None,
        });
        report.failures.push(refusal);
        return report;
    }
    for claim in &test.expect {
        claims::check(claim, engine, &mut mocks, &mut report);
    }
    report
}

/// The parameters that the test gives, and the defaults of the others.
pub fn inputs(plan: &Plan, test: &Test) -> Result<Inputs, String> {
    let mut given = Inputs::new();
    for binding in &test.given {
        let value = eval(&binding.value, &Nothing(&plan.types), &mut NoWorld)
            .map_err(|error| format!("parameter `{}`: {}", binding.name, error.message))?;
        given.insert(binding.name.clone(), value);
    }
    complete(plan, given).map_err(|problems| problems.join("; "))
}

/// A scope without values.
struct Nothing<'a>(&'a Types);

impl Scope for Nothing<'_> {
    fn get(&self, _: &Ref) -> Result<Value, EvalError> {
        Err(EvalError::new("there is nothing to read here"))
    }

    fn types(&self) -> &Types {
        self.0
    }
}

/// What happened, for people.
#[derive(Default)]
struct Events {
    count: usize,
    seen: Vec<(i64, Notice)>,
}

impl Journal for Events {
    fn append(&mut self, event: &Event, _: &[Command], engine: &Engine) -> Result<(), Halt> {
        self.count += 1;
        if self.count > EVENTS_MAX {
            return Err(Halt);
        }
        let at_ms = event.time_ms - START_MS;
        self.seen
            .extend(engine.notices().iter().map(|notice| (at_ms, notice.clone())));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Halt> {
        Ok(())
    }
}
