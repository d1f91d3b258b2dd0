//! Bounds against the engine: random plans are run in virtual time, and no schedule takes longer than the checker says,
//! or works more; and where nothing can go another way, the run in which everything takes as long as it can takes as
//! long as it says.
//!
//! `BOUNDS_SEED=n` runs the plan of one seed (a failure prints it), `BOUNDS_PLANS=n` as many as you have time for.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use dsl_check::{Bounds, Severity, Workspace};
use engine::Engine;
use engine::event::{AttemptId, Command, Ended, Event, EventKind, How, RunStarted, RunStatus, StartAttempt, Timer};
use ir::plan::{Body, Plan};

const PLANS: u64 = 400;
const SCHEDULES: u64 = 6;
const NODES_MAX: u64 = 9;

/// More than any of these plans has at once.
const SLOTS_ENOUGH: u32 = 1000;

struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Calls `test` for many seeds with a plan that has no errors, and says which one failed.
fn for_plans(routes: bool, test: impl Fn(&mut Rng, &str, &Arc<Plan>, &Bounds)) {
    let count = number("BOUNDS_PLANS").unwrap_or(PLANS);
    let seeds = number("BOUNDS_SEED").map_or(0..count, |seed| seed..seed + 1);
    let mut tried = 0;
    for seed in seeds {
        let mut rng = Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(routes));
        let text = random_plan(&mut rng, routes);
        let mut workspace = Workspace::new("/project");
        workspace.set_file("a.plan", text.as_bytes());
        let found = workspace.diagnostics(std::path::Path::new("a.plan"));
        if found.iter().any(|found| found.severity == Severity::Error) {
            continue;
        }
        let path = std::path::Path::new("a.plan");
        let plan = Arc::new(workspace.compile(path, None).expect("a plan without errors"));
        let bounds = workspace.bounds(path, None).expect("has bounds");
        tried += 1;
        test(&mut rng, &format!("BOUNDS_SEED={seed}\n{text}"), &plan, &bounds);
    }
    assert!(
        tried * 3 > count || count == 1,
        "only {tried} plans of {count} are right"
    );
}

fn random_plan(rng: &mut Rng, routes: bool) -> String {
    let mut text = String::from("plan p\n  failure: continue\n");
    if rng.percent(60) {
        let _ = writeln!(text, "  limits:\n    parallel: {}", 1 + rng.below(4));
    }
    let nodes = 2 + rng.below(NODES_MAX - 1);
    // who leads to whom by a route; targets have no needs of their own, so that most plans can run
    let mut led_to = vec![false; nodes as usize];
    for node in 0..nodes {
        let _ = writeln!(text, "  task t{node}");
        if !led_to[node as usize] && node > 0 && rng.percent(70) {
            let _ = writeln!(text, "    needs: {}", needs(rng, node, routes));
        }
        if rng.percent(85) {
            let _ = writeln!(text, "    run: \"true\"\n    timeout: {}ms", 1 + rng.below(900));
        }
        match rng.below(5) {
            0 => {
                let _ = writeln!(text, "    retry: {}", rng.below(4));
            }
            1 => {
                let _ = writeln!(text, "    retry: linear(max: {}, base: 70ms, step: 30ms)", rng.below(4));
            }
            2 => {
                let _ = writeln!(
                    text,
                    "    retry: exponential(max: {}, base: 40ms, cap: 200ms, jitter: true)",
                    rng.below(5)
                );
            }
            _ => {}
        }
        if rng.percent(30) {
            let items: Vec<String> = (0..rng.below(6)).map(|item| item.to_string()).collect();
            let _ = writeln!(text, "    each: x in [{}]", items.join(", "));
            if rng.percent(70) {
                let _ = writeln!(text, "    parallel: {}", 1 + rng.below(4));
            }
        }
        let target = node + 1 + rng.below(3);
        if routes && target < nodes && rng.percent(40) {
            led_to[target as usize] = true;
            let _ = match rng.below(4) {
                0 => writeln!(text, "    fallback: t{target}"),
                1 => writeln!(text, "    on timeout -> t{target}"),
                _ => writeln!(text, "    on failure -> t{target}"),
            };
        }
    }
    text
}

fn needs(rng: &mut Rng, node: u64, routes: bool) -> String {
    let mut needs: Vec<String> = (0..1 + rng.below(2)).map(|_| format!("t{}", rng.below(node))).collect();
    needs.sort();
    needs.dedup();
    match rng.below(5) {
        0 if routes && needs.len() > 1 => format!("any({})", needs.join(", ")),
        1 if routes => needs
            .iter()
            .map(|need| format!("{need}?"))
            .collect::<Vec<_>>()
            .join(", "),
        _ => needs.join(", "),
    }
}

/// How long attempts take, and how they end.
#[derive(Clone, Copy)]
enum World {
    /// Anything.
    Random,
    /// Every attempt but the last fails, and all take as long as they may.
    Worst,
}

/// What a run took, and all its attempts together.
struct Took {
    time_ms: u64,
    work_ms: u64,
}

struct Run<'a> {
    plan: &'a Plan,
    engine: Engine,
    now_ms: i64,
    /// By when they end.
    running: BTreeMap<(i64, AttemptId), How>,
    timers: BTreeMap<Timer, i64>,
    world: World,
    work_ms: u64,
}

const START_MS: i64 = 1_000_000;

fn simulate(plan: &Arc<Plan>, world: World, rng: &mut Rng) -> Took {
    let mut run = Run {
        plan,
        engine: Engine::new(plan.clone()),
        now_ms: START_MS,
        running: BTreeMap::new(),
        timers: BTreeMap::new(),
        world,
        work_ms: 0,
    };
    run.tell(
        EventKind::RunStarted(RunStarted {
            run: "r".into(),
            inputs: BTreeMap::default(),
            seed: rng.below(1000),
            parallel: plan.limits.parallel.unwrap_or(SLOTS_ENOUGH),
            workspace: "/w".to_owned(),
            memory: Default::default(),
        }),
        rng,
    );
    run.tell(
        EventKind::DriverStarted {
            boot_id: "b".into(),
            pid: 1,
            pid_started: 1,
            supervisor_pid: 2,
            supervisor_started: 2,
        },
        rng,
    );
    while matches!(run.engine.status(), RunStatus::Running) {
        run.step(rng);
    }
    Took {
        time_ms: (run.now_ms - START_MS).unsigned_abs(),
        work_ms: run.work_ms,
    }
}

impl Run<'_> {
    /// Whatever comes next happens.
    fn step(&mut self, rng: &mut Rng) {
        let timer = self
            .timers
            .iter()
            .min_by_key(|(_, at)| **at)
            .map(|(timer, at)| (timer.clone(), *at));
        let attempt = self.running.first_key_value().map(|(key, _)| *key);
        match (timer, attempt) {
            (Some((timer, at)), attempt) if attempt.is_none_or(|(end, _)| at < end) => {
                self.now_ms = self.now_ms.max(at);
                self.timers.remove(&timer);
                self.tell(EventKind::TimerFired { timer }, rng);
            }
            (_, Some((end, attempt))) => {
                self.now_ms = self.now_ms.max(end);
                let how = self.running.remove(&(end, attempt)).expect("it runs");
                let ended = Ended {
                    how,
                    ..Ended::nothing(1)
                };
                self.tell(EventKind::AttemptEnded { attempt, ended }, rng);
            }
            (_, None) => panic!("the run stands still: {:#?}", self.engine.nodes()),
        }
    }

    fn tell(&mut self, kind: EventKind, rng: &mut Rng) {
        let event = Event {
            time_ms: self.now_ms,
            kind,
        };
        for command in self.engine.apply(&event) {
            match command {
                Command::StartAttempt(start) => self.start(&start, rng),
                Command::SetTimer { timer, at_ms } => _ = self.timers.insert(timer, at_ms),
                Command::LookUp { .. } | Command::Remember { .. } => panic!("this plan reuses and remembers nothing"),
                Command::StopAttempt { .. } | Command::AskPeople(_) | Command::RunStopped { .. } => {}
            }
        }
    }

    fn start(&mut self, start: &StartAttempt, rng: &mut Rng) {
        let most_ms = start.timeout_ms.unwrap_or_default();
        let (took_ms, how) = match self.world {
            World::Random if rng.percent(30) => (most_ms, How::TimedOut),
            World::Random => (rng.below(most_ms + 1), How::Exited(i32::from(rng.percent(50)))),
            World::Worst if start.attempt.attempt > self.retries(start) => (most_ms, How::Exited(0)),
            World::Worst => (most_ms, How::TimedOut),
        };
        self.work_ms += took_ms;
        let end = self.now_ms + i64::try_from(took_ms).expect("short");
        self.running.insert((end, start.attempt), how);
    }

    fn retries(&self, start: &StartAttempt) -> u32 {
        match &self.plan.nodes[start.attempt.node as usize].body {
            Body::Task(task) => task.retry.as_ref().map_or(0, |retry| retry.max),
            _ => 0,
        }
    }
}

#[test]
fn no_schedule_takes_longer_or_works_more_than_its_bound() {
    for_plans(true, |rng, what, plan, bounds| {
        for _ in 0..SCHEDULES {
            let took = simulate(plan, World::Random, rng);
            assert!(
                took.time_ms <= bounds.most_ms,
                "{} > {} ms: {what}",
                took.time_ms,
                bounds.most_ms
            );
            assert!(
                took.work_ms <= bounds.work_ms,
                "{} > {} ms: {what}",
                took.work_ms,
                bounds.work_ms
            );
        }
        let took = simulate(plan, World::Worst, rng);
        assert!(
            took.time_ms <= bounds.most_ms,
            "{} > {} ms: {what}",
            took.time_ms,
            bounds.most_ms
        );
    });
}

#[test]
fn some_run_takes_as_long_as_the_critical_path() {
    for_plans(false, |rng, what, plan, bounds| {
        if plan.nodes.iter().any(has_jitter) {
            return;
        }
        let took = simulate(plan, World::Worst, rng);
        assert!(
            took.time_ms >= bounds.time_ms,
            "{} < {} ms: {what}",
            took.time_ms,
            bounds.time_ms
        );
        assert!(
            took.time_ms <= bounds.most_ms,
            "{} > {} ms: {what}",
            took.time_ms,
            bounds.most_ms
        );
        assert_eq!(took.work_ms, bounds.work_ms, "{what}");
    });
}

/// Its waits are as long as they can be with luck only.
fn has_jitter(node: &ir::plan::Node) -> bool {
    let Body::Task(task) = &node.body else { return false };
    let backoff = task.retry.as_ref().map(|retry| &retry.backoff);
    matches!(backoff, Some(ir::plan::Backoff::Exponential { jitter: true, .. }))
}
