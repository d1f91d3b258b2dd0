//! Frames as a person sees them, at several widths, and as a terminal gets them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use console::strip_ansi_codes;
use engine::Engine;
use indicatif::{InMemoryTerm, MultiProgress, ProgressDrawTarget};
use ir::Plan;
use ir::plan::{Body, Node};

use super::frame::frame;
use super::lines::Lines;
use super::view::{Remaining, Running, View, Waiting, What};

fn engine() -> Engine {
    let node = |id: &str| Node::new(id, Body::Task(Box::default()));
    let nodes = (0..40).map(|at| node(&format!("n{at}"))).collect();
    Engine::new(Arc::new(Plan {
        nodes,
        ..Plan::new("p")
    }))
}

fn view(now: Instant) -> View {
    let ago = |seconds: u64| now.checked_sub(Duration::from_secs(seconds)).expect("not so long ago");
    let running = |label: &str, title: &str, attempt, seconds| Running {
        label: label.into(),
        title: title.into(),
        attempt,
        since: ago(seconds),
    };
    let mut view = View::new(&engine(), "2026-11-21-141254-gvp2", ago(95));
    view.running = vec![
        running("collect", "Collect canonical sources", 1, 12),
        running("deep-dive[quic/v1]", "Read what it says\nof loss", 2, 64),
    ];
    view.waiting = vec![
        Waiting {
            label: "fetch".into(),
            what: What::Time {
                at: now + Duration::from_secs(8),
                why: "timeout".into(),
            },
        },
        Waiting {
            label: "release".into(),
            what: What::People {
                approvers: vec!["role/release".into(), "role/lead".into()],
                until: Some(now + Duration::from_secs(7500)),
                command: "dslc approve gvp2 release --as role/release".to_owned(),
            },
        },
        Waiting {
            label: "deploy[eu west]".into(),
            what: What::Doubt,
        },
    ];
    view.counts.settled = 12;
    view.counts.failed = 1;
    view.remaining = Some(Remaining {
        time: Duration::from_secs(130),
        as_of: now,
        at_least: false,
    });
    view
}

fn plain(view: &View, now: Instant, size: (u16, u16)) -> String {
    let lines = frame(view, now, size);
    for line in &lines {
        let width = console::measure_text_width(line);
        assert!(
            width < usize::from(size.1).max(11),
            "{width} columns of {}: {line}",
            size.1
        );
    }
    strip_ansi_codes(&lines.join("\n")).into_owned()
}

#[test]
fn a_wide_terminal_has_a_line_for_each() {
    let now = Instant::now();
    insta::assert_snapshot!(plain(&view(now), now, (40, 120)));
}

#[test]
fn a_usual_terminal_puts_commands_below() {
    let now = Instant::now();
    insta::assert_snapshot!(plain(&view(now), now, (24, 80)));
}

#[test]
fn a_narrow_terminal_keeps_the_figures() {
    let now = Instant::now();
    insta::assert_snapshot!(plain(&view(now), now, (24, 40)));
}

#[test]
fn a_low_terminal_counts_what_it_cannot_show() {
    let now = Instant::now();
    let frame = plain(&view(now), now, (8, 80));
    assert_eq!(frame.lines().count(), 4, "{frame}");
    assert!(frame.contains("more"), "{frame}");
    // no size is too small
    for rows in 0..4 {
        for columns in 0..30 {
            plain(&view(now), now, (rows, columns));
        }
    }
}

/// What a terminal shows after some frames: each replaces the one before, and what was said stays above.
#[test]
fn frames_replace_each_other_on_a_terminal() {
    let terminal = InMemoryTerm::new(24, 80);
    let target = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
    let now = Instant::now();
    let shared = Arc::new(Mutex::new(view(now)));
    let lines = Lines::new(&target, shared.clone(), false, || (24, 80));
    lines.draw();
    assert_eq!(terminal.contents().lines().count(), 8, "{}", terminal.contents());
    target.println("  completed n1  5 ms").expect("written");
    {
        let mut view = shared.lock().expect("not poisoned");
        view.running.truncate(1);
        view.waiting.clear();
        view.counts.settled = 13;
    }
    lines.draw();
    // however long the test takes
    let shown = terminal
        .contents()
        .replace("9 s left", "10 s left")
        .replace("36 s", "35 s");
    insta::assert_snapshot!(shown);
    lines.finish();
    assert_eq!(terminal.contents(), "  completed n1  5 ms");
}
