//! What must hold of a plan that is repaired until no repair is left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dsl_check::repair::{Repairable, Wanted, repair};
use dsl_check::{Diagnostic, Severity, Workspace, rules};
use dsl_syntax::format;

use crate::properties::{FILE, ensure, workspace};

/// A workspace of which one file is repaired.
struct Desk {
    workspace: Workspace,
    path: Arc<Path>,
    text: String,
    diagnostics: Vec<Diagnostic>,
}

impl Repairable for Desk {
    fn text(&self, path: &Path) -> Option<&str> {
        (*path == *self.path).then_some(&self.text)
    }

    fn set_text(&mut self, path: &Arc<Path>, text: &str) {
        self.workspace.set_file(path, text.as_bytes());
        text.clone_into(&mut self.text);
    }

    fn check(&mut self) {
        self.diagnostics = self.workspace.diagnostics(&self.path);
    }

    fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

pub fn hold(bytes: &[u8]) -> Result<(), String> {
    let workspace = workspace(bytes);
    let path: Arc<Path> = workspace.path(FILE.as_ref()).into();
    let Some(text) = workspace.text(&path).filter(|_| std::str::from_utf8(bytes).is_ok()) else {
        // what is no text is refused, and nothing is repaired
        return Ok(());
    };
    for unsafe_too in [false, true] {
        let mut desk = Desk {
            workspace: self::workspace(bytes),
            path: path.clone(),
            text: text.clone(),
            diagnostics: Vec::new(),
        };
        let hints = unsafe_too;
        repaired(&mut desk, Wanted { unsafe_too, hints })?;
    }
    Ok(())
}

fn repaired(desk: &mut Desk, wanted: Wanted) -> Result<(), String> {
    let files = BTreeSet::from([PathBuf::from(&*desk.path)]);
    desk.check();
    let before = errors(&desk.diagnostics);
    let done = repair(desk, &files, wanted);
    let after = errors(&desk.diagnostics);
    ensure(after.len() <= before.len(), || {
        format!(
            "more errors after repairs: {before:?}, then {after:?} of {:?}",
            desk.text
        )
    })?;
    let cold = workspace(desk.text.as_bytes()).diagnostics(&desk.path);
    ensure(cold == desk.diagnostics, || {
        format!("repaired text is not what was checked: {:?}", desk.text)
    })?;
    let again = repair(desk, &files, wanted);
    ensure(again.repairs.is_empty(), || {
        let titles = |repairs: &[dsl_check::repair::Repair]| -> Vec<String> {
            repairs.iter().map(|repair| repair.title.clone()).collect()
        };
        let (first, second) = (titles(&done.repairs), titles(&again.repairs));
        format!("repairs are left after repairs: {first:?}, then {second:?}")
    })?;
    formats(desk)
}

/// What the parser can read formats, and is as wrong as before.
fn formats(desk: &mut Desk) -> Result<(), String> {
    let is_of_text = |diagnostic: &Diagnostic| rules::find(diagnostic.rule).is_some_and(|rule| rule.group == "text");
    // the checker says less than the parser: nothing of what stands in clauses that nobody knows
    let is_unread = || {
        dsl_syntax::parse_file(&desk.text)
            .iter()
            .any(|(_, block)| !block.errors.is_empty())
    };
    if desk.diagnostics.iter().any(is_of_text) || is_unread() {
        return Ok(());
    }
    let before = errors(&desk.diagnostics);
    let formatted = format(&desk.text).map_err(|error| format!("repaired text does not format: {error}"))?;
    let path = desk.path.clone();
    desk.set_text(&path, &formatted);
    desk.check();
    let after = errors(&desk.diagnostics);
    ensure(before == after, || {
        format!("formatting repaired text changes its errors: {before:?}, then {after:?}")
    })
}

/// Rules and messages; sorted, as formatting may move what stands on one line.
/// Rules and messages, these without spaces: some quote the plan's text.
fn errors(diagnostics: &[Diagnostic]) -> Vec<(&'static str, String)> {
    let errors = diagnostics.iter().filter(|one| one.severity == Severity::Error);
    let mut errors: Vec<_> = errors.map(|one| (one.rule, one.message.replace(' ', ""))).collect();
    errors.sort_unstable();
    errors
}
