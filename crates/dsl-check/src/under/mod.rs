//! A plan under one of its profiles: the declarations that the profile changes, as it leaves them.
//!
//! A line of a profile is put into the tree of the clause that it names, so everything that is made from trees sees it:
//! the compiled plan, its worst case, what can never run. What a profile may set has been checked with the profile
//! itself. Absent: a text that says the same; places in values from a profile are the profile's.

mod patch;
mod problems;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use dsl_syntax::ast::Decl;
use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::check::facts_of;
use crate::diagnostic::BlockRef;
use crate::facts::{Facts, PlanFacts, file_facts};
use crate::imports::{declarations, visible};
use crate::inputs::{SourceChunk, SourceFile};
use crate::meant::nearest;
use crate::plans::file_plans;
use crate::scope::FileScope;
use crate::scope::scope;
use crate::signatures::Sig;
use patch::patched;
pub(crate) use problems::{line_of, profile_problems};

/// Which profile, of which plan, and what it makes of it.
pub(crate) struct Under {
    pub name: SmolStr,
    profile: BlockRef,
    plan: (SourceFile, usize),
    /// An implicit plan has no block for its clauses: they stand in the profile's.
    decls: HashMap<BlockRef, Decl>,
}

/// The plan has no such profile; these are there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoProfile {
    pub profile: SmolStr,
    pub plan: SmolStr,
    pub profiles: Vec<SmolStr>,
}

impl std::fmt::Display for NoProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            profile,
            plan,
            profiles,
        } = self;
        write!(f, "the plan `{plan}` has no profile `{profile}`")?;
        let near = nearest(profile, profiles);
        let quoted = |names: Vec<&SmolStr>| {
            let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        match (near.is_empty(), profiles.is_empty()) {
            (_, true) => f.write_str(", nor any other"),
            (true, false) => write!(f, ", expected one of {}", quoted(profiles.iter().collect())),
            (false, false) => write!(f, ", did you mean {}?", quoted(near)),
        }
    }
}

impl std::error::Error for NoProfile {}

impl Analysis {
    /// The same, with a plan of a file (the only one, if none is named) as a profile leaves it: [`Analysis::compile`],
    /// [`Analysis::bounds`] and [`Analysis::run_problems`] see it so. A plan that is not there is found out by them.
    pub fn under(&self, path: &Path, plan: Option<&str>, profile: &str) -> Result<Self, NoProfile> {
        let found = self
            .file(path)
            .and_then(|file| Some((file, self.choose(file, plan).ok()?)));
        let Some(plan) = found else {
            return Ok(self.clone());
        };
        let profiles = self.profiles(plan);
        let Some((_, block)) = profiles.iter().find(|(name, _)| name == profile) else {
            let (file, at) = plan;
            let own = &scope(&self.db, file).own;
            return Err(NoProfile {
                profile: profile.into(),
                plan: own.get(at).map(|plan| plan.name.clone()).unwrap_or_default(),
                profiles: profiles.into_iter().map(|(name, _)| name).collect(),
            });
        };
        let under = Under {
            name: profile.into(),
            profile: *block,
            plan,
            decls: patched(&self.db, *block, usize::MAX)
                .map(|patched| patched.decls.into_iter().collect())
                .unwrap_or_default(),
        };
        let mut analysis = self.clone();
        analysis.under = Some(Arc::new(under));
        Ok(analysis)
    }

    /// The profiles of a plan in its own file and in those that it imports, directly or not.
    fn profiles(&self, plan: (SourceFile, usize)) -> Vec<(SmolStr, BlockRef)> {
        let db = &self.db;
        let mut files = vec![plan.0];
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(&file) = files.get(at) {
            at += 1;
            for (block, sig) in declarations(db, file).iter() {
                if let Sig::Profile { name: Some(name), .. } = sig
                    && plan_of(db, *block) == Some(plan)
                    && found.iter().all(|(known, _)| known != name)
                {
                    found.push((name.clone(), *block));
                }
            }
            let next = &visible(db, file).files;
            files.extend(
                next.iter()
                    .filter(|next| !files.contains(next))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        }
        found
    }

    /// The facts of a plan's blocks, as the profile leaves them.
    pub(crate) fn facts_under(&self, file: SourceFile, at: usize) -> Option<(Arc<PlanFacts>, Option<Arc<FileScope>>)> {
        let under = self.under.as_deref().filter(|under| under.plan == (file, at))?;
        let BlockRef { chunk, index } = under.profile;
        let facts = facts_under(&self.db, chunk, index).as_ref()?;
        Some((facts.facts.clone(), facts.scope.clone()))
    }

    /// The clauses that the profile gives an implicit plan.
    pub(crate) fn clauses_under(&self, file: SourceFile, at: usize) -> Option<(BlockRef, &Decl)> {
        let under = self.under.as_deref().filter(|under| under.plan == (file, at))?;
        Some((under.profile, under.decls.get(&under.profile)?))
    }

    /// The profile that a plan is under.
    pub(crate) fn profile_of(&self, file: SourceFile, at: usize) -> Option<SmolStr> {
        let under = self.under.as_deref().filter(|under| under.plan == (file, at))?;
        Some(under.name.clone())
    }

    /// A declaration as the profile leaves it; `None`: as it stands.
    pub(crate) fn decl_under(&self, block: BlockRef) -> Option<&Decl> {
        self.under.as_deref()?.decls.get(&block)
    }
}

/// The plan that a profile is of.
fn plan_of(db: &dyn salsa::Database, profile: BlockRef) -> Option<(SourceFile, usize)> {
    let decl = crate::places::decl_of(db, profile)?;
    let of = decl.of.as_ref()?;
    let shape = scope(db, profile.chunk.file(db)).about(&of.text)?;
    let at = file_plans(db, shape.file).named(&shape.plan.name)?;
    Some((shape.file, at))
}

/// The plan of a profile as checks of whole plans see it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct PlanUnder {
    plan: (SourceFile, usize),
    pub facts: Arc<PlanFacts>,
    /// Where the profile changes what capabilities cost.
    pub scope: Option<Arc<FileScope>>,
    /// The block of the implicit plan's clauses.
    pub clauses: Option<BlockRef>,
}

/// `None`: the profile is of no plan.
#[salsa::tracked(returns(ref))]
fn facts_under(db: &dyn salsa::Database, chunk: SourceChunk, index: u32) -> Option<PlanUnder> {
    plan_under(db, BlockRef { chunk, index }, usize::MAX)
}

/// As the profile's first lines leave it, as many as are said.
fn plan_under(db: &dyn salsa::Database, profile: BlockRef, lines: usize) -> Option<PlanUnder> {
    let patched = patched(db, profile, lines)?;
    let (file, at) = patched.plan;
    let blocks = file_plans(db, file).plans.get(at)?;
    let mut facts = file_facts(db, file).get(at)?.clone();
    let mut prices = Vec::new();
    let mut clauses = None;
    for (block, decl) in &patched.decls {
        let found = || -> Arc<Facts> { Arc::new(facts_of(db, *block, decl)) };
        if let Some(at) = blocks.nodes.iter().position(|(known, _)| known == block) {
            facts.nodes[at] = found();
        } else if let Some(at) = blocks.clauses.iter().position(|known| known == block) {
            facts.clauses[at] = found();
        } else if *block == profile {
            facts.clauses.push(found());
            clauses = Some(profile);
        } else if let Some(name) = &decl.name {
            prices.push((block.chunk.file(db), name.text.clone(), crate::signatures::prices(decl)));
        }
    }
    let scope = scope(db, file);
    let scope = (!prices.is_empty()).then(|| Arc::new(scope.with_prices(&prices)));
    Some(PlanUnder {
        plan: patched.plan,
        facts: Arc::new(facts),
        scope,
        clauses,
    })
}
