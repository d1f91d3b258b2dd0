//! Nodes that can never run: what must have happened before each can start, and whether it can all have happened in one run.
//!
//! A *fact* is about something that is settled once and for all: how a node ended, which arm a decision took, what a
//! value is. The facts that a node relies on follow from its `when`, its needs and its routes, in topological order;
//! facts about one thing that leave nothing possible contradict each other. Facts beyond a bound are forgotten, so this
//! is linear in edges, and never wrong: it may only miss something. What merely waits for a node that never runs is not
//! said again. Absent: what tasks do.

mod cond;
mod explain;
mod held;
mod islands;
mod values;

use std::sync::Arc;

use ir::Value;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

pub(crate) use cond::{Cond, Scope, is_total};
use explain::problems;
pub(crate) use islands::{ReachedPlan, keepers, reach_ahead, reached};

use crate::diagnostic::Diag;
use crate::facts::{Facts, PlanFacts};
use crate::graph::{Access, Requirement, Source, Topology, fires_on_failure};
use crate::plans::PlanBlocks;
use crate::signatures::NodeKind;
use cond::ValueName;
use held::{Held, Holding, Is, Kept, List, Lists, compatible};
use values::Values;

/// How many members of an `any(…)` are compared.
const MEMBERS_MAX: usize = 64;

/// What a fact is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Subject {
    /// How a node ended: its status.
    Outcome(u32),
    /// The mode of a node that failed.
    Mode(u32),
    /// Where a decision's arm led: the number of a node.
    Arm(u32),
    /// By its place in [`Reached::values`].
    Value(u32),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fact {
    of: Subject,
    is: Is,
}

impl Fact {
    const fn completed(node: u32) -> Self {
        Self {
            of: Subject::Outcome(node),
            is: Is::COMPLETED,
        }
    }

    const fn failed(node: u32) -> Self {
        Self {
            of: Subject::Outcome(node),
            is: Is::FAILED,
        }
    }
}

/// Where a node's reliance on a fact comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    Need(u32),
    /// All members of an `any(…)` or a quorum have it in common; the first of them.
    Members(u32),
    Routes,
    When,
}

/// Why a node never runs.
#[derive(Clone, PartialEq, Debug)]
enum Clash {
    /// Its condition by itself.
    Never(SmolStr),
    /// These leave nothing possible, and none of them can be left out.
    Between(Vec<Held>),
    /// At most so many of a quorum can run in one run; two of them that exclude each other.
    Quorum { count: u32, most: usize, pair: [Held; 2] },
}

/// An arm that its decision never takes, because of what must have happened before.
#[derive(Clone, PartialEq, Debug)]
struct DeadArm {
    node: u32,
    route: u32,
    clash: Vec<Held>,
}

/// A route to a node that is skipped whenever it fires, because of what the node needs.
#[derive(Clone, PartialEq, Debug)]
struct Vain {
    from: u32,
    route: u32,
    to: u32,
    clash: Vec<Held>,
}

/// What the nodes of a plan say about values, where they say something.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Conditions {
    when: FxHashMap<u32, Arc<Cond>>,
    arms: FxHashMap<u32, Arc<[Cond]>>,
}

/// What one node says about values.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    when: Option<Arc<Cond>>,
    arms: Arc<[Cond]>,
}

impl PartialEq for Asks {
    fn eq(&self, other: &Self) -> bool {
        let when = match (&self.when, &other.when) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
            (None, None) => true,
            _ => false,
        };
        when && (Arc::ptr_eq(&self.arms, &other.arms) || self.arms == other.arms)
    }
}

/// The blocks of a chunk that say something about values.
pub(crate) fn asks(facts: &[Arc<Facts>]) -> Arc<[(u32, Asks)]> {
    let facts = (0..).zip(facts);
    let asking = facts.filter_map(|(index, facts)| {
        let node = facts.node.as_ref()?;
        let arms = node.arms.iter().any(|arm| !arm.is_empty());
        let asks = Asks {
            when: node.when.clone(),
            arms: if arms { node.arms.clone() } else { Arc::default() },
        };
        (asks.when.is_some() || arms).then_some((index, asks))
    });
    asking.collect()
}

impl Conditions {
    fn add(&mut self, node: u32, asks: &Asks) {
        if let Some(when) = &asks.when {
            self.when.insert(node, when.clone());
        }
        if !asks.arms.is_empty() {
            self.arms.insert(node, asks.arms.clone());
        }
    }

    fn new(plan: &PlanFacts) -> Self {
        let mut conditions = Self::default();
        for (node, facts) in (0u32..).zip(&plan.nodes) {
            let Some(facts) = &facts.node else { continue };
            if let Some(when) = &facts.when {
                conditions.when.insert(node, when.clone());
            }
            if facts.arms.iter().any(|arm| !arm.is_empty()) {
                conditions.arms.insert(node, facts.arms.clone());
            }
        }
        conditions
    }
}

/// What never runs in a plan of which these facts are true.
pub(crate) fn problems_of(plan: &PlanBlocks, graph: &Topology, facts: &PlanFacts) -> Vec<Diag> {
    let mut reached = Reached::of(graph, facts);
    // a condition that is never true by itself is how a profile leaves a task out
    reached.never.retain(|(_, clash)| !matches!(clash, Clash::Never(_)));
    problems(plan, graph, &reached)
}

/// What is known of all nodes of a graph.
#[derive(PartialEq, Debug, Default)]
pub(crate) struct Reached {
    /// By node, what has happened when it starts.
    facts: Vec<List>,
    lists: Lists,
    /// It never starts, or its facts are not known.
    dead: Vec<bool>,
    /// Something decides whether it runs.
    conditional: Vec<bool>,
    never: Vec<(u32, Clash)>,
    dead_arms: Vec<DeadArm>,
    vain: Vec<Vain>,
    values: Vec<ValueName>,
    /// What facts say that these are.
    are: Vec<Values>,
}

impl Reached {
    /// Of a plan of which these facts are true.
    pub fn of(graph: &Topology, facts: &PlanFacts) -> Self {
        Self::new(graph, &Conditions::new(facts))
    }

    pub fn new(graph: &Topology, conditions: &Conditions) -> Self {
        let mut reach = Reach::new(graph, conditions);
        let mut conditional = vec![true; graph.ties.len()];
        let mut never = Vec::new();
        for &node in graph.sorted() {
            let above = graph.edges[node as usize].iter();
            conditional[node as usize] = graph.ties[node as usize].conditional
                || graph.is_loose(node)
                || above.into_iter().any(|edge| conditional[edge.on as usize]);
            if let Some(clash) = reach.visit(node) {
                never.push((node, clash));
            } else if !reach.dead[node as usize] {
                reach.arms(node);
            }
        }
        Self {
            facts: reach.facts,
            lists: reach.lists,
            dead: reach.dead,
            conditional,
            never,
            dead_arms: reach.dead_arms,
            vain: reach.vain,
            values: reach.values,
            are: reach.kept.all,
        }
    }

    /// What has happened when the node starts.
    fn facts(&self, node: u32) -> impl Iterator<Item = Fact> {
        self.lists.iter(self.facts[node as usize])
    }

    /// What is known of the fact's subject.
    fn is(&self, fact: &Fact) -> &Values {
        &self.are[..][fact.is]
    }

    /// Whether the node can never run.
    pub fn is_dead(&self, node: u32) -> bool {
        self.dead[node as usize]
    }

    /// Whether nothing says that at most one of two nodes runs. Two that both run only under conditions may exclude
    /// each other in ways that are not understood.
    pub fn may_both_run(&self, a: u32, b: u32) -> bool {
        let dead = self.dead[a as usize] || self.dead[b as usize];
        let conditional = self.conditional[a as usize] && self.conditional[b as usize];
        let compatible = || compatible(&self.are, &self.facts(a).collect::<Vec<_>>(), self.facts(b));
        !dead && !conditional && compatible()
    }

    /// Whether both certainly complete in some run, and neither waits for the other.
    pub fn race(&self, graph: &Topology, a: u32, b: u32) -> bool {
        let unsure = |node: u32| self.dead[node as usize] || self.conditional[node as usize];
        if a == b || unsure(a) || unsure(b) {
            return false;
        }
        let all = |node: u32| self.facts(node).chain([Fact::completed(node)]);
        compatible(&self.are, &all(a).collect::<Vec<_>>(), all(b))
            && graph.access(a, b) == Access::No
            && graph.access(b, a) == Access::No
    }
}

struct Reach<'a> {
    graph: &'a Topology,
    conditions: &'a Conditions,
    facts: Vec<List>,
    lists: Lists,
    dead: Vec<bool>,
    dead_arms: Vec<DeadArm>,
    vain: Vec<Vain>,
    /// Of those, and of arms whose own condition is never true.
    never_taken: FxHashSet<(u32, u32)>,
    /// Nodes whose outcome somebody asks for.
    asked: FxHashSet<u32>,
    values: Vec<ValueName>,
    ids: FxHashMap<ValueName, u32>,
    kept: Kept,
}

impl<'a> Reach<'a> {
    fn new(graph: &'a Topology, conditions: &'a Conditions) -> Self {
        let conds = conditions.when.values().map(|when| &**when);
        let conds = conds.chain(conditions.arms.values().flat_map(|arms| arms.iter()));
        let asked = conds
            .flat_map(|cond| &cond.facts)
            .filter_map(|(subject, _)| match subject {
                cond::Subject::Status(node) => graph.find(node),
                _ => None,
            });
        Self {
            graph,
            conditions,
            facts: vec![List::default(); graph.ties.len()],
            lists: Lists::default(),
            dead: vec![false; graph.ties.len()],
            dead_arms: Vec::new(),
            vain: Vec::new(),
            never_taken: FxHashSet::default(),
            asked: asked.collect(),
            values: Vec::new(),
            ids: FxHashMap::default(),
            kept: Kept::default(),
        }
    }

    /// Notes what the node relies on; a contradiction that is its own.
    fn visit(&mut self, node: u32) -> Option<Clash> {
        if self.follow(node) {
            return None;
        }
        let mut held = Holding::default();
        let mut clash = self.condition(node, &mut held);
        let mut lost = false;
        for requirement in self.graph.requirements(node) {
            if let Requirement::Plain(on) | Requirement::Success(on) = requirement {
                lost |= self.dead[*on as usize];
                clash = clash.or_else(|| self.need(*on, &mut held));
            }
        }
        lost |= self.activation(node, &mut held, &mut clash);
        for requirement in self.graph.requirements(node) {
            if let Requirement::Quorum { count, of } = requirement {
                lost |= self.quorum(*count, of, &mut held, &mut clash);
            }
        }
        if lost || clash.is_some() {
            self.dead[node as usize] = true;
            return clash.filter(|_| !lost && !self.graph.is_loose(node));
        }
        self.facts[node as usize] = held.into_list(&mut self.kept, &mut self.lists);
        None
    }

    /// The short way, of nodes that only follow one other, or none: they rely on what that one does.
    fn follow(&mut self, node: u32) -> bool {
        let plain = self.graph.sources(node).is_empty() && !self.conditions.when.contains_key(&node);
        let on = match self.graph.requirements(node) {
            [] if plain => return true,
            [Requirement::Plain(on)] if plain && !self.dead[*on as usize] => *on,
            _ => return false,
        };
        let rest = self.facts[on as usize];
        self.facts[node as usize] = match self.completes(on) {
            None => rest,
            Some(completes) if self.lists.iter(rest).all(|fact| fact.of != completes.of) => {
                self.lists.push(completes, rest)
            }
            Some(_) => return false,
        };
        true
    }

    /// The node's own `when`.
    fn condition(&mut self, node: u32, held: &mut Holding) -> Option<Clash> {
        let conditions = self.conditions;
        let when = conditions.when.get(&node)?;
        if let Some(why) = &when.never {
            return Some(Clash::Never(why.clone()));
        }
        let facts = self.facts_of(node, when);
        held.add_all(&mut self.kept, Why::When, facts.into_iter())
            .map(Clash::Between)
    }

    /// What a plain need holds.
    fn need(&mut self, on: u32, held: &mut Holding) -> Option<Clash> {
        // the fact about the needed node itself comes first, because it says most
        let completes = self.completes(on).into_iter();
        let facts = completes.chain(self.lists.iter(self.facts[on as usize]));
        held.add_all(&mut self.kept, Why::Need(on), facts).map(Clash::Between)
    }

    /// That so many members complete; true: they cannot, and that is no mistake of this node.
    fn quorum(&mut self, count: u32, of: &[u32], held: &mut Holding, clash: &mut Option<Clash>) -> bool {
        let alive: Vec<u32> = of.iter().copied().filter(|&on| !self.dead[on as usize]).collect();
        if alive.len() < count as usize {
            return true;
        }
        if clash.is_some() || alive.len() > MEMBERS_MAX && alive.len() > count as usize {
            return false;
        }
        let mut excluded = None;
        let mut possible = alive;
        possible.retain(|&on| {
            let against = self.need(on, &mut held.clone());
            excluded = excluded.take().or(against.clone());
            against.is_none()
        });
        if possible.len() < count as usize {
            *clash = excluded;
        } else if possible.len() == count as usize {
            *clash = possible.iter().find_map(|&on| self.need(on, held));
        } else {
            *clash = self.exclusive(count, &possible);
            if let Some(&first) = possible.first() {
                let ways: Vec<Vec<Fact>> = possible.iter().map(|&on| self.after(on)).collect();
                let common = self.kept.in_common(ways.into_iter()).into_iter();
                let against = held.add_all(&mut self.kept, Why::Members(first), common);
                *clash = clash.take().or(against.map(Clash::Between));
            }
        }
        false
    }

    /// Whether too many members exclude each other. Of members that all do, at most one can run.
    fn exclusive(&mut self, count: u32, members: &[u32]) -> Option<Clash> {
        if count < 2 {
            return None;
        }
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut pair = None;
        for &member in members {
            let joined = groups.iter_mut().find_map(|group| {
                let against = group.iter().map(|&other| self.pair(other, member));
                let all: Vec<[Held; 2]> = against.collect::<Option<_>>()?;
                group.push(member);
                all.into_iter().next()
            });
            match joined {
                Some(found) => pair = pair.or(Some(found)),
                None => groups.push(vec![member]),
            }
        }
        (groups.len() < count as usize).then_some(Clash::Quorum {
            count,
            most: groups.len(),
            pair: pair?,
        })
    }

    /// Why two nodes never both complete.
    fn pair(&mut self, a: u32, b: u32) -> Option<[Held; 2]> {
        let mut held = Holding::default();
        self.need(a, &mut held);
        match self.need(b, &mut held) {
            Some(Clash::Between(clash)) => clash.try_into().ok(),
            _ => None,
        }
    }

    /// One of the routes to the node must have fired; true: none of them can.
    fn activation(&mut self, node: u32, held: &mut Holding, clash: &mut Option<Clash>) -> bool {
        let graph = self.graph;
        let sources = graph.sources(node);
        if sources.is_empty() || clash.is_some() {
            return false;
        }
        let mut ways = Vec::new();
        let mut against = None;
        let mut vain = Vec::new();
        for source in sources {
            let taken = source
                .route
                .is_none_or(|route| !self.never_taken.contains(&(source.node, route)));
            if self.dead[source.node as usize] || !taken {
                continue;
            }
            let facts = self.fired(node, source);
            let newest_first = facts.iter().rev().copied();
            match held.clone().add_all(&mut self.kept, Why::Routes, newest_first) {
                Some(this) => {
                    let by_need = this.iter().any(|(why, _)| matches!(why, Why::Need(_)));
                    vain.extend(source.route.filter(|_| by_need).map(|route| Vain {
                        from: source.node,
                        route,
                        to: node,
                        clash: this.clone(),
                    }));
                    against = against.or(Some(this));
                }
                None => ways.push(facts),
            }
        }
        if ways.is_empty() {
            *clash = against.map(Clash::Between);
            return clash.is_none();
        }
        let common = self.kept.in_common(ways.into_iter());
        *clash = held
            .add_all(&mut self.kept, Why::Routes, common.into_iter().rev())
            .map(Clash::Between);
        if clash.is_none() && !graph.is_loose(node) {
            self.vain.extend(vain);
        }
        false
    }

    /// What has happened once a route to the node has fired.
    fn fired(&mut self, node: u32, source: &Source) -> Vec<Fact> {
        let from = source.node;
        let mut facts: Vec<Fact> = self.lists.iter(self.facts[from as usize]).collect();
        if source.failed {
            let mode = self.modes(source);
            facts.extend(mode.map(|mode| self.fact(Subject::Mode(from), mode)));
            facts.push(Fact::failed(from));
        } else if source.chose {
            facts.extend(self.arm(source));
            let took = Values::only(Value::Int(i64::from(node)));
            facts.push(self.fact(Subject::Arm(from), took));
        } else if self.graph.ties[from as usize].kind != NodeKind::Decision {
            facts.push(Fact::completed(from));
        }
        facts
    }

    /// The modes on which a failure route fires.
    fn modes(&self, source: &Source) -> Option<Values> {
        let sig = &self.graph.ties[source.node as usize];
        let Some(route) = source.route else {
            return Some(Values::except("in-doubt".into()));
        };
        let event = sig.routes.get(route as usize)?.on.clone()?;
        if event != "failure" {
            return Some(Values::only(event.into()));
        }
        let others = sig.routes.iter().filter_map(|route| route.on.clone());
        let named = others.filter(|on| on != "failure" && fires_on_failure(sig.kind, on));
        let named: Box<[Value]> = named.map(Value::String).collect();
        (!named.is_empty()).then_some(Values::NoneOf(named))
    }

    /// What an arm asks for.
    fn arm(&mut self, source: &Source) -> Vec<Fact> {
        let conditions = self.conditions;
        let arms = conditions.arms.get(&source.node);
        match arms
            .zip(source.route)
            .and_then(|(arms, route)| arms.get(route as usize))
        {
            Some(cond) => self.facts_of(source.node, cond),
            None => Vec::new(),
        }
    }

    /// Arms that the decision never takes, given when it runs.
    fn arms(&mut self, node: u32) {
        let conditions = self.conditions;
        let Some(arms) = conditions.arms.get(&node) else {
            return;
        };
        for (route, cond) in (0u32..).zip(arms.iter()) {
            if cond.never.is_some() {
                self.never_taken.insert((node, route));
                continue;
            }
            let facts = self.facts_of(node, cond);
            let mut held = Holding::default();
            let before = self.lists.iter(self.facts[node as usize]);
            held.add_all(&mut self.kept, Why::Routes, before);
            if let Some(clash) = held.add_all(&mut self.kept, Why::When, facts.into_iter()) {
                self.never_taken.insert((node, route));
                if !self.graph.is_loose(node) {
                    self.dead_arms.push(DeadArm { node, route, clash });
                }
            }
        }
    }

    /// What has happened once a plain need on the node is satisfied.
    fn after(&self, node: u32) -> Vec<Fact> {
        let mut facts: Vec<Fact> = self.lists.iter(self.facts[node as usize]).collect();
        facts.extend(self.completes(node));
        facts
    }

    /// That the node has completed, if that could matter to anyone. With a fallback, it may have failed.
    fn completes(&self, node: u32) -> Option<Fact> {
        let matters = self.graph.has_failure_route(node) || self.asked.contains(&node);
        (matters && self.graph.fallback[node as usize].is_none()).then(|| Fact::completed(node))
    }

    /// What a condition of the node says about things that are settled when the node reads them.
    fn facts_of(&mut self, node: u32, cond: &Cond) -> Vec<Fact> {
        let mut found = Vec::new();
        for (subject, values) in &cond.facts {
            let of = match subject {
                cond::Subject::Status(name) => self.settled(node, name).map(Subject::Outcome),
                cond::Subject::Mode(name) => self.settled(node, name).map(Subject::Mode),
                cond::Subject::Value(value) => {
                    let all = value.nodes.iter().all(|name| self.settled(node, name).is_some());
                    all.then(|| Subject::Value(self.id(value)))
                }
            };
            found.extend(of.map(|of| self.fact(of, values.clone())));
        }
        found
    }

    fn fact(&mut self, of: Subject, is: Values) -> Fact {
        let is = self.kept.keep(is);
        Fact { of, is }
    }

    /// The node of that name, if it has always settled when the other starts.
    fn settled(&self, reader: u32, name: &str) -> Option<u32> {
        let node = self.graph.find(name)?;
        let needed = self
            .graph
            .requirements(reader)
            .iter()
            .any(|requirement| match requirement {
                Requirement::Plain(on) | Requirement::Success(on) | Requirement::Optional(on) => *on == node,
                Requirement::Quorum { .. } => false,
            });
        let waits = || self.graph.sources(reader).iter().any(|source| source.node == node);
        // what has happened before something that it needs starts
        let known = |on: u32| {
            let about = |fact: Fact| matches!(fact.of, Subject::Outcome(of) | Subject::Mode(of) if of == node);
            self.lists.iter(self.facts[on as usize]).any(about)
        };
        let known = || {
            let mut requirements = self.graph.requirements(reader).iter();
            requirements.any(
                |requirement| matches!(requirement, Requirement::Plain(on) | Requirement::Success(on) if known(*on)),
            )
        };
        (needed || waits() || known() || self.graph.access(reader, node) == Access::Always).then_some(node)
    }

    fn id(&mut self, value: &ValueName) -> u32 {
        if let Some(&id) = self.ids.get(value) {
            return id;
        }
        let id = self.values.len() as u32;
        self.values.push(value.clone());
        self.ids.insert(value.clone(), id);
        id
    }
}
