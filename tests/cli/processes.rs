//! Processes from the outside: nothing accumulates over thousands of tasks, and as process 1 of a container `dslc` reaps.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plan_tests::{Project, dslc};

/// `descriptors of the driver, of its supervisor, memory of the driver in KiB`, as a script of a task sees them.
const COUNT: &str = "      driver=$(ps -o ppid= -p $PPID | tr -d ' ')
      ls /proc/$driver/fd | wc -l
      ls /proc/$PPID/fd | wc -l
      awk '/VmRSS/ { print $2 }' /proc/$driver/status
";

#[test]
fn thousands_of_tasks_leave_no_descriptors_and_little_memory() {
    let plan = format!(
        "plan many\n  limits:\n    parallel: 8\n  outputs:\n    before: string = before.stdout\n    after: string = after.stdout\n  \
         task before\n    run: |\n{COUNT}  task many\n    needs: before\n    each: i in range(0, 2000) by i\n    shell: \"sh -c\"\n    run: \"echo $i\"\n    \
         input:\n      i: i\n    timeout: 1m\n  task after\n    needs: many\n    run: |\n{COUNT}"
    );
    let project = Project::new(&[("many.plan", &plan)]);
    let output = project.run(&["run", "many.plan", "--format", "json", "--durability", "process"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    let summary: serde_json::Value =
        serde_json::from_str(last).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let counts = |name: &str| -> Vec<i64> {
        let text = summary["summary"]["outputs"][name]
            .as_str()
            .unwrap_or_else(|| panic!("{last}"));
        text.split_whitespace()
            .map(|word| word.parse().expect("a number"))
            .collect()
    };
    let (before, after) = (counts("before"), counts("after"));
    assert!((after[0] - before[0]).abs() <= 2, "driver: {before:?} {after:?}");
    assert!((after[1] - before[1]).abs() <= 2, "supervisor: {before:?} {after:?}");
    assert!(after[2] - before[2] < 24 << 10, "memory: {before:?} {after:?}");
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    let plan = "plan p\n  failure: continue\n  task code\n    run: \"exit 137\"\n  task signal\n    run: \"kill -KILL $$\"\n  task missing\n    shell: \"no-such-shell\"\n    run: \"true\"\n";
    let project = Project::new(&[("p.plan", plan)]);
    let output = project.run(&["run", "p.plan"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for expected in ["exit code 137", "signal 9", "no program `no-such-shell`"] {
        assert!(said.contains(expected), "{said}");
    }
}

/// Zombies with this parent.
fn zombies(parent: u32) -> usize {
    let stats = std::fs::read_dir("/proc").expect("there is one").flatten();
    stats
        .filter_map(|item| std::fs::read_to_string(item.path().join("stat")).ok())
        .filter(|stat| {
            let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            fields.next() == Some("Z") && fields.next() == Some(&parent.to_string())
        })
        .count()
}

fn wait_for(what: impl Fn() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(20);
    while !what() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[expect(clippy::print_stderr, reason = "whoever reads the output of the tests is told")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

#[test]
fn as_process_1_it_reaps_what_it_inherits() {
    let namespaces = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    let allowed = Command::new("unshare")
        .args(namespaces)
        .arg("true")
        .stderr(Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        return skip("this system gives no namespaces of processes");
    }
    let plan = "task a\n  run: |\n    touch {{ run.workspace }}/up\n    while ! test -e {{ run.workspace }}/go; do sleep 0.05; done\n";
    let project = Project::new(&[("p.plan", plan)]);
    let mut child = Command::new("unshare")
        .args(namespaces)
        .arg(dslc())
        .args(["run", "p.plan"])
        .current_dir(project.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("unshare starts");
    assert!(wait_for(|| project.path().join("up").exists()), "the task starts");
    let init = first_child(child.id());
    // a process from outside whose own children outlive it, as `docker exec` starts them
    let entered = Command::new("nsenter")
        .args([
            "--target",
            &init.to_string(),
            "--user",
            "--pid",
            "--mount",
            "--preserve-credentials",
            "sh",
            "-c",
        ])
        .arg("for i in 1 2 3 4 5; do (sleep 0.2 &) ; done; (sleep 0.1; touch \"$0/orphaned\") & exit 0")
        .arg(project.path())
        .stderr(Stdio::null())
        .status();
    assert!(entered.is_ok_and(|status| status.success()));
    assert!(
        wait_for(|| project.path().join("orphaned").exists()),
        "the orphan lives"
    );
    assert!(
        wait_for(|| children(init).len() == 1),
        "only the supervisor is left: {:?}",
        children(init)
    );
    assert_eq!(zombies(init), 0);
    project.write("go", b"");
    assert!(child.wait().expect("ends").success());
}

fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn first_child(pid: u32) -> u32 {
    children(pid).first().copied().expect("it forks")
}
