//! Hears of new files in a run's inbox: by inotify, or by looking now and then where that is used up.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub enum InboxWatch {
    Notified(AsyncFd<OwnedFd>),
    Looking,
}

impl InboxWatch {
    pub fn new(inbox: &Path) -> Self {
        let notified = || -> io::Result<Self> {
            let notify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            inotify::add_watch(&notify, inbox, WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE)?;
            #[expect(
                deprecated,
                reason = "its replacement is unsafe; an owned descriptor stays open as long as it is registered"
            )]
            let notify = AsyncFd::new(notify)?;
            Ok(Self::Notified(notify))
        };
        notified().unwrap_or(Self::Looking)
    }

    /// Waits until there may be something new. Cancel safe.
    pub async fn changed(&mut self) -> io::Result<()> {
        let Self::Notified(notify) = self else {
            tokio::time::sleep(LOOK_EVERY).await;
            return Ok(());
        };
        loop {
            let mut guard = notify.readable().await?;
            match guard.try_io(|notify| Ok(rustix::io::read(notify.get_ref(), &mut [0; 4096])?)) {
                Ok(read) => return read.map(drop),
                Err(_would_block) => {}
            }
        }
    }
}
