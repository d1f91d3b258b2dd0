//! `dslc check --watch`: one check for each burst of changes, until Ctrl-C.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use plan_tests::Project;
use rustix::process::{Pid, Signal, kill_process};

use super::snapshot;

/// A watching `dslc`, whose lines come one by one; stopped when the test ends, however it ends.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn new(project: &Project, args: &[&str]) -> Self {
        let args = [&["check", "--watch", "--format", "short"], args].concat();
        let mut child = project
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dslc starts");
        let (sender, lines) = channel();
        let out = child.stdout.take().expect("piped");
        let err = child.stderr.take().expect("piped");
        for stream in [Box::new(out) as Box<dyn std::io::Read + Send>, Box::new(err)] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let lines = BufReader::new(stream).lines().map_while(Result::ok);
                lines.for_each(|line| _ = sender.send(line));
            });
        }
        Self { child, lines }
    }

    /// The lines up to the next wait, in no order between the two streams.
    fn round(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(30)).expect("a line");
            if line.starts_with("waiting for changes") {
                // What the other stream has said before may still be on its way.
                while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(300)) {
                    lines.push(line);
                }
                return lines;
            }
            lines.push(line);
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_change_is_checked_until_ctrl_c() {
    let project = Project::new(&[("a.plan", "task a\n  needs: gone\n"), ("notes.txt", "")]);
    let mut watching = Watching::new(&project, &[]);
    assert!(watching.round()[0].starts_with("a.plan:2:10: error[unresolved-name]"));
    project.write("a.plan", b"task a\n");
    assert!(watching.round().is_empty(), "nothing is wrong, and nothing is cleared");
    project.write("notes.txt", b"no plan");
    project.write("new/b.plan", b"task b\n  needs: lost\n");
    let found = watching.round();
    assert!(
        found.iter().any(|line| line.starts_with("new/b.plan:2:10: error")),
        "{found:?}"
    );
    let pid = i32::try_from(watching.child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process");
    kill_process(pid, Signal::INT).expect("it runs");
    assert_eq!(watching.child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn an_import_is_watched_too() {
    let files = [
        ("flows/dslc.toml", ""),
        ("flows/main.plan", "use \"../lib/types.plan\"\ntask a\n"),
        ("lib/types.plan", "type A\n  x: int\n"),
    ];
    let project = Project::new(&files);
    let watching = Watching::new(&project, &["flows/main.plan"]);
    assert_eq!(watching.round(), [""; 0]);
    project.write("lib/types.plan", b"type A\n  x: Nothing\n");
    assert!(watching.round()[0].contains("lib/types.plan:2:6: error"));
}

#[test]
fn what_cannot_be_watched() {
    let project = Project::new(&[]);
    snapshot!(project, "check", "--watch", "-");
    snapshot!(project, "check", "--watch", "--fix");
}
