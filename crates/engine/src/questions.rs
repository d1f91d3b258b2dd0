//! Questions of tasks to people: `human.ask`, and capabilities that people carry out (`human(ask: …)`).
//!
//! A question is frozen when it is asked, waits without a process and takes no place; it is journaled with the command
//! that asks it. An answer is of the capability's output types, or it is refused before it is on record. Whoever is
//! first in the journal has answered: the same answer again is a success that changes nothing, another one a conflict.
//! The time of an attempt is that of the question. Absent: who people are. A driver says it, and is believed.

use std::collections::BTreeMap;
use std::fmt;

use ir::data;
use ir::eval::{EvalError, NoWorld, Scope, eval};
use ir::expr::{Expr, Ref};
use ir::plan::{Capability, NodeId, Param, Runner, RunnerKind};
use ir::types::{Type, Types};
use ir::value::Value;
use serde::Serialize;
use smol_str::SmolStr;

use crate::call::checked;
use crate::engine::Engine;
use crate::event::{Ask, Call, Command, Ended, How, NodeStatus, StartAttempt, Timer, Wanted, WantedField};
use crate::graph::task;
use crate::judge::Failure;
use crate::notice::Notice;
use crate::people::Weight;
use crate::retry::unit_of;
use crate::scope::{Place, RunScope};
use crate::state::UnitId;
use crate::world::Replay;

/// The built-in capability that asks.
const HUMAN_ASK: &str = "human.ask";

/// A question that a unit's attempt has asked.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Question {
    pub ask: Ask,
    pub attempt: u32,
    pub asked_ms: i64,
    pub answered: Option<RecordedAnswer>,
}

/// An answer as it is on record.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RecordedAnswer {
    pub by: SmolStr,
    pub answer: Value,
    pub because: Option<String>,
    pub time_ms: i64,
}

/// A question at this moment.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct QuestionSnapshot {
    pub ask: Ask,
    pub asked_ms: i64,
    /// Somebody has to answer it.
    pub waits: bool,
    pub answered: Option<RecordedAnswer>,
}

/// Why an answer is refused.
#[derive(Clone, PartialEq, Debug)]
pub enum NoAnswer {
    NotAQuestion,
    /// It asks people to approve or to reject.
    WantsDecision,
    /// It asks nobody now: it has not been reached, or its time is up.
    NotAsking(NodeStatus),
    /// What was answered before.
    Conflict(Box<RecordedAnswer>),
    /// What is wrong with it: which field, and what type was expected.
    Wrong(String),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAQuestion => write!(f, "it asks people nothing"),
            Self::WantsDecision => write!(f, "it wants a decision, expected `approve` or `reject`"),
            Self::NotAsking(status) => write!(f, "it asks nobody now: it is {}", status.name()),
            Self::Conflict(before) => {
                let answer = data::to_plain_json(&before.answer);
                write!(
                    f,
                    "it conflicts with the answer that {} gave before: {answer}",
                    before.by
                )
            }
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// What is asked for, and what its types are of.
#[derive(Clone, Copy, Debug)]
pub struct AnswerShape<'p> {
    pub node: NodeId,
    pub instance: Option<u32>,
    pub fields: &'p [Param],
    pub types: &'p Types,
}

impl Engine {
    /// Who carries out the call of a unit, if that is a person.
    fn human_runner(&self, unit: UnitId) -> Option<&Runner> {
        let line = self.line(unit)?;
        let agents = &self.scopes.of(unit.node).plan().agents;
        let of_agent = || agents.get(self.state.agents.get(&unit)?)?.runner.as_ref();
        let runner = line.capability.runner.as_ref().or_else(of_agent)?;
        is_human(runner).then_some(runner)
    }

    /// Whether the next call of a unit is for people to answer.
    pub(crate) fn asks_for_an_answer(&self, unit: UnitId) -> bool {
        self.human_runner(unit).is_some()
    }

    /// Whether the unit's current attempt has asked.
    pub(crate) fn has_asked(&self, unit: UnitId) -> bool {
        let attempt = self.state.unit(unit).attempt;
        self.state
            .questions
            .get(&unit)
            .is_some_and(|question| question.attempt == attempt)
    }

    /// Asks instead of starting.
    pub(crate) fn ask_for_an_answer(&mut self, unit: UnitId, start: &StartAttempt) {
        let Some(call) = &start.call else { return };
        let wanted = match self.wanted(unit, call) {
            Ok(wanted) => wanted,
            Err(failure) => return self.finish_attempt(unit, Err(failure)),
        };
        let now_ms = self.state.now_ms;
        let within_ms = start
            .timeout_ms
            .map(|within_ms| i64::try_from(within_ms).unwrap_or(i64::MAX));
        let deadline_ms = within_ms.map(|within_ms| now_ms.saturating_add(within_ms));
        let ask = Ask {
            node: unit.node,
            instance: unit.instance,
            label: self.label(unit),
            title: self.title(unit.node),
            approvers: Vec::new(),
            quorum: 1,
            options: Vec::new(),
            checks: Vec::new(),
            question: Some(Box::new(wanted)),
            deadline_ms,
        };
        self.notices.push(Notice::Asked {
            node: unit.node,
            label: ask.label.clone(),
            approvers: Vec::new(),
            deadline_ms,
        });
        self.commands.push(Command::AskPeople(Box::new(ask.clone())));
        let question = Question {
            ask,
            attempt: start.attempt.attempt,
            asked_ms: now_ms,
            answered: None,
        };
        self.state.questions.insert(unit, question);
        self.state.awaited.insert(unit);
        self.state.unit_mut(unit).status = NodeStatus::Waiting;
        self.leave_place(unit);
        self.show_status(unit.node);
        self.set_question_timer(unit);
    }

    /// An attempt has looked at what it requires: it may ask now.
    pub(crate) fn ask_after_looking(&mut self, unit: UnitId, ended: &Ended) {
        let held = self.judge(unit).requires(&mut Replay::new(&ended.observed));
        let start = held.and_then(|()| self.prepare_again(unit));
        match start {
            Ok(start) => self.ask_for_an_answer(unit, &start),
            Err(failure) => self.finish_attempt(unit, Err(failure)),
        }
    }

    fn wanted(&self, unit: UnitId, call: &Call) -> Result<Wanted, Failure> {
        let scope = self.scope(Place::Unit(unit));
        let (Some(line), Some(runner)) = (self.line(unit), self.human_runner(unit)) else {
            return Err(Failure::new("failure", "it makes no call that people answer"));
        };
        let given = Given {
            input: &call.input,
            scope: &scope,
        };
        let text = match runner.args.iter().find(|arg| arg.name == "ask") {
            Some(ask) => eval(&ask.value, &given, &mut NoWorld)
                .map_err(|error| Failure::new("expression-error", format!("ask: {}", error.message)))?,
            None => call.input.get("question").cloned().unwrap_or(Value::None),
        };
        let options = match call.input.get("options") {
            Some(Value::List(options)) if runner.kind == RunnerKind::Builtin => {
                options.iter().map(data::render).collect()
            }
            _ => Vec::new(),
        };
        let field = |param: &Param| WantedField {
            name: param.name.clone(),
            ty: param.ty.required().to_string(),
            optional: matches!(param.ty, Type::Optional(_)),
            doc: param.doc.clone(),
        };
        Ok(Wanted {
            text: data::render(&text),
            capability: call.capability.clone(),
            agent: call.agent.clone(),
            input: call.input.clone(),
            options,
            fields: line.capability.output.iter().map(field).collect(),
        })
    }

    fn set_question_timer(&mut self, unit: UnitId) {
        let Some(question) = self.state.questions.get(&unit) else {
            return;
        };
        if let Some(at_ms) = question.ask.deadline_ms {
            let timer = Timer::Answer {
                node: unit.node,
                instance: unit.instance,
                attempt: question.attempt,
            };
            self.commands.push(Command::SetTimer { timer, at_ms });
        }
    }

    /// A driver that takes over has no timers.
    pub(crate) fn set_question_timers(&mut self) {
        let waiting: Vec<UnitId> = self.state.awaited.iter().copied().collect();
        for unit in waiting {
            self.set_question_timer(unit);
        }
    }

    /// What the question of this name wants to know: `review`, `review[eu]`.
    pub fn answer_shape(&self, label: &str) -> Option<AnswerShape<'_>> {
        let mut units = self.state.questions.keys();
        let unit = units.find(|unit| self.is_current(unit.node) && self.label(**unit) == label)?;
        let scope = self.scopes.of(unit.node);
        let asked = self.state.questions.get(unit)?.ask.question.as_ref()?;
        Some(AnswerShape {
            node: unit.node,
            instance: unit.instance,
            fields: &scope.plan().capabilities.get(&asked.capability)?.output,
            types: &scope.plan().types,
        })
    }

    /// What an answer would do, or why it is refused. Nothing changes.
    pub fn weigh_answer(&self, node: NodeId, instance: Option<u32>, answer: &Value) -> Result<Weight, NoAnswer> {
        let unit = unit_of(node, instance);
        let state = self.state.find_unit(unit).ok_or(NoAnswer::NotAQuestion)?;
        let Some(question) = self.state.questions.get(&unit) else {
            return Err(match self.state.asking.contains(&unit) {
                true => NoAnswer::WantsDecision,
                false if self.asks_for_an_answer(unit) => NoAnswer::NotAsking(state.status),
                false => NoAnswer::NotAQuestion,
            });
        };
        let answer = self
            .checked_answer(unit, question, answer.clone())
            .map_err(NoAnswer::Wrong)?;
        match &question.answered {
            Some(before) if before.answer == answer => Ok(Weight::Said),
            Some(before) => Err(NoAnswer::Conflict(Box::new(before.clone()))),
            None if self.state.awaited.contains(&unit) => match self.unfit(unit, &answer) {
                Some(why) => Err(NoAnswer::Wrong(why)),
                None => Ok(Weight::Counts),
            },
            None => Err(NoAnswer::NotAsking(state.status)),
        }
    }

    /// As the capability's types want it.
    fn checked_answer(&self, unit: UnitId, question: &Question, answer: Value) -> Result<Value, String> {
        let plan = self.scopes.of(unit.node).plan();
        let Some(wanted) = &question.ask.question else {
            return Err("it asks people nothing".to_owned());
        };
        let unknown = Capability::default();
        let capability = plan.capabilities.get(&wanted.capability).unwrap_or(&unknown);
        let answer = checked(plan, &wanted.capability, capability, answer).map_err(|failure| failure.message)?;
        if let Value::Record(fields) = &answer
            && !wanted.options.is_empty()
            && let Some(Value::String(chosen)) = fields.get("answer")
            && !wanted.options.iter().any(|option| option == chosen.as_str())
        {
            return Err(format!(
                "`answer` is {chosen:?}, expected one of \"{}\"",
                wanted.options.join("\", \"")
            ));
        }
        Ok(answer)
    }

    /// What an output of the task cannot be made of: another answer is asked for, where a failure would end the attempt.
    fn unfit(&self, unit: UnitId, answer: &Value) -> Option<String> {
        let ended = answered(answer.clone(), 0);
        if self.is_between_lines(unit, &ended) || self.state.judging.contains_key(&unit) {
            return None;
        }
        let judge = self.judge(unit);
        let given = judge.answer(&ended).ok().flatten();
        let bound = judge.bound(given.as_ref());
        let scope = RunScope {
            ended: Some(&ended),
            answer: given.as_ref(),
            own: Some(&bound),
            ..self.scope(Place::Unit(unit))
        };
        let mut outputs = task(self.scopes.node(unit.node))?.output.iter();
        let unfit = outputs.find_map(|output| judge.declared_output(output, scope, &mut NoWorld).err());
        unfit.map(|failure| failure.message)
    }

    pub(crate) fn question_answered(
        &mut self,
        unit: UnitId,
        by: &SmolStr,
        answer: &Value,
        because: Option<&str>,
    ) -> Result<(), String> {
        match self.weigh_answer(unit.node, unit.instance, answer) {
            Ok(Weight::Counts) => {}
            Ok(Weight::Said) => return Ok(()),
            Err(refusal) => return Err(refusal.to_string()),
        }
        let now_ms = self.state.now_ms;
        let Some(question) = self.state.questions.get(&unit) else {
            return Err(NoAnswer::NotAQuestion.to_string());
        };
        let took_ms = u64::try_from(now_ms - question.asked_ms).unwrap_or(0);
        let answer = self.checked_answer(unit, question, answer.clone())?;
        if let Some(question) = self.state.questions.get_mut(&unit) {
            question.answered = Some(RecordedAnswer {
                by: by.clone(),
                answer: answer.clone(),
                because: because.map(str::to_owned),
                time_ms: now_ms,
            });
        }
        self.notices.push(Notice::Answered {
            node: unit.node,
            label: self.label(unit),
            by: by.clone(),
            because: because.map(str::to_owned),
        });
        self.end_question(unit);
        let ended = answered(answer, took_ms);
        if self.state.judging.contains_key(&unit) {
            self.judge_answered(unit, &ended);
        } else if self.is_between_lines(unit, &ended) {
            if let Err(failure) = self.line_over(unit, &ended) {
                self.finish_attempt(unit, Err(failure));
            }
        } else {
            let verdict = self.judge(unit).verdict(&ended, &mut NoWorld);
            self.note_evidence(unit, &ended);
            self.finish_attempt(unit, verdict);
        }
        Ok(())
    }

    /// The time that people had is up.
    pub(crate) fn question_over(&mut self, unit: UnitId, attempt: u32) -> Result<(), String> {
        let waits = self.state.awaited.contains(&unit);
        let question = self
            .state
            .questions
            .get(&unit)
            .filter(|question| waits && question.attempt == attempt);
        let question = question.ok_or("it waits for nobody")?;
        let deadline_ms = match question.ask.deadline_ms {
            Some(deadline_ms) if deadline_ms <= self.state.now_ms => deadline_ms,
            _ => return Err("its time is not up".to_owned()),
        };
        let waited = Value::Duration(deadline_ms.saturating_sub(question.asked_ms));
        let message = format!("nobody answered within {}", data::render(&waited));
        self.end_question(unit);
        self.finish_attempt(unit, Err(Failure::new("timeout", message)));
        Ok(())
    }

    /// It waits no more, and takes its place among the instances again.
    fn end_question(&mut self, unit: UnitId) {
        self.state.awaited.remove(&unit);
        self.state.unit_mut(unit).status = NodeStatus::Running;
        self.hold_place(unit);
    }

    /// What the tasks of a node have asked people, instances in item order.
    pub(crate) fn questions_of(&self, node: NodeId) -> Vec<QuestionSnapshot> {
        let first = unit_of(node, None);
        let last = unit_of(node, Some(u32::MAX));
        let questions = self.state.questions.range(first..=last);
        questions
            .map(|(unit, question)| QuestionSnapshot {
                ask: question.ask.clone(),
                asked_ms: question.asked_ms,
                waits: self.state.awaited.contains(unit),
                answered: question.answered.clone(),
            })
            .collect()
    }
}

/// The end of an attempt that people answered.
fn answered(answer: Value, took_ms: u64) -> Ended {
    Ended {
        how: How::Answered(answer),
        ..Ended::nothing(took_ms)
    }
}

/// Whether people carry it out.
pub fn is_human(runner: &Runner) -> bool {
    let name = runner.args.first().map(|arg| &arg.value);
    match runner.kind {
        RunnerKind::Human => true,
        RunnerKind::Builtin => matches!(name, Some(Expr::Const(Value::String(name))) if name == HUMAN_ASK),
        RunnerKind::Shell | RunnerKind::Http | RunnerKind::Mcp | RunnerKind::Llm => false,
    }
}

/// What the text of a question reads: what the capability is given, and stand-ins of secrets.
struct Given<'a> {
    input: &'a BTreeMap<SmolStr, Value>,
    scope: &'a RunScope<'a>,
}

impl Scope for Given<'_> {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        match reference {
            Ref::Input(name) => Ok(self.input.get(name).cloned().unwrap_or(Value::None)),
            Ref::Secret(_) => self.scope.get(reference),
            _ => Err(EvalError::new("a question reads only what it is given")),
        }
    }

    fn types(&self) -> &Types {
        self.scope.types()
    }
}
