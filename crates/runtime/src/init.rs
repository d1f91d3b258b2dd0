//! Process 1 of a container inherits every orphan of it: a driver that is process 1 lets them go.
//!
//! Orphans of attempts come to the supervisor, which does so anyway; these are others, of `docker exec` and the like.

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use crate::procfs;

const INIT: u32 = 1;

/// Reaps for as long as it is polled; `supervisor` is waited for by whoever started it.
pub async fn reap_orphans(supervisor: u32) {
    if std::process::id() != INIT {
        return;
    }
    let Ok(mut child_ended) = signal(SignalKind::child()) else {
        return;
    };
    while child_ended.recv().await.is_some() {
        for pid in procfs::children(INIT).into_iter().filter(|&pid| pid != supervisor) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // one that still runs is left alone
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }
}
