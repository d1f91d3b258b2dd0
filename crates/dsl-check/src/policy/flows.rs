//! Where values go, as rules of policies ask it: from secrets, parameters, memory or nodes to the inputs of other nodes.
//!
//! One search for each origin that a rule names, kept; into a called plan the way goes on to the nodes that its
//! parameter reaches. Absent: how values are followed ([`crate::flow`]).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use dsl_syntax::table::ClauseKey as K;

use super::PlanAt;
use super::judge::{Judge, Tri};
use super::model::{End, Selector};
use super::subject::Subject;
use crate::diagnostic::Place;
use crate::facts::{Sink, file_values};
use crate::flow::{FlowGraph, Origin, Spot, Spread, called_plan, summaries};
use crate::graph::graphs;
use crate::scope::scope;

/// The flow of values through one plan.
pub(super) struct Flows<'a> {
    within: Option<Within<'a>>,
    spreads: RefCell<HashMap<*const End, Rc<Arrivals>>>,
}

struct Within<'a> {
    db: &'a dyn salsa::Database,
    plan: PlanAt,
    graph: FlowGraph<'a>,
}

/// Where the values of one origin arrive.
struct Arrivals {
    spread: Spread,
    /// By node, the places among those found where its work takes them, the nearest first.
    received: Vec<Vec<u32>>,
}

/// A value at an input.
pub(super) struct Arrival {
    arrivals: Rc<Arrivals>,
    at: u32,
    /// The node of a called plan that it goes on to.
    pub beyond: Option<String>,
}

impl<'a> Flows<'a> {
    /// For what asks nothing of values.
    pub fn none() -> Self {
        Self {
            within: None,
            spreads: RefCell::default(),
        }
    }

    pub fn of(db: &'a dyn salsa::Database, plan: PlanAt) -> Self {
        let PlanAt { file, at } = plan;
        let (Some(graph), Some(values)) = (graphs(db, file).get(at), file_values(db, file).get(at)) else {
            return Self::none();
        };
        let graph = FlowGraph::new(graph, values, summaries(db), |name| called_plan(db, file, name));
        Self {
            within: Some(Within { db, plan, graph }),
            spreads: RefCell::default(),
        }
    }

    /// How a value reaches the work of the node, if the node is one of `to`, or what it calls has one.
    pub fn arrives(&self, judge: &Judge<'_>, from: &End, to: &Selector, node: u32) -> Option<Arrival> {
        let within = self.within.as_ref()?;
        let arrivals = self.arrivals(judge, from)?;
        let mut received = arrivals.received[node as usize].iter().copied();
        if let Some(at) = received.find(|&at| judge.takes(to, node, arrivals.step(at)) == Tri::Yes) {
            return Some(Arrival {
                arrivals,
                at,
                beyond: None,
            });
        }
        let (at, beyond) = within.beyond(&arrivals, to, node)?;
        Some(Arrival {
            arrivals,
            at,
            beyond: Some(beyond),
        })
    }

    fn arrivals(&self, judge: &Judge<'_>, from: &End) -> Option<Rc<Arrivals>> {
        let key: *const End = from;
        if let Some(known) = self.spreads.borrow().get(&key) {
            return Some(known.clone());
        }
        let within = self.within.as_ref()?;
        let spread = within.graph.spread(&within.origins(judge, from), |_, _| false);
        let mut received = vec![Vec::new(); judge.subject.graph().nodes.len()];
        for (node, at) in spread.received() {
            if let Some(received) = received.get_mut(node as usize) {
                received.push(at);
            }
        }
        let arrivals = Rc::new(Arrivals { spread, received });
        self.spreads.borrow_mut().insert(key, arrivals.clone());
        Some(arrivals)
    }
}

impl Within<'_> {
    fn origins(&self, judge: &Judge<'_>, from: &End) -> Vec<Origin> {
        let shape = scope(self.db, self.plan.file).own.get(self.plan.at);
        let params = || {
            shape
                .into_iter()
                .flat_map(|shape| &shape.params)
                .map(|param| &param.name)
        };
        let is_secret = |name: &&smol_str::SmolStr| shape.is_some_and(|shape| shape.is_secret(name));
        match from {
            End::Secrets(Some(name)) => vec![Origin::Secret(name.clone())],
            End::Secrets(None) => {
                let of_params = params().filter(is_secret).cloned().map(Origin::Param);
                std::iter::once(Origin::Secrets).chain(of_params).collect()
            }
            End::Params(Some(name)) => vec![Origin::Param(name.clone())],
            End::Params(None) => params().cloned().map(Origin::Param).collect(),
            End::Memory(Some(key)) => vec![Origin::Memory(key.clone())],
            End::Memory(None) => {
                let keys = shape.into_iter().flat_map(|shape| &shape.memory);
                keys.map(|key| Origin::Memory(key.name.clone())).collect()
            }
            End::Nodes(selector) => judge.members(selector).certain().map(Origin::Node).collect(),
        }
    }

    /// An input of a call whose parameter reaches one of `to` in the called plan.
    fn beyond(&self, arrivals: &Arrivals, to: &Selector, node: u32) -> Option<(u32, String)> {
        let summary = self.graph.called(node)?;
        let calls = super::calls::calls(self.db, self.plan);
        let (_, called) = calls.into_iter().find(|(call, _)| *call == node)?;
        let subject = Subject::new(self.db, called)?;
        let judge = Judge::new(&subject, Flows::none());
        for &at in &arrivals.received[node as usize] {
            let Some(sink) = arrivals.sink(at) else { continue };
            let Some(param) = sink.entry.as_ref().filter(|_| sink.key == Some(K::Input)) else {
                continue;
            };
            let mut receivers = summary.receivers_of(param).iter();
            if let Some(&receiver) = receivers.find(|&&receiver| judge.picks(to, receiver) == Tri::Yes) {
                return Some((at, subject.node_name(receiver).to_string()));
            }
        }
        None
    }
}

impl Arrivals {
    fn sink(&self, at: u32) -> Option<&Sink> {
        match &self.spread.found.get(at as usize)?.spot {
            Spot::Clause(_, sink) => Some(sink),
            _ => None,
        }
    }

    /// The line of a `do:` that takes it.
    fn step(&self, at: u32) -> Option<u32> {
        self.sink(at)?.step
    }
}

impl Arrival {
    /// The way from its origin, in words.
    pub fn way(&self, judge: &Judge<'_>) -> String {
        let way = self.arrivals.spread.says(self.at, judge.subject.graph());
        match &self.beyond {
            Some(node) => format!("{way} → `{node}` of the called plan"),
            None => way,
        }
    }

    /// Where it began, in words.
    pub fn origin(&self, judge: &Judge<'_>) -> String {
        let path = self.arrivals.spread.path(self.at);
        path.first()
            .map(|first| first.spot.says(judge.subject.graph()))
            .unwrap_or_default()
    }

    pub fn place(&self, judge: &Judge<'_>) -> Option<Place> {
        self.arrivals.spread.place(self.at, judge.subject.blocks())
    }
}
