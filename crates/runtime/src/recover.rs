//! Taking over a run whose driver is gone: nothing of it may still be running when its attempts are called lost.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use store::RunFolder;

use crate::error::RunError;
use crate::history::LastDriver;
use crate::procfs;

/// A supervisor whose driver is gone kills what is left and ends; so long it may take.
const SUPERVISOR_MAX: Duration = Duration::from_secs(20);
/// Killing what got away from it.
const SURVIVORS_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// Waits for the previous supervisor and kills processes of the run that it did not take along; says how many that
/// were. They are known by a variable in their environment; one that hid even that and survived its supervisor is not
/// found.
pub fn reap(folder: &RunFolder, last: Option<&LastDriver>) -> Result<usize, RunError> {
    if let Some(last) = last
        && last.boot_id == procfs::boot_id()
    {
        let until = Instant::now() + SUPERVISOR_MAX;
        while procfs::started_ticks(last.supervisor_pid) == Some(last.supervisor_started) {
            if Instant::now() > until {
                return Err(RunError::Survivors {
                    run: folder.id().to_owned(),
                    pids: vec![last.supervisor_pid],
                });
            }
            // one that was stopped cannot end
            procfs::signal(last.supervisor_pid, Signal::CONT);
            std::thread::sleep(PAUSE);
        }
    }
    let run_dir = run_dir(folder);
    let until = Instant::now() + SURVIVORS_MAX;
    let mut killed = 0;
    loop {
        let pids = procfs::of_run(&run_dir);
        if pids.is_empty() {
            return Ok(killed);
        }
        if Instant::now() > until {
            return Err(RunError::Survivors {
                run: folder.id().to_owned(),
                pids,
            });
        }
        killed = killed.max(pids.len());
        for pid in pids {
            procfs::signal(pid, Signal::KILL);
        }
        std::thread::sleep(PAUSE);
    }
}

/// What marks the processes of a run: its folder, however it is reached.
pub fn run_dir(folder: &RunFolder) -> String {
    let path = std::fs::canonicalize(folder.path()).unwrap_or_else(|_| folder.path().to_owned());
    path.to_string_lossy().into_owned()
}
