//! Time for a driver: of events, of attempts, and the alarm that wakes it.
//!
//! Event time is the system's, held so that it never goes back. Attempts are timed by a clock that goes on while the machine is
//! suspended and that nobody sets.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use engine::event::Timer;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// While a timer of the system's clock is set, that clock is looked at so often: it may have been set.
const RECHECK_MS: u64 = 60_000;

/// Milliseconds since the boot, suspension included.
pub fn boot_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000
}

/// The time of events.
#[derive(Debug)]
pub struct EventClock {
    last_ms: i64,
}

impl EventClock {
    /// A clock that never shows less than `last_ms`.
    pub fn after(last_ms: i64) -> Self {
        Self { last_ms }
    }

    pub fn now_ms(&mut self) -> i64 {
        self.last_ms = self.last_ms.max(store::now_ms());
        self.last_ms
    }
}

/// What the engine wants to hear of later, by time of the system's clock.
#[derive(Debug, Default)]
pub struct Timers {
    at: BTreeMap<Timer, i64>,
    by_time: BTreeSet<(i64, Timer)>,
}

impl Timers {
    /// Setting a timer again replaces it.
    pub fn set(&mut self, timer: Timer, at_ms: i64) {
        if let Some(before_ms) = self.at.insert(timer.clone(), at_ms) {
            self.by_time.remove(&(before_ms, timer.clone()));
        }
        self.by_time.insert((at_ms, timer));
    }

    pub fn next_ms(&self) -> Option<i64> {
        self.by_time.first().map(|(at_ms, _)| *at_ms)
    }

    /// Takes out the timers whose time has come, in order.
    pub fn fire(&mut self, now_ms: i64) -> Vec<Timer> {
        let mut fired = Vec::new();
        while self.next_ms().is_some_and(|at_ms| at_ms <= now_ms)
            && let Some((_, timer)) = self.by_time.pop_first()
        {
            self.at.remove(&timer);
            fired.push(timer);
        }
        fired
    }
}

/// Wakes the driver at a time of [`boot_ms`].
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<OwnedFd>,
    set_for_ms: Option<u64>,
}

impl Alarm {
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        #[expect(
            deprecated,
            reason = "its replacement is unsafe; an owned descriptor stays open as long as it is registered"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Self {
            timer,
            set_for_ms: None,
        })
    }

    /// Sets the alarm for the earlier of two times: of the boot clock, and of the system's clock. `None` is never.
    pub fn set(&mut self, boot_at_ms: Option<u64>, wall_at_ms: Option<i64>) -> io::Result<()> {
        let wall_at_ms = wall_at_ms.map(|at_ms| {
            let wait_ms = u64::try_from(at_ms.saturating_sub(store::now_ms())).unwrap_or(0);
            boot_ms() + wait_ms.min(RECHECK_MS)
        });
        let at_ms = boot_at_ms.into_iter().chain(wall_at_ms).min();
        if at_ms == self.set_for_ms {
            return Ok(());
        }
        // zero would switch it off
        let value = at_ms.map_or(0, |at_ms| at_ms.max(1));
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let it_value = Timespec {
            tv_sec: i64::try_from(value / 1000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(value % 1000 * 1_000_000).unwrap_or(0),
        };
        timerfd_settime(
            self.timer.get_ref(),
            TimerfdTimerFlags::ABSTIME,
            &Itimerspec {
                it_interval: zero,
                it_value,
            },
        )?;
        self.set_for_ms = at_ms;
        Ok(())
    }

    /// Waits for the alarm. Cancel safe.
    pub async fn rings(&mut self) -> io::Result<()> {
        loop {
            let mut guard = self.timer.readable().await?;
            match guard.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0; 8])?)) {
                Ok(rang) => {
                    rang?;
                    self.set_for_ms = None;
                    return Ok(());
                }
                Err(_would_block) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_time_never_goes_back() {
        let future = store::now_ms() + 1_000_000;
        let mut clock = EventClock::after(future);
        assert_eq!(clock.now_ms(), future);
        let mut clock = EventClock::after(0);
        assert!(clock.now_ms() <= clock.now_ms());
    }

    #[test]
    fn timers_fire_in_order_and_once() {
        let backoff = |node| Timer::Backoff {
            node,
            instance: None,
            attempt: 2,
        };
        let mut timers = Timers::default();
        timers.set(backoff(1), 30);
        timers.set(backoff(2), 20);
        timers.set(Timer::Plan, 10);
        timers.set(Timer::Plan, 40);
        assert_eq!(timers.next_ms(), Some(20));
        assert_eq!(timers.fire(30), [backoff(2), backoff(1)]);
        assert_eq!(timers.fire(39), []);
        assert_eq!(timers.fire(40), [Timer::Plan]);
        assert_eq!(timers.next_ms(), None);
    }

    #[test]
    fn the_alarm_rings_at_the_earlier_time() {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(async {
                let mut alarm = Alarm::new().expect("a timer");
                let start = boot_ms();
                alarm
                    .set(Some(start + 60_000), Some(store::now_ms() + 30))
                    .expect("set");
                alarm.rings().await.expect("rang");
                let waited = boot_ms() - start;
                assert!((25..5_000).contains(&waited), "{waited}");
                // a time that is past rings at once
                alarm.set(Some(1), None).expect("set");
                alarm.rings().await.expect("rang");
            });
    }
}
