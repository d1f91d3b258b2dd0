//! Real crashes: a driver in a process of its own, killed at any moment, and its run resumed here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use engine::event::{NodeStatus, RunStatus};
use ir::plan::Plan;
use rustix::process::Signal;
use store::RunFolder;

use super::plans::{plan, task};
use super::{drive_in_process, options, start_process, store, wait_for_a_run};
use crate::{RunError, Unwatched, fold, procfs, replay, resume};

const TASKS: u32 = 12;
const CRASHES: u64 = 14;
const BEFORE_A_RUN: u64 = 4;

/// Two chains side by side; each task says when it starts and when it is done, and leaves something in the background.
fn two_chains(dir: &Path) -> Plan {
    let dir = dir.display();
    let nodes = (0..TASKS).map(|at| {
        let script =
            format!("echo x >>{dir}/started.{at}; (setsid sleep 1000 &) ; sleep 0.01; echo x >>{dir}/done.{at}");
        task(&format!("t{at}"), &script, at.checked_sub(2).as_slice())
    });
    plan(nodes.collect())
}

#[test]
fn run_process() {
    drive_in_process(two_chains);
}

fn completed(folder: &RunFolder) -> BTreeSet<u32> {
    let nodes = fold(folder, |_, _| {}).expect("readable").engine.nodes();
    let completed = |status| status == NodeStatus::Completed;
    nodes
        .into_iter()
        .filter(|node| completed(node.status))
        .map(|node| node.node)
        .collect()
}

fn lines(dir: &Path, name: &str, at: u32) -> usize {
    fs::read_to_string(dir.join(format!("{name}.{at}"))).map_or(0, |text| text.lines().count())
}

fn start_driver(dir: &Path) -> Child {
    start_process("crash::run_process", dir)
}

#[test]
fn a_supervisor_that_was_stopped_does_not_keep_a_run_from_being_resumed() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let mut driver = start_driver(dir);
    wait_for_a_run(dir);
    let folder = store(dir).find("last").expect("made");
    let until = Instant::now() + Duration::from_secs(20);
    let supervisor = loop {
        assert!(Instant::now() < until, "nothing was started");
        match fold(&folder, |_, _| {}).ok().and_then(|history| history.last_driver) {
            Some(last) => break last.supervisor_pid,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    procfs::signal(supervisor, Signal::STOP);
    driver.kill().expect("killed");
    driver.wait().expect("reaped");

    let finished = resume(&folder, options(dir))
        .and_then(|running| running.drive(&mut Unwatched))
        .expect("driven");
    assert_eq!(finished.engine.status(), RunStatus::Completed);
}

#[test]
fn a_driver_killed_at_any_moment_loses_and_repeats_nothing_that_completed() {
    let mut with_work_left = 0;
    for crash in 0..CRASHES {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        let mut driver = start_driver(dir);
        // the first ones are killed while they start
        if crash >= BEFORE_A_RUN {
            wait_for_a_run(dir);
        }
        std::thread::sleep(Duration::from_millis(7 * crash + store::random() % 10));
        driver.kill().expect("killed");
        driver.wait().expect("reaped");

        let Ok(folder) = store(dir).find("last") else {
            continue;
        };
        let before = completed(&folder);
        match resume(&folder, options(dir)) {
            Ok(running) => {
                with_work_left += 1;
                let finished = running.drive(&mut Unwatched).expect("driven");
                assert_eq!(finished.engine.status(), RunStatus::Completed);
            }
            Err(RunError::Ended { .. }) => assert_eq!(before.len(), TASKS as usize),
            Err(error) => panic!("{error}"),
        }
        replay(&folder).expect("the journal replays");
        for at in 0..TASKS {
            let (started, done) = (lines(dir, "started", at), lines(dir, "done", at));
            assert!(done >= 1 && started >= 1, "t{at} did not run");
            if before.contains(&at) {
                assert_eq!((started, done), (1, 1), "t{at} had completed and ran again");
            }
        }
        let run_dir = fs::canonicalize(folder.path()).expect("there");
        assert_eq!(procfs::of_run(&run_dir.to_string_lossy()), [0; 0], "processes are left");
    }
    assert!(
        with_work_left >= 3,
        "too few crashes hit a run in the middle: {with_work_left}"
    );
}
