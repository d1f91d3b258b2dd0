//! `dslc graph`: the plan as a picture, in a language that other programs draw, or as JSON; the critical path is marked.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use clap::ValueEnum;
use dsl_check::{ArmText, Bounds, NodeBounds};
use ir::plan::{Body, Need, Node, NodeId, Plan};
use ir::{Expr, Value};
use serde::Serialize;

use super::bounds;
use super::compile::{Opened, Source};
use crate::failure::{Exit, Failure};
use crate::picture::{self, Arrow, Figure, Picture, Shape};
use crate::printer::Printer;
use crate::workspace::Place;

/// Draw a plan as SVG, Mermaid, dot or JSON
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  dslc graph deploy.plan --format svg > deploy.svg\n  dslc graph deploy.plan > deploy.mmd\n  dslc graph deploy.plan --format dot | dot -Tsvg > deploy.svg"
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Mermaid,
    Dot,
    Svg,
    Json,
}

/// The colour of the critical path.
const CRITICAL: &str = "#d9480f";

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let opened = Opened::new(&args.source, &place, printer, |_| true)?;
    let plan = opened.plan(&args.source)?;
    let bounds = opened.bounds(&args.source)?;
    let graph = Graph::new(&plan, &opened.arms(&args.source), &bounds);
    let text = match args.format {
        Format::Mermaid => graph.mermaid(),
        Format::Dot => graph.dot(),
        Format::Json => graph.json(),
        Format::Svg => {
            let (text, tidy) = picture::svg(&graph.picture(bounds::in_a_line(&bounds)));
            if !tidy {
                printer.warning("the plan is too large to be drawn tidily: its edges go straight, and may cross more than they must");
            }
            text
        }
    };
    printer.raw(&text);
    Ok(Exit::Fine)
}

#[derive(Serialize)]
struct Graph {
    plan: String,
    nodes: Vec<Drawn>,
    edges: Vec<Edge>,
}

#[derive(Serialize)]
struct Drawn {
    id: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip)]
    shape: Shape,
    /// At worst; absent where it has no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<u64>,
    #[serde(skip)]
    note: Option<String>,
    #[serde(skip)]
    waits: bool,
    /// On the critical path.
    critical: bool,
}

#[derive(Serialize)]
struct Edge {
    from: NodeId,
    to: NodeId,
    kind: EdgeKind,
    /// What stands at the edge: the event of a route, the condition of an arm, how many of a quorum.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    critical: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum EdgeKind {
    Need,
    Route,
    Arm,
    Fallback,
}

impl Graph {
    fn new(plan: &Plan, arms: &[ArmText], bounds: &Bounds) -> Self {
        let mut edges = Vec::new();
        for (id, node) in (0..).zip(&plan.nodes) {
            node.needs.iter().for_each(|need| need_edges(need, id, &mut edges));
            // A route on success is also a need, and that is drawn.
            for route in node.routes.iter().filter(|route| route.on != "success") {
                edges.push(Edge {
                    from: id,
                    to: route.to,
                    kind: EdgeKind::Route,
                    label: Some(route.on.to_string()),
                    critical: false,
                });
            }
            edges.extend(fallback(&node.body, id));
        }
        edges.extend(arm_edges(plan, arms));
        let name = plan
            .title
            .as_ref()
            .map_or_else(|| plan.name.to_string(), |title| format!("{}: {title}", plan.name));
        let mut graph = Self {
            plan: name,
            nodes: plan.nodes.iter().map(drawn).collect(),
            edges,
        };
        graph.mark(bounds);
        graph
    }

    /// Marks the critical path, and says what each node takes.
    fn mark(&mut self, bounds: &Bounds) {
        let ids: HashMap<&str, NodeId> = self.nodes.iter().map(|node| node.id.as_str()).zip(0..).collect();
        let path: Vec<NodeId> = bounds
            .path
            .iter()
            .filter_map(|step| ids.get(step.node.as_str()).copied())
            .collect();
        let steps: HashSet<(NodeId, NodeId)> = path.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let figures = bounds
            .nodes
            .iter()
            .filter_map(|node| Some((*ids.get(node.node.as_str())?, node)));
        let figures: Vec<(NodeId, &NodeBounds)> = figures.collect();
        for (id, node) in figures {
            let drawn = &mut self.nodes[id as usize];
            drawn.time_ms = node.time_ms;
            drawn.note = node.note();
            drawn.waits = node.people.is_some();
        }
        for node in path {
            self.nodes[node as usize].critical = true;
        }
        // what waits for a fallback waits by its need on what failed
        let stand_ins = self.edges.iter().filter(|edge| edge.kind == EdgeKind::Fallback);
        let failed: HashMap<NodeId, NodeId> = stand_ins.map(|edge| (edge.from, edge.to)).collect();
        for edge in &mut self.edges {
            let by_fallback = failed
                .get(&edge.from)
                .is_some_and(|&stand_in| steps.contains(&(stand_in, edge.to)));
            edge.critical = steps.contains(&(edge.from, edge.to)) || by_fallback;
        }
    }

    fn picture(&self, subtitle: String) -> Picture {
        let figures = self.nodes.iter().map(|node| Figure {
            name: node.id.clone(),
            title: node.title.clone(),
            note: node.note.clone(),
            shape: node.shape,
            waits: node.waits,
            critical: node.critical,
        });
        let arrows = self.edges.iter().map(|edge| Arrow {
            from: edge.from as usize,
            to: edge.to as usize,
            label: match edge.kind {
                EdgeKind::Route => edge.label.as_ref().map(|event| format!("on {event}")),
                EdgeKind::Need if edge.label.as_deref() == Some("?") => Some("optional".to_owned()),
                _ => edge.label.clone(),
            },
            dashed: edge.kind != EdgeKind::Need,
            critical: edge.critical,
        });
        Picture {
            title: self.plan.clone(),
            subtitle,
            figures: figures.collect(),
            arrows: arrows.collect(),
        }
    }

    fn mermaid(&self) -> String {
        let mut text = format!(
            "---\ntitle: {}\n---\nflowchart TD\n",
            serde_json::Value::from(self.plan.as_str())
        );
        for (id, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.kind {
                "gate" => ("{{", "}}"),
                "decision" => ("{", "}"),
                _ => ("[", "]"),
            };
            let _ = writeln!(
                text,
                "  n{id}{open}\"{}\"{close}",
                node.label("<br/>").replace('"', "#quot;")
            );
        }
        for edge in &self.edges {
            let arrow = if edge.kind == EdgeKind::Need { "-->" } else { "-.->" };
            let label = edge
                .label
                .as_ref()
                .map_or_else(String::new, |label| format!("|\"{}\"|", label.replace('"', "#quot;")));
            let _ = writeln!(text, "  n{} {arrow}{label} n{}", edge.from, edge.to);
        }
        self.mermaid_critical(&mut text);
        text
    }

    fn mermaid_critical(&self, text: &mut String) {
        let listed = |marked: &mut dyn Iterator<Item = String>| marked.collect::<Vec<_>>().join(",");
        let mut nodes = self
            .nodes
            .iter()
            .zip(0..)
            .filter(|(node, _)| node.critical)
            .map(|(_, id)| format!("n{id}"));
        let nodes = listed(&mut nodes);
        if nodes.is_empty() {
            return;
        }
        let _ = write!(
            text,
            "  classDef critical stroke:{CRITICAL},stroke-width:3px\n  class {nodes} critical\n"
        );
        let mut edges = self
            .edges
            .iter()
            .zip(0..)
            .filter(|(edge, _)| edge.critical)
            .map(|(_, at): (_, u32)| at.to_string());
        let edges = listed(&mut edges);
        if !edges.is_empty() {
            let _ = writeln!(text, "  linkStyle {edges} stroke:{CRITICAL},stroke-width:3px");
        }
    }

    fn dot(&self) -> String {
        let mut text = format!("digraph {} {{\n  node [shape=box];\n", quoted(&self.plan));
        for (id, node) in self.nodes.iter().enumerate() {
            let shape = match node.kind {
                "gate" => " shape=hexagon",
                "decision" => " shape=diamond",
                _ => "",
            };
            let critical = if node.critical {
                format!(" color=\"{CRITICAL}\" penwidth=2.5")
            } else {
                String::new()
            };
            let _ = writeln!(text, "  n{id} [label={}{shape}{critical}];", quoted(&node.label("\n")));
        }
        for edge in &self.edges {
            let label = edge
                .label
                .as_ref()
                .map_or_else(String::new, |label| format!("label={} ", quoted(label)));
            let style = if edge.kind == EdgeKind::Need { "solid" } else { "dashed" };
            let critical = if edge.critical {
                format!(" color=\"{CRITICAL}\" penwidth=2.5")
            } else {
                String::new()
            };
            let _ = writeln!(
                text,
                "  n{} -> n{} [{label}style={style}{critical}];",
                edge.from, edge.to
            );
        }
        text.push_str("}\n");
        text
    }

    fn json(&self) -> String {
        // Plain structures of strings and numbers always serialise.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl Drawn {
    fn label(&self, line_end: &str) -> String {
        match &self.title {
            Some(title) => format!("{}{line_end}{title}", self.id),
            None => self.id.clone(),
        }
    }
}

fn drawn(node: &Node) -> Drawn {
    let kind = match node.body {
        Body::Task(_) => "task",
        Body::Gate(_) => "gate",
        Body::Decision(_) => "decision",
    };
    let title = match node.title.as_ref() {
        Some(Expr::Const(Value::String(title))) => Some(title.to_string()),
        _ => None,
    };
    Drawn {
        id: node.id.to_string(),
        kind,
        title,
        shape: shape(node),
        time_ms: None,
        note: None,
        waits: false,
        critical: false,
    }
}

fn shape(node: &Node) -> Shape {
    match &node.body {
        Body::Task(task) if task.each.is_some() => Shape::FanOut,
        Body::Task(task) if task.work.is_nothing() => Shape::Milestone,
        Body::Task(_) => Shape::Task,
        Body::Gate(_) => Shape::Gate,
        Body::Decision(_) => Shape::Decision,
    }
}

fn need_edges(need: &Need, to: NodeId, edges: &mut Vec<Edge>) {
    let mut push = |from, label| {
        edges.push(Edge {
            from,
            to,
            kind: EdgeKind::Need,
            label,
            critical: false,
        })
    };
    match need {
        Need::Node { node, optional } => push(*node, optional.then(|| "?".to_owned())),
        Need::Quorum { count, of } => {
            let label = if *count == 1 {
                "any".to_owned()
            } else {
                format!("{count} of {}", of.len())
            };
            of.iter().for_each(|from| push(*from, Some(label.clone())));
        }
    }
}

fn fallback(body: &Body, from: NodeId) -> Option<Edge> {
    let Body::Task(task) = body else { return None };
    task.fallback.map(|to| Edge {
        from,
        to,
        kind: EdgeKind::Fallback,
        label: Some("fallback".to_owned()),
        critical: false,
    })
}

/// An arm says its condition in the plan's own words.
fn arm_edges(plan: &Plan, arms: &[ArmText]) -> Vec<Edge> {
    let ids: HashMap<&str, NodeId> = plan.nodes.iter().map(|node| node.id.as_str()).zip(0..).collect();
    let edge = |arm: &ArmText| {
        Some(Edge {
            from: *ids.get(arm.decision.as_str())?,
            to: *ids.get(arm.to.as_str())?,
            kind: EdgeKind::Arm,
            label: Some(shortened(&arm.says)),
            critical: false,
        })
    };
    arms.iter().filter_map(edge).collect()
}

fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 32;
    match text.char_indices().nth(CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// A string of dot.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}
