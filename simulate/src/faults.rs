//! What goes wrong, and when: drawn from a seed, or at one chosen point.

use std::sync::Arc;

use engine::event::{EventKind, GateDecision};
use ir::Value;
use ir::plan::Plan;

use crate::generate::Rng;
use crate::later::{Wish, changed};
use crate::plans::answer_of;

/// When in a turn a driver dies, or finds that it cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Moment {
    BeforeWriting,
    WhileWriting,
    BeforeSyncing,
    /// The system says that the sync failed.
    FailedSync,
    /// The disk is full.
    NoRoom,
    AfterSyncing,
    /// Of several commands the first has been carried out.
    WhileActing,
    AfterActing,
}

impl Moment {
    pub const ALL: [Self; 8] = [
        Self::BeforeWriting,
        Self::WhileWriting,
        Self::BeforeSyncing,
        Self::FailedSync,
        Self::NoRoom,
        Self::AfterSyncing,
        Self::WhileActing,
        Self::AfterActing,
    ];
}

/// Which kinds of faults a run meets.
#[derive(Clone, Copy, Default, Debug)]
pub struct Kinds {
    pub deaths: bool,
    pub pauses: bool,
    pub cancels: bool,
    /// Completions and decisions that come twice, and people who change their minds.
    pub doubles: bool,
    pub jumps: bool,
    pub flips: bool,
    /// People who have failed nodes tried again.
    pub retries: bool,
    /// People who change the plan while nobody drives.
    pub replans: bool,
}

pub struct Faults {
    rng: Rng,
    kinds: Kinds,
    deaths_left: u32,
    visits_left: u32,
    /// At the commit of this number, counted over all lives.
    at: Option<(usize, Moment)>,
    /// Each death takes the machine along.
    power: Option<bool>,
    /// Over all lives.
    pub commits: usize,
    pub deaths: usize,
    /// What people asked for while nobody drove.
    pub visits: usize,
}

impl Faults {
    pub fn none() -> Self {
        Self::random(0, Kinds::default())
    }

    pub fn random(seed: u64, kinds: Kinds) -> Self {
        Self {
            rng: Rng(seed ^ 0xFA_0175),
            kinds,
            deaths_left: if kinds.deaths { 4 } else { 0 },
            visits_left: 3,
            at: None,
            power: None,
            commits: 0,
            deaths: 0,
            visits: 0,
        }
    }

    /// One death, at one point.
    pub fn at(commit: usize, moment: Moment, power: bool) -> Self {
        Self {
            at: Some((commit, moment)),
            power: Some(power),
            ..Self::none()
        }
    }

    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// A commit comes: whether the driver survives the turn.
    pub fn at_commit(&mut self) -> Option<Moment> {
        self.commits += 1;
        if let Some((_, moment)) = self.at.take_if(|(commit, _)| *commit == self.commits) {
            return Some(moment);
        }
        if self.deaths_left == 0 || !self.rng.percent(8) {
            return None;
        }
        self.deaths_left -= 1;
        Some(*self.rng.pick(&Moment::ALL))
    }

    pub fn power_lost(&mut self) -> bool {
        self.deaths += 1;
        self.power.unwrap_or_else(|| self.rng.percent(50))
    }

    /// When the next driver comes, by a clock that somebody may have set back.
    pub fn next_life_ms(&mut self, now_ms: i64) -> i64 {
        if !self.kinds.jumps {
            return now_ms + 1_000;
        }
        match self.rng.below(4) {
            0 => now_ms - 3_600_000,
            1 => now_ms + 86_400_000,
            _ => now_ms + self.rng.below(60_000) as i64,
        }
    }

    /// So many completions in a hundred are never reported.
    pub fn lost_percent(&self) -> u64 {
        if self.kinds.deaths { 2 } else { 0 }
    }

    pub fn flips(&mut self) -> bool {
        self.kinds.flips && self.rng.percent(50)
    }

    pub fn jump_ms(&mut self) -> Option<u64> {
        (self.kinds.jumps && self.rng.percent(3)).then(|| self.rng.below(7_200_000) as u64)
    }

    /// What somebody wants of a run that nobody drives; `stands`: it would stay as it is.
    pub fn wish(&mut self, plan: &Plan, stands: bool) -> Option<Wish> {
        let Kinds { retries, replans, .. } = self.kinds;
        if self.visits_left == 0 || !(retries || replans) {
            return None;
        }
        let replans = replans && self.rng.percent(if stands { 60 } else { 30 });
        let retries = retries && self.rng.percent(if stands { 80 } else { 10 });
        let wish = match (replans, retries) {
            (true, _) => Wish::Replan(Arc::new(changed(&mut self.rng, plan))),
            (false, true) => Wish::Retry,
            (false, false) => return None,
        };
        self.visits_left -= 1;
        Some(wish)
    }

    /// Somebody may have what failed tried again while a driver drives.
    pub fn may_retry(&self) -> bool {
        self.kinds.retries && self.visits_left > 0
    }

    /// Whether they do so now; more often where something else waits for its place, which may have to wait for the
    /// retry instead.
    pub fn retries_now(&mut self, others_wait: bool) -> bool {
        let retries = self.rng.percent(if others_wait { 40 } else { 4 });
        self.visits_left -= u32::from(retries);
        retries
    }

    /// Something that comes from outside; `past` has been told before.
    pub fn meddle(&mut self, past: &[EventKind]) -> Option<EventKind> {
        if self.kinds.pauses && self.rng.percent(6) {
            let pauses = self.rng.percent(60);
            return Some(if pauses { EventKind::PAUSE } else { EventKind::RESUME });
        }
        if self.kinds.cancels && self.rng.percent(3) {
            return Some(EventKind::CancelAsked {
                because: None,
                rollback: false,
            });
        }
        if !self.kinds.doubles || past.is_empty() || !self.rng.percent(10) {
            return None;
        }
        // mostly what has just been told
        let mut again = match self.rng.percent(60) {
            true => past[past.len() - 1].clone(),
            false => self.rng.pick(past).clone(),
        };
        let changes_mind = self.rng.percent(50);
        match (&mut again, changes_mind) {
            (EventKind::Decided { decision, .. }, true) => {
                *decision = match decision {
                    GateDecision::Rejected => GateDecision::Approved { choice: None },
                    GateDecision::Approved { .. } => GateDecision::Rejected,
                };
            }
            // nonsense stays nonsense: nobody has answered with it
            (EventKind::Answered { answer, .. }, true) if matches!(answer, Value::Record(_)) => {
                *answer = answer_of("another");
            }
            _ => {}
        }
        Some(again)
    }
}
