//! Expectations in prose: the plan's judge decides them one by one, after everything that can be checked holds.
//!
//! A capability that judges is called like any other, under the same limits, and is asked again after a crash: asking
//! changes nothing. It is given the sentence and what the work made, and says yes or no. People are asked about all
//! sentences of a node at once, and of a fan-out about each instance. Without a judge prose is reported as unverified.

use std::collections::VecDeque;

use ir::plan::{Body, Capability, Expectation, Judge as Judged};
use ir::types::Type;
use ir::value::Value;
use serde::Serialize;
use smol_str::SmolStr;

use crate::call::Line;
use crate::engine::Engine;
use crate::event::{AskCheck, Ended, How};
use crate::judge::{Failure, Products, ending};
use crate::state::{State, UnitId};

/// What waits for a judge.
#[derive(Debug, Serialize)]
pub(crate) struct Judging {
    pub products: Products,
    /// Sentences that are not decided, the next one first.
    pub left: VecDeque<SmolStr>,
}

/// The sentences of a node.
fn sentences(body: &Body) -> impl Iterator<Item = &SmolStr> {
    let expectations = match body {
        Body::Task(task) => task.expect.as_slice(),
        Body::Gate(gate) if gate.approvers.is_empty() => gate.checks.as_slice(),
        Body::Gate(_) | Body::Decision(_) => &[],
    };
    expectations.iter().filter_map(|expectation| match expectation {
        Expectation::Prose { text } => Some(text),
        Expectation::Check { .. } => None,
    })
}

impl State {
    /// How many sentences are left, while a unit is judged.
    pub fn left_to_judge(&self, unit: UnitId) -> Option<usize> {
        self.judging.get(&unit).map(|judging| judging.left.len())
    }
}

impl Engine {
    /// The call of a judge, while the unit is judged.
    pub(crate) fn judging_line(&self, unit: UnitId) -> Option<Line<'_>> {
        self.state.judging.get(&unit)?;
        Line::of_judge(self.scopes.of(unit.node).plan())
    }

    /// Asks the judge about the prose of work that is done; says whether there is something to ask.
    pub(crate) fn has_to_judge(&self, unit: UnitId) -> bool {
        let scope = self.scopes.of(unit.node);
        scope.plan().judge.is_some() && sentences(&scope.node(unit.node).body).next().is_some()
    }

    pub(crate) fn begin_judging(&mut self, unit: UnitId, products: Products) {
        let left: VecDeque<SmolStr> = sentences(&self.scopes.node(unit.node).body).cloned().collect();
        let checks = left.iter().map(|text| AskCheck {
            text: text.clone(),
            saw: None,
            prose: true,
        });
        let checks = checks.collect();
        self.state.judging.insert(unit, Judging { products, left });
        if self.scopes.of(unit.node).plan().judge == Some(Judged::Human) {
            self.ask_about_prose(unit, checks);
        } else {
            self.ask_judge(unit);
        }
    }

    /// The same attempt goes on, with a call of the judge.
    fn ask_judge(&mut self, unit: UnitId) {
        self.state.unit_mut(unit).again = true;
        self.enqueue(unit);
    }

    /// What a judge is given: the sentence as the first text that it takes, what the work made as the first data.
    pub(crate) fn to_judge(&self, unit: UnitId, capability: &Capability) -> std::collections::BTreeMap<SmolStr, Value> {
        let Some(judging) = self.state.judging.get(&unit) else {
            return Default::default();
        };
        let first = |fits: fn(&Type) -> bool| capability.input.iter().find(|param| fits(param.ty.required()));
        let sentence = first(|ty| matches!(ty, Type::String(_)));
        let made = first(|ty| *ty == Type::Json);
        let text = judging.left.front().cloned().map_or(Value::None, Value::String);
        let given = [
            sentence.map(|param| (param.name.clone(), text)),
            made.map(|param| (param.name.clone(), Value::Record(judging.products.outputs.clone()))),
        ];
        given.into_iter().flatten().collect()
    }

    /// People have judged all of the prose of a node, or of an instance, at once.
    pub(crate) fn people_judged(&mut self, unit: UnitId, verdict: Result<(), String>) {
        let Some(judging) = self.state.judging.remove(&unit) else {
            return;
        };
        match verdict {
            Ok(()) => {
                self.state.verified.insert(unit);
                self.finish_judged(unit, judging.products);
            }
            Err(why) => self.finish_attempt(unit, Err(Failure::new("expectation", why))),
        }
    }

    /// A judge has answered, or could not.
    pub(crate) fn judge_answered(&mut self, unit: UnitId, ended: &Ended) {
        let verdict = self.verdict_of_judge(unit, ended);
        let Some(mut judging) = self.state.judging.remove(&unit) else {
            return;
        };
        if let Err(failure) = verdict {
            return self.finish_attempt(unit, Err(failure));
        }
        judging.left.pop_front();
        if judging.left.is_empty() {
            self.state.verified.insert(unit);
            return self.finish_judged(unit, judging.products);
        }
        self.state.judging.insert(unit, judging);
        self.ask_judge(unit);
    }

    fn verdict_of_judge(&self, unit: UnitId, ended: &Ended) -> Result<(), Failure> {
        let sentence = self.state.judging.get(&unit).and_then(|judging| judging.left.front());
        let sentence = sentence.map_or("", SmolStr::as_str);
        if let Some(failure) = ending(ended) {
            let message = format!("the judge of \"{sentence}\": {}", failure.message);
            return Err(Failure { message, ..failure });
        }
        let How::Answered(_) = &ended.how else {
            return Err(Failure::new(
                "failure",
                format!("the judge of \"{sentence}\" said nothing"),
            ));
        };
        let Some(Value::Record(fields)) = self.judge(unit).answer(ended)? else {
            return Err(Failure::new(
                "failure",
                format!("the judge of \"{sentence}\" said nothing"),
            ));
        };
        let holds = fields.values().any(|value| *value == Value::Bool(true));
        if holds {
            return Ok(());
        }
        let why = fields.values().find_map(|value| match value {
            Value::String(why) if !why.is_empty() => Some(format!(": {why}")),
            _ => None,
        });
        let message = format!("\"{sentence}\" does not hold{}", why.unwrap_or_default());
        Err(Failure::new("expectation", message))
    }
}
