//! What the system's process table says: who is whose child, when a process started, which run it belongs to.
//!
//! Everything here may be out of date when it is returned; callers act so that a stale answer does no harm.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::process::{Pid, Signal};

/// The folder of the run to which a process belongs: set for every attempt, so that processes that got away are found.
/// Not the run's name: a copy of a run has the same.
pub const RUN_DIR_VARIABLE: &str = "DSLC_RUN_DIR";

/// The boot that this system runs since.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// Clock ticks from the boot to the start of a process: with its id, what tells it apart from a later one. `None` if
/// there is none, or only its corpse.
pub fn started_ticks(pid: u32) -> Option<u64> {
    let stat = Stat::read(pid)?;
    if stat.state == 'Z' || stat.state == 'X' {
        None
    } else {
        Some(stat.started)
    }
}

/// The children of a process, those that it inherited included.
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) => found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok())),
            Err(error) if error.kind() == io::ErrorKind::NotFound && task.path().exists() => {
                return children_by_scan(pid);
            }
            // the thread ended meanwhile
            Err(_) => {}
        }
    }
    found
}

/// The children of this process, which has one thread: read again and again from one open file.
#[derive(Debug, Default)]
pub struct OwnChildren {
    file: Option<fs::File>,
    text: Vec<u8>,
}

impl OwnChildren {
    pub fn read(&mut self) -> Vec<u32> {
        self.try_read().unwrap_or_else(|_| children(std::process::id()))
    }

    fn try_read(&mut self) -> io::Result<Vec<u32>> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let own = std::process::id();
                none.insert(fs::File::open(format!("/proc/{own}/task/{own}/children"))?)
            }
        };
        let mut len = 0;
        loop {
            // a page at a time: the system hands out no more, and less only where another number has no room, or there is none
            self.text.resize(len + PAGE_BYTES, 0);
            let read = file.read_at(&mut self.text[len..], len as u64)?;
            len += read;
            if read + NUMBER_BYTES <= PAGE_BYTES {
                break;
            }
        }
        let text = String::from_utf8_lossy(&self.text[..len]);
        Ok(text
            .split_ascii_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect())
    }
}

const PAGE_BYTES: usize = 4096;
/// More than any process id takes.
const NUMBER_BYTES: usize = 16;

/// For kernels without `children` files.
fn children_by_scan(parent: u32) -> Vec<u32> {
    pids()
        .filter(|&pid| Stat::read(pid).is_some_and(|stat| stat.parent == parent))
        .collect()
}

/// The descendants of a process, itself excluded.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut at = 0;
    while at < found.len() {
        let more = children(found[at]);
        found.extend(more);
        at += 1;
    }
    found
}

/// The value of a variable in the environment that a process was started with.
pub fn variable(pid: u32, name: &str) -> Option<String> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environ
        .split(|&byte| byte == 0)
        .filter_map(|entry| std::str::from_utf8(entry).ok())
        .find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
        .map(str::to_owned)
}

/// Living processes of the run in a folder, this one excluded.
pub fn of_run(run_dir: &str) -> Vec<u32> {
    let own = std::process::id();
    pids()
        .filter(|&pid| pid != own && started_ticks(pid).is_some())
        .filter(|&pid| variable(pid, RUN_DIR_VARIABLE).as_deref() == Some(run_dir))
        .collect()
}

/// Sends a signal; a process that is gone already is no error.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = raw(pid) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Sends a signal to a process group.
pub fn signal_group(leader: u32, signal: Signal) {
    if let Some(pid) = raw(leader) {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

/// The process group of a process.
pub fn group(pid: u32) -> Option<u32> {
    rustix::process::getpgid(Some(raw(pid)?))
        .ok()
        .map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
}

/// 0 would mean ourselves, and negative numbers groups.
fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|&pid| pid > 1).and_then(Pid::from_raw)
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|item| item.file_name().to_str()?.parse().ok())
}

struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // the name is in parentheses and may hold anything
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        // the 22nd field; the state is the third
        let started = fields.nth(17)?.parse().ok()?;
        Some(Self { state, parent, started })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_started_once_and_is_not_its_own_child() {
        let own = std::process::id();
        let started = started_ticks(own).expect("running");
        assert_eq!(started_ticks(own), Some(started));
        assert!(!descendants(own).contains(&own));
        assert!(!boot_id().is_empty());
    }

    #[test]
    fn a_child_is_there_until_it_has_ended() {
        let children = |pid: u32, of: &[u32]| of.contains(&pid);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
        assert!(children(child.id(), &super::children(std::process::id())));
        child.kill().expect("killed");
        child.wait().expect("reaped");
        assert!(!children(child.id(), &super::children(std::process::id())));
    }

    #[test]
    fn variables_are_whole_names() {
        let own = std::process::id();
        assert!(variable(own, "PATH").is_some());
        assert_eq!(variable(own, "PAT"), None);
    }
}
