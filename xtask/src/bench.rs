//! `cargo xtask bench`: ratios against ninja and bare processes, all measured in one run on one machine.
//!
//! Every graph is generated twice, as a plan and as `build.ninja`. Figures are medians; only the ratios mean something
//! elsewhere. Absent: a history of figures, thresholds.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

use crate::steps;

mod graphs;

/// What one command cost.
#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    /// The largest resident set of the process or one of its children, in bytes.
    memory: u64,
}

/// The programs that are compared, and a folder to do it in.
struct Bench {
    dslc: PathBuf,
    floor: PathBuf,
    dir: tempfile::TempDir,
    repeat: usize,
}

pub fn bench(root: &Path, tasks: &[usize], repeat: usize) -> ExitCode {
    match prepare(root, repeat).and_then(|bench| bench.all(tasks).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(root: &Path, repeat: usize) -> Result<Bench, String> {
    steps::ensure("ninja", &["ninja-build"])?;
    println!("building the release binaries");
    let built = Command::new(steps::cargo())
        .args([
            "build",
            "--release",
            "--quiet",
            "--package",
            "dslc",
            "--package",
            "plan-benches",
        ])
        .current_dir(root)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("the release build failed".to_owned());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    // On the disk that the project is on: what a sync costs is part of the figure.
    let dir = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(&target)
        .map_err(|error| error.to_string())?;
    let release = target.join("release");
    Ok(Bench {
        dslc: release.join("dslc"),
        floor: release.join("spawn-floor"),
        dir,
        repeat,
    })
}

impl Bench {
    fn all(&self, tasks: &[usize]) -> io::Result<()> {
        println!(
            "medians of {} runs; `×` is the ratio to the first line of its group",
            self.repeat
        );
        for &count in tasks {
            self.check(count)?;
        }
        for &count in tasks {
            self.run("fan-out", count, graphs::Shape::FanOut)?;
            self.run("chain", count, graphs::Shape::Chain)?;
        }
        Ok(())
    }

    /// Reading and checking a graph in a fresh process, against `ninja -n` on the same graph.
    fn check(&self, count: usize) -> io::Result<()> {
        let graph = graphs::layered(count);
        let (plan, ninja) = self.write("check", &graph)?;
        let rich = self.dir.path().join(format!("realistic-{count}.plan"));
        std::fs::write(&rich, graphs::realistic(count))?;
        heading(&format!("check {count} tasks, cold"));
        let floor = self.measure(|| Ok(self.ninja(&ninja, &["-n"])))?;
        row("ninja -n", floor, floor);
        let check = |path: &Path| {
            let mut command = Command::new(&self.dslc);
            command.arg("check").arg(path);
            command
        };
        row(
            &format!("dslc check, the same graph ({})", size(&plan)?),
            self.measure(|| Ok(check(&plan)))?,
            floor,
        );
        row(
            &format!("dslc check, a realistic plan ({})", size(&rich)?),
            self.measure(|| Ok(check(&rich)))?,
            floor,
        );
        Ok(())
    }

    /// Running no-op scripts, two at a time: bare processes, ninja, and a durable run.
    fn run(&self, name: &str, count: usize, shape: graphs::Shape) -> io::Result<()> {
        let graph = graphs::shaped(count, shape);
        let (plan, ninja) = self.write(name, &graph)?;
        heading(&format!("run {count} no-op tasks, {name}, two at a time"));
        // A chain has nothing to do at the same time.
        let width = if matches!(shape, graphs::Shape::Chain) {
            "1"
        } else {
            "2"
        };
        let floor = self.measure(|| {
            let mut command = Command::new(&self.floor);
            command.args([count.to_string().as_str(), width]);
            Ok(command)
        })?;
        row("posix_spawn of the same shells", floor, floor);
        let peer = self.measure(|| {
            remove(&self.dir.path().join(".ninja_log"))?;
            Ok(self.ninja(&ninja, &["-j2", "--quiet"]))
        })?;
        row("ninja -j2", peer, floor);
        for durability in ["process", "power"] {
            let cost = self.measure(|| {
                let store = self.dir.path().join("store");
                if store.exists() {
                    std::fs::remove_dir_all(&store)?;
                }
                let mut command = Command::new(&self.dslc);
                command
                    .arg("run")
                    .arg(&plan)
                    .args(["--parallel", "2", "--quiet", "--durability", durability]);
                command.arg("--store").arg(store);
                Ok(command)
            })?;
            row(&format!("dslc run --durability {durability}"), cost, floor);
            println!("  {:<54} {:>9.2}×", "  … against ninja", ratio(cost, peer));
        }
        Ok(())
    }

    fn write(&self, name: &str, graph: &graphs::Graph) -> io::Result<(PathBuf, PathBuf)> {
        let plan = self.dir.path().join(format!("{name}.plan"));
        let ninja = self.dir.path().join(format!("{name}.ninja"));
        std::fs::write(&plan, graph.plan())?;
        std::fs::write(&ninja, graph.ninja())?;
        Ok((plan, ninja))
    }

    fn ninja(&self, file: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("ninja");
        command.arg("-f").arg(file).args(args);
        command
    }

    /// The median by time of `repeat` measurements of the command that `make` prepares.
    fn measure(&self, mut make: impl FnMut() -> io::Result<Command>) -> io::Result<Cost> {
        let mut costs = Vec::with_capacity(self.repeat);
        for _ in 0..self.repeat {
            let mut command = make()?;
            costs.push(cost(command.current_dir(self.dir.path()))?);
        }
        costs.sort_by_key(|cost| cost.time);
        Ok(costs[costs.len() / 2])
    }
}

fn cost(command: &mut Command) -> io::Result<Cost> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let used = child.wait4()?;
    let time = started.elapsed();
    if !used.status.success() {
        return Err(io::Error::other(format!("{command:?} ended with {}", used.status)));
    }
    Ok(Cost {
        time,
        memory: used.rusage.maxrss,
    })
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn heading(text: &str) {
    println!("\n  {text:<54} {:>10} {:>12} {:>10}", "×", "ms", "peak MB");
}

fn row(name: &str, cost: Cost, floor: Cost) {
    let ms = cost.time.as_secs_f64() * 1e3;
    println!(
        "  {name:<54} {:>9.2}× {ms:>12.1} {:>10.1}",
        ratio(cost, floor),
        cost.memory as f64 / 1e6
    );
}

fn ratio(cost: Cost, floor: Cost) -> f64 {
    cost.time.as_secs_f64() / floor.time.as_secs_f64().max(1e-9)
}

fn size(path: &Path) -> io::Result<String> {
    Ok(format!("{:.1} MB", std::fs::metadata(path)?.len() as f64 / 1e6))
}
