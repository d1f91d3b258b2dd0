//! Names of runs: `2026-11-21-103000-k3fx`, sorted by time, short enough to type the end of.

use std::hash::{BuildHasher, Hasher, RandomState};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Characters that are not mistaken for one another, in order.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

/// A name for a run that starts now (UTC). Whoever creates the folder makes sure that it is unique.
pub(crate) fn new_run_id(now_ms: i64) -> String {
    let now = Timestamp::from_millisecond(now_ms)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::UTC);
    let mut id = now.strftime("%Y-%m-%d-%H%M%S-").to_string();
    // two characters of the second's milliseconds keep the order, two random ones tell apart
    let tail = (now_ms.rem_euclid(1000).unsigned_abs() << 10) | (random() & 0x3ff);
    for shift in [15, 10, 5, 0] {
        id.push(char::from(ALPHABET[(tail >> shift & 31) as usize]));
    }
    id
}

/// When a run of that name was named, in milliseconds; `None`: it is no name of ours.
pub(crate) fn named_ms(id: &str) -> Option<i64> {
    let (second, tail) = id.rsplit_once('-')?;
    let second: jiff::civil::DateTime = jiff::civil::DateTime::strptime("%Y-%m-%d-%H%M%S", second).ok()?;
    let second = second.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    let mut digits = tail
        .bytes()
        .map(|byte| ALPHABET.iter().position(|letter| *letter == byte));
    let (high, low) = (digits.next()??, digits.next()??);
    Some(second * 1000 + (high << 5 | low) as i64)
}

/// Random bits from the keys that the standard library draws for its hash maps.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Whether `name` may stand for `id`: all of it, its beginning, or the beginning of its last part.
pub(crate) fn matches(id: &str, name: &str) -> bool {
    !name.is_empty() && (id.starts_with(name) || id.rsplit('-').next().is_some_and(|tail| tail.starts_with(name)))
}

/// `2026-11-21T10:30:00.123Z`
pub fn rfc3339(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_its_start_and_something_random() {
        let id = new_run_id(1_795_257_000_000);
        assert_eq!(&id[..20], "2026-11-21-103000-22");
        assert_eq!(id.len(), 22);
        assert!(id < new_run_id(1_795_257_000_001), "names sort by time");
    }

    #[test]
    fn a_name_tells_when_it_was_given() {
        for ms in [1_795_257_000_000, 1_795_257_000_001, 1_795_257_000_999, 0] {
            assert_eq!(named_ms(&new_run_id(ms)), Some(ms));
        }
        for other in [
            "",
            "new",
            "2026-11-21",
            "2026-11-21-103000-",
            "2026-13-21-103000-k3fx",
            "2026-11-21-103000-0000",
        ] {
            assert_eq!(named_ms(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_is_short_for_a_run_by_its_beginning_or_its_end() {
        let id = "2026-11-21-103000-k3fx";
        assert!(matches(id, "2026-11"));
        assert!(matches(id, "k3"));
        assert!(!matches(id, "3fx"));
        assert!(!matches(id, ""));
    }

    #[test]
    fn times_have_three_digits_of_a_second() {
        assert_eq!(rfc3339(1_795_257_000_007), "2026-11-21T10:30:00.007Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
    }
}
