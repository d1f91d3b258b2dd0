//! Real crashes while plans call plans and while a run undoes what it did.

use std::fs;
use std::path::Path;
use std::time::Duration;

use engine::UndoStatus;
use engine::event::{NodeStatus, RunStatus};
use ir::plan::{FailurePolicy, Node, Plan, Task, Work};

use super::plans::{node, plan, sh, task};
use super::{drive_in_process, options, start_process, store, wait_for_a_run};
use crate::{RunError, Unwatched, fold, replay, resume};

const CRASHES: u64 = 10;

/// A task that leaves a line in a file of its own, and whose undo does.
fn step(dir: &Path, id: &str, needs: &[u32]) -> Node {
    let dir = dir.display();
    let done = format!("sleep 0.02; echo \"$DSLC_NODE\" >>{dir}/done");
    let undo = format!("sleep 0.02; echo \"$DSLC_NODE\" >>{dir}/undone");
    let task = Task {
        work: sh(&done).into(),
        rollback: Some(Box::new(sh(&undo))),
        ..Task::default()
    };
    node(id, needs, task)
}

/// Two calls of a chain, side by side; then a task that fails.
fn calls_that_are_undone(dir: &Path) -> Plan {
    let call = |id: &str| {
        let task = Task {
            work: Work::Call("chain".into()),
            ..Task::default()
        };
        node(id, &[], task)
    };
    let chain = plan(vec![step(dir, "x", &[]), step(dir, "y", &[0]), step(dir, "z", &[1])]);
    let mut outermost = plan(vec![call("a"), call("b"), task("last", "exit 3", &[0, 1])]);
    outermost.failure = FailurePolicy::Abort;
    outermost.plans.insert("chain".into(), chain);
    outermost
}

#[test]
fn run_process() {
    drive_in_process(calls_that_are_undone);
}

fn run_and_kill(dir: &Path, after: Duration) {
    let mut driver = start_process("scopes::run_process", dir);
    wait_for_a_run(dir);
    std::thread::sleep(after);
    driver.kill().expect("killed");
    driver.wait().expect("reaped");
}

fn lines(dir: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(dir.join(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_driver_killed_while_calls_run_or_are_undone_repeats_nothing_that_was_done_or_undone() {
    for crash in 0..CRASHES {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        run_and_kill(dir, Duration::from_millis(35 * crash + store::random() % 20));
        let folder = store(dir).find("last").expect("made");
        let before = fold(&folder, |_, _| {}).expect("readable").engine.nodes();
        let resumed = resume(&folder, options(dir)).and_then(|running| running.drive(&mut Unwatched));
        assert!(
            matches!(resumed, Ok(_) | Err(RunError::Ended { .. })),
            "{:?}",
            resumed.err()
        );
        replay(&folder).expect("the journal replays");
        let engine = fold(&folder, |_, _| {}).expect("readable").engine;
        assert_eq!(engine.status(), RunStatus::Failed);
        let (done, undone) = (lines(dir, "done"), lines(dir, "undone"));
        for name in ["a/x", "a/y", "a/z", "b/x", "b/y", "b/z"] {
            let was = before.iter().find(|node| node.id == name);
            let was_done = was.is_some_and(|node| node.status == NodeStatus::Completed);
            let was_undone = was.and_then(|node| node.undo.as_ref());
            let was_undone = was_undone.is_some_and(|undo| undo.status == UndoStatus::Done);
            let count = |lines: &[String], name: &str| lines.iter().filter(|line| *line == name).count();
            let undo = format!("undo of {name}");
            assert!(count(&done, name) >= 1 && count(&undone, &undo) >= 1, "{name}");
            assert!(
                !was_done || count(&done, name) == 1,
                "{name} had completed and ran again"
            );
            assert!(
                !was_undone || count(&undone, &undo) == 1,
                "{name} was undone and is again"
            );
        }
        let place = |name: &str| undone.iter().rposition(|line| *line == format!("undo of {name}"));
        assert!(
            place("a/z") < place("a/y") && place("a/y") < place("a/x"),
            "the last is undone first: {undone:?}"
        );
    }
}
