//! What stands in for scripts, capabilities and people while a plan is tested.
//!
//! The first mock that fits a call answers it, with its replies one after the other. An answer takes no time; a timeout
//! takes the task's. Absent: whether what they answer is of the right types, which the engine finds like that of any
//! other answer.

use std::collections::BTreeMap;

use engine::Engine;
use engine::event::{Ask, Ended, EventKind, GateDecision, How, StartAttempt, Wanted};
use ir::Value;
use ir::eval::{EvalError, NoWorld, Scope, eval};
use ir::expr::Ref;
use ir::plan::{NodeId, Plan};
use ir::testing::{Answer, Decide, Decided, Mock, Mocked, Test};
use ir::types::Types;
use smol_str::{SmolStr, format_smolstr};

use super::TestFailure;
use super::files::Files;
use crate::sim::{Halt, Outcome, World};

type Input = BTreeMap<SmolStr, Value>;

/// The mocks of a test, and how far their replies have been used.
pub struct Mocks<'a> {
    plan: &'a Plan,
    test: &'a Test,
    /// How many calls each has answered.
    answered: Vec<u32>,
    files: Files,
    /// Why the test cannot go on.
    pub refusal: Option<TestFailure>,
}

/// What is to be answered.
struct Call<'c> {
    of: Mocked,
    agent: Option<&'c str>,
    input: &'c Input,
}

impl<'a> Mocks<'a> {
    pub fn new(plan: &'a Plan, test: &'a Test) -> Self {
        Self {
            plan,
            test,
            answered: vec![0; test.mocks.len()],
            files: Files::default(),
            refusal: None,
        }
    }

    /// What the judge says of prose; `None`: nobody is mocked who could say it.
    pub fn judge(&mut self) -> Option<Result<bool, String>> {
        let call = Call {
            of: Mocked::Judge,
            agent: None,
            input: &Input::new(),
        };
        match self.reply(&call).ok()?? {
            Ok(Value::Bool(holds)) => Some(Ok(holds)),
            Ok(_) => Some(Err("the judge answers neither true nor false".to_owned())),
            Err(mode) => Some(Err(format!("the judge fails with `{mode}`"))),
        }
    }

    /// What a capability that judges says.
    fn judge_call(&mut self, capability: &SmolStr) -> Ended {
        let plans = std::iter::once(self.plan).chain(self.plan.plans.values());
        let found = plans.filter_map(|plan| plan.capabilities.get(capability)).next();
        let verdict = found.and_then(|found| found.output.iter().find(|param| *param.ty.required() == ir::Type::Bool));
        ended(match (self.judge(), verdict) {
            (Some(Ok(holds)), Some(verdict)) => {
                let fields = std::collections::BTreeMap::from([(verdict.name.clone(), Value::Bool(holds))]);
                How::Answered(Value::Record(fields))
            }
            (Some(Err(message)), _) => How::CallFailed {
                mode: "failure".into(),
                message,
            },
            _ => How::CallFailed {
                mode: "failure".into(),
                message: "no mock of the judge answers this call".to_owned(),
            },
        })
    }

    /// What people do about a gate once it has asked them, and after how long.
    fn decisions(&self, gate: NodeId, engine: &Engine) -> Vec<(u64, EventKind)> {
        let of = gate_of(gate, engine);
        let decisions = self.test.decisions.iter().filter(|decide| decide.gate == of);
        let decided = |(nth, decide)| Self::decided(gate, decide, nth);
        decisions.enumerate().map(decided).collect()
    }

    /// What a person answers to a task.
    fn answered(&mut self, ask: &Ask, wanted: &Wanted) -> Vec<(u64, EventKind)> {
        let call = Call {
            of: Mocked::Capability(wanted.capability.clone()),
            agent: wanted.agent.as_deref(),
            input: &wanted.input,
        };
        let help = format!(
            "mock {} -> {{ {} }}",
            wanted.capability,
            self.outputs(&wanted.capability)
        );
        let refusal = match self.reply(&call) {
            Ok(Some(Ok(answer))) => {
                let kind = EventKind::Answered {
                    node: ask.node,
                    instance: ask.instance,
                    by: "user/person-1".into(),
                    answer,
                    because: None,
                };
                return vec![(0, kind)];
            }
            // nobody answers: its deadline passes
            Ok(Some(Err(mode))) if mode == "timeout" && ask.deadline_ms.is_some() => return Vec::new(),
            Ok(Some(Err(mode))) => {
                let what = format!("the mock of `{}` fails with `{mode}`", wanted.capability);
                (
                    format!("{what}: a person answers, or is late where the task has a `timeout`"),
                    None,
                )
            }
            Ok(None) => {
                let what = format!("`{}` asks people for `{}`", ask.label, wanted.capability);
                (format!("{what}, and no mock of it answers"), Some(help))
            }
            Err(why) => (format!("the mock for `{}` has no value: {why}", ask.label), None),
        };
        let Halt = self.refuse(refusal.0, refusal.1);
        Vec::new()
    }

    /// The reply of the first mock that fits and is not used up: a value, or a mode.
    fn reply(&mut self, call: &Call<'_>) -> Result<Option<Result<Value, SmolStr>>, String> {
        let test = self.test;
        for (mock, answered) in test.mocks.iter().zip(&mut self.answered) {
            let scope = Inputs {
                input: call.input,
                types: &self.plan.types,
            };
            if !fits(mock, call, &scope)? {
                continue;
            }
            let Some(answer) = nth(mock, *answered) else {
                continue;
            };
            *answered += 1;
            return match answer {
                Answer::Value(value) => {
                    let value = eval(value, &scope, &mut NoWorld).map_err(|error| error.message)?;
                    Ok(Some(Ok(value)))
                }
                Answer::Fails(mode) => Ok(Some(Err(mode.clone()))),
            };
        }
        Ok(None)
    }

    fn refuse(&mut self, message: String, help: Option<String>) -> Halt {
        self.refusal = Some(TestFailure::Refused { message, help });
        Halt
    }

    fn unmocked(&mut self, call: &Call<'_>, start: &StartAttempt) -> Halt {
        let used_up = self.test.mocks.iter().any(|mock| mock.of == call.of);
        let label = &start.label;
        match &call.of {
            Mocked::Capability(name) => {
                let by = call.agent.map(|agent| format!(" by {agent}")).unwrap_or_default();
                let message = match used_up {
                    true => format!("`{label}` calls `{name}`{by}, and no mock of it answers this call"),
                    false => format!("`{label}` calls `{name}`{by}, which is not mocked"),
                };
                let help = format!("mock {name}{by} -> {{ {} }}", self.outputs(name));
                self.refuse(message, Some(help))
            }
            Mocked::Script(_) | Mocked::Called(_) => {
                let id = match &call.of {
                    Mocked::Script(node) => self.plan.nodes.get(*node as usize).map(|node| node.id.clone()),
                    Mocked::Called(id) => Some(id.clone()),
                    _ => None,
                };
                let message = match used_up {
                    true => format!("the script of `{label}` would run, and no mock of it answers this time"),
                    false => format!("the script of `{label}` would run, which is not mocked"),
                };
                let help = id.map(|id| format!("mock task {id} -> {{ exit: 0, stdout: \"…\" }}"));
                self.refuse(message, help)
            }
            Mocked::Judge => self.refuse(
                "the judge is not mocked".to_owned(),
                Some("mock judge -> true".to_owned()),
            ),
        }
    }

    /// `items: …, next: …`
    fn outputs(&self, capability: &str) -> String {
        let all = std::iter::once(self.plan).chain(self.plan.plans.values());
        let found = all.filter_map(|plan| plan.capabilities.get(capability)).next();
        let names = found.into_iter().flat_map(|capability| &capability.output);
        let names: Vec<String> = names.map(|param| format!("{}: …", param.name)).collect();
        names.join(", ")
    }

    /// What a script that answers so leaves behind.
    fn script(&mut self, answer: Value) -> Ended {
        let Value::Record(mut fields) = answer else {
            return ended(How::Exited(0));
        };
        let mut text = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => text.to_string(),
            _ => String::new(),
        };
        let (stdout, stderr) = (text("stdout"), text("stderr"));
        let exit = match fields.get("exit") {
            Some(Value::Int(exit)) => i32::try_from(*exit).unwrap_or(1),
            _ => 0,
        };
        if let Some(Value::Record(files)) = fields.remove("files") {
            for (path, text) in files {
                self.files.write(path, ir::data::render(&text).into());
            }
        }
        Ended {
            stdout,
            stderr,
            ..ended(How::Exited(exit))
        }
    }

    /// What a person's decision comes to, as the `nth` on that gate.
    fn decided(gate: NodeId, decide: &Decide, nth: usize) -> (u64, EventKind) {
        let decision = match decide.approve {
            true => GateDecision::Approved {
                choice: decide.choosing.clone(),
            },
            false => GateDecision::Rejected,
        };
        let kind = EventKind::Decided {
            node: gate,
            instance: None,
            by: decide.by.clone(),
            // a quorum counts people: each line of a test is one
            person: Some(format_smolstr!("user/person-{}", nth + 1)),
            decision,
            because: None,
        };
        (decide.after_ms, kind)
    }
}

impl World for Mocks<'_> {
    fn start(&mut self, start: &StartAttempt, engine: &Engine) -> Result<Outcome, Halt> {
        let (of, agent, input) = match (&start.call, &start.exec) {
            (Some(call), _) if call.judges.is_some() && self.test.mocks.iter().any(|mock| mock.of == Mocked::Judge) => {
                return Ok(at_once(self.judge_call(&call.capability)));
            }
            (Some(call), _) => (
                Mocked::Capability(call.capability.clone()),
                call.agent.as_deref(),
                &call.input,
            ),
            (None, Some(exec)) => (script_of(start.attempt.node, engine), None, &exec.input),
            (None, None) => return Ok(at_once(Ended::nothing(0))),
        };
        let call = Call { of, agent, input };
        let reply = match self.reply(&call) {
            Ok(Some(reply)) => reply,
            Ok(None) => return Err(self.unmocked(&call, start)),
            Err(why) => {
                let message = format!("the mock for `{}` has no value: {why}", start.label);
                return Err(self.refuse(message, None));
            }
        };
        let is_script = start.exec.is_some();
        Ok(at_once(match reply {
            Ok(answer) if is_script => self.script(answer),
            Ok(answer) => ended(How::Answered(answer)),
            Err(mode) => ended(match mode.as_str() {
                "timeout" => How::TimedOut,
                "failure" | "rejected" if is_script => How::Exited(1),
                _ => How::CallFailed {
                    message: format!("its mock fails with `{mode}`"),
                    mode,
                },
            }),
        }))
    }

    fn ask(&mut self, ask: &Ask, engine: &Engine) -> Vec<(u64, EventKind)> {
        if let Some(wanted) = &ask.question {
            return self.answered(ask, wanted);
        }
        if !ask.approvers.is_empty() {
            return self.decisions(ask.node, engine);
        }
        // prose that people judge
        let decision = match self.judge() {
            Some(Ok(true)) => GateDecision::Approved { choice: None },
            _ => GateDecision::Rejected,
        };
        let kind = EventKind::Decided {
            node: ask.node,
            instance: ask.instance,
            by: "user/judge".into(),
            person: None,
            decision,
            because: None,
        };
        vec![(0, kind)]
    }

    fn sight(&mut self, before: bool) -> &mut dyn ir::eval::World {
        self.files.before = before;
        &mut self.files
    }
}

/// How a mock names the script of a node.
fn script_of(node: NodeId, engine: &Engine) -> Mocked {
    match (engine.position(node), engine.plan_node(node)) {
        (None, Some(called)) => Mocked::Called(called.id.clone()),
        (at, _) => Mocked::Script(at.unwrap_or(node)),
    }
}

/// How a decision names a gate.
fn gate_of(node: NodeId, engine: &Engine) -> Decided {
    match (engine.position(node), engine.plan_node(node)) {
        (None, Some(called)) => Decided::Called(called.id.clone()),
        (at, _) => Decided::Gate(at.unwrap_or(node)),
    }
}

fn fits(mock: &Mock, call: &Call<'_>, scope: &Inputs<'_>) -> Result<bool, String> {
    let by_other = mock.by.as_deref().is_some_and(|by| Some(by) != call.agent);
    if mock.of != call.of || by_other {
        return Ok(false);
    }
    let Some(when) = &mock.when else {
        return Ok(true);
    };
    let holds = eval(when, scope, &mut NoWorld).map_err(|error| error.message)?;
    Ok(holds == Value::Bool(true))
}

/// The answer to a mock's call, counted from 0; `None`: it is used up.
fn nth(mock: &Mock, call: u32) -> Option<&Answer> {
    let mut before = 0_u32;
    for reply in &mock.replies {
        before = before.saturating_add(reply.times.unwrap_or(u32::MAX));
        if call < before {
            return Some(&reply.answer);
        }
    }
    None
}

fn ended(how: How) -> Ended {
    Ended {
        how,
        ..Ended::nothing(0)
    }
}

fn at_once(ended: Ended) -> Outcome {
    Outcome { after_ms: 0, ended }
}

/// What a mock reads.
struct Inputs<'a> {
    input: &'a Input,
    types: &'a Types,
}

impl Scope for Inputs<'_> {
    fn get(&self, reference: &Ref) -> Result<Value, EvalError> {
        match reference {
            Ref::Input(name) => Ok(self.input.get(name).cloned().unwrap_or(Value::None)),
            _ => Err(EvalError::new("a mock reads only what it is given")),
        }
    }

    fn types(&self) -> &Types {
        self.types
    }
}

#[cfg(test)]
mod tests {
    use ir::Expr;
    use ir::testing::Reply;

    use super::*;

    #[test]
    fn replies_follow_each_other_and_the_last_without_a_number_stays() {
        let reply = |value: i64, times| Reply {
            answer: Answer::Value(Expr::Const(Value::Int(value))),
            times,
        };
        let mut mock = Mock {
            of: Mocked::Judge,
            by: None,
            when: None,
            replies: vec![reply(1, Some(2)), reply(2, Some(1))],
        };
        let answers = |mock: &Mock| -> Vec<Option<i64>> {
            let value = |answer: &Answer| match answer {
                Answer::Value(Expr::Const(Value::Int(value))) => Some(*value),
                _ => None,
            };
            (0..5).map(|call| nth(mock, call).and_then(value)).collect()
        };
        assert_eq!(answers(&mock), [Some(1), Some(1), Some(2), None, None]);
        mock.replies.push(reply(3, None));
        assert_eq!(answers(&mock), [Some(1), Some(1), Some(2), Some(3), Some(3)]);
    }
}
