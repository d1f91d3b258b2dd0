//! Starting attempts, having what they write read, and stopping them.
//!
//! Promise: an attempt that cannot be started is told to the engine as one that ended. Absent: why one is to start.

use std::io;
use std::path::{Path, PathBuf};

use engine::Phase;
use engine::event::{AttemptId, Ended, EventKind, Exec, How, Observation, StartAttempt};
use tokio::sync::oneshot;

use super::end::redact_ended;
use super::{Driver, Due};
use crate::attempt::{Live, Prepared, Reader, Stop};
use crate::clock::boot_ms;
use crate::confine::Confined;
use crate::error::RunError;
use crate::output::{HowEnded, Pump};
use crate::supervisor::{self, Output};
use crate::world::DiskWorld;

/// Who reads what a program writes, and what it is confined to.
type Spawned = (Reader, Option<Confined>);

impl Driver<'_> {
    pub(super) fn start(&mut self, start: StartAttempt) -> Result<(), RunError> {
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
        let (reader, confined) = match self.spawn(id, &start, exec, &dir)? {
            Ok(spawned) => spawned,
            Err(why) => {
                self.ended_without_running(attempt, How::NotStarted(why), observed);
                return Ok(());
            }
        };
        let program = exec.argv.first().cloned().unwrap_or_default().into();
        self.remember(id, &start, program, dir, observed, Some(reader));
        if let Some(live) = self.work.live.get_mut(&id) {
            live.confined = confined;
        }
        Ok(())
    }

    /// Has the supervisor start a program and sees to it that what it writes is read; the inner error says why nothing can
    /// be started.
    pub(crate) fn spawn(
        &mut self,
        id: u64,
        start: &StartAttempt,
        exec: &Exec,
        dir: &Path,
    ) -> Result<Result<Spawned, String>, RunError> {
        let prepared = self
            .preparer
            .prepare(id, start, exec, dir)
            .and_then(|prepared| Ok((prepared, supervisor::pipes().map_err(no_pipes)?)));
        let (Prepared { spawn, confined }, (output, ends)) = match prepared {
            Ok(prepared) => prepared,
            Err(why) => return Ok(Err(why)),
        };
        self.supervisor
            .spawn(spawn, ends)
            .map_err(|source| self.supervisor_failed(source))?;
        Ok(Ok((self.read_output(id, start, output), confined)))
    }

    pub(crate) const fn next_id(&mut self) -> u64 {
        let id = self.work.next_id;
        self.work.next_id += 1;
        id
    }

    /// Sees to it that what an attempt writes is read.
    fn read_output(&mut self, id: u64, start: &StartAttempt, output: Output) -> Reader {
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
    pub(super) fn follow(&mut self, ids: &[u64]) {
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
    pub(super) fn stop(&mut self, attempt: AttemptId, why: Stop) -> Result<(), RunError> {
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
}

fn no_pipes(error: io::Error) -> String {
    format!("cannot make the pipes for its output: {error}; lower `limits.parallel`")
}

/// Has a task read what an attempt writes, until what is returned is told that it ended.
pub(super) fn followed(pump: Box<Pump>) -> oneshot::Sender<HowEnded> {
    let (tell, ended) = oneshot::channel();
    tokio::spawn(pump.follow(ended));
    tell
}
