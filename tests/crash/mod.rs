//! Kills the real binary with `SIGKILL` at random moments of real runs, resumes, and counts.
//!
//! Every attempt writes a line when it starts and one when it is done, so that what ran is known without the journal.
//! Most kills hit the driver alone, while its children live; some take its supervisor along, so that the children have
//! nobody, until a resume finds them.

mod count;
mod driver;
mod victims;

use std::path::{Path, PathBuf};
use std::time::Duration;

use plan_tests::Project;
use serde_json::Value;

use count::{assert_limits_held, assert_nothing_completed_ran_again, both_of, done_of, status, survivors};
use driver::{Driver, Ended};
use victims::{Victim, all};

/// How often the binary is killed, over as many runs as it takes; `cargo xtask crash --kills N` says otherwise.
const KILLS: u32 = 18;
/// A run takes one to three seconds; a kill comes somewhere in it.
const KILL_WITHIN_MS: u64 = 700;
/// One kill in so many takes the supervisor along.
const ORPHANING: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(120);

/// What was counted besides what may not be.
#[derive(Default)]
struct Tally {
    runs: u32,
    kills: u32,
    /// Of them so many took the supervisor along.
    orphaning: u32,
    effects: usize,
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "a failure is repeated with the seed; passing tests hide it"
)]
fn nothing_is_lost_or_repeated_or_left_behind_by_kills() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("CRASH_SEED").unwrap_or_else(store::random);
    println!("CRASH_SEED={seed}");
    let wanted = number("CRASH_KILLS").map_or(KILLS, |kills| u32::try_from(kills).unwrap_or(u32::MAX));
    let victims = all();
    let share = wanted.div_ceil(victims.len() as u32);
    let mut random = seed;
    println!(
        "| plan | runs | kills | with the supervisor | side effects | lost | repeated after completion | two copies at once | surviving children |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut sum = Tally::default();
    for victim in &victims {
        let mut tally = Tally::default();
        while tally.kills < share {
            tally.runs += 1;
            // on a quick machine many end before
            assert!(tally.runs < 50 + 5 * share, "runs end before they are killed");
            crash_one_run(victim, &mut random, share, &mut tally);
        }
        row(victim.name, &tally);
        sum.runs += tally.runs;
        sum.kills += tally.kills;
        sum.orphaning += tally.orphaning;
        sum.effects += tally.effects;
    }
    row("**all**", &sum);
}

/// What is counted in the last four columns fails the test where it is not nought.
#[expect(clippy::print_stdout, reason = "the table that the book has")]
fn row(name: &str, tally: &Tally) {
    let Tally {
        runs,
        kills,
        orphaning,
        effects,
    } = tally;
    println!("| {name} | {runs} | {kills} | {orphaning} | {effects} | 0 | 0 | 0 | 0 |");
}

/// A run that is killed now and then.
struct Crashing<'v> {
    victim: &'v Victim,
    project: Project,
    marks: PathBuf,
}

/// Runs the plan until it is completed, killing it while there are kills left.
fn crash_one_run(victim: &Victim, random: &mut u64, kills_max: u32, tally: &mut Tally) {
    let project = Project::new(&[("crash.plan", &victim.plan)]);
    let marks = project.path().join("marks");
    let run = Crashing { victim, project, marks };
    let mut driver = None;
    loop {
        let mut driving = match driver.take() {
            Some(driver) => driver,
            None => run.drive(),
        };
        let kills_left = tally.kills < kills_max;
        let patience = match kills_left {
            true => Duration::from_millis(next(random) % KILL_WITHIN_MS),
            false => PATIENCE,
        };
        match run.wait(&mut driving, patience) {
            Ended::Not => {
                assert!(kills_left, "the run does not end: {}", run.project.read("said"));
                let orphaning = next(random).is_multiple_of(ORPHANING);
                run.kill(driving, orphaning);
                tally.kills += 1;
                tally.orphaning += u32::from(orphaning);
                // people decide although nobody drives
                if next(random).is_multiple_of(2) {
                    driver = run.decide();
                }
            }
            Ended::With(code) => {
                let status = status(&run.project);
                match status["status"].as_str() {
                    Some("completed") => break,
                    Some("blocked") => driver = run.decide(),
                    other => panic!("{other:?} after exit {code:?}: {}", run.project.read("said")),
                }
            }
        }
    }
    tally.effects += run.judge();
}

impl Crashing<'_> {
    /// Starts the run, or goes on with it.
    fn drive(&self) -> Driver {
        let param = format!("marks={}", self.marks.display());
        let args: &[&str] = if self.has_started() {
            &["resume", "last"]
        } else {
            &["run", "crash.plan", self.victim.name, "--param", &param]
        };
        Driver::start(&self.project, args)
    }

    /// Folders that begin with a dot are not yet runs.
    fn has_started(&self) -> bool {
        let runs = self.project.path().join(".dslc/runs");
        std::fs::read_dir(runs).is_ok_and(|mut runs| {
            runs.any(|run| run.is_ok_and(|run| !run.file_name().to_string_lossy().starts_with('.')))
        })
    }

    /// Waits for the end; meanwhile people decide about what they are asked.
    fn wait(&self, driver: &mut Driver, patience: Duration) -> Ended {
        if self.victim.gates.is_empty() {
            return driver.ended_within(patience);
        }
        const LOOK_EVERY: Duration = Duration::from_millis(300);
        let mut left = patience;
        loop {
            let now = left.min(LOOK_EVERY);
            match driver.ended_within(now) {
                Ended::Not if now < left => left -= now,
                ended => return ended,
            }
            if let Some(other) = self.decide() {
                *driver = other;
            }
        }
    }

    /// Two people approve of each gate that waits, one of them twice, and one who would now reject is told that it is
    /// too late. If nobody drove the run, its new driver.
    fn decide(&self) -> Option<Driver> {
        let mut driver = None;
        for gate in self.victim.gates.iter().filter(|gate| self.waits(gate)) {
            for who in ["user/ann", "user/ann", "user/bob"] {
                let said = [
                    "approve",
                    "last",
                    gate,
                    "--as",
                    "role/release",
                    "--who",
                    who,
                    "--because",
                    "fine",
                ];
                let output = self.project.run(&said);
                let text = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(output.status.code(), Some(0), "{text}");
                driver = Driver::detached(&text).or(driver);
            }
            let late = [
                "reject",
                "last",
                gate,
                "--as",
                "role/release",
                "--who",
                "user/bob",
                "--because",
                "no",
            ];
            let late = self.project.run(&late);
            assert_ne!(
                late.status.code(),
                Some(0),
                "a second, different decision of one person"
            );
        }
        driver
    }

    fn waits(&self, gate: &str) -> bool {
        let summary = status(&self.project);
        let nodes = summary["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        nodes
            .iter()
            .any(|node| node["id"] == gate && node["status"] == "waiting")
    }

    fn kill(&self, driver: Driver, orphaning: bool) {
        let done = done_of(&self.marks);
        driver.kill(orphaning);
        // what has lost its supervisor is for the next driver to find
        if !orphaning {
            assert_eq!(
                survivors(self.project.path()),
                Vec::<String>::new(),
                "children outlived the driver"
            );
        }
        let after = done_of(&self.marks);
        assert!(done.iter().all(|(what, times)| after.get(what) >= Some(times)));
        if let Some(limits) = &self.victim.limits {
            assert_limits_held(&self.project, limits);
        }
    }

    /// Every task is done; none was started again after the journal had it as completed. How many side effects there were.
    fn judge(&self) -> usize {
        let done = done_of(&self.marks);
        let missing: Vec<_> = self
            .victim
            .done
            .iter()
            .filter(|what| !done.contains_key(*what))
            .collect();
        assert!(missing.is_empty(), "never done: {missing:?}");
        assert_eq!(both_of(&self.marks), Vec::<String>::new(), "two copies at once");
        let summary = status(&self.project);
        for node in summary["nodes"].as_array().expect("nodes") {
            let is_untaken =
                self.victim.untaken.iter().any(|untaken| node["id"] == *untaken) && node["status"] == "skipped";
            assert!(is_untaken || node["status"] == "completed", "{node}");
        }
        assert_nothing_completed_ran_again(&self.project);
        if let Some(limits) = &self.victim.limits {
            assert_limits_held(&self.project, limits);
        }
        for verb in ["replay", "verify"] {
            let output = self.project.run(&[verb, "last"]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{verb}: {said}");
        }
        assert_eq!(
            survivors(self.project.path()),
            Vec::<String>::new(),
            "children outlived the run"
        );
        done.values().sum()
    }
}

/// A step of xorshift: the seed that is printed repeats the moments.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// The lines of a run's journal.
fn journal(project: &Project) -> Vec<Value> {
    let journal = project.run(&["events", "last", "--json"]).stdout;
    let text = String::from_utf8_lossy(&journal).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The lines of a file of marks that begin with a word, without it.
fn lines_of(marks: &Path, word: &str) -> Vec<String> {
    let text = std::fs::read_to_string(marks).unwrap_or_default();
    let of_word = text
        .lines()
        .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    of_word.map(str::to_owned).collect()
}
