//! Nodes that can never run: what must have happened before each can start, and whether it can all have happened in one run.
//!
//! A *fact* is an outcome of another node: a decision took that arm, a node completed, a node failed. The facts that a node relies
//! on follow from its needs and routes, in topological order; two outcomes of one node contradict each other. Facts beyond a bound
//! are forgotten, so this is linear in edges, and never wrong: it may only miss something. What merely waits for a node that never
//! runs is not said again. Absent: conditions (`when`) and the values that decide arms.

use std::sync::Arc;

use crate::diagnostic::{BlockRef, Diag, Place, Target};
use crate::graph::{Access, PlanGraph, Requirement};
use crate::plans::PlanBlocks;
use crate::rules;
use crate::signatures::NodeKind;

/// How many facts are kept of a node.
const FACTS_MAX: usize = 16;

/// How many members of an `any(…)` are compared.
const MEMBERS_MAX: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// A decision took the arm that leads there.
    Took(u32),
    Completed,
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fact {
    of: u32,
    outcome: Outcome,
}

/// Where a node's reliance on a fact comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    Need(u32),
    /// All members of an `any(…)` or a quorum have it in common; the first of them.
    Members(u32),
    Routes,
}

type Held = (Why, Fact);

/// What is known of all nodes of a graph.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// By node, what has happened when it starts.
    facts: Vec<Arc<[Fact]>>,
    /// Or its facts are not known.
    dead: Vec<bool>,
    /// A condition decides whether it runs.
    conditional: Vec<bool>,
    /// The nodes that can never run, each with two facts that contradict each other.
    never: Vec<(u32, Held, Held)>,
}

impl Reached {
    pub fn new(graph: &PlanGraph) -> Self {
        let mut reach = Reach {
            graph,
            facts: vec![Arc::default(); graph.nodes.len()],
            dead: vec![false; graph.nodes.len()],
        };
        let mut conditional = vec![true; graph.nodes.len()];
        let mut never = Vec::new();
        for node in graph.in_order() {
            let above = graph.edges[node as usize].iter();
            conditional[node as usize] = graph.nodes[node as usize].conditional
                || graph.is_loose(node)
                || above.into_iter().any(|edge| conditional[edge.on as usize]);
            if let Some((first, second)) = reach.visit(node) {
                never.push((node, first, second));
            }
        }
        let Reach { facts, dead, .. } = reach;
        Self {
            facts,
            dead,
            conditional,
            never,
        }
    }

    /// Whether both certainly complete in some run, and neither waits for the other.
    pub fn race(&self, graph: &PlanGraph, a: u32, b: u32) -> bool {
        let unsure = |node: u32| self.dead[node as usize] || self.conditional[node as usize];
        if a == b || unsure(a) || unsure(b) {
            return false;
        }
        let all = |node: u32| {
            let completed = Fact {
                of: node,
                outcome: Outcome::Completed,
            };
            self.facts[node as usize]
                .iter()
                .copied()
                .chain([completed])
                .collect::<Vec<_>>()
        };
        let (all_a, all_b) = (all(a), all(b));
        let excludes = |one: &Fact| {
            all_b
                .iter()
                .any(|other| other.of == one.of && other.outcome != one.outcome)
        };
        !all_a.iter().any(excludes) && graph.access(a, b) == Access::No && graph.access(b, a) == Access::No
    }
}

/// The nodes that can never run.
pub(crate) fn never_run(plan: &PlanBlocks, graph: &PlanGraph) -> Vec<Diag> {
    let never = graph.reached().never.iter();
    never
        .map(|&(node, first, second)| explain(plan, graph, node, first, second))
        .collect()
}

struct Reach<'a> {
    graph: &'a PlanGraph,
    /// By node, what has happened when it starts.
    facts: Vec<Arc<[Fact]>>,
    dead: Vec<bool>,
}

impl Reach<'_> {
    /// Notes what the node relies on; a contradiction that is its own.
    fn visit(&mut self, node: u32) -> Option<(Held, Held)> {
        let mut held = Vec::new();
        let mut clash = None;
        let mut lost = false;
        for requirement in self.graph.requirements(node) {
            match requirement {
                Requirement::Plain(on) | Requirement::Success(on) => {
                    lost |= self.dead[*on as usize];
                    hold(&mut held, Why::Need(*on), &self.after(*on), &mut clash);
                }
                Requirement::Optional(_) => {}
                Requirement::Quorum { count, of } => {
                    let alive: Vec<u32> = of.iter().copied().filter(|&on| !self.dead[on as usize]).collect();
                    lost |= alive.len() < *count as usize;
                    if alive.len() == *count as usize {
                        for on in alive {
                            hold(&mut held, Why::Need(on), &self.after(on), &mut clash);
                        }
                    } else if let (Some(&first), true) = (alive.first(), alive.len() <= MEMBERS_MAX) {
                        let members = alive.iter().map(|&on| self.after(on));
                        hold(&mut held, Why::Members(first), &in_common(members), &mut clash);
                    }
                }
            }
        }
        lost |= self.activation(node, &mut held, &mut clash);
        if lost || clash.is_some() {
            self.dead[node as usize] = true;
            return clash.filter(|_| !lost && !self.graph.is_loose(node));
        }
        if !held.is_empty() {
            self.facts[node as usize] = held.into_iter().map(|(_, fact)| fact).collect();
        }
        None
    }

    /// One of the routes to the node must have fired; true: none of them can.
    fn activation(&self, node: u32, held: &mut Vec<Held>, clash: &mut Option<(Held, Held)>) -> bool {
        let sources = self.graph.sources(node);
        if sources.is_empty() || clash.is_some() {
            return false;
        }
        let mut ways = Vec::new();
        let mut against = None;
        for source in sources.iter().filter(|source| !self.dead[source.node as usize]) {
            let mut facts = self.facts[source.node as usize].to_vec();
            let outcome = if source.failed {
                Some(Outcome::Failed)
            } else if source.chose {
                Some(Outcome::Took(node))
            } else {
                (self.graph.nodes[source.node as usize].kind != NodeKind::Decision).then_some(Outcome::Completed)
            };
            facts.extend(outcome.map(|outcome| Fact {
                of: source.node,
                outcome,
            }));
            let mut with = held.clone();
            let mut this = None;
            hold(&mut with, Why::Routes, &facts, &mut this);
            match this {
                Some(this) => against = against.or(Some(this)),
                None => ways.push(facts),
            }
        }
        if ways.is_empty() {
            *clash = against;
            return against.is_none();
        }
        hold(held, Why::Routes, &in_common(ways.into_iter()), clash);
        false
    }

    /// What has happened once a plain need on the node is satisfied.
    fn after(&self, node: u32) -> Vec<Fact> {
        let mut facts = self.facts[node as usize].to_vec();
        // with a fallback, it may have failed
        if self.graph.fallback[node as usize].is_none() && self.graph.has_failure_route(node) {
            facts.push(Fact {
                of: node,
                outcome: Outcome::Completed,
            });
        }
        facts
    }
}

/// Adds facts to those held; the first that contradicts one is the clash.
fn hold(held: &mut Vec<Held>, why: Why, facts: &[Fact], clash: &mut Option<(Held, Held)>) {
    // the fact about the needed node itself comes last, and is the one that says most
    for &fact in facts.iter().rev() {
        match held.iter().find(|(_, known)| known.of == fact.of) {
            Some((_, known)) if known.outcome == fact.outcome => {}
            Some(&known) => _ = clash.get_or_insert((known, (why, fact))),
            None if held.len() < FACTS_MAX => held.push((why, fact)),
            None => {}
        }
    }
}

fn in_common(mut ways: impl Iterator<Item = Vec<Fact>>) -> Vec<Fact> {
    let mut common = ways.next().unwrap_or_default();
    for facts in ways {
        common.retain(|fact| facts.contains(fact));
    }
    common
}

fn explain(plan: &PlanBlocks, graph: &PlanGraph, node: u32, first: Held, second: Held) -> Diag {
    let name = |node: u32| &graph.nodes[node as usize].name;
    let block = |node: u32| -> BlockRef { plan.nodes[node as usize].0 };
    let place = |why: Why| Place {
        block: block(node),
        target: match why {
            Why::Need(on) | Why::Members(on) => Target::Need(name(on).clone()),
            Why::Routes => Target::Name,
        },
    };
    let outcome = |fact: Fact, who: &str| match fact.outcome {
        Outcome::Took(to) => format!("{who} takes `{}`", name(to)),
        Outcome::Completed => format!("{who} completes"),
        Outcome::Failed => format!("{who} fails"),
    };
    let needs = |(why, fact): Held, who: &str| match why {
        Why::Need(on) if on == fact.of => format!("`{}` to complete", name(on)),
        Why::Need(on) => format!("`{}`, which runs only if {}", name(on), outcome(fact, who)),
        Why::Members(_) | Why::Routes => format!("others that run only if {}", outcome(fact, who)),
    };
    let decider = format!("`{}`", name(first.1.of));
    let this = name(node);
    let by_route = [first, second].into_iter().find(|(why, _)| *why == Why::Routes);
    let diag = match by_route {
        Some(route) => {
            let need = if route == first { second } else { first };
            let message = format!(
                "`{this}` runs only if {}, but needs {}",
                outcome(route.1, &decider),
                needs(need, "it")
            );
            Diag::new(rules::UNREACHABLE_NODE, place(need.0), message)
                .help("remove the need, or write it with a `?` to go on without it")
        }
        None => {
            let comma = if first.0 == Why::Need(first.1.of) { "" } else { "," };
            let message = format!(
                "`{this}` needs {}{comma} and {}",
                needs(first, &decider),
                needs(second, "it")
            );
            Diag::new(rules::IMPOSSIBLE_JOIN, place(second.0), message)
                .label(place(first.0), "the other side")
                .help("write `any(…)` around the two to go on after whichever ran")
        }
    };
    let of = first.1.of;
    let chooses = match graph.nodes[of as usize].kind {
        NodeKind::Decision => "takes one arm only",
        _ => "either completes or fails",
    };
    let decides = Place {
        block: block(of),
        target: Target::Name,
    };
    diag.label(decides, chooses)
}
