//! Words and figures that several verbs print.

use engine::NodeSnapshot;

use crate::printer::{Paint, bold};

/// `80 ms`, `1.2 s`, `3 min 5 s`, `2 h 3 min`
pub fn duration(ms: i64) -> String {
    let seconds = ms / 1000;
    match ms {
        ..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{seconds}.{} s", ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// How often it was tried: `3 attempts`, of a fan-out `3 instances`, or `3 instances, 4 attempts` where one was tried again.
pub fn tries(node: &NodeSnapshot) -> String {
    let attempts = format!("{} attempts", node.attempts);
    let again = node.instances.iter().any(|instance| instance.attempts > 1);
    match node.instances.len() {
        0 if node.attempts > 1 => attempts,
        0 => String::new(),
        1 if again => format!("1 instance, {attempts}"),
        1 => "1 instance".to_owned(),
        count if again => format!("{count} instances, {attempts}"),
        count => format!("{count} instances"),
    }
}

/// A status in its colour.
pub fn status(name: &str) -> String {
    bold(name, paint(name))
}

/// A status in its colour, as wide as the longest.
pub fn status_padded(name: &str) -> String {
    format!(
        "{}{}",
        status(name),
        " ".repeat("interrupted".len().saturating_sub(name.len()))
    )
}

fn paint(name: &str) -> Option<Paint> {
    match name {
        "completed" => Some(Paint::Green),
        "failed" | "cancelled" => Some(Paint::Red),
        "blocked" | "paused" | "interrupted" | "waiting" => Some(Paint::Yellow),
        "running" | "ready" => Some(Paint::Blue),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_short() {
        assert_eq!(
            [0, 999, 1000, 1299, 65_000, 7_380_000].map(duration),
            ["0 ms", "999 ms", "1.0 s", "1.2 s", "1 min 5 s", "2 h 3 min"]
        );
    }
}
