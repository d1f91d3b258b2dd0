//! `dslc verify`: is what a run left still what was written?

use std::collections::BTreeSet;

use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::history::{History, RunArgs};
use crate::printer::Printer;
use crate::verbs::check::counted;

/// Check a run's journal, its hash chain and its artifacts
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// The hash that its last event must have: a tail that was cut off shows too
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
}

pub fn run(args: &Args, printer: &Printer) -> Result<Exit, Failure> {
    let folder = args.run.folder()?;
    let (mut events, mut head, mut digests) = (0, String::new(), BTreeSet::new());
    let mut unread = None;
    let history = History::read_with(folder, |entry, _, _| {
        events = entry.seq;
        entry.hash().clone_into(&mut head);
        match serde_json::from_str(entry.event()) {
            Ok(event) => collect(&event, &mut digests),
            Err(error) => unread = Some(error),
        }
    })?;
    if let Some(error) = unread {
        return Err(Failure::new(
            Exit::PlanWrong,
            format!("an event cannot be read again: {error}"),
        ));
    }
    if let Some(torn) = history.torn.as_ref().filter(|_| history.driven_by.is_none()) {
        let message = format!(
            "the journal ends in {} bytes that are no event, from line {}: an interrupted write, which `dslc resume` cuts, or an edited event",
            torn.bytes, torn.line
        );
        return Err(Failure::new(Exit::PlanWrong, message));
    }
    for digest in &digests {
        history.folder.artifacts().verify(digest)?;
    }
    if let Some(expected) = args.head.as_ref().filter(|expected| **expected != head) {
        let message =
            format!("the last event has hash {head}, expected {expected}: events are missing or were replaced");
        return Err(Failure::new(Exit::PlanWrong, message));
    }
    let events = usize::try_from(events).unwrap_or(usize::MAX);
    printer.line(&format!(
        "run {}: {} and {} are sound",
        history.meta.run,
        counted(events, "event"),
        counted(digests.len(), "artifact")
    ));
    printer.line(&format!("head {head}"));
    Ok(Exit::Fine)
}

/// Digests of the artifacts that an event holds. Iterates: data may nest as deep as it likes.
fn collect(event: &Value, digests: &mut BTreeSet<String>) {
    let mut open = vec![event];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(digest)) = fields.get("digest")
                    && digest.len() == 64
                {
                    digests.insert(digest.clone());
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}
