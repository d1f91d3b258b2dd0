//! A run as people and drivers see it: nodes, attempts in flight, doubts, a digest of everything. Looking is linear and
//! changes nothing.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use ir::plan::{Body, Expectation, Node, NodeId};
use ir::value::Value;
use serde::Serialize;
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::{AttemptId, NodeStatus, Usage};
use crate::people::GateSnapshot;
use crate::questions::QuestionSnapshot;
use crate::retry::unit_of;
use crate::reuse::Reused;
use crate::scope::{Place, attempts};
use crate::scopes::ScopeId;
use crate::state::{NodeError, NodeState, Undo, UnitId};

const DIGEST_BUFFER_BYTES: usize = 1 << 14;

/// What a listing has yet to show.
enum Pending {
    Scope(ScopeId),
    Node(NodeId),
    Instance(NodeId, u32),
}

/// A node at this moment.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct NodeSnapshot {
    pub node: NodeId,
    /// As it is named in the run: `build`, `release/build`.
    pub id: SmolStr,
    pub title: Option<String>,
    pub status: NodeStatus,
    /// Of a fan-out, of all instances together.
    pub attempts: u32,
    pub error: Option<NodeError>,
    /// Of a failed node: whether something handled the failure; absent while undecided.
    pub handled: Option<bool>,
    pub started_ms: Option<i64>,
    pub settled_ms: Option<i64>,
    /// Declared outputs, and captures that the plan reads.
    pub outputs: BTreeMap<SmolStr, Value>,
    /// Why it was skipped.
    pub because: Option<String>,
    /// The next node, of a decision that was made.
    pub chosen: Option<NodeId>,
    /// Of a gate that asked people, or a task whose prose they judge.
    pub gate: Option<GateSnapshot>,
    /// Of a task that asked people, instances in item order.
    pub questions: Vec<QuestionSnapshot>,
    /// Who did it, where agents provide what it does.
    pub agent: Option<SmolStr>,
    /// What its calls used, of all attempts and instances together.
    pub used: Usage,
    /// Whether what it did was undone.
    pub undo: Option<Undo>,
    /// Another run's result stands in for what it would have done.
    pub reused: Option<Reused>,
    /// In item order.
    pub instances: Vec<InstanceSnapshot>,
}

/// An instance of a fan-out at this moment.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct InstanceSnapshot {
    pub key: SmolStr,
    /// `deep-dive[key]`
    pub label: SmolStr,
    pub status: NodeStatus,
    pub attempts: u32,
    pub agent: Option<SmolStr>,
    pub error: Option<NodeError>,
    pub started_ms: Option<i64>,
    pub settled_ms: Option<i64>,
    pub undo: Option<Undo>,
    pub reused: Option<Reused>,
    /// What people were asked about its prose.
    pub gate: Option<GateSnapshot>,
}

/// A line of what a run consists of, in plan order: instances after their task, and what a task or an instance calls after it.
#[derive(Clone, PartialEq, Debug)]
pub enum Listed {
    Node(Box<NodeSnapshot>),
    Instance {
        of: NodeId,
        snapshot: Box<InstanceSnapshot>,
    },
}

/// An attempt that runs or, after a crash, ran; or one in doubt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InFlight {
    pub attempt: AttemptId,
    pub label: SmolStr,
    pub idempotent: bool,
}

/// Prose that a completed node should have lived up to, and that nobody judged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unverified {
    pub node: NodeId,
    pub label: SmolStr,
    pub text: SmolStr,
}

impl NodeSnapshot {
    pub fn duration_ms(&self) -> Option<i64> {
        Some(self.settled_ms? - self.started_ms?)
    }

    /// What people were asked to decide: about it, or about each of its instances.
    pub fn gates(&self) -> impl Iterator<Item = &GateSnapshot> {
        let of_instances = self.instances.iter().filter_map(|instance| instance.gate.as_ref());
        self.gate.iter().chain(of_instances)
    }
}

impl Engine {
    /// Every node, by number: those of the plan in plan order, then those of each call in the order in which they began.
    pub fn nodes(&self) -> Vec<NodeSnapshot> {
        let nodes = self.current_nodes().into_iter();
        nodes.map(|id| self.node_snapshot(id)).collect()
    }

    /// What each of them has come to, and nothing else of it.
    pub fn statuses(&self) -> impl Iterator<Item = (NodeId, NodeStatus)> + '_ {
        let nodes = self.current_nodes().into_iter();
        nodes.map(|id| (id, self.state.node(id).status))
    }

    /// Where a node stands in the outermost plan as it is now; absent: in a plan that is called, or in an earlier revision.
    pub fn position(&self, id: NodeId) -> Option<NodeId> {
        let scope = self.scopes.outermost();
        scope.nodes().contains(&id).then(|| scope.local(id))
    }

    /// Whether a node belongs to the latest revision of the plan.
    pub(crate) fn is_current(&self, id: NodeId) -> bool {
        self.scopes.id_of(self.outermost_node(id)) == self.scopes.outermost_id()
    }

    /// The numbers of the nodes that the latest revision of the plan has, and of what it called.
    pub(crate) fn current_nodes(&self) -> Vec<NodeId> {
        let current = self.scopes.current();
        let nodes = 0..self.node_count();
        nodes.filter(|id| current[self.scopes.id_of(*id) as usize]).collect()
    }

    /// Every node and instance as people read a run, each with how deep it stands.
    pub fn listing(&self) -> Vec<(u32, Listed)> {
        let calls = self.scopes.calls();
        let mut listing = Vec::new();
        let mut work: Vec<(u32, Pending)> = vec![(0, Pending::Scope(self.scopes.outermost_id()))];
        while let Some((depth, pending)) = work.pop() {
            match pending {
                Pending::Scope(scope) => {
                    let nodes = self.scopes.get(scope).nodes();
                    work.extend(nodes.rev().map(|id| (depth, Pending::Node(id))));
                }
                Pending::Node(id) => {
                    let snapshot = self.node_snapshot(id);
                    let instances = (0..snapshot.instances.len() as u32).rev();
                    work.extend(instances.map(|index| (depth + 1, Pending::Instance(id, index))));
                    let unit = unit_of(id, None);
                    let called = calls.get(&unit).into_iter().flatten().rev();
                    work.extend(called.map(|scope| (depth + 1, Pending::Scope(*scope))));
                    listing.push((depth, Listed::Node(Box::new(snapshot))));
                }
                Pending::Instance(of, index) => {
                    let unit = unit_of(of, Some(index));
                    let called = calls.get(&unit).into_iter().flatten().rev();
                    work.extend(called.map(|scope| (depth + 1, Pending::Scope(*scope))));
                    if let Some(snapshot) = self.instance_snapshot(unit) {
                        let snapshot = Box::new(snapshot);
                        listing.push((depth, Listed::Instance { of, snapshot }));
                    }
                }
            }
        }
        listing
    }

    /// What the plan says about a node; absent if there is none of that number.
    pub fn plan_node(&self, id: NodeId) -> Option<&Node> {
        self.scopes.has(id).then(|| self.scopes.node(id))
    }

    /// `build`, `deep-dive[key]`, `release/build`; absent if there is none of that number.
    pub fn name(&self, id: NodeId, instance: Option<u32>) -> Option<SmolStr> {
        self.scopes.has(id).then(|| self.label(unit_of(id, instance)))
    }

    /// One node; absent if the plan has none of that number.
    pub fn node(&self, id: NodeId) -> Option<NodeSnapshot> {
        self.scopes.has(id).then(|| self.node_snapshot(id))
    }

    fn node_snapshot(&self, id: NodeId) -> NodeSnapshot {
        let node = self.state.node(id);
        NodeSnapshot {
            node: id,
            id: self.scopes.name(id),
            title: self.title(id),
            status: node.status,
            attempts: attempts(&self.state, id),
            error: node
                .error
                .as_deref()
                .or_else(|| node.unit.error.as_deref().filter(|_| !node.is_settled()))
                .cloned(),
            handled: node.handled,
            started_ms: node.started_ms,
            settled_ms: node.settled_ms,
            outputs: node.outputs.clone(),
            because: node.why.as_ref().cloned(),
            chosen: node.chosen,
            gate: node.gate.as_deref().map(|gate| gate.snapshot()),
            questions: self.questions_of(id),
            agent: self
                .agent_of(UnitId {
                    node: id,
                    instance: None,
                })
                .cloned(),
            used: self.used_by(id),
            undo: node.unit.undo.as_deref().cloned(),
            reused: self.reused(id, None).cloned(),
            instances: self.instances(id, node),
        }
    }

    fn instances(&self, id: NodeId, node: &NodeState) -> Vec<InstanceSnapshot> {
        let count = node.fan.as_ref().map_or(0, |fan| fan.instances.len() as u32);
        (0..count)
            .filter_map(|index| self.instance_snapshot(unit_of(id, Some(index))))
            .collect()
    }

    fn instance_snapshot(&self, unit: UnitId) -> Option<InstanceSnapshot> {
        let instance = self.state.instance(unit)?;
        Some(InstanceSnapshot {
            key: instance.key.clone(),
            label: self.label(unit),
            status: instance.unit.status,
            attempts: instance.unit.attempt,
            agent: self.agent_of(unit).cloned(),
            error: instance
                .unit
                .error
                .as_deref()
                .filter(|_| instance.unit.status != NodeStatus::Completed)
                .cloned(),
            started_ms: instance.started_ms,
            settled_ms: instance.settled_ms,
            undo: instance.unit.undo.as_deref().cloned(),
            reused: self.reused(unit.node, unit.instance).cloned(),
            gate: instance.gate.as_deref().map(|gate| gate.snapshot()),
        })
    }

    /// The title, with its interpolations filled in as far as they have a value.
    pub fn title(&self, id: NodeId) -> Option<String> {
        let title = self.scopes.has(id).then(|| self.scopes.node(id))?.title.as_ref()?;
        self.scope(Place::Node(id))
            .eval(title)
            .ok()
            .map(|title| ir::data::render(&title))
    }

    /// Attempts that were started and have not ended. A driver that resumes a run reports each as lost.
    pub fn in_flight(&self) -> Vec<InFlight> {
        self.state
            .in_flight
            .iter()
            .map(|(unit, attempt)| InFlight {
                idempotent: attempt.undo || self.is_idempotent(*unit),
                ..self.attempt_of(*unit, *attempt)
            })
            .collect()
    }

    /// Attempts in doubt, for which a person has to decide.
    pub fn blocked(&self) -> Vec<InFlight> {
        let attempt = |unit: &UnitId| {
            let state = self.state.unit(*unit);
            AttemptId {
                node: unit.node,
                instance: unit.instance,
                attempt: state.attempt,
                start: state.start,
                undo: false,
            }
        };
        self.state
            .blocked
            .iter()
            .map(|unit| self.attempt_of(*unit, attempt(unit)))
            .collect()
    }

    fn attempt_of(&self, unit: UnitId, attempt: AttemptId) -> InFlight {
        InFlight {
            attempt,
            label: self.label(unit),
            idempotent: self.is_idempotent(unit),
        }
    }

    /// When the run started, and the time of the latest event.
    pub fn times_ms(&self) -> (i64, i64) {
        (self.state.started_ms, self.state.now_ms)
    }

    /// Prose expectations and checks of completed nodes: never decided here, so never passed.
    pub fn unverified(&self) -> Vec<Unverified> {
        let mut unverified = Vec::new();
        for id in self.current_nodes() {
            let node = self.scopes.node(id);
            let expectations = match &node.body {
                Body::Task(task) => &task.expect,
                Body::Gate(gate) => &gate.checks,
                Body::Decision(_) => continue,
            };
            let ran = self.state.node(id).status == NodeStatus::Completed && !self.is_verified(id);
            for expectation in expectations.iter().filter(|_| ran) {
                if let Expectation::Prose { text } = expectation {
                    unverified.push(Unverified {
                        node: id,
                        label: self.label(UnitId {
                            node: id,
                            instance: None,
                        }),
                        text: text.clone(),
                    });
                }
            }
        }
        unverified
    }

    /// A judge found all of its prose to hold; of a fan-out, that of all its completed instances.
    fn is_verified(&self, id: NodeId) -> bool {
        let verified = |instance| self.state.verified.contains(&UnitId { node: id, instance });
        match &self.state.node(id).fan {
            None => verified(None),
            Some(fan) => (0..)
                .zip(&fan.instances)
                .all(|(index, instance)| instance.unit.status != NodeStatus::Completed || verified(Some(index))),
        }
    }

    /// BLAKE3 of everything that decides what comes next, in hexadecimal: equal digests, equal futures.
    pub fn state_digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"engine-state/2\0");
        // JSON comes in small pieces, of which a hasher makes slow work
        let mut pieces = BufWriter::with_capacity(DIGEST_BUFFER_BYTES, &mut hasher);
        let written = serde_json::to_writer(&mut pieces, &(&self.state, &self.scopes)).is_ok();
        let flushed = pieces.flush().is_ok();
        drop(pieces);
        // Plain data with text keys into a hasher: there is nothing that could fail.
        if !written || !flushed {
            hasher.update(b"\0unserialisable");
        }
        hasher.finalize().to_hex().to_string()
    }
}
