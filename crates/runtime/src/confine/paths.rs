//! From the patterns of `effects:` to files and folders that the system can be told: it knows no patterns, so one
//! stands for the folder before its first wildcard.

use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::world::is_pattern;

/// An empty file, made so that a script may write it and nothing beside it.
#[derive(Debug)]
pub struct Placeholder {
    path: PathBuf,
    made: (u64, i64, i64),
}

impl Placeholder {
    /// The script did not write it: for whoever looks, it is not there.
    pub fn remove_if_untouched(&self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|now| now.len() == 0 && identity(&now) == self.made) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file, and when it was written.
fn identity(meta: &Metadata) -> (u64, i64, i64) {
    (meta.ino(), meta.mtime(), meta.mtime_nsec())
}

/// A file, or a folder with all below it. One that is not there cannot be read, and is left out later.
pub fn to_read(pattern: &str, dir: &Path) -> PathBuf {
    dir.join(fixed_part(pattern))
}

/// What may be written for a pattern or a path; it is there when this returns.
///
/// A pattern, or a path that ends with `/`, is a folder. A path that is there is itself. One that is not there is a
/// file if its name has an extension; else it could be either, and the folder around it may be written.
pub fn to_write(pattern: &str, dir: &Path) -> Result<(PathBuf, Option<Placeholder>), (PathBuf, io::Error)> {
    let path = dir.join(fixed_part(pattern));
    let failed = |error| (path.clone(), error);
    if path.exists() {
        return Ok((path, None));
    }
    if is_pattern(pattern) || pattern.ends_with('/') {
        fs::create_dir_all(&path).map_err(failed)?;
        return Ok((path, None));
    }
    let around = path.parent().unwrap_or(dir);
    fs::create_dir_all(around).map_err(failed)?;
    if path.extension().is_none() {
        return Ok((around.to_owned(), None));
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|file| file.metadata());
    match made {
        Ok(meta) => {
            let made = identity(&meta);
            Ok((path.clone(), Some(Placeholder { path, made })))
        }
        // another task was faster
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok((path, None)),
        Err(error) => Err(failed(error)),
    }
}

/// The part before the first wildcard, whole names only.
fn fixed_part(pattern: &str) -> PathBuf {
    Path::new(pattern)
        .components()
        .take_while(|part| !matches!(part, Component::Normal(name) if is_pattern(&name.to_string_lossy())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_the_folder_before_their_first_wildcard() {
        let dir = Path::new("/plan");
        for (pattern, path) in [
            ("src/**", "/plan/src"),
            ("src/*.rs", "/plan/src"),
            ("**", "/plan"),
            (".", "/plan"),
            ("a/b.txt", "/plan/a/b.txt"),
            ("{a,b}/c", "/plan"),
            ("/etc/x*", "/etc"),
        ] {
            assert_eq!(
                to_read(pattern, dir).components().as_path(),
                Path::new(path),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_is_written_is_as_narrow_as_can_be_known() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("there")).expect("made");
        fs::write(at("file"), "x").expect("written");
        for (pattern, path) in [
            ("there", at("there")),
            ("file", at("file")),
            ("new/**/*.md", at("new")),
            ("folder/", at("folder/")),
            ("sub/tool", at("sub")),
            ("sub/deep/report.md", at("sub/deep/report.md")),
        ] {
            let (found, _) = to_write(pattern, dir.path()).unwrap_or_else(|(_, error)| panic!("{pattern}: {error}"));
            assert_eq!(found, path, "{pattern}");
            assert!(found.exists(), "{pattern}");
        }
        fs::write(at("blocked"), "a file").expect("written");
        assert!(to_write("blocked/x.md", dir.path()).is_err());
    }
}
