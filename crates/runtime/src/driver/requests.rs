//! What is asked of a driver: by people through the inbox, by whoever watches, by signals and by time.
//!
//! Promise: a request is applied once, also where a driver died between its event and the removal of its file.

use engine::event::EventKind;

use super::{Driver, Due};
use crate::attempt::Stop;
use crate::clock::boot_ms;
use crate::error::RunError;
use crate::request;
use crate::watch::Ask;

impl Driver<'_> {
    pub(super) fn rang(&mut self) -> Result<(), RunError> {
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

    pub(super) fn take_ask(&mut self, ask: Ask) {
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

    pub(super) fn read_inbox(&mut self) -> Result<(), RunError> {
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
}
