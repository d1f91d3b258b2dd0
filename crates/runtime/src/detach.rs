//! Drivers in the background: started by one process, which goes on once the other holds the run's lock.
//!
//! What such a driver prints is in the run's folder. It is told apart from its starter by nothing but its standard
//! streams: it makes itself a session of its own, so that the end of a terminal does not reach it.

use std::fs::{self, OpenOptions};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engine::event::{Event, EventKind};
use store::RunFolder;

use crate::error::RunError;

/// What a driver in the background printed, in the run's folder.
pub const DRIVER_LOG: &str = "driver.log";
const POLL: Duration = Duration::from_millis(5);
/// The end of what a driver printed that tells why it ended.
const SAID_CHARS_MAX: usize = 500;

/// Starts `command` as the run's driver and waits until it holds the lock, or has done all there was to do.
pub fn detach(folder: &RunFolder, mut command: Command) -> Result<u32, RunError> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.path().join(DRIVER_LOG))
        .map_err(RunError::system("write the driver's log"))?;
    let errors = log.try_clone().map_err(RunError::system("write the driver's log"))?;
    let before = fs::metadata(folder.path().join(DRIVER_LOG)).map_or(0, |meta| meta.len());
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    let mut child = command.spawn().map_err(RunError::system("start the driver"))?;
    let pid = child.id();
    loop {
        if folder.driven_by()?.is_some_and(|holder| holder.pid == pid) {
            return Ok(pid);
        }
        if ended(&mut child)? {
            return if drove(folder, pid)? {
                Ok(pid)
            } else {
                Err(RunError::NotDetached {
                    run: folder.id().to_owned(),
                    said: said(folder, before),
                })
            };
        }
        std::thread::sleep(POLL);
    }
}

fn ended(child: &mut Child) -> Result<bool, RunError> {
    let status = child.try_wait().map_err(RunError::system("wait for the driver"))?;
    Ok(status.is_some())
}

/// Whether that process has driven the run: a short one may be over before anybody looks.
fn drove(folder: &RunFolder, pid: u32) -> Result<bool, RunError> {
    let mut reader = folder.read()?;
    let mut last = None;
    while let Some(entry) = reader.next_entry()? {
        if let Ok(Event {
            kind: EventKind::DriverStarted { pid, .. },
            ..
        }) = Event::from_json(entry.event())
        {
            last = Some(pid);
        }
    }
    Ok(last == Some(pid))
}

fn said(folder: &RunFolder, from: u64) -> String {
    let bytes = fs::read(folder.path().join(DRIVER_LOG)).unwrap_or_default();
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
    let text = String::from_utf8_lossy(&bytes[from..]);
    let skipped = text.chars().count().saturating_sub(SAID_CHARS_MAX);
    text.chars().skip(skipped).collect::<String>().trim().to_owned()
}
