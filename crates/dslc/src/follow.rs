//! Logs as they grow: what scripts print, while somebody drives the run.
//!
//! Absent: order between scripts that print at once. Each piece says whose it is when that changes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use store::{Log, RunFolder};

use crate::failure::{Failure, plain};
use crate::printer::{Printer, bold};

const POLL: Duration = Duration::from_millis(100);
/// Read at once.
const PIECE_BYTES: u64 = 1 << 16;

/// Prints what `wanted` logs hold and what is added to them, until nobody drives the run.
pub fn follow(folder: &RunFolder, wanted: impl Fn(&Log) -> bool, printer: &Printer) -> Result<(), Failure> {
    let mut tails = BTreeMap::new();
    let mut last = None;
    loop {
        // asked first: what was written until then is there to be read
        let driven = folder.driven_by()?.is_some();
        for log in folder.logs()?.into_iter().filter(|log| wanted(log)) {
            let tail = tails.entry(log.path.clone()).or_insert_with(|| Tail::new(&log.path));
            let head = format!("── {} #{}", log.label, log.attempt);
            tail.copy(printer, &mut || {
                if last.as_ref() != Some(&head) {
                    printer.line(&bold(&head, None));
                    last = Some(head.clone());
                }
            })?;
        }
        if !driven || printer.closed() {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
}

/// Prints a file and what is added to it, until nobody drives the run.
pub fn follow_file(folder: &RunFolder, path: &Path, printer: &Printer) -> Result<(), Failure> {
    let mut tail = Tail::new(path);
    loop {
        let driven = folder.driven_by()?.is_some();
        if path.exists() {
            tail.copy(printer, &mut || {})?;
        }
        if !driven || printer.closed() {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
}

/// A file and how far it was read.
struct Tail {
    path: PathBuf,
    at: u64,
    /// The beginning of a character whose end has not been written.
    begun: Vec<u8>,
}

impl Tail {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            at: 0,
            begun: Vec::new(),
        }
    }

    fn copy(&mut self, printer: &Printer, before: &mut dyn FnMut()) -> Result<(), Failure> {
        let wrong = |error: std::io::Error| {
            Failure::internal(format!("cannot read `{}`: {}", self.path.display(), plain(&error)))
        };
        let mut file = File::open(&self.path).map_err(wrong)?;
        file.seek(SeekFrom::Start(self.at)).map_err(wrong)?;
        loop {
            let mut bytes = std::mem::take(&mut self.begun);
            let read = file.by_ref().take(PIECE_BYTES).read_to_end(&mut bytes).map_err(wrong)?;
            self.at += read as u64;
            let whole = whole_chars(&bytes);
            self.begun = bytes.split_off(whole);
            if bytes.is_empty() {
                return Ok(());
            }
            before();
            printer.raw(&bytes);
            if read == 0 || printer.closed() {
                return Ok(());
            }
        }
    }
}

/// The length without a character that has only begun.
pub fn whole_chars(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        // wrong bytes further in: only an unfinished end matters
        Err(_) => bytes.len() - bytes.iter().rev().take(3).take_while(|byte| **byte >= 0x80).count(),
        Ok(_) => bytes.len(),
    }
}
