//! The end of an attempt: what it wrote is read to its end, expressions look at the world, secrets are taken out.
//!
//! Promise: each attempt that was started is told to the engine once. Absent: what its end means.

use std::path::Path;

use engine::Phase;
use engine::event::{AttemptId, Ended, EventKind, How, StopReason};
use ir::value::Value;

use super::start::followed;
use super::{Driver, Due};
use crate::attempt::{Live, Reader, Stop, not_started};
use crate::clock::boot_ms;
use crate::confine::Confined;
use crate::error::RunError;
use crate::output::{Captured, FromAttempt};
use crate::secrets::Redactor;
use crate::supervisor::{self, End};
use crate::watch::Progress;
use crate::world::DiskWorld;

impl Driver<'_> {
    /// The event of an attempt's end, with what its expressions see of the world.
    pub(super) fn ended(&mut self, mut live: Live, end: End, stopped: bool, captured: Captured) -> EventKind {
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

    pub(super) fn supervised(&mut self, event: supervisor::Event) {
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
                    dir,
                    ..
                }) = self.work.live.get_mut(&id)
                {
                    call.tell(Err(not_started(program, dir, errno)));
                    return;
                }
                if let Some(live) = self.forget(id) {
                    let why = not_started(&live.program, &live.dir, errno);
                    self.ended_without_running(live.attempt, How::NotStarted(why), live.observed);
                }
            }
        }
    }

    pub(super) fn take_output(&mut self, from: FromAttempt) -> Result<(), RunError> {
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
    pub(super) fn all_read(&mut self, id: u64, end: End, stopped: bool, captured: Captured) {
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

    pub(super) fn output_over(&mut self, id: u64, end: End, stopped: bool, captured: Captured) {
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
pub(super) fn may_be_confinement(end: End, captured: &Captured) -> bool {
    end != End::Exited(0)
        && ["ermission denied", "not permitted"]
            .iter()
            .any(|words| captured.stderr.contains(words))
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
