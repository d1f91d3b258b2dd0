//! What keeps a correct plan from being run: capabilities that nobody says how to carry out.
//!
//! Checking and testing a plan needs no runners, so these are asked for only when it is to be run, with the profile
//! that it is to be run under. Subplans are looked through. Absent: whether a runner works.

use std::collections::{HashSet, VecDeque};
use std::path::Path;

use dsl_syntax::ast::Value;
use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use crate::analysis::{Analysis, Edge};
use crate::calls::{PlanRef, calls};
use crate::diagnostic::{BlockRef, Diag, Diagnostic, Place, Target};
use crate::graph::sig_of;
use crate::imports::declarations;
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::rules;
use crate::scope::{CapabilityId, FileScope, scope};
use crate::signatures::{NodeSig, Sig, Work, name_of};

/// How many uses of a capability are shown.
const USES_SHOWN_MAX: usize = 5;

/// A capability without a runner, and where the plan uses it: the name there, what uses it, the place.
struct Missing {
    id: CapabilityId,
    name: SmolStr,
    uses: Vec<(String, Place)>,
    /// Agents that could run it, had the task named one.
    able: Vec<SmolStr>,
}

impl Analysis {
    /// Why a plan of a file (the only one, if none is named) cannot be run under a profile, or under none. The plan has
    /// no errors.
    pub fn run_problems(&self, path: &Path, plan: Option<&str>, profile: Option<&str>) -> Vec<Diagnostic> {
        let Some(file) = self.file(path) else {
            return Vec::new();
        };
        let Some(at) = self.choose(file, plan).ok() else {
            return Vec::new();
        };
        let Some(severity) = self.config().severity(rules::ABSTRACT_CAPABILITY) else {
            return Vec::new();
        };
        let start = PlanRef { file, at: at as u32 };
        let supplied = self.supplied(start, profile);
        let mut edge = Edge::new(self);
        self.missing(start, &supplied)
            .iter()
            .filter_map(|missing| Some(edge.diagnostic(&self.abstract_capability(missing)?, severity)))
            .collect()
    }

    /// The capabilities for which the profile has a runner.
    fn supplied(&self, plan: PlanRef, profile: Option<&str>) -> HashSet<CapabilityId> {
        let mut supplied = HashSet::new();
        let db = &self.db;
        let plans = &file_plans(db, plan.file).plans;
        let (Some(profile), Some(name)) = (profile, plans.get(plan.at as usize).map(|plan| &plan.name)) else {
            return supplied;
        };
        for &file in self.project.files(db).values() {
            for (block, sig) in declarations(db, file).iter() {
                let Sig::Profile {
                    name: Some(found),
                    of: Some(of),
                } = sig
                else {
                    continue;
                };
                let here = scope(db, file);
                let is_of = here
                    .plans
                    .get(of)
                    .is_some_and(|shape| shape.file == plan.file && shape.plan.name == *name);
                if found != profile || !is_of {
                    continue;
                }
                let clauses = self.decl(*block).map_or(&[][..], |decl| &decl.clauses);
                let runners = clauses
                    .iter()
                    .filter_map(|clause| clause.name.text.strip_suffix(".runner"));
                supplied.extend(runners.filter_map(|name| Some(here.capabilities.get(name)?.id.clone())));
            }
        }
        supplied
    }

    fn missing(&self, start: PlanRef, supplied: &HashSet<CapabilityId>) -> Vec<Missing> {
        let db = &self.db;
        let mut missing = Vec::new();
        let mut seen = HashSet::from([start]);
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            let here = scope(db, at.file);
            let Some(plan) = file_plans(db, at.file).plans.get(at.at as usize) else {
                continue;
            };
            for (block, _) in &plan.nodes {
                let Some(sig) = sig_of(db, *block) else { continue };
                for (name, key) in used(sig) {
                    let use_ = (format!("`{}`", sig.name), named(*block, key, name));
                    note(&mut missing, here, supplied, name, &sig.by, use_);
                }
            }
            for &block in &plan.clauses {
                let judge = self.decl(block).and_then(|decl| name_of(decl, K::Judge));
                if let Some(name) = judge.filter(|name| name != "human") {
                    let use_ = ("the judge".to_owned(), named(block, K::Judge, &name));
                    note(&mut missing, here, supplied, &name, &[], use_);
                }
            }
            let called = calls(db, at.file).get(at.at as usize);
            let called = called.into_iter().flatten().map(|call| call.to);
            queue.extend(called.filter(|next| seen.insert(*next)));
        }
        missing
    }

    fn abstract_capability(&self, missing: &Missing) -> Option<Diag> {
        let name = &missing.name;
        let [(first, place), others @ ..] = missing.uses.as_slice() else {
            return None;
        };
        let message = format!("`{name}` has no runner, expected one before {first} can be run");
        let mut diag = Diag::new(rules::ABSTRACT_CAPABILITY, place.clone(), message);
        for (other, place) in others.iter().take(USES_SHOWN_MAX) {
            diag = diag.label(place.clone(), format!("{other} uses it too"));
        }
        if let Some(block) = missing.id.file.and_then(|file| self.declared(file, &missing.id.name)) {
            let place = Place {
                block,
                target: Target::Name,
            };
            diag = diag.label(place, "declared here, without `runner:`");
        }
        Some(diag.help(match missing.able.as_slice() {
            [] => format!("add `runner: …` to `{name}`, or to an agent that provides it and is named in `by:`"),
            [agent, ..] => format!("let an agent do it that has a runner: `by: {agent}`"),
        }))
    }

    fn declared(&self, file: SourceFile, name: &str) -> Option<BlockRef> {
        let mut all = declarations(&self.db, file).iter();
        all.find_map(|(block, sig)| match sig {
            Sig::Capability(sig) if sig.name == name => Some(*block),
            _ => None,
        })
    }
}

fn named(block: BlockRef, key: K, name: &SmolStr) -> Place {
    Place {
        block,
        target: Target::Named(key, name.clone()),
    }
}

/// The capabilities that a task uses, and in which clause.
fn used(sig: &NodeSig) -> Vec<(&SmolStr, K)> {
    match &sig.work {
        Work::Capability(name) => vec![(name, K::Using)],
        Work::Steps(names) => names.iter().map(|name| (name, K::Do)).collect(),
        _ => Vec::new(),
    }
}

/// Notes a use, unless somebody can run it.
fn note(
    missing: &mut Vec<Missing>,
    here: &FileScope,
    supplied: &HashSet<CapabilityId>,
    name: &SmolStr,
    by: &[SmolStr],
    use_: (String, Place),
) {
    let Some(capability) = here.capabilities.get(name) else {
        return;
    };
    let id = &capability.id;
    let can_run = |agent: &SmolStr| {
        let agent = here.agents.get(agent);
        agent.is_some_and(|agent| agent.runner.is_some() && !agent.lacks(id))
    };
    if !capability.is_abstract() || supplied.contains(id) || by.iter().any(can_run) {
        return;
    }
    match missing.iter_mut().find(|missing| missing.id == *id) {
        Some(known) => known.uses.push(use_),
        None => missing.push(Missing {
            id: id.clone(),
            name: name.clone(),
            uses: vec![use_],
            able: here.agents.keys().filter(|agent| can_run(agent)).cloned().collect(),
        }),
    }
}

/// The names that a clause holds, for [`Target::Named`].
pub(crate) fn name_in(value: &Value, wanted: &str) -> Option<dsl_syntax::ast::Span> {
    let name = match value {
        Value::Names(names) => names.iter().find(|name| name.text == wanted),
        Value::Steps(steps) => steps
            .iter()
            .map(|step| &step.capability)
            .find(|name| name.text == wanted),
        _ => None,
    };
    name.map(|name| name.span)
}
