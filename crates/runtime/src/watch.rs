//! Watching and steering a run from outside its driver: what it tells, what it can be asked.

use engine::Engine;
use engine::Notice;
use engine::event::EventKind;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub use crate::output::Stream;

/// What a driver tells, on its own thread, after it is on disk.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Whole lines of the journal, as they were appended.
    Journaled(&'a str),
    /// What the events of those lines led to.
    Notice(&'a Notice),
    /// What an attempt writes, if [`Observer::wants_output`].
    Output {
        label: &'a str,
        stream: Stream,
        bytes: &'a [u8],
    },
    /// Something that is not as it should be and does not stop the run.
    Warning(&'a str),
}

/// Whoever watches. A slow one slows the run.
pub trait Observer {
    fn progress(&mut self, engine: &Engine, progress: Progress<'_>);

    /// Whether output is worth copying.
    fn wants_output(&self) -> bool {
        false
    }
}

/// Nobody watches.
pub struct Unwatched;

impl Observer for Unwatched {
    fn progress(&mut self, _engine: &Engine, _progress: Progress<'_>) {}
}

/// Asks a driver in this process for something, from any thread.
#[derive(Clone, Debug)]
pub struct Control {
    asks: UnboundedSender<Ask>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Ask {
    /// A request that is journaled.
    Event(Box<EventKind>),
    /// Ctrl-C: a pause, and when it comes again an end at once.
    Interrupt,
}

impl Control {
    pub(crate) fn new() -> (Self, UnboundedReceiver<Ask>) {
        let (asks, asked) = unbounded_channel();
        (Self { asks }, asked)
    }

    /// Idempotent attempts are stopped and start again on resume; the others end first.
    pub fn pause(&self) {
        self.ask(Ask::Event(Box::new(EventKind::PAUSE)));
    }

    pub fn cancel(&self, because: Option<String>) {
        self.ask(Ask::Event(Box::new(EventKind::CancelAsked {
            because,
            rollback: false,
        })));
    }

    /// What Ctrl-C means: a pause the first time, an end at once the second time, which leaves attempts in doubt.
    pub fn interrupt(&self) {
        self.ask(Ask::Interrupt);
    }

    fn ask(&self, ask: Ask) {
        // nobody listens any more: the run is over
        let _ = self.asks.send(ask);
    }
}
