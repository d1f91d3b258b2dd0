//! The supervisor's children: attempts, what is left of ended ones, and orphans that came to it.
//!
//! An attempt leads a process group. When its leader ends, the group is killed, and so is every orphan that was the
//! attempt's, by its group or by the variable `DSLC_CHILD` that it inherited; only then is the attempt's end reported.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use rustix::io::Errno;
use rustix::process::{Signal, WaitOptions, WaitStatus, wait};

use super::wire::{End, Reply, Spawn};
use crate::procfs;

/// Says to which attempt a process belongs: the driver's number.
const CHILD_VARIABLE: &str = "DSLC_CHILD";

const STDOUT: i32 = 1;
const STDERR: i32 = 2;

/// A killed process that is stuck in the kernel is waited for so long before its attempt's end is reported.
const STUCK_MAX: Duration = Duration::from_secs(5);
/// How long [`Children::kill_all`] tries.
const KILL_ALL_MAX: Duration = Duration::from_secs(30);
const KILL_ALL_PAUSE: Duration = Duration::from_millis(2);
/// How often an ending attempt is looked at when no signal says that something changed.
const ENDING_POLL: Duration = Duration::from_millis(5);
/// A process that is just being replaced by another program has no environment for a moment.
const EXEC_MAX: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct Children {
    /// Running attempts by process id.
    running: HashMap<u32, Running>,
    by_id: HashMap<u64, u32>,
    /// Their leader ended, something of them may be left.
    ending: Vec<Ending>,
    listed: procfs::OwnChildren,
    /// How the last one was started.
    how: Option<How>,
}

struct Running {
    id: u64,
    /// It was asked to stop; killed at this time.
    kill_at: Option<Instant>,
    stopped: bool,
}

struct Ending {
    id: u64,
    group: u32,
    end: End,
    stopped: bool,
    since: Instant,
}

impl Children {
    /// With the descriptors open that it will need.
    pub fn new() -> Self {
        let mut children = Self::default();
        drop(children.listed.read());
        children
    }

    /// Starts an attempt; says only what went wrong, as its end will be said.
    pub fn spawn(&mut self, spawn: &Spawn, stdout: &OwnedFd, stderr: &OwnedFd) -> Option<Reply> {
        let started = How::kept(&mut self.how, stdout, stderr).and_then(|how| start(spawn, how));
        match started {
            Ok(pid) => {
                self.running.insert(
                    pid,
                    Running {
                        id: spawn.id,
                        kill_at: None,
                        stopped: false,
                    },
                );
                self.by_id.insert(spawn.id, pid);
                None
            }
            Err(errno) => Some(Reply::NotStarted {
                id: spawn.id,
                errno: errno.raw_os_error(),
            }),
        }
    }

    /// Asks an attempt to end; `tend` kills it after the grace period.
    pub fn stop(&mut self, id: u64, grace: Duration) {
        // it may have ended meanwhile, and that has been said
        let Some(&pid) = self.by_id.get(&id) else {
            return;
        };
        let Some(running) = self.running.get_mut(&pid) else {
            return;
        };
        running.stopped = true;
        // asking again gives no more time
        let kill_at = Instant::now() + grace;
        running.kill_at = Some(running.kill_at.map_or(kill_at, |at| at.min(kill_at)));
        signal_tree(pid, Signal::TERM);
        // a stopped process takes no SIGTERM before it goes on
        procfs::signal_group(pid, Signal::CONT);
    }

    /// Reaps what ended, kills what is due, reports attempts of which nothing is left.
    pub fn tend(&mut self, replies: &mut Vec<Reply>) {
        let any_left = self.reap();
        self.kill_due();
        if self.ending.is_empty() {
            return;
        }
        let left = if any_left { self.sweep() } else { Left::default() };
        let now = Instant::now();
        self.ending.retain(|ending| {
            let patience = match () {
                () if left.of.contains(&ending.id) => STUCK_MAX,
                () if left.unclear => EXEC_MAX,
                () => Duration::ZERO,
            };
            let wait = now < ending.since + patience;
            if !wait {
                replies.push(Reply::Ended {
                    id: ending.id,
                    end: ending.end,
                    stopped: ending.stopped,
                });
            }
            wait
        });
    }

    /// When `tend` has something to do though no child ends.
    pub fn next_deadline(&self) -> Option<Duration> {
        let now = Instant::now();
        let kill = self
            .running
            .values()
            .filter_map(|running| running.kill_at)
            .min()
            .map(|at| at.saturating_duration_since(now));
        let ending = (!self.ending.is_empty()).then_some(ENDING_POLL);
        kill.into_iter().chain(ending).min()
    }

    /// Says whether there may be children left.
    fn reap(&mut self) -> bool {
        loop {
            let (pid, status) = match wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => ended,
                Ok(None) => return true,
                Err(errno) => return errno != Errno::CHILD,
            };
            let pid = pid.as_raw_nonzero().get().unsigned_abs();
            // an orphan otherwise
            if let Some(running) = self.running.remove(&pid)
                && let Some(end) = end_of(status)
            {
                self.by_id.remove(&running.id);
                // its id is not given to another process while the group has members, and hardly so soon after
                procfs::signal_group(pid, Signal::KILL);
                self.ending.push(Ending {
                    id: running.id,
                    group: pid,
                    end,
                    stopped: running.stopped,
                    since: Instant::now(),
                });
            }
        }
    }

    fn kill_due(&mut self) {
        let now = Instant::now();
        for (&pid, running) in &mut self.running {
            if running.kill_at.is_some_and(|at| at <= now) {
                running.kill_at = None;
                signal_tree(pid, Signal::KILL);
            }
        }
    }

    /// Kills orphans of ended attempts; which attempts still have some.
    fn sweep(&mut self) -> Left {
        let mut left = Left::default();
        for pid in self.listed.read() {
            if self.running.contains_key(&pid) {
                continue;
            }
            match self.owner(pid) {
                Owner::Running => {}
                Owner::Ending(id) => {
                    procfs::signal(pid, Signal::KILL);
                    left.of.push(id);
                }
                Owner::Nobody => procfs::signal(pid, Signal::KILL),
                // it cleared its environment and left its group; the last attempt to end takes it along
                Owner::Unknown if self.running.is_empty() => procfs::signal(pid, Signal::KILL),
                Owner::Unknown => left.unclear = true,
            }
        }
        left
    }

    fn owner(&self, pid: u32) -> Owner {
        let group = procfs::group(pid);
        if group.is_some_and(|group| self.running.contains_key(&group)) {
            return Owner::Running;
        }
        if let Some(ending) = self.ending.iter().find(|ending| Some(ending.group) == group) {
            return Owner::Ending(ending.id);
        }
        match procfs::variable(pid, CHILD_VARIABLE).and_then(|id| id.parse::<u64>().ok()) {
            Some(id) if self.by_id.contains_key(&id) => Owner::Running,
            Some(id) if self.ending.iter().any(|ending| ending.id == id) => Owner::Ending(id),
            Some(_) => Owner::Nobody,
            None => Owner::Unknown,
        }
    }

    /// The driver is gone: kills every descendant. Orphans come to us as their parents die, so this repeats until
    /// nobody is left.
    pub fn kill_all(&mut self) {
        let own = std::process::id();
        let own_group = procfs::group(own);
        let until = Instant::now() + KILL_ALL_MAX;
        while Instant::now() < until {
            let children = procfs::children(own);
            for &pid in &children {
                if let Some(group) = procfs::group(pid)
                    && Some(group) != own_group
                {
                    procfs::signal_group(group, Signal::KILL);
                }
                procfs::signal(pid, Signal::KILL);
            }
            loop {
                match wait(WaitOptions::NOHANG) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    // nobody is left
                    Err(_) => return,
                }
            }
            std::thread::sleep(KILL_ALL_PAUSE);
        }
    }
}

/// Starts a process. Its environment goes to the system as it came: making another of it took as long as starting a
/// process.
fn start(spawn: &Spawn, how: &How) -> Result<u32, Errno> {
    let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| Errno::INVAL);
    let program = text(&spawn.program)?;
    let args = spawn.argv.iter().map(|arg| text(arg)).collect::<Result<Vec<_>, _>>()?;
    let own = text(format!("{CHILD_VARIABLE}={}", spawn.id).as_bytes())?;
    let is_own = |entry: &&CStr| {
        let name = entry.to_bytes().strip_prefix(CHILD_VARIABLE.as_bytes());
        name.is_some_and(|rest| rest.starts_with(b"="))
    };
    let given = spawn.env.split_inclusive(|&byte| byte == 0);
    let given = given.filter_map(|entry| CStr::from_bytes_with_nul(entry).ok());
    let env: Vec<&CStr> = given.filter(|entry| !is_own(entry)).chain([own.as_c_str()]).collect();
    // the supervisor has one thread, and all that it opens it opens by absolute paths
    rustix::process::chdir(spawn.dir.as_slice())?;
    let pid = posix_spawn(program.as_c_str(), &how.files, &how.attr, &args, &env).map_err(errno)?;
    Ok(pid.as_raw().unsigned_abs())
}

/// How a process is started: with a group of its own, nothing to read, and its output in these descriptors.
struct How {
    stdout: RawFd,
    stderr: RawFd,
    files: PosixSpawnFileActions,
    attr: PosixSpawnAttr,
}

impl How {
    /// The one that is kept, if its descriptors have these numbers, as they mostly have: the C library asks the system for a
    /// limit twice for each when another is made.
    fn kept<'k>(kept: &'k mut Option<Self>, stdout: &OwnedFd, stderr: &OwnedFd) -> Result<&'k Self, Errno> {
        let (stdout, stderr) = (stdout.as_raw_fd(), stderr.as_raw_fd());
        let fits = kept.take_if(|how| (how.stdout, how.stderr) == (stdout, stderr));
        let how = match fits {
            Some(how) => how,
            None => Self::new(stdout, stderr).map_err(errno)?,
        };
        Ok(kept.insert(how))
    }

    fn new(stdout: RawFd, stderr: RawFd) -> nix::Result<Self> {
        let mut files = PosixSpawnFileActions::init()?;
        files.add_dup2(stdout, STDOUT)?;
        files.add_dup2(stderr, STDERR)?;
        let mut attr = PosixSpawnAttr::init()?;
        attr.set_flags(
            PosixSpawnFlags::POSIX_SPAWN_SETPGROUP
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
        )?;
        attr.set_pgroup(nix::unistd::Pid::from_raw(0))?;
        // programs expect to die of signals, SIGPIPE among them, which every Rust program ignores; and about each that is not
        // named here the C library asks the system
        attr.set_sigdefault(&SigSet::all())?;
        attr.set_sigmask(&SigSet::empty())?;
        Ok(Self {
            stdout,
            stderr,
            files,
            attr,
        })
    }
}

fn errno(errno: nix::errno::Errno) -> Errno {
    Errno::from_raw_os_error(errno as i32)
}

/// Orphans that are not gone yet.
#[derive(Default)]
struct Left {
    /// Of these attempts.
    of: Vec<u64>,
    /// There is one whose attempt cannot be told now.
    unclear: bool,
}

enum Owner {
    Running,
    Ending(u64),
    /// Of an attempt whose end was reported.
    Nobody,
    Unknown,
}

/// The group of a leader, and descendants that left it.
fn signal_tree(leader: u32, signal: Signal) {
    let descendants = procfs::descendants(leader);
    procfs::signal_group(leader, signal);
    for pid in descendants {
        if procfs::group(pid) != Some(leader) {
            procfs::signal(pid, signal);
        }
    }
}

fn end_of(status: WaitStatus) -> Option<End> {
    status
        .exit_status()
        .map(End::Exited)
        .or_else(|| status.terminating_signal().map(End::Signalled))
}
