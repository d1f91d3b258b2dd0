//! What is asked of many files at once: on all processors, file by file.
//!
//! The chunks of one file keep two processors busy only for a part of the time that it takes; files that hardly know
//! each other for all of it.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::analysis::Analysis;
use crate::diagnostic::{Diagnostic, Severity};

impl Analysis {
    /// Everything wrong with each of these files, in their order; of that severity or worse.
    pub fn diagnostics_of(&self, paths: &[Arc<Path>], least: Severity) -> Vec<Vec<Diagnostic>> {
        if let [path] = paths {
            return vec![self.diagnostics_from(path, least)];
        }
        let each = paths.par_iter().with_max_len(1);
        each.map_with(self.clone(), |analysis, path| analysis.diagnostics_from(path, least))
            .collect()
    }
}
