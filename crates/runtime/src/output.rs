//! What an attempt writes: into its log as it comes, and the beginning of it into memory for expressions.
//!
//! Promise: at most 1 MiB of each stream is kept in memory, whatever is written. The log is created with the first byte. Absent:
//! what the bytes mean.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::event::{Exec, How};
use ir::expr::Capture;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use crate::adapters::ToAdapter;
use crate::secrets::{Redacting, Redactor};
use crate::supervisor::{End, Output, Watched};

/// How much of each stream expressions can see.
pub const CAPTURE_MAX_BYTES: usize = 1 << 20;
const READ_BYTES: usize = 1 << 16;
/// What ends sooner is read when it has ended: nothing is set up with the system to hear of what it writes.
const SHORT: Duration = Duration::from_millis(10);
/// Nothing of an attempt is left when its end is reported; a process that hid so well that it still holds the pipe is not waited for.
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

/// Reads both streams until the attempt has ended and they are exhausted.
pub struct Pump {
    pub id: u64,
    pub log: PathBuf,
    pub ended: oneshot::Receiver<(End, bool)>,
    pub to: UnboundedSender<FromAttempt>,
    /// Somebody watches.
    pub send_pieces: bool,
    /// Nothing passes that it knows.
    pub redactor: Arc<Redactor>,
}

impl Pump {
    pub async fn run(mut self, output: Output) {
        let mut stdout = Kept::new(&self.redactor);
        let mut stderr = Kept::new(&self.redactor);
        let mut log = Log {
            path: std::mem::take(&mut self.log),
            file: None,
            error: None,
        };
        let mut end = tokio::select! {
            biased;
            ended = &mut self.ended => match ended {
                Ok(ended) => Some(ended),
                // the driver stops driving
                Err(_) => return,
            },
            () = sleep(SHORT) => None,
        };
        if end.is_some() {
            self.exhaust(&output.stdout, Stream::Stdout, &mut stdout, &mut log);
            self.exhaust(&output.stderr, Stream::Stderr, &mut stderr, &mut log);
        }
        if end.is_none() || stdout.open || stderr.open {
            end = self.follow(output, end, &mut stdout, &mut stderr, &mut log).await;
        }
        let Some((end, stopped)) = end else { return };
        self.flush(Stream::Stdout, &mut stdout, &mut log);
        self.flush(Stream::Stderr, &mut stderr, &mut log);
        let mut truncated = Vec::new();
        let stdout = stdout.into_text(Capture::Stdout, &mut truncated);
        let stderr = stderr.into_text(Capture::Stderr, &mut truncated);
        let captured = Captured {
            stdout,
            stderr,
            truncated,
            log_error: log.error,
        };
        // nobody listens if the driver stops driving
        let _ = self.to.send(FromAttempt::Done {
            id: self.id,
            end,
            stopped,
            captured,
        });
    }

    /// Reads as it comes; how the attempt ended, or nothing where the driver stops driving.
    async fn follow(
        &mut self,
        output: Output,
        mut end: Option<(End, bool)>,
        stdout: &mut Kept,
        stderr: &mut Kept,
        log: &mut Log,
    ) -> Option<(End, bool)> {
        let Watched {
            stdout: from_stdout,
            stderr: from_stderr,
        } = match output.watched() {
            Ok(watched) => watched,
            Err(error) => {
                log.error = Some(format!("cannot wait for what it writes: {error}"));
                return match end {
                    Some(end) => Some(end),
                    None => (&mut self.ended).await.ok(),
                };
            }
        };
        let mut give_up = Instant::now() + DRAIN_MAX;
        while end.is_none() || stdout.open || stderr.open {
            tokio::select! {
                biased;
                ready = from_stdout.readable(), if stdout.open => {
                    self.take(|to| ready.and_then(|()| from_stdout.try_read_buf(to)), Stream::Stdout, stdout, log);
                }
                ready = from_stderr.readable(), if stderr.open => {
                    self.take(|to| ready.and_then(|()| from_stderr.try_read_buf(to)), Stream::Stderr, stderr, log);
                }
                ended = &mut self.ended, if end.is_none() => {
                    end = Some(ended.ok()?);
                    give_up = Instant::now() + DRAIN_MAX;
                }
                () = sleep_until(give_up), if end.is_some() => break,
            }
        }
        end
    }

    /// Reads what there is; the stream stays open where something still holds it.
    fn exhaust(&self, from: &OwnedFd, stream: Stream, kept: &mut Kept, log: &mut Log) {
        let read = |to: &mut Vec<u8>| Ok(rustix::io::read(from, rustix::buffer::spare_capacity(to))?);
        while self.take(read, stream, kept, log) {}
    }

    /// Reads once; says whether it got something.
    fn take(
        &self,
        read: impl FnOnce(&mut Vec<u8>) -> io::Result<usize>,
        stream: Stream,
        kept: &mut Kept,
        log: &mut Log,
    ) -> bool {
        // most attempts write little or nothing: room is not cleared before it is used
        let mut buffer = Vec::with_capacity(READ_BYTES);
        match read(&mut buffer) {
            Ok(0) => kept.open = false,
            Ok(_) => {
                let Kept { redacting, .. } = kept;
                let passed = redacting.push(&buffer).into_owned();
                self.pass_on(&passed, stream, kept, log);
                return true;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => kept.open = false,
        }
        false
    }

    /// What was held back, because it might have been the beginning of a secret.
    fn flush(&self, stream: Stream, kept: &mut Kept, log: &mut Log) {
        let rest = kept.redacting.finish();
        self.pass_on(&rest, stream, kept, log);
    }

    fn pass_on(&self, bytes: &[u8], stream: Stream, kept: &mut Kept, log: &mut Log) {
        if bytes.is_empty() {
            return;
        }
        kept.push(bytes);
        log.write(bytes);
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
