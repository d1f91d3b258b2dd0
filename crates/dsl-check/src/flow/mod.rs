//! Where values go in a plan: from parameters, secrets and nodes through inputs, outputs, memory and subplans to
//! wherever they are read last.
//!
//! Built from facts, signatures and graphs only. A value either *is* a secret (as it is, or in a text with others) or
//! *may hold* it: what a script or a capability answers that was given one. A search goes breadth first and is linear
//! in reads, so paths are shortest. What is only compared, measured or tested goes no further. Absent: which flows are
//! forbidden (policies), effects through files.

mod calls;
mod graph;
mod leaks;
mod spot;
mod uses;

pub(crate) use calls::{called_plan, summaries};
pub(crate) use graph::{FlowGraph, Origin, Spread, variable};
pub(crate) use leaks::secret_leaks;
pub(crate) use spot::Spot;
pub(crate) use uses::{is_within, prints, weighed};

pub(crate) use crate::types::shell::Printed;
