//! A short run of every target from a fixed seed, and all past findings again; plans that nobody should write.

mod pathological;

use plan_fuzz::session::{Until, outcome};
use plan_fuzz::{Session, Target, corpus};

/// As much as a debug build does in a few seconds.
const fn cases(target: Target) -> u64 {
    match target {
        Target::Lexer | Target::Parser => 300,
        Target::Formatter => 200,
        Target::Checker | Target::Incremental => 40,
        Target::Repair => 20,
    }
}

fn short(target: Target) {
    let session = Session {
        target,
        seed: 3,
        current: None,
    };
    let (held, finding) = session.run(Until::Cases(cases(target)));
    if let Some(finding) = finding {
        panic!("{}\n{}", finding.why, String::from_utf8_lossy(&finding.input));
    }
    assert_eq!(held, cases(target));
}

#[test]
fn the_lexer_covers_any_text() {
    short(Target::Lexer);
}

#[test]
fn the_parser_reads_any_text() {
    short(Target::Parser);
}

#[test]
fn formatting_keeps_any_text() {
    short(Target::Formatter);
}

#[test]
fn any_text_is_checked() {
    short(Target::Checker);
}

#[test]
fn any_edits_are_followed() {
    short(Target::Incremental);
}

#[test]
fn any_plan_is_repaired() {
    short(Target::Repair);
}

#[test]
fn what_was_found_once_is_not_found_again() {
    for target in Target::ALL {
        for (path, bytes) in corpus::findings(target.name()) {
            assert_eq!(outcome(target, &bytes), Ok(()), "{}", path.display());
        }
    }
}

#[test]
fn a_property_that_does_not_hold_is_told() {
    let text = "task a\n  run: \"x\"\ntask bad\n  run: \"y\"\n";
    let small = plan_fuzz::minimise::minimise(text.as_bytes(), |bytes| bytes.windows(3).any(|part| part == b"bad"));
    assert_eq!(small, b"bad");
}
