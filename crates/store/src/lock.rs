//! Who drives a run: an `flock`, so that the system lets go of it however the holder ends.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// What the lock file says of its holder; the lock itself is the fact, this is for the message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub host: String,
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {} since {}", self.pid, self.host, self.since)
    }
}

/// Holding this is driving the run. Dropping it lets go.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
    _store: Option<StoreLock>,
}

/// A probe by `dslc runs` holds a shared lock for an instant; a driver waits that out.
const PROBE_PATIENCE: u32 = 10;
const PROBE_PAUSE: Duration = Duration::from_millis(10);

impl RunLock {
    pub(crate) fn take(path: &Path, run: &str) -> Result<Self, StoreError> {
        // ROOT/runs/RUN/lock
        let store = path.ancestors().nth(3).map(StoreLock::shared).transpose()?;
        let mut file = open(path)?;
        let mut tries = 0;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) if tries < PROBE_PATIENCE => {
                    tries += 1;
                    std::thread::sleep(PROBE_PAUSE);
                }
                Err(Errno::WOULDBLOCK) => {
                    let holder =
                        read_holder(&mut file).map_or_else(|| "another process".to_owned(), |it| it.to_string());
                    return Err(StoreError::Held {
                        run: run.to_owned(),
                        holder,
                    });
                }
                Err(errno) => return Err(StoreError::errno("lock", path)(errno)),
            }
        }
        let holder = Holder {
            pid: std::process::id(),
            host: host(),
            since: crate::id::rfc3339(crate::now_ms()),
        };
        let text = serde_json::to_string(&holder).map_err(|error| StoreError::Encode {
            what: error.to_string(),
        })?;
        file.set_len(0).map_err(StoreError::io("write", path))?;
        file.rewind().map_err(StoreError::io("write", path))?;
        file.write_all(text.as_bytes()).map_err(StoreError::io("write", path))?;
        Ok(Self {
            _file: file,
            _store: store,
        })
    }

    /// Who holds it, if anybody does.
    pub(crate) fn holder(path: &Path) -> Result<Option<Holder>, StoreError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("open", path)(error)),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(Errno::WOULDBLOCK) => Ok(Some(read_holder(&mut file).unwrap_or_else(|| Holder {
                pid: 0,
                host: host(),
                since: "just now".to_owned(),
            }))),
            Err(errno) => Err(StoreError::errno("lock", path)(errno)),
        }
    }
}

/// Held together by all who drive runs of a store, and by its collector alone.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
}

impl StoreLock {
    pub fn shared(root: &Path) -> Result<Self, StoreError> {
        Self::take(root, FlockOperation::NonBlockingLockShared, true)
    }

    pub fn exclusive(root: &Path) -> Result<Self, StoreError> {
        Self::take(root, FlockOperation::NonBlockingLockExclusive, false)
    }

    fn take(root: &Path, operation: FlockOperation, collecting: bool) -> Result<Self, StoreError> {
        let path = root.join("lock");
        let file = open(&path)?;
        match flock(&file, operation) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(StoreError::Busy {
                root: root.to_owned(),
                collecting,
            }),
            Err(errno) => Err(StoreError::errno("lock", &path)(errno)),
        }
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(StoreError::io("open", path))
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
