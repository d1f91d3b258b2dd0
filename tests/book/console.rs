//! The commands that chapters show are run, in the order of the chapter and in one folder, and print what is shown.
//!
//! A block `plan NAME` is written to that file first. In a `console` block a line `$ COMMAND` is run by a shell, and the lines
//! below it are all that it prints. Runs, times and hashes may differ. `BLESS=1` writes the output anew where more differs.

use std::process::Command;

use plan_tests::{Project, dslc, root};

use super::{BLESS, Fenced, current, fenced, page};

#[test]
fn the_tutorial_prints_what_it_shows() {
    judge("tutorial.md");
}

#[test]
fn the_chapter_on_surviving_prints_what_it_shows() {
    judge("survive.md");
}

#[test]
fn the_chapter_on_what_outlives_a_run_prints_what_it_shows() {
    judge("reuse.md");
}

#[test]
fn the_cookbook_prints_what_it_shows() {
    judge("cookbook.md");
}

/// Runs the blocks of a chapter and compares it with what it would be with their output.
fn judge(name: &str) {
    let text = std::fs::read_to_string(page(name)).expect("a chapter");
    let project = project();
    let mut right = String::new();
    let mut at = 0;
    let mut commands = 0;
    for block in fenced(&text) {
        right.push_str(&text[at..block.start]);
        at = block.start + block.text.len();
        match block.info.split_once(' ') {
            Some(("plan", file)) => project.write(file, block.text.as_bytes()),
            None if block.info == "console" => {
                commands += block.text.lines().filter(|line| line.starts_with("$ ")).count();
                right.push_str(&transcript(&project, &block));
                continue;
            }
            _ => {}
        }
        right.push_str(&block.text);
    }
    right.push_str(&text[at..]);
    assert!(commands > 3, "{name} has only {commands} commands");
    let mut complaints = Vec::new();
    current(name, &right, &mut complaints);
    assert!(complaints.is_empty(), "{name} {BLESS}\n{}", differences(&text, &right));
}

/// With the examples, as the root of the repository has them.
fn project() -> Project {
    let project = Project::new(&[]);
    let examples = root().join("examples");
    for entry in ignore::Walk::new(&examples).flatten() {
        let path = entry.path();
        if let Ok(bytes) = std::fs::read(path) {
            let name = path.strip_prefix(root()).unwrap_or(path).display().to_string();
            project.write(&name, &bytes);
        }
    }
    project
}

/// The block with what its commands print; what is shown stays where only runs, times and hashes differ.
fn transcript(project: &Project, block: &Fenced) -> String {
    let mut right = String::new();
    for command in format!("\n{}", block.text).split("\n$ ").skip(1) {
        let (command, shown) = command.split_once('\n').unwrap_or((command, ""));
        let shown = shown.trim_end();
        let printed = run(project, command);
        let same = project.masked(&printed) == project.masked(shown);
        let output = if same { shown } else { &printed };
        right.push_str(&format!("$ {command}\n{output}"));
        if !output.is_empty() {
            right.push('\n');
        }
    }
    right
}

fn run(project: &Project, command: &str) -> String {
    let mut path = dslc().parent().expect("in a folder").as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let output = Command::new("bash")
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .current_dir(project.path())
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("RUST_BACKTRACE")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("bash starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim_end().to_owned()
}

fn differences(before: &str, after: &str) -> String {
    let lines: Vec<_> = before.lines().collect();
    let new: Vec<_> = after.lines().filter(|line| !lines.contains(line)).collect();
    format!("new lines:\n{}", new.join("\n"))
}
