//! Plans in call order: those that a plan calls before it, in whatever file they are.
//!
//! Calls may form chains as long as the workspace has plans, so this keeps its own stack. A plan that is still being
//! visited when it is called again leads back to itself. Absent: what a bound is.

use std::cell::RefCell;
use std::collections::HashMap;

use smol_str::SmolStr;

use super::{Open, PlanBounds, Summary};
use crate::calls::called_names;
use crate::facts::{PlanFacts, file_facts};
use crate::graph::graphs;
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::scope::{FileScope, scope};
use crate::signatures::{NodeSig, Work};

/// A plan: its file, and which of its plans.
pub(crate) type PlanId = (SourceFile, u32);

/// One for each plan of the file; `None` for one with a loop.
pub(crate) fn bounds_of_file(db: &dyn salsa::Database, file: SourceFile) -> Vec<Option<PlanBounds>> {
    let mut visit = Visit {
        db,
        callees: Callees::new(db),
        known: HashMap::new(),
        instead: None,
    };
    let count = file_plans(db, file).plans.len() as u32;
    let found = (0..count).map(|plan| visit.plan((file, plan)));
    found.collect()
}

/// A plan as a profile leaves it.
pub(crate) fn bounds_under(
    db: &dyn salsa::Database,
    plan: PlanId,
    facts: &PlanFacts,
    scope: Option<&FileScope>,
) -> Option<PlanBounds> {
    let mut visit = Visit {
        db,
        callees: Callees::new(db),
        known: HashMap::new(),
        instead: Some(Instead { plan, facts, scope }),
    };
    visit.plan(plan)
}

/// What is read instead of the facts of a plan, and of the scope of its file.
struct Instead<'db> {
    plan: PlanId,
    facts: &'db PlanFacts,
    scope: Option<&'db FileScope>,
}

struct Visit<'db> {
    db: &'db dyn salsa::Database,
    callees: Callees<'db>,
    /// `None`: it is being visited.
    known: HashMap<PlanId, Option<Summary>>,
    instead: Option<Instead<'db>>,
}

enum Step {
    Enter(PlanId),
    Leave(PlanId),
}

impl Visit<'_> {
    fn plan(&mut self, id: PlanId) -> Option<PlanBounds> {
        let callees: Vec<PlanId> = self.callees(id);
        // on a loop of calls, what this plan calls leads back to it
        let before = self.known.insert(id, None);
        let mut steps: Vec<Step> = callees.into_iter().rev().map(Step::Enter).collect();
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(id) => {
                    if self.known.contains_key(&id) {
                        continue;
                    }
                    self.known.insert(id, None);
                    steps.push(Step::Leave(id));
                    steps.extend(self.callees(id).into_iter().rev().map(Step::Enter));
                }
                Step::Leave(id) => {
                    let summary = self.bounds(id).map(|bounds| bounds.summary());
                    self.known
                        .insert(id, Some(summary.unwrap_or(Summary::open(Open::Callee))));
                }
            }
        }
        let bounds = self.bounds(id);
        let summary = bounds.as_ref().map_or(Summary::open(Open::Callee), PlanBounds::summary);
        self.known.insert(id, before.flatten().or(Some(summary)));
        bounds
    }

    fn bounds(&self, (file, plan): PlanId) -> Option<PlanBounds> {
        let graph = graphs(self.db, file).get(plan as usize)?;
        let mut facts = file_facts(self.db, file).get(plan as usize)?;
        let mut scope: &FileScope = scope(self.db, file);
        if let Some(instead) = self.instead.as_ref().filter(|instead| instead.plan == (file, plan)) {
            facts = instead.facts;
            scope = instead.scope.unwrap_or(scope);
        }
        PlanBounds::new(graph, facts, scope, |sig| {
            let id = self.callees.called(scope, sig)?;
            let known = self.known.get(&id).copied()?;
            Some(known.unwrap_or_else(|| Summary::open(Open::CallLoop)))
        })
    }

    fn callees(&self, (file, plan): PlanId) -> Vec<PlanId> {
        let scope = scope(self.db, file);
        let Some(names) = called_names(self.db, file).get(plan as usize) else {
            return Vec::new();
        };
        let called = names.iter().filter_map(|(_, name)| self.callees.named(scope, name));
        called.collect()
    }
}

/// Finds called plans in their files.
pub(super) struct Callees<'db> {
    pub db: &'db dyn salsa::Database,
    places: RefCell<HashMap<SourceFile, HashMap<SmolStr, u32>>>,
}

impl<'db> Callees<'db> {
    pub fn new(db: &'db dyn salsa::Database) -> Self {
        Self {
            db,
            places: RefCell::default(),
        }
    }

    /// The plan that a task calls; of several of that name the first.
    pub fn called(&self, scope: &FileScope, sig: &NodeSig) -> Option<PlanId> {
        let Work::Call(name) = &sig.work else { return None };
        self.named(scope, name)
    }

    fn named(&self, scope: &FileScope, name: &SmolStr) -> Option<PlanId> {
        let shape = scope.plans.get(name)?;
        let mut places = self.places.borrow_mut();
        let places = places.entry(shape.file).or_insert_with(|| {
            let plans = (0..).zip(&file_plans(self.db, shape.file).plans);
            let mut places = HashMap::new();
            for (at, plan) in plans {
                places.entry(plan.name.clone()).or_insert(at);
            }
            places
        });
        let at = *places.get(&shape.plan.name)?;
        Some((shape.file, at))
    }
}
