//! Artifacts: bytes under their BLAKE3 hash, read-only, never changed.
//!
//! Promise: a name in `artifacts/` has all of its bytes on disk (temporary name, synced, renamed, folder synced).
//! Absent: removal.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::disk::{Durability, create_new, temporary};
use crate::error::StoreError;

const COPY_BYTES: usize = 1 << 17;

/// What was stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// 64 hexadecimal digits.
    pub digest: String,
    pub size: u64,
}

/// The folder `artifacts/`.
#[derive(Clone, Debug)]
pub struct Artifacts {
    root: PathBuf,
    durability: Durability,
}

impl Artifacts {
    pub(crate) fn new(root: PathBuf, durability: Durability) -> Self {
        Self { root, durability }
    }

    /// Where an artifact is, or would be.
    pub fn path(&self, digest: &str) -> PathBuf {
        let cut = digest.len().min(2);
        match (digest.get(..cut), digest.get(cut..)) {
            (Some(head), Some(tail)) if digest.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                self.root.join(head).join(tail)
            }
            // not a digest, so nothing is there; and no name escapes the folder
            _ => self.root.join("no-such-artifact"),
        }
    }

    /// Stores bytes that are in memory.
    pub fn put(&self, bytes: &[u8]) -> Result<Stored, StoreError> {
        let stored = Stored {
            digest: blake3::hash(bytes).to_hex().to_string(),
            size: bytes.len() as u64,
        };
        if !self.has(&stored)? {
            self.durability.create_dirs(&self.root)?;
            let temp = temporary(&self.root);
            let written = create_new(&temp).and_then(|mut file| {
                file.write_all(bytes).map_err(StoreError::io("write", &temp))?;
                Ok(file)
            });
            self.finish(&temp, written, &stored.digest)?;
        }
        Ok(stored)
    }

    /// Stores a copy of a file, hashing while it copies.
    pub fn put_file(&self, source: &Path) -> Result<Stored, StoreError> {
        let mut input = File::open(source).map_err(StoreError::io("open", source))?;
        self.put_reader(&mut input, source)
    }

    /// Stores what a reader gives, which reads `source`.
    pub fn put_reader(&self, input: &mut dyn Read, source: &Path) -> Result<Stored, StoreError> {
        self.durability.create_dirs(&self.root)?;
        let temp = temporary(&self.root);
        let mut file = create_new(&temp)?;
        let copied = copy_hashing(input, source, Some((&mut file, &temp)));
        let stored = match copied {
            Ok(stored) => stored,
            Err(error) => {
                discard(&temp);
                return Err(error);
            }
        };
        if self.has(&stored)? {
            discard(&temp);
        } else {
            self.finish(&temp, Ok(file), &stored.digest)?;
        }
        Ok(stored)
    }

    /// The bytes of an artifact, checked against their hash.
    pub fn get(&self, digest: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.path(digest);
        let bytes = fs::read(&path).map_err(|error| missing(error, digest, &path))?;
        if blake3::hash(&bytes).to_hex().as_str() != digest {
            return Err(StoreError::ArtifactChanged {
                digest: digest.to_owned(),
                path,
            });
        }
        Ok(bytes)
    }

    /// Checks an artifact's bytes without holding them.
    pub fn verify(&self, digest: &str) -> Result<Stored, StoreError> {
        let path = self.path(digest);
        let mut file = File::open(&path).map_err(|error| missing(error, digest, &path))?;
        let found = copy_hashing(&mut file, &path, None)?;
        if found.digest == digest {
            Ok(found)
        } else {
            Err(StoreError::ArtifactChanged {
                digest: digest.to_owned(),
                path,
            })
        }
    }

    /// Whether it is there already. Its folder is synced again: whoever put it there may not have come to that yet.
    fn has(&self, stored: &Stored) -> Result<bool, StoreError> {
        let path = self.path(&stored.digest);
        match fs::metadata(&path) {
            Ok(meta) if meta.len() == stored.size => {
                self.durability.sync_dir(path.parent().unwrap_or(&self.root))?;
                Ok(true)
            }
            // cut short by something that is not us: it is replaced
            Ok(_) => Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io("look at", &path)(error)),
        }
    }

    /// Syncs a temporary file and gives it its name.
    fn finish(&self, temp: &Path, file: Result<File, StoreError>, digest: &str) -> Result<(), StoreError> {
        let path = self.path(digest);
        let named = file.and_then(|file| {
            file.set_permissions(Permissions::from_mode(0o444))
                .map_err(StoreError::io("make read-only", temp))?;
            self.durability.sync_data(&file, temp)?;
            let folder = path.parent().unwrap_or(&self.root);
            self.durability.create_dirs(folder)?;
            fs::rename(temp, &path).map_err(StoreError::io("name", &path))?;
            self.durability.sync_dir(folder)
        });
        if named.is_err() {
            discard(temp);
        }
        named
    }
}

/// The hash of a file's bytes, without storing them.
pub fn hash_file(path: &Path) -> Result<Stored, StoreError> {
    let mut file = File::open(path).map_err(StoreError::io("open", path))?;
    hash_reader(&mut file, path)
}

/// The hash of what a reader gives, which reads `source`.
pub fn hash_reader(input: &mut dyn Read, source: &Path) -> Result<Stored, StoreError> {
    copy_hashing(input, source, None)
}

fn copy_hashing(
    input: &mut dyn Read,
    source: &Path,
    mut copy: Option<(&mut File, &Path)>,
) -> Result<Stored, StoreError> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; COPY_BYTES];
    let mut size = 0;
    loop {
        let n = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(StoreError::io("read", source)(error)),
        };
        hasher.update(&buffer[..n]);
        size += n as u64;
        if let Some((file, path)) = &mut copy {
            file.write_all(&buffer[..n]).map_err(StoreError::io("write", path))?;
        }
    }
    Ok(Stored {
        digest: hasher.finalize().to_hex().to_string(),
        size,
    })
}

fn missing(error: std::io::Error, digest: &str, path: &Path) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::NotFound => StoreError::NoArtifact {
            digest: digest.to_owned(),
            path: path.to_owned(),
        },
        _ => StoreError::io("read", path)(error),
    }
}

/// A temporary file that is of no use any more; if it stays, nothing refers to it.
fn discard(temp: &Path) {
    let _ = fs::remove_file(temp);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifacts(dir: &tempfile::TempDir) -> Artifacts {
        Artifacts::new(dir.path().join("artifacts"), Durability::Power)
    }

    #[test]
    fn the_same_bytes_are_stored_once_and_read_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = artifacts(&dir);
        let source = dir.path().join("report.md");
        fs::write(&source, b"# Report").expect("written");
        let one = store.put(b"# Report").expect("stored");
        let two = store.put_file(&source).expect("stored");
        assert_eq!(one, two);
        assert_eq!(store.get(&one.digest).expect("there"), b"# Report");
        let mode = fs::metadata(store.path(&one.digest))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o444);
        let left: Vec<_> = fs::read_dir(dir.path().join("artifacts")).expect("there").collect();
        assert_eq!(left.len(), 1, "no temporary file is left");
    }

    #[test]
    fn changed_and_missing_artifacts_are_told_apart() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = artifacts(&dir);
        let digest = store.put(b"one").expect("stored").digest;
        let path = store.path(&digest);
        fs::remove_file(&path).expect("removed");
        assert!(matches!(store.get(&digest), Err(StoreError::NoArtifact { .. })));
        fs::write(&path, b"two").expect("written");
        assert!(matches!(store.get(&digest), Err(StoreError::ArtifactChanged { .. })));
        assert!(matches!(store.verify(&digest), Err(StoreError::ArtifactChanged { .. })));
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(artifacts(&dir).get("../../../etc/passwd").is_err());
    }
}
