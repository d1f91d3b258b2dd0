//! Gates that wait for people: the question, who may answer it, and what their answers come to.
//!
//! The question is frozen when the gate opens and is journaled with the command that asks it. Whoever is first in the
//! journal decides: the same decision again is a success that changes nothing, another one a conflict. One rejection
//! rejects; a quorum counts people who approve, and where there are options, those who agree on one. Absent: who people
//! are. A driver says it, and is believed.

use std::collections::BTreeSet;
use std::fmt;

use ir::data;
use ir::expr::Expr;
use ir::plan::{Body, Gate, GateOption, Judge, NodeId};
use serde::Serialize;
use smol_str::SmolStr;

use crate::engine::Engine;
use crate::event::{Ask, AskCheck, AskOption, Command, GateDecision, NodeStatus, Timer};
use crate::judge::{Failure, Products};
use crate::notice::Notice;
use crate::retry::unit_of;
use crate::scope::{Place, RunScope};
use crate::start::milliseconds;
use crate::state::{NodeError, UnitId};
use crate::takeover::TakenOver;

/// A gate that has asked people.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GateState {
    pub ask: Ask,
    pub asked_ms: i64,
    /// In the order of the journal.
    pub decisions: Vec<Recorded>,
    /// What it came to, once people have decided it.
    pub decided: Option<GateDecision>,
    pub choice: Option<SmolStr>,
}

/// A decision as it is on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Recorded {
    pub by: SmolStr,
    pub person: Option<SmolStr>,
    pub decision: GateDecision,
    pub because: Option<String>,
    pub time_ms: i64,
}

/// A gate that asked people, at this moment.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct GateSnapshot {
    pub ask: Ask,
    pub asked_ms: i64,
    pub decisions: Vec<Recorded>,
    /// What it came to, once people have decided it.
    pub decided: Option<GateDecision>,
}

/// What a decision would do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// It would be recorded.
    Counts,
    /// It has been said already, and changes nothing.
    Said,
}

/// Why a decision is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    NotAGate,
    /// It asks people for an answer.
    WantsAnswer,
    /// People are asked about each instance of it.
    OfInstances {
        first: SmolStr,
        count: usize,
    },
    /// It asks nobody now: it has not been reached, its time is up, or it never asks.
    NotAsking(NodeStatus),
    /// Who decided otherwise before.
    Conflict(Box<Recorded>),
    MayNot {
        approvers: Vec<SmolStr>,
    },
    NoSuchOption {
        options: Vec<SmolStr>,
    },
    /// Whoever approves has to choose.
    ChoiceMissing {
        options: Vec<SmolStr>,
    },
}

impl GateDecision {
    /// As it is shown, and as a route names it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approved { .. } => "approved",
            Self::Rejected => "rejected",
        }
    }

    pub const fn choice(&self) -> Option<&SmolStr> {
        match self {
            Self::Approved { choice } => choice.as_ref(),
            Self::Rejected => None,
        }
    }
}

impl Recorded {
    /// Whom a quorum counts.
    pub fn who(&self) -> &SmolStr {
        self.person.as_ref().unwrap_or(&self.by)
    }
}

/// `approved with b`
impl fmt::Display for GateDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.choice() {
            Some(choice) => write!(f, " with `{choice}`"),
            None => Ok(()),
        }
    }
}

/// `approved with b by user/ann as role/release: "ready"`
impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.decision, self.who())?;
        if self.person.is_some() {
            write!(f, " as {}", self.by)?;
        }
        match &self.because {
            Some(because) => write!(f, ": {because}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAGate => write!(f, "it is no gate"),
            Self::WantsAnswer => write!(f, "it wants an answer, expected `answer`"),
            Self::OfInstances { first, count } => {
                write!(f, "it has {count} instances, expected one of them, as `{first}`")
            }
            Self::NotAsking(status) => write!(f, "it asks nobody: it is {}", status.name()),
            Self::Conflict(before) => write!(f, "it conflicts with what was decided before: {before}"),
            Self::MayNot { approvers } => write!(f, "only {} may decide it", listed(approvers)),
            Self::NoSuchOption { options } if options.is_empty() => write!(f, "there is nothing to choose"),
            Self::NoSuchOption { options } => write!(f, "there is no such option, only {}", listed(options)),
            Self::ChoiceMissing { options } => write!(f, "one of {} is to be chosen", listed(options)),
        }
    }
}

fn listed(names: &[SmolStr]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

impl GateState {
    pub fn snapshot(&self) -> GateSnapshot {
        GateSnapshot {
            ask: self.ask.clone(),
            asked_ms: self.asked_ms,
            decisions: self.decisions.clone(),
            decided: self.decided.clone(),
        }
    }

    /// What the people who have decided so far make of it.
    fn outcome(&self) -> Option<GateDecision> {
        let last = self.decisions.last()?;
        if last.decision == GateDecision::Rejected {
            return Some(GateDecision::Rejected);
        }
        let agree = self.decisions.iter().filter(|other| other.decision == last.decision);
        let people: BTreeSet<&SmolStr> = agree.map(Recorded::who).collect();
        (people.len() >= self.ask.quorum as usize).then(|| last.decision.clone())
    }

    /// The earlier decision that this one repeats or contradicts.
    fn before(&self, who: &SmolStr) -> Option<&Recorded> {
        match self.decided {
            Some(_) => self.decisions.last(),
            None => self.decisions.iter().find(|recorded| recorded.who() == who),
        }
    }
}

impl Engine {
    /// Whether what this unit comes to is for people to say.
    pub(crate) fn asks(&self, unit: UnitId) -> bool {
        gate_of(&self.scopes.node(unit.node).body).is_some_and(|gate| !gate.approvers.is_empty())
    }

    /// Opens a gate whose checks hold.
    pub(crate) fn ask(&mut self, unit: UnitId, checks: Vec<AskCheck>) {
        if self.stopping(unit.node).is_some() {
            return self.unit_cancelled(unit);
        }
        let ask = match self.question(unit.node, checks) {
            Ok(ask) => ask,
            Err(failure) => return self.finish_attempt(unit, Err(failure)),
        };
        match self.take_over_decisions(unit.node, &ask) {
            TakenOver::Nothing => self.open_question(unit, ask),
            TakenOver::Result => {}
            TakenOver::Question(before) => {
                self.open_question(unit, before.ask.clone());
                *self.state.gate_mut(unit) = Some(before);
            }
        }
    }

    /// `judge: human`: anybody may say whether the prose of a node, or of an instance, holds.
    pub(crate) fn ask_about_prose(&mut self, unit: UnitId, checks: Vec<AskCheck>) {
        if self.stopping(unit.node).is_some() {
            return self.unit_cancelled(unit);
        }
        let ask = Ask {
            node: unit.node,
            instance: unit.instance,
            question: None,
            label: self.label(unit),
            title: self.title(unit.node),
            approvers: Vec::new(),
            quorum: 1,
            options: Vec::new(),
            checks,
            deadline_ms: None,
        };
        self.open_question(unit, ask);
    }

    fn open_question(&mut self, unit: UnitId, ask: Ask) {
        self.notices.push(Notice::Asked {
            node: unit.node,
            label: ask.label.clone(),
            approvers: ask.approvers.clone(),
            deadline_ms: ask.deadline_ms,
        });
        let deadline_ms = ask.deadline_ms;
        self.commands.push(Command::AskPeople(Box::new(ask.clone())));
        self.state.asking.insert(unit);
        let asked_ms = self.state.now_ms;
        self.state.unit_mut(unit).status = NodeStatus::Waiting;
        *self.state.gate_mut(unit) = Some(Box::new(GateState {
            ask,
            asked_ms,
            decisions: Vec::new(),
            decided: None,
            choice: None,
        }));
        self.leave_place(unit);
        self.show_status(unit.node);
        self.set_gate_timer(unit.node, deadline_ms);
    }

    fn question(&self, id: NodeId, checks: Vec<AskCheck>) -> Result<Ask, Failure> {
        let unit = UnitId {
            node: id,
            instance: None,
        };
        let gate =
            gate_of(&self.scopes.node(id).body).ok_or_else(|| Failure::new("failure", "only gates ask people"))?;
        let scope = self.scope(Place::Unit(unit));
        let deadline_ms = match &gate.timeout {
            Some(timeout) => {
                let timeout_ms = i64::try_from(milliseconds(timeout, &scope)?).unwrap_or(i64::MAX);
                Some(self.state.now_ms.saturating_add(timeout_ms))
            }
            None => None,
        };
        let options = gate.options.iter().map(|option| asked_option(option, &scope));
        Ok(Ask {
            node: id,
            instance: None,
            question: None,
            label: self.label(unit),
            title: self.title(id),
            approvers: gate.approvers.clone(),
            quorum: gate.quorum.unwrap_or(1).max(1),
            options: options.collect::<Result<_, _>>()?,
            checks,
            deadline_ms,
        })
    }

    fn set_gate_timer(&mut self, node: NodeId, deadline_ms: Option<i64>) {
        if let Some(at_ms) = deadline_ms {
            let timer = Timer::Gate { node };
            self.commands.push(Command::SetTimer { timer, at_ms });
        }
    }

    /// A driver that takes over has no timers.
    pub(crate) fn set_gate_timers(&mut self) {
        let deadline = |unit: &UnitId| Some((unit.node, self.state.gate(*unit)?.ask.deadline_ms));
        let deadlines: Vec<_> = self.state.asking.iter().filter_map(deadline).collect();
        for (node, deadline_ms) in deadlines {
            self.set_gate_timer(node, deadline_ms);
        }
    }

    /// What people are asked now, in the order of the nodes.
    pub fn asking(&self) -> Vec<&Ask> {
        let gate = |unit: &UnitId| self.state.gate(*unit).map(|gate| &gate.ask);
        let gates = self.state.asking.iter().filter_map(gate);
        let question = |unit: &UnitId| self.state.questions.get(unit).map(|question| &question.ask);
        let mut asking: Vec<&Ask> = gates.chain(self.state.awaited.iter().filter_map(question)).collect();
        asking.sort_by_key(|ask| (ask.node, ask.instance));
        asking
    }

    /// What a decision would do, or why it is refused. Nothing changes.
    pub fn weigh(
        &self,
        node: NodeId,
        instance: Option<u32>,
        by: &SmolStr,
        person: Option<&SmolStr>,
        decision: &GateDecision,
    ) -> Result<Weight, Refusal> {
        let unit = unit_of(node, instance);
        let state = self.state.nodes.get(node as usize).ok_or(Refusal::NotAGate)?;
        let status = self
            .state
            .instance(unit)
            .map_or(state.status, |instance| instance.unit.status);
        let Some(gate) = self.state.gate(unit) else {
            return Err(self.not_asked(unit, status));
        };
        may_decide(&gate.ask, by, decision)?;
        match gate.before(person.unwrap_or(by)) {
            Some(before) if before.decision == *decision => Ok(Weight::Said),
            Some(before) => Err(Refusal::Conflict(Box::new(before.clone()))),
            None if self.state.asking.contains(&unit) => Ok(Weight::Counts),
            None => Err(Refusal::NotAsking(status)),
        }
    }

    /// Why nothing is to be decided about a unit that people were never asked about.
    fn not_asked(&self, unit: UnitId, status: NodeStatus) -> Refusal {
        let is_judged = self.scopes.of(unit.node).plan().judge == Some(Judge::Human);
        let instances = self
            .state
            .node(unit.node)
            .fan
            .as_ref()
            .map_or(&[][..], |fan| &fan.instances);
        match gate_of(&self.scopes.node(unit.node).body) {
            Some(_) => Refusal::NotAsking(status),
            None if self.state.awaited.contains(&unit) => Refusal::WantsAnswer,
            None if !is_judged || !self.has_to_judge(unit) => Refusal::NotAGate,
            None if unit.instance.is_none() && !instances.is_empty() => Refusal::OfInstances {
                first: self.label(unit_of(unit.node, Some(0))),
                count: instances.len(),
            },
            None => Refusal::NotAsking(status),
        }
    }

    pub(crate) fn gate_decided(
        &mut self,
        unit: UnitId,
        by: &SmolStr,
        person: Option<&SmolStr>,
        decision: &GateDecision,
        because: Option<&str>,
    ) -> Result<(), String> {
        match self.weigh(unit.node, unit.instance, by, person, decision) {
            Ok(Weight::Counts) => {}
            Ok(Weight::Said) => return Ok(()),
            Err(refusal) => return Err(refusal.to_string()),
        }
        let time_ms = self.state.now_ms;
        let Some(gate) = self.state.gate_mut(unit).as_deref_mut() else {
            return Err(Refusal::NotAGate.to_string());
        };
        let recorded = Recorded {
            by: by.clone(),
            person: person.cloned(),
            decision: decision.clone(),
            because: because.map(str::to_owned),
            time_ms,
        };
        gate.decisions.push(recorded.clone());
        let outcome = gate.outcome();
        gate.decided.clone_from(&outcome);
        gate.choice = outcome.as_ref().and_then(|outcome| outcome.choice().cloned());
        self.notices.push(Notice::Decided {
            node: unit.node,
            label: self.label(unit),
            by: recorded.by.clone(),
            person: recorded.person.clone(),
            decision: recorded.decision.clone(),
            because: recorded.because.clone(),
        });
        match outcome {
            None => {}
            Some(GateDecision::Approved { .. }) => self.close(unit, Ok(())),
            Some(GateDecision::Rejected) => {
                let message = recorded.to_string();
                self.close(unit, Err(("rejected", message)));
            }
        }
        Ok(())
    }

    /// The time that people had is up.
    pub(crate) fn gate_over(&mut self, id: NodeId) -> Result<(), String> {
        let unit = unit_of(id, None);
        let gate = self.state.gate(unit).filter(|_| self.state.asking.contains(&unit));
        let gate = gate.ok_or("it waits for nobody")?;
        let deadline_ms = match gate.ask.deadline_ms {
            Some(deadline_ms) if deadline_ms <= self.state.now_ms => deadline_ms,
            _ => return Err("its time is not up".to_owned()),
        };
        let waited = ir::Value::Duration(deadline_ms.saturating_sub(gate.asked_ms));
        let approved = gate.decisions.len();
        let message = format!(
            "{approved} of {} approved within {}",
            gate.ask.quorum,
            data::render(&waited)
        );
        self.close(unit, Err(("timeout", message)));
        Ok(())
    }

    fn close(&mut self, unit: UnitId, outcome: Result<(), (&str, String)>) {
        self.state.asking.remove(&unit);
        self.hold_place(unit);
        if self.state.judging.contains_key(&unit) {
            return self.people_judged(unit, outcome.map_err(|(_, why)| why));
        }
        match outcome {
            Ok(()) => self.unit_completed(unit, Products::default()),
            Err((mode, message)) => {
                let attempts = self.state.unit(unit).attempt;
                let error = NodeError {
                    kind: SmolStr::new(mode),
                    message,
                    exit: None,
                    attempts,
                };
                self.unit_failed(unit, error);
            }
        }
    }
}

fn gate_of(body: &Body) -> Option<&Gate> {
    match body {
        Body::Gate(gate) => Some(gate),
        Body::Task(_) | Body::Decision(_) => None,
    }
}

fn asked_option(option: &GateOption, scope: &RunScope<'_>) -> Result<AskOption, Failure> {
    let text = |expr: &Expr| {
        let value = scope.eval(expr).map_err(|error| {
            let message = format!("option `{}`: {}", option.name, error.message);
            Failure::new("expression-error", message)
        })?;
        Ok(data::render(&value))
    };
    Ok(AskOption {
        name: option.name.clone(),
        title: option.title.as_ref().map(text).transpose()?,
        note: option.note.as_ref().map(text).transpose()?,
    })
}

fn may_decide(ask: &Ask, by: &SmolStr, decision: &GateDecision) -> Result<(), Refusal> {
    if !ask.approvers.is_empty() && !ask.approvers.contains(by) {
        return Err(Refusal::MayNot {
            approvers: ask.approvers.clone(),
        });
    }
    let GateDecision::Approved { choice } = decision else {
        return Ok(());
    };
    let options: Vec<SmolStr> = ask.options.iter().map(|option| option.name.clone()).collect();
    match choice {
        Some(choice) if options.contains(choice) => Ok(()),
        Some(_) => Err(Refusal::NoSuchOption { options }),
        None if options.is_empty() => Ok(()),
        None => Err(Refusal::ChoiceMissing { options }),
    }
}
