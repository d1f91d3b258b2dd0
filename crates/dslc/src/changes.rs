//! Waiting for plans to change: `dslc check --watch`.
//!
//! Folders are watched, not files, because editors replace files. A burst of changes counts as one. Absent: what is done then.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use crate::failure::{Failure, plain};
use crate::workspace::CONFIG;

/// What is written within so long of the change before belongs to it.
const QUIET: Duration = Duration::from_millis(80);
/// A burst that does not end is not waited for longer.
const BURST_MAX: Duration = Duration::from_secs(1);

enum Heard {
    Changed,
    Interrupted,
}

/// Why waiting ended.
#[derive(PartialEq, Eq)]
pub enum Woken {
    Changed,
    /// Ctrl-C
    Interrupted,
}

pub struct Changes {
    watcher: RecommendedWatcher,
    heard: Receiver<Heard>,
    /// Folders watched with all below them.
    trees: BTreeSet<PathBuf>,
    /// Folders watched alone.
    folders: BTreeSet<PathBuf>,
}

impl Changes {
    /// Hears of changes below the given folders and beside the given files, and of Ctrl-C.
    pub fn new(paths: &[PathBuf]) -> Result<Self, Failure> {
        let (sender, heard) = channel();
        listen_for_ctrl_c(sender.clone())?;
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(&event)) {
                // Nobody listens any more: the process is ending.
                let _ = sender.send(Heard::Changed);
            }
        });
        let mut changes = Self {
            watcher: watcher.map_err(|error| failure(&error))?,
            heard,
            trees: BTreeSet::new(),
            folders: BTreeSet::new(),
        };
        for path in paths {
            match path.is_dir() {
                true => changes.tree(path)?,
                false => changes.beside(path),
            }
        }
        Ok(changes)
    }

    fn tree(&mut self, folder: &Path) -> Result<(), Failure> {
        if self.trees.insert(folder.to_path_buf()) {
            let watched = self.watcher.watch(folder, RecursiveMode::Recursive);
            watched.map_err(|error| failure(&error))?;
        }
        Ok(())
    }

    /// Also the folder of this file, which an import may have brought in; one that cannot be watched is not missed.
    pub fn beside(&mut self, file: &Path) {
        let Some(folder) = file.parent() else { return };
        let is_watched = folder.ancestors().any(|above| self.trees.contains(above));
        if !is_watched && self.folders.insert(folder.to_path_buf()) {
            let _ = self.watcher.watch(folder, RecursiveMode::NonRecursive);
        }
    }

    /// Waits for the next change and the end of its burst, or for Ctrl-C.
    pub fn wait(&self) -> Woken {
        let Ok(Heard::Changed) = self.heard.recv() else {
            return Woken::Interrupted;
        };
        let started = Instant::now();
        while started.elapsed() < BURST_MAX {
            match self.heard.recv_timeout(QUIET) {
                Ok(Heard::Changed) => {}
                Ok(Heard::Interrupted) | Err(RecvTimeoutError::Disconnected) => return Woken::Interrupted,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        Woken::Changed
    }
}

fn listen_for_ctrl_c(sender: Sender<Heard>) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGINT])
        .map_err(|error| Failure::internal(format!("cannot listen for Ctrl-C: {}", plain(&error))))?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = sender.send(Heard::Interrupted);
        }
    });
    Ok(())
}

/// Of a plan or the settings, or of a folder that may hold some. Reading is no change: we read ourselves.
fn is_change(event: &Event) -> bool {
    let is_written = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    is_written && event.paths.iter().any(|path| is_of_interest(path))
}

fn is_of_interest(path: &Path) -> bool {
    match path.extension() {
        Some(extension) => extension == "plan" || path.ends_with(CONFIG),
        None => path.is_dir(),
    }
}

fn failure(error: &notify::Error) -> Failure {
    let text = error.to_string();
    Failure::usage(format!(
        "cannot watch for changes: {}",
        text.split(" (os error").next().unwrap_or_default()
    ))
}
