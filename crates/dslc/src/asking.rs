//! What a run asks people, for people: the question, who may answer it until when, and the commands that do.

use std::fmt::Write;

use engine::event::Ask;
use engine::{Engine, GateSnapshot};
use serde::Serialize;
use smol_str::SmolStr;

use crate::outcome::argument;
use crate::printer::{bold, shown};
use crate::text;

/// Whoever types.
pub fn login() -> String {
    std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned())
}

/// A gate in the summary of a run.
#[derive(Serialize)]
pub struct Gate {
    id: SmolStr,
    /// `waiting`, `approved`, `rejected`, `timeout`, `cancelled`.
    status: &'static str,
    /// All of them, if there are several.
    approver: String,
    title: Option<String>,
    quorum: u32,
    options: Vec<SmolStr>,
    choice: Option<SmolStr>,
    asked: String,
    deadline: Option<String>,
    decisions: Vec<Decision>,
}

#[derive(Serialize)]
struct Decision {
    decision: &'static str,
    choice: Option<SmolStr>,
    by: SmolStr,
    who: SmolStr,
    because: Option<String>,
    time: String,
}

/// Gates that asked people, in plan order.
pub fn gates(engine: &Engine) -> Vec<Gate> {
    let nodes = engine.nodes().into_iter();
    nodes
        .filter_map(|node| {
            let gate = node.gate?;
            let failed = node.error.as_ref().map(|error| error.kind.as_str());
            Some(Gate {
                id: node.id,
                status: status(&gate, failed, node.settled_ms.is_some()),
                approver: gate.ask.approvers.join(", "),
                title: gate.ask.title,
                quorum: gate.ask.quorum,
                options: gate.ask.options.into_iter().map(|option| option.name).collect(),
                choice: gate.decided.as_ref().and_then(|decided| decided.choice().cloned()),
                asked: store::rfc3339(gate.asked_ms),
                deadline: gate.ask.deadline_ms.map(store::rfc3339),
                decisions: gate
                    .decisions
                    .into_iter()
                    .map(|recorded| Decision {
                        decision: recorded.decision.name(),
                        choice: recorded.decision.choice().cloned(),
                        who: recorded.who().clone(),
                        by: recorded.by,
                        because: recorded.because,
                        time: store::rfc3339(recorded.time_ms),
                    })
                    .collect(),
            })
        })
        .collect()
}

fn status(gate: &GateSnapshot, failed: Option<&str>, settled: bool) -> &'static str {
    match (&gate.decided, failed) {
        (Some(decided), _) => decided.name(),
        (None, Some(_)) => "timeout",
        (None, None) if settled => "cancelled",
        (None, None) => "waiting",
    }
}

/// The question of a gate as its approvers read it, and what to type.
pub fn question(ask: &Ask, gate: &GateSnapshot, run: &str, now_ms: i64) -> String {
    let mut text = format!("  {}", bold(&shown(&ask.label), None));
    // Infallible: writing to a string.
    if let Some(title) = &ask.title {
        let _ = write!(text, "  {}", shown(title));
    }
    let _ = write!(text, "  ({}", shown(&ask.approvers.join(" or ")));
    if ask.quorum > 1 {
        let approved = gate.decisions.len();
        let _ = write!(text, ", {approved} of {} have approved", ask.quorum);
    }
    if let Some(deadline_ms) = ask.deadline_ms {
        let _ = match deadline_ms - now_ms {
            ..=0 => write!(text, ", time is up"),
            left_ms => write!(text, ", {} left", text::duration(left_ms)),
        };
    }
    text.push_str(")\n");
    for check in &ask.checks {
        let saw = check.saw.as_deref().map_or(String::new(), |saw| format!("  ({saw})"));
        let mark = if check.prose { "?" } else { "✓" };
        let _ = writeln!(text, "    {mark} {}{}", shown(&check.text), shown(&saw));
    }
    for option in &ask.options {
        let title = option.title.as_deref().unwrap_or_default();
        let note = option.note.as_deref().map_or(String::new(), |note| format!(": {note}"));
        let _ = writeln!(text, "    {}  {}{}", option.name, shown(title), shown(&note));
    }
    let [approve, reject] = commands(ask, run);
    let _ = writeln!(text, "    {approve}\n    {reject}");
    text
}

/// What to type to approve, and to reject.
pub fn commands(ask: &Ask, run: &str) -> [String; 2] {
    let by = ask.approvers.first().map_or("role/…", SmolStr::as_str);
    let about = format!("{run} {} --as {}", argument(&ask.label), argument(by));
    let names: Vec<&str> = ask.options.iter().map(|option| option.name.as_str()).collect();
    let choose = if names.is_empty() {
        String::new()
    } else {
        format!(" --choose {}", names.join("|"))
    };
    [
        format!("dslc approve {about}{choose} --because \"…\""),
        format!("dslc reject {about} --because \"…\""),
    ]
}
