//! The journal: one event a line, each line chained to the one before by its hash.
//!
//! `{"seq":1,"time":"…","event":{…},"commands":[…],"hash":"…"}`. The hash is that of the line before and of this line's
//! bytes up to it; the first line follows the hash of `run.json`. Lines that are synced together carry `"batch"`, the
//! sequence of the first of them, in all but that first; an event that came through the inbox carries `"inbox"`, the
//! name of its file. Promise: after an error of [`Writer::commit`] nothing more is written. Absent: what events mean.

use std::fs::OpenOptions;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::artifacts::Artifacts;
use crate::blob;
use crate::disk::Durability;
use crate::error::StoreError;
use crate::id::rfc3339;
use crate::medium::Medium;

/// The version of the line format, named in `run.json`.
pub const JOURNAL_FORMAT: &str = "journal/1";

/// A link of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head(pub(crate) [u8; 32]);

impl Head {
    /// Where the chain of a run starts: the bytes of its `run.json`.
    pub fn genesis(run_json: &[u8]) -> Self {
        Self(blake3::derive_key("dslc 2026 journal/1 genesis", run_json))
    }

    /// In the one form that is written: another spelling of the same number is an edit.
    pub(crate) fn from_hex(hex: &str) -> Option<Self> {
        if hex.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        blake3::Hash::from_hex(hex).ok().map(|hash| Self(*hash.as_bytes()))
    }

    pub fn to_hex(self) -> String {
        self.hex().to_string()
    }

    pub(crate) fn hex(self) -> impl std::ops::Deref<Target = str> + std::fmt::Display {
        blake3::Hash::from_bytes(self.0).to_hex()
    }
}

/// Computes links; keeps the hasher of the domain so that it is set up once.
pub(crate) struct Chain {
    hasher: blake3::Hasher,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self {
            hasher: blake3::Hasher::new_derive_key("dslc 2026 journal/1 line"),
        }
    }

    /// The link of a line, from its bytes before `,"hash":`.
    pub(crate) fn link(&mut self, before: Head, body: &[u8]) -> Head {
        self.hasher.reset().update(&before.0).update(body);
        Head(*self.hasher.finalize().as_bytes())
    }
}

/// Between a line's body and its hash, and after it.
pub(crate) const HASH_OPEN: &str = ",\"hash\":\"";
pub(crate) const HASH_CLOSE: &str = "\"}";
pub(crate) const HASH_HEX_LEN: usize = 64;

/// Where a journal ends: what a writer goes on from.
#[derive(Clone, Debug)]
pub struct Tail {
    /// Bytes of valid lines.
    pub valid_len: u64,
    /// The last valid line has no line feed (an editor took it).
    pub unterminated: bool,
    pub head: Head,
    /// Of the last valid line; 0 if there is none.
    pub seq: u64,
    /// What follows the last valid line, if anything does.
    pub torn: Option<TornTail>,
}

/// Bytes after the last valid line: a write that a crash interrupted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// From 1.
    pub line: u64,
    pub bytes: u64,
}

/// Appends events. One per run, by whoever holds its lock.
pub struct Writer {
    medium: Box<dyn Medium>,
    path: PathBuf,
    artifacts: Artifacts,
    durability: Durability,
    chain: Chain,
    head: Head,
    seq: u64,
    /// Lines staged since the last commit, and those of the last commit.
    staged: Vec<u8>,
    committed: Vec<u8>,
    batch_first: Option<u64>,
    failed: bool,
}

impl Writer {
    /// Opens a journal behind its last valid line, cutting what follows it.
    pub(crate) fn open(
        path: PathBuf,
        tail: &Tail,
        artifacts: Artifacts,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(StoreError::io("open", &path))?;
        Self::on(Box::new(file), path, tail, artifacts, durability)
    }

    /// The same on something else than a file; `path` is what errors call it.
    pub fn on(
        medium: Box<dyn Medium>,
        path: PathBuf,
        tail: &Tail,
        artifacts: Artifacts,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let mut writer = Self {
            medium,
            path,
            artifacts,
            durability,
            chain: Chain::new(),
            head: tail.head,
            seq: tail.seq,
            staged: Vec::new(),
            committed: Vec::new(),
            batch_first: None,
            failed: false,
        };
        if tail.torn.is_some() {
            writer
                .medium
                .set_len(tail.valid_len)
                .map_err(StoreError::io("cut the torn end of", &writer.path))?;
        }
        if tail.unterminated {
            writer
                .medium
                .append(b"\n")
                .map_err(StoreError::io("write", &writer.path))?;
        }
        if tail.torn.is_some() || tail.unterminated {
            writer.sync()?;
        }
        Ok(writer)
    }

    /// Stages an event and the commands it caused; [`Writer::commit`] makes it durable. Large strings become artifacts now.
    pub fn stage(
        &mut self,
        time_ms: i64,
        event: &impl Serialize,
        commands: &impl Serialize,
        inbox: Option<&str>,
    ) -> Result<u64, StoreError> {
        let event = encode(event)?;
        let commands = encode(commands)?;
        let event = blob::swap_out(&event, &self.artifacts)?;
        let commands = blob::swap_out(&commands, &self.artifacts)?;
        self.stage_written(time_ms, &event, &commands, inbox)
    }

    /// The same of what a journal has had before: its large strings are references already.
    pub(crate) fn stage_written(
        &mut self,
        time_ms: i64,
        event: &str,
        commands: &str,
        inbox: Option<&str>,
    ) -> Result<u64, StoreError> {
        if self.failed {
            return Err(StoreError::Stopped {
                path: self.path.clone(),
            });
        }
        let seq = self.seq + 1;
        let first = *self.batch_first.get_or_insert(seq);

        let start = self.staged.len();
        let out = &mut self.staged;
        write!(out, "{{\"seq\":{seq},\"time\":\"{}\"", rfc3339(time_ms))
            .map_err(StoreError::io("stage", &self.path))?;
        if first != seq {
            write!(out, ",\"batch\":{first}").map_err(StoreError::io("stage", &self.path))?;
        }
        if let Some(name) = inbox {
            out.extend_from_slice(b",\"inbox\":");
            out.extend_from_slice(encode(&name)?.as_bytes());
        }
        out.extend_from_slice(b",\"event\":");
        out.extend_from_slice(event.as_bytes());
        out.extend_from_slice(b",\"commands\":");
        out.extend_from_slice(commands.as_bytes());
        self.head = self.chain.link(self.head, &out[start..]);
        out.extend_from_slice(HASH_OPEN.as_bytes());
        out.extend_from_slice(self.head.hex().as_bytes());
        out.extend_from_slice(HASH_CLOSE.as_bytes());
        out.push(b'\n');
        self.seq = seq;
        Ok(seq)
    }

    /// Writes what is staged at once and syncs it. An error is final: what is on disk is unknown, and trying again could
    /// report success for data that the system has already dropped.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Stopped {
                path: self.path.clone(),
            });
        }
        if self.staged.is_empty() {
            self.committed.clear();
            return Ok(());
        }
        self.failed = true;
        self.medium
            .append(&self.staged)
            .map_err(StoreError::io("write", &self.path))?;
        self.sync()?;
        self.failed = false;
        std::mem::swap(&mut self.staged, &mut self.committed);
        self.staged.clear();
        self.batch_first = None;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        match self.durability {
            Durability::Power => self.medium.sync().map_err(StoreError::io("sync", &self.path)),
            Durability::Process => Ok(()),
        }
    }

    /// The lines of the last commit.
    pub fn committed(&self) -> &str {
        // they were made of text
        std::str::from_utf8(&self.committed).unwrap_or_default()
    }

    /// The hash of the last staged line.
    pub fn head(&self) -> Head {
        self.head
    }

    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether a commit waits for the disk.
    pub fn syncs(&self) -> bool {
        self.durability == Durability::Power
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.path)
            .field("seq", &self.seq)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// The journal's form of a value, with large strings replaced by their hash: what a replay compares. Writes nothing.
pub fn canonical(value: &impl Serialize) -> Result<String, StoreError> {
    let text = encode(value)?;
    Ok(blob::swap_out(&text, blob::HashOnly)?.into_owned())
}

fn encode(value: &impl Serialize) -> Result<String, StoreError> {
    let failed = |what: String| StoreError::Encode { what };
    // few events and commands are longer
    let mut json = Vec::with_capacity(512);
    serde_json::to_writer(&mut json, value).map_err(|error| failed(error.to_string()))?;
    String::from_utf8(json).map_err(|error| failed(error.to_string()))
}

/// One line as it was written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub seq: u64,
    /// The inbox file it came from.
    pub inbox: Option<String>,
    pub(crate) line: String,
    /// Where in the line they are.
    pub(crate) time: Range<usize>,
    pub(crate) event: Range<usize>,
    pub(crate) commands: Range<usize>,
    pub(crate) hash: Range<usize>,
    /// The event, if large strings had to be put back into it.
    pub(crate) whole: Option<String>,
}

impl Entry {
    /// RFC 3339, UTC.
    pub fn time(&self) -> &str {
        &self.line[self.time.clone()]
    }

    /// The event as JSON, large strings in place again.
    pub fn event(&self) -> &str {
        self.whole.as_deref().unwrap_or(&self.line[self.event.clone()])
    }

    /// The commands as the journal has them, large strings as references: for comparing with [`canonical`].
    pub fn commands(&self) -> &str {
        &self.line[self.commands.clone()]
    }

    pub fn hash(&self) -> &str {
        &self.line[self.hash.clone()]
    }

    /// Bytes of the line.
    pub fn bytes(&self) -> usize {
        self.line.len()
    }
}
