//! The public face: files come in, whole or edit by edit; answers go out through [`Analysis`].
//!
//! Only the workspace writes to the database. Imports that it has not seen are read through a [`Loader`], so this crate
//! never touches the disk itself. Absent: watching files, walking folders.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use dsl_syntax::Document;
use salsa::{Durability, Setter};
use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::config::{Config, fixed_folder, names_file};
use crate::imports::{declarations, import_path, is_plan, normalize};
use crate::inputs::{ChunkSource, Database, Project, SourceChunk, SourceFile, for_each_chunk};
use crate::signatures::{Sig, signatures};

/// Reads files that others import.
pub trait Loader: Send + Sync {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>>;

    /// The plans in a folder, at any depth: the settings may name policies by patterns.
    fn plans_below(&self, folder: &Path) -> Vec<PathBuf> {
        let _ = folder;
        Vec::new()
    }
}

/// Imports nothing that was not set.
struct NoLoader;

impl Loader for NoLoader {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// An open file of up to so many chunks, about sixteen thousand tasks, is kept whole: that takes 8 KB a task, and the
/// first edit of a chunk is then like the next one. Of larger files what has been edited is kept.
const KEPT_CHUNKS_MAX: usize = 1024;

/// A change was refused, and nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EditError {
    /// No such file has been set, or it could not be read as text.
    NoText,
    /// The range ends beyond the text, or splits a character.
    BadRange,
}

impl std::fmt::Display for EditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoText => "there is no text to edit",
            Self::BadRange => "the range is not one of the text",
        })
    }
}

impl std::error::Error for EditError {}

/// One file as the workspace holds it.
struct Held {
    file: SourceFile,
    /// `None`: refused.
    document: Option<Document>,
    /// Inputs that fell out of use, for the next chunks.
    spare: Vec<SourceChunk>,
    open: bool,
    /// It imports a file that was not there, which is looked for again with each of its edits.
    lacks_imports: bool,
}

pub struct Workspace {
    analysis: Analysis,
    held: HashMap<Arc<Path>, Held>,
    /// Held, but not among the project's files yet.
    fresh: Vec<(Arc<Path>, SourceFile)>,
    loader: Box<dyn Loader>,
}

/// Everything that can be asked of a workspace is asked of its [`Analysis`].
impl Deref for Workspace {
    type Target = Analysis;
    fn deref(&self) -> &Analysis {
        &self.analysis
    }
}

impl Workspace {
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self::on(Database::default(), root.as_ref())
    }

    fn on(db: Database, root: &Path) -> Self {
        let root: Arc<Path> = normalize(root).into();
        let project = Project::builder(root, BTreeMap::new(), Config::default(), BTreeMap::new())
            .durability(Durability::MEDIUM)
            .new(&db);
        Self {
            analysis: Analysis {
                db,
                project,
                under: None,
            },
            held: HashMap::new(),
            fresh: Vec::new(),
            loader: Box::new(NoLoader),
        }
    }

    #[must_use]
    pub fn with_loader(mut self, loader: impl Loader + 'static) -> Self {
        self.loader = Box::new(loader);
        self
    }

    pub fn set_config(&mut self, config: Config) {
        let project = self.analysis.project;
        project
            .set_config(&mut self.analysis.db)
            .with_durability(Durability::MEDIUM)
            .to(config);
        self.load_policies();
    }

    /// The patterns of `policies` in the settings that name no file.
    pub fn missing_policies(&self) -> Vec<String> {
        let patterns = self.analysis.config().policies.iter();
        let root = self.analysis.root();
        let is_there = |pattern: &&String| {
            let mut paths = self.held.keys().filter_map(|path| path.strip_prefix(root).ok());
            paths.any(|path| names_file(pattern, path))
        };
        patterns.filter(|pattern| !is_there(pattern)).cloned().collect()
    }

    /// Reads the files that the settings name as policies: nobody needs to import them.
    fn load_policies(&mut self) {
        let root = self.analysis.root().to_path_buf();
        for pattern in self.analysis.config().policies.clone() {
            let below = self.loader.plans_below(&root.join(fixed_folder(&pattern)));
            for path in below {
                let is_named = path.strip_prefix(&root).is_ok_and(|path| names_file(&pattern, path));
                let path: Arc<Path> = normalize(&path).into();
                if !is_named || self.held.contains_key(&path) {
                    continue;
                }
                if let Ok(bytes) = self.loader.read(&path) {
                    self.set_file(&path, &bytes);
                }
            }
        }
    }

    /// A view for another thread. Changes wait until it is dropped.
    pub fn snapshot(&self) -> Analysis {
        self.analysis.clone()
    }

    /// Sets the whole of a file, as it is on disk or in an editor.
    pub fn set_file(&mut self, path: impl AsRef<Path>, bytes: &[u8]) {
        self.set_files([(path, bytes)]);
    }

    /// The same of many files, in less time than one by one.
    pub fn set_files<P: AsRef<Path>, B: AsRef<[u8]>>(&mut self, files: impl IntoIterator<Item = (P, B)>) {
        let mut stored = Vec::new();
        for (path, bytes) in files {
            let path: Arc<Path> = self.analysis.path(path.as_ref()).into();
            self.store(path.clone(), bytes.as_ref());
            stored.push(path);
        }
        let db = &self.analysis.db;
        let files = stored.iter().filter_map(|path| self.held.get(path));
        let chunks: Vec<SourceChunk> = files.flat_map(|held| held.file.chunks(db)).copied().collect();
        for_each_chunk(db, &chunks, |db, chunk| {
            signatures(db, chunk);
        });
        stored.into_iter().for_each(|path| self.load_imports(path));
        self.admit();
    }

    /// The file is being edited from now on: its changes are expected often.
    pub fn open_file(&mut self, path: impl AsRef<Path>, bytes: &[u8]) {
        let known: Arc<Path> = self.analysis.path(path.as_ref()).into();
        if !self.held.contains_key(&known) {
            self.store(known.clone(), b"");
            self.admit();
        }
        if let Some(held) = self.held.get_mut(&known).filter(|held| !held.open) {
            held.open = true;
            // What follows from the file is found again where it was expected to last: now, or else at the first edit.
            let db = &mut self.analysis.db;
            let chunks = held.file.chunks(db).to_vec();
            held.file.set_chunks(db).with_durability(Durability::LOW).to(chunks);
        }
        self.set_file(path, bytes);
    }

    /// The file is no longer being edited; its text stays as it was last set, and its trees are dropped.
    pub fn close_file(&mut self, path: impl AsRef<Path>) {
        let path: Arc<Path> = self.analysis.path(path.as_ref()).into();
        let Some(held) = self.held.get_mut(&path) else {
            return;
        };
        held.open = false;
        let db = &mut self.analysis.db;
        let chunks: Vec<SourceChunk> = held.file.chunks(db).iter().chain(&held.spare).copied().collect();
        for chunk in chunks {
            let source = chunk.source(db);
            if source.kept.is_some() {
                let source = ChunkSource {
                    kept: None,
                    blocks: OnceLock::new(),
                    ..source.clone()
                };
                chunk.set_source(db).with_durability(Durability::MEDIUM).to(source);
            }
        }
    }

    /// Replaces a byte range of a file.
    pub fn edit(&mut self, path: impl AsRef<Path>, range: Range<usize>, new: &str) -> Result<(), EditError> {
        let path: Arc<Path> = self.analysis.path(path.as_ref()).into();
        let held = self.held.get_mut(&path).ok_or(EditError::NoText)?;
        let document = held.document.as_mut().ok_or(EditError::NoText)?;
        let before = document.chunks().len();
        let len: usize = document.chunks().iter().map(|chunk| chunk.text.len()).sum();
        if range.start > range.end
            || range.end > len
            || !is_boundary(document, range.start)
            || !is_boundary(document, range.end)
        {
            return Err(EditError::BadRange);
        }
        if len - range.len() + new.len() > dsl_syntax::FILE_BYTES_MAX {
            let mut text = document.text();
            text.replace_range(range, new);
            self.store(path, text.as_bytes());
            return Ok(());
        }
        let changed = document.edit(range, new);
        let after = document.chunks().len();
        let replaced = changed.start..(changed.end + before).saturating_sub(after).max(changed.start);
        self.sync(&path, replaced, changed.clone(), true);
        if self.looks_for_imports(&path, changed) {
            self.load_imports(path);
            self.admit();
        }
        Ok(())
    }

    /// Whether one of these chunks of a file imports anything, or something that the file imports was not there.
    fn looks_for_imports(&self, path: &Path, chunks: Range<usize>) -> bool {
        let db = &self.analysis.db;
        let Some(held) = self.held.get(path) else {
            return false;
        };
        if held.lacks_imports {
            return true;
        }
        let chunks = held.file.chunks(db).get(chunks).unwrap_or_default();
        let mut sigs = chunks.iter().flat_map(|&chunk| signatures(db, chunk));
        sigs.any(|sig| matches!(sig, Sig::Use(_)))
    }

    /// The file could not be read. What imports it hears of it, unless it is just not there.
    pub fn lose_file(&mut self, path: impl AsRef<Path>, error: &io::Error) {
        self.remove_file(&path);
        let path: Arc<Path> = self.analysis.path(path.as_ref()).into();
        self.note_unreadable(&path, unreadable(error));
    }

    fn note_unreadable(&mut self, path: &Arc<Path>, why: Option<SmolStr>) {
        let project = self.analysis.project;
        let known = project.unreadable(&self.analysis.db);
        if known.get(path) == why.as_ref() {
            return;
        }
        let mut known = known.clone();
        match why {
            Some(why) => _ = known.insert(path.clone(), why),
            None => _ = known.remove(path),
        }
        project
            .set_unreadable(&mut self.analysis.db)
            .with_durability(Durability::MEDIUM)
            .to(known);
    }

    pub fn remove_file(&mut self, path: impl AsRef<Path>) {
        let path = self.analysis.path(path.as_ref());
        if self.held.remove(path.as_path()).is_some() {
            let project = self.analysis.project;
            let mut files = project.files(&self.analysis.db).clone();
            files.remove(path.as_path());
            project
                .set_files(&mut self.analysis.db)
                .with_durability(Durability::MEDIUM)
                .to(files);
        }
    }

    /// Makes the inputs of a file those of these bytes.
    fn store(&mut self, path: Arc<Path>, bytes: &[u8]) {
        let (document, refused) = match dsl_syntax::decode(bytes) {
            Ok(text) => (Some(Document::new(text)), None),
            Err(refused) => (None, Some(refused)),
        };
        let db = &mut self.analysis.db;
        if !self.held.contains_key(&path) {
            let file = SourceFile::builder(path.clone(), Vec::new(), None, Arc::default())
                .durability(Durability::MEDIUM)
                .new(db);
            self.held.insert(
                path.clone(),
                Held {
                    file,
                    document: None,
                    spare: Vec::new(),
                    open: false,
                    lacks_imports: false,
                },
            );
            self.fresh.push((path.clone(), file));
        }
        self.note_unreadable(&path, None);
        let db = &mut self.analysis.db;
        let Some(held) = self.held.get_mut(&path) else {
            return;
        };
        if *held.file.refused(db) != refused {
            held.file.set_refused(db).to(refused);
        }
        held.document = document;
        let old = held.file.chunks(db).len();
        let new = held.document.as_ref().map_or(0, |document| document.chunks().len());
        self.sync(&path, 0..old, 0..new, false);
    }

    /// Makes new files known to the project, all at once: its map of files is one value.
    fn admit(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let db = &mut self.analysis.db;
        let project = self.analysis.project;
        let mut files = project.files(db).clone();
        files.extend(self.fresh.drain(..));
        project.set_files(db).with_durability(Durability::MEDIUM).to(files);
    }

    /// Replaces inputs `old` of the file by its document's chunks `new`. Inputs whose text is the same are not touched.
    fn sync(&mut self, path: &Arc<Path>, old: Range<usize>, new: Range<usize>, is_edit: bool) {
        let Some(held) = self.held.get_mut(path) else {
            return;
        };
        let db = &mut self.analysis.db;
        let durability = if held.open { Durability::LOW } else { Durability::MEDIUM };
        let mut inputs = held.file.chunks(db).to_vec();
        let mut reused: VecDeque<SourceChunk> = inputs.get(old.clone()).unwrap_or_default().iter().copied().collect();
        let chunks = held.document.as_ref().map_or(&[][..], Document::chunks);
        let keeps_all = held.open && chunks.len() <= KEPT_CHUNKS_MAX;
        let mut fresh = Vec::with_capacity(new.len());
        for chunk in chunks.get(new).unwrap_or_default() {
            let plan_indent = chunk.context.plan_indent;
            let source = |kept| ChunkSource {
                text: chunk.text.clone(),
                plan_indent,
                kept,
                blocks: OnceLock::new(),
            };
            let input = match reused.pop_front().or_else(|| held.spare.pop()) {
                Some(input) => {
                    let now = input.source(db);
                    let is_new = now.text != chunk.text;
                    let is_kept = now.kept.is_some();
                    let keeps = keeps_all || is_edit && is_new;
                    let source = source(now.kept.clone().or_else(|| keeps.then(Arc::default)));
                    if is_new || now.plan_indent != plan_indent || source.kept.is_some() != is_kept {
                        input.set_source(db).with_durability(durability).to(source);
                    }
                    input
                }
                None => SourceChunk::builder(held.file, source((keeps_all || is_edit).then(Arc::default)))
                    .durability(durability)
                    .new(db),
            };
            fresh.push(input);
        }
        held.spare.extend(reused);
        let end = old.end.min(inputs.len());
        inputs.splice(old.start.min(end)..end, fresh);
        if inputs != held.file.chunks(db) {
            held.file.set_chunks(db).with_durability(durability).to(inputs);
        }
    }

    /// Reads what a file imports, directly or not, and is not here yet.
    fn load_imports(&mut self, path: Arc<Path>) {
        let mut queue = VecDeque::from([path]);
        while let Some(path) = queue.pop_front() {
            let mut lacks_some = false;
            for wanted in self.imported_paths(&path) {
                if self.held.contains_key(wanted.as_path()) {
                    continue;
                }
                let wanted: Arc<Path> = wanted.into();
                match self.loader.read(&wanted) {
                    Ok(bytes) => {
                        self.store(wanted.clone(), &bytes);
                        queue.push_back(wanted);
                    }
                    Err(error) => {
                        lacks_some = true;
                        self.note_unreadable(&wanted, unreadable(&error));
                    }
                }
            }
            if let Some(held) = self.held.get_mut(&path) {
                held.lacks_imports = lacks_some;
            }
        }
    }

    fn imported_paths(&self, path: &Path) -> Vec<PathBuf> {
        let Some(held) = self.held.get(path) else {
            return Vec::new();
        };
        let db = &self.analysis.db;
        declarations(db, held.file)
            .iter()
            .filter_map(|(_, sig)| match sig {
                Sig::Use(used) => used.path.as_ref(),
                _ => None,
            })
            .map(|text| import_path(self.analysis.root(), path, text))
            .filter(|path| is_plan(path))
            .collect()
    }
}

/// Why a file that is there cannot be read, in the system's words.
fn unreadable(error: &io::Error) -> Option<SmolStr> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => None,
        // `permission denied`, without the number that the system has for it
        kind if error.raw_os_error().is_some() => Some(kind.to_string().into()),
        _ => Some(error.to_string().into()),
    }
}

fn is_boundary(document: &Document, at: usize) -> bool {
    let mut start = 0;
    for chunk in document.chunks() {
        if at <= start + chunk.text.len() {
            return chunk.text.is_char_boundary(at - start);
        }
        start += chunk.text.len();
    }
    at == start
}

#[cfg(test)]
mod tests;
