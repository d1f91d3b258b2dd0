//! Hears of new files in a run's inbox: by inotify once the run has lasted a while, by looking now and then before that
//! and where inotify is used up.
//!
//! The system takes ten milliseconds to close a watch, which is as long as a short run takes as a whole.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOK_RARELY: Duration = Duration::from_millis(500);
/// How often a run is looked at before it is watched.
const LOOKS_BEFORE: u32 = 10;

#[derive(Debug)]
pub struct InboxWatch {
    inbox: PathBuf,
    notify: Option<AsyncFd<OwnedFd>>,
    next_look: Instant,
    looks: u32,
}

impl InboxWatch {
    pub fn new(inbox: &Path) -> Self {
        Self {
            inbox: inbox.to_owned(),
            notify: None,
            next_look: Instant::now() + LOOK_EVERY,
            looks: 0,
        }
    }

    /// Waits until there may be something new. Cancel safe.
    pub async fn changed(&mut self) -> io::Result<()> {
        let Some(notify) = &self.notify else {
            sleep_until(self.next_look).await;
            self.looks = self.looks.saturating_add(1);
            let is_young = self.looks < LOOKS_BEFORE;
            if !is_young {
                // what came before the watch is found by the look that follows
                self.notify = watch(&self.inbox).ok();
            }
            self.next_look = Instant::now() + if is_young { LOOK_EVERY } else { LOOK_RARELY };
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

fn watch(inbox: &Path) -> io::Result<AsyncFd<OwnedFd>> {
    let notify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    inotify::add_watch(&notify, inbox, WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE)?;
    #[expect(
        deprecated,
        reason = "its replacement is unsafe; an owned descriptor stays open as long as it is registered"
    )]
    AsyncFd::new(notify)
}
