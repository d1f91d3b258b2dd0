//! What the engine is told and what it wants: events in, commands out.
//!
//! Both are journaled as they are here, so their serialised form is a contract with old runs: add fields with defaults,
//! never rename. Absent: how commands are carried out.

use std::collections::BTreeMap;
use std::sync::Arc;

use ir::fingerprint::Part;
use ir::plan::{Budget, Effect, Inputs, Money, NodeId, Plan};
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
    PauseAsked {
        /// Nobody drives the run, and something else is asked of it: what follows from that is not to start.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        undriven: bool,
    },
    ResumeAsked {
        /// Nobody drives the run, and nothing could start after all.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        undriven: bool,
    },
    CancelAsked {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
        /// What completed is undone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        rollback: bool,
    },
    /// The results of earlier runs were looked through for one that can stand in for a task's, or an instance's.
    LookedUp {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<u32>,
        /// By what it was looked for: all that the result follows from.
        key: SmolStr,
        /// What of that only the disk could tell.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<Part>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Box<Found>>,
        /// Why what was there does not stand in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missed: Option<String>,
    },
    /// What a node remembered for later runs is kept.
    Remembered {
        node: NodeId,
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
    /// A person raised the budget of the run; what is absent stays.
    BudgetRaised {
        budget: Budget,
        by: String,
    },
    /// A person has nodes tried again that failed, or that the end of the run cancelled or undid.
    RetryAsked {
        nodes: Vec<NodeId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
        by: String,
    },
    /// The run goes on under a changed plan.
    Replanned(Revision),
    /// A person answered what a task asked.
    Answered {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<u32>,
        /// The principal: `user/ann`.
        by: SmolStr,
        /// A record of the capability's outputs.
        answer: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// A person decided about a gate that waits for people, or about the prose of a task.
    Decided {
        node: NodeId,
        /// Of a fan-out: index of the item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<u32>,
        /// The principal as which they decided: `role/release`.
        by: SmolStr,
        /// Who it was, where several may act as one principal: a quorum counts people. Absent: the principal is the person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<SmolStr>,
        decision: GateDecision,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
}

impl EventKind {
    /// Somebody asks for a pause.
    pub const PAUSE: Self = Self::PauseAsked { undriven: false };
    /// Somebody drives on what was paused.
    pub const RESUME: Self = Self::ResumeAsked { undriven: false };
    /// Held still while something is asked of a run that nobody drives, and let go again.
    pub const HOLD: Self = Self::PauseAsked { undriven: true };
    pub const LET_GO: Self = Self::ResumeAsked { undriven: true };
}

/// A changed plan under which a run goes on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Revision {
    /// From 2: the plan that the run started with is the first.
    pub number: u32,
    /// Of the plan, which lies in the run's folder.
    pub ir_hash: SmolStr,
    /// Its parameters, complete.
    #[serde(default, skip_serializing_if = "Inputs::is_empty")]
    pub inputs: Inputs,
    /// Nodes that run once more whatever they had come to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rerun: Vec<SmolStr>,
    pub because: String,
    pub by: String,
    /// Not journaled: whoever reads the event puts it back.
    #[serde(skip)]
    pub plan: Option<Arc<Plan>>,
}

/// A result of an earlier run, or of this one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// The run that made it.
    pub run: SmolStr,
    pub made_ms: i64,
    pub result: Kept,
}

/// What a task, or an instance, came to: all that others see of it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    pub outputs: BTreeMap<SmolStr, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<ir::expr::Capture>,
    /// What it remembered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub writes: BTreeMap<SmolStr, Value>,
    /// Of each clause of evidence whether it held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Option<bool>>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<SmolStr>,
    /// A judge found its prose to hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
}

/// What a person says to a gate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateDecision {
    Approved {
        /// One of the gate's options, if it has any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choice: Option<SmolStr>,
    },
    Rejected,
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
    /// What earlier runs remembered, as of the start of this one, by the names that [`crate::Engine::facts`] has for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memory: BTreeMap<SmolStr, Value>,
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
    /// It undoes what the attempt of that number did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo: bool,
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
    /// What the call really used; absent: nobody said, and the capability's `cost` stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Usage>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    pub cost: Money,
    #[serde(default)]
    pub tokens: u64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The capability answered: a record of its outputs, not checked yet.
    Answered(Value),
    /// The call failed in this mode: one of the language's, or one that the plan routes.
    CallFailed {
        mode: SmolStr,
        message: String,
    },
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
    /// A gate has waited for people long enough.
    Gate { node: NodeId },
    /// And a question of a task.
    Answer {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<u32>,
        attempt: u32,
    },
    /// Enough has fallen out of a window for something that waits.
    Account { account: Account },
    /// The run's budget for time: its alert, or its end.
    Budget,
    /// The timeout of a call of a plan: the task's, or that plan's.
    Call {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<u32>,
        attempt: u32,
    },
    /// An alert is to be looked at again.
    Alert,
}

/// Who counts what is used.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Account {
    Agent(SmolStr),
    /// A plan that runs, by the number of its scope; 0 is the run.
    Plan(u32),
    Task(NodeId),
}

/// A part of a budget.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetItem {
    Cost,
    Tokens,
    Time,
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
    /// A gate or a task waits for people. Nothing is to be done but to let them know: their answer is a `Decided`, or
    /// an `Answered` where there is a `question`.
    AskPeople(Box<Ask>),
    /// Look through the results of earlier runs: [`crate::Engine::sought`] says for what. The answer is `LookedUp`.
    LookUp {
        node: NodeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<u32>,
    },
    /// Keep what a node remembered for later runs, [`crate::Engine::facts`], then report `Remembered`. A run does not
    /// end before that.
    Remember {
        node: NodeId,
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

/// A question to people, as it was when it was asked: it does not change while they think.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ask {
    pub node: NodeId,
    /// Index of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    pub label: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Principals, any of whom may decide.
    pub approvers: Vec<SmolStr>,
    /// How many different people must approve; one of them alone may reject.
    pub quorum: u32,
    /// Not empty: whoever approves chooses one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<AskOption>,
    /// The gate's checks; those that are no prose held when it opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<AskCheck>,
    /// What a task wants to know; a gate wants a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Box<Wanted>>,
    /// When it is too late: milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<i64>,
}

/// What a task wants to know from people.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Wanted {
    pub text: String,
    /// The capability that people carry out.
    pub capability: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<SmolStr>,
    /// What the capability is given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<SmolStr, Value>,
    /// Not empty: the answer is one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What an answer holds.
    pub fields: Vec<WantedField>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WantedField {
    pub name: SmolStr,
    /// As the plan writes its type.
    #[serde(rename = "type")]
    pub ty: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<SmolStr>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AskOption {
    pub name: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AskCheck {
    /// As the plan writes it.
    pub text: SmolStr,
    /// What a comparison saw: `3 >= 2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saw: Option<String>,
    /// Nobody has checked it: it is for people to judge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prose: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StartAttempt {
    pub attempt: AttemptId,
    /// The same for every start of a call whose effect is unknown.
    pub key: SmolStr,
    /// `collect`, `deep-dive[key]`, `release/build`, `undo of deploy`: for logs and people.
    pub label: SmolStr,
    /// Absent, and no call either: nothing to run, only observe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Exec>,
    /// A capability to call; never beside `exec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// Where an attempt that runs nothing looks at the world; relative and absent as in [`Exec::dir`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
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
    pub argv: Vec<SmolStr>,
    /// Added to the driver's allow-listed environment; values that are files are resolved by the driver.
    pub env: BTreeMap<SmolStr, Value>,
    /// The values of `input:`, for `$PLAN_INPUT`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<SmolStr, Value>,
    /// Relative to where `dslc` was started; absent: the run's work folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// All that it may touch; absent: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<Vec<Effect>>,
}

/// One call of a capability. Its answer is `How::Answered` with a record, or `How::CallFailed`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Call {
    pub capability: SmolStr,
    /// Who does it, where agents provide the capability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<SmolStr>,
    /// Of the capability's input types, defaults filled in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<SmolStr, Value>,
    /// The plan's folder for what it runs; absent: the run's work folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// The sentence that it judges, if it is a call of the plan's judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judges: Option<SmolStr>,
    /// The line of `do:`, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
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
    /// For a retry's backoff, for a quota, or for people.
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

    /// Nothing more happens by itself, and nobody can resume it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
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

    /// It stays so unless somebody has it tried again.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Skipped | Self::Cancelled)
    }
}
