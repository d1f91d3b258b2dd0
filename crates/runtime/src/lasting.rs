//! Which attempts have gone on for a moment, so that what they write is to be read as it comes.
//!
//! One timer for all of them: most attempts end sooner, and setting a timer for each takes longer than all else that
//! the loop does for one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// What ends sooner is read when it has ended: nothing is set up with the system to hear of what it writes.
const SHORT: Duration = Duration::from_millis(10);

pub struct Lasting {
    /// In the order in which they began.
    began: VecDeque<(Instant, u64)>,
    timer: Pin<Box<Sleep>>,
    is_set: bool,
}

impl Lasting {
    pub fn new() -> Self {
        Self {
            began: VecDeque::new(),
            timer: Box::pin(sleep_until(Instant::now())),
            is_set: false,
        }
    }

    pub fn begins(&mut self, id: u64) {
        self.began.push_back((Instant::now(), id));
    }

    /// Waits until some have gone on for a moment, if they have not ended. Cancel safe.
    pub async fn found(&mut self) -> Vec<u64> {
        let Some((began, _)) = self.began.front() else {
            return std::future::pending().await;
        };
        if !self.is_set {
            self.timer.as_mut().reset(*began + SHORT);
            self.is_set = true;
        }
        self.timer.as_mut().await;
        self.is_set = false;
        let before = Instant::now() - SHORT;
        let found = self.began.iter().take_while(|(began, _)| *began <= before).count();
        self.began.drain(..found).map(|(_, id)| id).collect()
    }
}
