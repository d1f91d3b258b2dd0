//! Writing a file as a whole or not at all.

use std::io::{self, Write};
use std::path::Path;

/// Writes beside the file and renames, so that a full disk or a crash leaves the old text. A link stays a link, and what is
/// no file (`/dev/stdout`, a pipe) is written to, never replaced. A file that is read-only stays as it is.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes),
        Ok(found) if found.permissions().readonly() => return Err(io::Error::other("it is read-only")),
        Ok(_) => std::fs::canonicalize(path)?,
        // A link to what is not there yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_symlink() => {
            return std::fs::write(path, bytes);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
        Err(error) => return Err(error),
    };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_synced(&beside, bytes)
        .and_then(|()| keep_permissions(&path, &beside))
        .and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // Nothing to do about a leftover that cannot be removed.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = std::fs::File::create(path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => io::Error::other("no file can be made in its folder: permission denied"),
        _ => error,
    })?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// A file that is new has those of the process.
fn keep_permissions(of: &Path, to: &Path) -> io::Result<()> {
    match std::fs::metadata(of) {
        Ok(metadata) => std::fs::set_permissions(to, metadata.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
