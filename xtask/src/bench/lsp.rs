//! `dslc lsp` as an editor has it: over the wire, in large documents, in a large workspace, and through a long day.

use std::io;
use std::process::Command;

use super::{Bench, realistic};

/// The 99th percentiles that are the targets, in milliseconds: changes, completion, hover, definition, tokens.
const FILE_MOST: [&str; 5] = ["10", "10", "5", "5", "20"];
/// … of ten times the tasks, without tokens.
const LARGE_MOST: [&str; 4] = ["25", "25", "25", "25"];
const RENAME_MOST: &str = "50";

const TASKS: usize = 1_000;
const WORKSPACE_FILES: usize = 100;
const CHANGES: &str = "30000";

impl Bench {
    pub fn lsp(&self) -> io::Result<()> {
        let file = self.write("lsp/file/0.plan", &realistic::plan(TASKS))?;
        let large = self.write("lsp/large/0.plan", &realistic::plan(10 * TASKS))?;
        let used = self.write("lsp/used/0.plan", &used_everywhere(TASKS))?;
        // elsewhere: what is below `target` is no part of a workspace, because git ignores it
        let workspace = tempfile::tempdir()?;
        for number in 0..WORKSPACE_FILES {
            let path = workspace.path().join(format!("{number:03}.plan"));
            std::fs::write(path, realistic::plan(TASKS))?;
        }
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!(
            "\n  the machine's load: {}",
            load.split(' ').next().unwrap_or("unknown")
        );
        let server = self.release.join("dslc");
        let measured = |what: &str, path, rest: &[&str]| {
            let mut command = Command::new(self.release.join("lsp-latency"));
            command.arg(what).arg(&server).arg(path).args(rest);
            // what shellcheck says comes later, and costs a process of its own
            match command.env("DSLC_SHELLCHECK", "").status()?.success() {
                true => Ok(()),
                false => Err(io::Error::other("lsp-latency failed")),
            }
        };
        measured("requests", file.clone(), &FILE_MOST)?;
        measured("rename", used, &[RENAME_MOST])?;
        measured("requests", large, &LARGE_MOST)?;
        measured("workspace", workspace.path().to_path_buf(), &[])?;
        measured("long", file, &[CHANGES])
    }
}

/// A task that all others need.
fn used_everywhere(count: usize) -> String {
    let users = (0..count)
        .map(|task| format!("\n  task t{task} \"Task\"\n    needs: first\n    run: \"true\"\n    timeout: 1m\n"));
    let head =
        "plan used \"One task is needed by all\"\n\n  task first \"First\"\n    run: \"true\"\n    timeout: 1m\n"
            .to_owned();
    std::iter::once(head).chain(users).collect()
}
