//! The embedded driver: carries out what the engine wants, on this machine, and tells it what happened.
//!
//! One loop on one thread: collect what happened, apply it, append it to the journal in one write with one sync, and only then
//! show it and carry out the commands that follow. Promise: no command is carried out before the event that caused it is on
//! disk. Absent: decisions.

mod end;
mod journal;
mod requests;
mod start;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;

use engine::event::{AttemptId, Command, EventKind, How, RunStatus};
use store::RunFolder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::attempt::{Live, Preparer, Stop};
use crate::clock::{Alarm, Timers};
use crate::error::RunError;
use crate::lasting::Lasting;
use crate::output::{Captured, FromAttempt};
use crate::reuse::{Shelf, ask_once};
use crate::running::Patience;
use crate::sharing::{LINGER_MAX, Sharing};
use crate::signals::Signals;
use crate::supervisor::{self, End, Supervisor};
use crate::watch::{Ask, Observer, Progress};
use crate::watch_inbox::InboxWatch;

pub(crate) use end::how;
pub(crate) use journal::Journal;

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
