//! Calls of capabilities: which one is next, what it is given, and whether what it answers is of the types that it promises.
//!
//! A task makes one call, or those of its `do:` lines, each with an outcome of its own: a retry goes on at the first
//! line without one, and later lines read what earlier ones bound. An answer of another shape is `invalid-output`.
//! Absent: who carries a call out, and what it costs.

use std::collections::{BTreeMap, BTreeSet};

use ir::data;
use ir::plan::{Binding, Capability, Judge as Judged, Param, Plan, Step, Task, Work};
use ir::types::Type;
use ir::value::Value;
use serde::Serialize;
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::{Call, Ended, How};
use crate::graph::task;
use crate::judge::{Failure, Judge, described};
use crate::scope::RunScope;
use crate::start::{bound, rendered};
use crate::state::{State, UnitId};

type Values = BTreeMap<SmolStr, Value>;

/// How far a unit is that makes calls. Units that make none have no such entry.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Calling {
    /// The line that runs or is next.
    pub line: u32,
    /// Where the current attempt began.
    pub first: u32,
    /// What the lines before answered, by the names that they bind.
    pub bound: Values,
    /// How long the lines before took in the current attempt.
    pub used_ms: u64,
    /// Attempts by agent.
    pub tried: BTreeMap<SmolStr, u32>,
    /// Agents that are not asked again.
    pub spent: BTreeSet<SmolStr>,
}

impl Calling {
    /// It goes on at the first line without an outcome, with all retries and agents left.
    pub fn begin_anew(&mut self) {
        self.first = self.line;
        self.used_ms = 0;
        self.tried.clear();
        self.spent.clear();
    }
}

/// One call of a task.
pub(crate) struct Line<'p> {
    pub name: &'p SmolStr,
    pub capability: &'p Capability,
    /// Of `do:`.
    pub step: Option<(u32, &'p Step)>,
    pub is_last: bool,
}

impl<'p> Line<'p> {
    pub fn of(plan: &'p Plan, task: &'p Task, number: u32) -> Option<Self> {
        let (name, step, is_last) = match &task.work {
            Work::Capability(name) => (name, None, true),
            Work::Steps(steps) => {
                let step = steps.get(number as usize)?;
                (
                    &step.capability,
                    Some((number, step)),
                    number as usize + 1 == steps.len(),
                )
            }
            Work::Nothing | Work::Script(_) | Work::Call(_) => return None,
        };
        Some(Self {
            name,
            capability: plan.capabilities.get(name)?,
            step,
            is_last,
        })
    }

    /// The call of the plan's judge, if it is a capability.
    pub fn of_judge(plan: &'p Plan) -> Option<Self> {
        let Some(Judged::Capability(name)) = &plan.judge else {
            return None;
        };
        Some(Self {
            name,
            capability: plan.capabilities.get(name)?,
            step: None,
            is_last: true,
        })
    }

    fn bind(&self) -> Option<&SmolStr> {
        self.step.and_then(|(_, step)| step.bind.as_ref())
    }
}

/// The line of `do:` that a unit is at; absent where it makes no such calls.
pub(crate) fn step_of(state: &State, task: &Task, unit: UnitId) -> Option<u32> {
    matches!(task.work, Work::Steps(_)).then(|| state.calls.get(&unit).map_or(0, |calling| calling.line))
}

impl Engine {
    /// The call that a unit makes next, or makes.
    pub(crate) fn line(&self, unit: UnitId) -> Option<Line<'_>> {
        if self.state.judging.contains_key(&unit) {
            return self.judging_line(unit);
        }
        if !self.scopes.traits(unit.node).calls {
            return None;
        }
        let scope = self.scopes.of(unit.node);
        let number = self.state.calls.get(&unit).map_or(0, |calling| calling.line);
        Line::of(scope.plan(), task(scope.node(unit.node))?, number)
    }

    /// The call of an attempt, if its task makes one.
    pub(crate) fn call(&self, unit: UnitId, scope: &RunScope<'_>) -> Result<Option<Call>, Failure> {
        let Some(line) = self.line(unit) else {
            return Ok(None);
        };
        let judges = self
            .state
            .judging
            .get(&unit)
            .and_then(|judging| judging.left.front().cloned());
        let input = match line.step {
            None if judges.is_some() => self.to_judge(unit, line.capability),
            None => Values::clone(&self.state.unit(unit).input),
            Some((_, step)) => {
                let none = Values::new();
                let scope = RunScope {
                    own: Some(self.state.calls.get(&unit).map_or(&none, |calling| &calling.bound)),
                    ..*scope
                };
                let read =
                    |binding: &Binding| bound("input", binding, &scope).map(|value| (binding.name.clone(), value));
                step.input.iter().map(read).collect::<Result<Values, _>>()?
            }
        };
        Ok(Some(Call {
            capability: line.name.clone(),
            agent: self.state.agents.get(&unit).cloned(),
            input: given(line.capability, input, scope)?,
            dir: scope
                .plan()
                .dir
                .as_ref()
                .map(|dir| rendered("dir", dir, scope))
                .transpose()?,
            step: line.step.map(|(number, _)| number),
            judges,
        }))
    }

    /// Whether `requires:` is looked at before the next start: once an attempt.
    pub(crate) fn requires_now(&self, unit: UnitId) -> bool {
        let is_first = |calling: &Calling| calling.line == calling.first;
        let judged = self.call_is_over(unit) || self.state.judging.contains_key(&unit) || self.has_asked(unit);
        !judged && self.state.calls.get(&unit).is_none_or(is_first)
    }

    /// Whether more lines follow the one that answered.
    pub(crate) fn is_between_lines(&self, unit: UnitId, ended: &Ended) -> bool {
        matches!(ended.how, How::Answered(_)) && self.line(unit).is_some_and(|line| !line.is_last)
    }

    /// A line of `do:` has its outcome: the next one is queued.
    pub(crate) fn line_over(&mut self, unit: UnitId, ended: &Ended) -> Result<(), Failure> {
        let answer = self.judge(unit).answer(ended)?;
        self.next_line(unit, answer, ended.duration_ms);
        Ok(())
    }

    /// Without an answer what the line binds reads as `none`.
    pub(crate) fn next_line(&mut self, unit: UnitId, answer: Option<Value>, took_ms: u64) {
        let bind = self.line(unit).and_then(|line| line.bind().cloned());
        let calling = self.state.calls.entry(unit).or_default();
        calling
            .bound
            .extend(bind.map(|bind| (bind, answer.unwrap_or(Value::None))));
        calling.line += 1;
        calling.used_ms = calling.used_ms.saturating_add(took_ms);
        self.state.unit_mut(unit).again = true;
        self.enqueue(unit);
    }
}

/// The inputs as the capability's types want them, with its defaults.
pub(crate) fn given(capability: &Capability, mut input: Values, scope: &RunScope<'_>) -> Result<Values, Failure> {
    let mut given = Values::new();
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

impl<'a> Judge<'a> {
    fn line(&self) -> Option<Line<'a>> {
        if self.state.judging.contains_key(&self.unit) {
            return Line::of_judge(self.plan());
        }
        if !self.scopes.traits(self.unit.node).calls {
            return None;
        }
        let scope = self.scopes.of(self.unit.node);
        let number = self.state.calls.get(&self.unit).map_or(0, |calling| calling.line);
        Line::of(scope.plan(), task(scope.node(self.unit.node))?, number)
    }

    /// What a call answered, as its capability's types want it.
    pub(crate) fn answer(&self, ended: &Ended) -> Result<Option<Value>, Failure> {
        let (Some(line), How::Answered(answer)) = (self.line(), &ended.how) else {
            return Ok(None);
        };
        checked(self.plan(), line.name, line.capability, answer.clone()).map(Some)
    }

    /// What `output:` reads by bare names: what the lines of `do:` bound, the last one included.
    pub(crate) fn bound(&self, answer: Option<&Value>) -> Values {
        let mut all = self
            .state
            .calls
            .get(&self.unit)
            .map(|calling| calling.bound.clone())
            .unwrap_or_default();
        let bind = self.line().and_then(|line| line.bind().cloned());
        all.extend(bind.zip(answer.cloned()));
        all
    }

    /// The outputs that a task without `output:` has of an answer; optional ones that are not in it are absent.
    pub(crate) fn answered_outputs(&self, task: &Task, answer: Option<&Value>) -> Values {
        let Some(line) = self.line().filter(|line| line.step.is_none() && task.output.is_empty()) else {
            return Values::new();
        };
        let field = |param: &Param| match answer {
            Some(Value::Record(fields)) => fields.get(&param.name).cloned(),
            _ => None,
        };
        line.capability
            .output
            .iter()
            .map(|param| (param.name.clone(), field(param).unwrap_or(Value::None)))
            .collect()
    }
}

pub(crate) fn checked(plan: &Plan, name: &str, capability: &Capability, answer: Value) -> Result<Value, Failure> {
    let fields = capability
        .output
        .iter()
        .map(|param| (param.name.clone(), param.ty.clone()));
    data::check(answer, &Type::Fields(fields.collect()), &plan.types)
        .map_err(|error| Failure::new("invalid-output", format!("the answer of `{name}`{}", described(&error))))
}
