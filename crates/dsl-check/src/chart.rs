//! A plan as a picture of itself while it is written: nodes, edges, the critical path, each with its place in the text.
//!
//! Made of signatures, so a plan with mistakes has one too; the critical path is there once the plan has bounds. Absent: where
//! things are drawn, and what ran.

use std::collections::HashSet;
use std::path::Path;

use dsl_syntax::ast::Span;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::analysis::{Analysis, Edge};
use crate::bounds::Bounds;
use crate::diagnostic::BlockRef;
use crate::graph::sig_of;
use crate::inputs::SourceFile;
use crate::places::decl_of;
use crate::plans::file_plans;
use crate::signatures::{NeedSig, NodeKind, NodeSig, Ties, Work};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chart {
    /// Empty of a file's implicit plan.
    pub plan: SmolStr,
    pub title: Option<SmolStr>,
    /// In plan order.
    pub nodes: Vec<ChartNode>,
    pub edges: Vec<ChartEdge>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChartNode {
    pub id: SmolStr,
    pub title: Option<SmolStr>,
    pub shape: ChartShape,
    /// What it takes at worst, in a few words.
    pub note: Option<String>,
    pub critical: bool,
    /// The whole declaration.
    pub span: Span,
    pub name_span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChartShape {
    Task,
    FanOut,
    Milestone,
    /// A task that runs another plan.
    Call,
    Gate,
    Decision,
}

/// From what settles first to what follows; indices of [`Chart::nodes`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChartEdge {
    pub from: u32,
    pub to: u32,
    pub kind: ChartEdgeKind,
    /// The event of a route, the condition of an arm, how many of a quorum.
    pub label: Option<String>,
    pub critical: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ChartEdgeKind {
    Need,
    Route,
    Arm,
    Fallback,
}

impl Analysis {
    /// The plan at an offset; outside of any, the first of the file.
    pub fn chart(&self, path: &Path, offset: u32) -> Option<Chart> {
        let file = self.file(path)?;
        let plans = file_plans(&self.db, file);
        let here = self.block_at(path, offset).and_then(|(block, ..)| plans.place(block));
        let at = here.map_or(0, |(plan, _)| plan as usize);
        let plan = plans.plans.get(at)?;
        if plan.clauses.is_empty() && plan.nodes.is_empty() {
            return None;
        }
        let mut edge = Edge::new(self);
        let nodes = plan.nodes.iter().filter(|(_, sig)| sig.kind != NodeKind::Hypothesis);
        let mut chart = Chart {
            plan: plan.name.clone(),
            title: plan.clauses.first().and_then(|&header| self.title(header)),
            nodes: nodes
                .clone()
                .filter_map(|(block, _)| Some(self.chart_node(&mut edge, *block, sig_of(&self.db, *block)?)))
                .collect(),
            edges: Vec::new(),
        };
        let mut edges = Edges::new(&chart.nodes);
        for (block, ties) in nodes {
            edges.of_node(ties, || self.arms_of(*block, &ties.name));
        }
        chart.edges = edges.found;
        if let Ok(bounds) = self.bounds(path, self.plan_name(file, at).as_deref()) {
            chart.mark(&bounds);
        }
        Some(chart)
    }

    fn plan_name(&self, file: SourceFile, at: usize) -> Option<SmolStr> {
        let name = &file_plans(&self.db, file).plans.get(at)?.name;
        (!name.is_empty()).then(|| name.clone())
    }

    fn title(&self, block: BlockRef) -> Option<SmolStr> {
        decl_of(&self.db, block)?.title.as_ref()?.plain()
    }

    fn chart_node(&self, edge: &mut Edge<'_>, block: BlockRef, sig: &NodeSig) -> ChartNode {
        let start = edge.block_start(block);
        let decl = decl_of(&self.db, block);
        let place = |span: Option<Span>| span.unwrap_or_default().shifted(start);
        ChartNode {
            id: sig.name.clone(),
            title: self.title(block),
            shape: shape(sig),
            note: None,
            critical: false,
            span: place(decl.map(|decl| decl.span.cover(decl.header))),
            name_span: place(decl.map(|decl| decl.name.as_ref().map_or(decl.keyword, |name| name.span))),
        }
    }
}

fn shape(sig: &NodeSig) -> ChartShape {
    match (sig.kind, &sig.work) {
        (NodeKind::Gate, _) => ChartShape::Gate,
        (NodeKind::Decision, _) => ChartShape::Decision,
        _ if sig.each => ChartShape::FanOut,
        (_, Work::Nothing) => ChartShape::Milestone,
        (_, Work::Call(_)) => ChartShape::Call,
        _ => ChartShape::Task,
    }
}

/// The edges found so far; names that resolve to nothing are left out.
struct Edges {
    ids: FxHashMap<SmolStr, u32>,
    found: Vec<ChartEdge>,
}

impl Edges {
    /// Of nodes with one name the first is meant.
    fn new(nodes: &[ChartNode]) -> Self {
        let mut ids = FxHashMap::default();
        for (at, node) in (0..).zip(nodes) {
            ids.entry(node.id.clone()).or_insert(at);
        }
        Self { ids, found: Vec::new() }
    }

    fn of_node(&mut self, ties: &Ties, arms: impl FnOnce() -> Vec<crate::ArmText>) {
        for need in &ties.needs {
            match need {
                NeedSig::Node { name, optional } => {
                    self.add(name, &ties.name, ChartEdgeKind::Need, optional.then(|| "?".to_owned()));
                }
                NeedSig::Quorum { count, of } => {
                    let label = if *count == 1 {
                        "any".to_owned()
                    } else {
                        format!("{count} of {}", of.len())
                    };
                    for name in of {
                        self.add(name, &ties.name, ChartEdgeKind::Need, Some(label.clone()));
                    }
                }
            }
        }
        for route in &ties.routes {
            if let Some(event) = &route.on.as_ref().filter(|_| ties.kind != NodeKind::Decision) {
                self.add(&ties.name, &route.to, ChartEdgeKind::Route, Some(event.to_string()));
            }
        }
        if let Some(fallback) = &ties.fallback {
            self.add(&ties.name, fallback, ChartEdgeKind::Fallback, None);
        }
        if ties.kind == NodeKind::Decision {
            for arm in arms() {
                self.add(&ties.name, &arm.to, ChartEdgeKind::Arm, Some(arm.says));
            }
        }
    }

    fn add(&mut self, from: &SmolStr, to: &SmolStr, kind: ChartEdgeKind, label: Option<String>) {
        if let (Some(&from), Some(&to)) = (self.ids.get(from), self.ids.get(to)) {
            self.found.push(ChartEdge {
                from,
                to,
                kind,
                label,
                critical: false,
            });
        }
    }
}

impl Chart {
    /// Marks the critical path, and says what each node takes.
    fn mark(&mut self, bounds: &Bounds) {
        let ids: FxHashMap<SmolStr, u32> = (0..).zip(&self.nodes).map(|(at, node)| (node.id.clone(), at)).collect();
        for node in &bounds.nodes {
            if let Some(&at) = ids.get(&node.node) {
                self.nodes[at as usize].note = node.note();
            }
        }
        let path: Vec<u32> = bounds
            .path
            .iter()
            .filter_map(|step| ids.get(&step.node).copied())
            .collect();
        let steps: HashSet<(u32, u32)> = path.windows(2).map(|pair| (pair[0], pair[1])).collect();
        for &at in &path {
            self.nodes[at as usize].critical = true;
        }
        for edge in &mut self.edges {
            edge.critical = steps.contains(&(edge.from, edge.to));
        }
    }
}
