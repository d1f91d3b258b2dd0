//! Hashes under keys that are random in each process: what names and parts of graphs are compared by.
//!
//! What has the same hash counts as the same. In a plan of ten thousand tasks any two names or keys share one with a
//! chance of about one in a hundred thousand million, and since nobody knows the keys, nobody can write a plan in which
//! they do. Absent: anything that outlives the process, and orders.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::LazyLock;

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

pub(crate) fn hash_of(value: &impl Hash) -> u64 {
    KEYS.hash_one(value)
}

/// Of the name of a node.
pub(crate) fn name_hash(name: &str) -> u64 {
    hash_of(&name)
}

/// Both numbers in one: that of a sequence, so their order matters.
pub(crate) fn mix(key: u64, next: u64) -> u64 {
    // the high and the low half of a product, so that every bit of both counts
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(key.rotate_left(5) ^ next ^ ODD) * u128::from(next ^ 0xff51_afd7_ed55_8ccd);
    (product >> 64) as u64 ^ product as u64 ^ key.wrapping_mul(ODD)
}
