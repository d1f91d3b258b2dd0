//! `fmt`, `compile`, `graph`, `explain`, `completions`, `man`, `--help`.

use plan_tests::{Project, root};

use super::snapshot;

const PLAN: &str = "\
plan release \"Ship \\\"it\\\"\"
  params:
    fast: bool = false
  task build \"Build\" kind:implement
    run: \"echo 1\"
    on failure -> tell
  task test kind:test
    needs: build
    run: \"true\"
    optional: true
  gate sound
    needs: build, test?
    checks:
      - build.exit == 0
  decision how
    needs: sound
    when params.fast -> quick
    else -> slow
  task quick
    run: \"true\"
    fallback: slow-again
  task slow
    run: \"true\"
  task slow-again
    run: \"true\"
  task done
    needs: any(quick, slow)
  task tell
    run: \"true\"
";

#[test]
fn graphs_for_other_programs() {
    let project = Project::new(&[("a.plan", PLAN)]);
    snapshot!(project, "graph", "a.plan");
    snapshot!(project, "graph", "a.plan", "--format", "dot");
    snapshot!(project, "graph", "a.plan", "--format", "json");
}

#[test]
fn compile_writes_one_canonical_line_or_a_readable_form() {
    let project = Project::new(&[("a.plan", "task a \"A\"\n  run: \"echo 1\"\n  timeout: 1m\n")]);
    snapshot!(project, "compile", "a.plan");
    snapshot!(project, "compile", "a.plan", "--pretty");
    snapshot!(project, "compile", "a.plan", "--out", "a.json");
    let canonical = project.run(&["compile", "a.plan"]).stdout;
    assert_eq!(project.read("a.json").as_bytes(), canonical);
}

#[test]
fn fmt_lists_what_differs_then_formats_it_once() {
    let project = Project::new(&[
        ("a.plan", "task a   \"A\"\n    # why\n    run:   \"true\"\n"),
        ("b.plan", "task a\n  run: \"true\"\n"),
    ]);
    snapshot!(project, "fmt", "--check");
    snapshot!(project, "fmt");
    snapshot!(project, "fmt", "--check");
    assert!(project.read("a.plan").contains("# why"));
}

#[test]
fn fmt_leaves_broken_text_alone() {
    let broken = "task a\n   run: (\n";
    let project = Project::new(&[("a.plan", broken)]);
    snapshot!(project, "fmt");
    assert_eq!(project.read("a.plan"), broken);
}

#[test]
fn fmt_is_a_filter_too() {
    let output = Project::new(&[]).run_with_input(&["fmt", "-"], b"task a\n    run:   \"true\"\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "task a\n  run: \"true\"\n");
}

#[test]
fn all_examples_are_formatted_but_the_sketch_which_is_kept_word_for_word() {
    let project = Project::new(&[]);
    let examples = root().join("examples");
    let output = project.run(&["fmt", "--check", &examples.display().to_string()]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{}\n", examples.join("sketch.plan").display())
    );
}

#[test]
fn all_examples_check_without_errors() {
    let project = Project::new(&[]);
    let output = project.run(&[
        "check",
        "--format",
        "short",
        &root().join("examples").display().to_string(),
    ]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    // what must not be done twice has no route for doubt there: that is a warning by design
    assert!(
        text.lines().all(|line| line.contains(": warning[unhandled-doubt]:")),
        "{text}"
    );
}

#[test]
fn explain_prints_every_page_and_the_list() {
    let project = Project::new(&[]);
    let list = String::from_utf8(project.run(&["explain"]).stdout).expect("text");
    for rule in dsl_check::rules::RULES {
        assert!(list.contains(rule.name), "the list lacks {}", rule.name);
    }
    let page = String::from_utf8(project.run(&["explain", "dependency-cycle"]).stdout).expect("text");
    assert!(page.contains("Wrong") && page.contains("Right"), "{page}");
}

#[test]
fn completions_and_manual_pages_are_made() {
    let project = Project::new(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let output = project.run(&["completions", shell]);
        assert!(output.status.success() && output.stdout.len() > 1000, "{shell}");
        assert!(
            !String::from_utf8_lossy(&output.stdout).contains("__supervise"),
            "{shell}"
        );
    }
    let page = project.run(&["man", "run"]);
    assert!(
        String::from_utf8_lossy(&page.stdout).starts_with(".ie"),
        "{}",
        String::from_utf8_lossy(&page.stdout)
    );
    assert_eq!(project.run(&["man", "__supervise"]).status.code(), Some(2));
}

#[test]
fn help_lists_what_there_is_and_nothing_else() {
    snapshot!(Project::new(&[]), "--help");
    snapshot!(Project::new(&[]), "help", "run");
}
