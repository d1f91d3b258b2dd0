//! Reading a large canonical text on all processors: its nodes are most of it, and pieces of them are read each by itself.
//!
//! Promise: the plan that reading it at once gives, or nothing. Where the text is cut is a guess that the readers
//! confirm: a cut anywhere but between two nodes of the plan leaves one of them with a text that is no JSON. What is
//! read is read where it lies, and a piece is as small as a processor's cache. Absent: texts that are not canonical.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::de::IgnoredAny;

use super::{Node, Plan};

/// Smaller ones are read sooner than a thread is of use.
const BYTES_MIN: usize = 1 << 20;
const PIECE_BYTES: usize = 1 << 17;
/// Between two nodes. No string has it inside: its quotes would be escaped.
const BETWEEN: &str = "},{\"id\":\"";
/// In front of the nodes, and behind them: they are the last of canonical text.
const OPEN: &str = "\"nodes\":[";
const CLOSE: &str = "]}";

impl Plan {
    /// Reads a large text that is known to be canonical; `None` where it is small or cannot be cut.
    pub(super) fn from_pieces(canonical: &str) -> Option<Self> {
        if canonical.len() < BYTES_MIN {
            return None;
        }
        let (head, nodes) = canonical.strip_suffix(CLOSE)?.split_at_checked(nodes_at(canonical)?)?;
        let pieces = cut(nodes);
        let read = read_all(&pieces)?;
        let mut plan: Self = serde_json::from_str(&[head, CLOSE].concat()).ok()?;
        plan.nodes = Vec::with_capacity(read.iter().map(Vec::len).sum());
        plan.nodes.extend(read.into_iter().flatten());
        Some(plan)
    }
}

/// Where the plan's own nodes begin: behind those of the plans that it calls.
fn nodes_at(text: &str) -> Option<usize> {
    let after = |from: usize, what: &str| Some(from + text.get(from..)?.find(what)? + what.len());
    let first = after(0, OPEN)?;
    let Some(plans) = text[..first].find("\"plans\":{") else {
        return Some(first);
    };
    let plans = plans + "\"plans\":".len();
    let mut called = serde_json::Deserializer::from_str(&text[plans..]).into_iter::<IgnoredAny>();
    called.next()?.ok()?;
    after(plans + called.byte_offset(), OPEN)
}

/// Pieces of about the same size, without what is between them.
fn cut(nodes: &str) -> Vec<&str> {
    let mut pieces = Vec::with_capacity(nodes.len() / PIECE_BYTES + 1);
    let mut rest = nodes;
    loop {
        let middle = (PIECE_BYTES..rest.len()).find(|at| rest.is_char_boundary(*at));
        let between = middle.and_then(|middle| Some(middle + rest[middle..].find(BETWEEN)?));
        let Some(between) = between else {
            pieces.push(rest);
            return pieces;
        };
        pieces.push(&rest[..=between]);
        rest = &rest[between + 2..];
    }
}

/// Each processor reads the next piece that no other has taken.
fn read_all(pieces: &[&str]) -> Option<Vec<Vec<Node>>> {
    let next = AtomicUsize::new(0);
    let read_some = || {
        let mut some = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = pieces.get(at) else {
                return Some(some);
            };
            some.push((at, read(piece)?));
        }
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..processors.min(pieces.len()))
            .map(|_| scope.spawn(read_some))
            .collect();
        let mut all = read_some();
        for other in others {
            let some = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            all = all.zip(some).map(|(mut all, some)| {
                all.extend(some);
                all
            });
        }
        all
    })?;
    all.sort_unstable_by_key(|(at, _)| *at);
    Some(all.into_iter().map(|(_, nodes)| nodes).collect())
}

/// Nodes, with commas between them and nothing else.
fn read(piece: &str) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    let mut rest = piece;
    loop {
        let mut node = serde_json::Deserializer::from_str(rest).into_iter();
        nodes.push(node.next()?.ok()?);
        rest = &rest[node.byte_offset()..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return rest.is_empty().then_some(nodes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Body, Task};

    #[test]
    fn large_plans_are_cut_also_behind_plans_that_they_call() {
        let node = |at: usize| Node {
            description: Some("},{\"id\":\"".repeat(20).into()).into(),
            ..Node::new(format!("t{at}"), Body::Task(Box::<Task>::default()))
        };
        let large = Plan {
            nodes: (0..5_000).map(node).collect(),
            ..Plan::new("large")
        };
        let calling = Plan {
            plans: [("called".into(), large.clone())].into(),
            ..large.clone()
        };
        for plan in [large, calling] {
            assert!(Plan::from_pieces(&plan.to_canonical_json()).is_some_and(|read| read == plan));
        }
    }
}
