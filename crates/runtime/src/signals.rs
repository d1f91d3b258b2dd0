//! Ctrl-C and its like, where the driver listens for them itself.

use std::io;

use engine::event::EventKind;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::watch::Ask;

/// SIGINT, SIGTERM and SIGHUP, or nothing.
#[derive(Debug)]
pub enum Signals {
    Heard {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Signal,
    },
    Ignored,
}

impl Signals {
    pub fn hear() -> io::Result<Self> {
        Ok(Self::Heard {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them and says what it asks for; for ever, where nobody listens. Cancel safe.
    pub async fn heard(&mut self) -> Ask {
        match self {
            Self::Ignored => std::future::pending().await,
            Self::Heard {
                interrupt,
                terminate,
                hang_up,
            } => {
                tokio::select! {
                    _ = interrupt.recv() => Ask::Interrupt,
                    _ = terminate.recv() => Ask::Interrupt,
                    // a terminal that closes may say so twice, which is no second Ctrl-C
                    _ = hang_up.recv() => Ask::Event(Box::new(EventKind::PAUSE)),
                }
            }
        }
    }
}
