//! Of a hopeless file a person reads the beginning: the most severe diagnostics of each file, and how many more there are.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use dsl_check::{Diagnostic, Severity};

/// Of one file.
const SHOWN_MAX: usize = 100;

pub struct Capped<'d> {
    /// In the order in which they came.
    pub shown: Vec<&'d Diagnostic>,
    /// By file, where some are left out.
    pub left: BTreeMap<&'d Path, usize>,
}

/// Errors come before warnings, and what stands first before what follows.
pub fn capped(diagnostics: &[Diagnostic], all: bool) -> Capped<'_> {
    let most = if all { usize::MAX } else { SHOWN_MAX };
    let mut taken: HashMap<&Path, usize> = HashMap::new();
    let mut is_shown = vec![false; diagnostics.len()];
    let mut left = BTreeMap::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Hint] {
        let of_severity = |(_, diagnostic): &(usize, &Diagnostic)| diagnostic.severity == severity;
        for (at, diagnostic) in diagnostics.iter().enumerate().filter(of_severity) {
            let file = diagnostic.file.as_ref();
            let taken = taken.entry(file).or_default();
            if *taken < most {
                *taken += 1;
                is_shown[at] = true;
            } else {
                *left.entry(file).or_default() += 1;
            }
        }
    }
    let shown = diagnostics.iter().zip(is_shown);
    let shown = shown.filter_map(|(diagnostic, is_shown)| is_shown.then_some(diagnostic));
    Capped {
        shown: shown.collect(),
        left,
    }
}
