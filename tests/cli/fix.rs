//! `dslc check --fix`, `--diff`, `--unsafe-fixes`: what is repaired, what is written, what is left alone.

use plan_tests::{Project, root};

use super::snapshot;

/// Two slips and a missing need; the second read of `build` waits for the name to be right.
const SLIPS: &str = "\
task build
  run: \"echo 1\"

task ship
  needs: biuld
  run: \"true\"

task tell
  run: |
    echo {{ build.stdout }} {{ ship.stdout }}
";

#[test]
fn a_fix_is_written_and_said() {
    let project = Project::new(&[("a.plan", SLIPS), ("b/c.plan", "task a\n  needs: x\n")]);
    snapshot!(project, "check", "--fix", "--format", "short");
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(project.read("a.plan"));
    });
    let again = project.run(&["check", "--fix", "a.plan"]);
    assert_eq!(String::from_utf8_lossy(&again.stderr), "1 file: no problems\n");
    assert_eq!(project.run(&["fmt", "--check", "a.plan"]).status.code(), Some(0));
}

#[test]
fn a_check_says_what_can_be_fixed() {
    let unsure = "task build\n  run: \"true\"\n\ntask ship\n  needs: biuldd\n";
    let project = Project::new(&[("a.plan", SLIPS), ("b.plan", unsure)]);
    let last = |args: &[&str]| {
        let output = project.run(args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(
        last(&["check"]),
        "3 can be fixed with `--fix`, 1 more with `--unsafe-fixes`"
    );
    assert_eq!(last(&["check", "b.plan"]), "1 can be fixed with `--fix --unsafe-fixes`");
}

#[test]
fn a_diff_is_what_fix_would_do_and_a_patch() {
    let project = Project::new(&[("a.plan", SLIPS), ("b/c.plan", &SLIPS.replace("task tell", "task say"))]);
    snapshot!(project, "check", "--diff");
    assert_eq!(project.read("a.plan"), SLIPS, "nothing is written");
    let patch = project.run(&["check", "--diff"]).stdout;
    project.write("fix.patch", &patch);
    let applied = std::process::Command::new("git")
        .args(["apply", "fix.patch"])
        .current_dir(project.path())
        .status()
        .expect("git starts");
    assert!(applied.success());
    let patched = project.read("a.plan");
    project.write("a.plan", SLIPS.as_bytes());
    project.run(&["check", "--fix"]);
    assert_eq!(project.read("a.plan"), patched);
    snapshot!(project, "check", "--diff");
}

#[test]
fn a_guess_is_made_only_when_asked_for() {
    for (written, meant) in [("prod1", "prod2"), ("ab", "abc"), ("depoly-al", "deploy-all")] {
        let text = format!("task {meant}\n  run: \"true\"\n\ntask x\n  needs: {written}\n");
        let project = Project::new(&[("a.plan", &text)]);
        assert_eq!(project.run(&["check", "--fix"]).status.code(), Some(1), "{written}");
        assert_eq!(project.read("a.plan"), text);
        assert_eq!(
            project.run(&["check", "--fix", "--unsafe-fixes"]).status.code(),
            Some(0)
        );
        assert_eq!(
            project.read("a.plan"),
            text.replace(&format!(": {written}"), &format!(": {meant}"))
        );
    }
}

#[test]
fn a_repair_that_would_break_the_graph_is_not_made() {
    let text = "\
task a
  run: |
    echo {{ b.stdout }}

task b
  needs: a
  run: \"true\"

task c
  needs: a
  run: |
    echo {{ b.stdout }}
";
    let project = Project::new(&[("a.plan", text)]);
    snapshot!(project, "check", "--fix", "--format", "short");
    assert!(project.read("a.plan").starts_with("task a\n  run: |\n"), "no loop");
    assert!(
        project.read("a.plan").contains("needs: a, b\n"),
        "the other is repaired"
    );
}

#[test]
fn many_repairs_of_one_task_do_not_disturb_each_other() {
    let mut text: String = (0..20).map(|n| format!("task part{n}\n  run: \"true\"\n\n")).collect();
    text.push_str("task all\n  run: |\n    echo");
    (0..20).for_each(|n| text.push_str(&format!(" {{{{ part{n}.stdout }}}}")));
    text.push('\n');
    let project = Project::new(&[("a.plan", &text)]);
    assert_eq!(project.run(&["check", "--fix"]).status.code(), Some(0));
    assert_eq!(project.run(&["fmt", "--check"]).status.code(), Some(0));
}

#[test]
fn a_misspelt_clause_and_what_it_lacks_are_repaired_one_after_the_other() {
    let text =
        "task a\n  neds: b\n  run: |\n    echo {{ c.stdout }}\n\ntask b\n  run: \"true\"\n\ntask c\n  run: \"true\"\n";
    let project = Project::new(&[("a.plan", text)]);
    assert_eq!(
        project.run(&["check", "--fix", "--unsafe-fixes"]).status.code(),
        Some(0)
    );
    assert!(
        project.read("a.plan").contains("  needs: b, c\n"),
        "one clause, both names"
    );
}

#[test]
fn what_was_not_formatted_is_not_formatted() {
    let text = "task build\n      # deep\n      run:    \"true\"\n\ntask ship\n  needs:   biuld\n";
    let project = Project::new(&[("a.plan", text)]);
    project.run(&["check", "--fix"]);
    assert_eq!(project.read("a.plan"), text.replace("biuld", "build"));
}

#[test]
fn line_ends_marks_links_and_modes_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let text = format!("\u{feff}{}", SLIPS.replace('\n', "\r\n"));
    let project = Project::new(&[("real/a.txt", &text)]);
    let real = project.path().join("real/a.txt");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).expect("a mode");
    symlink("real/a.txt", project.path().join("a.plan")).expect("a link");
    project.run(&["check", "--fix"]);
    let fixed = project.read("real/a.txt");
    assert!(fixed.starts_with("\u{feff}task build\r\n"), "{fixed:?}");
    assert!(
        fixed.contains("needs: build\r\n") && fixed.contains("  needs: build, ship\r\n"),
        "{fixed:?}"
    );
    assert!(!fixed.replace("\r\n", "").contains('\n'), "{fixed:?}");
    assert!(project.path().join("a.plan").is_symlink());
    assert_eq!(
        std::fs::metadata(real).expect("a file").permissions().mode() & 0o777,
        0o640
    );
    assert_eq!(
        std::fs::read_dir(project.path().join("real"))
            .expect("a folder")
            .count(),
        1
    );
}

#[test]
fn tabs_are_repaired_all_at_once() {
    let project = Project::new(&[(
        "a.plan",
        "task a\n\tneeds: b\n\trun: \"true\"\ntask b\n\trun: \"true\"\n",
    )]);
    snapshot!(project, "check", "--fix", "--format", "short");
    assert!(!project.read("a.plan").contains('\t'));
}

#[test]
fn an_import_is_left_alone_unless_it_is_named() {
    let files = [("main.plan", "use \"lib.plan\"\ntask a\n"), ("lib.plan", SLIPS)];
    let project = Project::new(&files);
    assert_eq!(project.run(&["check", "--fix", "main.plan"]).status.code(), Some(1));
    assert_eq!(project.read("lib.plan"), SLIPS);
    project.run(&["check", "--fix", "."]);
    assert_ne!(project.read("lib.plan"), SLIPS);
}

#[test]
fn standard_input_is_repaired_to_standard_output() {
    let project = Project::new(&[]);
    let output = project.run_with_input(&["check", "--fix", "-"], SLIPS.as_bytes());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("task build\n") && text.contains("needs: build\n"),
        "{text}"
    );
    let right = project.run_with_input(&["check", "--fix", "-"], text.as_bytes());
    assert_eq!(right.stdout, output.stdout, "what is right is passed on");
}

#[test]
fn a_file_with_two_names_is_repaired_once() {
    let project = Project::new(&[("a.plan", SLIPS)]);
    std::os::unix::fs::symlink("a.plan", project.path().join("b.plan")).expect("a link");
    assert_eq!(project.run(&["check", "--fix"]).status.code(), Some(0));
    assert_eq!(project.run(&["check", "--deny", "warnings"]).status.code(), Some(0));
}

#[test]
fn fixes_go_with_nothing_that_contradicts_them() {
    let project = Project::new(&[("a.plan", SLIPS)]);
    snapshot!(project, "check", "--fix", "--diff");
    snapshot!(project, "check", "--unsafe-fixes");
}

#[test]
fn the_wrong_examples_of_the_rules_are_not_made_worse() {
    for entry in std::fs::read_dir(root().join("crates/dsl-check/rules"))
        .expect("the pages")
        .flatten()
    {
        let page = std::fs::read_to_string(entry.path()).expect("a page");
        let blocks = plan_tests::blocks(plan_tests::section(&page, "Wrong"));
        let files: Vec<(String, String)> = blocks
            .into_iter()
            .enumerate()
            .map(|(n, (name, text))| (if name.is_empty() { format!("{n}.plan") } else { name }, text))
            .collect();
        let borrowed: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let project = Project::new(&borrowed);
        let errors = || {
            let output = project.run(&["check", "--format", "short"]);
            String::from_utf8_lossy(&output.stdout).matches(": error[").count()
        };
        let before = errors();
        let output = project.run(&["check", "--fix", "--unsafe-fixes"]);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{:?}: {output:?}",
            entry.path()
        );
        assert!(errors() <= before, "{:?}", entry.path());
    }
}
