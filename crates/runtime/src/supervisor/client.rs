//! The driver's end of the supervisor: starting it, sending requests, hearing of ends.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::net::unix::pipe;

use zeroize::Zeroizing;

use super::wire::{End, Frames, Reply, Request, Spawn};
use crate::procfs;

/// A supervisor that never says that it is up is given up after this time.
const READY_MAX: Duration = Duration::from_secs(30);
const READ_BYTES: usize = 1 << 14;

/// The running supervisor of this driver. Dropping it ends all attempts.
pub struct Supervisor {
    /// Heard of when there is something to read. Each request that the supervisor takes makes room, which is no reason to wake.
    socket: AsyncFd<UnixStream>,
    /// The same, while requests wait for room.
    room: Option<AsyncFd<UnixStream>>,
    process: Option<Child>,
    pid: u32,
    started_ticks: u64,
    /// Requests that the socket had no room for yet.
    unsent: VecDeque<Unsent>,
    frames: Frames,
    /// What is read goes here first.
    buffer: Vec<u8>,
}

/// What the supervisor says of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    NotStarted {
        id: u64,
        errno: i32,
    },
    /// It ended, and nothing of it is left. `stopped`: it was still running when it was asked to stop.
    Ended {
        id: u64,
        end: End,
        stopped: bool,
    },
}

struct Unsent {
    bytes: Zeroizing<Vec<u8>>,
    sent: usize,
    descriptors: Option<[OwnedFd; 2]>,
}

/// The driver's ends of what an attempt writes.
#[derive(Debug)]
pub struct Output {
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

/// What reading comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtHand {
    Bytes,
    /// Nobody can write any more, and all was read.
    End,
    /// Reading would wait.
    Nothing,
}

/// The same, to be waited for.
#[derive(Debug)]
pub struct Watched {
    pub stdout: pipe::Receiver,
    pub stderr: pipe::Receiver,
}

impl Output {
    /// What stdout and stderr have for us now.
    pub fn at_hand(&self) -> io::Result<[AtHand; 2]> {
        let mut fds = [&self.stdout, &self.stderr].map(|end| PollFd::new(end, PollFlags::IN));
        poll(&mut fds, Some(&Timespec::default()))?;
        Ok(fds.map(|fd| match fd.revents() {
            events if events.contains(PollFlags::IN) => AtHand::Bytes,
            events if events.is_empty() => AtHand::Nothing,
            _ => AtHand::End,
        }))
    }

    pub fn watched(self) -> io::Result<Watched> {
        for end in [&self.stdout, &self.stderr] {
            rustix::fs::fcntl_setfl(end, rustix::fs::OFlags::NONBLOCK)?;
        }
        // that they are what they are was seen when they were made
        Ok(Watched {
            stdout: pipe::Receiver::from_owned_fd_unchecked(self.stdout)?,
            stderr: pipe::Receiver::from_owned_fd_unchecked(self.stderr)?,
        })
    }
}

/// The attempt's ends of them.
#[derive(Debug)]
pub struct WriteEnds([OwnedFd; 2]);

/// Makes the pipes for what an attempt writes.
pub fn pipes() -> io::Result<(Output, WriteEnds)> {
    let (stdout, stdout_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stderr, stderr_write) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Output { stdout, stderr }, WriteEnds([stdout_write, stderr_write])))
}

/// A supervisor that has not said yet that it is up. Dropping it ends it.
pub struct Launched {
    socket: UnixStream,
    process: Child,
}

impl Launched {
    /// Starts the binary with the given arguments.
    pub fn new(binary: &Path, args: &[OsString]) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let process = Command::new(binary)
            .args(args)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { socket, process })
    }
}

impl Supervisor {
    /// Waits until it is up; `binary` is what errors call it.
    pub async fn up(launched: Launched, binary: &Path) -> io::Result<Self> {
        let Launched { socket: ours, process } = launched;
        let pid = process.id();
        let mut supervisor = Self {
            socket: heard_of(ours, Interest::READABLE)?,
            room: None,
            process: Some(process),
            pid,
            started_ticks: procfs::started_ticks(pid).unwrap_or(0),
            unsent: VecDeque::new(),
            frames: Frames::default(),
            buffer: vec![0; READ_BYTES],
        };
        let not_up = |why: &str| io::Error::other(format!("`{}` started as a supervisor {why}", binary.display()));
        match tokio::time::timeout(READY_MAX, supervisor.replies()).await {
            Ok(Ok(replies)) if replies.first() == Some(&Reply::Ready) => Ok(supervisor),
            Ok(Ok(_)) => Err(not_up("ended or answered something else")),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(not_up("did not answer")),
        }
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn started_ticks(&self) -> u64 {
        self.started_ticks
    }

    /// Asks for an attempt to be started. An error means that the supervisor is gone.
    pub fn spawn(&mut self, spawn: Spawn, ends: WriteEnds) -> io::Result<()> {
        self.unsent.push_back(Unsent {
            bytes: Request::Spawn(spawn).encode(),
            sent: 0,
            descriptors: Some(ends.0),
        });
        self.flush()
    }

    /// Asks for an attempt to be stopped.
    pub fn stop(&mut self, id: u64, grace_ms: u64) -> io::Result<()> {
        self.unsent.push_back(Unsent {
            bytes: Request::Stop { id, grace_ms }.encode(),
            sent: 0,
            descriptors: None,
        });
        self.flush()
    }

    /// Sends as much as there is room for.
    fn flush(&mut self) -> io::Result<()> {
        while let Some(first) = self.unsent.front_mut() {
            match send(self.socket.get_ref(), first) {
                Ok(n) => first.sent += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.room.is_none() {
                        self.room = Some(heard_of(self.socket.get_ref().try_clone()?, Interest::WRITABLE)?);
                    }
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            // the descriptors went with the first byte
            first.descriptors = None;
            if first.sent == first.bytes.len() {
                self.unsent.pop_front();
            }
        }
        self.room = None;
        Ok(())
    }

    /// Waits until attempts ended. An error once the supervisor is gone. Cancel safe.
    pub async fn events(&mut self) -> io::Result<Vec<Event>> {
        loop {
            let replies = self.replies().await?;
            if replies.is_empty() {
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the supervisor is gone"));
            }
            let events: Vec<Event> = replies
                .into_iter()
                .filter_map(|reply| match reply {
                    Reply::NotStarted { id, errno } => Some(Event::NotStarted { id, errno }),
                    Reply::Ended { id, end, stopped } => Some(Event::Ended { id, end, stopped }),
                    Reply::Ready => None,
                })
                .collect();
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Waits for replies, sending meanwhile what had no room; empty once the supervisor is gone.
    async fn replies(&mut self) -> io::Result<Vec<Reply>> {
        let not_ours = || io::Error::new(io::ErrorKind::InvalidData, "the supervisor answered what is no reply");
        let mut replies = Vec::new();
        while replies.is_empty() {
            let read = tokio::select! {
                ready = self.socket.readable() => read(ready?, &mut self.buffer),
                more = has_room(self.room.as_ref()) => {
                    more?;
                    self.flush()?;
                    continue;
                }
            };
            match read {
                Ok(0) => break,
                Ok(n) => self.frames.push(&self.buffer[..n]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error),
            }
            while let Some(frame) = self.frames.next_frame().map_err(|_| not_ours())? {
                replies.push(Reply::decode(frame).ok_or_else(not_ours)?);
            }
        }
        Ok(replies)
    }

    /// Lets go of the supervisor and waits until it has killed what was left and ended.
    pub fn close(mut self) -> io::Result<()> {
        let process = self.process.take();
        drop(self);
        match process {
            Some(mut process) => process.wait().map(drop),
            None => Ok(()),
        }
    }
}

/// Waits for the first room since the last time.
async fn has_room(room: Option<&AsyncFd<UnixStream>>) -> io::Result<()> {
    match room {
        Some(room) => {
            room.writable().await?.clear_ready();
            Ok(())
        }
        None => std::future::pending().await,
    }
}

/// Reads what there is. Less than there was room for is all.
fn read(mut ready: AsyncFdReadyGuard<'_, UnixStream>, to: &mut [u8]) -> io::Result<usize> {
    let read = rustix::net::recv(ready.get_inner(), &mut *to, RecvFlags::empty()).map(|(bytes, _)| bytes);
    match read {
        Ok(bytes) if bytes == to.len() => {}
        Ok(_) | Err(Errno::AGAIN) => ready.clear_ready(),
        Err(_) => {}
    }
    Ok(read?)
}

#[expect(
    deprecated,
    reason = "its replacement is unsafe; an owned descriptor stays open as long as it is registered"
)]
fn heard_of(socket: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    AsyncFd::with_interest(socket, interest)
}

fn send(socket: &UnixStream, unsent: &Unsent) -> io::Result<usize> {
    let rest = [IoSlice::new(&unsent.bytes[unsent.sent..])];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let borrowed = unsent
        .descriptors
        .as_ref()
        .map(|[stdout, stderr]| [stdout.as_fd(), stderr.as_fd()]);
    if let Some(borrowed) = &borrowed {
        ancillary.push(SendAncillaryMessage::ScmRights(borrowed));
    }
    Ok(sendmsg(socket, &rest, &mut ancillary, SendFlags::NOSIGNAL)?)
}
