//! How a run grows where nothing is spawned: a join of many, and as many events as engine and journal take.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::graphs::Shape;
use super::measure::{at_least, heading, verdict};
use super::{Bench, graphs};

/// For ten times the tasks.
const TENFOLD_MOST: f64 = 11.0;
/// Tasks a second.
const TASKS_LEAST: f64 = 100_000.0;
const TASKS: usize = 100_000;
const PARALLEL: &str = "8";

impl Bench {
    pub fn scale(&self) -> io::Result<()> {
        heading("a join of many, nothing spawned");
        let mut before: Option<f64> = None;
        for count in [TASKS / 100, TASKS / 10, TASKS] {
            let (all, driven) = self.looking(count, Shape::Join)?;
            let (all, driven) = (all.as_secs_f64() * 1e3, driven.as_secs_f64() * 1e3);
            println!("  {count:>7} tasks into one {all:>10.1} ms, of which the run {driven:>8.1} ms");
            if let Some(before) = before.replace(driven) {
                verdict("  ten times as many", driven / before, TENFOLD_MOST, "×");
            }
        }
        heading("engine and journal, nothing spawned");
        let (_, driven) = self.looking(TASKS, Shape::FanOut)?;
        at_least("  tasks", TASKS as f64 / driven.as_secs_f64(), TASKS_LEAST, " a second");
        Ok(())
    }

    /// The fastest whole process, and the fastest from its first event to its end.
    fn looking(&self, count: usize, shape: Shape) -> io::Result<(Duration, Duration)> {
        std::fs::write(self.path("looking.plan"), graphs::shaped(count, shape).looking_plan())?;
        let mut fastest = (Duration::MAX, Duration::MAX);
        for _ in 0..self.repeat {
            self.emptied()?;
            let mut command = self.dslc();
            command.args([
                "run",
                "looking.plan",
                "--quiet",
                "--durability",
                "process",
                "--parallel",
                PARALLEL,
            ]);
            command.arg("--store").arg(self.store());
            let (all, driven) = self.driven(command.current_dir(self.dir.path()))?;
            fastest = (fastest.0.min(all), fastest.1.min(driven));
        }
        Ok(fastest)
    }

    /// Runs it; how long it took, and how long after its journal was made.
    fn driven(&self, command: &mut Command) -> io::Result<(Duration, Duration)> {
        let clock = Instant::now();
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        let all = clock.elapsed();
        if !status.success() {
            return Err(io::Error::other(format!("{command:?} ended with {status}")));
        }
        let journal = self.only_run()?.join("journal.jsonl");
        let mut first = String::new();
        BufReader::new(std::fs::File::open(&journal)?.take(1 << 16)).read_line(&mut first)?;
        let text = std::fs::read_to_string(&journal)?;
        let last = text.lines().next_back().unwrap_or_default();
        let driven = at_ms(last)
            .zip(at_ms(&first))
            .and_then(|(last, first)| last.checked_sub(first));
        let driven = driven.ok_or_else(|| io::Error::other("a journal without times"))?;
        Ok((all, Duration::from_millis(driven.max(1))))
    }
}

/// The time of day of a line, in milliseconds; no run takes as long as that.
fn at_ms(line: &str) -> Option<u64> {
    let time = line.split("\"time\":\"").nth(1)?.split('T').nth(1)?;
    let (hours, rest) = time.split_once(':')?;
    let (minutes, rest) = rest.split_once(':')?;
    let seconds: f64 = rest.split(['Z', '+']).next()?.parse().ok()?;
    let whole = hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60;
    Some(whole * 1000 + (seconds * 1000.0) as u64)
}
