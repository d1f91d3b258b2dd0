//! How long the rest of a run takes: the longest path through what has not settled, with the durations that earlier
//! runs of the plan had.
//!
//! Absent: a guess where there was no earlier run.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use engine::event::RunStatus;
use ir::Plan;
use ir::plan::{Body, Need};
use smol_str::SmolStr;
use store::{Durability, RunFolder, Store};

use super::view::Remaining;

/// So many earlier runs are read.
const RUNS_MAX: usize = 3;
/// Among so many of the store.
const LOOKED_AT_MAX: usize = 50;
/// A longer journal would take longer to read than its times are worth.
const JOURNAL_MAX_BYTES: u64 = 32 << 20;

/// What nodes took in earlier runs.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Estimates(HashMap<SmolStr, Duration>);

impl Estimates {
    /// From the latest completed runs of the same plan, beside `this`.
    pub fn of_earlier(this: &RunFolder, plan: &str) -> Self {
        let mut seen: HashMap<SmolStr, Vec<Duration>> = HashMap::new();
        let runs = this.path().parent().and_then(|runs| runs.parent());
        let runs = runs.and_then(|root| Store::new(root, Durability::Process).runs().ok());
        let others = runs.into_iter().flatten().filter(|run| run.id() != this.id());
        let mut read = 0;
        for run in others.take(LOOKED_AT_MAX) {
            if read == RUNS_MAX {
                break;
            }
            read += usize::from(add(&run, plan, &mut seen).is_some());
        }
        let median = |(id, mut took): (SmolStr, Vec<Duration>)| {
            took.sort_unstable();
            (id, took[took.len() / 2])
        };
        Self(seen.into_iter().map(median).collect())
    }
}

fn add(run: &RunFolder, plan: &str, seen: &mut HashMap<SmolStr, Vec<Duration>>) -> Option<()> {
    let journal = run.path().join("journal.jsonl").metadata().ok()?;
    if run.meta().ok()?.plan != plan || journal.len() > JOURNAL_MAX_BYTES {
        return None;
    }
    let history = runtime::fold(run, |_, _| {}).ok()?;
    if history.engine.status() != RunStatus::Completed {
        return None;
    }
    for node in history.engine.nodes() {
        // what was skipped took no time
        let took = node.duration_ms().and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
        seen.entry(node.id).or_default().push(Duration::from_millis(took));
    }
    Some(())
}

/// The plan as a graph, and what of it has settled.
pub struct Paths {
    nodes: Vec<Node>,
    /// Every node after all that it waits for.
    order: Vec<usize>,
}

struct Node {
    id: SmolStr,
    next: Vec<usize>,
    started: Option<Instant>,
    settled: bool,
}

impl Paths {
    pub fn of(plan: &Plan) -> Self {
        let mut nodes: Vec<Node> = plan
            .nodes
            .iter()
            .map(|node| Node {
                id: node.id.clone(),
                next: Vec::new(),
                started: None,
                settled: false,
            })
            .collect();
        let mut before = vec![0_usize; nodes.len()];
        let mut edge = |from: u32, to: u32| {
            if let (Some(node), Some(before)) = (nodes.get_mut(from as usize), before.get_mut(to as usize)) {
                node.next.push(to as usize);
                *before += 1;
            }
        };
        for (at, node) in (0..).zip(&plan.nodes) {
            for need in &node.needs {
                match need {
                    Need::Node { node, .. } => edge(*node, at),
                    Need::Quorum { of, .. } => of.iter().for_each(|node| edge(*node, at)),
                }
            }
            node.routes.iter().for_each(|route| edge(at, route.to));
            match &node.body {
                Body::Task(task) => task.fallback.iter().for_each(|to| edge(at, *to)),
                Body::Decision(decision) => decision.targets().for_each(|to| edge(at, to)),
                Body::Gate(_) => {}
            }
        }
        let mut order: Vec<usize> = (0..before.len()).filter(|&node| before[node] == 0).collect();
        let mut at = 0;
        while let Some(&node) = order.get(at) {
            at += 1;
            for &to in &nodes[node].next {
                before[to] -= 1;
                if before[to] == 0 {
                    order.push(to);
                }
            }
        }
        Self { nodes, order }
    }

    pub fn start(&mut self, node: u32, now: Instant) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.started.get_or_insert(now);
        }
    }

    pub fn settle(&mut self, node: u32) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.settled = true;
        }
    }

    /// The longest way through what is left.
    pub fn remaining(&self, estimates: &Estimates, now: Instant) -> Option<Remaining> {
        if estimates.0.is_empty() {
            return None;
        }
        let mut longest = vec![(Duration::ZERO, false); self.nodes.len()];
        let mut rest = (Duration::ZERO, false);
        for &at in self.order.iter().rev() {
            let node = &self.nodes[at];
            let after = node.next.iter().map(|&to| longest[to]).max().unwrap_or_default();
            if node.settled {
                continue;
            }
            let own = estimates.0.get(&node.id);
            let gone = node
                .started
                .map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
            let left = own.map_or(Duration::ZERO, |own| own.saturating_sub(gone));
            longest[at] = (after.0 + left, after.1 || own.is_none());
            rest = (rest.0.max(longest[at].0), rest.1 || own.is_none());
        }
        (rest.0 > Duration::ZERO).then_some(Remaining {
            time: rest.0,
            as_of: now,
            at_least: rest.1,
        })
    }
}

#[cfg(test)]
mod tests {
    use ir::plan::Node as PlanNode;

    use super::*;

    fn plan(nodes: &[(&str, &[u32])]) -> Plan {
        let node = |(id, needs): &(&str, &[u32])| PlanNode {
            needs: needs.iter().map(|&node| Need::Node { node, optional: false }).collect(),
            ..PlanNode::new(*id, Body::Task(Box::default()))
        };
        Plan {
            nodes: nodes.iter().map(node).collect(),
            ..Plan::new("p")
        }
    }

    #[test]
    fn the_rest_is_the_longest_way_through_what_has_not_settled() {
        // c is before a in the plan
        let mut paths = Paths::of(&plan(&[("c", &[1, 2]), ("a", &[]), ("b", &[]), ("new", &[0])]));
        let seconds = Duration::from_secs;
        let estimates = Estimates(HashMap::from([
            ("a".into(), seconds(10)),
            ("b".into(), seconds(4)),
            ("c".into(), seconds(1)),
        ]));
        let start = Instant::now();
        let at = |paths: &Paths, now| {
            let rest = paths.remaining(&estimates, now).expect("something is left");
            (rest.time, rest.at_least)
        };
        assert_eq!(at(&paths, start), (seconds(11), true));
        paths.settle(3);
        paths.start(1, start);
        assert_eq!(at(&paths, start + seconds(3)), (seconds(8), false));
        // it takes longer than it did
        assert_eq!(at(&paths, start + seconds(30)), (seconds(5), false));
        paths.settle(1);
        assert_eq!(at(&paths, start + seconds(30)), (seconds(5), false));
        paths.settle(2);
        paths.settle(0);
        assert_eq!(paths.remaining(&estimates, start), None);
        assert_eq!(
            Paths::of(&plan(&[("a", &[])])).remaining(&Estimates::default(), start),
            None
        );
    }
}
