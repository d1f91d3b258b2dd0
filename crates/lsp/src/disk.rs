//! What the workspace reads from disk: imported files, files that are no longer open, `dslc.toml`.

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use dsl_check::{Config, Loader};
use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;

pub(crate) const CONFIG: &str = "dslc.toml";
const JOURNAL: &str = "journal.jsonl";
const CACHE: &str = "cache.jsonl";
/// Where runs are stored unless the settings say otherwise.
pub(crate) const STORE: &str = ".dslc";

pub(crate) struct Disk;

impl Loader for Disk {
    /// Reads no more than shows that a file is too large. Only regular files: opening a pipe would wait for its writer.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path)?
            .take(dsl_syntax::FILE_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn plans_below(&self, folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    // links are not followed: they may lead back
                    Ok(kind) if kind.is_dir() => folders.push(path),
                    Ok(_) if path.extension().is_some_and(|extension| extension == "plan") => found.push(path),
                    _ => {}
                }
            }
        }
        found
    }
}

/// The workspace that a folder belongs to: the nearest folder upward with a `dslc.toml`, else the folder itself.
pub(crate) fn root_of(folder: &Path) -> PathBuf {
    folder
        .ancestors()
        .find(|folder| folder.join(CONFIG).is_file())
        .unwrap_or(folder)
        .to_path_buf()
}

/// The plans below a root, as git and the settings see it.
pub(crate) fn plans_of(root: &Path, config: &Config) -> Vec<PathBuf> {
    let mut overrides = OverrideBuilder::new(root);
    for pattern in &config.include {
        _ = overrides.add(pattern);
    }
    for pattern in &config.exclude {
        _ = overrides.add(&format!("!{pattern}"));
    }
    let mut walk = WalkBuilder::new(root);
    if let Ok(overrides) = overrides.build() {
        walk.overrides(overrides);
    }
    let entries = walk.require_git(false).build().flatten();
    let plans = entries.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()) && is_plan(entry.path()));
    plans.map(|entry| normal(entry.path())).collect()
}

pub(crate) fn is_plan(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "plan")
}

/// The settings of a workspace; a line for the log if they can't be read.
pub(crate) fn config(root: &Path) -> Result<Config, String> {
    let path = root.join(CONFIG);
    match std::fs::read_to_string(&path) {
        Ok(text) => Config::parse(&text).map_err(|error| format!("`{}` is not used: {error}", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(format!("`{}` could not be read: {error}", path.display())),
    }
}

/// Without `.` and `..`, as far as that can be known from the text.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = out.pop(),
            part => out.push(part),
        }
    }
    out
}

/// The store that a file belongs to: `STORE/runs/RUN/journal.jsonl`, `STORE/cache.jsonl`.
pub(crate) fn store_of(path: &Path) -> Option<&Path> {
    match path.file_name()?.to_str()? {
        JOURNAL => path.ancestors().nth(3),
        CACHE => path.parent(),
        _ => None,
    }
}
