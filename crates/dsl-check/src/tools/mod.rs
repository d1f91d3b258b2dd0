//! Tools of MCP servers: what a live server lists, what `dslc.lock` pins, and what the capabilities declare.
//!
//! A tool that is pinned must have the pinned schema; one that is not must fit the declared types. Everything is text
//! in and data out: asking a server and reading files is the caller's. Absent: MCP itself.

mod drift;
mod lock;
mod schema;

pub use drift::{Compared, PinnedTool};
pub use lock::{Lock, LockError, LockedTool};
pub use schema::{Listing, Tool, digest};
