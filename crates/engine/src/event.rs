//! What the engine is told and what it wants: events in, commands out.
//!
//! Both are journaled as they are here, so their serialised form is a contract with old runs: add fields with defaults,
//! never rename. Absent: how commands are carried out.

use std::collections::BTreeMap;

use ir::plan::{Inputs, NodeId};
use ir::value::Value;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Something the world said, at a time. Times never go backward within a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since the Unix epoch, clamped by the driver so that it never decreases.
    pub time_ms: i64,
    #[serde(flatten)]
    pub kind: EventKind,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// Always the first.
    RunStarted(RunStarted),
    /// A driver took the run: at the start and at every resume. Attempts that were in flight before are lost
    /// (`AttemptLost` follows for each).
    DriverStarted {
        boot_id: SmolStr,
        pid: u32,
        /// Clock ticks since boot, from the system's process table: tells a reused pid apart.
        pid_started: u64,
        /// The supervisor of this driver's children.
        supervisor_pid: u32,
        supervisor_started: u64,
    },
    /// An attempt ended, one way or another.
    AttemptEnded {
        attempt: AttemptId,
        ended: Ended,
    },
    /// The driver died while the attempt ran: nobody knows what it did.
    AttemptLost {
        attempt: AttemptId,
    },
    TimerFired {
        timer: Timer,
    },
    PauseAsked,
    ResumeAsked,
    CancelAsked {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// A person decided what became of an attempt in doubt.
    Resolved {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<u32>,
        resolution: Resolution,
        because: String,
        by: String,
    },
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunStarted {
    pub run: SmolStr,
    pub inputs: Inputs,
    pub seed: u64,
    /// How many attempts may run at once.
    pub parallel: u32,
    /// Absolute path of the workspace's root, or where `dslc` was started.
    pub workspace: String,
}

/// One attempt of one node, or of one instance of a fan-out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct AttemptId {
    pub node: NodeId,
    /// Index of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// From 1; interrupted attempts keep their number when they start again.
    pub attempt: u32,
    /// Counts starts of the same attempt: 0, then one more after each interruption or repetition in doubt.
    pub start: u32,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ended {
    pub how: How,
    /// At most 1 MiB; more is in the log, and `truncated` says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<ir::expr::Capture>,
    pub duration_ms: u64,
    /// What `file`, `exists`, `hash` and facts saw, in order of first use (see `Engine::observe`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<Observation>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    Exited(i32),
    Signalled(i32),
    /// Its time was up and it was stopped.
    TimedOut,
    /// It never ran: no such program, no such folder, …
    NotStarted(String),
    /// There was nothing to run (a milestone or gate that only observes).
    Nothing,
    /// Stopped by a pause; does not count as an attempt.
    Interrupted,
    /// Stopped by a cancel or an abort.
    Cancelled,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// `file`, `exists`, `hash`, `fact`.
    pub what: SmolStr,
    pub arg: SmolStr,
    pub saw: Result<Value, String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    Completed,
    Failed,
    Retry,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timer {
    /// A further attempt may start.
    Backoff {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<u32>,
        attempt: u32,
    },
    /// The plan's timeout.
    Plan,
}

/// Something the engine wants. A command is carried out only after the event that caused it is on disk.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    StartAttempt(Box<StartAttempt>),
    /// Stop a running attempt: SIGTERM, then SIGKILL after a grace period. Its `AttemptEnded` says how it ended.
    StopAttempt {
        attempt: AttemptId,
        why: StopReason,
    },
    SetTimer {
        timer: Timer,
        at_ms: i64,
    },
    /// Nothing runs and nothing will: the run is paused, blocked, or settled with this status.
    RunStopped {
        status: RunStatus,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    Pause,
    Cancel,
    Abort,
    PlanTimeout,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StartAttempt {
    pub attempt: AttemptId,
    /// The same for every start of a call whose effect is unknown.
    pub key: SmolStr,
    /// `collect`, `deep-dive[key]`: for logs and people.
    pub label: SmolStr,
    /// Absent: nothing to run, only observe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Exec>,
    /// Of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// May be stopped and started again (pause, crash).
    pub idempotent: bool,
    /// `requires:` looks at the world: call `Engine::observe` before starting, and do not start where `Engine::may_start`
    /// says no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observes_before: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Exec {
    pub argv: Vec<String>,
    /// Added to the driver's allow-listed environment; values that are files are resolved by the driver.
    pub env: BTreeMap<SmolStr, Value>,
    /// The values of `input:`, for `$PLAN_INPUT`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<SmolStr, Value>,
    /// Relative to where `dslc` was started; absent: the run's work folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    Pending,
    Running,
    Paused,
    Blocked,
    Completed,
    Failed,
    Cancelled,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeStatus {
    Pending,
    Ready,
    Running,
    /// For a retry's backoff.
    Waiting,
    /// An attempt is in doubt, and only a person can move it.
    Blocked,
    Completed,
    Failed,
    Skipped,
    Cancelled,
}

impl RunStatus {
    /// As it is shown, and as it is journaled.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl NodeStatus {
    /// As it is shown, and as `node.status` reads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}
