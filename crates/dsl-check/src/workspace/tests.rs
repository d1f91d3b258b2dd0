//! What edits cost, in queries that run again: that does not depend on how fast the machine is.
//!
//! An edit that no other task can see runs the same queries in a large file as in a small one. An edit that changes who
//! waits for whom asks every chunk again, which is why those answers have to be cheap; what it checks again is still a
//! few chunks.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// So many pairs of tasks, each second one reading the first of its pair.
fn many(pairs: usize) -> String {
    let mut text = String::new();
    for at in 0..pairs {
        let _ = write!(text, "task a{at} timeout:1m\n  run: \"echo {at}\"\n");
        let _ = write!(
            text,
            "task b{at} timeout:1m\n  needs: a{at}\n  run: \"echo {{{{ a{at}.stdout }}}}\"\n"
        );
    }
    text
}

const SMALL: usize = 250;
const LARGE: usize = 1000;

/// The most chunks that a plan of so many pairs is cut into: no chunk has fewer than eight blocks, but for the last.
const fn chunks_max(pairs: usize) -> usize {
    2 * pairs / 8 + 1
}

/// How many queries an edit costs, the diagnostics included.
fn cost(text: &str, replace: &str, by: &str) -> usize {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut workspace = Workspace::on(Database::counting(runs.clone()), Path::new("/w"));
    workspace.open_file("a.plan", text.as_bytes());
    assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
    let at = text.find(replace).expect("in the text");
    // the first edit of a chunk also keeps its tree from now on
    let mut edit = |from: &str, to: &str| {
        workspace.edit("a.plan", at..at + from.len(), to).expect("in the text");
        assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
    };
    edit(replace, by);
    edit(by, replace);
    let before = runs.load(Ordering::Relaxed);
    edit(replace, by);
    runs.load(Ordering::Relaxed) - before
}

/// Edits that nothing else can see: the same few queries, however large the file.
fn stays_local(replace: &str, by: &str) {
    let (small, large) = (cost(&many(SMALL), replace, by), cost(&many(LARGE), replace, by));
    assert_eq!(small, large, "{replace:?} to {by:?}");
    assert!(large <= 24, "{large} runs");
}

#[test]
fn an_edit_of_a_script_costs_its_chunk() {
    stays_local("echo 100", "echo more");
}

#[test]
fn an_empty_line_costs_its_chunk() {
    stays_local("task a100 ", "\ntask a100 ");
}

#[test]
fn an_edit_of_a_timeout_costs_its_chunk() {
    stays_local("task a100 timeout:1m", "task a100 timeout:2m");
}

/// What the blocks of the first chunk were found to be.
fn found(workspace: &Workspace) -> Vec<Arc<crate::check::Found>> {
    workspace.diagnostics("a.plan".as_ref());
    let db = &workspace.analysis.db;
    let chunk = workspace.file("a.plan".as_ref()).expect("is there").chunks(db)[0];
    chunk
        .source(db)
        .kept
        .as_ref()
        .map_or_else(Vec::new, |kept| kept.found())
}

/// How many blocks of an edited chunk an edit leaves as they were found.
fn left_of(text: &str, replace: &str, by: &str) -> (usize, usize) {
    let at = text.find(replace).expect("in the text");
    let mut workspace = Workspace::new("/w");
    workspace.set_file("a.plan", text.as_bytes());
    workspace.diagnostics("a.plan".as_ref());
    workspace.open_file("a.plan", text.as_bytes());
    let before = found(&workspace);
    workspace
        .edit("a.plan", at..at + replace.len(), by)
        .expect("in the text");
    let after = found(&workspace);
    let kept = before.iter().zip(&after).filter(|(one, other)| Arc::ptr_eq(one, other));
    (kept.count(), after.len())
}

fn left_by(replace: &str, by: &str) -> (usize, usize) {
    left_of(&many(4), replace, by)
}

#[test]
fn an_edit_of_a_block_checks_what_sees_it_and_no_other_block_of_its_chunk() {
    assert_eq!(left_by("echo 2", "echo more"), (7, 8));
    // who reads what the block gives
    assert_eq!(left_by("task a2 timeout:1m", "task a2 timeout:1m retry:2"), (7, 8));
    assert_eq!(
        left_by("task a2 timeout:1m", "task a2 timeout:1m optional:true"),
        (6, 8)
    );
    assert_eq!(left_by("needs: a2", "needs: a1"), (7, 8));
    assert_eq!(left_by("task a2 ", "task c2 "), (6, 8));
}

#[test]
fn nothing_is_kept_of_a_file_that_was_closed() {
    let mut workspace = Workspace::new("/w");
    workspace.open_file("a.plan", many(4).as_bytes());
    assert_eq!(found(&workspace).len(), 8);
    workspace.close_file("a.plan");
    assert_eq!(found(&workspace).len(), 0);
    assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
}

/// What an edit costs for each chunk more, where every chunk is asked again.
fn for_each_chunk_more(replace: &str, by: &str) -> f64 {
    let (small, large) = (cost(&many(SMALL), replace, by), cost(&many(LARGE), replace, by));
    (large - small) as f64 / (chunks_max(LARGE) - chunks_max(SMALL)) as f64
}

#[test]
fn an_edit_of_needs_asks_every_chunk_what_it_sees_and_checks_a_few() {
    let more = for_each_chunk_more("  needs: a100\n", "  needs: a100, a3\n");
    assert!(more <= 1.2, "{more} runs a chunk");
}

#[test]
fn a_new_task_asks_every_chunk_what_it_sees_and_checks_a_few() {
    let more = for_each_chunk_more("task a100 ", "task c timeout:1m\n  run: \"true\"\ntask a100 ");
    assert!(more <= 1.2, "{more} runs a chunk");
}

#[test]
fn a_name_asks_every_chunk_what_it_sees_and_checks_a_few() {
    let text = |pairs| format!("task lone timeout:1m\n  run: \"true\"\n{}", many(pairs));
    let cost = |pairs| cost(&text(pairs), "task lone ", "task alone ");
    let more = (cost(LARGE) - cost(SMALL)) as f64 / (chunks_max(LARGE) - chunks_max(SMALL)) as f64;
    assert!(more <= 1.2, "{more} runs a chunk");
}

/// What an edit costs that makes a mistake, for each chunk more.
fn for_each_chunk_more_of_a_mistake(text: impl Fn(usize) -> String, replace: &str, by: &str) -> f64 {
    let cost = |pairs| {
        let runs = Arc::new(AtomicUsize::new(0));
        let mut workspace = Workspace::on(Database::counting(runs.clone()), Path::new("/w"));
        let text = text(pairs);
        workspace.open_file("a.plan", text.as_bytes());
        assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
        let at = text.find(replace).expect("in the text");
        let before = runs.load(Ordering::Relaxed);
        workspace
            .edit("a.plan", at..at + replace.len(), by)
            .expect("in the text");
        assert_ne!(workspace.diagnostics("a.plan".as_ref()), []);
        runs.load(Ordering::Relaxed) - before
    };
    (cost(LARGE) - cost(SMALL)) as f64 / (chunks_max(LARGE) - chunks_max(SMALL)) as f64
}

#[test]
fn a_name_given_twice_is_seen_by_those_who_mention_it() {
    let text = |pairs| format!("task lone timeout:1m\n  run: \"true\"\n{}", many(pairs));
    let more = for_each_chunk_more_of_a_mistake(text, "task lone ", "task a3 ");
    assert!(more <= 1.2, "{more} runs a chunk");
}

#[test]
fn a_loop_is_seen_by_those_who_are_on_it_or_behind_it() {
    let more = for_each_chunk_more_of_a_mistake(many, "task a3 timeout:1m\n", "task a3 timeout:1m\n  needs: b3\n");
    assert!(more <= 1.2, "{more} runs a chunk");
}

#[test]
fn a_node_that_loses_its_indentation_takes_no_other_along() {
    let more = for_each_chunk_more_of_a_mistake(with_params, "  task a3 ", "task a3 ");
    assert!(more <= 2.1, "{more} runs a chunk");
}

#[test]
fn a_node_called_like_a_kind_is_seen_by_those_who_mention_it() {
    let text = |pairs| {
        format!(
            "task lone timeout:1m\n  run: \"true\"\n{}",
            many(pairs).replace(" timeout", " kind:test timeout")
        )
    };
    let cost = |pairs| cost(&text(pairs), "task lone ", "task test ");
    let more = (cost(LARGE) - cost(SMALL)) as f64 / (chunks_max(LARGE) - chunks_max(SMALL)) as f64;
    assert!(more <= 1.2, "{more} runs a chunk");
}

#[test]
fn a_node_that_moves_to_another_chunk_is_seen_there() {
    let others =
        |from: usize, to: usize| -> String { (from..to).map(|at| format!("task t{at}\n  run: \"x\"\n")).collect() };
    let moved = |output: &str| format!("task moved\n  run: \"echo 1\"\n  output:\n    {output}: string = stdout\n");
    let reader = "task reader\n  needs: moved\n  run: \"echo {{ moved.one }}\"\n";
    let before = format!("{}{reader}{}{}", others(0, 100), others(100, 300), moved("one"));
    // nothing is left of the chunks at its end, and the reader's is as it was
    let after = format!("{}{}{reader}{}", moved("two"), others(0, 100), others(100, 200));
    let mut workspace = Workspace::new("/w");
    workspace.open_file("a.plan", before.as_bytes());
    workspace.diagnostics("a.plan".as_ref());
    workspace.set_file("a.plan", after.as_bytes());
    let mut cold = Workspace::new("/w");
    cold.set_file("a.plan", after.as_bytes());
    assert_eq!(
        workspace.diagnostics("a.plan".as_ref()),
        cold.diagnostics("a.plan".as_ref())
    );
}

#[test]
fn a_file_is_itself_below_a_relative_root_too() {
    let mut workspace = Workspace::new("w");
    workspace.open_file("a.plan", b"task a\n  run: \"true\"\n");
    assert_eq!(workspace.files().len(), 1);
}

#[test]
fn the_first_edit_of_a_file_that_was_checked_before_it_was_opened_costs_its_chunk() {
    let cost = |pairs| {
        let runs = Arc::new(AtomicUsize::new(0));
        let mut workspace = Workspace::on(Database::counting(runs.clone()), Path::new("/w"));
        let text = many(pairs);
        workspace.set_file("a.plan", text.as_bytes());
        assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
        workspace.open_file("a.plan", text.as_bytes());
        assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
        let at = text.find("echo 100").expect("in the text");
        let before = runs.load(Ordering::Relaxed);
        workspace.edit("a.plan", at..at + 4, "printf").expect("in the text");
        assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
        runs.load(Ordering::Relaxed) - before
    };
    // one is kept whole and one is not, which is a query more
    let (small, large) = (cost(SMALL), cost(LARGE));
    assert!(small <= large && large <= 24, "{small} and {large} runs");
}

/// The same tasks in a plan with two parameters, of which every second task reads one and one task the other.
fn with_params(pairs: usize) -> String {
    let mut text = "plan p\n  params:\n    depth: int = 3\n    last: string = \"x\"\n".to_owned();
    for at in 0..pairs {
        let param = if at == 100 { "last" } else { "depth" };
        let _ = write!(
            text,
            "  task a{at} timeout:1m\n    run: \"echo {{{{ params.{param} }}}}\"\n"
        );
        let _ = write!(
            text,
            "  task b{at} timeout:1m\n    needs: a{at}\n    run: \"echo {at}\"\n"
        );
    }
    text
}

#[test]
fn an_edit_of_a_parameters_default_costs_its_chunk() {
    let cost = |pairs| cost(&with_params(pairs), "depth: int = 3", "depth: int = 4");
    let (small, large) = (cost(SMALL), cost(LARGE));
    assert_eq!(small, large);
    assert!(large <= 24, "{large} runs");
}

#[test]
fn an_edit_of_a_parameters_type_asks_every_chunk_whether_it_reads_it_and_checks_who_does() {
    let cost = |pairs| cost(&with_params(pairs), "last: string = \"x\"", "last: url = \"http://x\"");
    let more = (cost(LARGE) - cost(SMALL)) as f64 / (chunks_max(LARGE) - chunks_max(SMALL)) as f64;
    assert!(more <= 1.0, "{more} runs a chunk");
}

#[test]
fn an_edit_of_a_parameter_checks_the_blocks_that_mention_it() {
    let text = with_params(4);
    assert_eq!(left_of(&text, "depth: int = 3", "depth: float = 3.0"), (3, 8));
    assert_eq!(left_of(&text, "last: string = \"x\"", "last: int = 1"), (7, 8));
    assert_eq!(left_of(&text, "last: string", "list: string"), (7, 8));
}

const SEARCHING: &str = "capability web.find
  input:
    query: string
    limit: int = 10
  output:
    items: list[string]
  runner: shell(\"find\")
  effects: none
task a using:web.find timeout:1m
  input:
    query: \"x\"
task b timeout:1m
  needs: a
  run: \"echo {{ a.items | join(' ') }}\"
task c timeout:1m
  run: \"echo c\"
task d timeout:1m
  needs: c
  run: \"echo {{ c.stdout }}\"
";

#[test]
fn an_edit_of_a_capability_checks_who_uses_it_and_who_reads_that() {
    assert_eq!(left_of(SEARCHING, "limit: int = 10", "limit: int = 9"), (4, 5));
    assert_eq!(left_of(SEARCHING, "limit: int", "limit: float"), (2, 5));
    assert_eq!(left_of(SEARCHING, "items: list[string]", "items: list[int]"), (2, 5));
    // those that there are can be meant by any name
    assert_eq!(left_of(SEARCHING, "capability web.find", "capability web.fin"), (0, 5));
    // their types may be anybody's
    assert_eq!(left_of(SEARCHING, "query: string", "query: Q"), (2, 5));
}

const POLICY: &str = "policy p\n  rule slow\n    for: task\n    require: timeout <= 5m\n  rule alone\n    for: task where id == a3\n    require: reaches(task)\n";

/// What an edit of a file costs that a policy of another binds; the edit is in the first or in the second.
fn cost_beside_a_policy(pairs: usize, edited: &str, replace: &str, by: &str) -> usize {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut workspace = Workspace::on(Database::counting(runs.clone()), Path::new("/w"));
    let text = format!("use \"p.plan\"\n{}", many(pairs));
    workspace.open_file("p.plan", POLICY.as_bytes());
    workspace.open_file("a.plan", text.as_bytes());
    assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
    let whole = if edited == "p.plan" { POLICY } else { &text };
    let at = whole.find(replace).expect("in the text");
    let before = runs.load(Ordering::Relaxed);
    workspace.edit(edited, at..at + replace.len(), by).expect("in the text");
    assert_eq!(workspace.diagnostics("a.plan".as_ref()), []);
    runs.load(Ordering::Relaxed) - before
}

#[test]
fn an_edit_of_a_body_judges_no_other_chunk() {
    for (replace, by) in [
        ("echo 100", "echo more"),
        ("task a100 timeout:1m", "task a100 timeout:2m"),
    ] {
        let cost = |pairs| cost_beside_a_policy(pairs, "a.plan", replace, by);
        let (small, large) = (cost(SMALL), cost(LARGE));
        assert_eq!(small, large, "{replace:?} to {by:?}");
        assert!(large <= 28, "{large} runs");
    }
}

#[test]
fn an_edit_of_a_policy_checks_no_task() {
    // each chunk is judged again, and nothing else
    let cost = |pairs| cost_beside_a_policy(pairs, "p.plan", "5m", "9m");
    let more = (cost(LARGE) - cost(SMALL)) as f64 / (chunks_max(LARGE) - chunks_max(SMALL)) as f64;
    assert!(more <= 1.0, "{more} runs a chunk");
}

/// How many queries the lenses of a file cost after an edit of a script.
fn cost_of_lenses(pairs: usize) -> usize {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut workspace = Workspace::on(Database::counting(runs.clone()), Path::new("/w"));
    let text = many(pairs);
    workspace.open_file("a.plan", text.as_bytes());
    let at = text.find("echo 100").expect("in the text");
    let mut edit = |from: &str, to: &str| {
        workspace.edit("a.plan", at..at + from.len(), to).expect("in the text");
        let uses = workspace
            .lenses("a.plan".as_ref())
            .into_iter()
            .filter_map(|lens| lens.uses);
        // each first of a pair is needed and read, each second is not
        assert_eq!(uses.sum::<u32>() as usize, 2 * pairs);
    };
    edit("echo 100", "echo more");
    edit("echo more", "echo 100");
    let before = runs.load(Ordering::Relaxed);
    edit("echo 100", "echo more");
    runs.load(Ordering::Relaxed) - before
}

#[test]
fn lenses_read_what_was_edited_and_add_up_the_rest() {
    let (small, large) = (cost_of_lenses(SMALL), cost_of_lenses(LARGE));
    assert_eq!(small, large);
    assert!(large <= 16, "{large} runs");
}
