//! `check --against` and `--write-lock`: the tools of live MCP servers, compared with `dslc.lock` and with what plans declare.
//!
//! A listing is what a server answers to `tools/list`, in a file. Absent: asking the server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dsl_check::tools::{Compared, Listing, Lock, LockedTool};

use crate::failure::{Exit, Failure, plain};
use crate::printer::Printer;
use crate::render::shown_path;
use crate::replace;
use crate::verbs::check::counted;
use crate::workspace::{Loaded, Place};

/// At the workspace's root.
const LOCK: &str = "dslc.lock";

/// Adds what differs to the diagnostics.
pub fn compare(paths: &[PathBuf], place: &Place, loaded: &mut Loaded) -> Result<Compared, Failure> {
    let compared = compared(paths, place, loaded, &lock(place)?)?;
    loaded.diagnostics.extend(compared.diagnostics.iter().cloned());
    loaded
        .diagnostics
        .sort_by(|a, b| (&a.file, a.span, a.rule).cmp(&(&b.file, b.span, b.rule)));
    Ok(compared)
}

/// Says what could not be compared.
pub fn account(compared: &Compared, printer: &Printer) {
    printer.note(&format!("{} compared", counted(compared.tools.len(), "tool")));
    let skipped: BTreeSet<&str> = compared.skipped.iter().map(AsRef::as_ref).collect();
    for name in skipped {
        printer.note(&format!(
            "`{name}` was not compared: its tool is in none of the listings"
        ));
    }
}

/// Pins the tools as the listings have them.
pub fn write_lock(paths: &[PathBuf], place: &Place, loaded: &Loaded, printer: &Printer) -> Result<Exit, Failure> {
    let mut lock = lock(place)?;
    let compared = compared(paths, place, loaded, &lock)?;
    let now = jiff::Timestamp::now();
    let now = now.round(jiff::Unit::Second).unwrap_or(now).to_string();
    for tool in &compared.tools {
        lock.pin(LockedTool {
            server: tool.server.clone(),
            tool: tool.tool.clone(),
            capability: tool.capability.clone(),
            digest: tool.digest.clone(),
            pinned: now.as_str().into(),
        });
    }
    let path = place.root.join(LOCK);
    replace::replace(&path, lock.to_text().as_bytes())
        .map_err(|error| Failure::usage(format!("cannot write `{LOCK}`: {}", plain(&error))))?;
    let shown = shown_path(&path, &place.cwd);
    printer.note(&format!("pinned {} in {shown}", counted(compared.tools.len(), "tool")));
    account(&compared, printer);
    Ok(Exit::Fine)
}

fn compared(paths: &[PathBuf], place: &Place, loaded: &Loaded, lock: &Lock) -> Result<Compared, Failure> {
    let listings: Vec<Listing> = paths
        .iter()
        .map(|path| listing(path, place))
        .collect::<Result<_, _>>()?;
    Ok(loaded.workspace.compare_tools(&listings, lock))
}

fn listing(path: &Path, place: &Place) -> Result<Listing, Failure> {
    let text =
        std::fs::read_to_string(place.absolute(path)).map_err(|error| Failure::unreadable(path, plain(&error)))?;
    Listing::parse(&text).map_err(|why| Failure::usage(format!("`{}`: {why}", path.display())))
}

/// The lock; without a file nothing is pinned.
fn lock(place: &Place) -> Result<Lock, Failure> {
    let path = place.root.join(LOCK);
    let shown = shown_path(&path, &place.cwd);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Lock::default()),
        Err(error) => return Err(Failure::usage(format!("cannot read `{shown}`: {}", plain(&error)))),
    };
    Lock::parse(&text).map_err(|error| {
        let start = error.span.as_ref().map_or(0, |span| span.start);
        let line = 1 + text.get(..start).unwrap_or_default().matches('\n').count();
        Failure::usage(format!("{shown}:{line}: {error}"))
    })
}
