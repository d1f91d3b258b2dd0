//! What cannot happen in one run: the arms of a decision, the ways one node can end; and the most that something adds
//! up to in one run.
//!
//! Each node belongs to at most one *branch*: an outcome of another node without which it cannot start. Branches of one
//! *choice* exclude each other, and a branch lies in that of the node whose outcome it is, so the most that a run adds
//! up to is a maximum over each choice and a sum over everything else: linear. A node that belongs to several branches
//! counts in one of them, so this is never too little; conditions (`when`) are not looked at, so it may be too much.
//! Absent: what is added up.

use std::collections::HashMap;

use crate::graph::{EdgeKind, PlanGraph, Requirement};
use crate::signatures::NodeKind;

/// How far two branches are followed to where they part.
const CLIMB_MAX: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Outcome {
    Completed,
    /// With whatever mode: its fallback starts.
    Failed,
    /// Failed, and this of its routes fired.
    Route(u32),
    /// A decision took the arm that leads there.
    Took(u32),
}

#[derive(Debug)]
struct Branch {
    /// The branch that the deciding node belongs to.
    parent: u32,
    choice: u32,
    depth: u32,
}

/// The branches of a plan; number 0 is the trunk, which every run takes.
#[derive(Debug)]
pub(crate) struct Exclusive {
    branches: Vec<Branch>,
    /// Where each choice is made.
    choices: Vec<u32>,
    of_node: Vec<u32>,
}

impl Exclusive {
    pub fn new(graph: &PlanGraph, order: &[u32]) -> Self {
        let trunk = Branch {
            parent: 0,
            choice: u32::MAX,
            depth: 0,
        };
        let mut maker = Maker {
            found: Self {
                branches: vec![trunk],
                choices: Vec::new(),
                of_node: vec![0; graph.nodes.len()],
            },
            known: HashMap::new(),
            choices: HashMap::new(),
        };
        for &node in order {
            let branch = maker.branch_of(graph, node);
            maker.found.of_node[node as usize] = branch;
        }
        maker.found
    }

    /// Whether no run starts both.
    pub fn exclude(&self, a: u32, b: u32) -> bool {
        let (mut a, mut b) = (self.of_node[a as usize], self.of_node[b as usize]);
        for _ in 0..CLIMB_MAX {
            if a == b {
                return false;
            }
            let (at_a, at_b) = (&self.branches[a as usize], &self.branches[b as usize]);
            if at_a.depth == at_b.depth && at_a.choice == at_b.choice {
                return true;
            }
            if at_a.depth >= at_b.depth {
                a = at_a.parent;
            }
            if at_b.depth >= at_a.depth {
                b = at_b.parent;
            }
        }
        false
    }

    /// The most that `weight` adds up to over the nodes of one run, and which nodes these are.
    pub fn most<T: Copy + PartialOrd>(&self, none: T, weight: impl Fn(u32) -> T, plus: impl Fn(T, T) -> T) -> Most<T> {
        let mut sums = vec![none; self.branches.len()];
        for (node, &branch) in self.of_node.iter().enumerate() {
            let sum = &mut sums[branch as usize];
            *sum = plus(*sum, weight(node as u32));
        }
        // later branches lie in earlier ones, and those of one choice are added when the first of them is reached
        let mut best: Vec<Option<(T, u32)>> = vec![None; self.choices.len()];
        let mut of_branch: Vec<Vec<u32>> = vec![Vec::new(); self.branches.len()];
        for (choice, &branch) in self.choices.iter().enumerate() {
            of_branch[branch as usize].push(choice as u32);
        }
        for at in (0..self.branches.len()).rev() {
            for &choice in &of_branch[at] {
                if let Some((most, _)) = best[choice as usize] {
                    sums[at] = plus(sums[at], most);
                }
            }
            if let Some(best) = best.get_mut(self.branches[at].choice as usize)
                && best.is_none_or(|(most, _)| sums[at] >= most)
            {
                *best = Some((sums[at], at as u32));
            }
        }
        let mut taken = vec![false; self.branches.len()];
        taken[0] = true;
        for (at, branch) in self.branches.iter().enumerate().skip(1) {
            let chosen = best[branch.choice as usize].is_some_and(|(_, chosen)| chosen == at as u32);
            taken[at] = chosen && taken[branch.parent as usize];
        }
        Most { sum: sums[0], taken }
    }

    /// Whether a node is among those of the sum.
    pub fn counts<T>(&self, most: &Most<T>, node: u32) -> bool {
        most.taken[self.of_node[node as usize] as usize]
    }
}

pub(crate) struct Most<T> {
    pub sum: T,
    taken: Vec<bool>,
}

struct Maker {
    found: Exclusive,
    known: HashMap<(u32, Outcome), u32>,
    /// How a node ended, or with which route it failed.
    choices: HashMap<(u32, bool), u32>,
}

impl Maker {
    /// The deepest branch without which the node cannot start.
    fn branch_of(&mut self, graph: &PlanGraph, node: u32) -> u32 {
        let mut deepest = self.activation(graph, node);
        for requirement in graph.requirements(node) {
            if let Requirement::Plain(on) | Requirement::Success(on) = requirement {
                let branch = self.completed(graph, *on);
                deepest = self.deeper(deepest, branch);
            }
        }
        deepest
    }

    fn deeper(&self, a: u32, b: u32) -> u32 {
        let depth = |branch: u32| self.found.branches[branch as usize].depth;
        if depth(b) > depth(a) { b } else { a }
    }

    /// Where a need of the node is satisfied: not where it failed, unless a fallback stands in.
    fn completed(&mut self, graph: &PlanGraph, node: u32) -> u32 {
        let fails = graph.has_failure_route(node) && graph.fallback[node as usize].is_none();
        if fails && graph.nodes[node as usize].kind != NodeKind::Decision {
            self.branch(node, Outcome::Completed)
        } else {
            self.found.of_node[node as usize]
        }
    }

    /// The branch of the only route that leads to the node; of several, where the node that they all leave is.
    fn activation(&mut self, graph: &PlanGraph, node: u32) -> u32 {
        let routes = graph.edges[node as usize]
            .iter()
            .filter(|edge| matches!(edge.kind, EdgeKind::Route(_) | EdgeKind::Fallback));
        let mut routes = routes.map(|edge| (edge.on, edge.kind));
        let Some((on, kind)) = routes.next() else { return 0 };
        let mut several = false;
        for (other, _) in routes {
            if other != on {
                return 0;
            }
            several = true;
        }
        if several {
            return self.found.of_node[on as usize];
        }
        let EdgeKind::Route(at) = kind else {
            return self.branch(on, Outcome::Failed);
        };
        let sig = &graph.ties[on as usize];
        match sig.routes[at as usize].on.as_deref() {
            None => self.branch(on, Outcome::Took(node)),
            Some("success" | "approved") => self.completed(graph, on),
            Some(_) if sig.kind == NodeKind::Decision => self.branch(on, Outcome::Took(node)),
            Some(_) => self.branch(on, Outcome::Route(at)),
        }
    }

    fn branch(&mut self, node: u32, outcome: Outcome) -> u32 {
        if let Some(&known) = self.known.get(&(node, outcome)) {
            return known;
        }
        let of_route = matches!(outcome, Outcome::Route(_));
        let parent = if of_route {
            self.branch(node, Outcome::Failed)
        } else {
            self.found.of_node[node as usize]
        };
        let found = &mut self.found;
        let choice = *self.choices.entry((node, of_route)).or_insert_with(|| {
            found.choices.push(parent);
            found.choices.len() as u32 - 1
        });
        let depth = found.branches[parent as usize].depth + 1;
        found.branches.push(Branch { parent, choice, depth });
        let branch = found.branches.len() as u32 - 1;
        self.known.insert((node, outcome), branch);
        branch
    }
}
