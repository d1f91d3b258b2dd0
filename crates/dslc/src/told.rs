//! What happened to nodes, each thing in one line: for watching a run, and for looking back at one.

use engine::{NodeError, Notice};
use ir::NodeId;
use ir::quantity::render_time;

use crate::printer::{Paint, bold, shown};
use crate::text;

/// What happened, in words.
pub enum Told {
    Line(String),
    /// About the run as a whole.
    Warning(String),
}

/// One notice as a line: a word in its colour, the node, and what there is to say about it.
pub fn told(notice: &Notice, title: impl Fn(NodeId) -> Option<String>) -> Told {
    let error = |error: &NodeError| format!("{}: {}", error.kind, error.message);
    let (word, paint, label, rest) = match notice {
        Notice::Started { label, attempt, .. } if *attempt > 1 => {
            ("started", None, label, format!("attempt {attempt}"))
        }
        Notice::Started { node, label, .. } => ("started", None, label, title(*node).unwrap_or_default()),
        Notice::Called { label, plan, nodes, .. } => ("calls", None, label, format!("{plan}, {nodes} nodes")),
        Notice::CallTimeout { label, .. } => ("timed out", Some(Paint::Red), label, "its time is up".to_owned()),
        Notice::RollingBack { count } => {
            return Told::Warning(format!("undoing {count} of what completed, last first"));
        }
        Notice::Undoing { label, .. } => ("undoing", None, label, String::new()),
        Notice::Undone { label, .. } => ("undone", Some(Paint::Yellow), label, String::new()),
        Notice::UndoFailed { label, error: why, .. } => ("not undone", Some(Paint::Red), label, error(why)),
        Notice::FannedOut { label, instances, .. } => ("fans out", None, label, format!("{instances} instances")),
        Notice::Reused {
            label, run, made_ms, ..
        } => {
            let rest = format!("the result of {} from {}", run, render_time(*made_ms));
            ("reused", Some(Paint::Green), label, rest)
        }
        Notice::Line {
            label,
            line,
            capability,
            ..
        } => ("goes on", None, label, format!("line {line}, {capability}")),
        Notice::Waits {
            label, on, until_ms, ..
        } => {
            let until = until_ms.map(|at_ms| format!(" until {}", render_time(at_ms)));
            let rest = format!("{on} is over its limits{}", until.unwrap_or_default());
            ("waits", Some(Paint::Yellow), label, rest)
        }
        Notice::CircuitOpened { agent, probe_at_ms } => {
            let until = render_time(*probe_at_ms);
            return Told::Warning(format!(
                "the agent `{agent}` keeps failing and is left alone until {until}"
            ));
        }
        Notice::BudgetAlert { whose, item, used, of } => {
            let item = item.name();
            return Told::Warning(format!("{whose} has used {used} of {of}, its budget for {item}"));
        }
        Notice::BudgetSpent { item, used, of } => {
            let item = item.name();
            return Told::Warning(format!(
                "what is next is not within the budget for {item}: {used} of {of} are used"
            ));
        }
        Notice::Retrying { label, error: why, .. } => ("retrying", Some(Paint::Yellow), label, error(why)),
        Notice::Replanned { number, by, because } => {
            return Told::Warning(format!(
                "the plan was changed by {by}: {because}; it is revision {number}"
            ));
        }
        Notice::Kept { label, .. } => ("kept", Some(Paint::Green), label, String::new()),
        Notice::RetryAsked { label, by, because, .. } => {
            let because = because.as_ref().map(|because| format!(": {because}"));
            let rest = format!("asked by {by}{}", because.unwrap_or_default());
            ("once more", None, label, rest)
        }
        Notice::Again { label, attempt, .. } => {
            let rest = format!("attempt {attempt} was cut off");
            ("again", Some(Paint::Yellow), label, rest)
        }
        Notice::Blocked { label, .. } => {
            let rest = "a person has to decide".to_owned();
            ("in doubt", Some(Paint::Yellow), label, rest)
        }
        Notice::Asked { label, approvers, .. } => {
            let who = if approvers.is_empty() {
                "anybody".to_owned()
            } else {
                approvers.join(", ")
            };
            ("waits for", Some(Paint::Yellow), label, who)
        }
        Notice::Answered { label, by, because, .. } => {
            let because = because.as_ref().map(|because| format!(": {because}"));
            ("answered", None, label, format!("{by}{}", because.unwrap_or_default()))
        }
        Notice::Decided {
            label,
            by,
            person,
            decision,
            because,
            ..
        } => {
            let who = person.as_ref().unwrap_or(by);
            let because = because
                .as_ref()
                .map(|because| format!(": {because}"))
                .unwrap_or_default();
            (decision.name(), None, label, format!("{who}{because}"))
        }
        Notice::Completed { label, duration_ms, .. } => {
            ("completed", Some(Paint::Green), label, text::duration(*duration_ms))
        }
        Notice::Failed { label, error: why, .. } => ("failed", Some(Paint::Red), label, error(why)),
        Notice::Skipped { label, because, .. } => ("skipped", None, label, because.clone()),
        Notice::Cancelled { label, .. } => ("cancelled", Some(Paint::Red), label, String::new()),
        Notice::Aborting { label, .. } => {
            let rest = "nothing handles its failure".to_owned();
            ("aborting", Some(Paint::Red), label, rest)
        }
        Notice::Alert { name, severity } => {
            let severity = severity.as_ref().map(|severity| format!(" ({severity})"));
            return Told::Warning(format!("alert: {name}{}", severity.unwrap_or_default()));
        }
        Notice::PlanTimeout => return Told::Warning("the plan's time is up".to_owned()),
        Notice::Ignored(ignored) => {
            return Told::Warning(format!("`{}` changed nothing: {}", ignored.event, ignored.reason));
        }
    };
    let gap = if rest.is_empty() { "" } else { "  " };
    let pad = " ".repeat(11_usize.saturating_sub(word.len()));
    Told::Line(format!(
        "{pad}{} {}{gap}{}",
        bold(word, paint),
        shown(label),
        shown(&rest)
    ))
}
