//! Reading a large canonical text on two processors: its nodes are most of it, and each is read by itself.
//!
//! Promise: the plan that reading it in one piece gives, or nothing. Where the text is cut is a guess that the two
//! readers confirm: a cut anywhere but between two nodes of the plan leaves one of them with a text that is no JSON.
//! Absent: texts that are not canonical.

use std::panic::resume_unwind;
use std::thread;

use serde::Deserialize;

use super::{Node, Plan};

/// Smaller ones are read sooner than a thread is of use.
const BYTES_MIN: usize = 1 << 20;
/// Between two nodes. No string has it inside: its quotes would be escaped.
const BETWEEN: &str = "},{\"id\":\"";

/// What follows the cut: the other nodes, which are the last of canonical text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rest {
    nodes: Vec<Node>,
}

impl Plan {
    /// Reads a large text that is known to be canonical; `None` where it is small or cannot be cut.
    pub(super) fn from_halves(canonical: &str) -> Option<Self> {
        if canonical.len() < BYTES_MIN {
            return None;
        }
        let middle = (canonical.len() / 2..).find(|at| canonical.is_char_boundary(*at))?;
        let cut = middle + canonical[middle..].find(BETWEEN)? + 1;
        let first = [&canonical[..cut], "]}"].concat();
        let (first, rest) = thread::scope(|scope| {
            let rest = scope.spawn(|| {
                let rest = ["{\"nodes\":[", &canonical[cut + 1..]].concat();
                serde_json::from_str::<Rest>(&rest)
            });
            let first = serde_json::from_str::<Self>(&first);
            (first, rest.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let (mut plan, mut rest) = (first.ok()?, rest.ok()?);
        plan.nodes.append(&mut rest.nodes);
        Some(plan)
    }
}
