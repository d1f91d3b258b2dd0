//! How a node went, in words: a few for a lens, a paragraph for a hover.

use engine::event::NodeStatus;

use super::{Went, WentRun};

/// So many runs are counted.
const COUNTED_MAX: usize = 5;
/// So much of an error is shown.
const ERROR_CHARS_MAX: usize = 200;

/// `completed in 12 s, 4 of 5 runs`; nothing if the node has never run.
pub(crate) fn in_short(runs: &[&WentRun], node: &str) -> Option<String> {
    let counted = Counted::new(runs, node)?;
    let last = last(&counted);
    let Counted { completed, of, .. } = counted;
    Some(match counted.last.status {
        _ if of == 1 => last,
        NodeStatus::Completed => format!("{last}, {completed} of {of} runs"),
        _ => format!("{last}, completed in {completed} of {of} runs"),
    })
}

/// A paragraph of Markdown: how it went last, when, and why it failed.
pub(crate) fn hover(runs: &[&WentRun], node: &str, now_ms: i64) -> Option<String> {
    let counted = Counted::new(runs, node)?;
    let mut text = format!(
        "**Last run** ({}, `{}`): {}",
        ago(now_ms - counted.run.began_ms),
        counted.run.id,
        last(&counted)
    );
    if counted.last.attempts > 1 {
        text.push_str(&format!(" at the {} attempt", ordinal(counted.last.attempts)));
    }
    if counted.of > 1 {
        text.push_str(&format!(
            "; completed in {} of the last {} runs",
            counted.completed, counted.of
        ));
    }
    if let Some(error) = &counted.last.error {
        let shown: String = error.chars().take(ERROR_CHARS_MAX).collect();
        text.push_str(&format!("\n\n```text\n{}\n```", shown.replace("```", "'''")));
    }
    Some(text)
}

/// The newest runs in which a node did something.
struct Counted<'r> {
    run: &'r WentRun,
    last: &'r Went,
    completed: usize,
    of: usize,
}

impl<'r> Counted<'r> {
    fn new(runs: &[&'r WentRun], node: &str) -> Option<Self> {
        let with = runs.iter().filter_map(|run| Some((*run, run.node(node)?)));
        let counted: Vec<_> = with.take(COUNTED_MAX).collect();
        let &(run, last) = counted.first()?;
        let completed = counted.iter().filter(|(_, went)| went.status == NodeStatus::Completed);
        Some(Self {
            run,
            last,
            completed: completed.count(),
            of: counted.len(),
        })
    }
}

fn last(counted: &Counted<'_>) -> String {
    let went = counted.last;
    match (went.status, went.took_ms) {
        (NodeStatus::Running, _) if !counted.run.is_driven => "interrupted".to_owned(),
        (NodeStatus::Completed, Some(ms)) if ms > 0 => format!("completed in {}", took(ms)),
        (NodeStatus::Failed, Some(ms)) if ms > 0 => format!("failed after {}", took(ms)),
        (status, _) => status.name().to_owned(),
    }
}

/// `80 ms`, `3.2 s`, `12 s`, `4 min 10 s`, `2 h 5 min`.
fn took(ms: i64) -> String {
    let seconds = ms / 1000;
    match ms {
        ..1000 => format!("{ms} ms"),
        1000..10_000 => format!("{seconds}.{} s", ms % 1000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn ago(ms: i64) -> String {
    let minutes = ms / 60_000;
    match minutes {
        ..1 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

fn ordinal(number: u32) -> String {
    match number {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        number => format!("{number}th"),
    }
}

#[cfg(test)]
mod tests {
    use super::{ago, took};

    #[test]
    fn times_are_short() {
        assert_eq!(
            [80, 3_250, 12_900, 250_000, 7_500_000].map(took),
            ["80 ms", "3.2 s", "12 s", "4 min 10 s", "2 h 5 min"]
        );
        assert_eq!(
            [-5, 59_999, 300_000, 7_200_000, 259_200_000].map(ago),
            ["just now", "just now", "5 min ago", "2 h ago", "3 days ago"]
        );
    }
}
