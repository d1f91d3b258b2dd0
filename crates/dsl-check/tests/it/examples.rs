//! Every example checks without errors; those that can run compile to a plan that verifies.

use dsl_check::{Analysis, Severity, Workspace};

use crate::{Disk, root, show};

fn workspace(name: &str) -> Workspace {
    let mut workspace = Workspace::new(root()).with_loader(Disk);
    let path = root().join("examples").join(name);
    workspace.set_file(&path, &std::fs::read(&path).expect("an example"));
    workspace
}

const ALL: &[&str] = &[
    "sketch.plan",
    "repo-audit.plan",
    "mini-editor.plan",
    "http3-research.plan",
    "debug-500.plan",
    "delivery.plan",
    "lib/web.plan",
    "lib/safety.plan",
];

#[test]
fn examples_have_no_errors() {
    let mut found = Vec::new();
    for name in ALL {
        let workspace = workspace(name);
        let path = root().join("examples").join(name);
        let text = workspace.text(&path).expect("set");
        for diagnostic in workspace.diagnostics(&path) {
            if diagnostic.severity == Severity::Error {
                found.push(format!("{name}:{}", show(&diagnostic, &text)));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn runnable_examples_warn_of_nothing_new_and_compile() {
    for name in [
        "sketch.plan",
        "repo-audit.plan",
        "mini-editor.plan",
        "http3-research.plan",
    ] {
        let workspace = workspace(name);
        let path = root().join("examples").join(name);
        let found = workspace.diagnostics(&path);
        let said: Vec<_> = found
            .iter()
            .filter(|diagnostic| diagnostic.severity != Severity::Hint)
            .map(|diagnostic| diagnostic.rule)
            .collect();
        // what the mini editor appends to a document must not be appended twice, and it has no route for doubt
        let expected: &[&str] = if name == "mini-editor.plan" {
            &["unhandled-doubt"]
        } else {
            &[]
        };
        assert_eq!(said, expected, "{name}");
        let plan = workspace.compile(&path, None).expect("compiles");
        ir::verify::verify(&plan).expect("verifies");
        assert_eq!(plan.name, name.trim_end_matches(".plan"));
    }
}

/// What may stand where an example is cut off.
const STRAYS: &[&[u8]] = &[
    b"",
    b"\0",
    b"\"",
    b"{{",
    b"(",
    b"\xff",
    b"\r",
    b"\t",
    "\u{2028}".as_bytes(),
];

/// Cut off anywhere, and with a stray byte there, an example is still checked to the end and compiled or refused.
#[test]
fn broken_examples_are_checked_without_panic() {
    /// A prime, so that over all examples the cuts fall on every kind of place.
    const BYTES_BETWEEN_CUTS: usize = 197;
    for name in ALL {
        let path = root().join("examples").join(name);
        let text = std::fs::read(&path).expect("an example");
        let mut workspace = Workspace::new(root()).with_loader(Disk);
        for (at, cut) in (0..text.len()).step_by(BYTES_BETWEEN_CUTS).enumerate() {
            let stray = STRAYS[at % STRAYS.len()];
            for rest in [&text[..0], &text[cut..]] {
                workspace.set_file(&path, &[&text[..cut], stray, rest].concat());
                workspace.diagnostics(&path);
                for plan in workspace.plans(&path) {
                    let _ = workspace.compile(&path, Some(plan.name.as_str()));
                }
                if let Some(text) = workspace.text(&path) {
                    let _ = dsl_syntax::format(&text);
                }
            }
        }
    }
}

/// There, whatever an editor asks is answered, too.
#[test]
fn broken_examples_are_asked_about_without_panic() {
    const BYTES_BETWEEN_CUTS: usize = 83;
    /// What people type where completion is asked for, so that it has to read what stands before it.
    const TYPED: &[&str] = &["", ".", "(", "é", "\"", " | ", ":", " ", "- ", "[", "= ", "-> ", "\\"];
    for name in ALL {
        let path = root().join("examples").join(name);
        let text = std::fs::read_to_string(&path).expect("an example");
        let mut workspace = Workspace::new(root()).with_loader(Disk);
        let cuts = (0..text.len()).step_by(BYTES_BETWEEN_CUTS);
        for (at, cut) in cuts.filter(|cut| text.is_char_boundary(*cut)).enumerate() {
            let typed = TYPED[at % TYPED.len()];
            for rest in ["", &text[cut..]] {
                workspace.set_file(&path, [&text[..cut], typed, rest].concat().as_bytes());
                let offset = (cut + typed.len()) as u32;
                let analysis: &Analysis = &workspace;
                for item in &analysis.completions(&path, offset).found {
                    let is_around = item.span.start <= offset && offset <= item.span.end;
                    assert!(is_around, "{name} at {cut}: {item:?}");
                }
                for offset in [offset, cut as u32] {
                    analysis.call_at(&path, offset);
                    analysis.hover(&path, offset);
                    analysis.references(&path, offset);
                    let _ = analysis.rename(&path, offset, "other");
                    analysis.spans_around(&path, offset);
                    analysis.type_definition(&path, offset);
                }
            }
        }
    }
}
