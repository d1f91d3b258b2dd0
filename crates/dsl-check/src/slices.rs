//! What checks of whole plans ask of every chunk, chunk by chunk and file by file.
//!
//! Of each chunk it is found while the chunk is checked. Of a file each question has a column, with the answers of all
//! chunks that have one: after an edit the columns are made again at once, and those that are the same as before wake
//! nobody. This is cheaper than a query for each question and chunk, which all have to be looked at after every edit.
//! Absent: what the answers mean.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::bounds::limits_nodes;
use crate::check::checked;
use crate::diagnostic::{Diag, Severity};
use crate::facts::Facts;
use crate::fallbacks::Misfit;
use crate::inputs::{SourceChunk, SourceFile};
use crate::policy::fan_outs;
use crate::reach::{Asks, asks};
use crate::rules;
use crate::signatures::Sig;
use crate::unused::{Outputs, for_anybody, outputs};
use crate::writes::{Written, written};

/// Of one chunk. Lists go by block.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Slices {
    has_errors: bool,
    limits_nodes: bool,
    asks: Arc<[(u32, Asks)]>,
    written: Arc<[(u32, Written)]>,
    outputs: Arc<Outputs>,
    for_anybody: Arc<[SmolStr]>,
    fan_outs: Arc<[(u32, u64)]>,
    misfits: Arc<[Misfit]>,
}

impl Slices {
    pub fn new(diags: &[Diag], sigs: &[Sig], facts: &[Arc<Facts>], misfits: Vec<Misfit>) -> Self {
        let is_error = |diag: &Diag| rules::find(diag.rule).is_some_and(|rule| rule.severity == Severity::Error);
        Self {
            has_errors: diags.iter().any(is_error),
            limits_nodes: limits_nodes(sigs, facts),
            asks: asks(facts),
            written: written(facts),
            outputs: Arc::new(outputs(sigs, facts)),
            for_anybody: for_anybody(sigs),
            fan_outs: fan_outs(facts),
            misfits: misfits.into(),
        }
    }
}

/// The answers to one question, of the chunks that have any.
#[derive(Debug)]
pub(crate) struct Column<T: ?Sized>(Arc<[(SourceChunk, Arc<T>)]>);

impl<T: ?Sized> Clone for Column<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> std::ops::Deref for Column<T> {
    type Target = [(SourceChunk, Arc<T>)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: ?Sized + PartialEq> PartialEq for Column<T> {
    fn eq(&self, other: &Self) -> bool {
        let same = |at: usize| {
            let ((chunk, one), (of, other)) = (&self[at], &other[at]);
            chunk == of && (Arc::ptr_eq(one, other) || one == other)
        };
        self.len() == other.len() && (0..self.len()).all(same)
    }
}

/// Of a file.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct FileSlices {
    has_errors: bool,
    limits_nodes: bool,
    asks: Column<[(u32, Asks)]>,
    written: Column<[(u32, Written)]>,
    outputs: Column<Outputs>,
    for_anybody: Column<[SmolStr]>,
    fan_outs: Column<[(u32, u64)]>,
    misfits: Column<[Misfit]>,
}

#[salsa::tracked(returns(ref))]
fn slices(db: &dyn salsa::Database, file: SourceFile) -> FileSlices {
    let all: Vec<(SourceChunk, &Slices)> = file
        .chunks(db)
        .iter()
        .map(|&chunk| (chunk, &checked(db, chunk).slices))
        .collect();
    fn column<'a, T: 'a>(all: &[(SourceChunk, &'a Slices)], of: impl Fn(&'a Slices) -> &'a Arc<[T]>) -> Column<[T]> {
        let some = all.iter().filter(|(_, slices)| !of(slices).is_empty());
        Column(some.map(|(chunk, slices)| (*chunk, of(slices).clone())).collect())
    }
    FileSlices {
        has_errors: all.iter().any(|(_, slices)| slices.has_errors),
        limits_nodes: all.iter().any(|(_, slices)| slices.limits_nodes),
        asks: column(&all, |slices| &slices.asks),
        written: column(&all, |slices| &slices.written),
        outputs: Column(
            all.iter()
                .map(|(chunk, slices)| (*chunk, slices.outputs.clone()))
                .collect(),
        ),
        for_anybody: column(&all, |slices| &slices.for_anybody),
        fan_outs: column(&all, |slices| &slices.fan_outs),
        misfits: column(&all, |slices| &slices.misfits),
    }
}

/// Whether checking some chunk finds errors.
#[salsa::tracked(returns(copy))]
pub(crate) fn file_has_errors(db: &dyn salsa::Database, file: SourceFile) -> bool {
    slices(db, file).has_errors
}

/// Whether some node has a budget of its own, or limits the plan that it calls.
#[salsa::tracked(returns(copy))]
pub(crate) fn file_limits_nodes(db: &dyn salsa::Database, file: SourceFile) -> bool {
    slices(db, file).limits_nodes
}

/// What nodes say about values.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_asks(db: &dyn salsa::Database, file: SourceFile) -> Column<[(u32, Asks)]> {
    slices(db, file).asks.clone()
}

/// What nodes write.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_written(db: &dyn salsa::Database, file: SourceFile) -> Column<[(u32, Written)]> {
    slices(db, file).written.clone()
}

/// The outputs that tasks declare and that blocks read.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_outputs(db: &dyn salsa::Database, file: SourceFile) -> Column<Outputs> {
    slices(db, file).outputs.clone()
}

/// The capabilities that tasks use and for which they name nobody.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_for_anybody(db: &dyn salsa::Database, file: SourceFile) -> Column<[SmolStr]> {
    slices(db, file).for_anybody.clone()
}

/// How many instances fan-outs have whose items are written down.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_fan_outs(db: &dyn salsa::Database, file: SourceFile) -> Column<[(u32, u64)]> {
    slices(db, file).fan_outs.clone()
}

/// Fallbacks that do not fit.
#[salsa::tracked(returns(ref))]
pub(crate) fn file_misfits(db: &dyn salsa::Database, file: SourceFile) -> Column<[Misfit]> {
    slices(db, file).misfits.clone()
}
