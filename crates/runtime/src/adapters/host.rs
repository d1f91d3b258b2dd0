//! What an adapter may ask of the driver: to run a program under the supervisor, one at a time.
//!
//! The driver owns the supervisor and the deadlines; an adapter waits for what came of it.

use engine::event::Exec;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::output::{Captured, FromAttempt};
use crate::supervisor::End;

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub end: End,
    pub captured: Captured,
}

/// Where the end of a program is told; the error says why it did not start.
pub(crate) type ToAdapter = oneshot::Sender<Result<Finished, String>>;

/// The driver, as an adapter sees it.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub id: u64,
    pub to_driver: UnboundedSender<FromAttempt>,
}

impl Host {
    /// Runs a program to its end. One that the driver stops ends too, and what the adapter then says is not used.
    pub async fn run(&self, exec: Exec) -> Result<Finished, String> {
        let (tell, told) = oneshot::channel();
        let run = FromAttempt::Run {
            id: self.id,
            exec: Box::new(exec),
            tell,
        };
        let gone = || "the driver has ended".to_owned();
        self.to_driver.send(run).map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }
}
