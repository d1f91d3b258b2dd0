//! Ctrl-C and its like, where the driver listens for them itself.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

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

    /// Waits for one of them; for ever, where nobody listens. Cancel safe.
    pub async fn interrupted(&mut self) {
        match self {
            Self::Ignored => std::future::pending().await,
            Self::Heard {
                interrupt,
                terminate,
                hang_up,
            } => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
            }
        }
    }
}
