//! A driver to be killed: our own child, or one in the background that `dslc approve` has started.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plan_tests::Project;

pub enum Driver {
    Ours(Child),
    Detached(u32),
}

/// What became of a driver in time.
pub enum Ended {
    Not,
    /// Of one in the background nobody knows the code.
    With(Option<i32>),
}

impl Driver {
    pub fn start(project: &Project, args: &[&str]) -> Self {
        let said = std::fs::File::create(project.path().join("said")).expect("a file");
        let mut command = project.command(args);
        let child = command.stdout(Stdio::null()).stderr(said).spawn();
        Self::Ours(child.expect("dslc starts"))
    }

    /// The one that a verb said it has started.
    pub fn detached(said: &str) -> Option<Self> {
        let (_, rest) = said.split_once("in the background, process ")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().map(Self::Detached)
    }

    fn pid(&self) -> u32 {
        match self {
            Self::Ours(child) => child.id(),
            Self::Detached(pid) => *pid,
        }
    }

    fn ended(&mut self) -> Ended {
        match self {
            Self::Ours(child) => match child.try_wait().expect("a child") {
                Some(status) => Ended::With(status.code()),
                None => Ended::Not,
            },
            Self::Detached(pid) => match is_alive(*pid) {
                true => Ended::Not,
                false => Ended::With(None),
            },
        }
    }

    pub fn ended_within(&mut self, patience: Duration) -> Ended {
        let started = Instant::now();
        loop {
            let ended = self.ended();
            if matches!(ended, Ended::With(_)) || started.elapsed() >= patience {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// With `SIGKILL`, and if asked for its supervisor first.
    pub fn kill(mut self, with_supervisor: bool) {
        let pid = self.pid();
        if with_supervisor {
            // the driver is stopped, so that it does not see what happens to its supervisor
            signal(pid, "STOP");
            children(pid).into_iter().for_each(|child| signal(child, "KILL"));
        }
        signal(pid, "KILL");
        assert!(
            matches!(self.ended_within(Duration::from_secs(20)), Ended::With(_)),
            "SIGKILL"
        );
    }
}

fn signal(pid: u32, signal: &str) {
    let mut command = Command::new("kill");
    command
        .args([format!("-{signal}"), pid.to_string()])
        .stderr(Stdio::null());
    // it may have ended by itself
    command.status().expect("kill starts");
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    !matches!(state, None | Some("Z" | "X"))
}
