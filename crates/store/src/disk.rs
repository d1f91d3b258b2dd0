//! Writing so that it is still there after the power went: synced files, synced folders, atomic names.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::StoreError;

/// How much a write survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Loss of power: every step is synced before it counts.
    #[default]
    Power,
    /// `kill -9` only: the system has the bytes, the disk perhaps not.
    Process,
}

impl Durability {
    /// Syncs the data of a file, where asked for.
    pub(crate) fn sync_data(self, file: &File, path: &Path) -> Result<(), StoreError> {
        match self {
            Self::Power => file.sync_data().map_err(StoreError::io("sync", path)),
            Self::Process => Ok(()),
        }
    }

    /// Makes the names in a folder durable.
    pub(crate) fn sync_dir(self, path: &Path) -> Result<(), StoreError> {
        if self == Self::Process {
            return Ok(());
        }
        let dir = File::open(path).map_err(StoreError::io("open", path))?;
        dir.sync_all().map_err(StoreError::io("sync", path))
    }

    /// Writes a file that does not exist yet.
    pub(crate) fn write_new(self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        self.fill(&create_new(path)?, path, bytes)
    }

    /// Writes a file that does not exist yet, and that nobody else may read.
    pub(crate) fn write_new_private(self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        self.fill(&file.map_err(StoreError::io("create", path))?, path, bytes)
    }

    fn fill(self, mut file: &File, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        file.write_all(bytes).map_err(StoreError::io("write", path))?;
        self.sync_data(file, path)
    }

    /// Creates a folder and those above it, syncing each folder that got a new name in it.
    pub(crate) fn create_dirs(self, path: &Path) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        let mut at = path;
        while !at.is_dir() {
            missing.push(at);
            match at.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => at = parent,
                _ => break,
            }
        }
        for dir in missing.into_iter().rev() {
            match fs::create_dir(dir) {
                Ok(()) => {}
                // somebody else was faster
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => {}
                Err(error) => return Err(StoreError::io("create the folder", dir)(error)),
            }
            if let Some(parent) = dir.parent() {
                self.sync_dir(if parent.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    parent
                })?;
            }
        }
        Ok(())
    }
}

pub(crate) fn create_new(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(StoreError::io("create", path))
}

/// A name in a folder that nothing else uses, for a file that is renamed once it is whole.
pub(crate) fn temporary(folder: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!(".tmp-{}-{count}", std::process::id()))
}
