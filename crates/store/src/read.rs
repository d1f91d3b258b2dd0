//! Reading a journal: the valid lines in order, and what is behind the last of them.
//!
//! A torn tail is what a crash leaves of a write that was never acknowledged: nothing that was done depends on it, so
//! it may be cut. An invalid line is corruption when a later one proves that it had been whole: a line written by a
//! later sync, or one that extends the invalid line's own hash. Then nothing is cut.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::artifacts::Artifacts;
use crate::blob;
use crate::error::StoreError;
use crate::journal::{Chain, Entry, HASH_CLOSE, HASH_HEX_LEN, HASH_OPEN, Head, Tail, TornTail};

/// Of a file: few system calls for long journals.
const BUFFER_BYTES: usize = 1 << 17;

/// Reads a journal from its start, one line at a time.
pub struct Reader {
    input: BufReader<Box<dyn Read + Send>>,
    path: PathBuf,
    artifacts: Artifacts,
    chain: Chain,
    tail: Tail,
    done: bool,
    line: Vec<u8>,
    /// Large strings are put back into events.
    whole: bool,
}

/// What a line consists of.
struct Parts<'a> {
    seq: u64,
    time: &'a str,
    inbox: Option<String>,
    event: &'a str,
    commands: &'a str,
    hash: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    seq: u64,
    time: &'a str,
    #[serde(default)]
    batch: Option<u64>,
    #[serde(default)]
    inbox: Option<String>,
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(borrow)]
    commands: &'a RawValue,
    hash: &'a str,
}

impl<'a> Parts<'a> {
    /// Of a line exactly as most are written, with a hash that fits: of its text only the event has to be looked through.
    fn as_written(text: &'a str) -> Option<Self> {
        let (body, hash) = text.split_at_checked(text.len().checked_sub(HASH_HEX_LEN + HASH_CLOSE.len())?)?;
        let (hash, body) = (hash.strip_suffix(HASH_CLOSE)?, body.strip_suffix(HASH_OPEN)?);
        let (seq, rest) = number(body.strip_prefix("{\"seq\":")?)?;
        let (time, mut rest) = rest.strip_prefix(",\"time\":\"")?.split_once('"')?;
        if let Some(batch) = rest.strip_prefix(",\"batch\":") {
            (_, rest) = number(batch)?;
        }
        let rest = rest
            .strip_prefix(",\"event\":")
            .filter(|event| event.starts_with('{'))?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let (event, rest) = rest.split_at_checked(values.byte_offset())?;
        let commands = rest.strip_prefix(",\"commands\":")?;
        let is_list = commands.starts_with('[') && commands.ends_with(']');
        (is_list && !time.contains('\\')).then_some(Self {
            seq,
            time,
            inbox: None,
            event,
            commands,
            hash,
        })
    }

    fn of(text: &'a str) -> Result<Self, serde_json::Error> {
        if let Some(parts) = Self::as_written(text) {
            return Ok(parts);
        }
        let line: Line<'a> = serde_json::from_str(text)?;
        Ok(Self {
            seq: line.seq,
            time: line.time,
            inbox: line.inbox,
            event: line.event.get(),
            commands: line.commands.get(),
            hash: line.hash,
        })
    }
}

/// The number that a text begins with, and what follows it.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

impl Reader {
    pub(crate) fn open(path: PathBuf, genesis: Head, artifacts: Artifacts) -> Result<Self, StoreError> {
        let file = File::open(&path).map_err(StoreError::io("open", &path))?;
        Ok(Self::on(Box::new(file), BUFFER_BYTES, path, genesis, artifacts))
    }

    /// Reads what is no file; `path` is what errors call it.
    pub fn on(
        input: Box<dyn Read + Send>,
        buffer_bytes: usize,
        path: PathBuf,
        genesis: Head,
        artifacts: Artifacts,
    ) -> Self {
        Self {
            input: BufReader::with_capacity(buffer_bytes, input),
            path,
            artifacts,
            chain: Chain::new(),
            tail: Tail {
                valid_len: 0,
                unterminated: false,
                head: genesis,
                seq: 0,
                torn: None,
            },
            done: false,
            line: Vec::new(),
            whole: true,
        }
    }

    /// Goes on behind `tail`: what was read before is not looked at again.
    pub(crate) fn open_behind(path: PathBuf, tail: &Tail, artifacts: Artifacts) -> Result<Self, StoreError> {
        let mut file = File::open(&path).map_err(StoreError::io("open", &path))?;
        file.seek(SeekFrom::Start(tail.valid_len))
            .map_err(StoreError::io("read", &path))?;
        let mut tail = Tail {
            torn: None,
            ..tail.clone()
        };
        let mut next = [0];
        if tail.unterminated && file.read(&mut next).map_err(StoreError::io("read", &path))? == 1 {
            // its line feed has come meanwhile
            tail.unterminated = false;
            tail.valid_len += 1;
        }
        let mut reader = Self::on(Box::new(file), BUFFER_BYTES, path, tail.head, artifacts);
        reader.tail = tail;
        Ok(reader)
    }

    /// The same, leaving references to large strings as they are.
    pub(crate) fn behind(path: PathBuf, tail: &Tail, artifacts: Artifacts) -> Result<Self, StoreError> {
        let mut reader = Self::open_behind(path, tail, artifacts)?;
        reader.whole = false;
        Ok(reader)
    }

    /// The next valid line; `None` behind the last one. An error if the journal is corrupt here.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, StoreError> {
        if self.done || !self.read_line()? {
            self.done = true;
            return Ok(None);
        }
        let before = self.tail.head;
        match self.chain.extends(before, trimmed(&self.line)) {
            Some((head, text)) => {
                let entry = self.entry(text)?;
                self.tail.head = head;
                self.tail.seq = entry.seq;
                self.tail.valid_len += self.line.len() as u64;
                self.tail.unterminated = self.line.last() != Some(&b'\n');
                Ok(Some(entry))
            }
            None => {
                self.done = true;
                self.judge_the_rest()?;
                Ok(None)
            }
        }
    }

    /// Reads to the end; where the journal ends and what is behind it.
    pub fn finish(mut self) -> Result<Tail, StoreError> {
        while self.next_entry()?.is_some() {}
        Ok(self.tail)
    }

    /// As far as it was read.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    fn read_line(&mut self) -> Result<bool, StoreError> {
        self.line.clear();
        let n = self
            .input
            .read_until(b'\n', &mut self.line)
            .map_err(StoreError::io("read", &self.path))?;
        Ok(n > 0)
    }

    fn entry(&self, text: &str) -> Result<Entry, StoreError> {
        let seq = self.tail.seq + 1;
        let corrupt = |what: String| StoreError::Corrupt {
            path: self.path.clone(),
            line: seq,
            what,
        };
        let line = Parts::of(text).map_err(|error| corrupt(format!("{error}")))?;
        if line.seq != seq {
            return Err(corrupt(format!("it is numbered {}, expected {seq}", line.seq)));
        }
        let event = line.event;
        let whole = match self.whole.then(|| blob::swap_in(event, &self.artifacts)).transpose()? {
            Some(Cow::Owned(whole)) => Some(whole),
            _ => None,
        };
        Ok(Entry {
            seq,
            time: place(text, line.time),
            event: place(text, event),
            commands: place(text, line.commands),
            hash: place(text, line.hash),
            inbox: line.inbox,
            whole,
            line: text.to_owned(),
        })
    }

    /// Behind an invalid line: torn, unless a later line proves otherwise.
    fn judge_the_rest(&mut self) -> Result<(), StoreError> {
        let bad_line = self.tail.seq + 1;
        let bad = std::mem::take(&mut self.line);
        let mut bytes = bad.len() as u64;
        // a hole: the system never wrote this part of a batch, so lines of the same batch behind it prove nothing
        let mut hole = bad.contains(&0);
        let mut claimed = claimed_hash(trimmed(&bad));
        while self.read_line()? {
            bytes += self.line.len() as u64;
            let text = trimmed(&self.line);
            let extends = claimed.is_some_and(|head| self.chain.extends(head, text).is_some());
            let later_sync = first_of_batch(text).is_some_and(|first| first > bad_line);
            if (extends && !hole) || later_sync {
                return Err(StoreError::Corrupt {
                    path: self.path.clone(),
                    line: bad_line,
                    what: self.what_is_wrong(&bad),
                });
            }
            hole |= self.line.contains(&0);
            claimed = claimed_hash(text);
        }
        self.tail.torn = Some(TornTail { line: bad_line, bytes });
        Ok(())
    }

    fn what_is_wrong(&self, bad: &[u8]) -> String {
        let expected = self.tail.seq + 1;
        match std::str::from_utf8(trimmed(bad))
            .ok()
            .and_then(|text| serde_json::from_str::<Line<'_>>(text).ok())
        {
            None => "it is no event, yet later lines follow it".to_owned(),
            Some(line) if line.seq != expected => {
                format!(
                    "event {expected} was expected and event {} is there: lines are missing or out of order",
                    line.seq
                )
            }
            Some(line) => format!(
                "event {} or one before it was edited: its hash does not fit its content",
                line.seq
            ),
        }
    }
}

impl Chain {
    /// The link that a line adds to the chain, if it extends it.
    fn extends<'a>(&mut self, before: Head, line: &'a [u8]) -> Option<(Head, &'a str)> {
        let (body, hex) = body_and_hash(line)?;
        let text = std::str::from_utf8(line).ok()?;
        let head = self.link(before, body);
        (head.hex().as_bytes() == hex).then_some((head, text))
    }
}

/// Where a part of a text is in it.
fn place(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

/// The hash that a line says it has.
fn claimed_hash(line: &[u8]) -> Option<Head> {
    let (_, hex) = body_and_hash(line)?;
    Head::from_hex(std::str::from_utf8(hex).ok()?)
}

/// What is hashed of a line, and the hash that it says it has.
fn body_and_hash(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(HASH_CLOSE.as_bytes())?;
    let (body, hex) = line.split_at_checked(line.len().checked_sub(HASH_HEX_LEN)?)?;
    Some((body.strip_suffix(HASH_OPEN.as_bytes())?, hex))
}

/// The sequence of the first line that was synced together with this one.
fn first_of_batch(line: &[u8]) -> Option<u64> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    Some(line.batch.unwrap_or(line.seq))
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// The last line of a journal, unchecked: what a list of runs looks at without reading everything.
pub(crate) fn last_line(path: &Path) -> Result<Option<String>, StoreError> {
    let mut file = File::open(path).map_err(StoreError::io("open", path))?;
    let len = file.seek(SeekFrom::End(0)).map_err(StoreError::io("read", path))?;
    let mut window = 1 << 14;
    loop {
        let from = len.saturating_sub(window);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from)).map_err(StoreError::io("read", path))?;
        (&mut file)
            .take(len - from)
            .read_to_end(&mut bytes)
            .map_err(StoreError::io("read", path))?;
        // a torn end has no line feed
        let end = bytes.iter().rposition(|&byte| byte == b'\n');
        if let Some(end) = end {
            let start = bytes[..end].iter().rposition(|&byte| byte == b'\n');
            if start.is_some() || from == 0 {
                let line = &bytes[start.map_or(0, |at| at + 1)..end];
                return Ok(Some(String::from_utf8_lossy(line).into_owned()));
            }
        } else if from == 0 {
            return Ok(None);
        }
        window *= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_finds_what_the_thorough_one_does_or_nothing() {
        let hash = "0".repeat(HASH_HEX_LEN);
        let line =
            |middle: &str| format!("{{\"seq\":12,\"time\":\"2026-11-22T06:00:00Z\"{middle},\"hash\":\"{hash}\"}}");
        let quick = [
            r#","event":{"a":",\"commands\":["},"commands":[]"#,
            r#","batch":11,"event":{"commands":[1],"b":{"commands":2}},"commands":[{"x":{},"commands":[3]}]"#,
        ];
        let thorough = [
            r#","inbox":"f","event":{},"commands":[]"#,
            r#","event": {} ,"commands":[]"#,
            r#","event":{},"commands":{}"#,
        ];
        for (text, is_quick) in quick
            .map(|text| (text, true))
            .into_iter()
            .chain(thorough.map(|text| (text, false)))
        {
            let text = line(text);
            assert_eq!(Parts::as_written(&text).is_some(), is_quick, "{text}");
            let parts = Parts::of(&text).expect("a line");
            let line: Line<'_> = serde_json::from_str(&text).expect("a line");
            assert_eq!((parts.seq, parts.time, parts.hash), (line.seq, line.time, line.hash));
            assert_eq!((parts.event, parts.commands), (line.event.get(), line.commands.get()));
            assert_eq!(parts.inbox, line.inbox);
        }
        for bad in [
            "",
            "{}",
            r#"{"seq":1,"time":"t","event":{},"commands":[]}"#,
            &line(r#","event":{"#),
        ] {
            assert!(Parts::of(bad).is_err(), "{bad}");
        }
    }
}
