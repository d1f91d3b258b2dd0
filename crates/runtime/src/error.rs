//! Why a run was not started, not resumed, or stopped being driven: each as one sentence.
//!
//! A run that failed is no error here: that is a status.

use std::fmt;
use std::io;
use std::path::PathBuf;

use engine::event::{GateDecision, RunStatus};
use engine::{NoAnswer, NoRetry, NoRevision, Refusal};
use store::{ErrorClass, StoreError};

#[derive(Debug)]
pub enum RunError {
    Store(StoreError),
    /// Parameters that are missing, unknown or of the wrong type; one sentence each.
    Inputs(Vec<String>),
    /// Secrets that are missing or unusable; one sentence each.
    Secrets(Vec<String>),
    /// `--strict-effects`, and this system cannot enforce them.
    NotEnforced(String),
    /// Clauses that cannot be run yet, by name and line.
    NotRunnable(Vec<String>),
    /// The plan contradicts itself: a mistake of whoever compiled it.
    BadPlan(String),
    /// The supervisor cannot be started.
    NoSupervisor {
        binary: PathBuf,
        source: io::Error,
    },
    /// The supervisor ended before its driver.
    Supervisor {
        binary: PathBuf,
        source: io::Error,
    },
    /// The system refused the driver something.
    System {
        doing: &'static str,
        source: io::Error,
    },
    /// An event in the journal is none that this engine knows.
    UnknownEvent {
        run: String,
        seq: u64,
        what: String,
        written_by: String,
    },
    /// The engine decides otherwise than the journal says.
    Diverged(Box<Divergence>),
    /// Processes of an earlier driver are still there and do not go away.
    Survivors {
        run: String,
        pids: Vec<u32>,
    },
    /// It says that it runs, and nothing does.
    Stuck {
        run: String,
    },
    /// There is nothing left to drive.
    Ended {
        run: String,
        status: RunStatus,
    },
    /// The run has no node of that name; gates that wait for people.
    NoSuchGate {
        run: String,
        gate: String,
        waiting: Vec<String>,
    },
    /// A budget may not be raised so far.
    Budget(String),
    /// A person's decision is not taken.
    Refused {
        run: String,
        gate: String,
        decision: GateDecision,
        refusal: Refusal,
    },
    /// A driver in the background ended before it had taken the run.
    NotDetached {
        run: String,
        said: String,
    },
    /// The run has no node of that name; those that failed.
    NoSuchNode {
        run: String,
        node: String,
        failed: Vec<String>,
    },
    /// The run does not go on under another plan.
    NotReplanned(NoRevision),
    /// No task of that name has asked anything; those that wait for an answer.
    NoSuchQuestion {
        run: String,
        task: String,
        waiting: Vec<String>,
    },
    /// An answer is not taken.
    NotAnswered {
        task: String,
        refusal: NoAnswer,
    },
    /// A node is not tried again.
    NotRetried {
        node: String,
        refusal: NoRetry,
    },
    /// No attempt of that name is in doubt; those that are.
    NotInDoubt {
        run: String,
        node: String,
        in_doubt: Vec<String>,
    },
}

/// Where a journal and the engine part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Divergence {
    pub run: String,
    pub seq: u64,
    /// The event's name.
    pub event: String,
    pub recorded: String,
    pub computed: String,
    pub written_by: String,
}

impl RunError {
    /// What the problem means for the caller.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store(error) => error.class(),
            Self::Inputs(_)
            | Self::Secrets(_)
            | Self::NotEnforced(_)
            | Self::Ended { .. }
            | Self::NotInDoubt { .. }
            | Self::NoSuchNode { .. }
            | Self::NotRetried { .. }
            | Self::NotReplanned(_)
            | Self::NoSuchQuestion { .. }
            | Self::NotAnswered { .. }
            | Self::NoSuchGate { .. }
            | Self::Budget(_)
            | Self::Refused { .. } => ErrorClass::Usage,
            Self::NoSupervisor { .. }
            | Self::Supervisor { .. }
            | Self::System { .. }
            | Self::NotDetached { .. }
            | Self::Survivors { .. } => ErrorClass::Unusable,
            Self::NotRunnable(_)
            | Self::BadPlan(_)
            | Self::UnknownEvent { .. }
            | Self::Stuck { .. }
            | Self::Diverged(_) => ErrorClass::Corrupt,
        }
    }

    pub(crate) fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, source }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Inputs(problems) | Self::Secrets(problems) => f.write_str(&problems.join("\n")),
            Self::NotRunnable(clauses) => {
                write!(f, "this plan cannot be run yet, because of {}", clauses.join(", "))
            }
            Self::Budget(why) => write!(f, "the budget stays as it is: {why}"),
            Self::NotEnforced(why) => write!(f, "{why}, and `--strict-effects` asks for it"),
            Self::BadPlan(what) => write!(f, "the compiled plan contradicts itself: {what}; compile it again"),
            Self::NoSupervisor { binary, source } => write!(
                f,
                "cannot start `{}` as the supervisor of the run's processes: {source}",
                binary.display()
            ),
            Self::Supervisor { binary, source } => {
                write!(
                    f,
                    "the supervisor `{}` failed: {source}; resume the run",
                    binary.display()
                )
            }
            Self::Stuck { run } => write!(
                f,
                "run `{run}` should go on and nothing moves: a mistake in dslc; please report it with the run's folder"
            ),
            Self::System { doing, source } => write!(f, "cannot {doing}: {source}"),
            Self::UnknownEvent {
                run,
                seq,
                what,
                written_by,
            } => write!(
                f,
                "event {seq} of run `{run}` is none that this dslc ({ENGINE_VERSION}) knows: {what}; it was written by {written_by}, use that"
            ),
            Self::Diverged(it) => write!(
                f,
                "run `{}` diverges at event {} (`{}`): the journal, written by {}, has {}, and this dslc ({ENGINE_VERSION}) decides {}",
                it.run, it.seq, it.event, it.written_by, it.recorded, it.computed
            ),
            Self::Survivors { run, pids } => {
                let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "processes of run `{run}` from before are still there and cannot be killed: {}; end them and resume again",
                    pids.join(", ")
                )
            }
            Self::Ended { run, status } => {
                write!(
                    f,
                    "run `{run}` is {} and has nothing left to do; `dslc show {run}` prints it",
                    status.name()
                )
            }
            Self::NoSuchGate { run, gate, waiting } if waiting.is_empty() => {
                write!(f, "run `{run}` has no gate `{gate}`, and none of its gates waits")
            }
            Self::NoSuchGate { run, gate, waiting } => write!(
                f,
                "run `{run}` has no gate `{gate}`; waiting for people: `{}`",
                waiting.join("`, `")
            ),
            Self::Refused {
                gate,
                decision,
                refusal,
                ..
            } => write!(f, "`{gate}` is not {}: {refusal}", decision.name()),
            Self::NotDetached { run, said } if said.is_empty() => {
                write!(f, "the driver of run `{run}` ended before it had taken the run")
            }
            Self::NotDetached { run, said } => {
                write!(f, "the driver of run `{run}` ended before it had taken the run: {said}")
            }
            Self::NoSuchNode { run, node, failed } if failed.is_empty() => {
                write!(f, "run `{run}` has no node `{node}`")
            }
            Self::NoSuchNode { run, node, failed } => {
                write!(
                    f,
                    "run `{run}` has no node `{node}`; these failed: `{}`",
                    failed.join("`, `")
                )
            }
            Self::NoSuchQuestion { run, task, waiting } if waiting.is_empty() => {
                write!(
                    f,
                    "run `{run}` has no task `{task}` that asks people, and none of its tasks waits for an answer"
                )
            }
            Self::NoSuchQuestion { run, task, waiting } => write!(
                f,
                "run `{run}` has no task `{task}` that asks people; waiting for an answer: `{}`",
                waiting.join("`, `")
            ),
            Self::NotAnswered { task, refusal } => write!(f, "`{task}` is not answered: {refusal}"),
            Self::NotReplanned(refusal) => write!(f, "the plan of the run stays as it is: {refusal}"),
            Self::NotRetried { node, refusal } => write!(f, "`{node}` is not tried again: {refusal}"),
            Self::NotInDoubt { run, node, in_doubt } if in_doubt.is_empty() => {
                write!(f, "`{node}` is not in doubt: no attempt of run `{run}` is")
            }
            Self::NotInDoubt { run, node, in_doubt } => {
                write!(
                    f,
                    "`{node}` is not in doubt; in run `{run}` these are: `{}`",
                    in_doubt.join("`, `")
                )
            }
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::NoSupervisor { source, .. } | Self::Supervisor { source, .. } | Self::System { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Which engine decides: written into `run.json`, and named when decisions differ.
pub const ENGINE_VERSION: &str = concat!("engine ", env!("CARGO_PKG_VERSION"));
