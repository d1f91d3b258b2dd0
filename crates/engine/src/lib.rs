//! The deterministic state machine that runs plans: events in, commands out.
//!
//! The same plan and the same events give the same commands and the same state, byte for byte; every decision about
//! routing, order, retries and fan-out is made here and nowhere else. Absent, and kept out by `clippy.toml`: clocks,
//! threads, files, processes, the environment and everything whose order is not fixed.
//!
//! A driver feeds [`Engine::apply`] and carries out what it returns:
//!
//! 1. `RunStarted` first, then `DriverStarted` (again at every resume, followed by `AttemptLost` for each of
//!    [`Engine::in_flight`]).
//! 2. On `StartAttempt` with `observes_before` it calls [`Engine::observe`] with [`Phase::Before`]; where
//!    [`Engine::may_start`] then says no, it reports `AttemptEnded` with `How::Nothing` and what was observed.
//! 3. When an attempt ended it calls [`Engine::observe`] with [`Phase::After`] and puts both lists of observations,
//!    in that order, into `Ended::observed` of the event that it journals.
//! 4. On `AskPeople` it lets people know. [`Engine::weigh`] tells beforehand what a decision would do, and `Decided`
//!    reports it; [`Engine::weigh_answer`] and `Answered` where a task asked.
//! 5. `RetryAsked` is the one event that a run takes after its end: [`Engine::weigh_retry`] tells beforehand. The
//!    run is then paused.
//! 6. On `LookUp` it looks for a result of an earlier run and reports `LookedUp`; what [`Engine::keeps`] says after
//!    an event it keeps for later runs, once the event is on disk. On `Remember` it keeps facts and reports
//!    `Remembered`.
//! 7. On `SetTimer` it reports `TimerFired` at that time; setting a timer again replaces it.

#![deny(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod event;
pub mod secret;

mod accounts;
mod admission;
mod alerts;
mod attempt;
mod call;
mod circuit;
mod doubt;
mod engine;
mod fanout;
mod fingerprint;
mod graph;
mod hypotheses;
mod inputs;
mod judge;
mod memory;
mod notice;
mod outcome;
mod people;
mod prose;
mod questions;
mod queue;
mod read;
mod readiness;
mod redo;
mod retry;
mod reuse;
mod revise;
mod rollback;
mod scope;
mod scopes;
mod settle;
mod snapshot;
mod spending;
mod start;
mod state;
mod stop;
mod subplan;
mod takeover;
mod timers;
mod world;

pub use alerts::Raised;
pub use engine::{Engine, Phase};
pub use hypotheses::{EvidenceSnapshot, HypothesisSnapshot, Odds};
pub use inputs::complete as complete_inputs;
pub use memory::{Fact, SharedKey, shared_keys};
pub use notice::Notice;
pub use outcome::Outcome;
pub use people::{GateSnapshot, Recorded, Refusal, Weight};
pub use questions::{AnswerShape, NoAnswer, QuestionSnapshot, RecordedAnswer, is_human};
pub use redo::NoRetry;
pub use reuse::{Keep, Reused, Sought};
pub use revise::{Carried, NoRevision, Revised};
pub use snapshot::{InFlight, InstanceSnapshot, Listed, NodeSnapshot, Unverified};
pub use state::{Ignored, NodeError, RunEnd, Undo, UndoStatus};
