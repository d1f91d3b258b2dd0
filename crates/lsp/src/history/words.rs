//! How a node went, and what its next run would find, in words: a few for a lens, a paragraph for a hover.

use engine::event::NodeStatus;
use ir::fingerprint::{Difference, Kind};
use store::{Forecast, Provided};

use super::{Went, WentRun};

/// So many runs are counted.
const COUNTED_MAX: usize = 5;
/// So much of an error is shown.
const ERROR_CHARS_MAX: usize = 200;

/// So many things that have changed are named.
const NAMED_MAX: usize = 3;

/// `would be reused from cache`, `would run again: input `query` changed`.
pub(crate) fn next_in_short(forecast: &Forecast, now_ms: i64) -> String {
    match forecast {
        Forecast::Reused { until_ms, .. } if *until_ms < now_ms => "would run again: its result is too old".to_owned(),
        Forecast::Reused { provided, .. } => match provided {
            None => "would be reused from cache".to_owned(),
            Some(Provided::Files) => "would be reused from cache while its files stay the same".to_owned(),
            Some(Provided::Values) => "would be reused from cache if what it reads is the same".to_owned(),
            Some(Provided::LargeFiles) => {
                "would be reused from cache if its files are the same, which are too large to be compared here"
                    .to_owned()
            }
        },
        Forecast::Again {
            differences,
            may_be_secrets,
            ..
        } => {
            let unless = if *may_be_secrets {
                ", unless it holds a secret"
            } else {
                ""
            };
            format!("would run again: {} changed{unless}", changed(differences))
        }
        Forecast::Unfit { why } => format!("would run again: {why}"),
    }
}

/// The same, with whose result it is and what was there before.
pub(crate) fn next_in_full(forecast: &Forecast, now_ms: i64) -> String {
    let mut text = format!("**Next run**: {}", next_in_short(forecast, now_ms));
    match forecast {
        Forecast::Reused { run, until_ms, .. } if *until_ms >= now_ms => text.push_str(&format!(" (`{run}`)")),
        Forecast::Again { differences, .. } => {
            let shown = differences
                .iter()
                .filter_map(|one| Some((named(one), one.before.as_ref()?, one.now.as_ref()?)));
            for (name, before, now) in shown.filter(|(_, before, now)| is_short(before) && is_short(now)) {
                text.push_str(&format!("\n- {name} was `{before}`, is `{now}`"));
            }
        }
        _ => {}
    }
    text
}

/// Whether a value can stand in a line.
fn is_short(value: &str) -> bool {
    !value.is_empty() && !value.contains(['\n', '`'])
}

/// `input `query``, `input `query` and `run``.
fn changed(differences: &[Difference]) -> String {
    let mut names: Vec<String> = differences.iter().map(named).collect();
    names.dedup();
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    if more > 0 {
        return format!("{} and {more} more", names.join(", "));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "something".to_owned(),
    }
}

fn named(one: &Difference) -> String {
    let what = one.what.as_str();
    match one.kind {
        Kind::Files if what == "folder" => "its folder".to_owned(),
        Kind::Files => format!("what is in `{what}`"),
        Kind::Use if what == "captures" => "what is read of it".to_owned(),
        _ => match what.split_once('.') {
            Some(("input", name)) => format!("input `{name}`"),
            _ => format!("`{what}`"),
        },
    }
}

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
        (NodeStatus::Completed, _) if went.is_reused => "reused".to_owned(),
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
    use ir::fingerprint::{Difference, Kind};
    use store::{Forecast, Provided};

    use super::{ago, next_in_full, next_in_short, took};

    fn differs(kind: Kind, what: &str) -> Difference {
        Difference {
            kind,
            what: what.into(),
            before: Some("old".to_owned()),
            now: Some("new".to_owned()),
        }
    }

    #[test]
    fn what_the_next_run_would_find_is_said_with_what_it_takes_for_granted() {
        let reused = |until_ms, provided| Forecast::Reused {
            run: "r".to_owned(),
            until_ms,
            provided,
        };
        let again = |differences| Forecast::Again {
            run: "r".to_owned(),
            differences,
            may_be_secrets: false,
        };
        let short = |forecast| next_in_short(&forecast, 100);
        assert_eq!(short(reused(100, None)), "would be reused from cache");
        assert_eq!(short(reused(99, None)), "would run again: its result is too old");
        assert!(short(reused(100, Some(Provided::Files))).ends_with("while its files stay the same"));
        assert_eq!(
            short(reused(100, Some(Provided::LargeFiles))),
            "would be reused from cache if its files are the same, which are too large to be compared here"
        );
        let key = Forecast::Again {
            run: "r".to_owned(),
            differences: vec![differs(Kind::Files, "read(\"key\")")],
            may_be_secrets: true,
        };
        assert_eq!(
            short(key),
            "would run again: what is in `read(\"key\")` changed, unless it holds a secret"
        );
        let query = [
            differs(Kind::Clause, "input.query"),
            differs(Kind::Value, "input.query"),
        ];
        assert_eq!(short(again(query.to_vec())), "would run again: input `query` changed");
        let two = vec![differs(Kind::Clause, "run"), differs(Kind::Files, "folder")];
        assert_eq!(short(again(two)), "would run again: `run` and its folder changed");
        let many = ["a", "b", "c", "d", "e"]
            .map(|what| differs(Kind::Value, what))
            .to_vec();
        assert_eq!(short(again(many)), "would run again: `a`, `b`, `c` and 2 more changed");
        assert_eq!(
            next_in_full(&again(vec![differs(Kind::Value, "input.query")]), 100),
            "**Next run**: would run again: input `query` changed\n- input `query` was `old`, is `new`"
        );
        assert_eq!(
            next_in_full(&reused(100, None), 100),
            "**Next run**: would be reused from cache (`r`)"
        );
    }

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
