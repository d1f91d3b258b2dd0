//! What tests of runs have in common that outlive the command that started them: how a run stands, waiting for
//! something, and verbs that are killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use plan_tests::Project;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The run that `last` names, as `show --json` has it.
pub fn status(project: &Project) -> Value {
    let output = project.run(&["show", "last", "--json"]);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

pub fn wait_for(holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "it did not come to pass");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Of the only run.
pub fn run_folder(project: &Project) -> PathBuf {
    let runs = std::fs::read_dir(project.path().join(".dslc/runs")).expect("runs");
    runs.flatten().map(|entry| entry.path()).next().expect("a run")
}

/// To the process that drives the only run.
pub fn signal_driver(project: &Project, signal: Signal) {
    let lock = run_folder(project).join("lock");
    let holder: Value = serde_json::from_slice(&std::fs::read(lock).expect("a lock")).expect("JSON");
    let pid = holder["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
    let pid = Pid::from_raw(pid.expect("a number")).expect("a process");
    kill_process(pid, signal).expect("it runs");
}

/// What a verb that was killed has left.
pub enum Left {
    /// The run as it was.
    Unasked,
    /// All of what was asked, and nobody to carry it out.
    Asked,
    /// A run that came to its end.
    Done,
}

/// A verb that is killed at one moment after the other.
pub struct Killed<'k> {
    pub verb: &'k [&'k str],
    /// How much later each time.
    pub apart: Duration,
}

impl Killed<'_> {
    /// Kills it a dozen times, in a project of its own each time, and lets the run go on from whatever was left. Some
    /// of the kills have to come before anything was on record.
    pub fn a_dozen_times(
        &self,
        project: impl Fn() -> Project,
        left: impl Fn(&Value) -> Left,
        goes_well: impl Fn(&Project),
    ) {
        let (mut unasked, mut asked) = (0, 0);
        for nth in 0..12 {
            let project = project();
            self.once(&project, nth);
            for verb in ["verify", "replay"] {
                must_succeed(&project, &[verb, "last"]);
            }
            match left(&status(&project)) {
                Left::Unasked => {
                    unasked += 1;
                    must_succeed(&project, self.verb);
                }
                Left::Asked => {
                    asked += 1;
                    must_succeed(&project, &["resume", "last"]);
                }
                Left::Done => {}
            }
            goes_well(&project);
        }
        assert!(
            unasked > 0,
            "{unasked} were killed before it was on record, {asked} after"
        );
    }

    fn once(&self, project: &Project, nth: u32) {
        let mut command = project.command(self.verb);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("dslc starts");
        std::thread::sleep(self.apart * nth);
        // it may be over
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn must_succeed(project: &Project, args: &[&str]) {
    let output = project.run(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
