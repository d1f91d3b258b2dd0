//! When an end waits a moment for others, to share their sync.
//!
//! A sync takes as long as many ends. Where more attempts go on than the machine has processors, nothing stands still
//! while one that has ended waits for the next; where fewer do, each end has a sync at once. Absent: the waiting
//! itself.

use std::time::Duration;

/// So many ends share a sync, if they come in time.
const ENOUGH: usize = 4;
/// No end waits longer for others.
pub(crate) const LINGER_MAX: Duration = Duration::from_millis(2);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sharing {
    processors: usize,
    /// There are syncs to share.
    syncs: bool,
}

impl Sharing {
    pub fn new(syncs: bool) -> Self {
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            syncs,
        }
    }

    /// Whether so many that are due wait for more, while so many others go on.
    pub const fn waits(self, due: usize, live: usize) -> bool {
        self.syncs && due > 0 && due < ENOUGH && live > self.processors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_wait_only_while_others_keep_the_machine_busy() {
        let sharing = Sharing {
            processors: 2,
            syncs: true,
        };
        assert!(sharing.waits(1, 7) && sharing.waits(3, 5));
        assert!(!sharing.waits(4, 4), "enough");
        assert!(
            !sharing.waits(1, 1) && !sharing.waits(1, 2),
            "a processor would stand still"
        );
        assert!(!sharing.waits(0, 8), "nothing is due");
        let none = Sharing {
            syncs: false,
            ..sharing
        };
        assert!(!none.waits(1, 7));
    }
}
