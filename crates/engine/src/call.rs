//! Calls of capabilities: what they are given, and whether what they answer is of the types that they promise.
//!
//! An answer that is not is `invalid-output`. Absent: who carries a call out, and what it costs.

use std::collections::BTreeMap;

use ir::data;
use ir::plan::{Capability, Param, Plan, Task, Work};
use ir::types::Type;
use ir::value::Value;
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::{Call, Ended, How};
use crate::graph::task;
use crate::judge::{Failure, Judge, described};
use crate::scope::RunScope;
use crate::state::UnitId;

/// The capability that a task calls, with its name.
fn called<'p>(plan: &'p Plan, task: &'p Task) -> Option<(&'p SmolStr, &'p Capability)> {
    match &task.work {
        Work::Capability(name) => Some((name, plan.capabilities.get(name)?)),
        Work::Nothing | Work::Script(_) | Work::Steps(_) | Work::Call(_) => None,
    }
}

impl Engine {
    /// The call that an attempt makes, if its task makes one.
    pub(crate) fn call(&self, unit: UnitId, scope: &RunScope<'_>) -> Result<Option<Call>, Failure> {
        let at = self.scopes.of(unit.node);
        let Some((name, capability)) = task(at.node(unit.node)).and_then(|task| called(at.plan(), task)) else {
            return Ok(None);
        };
        let input = self.state.unit(unit).input.clone();
        Ok(Some(Call {
            capability: name.clone(),
            agent: None,
            input: given(capability, input, scope)?,
            step: None,
        }))
    }
}

/// The inputs as the capability's types want them, with its defaults.
fn given(
    capability: &Capability,
    mut input: BTreeMap<SmolStr, Value>,
    scope: &RunScope<'_>,
) -> Result<BTreeMap<SmolStr, Value>, Failure> {
    let mut given = BTreeMap::new();
    for param in &capability.input {
        let name = &param.name;
        let wrong = |why: String| Failure::new("expression-error", format!("input `{name}`{why}"));
        let value = match (input.remove(name), &param.default) {
            (Some(value), None) => value,
            (Some(value), Some(_)) if !value.is_none() => value,
            (_, Some(default)) => scope
                .eval(default)
                .map_err(|error| wrong(format!(": {}", error.message)))?,
            (None, None) => Value::None,
        };
        let value = data::check(value, &param.ty, &scope.plan().types).map_err(|error| wrong(described(&error)))?;
        if !value.is_none() {
            given.insert(name.clone(), value);
        }
    }
    Ok(given)
}

impl Judge<'_> {
    /// What a call answered, as its capability's types want it.
    pub(crate) fn answer(&self, task: &Task, ended: &Ended) -> Result<Option<Value>, Failure> {
        let (Some((name, capability)), How::Answered(answer)) = (called(self.plan(), task), &ended.how) else {
            return Ok(None);
        };
        checked(self.plan(), name, capability, answer.clone()).map(Some)
    }

    /// The outputs that a task without `output:` has of an answer; optional ones that are not in it are absent.
    pub(crate) fn answered_outputs(&self, task: &Task, answer: Option<&Value>) -> BTreeMap<SmolStr, Value> {
        let Some((_, capability)) = called(self.plan(), task).filter(|_| task.output.is_empty()) else {
            return BTreeMap::new();
        };
        let field = |param: &Param| match answer {
            Some(Value::Record(fields)) => fields.get(&param.name).cloned(),
            _ => None,
        };
        capability
            .output
            .iter()
            .map(|param| (param.name.clone(), field(param).unwrap_or(Value::None)))
            .collect()
    }
}

fn checked(plan: &Plan, name: &str, capability: &Capability, answer: Value) -> Result<Value, Failure> {
    let fields = capability
        .output
        .iter()
        .map(|param| (param.name.clone(), param.ty.clone()));
    data::check(answer, &Type::Fields(fields.collect()), &plan.types)
        .map_err(|error| Failure::new("invalid-output", format!("the answer of `{name}`{}", described(&error))))
}
