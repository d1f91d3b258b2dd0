//! Requests to a driver as files in `inbox/`: on disk before the sender says that they were sent, taken in order of
//! their names.
//!
//! The driver journals a request with its name, then deletes the file; a name that the journal has already was done, so
//! nothing is done twice after a crash. Nobody else may read a request: what people wrote is in it before the driver,
//! who knows every secret, has looked at it.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::disk::{Durability, temporary};
use crate::error::StoreError;
use crate::id::random;

/// The folder `inbox/` of a run.
#[derive(Clone, Debug)]
pub struct Inbox {
    pub(crate) root: PathBuf,
    pub(crate) durability: Durability,
}

/// One request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub name: String,
    pub text: String,
}

impl Inbox {
    /// Leaves a request; returns its name.
    pub fn post(&self, text: &str) -> Result<String, StoreError> {
        let name = format!("{:013}-{:08x}.json", crate::now_ms(), random() as u32);
        let temp = temporary(&self.root);
        self.durability.write_new_private(&temp, text.as_bytes())?;
        let path = self.root.join(&name);
        fs::rename(&temp, &path).map_err(StoreError::io("name", &path))?;
        self.durability.sync_dir(&self.root)?;
        Ok(name)
    }

    /// What is waiting, oldest first.
    pub fn messages(&self) -> Result<Vec<Message>, StoreError> {
        let mut names = Vec::new();
        for item in fs::read_dir(&self.root).map_err(StoreError::io("read the folder", &self.root))? {
            let item = item.map_err(StoreError::io("read the folder", &self.root))?;
            if let Ok(name) = item.file_name().into_string()
                && name.ends_with(".json")
                && !name.starts_with('.')
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        let mut messages = Vec::with_capacity(names.len());
        for name in names {
            let path = self.root.join(&name);
            match fs::read_to_string(&path) {
                Ok(text) => messages.push(Message { name, text }),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::io("read", &path)(error)),
            }
        }
        Ok(messages)
    }

    /// Whether a request is still waiting.
    pub fn is_waiting(&self, name: &str) -> bool {
        self.root.join(name).exists()
    }

    /// Deletes a request that is in the journal.
    pub fn done(&self, name: &str) -> Result<(), StoreError> {
        let path = self.root.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("delete", &path)(error)),
            _ => Ok(()),
        }
    }

    pub fn path(&self) -> &std::path::Path {
        &self.root
    }
}
