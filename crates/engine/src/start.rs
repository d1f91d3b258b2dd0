//! Starting: the ready queue, the slots of `limits.parallel`, and what an attempt is told.
//!
//! Ready units start by priority, then plan order, then item order. Units that run nothing and see nothing of the world
//! take no slot: they are judged at once, also while the run is paused.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ir::data;
use ir::expr::Expr;
use ir::plan::{Binding, Body, Effect, Interpreter, Node, Script};
use ir::value::Value;
use smol_str::{SmolStr, format_smolstr};

use crate::admission::{Admission, Reservation};
use crate::call::step_of;
use crate::engine::{Engine, Work};
use crate::event::{AttemptId, Command, Ended, Exec, How, NodeStatus, StartAttempt};
use crate::graph::{script, task};
use crate::judge::Failure;
use crate::notice::Notice;
use crate::scope::{Place, RunScope, key, runs_outside};
use crate::scopes::ScopeId;
use crate::spending::least;
use crate::state::{ReadyKey, UnitId};

type Values = BTreeMap<SmolStr, Value>;

impl Engine {
    /// Queues a unit for its next attempt.
    pub(crate) fn enqueue(&mut self, unit: UnitId) {
        self.state.unit_mut(unit).status = NodeStatus::Ready;
        self.show_status(unit.node);
        if self.is_pure(unit) {
            self.work.push_back(Work::Judge(unit));
        } else if self.looks_up(unit) {
            self.look_up(unit);
        } else {
            self.queue(unit);
        }
    }

    /// It starts when there is a place for it; people are asked at once.
    pub(crate) fn queue(&mut self, unit: UnitId) {
        let key = self.ready_key(unit);
        if self.asks_for_an_answer(unit) && !self.observes_before(unit) {
            self.state.to_ask.insert(key);
        } else {
            self.state.ready.insert(key);
        }
    }

    pub(crate) fn ready_key(&self, unit: UnitId) -> ReadyKey {
        ReadyKey {
            priority: Reverse(self.scopes.priority(unit.node)),
            unit,
        }
    }

    /// Neither runs anything nor looks at the world.
    fn is_pure(&self, unit: UnitId) -> bool {
        if self.state.judging.contains_key(&unit) {
            return false;
        }
        let table = self.scopes.table(unit.node);
        let node = self.scopes.node(unit.node);
        if self.called_plan(unit).is_some() {
            return !table.observes_before && !self.call_is_over(unit);
        }
        !runs_outside(&node.body) && !table.observes_before && !table.observes_after
    }

    /// Starts the first of the ready units if it may; says whether it did.
    pub(crate) fn start_next(&mut self) -> bool {
        let slots = self.state.run.as_ref().map_or(0, |run| run.parallel.max(1) as usize);
        if self.state.paused {
            return false;
        }
        if self.state.leaving.is_none()
            && let Some(key) = self.state.to_ask.pop_first()
        {
            self.start(key.unit);
            return true;
        }
        if self.state.in_flight.len() >= slots {
            return false;
        }
        if self.undo_next() {
            return true;
        }
        // what the revision before did is undone first
        if self.state.leaving.is_some() {
            return false;
        }
        while let Some(key) = self.state.ready.pop_first() {
            match self.full_scope(key.unit) {
                Some(full) => drop(self.state.scope_mut(full).held.insert(key)),
                None => {
                    self.start(key.unit);
                    if !self.state.in_flight.contains_key(&key.unit) {
                        self.pass_on(key.unit);
                    }
                    return true;
                }
            }
        }
        false
    }

    /// A call of a plan, around the unit, in which as many attempts run as may.
    fn full_scope(&self, unit: UnitId) -> Option<ScopeId> {
        let around = self.scopes.outward(self.scopes.id_of(unit.node));
        around
            .take_while(|scope| *scope != self.scopes.outermost_id())
            .find(|scope| {
                let parallel = self.scopes.get(*scope).plan().limits.parallel;
                parallel.is_some_and(|parallel| self.state.scope(*scope).running >= parallel.max(1))
            })
    }

    /// An attempt takes its place in every scope around it.
    pub(crate) fn occupy(&mut self, attempt: AttemptId) {
        let unit = crate::retry::unit_of(attempt.node, attempt.instance);
        self.state.in_flight.insert(unit, attempt);
        for scope in self.scopes.outward(self.scopes.id_of(unit.node)) {
            self.state.scope_mut(scope).running += 1;
        }
    }

    /// And gives it up.
    pub(crate) fn vacate(&mut self, unit: UnitId) {
        self.state.in_flight.remove(&unit);
        for scope in self.scopes.outward(self.scopes.id_of(unit.node)) {
            self.state.scope_mut(scope).running -= 1;
        }
        self.pass_on(unit);
    }

    /// A place that a unit gave up, or did not take when it could have, goes to the next: in each scope around it the
    /// first that waits for one may try.
    pub(crate) fn pass_on(&mut self, unit: UnitId) {
        for scope in self.scopes.outward(self.scopes.id_of(unit.node)) {
            let next = self.state.scope_mut(scope).held.pop_first();
            self.state.ready.extend(next);
        }
    }

    /// Starts a unit, if everything that counts what it uses lets it through.
    fn start(&mut self, unit: UnitId) {
        let released = self.state.released.remove(&unit);
        match self.admission(unit) {
            Admission::Go(reservation) => self.begin_attempt(unit, reservation),
            Admission::Refuse(failure) => self.turned_away(unit, failure),
            Admission::Wait { on, at_ms } => {
                let stays = released.as_ref() == Some(&on);
                self.park(unit, on, at_ms, released.is_some());
                if stays {
                    return;
                }
            }
            Admission::Pause(item) => self.hold_for_budget(unit, item),
        }
        if let Some(account) = released {
            self.release(&account);
        }
    }

    /// An attempt that is over before it began.
    pub(crate) fn turned_away(&mut self, unit: UnitId, failure: Failure) {
        self.state.agents.remove(&unit);
        self.count_attempt(unit);
        self.count_try(unit);
        self.finish_attempt(unit, Err(failure));
    }

    /// Counts the attempt for the agent that makes it.
    fn count_try(&mut self, unit: UnitId) {
        let agent = self.state.agents.get(&unit).cloned().unwrap_or_default();
        let calling = self.state.calls.entry(unit).or_default();
        *calling.tried.entry(agent).or_default() += 1;
    }

    fn begin_attempt(&mut self, unit: UnitId, reservation: Option<Reservation>) {
        let is_new = !self.state.unit(unit).again;
        let attempt = self.count_attempt(unit);
        if let Some(reservation) = &reservation {
            match reservation.agent.clone() {
                Some(agent) => self.state.agents.insert(unit, agent),
                None => self.state.agents.remove(&unit),
            };
            if is_new {
                self.count_try(unit);
            }
        }
        let within_ms = reservation.as_ref().and_then(|reservation| reservation.within_ms);
        let asks = self.asks_for_an_answer(unit);
        let command = self.prepare(attempt, within_ms).and_then(|command| {
            if self.requires_now(unit) && !self.observes_before(unit) {
                self.judge(unit).requires(&mut ir::eval::NoWorld)?;
            }
            Ok(command)
        });
        match command {
            // a person's answer costs nothing that is counted
            Ok(command) if asks && !command.observes_before => self.ask_for_an_answer(unit, &command),
            Ok(mut command) => {
                if asks {
                    // to look at what it requires: it asks after that
                    command.call = None;
                }
                self.occupy(attempt);
                if let Some(reservation) = reservation {
                    self.reserve(unit, reservation);
                }
                self.notices.push(self.starts(&command));
                self.commands.push(Command::StartAttempt(command));
            }
            Err(failure) => self.finish_attempt(unit, Err(failure)),
        }
    }

    fn starts(&self, command: &StartAttempt) -> Notice {
        let (node, label) = (command.attempt.node, command.label.clone());
        let unit = UnitId {
            node,
            instance: command.attempt.instance,
        };
        let goes_on = command.attempt.start > 0 && !self.requires_now(unit);
        let step = command
            .call
            .as_ref()
            .and_then(|call| Some((call.step?, &call.capability)));
        match step.filter(|_| goes_on) {
            Some((step, capability)) => Notice::Line {
                node,
                label,
                line: step + 1,
                capability: capability.clone(),
            },
            None => Notice::Started {
                node,
                label,
                attempt: command.attempt.attempt,
            },
        }
    }

    /// An attempt of a unit that needs nobody outside.
    pub(crate) fn judge_at_once(&mut self, unit: UnitId) {
        if self.state.unit(unit).status != NodeStatus::Ready {
            return;
        }
        self.count_attempt(unit);
        let nothing = Ended::nothing(0);
        let verdict = self.read_input(unit).and_then(|()| {
            let judge = self.judge(unit);
            judge.requires(&mut ir::eval::NoWorld)?;
            if self.called_plan(unit).is_some() {
                return Ok(None);
            }
            judge.verdict(&nothing, &mut ir::eval::NoWorld).map(Some)
        });
        match verdict.transpose() {
            None => self.begin_call(unit),
            Some(verdict) => {
                self.note_evidence(unit, &nothing);
                self.finish_attempt(unit, verdict);
            }
        }
    }

    fn count_attempt(&mut self, unit: UnitId) -> AttemptId {
        let now_ms = self.state.now_ms;
        let state = self.state.unit_mut(unit);
        if state.again {
            state.again = false;
            state.start += 1;
        } else {
            state.attempt += 1;
            state.start = 0;
            if let Some(calling) = self.state.calls.get_mut(&unit) {
                calling.first = calling.line;
                calling.used_ms = 0;
            }
        }
        let state = self.state.unit_mut(unit);
        state.status = NodeStatus::Running;
        let attempt = AttemptId {
            node: unit.node,
            instance: unit.instance,
            attempt: state.attempt,
            start: state.start,
            undo: false,
        };
        let node = self.state.node_mut(unit.node);
        node.started_ms.get_or_insert(now_ms);
        if let (Some(index), Some(fan)) = (unit.instance, &mut node.fan) {
            fan.instances[index as usize].started_ms.get_or_insert(now_ms);
        }
        self.show_status(unit.node);
        attempt
    }

    /// What the driver needs to know to run an attempt.
    fn prepare(&mut self, attempt: AttemptId, within_ms: Option<u64>) -> Result<Box<StartAttempt>, Failure> {
        let unit = UnitId {
            node: attempt.node,
            instance: attempt.instance,
        };
        self.read_input(unit)?;
        let node = self.scopes.node(unit.node);
        let scope = self.scope(Place::Unit(unit));
        let exec = script(node)
            .filter(|_| !self.state.judging.contains_key(&unit))
            .map(|script| self.exec(unit, script, &scope))
            .transpose()?;
        let call = self.call(unit, &scope)?;
        let dir = match (&exec, &call) {
            (None, None) => dir(None, &scope)?,
            _ => None,
        };
        // that of a called plan bounds the whole call, not a look at the world
        let timeout = timeout(node).filter(|_| self.called_plan(unit).is_none());
        let timeout_ms = timeout.map(|timeout| milliseconds(timeout, &scope)).transpose()?;
        let timeout_ms = least(self.left_of(unit, timeout_ms)?, within_ms);
        Ok(Box::new(StartAttempt {
            attempt,
            key: self.key(unit, &scope)?,
            label: self.label(unit),
            idempotent: self.is_idempotent(unit),
            observes_before: self.observes_before(unit),
            exec,
            call,
            dir,
            timeout_ms,
        }))
    }

    /// The same for an attempt that is under way.
    pub(crate) fn prepare_again(&mut self, unit: UnitId) -> Result<Box<StartAttempt>, Failure> {
        let state = self.state.unit(unit);
        let attempt = AttemptId {
            node: unit.node,
            instance: unit.instance,
            attempt: state.attempt,
            start: state.start,
            undo: false,
        };
        self.prepare(attempt, None)
    }

    /// What the task says, else a hash of what is called.
    fn key(&self, unit: UnitId, scope: &RunScope<'_>) -> Result<SmolStr, Failure> {
        let task = task(self.scopes.node(unit.node));
        let step = task.and_then(|task| step_of(&self.state, task, unit));
        if let Some(left) = self.state.left_to_judge(unit) {
            return Ok(format_smolstr!("{}/judge-{left}", key(&self.scopes, &self.state, unit)));
        }
        match (task.and_then(|task| task.key.as_ref()), step) {
            (None, _) => Ok(key(&self.scopes, &self.state, unit)),
            (Some(own), None) => rendered("key", own, scope).map(SmolStr::from),
            (Some(own), Some(step)) => Ok(format_smolstr!("{}/{step}", rendered("key", own, scope)?)),
        }
    }

    /// The time that earlier lines of the attempt left of its timeout.
    fn left_of(&self, unit: UnitId, timeout_ms: Option<u64>) -> Result<Option<u64>, Failure> {
        let used_ms = self.state.calls.get(&unit).map_or(0, |calling| calling.used_ms);
        match timeout_ms.map(|timeout_ms| (timeout_ms, timeout_ms.saturating_sub(used_ms))) {
            Some((timeout_ms, 0)) => {
                let timeout = data::render(&Value::Duration(i64::try_from(timeout_ms).unwrap_or(i64::MAX)));
                Err(Failure::new(
                    "timeout",
                    format!("timed out after {timeout}, between two lines"),
                ))
            }
            left => Ok(left.map(|(_, left_ms)| left_ms)),
        }
    }

    /// Whether an attempt whose end nobody knows may be repeated. What runs nothing always may, and so may the script
    /// of a gate, which decides and does not act.
    pub(crate) fn is_idempotent(&self, unit: UnitId) -> bool {
        match &self.scopes.node(unit.node).body {
            _ if self.state.judging.contains_key(&unit) => true,
            Body::Task(task) => {
                let step = self.line(unit).and_then(|line| line.step);
                let repeatable = step.map_or(task.idempotent, |(_, step)| step.idempotent);
                repeatable || task.key.is_some() || task.work.is_nothing()
            }
            Body::Gate(_) | Body::Decision(_) => true,
        }
    }

    /// Evaluates `input:`; inputs do not read each other.
    pub(crate) fn read_input(&mut self, unit: UnitId) -> Result<(), Failure> {
        let Body::Task(task) = &self.scopes.node(unit.node).body else {
            return Ok(());
        };
        if task.input.is_empty() {
            self.state.unit_mut(unit).input.clear();
            return Ok(());
        }
        let scope = self.scope(Place::Unit(unit));
        let read = |binding| bound("input", binding, &scope).map(|value| (binding.name.clone(), value));
        let input = task.input.iter().map(read).collect::<Result<Values, _>>()?;
        self.state.unit_mut(unit).input = input.into();
        Ok(())
    }

    pub(crate) fn exec(&self, unit: UnitId, script: &Script, scope: &RunScope<'_>) -> Result<Exec, Failure> {
        let input = Values::clone(&self.state.unit(unit).input);
        let mut env: Values = input
            .iter()
            .map(|(name, value)| (name.replace('-', "_").into(), value.clone()))
            .collect();
        for binding in &script.env {
            env.insert(binding.name.clone(), bound("env", binding, scope)?);
        }
        for binding in &script.vars {
            env.insert(binding.name.clone(), bound("run", binding, scope)?);
        }
        Ok(Exec {
            argv: argv(script, scope)?,
            env,
            input,
            dir: dir(script.dir.as_ref(), scope)?,
            effects: declared_effects(&self.scopes.node(unit.node).body),
        })
    }
}

/// What a node says that its script touches.
fn declared_effects(body: &Body) -> Option<Vec<Effect>> {
    match body {
        Body::Task(task) => Option::clone(&task.effects),
        Body::Gate(gate) => gate.effects.clone(),
        Body::Decision(_) => None,
    }
}

fn argv(script: &Script, scope: &RunScope<'_>) -> Result<Vec<SmolStr>, Failure> {
    let words = script.interpreter.words();
    let mut argv = Vec::with_capacity(words.len() + 2);
    argv.extend(words.iter().copied().map(SmolStr::new_static));
    if let Interpreter::Command(command) = &script.interpreter {
        argv.extend(rendered("shell", command, scope)?.split_whitespace().map(SmolStr::new));
    }
    if argv.is_empty() {
        return Err(Failure::new(
            "expression-error",
            "shell: it is empty, expected a command",
        ));
    }
    argv.extend([SmolStr::new_static("-c"), script.text.clone()]);
    Ok(argv)
}

/// Where something runs or looks that may say so itself.
fn dir(own: Option<&Expr>, scope: &RunScope<'_>) -> Result<Option<String>, Failure> {
    own.or(scope.plan().dir.as_ref())
        .map(|dir| rendered("dir", dir, scope))
        .transpose()
}

pub(crate) fn timeout(node: &Node) -> Option<&Expr> {
    match &node.body {
        Body::Task(task) => task.timeout.as_ref(),
        Body::Gate(gate) => gate.timeout.as_ref(),
        Body::Decision(_) => None,
    }
}

pub(crate) fn milliseconds(timeout: &Expr, scope: &RunScope<'_>) -> Result<u64, Failure> {
    match value("timeout", timeout, scope)? {
        Value::Duration(ms) if ms > 0 => Ok(ms.unsigned_abs()),
        other => {
            let message = format!("timeout: {} is not a positive duration", data::render(&other));
            Err(Failure::new("expression-error", message))
        }
    }
}

pub(crate) fn bound(clause: &str, binding: &Binding, scope: &RunScope<'_>) -> Result<Value, Failure> {
    value(&format!("{clause} `{}`", binding.name), &binding.value, scope)
}

pub(crate) fn rendered(clause: &str, expr: &Expr, scope: &RunScope<'_>) -> Result<String, Failure> {
    value(clause, expr, scope).map(|value| data::render(&value))
}

fn value(clause: &str, expr: &Expr, scope: &RunScope<'_>) -> Result<Value, Failure> {
    scope
        .eval(expr)
        .map_err(|error| Failure::new("expression-error", format!("{clause}: {}", error.message)))
}

impl Ended {
    /// The end of what never ran.
    pub fn nothing(duration_ms: u64) -> Self {
        Self {
            how: How::Nothing,
            stdout: String::new(),
            stderr: String::new(),
            truncated: Vec::new(),
            duration_ms,
            observed: Vec::new(),
            used: None,
        }
    }
}
