//! What is odd about the needs of a node: those that another implies, those of which several may come true.

use super::{Requirement, Source, Topology};

/// The needs of longer lists are not compared with each other.
const COMPARED_NEEDS_MAX: usize = 8;

/// How many nodes above a need are looked at for another need.
const REDUNDANT_STEPS_MAX: usize = 16;

impl Topology {
    /// Members of an `any(…)` or a quorum of the node that somebody asks about, each with another that may complete
    /// just as well.
    pub fn racing_needs(&self, node: u32, is_asked: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        for requirement in &self.requirements[node as usize] {
            let Requirement::Quorum { count, of } = requirement else {
                continue;
            };
            if *count as usize >= of.len() || of.len() > COMPARED_NEEDS_MAX {
                continue;
            }
            for &member in of.iter().filter(|&&member| is_asked(member)) {
                let races =
                    |other: &&u32| !self.are_apart(member, **other) && self.reached().race(self, member, **other);
                found.extend(of.iter().find(races).map(|&other| (member, other)));
            }
        }
        found
    }

    /// Whether it is plain to see that at most one of two nodes completes: other arms of one decision lead to them, or
    /// one starts only when the other fails.
    fn are_apart(&self, a: u32, b: u32) -> bool {
        let (of_a, of_b) = (self.sources(a), self.sources(b));
        let arm_of = |sources: &[Source]| {
            let decision = sources.first()?.node;
            let is_arm = |source: &Source| source.chose && source.node == decision;
            sources.iter().all(is_arm).then_some(decision)
        };
        let stands_in = |sources: &[Source], of: u32| {
            let is_failure = |source: &Source| source.failed && source.node == of;
            !sources.is_empty() && sources.iter().all(is_failure)
        };
        a != b && arm_of(of_a).is_some_and(|of_a| arm_of(of_b) == Some(of_a))
            || stands_in(of_a, b)
            || stands_in(of_b, a)
    }

    /// The plain needs of a node that another of its plain needs implies, each with that other. Looks only a little way
    /// up, so it may miss some.
    pub fn redundant_needs(&self, node: u32) -> Vec<(u32, u32)> {
        let plain = |node: u32| {
            let needs = self.requirements[node as usize].iter();
            needs.filter_map(|requirement| match requirement {
                Requirement::Plain(on) | Requirement::Success(on) => Some(*on),
                _ => None,
            })
        };
        let needs: Vec<u32> = plain(node).take(COMPARED_NEEDS_MAX + 1).collect();
        if needs.len() < 2 || needs.len() > COMPARED_NEEDS_MAX || self.order[node as usize].is_none() {
            return Vec::new();
        }
        let mut found: Vec<(u32, u32)> = Vec::new();
        for &through in &needs {
            let mut above = vec![through];
            let mut at = 0;
            while at < above.len() && above.len() <= REDUNDANT_STEPS_MAX {
                for on in plain(above[at]).take(COMPARED_NEEDS_MAX) {
                    let known = found.iter().any(|(known, _)| *known == on);
                    if on != through && needs.contains(&on) && !known {
                        found.push((on, through));
                    }
                    if !above.contains(&on) {
                        above.push(on);
                    }
                }
                at += 1;
            }
        }
        found
    }
}
