//! `dslc/graph`, a request of our own: the plan at a place as nodes and edges with their ranges, for clients that draw
//! it. A plan with mistakes is drawn as far as it is understood.

use dsl_check::{Chart, ChartEdgeKind, ChartShape};
use serde::{Deserialize, Serialize};
use tower_lsp_server::ls_types::{Position, Range, TextDocumentIdentifier};

use crate::edge;
use crate::view::Subject;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    pub text_document: TextDocumentIdentifier,
    /// Absent: the first plan of the file.
    #[serde(default)]
    pub position: Option<Position>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Graph {
    /// Empty of a file's implicit plan.
    pub plan: String,
    pub title: Option<String>,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub id: String,
    pub title: Option<String>,
    pub shape: &'static str,
    pub note: Option<String>,
    pub critical: bool,
    pub range: Range,
    pub selection_range: Range,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Edge {
    pub from: u32,
    pub to: u32,
    pub kind: &'static str,
    pub label: Option<String>,
    pub critical: bool,
}

pub(crate) fn graph(subject: &Subject<'_>, params: &Params) -> Option<Graph> {
    let offset = params.position.map_or(0, |at| subject.offset(edge::place(at)));
    let chart = subject.view.snapshot.chart(subject.path, offset)?;
    Some(drawn(subject, &chart))
}

fn drawn(subject: &Subject<'_>, chart: &Chart) -> Graph {
    let (text, encoding) = (&subject.document.text, subject.view.settings.encoding);
    let nodes = chart.nodes.iter().map(|node| Node {
        id: node.id.to_string(),
        title: node.title.as_ref().map(ToString::to_string),
        shape: shape(node.shape),
        note: node.note.clone(),
        critical: node.critical,
        range: edge::range(text, node.span, encoding),
        selection_range: edge::range(text, node.name_span, encoding),
    });
    let edges = chart.edges.iter().map(|edge| Edge {
        from: edge.from,
        to: edge.to,
        kind: kind(edge.kind),
        label: edge.label.clone(),
        critical: edge.critical,
    });
    Graph {
        plan: chart.plan.to_string(),
        title: chart.title.as_ref().map(ToString::to_string),
        nodes: nodes.collect(),
        edges: edges.collect(),
    }
}

fn shape(shape: ChartShape) -> &'static str {
    match shape {
        ChartShape::Task => "task",
        ChartShape::FanOut => "fan-out",
        ChartShape::Milestone => "milestone",
        ChartShape::Call => "call",
        ChartShape::Gate => "gate",
        ChartShape::Decision => "decision",
    }
}

fn kind(kind: ChartEdgeKind) -> &'static str {
    match kind {
        ChartEdgeKind::Need => "need",
        ChartEdgeKind::Route => "route",
        ChartEdgeKind::Arm => "arm",
        ChartEdgeKind::Fallback => "fallback",
    }
}
