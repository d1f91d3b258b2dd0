//! How many events a second the pure engine takes: plans whose attempts all end well, with nothing carried out.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use engine::Engine;
use engine::event::{AttemptId, Command, Ended, Event, EventKind, How, RunStarted, RunStatus};
use ir::plan::{Body, Interpreter, Need, Node, Plan, Script, Task};

/// That of the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARALLEL: u32 = 8;
/// Events a second.
const LEAST: f64 = 1e6;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u32>());
    let Some(Ok(count)) = args.next() else {
        return ExitCode::from(2);
    };
    for (name, plan) in [
        ("fan-out", fan_out(count)),
        ("chain", chain(count)),
        ("layers", layers(count)),
    ] {
        let mut best = 0.0_f64;
        for _ in 0..3 {
            best = best.max(rate(plan.clone()));
        }
        let verdict = if best >= LEAST { "within" } else { "BEYOND" };
        print(&format!(
            "  {name:<10} {count:>8} tasks  {best:>12.0} events a second  {verdict} {LEAST}"
        ));
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn print(line: &str) {
    println!("{line}");
}

fn rate(plan: Plan) -> f64 {
    let mut engine = Engine::new(Arc::new(plan));
    let started = RunStarted {
        run: "r".into(),
        inputs: Default::default(),
        seed: 1,
        parallel: PARALLEL,
        workspace: "/".to_owned(),
        memory: Default::default(),
    };
    let mut time_ms = 0;
    let mut queue: Vec<AttemptId> = Vec::new();
    let mut events = 0_u64;
    let clock = Instant::now();
    let mut next = Some(EventKind::RunStarted(started));
    while let Some(kind) = next.take() {
        time_ms += 1;
        events += 1;
        for command in engine.apply(&Event { time_ms, kind }) {
            if let Command::StartAttempt(start) = command {
                queue.push(start.attempt);
            }
        }
        next = queue.pop().map(|attempt| EventKind::AttemptEnded {
            attempt,
            ended: Ended {
                how: How::Exited(0),
                ..Ended::nothing(1)
            },
        });
    }
    assert_eq!(engine.status(), RunStatus::Completed, "all attempts ended well");
    events as f64 / clock.elapsed().as_secs_f64()
}

fn plan(nodes: impl Iterator<Item = Vec<u32>>) -> Plan {
    let node = |(at, needs): (usize, Vec<u32>)| {
        let task = Task {
            work: Script {
                text: ":".into(),
                interpreter: Interpreter::Sh,
                vars: Vec::new(),
                env: Vec::new(),
                dir: None,
            }
            .into(),
            ..Task::default()
        };
        Node {
            needs: needs
                .into_iter()
                .map(|node| Need::Node { node, optional: false })
                .collect(),
            ..Node::new(format!("t{at}"), Body::Task(Box::new(task)))
        }
    };
    Plan {
        nodes: nodes.enumerate().map(node).collect(),
        ..Plan::new("p")
    }
}

fn fan_out(count: u32) -> Plan {
    plan((0..count).map(|at| if at == 0 { Vec::new() } else { vec![0] }))
}

fn chain(count: u32) -> Plan {
    plan((0..count).map(|at| at.checked_sub(1).into_iter().collect()))
}

/// A hundred wide, two needs each.
fn layers(count: u32) -> Plan {
    plan((0..count).map(|at| match (at / 100).checked_sub(1) {
        None => Vec::new(),
        Some(above) => vec![above * 100 + at % 100, above * 100 + (at + 7) % 100],
    }))
}
