//! What an attempt writes: into its log as it comes, and the beginning of it into memory for expressions.
//!
//! Promise: at most 1 MiB of each stream is kept in memory, whatever is written. The log is created with the first
//! byte. Absent: what the bytes mean.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::event::{Exec, How};
use ir::expr::Capture;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::adapters::ToAdapter;
use crate::secrets::{Redacting, Redactor};
use crate::supervisor::{AtHand, End, Output, Watched};

/// How much of each stream expressions can see.
pub const CAPTURE_MAX_BYTES: usize = 1 << 20;
const READ_BYTES: usize = 1 << 16;
/// Nothing of an attempt is left when its end is reported; a process that hid so well that it still holds the pipe is
/// not waited for.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// From the task that reads an attempt's output.
#[derive(Debug)]
pub enum FromAttempt {
    /// For whoever watches.
    Piece { id: u64, stream: Stream, bytes: Vec<u8> },
    /// An adapter wants a program to run.
    Run { id: u64, exec: Box<Exec>, tell: ToAdapter },
    /// What an adapter's call came to.
    Answered { id: u64, how: How },
    /// It ended and all of its output was read.
    Done {
        id: u64,
        end: End,
        stopped: bool,
        captured: Captured,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// What expressions see.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Captured {
    pub stdout: String,
    pub stderr: String,
    pub truncated: Vec<Capture>,
    /// The log could not be written.
    pub log_error: Option<String>,
}

/// Reads both streams of an attempt until it has ended and they are exhausted.
pub struct Pump {
    output: Output,
    passing: Passing,
}

/// How it ended, and whether it was asked to.
pub type HowEnded = (End, bool);

impl Pump {
    /// `log` is created with the first byte; nothing passes that `redactor` knows. `send_pieces`: somebody watches.
    pub fn new(
        id: u64,
        output: Output,
        log: PathBuf,
        redactor: &Arc<Redactor>,
        to: UnboundedSender<FromAttempt>,
        send_pieces: bool,
    ) -> Self {
        let log = Log {
            path: log,
            file: None,
            error: None,
        };
        let passing = Passing {
            id,
            stdout: Kept::new(redactor),
            stderr: Kept::new(redactor),
            log,
            to,
            send_pieces,
        };
        Self { output, passing }
    }

    /// What an attempt wrote that has ended; the pump again where something still holds its pipes, to follow it.
    pub fn exhaust(mut self: Box<Self>) -> Result<Captured, Box<Self>> {
        if self.reads_to_the_end() {
            Ok(self.passing.captured())
        } else {
            Err(self)
        }
    }

    /// Reads what is there; says whether that was all.
    fn reads_to_the_end(&mut self) -> bool {
        let Self { output, passing } = self;
        while let Ok(at_hand) = output.at_hand() {
            if at_hand == [AtHand::End; 2] {
                return true;
            }
            let ends = [(&output.stdout, Stream::Stdout), (&output.stderr, Stream::Stderr)];
            let mut has_read = false;
            for ((from, stream), at_hand) in ends.into_iter().zip(at_hand) {
                let read = |to: &mut Vec<u8>| Ok(rustix::io::read(from, rustix::buffer::spare_capacity(to))?);
                has_read |= at_hand == AtHand::Bytes && passing.take(stream, read);
            }
            if !has_read {
                return false;
            }
        }
        false
    }

    /// Reads as it comes, and says when it has ended, which may have been before. Says nothing where the driver stops driving.
    pub async fn follow(self, ended: oneshot::Receiver<HowEnded>) {
        let Self { output, mut passing } = self;
        let Some((end, stopped)) = passing.follow(output, ended).await else {
            return;
        };
        let (id, to) = (passing.id, passing.to.clone());
        let captured = passing.captured();
        // nobody listens if the driver stops driving
        let _ = to.send(FromAttempt::Done {
            id,
            end,
            stopped,
            captured,
        });
    }
}

/// Where what was read goes.
struct Passing {
    id: u64,
    stdout: Kept,
    stderr: Kept,
    log: Log,
    to: UnboundedSender<FromAttempt>,
    send_pieces: bool,
}

impl Passing {
    async fn follow(&mut self, output: Output, mut ended: oneshot::Receiver<HowEnded>) -> Option<HowEnded> {
        let Watched {
            stdout: from_stdout,
            stderr: from_stderr,
        } = match output.watched() {
            Ok(watched) => watched,
            Err(error) => {
                self.log.error = Some(format!("cannot wait for what it writes: {error}"));
                return ended.await.ok();
            }
        };
        let mut end = None;
        let mut give_up = Instant::now() + DRAIN_MAX;
        while end.is_none() || self.stdout.open || self.stderr.open {
            tokio::select! {
                biased;
                ready = from_stdout.readable(), if self.stdout.open => {
                    self.take(Stream::Stdout, |to| ready.and_then(|()| from_stdout.try_read_buf(to)));
                }
                ready = from_stderr.readable(), if self.stderr.open => {
                    self.take(Stream::Stderr, |to| ready.and_then(|()| from_stderr.try_read_buf(to)));
                }
                how = &mut ended, if end.is_none() => {
                    end = Some(how.ok()?);
                    give_up = Instant::now() + DRAIN_MAX;
                }
                () = sleep_until(give_up), if end.is_some() => break,
            }
        }
        end
    }

    /// All of it, once nothing more is read.
    fn captured(mut self) -> Captured {
        for stream in [Stream::Stdout, Stream::Stderr] {
            // what was held back, because it might have been the beginning of a secret
            let rest = self.kept(stream).redacting.finish();
            self.pass_on(stream, &rest);
        }
        let mut truncated = Vec::new();
        Captured {
            stdout: self.stdout.into_text(Capture::Stdout, &mut truncated),
            stderr: self.stderr.into_text(Capture::Stderr, &mut truncated),
            truncated,
            log_error: self.log.error,
        }
    }

    fn kept(&mut self, stream: Stream) -> &mut Kept {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Reads once; says whether it got something. The stream stays open where something still holds it.
    fn take(&mut self, stream: Stream, read: impl FnOnce(&mut Vec<u8>) -> io::Result<usize>) -> bool {
        // most attempts write little or nothing: room is not cleared before it is used
        let mut buffer = Vec::with_capacity(READ_BYTES);
        match read(&mut buffer) {
            Ok(0) => self.kept(stream).open = false,
            Ok(_) => {
                let passed = self.kept(stream).redacting.push(&buffer).into_owned();
                self.pass_on(stream, &passed);
                return true;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => self.kept(stream).open = false,
        }
        false
    }

    fn pass_on(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.kept(stream).push(bytes);
        self.log.write(bytes);
        if self.send_pieces {
            let _ = self.to.send(FromAttempt::Piece {
                id: self.id,
                stream,
                bytes: bytes.to_vec(),
            });
        }
    }
}

/// The beginning of a stream.
struct Kept {
    redacting: Redacting,
    bytes: Vec<u8>,
    open: bool,
    truncated: bool,
}

impl Kept {
    fn new(redactor: &Arc<Redactor>) -> Self {
        Self {
            redacting: Redacting::new(redactor.clone()),
            bytes: Vec::new(),
            open: true,
            truncated: false,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = CAPTURE_MAX_BYTES - self.bytes.len();
        self.truncated |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// As text; bytes that are none become U+FFFD. Never longer than the bound.
    fn into_text(mut self, stream: Capture, truncated: &mut Vec<Capture>) -> String {
        if self.truncated {
            truncated.push(stream);
            // a character that was cut in two is left out
            if let Err(error) = std::str::from_utf8(&self.bytes)
                && error.error_len().is_none()
            {
                self.bytes.truncate(error.valid_up_to());
            }
        }
        String::from_utf8(self.bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

struct Log {
    path: PathBuf,
    file: Option<File>,
    error: Option<String>,
}

impl Log {
    /// A log that cannot be written is said once; the attempt goes on.
    fn write(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        let written = match &mut self.file {
            Some(file) => file.write_all(bytes),
            // a repeated attempt goes on in the same file
            None => OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)
                .and_then(|file| self.file.insert(file).write_all(bytes)),
        };
        if let Err(error) = written {
            self.error = Some(format!("cannot write the log `{}`: {error}", self.path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_text() {
        let mut kept = Kept::new(&Arc::default());
        kept.push(&vec![b'x'; CAPTURE_MAX_BYTES - 1]);
        kept.push("é".as_bytes());
        let mut truncated = Vec::new();
        let text = kept.into_text(Capture::Stdout, &mut truncated);
        assert_eq!(text.len(), CAPTURE_MAX_BYTES - 1);
        assert_eq!(truncated, [Capture::Stdout]);

        let mut kept = Kept::new(&Arc::default());
        kept.push(b"a\xffb");
        let mut truncated = Vec::new();
        assert_eq!(kept.into_text(Capture::Stderr, &mut truncated), "a\u{fffd}b");
        assert!(truncated.is_empty());
    }
}
