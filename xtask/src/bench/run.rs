//! Running no-op scripts: bare processes, the same system calls with a sync each, ninja, and a durable run.

use std::io;
use std::path::Path;
use std::process::Command;

use super::graphs::Shape;
use super::measure::{Subject, heading, measure, ratio, row, verdict};
use super::{Bench, graphs};
use crate::steps;

/// With `--durability power`, against the floor that syncs each completion, and against ninja; with `process`, against ninja.
const FLOOR_MOST: f64 = 1.15;
const NINJA_WIDE_MOST: f64 = 1.2;
const NINJA_MOST: f64 = 1.15;
/// Syncs a completion, eight at a time.
const SYNCS_MOST: f64 = 1.0 / 3.0;
/// A figure of more tasks than this is measured twice: it takes its time, and differs little.
const REPEATED_TASKS: usize = 2_000;

impl Bench {
    pub fn run(&self, tasks: &[usize]) -> io::Result<()> {
        steps::ensure("ninja", &["ninja-build"]).map_err(io::Error::other)?;
        for &count in tasks {
            self.run_shape("fan-out", count, Shape::FanOut, 2)?;
            self.run_shape("chain", count, Shape::Chain, 1)?;
            self.run_shape("layers", count, Shape::Layered, 2)?;
            self.run_shape("fan-out", count, Shape::FanOut, 8)?;
        }
        self.empty_run()
    }

    fn run_shape(&self, name: &str, count: usize, shape: Shape, width: usize) -> io::Result<()> {
        let graph = graphs::shaped(count, shape);
        let (plan, ninja) = (self.path(&format!("{name}.plan")), self.path(&format!("{name}.ninja")));
        std::fs::write(&plan, graph.plan())?;
        std::fs::write(&ninja, graph.ninja())?;
        heading(&format!("run {count} no-op tasks, {name}, {width} at a time"));
        let numbers = [count.to_string(), width.to_string()];
        let journal = self.path("floor.journal");
        let jobs = format!("-j{width}");
        let mut subjects = vec![
            Subject::new("posix_spawn of the same shells", || {
                let mut command = Command::new(self.release.join("spawn-floor"));
                command.args(&numbers);
                Ok(command)
            }),
            Subject::new("… with pipes, a journal and a sync each", || {
                remove(&journal)?;
                let mut command = Command::new(self.release.join("durable-floor"));
                command.args(&numbers).arg(&journal);
                Ok(command)
            }),
            Subject::new(format!("ninja {jobs}"), || {
                remove(&self.path(".ninja_log"))?;
                let mut command = Command::new("ninja");
                command.arg("-f").arg(&ninja).args([jobs.as_str(), "--quiet"]);
                Ok(command)
            }),
        ];
        for durability in ["process", "power"] {
            let plan = &plan;
            subjects.push(Subject::new(format!("dslc run --durability {durability}"), move || {
                self.emptied()?;
                let mut command = self.dslc();
                command
                    .arg("run")
                    .arg(plan)
                    .args(["--quiet", "--durability", durability]);
                command
                    .args(["--parallel", &width.to_string()])
                    .arg("--store")
                    .arg(self.store());
                Ok(command)
            }));
        }
        let repeat = if count > REPEATED_TASKS {
            self.repeat.min(2)
        } else {
            self.repeat
        };
        let costs = measure(self.dir.path(), repeat, &mut subjects)?;
        for (subject, &cost) in subjects.iter().zip(&costs) {
            row(&subject.name, cost, costs[0], count);
        }
        drop(subjects);
        let [_, floor, ninja, process, power] = costs[..] else {
            return Ok(());
        };
        verdict("  process against ninja", ratio(process, ninja), NINJA_MOST, "×");
        if width > 2 {
            verdict("  power against ninja", ratio(power, ninja), NINJA_WIDE_MOST, "×");
            verdict("  syncs a completion", self.syncs()? / count as f64, SYNCS_MOST, "");
        } else {
            verdict(
                "  power against the floor that syncs",
                ratio(power, floor),
                FLOOR_MOST,
                "×",
            );
        }
        Ok(())
    }

    /// A run of nothing, and what its syncs alone take.
    fn empty_run(&self) -> io::Result<()> {
        std::fs::write(self.path("empty.plan"), "task a\n")?;
        heading("a run of one task that runs nothing");
        let mut subjects = Vec::new();
        for durability in ["process", "power"] {
            subjects.push(Subject::new(format!("dslc run --durability {durability}"), move || {
                self.emptied()?;
                let mut command = self.dslc();
                command.args(["run", "empty.plan", "--quiet", "--durability", durability]);
                command.arg("--store").arg(self.store());
                Ok(command)
            }));
        }
        let costs = measure(self.dir.path(), self.repeat, &mut subjects)?;
        for (subject, &cost) in subjects.iter().zip(&costs) {
            row(&subject.name, cost, costs[0], 1);
        }
        verdict("  without syncs", costs[0].time.as_secs_f64() * 1e3, 10.0, " ms");
        Ok(())
    }

    pub fn store(&self) -> std::path::PathBuf {
        self.path("store")
    }

    /// The store as it was before the first run.
    pub fn emptied(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(self.store()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// How many writes of the journal of the only run were synced: lines of one sync name the first of them.
    fn syncs(&self) -> io::Result<f64> {
        let text = std::fs::read_to_string(self.only_run()?.join("journal.jsonl"))?;
        let first = |line: &&str| !line.split("\"event\"").next().unwrap_or_default().contains("\"batch\"");
        Ok(text.lines().filter(first).count() as f64)
    }

    pub fn only_run(&self) -> io::Result<std::path::PathBuf> {
        let runs = std::fs::read_dir(self.store().join("runs"))?;
        let run = runs.flatten().next();
        run.map(|run| run.path())
            .ok_or_else(|| io::Error::other("there is no run"))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
