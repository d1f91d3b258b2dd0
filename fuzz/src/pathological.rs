//! Plans that nobody should write, of any size: the work of checking one grows no faster than the plan.
//!
//! The tests count what a small one and one of four times the size allocate; `cargo xtask fuzz --pathological` takes
//! the time at full size. Absent: anything random.

use std::fmt::Write;
use std::path::Path;

use dsl_check::Workspace;

/// Path and text.
pub type Files = Vec<(String, String)>;

/// A kind of plan. What `size` counts is the shape's own: nodes, files, digits.
pub struct Shape {
    pub name: &'static str,
    /// Enough to tell linear from quadratic, …
    pub small: usize,
    /// … and more than anybody has.
    pub full: usize,
    pub make: fn(usize) -> Files,
}

/// Checks all files, as one workspace; the number of diagnostics.
pub fn check(files: &Files) -> usize {
    let mut workspace = Workspace::new("/w");
    workspace.set_files(files.iter().map(|(path, text)| (path, text)));
    let found = |path: &String| workspace.diagnostics(Path::new(path)).len();
    files.iter().map(|(path, _)| found(path)).sum()
}

const fn shape(name: &'static str, small: usize, full: usize, make: fn(usize) -> Files) -> Shape {
    Shape {
        name,
        small,
        full,
        make,
    }
}

pub const SHAPES: &[Shape] = &[
    shape("a chain of needs", 400, 100_000, |count| {
        lines("task t0\n", count, |at| {
            format!("task t{}\n  needs: t{at}\n  run: \"{{{{ t0.exit }}}}\"", at + 1)
        })
    }),
    shape("a chain of routes", 400, 100_000, |count| {
        lines("", count, |at| {
            format!("task t{at}\n  run: \"x\"\n  on failure -> t{}", at + 1)
        })
    }),
    shape("a chain of fallbacks", 400, 100_000, |count| {
        lines("", count, |at| {
            format!("task t{at}\n  run: \"x\"\n  fallback: t{}", at + 1)
        })
    }),
    shape("one loop through all", 400, 100_000, |count| {
        lines("", count, |at| format!("task t{at}\n  needs: t{}", (at + 1) % count))
    }),
    shape("many loops", 400, 100_000, |count| {
        lines("", count, |at| format!("task t{at}\n  needs: t{}", at ^ 1))
    }),
    shape("a ladder with exponentially many paths", 200, 20_000, |count| {
        lines("task a0\ntask b0\n", count, |at| {
            let needs = format!("needs: a{at}, b{at}");
            format!("task a{}\n  {needs}\ntask b{}\n  {needs}", at + 1, at + 1)
        })
    }),
    shape("a decision with many arms", 200, 10_000, |count| {
        let mut files = lines("task a\n  run: \"1\"\ndecision d\n  needs: a\n", count, |at| {
            format!("  when a.exit == {at} -> t{at}")
        });
        for at in 0..count {
            let _ = write!(files[0].1, "task t{at}\n  run: \"x\"\n");
        }
        files
    }),
    shape("decisions below decisions", 200, 20_000, |count| {
        lines("task a\n  run: \"1\"\n", count, |at| {
            let needs = if at == 0 { "  needs: a\n" } else { "" };
            format!(
                "decision d{at}\n{needs}  when a.exit == {at} -> t{at}\n  else -> d{}\ntask t{at}\n  run: \"x\"",
                at + 1
            )
        })
    }),
    shape("a quorum of many", 200, 10_000, |count| {
        let mut files = lines("", count, |at| format!("task t{at}\n  run: \"x\""));
        let names: Vec<String> = (0..count).map(|at| format!("t{at}")).collect();
        let _ = write!(files[0].1, "task last\n  needs: 3 of ({})\n", names.join(", "));
        files
    }),
    shape("one task that all read", 400, 100_000, |count| {
        lines("task a\n  run: \"x\"\n", count, |at| {
            format!("task t{at}\n  needs: a\n  run: \"{{{{ a.stdout }}}}\"")
        })
    }),
    shape("one value read again and again", 1_000, 100_000, |count| {
        let reads = "{{ a.stdout }} ".repeat(count);
        one(format!(
            "task a\n  run: \"x\"\ntask b\n  needs: a\n  run: |\n    {reads}\n"
        ))
    }),
    shape("one name for all tasks", 400, 50_000, |count| {
        lines("", count, |_| "task a\n  run: \"x\"".to_owned())
    }),
    shape("one name for all types", 400, 50_000, |count| {
        lines("", count, |_| "type T = int".to_owned())
    }),
    shape("many unknown names", 200, 10_000, |count| {
        lines("", count, |at| {
            format!("task t{at}\n  needs: u{at}\n  run: \"{{{{ v{at}.stdout }}}}\"")
        })
    }),
    shape("many errors of syntax", 400, 20_000, |count| {
        lines("", count, |_| "task ((\n  needs: ,,\n  what is this".to_owned())
    }),
    shape("a task of clauses that nobody knows", 400, 100_000, |count| {
        lines("task a\n  run: \"x\"\n", count, |at| format!("  w{at}: ./x"))
    }),
    shape("members of members", 400, 100_000, |count| {
        one(format!("task a\n  run: \"x\"\n  when: a{}\n", ".b".repeat(count)))
    }),
    shape("a line of words", 2_000, 500_000, |count| long("x ", count)),
    shape("a line of umlauts", 2_000, 500_000, |count| long("é", count)),
    shape("a line of quotes", 2_000, 1_000_000, |count| long("\"", count)),
    shape("a line of apostrophes", 2_000, 1_000_000, |count| long("'", count)),
    shape("a line of tabs", 2_000, 1_000_000, |count| long("\t", count)),
    shape("a bomb of parentheses", 2_000, 1_000_000, |count| long("(", count)),
    shape("a bomb of brackets", 2_000, 1_000_000, |count| long("[", count)),
    shape("a bomb of braces", 2_000, 1_000_000, |count| long("{", count)),
    shape("a bomb of interpolations", 2_000, 500_000, |count| long("{{", count)),
    shape("a bomb of substitutions", 2_000, 500_000, |count| long("$(", count)),
    shape("a bomb of lists of types", 2_000, 200_000, |count| {
        let (open, close) = ("list[".repeat(count), "]".repeat(count));
        one(format!("type T = {open}int{close}\n"))
    }),
    shape("a bomb of blocks", 60, 1_000, |count| {
        let depth = |at: usize| format!("{:width$}when:", "", width = 2 * at);
        lines("task a\n", count, |at| depth(at + 1))
    }),
    shape("a sum of many", 2_000, 250_000, |count| long("1 + ", count)),
    shape("a negation of negations", 2_000, 250_000, |count| long("not ", count)),
    shape("a pipe of many", 2_000, 200_000, |count| long("a.b | ", count)),
    shape("huge numbers", 10_000, 1_000_000, |digits| {
        let number = "9".repeat(digits);
        one(format!(
            "task a\n  timeout: {number}m\n  retry: {number}\n  when: {number} > 0.{number}\n  needs: {number} of (a, b)\n  run: \"x\"\n"
        ))
    }),
    shape("an alias of an alias", 200, 10_000, |count| {
        lines("", count, |at| format!("type T{at} = list[T{}]", at + 1))
    }),
    shape("a record in a record", 200, 10_000, |count| {
        lines("", count, |at| format!("type T{at}\n  next: T{}", at + 1))
    }),
    shape("plans that call each other in a ring", 100, 5_000, |count| {
        lines("", count, |at| {
            let next = (at + 1) % count;
            format!("plan p{at}\n  task a\n    call: p{next}\n    timeout: 1m\n")
        })
    }),
    shape("files that import each other in a ring", 60, 4_000, |count| {
        let file = |at: usize| {
            let text = format!("use \"{}.plan\"\ntype T{at} = int\n", (at + 1) % count);
            (format!("{at}.plan"), text)
        };
        (0..count).map(file).collect()
    }),
    shape("many files", 100, 10_000, |count| {
        let file = |at: usize| (format!("{at}.plan"), "task a\n  run: \"x\"\n  timeout: 1m\n".to_owned());
        (0..count).map(file).collect()
    }),
    shape("one file imported again and again", 200, 10_000, |count| {
        let mut files = lines("", count, |_| "use \"b.plan\"".to_owned());
        files.push((
            "b.plan".to_owned(),
            "type T = int\ncapability x.y\n  output:\n    n: int\n".to_owned(),
        ));
        files
    }),
    shape("many suppressions", 400, 50_000, |count| {
        lines("", count, |at| {
            format!("# allow(unknown-clause): {at}\n# allow(syntax): {at}")
        })
    }),
    shape("tasks that write to one file", 200, 10_000, |count| {
        lines("", count, |at| {
            format!("task t{at}\n  run: \"x\"\n  timeout: 1m\n  effects: write(\"out.txt\")")
        })
    }),
    shape("a policy over many tasks", 200, 20_000, |count| {
        let policy =
            "policy p\n  rule all\n    for: task\n    require: after(task where id == t0)\nplan q\n  task t0\n";
        lines(policy, count, |at| format!("  task t{}\n    needs: t{at}", at + 1))
    }),
];

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

/// One long line where an expression, a script and a text may stand.
fn long(piece: &str, count: usize) -> Files {
    let line = piece.repeat(count);
    one(format!(
        "task a\n  when: {line}\n  run: |\n    {line}\ntask b\n  description: \"{line}\"\n"
    ))
}
