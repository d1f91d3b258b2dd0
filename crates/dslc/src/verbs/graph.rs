//! `dslc graph`: the plan as a picture, in a language that other programs draw, or as JSON.

use std::fmt::Write;

use clap::ValueEnum;
use ir::plan::{Body, Need, Node, NodeId, Plan};
use ir::{Expr, Value};
use serde::Serialize;

use super::compile::{self, Source};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::workspace::Place;

/// Draw a plan as Mermaid, dot or JSON
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  dslc graph deploy.plan > deploy.mmd\n  dslc graph deploy.plan --format dot | dot -Tsvg > deploy.svg"
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
    Json,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let graph = Graph::new(&compile::compile(&args.source, &place, printer)?);
    printer.out(&match args.format {
        Format::Mermaid => graph.mermaid(),
        Format::Dot => graph.dot(),
        Format::Json => graph.json(),
    });
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
}

#[derive(Serialize)]
struct Edge {
    from: NodeId,
    to: NodeId,
    kind: EdgeKind,
    /// What stands at the edge: the event of a route, the place of an arm, how many of a quorum.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
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
    fn new(plan: &Plan) -> Self {
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
                });
            }
            body_edges(&node.body, id, &mut edges);
        }
        let name = plan
            .title
            .as_ref()
            .map_or_else(|| plan.name.to_string(), |title| format!("{}: {title}", plan.name));
        Self {
            plan: name,
            nodes: plan.nodes.iter().map(drawn).collect(),
            edges,
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
                .map_or_else(String::new, |label| format!("|\"{label}\"|"));
            let _ = writeln!(text, "  n{} {arrow}{label} n{}", edge.from, edge.to);
        }
        text
    }

    fn dot(&self) -> String {
        let mut text = format!("digraph {} {{\n  node [shape=box];\n", quoted(&self.plan));
        for (id, node) in self.nodes.iter().enumerate() {
            let shape = match node.kind {
                "gate" => " shape=hexagon",
                "decision" => " shape=diamond",
                _ => "",
            };
            let _ = writeln!(text, "  n{id} [label={}{shape}];", quoted(&node.label("\n")));
        }
        for edge in &self.edges {
            let label = edge
                .label
                .as_ref()
                .map_or_else(String::new, |label| format!("label={} ", quoted(label)));
            let style = if edge.kind == EdgeKind::Need { "solid" } else { "dashed" };
            let _ = writeln!(text, "  n{} -> n{} [{label}style={style}];", edge.from, edge.to);
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
    let title = match &node.title {
        Some(Expr::Const(Value::String(title))) => Some(title.to_string()),
        _ => None,
    };
    Drawn {
        id: node.id.to_string(),
        kind,
        title,
    }
}

fn need_edges(need: &Need, to: NodeId, edges: &mut Vec<Edge>) {
    let mut push = |from, label| {
        edges.push(Edge {
            from,
            to,
            kind: EdgeKind::Need,
            label,
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

fn body_edges(body: &Body, from: NodeId, edges: &mut Vec<Edge>) {
    match body {
        Body::Task(task) => {
            if let Some(to) = task.fallback {
                edges.push(Edge {
                    from,
                    to,
                    kind: EdgeKind::Fallback,
                    label: Some("fallback".to_owned()),
                });
            }
        }
        Body::Gate(_) => {}
        Body::Decision(decision) => {
            for (place, arm) in (1..).zip(&decision.arms) {
                let label = if arm.when.is_some() {
                    format!("when {place}")
                } else {
                    "else".to_owned()
                };
                edges.push(Edge {
                    from,
                    to: arm.to,
                    kind: EdgeKind::Arm,
                    label: Some(label),
                });
            }
        }
    }
}

/// A string of dot.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}
