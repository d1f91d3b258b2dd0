//! What the checker says can never happen never does: random small plans, run by the engine with every value of their
//! parameters and random outcomes of their tasks.
//!
//! Soundness only: how much the checker misses is counted, so that a checker that says nothing does not pass either.

#![expect(clippy::print_stdout, reason = "figures for `--nocapture`")]

use std::collections::BTreeSet;
use std::sync::Arc;

use dsl_check::{Config, Workspace};
use engine::Engine;
use engine::event::{Command, Ended, Event, EventKind, How, NodeStatus, RunStarted};
use ir::value::Value;

const PLANS: u64 = 120;
const OUTCOMES_OF_A_PLAN: u64 = 4;
const RULES: [&str; 2] = ["unreachable-node", "impossible-join"];

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }
}

const HEADER: &str = "plan p\n  failure: continue\n  params:\n    mode: fast | slow | both\n    deep: bool\n    n: int(0..3)\n    tag: string?\n";

/// A condition on parameters and on the status of a node above.
fn condition(rng: &mut Rng, above: &[String], depth: usize) -> String {
    if depth > 0 && rng.percent(35) {
        let (a, b) = (condition(rng, above, depth - 1), condition(rng, above, depth - 1));
        return match rng.below(3) {
            0 => format!("({a}) and ({b})"),
            1 => format!("({a}) or ({b})"),
            _ => format!("not ({a})"),
        };
    }
    match rng.below(if above.is_empty() { 6 } else { 7 }) {
        0 => format!(
            "params.mode {} {}",
            rng.pick(&["==", "!="]),
            rng.pick(&["fast", "slow", "both"])
        ),
        1 => "params.mode in [fast, slow]".into(),
        2 => "params.deep".into(),
        3 | 4 => format!(
            "params.n {} {}",
            rng.pick(&["<", "<=", ">", ">=", "==", "!="]),
            rng.below(5)
        ),
        5 => format!("params.tag {}", rng.pick(&["is none", "is not none"])),
        _ => {
            let status = rng.pick(&["completed", "failed", "skipped"]);
            format!(
                "{}.status {} {status}",
                above[rng.below(above.len())],
                rng.pick(&["==", "!="])
            )
        }
    }
}

/// Nodes in order; edges lead forward only, so there is no loop.
fn plan(rng: &mut Rng) -> String {
    let count = 3 + rng.below(5);
    let mut text = HEADER.to_owned();
    for at in 0..count {
        let name = |node: usize| format!("n{node}");
        let mut needs = Vec::new();
        let mut above = Vec::new();
        for _ in 0..rng.below(3).min(at) {
            let on = rng.below(at);
            if needs.iter().any(|need: &String| need.contains(&name(on))) {
                continue;
            }
            let (other, third) = (rng.below(at), rng.below(at));
            needs.push(match rng.below(10) {
                0..5 => {
                    above.push(name(on));
                    name(on)
                }
                5..7 => {
                    above.push(name(on));
                    format!("{}?", name(on))
                }
                7 | 8 if other != on => format!("any({}, {})", name(on), name(other)),
                9 if other != on && third != on && third != other => {
                    format!("2 of ({}, {}, {})", name(on), name(other), name(third))
                }
                _ => continue,
            });
        }
        let later = |rng: &mut Rng| format!("n{}", at + 1 + rng.below(count - at - 1));
        let decides = at + 2 < count && rng.percent(30);
        let header = if decides { "decision" } else { "task" };
        text.push_str(&format!("  {header} n{at}\n"));
        if !needs.is_empty() {
            text.push_str(&format!("    needs: {}\n", needs.join(", ")));
        }
        if decides {
            for _ in 0..1 + rng.below(2) {
                let arm = condition(rng, &above, 1);
                text.push_str(&format!("    when {arm} -> {}\n", later(rng)));
            }
            text.push_str(&format!("    else -> {}\n", later(rng)));
            continue;
        }
        if rng.percent(50) {
            text.push_str(&format!("    when: {}\n", condition(rng, &above, 2)));
        }
        text.push_str("    run: \"true\"\n    timeout: 1m\n    fail odd when exit == 3\n");
        if rng.percent(20) {
            text.push_str("    optional: true\n");
        }
        if at + 1 < count {
            for event in ["failure", "timeout", "odd", "success"] {
                if rng.percent(15) {
                    text.push_str(&format!("    on {event} -> {}\n", later(rng)));
                }
            }
            if rng.percent(10) {
                text.push_str(&format!("    fallback: {}\n", later(rng)));
            }
        }
    }
    text
}

/// The nodes that the checker says never run; `None` if something else is wrong with the plan.
fn reported(text: &str) -> Option<BTreeSet<String>> {
    let mut workspace = Workspace::new("/w");
    workspace.set_file("p.plan", text.as_bytes());
    let analysis = workspace.snapshot();
    let found = analysis.diagnostics("p.plan".as_ref());
    let errors = found.iter().filter(|one| one.severity == dsl_check::Severity::Error);
    let (never, other): (Vec<_>, Vec<_>) = errors.partition(|one| RULES.contains(&one.rule));
    let named = never
        .iter()
        .map(|one| one.message.split('`').nth(1).unwrap_or_default().to_owned());
    other.is_empty().then(|| named.collect())
}

fn compiled(text: &str) -> ir::Plan {
    let mut workspace = Workspace::new("/w");
    let lints = RULES.map(|rule| format!("{rule} = \"allow\"\n")).concat();
    workspace.set_config(Config::parse(&format!("[lint]\n{lints}")).expect("settings"));
    workspace.set_file("p.plan", text.as_bytes());
    workspace
        .snapshot()
        .compile("p.plan".as_ref(), None)
        .expect("a plan without other mistakes")
}

/// The names of the nodes that started in one run.
fn ran(plan: &Arc<ir::Plan>, inputs: &[(&str, Value)], rng: &mut Rng) -> BTreeSet<String> {
    let mut engine = Engine::new(plan.clone());
    let mut time_ms = 0;
    let started = EventKind::RunStarted(RunStarted {
        run: "r1".into(),
        inputs: inputs
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()))
            .collect(),
        seed: 1,
        parallel: 8,
        workspace: "/w".to_owned(),
        memory: Default::default(),
    });
    let driver = EventKind::DriverStarted {
        boot_id: "b".into(),
        pid: 1,
        pid_started: 1,
        supervisor_pid: 2,
        supervisor_started: 2,
    };
    // a run starts before anything else; attempts end in any order
    let mut first = vec![driver, started];
    let mut events = Vec::new();
    while let Some(kind) = first
        .pop()
        .or_else(|| (!events.is_empty()).then(|| events.swap_remove(rng.below(events.len()))))
    {
        time_ms += 1;
        for command in engine.apply(&Event { time_ms, kind }) {
            if let Command::StartAttempt(start) = command {
                let how = match (&start.exec, rng.below(6)) {
                    (None, _) => How::Nothing,
                    (_, 0) => How::Exited(1),
                    (_, 1) => How::Exited(3),
                    (_, 2) => How::TimedOut,
                    _ => How::Exited(0),
                };
                let ended = Ended {
                    how,
                    ..Ended::nothing(1)
                };
                events.push(EventKind::AttemptEnded {
                    attempt: start.attempt,
                    ended,
                });
            }
        }
    }
    let nodes = engine.nodes();
    let settled =
        |status: NodeStatus| matches!(status, NodeStatus::Completed | NodeStatus::Failed | NodeStatus::Skipped);
    assert!(nodes.iter().all(|node| settled(node.status)), "{nodes:#?}");
    let started = nodes.into_iter().filter(|node| node.status != NodeStatus::Skipped);
    started.map(|node| node.id.to_string()).collect()
}

/// Every combination of the values that conditions tell apart.
fn inputs() -> Vec<Vec<(&'static str, Value)>> {
    let mut all = Vec::new();
    for mode in ["fast", "slow", "both"] {
        for deep in [false, true] {
            for n in 0..4 {
                for tag in [Value::None, Value::from("x")] {
                    let (mode, deep, n) = (Value::from(mode), Value::from(deep), Value::Int(n));
                    all.push(vec![("mode", mode), ("deep", deep), ("n", n), ("tag", tag)]);
                }
            }
        }
    }
    all
}

#[test]
fn what_is_said_never_to_run_never_runs() {
    let inputs = inputs();
    let (mut plans, mut said, mut missed) = (0, 0, 0);
    for seed in 0..PLANS {
        let mut rng = Rng(seed);
        let text = plan(&mut rng);
        let Some(never) = reported(&text) else { continue };
        plans += 1;
        let plan = Arc::new(compiled(&text));
        let mut idle: BTreeSet<String> = plan.nodes.iter().map(|node| node.id.to_string()).collect();
        for inputs in &inputs {
            for _ in 0..OUTCOMES_OF_A_PLAN {
                let ran = ran(&plan, inputs, &mut rng);
                let wrong: Vec<&String> = never.intersection(&ran).collect();
                assert!(wrong.is_empty(), "seed {seed}: {wrong:?} ran with {inputs:?}\n{text}");
                idle.retain(|node| !ran.contains(node));
            }
        }
        said += never.len();
        missed += idle.difference(&never).count();
    }
    println!("{plans} plans: {said} nodes said never to run, {missed} others that did not");
    assert!(
        plans > PLANS / 4 && said > plans as usize / 10,
        "{plans} plans, {said} nodes"
    );
}
