//! What a process has used, as Linux tells it.

use std::io;
use std::time::Duration;

/// Time on a processor, of all its threads that still run.
pub fn processor_time(process: u32) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Resident memory now, in bytes.
pub fn memory(process: u32) -> io::Result<f64> {
    kilobytes(process, "VmRSS:").map(|kilobytes| kilobytes * 1024.0)
}

/// The most resident memory that there was, in bytes.
pub fn peak_memory(process: u32) -> io::Result<f64> {
    kilobytes(process, "VmHWM:").map(|kilobytes| kilobytes * 1024.0)
}

fn kilobytes(process: u32, key: &str) -> io::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .ok_or_else(|| io::Error::other(format!("no {key} of process {process}")))
}
