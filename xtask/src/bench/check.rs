//! `dslc check` in a fresh process, against the checkers of other workflow languages on graphs of as many jobs.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::{Cost, Subject, heading, measure, ratio, row, size, verdict};
use super::{Bench, graphs, realistic};
use crate::steps;

/// The targets: how much time against actionlint, …
const SMALL_MOST: f64 = 1.0;
const REALISTIC_MOST: f64 = 2.0;
/// … how much memory, …
const MB_MOST: f64 = 100.0;
const TASK_KB_MOST: f64 = 5.0;
/// … and how much more time for ten times the tasks.
const TENFOLD_MOST: f64 = 11.0;

/// In how many files the workspaces are.
const FILES: usize = 10;
const MANY_FILES: usize = 100;

impl Bench {
    /// Checks of `count` tasks, and of ten times as many.
    pub fn check(&self, count: usize) -> io::Result<()> {
        let layered = graphs::shaped(count, graphs::Shape::Layered);
        let mut subjects = self.peers(&layered)?;
        let peers = subjects.len();
        let has_actionlint = peers > 0 && subjects[0].name.starts_with("actionlint");
        let small = self.write("small.plan", &layered.small_plan())?;
        let rich = self.write("realistic.plan", &realistic::plan(count))?;
        subjects.push(self.dslc_check("small tasks", &small)?);
        subjects.push(self.dslc_check("realistic tasks", &rich)?);
        let one = self.write("one.plan", &realistic::plan(1))?;
        subjects.push(self.dslc_check("one task", &one)?);
        heading(&format!("check {count} tasks, cold"));
        let costs = measure(self.dir.path(), self.repeat, &mut subjects)?;
        for (subject, &cost) in subjects.iter().zip(&costs) {
            row(&subject.name, cost, costs[0], count);
        }
        drop(subjects);
        let (small, rich, one) = (costs[peers], costs[peers + 1], costs[peers + 2]);
        if has_actionlint {
            verdict("small, against actionlint", ratio(small, costs[0]), SMALL_MOST, "×");
            verdict(
                "realistic, against actionlint",
                ratio(rich, costs[0]),
                REALISTIC_MOST,
                "×",
            );
        }
        verdict("realistic, peak memory", rich.memory as f64 / 1e6, MB_MOST, " MB");
        // what the program itself takes is in the peak, not in what each further task costs
        let a_task = rich.memory.saturating_sub(one.memory) as f64 / 1e3 / count as f64;
        verdict("realistic, memory for each further task", a_task, TASK_KB_MOST, " KB");
        self.shapes(count, small)?;
        self.tenfold(count, small, rich)
    }

    /// Small tasks in other shapes.
    fn shapes(&self, count: usize, layered: Cost) -> io::Result<()> {
        heading(&format!("check {count} small tasks of other shapes"));
        row("layers, two needs each", layered, layered, count);
        for (name, shape) in [
            ("a chain", graphs::Shape::Chain),
            ("a fan", graphs::Shape::FanOut),
            ("layers, eight needs each", graphs::Shape::Dense),
        ] {
            let path = self.write("shape.plan", &graphs::shaped(count, shape).small_plan())?;
            let mut subjects = [self.dslc_check(name, &path)?];
            let costs = measure(self.dir.path(), self.repeat, &mut subjects)?;
            row(&subjects[0].name, costs[0], layered, count);
        }
        Ok(())
    }

    /// Ten times as much, in a few large files and in many smaller ones.
    fn tenfold(&self, count: usize, small: Cost, rich: Cost) -> io::Result<()> {
        let all = count * FILES;
        heading(&format!("check {all} tasks, cold"));
        let layered = graphs::shaped(count, graphs::Shape::Layered).small_plan();
        let lesser = graphs::shaped(all / MANY_FILES, graphs::Shape::Layered).small_plan();
        for (name, folder, text, files, floor) in [
            ("small", "small", &layered, FILES, small),
            ("realistic", "realistic", &realistic::plan(count), FILES, rich),
            ("small", "many", &lesser, MANY_FILES, small),
        ] {
            for file in 0..files {
                self.write(&format!("{folder}/{file}.plan"), text)?;
            }
            let path = self.path(folder);
            let mut subjects = [self.dslc_check(&format!("{name} tasks in {files} files"), &path)?];
            let cost = measure(self.dir.path(), self.repeat.min(3), &mut subjects)?[0];
            row(&subjects[0].name, cost, floor, all);
            verdict("  … against a tenth of them", ratio(cost, floor), TENFOLD_MOST, "×");
            std::fs::remove_dir_all(path)?;
        }
        Ok(())
    }

    fn dslc_check(&self, what: &str, path: &Path) -> io::Result<Subject<'_>> {
        // by name: git ignores the folder that all of this is in, and so does a walk
        let files = match path.is_dir() {
            true => std::fs::read_dir(path)?
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<Vec<_>>>()?,
            false => vec![path.to_owned()],
        };
        Ok(Subject::new(
            format!("dslc check, {what} ({})", size(path)?),
            move || {
                let mut command = self.dslc();
                command.arg("check").args(&files).env("DSLC_SHELLCHECK", "");
                Ok(command)
            },
        ))
    }

    /// Those that can be had, actionlint first.
    fn peers(&self, graph: &graphs::Graph) -> io::Result<Vec<Subject<'_>>> {
        let mut subjects = Vec::new();
        match self.actionlint() {
            Ok(program) => {
                let path = self.write(".github/workflows/generated.yml", &graph.workflow())?;
                let name = format!("actionlint ({})", size(&path)?);
                subjects.push(Subject::new(name, move || {
                    let mut command = Command::new(&program);
                    // its own rules only, as shellcheck would take minutes
                    command.args(["-no-color", "-shellcheck=", "-pyflakes="]).arg(&path);
                    Ok(command)
                }));
            }
            Err(why) => println!("not compared with actionlint: {why}"),
        }
        match self.sprocket() {
            Some(Ok(program)) => {
                let path = self.write("generated.wdl", &graph.wdl())?;
                let name = format!("sprocket check ({})", size(&path)?);
                subjects.push(Subject::new(name, move || {
                    let mut command = Command::new(&program);
                    command.args(["check", "--quiet"]).arg(&path);
                    Ok(command)
                }));
            }
            Some(Err(why)) => println!("not compared with sprocket: {why}"),
            None => {}
        }
        match steps::ensure("ninja", &["ninja-build"]) {
            Ok(()) => {
                let path = self.write("generated.ninja", &graph.ninja())?;
                subjects.push(Subject::new(
                    "ninja -n, which checks nothing but the graph",
                    move || {
                        let mut command = Command::new("ninja");
                        command.arg("-f").arg(&path).arg("-n");
                        Ok(command)
                    },
                ));
            }
            Err(why) => println!("not compared with ninja: {why}"),
        }
        Ok(subjects)
    }

    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text)?;
        Ok(path)
    }
}
