//! What comes after a run or a crash: resuming, replaying, the engine alone, and real workflows.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::measure::{Subject, heading, measure, row, verdict};
use super::{Bench, graphs};

/// From the start of `resume` to its first task, by tasks of the run, in milliseconds.
const RESUME_MOST: &[(usize, f64)] = &[(1_000, 100.0), (10_000, 100.0), (100_000, 300.0)];
/// A replay, for as many events.
const REPLAY_MOST_MS: f64 = 500.0;
const REPLAY_EVENTS: f64 = 100_000.0;
/// At a time, for real workflows, and how long each should take.
const WORKFLOW_PARALLEL: &str = "8";
const WORKFLOW_SECONDS: &str = "8";

impl Bench {
    pub fn recovery(&self, tasks: &[usize]) -> io::Result<()> {
        for &count in tasks {
            self.resume(count)?;
            self.replay(count)?;
        }
        Ok(())
    }

    /// Half of the tasks have ended when the driver is killed. Each resume finds the store as the kill left it.
    fn resume(&self, count: usize) -> io::Result<()> {
        heading(&format!("from kill -9 to the first task, {count} tasks"));
        std::fs::write(
            self.path("half.plan"),
            graphs::shaped(count, graphs::Shape::FanOut).plan(),
        )?;
        self.emptied()?;
        self.until(count / 2, &["run", "half.plan", "--durability", "process"])?;
        let left = self.path("left");
        std::fs::rename(self.store(), &left)?;
        let mut fastest = f64::INFINITY;
        for _ in 0..self.repeat {
            self.emptied()?;
            copy(&left, &self.store())?;
            fastest = fastest.min(self.until(0, &["resume", "last"])?.as_secs_f64() * 1e3);
        }
        std::fs::remove_dir_all(&left)?;
        let most = RESUME_MOST
            .iter()
            .find(|(tasks, _)| *tasks >= count)
            .map_or(300.0, |(_, most)| *most);
        verdict("  dslc resume", fastest, most, " ms");
        Ok(())
    }

    /// Kills `dslc` once it has said that so many tasks ended, and another started; how long that took.
    fn until(&self, ended: usize, args: &[&str]) -> io::Result<Duration> {
        let clock = Instant::now();
        let mut child = self
            .dslc()
            .args(args)
            .args(["--format", "json", "--store"])
            .arg(self.store())
            .current_dir(self.dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let mut left = ended;
        for line in BufReader::new(out).lines() {
            let line = line?;
            left -= usize::from(left > 0 && line.contains("\"notice\":\"completed\""));
            if left == 0 && line.contains("\"notice\":\"started\"") {
                break;
            }
        }
        let time = clock.elapsed();
        child.kill()?;
        child.wait()?;
        Ok(time)
    }

    /// Replays a whole run.
    fn replay(&self, count: usize) -> io::Result<()> {
        self.emptied()?;
        std::fs::write(
            self.path("all.plan"),
            graphs::shaped(count, graphs::Shape::FanOut).plan(),
        )?;
        let ran = self
            .dslc()
            .args(["run", "all.plan", "--quiet", "--durability", "process", "--store"])
            .arg(self.store())
            .current_dir(self.dir.path())
            .status()?;
        if !ran.success() {
            return Err(io::Error::other("the run to replay failed"));
        }
        let events = std::fs::read_to_string(self.only_run()?.join("journal.jsonl"))?
            .lines()
            .count();
        heading(&format!("replay {events} events"));
        let mut subjects = vec![Subject::new("dslc replay", || {
            let mut command = self.dslc();
            command.args(["replay", "last", "--store"]).arg(self.store());
            Ok(command)
        })];
        let costs = measure(self.dir.path(), self.repeat, &mut subjects)?;
        row("dslc replay", costs[0], costs[0], count);
        let most = REPLAY_MOST_MS * (events as f64 / REPLAY_EVENTS).max(0.1);
        verdict("  as many events", costs[0].time.as_secs_f64() * 1e3, most, " ms");
        Ok(())
    }

    pub fn engine(&self, tasks: &[usize]) -> io::Result<()> {
        heading("the engine alone");
        for &count in tasks {
            let mut command = std::process::Command::new(self.release.join("engine-rate"));
            command.arg(count.to_string()).status()?;
        }
        Ok(())
    }

    pub fn workflows(&self, folder: &Path) -> io::Result<()> {
        heading(&format!("real workflows, {WORKFLOW_PARALLEL} at a time"));
        let mut files: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|item| item.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        for file in files {
            std::process::Command::new(self.release.join("workflow"))
                .arg(self.release.join("dslc"))
                .arg(file)
                .args([WORKFLOW_PARALLEL, WORKFLOW_SECONDS])
                .status()?;
        }
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let copied = std::process::Command::new("cp").arg("-a").args([from, to]).status()?;
    match copied.success() {
        true => Ok(()),
        false => Err(io::Error::other("cannot copy the store")),
    }
}
