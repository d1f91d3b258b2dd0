//! The engine: one event in, the commands that follow from it out.
//!
//! [`Engine::apply`] hands the event to the part that it concerns, works off what follows from it, starts what is ready and
//! says so when nothing moves any more. What it costs is in proportion to what the event affects, not to the plan, and
//! nothing recurses along the graph: consequences wait in a worklist.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ir::eval::World;
use ir::plan::{NodeId, Plan};
use smol_str::{SmolStr, format_smolstr};

use crate::event::{AttemptId, Command, Ended, Event, EventKind, Observation, RunStarted, RunStatus, Timer};
use crate::judge::Judge;
use crate::notice::Notice;
use crate::retry::unit_of;
use crate::reuse::Keep;
use crate::scope::{Place, RunScope};
use crate::scopes::{Program, ScopeId, Scopes};
use crate::state::{Ignored, RunEnd, State, UnitId};
use crate::world::{Recording, Replay};

/// How many events that changed nothing are kept.
const IGNORED_MAX: usize = 100;

/// When a driver looks at the world for an attempt.
#[derive(Clone, Copy, Debug)]
pub enum Phase<'a> {
    /// Before it starts: `requires`.
    Before,
    /// After it ended this way: outputs, failure modes, expectations.
    After(&'a Ended),
}

/// A consequence that has not been worked off.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Something that this node waits for was decided.
    Check(NodeId),
    /// It was decided whether this node satisfies needs.
    Satisfies(NodeId),
    /// It was decided whether this node, as a handler, did its job.
    Resolved(NodeId),
    /// This unit runs nothing and sees nothing of the world: it can be judged at once.
    Judge(UnitId),
    /// The caller of this scope stops.
    Stop(ScopeId),
}

/// The plans that a plan calls, ready to be run.
pub(crate) fn programs(plan: &Plan) -> BTreeMap<SmolStr, Arc<Program>> {
    let programs = plan.plans.iter();
    programs
        .map(|(name, plan)| (name.clone(), Arc::new(Program::new(Arc::new(plan.clone())))))
        .collect()
}

/// A run of a plan.
#[derive(Debug)]
pub struct Engine {
    pub(crate) scopes: Scopes,
    pub(crate) state: State,
    pub(crate) work: VecDeque<Work>,
    pub(crate) commands: Vec<Command>,
    pub(crate) notices: Vec<Notice>,
    /// Results that the latest event led to, for later runs.
    pub(crate) keeps: Vec<Keep>,
    /// Failures for which a plan aborts, once what else follows from the event has been worked off.
    pub(crate) aborts_due: VecDeque<NodeId>,
    /// Scopes in which everything has settled, once that has been worked off, too.
    pub(crate) over: VecDeque<ScopeId>,
    /// The plans that are called, by name.
    pub(crate) programs: BTreeMap<SmolStr, Arc<Program>>,
}

impl Engine {
    /// An engine before its first event. The plan must have passed `ir::verify`.
    pub fn new(plan: Arc<Plan>) -> Self {
        let programs = programs(&plan);
        let scopes = Scopes::new(Arc::new(Program::new(plan)));
        let state = State::new(scopes.outermost());
        Self {
            scopes,
            state,
            work: VecDeque::new(),
            commands: Vec::new(),
            notices: Vec::new(),
            keeps: Vec::new(),
            aborts_due: VecDeque::new(),
            over: VecDeque::new(),
            programs,
        }
    }

    /// Folds one event and returns what is to be done about it, in order. An event that comes too late, twice, or for
    /// something that is not there changes nothing and is kept among [`Engine::ignored`].
    pub fn apply(&mut self, event: &Event) -> Vec<Command> {
        self.notices.clear();
        self.keeps.clear();
        self.tick(event);
        if let Err(reason) = self.take(&event.kind) {
            self.ignore(&event.kind, reason);
        }
        self.work_off();
        self.start_all();
        while self.turn_away() {
            self.work_off();
            self.start_all();
        }
        self.conclude();
        self.watch_alerts();
        std::mem::take(&mut self.commands)
    }

    /// Fills the places that are free.
    fn start_all(&mut self) {
        while self.start_next() {
            self.work_off();
        }
    }

    /// Looks at the world for an attempt in flight. The driver puts the answers into [`Ended::observed`], those of
    /// `Before` first, and [`Engine::apply`] sees exactly them. An attempt that is not in flight, or has nothing to
    /// look at, gets an empty list.
    pub fn observe(&self, attempt: AttemptId, phase: Phase<'_>, world: &mut dyn World) -> Vec<Observation> {
        let unit = unit_of(attempt.node, attempt.instance);
        if self.state.in_flight.get(&unit) != Some(&attempt) || attempt.undo {
            return Vec::new();
        }
        let phase = match phase {
            // the plan that it calls comes between
            Phase::Before if self.call_is_over(unit) => return Vec::new(),
            Phase::After(_) if self.called_plan(unit).is_some() && !self.call_is_over(unit) => return Vec::new(),
            phase => phase,
        };
        let table = self.scopes.table(unit.node);
        let mut recording = Recording {
            world,
            observed: Vec::new(),
        };
        // The verdict itself is drawn by `apply`, from the record.
        match phase {
            Phase::Before if self.observes_before(unit) => drop(self.judge(unit).requires(&mut recording)),
            Phase::After(_) if self.state.judging.contains_key(&unit) => {}
            Phase::After(ended) if table.observes_after && !self.is_between_lines(unit, ended) => {
                drop(self.judge(unit).verdict(ended, &mut recording))
            }
            Phase::Before | Phase::After(_) => {}
        }
        recording.observed
    }

    /// Whether the preconditions hold, given what was observed before the start. Where they do not, the driver runs
    /// nothing and reports `AttemptEnded` with `How::Nothing` and the same observations; the engine then finds the mode
    /// and the message.
    pub fn may_start(&self, attempt: AttemptId, observed: &[Observation]) -> bool {
        let unit = unit_of(attempt.node, attempt.instance);
        self.state.in_flight.get(&unit) == Some(&attempt)
            && (attempt.undo
                || !self.requires_now(unit)
                || self.judge(unit).requires(&mut Replay::new(observed)).is_ok())
    }

    pub(crate) fn observes_before(&self, unit: UnitId) -> bool {
        self.scopes.table(unit.node).observes_before && self.requires_now(unit)
    }

    /// What happened to nodes since the latest event was applied, oldest first; the next event forgets them.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// How the run ended, once it has.
    pub fn end(&self) -> Option<&RunEnd> {
        self.state.end.as_ref()
    }

    /// Events that changed nothing, oldest first; of many the last ones.
    pub fn ignored(&self) -> &[Ignored] {
        &self.state.ignored
    }

    /// What the run started with, once it has.
    pub fn run(&self) -> Option<&RunStarted> {
        self.state.run.as_ref()
    }

    /// The plan that a node of the run is in.
    pub fn plan_of(&self, node: NodeId) -> &Plan {
        self.scopes.of(node).plan()
    }

    /// The outermost plan, as it is now.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.scopes.outermost().program.plan
    }

    pub fn status(&self) -> RunStatus {
        let state = &self.state;
        if let Some(end) = &state.end {
            return end.status;
        }
        if state.run.is_none() {
            return RunStatus::Pending;
        }
        if !state.in_flight.is_empty() {
            return RunStatus::Running;
        }
        if state.paused {
            return RunStatus::Paused;
        }
        let moves = !state.ready.is_empty()
            || !state.to_ask.is_empty()
            || !state.backoffs.is_empty()
            || !state.parked.is_empty()
            || !state.looking.is_empty()
            || !state.remembering.is_empty()
            || !state.undos.is_empty();
        let waits_for_people = !state.blocked.is_empty() || !state.asking.is_empty() || !state.awaited.is_empty();
        if !moves && waits_for_people {
            RunStatus::Blocked
        } else {
            RunStatus::Running
        }
    }

    /// A pause was asked for, and no resume since.
    pub const fn is_paused(&self) -> bool {
        self.state.paused
    }

    /// Whether something would start if the run were not held.
    pub fn has_ready(&self) -> bool {
        let ready = !self.state.ready.is_empty() || !self.state.to_ask.is_empty();
        ready || !self.state.backoffs.is_empty() || !self.state.undos.is_empty()
    }

    /// The node of a name, as [`crate::NodeSnapshot::id`] has it.
    pub fn find(&self, id: &str) -> Option<NodeId> {
        self.current_nodes().into_iter().find(|node| {
            let unit = UnitId {
                node: *node,
                instance: None,
            };
            self.label(unit) == id
        })
    }

    /// The node, or the instance of a fan-out, of a name: `collect`, `deep-dive[key]`.
    pub fn find_unit(&self, name: &str) -> Option<(NodeId, Option<u32>)> {
        let instance = |node: NodeId| {
            let fan = self.state.node(node).fan.as_ref()?;
            let key = name.strip_prefix(self.scopes.name(node).as_str())?;
            let key = key.strip_prefix('[')?.strip_suffix(']')?;
            let at = fan.instances.iter().position(|instance| instance.key == key)?;
            Some((node, u32::try_from(at).ok()))
        };
        let node = self.find(name).map(|node| (node, None));
        node.or_else(|| self.current_nodes().into_iter().find_map(instance))
    }

    /// `collect`, `deep-dive[key]`, or `release/build`.
    pub(crate) fn label(&self, unit: UnitId) -> SmolStr {
        self.with_key(self.scopes.name(unit.node), unit)
    }

    pub(crate) fn with_key(&self, name: SmolStr, unit: UnitId) -> SmolStr {
        match self.state.instance(unit) {
            Some(instance) => format_smolstr!("{name}[{}]", instance.key),
            None => name,
        }
    }

    pub(crate) fn scope(&self, place: Place) -> RunScope<'_> {
        RunScope::new(&self.scopes, &self.state, place)
    }

    pub(crate) fn judge(&self, unit: UnitId) -> Judge<'_> {
        Judge {
            scopes: &self.scopes,
            state: &self.state,
            unit,
        }
    }

    /// Time passes. A driver that starts says how long nobody drove, which counts for nothing.
    fn tick(&mut self, event: &Event) {
        let state = &mut self.state;
        let passed = u64::try_from(event.time_ms.saturating_sub(state.now_ms)).unwrap_or(0);
        let driven = !matches!(event.kind, EventKind::DriverStarted { .. });
        if state.clock.ticking && driven {
            state.clock.used_ms = state.clock.used_ms.saturating_add(passed);
        }
        state.now_ms = state.now_ms.max(event.time_ms);
    }

    /// Hands the event to the part that it concerns; the error says why it changes nothing.
    fn take(&mut self, event: &EventKind) -> Result<(), String> {
        if let EventKind::RunStarted(run) = event {
            return self.run_started(run);
        }
        if self.state.run.is_none() {
            return Err("the run has not started".to_owned());
        }
        if let EventKind::DriverStarted { .. } = event {
            self.driver_started();
            return Ok(());
        }
        match event {
            EventKind::RetryAsked { nodes, because, by } => return self.retry_asked(nodes, by, because.as_deref()),
            EventKind::Replanned(revision) => return self.replanned(revision),
            _ => {}
        }
        if self.state.end.is_some() {
            return Err("the run has ended".to_owned());
        }
        match event {
            EventKind::AttemptEnded { attempt, ended } => self.attempt_ended(*attempt, ended),
            EventKind::AttemptLost { attempt } => self.attempt_lost(*attempt),
            EventKind::TimerFired { timer } => self.timer_fired(timer),
            EventKind::BudgetRaised { budget, .. } => self.budget_raised(budget),
            EventKind::LookedUp {
                node,
                instance,
                key,
                files,
                found,
                ..
            } => self.looked_up(unit_of(*node, *instance), key, files, found.as_deref()),
            EventKind::Remembered { node } => self.remembered(*node),
            EventKind::PauseAsked { .. } => self.pause(),
            EventKind::ResumeAsked { .. } => self.resume(),
            EventKind::CancelAsked { because: _, rollback } => self.cancel(*rollback),
            EventKind::Resolved {
                node,
                instance,
                resolution,
                because,
                by,
            } => self.resolve(unit_of(*node, *instance), *resolution, because, by),
            EventKind::Answered {
                node,
                instance,
                by,
                answer,
                because,
            } => self.question_answered(unit_of(*node, *instance), by, answer, because.as_deref()),
            EventKind::Decided {
                node,
                instance,
                by,
                person,
                decision,
                because,
            } => self.gate_decided(
                unit_of(*node, *instance),
                by,
                person.as_ref(),
                decision,
                because.as_deref(),
            ),
            EventKind::RunStarted(_) | EventKind::DriverStarted { .. } => Ok(()),
            EventKind::RetryAsked { .. } | EventKind::Replanned(_) => Ok(()),
        }
    }

    fn run_started(&mut self, run: &RunStarted) -> Result<(), String> {
        if self.state.run.is_some() {
            return Err("the run has already started".to_owned());
        }
        self.state.run = Some(run.clone());
        self.state.started_ms = self.state.now_ms;
        self.state.tasks = self
            .plan()
            .nodes
            .iter()
            .filter(|node| node.body.task().is_some())
            .count() as u64;
        let outermost = self.scopes.outermost_id();
        self.state.scope_mut(outermost).inputs = run.inputs.clone();
        self.limit_time(outermost, self.plan().timeout_ms);
        self.open(outermost);
        Ok(())
    }

    /// Looks at every node of a scope that has just begun.
    pub(crate) fn open(&mut self, scope: ScopeId) {
        let nodes = self.scopes.get(scope).nodes();
        if nodes.is_empty() {
            self.over.push_back(scope);
        }
        self.work.extend(nodes.map(Work::Check));
    }

    /// The timers of the driver before died with it.
    fn driver_started(&mut self) {
        self.state.announced = None;
        for (unit, at_ms) in &self.state.backoffs {
            let attempt = self.state.unit(*unit).attempt + 1;
            let timer = Timer::Backoff {
                node: unit.node,
                instance: unit.instance,
                attempt,
            };
            self.commands.push(Command::SetTimer { timer, at_ms: *at_ms });
        }
        self.ask_again();
        self.set_gate_timers();
        self.set_question_timers();
        self.set_account_timers();
        self.set_alert_timer();
        self.state.clock.ticking = false;
    }

    /// How many nodes there are so far: calls of plans add theirs as they begin.
    pub fn node_count(&self) -> NodeId {
        NodeId::try_from(self.state.nodes.len()).unwrap_or(NodeId::MAX)
    }

    fn ignore(&mut self, event: &EventKind, reason: String) {
        let ignored = Ignored {
            time_ms: self.state.now_ms,
            event: self.describe(event),
            reason,
        };
        self.notices.push(Notice::Ignored(ignored.clone()));
        if self.state.ignored.len() == IGNORED_MAX {
            self.state.ignored.remove(0);
        }
        self.state.ignored.push(ignored);
    }

    fn describe(&self, event: &EventKind) -> String {
        let name = |node: NodeId, instance: Option<u32>| match self.scopes.has(node) {
            true => self.label(unit_of(node, instance)),
            false => format_smolstr!("node number {node}"),
        };
        match event {
            EventKind::RunStarted(_) => "run-started".to_owned(),
            EventKind::DriverStarted { .. } => "driver-started".to_owned(),
            EventKind::AttemptEnded { attempt, .. } => {
                format!(
                    "attempt-ended {} #{}",
                    name(attempt.node, attempt.instance),
                    attempt.attempt
                )
            }
            EventKind::AttemptLost { attempt } => {
                format!(
                    "attempt-lost {} #{}",
                    name(attempt.node, attempt.instance),
                    attempt.attempt
                )
            }
            EventKind::TimerFired { timer } => self.describe_timer(timer),
            EventKind::BudgetRaised { by, .. } => format!("budget-raised by {by}"),
            EventKind::Decided {
                node,
                instance,
                by,
                decision,
                ..
            } => format!("{} {} as {by}", decision.name(), name(*node, *instance)),
            EventKind::Answered { node, instance, by, .. } => format!("answered {} by {by}", name(*node, *instance)),
            EventKind::LookedUp { node, instance, .. } => format!("looked-up {}", name(*node, *instance)),
            EventKind::Remembered { node } => format!("remembered {}", name(*node, None)),
            EventKind::PauseAsked { .. } => "pause-asked".to_owned(),
            EventKind::ResumeAsked { .. } => "resume-asked".to_owned(),
            EventKind::CancelAsked { .. } => "cancel-asked".to_owned(),
            EventKind::Resolved { node, instance, .. } => {
                format!("resolved {}", name(*node, *instance))
            }
            EventKind::Replanned(revision) => format!("replanned, revision {}", revision.number),
            EventKind::RetryAsked { nodes, .. } => {
                let names: Vec<_> = nodes.iter().map(|node| name(*node, None)).collect();
                format!("retry-asked {}", names.join(", "))
            }
        }
    }

    /// The run's clock stands still then.
    fn only_waits_for_quotas(&self) -> bool {
        let state = &self.state;
        let quiet = state.in_flight.is_empty() && state.ready.is_empty() && state.looking.is_empty();
        !state.parked.is_empty() && quiet && state.backoffs.is_empty()
    }

    /// Works off consequences until none is left, then aborts if one of them asks for it.
    fn work_off(&mut self) {
        loop {
            while let Some(work) = self.work.pop_front() {
                match work {
                    Work::Check(node) => self.check(node),
                    Work::Satisfies(node) => self.spread_satisfies(node),
                    Work::Resolved(node) => self.spread_resolved(node),
                    Work::Judge(unit) => self.judge_at_once(unit),
                    Work::Stop(scope) => self.stop_with_caller(scope),
                }
            }
            if let Some(node) = self.aborts_due.pop_front() {
                self.abort(node);
            } else if let Some(scope) = self.over.pop_front() {
                self.scope_over(scope);
            } else {
                return;
            }
        }
    }

    /// Says what follows once everything that could start has.
    fn conclude(&mut self) {
        if self.state.run.is_none() {
            return;
        }
        if self.state.end.is_none() {
            self.end_if_over();
        }
        let status = self.status();
        self.run_clock(status == RunStatus::Running && !self.only_waits_for_quotas());
        if status == RunStatus::Running {
            self.state.announced = None;
        } else if self.state.announced != Some(status) {
            self.state.announced = Some(status);
            self.commands.push(Command::RunStopped { status });
        }
    }
}
