//! Kills the real binary with `SIGKILL` at random moments of a real run, resumes, and counts.
//!
//! Every attempt writes a line when it starts and one when it is done, so that what ran is known without the journal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use plan_tests::Project;

/// What is run and killed.
struct Victim {
    name: &'static str,
    /// `marks` holds one line for each thing that happened.
    plan: String,
    /// What must be done at the end.
    done: Vec<String>,
}

/// Marks in a file when it starts and when it is done.
fn task(name: &str, clauses: &str) -> String {
    format!(
        "  task {name}\n{clauses}    input:\n      marks: params.marks\n    run: |\n      echo start {name} >> \"$marks\"; sleep 0.06; echo done {name} >> \"$marks\"\n"
    )
}

/// The same for each of some numbers.
fn wide(name: &str, clauses: &str, up_to: u32) -> String {
    let numbers: Vec<String> = (1..=up_to).map(|n| n.to_string()).collect();
    let numbers = numbers.join(", ");
    format!(
        "  task {name}\n{clauses}    each: n in [{numbers}]\n    parallel: 3\n    input:\n      marks: params.marks\n      n: string(n)\n    run: |\n      echo start {name}$n >> \"$marks\"; sleep 0.06; echo done {name}$n >> \"$marks\"\n"
    )
}

/// Fails twice before it works.
fn flaky(clauses: &str) -> String {
    let retry = "    retry: linear(max: 2, base: 50ms, step: 50ms)\n";
    let input = "    input:\n      marks: params.marks\n      attempt: string(task.attempt)\n";
    let run = "      echo start flaky$attempt >> \"$marks\"; sleep 0.03\n      test $attempt -eq 3\n      echo done flaky >> \"$marks\"\n";
    format!("  task flaky\n{clauses}{retry}{input}    run: |\n{run}")
}

fn head(name: &str) -> String {
    format!("plan {name}\n  params:\n    marks: path\n  limits:\n    parallel: 3\n")
}

fn names(prefix: &str, up_to: u32) -> impl Iterator<Item = String> {
    (1..=up_to).map(move |n| format!("{prefix}{n}"))
}

fn victims() -> Vec<Victim> {
    let mixed = [
        head("mixed"),
        task("first", ""),
        task("second", "    needs: first\n"),
        wide("wide", "    needs: second\n", 8),
        flaky("    needs: second\n"),
        task("last", "    needs: wide, flaky\n"),
    ];
    let links = (1..=10).map(|n| match n {
        1 => task("link1", ""),
        n => task(&format!("link{n}"), &format!("    needs: link{}\n", n - 1)),
    });
    let gate = "  gate sound \"Automatic\"\n    needs: ground\n    run: \"sleep 0.05\"\n";
    let way =
        "  decision way \"Which?\"\n    needs: sound\n    when len(string(params.marks)) > 0 -> up\n    else -> down\n";
    let layers = [
        head("layers"),
        task("ground", ""),
        gate.to_owned(),
        way.to_owned(),
        task("up", ""),
        task("down", ""),
        wide("walls", "    needs: up\n", 5),
        wide("roofs", "    needs: walls\n", 5),
        flaky("    needs: up\n"),
    ];
    let fixed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    vec![
        Victim {
            name: "mixed",
            plan: mixed.concat(),
            done: fixed(&["first", "second", "flaky", "last"])
                .into_iter()
                .chain(names("wide", 8))
                .collect(),
        },
        Victim {
            name: "chain",
            plan: std::iter::once(head("chain")).chain(links).collect(),
            done: names("link", 10).collect(),
        },
        Victim {
            name: "layers",
            plan: layers.concat(),
            done: fixed(&["ground", "up", "flaky"])
                .into_iter()
                .chain(names("walls", 5))
                .chain(names("roofs", 5))
                .collect(),
        },
    ]
}

/// How often the binary is killed, over as many runs as it takes; `cargo xtask crash --kills N` says otherwise.
const KILLS: u32 = 12;
/// A run takes about a second; a kill comes somewhere in it.
const KILL_WITHIN_MS: u64 = 700;

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
    let victims = victims();
    let share = wanted.div_ceil(victims.len() as u32);
    let mut random = seed;
    println!("| plan | runs | kills | side effects lost | completed and repeated | surviving children |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for victim in &victims {
        let (mut kills, mut runs) = (0, 0);
        while kills < share {
            runs += 1;
            assert!(runs < 50 + share, "runs end before they are killed");
            kills += crash_one_run(victim, &mut random, share - kills);
        }
        // what is counted in the last three columns fails the test where it is not nought
        println!("| {} | {runs} | {kills} | 0 | 0 | 0 |", victim.name);
    }
}

/// Runs the plan, killing it at most `kills_max` times; how often it was killed.
fn crash_one_run(victim: &Victim, random: &mut u64, kills_max: u32) -> u32 {
    let project = Project::new(&[("crash.plan", &victim.plan)]);
    let marks = project.path().join("marks");
    let param = format!("marks={}", marks.display());
    let mut kills = 0;
    loop {
        let args: &[&str] = if started(&project) {
            &["resume", "last"]
        } else {
            &["run", "crash.plan", "--param", &param]
        };
        let mut child = start(&project, args);
        let patience = if kills < kills_max {
            Duration::from_millis(next(random) % KILL_WITHIN_MS)
        } else {
            Duration::from_secs(120)
        };
        if let Some(code) = ended_within(&mut child, patience) {
            // The kill before may have come after the last event.
            let was_over = code == Some(2) && project.read("said").contains("is completed");
            assert!(code == Some(0) || was_over, "{code:?}: {}", project.read("said"));
            break;
        }
        assert!(kills < kills_max, "the run does not end");
        let done = done_of(&marks);
        kill(&mut child);
        kills += 1;
        assert_eq!(
            survivors(project.path()),
            Vec::<String>::new(),
            "children outlived the driver"
        );
        let after = done_of(&marks);
        assert!(done.iter().all(|(what, times)| after.get(what) >= Some(times)));
    }
    judge(victim, &project, &marks);
    kills
}

/// Every task is done; none was started again after the journal had it as completed.
fn judge(victim: &Victim, project: &Project, marks: &Path) {
    let done = done_of(marks);
    let missing: Vec<_> = victim.done.iter().filter(|what| !done.contains_key(*what)).collect();
    assert!(missing.is_empty(), "never done: {missing:?}");
    let summary: serde_json::Value =
        serde_json::from_slice(&project.run(&["show", "last", "--json"]).stdout).expect("JSON");
    assert_eq!(summary["status"], "completed");
    for node in summary["nodes"].as_array().expect("nodes") {
        let is_untaken = node["id"] == "down" && node["status"] == "skipped";
        assert!(is_untaken || node["status"] == "completed", "{node}");
    }
    assert_nothing_completed_ran_again(project);
    for verb in ["replay", "verify"] {
        let output = project.run(&[verb, "last"]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{verb}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(
        survivors(project.path()),
        Vec::<String>::new(),
        "children outlived the run"
    );
}

/// In the journal no attempt starts after one of the same node and instance has ended well.
fn assert_nothing_completed_ran_again(project: &Project) {
    let journal = project.run(&["events", "last", "--json"]).stdout;
    let mut completed: Vec<(u64, Option<u64>)> = Vec::new();
    for line in String::from_utf8_lossy(&journal).lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let of = |value: &serde_json::Value| {
            (
                value["attempt"]["node"].as_u64().expect("a node"),
                value["attempt"]["instance"].as_u64(),
            )
        };
        let event = &line["event"];
        if event["event"] == "attempt-ended" && event["ended"]["how"]["exited"] == 0 {
            assert!(!completed.contains(&of(event)), "completed twice: {line}");
            completed.push(of(event));
        }
        for command in line["commands"].as_array().expect("commands") {
            if command["command"] == "start-attempt" {
                assert!(
                    !completed.contains(&of(command)),
                    "started after it had completed: {line}"
                );
            }
        }
    }
}

/// How often each `done` line was written.
fn done_of(marks: &Path) -> BTreeMap<String, usize> {
    let mut done = BTreeMap::new();
    let text = std::fs::read_to_string(marks).unwrap_or_default();
    for what in text.lines().filter_map(|line| line.strip_prefix("done ")) {
        *done.entry(what.to_owned()).or_default() += 1;
    }
    done
}

fn started(project: &Project) -> bool {
    let runs = project.path().join(".dslc/runs");
    // Folders that begin with a dot are not yet runs.
    std::fs::read_dir(runs)
        .is_ok_and(|mut runs| runs.any(|run| run.is_ok_and(|run| !run.file_name().to_string_lossy().starts_with('.'))))
}

fn start(project: &Project, args: &[&str]) -> Child {
    let said = std::fs::File::create(project.path().join("said")).expect("a file");
    project
        .command(args)
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .expect("dslc starts")
}

/// The exit code, if it ended in time.
fn ended_within(child: &mut Child, patience: Duration) -> Option<Option<i32>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status.code());
        }
        if started.elapsed() >= patience {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn kill(child: &mut Child) {
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
}

/// Processes that still work in the project's folder; the supervisor gets a moment to do its duty.
fn survivors(folder: &Path) -> Vec<String> {
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

/// A step of xorshift: the seed that is printed repeats the moments.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
