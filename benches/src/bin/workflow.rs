//! Real workflows with their measured runtimes: `workflow DSLC FILE PARALLEL SECONDS`.
//!
//! An instance of WfFormat becomes a plan of `sleep`s, scaled so that it should take about that long. It is run, and
//! its makespan compared with the same list schedule simulated with the durations that the run measured, with the bound
//! that no schedule beats, and with what the sleeps would take if nothing else took any time. Absent: what the tasks of
//! the workflow really do.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::Value;

/// Against the same schedule, simulated.
const SIMULATED_MOST: f64 = 1.02;

struct Task {
    seconds: f64,
    needs: Vec<usize>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dslc, file, parallel, seconds] = args.as_slice() else {
        return ExitCode::from(2);
    };
    match compare(dslc, file, parallel, seconds) {
        Ok(line) => {
            print(&line);
            ExitCode::SUCCESS
        }
        Err(why) => {
            print(&format!("{file}: {why}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn print(line: &str) {
    println!("{line}");
}

fn compare(dslc: &str, file: &str, parallel: &str, seconds: &str) -> Result<String, String> {
    let parallel: usize = parallel.parse().map_err(|_| "PARALLEL is no number")?;
    let wanted: f64 = seconds.parse().map_err(|_| "SECONDS is no number")?;
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let mut tasks = read(&text)?;
    let scale = wanted / schedule(&tasks, parallel).max(1e-9);
    for task in &mut tasks {
        task.seconds *= scale;
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let measured = run(dslc, folder.path(), &tasks, parallel)?;
    let makespan = measured.makespan;
    for (task, took) in tasks.iter_mut().zip(&measured.took) {
        task.seconds = *took;
    }
    let simulated = schedule(&tasks, parallel);
    let bound = bound(&tasks, parallel);
    let name = Path::new(file)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let ratio = makespan / simulated;
    let verdict = if ratio <= SIMULATED_MOST { "within" } else { "BEYOND" };
    Ok(format!(
        "  {name:<48} {:>5} tasks  makespan {makespan:>6.2} s  {ratio:>5.3}× simulated, {verdict} {SIMULATED_MOST}×  {:>5.3}× bound  \
         {:>5.3}× the sleeps alone",
        tasks.len(),
        makespan / bound,
        makespan / wanted
    ))
}

fn read(text: &str) -> Result<Vec<Task>, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let list = json["workflow"]["specification"]["tasks"]
        .as_array()
        .ok_or("it has no tasks")?;
    let ids: BTreeMap<&str, usize> = list
        .iter()
        .enumerate()
        .filter_map(|(at, task)| Some((task["id"].as_str()?, at)))
        .collect();
    list.iter()
        .map(|task| {
            let parents = task["parents"].as_array().ok_or("a task has no `parents`")?;
            Ok(Task {
                seconds: task["runtime"].as_f64().unwrap_or(0.0),
                needs: parents.iter().filter_map(|id| ids.get(id.as_str()?).copied()).collect(),
            })
        })
        .collect()
}

struct Measured {
    makespan: f64,
    took: Vec<f64>,
}

fn run(dslc: &str, folder: &Path, tasks: &[Task], parallel: usize) -> Result<Measured, String> {
    let mut plan = String::from("plan workflow\n");
    for (at, task) in tasks.iter().enumerate() {
        let needs: Vec<String> = task.needs.iter().map(|need| format!("t{need}")).collect();
        // Infallible: writing to a string.
        let _ = write!(plan, "\n  task t{at}\n");
        if !needs.is_empty() {
            let _ = writeln!(plan, "    needs: {}", needs.join(", "));
        }
        let _ = write!(plan, "    shell: \"sh\"\n    run: \"exec sleep {:.4}\"\n", task.seconds);
    }
    fs::write(folder.join("w.plan"), plan).map_err(|error| error.to_string())?;
    let output = Command::new(dslc)
        .args([
            "run",
            "w.plan",
            "--quiet",
            "--trace",
            "trace.json",
            "--parallel",
            &parallel.to_string(),
        ])
        .current_dir(folder)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let trace = fs::read_to_string(folder.join("trace.json")).map_err(|error| error.to_string())?;
    let trace: Value = serde_json::from_str(&trace).map_err(|error| error.to_string())?;
    let events = trace["traceEvents"].as_array().ok_or("an empty trace")?;
    let mut took = vec![0.0; tasks.len()];
    let mut makespan = 0.0_f64;
    for event in events.iter().filter(|event| event["cat"] == "attempt") {
        let at = event["name"]
            .as_str()
            .and_then(|name| name.strip_prefix('t')?.parse::<usize>().ok());
        let (Some(at), Some(start), Some(duration)) = (at, event["ts"].as_f64(), event["dur"].as_f64()) else {
            continue;
        };
        if let Some(took) = took.get_mut(at) {
            *took = duration / 1e6;
        }
        makespan = makespan.max((start + duration) / 1e6);
    }
    Ok(Measured { makespan, took })
}

/// The time that a list schedule takes: whenever a slot is free, the first ready task in plan order starts.
fn schedule(tasks: &[Task], parallel: usize) -> f64 {
    let mut waits: Vec<usize> = tasks.iter().map(|task| task.needs.len()).collect();
    let mut after = vec![Vec::new(); tasks.len()];
    for (at, task) in tasks.iter().enumerate() {
        for &need in &task.needs {
            after[need].push(at);
        }
    }
    let mut ready: BTreeSet<usize> = (0..tasks.len()).filter(|&at| waits[at] == 0).collect();
    // ends in nanoseconds, so that they have an order
    let mut running = BinaryHeap::new();
    let mut now = 0_u64;
    loop {
        while running.len() < parallel
            && let Some(at) = ready.pop_first()
        {
            running.push(Reverse((now + (tasks[at].seconds * 1e9) as u64, at)));
        }
        let Some(Reverse((end, at))) = running.pop() else {
            return now as f64 / 1e9;
        };
        now = end;
        for &next in &after[at] {
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.insert(next);
            }
        }
    }
}

/// No schedule is shorter: the longest path, and the work shared out evenly.
fn bound(tasks: &[Task], parallel: usize) -> f64 {
    let work: f64 = tasks.iter().map(|task| task.seconds).sum();
    schedule(tasks, tasks.len().max(1)).max(work / parallel as f64)
}
