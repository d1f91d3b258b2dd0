//! The typed intermediate representation of a plan: types, values, expressions and their pure evaluator, the graph,
//! hashes, verification, walks, and the text form.
//!
//! Shared by compiler, language server and runtime. It has no opinions and knows nobody: absent are where a plan came
//! from and who runs it.

mod backoff;
pub mod data;
pub mod diff;
pub mod eval;
pub mod expr;
pub mod fingerprint;
pub mod func;
pub mod graph;
pub mod hash;
pub mod plan;
pub mod quantity;
mod rare;
pub mod show;
pub mod testing;
pub mod types;
pub mod value;
pub mod verify;
pub mod visit;

mod pattern;

pub use expr::{Expr, Ref};
pub use plan::{Node, NodeId, Plan};
pub use rare::{Absent, Rare};
pub use types::{Type, Types};
pub use value::{FileRef, Value};
