//! Runs compiled plans: the embedded driver with its supervisor, resuming after a crash, replaying a journal; the
//! simulation driver, and the tests of plans that it carries out.
//!
//! Promise: what a node did is on disk before anything that depends on it starts; no process outlives its driver; a
//! resumed run repeats nothing that completed. It has never heard of source text or of the checker. Absent: decisions,
//! which are the engine's, and printing.

pub mod confine;
pub mod environment;
pub mod procfs;
pub mod secrets;
pub mod sim;
pub mod supervisor;
pub mod testing;
pub mod world;

mod adapters;
mod ahead;
mod answer;
mod attempt;
mod behind;
mod calling;
mod clock;
mod decide;
mod detach;
mod driver;
mod error;
mod forecast;
mod history;
mod init;
mod lasting;
mod output;
mod recover;
mod replan;
mod request;
mod retry;
mod reuse;
mod running;
mod sharing;
mod signals;
#[cfg(test)]
mod tests;
mod watch;
mod watch_inbox;

pub use answer::{Answer, answer};
pub use decide::{Decision, decide};
pub use detach::{DRIVER_LOG, detach};
pub use engine::complete_inputs;
pub use error::{Divergence, ENGINE_VERSION, RunError};
pub use forecast::forecast;
pub use history::{History, LastDriver, ReplayReport, fold, fold_journal, replay, with_plan};
pub use output::CAPTURE_MAX_BYTES;
pub use replan::{Replan, preview, replan, standing_still};
pub use request::{Asked, cancel, pause, raise_budget, resolve};
pub use retry::{failed as failed_nodes, retry};
pub use running::{
    Finished, GRACE_MS, Options, Patience, Recovery, Running, Supervision, create, opening, resume, runnable, start,
    start_under, supervision,
};
pub use watch::{Control, Observer, Progress, Stream, Unwatched};
