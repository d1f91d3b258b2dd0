//! The embedded driver: carries out what the engine wants, on this machine, and tells it what happened.
//!
//! One loop on one thread: collect what happened, apply it, append it to the journal in one write with one sync, and only then
//! show it and carry out the commands that follow. Promise: no command is carried out before the event that caused it is on
//! disk. Absent: decisions.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use engine::event::{
    AttemptId, Command, Ended, Event, EventKind, How, Observation, RunStatus, StartAttempt, StopReason,
};
use engine::{Engine, Keep, Notice, Phase};
use ir::value::Value;
use store::{RunFolder, Writer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use crate::attempt::{Live, Prepared, Preparer, Reader, Stop, not_started};
use crate::clock::{Alarm, EventClock, Timers, boot_ms};
use crate::confine::Confined;
use crate::error::RunError;
use crate::lasting::Lasting;
use crate::output::{Captured, FromAttempt, HowEnded, Pump};
use crate::request;
use crate::reuse::{Shelf, ask_once};
use crate::running::Patience;
use crate::secrets::Redactor;
use crate::sharing::{LINGER_MAX, Sharing};
use crate::signals::Signals;
use crate::supervisor::{self, End, Output, Supervisor};
use crate::watch::{Ask, Observer, Progress};
use crate::watch_inbox::InboxWatch;
use crate::world::DiskWorld;

/// An engine and the journal of what it is told.
pub(crate) struct Journal {
    pub engine: Engine,
    writer: Writer,
    clock: EventClock,
    /// Of events that are not on disk yet.
    notices: Vec<Notice>,
    keeps: Vec<Keep>,
}

impl Journal {
    pub fn new(engine: Engine, writer: Writer, last_ms: i64) -> Self {
        Self {
            engine,
            writer,
            clock: EventClock::after(last_ms),
            notices: Vec::new(),
            keeps: Vec::new(),
        }
    }

    /// Applies an event and stages it with the commands that it causes; they may be carried out after [`Journal::commit`].
    pub fn apply(&mut self, kind: EventKind, inbox: Option<&str>) -> Result<Vec<Command>, RunError> {
        let event = Event {
            time_ms: self.clock.now_ms(),
            kind,
        };
        let commands = self.engine.apply(&event);
        self.notices.extend_from_slice(self.engine.notices());
        self.keeps.extend_from_slice(self.engine.keeps());
        self.writer.stage(event.time_ms, &event, &commands, inbox)?;
        Ok(commands)
    }

    pub fn commit(&mut self) -> Result<(), RunError> {
        Ok(self.writer.commit()?)
    }

    pub fn syncs(&self) -> bool {
        self.writer.syncs()
    }
}

/// Something that is to be applied.
enum Due {
    Event {
        kind: EventKind,
        inbox: Option<String>,
    },
    /// A call that is over, and has not been looked at.
    Called {
        live: Live,
        how: How,
    },
    /// An attempt that ended, and has not been looked at.
    Finished {
        live: Live,
        end: End,
        stopped: bool,
        captured: Captured,
    },
}

/// Something that woke the driver.
enum Woken {
    Supervisor(io::Result<Vec<supervisor::Event>>),
    Attempt(FromAttempt),
    Alarm(io::Result<()>),
    Asked(Ask),
    Inbox(io::Result<()>),
    Lasting(Vec<u64>),
}

pub(crate) struct Driver<'a> {
    pub journal: Journal,
    pub folder: RunFolder,
    pub supervisor: Supervisor,
    pub supervisor_binary: PathBuf,
    pub preparer: Preparer,
    pub shelf: Shelf,
    pub grace_ms: u64,
    pub patience: Patience,
    pub sharing: Sharing,
    /// Requests that are in the journal already.
    pub taken: BTreeSet<String>,
    pub observer: &'a mut dyn Observer,
    pub asked: UnboundedReceiver<Ask>,
    pub signals: Signals,
    pub alarm: Alarm,
    pub watch: InboxWatch,
    pub to_driver: UnboundedSender<FromAttempt>,
    pub from_attempts: UnboundedReceiver<FromAttempt>,
    pub lasting: Lasting,
    pub work: Work,
}

/// What is under way.
#[derive(Default)]
pub(crate) struct Work {
    due: VecDeque<Due>,
    pub live: HashMap<u64, Live>,
    by_attempt: HashMap<AttemptId, u64>,
    next_id: u64,
    /// By time of the boot clock.
    deadlines: BTreeSet<(u64, u64)>,
    timers: Timers,
    interrupted: bool,
    /// To end at once, leaving what runs in doubt.
    at_once: bool,
}

impl Driver<'_> {
    /// Drives until nothing moves any more, or it is to end at once.
    pub async fn drive(&mut self, opening: Vec<EventKind>) -> Result<(), RunError> {
        let resuming = self.journal.engine.run().is_some();
        self.work.due.extend(opening.into_iter().map(Due::event));
        self.read_inbox()?;
        self.turn()?;
        // driving a paused run is what resuming means; requests from before are older than this one
        if resuming && self.journal.engine.status() == RunStatus::Paused {
            self.work.due.push_back(Due::event(EventKind::RESUME));
            self.turn()?;
        }
        while !self.work.at_once && !self.is_over()? {
            self.wait().await?;
            self.turn()?;
        }
        Ok(())
    }

    /// Whether nothing moves any more.
    fn is_over(&self) -> Result<bool, RunError> {
        if !self.work.live.is_empty() {
            return Ok(false);
        }
        match self.journal.engine.status() {
            RunStatus::Running => {}
            RunStatus::Blocked => return Ok(!self.waits_for_people()),
            _ => return Ok(true),
        }
        // the engine's mistake, if it ever happens: waiting for ever would hide it
        match self.work.timers.next_ms() {
            Some(_) => Ok(false),
            None => Err(RunError::Stuck {
                run: self.folder.id().to_owned(),
            }),
        }
    }

    /// Whether to stay while only people can move the run: their time may be over already, or this driver is patient.
    fn waits_for_people(&self) -> bool {
        let asking = self.journal.engine.asking();
        let now_ms = store::now_ms();
        match self.patience {
            Patience::None => asking
                .iter()
                .any(|ask| ask.deadline_ms.is_some_and(|at_ms| at_ms <= now_ms)),
            Patience::Deadlines => asking.iter().any(|ask| ask.deadline_ms.is_some()),
            Patience::Endless => !asking.is_empty(),
        }
    }

    /// Whether it ended though the run could go on.
    pub fn ended_at_once(&self) -> bool {
        self.work.at_once
    }

    /// Applies what is due, makes it durable, shows it, carries out what follows; again while that makes more due.
    fn turn(&mut self) -> Result<(), RunError> {
        while !self.work.due.is_empty() {
            let mut commands = Vec::new();
            let mut requests = Vec::new();
            while let Some(due) = self.work.due.pop_front() {
                let (kind, inbox) = match due {
                    Due::Event { kind, inbox } => (kind, inbox),
                    Due::Called { live, how } => (self.called(live, how), None),
                    Due::Finished {
                        live,
                        end,
                        stopped,
                        captured,
                    } => (self.ended(live, end, stopped, captured), None),
                };
                commands.extend(self.journal.apply(kind, inbox.as_deref())?);
                requests.extend(inbox);
            }
            self.journal.commit()?;
            self.show();
            for name in requests {
                self.folder.inbox().done(&name)?;
                self.taken.insert(name);
            }
            ask_once(&mut commands);
            for command in commands {
                self.carry_out(command)?;
            }
            self.keep_facts()?;
            let keeps = std::mem::take(&mut self.journal.keeps);
            self.keep(&keeps);
        }
        let boot_at_ms = self.work.deadlines.first().map(|(at_ms, _)| *at_ms);
        let wall_at_ms = self.work.timers.next_ms();
        self.alarm
            .set(boot_at_ms, wall_at_ms)
            .map_err(RunError::system("set a timer"))
    }

    fn show(&mut self) {
        let Journal {
            engine,
            writer,
            notices,
            ..
        } = &mut self.journal;
        self.observer.progress(engine, Progress::Journaled(writer.committed()));
        for notice in notices.drain(..) {
            self.observer.progress(engine, Progress::Notice(&notice));
        }
    }

    pub(crate) fn warn(&mut self, warning: &str) {
        self.observer.progress(&self.journal.engine, Progress::Warning(warning));
    }

    fn carry_out(&mut self, command: Command) -> Result<(), RunError> {
        match command {
            Command::StartAttempt(start) => self.start(*start),
            Command::StopAttempt { attempt, why } => self.stop(attempt, Stop::Asked(why)),
            Command::SetTimer { timer, at_ms } => {
                self.work.timers.set(timer, at_ms);
                Ok(())
            }
            Command::LookUp { node, instance } => {
                self.look_up(node, instance);
                Ok(())
            }
            Command::Remember { node } => {
                self.shelf.remember.push(node);
                Ok(())
            }
            // whoever watches has been told
            Command::AskPeople(_) => Ok(()),
            // the loop looks at the status: later events of the same turn may have moved the run on
            Command::RunStopped { .. } => Ok(()),
        }
    }

    fn start(&mut self, start: StartAttempt) -> Result<(), RunError> {
        let attempt = start.attempt;
        let dir = self
            .preparer
            .dir(start.exec.as_ref().map_or(&start.dir, |exec| &exec.dir).as_deref());
        let engine = &self.journal.engine;
        let redactor = self.preparer.secrets.redactor();
        let mut world = DiskWorld {
            dir: &dir,
            artifacts: self.folder.artifacts(),
            redactor,
        };
        let mut observed = Vec::new();
        if start.observes_before {
            observed = engine.observe(attempt, Phase::Before, &mut world);
            if !engine.may_start(attempt, &observed) {
                self.ended_without_running(attempt, How::Nothing, observed);
                return Ok(());
            }
        }
        if let Some(call) = &start.call {
            self.start_call(&start, call, observed);
            return Ok(());
        }
        let Some(exec) = &start.exec else {
            let nothing = Ended::nothing(0);
            observed.extend(engine.observe(attempt, Phase::After(&nothing), &mut world));
            self.ended_without_running(attempt, How::Nothing, observed);
            return Ok(());
        };
        let id = self.next_id();
        let prepared = self
            .preparer
            .prepare(id, &start, exec, &dir)
            .and_then(|prepared| Ok((prepared, supervisor::pipes().map_err(no_pipes)?)));
        let (Prepared { spawn, confined }, (output, ends)) = match prepared {
            Ok(prepared) => prepared,
            Err(why) => {
                self.ended_without_running(attempt, How::NotStarted(why), observed);
                return Ok(());
            }
        };
        self.supervisor
            .spawn(spawn, ends)
            .map_err(|source| self.supervisor_failed(source))?;
        let reader = self.read_output(id, &start, output);
        let program = exec.argv.first().cloned().unwrap_or_default().into();
        self.remember(id, &start, program, dir, observed, Some(reader));
        if let Some(live) = self.work.live.get_mut(&id) {
            live.confined = confined;
        }
        Ok(())
    }

    pub(crate) const fn next_id(&mut self) -> u64 {
        let id = self.work.next_id;
        self.work.next_id += 1;
        id
    }

    /// Sees to it that what an attempt writes is read.
    pub(crate) fn read_output(&mut self, id: u64, start: &StartAttempt, output: Output) -> Reader {
        self.lasting.begins(id);
        Reader::Later(Box::new(Pump::new(
            id,
            output,
            self.folder.log_path(&start.label, start.attempt.attempt),
            self.preparer.secrets.redactor(),
            self.to_driver.clone(),
            self.observer.wants_output(),
        )))
    }

    /// Reads as it comes what attempts write that go on.
    fn follow(&mut self, ids: &[u64]) {
        for id in ids {
            if let Some(live) = self.work.live.get_mut(id) {
                live.reader = live.reader.take().map(|reader| match reader {
                    Reader::Later(pump) => Reader::Task(followed(pump)),
                    task @ Reader::Task(_) => task,
                });
            }
        }
    }

    pub(crate) fn remember(
        &mut self,
        id: u64,
        start: &StartAttempt,
        program: String,
        dir: PathBuf,
        observed: Vec<Observation>,
        reader: Option<Reader>,
    ) {
        let started_boot_ms = boot_ms();
        let deadline_ms = start
            .timeout_ms
            .map(|timeout_ms| started_boot_ms.saturating_add(timeout_ms));
        let deadline = deadline_ms.map(|at_ms| (at_ms, id));
        self.work.deadlines.extend(deadline);
        self.work.by_attempt.insert(start.attempt, id);
        let live = Live {
            attempt: start.attempt,
            label: start.label.to_string(),
            program,
            dir,
            started_boot_ms,
            deadline_ms,
            stop: None,
            observed,
            confined: None,
            reader,
            call: None,
        };
        self.work.live.insert(id, live);
    }

    pub(crate) fn ended_without_running(&mut self, attempt: AttemptId, how: How, observed: Vec<Observation>) {
        let mut ended = Ended {
            how,
            observed,
            ..Ended::nothing(0)
        };
        redact_ended(&mut ended, self.preparer.secrets.redactor());
        let kind = EventKind::AttemptEnded { attempt, ended };
        self.work.due.push_back(Due::event(kind));
    }

    /// Asks an attempt to end. One that has ended, or is just being reported, needs nothing.
    fn stop(&mut self, attempt: AttemptId, why: Stop) -> Result<(), RunError> {
        let Some(&id) = self.work.by_attempt.get(&attempt) else {
            return Ok(());
        };
        let Some(live) = self.work.live.get_mut(&id) else {
            return Ok(());
        };
        // time was up first: that stays the reason
        if live.stop != Some(Stop::Timeout) {
            live.stop = Some(why);
        }
        if live.call.as_ref().is_some_and(|call| !call.runs_program()) {
            self.call_given_up(id);
            return Ok(());
        }
        self.supervisor
            .stop(id, self.grace_ms)
            .map_err(|source| self.supervisor_failed(source))
    }

    /// The event of an attempt's end, with what its expressions see of the world.
    fn ended(&mut self, mut live: Live, end: End, stopped: bool, captured: Captured) -> EventKind {
        if let Some(error) = &captured.log_error {
            self.warn(error);
        }
        if let Some(confined) = live.confined.take() {
            self.let_go(confined, &live.label, end, &captured);
        }
        let Live {
            attempt, dir, observed, ..
        } = live;
        let ended = Ended {
            how: how(end, live.stop.filter(|_| stopped)),
            stdout: captured.stdout,
            stderr: captured.stderr,
            truncated: captured.truncated,
            duration_ms: boot_ms().saturating_sub(live.started_boot_ms),
            observed,
            used: None,
        };
        self.observed(attempt, &dir, ended)
    }

    /// The event of an attempt's end: with what its expressions see of the world, and without secrets.
    pub(crate) fn observed(&self, attempt: AttemptId, dir: &Path, mut ended: Ended) -> EventKind {
        let redactor = self.preparer.secrets.redactor();
        let mut world = DiskWorld {
            dir,
            artifacts: self.folder.artifacts(),
            redactor,
        };
        let after = self.journal.engine.observe(attempt, Phase::After(&ended), &mut world);
        ended.observed.extend(after);
        redact_ended(&mut ended, redactor);
        EventKind::AttemptEnded { attempt, ended }
    }

    /// Removes what was made for a confined script: what it did not write is not there for expressions either.
    pub(crate) fn let_go(&mut self, confined: Confined, label: &str, end: End, captured: &Captured) {
        drop(confined);
        if may_be_confinement(end, captured) {
            self.warn(&format!(
                "`{label}` may touch only what its `effects:` declare: anything else is \"permission denied\" to it"
            ));
        }
    }

    /// Waits for something, and takes everything else that happened meanwhile along: it shares the sync.
    async fn wait(&mut self) -> Result<(), RunError> {
        let woken = tokio::select! {
            events = self.supervisor.events() => Woken::Supervisor(events),
            Some(from) = self.from_attempts.recv() => Woken::Attempt(from),
            rang = self.alarm.rings() => Woken::Alarm(rang),
            Some(ask) = self.asked.recv() => Woken::Asked(ask),
            ask = self.signals.heard() => Woken::Asked(ask),
            changed = self.watch.changed() => Woken::Inbox(changed),
            ids = self.lasting.found() => Woken::Lasting(ids),
        };
        match woken {
            Woken::Supervisor(events) => {
                for event in events.map_err(|source| self.supervisor_failed(source))? {
                    self.supervised(event);
                }
            }
            Woken::Attempt(from) => self.take_output(from)?,
            Woken::Alarm(rang) => {
                rang.map_err(RunError::system("wait for a timer"))?;
                self.rang()?;
            }
            Woken::Asked(ask) => self.take_ask(ask),
            Woken::Inbox(changed) => {
                changed.map_err(RunError::system("watch the inbox"))?;
                self.read_inbox()?;
            }
            Woken::Lasting(ids) => self.follow(&ids),
        }
        while let Ok(from) = self.from_attempts.try_recv() {
            self.take_output(from)?;
        }
        self.linger().await
    }

    /// Waits a moment for further ends, where that costs nothing.
    async fn linger(&mut self) -> Result<(), RunError> {
        if !self.sharing.waits(self.work.due.len(), self.work.live.len()) {
            return Ok(());
        }
        let mut over = std::pin::pin!(tokio::time::sleep(LINGER_MAX));
        while self.sharing.waits(self.work.due.len(), self.work.live.len()) {
            tokio::select! {
                events = self.supervisor.events() => {
                    for event in events.map_err(|source| self.supervisor_failed(source))? {
                        self.supervised(event);
                    }
                }
                Some(from) = self.from_attempts.recv() => self.take_output(from)?,
                () = &mut over => break,
            }
        }
        Ok(())
    }

    fn supervised(&mut self, event: supervisor::Event) {
        match event {
            supervisor::Event::Ended { id, end, stopped } => {
                let reader = self.work.live.get_mut(&id).and_then(|live| live.reader.take());
                let tell = match reader {
                    Some(Reader::Later(pump)) => match pump.exhaust() {
                        Ok(captured) => return self.all_read(id, end, stopped, captured),
                        Err(pump) => followed(pump),
                    },
                    Some(Reader::Task(tell)) => tell,
                    None => return,
                };
                // it is listening until it has been told
                let _ = tell.send((end, stopped));
            }
            supervisor::Event::NotStarted { id, errno } => {
                if let Some(Live {
                    call: Some(call),
                    program,
                    ..
                }) = self.work.live.get_mut(&id)
                {
                    call.tell(Err(not_started(program, errno)));
                    return;
                }
                if let Some(live) = self.forget(id) {
                    let why = not_started(&live.program, errno);
                    self.ended_without_running(live.attempt, How::NotStarted(why), live.observed);
                }
            }
        }
    }

    fn take_output(&mut self, from: FromAttempt) -> Result<(), RunError> {
        match from {
            FromAttempt::Run { id, exec, tell } => self.run_for_call(id, &exec, tell)?,
            FromAttempt::Answered { id, how } => self.answered(id, how),
            FromAttempt::Piece { id, stream, bytes } => {
                if let Some(live) = self.work.live.get(&id) {
                    let output = Progress::Output {
                        label: &live.label,
                        stream,
                        bytes: &bytes,
                    };
                    self.observer.progress(&self.journal.engine, output);
                }
            }
            FromAttempt::Done {
                id,
                end,
                stopped,
                captured,
            } => self.output_over(id, end, stopped, captured),
        }
        Ok(())
    }

    /// An attempt ended and was read at once. Where somebody watches, pieces of it are still on their way.
    fn all_read(&mut self, id: u64, end: End, stopped: bool, captured: Captured) {
        if !self.observer.wants_output() {
            return self.output_over(id, end, stopped, captured);
        }
        // we listen as long as we send
        let _ = self.to_driver.send(FromAttempt::Done {
            id,
            end,
            stopped,
            captured,
        });
    }

    fn output_over(&mut self, id: u64, end: End, stopped: bool, captured: Captured) {
        if self.work.live.get(&id).is_some_and(|live| live.call.is_some()) {
            self.program_ended(id, end, stopped, captured);
        } else if let Some(live) = self.forget(id) {
            self.work.due.push_back(Due::Finished {
                live,
                end,
                stopped,
                captured,
            });
        }
    }

    /// To be applied with what else is due.
    pub(crate) fn happened(&mut self, kind: EventKind) {
        self.work.due.push_back(Due::event(kind));
    }

    /// To be looked at with what else is due.
    pub(crate) fn call_over(&mut self, live: Live, how: How) {
        self.work.due.push_back(Due::Called { live, how });
    }

    pub(crate) fn forget(&mut self, id: u64) -> Option<Live> {
        let live = self.work.live.remove(&id)?;
        self.work.by_attempt.remove(&live.attempt);
        if let Some(at_ms) = live.deadline_ms {
            self.work.deadlines.remove(&(at_ms, id));
        }
        Some(live)
    }

    fn rang(&mut self) -> Result<(), RunError> {
        let now_ms = boot_ms();
        while let Some(&(at_ms, id)) = self.work.deadlines.first()
            && at_ms <= now_ms
        {
            self.work.deadlines.pop_first();
            if let Some(attempt) = self.work.live.get(&id).map(|live| live.attempt) {
                self.stop(attempt, Stop::Timeout)?;
            }
        }
        for timer in self.work.timers.fire(store::now_ms()) {
            self.work.due.push_back(Due::event(EventKind::TimerFired { timer }));
        }
        Ok(())
    }

    fn take_ask(&mut self, ask: Ask) {
        match ask {
            Ask::Event(kind) => self.work.due.push_back(Due::event(*kind)),
            Ask::Interrupt if self.work.interrupted => self.work.at_once = true,
            Ask::Interrupt => {
                self.work.interrupted = true;
                if !self.work.live.is_empty() {
                    self.warn("pausing: what may be repeated is stopped, the rest may end; once more ends it at once");
                }
                self.work.due.push_back(Due::event(EventKind::PAUSE));
            }
        }
    }

    fn read_inbox(&mut self) -> Result<(), RunError> {
        let inbox = self.folder.inbox();
        for message in inbox.messages()? {
            // journaled, and the driver died before it was deleted; or it is due already
            if self.taken.contains(&message.name) {
                inbox.done(&message.name)?;
                continue;
            }
            if self
                .work
                .due
                .iter()
                .any(|due| matches!(due, Due::Event { inbox: Some(name), .. } if *name == message.name))
            {
                continue;
            }
            match request::parse(&message.text) {
                Ok(mut kind) => {
                    request::redact(&mut kind, &self.preparer.secrets);
                    self.work.due.push_back(Due::Event {
                        kind,
                        inbox: Some(message.name),
                    });
                }
                Err(why) => {
                    let path = inbox.path().join(&message.name);
                    self.warn(&format!("`{}` is no request and was deleted: {why}", path.display()));
                    inbox.done(&message.name)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn supervisor_failed(&self, source: io::Error) -> RunError {
        RunError::Supervisor {
            binary: self.supervisor_binary.clone(),
            source,
        }
    }
}

impl Due {
    fn event(kind: EventKind) -> Self {
        Self::Event { kind, inbox: None }
    }
}

/// Has a task read what an attempt writes, until what is returned is told that it ended.
fn followed(pump: Box<Pump>) -> oneshot::Sender<HowEnded> {
    let (tell, ended) = oneshot::channel();
    tokio::spawn(pump.follow(ended));
    tell
}

/// What was seen of the world, what was answered, and why it did not run. What it wrote has been redacted as it came.
pub(crate) fn redact_ended(ended: &mut Ended, redactor: &Redactor) {
    if redactor.is_idle() {
        return;
    }
    match &mut ended.how {
        How::NotStarted(text) | How::CallFailed { message: text, .. } => *text = redactor.text(text).into_owned(),
        How::Answered(answer) => *answer = redactor.value(std::mem::replace(answer, Value::None)),
        _ => {}
    }
    for observation in &mut ended.observed {
        observation.arg = redactor.text(&observation.arg).into();
        observation.saw = match std::mem::replace(&mut observation.saw, Ok(Value::None)) {
            Ok(value) => Ok(redactor.value(value)),
            Err(why) => Err(redactor.text(&why).into_owned()),
        };
    }
}

/// A confined script failed and complains as one does that touched something else.
fn may_be_confinement(end: End, captured: &Captured) -> bool {
    end != End::Exited(0)
        && ["ermission denied", "not permitted"]
            .iter()
            .any(|words| captured.stderr.contains(words))
}

pub(crate) fn no_pipes(error: io::Error) -> String {
    format!("cannot make the pipes for its output: {error}; lower `limits.parallel`")
}

/// How an attempt ended; `stop` is why it was stopped, if that is what ended it.
pub(crate) fn how(end: End, stop: Option<Stop>) -> How {
    match (stop, end) {
        (Some(Stop::Timeout), _) => How::TimedOut,
        (Some(Stop::Asked(StopReason::Pause)), _) => How::Interrupted,
        (Some(Stop::Asked(StopReason::Cancel | StopReason::Abort | StopReason::PlanTimeout)), _) => How::Cancelled,
        (None, End::Exited(code)) => How::Exited(code),
        (None, End::Signalled(signal)) => How::Signalled(signal),
    }
}
