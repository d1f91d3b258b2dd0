//! How long the waits between attempts are: of one wait as the engine needs it, of all of them at their longest as bounds do.
//!
//! Integers only, saturating: a wait is never shorter than the plan says because a number grew too large. Absent:
//! whether there is another attempt, and where the draw of a jitter comes from.

use crate::plan::Backoff;

/// Below a factor of one every wait is shorter than the last: after so many they are all zero.
const SHRINKING_MAX: u32 = 64 * 16;

impl Backoff {
    /// How long to wait after failed attempt number `attempt` (from 1), in milliseconds. `draw` decides the jitter.
    pub fn delay_ms(&self, attempt: u32, draw: u64) -> u64 {
        let whole = self.longest_delay_ms(attempt);
        match self {
            Self::Exponential { jitter: true, .. } => jittered(whole, draw),
            _ => whole,
        }
    }

    /// The same, whatever the draw.
    pub fn longest_delay_ms(&self, attempt: u32) -> u64 {
        let n = attempt.saturating_sub(1);
        match self {
            Self::Immediate => 0,
            Self::Linear { base_ms, step_ms } => base_ms.saturating_add(step_ms.saturating_mul(u64::from(n))),
            Self::Exponential {
                base_ms,
                cap_ms,
                factor_milli,
                ..
            } => grown(*base_ms, *factor_milli, n, cap_ms.unwrap_or(u64::MAX)),
        }
    }

    /// The longest that the waits before `count` further attempts can take together.
    pub fn longest_delays_ms(&self, count: u32) -> u64 {
        match self {
            Self::Immediate => 0,
            Self::Linear { base_ms, step_ms } => {
                let count = u128::from(count);
                let steps = count * count.saturating_sub(1) / 2;
                let bases = u128::from(*base_ms).saturating_mul(count);
                clamp(
                    bases.saturating_add(u128::from(*step_ms).saturating_mul(steps)),
                    u64::MAX,
                )
            }
            Self::Exponential {
                base_ms,
                cap_ms,
                factor_milli,
                ..
            } => summed(*base_ms, *factor_milli, count, cap_ms.unwrap_or(u64::MAX)),
        }
    }
}

/// `base * factor^n`, at most `cap`.
fn grown(base_ms: u64, factor_milli: u64, n: u32, cap_ms: u64) -> u64 {
    let mut delay = u128::from(base_ms);
    let steps = if factor_milli < 1000 { n.min(SHRINKING_MAX) } else { n };
    for _ in 0..steps {
        if is_final(delay, factor_milli, cap_ms) {
            break;
        }
        delay = next(delay, factor_milli);
    }
    clamp(delay, cap_ms)
}

/// The sum of the first `count`.
fn summed(base_ms: u64, factor_milli: u64, count: u32, cap_ms: u64) -> u64 {
    let mut delay = u128::from(base_ms);
    let mut total = 0_u64;
    for done in 0..count {
        let wait = clamp(delay, cap_ms);
        if is_final(delay, factor_milli, cap_ms) {
            return total.saturating_add(wait.saturating_mul(u64::from(count - done)));
        }
        total = total.saturating_add(wait);
        delay = next(delay, factor_milli);
    }
    total
}

/// All further waits are as long.
const fn is_final(delay: u128, factor_milli: u64, cap_ms: u64) -> bool {
    delay == 0 || factor_milli == 1000 || (factor_milli > 1000 && delay >= cap_ms as u128)
}

fn next(delay: u128, factor_milli: u64) -> u128 {
    let next = delay * u128::from(factor_milli) / 1000;
    if factor_milli > 1000 {
        // A small base can be too small to grow by the factor in whole milliseconds.
        next.max(delay + 1)
    } else {
        next
    }
}

fn clamp(delay: u128, cap_ms: u64) -> u64 {
    u64::try_from(delay).unwrap_or(u64::MAX).min(cap_ms)
}

/// Between half of the wait and all of it.
const fn jittered(whole_ms: u64, draw: u64) -> u64 {
    let half = whole_ms / 2;
    let span = whole_ms - half;
    if span == u64::MAX {
        draw
    } else {
        half + draw % (span + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(base_ms: u64, cap_ms: Option<u64>, factor_milli: u64, jitter: bool) -> Backoff {
        Backoff::Exponential {
            base_ms,
            cap_ms,
            factor_milli,
            jitter,
        }
    }

    #[test]
    fn exponential_waits_double_up_to_the_cap() {
        let backoff = exponential(1000, Some(30_000), 2000, false);
        let waits: Vec<u64> = (1..8).map(|attempt| backoff.delay_ms(attempt, 0)).collect();
        assert_eq!(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    }

    #[test]
    fn huge_numbers_of_attempts_neither_overflow_nor_take_long() {
        let uncapped = exponential(1, None, 1001, true);
        assert!(uncapped.delay_ms(100_000, 7) > 0);
        assert_eq!(uncapped.longest_delays_ms(u32::MAX), u64::MAX);
        let linear = Backoff::Linear {
            base_ms: u64::MAX,
            step_ms: u64::MAX,
        };
        assert_eq!(linear.delay_ms(u32::MAX, 0), u64::MAX);
        assert_eq!(linear.longest_delays_ms(u32::MAX), u64::MAX);
    }

    #[test]
    fn the_sum_of_waits_is_that_of_each() {
        let backoffs = [
            Backoff::Immediate,
            Backoff::Linear {
                base_ms: 70,
                step_ms: 30,
            },
            exponential(1000, Some(30_000), 2000, false),
            exponential(1000, Some(30_000), 2000, true),
            exponential(1, Some(9), 1100, false),
            exponential(1000, Some(300), 500, false),
            exponential(1000, None, 900, false),
            exponential(250, None, 1000, true),
            exponential(0, None, 2000, false),
        ];
        for backoff in backoffs {
            for count in 0..40 {
                let each: u64 = (1..=count).map(|attempt| backoff.longest_delay_ms(attempt)).sum();
                assert_eq!(backoff.longest_delays_ms(count), each, "{backoff:?}, {count}");
            }
        }
    }

    #[test]
    fn a_jittered_wait_is_between_half_of_the_longest_and_all_of_it() {
        let backoff = exponential(1000, None, 1000, true);
        let waits: Vec<u64> = (0..5000).map(|draw| backoff.delay_ms(1, draw * 7919)).collect();
        assert!(waits.iter().all(|wait| (500..=1000).contains(wait)));
        assert!(waits.iter().collect::<std::collections::BTreeSet<_>>().len() > 200);
    }
}
