//! One plan: its blocks put together, with ids, lines, the defaults that it gives its tasks and needs that come from routes
//! `on success`.

use dsl_syntax::ast::{Decl, Span};
use ir::plan::{FailurePolicy, Need, Node, Plan};
use ir::types::Types;
use ir::visit;

use super::declared;
use crate::analysis::{Analysis, Edge};
use crate::check::{Cx, NodeParts, PlanParts, lower_node, lower_plan_block, with_default_retry};
use crate::diagnostic::BlockRef;
use crate::graph::{PlanGraph, graphs};
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::scope::scope;

/// The plan at a place of a file. The plans that it calls go by the names that its file knows them by.
pub(super) fn one(analysis: &Analysis, file: SourceFile, at: usize) -> Plan {
    let blocks = &file_plans(&analysis.db, file).plans[at];
    let graph = &graphs(&analysis.db, file)[at];
    let scope = scope(&analysis.db, file);
    let mut lines = Lines::new(analysis, file);
    let mut plan = Plan::new(scope.own.get(at).map(|plan| plan.name.clone()).unwrap_or_default());
    let mut retry = None;
    let mut failure = FailurePolicy::Abort;
    let clauses = blocks
        .clauses
        .iter()
        .filter_map(|&block| Some((block, analysis.decl(block)?)));
    for (block, decl) in clauses.chain(analysis.clauses_under(file, at)) {
        let parts = lower_plan_block(&cx(analysis, block, decl, graph), decl);
        failure = parts.failure.unwrap_or(failure);
        retry = retry.or_else(|| parts.retry.clone());
        add(&mut plan, parts);
    }
    plan.failure = failure;
    plan.profile = analysis.profile_of(file, at);
    for (block, _) in &blocks.nodes {
        let Some(decl) = analysis.decl(*block) else {
            continue;
        };
        let NodeParts {
            node,
            hypothesis,
            own_retry,
        } = lower_node(&cx(analysis, *block, decl, graph), decl);
        plan.hypotheses.extend(hypothesis);
        if let Some(mut node) = node {
            node.line = lines.line(*block, decl.keyword);
            if let (false, Some(retry)) = (own_retry, &retry) {
                with_default_retry(&mut node, retry);
            }
            plan.nodes.push(node);
        }
    }
    needs_of_routes(&mut plan.nodes);
    declared::add(analysis, file, at, &mut plan);
    plan.types = used_types(&plan, &scope.types);
    plan
}

pub(super) fn cx<'a>(analysis: &'a Analysis, block: BlockRef, decl: &Decl, graph: &'a PlanGraph) -> Cx<'a> {
    let mut cx = Cx::new(&analysis.db, block, decl);
    cx.graph = Some(graph);
    cx
}

fn add(plan: &mut Plan, parts: PlanParts) {
    plan.title = plan.title.take().or(parts.title);
    plan.description = plan.description.take().or(parts.description);
    plan.version = plan.version.take().or(parts.version);
    plan.owner = plan.owner.take().or(parts.owner);
    plan.labels.extend(parts.labels);
    plan.params.extend(parts.params);
    plan.outputs.extend(parts.outputs);
    plan.memory.extend(parts.memory);
    plan.secrets.extend(parts.secrets);
    plan.dir = plan.dir.take().or(parts.dir);
    if plan.budget.is_unlimited() {
        plan.budget = parts.budget;
    }
    if plan.limits.are_none() {
        plan.limits = parts.limits;
    }
    plan.timeout_ms = plan.timeout_ms.or(parts.timeout_ms);
    plan.judge = plan.judge.take().or(parts.judge);
    plan.trigger = plan.trigger.take().or(parts.trigger);
    plan.alerts.extend(parts.alerts);
}

/// `on success -> v` is also a need of `v`.
fn needs_of_routes(nodes: &mut [Node]) {
    let mut needs = Vec::new();
    for (from, node) in nodes.iter().enumerate() {
        needs.extend(
            node.routes
                .iter()
                .filter(|route| route.on == "success")
                .map(|route| (from as u32, route.to)),
        );
    }
    for (from, to) in needs {
        let Some(node) = nodes.get_mut(to as usize) else {
            continue;
        };
        let need = Need::Node {
            node: from,
            optional: false,
        };
        if !node.needs.contains(&need) {
            node.needs.push(need);
        }
    }
}

/// The records that the plan's own types reach.
fn used_types(plan: &Plan, all: &Types) -> Types {
    let mut wanted = Vec::new();
    visit::types(plan, &mut |ty, _| ty.records(&mut wanted));
    let mut used = Types::default();
    while let Some(name) = wanted.pop() {
        let Some(def) = all.get(&name) else { continue };
        if used.0.insert(name, def.clone()).is_none() {
            def.fields.iter().for_each(|field| field.ty.records(&mut wanted));
        }
    }
    used
}

/// Line numbers of a file.
pub(super) struct Lines<'a> {
    edge: Edge<'a>,
    starts: Vec<u32>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(analysis: &'a Analysis, file: SourceFile) -> Self {
        let text = analysis.text(file.path(&analysis.db)).unwrap_or_default();
        let starts = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at as u32 + 1)
            .collect();
        Self {
            edge: Edge::new(analysis),
            starts,
        }
    }

    /// Counted from 1.
    pub(super) fn line(&mut self, block: BlockRef, span: Span) -> u32 {
        let at = self.edge.block_start(block) + span.start;
        self.starts.partition_point(|&start| start <= at) as u32 + 1
    }
}
