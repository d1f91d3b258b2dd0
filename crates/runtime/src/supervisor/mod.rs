//! The process that starts all attempts of one driver and outlives none of them.
//!
//! Promise: when the driver's end of the socket closes, however the driver died, every descendant is killed before this
//! process ends; and nothing of an attempt is left when its end is reported. It is a child subreaper, so what a script
//! puts in the background, with `setsid` or a double fork, comes to it. It has a session of its own: the terminal's
//! Ctrl-C reaches only the driver. Absent: threads, tokio, journals, any decision.

mod children;
mod client;
mod wire;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};

use children::Children;
pub use client::{AtHand, Event, Launched, Output, Supervisor, Watched, WriteEnds, pipes};
pub use wire::{End, Spawn};
use wire::{Frames, Reply, Request};

const READ_BYTES: usize = 1 << 16;
/// Each request brings two; the system never delivers those of two requests at once.
const DESCRIPTORS_MAX: usize = 4;

/// The whole life of the supervisor: `dslc __supervise`, with the driver's socket as standard input.
pub fn supervisor_main() -> io::Result<()> {
    let socket = socket()?;
    detach()?;
    let mut supervisor = Server {
        socket,
        child_ended: child_ended()?,
        frames: Frames::default(),
        buffer: vec![0; READ_BYTES],
        descriptors: VecDeque::new(),
        children: Children::new(),
        replies: Vec::new(),
    };
    supervisor.replies.push(Reply::Ready);
    let served = supervisor.serve();
    supervisor.children.kill_all();
    served
}

/// The driver's socket. What stands in its place is what attempts inherit: nothing to read.
fn socket() -> io::Result<OwnedFd> {
    const ABOVE_STANDARD: i32 = 3;
    let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), ABOVE_STANDARD)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(socket)
}

/// Out of the reach of whatever stops the driver, and heir of all orphans below.
fn detach() -> io::Result<()> {
    // fails where we lead a group already, which is as good
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    // a handler and not `ignore`: that would be inherited by the attempts; and who started us may ignore SIGCHLD, which would
    // then not come
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGCHLD] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

/// Can be read when a child has ended. The signal is blocked, so that no handler runs: that took as long as reaping.
fn child_ended() -> nix::Result<SignalFd> {
    let signal = SigSet::from(Signal::SIGCHLD);
    // attempts are started with nothing blocked
    signal.thread_block()?;
    SignalFd::with_flags(&signal, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

struct Server {
    socket: OwnedFd,
    child_ended: SignalFd,
    frames: Frames,
    /// What is read goes here first.
    buffer: Vec<u8>,
    /// Received, and not yet claimed by a request.
    descriptors: VecDeque<OwnedFd>,
    children: Children,
    replies: Vec<Reply>,
}

impl Server {
    /// Serves until the driver is gone.
    fn serve(&mut self) -> io::Result<()> {
        loop {
            if self.send_replies().is_err() {
                return Ok(());
            }
            let (from_driver, from_children) = self.wait()?;
            if from_children {
                // many ends are one signal
                let _ = self.child_ended.read_signal();
            }
            // a request alone is no reason to look at the children
            if from_children || !from_driver || self.children.next_deadline().is_some() {
                self.children.tend(&mut self.replies);
            }
            if from_driver && !self.receive()? {
                return Ok(());
            }
        }
    }

    fn wait(&self) -> io::Result<(bool, bool)> {
        let mut fds = [
            PollFd::new(&self.socket, PollFlags::IN),
            PollFd::new(&self.child_ended, PollFlags::IN),
        ];
        let timeout = self.children.next_deadline().map(timespec);
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => Ok((!fds[0].revents().is_empty(), !fds[1].revents().is_empty())),
            Err(Errno::INTR) => Ok((false, true)),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Reads what the driver sent and does it; `false` once the driver is gone.
    fn receive(&mut self) -> io::Result<bool> {
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            &self.socket,
            &mut [IoSliceMut::new(&mut self.buffer)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
        );
        let n = match received {
            Ok(received) => received.bytes,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(true),
            Err(Errno::CONNRESET | Errno::PIPE) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        if n == 0 {
            return Ok(false);
        }
        self.frames.push(&self.buffer[..n]);
        let not_ours = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the driver's end of the socket sent no request of ours",
            )
        };
        while let Some(frame) = self.frames.next_frame().map_err(|_| not_ours())? {
            match Request::decode(frame).ok_or_else(not_ours)? {
                Request::Spawn(spawn) => {
                    let (Some(stdout), Some(stderr)) = (self.descriptors.pop_front(), self.descriptors.pop_front())
                    else {
                        return Err(not_ours());
                    };
                    self.replies.extend(self.children.spawn(&spawn, &stdout, &stderr));
                }
                Request::Stop { id, grace_ms } => self.children.stop(id, Duration::from_millis(grace_ms)),
            }
        }
        Ok(true)
    }

    /// Waits where the driver is slow to read: it reads whatever it does.
    fn send_replies(&mut self) -> Result<(), Errno> {
        if self.replies.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = self.replies.drain(..).flat_map(|reply| reply.encode()).collect();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match rustix::net::send(&self.socket, rest, SendFlags::NOSIGNAL) {
                Ok(n) => rest = &rest[n..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&self.socket, PollFlags::OUT)];
                    let _ = poll(&mut fds, None);
                }
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
