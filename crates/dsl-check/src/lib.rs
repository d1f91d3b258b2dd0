//! The meaning of plan text: names, types, the graph, diagnostics with fixes, lowering to the IR; all of it incremental.
//!
//! Promise: *editing the body of a task re-checks that task's chunk and what can see the change, nothing else.* Text
//! enters as chunks ([`inputs`]); signatures without spans shield everything else from bodies ([`signatures`]);
//! diagnostics are returned by queries and get absolute places at the edge ([`analysis`]). Absent: terminals, the
//! language server's protocol, running, the disk.

mod alias_loops;
mod amend;
mod analysis;
mod arms;
mod around;
mod bounds;
mod builtin;
mod calls;
mod chart;
mod check;
mod config;
mod diagnostic;
mod facts;
mod fallbacks;
mod flow;
mod graph;
mod hashed;
mod hypotheses;
mod ide;
mod imports;
mod inputs;
mod kept;
mod lower;
mod many;
mod meant;
mod memory;
mod near;
mod places;
mod plans;
mod policy;
mod problems;
mod reach;
mod removal;
pub mod repair;
mod rows;
pub mod rules;
mod runnable;
mod scope;
mod shell_lint;
mod signatures;
mod slices;
mod suppressions;
pub mod tools;
mod trees;
pub mod types;
mod under;
mod unused;
mod walk;
mod words;
mod workspace;
mod writes;

pub use analysis::{Analysis, Overtaken, PlanInfo};
pub use arms::ArmText;
pub use bounds::words::{money, span};
pub use bounds::{Bounds, CapabilityTotal, NodeBounds, PathStep, People, PlanLimits, Unbounded};
pub use chart::{Chart, ChartEdge, ChartEdgeKind, ChartNode, ChartShape};
pub use config::{Config, ConfigError, Level};
pub use diagnostic::{Diagnostic, Edit, Fix, Label, Severity};
pub use ide::{
    Assist, AssistKind, Called, Completion, CompletionKind, Completions, Definition, FileLink, HierarchyItem,
    HierarchyStep, Hint, HintOf, Hover, Lens, LensOf, Location, NameKind, NameToken, NodeAt, References, Symbol,
    SymbolKind,
};
pub use lower::{CompileError, TestCase};
pub use policy::attribute_table;
pub use shell_lint::{Dialect, Finding, Repair, Replacement, ShellScript};
pub use under::NoProfile;
pub use workspace::{EditError, Loader, Workspace};
