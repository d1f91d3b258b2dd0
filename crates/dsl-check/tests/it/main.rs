//! The checker from outside: the examples, loops, what may be read of whom, edits.

mod edits;
mod examples;
mod fixes;
mod graph;
mod imports;

use dsl_check::{Diagnostic, Severity, Workspace};

/// Reads files of the repository.
pub struct Disk;

impl dsl_check::Loader for Disk {
    fn read(&self, path: &std::path::Path) -> std::io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}

pub fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The diagnostics of one text that are errors, as `line: rule: message`.
pub fn errors(text: &str) -> Vec<String> {
    let mut workspace = Workspace::new("/w");
    workspace.set_file("a.plan", text.as_bytes());
    let found = workspace.diagnostics("a.plan".as_ref());
    found
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(|one| show(one, text))
        .collect()
}

pub fn show(diagnostic: &Diagnostic, text: &str) -> String {
    let line = text[..diagnostic.span.start as usize].matches('\n').count() + 1;
    format!("{line}: {}: {}", diagnostic.rule, diagnostic.message)
}
