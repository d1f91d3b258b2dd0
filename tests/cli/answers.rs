//! Tasks that ask people: what is asked, what answers it, and that an answer of another shape changes nothing.

use std::time::Duration;

use plan_tests::Project;

use super::lasting::{run_folder, signal_driver, status, wait_for};
use super::snapshot;

const PLAN: &str = "\
capability editor.review \"Somebody reads it\"
  input:
    text: string
  output:
    good: bool
    ## From 1 to 5
    stars: int(1..5)
    notes: string?
  runner: human(ask: \"Does this read well? {{ text }}\")

plan letter \"A letter\"
  failure: continue
  task draft
    run: \"echo Dear reader\"
  task review \"Look at the letter\" using:editor.review
    needs: draft
    input:
      text: draft.stdout | trim
    output:
      good: bool = result.good
      notes: string = result.notes ?? \"none\"
    expect:
      - good
  task whom using:human.ask
    input:
      question: \"Who gets it?\"
      options: [\"everyone\", \"nobody\"]
  task send
    needs: review, whom
    run: \"echo to {{ whom.answer }}, notes {{ review.notes }}\"
";

#[test]
fn a_task_says_what_it_asks_and_takes_an_answer_of_that_shape_only() {
    let project = Project::new(&[("letter.plan", PLAN)]);
    snapshot!(project, "run", "letter.plan", "--seed", "1", "--parallel", "1");
    let answer = |args: &[&str]| project.transcript(&[&["answer", "last"], args, &["--who", "user/ann"]].concat());
    let said = [
        answer(&["send", "x"]),
        answer(&["reviw", "good=true"]),
        answer(&["review", "good=perhaps", "stars=3"]),
        answer(&["review", "good=true", "stars=7"]),
        answer(&["review", "good=true"]),
        answer(&["review", "good=true", "stars=4", "length=3"]),
        answer(&["whom", "somebody"]),
        answer(&["review", "good=true", "stars=4", "--because", "read it twice"]),
        answer(&["review", "--json", "{\"good\": true, \"stars\": 4}"]),
        answer(&["review", "good=false", "stars=1"]),
        project.transcript(&["show", "last"]),
    ];
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(said.join("\n"));
    });
    let waiting = &status(&project)["questions"];
    assert_eq!(
        (&waiting[0]["status"], &waiting[1]["status"]),
        (&"answered".into(), &"waiting".into())
    );
    assert!(project.run(&["answer", "last", "whom", "everyone"]).status.success());
    wait_for(|| status(&project)["status"] == "completed" && !shows(&project, "driven by"));
    let logs = project.run(&["logs", "last", "send"]);
    assert!(String::from_utf8_lossy(&logs.stdout).contains("to everyone, notes none"));
    let report = project.run(&["report", "last"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    for what in ["Does this read well? Dear reader", "by user/ann", "read it twice"] {
        assert!(report.contains(what), "`{what}` is not in\n{report}");
    }
    for verb in ["replay", "verify"] {
        assert!(project.run(&[verb, "last"]).status.success());
    }
}

#[test]
fn the_time_to_answer_passes_while_nobody_drives() {
    let late = "      - good\n    timeout: 50ms\n    on timeout -> bin\n";
    let plan = PLAN.replace("      - good\n", late) + "  task bin\n    run: \"echo gone\"\n";
    let project = Project::new(&[("letter.plan", &plan)]);
    assert_eq!(project.run(&["run", "letter.plan", "--quiet"]).status.code(), Some(4));
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(project.run(&["resume", "last"]).status.code(), Some(4));
    snapshot!(project, "show", "last");
    let late = project.run(&["answer", "last", "review", "good=true", "stars=1"]);
    assert_eq!(late.status.code(), Some(2), "{}", String::from_utf8_lossy(&late.stderr));
}

#[test]
fn secrets_are_taken_out_of_what_people_write() {
    let secret = "correct horse battery";
    let plan = format!(
        "{PLAN}  secrets:\n    word: env(\"LETTER_WORD\")\n  task use\n    env:\n      WORD: secrets.word\n    run: \"true\"\n"
    );
    let project = Project::new(&[("letter.plan", &plan)]);
    let run = |args: &[&str], known: bool| {
        let mut command = project.command(args);
        if known {
            command.env("LETTER_WORD", secret);
        }
        command.output().expect("dslc starts").status.code()
    };
    assert_eq!(run(&["run", "letter.plan", "--quiet"], true), Some(4));
    let notes = format!("notes=the word is {secret}");
    let because = format!("because of {secret}");
    let answer = [
        "answer",
        "last",
        "review",
        "good=false",
        "stars=2",
        &notes,
        "--because",
        &because,
    ];
    assert_eq!(run(&answer, true), Some(0));
    wait_for(|| !shows(&project, "driven by"));
    assert_eq!(run(&["cancel", "last", "--because", &because], true), Some(0));
    let files = ignore::WalkBuilder::new(project.path().join(".dslc"))
        .standard_filters(false)
        .build();
    for entry in files.flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(secret), "{} holds it", entry.path().display());
    }
    assert!(shows(&project, "the word is [secret:word]"));
}

/// A gate with a deadline has a driver that waits, and a secret that only the driver need know.
const VAULT: &str = "\
plan vault
  secrets:
    word: env(\"LETTER_WORD\")
  gate open
    approver: role/owner
    timeout: 1h
  task use
    needs: open
    env:
      WORD: secrets.word
    run: \"true\"
";
const WORD: &str = "open sesame, please";

fn approving(project: &Project) -> std::process::Command {
    let because = format!("I said {WORD}");
    project.command(&["approve", "last", "open", "--as", "role/owner", "--because", &because])
}

fn said_in(folder: &std::path::Path) -> String {
    let files = ignore::WalkBuilder::new(folder).standard_filters(false).build();
    let files = files.flatten().filter(|entry| entry.path().is_file());
    let bytes = files.map(|entry| std::fs::read(entry.path()).unwrap_or_default());
    bytes
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

#[test]
fn a_request_holds_no_secret_before_a_driver_sees_it_and_nobody_else_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new(&[("vault.plan", VAULT)]);
    let mut start = project.command(&["run", "vault.plan", "--detach"]);
    assert!(start.env("LETTER_WORD", WORD).status().expect("dslc starts").success());
    wait_for(|| status(&project)["status"] == "blocked");
    let run = run_folder(&project);
    // it takes nothing for as long as it is stopped
    signal_driver(&project, rustix::process::Signal::STOP);
    let mut approve = approving(&project)
        .env("LETTER_WORD", WORD)
        .spawn()
        .expect("dslc starts");
    let requests = || -> Vec<std::path::PathBuf> {
        let files = std::fs::read_dir(run.join("inbox")).expect("an inbox").flatten();
        let files = files.map(|entry| entry.path());
        files
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect()
    };
    wait_for(|| requests().len() == 1);
    let request = &requests()[0];
    let text = std::fs::read_to_string(request).expect("a request");
    assert!(text.contains("I said [secret:word]"), "{text}");
    let mode = std::fs::metadata(request).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    signal_driver(&project, rustix::process::Signal::CONT);
    assert!(approve.wait().expect("it ends").success());
    wait_for(|| status(&project)["status"] == "completed");
    assert!(!said_in(&project.path().join(".dslc")).contains(WORD));
}

#[test]
fn words_of_somebody_who_cannot_read_a_secret_are_searched_by_the_driver_or_not_without_a_warning() {
    let project = Project::new(&[("vault.plan", VAULT)]);
    let mut start = project.command(&["run", "vault.plan", "--detach"]);
    assert!(start.env("LETTER_WORD", WORD).status().expect("dslc starts").success());
    wait_for(|| status(&project)["status"] == "blocked");
    assert!(approving(&project).status().expect("dslc starts").success());
    wait_for(|| status(&project)["status"] == "completed");
    assert!(!said_in(&project.path().join(".dslc")).contains(WORD));
    // and where nobody drives
    let idle = Project::new(&[("vault.plan", &VAULT.replace("    timeout: 1h\n", ""))]);
    let mut start = idle.command(&["run", "vault.plan", "--quiet"]);
    assert_eq!(
        start.env("LETTER_WORD", WORD).status().expect("dslc starts").code(),
        Some(4)
    );
    let told = approving(&idle).output().expect("dslc starts");
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(
        told.contains("on record as you typed it") && told.contains("`word`"),
        "{told}"
    );
}

fn shows(project: &Project, what: &str) -> bool {
    let output = project.run(&["show", "last"]);
    String::from_utf8_lossy(&output.stdout).contains(what)
}
