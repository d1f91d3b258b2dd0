//! What a plan uses and stands under, from the files that declare it: capabilities, agents, policies.
//!
//! Types are as the plan's own file knows them, so that a record has one name in a plan.

use std::collections::{BTreeMap, BTreeSet};

use dsl_syntax::ast::{Decl, Field, StringLit, Value};
use dsl_syntax::table::ClauseKey as K;
use ir::plan::{Agent, Binding, Body, Breaker, Capability, Judge, Param, Plan, Policy, Runner, RunnerKind, Task, Work};
use ir::{Expr, Value as Data};
use smol_str::SmolStr;

use crate::analysis::Analysis;
use crate::check::{self, Cx};
use crate::diagnostic::BlockRef;
use crate::graph::{PlanGraph, graphs};
use crate::imports::{Origin, Space, declarations, declared, visible};
use crate::inputs::SourceFile;
use crate::policy;
use crate::scope::{Capability as Declared, TypedField, scope};
use crate::signatures::clause;

/// Adds what a lowered plan uses.
pub(super) fn add(analysis: &Analysis, file: SourceFile, at: usize, plan: &mut Plan) {
    let graph = &graphs(&analysis.db, file)[at];
    let lowering = Lowering { analysis, file, graph };
    plan.capabilities = used_capabilities(plan)
        .into_iter()
        .filter_map(|name| Some((name.clone(), lowering.capability(&name)?)))
        .collect();
    plan.agents = lowering.agents(plan);
    plan.policies = lowering.policies(at);
}

fn used_capabilities(plan: &Plan) -> BTreeSet<SmolStr> {
    let mut used = BTreeSet::new();
    if let Some(Judge::Capability(name)) = &plan.judge {
        used.insert(name.clone());
    }
    for task in tasks(plan) {
        match &task.work {
            Work::Capability(name) => _ = used.insert(name.clone()),
            Work::Steps(steps) => used.extend(steps.iter().map(|step| step.capability.clone())),
            Work::Nothing | Work::Script(_) | Work::Call(_) => {}
        }
    }
    used
}

fn tasks(plan: &Plan) -> impl Iterator<Item = &Task> {
    plan.nodes.iter().filter_map(|node| match &node.body {
        Body::Task(task) => Some(&**task),
        Body::Gate(_) | Body::Decision(_) => None,
    })
}

struct Lowering<'a> {
    analysis: &'a Analysis,
    file: SourceFile,
    /// Of the plan; blocks elsewhere have no nodes to look up in it.
    graph: &'a PlanGraph,
}

impl<'a> Lowering<'a> {
    fn origin(&self, file: SourceFile, space: Space, name: &str) -> Option<&'a Origin> {
        visible(&self.analysis.db, file).get(space, name)
    }

    fn block(&self, origin: &Origin, space: Space) -> Option<BlockRef> {
        let key = (space, origin.name.clone());
        let all = declarations(&self.analysis.db, origin.file);
        let found = all.iter().find(|(_, sig)| declared(sig).as_ref() == Some(&key));
        found.map(|(block, _)| *block)
    }

    fn cx(&self, block: BlockRef, decl: &Decl) -> Cx<'a> {
        super::plan::cx(self.analysis, block, decl, self.graph)
    }

    // ---- capabilities ----

    fn capability(&self, name: &SmolStr) -> Option<Capability> {
        let typed = scope(&self.analysis.db, self.file).capabilities.get(name)?;
        let Some(origin) = self.origin(self.file, Space::Capability, name) else {
            return Some(builtin(name, typed));
        };
        let block = self.block(origin, Space::Capability)?;
        let decl = self.analysis.decl(block)?;
        let cx = self.cx(block, decl);
        Some(Capability {
            title: decl.title.as_ref().and_then(StringLit::plain),
            description: check::prose(decl, K::Description),
            input: params(&cx, decl, K::Input, &typed.input),
            output: params(&cx, decl, K::Output, &typed.output),
            effects: check::effects(decl),
            risks: check::names_in(decl, K::Risks),
            cost: match clause(decl, K::Cost).map(|clause| &clause.value) {
                Some(Value::Rates(rates)) => check::costs(rates),
                _ => Vec::new(),
            },
            idempotent: typed.idempotent,
            runner: check::runner_of_capability(&cx, decl),
        })
    }

    // ---- agents ----

    fn agents(&self, plan: &Plan) -> BTreeMap<SmolStr, Agent> {
        let mut wanted: BTreeSet<SmolStr> = tasks(plan).flat_map(|task| task.by.iter().cloned()).collect();
        let all = &scope(&self.analysis.db, self.file).agents;
        for task in tasks(plan).filter(|task| task.by.is_empty()) {
            if let Work::Capability(name) = &task.work {
                let origin = self.origin(self.file, Space::Capability, name);
                let provides = |agent: &SmolStr| origin.is_some_and(|origin| self.provides(agent, origin));
                wanted.extend(all.keys().filter(|agent| provides(agent)).cloned());
            }
        }
        wanted
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.agent(&name, plan)?)))
            .collect()
    }

    fn provides(&self, agent: &str, capability: &Origin) -> bool {
        let Some((origin, decl)) = self.agent_decl(agent) else {
            return false;
        };
        check::names_in(decl, K::Provides)
            .iter()
            .any(|name| self.origin(origin.file, Space::Capability, name) == Some(capability))
    }

    fn agent_decl(&self, name: &str) -> Option<(&'a Origin, &'a Decl)> {
        let origin = self.origin(self.file, Space::Agent, name)?;
        let decl = self.analysis.decl(self.block(origin, Space::Agent)?)?;
        Some((origin, decl))
    }

    fn agent(&self, name: &str, plan: &Plan) -> Option<Agent> {
        let (origin, decl) = self.agent_decl(name)?;
        let cx = self.cx(self.block(origin, Space::Agent)?, decl);
        let provided: Vec<Option<&Origin>> = check::names_in(decl, K::Provides)
            .iter()
            .map(|name| self.origin(origin.file, Space::Capability, name))
            .collect();
        let is_provided = |name: &&SmolStr| {
            let origin = self.origin(self.file, Space::Capability, name);
            origin.is_some() && provided.contains(&origin)
        };
        Some(Agent {
            title: decl.title.as_ref().and_then(StringLit::plain),
            description: check::prose(decl, K::Description),
            provides: plan.capabilities.keys().filter(is_provided).cloned().collect(),
            limits: match clause(decl, K::Limits).map(|clause| &clause.value) {
                Some(Value::Limits(lines)) => check::limits(lines),
                _ => Default::default(),
            },
            breaker: match clause(decl, K::Breaker).map(|clause| &clause.value) {
                Some(Value::Breaker(breaker)) => Some(Breaker {
                    failures: breaker.failures,
                    within_ms: check::duration_ms(&breaker.within)?,
                    probe_ms: check::duration_ms(&breaker.probe)?,
                }),
                _ => None,
            },
            runner: check::runner_of_agent(&cx, decl),
        })
    }

    // ---- policies ----

    fn policies(&self, at: usize) -> Vec<Policy> {
        let found = policy::blocks_of(&self.analysis.db, self.file, at);
        found
            .into_iter()
            .filter_map(|block| {
                let decl = self.analysis.decl(block)?;
                super::policies::policy(&self.cx(block, decl), decl)
            })
            .collect()
    }
}

/// A capability of the language.
fn builtin(name: &SmolStr, typed: &Declared) -> Capability {
    let param = |field: &TypedField| Param {
        name: field.name.clone(),
        ty: if field.has_default {
            field.ty.clone().optional()
        } else {
            field.ty.clone()
        },
        default: None,
        doc: None,
    };
    Capability {
        title: typed.title.clone(),
        input: typed.input.iter().map(param).collect(),
        output: typed.output.iter().map(param).collect(),
        idempotent: typed.idempotent,
        runner: Some(Runner {
            kind: RunnerKind::Builtin,
            script: None,
            args: vec![Binding {
                name: "name".into(),
                value: Expr::Const(Data::String(name.clone())),
            }],
        }),
        ..Capability::default()
    }
}

fn params(cx: &Cx<'_>, decl: &Decl, key: K, typed: &[TypedField]) -> Vec<Param> {
    let Some(Value::Fields(fields)) = clause(decl, key).map(|clause| &clause.value) else {
        return Vec::new();
    };
    let param = |field: &Field| {
        let known = typed.iter().find(|known| known.name == field.name.text)?;
        Some(Param {
            name: field.name.text.clone(),
            ty: known.ty.clone(),
            default: check::field_type(cx, field).1,
            doc: field.doc.clone(),
        })
    };
    fields.iter().filter_map(param).collect()
}
