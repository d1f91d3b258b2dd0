//! The README's example is real: its plan, and what `dslc check` prints for it.

use plan_tests::{Project, root};

#[test]
fn the_readme_shows_what_check_really_prints() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let plan = fenced(&readme, "plan").expect("a plan block");
    let console = fenced(&readme, "console").expect("a console block");
    let (command, expected) = console.split_once('\n').expect("a command and its output");
    let args: Vec<&str> = command.trim_start_matches("$ dslc ").split(' ').collect();
    let project = Project::new(&[(args[args.len() - 1], plan)]);
    let output = project.run(&args);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), expected.trim_end());
}

#[test]
fn the_readme_is_one_screen() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    assert!(readme.lines().count() <= 70, "{} lines", readme.lines().count());
}

/// The first block fenced with that word.
fn fenced<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("```{word}\n"))?;
    Some(rest.split_once("```")?.0)
}
