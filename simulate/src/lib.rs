//! How runs are proved: random plans and scenarios on the real engine and the real journal, with everything around them
//! simulated.
//!
//! [`campaign`] draws plans, schedules and faults from a seed; [`sweep`] lets the driver die at every point of every
//! turn of a scenario; [`mutants`] puts bugs into a copy of the source and looks which promise notices them. Absent:
//! real processes, whose crashes are the tests' ([`lives`] simulates drivers), and randomness that a seed does not
//! repeat.

mod anew;
pub mod campaign;
pub mod checks;
pub mod disk;
pub mod faults;
mod hired;
mod later;
mod ledger;
pub mod lives;
pub mod mutants;
mod plans;
pub mod promises;
pub mod sweep;

// random plans and the model of the graph are those of the engine's own tests
#[path = "../../crates/engine/tests/it/callers.rs"]
mod callers;
#[path = "../../crates/engine/tests/it/generate.rs"]
mod generate;
#[path = "../../crates/engine/tests/it/model.rs"]
mod model;

use std::path::{Path, PathBuf};

/// The project's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where scenarios are.
pub const FOLDERS: [&str; 2] = ["examples", "simulate/scenarios"];
/// The page of the book that shows what was found.
pub const PAGE: &str = "docs/proved.md";

/// A page with the part between two markers written anew.
pub fn filled(page: &str, name: &str, table: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), "<!-- end -->");
    let Some(start) = page.find(&open).map(|at| at + open.len()) else {
        return page.to_owned();
    };
    match page[start..].find(close) {
        Some(len) => format!("{}\n{table}\n{}", &page[..start], &page[start + len..]),
        None => page.to_owned(),
    }
}
