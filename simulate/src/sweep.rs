//! The crash-point sweep: a scenario is run once, then once for every commit and every way in which its driver can die there.
//!
//! Scenarios are plans with tests: those of `examples/`, and in `scenarios/` one for each feature that they lack. Their
//! mocks answer an attempt that is repeated as they answered it first. Every run must end as the one without a crash
//! does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dsl_check::{TestCase, Workspace};
use engine::event::{Ask, EventKind, Found, StartAttempt};
use engine::{Engine, Keep};
use ir::plan::Plan;
use ir::testing::Test;
use runtime::sim::{Halt, Outcome, World};
use runtime::testing::{Mocks, inputs};
use smol_str::SmolStr;

use crate::campaign::{Shelf, same, shelved};
use crate::checks::Known;
use crate::faults::{Faults, Moment};
use crate::lives::{Case, Done, LastingWorld, run};
use crate::promises::Violation;

/// What is swept.
pub struct Scenario {
    pub title: String,
    pub case: TestCase,
    /// The plan under which the run goes on once it stands: the one named `NAME-changed` in the same file.
    pub then: Option<Arc<Plan>>,
}

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Swept {
    /// Journal appends without a crash.
    pub commits: usize,
    /// Crashes, each resumed and compared.
    pub points: usize,
    /// Crashes after which something had to be repeated or asked again.
    pub lives: usize,
}

/// The tests of all plans in a folder.
pub fn scenarios(folder: &Path) -> Result<Vec<Scenario>, String> {
    let mut workspace = Workspace::new(folder).with_loader(Disk);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "plan"))
        .collect();
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        workspace.set_file(&path, &text);
        let tests = workspace
            .tests(&path)
            .map_err(|error| format!("{}: {error:?}", path.display()))?;
        let plans: BTreeMap<SmolStr, Arc<Plan>> = tests
            .iter()
            .map(|case| (case.plan.name.clone(), case.plan.clone()))
            .collect();
        found.extend(tests.into_iter().map(|case| Scenario {
            title: format!("{}: {}", case.plan.name, case.test.title),
            then: plans.get(format!("{}-changed", case.plan.name).as_str()).cloned(),
            case,
        }));
    }
    Ok(found)
}

struct Disk;

impl dsl_check::Loader for Disk {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}

/// Lets the driver die at every point.
pub fn sweep(scenario: &Scenario) -> Result<Swept, String> {
    let TestCase { test, plan } = &scenario.case;
    let case = Case {
        plan,
        inputs: inputs(plan, test)?,
        seed: 1,
        parallel: plan.limits.parallel.unwrap_or(2),
        modelled: false,
        batch_max: 1,
        then: scenario.then.clone(),
        known: Known::new(),
    };
    let plainly = |shelf: &Shelf, faults: &mut Faults| {
        lived(&case, test, shelf, faults).map_err(|violation| format!("without a crash: {violation}"))
    };
    // an earlier run of the same leaves results to those that are swept
    let (_, shelf) = plainly(&Shelf::new(), &mut Faults::none())?;
    let mut faults = Faults::none();
    let (plain, _) = plainly(&shelf, &mut faults)?;
    let commits = faults.commits;
    let mut swept = Swept {
        commits,
        ..Swept::default()
    };
    for commit in 1..=commits {
        for (moment, power) in points() {
            let at = |what: String| format!("{moment:?} at append {commit}, power lost: {power}: {what}");
            let mut faults = Faults::at(commit, moment, power);
            let lived = lived(&case, test, &shelf, &mut faults);
            let (done, _) = lived.map_err(|violation| at(violation.to_string()))?;
            same(&plain, &done).map_err(|violation| at(violation.to_string()))?;
            if faults.deaths != 1 {
                return Err(at(format!("the driver died {} times", faults.deaths)));
            }
            swept.points += 1;
            swept.lives += done.lives;
        }
    }
    Ok(swept)
}

/// Each moment, with the machine gone too and without.
fn points() -> impl Iterator<Item = (Moment, bool)> {
    let with_power = |moment| [(moment, false), (moment, true)];
    Moment::ALL.into_iter().flat_map(with_power)
}

fn lived(case: &Case<'_>, test: &Test, shelf: &Shelf, faults: &mut Faults) -> Result<(Done, Shelf), Violation> {
    let mut world = Scripted {
        mocks: Mocks::new(case.plan, test),
        answers: BTreeMap::new(),
        asked: BTreeMap::new(),
        shelf,
        made: Shelf::new(),
    };
    let done = run(case, &mut world, faults)?;
    Ok((done, world.made))
}

/// The mocks of a test, which say the same again to an attempt that is repeated.
struct Scripted<'t> {
    mocks: Mocks<'t>,
    answers: BTreeMap<(SmolStr, u32, Option<u32>), Outcome>,
    /// What people do about each question.
    asked: BTreeMap<SmolStr, Vec<(u64, EventKind)>>,
    /// Results of an earlier run, by their keys, and of this one.
    shelf: &'t Shelf,
    made: Shelf,
}

impl World for Scripted<'_> {
    fn start(&mut self, start: &StartAttempt, engine: &Engine) -> Result<Outcome, Halt> {
        let step = start.call.as_ref().and_then(|call| call.step);
        let key = (start.label.clone(), start.attempt.attempt, step);
        if let Some(answer) = self.answers.get(&key) {
            return Ok(answer.clone());
        }
        let mut answer = self.mocks.start(start, engine)?;
        // so that some things run at once
        answer.after_ms += 10;
        self.answers.insert(key, answer.clone());
        Ok(answer)
    }

    fn ask(&mut self, ask: &Ask, engine: &Engine) -> Vec<(u64, EventKind)> {
        self.still_to_come(ask, engine)
    }

    fn look_up(&mut self, key: &str) -> Option<Found> {
        self.shelf.get(key).cloned()
    }

    fn keep(&mut self, keeps: Vec<Keep>) {
        self.made.extend(keeps.into_iter().map(shelved));
    }

    fn sight(&mut self, before: bool) -> &mut dyn ir::eval::World {
        self.mocks.sight(before)
    }
}

impl LastingWorld for Scripted<'_> {
    fn still_to_come(&mut self, gate: &Ask, engine: &Engine) -> Vec<(u64, EventKind)> {
        let mocks = &mut self.mocks;
        let asked = self.asked.entry(gate.label.clone());
        asked.or_insert_with(|| mocks.ask(gate, engine)).clone()
    }
}

/// As the book prints it.
pub fn table(rows: &[(String, Swept)]) -> String {
    let mut text = String::from(
        "| scenario | journal appends | crash points | ended as without a crash | lost | repeated |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let mut all = Swept::default();
    for (title, swept) in rows {
        let Swept { commits, points, .. } = swept;
        text.push_str(&format!("| {title} | {commits} | {points} | {points} | 0 | 0 |\n"));
        all.commits += commits;
        all.points += points;
    }
    let Swept { commits, points, .. } = all;
    text.push_str(&format!("| **all** | {commits} | {points} | {points} | 0 | 0 |\n"));
    text
}
