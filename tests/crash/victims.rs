//! The plans that are killed: between them every feature that starts something or waits for somebody.
//!
//! Everything that runs writes a line into `marks` when it starts, one when it is done, and one if it finds another
//! copy of itself alive.

use std::fmt::Write;

/// What is run and killed.
pub struct Victim {
    pub name: &'static str,
    pub plan: String,
    /// What must be done at the end.
    pub done: Vec<String>,
    /// Nodes that may be left out.
    pub untaken: &'static [&'static str],
    /// Gates that wait for people, in the order in which they open.
    pub gates: &'static [&'static str],
    pub limits: Option<Limits>,
}

/// What capability calls may not exceed.
pub struct Limits {
    /// Of each agent: so many calls in a second.
    pub requests: &'static [(&'static str, usize)],
    /// Cents: of one call, and of the run.
    pub call: u32,
    pub budget: u32,
}

impl Victim {
    fn new(name: &'static str, parts: &[String], done: impl IntoIterator<Item = String>) -> Self {
        Self {
            name,
            plan: parts.concat(),
            done: done.into_iter().collect(),
            untaken: &[],
            gates: &[],
            limits: None,
        }
    }
}

/// Marks, as a shell line: `who` is written down, `task` stands in the script and so in what the process table shows of it.
fn marking(task: &str, who: &str, between: &str) -> String {
    let both = format!(
        "touch \"$marks\"; for p in $(sed -n \"s/^start {who} //p\" \"$marks\"); do if grep -qs \"{task}\" /proc/$p/cmdline; then echo \"both {who}\" >> \"$marks\"; fi; done"
    );
    format!("{both}; echo \"start {who} $$\" >> \"$marks\"; {between}; echo \"done {who}\" >> \"$marks\"")
}

const PAUSE: &str = "sleep 0.06";

fn script(name: &str, clauses: &str, input: &str, line: &str) -> String {
    format!("  task {name}\n{clauses}    input:\n      marks: params.marks\n{input}    run: |\n      {line}\n")
}

fn task(name: &str, clauses: &str) -> String {
    script(name, clauses, "", &marking(name, name, PAUSE))
}

/// The same for each of some numbers.
fn wide(name: &str, clauses: &str, up_to: u32) -> String {
    let numbers: Vec<String> = (1..=up_to).map(|n| n.to_string()).collect();
    let clauses = format!("{clauses}    each: n in [{}]\n    parallel: 3\n", numbers.join(", "));
    let line = marking(name, &format!("{name}$n"), PAUSE);
    script(name, &clauses, "      n: string(n)\n", &line)
}

/// Fails twice before it works.
fn flaky(clauses: &str) -> String {
    let clauses = format!("{clauses}    retry: linear(max: 2, base: 50ms, step: 50ms)\n");
    let line = marking("flaky", "flaky", "sleep 0.03; test $attempt -eq 3");
    script("flaky", &clauses, "      attempt: string(task.attempt)\n", &line)
}

fn head(name: &str) -> String {
    format!("plan {name}\n  params:\n    marks: path\n  limits:\n    parallel: 3\n")
}

fn names(prefix: &str, up_to: u32) -> impl Iterator<Item = String> {
    (1..=up_to).map(move |n| format!("{prefix}{n}"))
}

fn fixed<const N: usize>(names: [&str; N]) -> impl Iterator<Item = String> {
    names.map(str::to_owned).into_iter()
}

pub fn all() -> Vec<Victim> {
    vec![mixed(), chain(), layers(), people(), subplans(), hired()]
}

/// A chain into a fan-out, and retries beside it.
fn mixed() -> Victim {
    let parts = [
        head("mixed"),
        task("first", ""),
        task("second", "    needs: first\n"),
        wide("wide", "    needs: second\n", 8),
        flaky("    needs: second\n"),
        task("last", "    needs: wide, flaky\n"),
    ];
    let done = fixed(["first", "second", "flaky", "last"]).chain(names("wide", 8));
    Victim::new("mixed", &parts, done)
}

fn chain() -> Victim {
    let links = (1..=10).map(|n| match n {
        1 => task("link1", ""),
        n => task(&format!("link{n}"), &format!("    needs: link{}\n", n - 1)),
    });
    let parts: Vec<String> = std::iter::once(head("chain")).chain(links).collect();
    Victim::new("chain", &parts, names("link", 10))
}

/// Behind an automatic gate and a decision.
fn layers() -> Victim {
    let gate = "  gate sound \"Automatic\"\n    needs: ground\n    run: \"sleep 0.05\"\n";
    let way =
        "  decision way \"Which?\"\n    needs: sound\n    when len(string(params.marks)) > 0 -> up\n    else -> down\n";
    let parts = [
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
    let done = fixed(["ground", "up", "flaky"])
        .chain(names("walls", 5))
        .chain(names("roofs", 5));
    Victim {
        untaken: &["down"],
        ..Victim::new("layers", &parts, done)
    }
}

/// Gates that two people answer, while something else runs and while nothing does.
fn people() -> Victim {
    let gate = |name: &str, clauses: &str| {
        format!("  gate {name} \"Go on?\"\n{clauses}    approver: role/release\n    quorum: 2\n    timeout: 1d\n")
    };
    let parts = [
        head("people"),
        task("build", ""),
        gate("ship", "    needs: build\n"),
        wide("beside", "    needs: build\n", 4),
        task("publish", "    needs: ship\n"),
        gate("tell", "    needs: publish, beside\n"),
        wide("letters", "    needs: tell\n", 4),
    ];
    let done = fixed(["build", "publish"])
        .chain(names("beside", 4))
        .chain(names("letters", 4));
    Victim {
        gates: &["ship", "tell"],
        ..Victim::new("people", &parts, done)
    }
}

/// A plan called twice side by side, and then for each of two items; with a limit of its own, a fan-out and retries inside.
fn subplans() -> Victim {
    let inner = "plan inner\n  params:\n    marks: path\n    tag: string\n  limits:\n    parallel: 2\n  outputs:\n    tag: string = params.tag\n";
    let inside = |name: &str, clauses: &str, input: &str, who: &str, between: &str| {
        let input = format!("      tag: params.tag\n{input}");
        script(name, clauses, &input, &marking(name, who, between))
    };
    let retry = "    needs: part\n    retry: linear(max: 1, base: 30ms, step: 0ms)\n";
    let call = |name: &str, clauses: &str, tag: &str| {
        format!("  task {name}\n{clauses}    call: inner\n    input:\n      marks: params.marks\n      tag: {tag}\n")
    };
    let parts = [
        inner.to_owned(),
        inside("one", "", "", "$tag-one", PAUSE),
        inside(
            "part",
            "    needs: one\n    each: n in [1, 2, 3]\n    parallel: 2\n",
            "      n: string(n)\n",
            "$tag-part$n",
            PAUSE,
        ),
        inside(
            "twice",
            retry,
            "      attempt: string(task.attempt)\n",
            "$tag-twice",
            "test $attempt -eq 2",
        ),
        "\n".to_owned(),
        head("outer"),
        task("first", ""),
        call("left", "    needs: first\n", "\"left\""),
        call("right", "    needs: first\n", "\"right\""),
        call("more", "    needs: left\n    each: n in [1, 2]\n", "\"more{{ n }}\""),
        task("last", "    needs: left, right, more\n"),
    ];
    let of_tag =
        |tag: &'static str| fixed(["one", "part1", "part2", "part3", "twice"]).map(move |what| format!("{tag}-{what}"));
    let tags = ["left", "right", "more1", "more2"];
    Victim::new(
        "outer",
        &parts,
        fixed(["first", "last"]).chain(tags.into_iter().flat_map(of_tag)),
    )
}

/// Capabilities that agents carry out within their quotas and the plan's budget; the lines of a `do:`.
fn hired() -> Victim {
    let escaped = marking("mark.count", "$what", "sleep 0.04").replace('"', "\\\"");
    let mut head = format!(
        "capability mark.count \"Marks\"\n  input:\n    marks: path\n    what: string\n  output:\n    n: int\n  cost: $0.01 per call\n  \
         idempotent: true\n  runner: shell(\": mark.count; {escaped}; echo 1\")\n"
    );
    for (agent, requests) in AGENTS {
        // Infallible: writing to a string.
        let _ = write!(
            head,
            "\nagent {agent} \"Marks\"\n  provides: mark.count\n  limits:\n    requests: {requests} per 1s\n    concurrent: 2\n"
        );
    }
    head.push_str("\nplan hired\n  params:\n    marks: path\n  budget:\n    cost: $3.00\n  limits:\n    parallel: 4\n");
    let many = "  task many using:mark.count\n    by: deft, idle\n    each: n in [1, 2, 3, 4, 5, 6, 7, 8]\n    input:\n      marks: params.marks\n      what: \"many{{ n }}\"\n    retry: 1\n";
    let line = |n: u32| format!("      mark.count(marks: params.marks, what: \"line{n}\") -> l{n}\n");
    let lines: String = (1..=4).map(line).collect();
    let steps = format!("  task steps\n    by: deft, idle\n    do:\n{lines}    retry: 1\n");
    let parts = [head, many.to_owned(), steps, task("last", "    needs: many, steps\n")];
    let done = fixed(["last"]).chain(names("many", 8)).chain(names("line", 4));
    Victim {
        limits: Some(Limits {
            requests: &AGENTS,
            call: 1,
            budget: 300,
        }),
        ..Victim::new("hired", &parts, done)
    }
}

const AGENTS: [(&str, usize); 2] = [("deft", 5), ("idle", 3)];
