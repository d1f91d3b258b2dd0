//! From an edit to all diagnostics of its file, in process: what an editor waits for.

use std::io;
use std::process::Command;

use super::{Bench, realistic};

/// The 99th percentiles that are the targets, in milliseconds.
const LARGE_MOST: &str = "5";
const FILE_MOST: &str = "1";
const WORKSPACE_MOST: &str = "5";

const WORKSPACE_FILES: usize = 100;

impl Bench {
    /// Edits of a file of `count` tasks, of one of a tenth of that, and of one among a hundred of those.
    pub fn edits(&self, count: usize) -> io::Result<()> {
        let lesser = count / 10;
        self.write("edits/large/0.plan", &realistic::plan(count))?;
        for file in 0..WORKSPACE_FILES {
            self.write(&format!("edits/many/{file}.plan"), &realistic::plan(lesser))?;
        }
        self.write("edits/file/0.plan", &realistic::plan(lesser))?;
        for (folder, what, most) in [
            ("large", format!("a file of {count} tasks"), LARGE_MOST),
            ("file", format!("a file of {lesser} tasks"), FILE_MOST),
            (
                "many",
                format!("one of {WORKSPACE_FILES} files of {lesser} tasks"),
                WORKSPACE_MOST,
            ),
        ] {
            println!("\n  edits of {what}, to all its diagnostics; 99% within {most} ms?");
            let status = Command::new(self.release.join("edit-latency"))
                .args(["--most", most])
                .arg(self.path("edits").join(folder))
                .status()?;
            if !status.success() {
                return Err(io::Error::other("edit-latency failed"));
            }
        }
        Ok(())
    }
}
