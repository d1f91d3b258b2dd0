//! An engine and the journal of what it is told: events are staged with the commands that they cause, and committed together.
//!
//! Promise: what an event led to is handed out for showing and keeping, and only its holder knows when that is allowed.

use engine::event::{Command, Event, EventKind};
use engine::{Engine, Keep, Notice};
use store::Writer;

use crate::clock::EventClock;
use crate::error::RunError;

/// An engine and the journal of what it is told.
pub(crate) struct Journal {
    pub engine: Engine,
    pub(super) writer: Writer,
    clock: EventClock,
    /// Of events that are not on disk yet.
    pub(super) notices: Vec<Notice>,
    pub(super) keeps: Vec<Keep>,
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
