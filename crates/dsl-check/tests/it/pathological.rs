//! Plans that nobody should write: they are checked on a small stack, in time that grows no faster than they do.
//!
//! Each is made at one size and at four times that. Linear work takes four times as long, quadratic work sixteen times.

use std::fmt::Write;
use std::time::{Duration, Instant};

use dsl_check::Workspace;

type Files = Vec<(String, String)>;

const STACK_BYTES: usize = 2 * 1024 * 1024;
const FOURFOLD_MOST: f64 = 10.0;
/// Less is noise.
const NOISE: Duration = Duration::from_millis(30);

fn check(files: &Files) -> Duration {
    let files = files.clone();
    let work = move || {
        let started = Instant::now();
        let mut workspace = Workspace::new("/w");
        workspace.set_files(files.iter().map(|(path, text)| (path, text)));
        for (path, _) in &files {
            workspace.diagnostics(path.as_ref());
        }
        let time = started.elapsed();
        // Trees are as flat as the plans are deep, so dropping them is safe too.
        drop(workspace);
        time
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    thread.expect("a thread").join().expect("no panic")
}

/// The growth of the fastest of three runs: whatever else the machine does only adds to a time.
fn grows_as_its_size(size: usize, make: impl Fn(usize) -> Files) {
    let (small, large) = (make(size), make(4 * size));
    let fastest = |files: &Files| (0..3).map(|_| check(files)).min().unwrap_or_default();
    let (small, large) = (fastest(&small).max(NOISE), fastest(&large));
    let growth = large.as_secs_f64() / small.as_secs_f64();
    assert!(
        growth <= FOURFOLD_MOST,
        "{growth:.1} times as long: {small:?}, then {large:?}"
    );
}

fn one(text: String) -> Files {
    vec![("a.plan".to_owned(), text)]
}

fn lines(head: &str, count: usize, line: impl Fn(usize) -> String) -> Files {
    let mut text = head.to_owned();
    for at in 0..count {
        let _ = writeln!(text, "{}", line(at));
    }
    one(text)
}

#[test]
fn a_chain_of_needs() {
    grows_as_its_size(2_000, |count| {
        lines("task t0\n", count, |at| {
            format!("task t{}\n  needs: t{at}\n  run: \"{{{{ t0.exit }}}}\"", at + 1)
        })
    });
}

#[test]
fn a_chain_of_routes() {
    grows_as_its_size(2_000, |count| {
        lines("", count, |at| {
            format!("task t{at}\n  run: \"x\"\n  on failure -> t{}", at + 1)
        })
    });
}

#[test]
fn a_chain_of_fallbacks() {
    grows_as_its_size(2_000, |count| {
        lines("", count, |at| {
            format!("task t{at}\n  run: \"x\"\n  fallback: t{}", at + 1)
        })
    });
}

#[test]
fn one_loop_through_all() {
    grows_as_its_size(2_000, |count| {
        lines("", count, |at| format!("task t{at}\n  needs: t{}", (at + 1) % count))
    });
}

#[test]
fn many_loops() {
    grows_as_its_size(2_000, |count| {
        lines("", count, |at| format!("task t{at}\n  needs: t{}", at ^ 1))
    });
}

#[test]
fn a_ladder_with_exponentially_many_paths() {
    grows_as_its_size(1_000, |count| {
        lines("task a0\ntask b0\n", count, |at| {
            let needs = format!("needs: a{at}, b{at}");
            format!("task a{}\n  {needs}\ntask b{}\n  {needs}", at + 1, at + 1)
        })
    });
}

#[test]
fn a_decision_with_many_arms() {
    grows_as_its_size(1_000, |count| {
        let mut files = lines("task a\n  run: \"1\"\ndecision d\n  needs: a\n", count, |at| {
            format!("  when a.exit == {at} -> t{at}")
        });
        for at in 0..count {
            let _ = write!(files[0].1, "task t{at}\n  run: \"x\"\n");
        }
        files
    });
}

#[test]
fn a_quorum_of_many() {
    grows_as_its_size(1_000, |count| {
        let mut files = lines("", count, |at| format!("task t{at}\n  run: \"x\""));
        let names: Vec<String> = (0..count).map(|at| format!("t{at}")).collect();
        let _ = write!(files[0].1, "task last\n  needs: 3 of ({})\n", names.join(", "));
        files
    });
}

#[test]
fn one_name_used_again_and_again() {
    grows_as_its_size(2_000, |count| {
        lines("task a\n  run: \"x\"\n", count, |at| {
            format!("task t{at}\n  needs: a\n  run: \"{{{{ a.stdout }}}}\"")
        })
    });
    grows_as_its_size(4_000, |count| {
        let reads = "{{ a.stdout }} ".repeat(count);
        one(format!(
            "task a\n  run: \"x\"\ntask b\n  needs: a\n  run: |\n    {reads}\n"
        ))
    });
}

#[test]
fn one_name_given_again_and_again() {
    grows_as_its_size(2_000, |count| lines("", count, |_| "task a\n  run: \"x\"".to_owned()));
    grows_as_its_size(2_000, |count| lines("", count, |_| "type T = int".to_owned()));
}

#[test]
fn many_unknown_names() {
    grows_as_its_size(1_000, |count| {
        lines("", count, |at| {
            format!("task t{at}\n  needs: u{at}\n  run: \"{{{{ v{at}.stdout }}}}\"")
        })
    });
}

#[test]
fn many_errors_of_syntax() {
    grows_as_its_size(2_000, |count| {
        lines("", count, |_| "task ((\n  needs: ,,\n  what is this".to_owned())
    });
}

#[test]
fn long_lines() {
    for piece in [
        "x ", "é", "\"", "(", "[", "{", "{{", "1 + ", "not ", "a.b | ", "\t", "$(", "'",
    ] {
        grows_as_its_size(10_000, |count| {
            let line = piece.repeat(count);
            one(format!(
                "task a\n  when: {line}\n  run: |\n    {line}\ntask b\n  description: \"{line}\"\n"
            ))
        });
    }
}

#[test]
fn huge_numbers() {
    grows_as_its_size(50_000, |digits| {
        let number = "9".repeat(digits);
        one(format!(
            "task a\n  timeout: {number}m\n  retry: {number}\n  when: {number} > 0.{number}\n  needs: {number} of (a, b)\n  run: \"x\"\n"
        ))
    });
}

#[test]
fn an_alias_of_an_alias() {
    grows_as_its_size(1_000, |count| {
        lines("", count, |at| format!("type T{at} = list[T{}]", at + 1))
    });
    grows_as_its_size(1_000, |count| {
        lines("", count, |at| format!("type T{at}\n  next: T{}", at + 1))
    });
}

#[test]
fn plans_that_call_each_other_in_a_ring() {
    grows_as_its_size(300, |count| {
        lines("", count, |at| {
            format!(
                "plan p{at}\n  task a\n    call: p{}\n    timeout: 1m\n",
                (at + 1) % count
            )
        })
    });
}

#[test]
fn files_that_import_each_other_in_a_ring() {
    grows_as_its_size(200, |count| {
        let file = |at: usize| {
            let text = format!("use \"{}.plan\"\ntype T{at} = int\n", (at + 1) % count);
            (format!("{at}.plan"), text)
        };
        (0..count).map(file).collect()
    });
}

#[test]
fn many_files() {
    grows_as_its_size(500, |count| {
        let file = |at: usize| (format!("{at}.plan"), "task a\n  run: \"x\"\n  timeout: 1m\n".to_owned());
        (0..count).map(file).collect()
    });
}

#[test]
fn one_file_imported_again_and_again() {
    grows_as_its_size(1_000, |count| {
        let mut files = lines("", count, |_| "use \"b.plan\"".to_owned());
        files.push((
            "b.plan".to_owned(),
            "type T = int\ncapability x.y\n  output:\n    n: int\n".to_owned(),
        ));
        files
    });
}

#[test]
fn many_suppressions() {
    grows_as_its_size(2_000, |count| {
        lines("", count, |at| {
            format!("# allow(unknown-clause): {at}\n# allow(syntax): {at}")
        })
    });
}
