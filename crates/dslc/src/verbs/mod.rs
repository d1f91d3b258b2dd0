//! One file a verb: its arguments, and what it does with them.

pub mod bounds;
pub mod cancel;
pub mod check;
pub mod compile;
pub mod completions;
pub mod confined;
pub mod decide;
pub mod diff;
pub mod events;
pub mod explain;
pub mod export;
pub mod fmt;
pub mod graph;
pub mod logs;
pub mod lsp;
pub mod man;
pub mod new;
pub mod pause;
pub mod replay;
pub mod resolve;
pub mod resume;
pub mod run;
pub mod runs;
pub mod show;
pub mod supervise;
pub mod verify;
