//! Input that nobody wrote: mutated and invented plans, the properties that must hold of all of them, and what to do with one
//! that breaks them.
//!
//! Everything follows from a seed. A case runs on a thread with a small stack under a watch, so that deep recursion and
//! hangs are found too; a finding is made small and kept in `corpus/`, which the tests replay. Absent: coverage as a
//! guide, which needs an instrumented build; the table of declarations guides the inventions instead.

pub mod corpus;
pub mod invent;
pub mod minimise;
pub mod mutate;
pub mod pathological;
pub mod properties;
pub mod random;
pub mod repairs;
pub mod session;

pub use properties::Target;
pub use random::Random;
pub use session::{Finding, Session};
