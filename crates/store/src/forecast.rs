//! What the next run would make of the results that are kept: for who shows it beside a task. Absent: finding out,
//! which takes an engine.

use ir::fingerprint::Difference;

/// What would become of a task with `cache:` that was completed before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Forecast {
    /// A result stands in for it, until then.
    Reused {
        run: String,
        until_ms: i64,
        provided: Option<Provided>,
    },
    /// What its result follows from is not what it was in that run.
    Again {
        run: String,
        differences: Vec<Difference>,
        /// Only its files differ, and a run takes secrets out of them before it compares.
        may_be_secrets: bool,
    },
    /// There is a result, which does not fit: a sentence.
    Unfit { why: String },
}

/// What a forecast takes for granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Provided {
    /// The files that the task says it touches stay as they are.
    Files,
    /// What the task reads is what it was: other tasks come first.
    Values,
    /// So are the files that it reads, which are too large to be looked at.
    LargeFiles,
}
