//! All that ran, in plan order, and what was undone of it.

use std::collections::BTreeMap;

use engine::event::NodeStatus;
use engine::{InstanceSnapshot, Listed, NodeSnapshot, Undo, UndoStatus};
use ir::Value;
use ir::plan::{Body, NodeId};

use super::{Report, short, table, time};
use crate::printer::shown;
use crate::report::page::{Block, Line, Section, Span, code, plain, text};
use crate::text::{duration, tries};

/// Instances of one fan-out that have a row each.
const INSTANCES_MAX: usize = 200;

impl Report<'_> {
    /// In plan order, with what a task called and the instances of a fan-out behind it.
    pub(super) fn ran(&self) -> Section {
        let mut rows = Vec::new();
        let mut left_out = 0;
        let mut instances: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (depth, listed) in self.engine.listing() {
            match listed {
                Listed::Node(node) => rows.push(self.row(depth, &node)),
                Listed::Instance { of, snapshot } => {
                    let count = instances.entry(of).or_default();
                    *count += 1;
                    if *count > INSTANCES_MAX {
                        left_out += 1;
                    } else {
                        rows.push(instance_row(depth, &snapshot));
                    }
                }
            }
        }
        let mut blocks = table(
            vec!["node", "status", "attempts", "took", "started", "what it found"],
            rows,
        );
        if left_out > 0 {
            let more = format!("{left_out} more instances; dslc show {} lists them", self.run);
            blocks.push(Block::Paragraph(plain(more)));
        }
        Section::new("What ran", blocks)
    }

    /// What an abort or a cancel took back, and what it could not.
    pub(super) fn undone(&self) -> Section {
        let undone = self
            .engine
            .listing()
            .into_iter()
            .filter_map(|(_, listed)| match listed {
                Listed::Node(node) => Some((node.id, node.undo?)),
                Listed::Instance { snapshot, .. } => Some((snapshot.label, snapshot.undo?)),
            });
        let items: Vec<Line> = undone
            .map(|(label, undo)| {
                let mut line = vec![code(shown(&label))];
                line.push(match (undo.status, &undo.error) {
                    (UndoStatus::Done, _) => text(" was undone"),
                    (UndoStatus::Running, _) => text(" is being undone"),
                    (UndoStatus::Failed, None) => text(" was not undone: what it did is still there"),
                    (UndoStatus::Failed, Some(error)) => text(format!(
                        " was not undone, what it did is still there: {}: {}",
                        error.kind,
                        shown(&error.message)
                    )),
                });
                line
            })
            .collect();
        match items.is_empty() {
            true => Section::default(),
            false => Section::new("What was undone", vec![Block::List(items)]),
        }
    }

    fn row(&self, depth: u32, node: &NodeSnapshot) -> Vec<Line> {
        let title = node.title.as_ref().map(|title| format!(" {}", shown(title)));
        let mut found = Vec::new();
        if let Some(because) = node.because.as_ref().filter(|_| node.status == NodeStatus::Skipped) {
            found.push(text(shown(because)));
        }
        for (name, value) in self.declared(node) {
            if !found.is_empty() {
                found.push(text("; "));
            }
            found.push(code(format!("{name} = {}", short(value))));
        }
        vec![
            vec![arrows(depth), code(node.id.as_str()), text(title.unwrap_or_default())],
            status(node.status, node.undo.as_ref()),
            plain(match node.instances.is_empty() {
                true => attempts(node.attempts),
                false => tries(node),
            }),
            plain(node.duration_ms().map(duration).unwrap_or_default()),
            plain(node.started_ms.map(time).unwrap_or_default()),
            found,
        ]
    }

    /// The outputs that the plan gives a task, without what a script always has.
    fn declared<'n>(&self, node: &'n NodeSnapshot) -> impl Iterator<Item = (&'n str, &'n Value)> {
        let plan = self.engine.plan_node(node.node);
        let names: Vec<String> = match plan.map(|plan| &plan.body) {
            Some(Body::Task(task)) => task.output.iter().map(|output| output.name.to_string()).collect(),
            _ => Vec::new(),
        };
        let of_script = plan.is_some_and(|plan| plan.body.script().is_some());
        node.outputs
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .filter(move |(name, _)| !of_script || names.iter().any(|known| known == name))
    }
}

/// How deep something stands: within the task before it, or what that called.
fn arrows(depth: u32) -> Span {
    text("↳ ".repeat(depth as usize))
}

fn status(status: NodeStatus, undo: Option<&Undo>) -> Line {
    let mut line = vec![Span::Status(status.name().to_owned())];
    if let Some(undo) = undo {
        line.push(text(match undo.status {
            UndoStatus::Running => ", being undone",
            UndoStatus::Done => ", undone",
            UndoStatus::Failed => ", not undone",
        }));
    }
    line
}

fn instance_row(depth: u32, instance: &InstanceSnapshot) -> Vec<Line> {
    let took = instance.settled_ms.zip(instance.started_ms);
    vec![
        vec![arrows(depth), code(shown(&instance.label))],
        status(instance.status, instance.undo.as_ref()),
        plain(attempts(instance.attempts)),
        plain(
            took.map(|(settled, started)| duration(settled - started))
                .unwrap_or_default(),
        ),
        plain(instance.started_ms.map(time).unwrap_or_default()),
        Line::new(),
    ]
}

fn attempts(attempts: u32) -> String {
    match attempts {
        0 => String::new(),
        attempts => attempts.to_string(),
    }
}
