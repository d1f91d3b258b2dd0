//! The run's own work folder, once the run is over: files that a script wrote a secret into are rewritten without it,
//! for the folder may be copied and attached to a ticket.
//!
//! Absent: folders that a plan names with `dir:`; those are the user's.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::redact::{Redacted, Redactor};

/// Rewrites the files below `folder` that hold a secret; which those were, or could not be.
pub(crate) fn sweep(folder: &Path, redactor: &Arc<Redactor>) -> (Vec<PathBuf>, Vec<(PathBuf, io::Error)>) {
    let (mut cleaned, mut failed) = (Vec::new(), Vec::new());
    if redactor.is_idle() {
        return (cleaned, failed);
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // one that cannot be read was made so by a script; nobody else can read it either
        let Ok(items) = fs::read_dir(&folder) else { continue };
        for item in items.flatten() {
            let Ok(kind) = item.file_type() else { continue };
            let path = item.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                match clean(&path, redactor) {
                    Ok(true) => cleaned.push(path),
                    Ok(false) => {}
                    Err(error) => failed.push((path, error)),
                }
            }
        }
    }
    cleaned.sort_unstable();
    (cleaned, failed)
}

/// Whether it held a secret.
fn clean(path: &Path, redactor: &Arc<Redactor>) -> io::Result<bool> {
    let mut before = blake3::Hasher::new();
    before.update_reader(File::open(path)?)?;
    let mut after = blake3::Hasher::new();
    after.update_reader(Redacted::new(File::open(path)?, redactor.clone()))?;
    if before.finalize() == after.finalize() {
        return Ok(false);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".dslc-redacted");
    let temp = path.with_file_name(name);
    let written = File::create_new(&temp).and_then(|mut to| {
        let mut from = Redacted::new(File::open(path)?, redactor.clone());
        io::copy(&mut from, &mut to)?;
        to.set_permissions(fs::metadata(path)?.permissions())?;
        fs::rename(&temp, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temp);
    }
    written.map(|()| true)
}
