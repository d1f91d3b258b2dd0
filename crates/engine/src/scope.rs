//! What names mean while an expression is evaluated: the run's values, what is upstream, and the attempt at hand.
//!
//! Promise: a read never depends on the order in which things happened to finish. A node sees another one only if that
//! one is behind it through needs and routes that were decided before it started; the rest reads as `none`.

use std::collections::BTreeMap;

use ir::eval::{EvalError, NoWorld, Scope, eval};
use ir::expr::{Capture, Expr, Ref};
use ir::plan::{Body, Budget, Inputs, Need, Node, NodeId, Plan};
use ir::types::Types;
use ir::value::Value;
use smol_str::SmolStr;

use crate::call::step_of;
use crate::event::{Ended, How, NodeStatus};
use crate::graph::task;
use crate::memory;
use crate::retry::idempotency_key;
use crate::scopes::{ScopeId, Scopes};
use crate::spending;
use crate::state::{NodeError, State, UnitId};

/// From where an expression reads.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// A plan itself, when everything in its scope has settled.
    Plan(ScopeId),
    /// A node, without the variable of its `each`.
    Node(NodeId),
    /// A unit that is about to start or has ended.
    Unit(UnitId),
    /// An alert of the outermost plan, while the run goes on.
    Alert,
}

/// The scope of one evaluation.
#[derive(Clone, Copy)]
pub(crate) struct RunScope<'a> {
    pub scopes: &'a Scopes,
    pub state: &'a State,
    pub place: Place,
    /// The item, before its instance exists: for keys.
    pub item: Option<&'a Value>,
    pub own: Option<&'a BTreeMap<SmolStr, Value>>,
    pub ended: Option<&'a Ended>,
    /// What the capability answered, checked.
    pub answer: Option<&'a Value>,
}

impl<'a> RunScope<'a> {
    pub fn new(scopes: &'a Scopes, state: &'a State, place: Place) -> Self {
        Self {
            scopes,
            state,
            place,
            item: None,
            own: None,
            ended: None,
            answer: None,
        }
    }

    fn scope_id(&self) -> ScopeId {
        match self.place {
            Place::Plan(scope) => scope,
            Place::Alert => self.scopes.outermost_id(),
            Place::Node(node) | Place::Unit(UnitId { node, .. }) => self.scopes.id_of(node),
        }
    }

    /// The scope of the run that it reads in.
    pub fn scope(&self) -> &'a crate::scopes::Scope {
        self.scopes.get(self.scope_id())
    }

    pub fn plan(&self) -> &'a Plan {
        self.scope().plan()
    }

    /// The number in the run of a node that the plan names.
    pub fn global(&self, node: NodeId) -> NodeId {
        self.scope().global(node)
    }

    /// Evaluates without a look at the world.
    pub fn eval(&self, expr: &Expr) -> Result<Value, EvalError> {
        eval(expr, self, &mut NoWorld)
    }

    /// Evaluates to a truth value; an absent one is not true.
    pub fn holds(&self, expr: &Expr) -> Result<bool, EvalError> {
        truth(&self.eval(expr)?)
    }

    fn reader(&self) -> Option<NodeId> {
        match self.place {
            Place::Plan(_) | Place::Alert => None,
            Place::Node(node) | Place::Unit(UnitId { node, .. }) => Some(node),
        }
    }

    fn unit(&self) -> Option<UnitId> {
        match self.place {
            Place::Unit(unit) => Some(unit),
            Place::Plan(_) | Place::Alert | Place::Node(_) => None,
        }
    }

    /// The number in the run of a node that an expression names.
    fn named(&self, node: NodeId) -> Result<NodeId, EvalError> {
        if (node as usize) < self.plan().nodes.len() {
            return Ok(self.global(node));
        }
        Err(EvalError::new(format!("the plan has no node number {node}")))
    }

    fn sees(&self, node: NodeId) -> bool {
        self.reader()
            .is_none_or(|reader| sees(self.scopes, self.state, reader, node))
    }

    /// The node whose outputs are read in place of `node`: itself, or the fallback that stands in for it there.
    fn provider(&self, node: NodeId) -> Option<NodeId> {
        let mut at = node;
        loop {
            let node_state = self.state.node(at);
            match (node_state.status, self.scopes.fallback(at)) {
                (NodeStatus::Completed, _) => return Some(at),
                (NodeStatus::Failed, Some(fallback)) if self.sees(fallback) => at = fallback,
                _ => return None,
            }
        }
    }

    fn output(&self, node: NodeId, name: &SmolStr) -> Result<Value, EvalError> {
        if !self.sees(node) {
            return Ok(Value::None);
        }
        let Some(provider) = self.provider(node) else {
            return Ok(Value::None);
        };
        let provider_state = self.state.node(provider);
        if let Some(capture) = provider_state
            .truncated
            .iter()
            .find(|capture| crate::graph::capture_name(**capture) == name)
        {
            return Err(over_limit(*capture, Some(&self.scopes.node(provider).id)));
        }
        Ok(provider_state.outputs.get(name).cloned().unwrap_or(Value::None))
    }

    fn status(&self, node: NodeId) -> Result<Value, EvalError> {
        let status = if self.sees(node) {
            self.state.node(node).status
        } else {
            NodeStatus::Pending
        };
        Ok(text(status.name()))
    }

    fn duration(&self, node: NodeId) -> Result<Value, EvalError> {
        if !self.sees(node) {
            return Ok(Value::None);
        }
        let state = self.state.node(node);
        let ran = matches!(state.status, NodeStatus::Completed | NodeStatus::Failed);
        Ok(match state.settled_ms.filter(|_| ran) {
            Some(settled) => Value::Duration(settled - state.started_ms.unwrap_or(settled)),
            None => Value::None,
        })
    }

    /// What those who approved a gate chose.
    fn choice(&self, node: NodeId) -> Value {
        let gate = self.state.node(node).gate.as_ref().filter(|_| self.sees(node));
        gate.and_then(|gate| gate.choice.clone())
            .map_or(Value::None, Value::String)
    }

    /// The variable of `each`, where it has a value.
    pub fn each_item(&self) -> Option<&'a Value> {
        self.item.or_else(|| {
            self.unit()
                .and_then(|unit| self.state.instance(unit))
                .map(|instance| &instance.item)
        })
    }

    fn each(&self) -> Result<Value, EvalError> {
        self.each_item()
            .cloned()
            .ok_or_else(|| EvalError::new("the variable of `each` has no value here"))
    }

    fn input(&self, name: &str) -> Result<Value, EvalError> {
        self.unit()
            .and_then(|unit| self.state.unit(unit).input.get(name))
            .cloned()
            .ok_or_else(|| EvalError::new(format!("`input.{name}` has no value here")))
    }

    /// What the plan that the unit called made, once that is over.
    fn called(&self) -> Option<&'a BTreeMap<SmolStr, Value>> {
        self.state.unit(self.unit()?).called.as_ref()?.outputs.as_ref()
    }

    fn inputs(&self) -> &'a Inputs {
        &self.state.scope(self.scope_id()).inputs
    }

    fn capture(&self, capture: Capture) -> Result<Value, EvalError> {
        if capture == Capture::Result
            && let Some(outputs) = self.called()
        {
            return Ok(Value::Record(outputs.clone()));
        }
        let Some(ended) = self.ended else {
            return Err(EvalError::new(format!(
                "`{}` has no value here",
                crate::graph::capture_name(capture)
            )));
        };
        if ended.truncated.contains(&capture) {
            return Err(over_limit(capture, None));
        }
        if let (Capture::Result, Some(answer)) = (capture, self.answer) {
            return Ok(answer.clone());
        }
        Ok(capture_value(ended, capture))
    }

    /// Of the run it is what a person raised it to.
    fn budget(&self, item: &str) -> Value {
        let none = Budget::default();
        let is_run = self.scope().caller.is_none();
        let budget = spending::budget_of(self.plan(), if is_run { &self.state.raised } else { &none });
        let whole = |most: Option<u64>| most.map(|most| i64::try_from(most).unwrap_or(i64::MAX));
        match item {
            "cost" => budget.cost.map_or(Value::None, |cost| Value::Money(cost.0)),
            "tokens" => whole(budget.tokens).map_or(Value::None, Value::Int),
            "time" => whole(budget.time_ms).map_or(Value::None, Value::Duration),
            _ => Value::None,
        }
    }

    const fn is_alert(&self) -> bool {
        matches!(self.place, Place::Alert)
    }

    fn run_value(&self, name: &str) -> Result<Value, EvalError> {
        let run = self
            .state
            .run
            .as_ref()
            .ok_or_else(|| EvalError::new("the run has not started"))?;
        match name {
            "id" => Ok(text(&run.run)),
            "started" => Ok(Value::Time(self.state.started_ms)),
            "workspace" => Ok(text(&run.workspace)),
            "seed" => Ok(text(&run.seed.to_string())),
            "parallel" => Ok(Value::Int(i64::from(run.parallel))),
            "cost" => Ok(Value::Money(self.state.used().cost)),
            "tokens" => Ok(Value::Int(i64::try_from(self.state.used().tokens).unwrap_or(i64::MAX))),
            "duration" if self.is_alert() => Ok(Value::Duration(self.state.now_ms - self.state.started_ms)),
            _ => Err(EvalError::new(format!(
                "`run.{name}` has no value while the run goes on"
            ))),
        }
    }

    fn task_value(&self, name: &str) -> Result<Value, EvalError> {
        let node = self
            .reader()
            .ok_or_else(|| EvalError::new(format!("`task.{name}` has no value outside of a task")))?;
        let plan_node = self.scopes.node(node);
        match name {
            "agent" => {
                let agent = self.unit().and_then(|unit| self.state.agents.get(&unit));
                Ok(agent.map_or(Value::None, |agent| text(agent)))
            }
            "attempt" => Ok(Value::Int(
                self.unit().map_or(1, |unit| i64::from(self.state.unit(unit).attempt)),
            )),
            "id" => Ok(text(&plan_node.id)),
            "kind" => Ok(plan_node.kind.as_ref().cloned().map_or(Value::None, Value::String)),
            "owner" => Ok(plan_node.owner.as_ref().cloned().map_or(Value::None, Value::String)),
            "key" => {
                let key = self.unit().map(|unit| key(self.scopes, self.state, unit));
                Ok(Value::String(key.unwrap_or_default()))
            }
            _ => Err(EvalError::new(format!("`task.{name}` is not known"))),
        }
    }

    fn memory(&self, key: &SmolStr) -> Result<Value, EvalError> {
        let slot = memory::slot(self.plan(), key);
        let value = match self.reader() {
            Some(reader) => memory::read(self.scopes, self.state, reader, &slot),
            None => memory::read_last(self.scope(), self.state, &slot),
        };
        let recalled = || self.state.run.as_ref()?.memory.get(&slot);
        if let Some(value) = value.or_else(recalled) {
            return Ok(value.clone());
        }
        let declared = self.plan().memory.iter().find(|memory| memory.key == *key);
        match declared.and_then(|memory| memory.default.as_ref()) {
            Some(default) => self.eval(default),
            None => Ok(Value::None),
        }
    }
}

impl RunScope<'_> {
    /// Never the value: that is the driver's.
    fn secret(&self, name: &str) -> Result<Value, EvalError> {
        let secret = self.plan().secrets.iter().find(|secret| secret.name == name);
        let run = self
            .state
            .run
            .as_ref()
            .map_or(("", 0), |run| (run.run.as_str(), run.seed));
        secret
            .map(|secret| Value::from(crate::secret::stand_in(run.0, run.1, secret)))
            .ok_or_else(|| EvalError::new(format!("there is no secret `{name}`")))
    }
}

impl Scope for RunScope<'_> {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        match reference {
            Ref::Param(name) => Ok(self.inputs().get(name).cloned().unwrap_or(Value::None)),
            Ref::Output(node, name) => self.output(self.named(*node)?, name),
            Ref::Status(node) => self.status(self.named(*node)?),
            Ref::Attempts(node) => {
                let node = self.named(*node)?;
                Ok(Value::Int(if self.sees(node) {
                    i64::from(attempts(self.state, node))
                } else {
                    0
                }))
            }
            Ref::NodeDuration(node) => self.duration(self.named(*node)?),
            Ref::Choice(node) => Ok(self.choice(self.named(*node)?)),
            Ref::NodeAgent(node) => {
                let node = self.named(*node)?;
                let instance = None;
                let agent = self.state.agents.get(&UnitId { node, instance });
                Ok(agent
                    .filter(|_| self.sees(node))
                    .map_or(Value::None, |agent| text(agent)))
            }
            Ref::Error(node) => {
                let node = self.named(*node)?;
                let error = if self.sees(node) {
                    self.state.node(node).error.as_deref()
                } else {
                    None
                };
                Ok(error.map_or(Value::None, error_value))
            }
            Ref::Each => self.each(),
            Ref::Input(name) => self.input(name),
            Ref::Own(name) => match self.own.and_then(|own| own.get(name)) {
                Some(value) => Ok(value.clone()),
                None => Err(EvalError::new(format!(
                    "the task's own output `{name}` has no value here"
                ))),
            },
            Ref::Capture(capture) => self.capture(*capture),
            Ref::Memory(key) => self.memory(key),
            Ref::Run(name) => self.run_value(name),
            Ref::Task(name) => self.task_value(name),
            Ref::Plan(name) => match name.as_str() {
                "name" => Ok(text(&self.plan().name)),
                "version" => Ok(self.plan().version.clone().map_or(Value::None, Value::String)),
                _ => Err(EvalError::new(format!("`plan.{name}` is not known"))),
            },
            Ref::Secret(name) => self.secret(name),
            Ref::Budget(name) => Ok(self.budget(name)),
            Ref::World(name) => Err(EvalError::new(format!("`{name}` can only be read in `requires`"))),
            Ref::Context(name) => Err(EvalError::new(format!(
                "`context.{name}` can only be read in a trigger"
            ))),
            Ref::Asked(asked) => Err(EvalError::new(format!(
                "`{}(…)` can only be asked in a test",
                asked.what.name()
            ))),
        }
    }

    fn types(&self) -> &Types {
        &self.plan().types
    }
}

/// A truth value; an absent one is not true.
pub(crate) fn truth(value: &Value) -> Result<bool, EvalError> {
    match value {
        Value::Bool(holds) => Ok(*holds),
        Value::None => Ok(false),
        _ => Err(EvalError::new("a condition is neither true nor false")),
    }
}

pub(crate) fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn over_limit(capture: Capture, node: Option<&str>) -> EvalError {
    let name = crate::graph::capture_name(capture);
    let of = node.map(|node| format!(" of `{node}`")).unwrap_or_default();
    EvalError::new(format!(
        "`{name}`{of} is too long to be read as a value; the log has all of it"
    ))
}

pub(crate) fn capture_value(ended: &Ended, capture: Capture) -> Value {
    match capture {
        Capture::Stdout => text(&ended.stdout),
        Capture::Stderr => text(&ended.stderr),
        Capture::Exit => match ended.how {
            How::Exited(code) => Value::Int(i64::from(code)),
            _ => Value::Int(0),
        },
        Capture::Duration => Value::Duration(i64::try_from(ended.duration_ms).unwrap_or(i64::MAX)),
        Capture::Result => Value::None,
    }
}

/// The idempotency key of a unit's current attempt.
pub(crate) fn key(scopes: &Scopes, state: &State, unit: UnitId) -> SmolStr {
    let step = task(scopes.node(unit.node)).and_then(|task| step_of(state, task, unit));
    let run = state.run.as_ref().map_or("", |run| run.run.as_str());
    let instance = state.instance(unit).map(|instance| instance.key.as_str());
    let round = state.node(unit.node).rounds_before + state.unit(unit).round;
    idempotency_key(run, &scopes.path(unit.node), instance, round, step)
}

/// How often a node was attempted; of a fan-out, all instances together.
pub(crate) fn attempts(state: &State, node: NodeId) -> u32 {
    let node = state.node(node);
    match &node.fan {
        Some(fan) => fan
            .instances
            .iter()
            .fold(0, |sum, instance| sum.saturating_add(instance.unit.attempt)),
        None => node.unit.attempt,
    }
}

fn error_value(error: &NodeError) -> Value {
    Value::Record(BTreeMap::from([
        (SmolStr::new_static("kind"), Value::String(error.kind.clone())),
        (SmolStr::new_static("message"), text(&error.message)),
        (
            SmolStr::new_static("exit"),
            error.exit.map_or(Value::None, |exit| Value::Int(i64::from(exit))),
        ),
        (SmolStr::new_static("attempts"), Value::Int(i64::from(error.attempts))),
    ]))
}

/// Calls `f` with each node that was decided before `reader` entered: whose completion, failure or skipping let it in.
pub(crate) fn upstream(scopes: &Scopes, state: &State, reader: NodeId, f: &mut dyn FnMut(NodeId)) {
    let reader_state = state.node(reader);
    if !reader_state.entered {
        return;
    }
    let mut with_fallbacks = |node: NodeId| {
        let mut at = Some(node);
        while let Some(node) = at {
            f(node);
            let failed = state.node(node).status == NodeStatus::Failed;
            at = scopes
                .fallback(node)
                .filter(|_| failed && state.node(node).satisfies.is_some());
        }
    };
    let scope = scopes.of(reader);
    for (need, need_state) in scope.node(reader).needs.iter().zip(&reader_state.needs) {
        match need {
            Need::Node { node, .. } => with_fallbacks(scope.global(*node)),
            Need::Quorum { .. } => need_state.yes.iter().copied().for_each(&mut with_fallbacks),
        }
    }
    // A handler sees that its source failed, not what may stand in for it: that may still run.
    reader_state.fired_by.iter().copied().for_each(f);
}

/// Whether `node` is behind `reader`. Where every upstream node has settled before a node starts that is a fact of the
/// plan; else the decided edges are walked backward, no further than `node` stands in the order of the graph.
fn sees(scopes: &Scopes, state: &State, reader: NodeId, node: NodeId) -> bool {
    if !state.node(node).is_settled() {
        return false;
    }
    let scope = scopes.of(reader);
    if !scope.program.graph.has_races {
        return true;
    }
    // edges point forward, so whatever lies between the two stands between them in the order
    let floor = scope.place(node);
    let Some(between) = scope.place(reader).checked_sub(floor + 1) else {
        return false;
    };
    let mut seen = vec![false; between as usize];
    let mut work = vec![reader];
    let mut found = false;
    while let Some(at) = work.pop() {
        upstream(scopes, state, at, &mut |from| {
            found |= from == node;
            if let Some(place) = scope.place(from).checked_sub(floor + 1)
                && let Some(seen) = seen.get_mut(place as usize)
                && !std::mem::replace(seen, true)
            {
                work.push(from);
            }
        });
        if found {
            return true;
        }
    }
    false
}

/// Whether the node is a fan-out.
pub(crate) fn is_fan_out(node: &Node) -> bool {
    task(node).is_some_and(|task| task.each.is_some())
}

/// Whether `body` runs something outside the engine.
pub(crate) fn runs_outside(body: &Body) -> bool {
    match body {
        Body::Task(task) => !task.work.is_nothing(),
        Body::Gate(gate) => gate.script.is_some(),
        Body::Decision(_) => false,
    }
}
