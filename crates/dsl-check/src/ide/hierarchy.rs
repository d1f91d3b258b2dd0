//! Who needs whom, step by step: from a node to those that it waits for, to those that wait for it, and through calls
//! into other plans.
//!
//! A plan stands for its last nodes: it needs them, and the tasks that call it need the plan. Read from graphs; absent:
//! fallbacks of fallbacks, which nobody wrote.

use std::path::Path;
use std::sync::Arc;

use dsl_syntax::ast::{Decl, Name, NeedKind, Span, Value};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use super::NodeAt;
use crate::analysis::{Analysis, Edge};
use crate::diagnostic::BlockRef;
use crate::graph::{EdgeKind, Topology, sig_of, topologies};
use crate::imports::{Space, visible};
use crate::inputs::SourceFile;
use crate::places::{decl_of, name_span};
use crate::plans::{FilePlans, file_plans};
use crate::signatures::Work;

/// A node, or a plan as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HierarchyItem {
    /// The name is empty of a plan.
    pub at: NodeAt,
    pub title: Option<SmolStr>,
    pub kind: DeclKind,
    /// The whole declaration.
    pub span: Span,
    pub name_span: Span,
}

/// One that is needed, or that needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HierarchyStep {
    pub item: HierarchyItem,
    /// Where the one that needs says so, in its own file.
    pub places: Vec<Span>,
}

/// A plan of a file, by number.
#[derive(Clone, Copy)]
struct PlanRef<'a> {
    file: SourceFile,
    number: usize,
    plans: &'a FilePlans,
    topology: &'a Topology,
}

impl Analysis {
    /// The node or the plan whose name stands at an offset.
    pub fn hierarchy_at(&self, path: &Path, offset: u32) -> Option<HierarchyItem> {
        let mut edge = Edge::new(self);
        if let Some(block) = self.node_block_at(path, offset) {
            return self.node_item(&mut edge, block);
        }
        let (block, start, _) = self.block_at(path, offset)?;
        let decl = decl_of(&self.db, block)?;
        let is_header = decl.kind == DeclKind::Plan && decl.header.contains(offset - start);
        let plans = file_plans(&self.db, block.chunk.file(&self.db));
        let (number, _) = plans.place(block).filter(|_| is_header)?;
        self.plan_item(&mut edge, self.plan_ref(block.chunk.file(&self.db), number as usize)?)
    }

    /// What it needs: nodes that it waits for, and the last of the plan that it calls.
    pub fn needs_of(&self, at: &NodeAt) -> Vec<HierarchyStep> {
        let mut edge = Edge::new(self);
        let Some(plan) = self.plan_named(at) else {
            return Vec::new();
        };
        let Some(node) = plan.topology.find(&at.name) else {
            return self.last_nodes(&mut edge, plan);
        };
        let Some(block) = plan.block(node) else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        for on in waited_for(plan.topology, node) {
            let places = self.places(&mut edge, block, &plan.topology.ties[on as usize].name);
            let item = plan.block(on).and_then(|block| self.node_item(&mut edge, block));
            steps.extend(item.map(|item| HierarchyStep { item, places }));
        }
        if let Some(called) = self.called_plan(block) {
            let name = decl_of(&self.db, block).and_then(called_name);
            let start = edge.block_start(block);
            let places = name.map(|name| name.span.shifted(start)).into_iter().collect();
            let item = self.plan_item(&mut edge, called);
            steps.extend(item.map(|item| HierarchyStep { item, places }));
        }
        steps
    }

    /// What needs it: nodes that wait for it; of a plan's last nodes the plan; of a plan the tasks that call it.
    pub fn needed_by(&self, at: &NodeAt) -> Vec<HierarchyStep> {
        let mut edge = Edge::new(self);
        let Some(plan) = self.plan_named(at) else {
            return Vec::new();
        };
        let Some(node) = plan.topology.find(&at.name) else {
            return self.callers(&mut edge, plan);
        };
        let edges = plan.topology.edges.all().iter();
        let mut waiting: Vec<u32> = edges
            .filter(|edge| edge.on == node && !matches!(edge.kind, EdgeKind::StandIn { .. }))
            .map(|edge| edge.waits)
            .collect();
        waiting.sort_unstable();
        waiting.dedup();
        if waiting.is_empty() {
            let item = self.plan_item(&mut edge, plan);
            return item.map(step_by_name).into_iter().collect();
        }
        let blocks = waiting.into_iter().filter_map(|node| plan.block(node));
        let step = |block| {
            let item = self.node_item(&mut edge, block)?;
            let places = self.places(&mut edge, block, &at.name);
            Some(HierarchyStep { item, places })
        };
        blocks.filter_map(step).collect()
    }

    fn last_nodes(&self, edge: &mut Edge<'_>, plan: PlanRef<'_>) -> Vec<HierarchyStep> {
        let mut is_last = vec![true; plan.topology.ties.len()];
        for edge in plan.topology.edges.all() {
            is_last[edge.on as usize] = false;
        }
        let last = (0..).zip(is_last).filter(|(_, is_last)| *is_last);
        let blocks = last.filter_map(|(node, _)| plan.block(node));
        blocks
            .filter_map(|block| self.node_item(edge, block))
            .map(step_by_name)
            .collect()
    }

    fn callers(&self, edge: &mut Edge<'_>, plan: PlanRef<'_>) -> Vec<HierarchyStep> {
        let wanted = &plan.plans.plans[plan.number].name;
        let mut steps = Vec::new();
        for &file in self.project.files(&self.db).values() {
            let imports = file == plan.file || visible(&self.db, file).files.contains(&plan.file);
            if !imports || wanted.is_empty() {
                continue;
            }
            let nodes = file_plans(&self.db, file).plans.iter().flat_map(|plan| &plan.nodes);
            for &(block, _) in nodes {
                let is_caller = self
                    .called_plan(block)
                    .is_some_and(|called| called.file == plan.file && called.number == plan.number);
                let Some(name) = decl_of_caller(self, block, is_caller) else {
                    continue;
                };
                let start = edge.block_start(block);
                steps.extend(self.node_item(edge, block).map(|item| HierarchyStep {
                    item,
                    places: vec![name.shifted(start)],
                }));
            }
        }
        steps
    }

    /// The plan that a node calls.
    fn called_plan(&self, block: BlockRef) -> Option<PlanRef<'_>> {
        let Work::Call(name) = &sig_of(&self.db, block)?.work else {
            return None;
        };
        let origin = visible(&self.db, block.chunk.file(&self.db)).get(Space::Plan, name)?;
        let number = file_plans(&self.db, origin.file).named(&origin.name)?;
        self.plan_ref(origin.file, number)
    }

    fn plan_ref(&self, file: SourceFile, number: usize) -> Option<PlanRef<'_>> {
        Some(PlanRef {
            file,
            number,
            plans: file_plans(&self.db, file),
            topology: topologies(&self.db, file).get(number)?,
        })
    }

    fn plan_named(&self, at: &NodeAt) -> Option<PlanRef<'_>> {
        let file = self.file(&at.file)?;
        let plans = &file_plans(&self.db, file).plans;
        self.plan_ref(file, plans.iter().position(|plan| plan.name == at.plan)?)
    }

    /// Where a node names one that it waits for; its own name where the other one says it.
    fn places(&self, edge: &mut Edge<'_>, block: BlockRef, needed: &str) -> Vec<Span> {
        let Some(decl) = decl_of(&self.db, block) else {
            return Vec::new();
        };
        let start = edge.block_start(block);
        let mut places: Vec<Span> = named_needs(decl)
            .filter(|name| name.text == needed)
            .map(|name| name.span)
            .collect();
        if places.is_empty() {
            places.push(name_span(decl));
        }
        places.into_iter().map(|span| span.shifted(start)).collect()
    }

    fn node_item(&self, edge: &mut Edge<'_>, block: BlockRef) -> Option<HierarchyItem> {
        let decl = decl_of(&self.db, block)?;
        let start = edge.block_start(block);
        Some(item(decl, start, self.node_of(block)?))
    }

    fn plan_item(&self, edge: &mut Edge<'_>, plan: PlanRef<'_>) -> Option<HierarchyItem> {
        let blocks = plan.plans.plans.get(plan.number)?;
        let first = *blocks
            .clauses
            .first()
            .or(blocks.nodes.first().map(|(block, _)| block))?;
        let decl = decl_of(&self.db, first)?;
        let at = NodeAt {
            file: Arc::clone(plan.file.path(&self.db)),
            plan: blocks.name.clone(),
            name: SmolStr::default(),
        };
        Some(HierarchyItem {
            kind: DeclKind::Plan,
            ..item(decl, edge.block_start(first), at)
        })
    }
}

impl PlanRef<'_> {
    fn block(&self, node: u32) -> Option<BlockRef> {
        let nodes = &self.plans.plans.get(self.number)?.nodes;
        nodes.get(node as usize).map(|(block, _)| *block)
    }
}

fn item(decl: &Decl, start: u32, at: NodeAt) -> HierarchyItem {
    HierarchyItem {
        at,
        title: decl.title.as_ref().and_then(|title| title.plain()),
        kind: decl.kind,
        span: decl.span.cover(decl.header).shifted(start),
        name_span: name_span(decl).shifted(start),
    }
}

/// Said nowhere but by the names themselves.
fn step_by_name(item: HierarchyItem) -> HierarchyStep {
    let places = vec![item.name_span];
    HierarchyStep { item, places }
}

fn waited_for(topology: &Topology, node: u32) -> Vec<u32> {
    let edges = topology.edges[node as usize].iter();
    let mut found: Vec<u32> = edges
        .filter(|edge| !matches!(edge.kind, EdgeKind::StandIn { .. }))
        .map(|edge| edge.on)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn named_needs(decl: &Decl) -> impl Iterator<Item = &Name> {
    let needs = decl.clauses.iter().filter_map(|clause| match &clause.value {
        Value::Needs(needs) => Some(needs),
        _ => None,
    });
    needs.flatten().flat_map(|need| match &need.kind {
        NeedKind::Node { name, .. } => std::slice::from_ref(name),
        NeedKind::Any(of) | NeedKind::Quorum { of, .. } => of.as_slice(),
    })
}

fn called_name(decl: &Decl) -> Option<&Name> {
    let call = decl.clauses.iter().find(|clause| clause.key == Some(K::Call))?;
    match &call.value {
        Value::Names(names) => names.first(),
        _ => None,
    }
}

fn decl_of_caller(analysis: &Analysis, block: BlockRef, is_caller: bool) -> Option<Span> {
    let decl = decl_of(&analysis.db, block).filter(|_| is_caller)?;
    called_name(decl).map(|name| name.span)
}
