//! The driver's side of calls: adapters run as tasks of their own, their programs under the supervisor, and what they answer
//! becomes an event like any other end of an attempt.
//!
//! Absent: what a call does (`adapters`).

use engine::event::{Call, Ended, EventKind, Exec, How, Observation, StartAttempt};
use engine::secret;
use tokio::task::AbortHandle;

use crate::adapters::{self, Finished, Host, Request, ToAdapter};
use crate::attempt::{Live, no_folder};
use crate::clock::boot_ms;
use crate::driver::{Driver, how};
use crate::error::RunError;
use crate::output::{Captured, FromAttempt};
use crate::supervisor::End;

/// A call under way.
#[derive(Debug)]
pub struct LiveCall {
    pub start: Box<StartAttempt>,
    adapter: AbortHandle,
    /// The adapter waits for a program that runs.
    waits: Option<ToAdapter>,
}

impl LiveCall {
    /// Tells the adapter what came of its program; it may have been given up.
    pub fn tell(&mut self, finished: Result<(End, Captured), String>) {
        if let Some(waits) = self.waits.take() {
            let _ = waits.send(finished.map(|(end, captured)| Finished { end, captured }));
        }
    }

    pub const fn runs_program(&self) -> bool {
        self.waits.is_some()
    }
}

impl Driver<'_> {
    pub(crate) fn start_call(&mut self, start: &StartAttempt, call: &Call, observed: Vec<Observation>) {
        let plan = self.journal.engine.plan_of(start.attempt.node);
        let (adapter, capability) = match adapters::adapter(plan, call) {
            Ok(found) => found,
            Err(why) => return self.ended_without_running(start.attempt, How::NotStarted(why), observed),
        };
        let run = self.journal.engine.run();
        let stand_in = |secret: &ir::plan::Secret| {
            let text = run
                .map(|run| secret::stand_in(&run.run, run.seed, secret))
                .unwrap_or_default();
            (secret.name.clone(), text)
        };
        let secrets = plan.secrets.iter().map(stand_in).collect();
        let dir = self.preparer.dir(call.dir.as_deref());
        let request = Request {
            input: call.input.clone(),
            secrets,
            capability,
            dir: dir.clone(),
            dir_said: call.dir.clone(),
        };
        let id = self.next_id();
        let to_driver = self.to_driver.clone();
        let host = Host {
            id,
            to_driver: to_driver.clone(),
        };
        let task = tokio::spawn(async move {
            let how = adapter.call(request, host).await;
            // the driver may have stopped driving
            let _ = to_driver.send(FromAttempt::Answered { id, how });
        });
        self.remember(id, start, call.capability.to_string(), dir, observed, None);
        if let Some(live) = self.work.live.get_mut(&id) {
            live.call = Some(LiveCall {
                start: Box::new(start.clone()),
                adapter: task.abort_handle(),
                waits: None,
            });
        }
    }

    /// An adapter wants a program to run.
    pub(crate) fn run_for_call(&mut self, id: u64, exec: &Exec, tell: ToAdapter) -> Result<(), RunError> {
        let Some(Live {
            call: Some(call),
            stop: None,
            ..
        }) = self.work.live.get(&id)
        else {
            let _ = tell.send(Err("it was stopped".to_owned()));
            return Ok(());
        };
        let start = call.start.clone();
        let dir = self.preparer.dir(exec.dir.as_deref());
        let spawned = match no_folder(&dir) {
            Some(why) => Err(why),
            None => self.spawn(id, &start, exec, &dir)?,
        };
        let (reader, confined) = match spawned {
            Ok(spawned) => spawned,
            Err(why) => {
                let _ = tell.send(Err(why));
                return Ok(());
            }
        };
        if let Some(live) = self.work.live.get_mut(&id) {
            live.reader = Some(reader);
            live.confined = confined;
            live.program = exec.argv.first().cloned().unwrap_or_default().into();
            if let Some(call) = &mut live.call {
                call.waits = Some(tell);
            }
        }
        Ok(())
    }

    /// A program that an adapter waits for has ended. One that was stopped ends the call.
    pub(crate) fn program_ended(&mut self, id: u64, end: End, stopped: bool, captured: Captured) {
        let Some(live) = self.work.live.get_mut(&id) else {
            return;
        };
        let is_given_up = stopped && live.stop.is_some();
        if let Some(confined) = live.confined.take() {
            let label = live.label.clone();
            self.let_go(confined, &label, end, &captured);
        }
        if is_given_up {
            return self.call_given_up(id);
        }
        let Some(live) = self.work.live.get_mut(&id) else {
            return;
        };
        if let Some(call) = &mut live.call {
            call.tell(Ok((end, captured)));
        }
    }

    /// Ends a call that was asked to end.
    pub(crate) fn call_given_up(&mut self, id: u64) {
        let Some(live) = self.work.live.get(&id) else { return };
        if let Some(call) = &live.call {
            call.adapter.abort();
        }
        let stopped = how(End::Exited(0), live.stop);
        self.answered(id, stopped);
    }

    /// A call is over. What comes later from its adapter is for nobody.
    pub(crate) fn answered(&mut self, id: u64, how: How) {
        if let Some(live) = self.forget(id) {
            self.call_over(live, how);
        }
    }

    /// The event of a call's end, with what its expressions see of the world.
    pub(crate) fn called(&self, live: Live, how: How) -> EventKind {
        let Live {
            attempt, dir, observed, ..
        } = live;
        let ended = Ended {
            how,
            observed,
            ..Ended::nothing(boot_ms().saturating_sub(live.started_boot_ms))
        };
        self.observed(attempt, &dir, ended)
    }
}
