//! Large graphs: what an event costs does not grow with the plan, and depth is no recursion.

use std::sync::Arc;

use engine::Engine;
use engine::event::{Command, Ended, Event, EventKind, How, RunStarted, RunStatus};
use ir::expr::{Expr, Ref};
use ir::plan::{Body, Each, FailurePolicy, Need, Node, Plan, Task, Tolerate, Work};
use ir::value::Value;

use crate::generate::{plan, script};

fn start(engine: &mut Engine, parallel: u32) -> Vec<Command> {
    let run = RunStarted {
        run: "r".into(),
        inputs: Default::default(),
        seed: 1,
        parallel,
        workspace: "/".to_owned(),
        memory: Default::default(),
    };
    engine.apply(&Event {
        time_ms: 0,
        kind: EventKind::RunStarted(run),
    })
}

/// Ends attempts until the run stands still; returns how many there were.
fn finish(engine: &mut Engine, mut commands: Vec<Command>, how: How) -> usize {
    let mut ended = 0;
    while let Some(command) = commands.pop() {
        if let Command::StartAttempt(start) = command {
            ended += 1;
            let ended = Ended {
                how: how.clone(),
                ..Ended::nothing(1)
            };
            commands.extend(engine.apply(&Event {
                time_ms: 1,
                kind: EventKind::AttemptEnded {
                    attempt: start.attempt,
                    ended,
                },
            }));
        }
    }
    ended
}

fn chain(length: u32, scripts: bool) -> Plan {
    let mut plan = plan();
    for i in 0..length {
        let task = Task {
            work: if scripts { script("true").into() } else { Work::Nothing },
            ..Task::default()
        };
        let mut node = Node::new(format!("n{i}"), Body::Task(Box::new(task)));
        node.needs.extend(i.checked_sub(1).map(|before| Need::Node {
            node: before,
            optional: false,
        }));
        plan.nodes.push(node);
    }
    plan
}

#[test]
fn a_chain_of_a_hundred_thousand_milestones_completes_in_one_event() {
    let mut engine = Engine::new(Arc::new(chain(100_000, false)));
    let commands = start(&mut engine, 1);
    assert_eq!(
        commands,
        [Command::RunStopped {
            status: RunStatus::Completed
        }]
    );
}

#[test]
fn a_failure_skips_a_hundred_thousand_nodes() {
    let mut plan = chain(100_000, true);
    plan.failure = FailurePolicy::Continue;
    let mut engine = Engine::new(Arc::new(plan));
    let commands = start(&mut engine, 1);
    assert_eq!(finish(&mut engine, commands, How::Exited(1)), 1);
    assert_eq!(engine.status(), RunStatus::Failed);
}

#[test]
fn each_of_ten_thousand_events_costs_what_it_affects() {
    let mut engine = Engine::new(Arc::new(chain(10_000, true)));
    let commands = start(&mut engine, 4);
    assert_eq!(finish(&mut engine, commands, How::Exited(0)), 10_000);
    assert_eq!(engine.status(), RunStatus::Completed);
}

#[test]
fn every_node_of_a_long_chain_may_read_the_first_even_where_nodes_race() {
    let mut plan = chain(3_000, true);
    for node in plan.nodes.iter_mut().skip(1) {
        node.needs[0] = match node.needs[0] {
            Need::Node { node, .. } => Need::Node { node, optional: true },
            ref other => other.clone(),
        };
        node.when = Some(Expr::Not(Box::new(Expr::IsNone(Box::new(Expr::Ref(Ref::Output(
            0,
            "stdout".into(),
        )))))))
        .into();
    }
    let mut engine = Engine::new(Arc::new(plan));
    let commands = start(&mut engine, 4);
    assert_eq!(finish(&mut engine, commands, How::Exited(0)), 3_000);
    assert_eq!(engine.status(), RunStatus::Completed);
}

/// Ten thousand instances, four at a time, all with the same end.
fn fan_out(how: How) -> (Engine, usize) {
    let mut task = Task {
        work: script("true").into(),
        ..Task::default()
    };
    task.each = Some(Box::new(Each {
        var: "it".into(),
        list: Expr::Const(Value::List((0..10_000).map(Value::Int).collect())),
        by: None,
        parallel: Some(4),
        tolerate: Tolerate::BasisPoints(5000),
    }));
    let mut plan = plan();
    plan.nodes.push(Node::new("a", Body::Task(Box::new(task))));
    let mut engine = Engine::new(Arc::new(plan));
    let commands = start(&mut engine, 100);
    let ended = finish(&mut engine, commands, how);
    (engine, ended)
}

#[test]
fn ten_thousand_instances_complete_or_stop_at_one_failure_too_many() {
    let (engine, ended) = fan_out(How::Exited(0));
    assert_eq!((engine.status(), ended), (RunStatus::Completed, 10_000));
    // The three that still run are let end.
    let (engine, ended) = fan_out(How::Exited(1));
    assert_eq!((engine.status(), ended), (RunStatus::Failed, 5001 + 3));
}

/// An answer to one of its needs that looked at all others would take minutes.
#[test]
fn a_join_of_a_hundred_thousand_looks_at_each_need_once() {
    const NEEDS: u32 = 100_000;
    let mut plan = plan();
    let task = || Task {
        work: script("true").into(),
        ..Task::default()
    };
    plan.nodes = (0..=NEEDS)
        .map(|at| Node::new(format!("n{at}"), Body::Task(Box::new(task()))))
        .collect();
    let all = (0..NEEDS).map(|node| Need::Node { node, optional: false });
    plan.nodes[NEEDS as usize].needs.extend(all);
    let mut engine = Engine::new(Arc::new(plan));
    let commands = start(&mut engine, 8);
    assert_eq!(finish(&mut engine, commands, How::Exited(0)), NEEDS as usize + 1);
    assert_eq!(engine.status(), RunStatus::Completed);
}

#[test]
fn a_quorum_of_ten_thousand_counts() {
    let mut plan = plan();
    let count = 10_000;
    for i in 0..count {
        let task = Task {
            work: script("true").into(),
            ..Task::default()
        };
        plan.nodes.push(Node::new(format!("n{i}"), Body::Task(Box::new(task))));
    }
    let mut join = Node::new("join", Body::Task(Box::default()));
    join.needs.push(Need::Quorum {
        count,
        of: (0..count).collect(),
    });
    plan.nodes.push(join);
    let mut engine = Engine::new(Arc::new(plan));
    let commands = start(&mut engine, 100);
    assert_eq!(finish(&mut engine, commands, How::Exited(0)), count as usize);
    assert_eq!(engine.status(), RunStatus::Completed);
}
