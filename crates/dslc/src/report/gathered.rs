//! What a report is made of besides the state of the run: who intervened when, found by reading the journal once.

use engine::Engine;
use engine::event::{Event, EventKind, Resolution};
use store::Entry;

use super::page::{Line, code, plain, text};
use crate::printer::shown;

/// Somebody did something about the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intervention {
    pub time_ms: i64,
    pub what: Line,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Gathered {
    pub interventions: Vec<Intervention>,
    /// How often somebody took the run.
    pub drivers: u32,
    pub events: u64,
    /// The hash of the last line of the journal.
    pub head: String,
}

impl Gathered {
    pub fn see(&mut self, entry: &Entry, event: &Event, engine: &Engine) {
        self.events = entry.seq;
        entry.hash().clone_into(&mut self.head);
        if matches!(event.kind, EventKind::DriverStarted { .. }) {
            self.drivers += 1;
        }
        if let Some(what) = intervention(&event.kind, engine) {
            self.interventions.push(Intervention {
                time_ms: event.time_ms,
                what,
            });
        }
    }
}

/// Decisions about gates are told with the gates.
fn intervention(event: &EventKind, engine: &Engine) -> Option<Line> {
    Some(match event {
        EventKind::CancelAsked { because, .. } => match because {
            Some(because) => plain(format!("the run was cancelled: {}", shown(because))),
            None => plain("the run was cancelled"),
        },
        EventKind::AttemptLost { attempt } => {
            let name = name(engine, attempt.node);
            vec![text("the driver ended while "), code(name), text(" ran")]
        }
        EventKind::Replanned(revision) => plain(format!(
            "{} had the run go on under another plan, revision {}: {}",
            shown(&revision.by),
            revision.number,
            shown(&revision.because)
        )),
        EventKind::RetryAsked { nodes, because, by } => {
            let mut line = plain(format!("{} had ", shown(by)));
            for (at, node) in nodes.iter().enumerate() {
                if at > 0 {
                    line.push(text(", "));
                }
                line.push(code(name(engine, *node)));
            }
            let because = because.as_ref().map(|because| format!(": {}", shown(because)));
            line.push(text(format!(" tried again{}", because.unwrap_or_default())));
            line
        }
        EventKind::Resolved {
            node,
            resolution,
            because,
            by,
            ..
        } => {
            let what = match resolution {
                Resolution::Completed => "it had had its effect",
                Resolution::Failed => "it had had none",
                Resolution::Retry => "it had had none and was to be tried again",
            };
            vec![
                text(format!("{} decided that of ", shown(by))),
                code(name(engine, *node)),
                text(format!(" {what}: {}", shown(because))),
            ]
        }
        _ => return None,
    })
}

fn name(engine: &Engine, node: u32) -> String {
    engine
        .node(node)
        .map_or_else(|| format!("node {node}"), |node| node.id.to_string())
}
