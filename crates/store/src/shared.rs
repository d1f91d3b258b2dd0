//! Journals that all runs of a store append to: the cache and memory.
//!
//! A line is that of a run's journal, chained likewise; the first says the format. Whoever appends holds an `flock` of
//! the file, reads what others have appended, and cuts what a crash left of a write. Promise: what [`Shared::append`]
//! returned for is on disk, and an entry that was edited is an error when it is read, not an entry. Absent: what
//! entries mean.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::artifacts::Artifacts;
use crate::disk::Durability;
use crate::error::StoreError;
use crate::journal::{Entry, Head, Tail, Writer};
use crate::now_ms;
use crate::read::Reader;

/// Others hold the file for an instant.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A journal of the store, read as far as its tail.
#[derive(Debug)]
pub(crate) struct Shared {
    path: PathBuf,
    format: &'static str,
    artifacts: Artifacts,
    durability: Durability,
    tail: Tail,
}

/// Where an entry stands in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub from: u64,
    pub bytes: u64,
}

const NO_COMMANDS: [u8; 0] = [];
/// Where every such chain starts, whatever its format: one that is newer is to be refused, not taken for torn.
const GENESIS: &[u8] = b"a journal of the store";

#[derive(Serialize, Deserialize)]
struct Format {
    format: String,
}

impl Shared {
    pub fn new(path: PathBuf, format: &'static str, artifacts: Artifacts, durability: Durability) -> Self {
        let tail = Tail {
            valid_len: 0,
            unterminated: false,
            head: Head::genesis(GENESIS),
            seq: 0,
            torn: None,
        };
        Self {
            path,
            format,
            artifacts,
            durability,
            tail,
        }
    }

    /// The same journal, from its beginning.
    pub fn again(&self) -> Self {
        Self::new(self.path.clone(), self.format, self.artifacts.clone(), self.durability)
    }

    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// What a crash left behind the last entry, if anything.
    pub fn is_torn(&self) -> bool {
        self.tail.torn.is_some()
    }

    /// Hands over what was appended since this was read last, each with its place. Large strings are left as references.
    pub fn read_on(&mut self, see: &mut dyn FnMut(&Entry, Place) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let len = match std::fs::metadata(&self.path) {
            Ok(meta) => meta.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io("look at", &self.path)(error)),
        };
        if len <= self.tail.valid_len {
            return Ok(());
        }
        let mut reader = Reader::behind(self.path.clone(), &self.tail, self.artifacts.clone())?;
        loop {
            let from = reader.tail().valid_len;
            let Some(entry) = reader.next_entry()? else { break };
            if entry.seq == 1 {
                self.must_fit(&entry)?;
            } else {
                let bytes = reader.tail().valid_len - from;
                see(&entry, Place { from, bytes })?;
            }
        }
        self.tail = reader.tail().clone();
        Ok(())
    }

    fn must_fit(&self, first: &Entry) -> Result<(), StoreError> {
        let found = serde_json::from_str::<Format>(first.event()).map_or_else(|_| "?".to_owned(), |it| it.format);
        match found == self.format {
            true => Ok(()),
            false => Err(StoreError::Format {
                path: self.path.clone(),
                found,
                expected: self.format,
            }),
        }
    }

    /// Appends entries in one write with one sync. `see` is shown those of others that come before, as
    /// [`Shared::read_on`] would.
    pub fn append<T: Serialize>(
        &mut self,
        entries: &[T],
        see: &mut dyn FnMut(&Entry, Place) -> Result<(), StoreError>,
    ) -> Result<Vec<Place>, StoreError> {
        self.write(entries.len(), see, |writer, at| {
            writer.stage(now_ms(), &entries[at], &NO_COMMANDS, None)
        })
    }

    fn write(
        &mut self,
        count: usize,
        see: &mut dyn FnMut(&Entry, Place) -> Result<(), StoreError>,
        mut stage: impl FnMut(&mut Writer, usize) -> Result<u64, StoreError>,
    ) -> Result<Vec<Place>, StoreError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let _held = self.hold()?;
        self.read_on(see)?;
        let mut writer = Writer::open(self.path.clone(), &self.tail, self.artifacts.clone(), self.durability)?;
        if self.tail.seq == 0 {
            let format = Format {
                format: self.format.to_owned(),
            };
            writer.stage(now_ms(), &format, &NO_COMMANDS, None)?;
        }
        for at in 0..count {
            stage(&mut writer, at)?;
        }
        writer.commit()?;
        let mut places = Vec::with_capacity(count + 1);
        let mut from = self.tail.valid_len + u64::from(self.tail.unterminated);
        for line in writer.committed().split_inclusive('\n') {
            let bytes = line.len() as u64;
            places.push(Place { from, bytes });
            from += bytes;
        }
        self.tail = Tail {
            valid_len: from,
            unterminated: false,
            head: writer.head(),
            seq: writer.seq(),
            torn: None,
        };
        Ok(places.split_off(places.len() - count))
    }

    /// The lock, and the file made if there was none.
    fn hold(&self) -> Result<File, StoreError> {
        let is_new = !self.path.exists();
        let parent = self.path.parent().unwrap_or(Path::new("."));
        self.durability.create_dirs(parent)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .map_err(StoreError::io("open", &self.path))?;
        if is_new {
            self.durability.sync_dir(parent)?;
        }
        for _ in 0..LOCK_TRIES {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
                Err(errno) => return Err(StoreError::errno("lock", &self.path)(errno)),
            }
        }
        Err(StoreError::Io {
            doing: "lock",
            path: self.path.clone(),
            source: std::io::Error::new(std::io::ErrorKind::WouldBlock, "another process holds it"),
        })
    }

    /// One line, as it was written.
    pub fn line(&self, place: Place) -> Result<String, StoreError> {
        use std::os::unix::fs::FileExt;
        let file = File::open(&self.path).map_err(StoreError::io("open", &self.path))?;
        let mut bytes = vec![0; usize::try_from(place.bytes).unwrap_or(0)];
        file.read_exact_at(&mut bytes, place.from)
            .map_err(StoreError::io("read", &self.path))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes another file in its place, of entries as this one has them. Only where nobody else has it open.
    pub fn replace(&mut self, entries: &[String]) -> Result<(), StoreError> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        let temp = crate::disk::temporary(parent);
        let mut other = Self::new(temp.clone(), self.format, self.artifacts.clone(), self.durability);
        let written = other.write(entries.len(), &mut |_, _| Ok(()), |writer, at| {
            writer.stage_written(now_ms(), &entries[at], "[]", None)
        });
        let path = &self.path;
        let replaced = written.and_then(|_| match entries {
            [] => std::fs::remove_file(path).map_err(StoreError::io("remove", path)),
            _ => std::fs::rename(&temp, path).map_err(StoreError::io("name", path)),
        });
        if let Err(error) = replaced {
            let _ = std::fs::remove_file(&temp);
            return Err(error);
        }
        self.tail = other.tail;
        self.durability.sync_dir(parent)
    }
}
