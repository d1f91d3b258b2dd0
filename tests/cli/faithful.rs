//! What is the user's leaves as it came: bytes on standard output, patches, links, files that cannot be read.

use std::process::{Command, Output};

use plan_tests::Project;

/// Escape sequences, control characters and a byte order mark are nobody's business but the author's.
const PAINTED: &str =
    "\u{feff}task a kind:tset\n  run: |\n    printf \"\u{1b}[31mred\u{1b}[0m \u{1} \u{b} \u{7f}\"\n  timeout: 1m\n";

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn no_byte_of_a_script_is_lost_on_the_way_out() {
    let project = Project::new(&[]);
    let formatted = project.run_with_input(&["fmt", "-"], PAINTED.as_bytes());
    assert_eq!(text(&formatted), PAINTED.trim_start_matches('\u{feff}'));
    let repaired = project.run_with_input(&["check", "--fix", "--unsafe-fixes", "-"], PAINTED.as_bytes());
    assert_eq!(text(&repaired), PAINTED.replace("tset", "test"));
    let no_text = b"\xef\xbb\xbftask \xe9\n";
    assert_eq!(
        project.run_with_input(&["check", "--fix", "-"], no_text).stdout,
        no_text
    );

    project.write("a.plan", PAINTED.replace("tset", "test").as_bytes());
    let printed = project.run(&["compile", "a.plan"]);
    project.run(&["compile", "a.plan", "--out", "a.json"]);
    assert_eq!(text(&printed), project.read("a.json"));
}

#[test]
fn patches_are_as_git_reads_them() {
    let carriage = "task a kind:tset\n  run: |\n    printf \"a\rb\"\n  timeout: 1m\n";
    let names = [
        "mark.plan",
        "with spaces.plan",
        "tab\t\"quoted\".plan",
        "carriage.plan",
        "sub/b.plan",
    ];
    let project = Project::new(&[("dslc.toml", "")]);
    for name in names {
        let text = if name == "carriage.plan" { carriage } else { PAINTED };
        project.write(name, text.as_bytes());
    }
    let git = |args: &[&str]| {
        let status = Command::new("git")
            .args(args)
            .current_dir(project.path())
            .status()
            .expect("git starts");
        assert!(status.success(), "{args:?}");
    };
    git(&["init", "--quiet"]);
    let patch = project.run(&["check", "--diff", "--unsafe-fixes"]);
    project.write("fix.patch", &patch.stdout);
    git(&["apply", "fix.patch"]);
    for name in names {
        let text = if name == "carriage.plan" { carriage } else { PAINTED };
        assert_eq!(project.read(name), text.replace("tset", "test"), "{name}");
    }

    project.write("top.plan", PAINTED.as_bytes());
    let below = project
        .command(&["check", "--diff", "--unsafe-fixes"])
        .current_dir(project.path().join("sub"))
        .output()
        .expect("runs");
    assert!(
        text(&below).starts_with("--- a/top.plan\n+++ b/top.plan\n"),
        "{}",
        text(&below)
    );
    let said = String::from_utf8_lossy(&below.stderr).into_owned();
    assert!(said.starts_with("the paths are those below `"), "{said}");
}

#[test]
fn places_behind_a_byte_order_mark_count_it_as_bytes_only() {
    let project = Project::new(&[]);
    project.write("a.plan", PAINTED.as_bytes());
    project.write("b.plan", b"\xef\xbb\xbf# x\n# y\n\xe9\n");
    assert_eq!(
        text(&project.run(&["check", "--format", "short"])),
        "a.plan:1:13: error[unknown-kind]: there is no kind `tset`\n\
         b.plan:3:1: error[not-utf8]: byte 11 is not UTF-8, expected a text file in UTF-8\n"
    );
    let json = text(&project.run(&["check", "--format", "json", "a.plan"]));
    let offset = PAINTED.find("tset").expect("there");
    let start = format!("\"start\":{{\"line\":1,\"column\":13,\"offset\":{offset}}}");
    assert_eq!(
        json.matches(&start).count(),
        2,
        "the place and that of the repair: {json}"
    );
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_does_not_hide_the_rest() {
    use std::os::unix::fs::symlink;
    let project = Project::new(&[("a.plan", "task a kind:tset\n  run: \"x\"\n")]);
    symlink("nowhere", project.path().join("z.plan")).expect("a link");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        project.path().join("pipe.plan"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .expect("a pipe");
    let output = project.run(&["check", "--format", "short"]);
    assert_eq!(
        text(&output),
        "a.plan:1:8: error[unknown-kind]: there is no kind `tset`\n".replace("1:8", "1:13")
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: cannot read `z.plan`: no such file or directory\n"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_written_to_not_replaced() {
    use std::os::unix::fs::symlink;
    let project = Project::new(&[("a.plan", "task a\n  run: \"x\"\n")]);
    symlink("/proc/self/fd/1", project.path().join("out")).expect("a link");
    symlink("later", project.path().join("link")).expect("a link");
    let written = project.run(&["check", "--baseline", "out", "--write-baseline"]);
    assert_eq!(text(&written), "{\"dslc-baseline\":1}\n");
    project.run(&["check", "--baseline", "link", "--write-baseline"]);
    assert_eq!(project.read("later"), "{\"dslc-baseline\":1}\n");
    for link in ["out", "link"] {
        assert!(project.path().join(link).is_symlink(), "{link}");
    }
}

#[test]
fn what_a_baseline_holds_is_not_repaired() {
    let old = "task a kind:tset\n  run: \"x\"\n";
    let project = Project::new(&[("a.plan", old)]);
    project.run(&["check", "--baseline", "known", "--write-baseline"]);
    let output = project.run(&["check", "--baseline", "known", "--diff", "--unsafe-fixes"]);
    assert_eq!((text(&output), output.status.code()), (String::new(), Some(0)));
    let new = format!("{old}  tiemout: 1m\n");
    project.write("a.plan", new.as_bytes());
    project.run(&["check", "--baseline", "known", "--fix", "--unsafe-fixes"]);
    assert_eq!(project.read("a.plan"), new.replace("tiemout", "timeout"));
}

#[test]
fn tests_of_sound_files_run_beside_a_broken_one() {
    let sound = "plan good\n  task a\n    run: \"x\"\n\ntest \"t\" of good\n  mock task a -> { exit: 0 }\n  expect:\n    - run.status == completed\n";
    let project = Project::new(&[("bad.plan", "task a kind:tset\n  run: \"x\"\n"), ("good.plan", sound)]);
    let output = project.run(&["test", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).ends_with("{\"summary\":{\"failed\":0,\"passed\":1}}\n"),
        "{}",
        text(&output)
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.ends_with("1 file with errors, whose tests were not run\n"),
        "{said}"
    );
}

#[test]
fn reserved_words_are_no_names_of_plans() {
    let project = Project::new(&[]);
    for word in ["true", "false", "none", "and", "or", "not", "in", "is", "if", "else"] {
        let output = project.run(&["new", word]);
        assert_eq!(output.status.code(), Some(2), "{word}");
    }
    assert_eq!(std::fs::read_dir(project.path()).expect("a folder").count(), 0);
}

#[test]
fn a_reason_says_something_and_help_has_no_colours_when_told() {
    let project = Project::new(&[]);
    let output = project.run(&["approve", "last", "g", "--as", "role/x", "--because", " "]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.starts_with("error: invalid value ' ' for '--because <WHY>': it is empty, expected why"),
        "{said}"
    );
    let always = text(&project.run(&["--color", "always", "--help"]));
    let never = text(&project.run(&["--help", "--color=never"]));
    assert_eq!((always.contains('\u{1b}'), never.contains('\u{1b}')), (true, false));
}
