//! Running no-op scripts, two at a time: bare processes, ninja, and a durable run.

use std::io;
use std::path::Path;
use std::process::Command;

use super::measure::{Subject, heading, measure, ratio, row};
use super::{Bench, graphs};
use crate::steps;

impl Bench {
    pub fn run(&self, tasks: &[usize]) -> io::Result<()> {
        steps::ensure("ninja", &["ninja-build"]).map_err(io::Error::other)?;
        for &count in tasks {
            self.run_shape("fan-out", count, graphs::Shape::FanOut)?;
            self.run_shape("chain", count, graphs::Shape::Chain)?;
        }
        Ok(())
    }

    fn run_shape(&self, name: &str, count: usize, shape: graphs::Shape) -> io::Result<()> {
        let graph = graphs::shaped(count, shape);
        let (plan, ninja) = (self.path(&format!("{name}.plan")), self.path(&format!("{name}.ninja")));
        std::fs::write(&plan, graph.plan())?;
        std::fs::write(&ninja, graph.ninja())?;
        heading(&format!("run {count} no-op tasks, {name}, two at a time"));
        // A chain has nothing to do at the same time.
        let width = if matches!(shape, graphs::Shape::Chain) {
            "1"
        } else {
            "2"
        };
        let mut subjects = vec![
            Subject::new("posix_spawn of the same shells", || {
                let mut command = Command::new(self.release.join("spawn-floor"));
                command.args([count.to_string().as_str(), width]);
                Ok(command)
            }),
            Subject::new("ninja -j2", || {
                remove(&self.path(".ninja_log"))?;
                let mut command = Command::new("ninja");
                command.arg("-f").arg(&ninja).args(["-j2", "--quiet"]);
                Ok(command)
            }),
        ];
        for durability in ["process", "power"] {
            let plan = &plan;
            subjects.push(Subject::new(format!("dslc run --durability {durability}"), move || {
                let store = self.path("store");
                if store.exists() {
                    std::fs::remove_dir_all(&store)?;
                }
                let mut command = self.dslc();
                command
                    .arg("run")
                    .arg(plan)
                    .args(["--parallel", "2", "--quiet", "--durability", durability]);
                command.arg("--store").arg(store);
                Ok(command)
            }));
        }
        let costs = measure(self.dir.path(), self.repeat, &mut subjects)?;
        for (at, (subject, &cost)) in subjects.iter().zip(&costs).enumerate() {
            row(&subject.name, cost, costs[0], count);
            if at >= 2 {
                println!("  {:<54} {:>9.2}×", "  … against ninja", ratio(cost, costs[1]));
            }
        }
        Ok(())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
