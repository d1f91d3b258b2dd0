//! The workspaces that are open at once: one for each folder of the client, each with its own settings, and one for
//! each file outside of them. A file belongs to the deepest one around it. Runs on the writer's thread only.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dsl_check::{Loader, Workspace};

use crate::disk::{self, Disk};
use crate::documents::Documents;

/// So much text is read at once: more would keep edits waiting, less would have what is open looked at for each little piece.
const STEP_BYTES: usize = 1 << 20;

pub(crate) struct Root {
    pub workspace: Workspace,
    /// The client's: its files are loaded, and checked though nobody opened them.
    pub is_folder: bool,
    /// For documents that are no files, as long as there is nothing else: no file belongs to it.
    is_placeholder: bool,
    /// Found and not read yet.
    waiting: VecDeque<PathBuf>,
    /// Open documents of other roots that are imported here: they are as they are in the editor here too.
    guests: BTreeSet<Arc<Path>>,
}

pub(crate) struct Roots {
    /// Never empty.
    all: Vec<Root>,
    /// How many searches for plans are under way.
    searches: usize,
    found: usize,
}

impl Default for Roots {
    fn default() -> Self {
        let placeholder = Root {
            is_placeholder: true,
            ..Root::new(Path::new("/"), false)
        };
        Self {
            all: vec![placeholder],
            searches: 0,
            found: 0,
        }
    }
}

impl Root {
    fn new(root: &Path, is_folder: bool) -> Self {
        Self {
            workspace: Workspace::new(root).with_loader(Disk),
            is_folder,
            is_placeholder: false,
            waiting: VecDeque::new(),
            guests: BTreeSet::new(),
        }
    }

    fn depth_around(&self, path: &Path) -> Option<usize> {
        let root = self.workspace.root();
        let is_around = !self.is_placeholder && path.starts_with(root);
        is_around.then(|| root.components().count())
    }
}

impl Roots {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Root> {
        self.all.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Root> {
        self.all.iter_mut()
    }

    /// The number of the root that a path belongs to; `None` if it is in none of them.
    fn around(&self, path: &Path) -> Option<usize> {
        let around = self.all.iter().enumerate();
        let around = around.filter_map(|(at, root)| Some((root.depth_around(path)?, at)));
        around.max_by_key(|(depth, _)| *depth).map(|(_, at)| at)
    }

    /// The root of a path; what is no file belongs to the first.
    pub(crate) fn of(&mut self, path: &Path) -> &mut Root {
        let at = self.around(path).unwrap_or_default();
        &mut self.all[at]
    }

    /// The workspaces that have an open document as it is in the editor: its own, and those that import it from elsewhere.
    pub(crate) fn showing(&mut self, path: &Path) -> impl Iterator<Item = &mut Workspace> {
        let home = self.around(path).unwrap_or_default();
        let roots = self.all.iter_mut().enumerate();
        let showing = roots.filter(move |(at, root)| *at == home || root.guests.contains(path));
        showing.map(|(_, root)| &mut root.workspace)
    }

    /// Gives roots that import an open document of another one its text.
    pub(crate) fn welcome(&mut self, documents: &Documents) {
        if self.all.len() < 2 {
            return;
        }
        for (path, document) in documents.iter() {
            let home = self.around(path).unwrap_or_default();
            for (at, root) in self.all.iter_mut().enumerate() {
                if at != home && root.workspace.has(path) && root.guests.insert(path.clone()) {
                    root.workspace.open_file(path, document.text.as_str().as_bytes());
                }
            }
        }
    }

    /// A document is no longer open: where it was a guest it is what is on the disk.
    pub(crate) fn dismiss(&mut self, path: &Path) -> impl Iterator<Item = &mut Workspace> {
        let hosts = self.all.iter_mut();
        hosts.filter_map(|root| root.guests.remove(path).then_some(&mut root.workspace))
    }

    /// Makes sure that a file has a root; the new one, if it had none.
    pub(crate) fn admit(&mut self, path: &Path) -> Option<&mut Root> {
        let folder = path
            .parent()
            .filter(|_| path.is_absolute() && self.around(path).is_none())?;
        Some(self.add(&disk::root_of(folder), false))
    }

    pub(crate) fn add(&mut self, root: &Path, is_folder: bool) -> &mut Root {
        let there = self.all.iter().position(|one| one.workspace.root() == root);
        let at = there.unwrap_or_else(|| {
            let is_all = self.all.len() == 1 && self.all[0].is_placeholder;
            if is_all && self.all[0].workspace.files().is_empty() {
                self.all.clear();
            }
            self.all.push(Root::new(root, is_folder));
            self.all.len() - 1
        });
        self.all[at].is_folder |= is_folder;
        self.all[at].is_placeholder = false;
        &mut self.all[at]
    }

    pub(crate) fn remove(&mut self, root: &Path) {
        self.all.retain(|one| one.workspace.root() != root);
        if self.all.is_empty() {
            self.all.extend(Self::default().all);
        }
    }

    /// Forgets what all of them hold, and has the same roots again.
    pub(crate) fn empty(&mut self) {
        for root in &mut self.all {
            let is_placeholder = root.is_placeholder;
            *root = Root::new(root.workspace.root().to_path_buf().as_path(), root.is_folder);
            root.is_placeholder = is_placeholder;
        }
    }

    /// Plans are being looked for; they will be found.
    pub(crate) fn search(&mut self) {
        self.searches += 1;
    }

    /// Plans were found below a root, to be read some time.
    pub(crate) fn found(&mut self, root: &Path, plans: Vec<PathBuf>) {
        self.searches = self.searches.saturating_sub(1);
        if let Some(root) = self.all.iter_mut().find(|one| one.workspace.root() == root) {
            self.found += plans.len();
            root.waiting.extend(plans);
        }
    }

    /// How many plans have been read, of how many.
    pub(crate) fn progress(&self) -> (usize, usize) {
        (self.found - self.waiting(), self.found)
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.searches > 0 || self.waiting() > 0
    }

    pub(crate) fn waiting(&self) -> usize {
        self.all.iter().map(|root| root.waiting.len()).sum()
    }

    /// Reads some of what was found.
    pub(crate) fn load_some(&mut self) {
        let Some(root) = self.all.iter_mut().find(|root| !root.waiting.is_empty()) else {
            return;
        };
        let mut bytes = 0;
        let mut files = Vec::new();
        while let Some(path) = root.waiting.pop_front() {
            // what is open, or imported by that, is here already
            if root.workspace.has(&path) {
                continue;
            }
            if let Ok(text) = Disk.read(&path) {
                bytes += text.len();
                files.push((path, text));
            }
            if bytes >= STEP_BYTES {
                break;
            }
        }
        root.workspace.set_files(files);
        if self.waiting() == 0 {
            self.found = 0;
        }
    }
}
