//! The text form of a plan: canonical JSON to hash and keep, the same indented to read, and back.
//!
//! What is written is read back equal, byte for byte when written again. A file of another version of the format is
//! refused by that version's name, before anything else in it is looked at. Reading says nothing about sense:
//! [`crate::verify`] does.

use std::fmt;

use serde::Deserialize;

use super::{FORMAT, Plan};

/// Levels of JSON that are read: an expression of the greatest depth, with some to spare.
const JSON_DEPTH_MAX: usize = 1024;

/// Why a text is not a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlanError {
    /// Not JSON, or not that of a plan.
    Json(String),
    /// A plan of a format that this reader does not know.
    Format { seen: String },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(why) => write!(f, "not a compiled plan: {why}"),
            Self::Format { seen } => {
                write!(
                    f,
                    "a compiled plan of the format `{seen}`, expected `{FORMAT}`: compile it again"
                )
            }
        }
    }
}

impl std::error::Error for PlanError {}

/// All that is read before the version is known.
#[derive(Deserialize)]
struct Header {
    format: String,
}

impl Plan {
    /// The canonical text: fields in declared order, no white space. Equal plans have equal text.
    pub fn to_canonical_json(&self) -> String {
        serde_json::to_string(self).expect(INVARIANT)
    }

    /// The same for people, indented, with a newline at the end.
    pub fn to_pretty_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect(INVARIANT);
        text.push('\n');
        text
    }

    pub fn from_json(text: &str) -> Result<Self, PlanError> {
        // almost all plans nest no deeper than JSON is read anyway: one pass
        match serde_json::from_str::<Self>(text) {
            Ok(plan) if plan.format == FORMAT => Ok(plan),
            _ => Self::from_deep_json(text),
        }
    }

    /// The same of a text that is known to be canonical, as one with the hash that a plan had when it was written is:
    /// large ones are read on all processors.
    pub fn from_canonical_json(text: &str) -> Result<Self, PlanError> {
        match Self::from_pieces(text) {
            Some(plan) if plan.format == FORMAT => Ok(plan),
            _ => Self::from_json(text),
        }
    }

    fn from_deep_json(text: &str) -> Result<Self, PlanError> {
        let header: Header = serde_json::from_str(text).map_err(json_error)?;
        if header.format != FORMAT {
            return Err(PlanError::Format { seen: header.format });
        }
        if nests_deeper(text, JSON_DEPTH_MAX) {
            return Err(PlanError::Json(format!("it nests deeper than {JSON_DEPTH_MAX} levels")));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        // Bounded just above, and the stack grows as it must.
        json.disable_recursion_limit();
        let plan = Self::deserialize(serde_stacker::Deserializer::new(&mut json)).map_err(json_error)?;
        json.end().map_err(json_error)?;
        Ok(plan)
    }
}

/// Keys are text and floats finite: the evaluator and every reader see to that.
const INVARIANT: &str = "a plan has a JSON form";

fn json_error(error: serde_json::Error) -> PlanError {
    PlanError::Json(error.to_string())
}

/// Whether brackets nest deeper; the text has been seen to be JSON.
fn nests_deeper(json: &str, levels: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > levels {
            return true;
        }
    }
    false
}
