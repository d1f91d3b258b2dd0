//! What is said of the next run, against what the next run does.

use std::fs;

use engine::event::RunStatus;
use ir::plan::Plan;
use ir::value::Value;
use smol_str::SmolStr;
use store::{Forecast, Provided, RunFolder};

use super::plans::{node, script_of, task_mut, text};
use super::reuse::{Home, home};
use crate::{Finished, forecast};

/// In a word: `reused`, `reused while files`, what differs, or why it does not fit.
fn said(forecast: &Forecast) -> String {
    match forecast {
        Forecast::Reused { provided: None, .. } => "reused".to_owned(),
        Forecast::Reused {
            provided: Some(Provided::Files),
            ..
        } => "reused while files".to_owned(),
        Forecast::Reused {
            provided: Some(Provided::Values),
            ..
        } => "reused if values".to_owned(),
        Forecast::Reused {
            provided: Some(Provided::LargeFiles),
            ..
        } => "reused if large files".to_owned(),
        Forecast::Again {
            differences,
            may_be_secrets,
            ..
        } => {
            let what: Vec<&str> = differences.iter().map(|one| one.what.as_str()).collect();
            let unless = if *may_be_secrets { " unless secret" } else { "" };
            format!("{}{unless}", what.join(" "))
        }
        Forecast::Unfit { why } => why.clone(),
    }
}

fn foreseen(last: &RunFolder, plan: &Plan) -> Vec<(SmolStr, String)> {
    let all = forecast(last, plan.clone()).expect("foreseen");
    all.iter()
        .map(|(name, forecast)| (name.clone(), said(forecast)))
        .collect()
}

fn of_ask(last: &Finished, plan: &Plan) -> String {
    let all = foreseen(&last.folder, plan);
    let found = all.into_iter().find(|(name, _)| name == "ask");
    found.map(|(_, said)| said).unwrap_or_default()
}

/// A run of the plan reuses what it was said to reuse.
#[track_caller]
fn check(home: &Home, last: &Finished, plan: Plan, wanted: &str) -> Finished {
    assert_eq!(of_ask(last, &plan), wanted);
    let finished = home.run(plan, "quic");
    assert_eq!(finished.engine.status(), RunStatus::Completed);
    let is_reused = finished.engine.reused(0, None).is_some();
    assert_eq!(is_reused, wanted.starts_with("reused"), "{wanted}");
    finished
}

#[test]
fn what_a_run_reuses_was_foreseen_and_so_was_what_it_does_not() {
    let home = home();
    let first = home.run(home.asking(), "quic");
    let last = check(&home, &first, home.asking(), "reused");
    let mut calm = home.asking();
    script_of(task_mut(&mut calm.nodes[0])).env[0].value = text("hasty");
    let last = check(&home, &last, calm, "env.MODE env.MODE");
    // what an earlier run made is still there
    let last = check(&home, &last, home.asking(), "reused");
    let mut titled = home.asking();
    titled.nodes[0].title = Some(text("Ask")).into();
    check(&home, &last, titled, "reused");
}

#[test]
fn what_was_given_is_given_again_and_what_was_a_default_follows_the_plan() {
    let home = home();
    let with_default = |default: &str| {
        let mut plan = home.asking();
        plan.params[0].default = Some(text(default));
        plan
    };
    let given = home.run(home.asking(), "quic");
    assert_eq!(of_ask(&given, &with_default("tcp")), "reused");
    let by_default = home.run(with_default("quic"), "quic");
    assert_eq!(of_ask(&by_default, &with_default("quic")), "reused");
    assert_eq!(of_ask(&by_default, &with_default("tcp")), "input.q");
    // a parameter that nobody gives a value: only what the plan says is compared
    let mut more = home.asking();
    more.params
        .push(super::plans::param("more", ir::types::Type::STRING, None));
    assert_eq!(of_ask(&given, &more), "reused if values");
}

#[test]
fn what_comes_behind_a_task_that_runs_is_told_by_what_the_plan_says() {
    let home = home();
    let plan = |script: &str| {
        let mut plan = home.asking();
        plan.nodes.insert(0, super::plans::task("before", "true", &[]));
        plan.outputs.clear();
        plan.nodes[1] = node("ask", &[0], task_mut(&mut plan.nodes[1]).clone());
        script_of(task_mut(&mut plan.nodes[1])).text = script.into();
        plan
    };
    let first = home.run(plan("echo hello; touch report.md"), "quic");
    assert_eq!(
        foreseen(&first.folder, &plan("echo hello; touch report.md")),
        [("ask".into(), "reused if values".to_owned())]
    );
    assert_eq!(of_ask(&first, &plan("echo other; touch report.md")), "run");
}

#[test]
fn a_result_that_is_too_old_or_damaged_is_said() {
    let home = home();
    let made = home.run(home.asking(), "quic");
    let mut short = home.asking();
    task_mut(&mut short.nodes[0]).cache_ms = Some(0);
    std::thread::sleep(std::time::Duration::from_millis(3));
    let why = of_ask(&made, &short);
    assert!(why.contains("old, and `cache:` is 0"), "{why}");
    let Value::File(report) = &made.engine.end().expect("over").outputs["report"] else {
        panic!("a file");
    };
    fs::remove_file(home.store.artifacts().path(&report.digest)).expect("removed");
    let why = of_ask(&made, &home.asking());
    assert!(why.contains("is missing"), "{why}");
}

#[test]
fn nothing_is_said_of_what_is_never_reused_or_never_ran() {
    let home = home();
    let mut plain = home.asking();
    task_mut(&mut plain.nodes[0]).cache_ms = None;
    let first = home.run(plain.clone(), "quic");
    assert_eq!(foreseen(&first.folder, &plain), []);
    assert_eq!(foreseen(&first.folder, &home.asking()), [], "no result was kept");
    let kept = home.run(home.asking(), "quic");
    assert_eq!(foreseen(&kept.folder, &plain), []);
    let mut once = home.asking();
    task_mut(&mut once.nodes[0]).idempotent = false;
    assert_eq!(foreseen(&kept.folder, &once), []);
}
