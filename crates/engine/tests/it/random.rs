//! Random plans under random schedules: statuses are those of the model, reads do not depend on the order, and a journal
//! folds to the same bytes.
//!
//! `ENGINE_SEED=n` runs the plan of one seed (a failure prints it), `ENGINE_PLANS=n` as many as you have time for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::event::{Event, NodeStatus, RunStatus};
use engine::{Engine, NodeSnapshot};
use ir::plan::{Body, FailurePolicy, Need, NodeId, Plan, Work};

use crate::callers::random_with_calls;
use crate::drive::{Drive, Faults, fates};
use crate::generate::Rng;
use crate::model::Model;

const PLANS: u64 = 1500;
const SCHEDULES: u64 = 3;
const SCHEDULES_OF_SMALL: u64 = 8;

#[expect(clippy::disallowed_methods, reason = "a test is told what to repeat")]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// Calls `test` for many seeds, and says which one failed.
fn for_seeds(test: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let count = number("ENGINE_PLANS").unwrap_or(PLANS);
    let seeds = number("ENGINE_SEED").map_or(0..count, |seed| seed..seed + 1);
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| test(seed)) {
            let message = panic.downcast_ref::<String>().cloned();
            let message = message.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            panic!("ENGINE_SEED={seed}: {}", message.unwrap_or_default());
        }
    }
}

fn plan_of(seed: u64) -> Arc<Plan> {
    let mut rng = Rng(seed.wrapping_mul(0x1234_5678_9ABC_DEF1));
    Arc::new(random_with_calls(&mut rng, 12))
}

fn has_quorum(plan: &Plan) -> bool {
    plan.nodes
        .iter()
        .any(|node| node.needs.iter().any(|need| matches!(need, Need::Quorum { .. })))
}

/// Nodes that failed because nobody knows what an attempt did.
fn doubted(drive: &Drive<'_>) -> BTreeSet<NodeId> {
    let in_doubt = |node: &NodeSnapshot| node.error.as_ref().is_some_and(|error| error.kind == "in-doubt");
    drive
        .engine
        .nodes()
        .into_iter()
        .filter(in_doubt)
        .map(|node| node.node)
        .collect()
}

/// Whether a doubt may have been tolerated, of which the model knows nothing.
fn tolerates_doubt(plan: &Plan) -> bool {
    plan.nodes.iter().any(|node| {
        let fans_out = matches!(&node.body, Body::Task(task) if task.each.is_some());
        fans_out && node.routes.iter().any(|route| route.on == "in-doubt")
    })
}

/// Compares an ended run with the model.
fn compare(drive: &Drive<'_>, model: &Model<'_>) {
    let nodes = drive.engine.nodes();
    for (node, expected) in nodes.iter().zip(&model.fates) {
        let expected = expected.as_ref().expect("the model decides every node");
        let mode = node.error.as_ref().map(|error| error.kind.to_string());
        assert_eq!(
            (node.status, &mode),
            (expected.status, &expected.mode),
            "`{}` in {nodes:#?}",
            node.id
        );
        if node.status == NodeStatus::Failed {
            assert_eq!(node.handled, Some(model.handled(node.node)), "`{}` handled", node.id);
        }
    }
    let expected = if model.fails() {
        RunStatus::Failed
    } else {
        RunStatus::Completed
    };
    assert_eq!(drive.engine.status(), expected);
}

/// What a journal holds is enough: read back from text, it folds to the same commands and states.
fn refold(drive: &Drive<'_>) {
    let mut engine = Engine::new(drive.plan.clone());
    for (index, (event, commands, digest)) in drive.journal.iter().enumerate() {
        let line = serde_json::to_string(event).expect("an event has a text");
        let event: Event = serde_json::from_str(&line).expect("and is read back");
        let again = engine.apply(&event);
        let texts = [serde_json::to_string(commands), serde_json::to_string(&again)]
            .map(|text| text.expect("commands have a text"));
        assert_eq!(texts[0], texts[1], "commands of event {index}");
        if let Some(digest) = digest {
            assert_eq!(*digest, engine.state_digest(), "state after event {index}");
        }
    }
}

#[test]
fn what_completed_stays_when_the_rest_is_tried_again() {
    for_seeds(|seed| {
        let plan = plan_of(seed);
        // nodes of a call that is tried again are others
        if !plan.plans.is_empty() {
            return;
        }
        let faults = Faults {
            pauses: seed.is_multiple_of(3),
            crashes: seed.is_multiple_of(4),
            ..Faults::default()
        };
        let mut drive = Drive::new(&plan, seed, seed, faults);
        drive.run();
        for _ in 0..4 {
            let before = drive.engine.nodes();
            if !drive.retry_failed() {
                break;
            }
            drive.go_on();
            let stands = |node: &NodeSnapshot| {
                let undone = node.instances.iter().any(|instance| instance.undo.is_some());
                node.status == NodeStatus::Completed && node.undo.is_none() && !undone
            };
            for (before, after) in before
                .iter()
                .zip(drive.engine.nodes())
                .filter(|(before, _)| stands(before))
            {
                assert_eq!(after.status, NodeStatus::Completed, "`{}`", before.id);
                assert_eq!(after.attempts, before.attempts, "`{}` ran twice", before.id);
                assert_eq!(after.outputs, before.outputs, "outputs of `{}`", before.id);
            }
            refold(&drive);
        }
    });
}

#[test]
fn statuses_are_those_of_the_model_whatever_the_order() {
    for_seeds(|seed| {
        let plan = plan_of(seed);
        let model = Model::solve(&plan, seed, BTreeSet::new());
        let mut first: Option<(_, _)> = None;
        let schedules = if plan.nodes.len() <= 6 {
            SCHEDULES_OF_SMALL
        } else {
            SCHEDULES
        };
        for schedule in 0..schedules {
            let faults = Faults {
                nonsense: schedule == 1,
                pauses: schedule == 2,
                ..Faults::default()
            };
            let mut drive = Drive::new(&plan, seed, schedule, faults);
            drive.run();
            compare(&drive, &model);
            refold(&drive);
            if has_quorum(&plan) || plan.plans.values().any(has_quorum) {
                continue;
            }
            let outputs = drive.engine.nodes().into_iter().map(|node| (node.id, node.outputs));
            let outputs: BTreeMap<_, _> = outputs.collect();
            match &first {
                None => first = Some((outputs, drive.read)),
                Some((first_outputs, first_read)) => {
                    assert_eq!(*first_outputs, outputs, "outputs depend on the order");
                    for (unit, read) in &drive.read {
                        // Of a fan-out that fails, the order decides which instances ran.
                        let known = first_read.get(unit).unwrap_or(read);
                        assert_eq!(known, read, "what {unit:?} reads depends on the order");
                    }
                }
            }
        }
    });
}

#[test]
fn crashes_lose_and_repeat_nothing() {
    for_seeds(|seed| {
        let plan = plan_of(seed);
        let faults = Faults {
            crashes: true,
            nonsense: seed % 2 == 0,
            pauses: seed % 3 == 0,
            ..Faults::default()
        };
        let mut drive = Drive::new(&plan, seed, seed, faults);
        drive.run();
        refold(&drive);
        if !tolerates_doubt(&plan) {
            compare(&drive, &Model::solve(&plan, seed, doubted(&drive)));
        }
    });
}

#[test]
fn an_aborting_plan_fails_exactly_where_some_failure_is_unhandled() {
    for_seeds(|seed| {
        let mut plan = (*plan_of(seed)).clone();
        plan.failure = FailurePolicy::Abort;
        let plan = Arc::new(plan);
        let faults = Faults {
            pauses: seed % 2 == 0,
            crashes: seed % 3 == 0,
            ..Faults::default()
        };
        let mut drive = Drive::new(&plan, seed, seed, faults);
        drive.run();
        refold(&drive);
        if tolerates_doubt(&plan) {
            return;
        }
        let model = Model::solve(&plan, seed, doubted(&drive));
        if !model.fails() {
            return compare(&drive, &model);
        }
        assert_eq!(drive.engine.status(), RunStatus::Failed);
        for node in drive.engine.nodes() {
            let calls = matches!(&drive.engine.plan_node(node.node).expect("a node").body, Body::Task(task) if matches!(task.work, Work::Call(_)));
            let began = node.attempts > 0 && node.instances.is_empty() && !calls;
            assert!(
                !began || node.status != NodeStatus::Cancelled,
                "`{}` did not end",
                node.id
            );
        }
        // What was not cancelled came to what it would have come to.
        for (fate, expected) in fates(&drive.engine.nodes())
            .into_iter()
            .flatten()
            .zip(model.fates.iter().flatten())
        {
            let cut_short = matches!(fate.status, NodeStatus::Cancelled | NodeStatus::Failed);
            assert!(
                cut_short || fate.status == expected.status,
                "{fate:?} instead of {expected:?}"
            );
        }
    });
}

#[test]
fn a_cancelled_run_ends() {
    for_seeds(|seed| {
        let plan = plan_of(seed);
        let faults = Faults {
            cancel: true,
            crashes: seed % 2 == 0,
            pauses: seed % 3 == 0,
            nonsense: true,
        };
        let mut drive = Drive::new(&plan, seed, seed, faults);
        drive.run();
        refold(&drive);
    });
}
