//! What plans that are called do with their parameters: which outputs these reach, and where they end up printed or stored.
//!
//! Found for each plan once, what it calls first; plans that call themselves are reported elsewhere, and here merely
//! end. Absent: plans that nobody calls.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dsl_syntax::table::ClauseKey as K;
use smol_str::SmolStr;

use super::graph::{FlowGraph, Origin};
use super::leaks::{Leak, leaks};
use super::spot::{Level, Spot};
use crate::calls::called_names;
use crate::facts::file_values;
use crate::graph::graphs;
use crate::inputs::{Project, SourceFile};
use crate::plans::file_plans;
use crate::scope::scope;

/// A file and the place of a plan in it.
pub(crate) type PlanId = (SourceFile, u32);

pub(crate) type Summaries = HashMap<PlanId, Arc<Summary>>;

/// Parameters of one plan whose ways are followed.
const PARAMS_MAX: usize = 64;

#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Summary {
    params: HashMap<SmolStr, ParamFlow>,
    /// Outputs that may hold a secret of the plan's own.
    pub secret_outputs: Vec<SmolStr>,
}

#[derive(Clone, PartialEq, Debug, Default)]
struct ParamFlow {
    outputs: Vec<(SmolStr, Level)>,
    leak: Option<Leak>,
    receivers: Vec<u32>,
}

impl Summary {
    /// The outputs that a parameter reaches.
    pub fn outputs_of(&self, param: &str) -> &[(SmolStr, Level)] {
        self.params.get(param).map_or(&[], |flow| &flow.outputs)
    }

    /// Where the parameter is printed or stored.
    pub fn leak_of(&self, param: &str) -> Option<&Leak> {
        self.params.get(param)?.leak.as_ref()
    }

    /// The nodes of the called plan whose work is given the parameter, or what came of it.
    pub fn receivers_of(&self, param: &str) -> &[u32] {
        self.params.get(param).map_or(&[], |flow| &flow.receivers)
    }
}

/// The plan that a `call` in a file means.
pub(crate) fn called_plan(db: &dyn salsa::Database, file: SourceFile, name: &SmolStr) -> Option<PlanId> {
    let shape = scope(db, file).plans.get(name)?;
    let at = file_plans(db, shape.file).named(&shape.plan.name)?;
    Some((shape.file, at as u32))
}

/// The plans that each plan of the file calls.
#[salsa::tracked(returns(ref))]
fn file_calls(db: &dyn salsa::Database, file: SourceFile) -> Arc<Vec<Vec<PlanId>>> {
    let calls = called_names(db, file).iter().map(|names| {
        let mut seen = HashSet::new();
        let called = names.iter().filter_map(|(_, name)| called_plan(db, file, name));
        called.filter(|plan| seen.insert(*plan)).collect()
    });
    Arc::new(calls.collect())
}

/// Of every plan that is called.
#[salsa::tracked(returns(ref))]
pub(crate) fn summaries(db: &dyn salsa::Database) -> Arc<Summaries> {
    let project = Project::get(db);
    let mut found = Summaries::new();
    let files = project.files(db).values();
    let called: Vec<PlanId> = files
        .flat_map(|&file| file_calls(db, file).iter().flatten().copied())
        .collect();
    for plan in callees_first(db, &called) {
        let summary = summary(db, plan, &found);
        found.insert(plan, Arc::new(summary));
    }
    Arc::new(found)
}

/// Each plan once, after those that it calls, except around loops.
fn callees_first(db: &dyn salsa::Database, called: &[PlanId]) -> Vec<PlanId> {
    let calls = |(file, at): PlanId| file_calls(db, file).get(at as usize).map_or(&[][..], Vec::as_slice);
    let mut seen = HashSet::new();
    let mut order = Vec::new();
    for &start in called {
        if !seen.insert(start) {
            continue;
        }
        let mut stack = vec![(start, calls(start).iter())];
        while let Some((plan, rest)) = stack.last_mut() {
            match rest.next() {
                Some(&next) => {
                    if seen.insert(next) {
                        stack.push((next, calls(next).iter()));
                    }
                }
                None => {
                    order.push(*plan);
                    stack.pop();
                }
            }
        }
    }
    order
}

fn summary(db: &dyn salsa::Database, (file, at): PlanId, known: &Summaries) -> Summary {
    let scope = scope(db, file);
    let (Some(graph), Some(values), Some(plan), Some(shape)) = (
        graphs(db, file).get(at as usize),
        file_values(db, file).get(at as usize),
        file_plans(db, file).plans.get(at as usize),
        scope.own.get(at as usize),
    ) else {
        return Summary::default();
    };
    let flow = FlowGraph::new(graph, values, known, |name| called_plan(db, file, name));
    let mut found = Summary::default();
    let output = |spot: &Spot| match spot {
        Spot::Clause(_, sink) if sink.key == Some(K::Outputs) => sink.entry.clone(),
        _ => None,
    };
    for param in shape.params.iter().take(PARAMS_MAX) {
        let origins = [Origin::Param(param.name.clone())];
        let spread = flow.spread(&origins, |_, _| false);
        let mut of_param = ParamFlow::default();
        for arrived in &spread.found {
            if let Some(output) = output(&arrived.spot) {
                of_param.outputs.retain(|(known, _)| *known != output);
                of_param.outputs.push((output, arrived.level));
            }
        }
        of_param.receivers = spread.received().map(|(node, _)| node).collect();
        of_param.receivers.sort_unstable();
        of_param.receivers.dedup();
        // a parameter that is a secret is looked after where it is declared
        if !shape.is_secret(&param.name) {
            of_param.leak = leaks(plan, &flow, &origins, true).into_iter().next();
        }
        found.params.insert(param.name.clone(), of_param);
    }
    if !shape.secrets.is_empty() {
        let spread = flow.spread(&[Origin::Secrets], |_, _| false);
        found.secret_outputs = spread
            .found
            .iter()
            .filter_map(|arrived| output(&arrived.spot))
            .collect();
        found.secret_outputs.sort_unstable();
        found.secret_outputs.dedup();
    }
    found
}
