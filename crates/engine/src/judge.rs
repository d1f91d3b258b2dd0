//! What an attempt came to: preconditions before it, and after it outputs, failure modes and expectations, in that order.
//!
//! The same code runs twice, once for [`crate::Engine::observe`] with a world that records and once for
//! [`crate::Engine::apply`] with the record, so it asks the world the same questions in the same order. It changes nothing.

use std::collections::BTreeMap;

use ir::data;
use ir::eval::{EvalError, World, eval, observes};
use ir::expr::{Binary, BinaryOp, Capture, Expr};
use ir::func::Func;
use ir::plan::{Body, Expectation, FailMode, Gate, Output, Remember, Task};
use ir::types::Type;
use ir::value::Value;
use serde::Serialize;
use smol_str::SmolStr;

use crate::event::{AskCheck, Ended, How};
use crate::graph::{NodeTable, capture_name};
use crate::memory;
use crate::scope::{Place, RunScope, capture_value, truth};
use crate::scopes::Scopes;
use crate::state::{State, UnitId};

/// Longest rendering of a value in a message, in characters.
const MESSAGE_VALUE_CHARS: usize = 80;

/// Modes of calls that were turned away before anything was done.
pub(crate) const WITHOUT_EFFECT: [&str; 5] = [
    "rate-limited",
    "quota-exceeded",
    "circuit-open",
    "precondition",
    "denied",
];

/// What a completed attempt made.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Products {
    pub outputs: BTreeMap<SmolStr, Value>,
    pub truncated: Vec<Capture>,
    pub writes: BTreeMap<SmolStr, Value>,
    /// Of a gate: its checks, with what they saw.
    #[serde(skip)]
    pub checks: Vec<AskCheck>,
}

impl Products {
    pub const fn new() -> Self {
        Self {
            outputs: BTreeMap::new(),
            truncated: Vec::new(),
            writes: BTreeMap::new(),
            checks: Vec::new(),
        }
    }
}

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub mode: SmolStr,
    pub message: String,
    pub exit: Option<i32>,
    /// It is certain that the attempt changed nothing outside.
    pub without_effect: bool,
}

impl Failure {
    pub fn new(mode: &str, message: impl Into<String>) -> Self {
        Self {
            mode: mode.into(),
            message: message.into(),
            exit: None,
            without_effect: false,
        }
    }
}

pub(crate) type Verdict = Result<Products, Failure>;

/// Everything that judging reads.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub scopes: &'a Scopes,
    pub state: &'a State,
    pub unit: UnitId,
}

impl<'a> Judge<'a> {
    fn scope(&self) -> RunScope<'a> {
        RunScope::new(self.scopes, self.state, Place::Unit(self.unit))
    }

    pub(crate) fn plan(&self) -> &'a ir::Plan {
        self.scopes.of(self.unit.node).plan()
    }

    fn body(&self) -> &'a Body {
        &self.scopes.node(self.unit.node).body
    }

    /// What the plan that it called made, once that is over.
    fn called(&self) -> Option<&'a BTreeMap<SmolStr, Value>> {
        self.state.unit(self.unit).called.as_ref()?.outputs.as_ref()
    }

    /// Preconditions, in order; the first that does not hold decides.
    pub fn requires(&self, world: &mut dyn World) -> Result<(), Failure> {
        let Body::Task(task) = self.body() else {
            return Ok(());
        };
        if self.called().is_some() {
            return Ok(());
        }
        for requirement in &task.requires {
            check(requirement, &self.scope(), world, "precondition").map_err(|failure| Failure {
                without_effect: true,
                ..failure
            })?;
        }
        Ok(())
    }

    /// The verdict on an attempt that ended.
    pub fn verdict(&self, ended: &Ended, world: &mut dyn World) -> Verdict {
        let scope = RunScope {
            ended: Some(ended),
            ..self.scope()
        };
        match self.body() {
            Body::Task(task) => self.task(task, ended, scope, world),
            Body::Gate(gate) => self.gate(gate, ended, scope, world),
            Body::Decision(_) => Ok(Products::default()),
        }
    }

    fn task(&self, task: &Task, ended: &Ended, scope: RunScope<'_>, world: &mut dyn World) -> Verdict {
        if let Some(failure) = ending(ended) {
            // Outputs of a script that failed are not captured, but its own modes may tell the failure apart.
            if matches!(ended.how, How::Exited(_)) {
                named_failure(&task.fail, ended, scope, world)?;
            }
            return Err(failure);
        }
        let table = self.scopes.table(self.unit.node);
        // where nothing here looks at captures, only those are made that somebody reads later
        let looks =
            !(task.output.is_empty() && task.fail.is_empty() && task.expect.is_empty() && task.remember.is_empty());
        if !looks && table.read.is_empty() && task.script().is_some() {
            return Ok(Products {
                truncated: ended.truncated.clone(),
                ..Products::new()
            });
        }
        let answer = self.answer(ended)?;
        let bound = self.bound(answer.as_ref());
        let scope = RunScope {
            answer: answer.as_ref(),
            own: Some(&bound),
            ..scope
        };
        let made = || captures(task, ended, |name| looks || table.read.contains(name));
        let mut own = self.called().cloned().unwrap_or_else(made);
        for output in &task.output {
            let value = self.declared_output(output, scope, world)?;
            own.insert(output.name.clone(), value);
        }
        own.extend(self.answered_outputs(task, answer.as_ref()));
        let scope = RunScope {
            own: Some(&own),
            ..scope
        };
        for mode in &task.fail {
            let fired =
                holds(&mode.when, &scope, world).map_err(|message| Failure::new("expression-error", message))?;
            if fired {
                return Err(mode_failure(mode, ended, &scope));
            }
        }
        for expectation in &task.expect {
            check(expectation, &scope, world, "expectation")?;
        }
        let writes = remember(&task.remember, &scope)?;
        let mut truncated = ended.truncated.clone();
        truncated.retain(|capture| !task.output.iter().any(|output| output.name == capture_name(*capture)));
        let outputs = kept(own, task, table);
        Ok(Products {
            outputs,
            truncated,
            writes,
            checks: Vec::new(),
        })
    }

    /// Its own outputs as far as they can be told, also of an attempt that failed after it had made them.
    pub(crate) fn own_outputs(
        &self,
        task: &Task,
        ended: &Ended,
        scope: RunScope<'_>,
        world: &mut dyn World,
    ) -> BTreeMap<SmolStr, Value> {
        let mut own = captures(task, ended, |_| true);
        if ending(ended).is_some() || self.requires(world).is_err() {
            return own;
        }
        for output in &task.output {
            match self.declared_output(output, scope, world) {
                Ok(value) => drop(own.insert(output.name.clone(), value)),
                Err(_) => break,
            }
        }
        own.extend(self.answered_outputs(task, scope.answer));
        own
    }

    /// A script and checks decide; either of them saying no is a rejection.
    fn gate(&self, gate: &Gate, ended: &Ended, scope: RunScope<'_>, world: &mut dyn World) -> Verdict {
        if let Some(failure) = ending(ended) {
            let said_no = matches!(ended.how, How::Exited(_));
            let mode = if said_no {
                SmolStr::new_static("rejected")
            } else {
                failure.mode
            };
            return Err(Failure { mode, ..failure });
        }
        let mut checks = Vec::new();
        for expectation in &gate.checks {
            checks.push(seen_check(expectation, &scope, world, "rejected")?);
        }
        Ok(Products {
            checks,
            ..Products::default()
        })
    }

    pub(crate) fn declared_output(
        &self,
        output: &Output,
        scope: RunScope<'_>,
        world: &mut dyn World,
    ) -> Result<Value, Failure> {
        let name = &output.name;
        let value = eval(&output.value, &scope, world).map_err(|error| {
            let mode = if reads_data(&output.value) {
                "invalid-output"
            } else {
                "expression-error"
            };
            Failure::new(mode, format!("output `{name}`: {}", error.message))
        })?;
        data::check(value, &output.ty, &scope.plan().types)
            .map_err(|error| Failure::new("invalid-output", format!("output `{name}`{}", described(&error))))
    }

    /// The products of an attempt that a person declared completed: nothing was captured, so outputs that need captures are
    /// absent, and nothing is checked.
    pub fn declared_complete(&self, ended: &Ended) -> Products {
        let Body::Task(task) = self.body() else {
            return Products::default();
        };
        let bound = self.bound(None);
        let scope = RunScope {
            ended: Some(ended),
            own: Some(&bound),
            ..self.scope()
        };
        let mut own = captures(task, ended, |_| true);
        own.extend(self.answered_outputs(task, None));
        for output in &task.output {
            let value = self
                .declared_output(output, scope, &mut ir::eval::NoWorld)
                .unwrap_or(Value::None);
            own.insert(output.name.clone(), value);
        }
        let scope = RunScope {
            own: Some(&own),
            ..scope
        };
        let writes = remember(&task.remember, &scope).unwrap_or_default();
        let outputs = kept(own, task, self.scopes.table(self.unit.node));
        Products {
            outputs,
            truncated: Vec::new(),
            writes,
            checks: Vec::new(),
        }
    }
}

/// The failure that the way of ending is by itself.
pub(crate) fn ending(ended: &Ended) -> Option<Failure> {
    match &ended.how {
        How::Exited(0) | How::Nothing | How::Answered(_) => None,
        How::CallFailed { mode, message } => Some(Failure {
            without_effect: WITHOUT_EFFECT.contains(&mode.as_str()),
            ..Failure::new(mode, message)
        }),
        How::Exited(code) => {
            let mut message = format!("exit code {code}");
            if let Some(line) = ended.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
                message = format!("{message}: {}", shortened(line, MESSAGE_VALUE_CHARS * 3));
            }
            Some(Failure {
                exit: Some(*code),
                ..Failure::new("failure", message)
            })
        }
        How::Signalled(signal) => Some(Failure::new("failure", format!("killed by signal {signal}"))),
        How::TimedOut => Some(Failure::new(
            "timeout",
            format!("timed out after {}", render(&capture_value(ended, Capture::Duration))),
        )),
        How::NotStarted(why) => Some(Failure {
            without_effect: true,
            ..Failure::new("failure", format!("did not start: {why}"))
        }),
        How::Cancelled => Some(Failure::new("cancelled", "cancelled")),
        How::Interrupted => Some(Failure::new("failure", "interrupted")),
    }
}

/// The failure mode that names a non-zero exit, if one does. A mode that reads outputs cannot: there are none.
fn named_failure(modes: &[FailMode], ended: &Ended, scope: RunScope<'_>, world: &mut dyn World) -> Result<(), Failure> {
    for mode in modes {
        if holds(&mode.when, &scope, world).unwrap_or(false) {
            return Err(mode_failure(mode, ended, &scope));
        }
    }
    Ok(())
}

/// Says what the plan says, else how the script ended, else that the condition held.
fn mode_failure(mode: &FailMode, ended: &Ended, scope: &RunScope<'_>) -> Failure {
    let ending = ending(ended);
    let message = match mode.message.as_ref().map(|message| scope.eval(message)) {
        Some(Ok(message)) => data::render(&message),
        Some(Err(error)) => format!("`{}`, whose message cannot be told: {}", mode.mode, error.message),
        None => match &ending {
            Some(ending) => ending.message.clone(),
            None => format!("the condition of `{}` holds", mode.mode),
        },
    };
    let exit = match ended.how {
        How::Exited(code) => Some(code),
        _ => None,
    };
    Failure {
        exit,
        ..Failure::new(&mode.mode, message)
    }
}

/// Whether an output's expression takes data from outside apart: then what fails in it is the data, not the expression.
fn reads_data(expr: &Expr) -> bool {
    match expr {
        Expr::Cast(_) => true,
        Expr::Call(call) => matches!(call.func, Func::Json | Func::Yaml | Func::Csv) || observes(expr),
        _ => observes(expr),
    }
}

/// What a script always has as outputs, as far as it is wanted.
fn captures(task: &Task, ended: &Ended, wanted: impl Fn(&str) -> bool) -> BTreeMap<SmolStr, Value> {
    if task.script().is_none() {
        return BTreeMap::new();
    }
    let always = [Capture::Stdout, Capture::Stderr, Capture::Exit, Capture::Duration];
    always
        .into_iter()
        .filter(|capture| wanted(capture_name(*capture)))
        .map(|capture| {
            (
                SmolStr::new_static(capture_name(capture)),
                capture_value(ended, capture),
            )
        })
        .collect()
}

/// Declared outputs, what a capability answered, and those captures that someone reads.
fn kept(mut own: BTreeMap<SmolStr, Value>, task: &Task, table: &NodeTable) -> BTreeMap<SmolStr, Value> {
    if task.script().is_none() {
        return own;
    }
    own.retain(|name, _| table.read.contains(name) || task.output.iter().any(|output| output.name == *name));
    own
}

/// The values to remember, as their keys' types want them.
fn remember(clauses: &[Remember], scope: &RunScope<'_>) -> Result<BTreeMap<SmolStr, Value>, Failure> {
    let plan = scope.plan();
    let mut writes = BTreeMap::new();
    for Remember { key, value } in clauses {
        let value = scope
            .eval(value)
            .map_err(|error| Failure::new("expression-error", format!("remember `{key}`: {}", error.message)))?;
        let ty = plan
            .memory
            .iter()
            .find(|memory| memory.key == *key)
            .map_or(&Type::Json, |memory| &memory.ty);
        let value = data::check(value, ty, &plan.types)
            .map_err(|error| Failure::new("invalid-output", format!("remember `{key}`{}", described(&error))))?;
        writes.insert(memory::slot(plan, key), value);
    }
    Ok(writes)
}

/// Where and what, to follow the name of an output.
pub(crate) fn described(error: &data::DataError) -> String {
    if error.path.is_empty() {
        return format!(": {}", error.message);
    }
    format!(" at `{}`: {}", error.path, error.message)
}

fn holds(expr: &Expr, scope: &RunScope<'_>, world: &mut dyn World) -> Result<bool, String> {
    let value = eval(expr, scope, world).map_err(|error| error.message)?;
    truth(&value).map_err(|error| error.message)
}

fn check(
    expectation: &Expectation,
    scope: &RunScope<'_>,
    world: &mut dyn World,
    mode: &'static str,
) -> Result<(), Failure> {
    seen_check(expectation, scope, world, mode).map(drop)
}

/// An expectation that holds, with what it saw; prose is for others to judge.
fn seen_check(
    expectation: &Expectation,
    scope: &RunScope<'_>,
    world: &mut dyn World,
    mode: &'static str,
) -> Result<AskCheck, Failure> {
    let (expr, text) = match expectation {
        Expectation::Check { expr, text } => (expr, text),
        Expectation::Prose { text } => {
            return Ok(AskCheck {
                text: text.clone(),
                saw: None,
                prose: true,
            });
        }
    };
    match finding(expr, scope, world) {
        Ok((true, saw)) => Ok(AskCheck {
            text: text.clone(),
            saw,
            prose: false,
        }),
        Ok((false, saw)) => {
            let saw = saw.map(|saw| format!(": {saw}")).unwrap_or_default();
            Err(Failure::new(mode, format!("`{text}` does not hold{saw}")))
        }
        Err(error) => Err(Failure::new("expression-error", format!("`{text}`: {}", error.message))),
    }
}

/// Whether an expression holds and, where it compares, what it saw on both sides. Each side is evaluated once, so that
/// the world is asked once.
fn finding(expr: &Expr, scope: &RunScope<'_>, world: &mut dyn World) -> Result<(bool, Option<String>), EvalError> {
    let comparison = match expr {
        Expr::Binary(binary) => operator(binary.op).map(|operator| (binary, operator)),
        _ => None,
    };
    let Some((binary, operator)) = comparison else {
        return Ok((truth(&eval(expr, scope, world)?)?, None));
    };
    let lhs = eval(&binary.lhs, scope, world)?;
    let rhs = eval(&binary.rhs, scope, world)?;
    let seen = format!("{} {operator} {}", render(&lhs), render(&rhs));
    let compared = Expr::Binary(Box::new(Binary {
        op: binary.op,
        lhs: Expr::Const(lhs),
        rhs: Expr::Const(rhs),
    }));
    Ok((truth(&eval(&compared, scope, world)?)?, Some(seen)))
}

const fn operator(op: BinaryOp) -> Option<&'static str> {
    Some(match op {
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::In => "in",
        BinaryOp::Matches => "matches",
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
            return None;
        }
    })
}

fn render(value: &Value) -> String {
    let text = match value {
        Value::None => "none".to_owned(),
        Value::String(text) => format!("{text:?}"),
        other => data::render(other),
    };
    shortened(&text, MESSAGE_VALUE_CHARS)
}

fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
