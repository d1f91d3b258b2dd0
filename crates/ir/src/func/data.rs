//! Functions that parse data: `json yaml csv`. What they yield fits the bounds of a value or is an error; a YAML
//! document cannot grow by its aliases beyond them.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::Args;
use crate::data::from_json;
use crate::eval::{EvalError, ITEMS_MAX, Meter, Outcome, fail};
use crate::value::{VALUE_DEPTH_MAX, Value};

/// Steps that reading a value costs are counted by the text it is read from: a value takes at least a byte or two.
const BYTES_PER_STEP: usize = 8;

/// What the aliases of a YAML document may repeat, in scalars and brackets.
const REPLAYED_EVENTS_MAX: usize = 100_000;

pub(super) fn json(args: &mut Args, meter: &mut Meter) -> Outcome {
    let text = args.text()?;
    meter.steps(text.len() / BYTES_PER_STEP)?;
    match serde_json::from_str(&text) {
        Ok(json) => shallow("json", from_json(json)),
        Err(_) if text.trim().is_empty() => fail("`json` reads an empty text"),
        Err(error) => fail(format!("`json` cannot read its text: {error}")),
    }
}

pub(super) fn yaml(args: &mut Args, meter: &mut Meter) -> Outcome {
    let text = args.text()?;
    meter.steps(text.len() / BYTES_PER_STEP)?;
    match serde_saphyr::from_str_with_options(&text, yaml_options()) {
        Ok(json) => shallow("yaml", from_json(json)),
        Err(error) => fail(format!("`yaml` cannot read its text: {}", yaml_problem(&error))),
    }
}

fn yaml_problem(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    if text.starts_with("alias replay") {
        return format!("its aliases repeat more than {REPLAYED_EVENTS_MAX} items");
    }
    if text.starts_with("budget breached") {
        return format!("it has more than {ITEMS_MAX} items, or nests deeper than {VALUE_DEPTH_MAX} levels");
    }
    // One line, and what it says of the library's options is not for people who write plans.
    let text = text.replace(", set DuplicateKeyPolicy in Options if acceptable", "");
    text.lines().next().unwrap_or_default().to_owned()
}

/// Aliases repeat what they name, so that a short document may be a huge one: what they repeat is bounded.
fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: VALUE_DEPTH_MAX,
            max_nodes: ITEMS_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPLAYED_EVENTS_MAX,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

fn shallow(func: &str, value: Value) -> Outcome {
    if value.fits_depth(VALUE_DEPTH_MAX) {
        return Ok(value);
    }
    fail(format!(
        "`{func}` reads data that nests deeper than {VALUE_DEPTH_MAX} levels"
    ))
}

/// A header line names the columns; every further line has as many fields.
pub(super) fn csv(args: &mut Args, meter: &mut Meter) -> Outcome {
    let text = args.text()?;
    meter.steps(text.len() / BYTES_PER_STEP)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns: Vec<SmolStr> = reader
        .headers()
        .map_err(csv_problem)?
        .iter()
        .map(SmolStr::from)
        .collect();
    let mut names = BTreeSet::new();
    if let Some(twice) = columns.iter().find(|column| !names.insert(*column)) {
        return fail(format!("`csv` reads a header with two columns named {twice:?}"));
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(csv_problem)?;
        meter.steps(row.len())?;
        if rows.len() == ITEMS_MAX {
            return fail(format!("`csv` reads more than {ITEMS_MAX} lines"));
        }
        let fields = columns.iter().cloned().zip(row.iter().map(Value::from));
        rows.push(Value::Record(fields.collect::<BTreeMap<_, _>>()));
    }
    Ok(Value::List(rows))
}

fn csv_problem(error: csv::Error) -> EvalError {
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line} has {len} fields, the header has {expected_len}")
        }
        _ => error.to_string(),
    };
    EvalError::new(format!("`csv` cannot read its text: {problem}"))
}
