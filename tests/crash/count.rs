//! What is counted: side effects, starts in the journal, what was spent, and processes that are still there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plan_tests::Project;
use serde_json::Value;

use super::victims::Limits;
use super::{journal, lines_of};

/// The summary of the run; empty while there is none.
pub fn status(project: &Project) -> Value {
    let shown = project.run(&["show", "last", "--json"]);
    let said = String::from_utf8_lossy(&shown.stderr);
    if said.contains("no run `last`") {
        return Value::Null;
    }
    serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{said}"))
}

/// How often each `done` line was written.
pub fn done_of(marks: &Path) -> BTreeMap<String, usize> {
    let mut done = BTreeMap::new();
    for what in lines_of(marks, "done") {
        *done.entry(what).or_default() += 1;
    }
    done
}

/// What found another copy of itself alive when it started.
pub fn both_of(marks: &Path) -> Vec<String> {
    lines_of(marks, "both")
}

/// A node or instance, and the line of its `do:`.
type Unit = (u64, Option<u64>, Option<u64>);

fn of(value: &Value) -> (u64, Option<u64>) {
    let attempt = &value["attempt"];
    (attempt["node"].as_u64().expect("a node"), attempt["instance"].as_u64())
}

/// In the journal no attempt, and no line of one, starts after one of the same node and instance has ended well.
pub fn assert_nothing_completed_ran_again(project: &Project) {
    let mut completed: Vec<Unit> = Vec::new();
    let mut line_of: BTreeMap<(u64, Option<u64>), Option<u64>> = BTreeMap::new();
    for line in journal(project) {
        let event = &line["event"];
        let how = &event["ended"]["how"];
        if event["event"] == "attempt-ended" && (how["exited"] == 0 || how["answered"].is_object()) {
            let (node, instance) = of(event);
            let unit = (node, instance, line_of.get(&(node, instance)).copied().flatten());
            assert!(!completed.contains(&unit), "completed twice: {line}");
            completed.push(unit);
        }
        for command in line["commands"].as_array().expect("commands") {
            if command["command"] == "start-attempt" {
                let (node, instance) = of(command);
                let step = command["call"]["step"].as_u64();
                line_of.insert((node, instance), step);
                assert!(
                    !completed.contains(&(node, instance, step)),
                    "started after it had completed: {line}"
                );
            }
        }
    }
}

/// No agent is called more often in a second than it may be, by the times in the journal, which survive every crash; and what
/// was spent is what was started, each call once: one whose end nobody saw counts, too.
pub fn assert_limits_held(project: &Project, limits: &Limits) {
    const WINDOW_MS: i64 = 1000;
    let mut calls: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut open = BTreeSet::new();
    for line in journal(project) {
        let time_ms = line["event"]["time_ms"].as_i64().expect("a time");
        if ["attempt-ended", "attempt-lost"]
            .iter()
            .any(|kind| line["event"]["event"] == *kind)
        {
            open.remove(&of(&line["event"]));
        }
        for command in line["commands"].as_array().expect("commands") {
            if let Some(agent) = command["call"]["agent"].as_str() {
                calls.entry(agent.to_owned()).or_default().push(time_ms);
                open.insert(of(command));
            }
        }
    }
    for (agent, most) in limits.requests {
        let times = calls.get(*agent).map(Vec::as_slice).unwrap_or_default();
        for window in times.windows(most + 1) {
            let took = window[*most] - window[0];
            assert!(took >= WINDOW_MS, "`{agent}` is called {} times in {took} ms", most + 1);
        }
    }
    let started: usize = calls.values().map(Vec::len).sum();
    let spent = cents(&status(project)["cost"]);
    assert!(spent <= limits.budget, "{spent} cents of {}", limits.budget);
    // those under way have set their cost aside
    let settled = started - open.len();
    assert_eq!(
        spent as usize,
        limits.call as usize * settled,
        "cents for {settled} calls"
    );
}

fn cents(cost: &Value) -> u32 {
    let dollars: f64 = cost.as_str().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    (dollars * 100.0).round() as u32
}

/// Processes that still work in the project's folder; the supervisor gets a moment to do its duty.
pub fn survivors(folder: &Path) -> Vec<String> {
    let started = Instant::now();
    loop {
        let alive = processes_in(folder);
        if alive.is_empty() || started.elapsed() > Duration::from_secs(10) {
            return alive;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn processes_in(folder: &Path) -> Vec<String> {
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder));
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("the process table").flatten() {
        let works_here = std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder));
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if works_here && !command.is_empty() {
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    found
}
