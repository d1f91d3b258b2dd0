//! What is promised of every run, and how it is said that a promise was not kept.

/// What is promised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Invariant {
    /// A node that settled stays as it settled, and never starts again.
    SettledStays,
    /// Exactly one intent on disk before each attempt; attempts are numbered without gaps.
    IntentFirst,
    /// Nothing is carried out that a loss of power could undo.
    SyncedFirst,
    NeedsFirst,
    ParallelLimit,
    /// What is spent and set aside is within the budget.
    BudgetHeld,
    /// What counts as spent is what calls used.
    SpentIsUsed,
    /// No window of a quota holds more than it may.
    QuotaHeld,
    /// What a person decided or answered stands, nobody decides twice, and an approval has its quorum.
    DecisionStands,
    /// A retry or a changed plan does again what it reaches.
    AskedFor,
    /// A result of an earlier run stands in only for work that reads the same.
    SameRead,
    /// Nothing starts while the run is paused.
    PauseHolds,
    /// A repetition of an attempt whose end nobody saw has the same idempotency key.
    SameKey,
    /// What was acknowledged is still there after a crash.
    NothingLost,
    /// The state is the fold of the journal, and every command is what was recorded.
    FoldAndReplay,
    /// An edited journal is noticed.
    Tampering,
    /// The run comes to an end.
    ComesToAnEnd,
    /// The same seed gives the same bytes.
    SameTwice,
    /// The final state is the one without faults.
    SameWithoutFaults,
    /// Statuses are those of the model of the graph.
    Model,
    /// What may not be repeated is not, unless a person says so.
    DoubtIsAsked,
    /// The engine's and the journal's own assertions.
    Assertion,
}

impl Invariant {
    pub const ALL: [Self; 22] = [
        Self::SettledStays,
        Self::IntentFirst,
        Self::SyncedFirst,
        Self::NeedsFirst,
        Self::ParallelLimit,
        Self::BudgetHeld,
        Self::SpentIsUsed,
        Self::QuotaHeld,
        Self::DecisionStands,
        Self::AskedFor,
        Self::SameRead,
        Self::PauseHolds,
        Self::SameKey,
        Self::NothingLost,
        Self::FoldAndReplay,
        Self::Tampering,
        Self::ComesToAnEnd,
        Self::SameTwice,
        Self::SameWithoutFaults,
        Self::Model,
        Self::DoubtIsAsked,
        Self::Assertion,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::SettledStays => "a settled node stays as it is and never starts again",
            Self::IntentFirst => "exactly one intent before each attempt",
            Self::SyncedFirst => "nothing is carried out before it is synced",
            Self::NeedsFirst => "no node starts before its needs",
            Self::ParallelLimit => "never more at once than the limit, of the run, a plan, a fan-out or an agent",
            Self::BudgetHeld => "what is spent and set aside stays within the budget",
            Self::SpentIsUsed => "what counts as spent is what was used, each call once",
            Self::QuotaHeld => "no window of a quota holds more than it may",
            Self::DecisionStands => "a decision or an answer stands, nobody decides twice, and who approves are enough",
            Self::AskedFor => "a retry or a changed plan does again what it reaches, and nothing else",
            Self::SameRead => "a result of an earlier run stands in only for work that reads the same",
            Self::PauseHolds => "nothing starts while the run is paused",
            Self::SameKey => "a repetition has the same key",
            Self::NothingLost => "what was acknowledged survives",
            Self::FoldAndReplay => "the state is the fold of the journal, byte for byte",
            Self::Tampering => "an edited journal is noticed",
            Self::ComesToAnEnd => "the run comes to an end",
            Self::SameTwice => "the same seed gives the same journal",
            Self::SameWithoutFaults => "the final state is the one without faults",
            Self::Model => "statuses are those of the model",
            Self::DoubtIsAsked => "what may not be repeated is not, unless a person says so",
            Self::Assertion => "an assertion of the code itself",
        }
    }
}

/// As the book lists them.
pub fn list() -> String {
    Invariant::ALL
        .iter()
        .map(|promise| format!("- {}\n", promise.name()))
        .collect()
}

/// A promise that was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant.name(), self.what)
    }
}
