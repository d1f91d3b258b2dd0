//! Breakers: an agent that keeps failing is left alone for a while, then tried with one attempt.
//!
//! Closed, open after so many failures in the window, half open while the probe runs. Plain data; absent: which failures count.

use std::collections::VecDeque;

use ir::plan::Breaker;
use serde::Serialize;

use crate::state::UnitId;

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Circuit {
    /// When it failed lately.
    Closed(VecDeque<i64>),
    /// Until a probe may start.
    Open {
        probe_at_ms: i64,
    },
    HalfOpen {
        probe: UnitId,
    },
}

impl Default for Circuit {
    fn default() -> Self {
        Self::Closed(VecDeque::new())
    }
}

/// What the end of an attempt says about the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sign {
    Good,
    Bad,
    /// It did not come to an end of its own.
    Nothing,
}

impl Circuit {
    /// Whether an attempt of this unit may start.
    pub fn lets_through(&self, unit: UnitId, now_ms: i64) -> bool {
        match self {
            Self::Closed(_) => true,
            Self::Open { probe_at_ms } => *probe_at_ms <= now_ms,
            Self::HalfOpen { probe } => *probe == unit,
        }
    }

    pub fn started(&mut self, unit: UnitId) {
        if let Self::Open { .. } = self {
            *self = Self::HalfOpen { probe: unit };
        }
    }

    /// Says whether it opened.
    pub fn ended(&mut self, breaker: &Breaker, unit: UnitId, sign: Sign, now_ms: i64) -> bool {
        let later = |ms: u64| now_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        match (&mut *self, sign) {
            (Self::HalfOpen { probe }, _) if *probe != unit => return false,
            (Self::HalfOpen { .. }, Sign::Good) => *self = Self::default(),
            (Self::HalfOpen { .. }, Sign::Nothing) => *self = Self::Open { probe_at_ms: now_ms },
            (Self::HalfOpen { .. }, Sign::Bad) => {
                *self = Self::Open {
                    probe_at_ms: later(breaker.probe_ms),
                };
                return true;
            }
            (Self::Closed(failures), Sign::Bad) => {
                let window_ms = i64::try_from(breaker.within_ms).unwrap_or(i64::MAX);
                failures.retain(|at_ms| at_ms.saturating_add(window_ms) > now_ms);
                failures.push_back(now_ms);
                if failures.len() >= breaker.failures.max(1) as usize {
                    *self = Self::Open {
                        probe_at_ms: later(breaker.probe_ms),
                    };
                    return true;
                }
            }
            (Self::Closed(_) | Self::Open { .. }, _) => {}
        }
        false
    }
}
