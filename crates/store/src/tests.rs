//! The store as its users see it: what was written comes back, and what is damaged is said.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ir::plan::Plan;
use serde_json::{Value, json};

use super::*;

fn plan() -> Plan {
    Plan {
        version: Some("1.0.0".into()),
        ..Plan::new("demo")
    }
}

pub(crate) fn new_run() -> NewRun {
    NewRun {
        inputs: BTreeMap::new(),
        seed: u64::MAX,
        parallel: 2,
        engine: "engine/1".to_owned(),
        source: None,
        who: "me".to_owned(),
        cwd: "/".into(),
        workspace: "/".into(),
    }
}

struct Home {
    _dir: tempfile::TempDir,
    store: Store,
}

fn home() -> Home {
    home_with(Durability::Power)
}

fn home_with(durability: Durability) -> Home {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::new(dir.path().join(".dslc"), durability);
    Home { _dir: dir, store }
}

/// A run with a journal of the given batches; each event is its number.
fn journal(home: &Home, batches: &[usize]) -> RunFolder {
    let (run, _, lock) = home.store.create_run(&plan(), new_run()).expect("created");
    let tail = run.read().expect("opened").finish().expect("read");
    let mut writer = run.append(&lock, &tail).expect("opened");
    let mut n = 0;
    for &size in batches {
        for _ in 0..size {
            n += 1;
            writer
                .stage(1_000 * n, &json!({"n": n}), &json!([{"start": n}]), None)
                .expect("staged");
        }
        writer.commit().expect("committed");
    }
    run
}

fn journal_path(run: &RunFolder) -> PathBuf {
    run.path().join("journal.jsonl")
}

fn read(run: &RunFolder) -> Result<(Vec<u64>, Tail), StoreError> {
    let mut reader = run.read()?;
    let mut events = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let event: Value = serde_json::from_str(entry.event()).expect("JSON");
        assert_eq!(event["n"], entry.seq);
        events.push(entry.seq);
    }
    Ok((events, reader.tail().clone()))
}

fn corrupt_at(result: Result<(Vec<u64>, Tail), StoreError>) -> u64 {
    match result {
        Err(StoreError::Corrupt { line, .. }) => line,
        other => panic!("expected corruption, got {other:?}"),
    }
}

/// The lines with `edit` applied to them.
fn rewrite(run: &RunFolder, edit: impl FnOnce(&mut Vec<String>)) {
    let text = fs::read_to_string(journal_path(run)).expect("there");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    edit(&mut lines);
    fs::write(journal_path(run), lines.join("\n") + "\n").expect("written");
}

#[test]
fn a_new_run_is_a_whole_folder_that_says_what_runs() {
    let home = home();
    let (run, meta, lock) = home.store.create_run(&plan(), new_run()).expect("created");
    assert_eq!(run.meta().expect("read"), meta);
    assert_eq!(run.plan(&meta).expect("read"), plan());
    assert!(run.work_dir().is_dir() && run.logs_dir().is_dir() && run.inbox().path().is_dir());
    assert_eq!(
        home.store.runs().expect("listed").len(),
        1,
        "no temporary folder is left"
    );
    assert_eq!(
        fs::read_to_string(home.store.root().join(".gitignore")).expect("there"),
        "*\n"
    );
    drop(lock);
    for name in [run.id(), "last", &run.id()[..12], &run.id()[18..]] {
        assert_eq!(home.store.find(name).expect("found").id(), run.id());
    }
    assert!(matches!(home.store.find("nothing"), Err(StoreError::NoSuchRun { .. })));
}

#[test]
fn a_new_run_is_the_last_even_if_the_clock_was_set_back() {
    let home = home();
    let earlier = home.store.create_run(&plan(), new_run()).expect("created").0;
    let ahead = crate::id::new_run_id(crate::now_ms() + 60_000);
    let path = earlier.path().with_file_name(&ahead);
    fs::rename(earlier.path(), &path).expect("renamed");
    for _ in 0..20 {
        let new = home.store.create_run(&plan(), new_run()).expect("created").0;
        assert_eq!(home.store.find("last").expect("found").id(), new.id());
        assert!(new.id() > ahead.as_str());
    }
    let wrong = crate::id::new_run_id(crate::now_ms() + 1000 * 24 * 60 * 60 * 1000);
    fs::rename(&path, earlier.path().with_file_name(&wrong)).expect("renamed");
    let new = home.store.create_run(&plan(), new_run()).expect("created").0;
    assert!(
        new.id() < wrong.as_str(),
        "no run is named after a clock that was wrong by years"
    );
}

#[test]
fn a_name_that_fits_several_runs_is_refused_with_them() {
    let home = home();
    let one = home.store.create_run(&plan(), new_run()).expect("created").0;
    let two = home.store.create_run(&plan(), new_run()).expect("created").0;
    let error = home.store.find("20").expect_err("ambiguous").to_string();
    assert!(error.contains(one.id()) && error.contains(two.id()), "{error}");
}

#[test]
fn events_come_back_as_they_were_written() {
    let home = home();
    let run = journal(&home, &[1, 3, 1]);
    let (events, tail) = read(&run).expect("read");
    assert_eq!(events, [1, 2, 3, 4, 5]);
    assert_eq!((tail.seq, tail.torn), (5, None));
    let text = fs::read_to_string(journal_path(&run)).expect("there");
    assert!(
        text.starts_with(
            r#"{"seq":1,"time":"1970-01-01T00:00:01.000Z","event":{"n":1},"commands":[{"start":1}],"hash":""#
        ),
        "{text}"
    );
    assert!(text.contains(r#""batch":2,"#));
    assert_eq!(run.last_line().expect("read").as_deref(), text.lines().last());
}

#[test]
fn large_values_are_artifacts_and_come_back() {
    let home = home();
    let (run, _, lock) = home.store.create_run(&plan(), new_run()).expect("created");
    let tail = run.read().expect("opened").finish().expect("read");
    let mut writer = run.append(&lock, &tail).expect("opened");
    let event = json!({"stdout": "x".repeat(100_000)});
    writer.stage(0, &event, &json!([]), Some("0001.json")).expect("staged");
    writer.commit().expect("committed");
    assert!(fs::metadata(journal_path(&run)).expect("there").len() < 500);
    let entry = run
        .read()
        .expect("opened")
        .next_entry()
        .expect("read")
        .expect("an event");
    assert_eq!(serde_json::from_str::<Value>(entry.event()).expect("JSON"), event);
    assert_eq!(entry.inbox.as_deref(), Some("0001.json"));
}

#[test]
fn reading_goes_on_where_it_ended_at_any_byte() {
    let home = home();
    let run = journal(&home, &[2, 3]);
    let whole = fs::read(journal_path(&run)).expect("read");
    let all = read(&run).expect("read").0;
    for cut in 0..=whole.len() {
        fs::write(journal_path(&run), &whole[..cut]).expect("cut");
        let (mut events, tail) = read(&run).expect("read");
        fs::write(journal_path(&run), &whole).expect("restored");
        let mut reader = run.read_behind(&tail).expect("opened");
        while let Some(entry) = reader.next_entry().expect("read") {
            events.push(entry.seq);
        }
        assert_eq!(events, all, "cut at {cut}");
        assert_eq!(reader.tail().valid_len, whole.len() as u64);
    }
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_the_run_goes_on() {
    let home = home_with(Durability::Process);
    let run = journal(&home, &[1, 1, 2]);
    let whole = fs::read(journal_path(&run)).expect("there");
    let ends: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] == b'\n').collect();
    for len in 0..whole.len() {
        fs::write(journal_path(&run), &whole[..len]).expect("written");
        let (events, tail) = read(&run).expect("a torn tail is no error");
        let kept = ends.iter().filter(|&&end| end <= len).count();
        assert_eq!(events.len(), kept, "cut at {len}");
        let lock = run.lock().expect("free");
        let mut writer = run.append(&lock, &tail).expect("opened");
        let n = events.len() as u64 + 1;
        writer.stage(0, &json!({"n": n}), &json!([]), None).expect("staged");
        writer.commit().expect("committed");
        let (events, tail) = read(&run).expect("read");
        assert_eq!((events.len(), tail.torn), (kept + 1, None));
    }
}

#[test]
fn a_hole_in_the_last_batch_is_torn_and_not_corrupt() {
    let home = home();
    let run = journal(&home, &[2, 3]);
    rewrite(&run, |lines| lines[2] = "\0".repeat(lines[2].len()));
    let (events, tail) = read(&run).expect("read");
    assert_eq!(events, [1, 2]);
    assert_eq!(tail.torn.expect("torn").line, 3);
}

#[test]
fn an_edited_line_is_corruption() {
    let home = home();
    let run = journal(&home, &[1, 1, 1, 2]);
    for line in 0..4 {
        let whole = fs::read(journal_path(&run)).expect("there");
        rewrite(&run, |lines| {
            lines[line] = lines[line].replace("\"start\":", "\"stop\":")
        });
        assert_eq!(corrupt_at(read(&run)), line as u64 + 1);
        fs::write(journal_path(&run), whole).expect("written");
    }
}

#[test]
fn a_garbled_missing_or_moved_line_is_corruption() {
    let home = home();
    let run = journal(&home, &[1; 6]);
    let whole = fs::read(journal_path(&run)).expect("there");
    let edits: [fn(&mut Vec<String>); 5] = [
        |lines| lines[2] = "garbage".to_owned(),
        |lines| drop(lines.remove(2)),
        |lines| lines.swap(2, 3),
        |lines| lines[2] = lines[2].replace("\"hash\":\"", "\"hash\":\"0").replace("0\"}", "\"}"),
        |lines| lines.insert(2, String::new()),
    ];
    for edit in edits {
        rewrite(&run, edit);
        let result = read(&run);
        let message = result.as_ref().expect_err("corrupt").to_string();
        assert!(message.contains("journal.jsonl` is corrupt at line 3: "), "{message}");
        assert_eq!(corrupt_at(result), 3);
        fs::write(journal_path(&run), &whole).expect("written");
    }
}

#[test]
fn a_journal_belongs_to_its_run() {
    let home = home();
    let run = journal(&home, &[1, 1]);
    let path = run.path().join("run.json");
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replace("\"parallel\": 2", "\"parallel\": 3")).expect("written");
    assert_eq!(corrupt_at(read(&run)), 1);
}

#[test]
fn a_plan_that_was_changed_is_not_run() {
    let home = home();
    let (run, meta, _lock) = home.store.create_run(&plan(), new_run()).expect("created");
    let path = run.path().join("plan.ir.json");
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replace("demo", "dame")).expect("written");
    assert!(matches!(run.plan(&meta), Err(StoreError::Corrupt { .. })));
}

#[test]
fn other_versions_are_refused_by_name() {
    let home = home();
    let run = journal(&home, &[1]);
    let path = run.path().join("run.json");
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replace("journal/1", "journal/9")).expect("written");
    let error = run.meta().expect_err("refused").to_string();
    assert!(
        error.contains("`journal/9`") && error.contains("`journal/1`"),
        "{error}"
    );
}

#[test]
fn a_second_driver_is_refused_with_who_holds_the_run() {
    let home = home();
    let (run, _, lock) = home.store.create_run(&plan(), new_run()).expect("created");
    let error = run.lock().expect_err("held").to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert_eq!(run.driven_by().expect("read").expect("held").pid, std::process::id());
    drop(lock);
    assert_eq!(run.driven_by().expect("read"), None);
    drop(run.lock().expect("free"));
}

#[test]
fn requests_wait_in_order_until_they_are_done() {
    let home = home();
    let (run, ..) = home.store.create_run(&plan(), new_run()).expect("created");
    let inbox = run.inbox();
    let one = inbox.post("one").expect("posted");
    std::thread::sleep(std::time::Duration::from_millis(2));
    let two = inbox.post("two").expect("posted");
    let texts: Vec<String> = inbox
        .messages()
        .expect("read")
        .into_iter()
        .map(|message| message.text)
        .collect();
    assert_eq!(texts, ["one", "two"]);
    inbox.done(&one).expect("deleted");
    inbox.done(&one).expect("twice is fine");
    assert!(!inbox.is_waiting(&one) && inbox.is_waiting(&two));
}

/// Root may write anywhere, so permissions are tried only by others.
#[test]
fn an_unwritable_folder_is_one_sentence() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).expect("set");
    let store = Store::new(dir.path().join(".dslc"), Durability::Power);
    if let Err(error) = store.create_run(&plan(), new_run()) {
        let error = error.to_string();
        assert!(
            error.contains("cannot create the folder `")
                && error.ends_with("permission denied; check who owns it and its permissions"),
            "{error}"
        );
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("set");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("written");
    let error = Store::new(file.join(".dslc"), Durability::Power)
        .create_run(&plan(), new_run())
        .expect_err("not a folder");
    assert_eq!(error.class(), ErrorClass::Unusable);
    assert!(
        error.to_string().ends_with("a file is where a folder must be"),
        "{error}"
    );
}

#[test]
fn after_a_failed_write_nothing_more_is_written() {
    let home = home();
    let (run, _, lock) = home.store.create_run(&plan(), new_run()).expect("created");
    let tail = run.read().expect("opened").finish().expect("read");
    // a device that is always full
    let journal = journal_path(&run);
    fs::remove_file(&journal).expect("removed");
    std::os::unix::fs::symlink("/dev/full", &journal).expect("linked");
    let mut writer = run.append(&lock, &tail).expect("opened");
    writer.stage(0, &json!({"n": 1}), &json!([]), None).expect("staged");
    let error = writer.commit().expect_err("full").to_string();
    assert!(error.contains("no space left on device; free some space"), "{error}");
    assert!(matches!(writer.commit(), Err(StoreError::Stopped { .. })));
    assert!(matches!(
        writer.stage(0, &json!({}), &json!([]), None),
        Err(StoreError::Stopped { .. })
    ));
}
