//! The state of a run for machines: what `run --format json` ends with, and what `show --json` and `runs --json` print.
//!
//! Fields are added, never renamed.

use std::collections::BTreeMap;

use engine::event::{NodeStatus, RunStatus};
use engine::{
    Engine, HypothesisSnapshot, InstanceSnapshot, Listed, NodeError, NodeSnapshot, Raised, Reused, Revised, Undo,
};
use ir::Value;
use ir::plan::{Body, NodeId};
use ir::quantity::render_money;
use serde::Serialize;
use smol_str::SmolStr;
use store::RunMeta;

use crate::asking::{self, Gate, Question};

type Outputs = BTreeMap<SmolStr, serde_json::Value>;

#[derive(Serialize)]
pub struct Summary<'a> {
    pub run: &'a str,
    pub plan: &'a str,
    pub version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<&'a str>,
    pub status: &'static str,
    pub started: &'a str,
    pub duration_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<Node>>,
    /// Gates that asked people, with what they said.
    pub gates: Vec<Gate>,
    /// What tasks asked people, with their answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// With what the evidence so far makes of their odds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hypotheses: Vec<Hypothesis>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub alerts: &'a [Raised],
    /// Of the plan, behind the first.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub revisions: &'a [Revised],
    pub outputs: Outputs,
    /// Dollars, exactly.
    pub cost: String,
    pub tokens: u64,
    pub unverified: Vec<String>,
    /// Why the run failed, where no node says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
}

#[derive(Serialize)]
pub struct Node {
    id: SmolStr,
    kind: &'static str,
    status: NodeStatus,
    /// Of a fan-out, of all instances together.
    attempts: u32,
    /// Of a fan-out, how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<usize>,
    agent: Option<SmolStr>,
    cost: String,
    tokens: u64,
    duration_ms: Option<i64>,
    handled: bool,
    error: Option<NodeError>,
    /// Whether what it did was undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<Undo>,
    /// The run whose result stands in for what it would have done.
    #[serde(skip_serializing_if = "Option::is_none")]
    reused: Option<Reused>,
    outputs: Outputs,
}

/// What happened in a run, beside the journal itself.
pub struct Facts<'a> {
    pub meta: &'a RunMeta,
    pub engine: &'a Engine,
    /// Somebody drives it now.
    pub driven: bool,
}

impl Facts<'_> {
    /// A run that nothing drives does not run.
    pub fn status(&self) -> &'static str {
        match self.engine.status() {
            RunStatus::Pending | RunStatus::Running if !self.driven => "interrupted",
            status => status.name(),
        }
    }

    pub fn duration_ms(&self) -> i64 {
        let (started, latest) = self.engine.times_ms();
        latest - started
    }

    pub fn summary(&self, with_nodes: bool) -> Summary<'_> {
        let end = self.engine.end();
        let unverified = self.engine.unverified();
        let used = self.engine.used();
        Summary {
            run: &self.meta.run,
            plan: &self.meta.plan,
            version: self.engine.plan().version.as_deref(),
            profile: self.engine.plan().profile.as_deref(),
            status: self.status(),
            started: &self.meta.started,
            duration_ms: self.duration_ms(),
            nodes: with_nodes.then(|| nodes(self.engine)),
            gates: asking::gates(self.engine),
            questions: asking::questions(self.engine),
            hypotheses: self.engine.hypotheses().iter().map(hypothesis).collect(),
            alerts: self.engine.alerts(),
            revisions: self.engine.revisions(),
            outputs: end.map(|end| plain(&end.outputs)).unwrap_or_default(),
            cost: render_money(used.cost.0),
            tokens: used.tokens,
            unverified: unverified
                .iter()
                .map(|prose| format!("{}: {}", prose.label, prose.text))
                .collect(),
            message: end.and_then(|end| end.message.as_deref()),
        }
    }

    pub fn json(&self, with_nodes: bool) -> String {
        // Plain structures of strings and numbers always serialise.
        serde_json::to_string(&self.summary(with_nodes)).unwrap_or_default()
    }
}

#[derive(Serialize)]
pub struct Hypothesis {
    name: SmolStr,
    title: Option<String>,
    /// As `1:4`, reduced.
    prior: String,
    odds: String,
    /// Rounded to three decimals.
    probability: f64,
}

fn hypothesis(hypothesis: &HypothesisSnapshot) -> Hypothesis {
    Hypothesis {
        name: hypothesis.name.clone(),
        title: hypothesis.title.clone(),
        prior: hypothesis.prior.to_string(),
        odds: hypothesis.odds.to_string(),
        probability: f64::from(hypothesis.odds.per_mille()) / 1000.0,
    }
}

/// In plan order; instances follow their task, and what a task or an instance calls follows it.
fn nodes(engine: &Engine) -> Vec<Node> {
    let line = |(_, listed)| match listed {
        Listed::Node(snapshot) => {
            let kind = kind(engine, snapshot.node);
            node(*snapshot, kind)
        }
        Listed::Instance { of, snapshot } => instance(&snapshot, kind(engine, of)),
    };
    engine.listing().into_iter().map(line).collect()
}

fn node(snapshot: NodeSnapshot, kind: &'static str) -> Node {
    Node {
        duration_ms: snapshot.duration_ms(),
        id: snapshot.id,
        kind,
        status: snapshot.status,
        attempts: snapshot.attempts,
        instances: Some(snapshot.instances.len()).filter(|count| *count > 0),
        agent: snapshot.agent,
        cost: render_money(snapshot.used.cost.0),
        tokens: snapshot.used.tokens,
        handled: snapshot.handled.unwrap_or(false),
        error: snapshot.error,
        undo: snapshot.undo,
        reused: snapshot.reused,
        outputs: plain(&snapshot.outputs),
    }
}

fn instance(snapshot: &InstanceSnapshot, kind: &'static str) -> Node {
    let duration_ms = snapshot
        .settled_ms
        .zip(snapshot.started_ms)
        .map(|(settled, started)| settled - started);
    Node {
        id: snapshot.label.clone(),
        kind,
        status: snapshot.status,
        attempts: snapshot.attempts,
        instances: None,
        agent: snapshot.agent.clone(),
        // what instances use is counted for their task
        cost: render_money(ir::plan::Money::default().0),
        tokens: 0,
        duration_ms,
        handled: false,
        error: snapshot.error.clone(),
        undo: snapshot.undo.clone(),
        reused: snapshot.reused.clone(),
        outputs: Outputs::new(),
    }
}

fn kind(engine: &Engine, node: NodeId) -> &'static str {
    match engine.plan_node(node).map(|node| &node.body) {
        Some(Body::Gate(_)) => "gate",
        Some(Body::Decision(_)) => "decision",
        Some(Body::Task(_)) | None => "task",
    }
}

fn plain(outputs: &BTreeMap<SmolStr, Value>) -> Outputs {
    outputs
        .iter()
        .map(|(name, value)| (name.clone(), ir::data::to_plain_json(value)))
        .collect()
}
