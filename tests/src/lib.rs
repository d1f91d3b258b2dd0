//! What the tests share: the project's folders, the built binary, and projects that vanish.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use dsl_check::{Diagnostic, Severity, Workspace};
use tempfile::TempDir;

/// The project's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Names another binary to test, an optimised one for the long versions.
const BINARY_VARIABLE: &str = "PLAN_TESTS_DSLC";

/// The binary, built on first use: these tests run what a person runs.
pub fn dslc() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(other) = std::env::var_os(BINARY_VARIABLE) {
            return PathBuf::from(other);
        }
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "dslc"])
            .current_dir(root())
            .status()
            .expect("cargo starts");
        assert!(built.success(), "dslc does not build");
        // The test itself is target/debug/deps/it-….
        let test = std::env::current_exe().expect("a test knows where it is");
        let profile = test.ancestors().nth(2).expect("below target/PROFILE/deps");
        profile.join("dslc")
    })
}

/// A folder with plans that vanishes at the end of the test.
pub struct Project {
    dir: TempDir,
}

impl Project {
    /// One with the files given as path and text.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            dir: tempfile::tempdir().expect("a temporary folder"),
        };
        for (path, text) in files {
            project.write(path, text.as_bytes());
        }
        project
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("below the project")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).unwrap_or_default()
    }

    /// `dslc` in this folder, with nothing of the caller's terminal.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(dslc());
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            // whether it is installed is nothing that snapshots should depend on
            .env("DSLC_SHELLCHECK", "")
            .env_remove("RUST_BACKTRACE");
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("dslc starts")
    }

    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dslc starts");
        // dslc may end without reading all of it.
        let _ = child.stdin.take().expect("piped").write_all(input);
        child.wait_with_output().expect("dslc ends")
    }

    /// What a command printed and how it ended, as one text to compare: folders, ids, times and hashes are masked.
    pub fn transcript(&self, args: &[&str]) -> String {
        self.masked(&transcript(args, &self.run(args)))
    }

    pub fn masked(&self, text: &str) -> String {
        mask(&text.replace(&self.path().display().to_string(), "[folder]"))
    }
}

fn transcript(args: &[&str], output: &Output) -> String {
    let mut text = format!("$ dslc {}\n", args.join(" "));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text.push_str(&format!("--- {name}\n{}", String::from_utf8_lossy(bytes)));
            if !text.ends_with('\n') {
                text.push_str("[no newline]\n");
            }
        }
    }
    text.push_str(&format!(
        "--- exit {}\n",
        output
            .status
            .code()
            .map_or("by a signal".to_owned(), |code| code.to_string())
    ));
    text
}

/// What differs from run to run.
fn mask(text: &str) -> String {
    static MASKS: OnceLock<Vec<(regex::Regex, &str)>> = OnceLock::new();
    let masks = MASKS.get_or_init(|| {
        [
            (r"\b[0-9a-f]{64}\b", "[hash]"),
            (r"\b\d{4}-\d{2}-\d{2}-\d{6}-[2-9a-z]{4}\b", "[run]"),
            (r"process \d+", "process [pid]"),
            (r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", "[time]"),
            (
                r#""(duration_ms|time_ms|pid|pid_started|supervisor_pid|supervisor_started|seed)":-?\d+"#,
                r#""$1":0"#,
            ),
            (r" *\b\d+(\.\d+)? ?(ms|s)\b", " [duration]"),
        ]
        .map(|(pattern, with)| (regex::Regex::new(pattern).expect("a pattern of ours"), with))
        .into()
    });
    masks.iter().fold(text.to_owned(), |text, (pattern, with)| {
        pattern.replace_all(&text, *with).into_owned()
    })
}

/// What stands below a Markdown heading of the second level, up to the next.
pub fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = format!("## {heading}\n");
    let Some((_, rest)) = page.split_once(&start) else {
        return "";
    };
    rest.split("\n## ").next().unwrap_or_default()
}

/// The `plan` blocks of a piece of Markdown: the name after the word, and the text.
pub fn blocks(markdown: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```plan") else {
            continue;
        };
        let text: String = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .map(|line| format!("{line}\n"))
            .collect();
        blocks.push((info.trim().to_owned(), text));
    }
    blocks
}

fn workspace(files: &[(String, String)]) -> Workspace {
    let mut workspace = Workspace::new("/project");
    for (name, text) in files {
        workspace.set_file(name, text.as_bytes());
    }
    workspace
}

/// What the checker says about some files, hints included.
pub fn check(files: &[(String, String)]) -> Vec<Diagnostic> {
    let workspace = workspace(files);
    workspace
        .files()
        .iter()
        .flat_map(|path| workspace.diagnostics(path))
        .collect()
}

/// What it says when the first plan of the first file is to be run, under a profile or none.
pub fn check_to_run(files: &[(String, String)], profile: Option<&str>) -> Vec<Diagnostic> {
    let workspace = workspace(files);
    let mut found = check(files);
    if let Some((first, _)) = files.first() {
        let plan = workspace.plans(Path::new(first)).first().map(|plan| plan.name.clone());
        found.extend(workspace.run_problems(Path::new(first), plan.as_deref(), profile));
    }
    found
}

/// What the checker says about some files, without hints.
pub fn found(files: &[(String, String)]) -> Vec<Diagnostic> {
    check(files)
        .into_iter()
        .filter(|diagnostic| diagnostic.severity != Severity::Hint)
        .collect()
}
