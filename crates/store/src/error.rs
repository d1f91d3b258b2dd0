//! What can be wrong with a store, each as one sentence: what was found, where, and what to do.
//!
//! Callers branch on [`StoreError::class`] (the exit code depends on it); people read the sentence.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A problem with the store, a run's folder, its journal or an artifact.
#[derive(Debug)]
pub enum StoreError {
    /// The system refused something.
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// There is no run of that name.
    NoSuchRun { name: String, root: PathBuf },
    /// A shortened name fits several runs.
    Ambiguous { name: String, runs: Vec<String> },
    /// Another driver holds the run.
    Held { run: String, holder: String },
    /// What nobody needs is being collected, so nobody may drive; or somebody drives, so nothing may be collected.
    Busy { root: PathBuf, collecting: bool },
    /// A file was written by another version.
    Format {
        path: PathBuf,
        found: String,
        expected: &'static str,
    },
    /// A file does not hold what it must; `line` counts from 1, and is 0 where it means the whole file.
    Corrupt { path: PathBuf, line: u64, what: String },
    /// An artifact that something refers to is not there.
    NoArtifact { digest: String, path: PathBuf },
    /// An artifact's bytes are not those that were stored.
    ArtifactChanged { digest: String, path: PathBuf },
    /// An earlier write or sync failed, so nothing more may be written.
    Stopped { path: PathBuf },
    /// A value has no JSON form.
    Encode { what: String },
}

/// What a problem means for the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorClass {
    /// The caller named something that is not there.
    Usage,
    /// The store cannot be used as it is now: permissions, a full disk, another driver.
    Unusable,
    /// What is stored is not what was written.
    Corrupt,
}

impl StoreError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NoSuchRun { .. } | Self::Ambiguous { .. } => ErrorClass::Usage,
            Self::Io { .. } | Self::Held { .. } | Self::Busy { .. } | Self::Stopped { .. } | Self::Encode { .. } => {
                ErrorClass::Unusable
            }
            Self::Format { .. } | Self::Corrupt { .. } | Self::NoArtifact { .. } | Self::ArtifactChanged { .. } => {
                ErrorClass::Corrupt
            }
        }
    }

    /// A closure for `map_err`: what was being done, and to which path.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// As [`StoreError::io`], for calls that return the system's bare error number.
    pub(crate) fn errno(doing: &'static str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |errno| Self::Io {
            doing,
            path: path.to_owned(),
            source: errno.into(),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, source } => {
                write!(f, "cannot {doing} `{}`: {}", path.display(), lower_first(source))?;
                match advice(source) {
                    Some(advice) => write!(f, "; {advice}"),
                    None => Ok(()),
                }
            }
            Self::NoSuchRun { name, root } => {
                write!(f, "no run `{name}` in `{}`; `dslc runs` lists them", root.display())
            }
            Self::Ambiguous { name, runs } => {
                write!(
                    f,
                    "`{name}` is short for several runs: `{}`; type more of one",
                    runs.join("`, `")
                )
            }
            Self::Held { run, holder } => {
                write!(
                    f,
                    "run `{run}` is being driven by {holder}; pause or cancel it first, or wait for it"
                )
            }
            Self::Busy { root, collecting: true } => {
                write!(f, "`dslc gc` is at work in `{}`; wait for it", root.display())
            }
            Self::Busy {
                root,
                collecting: false,
            } => write!(
                f,
                "runs in `{}` are being driven; wait for them, or pause them first",
                root.display()
            ),
            Self::Format { path, found, expected } => write!(
                f,
                "`{}` has format `{found}`, and this dslc reads `{expected}`; use the dslc that wrote it",
                path.display()
            ),
            Self::Corrupt { path, line: 0, what } => write!(
                f,
                "`{}` is corrupt: {what}; restore it from a copy, nothing was changed",
                path.display()
            ),
            Self::Corrupt { path, line, what } => write!(
                f,
                "`{}` is corrupt at line {line}: {what}; the lines before it are sound, nothing was changed",
                path.display()
            ),
            Self::NoArtifact { digest, path } => {
                write!(
                    f,
                    "artifact {digest} is missing: there is no `{}`; restore it from a copy",
                    path.display()
                )
            }
            Self::ArtifactChanged { digest, path } => write!(
                f,
                "artifact {digest} was changed after it was stored: the bytes of `{}` have another hash; restore it from a copy",
                path.display()
            ),
            Self::Stopped { path } => write!(
                f,
                "an earlier write to `{}` failed, so nothing more is written; free the disk and resume the run",
                path.display()
            ),
            Self::Encode { what } => write!(f, "cannot write a value as JSON: {what}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What to do about the causes that have one remedy.
fn advice(source: &io::Error) -> Option<&'static str> {
    match source.kind() {
        io::ErrorKind::PermissionDenied => Some("check who owns it and its permissions"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some("free some space and try again"),
        io::ErrorKind::ReadOnlyFilesystem => Some("its file system is read-only; name another folder with `--store`"),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Some("a file is where a folder must be"),
        _ => None,
    }
}

/// The system's words without their capital and their number.
fn lower_first(source: &io::Error) -> String {
    let text = source.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
