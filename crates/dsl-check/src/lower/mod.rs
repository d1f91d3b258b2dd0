//! From a plan without errors to the IR.
//!
//! The checks lower each block as they check it; here the blocks of a plan are put together ([`plan`]), with what they use of
//! other declarations ([`declared`]) and with the plans that they call ([`calls`]), so that a run needs no other file. Absent:
//! opinions of its own.

mod calls;
mod declared;
mod plan;
mod policies;
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;

use ir::plan::Plan;
use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::diagnostic::{Diagnostic, Severity};
use crate::imports::visible;
use crate::inputs::{SourceFile, for_each_chunk};
use crate::plans::{PlanBlocks, file_plans};
use crate::policy;
use crate::scope::implicit_name;
use crate::trees::parse;

pub use tests::TestCase;

/// Why there is no compiled plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CompileError {
    /// The workspace has no such file.
    NoFile,
    /// The file has no plan of that name; these are there.
    NoPlan { plan: SmolStr, plans: Vec<SmolStr> },
    /// The file has no plan at all.
    Empty,
    /// The file has several plans, and none was named.
    WhichPlan { plans: Vec<SmolStr> },
    /// The errors of the file and of what it imports.
    Errors(Vec<Diagnostic>),
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |plans: &[SmolStr]| {
            plans
                .iter()
                .map(|plan| format!("`{plan}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Self::NoFile => f.write_str("there is no such file"),
            Self::NoPlan { plan, plans } => write!(f, "there is no plan `{plan}`, expected one of {}", list(plans)),
            Self::Empty => f.write_str("the file has no plan"),
            Self::WhichPlan { plans } => write!(
                f,
                "the file has several plans, expected the name of one: {}",
                list(plans)
            ),
            Self::Errors(errors) => match errors.len() {
                1 => f.write_str("the plan has an error"),
                count => write!(f, "the plan has {count} errors"),
            },
        }
    }
}

impl std::error::Error for CompileError {}

impl Analysis {
    /// The IR of a plan; of the only one of the file if none is named.
    pub fn compile(&self, path: &Path, plan: Option<&str>) -> Result<Plan, CompileError> {
        let file = self.file(path).ok_or(CompileError::NoFile)?;
        let errors = self.errors(file);
        if !errors.is_empty() {
            return Err(CompileError::Errors(errors));
        }
        let at = self.choose(file, plan)?;
        // it is put together from the trees, which are read on all processors
        for_each_chunk(&self.db, file.chunks(&self.db), |db, chunk| _ = parse(db, chunk));
        let plan = calls::whole(self, file, at);
        debug_assert!(ir::verify::verify(&plan).is_ok(), "{:?}", ir::verify::verify(&plan));
        Ok(plan)
    }

    /// The errors of a file and of all that it imports; those of the settings' policies too, for they bind its plans.
    pub(crate) fn errors(&self, file: SourceFile) -> Vec<Diagnostic> {
        let mut seen = BTreeSet::from([file.path(&self.db).clone()]);
        let mut queue = VecDeque::from([file]);
        let everywhere = policy::settings_files(&self.db).iter();
        queue.extend(everywhere.filter(|file| seen.insert(file.path(&self.db).clone())));
        let mut errors = Vec::new();
        while let Some(at) = queue.pop_front() {
            errors.extend(self.diagnostics_from(at.path(&self.db), Severity::Error));
            let imports = &visible(&self.db, at).files;
            queue.extend(
                imports
                    .iter()
                    .copied()
                    .filter(|next| seen.insert(next.path(&self.db).clone())),
            );
        }
        errors
    }

    pub(crate) fn choose(&self, file: SourceFile, wanted: Option<&str>) -> Result<usize, CompileError> {
        let plans = &file_plans(&self.db, file).plans;
        let implicit = implicit_name(file.path(&self.db));
        let name = |plan: &PlanBlocks| {
            if plan.clauses.is_empty() {
                implicit.clone()
            } else {
                plan.name.clone()
            }
        };
        let real: Vec<usize> = (0..plans.len())
            .filter(|&at| !plans[at].clauses.is_empty() || !plans[at].nodes.is_empty())
            .collect();
        let names = || real.iter().map(|&at| name(&plans[at])).collect::<Vec<_>>();
        match (wanted, real.as_slice()) {
            (_, []) => Err(CompileError::Empty),
            (None, [only]) => Ok(*only),
            (None, _) => Err(CompileError::WhichPlan { plans: names() }),
            (Some(wanted), _) => real
                .iter()
                .copied()
                .find(|&at| name(&plans[at]) == wanted)
                .ok_or_else(|| CompileError::NoPlan {
                    plan: wanted.into(),
                    plans: names(),
                }),
        }
    }
}
