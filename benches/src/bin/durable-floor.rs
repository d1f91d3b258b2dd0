//! The floor under a durable runner of processes: the same system calls for each no-op shell (two pipes, a start,
//! reading what it writes, waiting, one line appended to a journal), with one `fdatasync` a completion: `durable-floor
//! COUNT WIDTH JOURNAL`.
//!
//! Absent: a graph, and sharing a sync between completions.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// As long as the line of an attempt's end and the start that follows from it.
const LINE: [u8; 640] = [b'x'; 640];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [count, width, journal] = args.as_slice() else {
        return ExitCode::from(2);
    };
    let (Ok(count), Ok(width)) = (count.parse::<i64>(), width.parse::<i64>()) else {
        return ExitCode::from(2);
    };
    match run(count, width, journal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(count: i64, width: i64, journal: &str) -> io::Result<()> {
    let journal = Mutex::new(OpenOptions::new().create(true).append(true).open(journal)?);
    let left = AtomicI64::new(count);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..width).map(|_| scope.spawn(|| work(&left, &journal))).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))))
    })
}

/// Runs shells one after another while some are left.
fn work(left: &AtomicI64, journal: &Mutex<File>) -> io::Result<()> {
    let mut text = Vec::new();
    while left.fetch_sub(1, Ordering::Relaxed) > 0 {
        let mut child = Command::new("/bin/sh")
            .args(["-eu", "-c", ":"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdout) = child.stdout.take() {
            stdout.read_to_end(&mut text)?;
        }
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_end(&mut text)?;
        }
        if !child.wait()?.success() {
            return Err(io::Error::other("a shell failed"));
        }
        let mut journal = journal.lock().map_err(|_| io::Error::other("a panic"))?;
        journal.write_all(&LINE)?;
        journal.sync_data()?;
    }
    Ok(())
}
