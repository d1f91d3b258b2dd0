//! Disks that fail: full, read-only, closed to us in the middle of a run, edited. Each error says what and where, and
//! nothing is lost.
//!
//! A small disk of its own needs a mount, which not every system lets a test make; where it cannot be made, these say so.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use plan_tests::{Project, dslc};

/// Twenty tasks, each of which prints more than the journal keeps inline and says outside that it ran.
const GROWING: &str = "\
plan growing
  limits:
    parallel: 1
  task first
    run: \"true\"
  task many
    needs: first
    each: i in range(0, 20) by i
    input:
      i: i
    run: |
      echo $i >> {{ run.workspace }}/ran
      head -c 20000 /dev/urandom | base64
    output:
      text: string = stdout
  task last
    needs: many
    run: |
      echo {{ len(many.text) }} >> {{ run.workspace }}/ended
";

#[expect(clippy::print_stderr, reason = "whoever reads the output of the tests is told")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// A shell in a namespace of its own, where `store` is a small disk; `None` where that is not allowed.
fn on_small_disk(project: &Project, script: &str) -> Option<Output> {
    let namespaces = ["--user", "--map-root-user", "--mount"];
    let mount = "mkdir -p store && mount -t tmpfs -o size=400k small store";
    let allowed = Command::new("unshare")
        .args(namespaces)
        .args(["sh", "-c", mount])
        .current_dir(project.path())
        .stderr(Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        skip("this system lets nobody mount a small disk");
        return None;
    }
    let output = Command::new("unshare")
        .args(namespaces)
        .args(["sh", "-c", &format!("{mount} || exit 99\n{script}")])
        .env("DSLC", dslc())
        .current_dir(project.path())
        .output()
        .expect("unshare starts");
    Some(output)
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_full_disk_stops_the_run_and_loses_nothing() {
    let project = Project::new(&[("p.plan", GROWING)]);
    let script = "
        $DSLC run p.plan --store store; echo \"run $?\"
        sort -n ran | uniq -c | awk '$1 > 1' > repeated-before
        $DSLC show last --store store --json > shown.json; echo \"show $?\"
        mount -o remount,size=64m store
        $DSLC resume last --store store; echo \"resume $?\"
        $DSLC verify last --store store; echo \"verify $?\"
        $DSLC replay last --store store; echo \"replay $?\"
    ";
    let Some(output) = on_small_disk(&project, script) else {
        return;
    };
    let (out, err) = texts(&output);
    let all = format!("{out}\n{err}");
    assert!(out.contains("run 5"), "{all}");
    assert!(
        err.contains("store/") && err.to_lowercase().contains("no space left"),
        "{all}"
    );
    for fine in ["show 0", "resume 0", "verify 0", "replay 0"] {
        assert!(out.contains(fine), "{fine}: {all}");
    }
    assert_eq!(project.read("ended"), "20\n", "{all}");
    // what had completed is not repeated: only the one whose end could not be written
    let ran = project.read("ran");
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    ran.lines().for_each(|line| *counts.entry(line).or_default() += 1);
    assert_eq!(counts.len(), 20, "{all}");
    assert!(ran.lines().count() <= 21, "{counts:?}\n{all}");
}

#[test]
fn a_read_only_store_is_said_before_anything_runs() {
    let project = Project::new(&[("p.plan", GROWING)]);
    let script = "
        mount -o remount,ro store
        $DSLC run p.plan --store store; echo \"run $?\"
        mount -o remount,rw,size=64m store
        $DSLC run p.plan --store store --quiet; echo \"again $?\"
        mount -o remount,ro store
        $DSLC show last --store store > /dev/null; echo \"show $?\"
        $DSLC resume last --store store; echo \"resume $?\"
    ";
    let Some(output) = on_small_disk(&project, script) else {
        return;
    };
    let (out, err) = texts(&output);
    let all = format!("{out}\n{err}");
    assert!(
        out.contains("run 5") && out.contains("again 0") && out.contains("show 0"),
        "{all}"
    );
    let first = err.lines().next().unwrap_or_default();
    assert!(
        first.contains("store") && first.to_lowercase().contains("read-only"),
        "{all}"
    );
    assert_eq!(project.read("ran").lines().count(), 20, "{all}");
}

/// Somebody whom permissions bind: we may be root.
fn bound_by_permissions(project: &Project) -> Option<Vec<String>> {
    if !rustix::process::geteuid().is_root() {
        return Some(Vec::new());
    }
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        .map(str::to_owned)
        .to_vec();
    let chown = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(project.path())
        .status();
    let may = Command::new(&nobody[0])
        .args(&nobody[1..])
        .arg(dslc())
        .arg("--version")
        .current_dir(project.path())
        .output();
    if chown.is_ok_and(|status| status.success()) && may.is_ok_and(|output| output.status.success()) {
        return Some(nobody);
    }
    skip("nobody may run the binary where it is");
    None
}

fn run_as(prefix: &[String], project: &Project, args: &[&str]) -> Output {
    let mut all: Vec<&str> = prefix.iter().map(String::as_str).collect();
    let binary = dslc().to_str().expect("a path");
    all.push(binary);
    all.extend(args);
    Command::new(all[0])
        .args(&all[1..])
        .current_dir(project.path())
        .env("HOME", project.path())
        .output()
        .expect("it starts")
}

#[test]
fn permission_that_is_taken_away_in_the_middle_stops_the_run_and_loses_nothing() {
    let plan = GROWING.replace(
        "    run: \"true\"\n",
        "    run: |\n      test -e {{ run.workspace }}/mended || chmod 500 {{ run.workspace }}/.dslc/artifacts\n",
    );
    let project = Project::new(&[("p.plan", &plan)]);
    let Some(prefix) = bound_by_permissions(&project) else {
        return;
    };
    let output = run_as(&prefix, &project, &["run", "p.plan"]);
    let (_, err) = texts(&output);
    assert_eq!(output.status.code(), Some(5), "{err}");
    assert!(
        err.contains("artifacts") && err.to_lowercase().contains("permission denied"),
        "{err}"
    );
    let shown = run_as(&prefix, &project, &["show", "last"]);
    assert!(texts(&shown).0.contains("first"), "{}", texts(&shown).1);
    let artifacts = project.path().join(".dslc/artifacts");
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(artifacts, mode).expect("mended");
    project.write("mended", b"");
    let output = run_as(&prefix, &project, &["resume", "last"]);
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).1);
    assert_eq!(project.read("ended"), "20\n");
    assert!(project.read("ran").lines().count() <= 21, "{}", project.read("ran"));
}

fn run_folder(project: &Project) -> PathBuf {
    let runs = std::fs::read_dir(project.path().join(".dslc/runs")).expect("runs");
    runs.flatten().next().expect("a run").path()
}

/// Some file below a folder, largest first.
fn a_file_below(folder: &Path) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).expect("a folder").flatten() {
            let meta = item.metadata().expect("a file");
            if meta.is_dir() {
                folders.push(item.path());
            } else {
                files.push((meta.len(), item.path()));
            }
        }
    }
    files.into_iter().max().expect("a file").1
}

#[test]
fn an_edited_journal_and_an_edited_artifact_are_named() {
    let project = Project::new(&[("p.plan", GROWING)]);
    assert!(project.run(&["run", "p.plan", "--quiet"]).status.success());
    let artifact = a_file_below(&project.path().join(".dslc/artifacts"));
    let bytes = std::fs::read(&artifact).expect("read");
    std::fs::remove_file(&artifact).expect("removed");
    std::fs::write(&artifact, [&bytes[..], b"x"].concat()).expect("written");
    let (out, err) = texts(&project.run(&["verify", "last"]));
    let name = artifact.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(format!("{out}{err}").contains(&name), "{out}\n{err}");
    assert_eq!(project.run(&["verify", "last"]).status.code(), Some(1));
    std::fs::write(&artifact, &bytes).expect("written");
    assert_eq!(project.run(&["verify", "last"]).status.code(), Some(0));

    let journal = run_folder(&project).join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    let third = text.lines().nth(2).expect("a line");
    let edited = third.replacen("\"attempt-ended\"", "\"attempt-Ended\"", 1);
    std::fs::write(&journal, text.replacen(third, &edited, 1)).expect("written");
    for verb in ["verify", "show", "resume"] {
        let output = project.run(&[verb, "last"]);
        let (_, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{verb}: {err}");
        assert!(err.contains("journal.jsonl") && err.contains("line 3"), "{verb}: {err}");
    }
}
