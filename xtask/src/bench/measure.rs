//! What a command costs, and rows of figures.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one command cost.
#[derive(Clone, Copy)]
pub struct Cost {
    pub time: Duration,
    /// The largest resident set of the process or one of its children, in bytes.
    pub memory: u64,
}

/// A command that can be prepared again and again.
pub struct Subject<'a> {
    pub name: String,
    pub make: Box<dyn FnMut() -> io::Result<Command> + 'a>,
}

impl<'a> Subject<'a> {
    pub fn new(name: impl Into<String>, make: impl FnMut() -> io::Result<Command> + 'a) -> Self {
        Self {
            name: name.into(),
            make: Box::new(make),
        }
    }
}

/// For each subject the fastest of `repeat` measurements, taken in turns: what others do on the machine only ever adds.
pub fn measure(dir: &Path, repeat: usize, subjects: &mut [Subject<'_>]) -> io::Result<Vec<Cost>> {
    let mut costs = vec![Vec::with_capacity(repeat); subjects.len()];
    for _ in 0..repeat {
        for (subject, costs) in subjects.iter_mut().zip(&mut costs) {
            let mut command = (subject.make)()?;
            costs.push(cost(command.current_dir(dir))?);
        }
    }
    let fastest = |costs: Vec<Cost>| costs.into_iter().min_by_key(|cost| cost.time);
    Ok(costs.into_iter().filter_map(fastest).collect())
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

pub fn heading(text: &str) {
    println!(
        "\n  {text:<54} {:>10} {:>12} {:>10} {:>9}   load {}",
        "×",
        "ms",
        "peak MB",
        "KB/task",
        load()
    );
}

/// How many processes the system had to run in the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// One line of a group. `tasks`: how many the memory is shared by.
pub fn row(name: &str, cost: Cost, floor: Cost, tasks: usize) {
    println!(
        "  {name:<54} {:>9.2}× {:>12.1} {:>10.1} {:>9.1}",
        ratio(cost, floor),
        cost.time.as_secs_f64() * 1e3,
        cost.memory as f64 / 1e6,
        cost.memory as f64 / 1e3 / tasks.max(1) as f64
    );
}

/// A figure that has a target, and whether it is within.
pub fn verdict(what: &str, figure: f64, most: f64, unit: &str) {
    let verdict = if figure <= most { "within" } else { "BEYOND" };
    println!("  {what:<54} {figure:>9.2}{unit}  {verdict} {most}{unit}");
}

pub fn ratio(cost: Cost, floor: Cost) -> f64 {
    cost.time.as_secs_f64() / floor.time.as_secs_f64().max(1e-9)
}

/// A figure that is to be at least so large.
pub fn at_least(what: &str, figure: f64, least: f64, unit: &str) {
    let verdict = if figure >= least { "within" } else { "BEYOND" };
    println!("  {what:<54} {figure:>9.0}{unit}  {verdict} {least}{unit}");
}

/// The size of a file, or of those in a folder.
pub fn size(path: &Path) -> io::Result<String> {
    let mut bytes = 0;
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            bytes += entry?.metadata()?.len();
        }
    } else {
        bytes = std::fs::metadata(path)?.len();
    }
    Ok(format!("{:.1} MB", bytes as f64 / 1e6))
}
