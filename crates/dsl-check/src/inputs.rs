//! Everything that enters the database: texts, as chunks of whole blocks; which files there are; the configuration.
//!
//! Files that nobody is editing are set with medium durability, so that a keystroke elsewhere re-verifies none of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dsl_syntax::DecodeError;
use dsl_syntax::ast::Block;
use rayon::prelude::*;
use smol_str::SmolStr;

use crate::config::Config;
use crate::kept::{Kept, KeptOfFile};

/// A run of about sixteen whole blocks of one file.
#[salsa::input(debug)]
pub struct SourceChunk {
    #[returns(copy)]
    pub file: SourceFile,
    /// One field, so that whoever reads the chunk depends on one thing.
    #[returns(ref)]
    pub source: ChunkSource,
}

/// What a chunk says, and how it is to be read.
#[derive(Clone, Debug)]
pub struct ChunkSource {
    pub text: Arc<str>,
    /// The chunk starts inside a plan whose children are indented by this much.
    pub plan_indent: Option<u32>,
    /// Its text has been edited or is open, and will be edited again.
    pub kept: Option<Arc<Kept>>,
    /// The tree, once somebody has wanted to keep it: see [`crate::trees`].
    pub blocks: OnceLock<Vec<Arc<Block>>>,
}

impl SourceChunk {
    pub fn text(self, db: &dyn salsa::Database) -> &str {
        &self.source(db).text
    }
}

#[salsa::input(debug)]
pub struct SourceFile {
    #[returns(ref)]
    pub path: Arc<Path>,
    #[returns(deref)]
    pub chunks: Vec<SourceChunk>,
    /// Why the bytes could not be read as text; the file then has no chunks.
    #[returns(ref)]
    pub refused: Option<DecodeError>,
    #[returns(ref)]
    pub kept: Arc<KeptOfFile>,
}

/// What a workspace consists of. There is one, so that no query is told which: one that takes a file or a chunk and
/// nothing else is looked up without a table of its arguments.
#[salsa::input(singleton, debug)]
pub struct Project {
    #[returns(ref)]
    pub root: Arc<Path>,
    #[returns(ref)]
    pub files: BTreeMap<Arc<Path>, SourceFile>,
    #[returns(ref)]
    pub config: Config,
    /// Imports that are there and could not be read, with the reason.
    #[returns(ref)]
    pub unreadable: BTreeMap<Arc<Path>, SmolStr>,
}

#[salsa::db]
#[derive(Clone, Default)]
pub struct Database {
    storage: salsa::Storage<Self>,
}

#[salsa::db]
impl salsa::Database for Database {}

#[cfg(test)]
impl Database {
    /// One that counts the queries that it runs.
    pub fn counting(runs: Arc<std::sync::atomic::AtomicUsize>) -> Self {
        let count = move |event: salsa::Event| {
            if matches!(event.kind, salsa::EventKind::WillExecute { .. }) {
                runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        };
        Self {
            storage: salsa::Storage::new(Some(Box::new(count))),
        }
    }
}

/// So many things are worth a second processor at once; …
pub(crate) const MANY: usize = 32;
/// … fewer, if they take longer than this: mostly their answers are known, and to wake it would take longer.
const ALONE: Duration = Duration::from_micros(500);
/// So many chunks are asked at a time.
const CHUNKS_AT_ONCE: usize = 8;

/// Asks a query of every chunk, on all processors if that takes long; the answers stay in the database.
pub(crate) fn for_each_chunk(db: &Database, chunks: &[SourceChunk], ask: impl Fn(&Database, SourceChunk) + Sync) {
    let some: Vec<&[SourceChunk]> = chunks.chunks(CHUNKS_AT_ONCE).collect();
    for_each(db, &some, |db, chunks| chunks.iter().for_each(|&chunk| ask(db, chunk)));
}

/// The same of anything.
pub(crate) fn for_each<T: Sync>(db: &Database, all: &[T], ask: impl Fn(&Database, &T) + Sync) {
    for_each_since(db, Instant::now(), all, ask);
}

/// The same, of what goes on with something that has begun before.
pub(crate) fn for_each_since<T: Sync>(db: &Database, begun: Instant, all: &[T], ask: impl Fn(&Database, &T) + Sync) {
    let mut rest = all;
    while all.len() < MANY && begun.elapsed() < ALONE {
        let Some((first, others)) = rest.split_first() else {
            return;
        };
        ask(db, first);
        rest = others;
    }
    rest.par_iter().for_each_with(db.clone(), |db, one| ask(db, one));
}
