//! The floor under any runner of processes: starts `COUNT` no-op shells, at most `WIDTH` at a time, and waits for them.
//!
//! `std` starts a process by `posix_spawn` where nothing asks for more, and nothing here does. Absent: a graph, a
//! journal, captured output.

use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<i64>());
    let (Some(Ok(count)), Some(Ok(width))) = (args.next(), args.next()) else {
        return ExitCode::from(2);
    };
    let left = AtomicI64::new(count);
    let failed = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..width).map(|_| scope.spawn(|| work(&left))).collect();
        workers.into_iter().any(|worker| !worker.join().unwrap_or(false))
    });
    ExitCode::from(u8::from(failed))
}

/// Starts shells one after another while some are left; `false` if one of them failed.
fn work(left: &AtomicI64) -> bool {
    while left.fetch_sub(1, Ordering::Relaxed) > 0 {
        let ended = Command::new("/bin/sh")
            .args(["-eu", "-c", ":"])
            .stdin(Stdio::null())
            .status();
        if !ended.is_ok_and(|status| status.success()) {
            return false;
        }
    }
    true
}
