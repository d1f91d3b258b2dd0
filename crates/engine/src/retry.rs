//! Whether a failed attempt is followed by another, what its jitter is drawn from, and the keys that make a repetition
//! harmless.
//!
//! Pure functions; how long the waits are is [`ir::plan::Backoff`]'s business. What looks random is drawn from the
//! run's seed, so it is the same in every replay. All arithmetic is on integers.

use ir::plan::Retry;
use smol_str::SmolStr;

use crate::state::UnitId;

/// Modes that another attempt cannot mend, unless the plan names them.
const FINAL_MODES: [&str; 4] = ["denied", "in-doubt", "cancelled", "budget-exceeded"];

/// Whether attempt number `attempt`, which failed with `mode`, is followed by another.
pub(crate) fn again(retry: Option<&Retry>, attempt: u32, mode: &str) -> bool {
    let Some(retry) = retry else { return false };
    let allowed = if retry.on.is_empty() {
        !FINAL_MODES.contains(&mode)
    } else {
        retry.on.iter().any(|on| on == mode)
    };
    allowed && attempt <= retry.max
}

/// A number that depends on the seed, what is attempted, and the attempt, and on nothing else.
pub(crate) fn draw(seed: u64, node: &str, instance: Option<&str>, attempt: u32) -> u64 {
    let mut hasher = Fields::new("dslc/jitter/1");
    hasher
        .field(&seed.to_le_bytes())
        .field(node.as_bytes())
        .option(instance)
        .field(&attempt.to_le_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.hash().as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

/// The same for every start of a call, of a line of `do:` if it is one, whose effect is unknown.
pub(crate) fn idempotency_key(run: &str, node: &str, instance: Option<&str>, round: u32, step: Option<u32>) -> SmolStr {
    let mut hasher = Fields::new("dslc/idempotency-key/1");
    hasher
        .field(run.as_bytes())
        .field(node.as_bytes())
        .option(instance)
        .field(&round.to_le_bytes());
    if let Some(step) = step {
        hasher.field(&step.to_le_bytes());
    }
    SmolStr::new(&hasher.hash().to_hex()[..32])
}

/// Fields to hash, written so that no two lists of fields give the same bytes. They are few and short: one hash of all
/// of them is quicker than a hasher that is told one after the other.
struct Fields(Vec<u8>);

impl Fields {
    fn new(domain: &str) -> Self {
        let mut fields = Self(Vec::with_capacity(192));
        fields.field(domain.as_bytes());
        fields
    }

    fn field(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    fn hash(&self) -> blake3::Hash {
        blake3::hash(&self.0)
    }

    fn option(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.field(&[1]).field(text.as_bytes()),
            None => self.field(&[0]),
        }
    }
}

/// The unit that a timer or a resolution names.
pub(crate) const fn unit_of(node: u32, instance: Option<u32>) -> UnitId {
    UnitId { node, instance }
}

#[cfg(test)]
mod tests {
    use ir::plan::Backoff;

    use super::*;

    #[test]
    fn jitter_depends_on_the_attempt() {
        let jitter = Backoff::Exponential {
            base_ms: 1000,
            cap_ms: None,
            factor_milli: 1000,
            jitter: true,
        };
        let waits: Vec<u64> = (1..50)
            .map(|attempt| jitter.delay_ms(attempt, draw(1, "a", None, attempt)))
            .collect();
        assert!(waits.iter().all(|wait| (500..=1000).contains(wait)));
        assert!(waits.iter().collect::<std::collections::BTreeSet<_>>().len() > 20);
    }

    #[test]
    fn keys_differ_by_round_and_instance_and_never_by_how_names_are_split() {
        assert_ne!(
            idempotency_key("r", "n", None, 0, None),
            idempotency_key("r", "n", None, 1, None)
        );
        assert_ne!(
            idempotency_key("r", "n", None, 0, None),
            idempotency_key("r", "n", None, 0, Some(0))
        );
        assert_ne!(
            idempotency_key("r", "n", None, 0, None),
            idempotency_key("r", "n", Some(""), 0, None)
        );
        assert_ne!(
            idempotency_key("ra", "n", None, 0, None),
            idempotency_key("r", "an", None, 0, None)
        );
    }

    #[test]
    fn modes_that_cannot_be_mended_are_retried_only_where_named() {
        let retry = |on: &[&str]| Retry {
            max: 2,
            backoff: Backoff::Immediate,
            on: on.iter().map(|mode| (*mode).into()).collect(),
        };
        assert!(again(Some(&retry(&[])), 1, "failure"));
        assert!(!again(Some(&retry(&[])), 1, "denied"));
        assert!(again(Some(&retry(&["denied"])), 2, "denied"));
        assert!(!again(Some(&retry(&["denied"])), 1, "timeout"));
        assert!(!again(Some(&retry(&[])), 3, "failure"));
    }
}
