//! What a node may rely on of another when it starts.
//!
//! A question looks only at what lies between the two, and every answer on the way is kept.

use std::sync::PoisonError;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Access, Answers, Requirement, Source, Topology, fires_on_failure};
use crate::signatures::NodeKind;

/// A node that waits for more others is asked about each of them at once.
const WIDE: usize = 256;

impl Topology {
    /// What `from` may rely on of `to` when it starts.
    pub fn access(&self, from: u32, to: u32) -> Access {
        match self.known_access(from, to) {
            Access::No if from != to && (self.loose[from as usize] || self.dangling[to as usize]) => Access::Always,
            access => access,
        }
    }

    fn known_access(&self, from: u32, to: u32) -> Access {
        if from == to {
            return Access::No;
        }
        if self.edges[from as usize].len() > WIDE {
            if let Some(access) = self.wide().get(&(from, to)) {
                return *access;
            }
        } else {
            let plainly = |requirement: &Requirement| matches!(requirement, Requirement::Plain(node) | Requirement::Success(node) if *node == to);
            if self.requirements[from as usize].iter().any(plainly) {
                return Access::Always;
            }
        }
        let (Some(low), Some(high)) = (self.order[to as usize], self.order[from as usize]) else {
            // on or behind a loop, which is reported: say nothing more
            return Access::Always;
        };
        if high < low {
            return Access::No;
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.get(&(to, from)) {
            return *known;
        }
        for node in self.between(from, to, low, &answers) {
            let answer = self.answer(node, to, &answers);
            answers.insert((to, node), answer);
        }
        answers.get(&(to, from)).copied().unwrap_or(Access::No)
    }

    /// What nodes with many needs may rely on of each of them. Of a quorum it is not asked whether other members imply one.
    fn wide(&self) -> &FxHashMap<(u32, u32), Access> {
        self.wide.get_or_init(|| {
            let wide = (0..self.ties.len() as u32).filter(|&node| self.edges[node as usize].len() > WIDE);
            let mut known = FxHashMap::default();
            for (from, requirement) in
                wide.flat_map(|node| self.requirements[node as usize].iter().map(move |it| (node, it)))
            {
                let access = match requirement {
                    Requirement::Plain(_) | Requirement::Success(_) => Access::Always,
                    Requirement::Quorum { count, of } if *count as usize >= of.len() => Access::Always,
                    Requirement::Optional(_) | Requirement::Quorum { .. } => Access::Maybe,
                };
                for &to in requirement.nodes() {
                    let best = known.entry((from, to)).or_insert(access);
                    *best = access.max(*best);
                }
            }
            known
        })
    }

    /// The nodes upstream of `from`, itself included, that could lie behind `to` and have no answer yet, in order.
    fn between(&self, from: u32, to: u32, low: u32, answers: &Answers) -> Vec<u32> {
        let mut found = vec![from];
        let mut seen = FxHashSet::from_iter([from]);
        let mut next = 0;
        while let Some(&node) = found.get(next) {
            next += 1;
            for edge in &self.edges[node as usize] {
                let after = self.order[edge.on as usize].is_some_and(|order| order > low);
                if edge.on != to && after && !answers.contains_key(&(to, edge.on)) && seen.insert(edge.on) {
                    found.push(edge.on);
                }
            }
        }
        found.sort_unstable_by_key(|&node| self.order[node as usize]);
        found
    }

    fn answer(&self, node: u32, to: u32, answers: &Answers) -> Access {
        let known = |at: u32| answers.get(&(to, at)).copied().unwrap_or(Access::No);
        let upstream = self.edges[node as usize]
            .iter()
            .any(|edge| edge.on == to || known(edge.on) != Access::No);
        if !upstream {
            return Access::No;
        }
        // once `at` has been satisfied, or has merely started
        let satisfied = |at: u32| at == to || known(at) == Access::Always;
        let fired = |source: &Source| known(source.node) == Access::Always || (source.node == to && source.completed);
        if self.relies(node, satisfied, fired) {
            Access::Always
        } else {
            Access::Maybe
        }
    }

    /// Whether something has happened whenever the node starts, given whether it has once a need is satisfied, and
    /// whenever a source fires: one need that brings it is enough, of sources each must.
    pub fn relies(&self, node: u32, satisfied: impl Fn(u32) -> bool, fired: impl Fn(&Source) -> bool) -> bool {
        let needs = self.requirements[node as usize]
            .iter()
            .any(|requirement| match requirement {
                Requirement::Plain(at) | Requirement::Success(at) => satisfied(*at),
                Requirement::Optional(_) => false,
                Requirement::Quorum { count, of } => {
                    let others = of.iter().filter(|&&at| !satisfied(at)).count();
                    others < *count as usize
                }
            });
        let sources = &self.sources[node as usize];
        needs || (!sources.is_empty() && sources.iter().all(fired))
    }

    /// What `from` may rely on of the error of `to`.
    pub fn error_access(&self, from: u32, to: u32) -> Access {
        let sources = &self.sources[from as usize];
        if !sources.is_empty() && sources.iter().all(|source| source.node == to && source.failed) {
            return Access::Always;
        }
        match (self.known_access(from, to), self.access(from, to)) {
            (Access::No, excused) => excused,
            _ => Access::Maybe,
        }
    }

    /// Whether a run that completes has completed the node.
    pub fn is_certain(&self, node: u32) -> bool {
        self.certain.get_or_init(|| self.find_certain())[node as usize]
    }

    fn find_certain(&self) -> Vec<bool> {
        let mut certain = vec![false; self.ties.len()];
        for &node in &self.sorted {
            let sig = &self.ties[node as usize];
            let handled = sig
                .routes
                .iter()
                .any(|route| route.on.as_deref().is_some_and(|on| fires_on_failure(sig.kind, on)));
            let needs = self.requirements[node as usize]
                .iter()
                .all(|requirement| match requirement {
                    Requirement::Plain(at) | Requirement::Success(at) => certain[*at as usize],
                    Requirement::Optional(_) => true,
                    Requirement::Quorum { count, of } => {
                        of.iter().filter(|&&at| certain[at as usize]).count() >= *count as usize
                    }
                });
            let active = self.sources[node as usize].iter().all(|source| {
                source.completed
                    && certain[source.node as usize]
                    && self.ties[source.node as usize].kind != NodeKind::Decision
            });
            certain[node as usize] = !sig.conditional && !sig.optional && !handled && needs && active;
        }
        certain
    }
}
