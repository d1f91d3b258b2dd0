//! Secrets from the outside: what a run that is given some leaves on disk, what it prints, and when it refuses to start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use plan_tests::Project;

/// Awkward in JSON, URLs, shells and base64.
const TOKEN: &str = "t0k/3n+with \"odd\" & <letters>";
const KEY: &str = "k3y_0123456789abcdef";

/// Scripts that are careless with `$TOKEN`, each in its own way.
const CARELESS: &[(&str, &str)] = &[
    ("plain", "printenv TOKEN\nprintenv TOKEN >&2"),
    ("traced", "set -x\n: $(printenv TOKEN | wc -c)\ntrue \"$TOKEN\""),
    (
        "split",
        "t=$(printenv TOKEN)\nprintf %s \"${t:0:7}\"\nsleep 0.1\nprintf '%s\\n' \"${t:7}\"\nprintf 'at the end %s' \"$t\"",
    ),
    (
        "letters",
        "t=$(printenv TOKEN)\nfor ((i = 0; i < ${#t}; i++)); do printf %s \"${t:$i:1}\"; done",
    ),
    (
        "encoded",
        "for before in '' a ab; do printf '%s%s' \"$before\" \"$(printenv TOKEN)\" | base64 -w0; echo; done\n\
         printf '%s%s' \"Authorization: Basic of somebody who likes long lines: \" \"$(printenv TOKEN)\" | base64",
    ),
    ("hex", "printenv TOKEN | od -An -tx1 -v | tr -d ' \\n'"),
    (
        "python",
        "python3 -c 'import os, json, urllib.parse as u\nt = os.environ[\"TOKEN\"]\nprint(json.dumps({\"t\": t}), u.quote(t), u.quote(t, safe=\"\"), u.quote_plus(t))'",
    ),
];

fn plan() -> String {
    let mut plan = "\
plan careless
  secrets:
    token: env(\"DEPLOY_TOKEN\")
    key: file(\"keys.json\", key: \"api\")
  memory:
    last: string scope:run
  limits:
    parallel: 2
  failure: continue
  outputs:
    said: string = plain.stdout
    report: file = report.file
  task input
    input:
      key: secrets.key
    run: |
      grep -q \"$(printenv key)\" {{ run.workspace }}/keys.json
      cat \"$PLAN_INPUT\"
    remember last = stdout
  task report
    env:
      TOKEN: secrets.token
    run: |
      { echo before; printenv TOKEN; echo after; } > report.md
    output:
      file: file = file(\"report.md\")
      digest: string = hash(\"report.md\")
  task knows
    needs: plain
    run: |
      test {{ plain.stdout | trim }} = '[secret:token]'
  task loud
    optional: true
    env:
      TOKEN: secrets.token
    run: |
      printenv TOKEN
      exit 3
    fail refused when exit == 3 \"it said {{ stdout }}\"
"
    .to_owned();
    for (name, script) in CARELESS {
        plan.push_str(&format!("  task {name}\n    env:\n      TOKEN: secrets.token\n    # allow(secret-leak): that is the point\n    run: |\n"));
        for line in script.lines() {
            plan.push_str(&format!("      {line}\n"));
        }
    }
    plan
}

/// Forms of the secret, made by other programs than the one under test.
fn needles() -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let python = "import os, json, base64, urllib.parse as u\n\
         t = os.environ['TOKEN']; b = t.encode()\n\
         print(t); print(json.dumps(t)[1:-1]); print(u.quote(t)); print(u.quote(t, safe='')); print(u.quote_plus(t)); print(b.hex())\n\
         print(base64.b64encode(b)[:-4].decode()); print(base64.b64encode(b'a' + b)[4:-4].decode()); print(base64.b64encode(b'ab' + b)[4:-4].decode())";
    let output = Command::new("python3")
        .args(["-c", python])
        .env("TOKEN", TOKEN)
        .output()
        .expect("python3");
    let text = String::from_utf8(output.stdout).expect("text");
    for line in text.lines() {
        found.insert(line.to_owned(), line.as_bytes().to_vec());
    }
    assert_eq!(found.len(), 9, "{text}");
    found
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(&folder).expect("a folder").flatten() {
            if item.file_type().expect("a type").is_dir() {
                folders.push(item.path());
            } else {
                found.push(item.path());
            }
        }
    }
    found
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let squeezed: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\n').collect();
    [bytes, &squeezed]
        .iter()
        .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

fn project() -> Project {
    let project = Project::new(&[("careless.plan", &plan())]);
    project.write("keys.json", format!("{{\"api\": \"{KEY}\"}}").as_bytes());
    project
}

fn run(project: &Project, args: &[&str]) -> Output {
    project
        .command(args)
        .env("DEPLOY_TOKEN", TOKEN)
        .output()
        .expect("dslc starts")
}

#[test]
fn nothing_that_a_run_leaves_holds_a_secret() {
    let project = project();
    let output = run(&project, &["run", "careless.plan"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let mut seen = vec![("what it printed".to_owned(), [output.stdout, output.stderr].concat())];
    for verb in [
        &["show", "last"][..],
        &["show", "last", "--json"],
        &["logs", "last"],
        &["events", "last"],
        &["events", "last", "--json"],
    ] {
        let output = run(&project, verb);
        assert!(
            output.status.success(),
            "{verb:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        seen.push((verb.join(" "), output.stdout));
    }
    for path in files_below(&project.path().join(".dslc")) {
        seen.push((path.display().to_string(), std::fs::read(&path).expect("read")));
    }
    let mut needles = needles();
    needles.insert("the key".to_owned(), KEY.as_bytes().to_vec());
    for (place, bytes) in &seen {
        for (name, needle) in &needles {
            assert!(
                !contains(bytes, needle),
                "{place} holds `{name}`:\n{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
    let all: Vec<u8> = seen.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    assert!(contains(&all, b"[secret:token]") && contains(&all, b"[secret:key]"));
    // the script's own file, which is in the run's folder
    assert!(said.contains("work/report.md` held a secret"), "{said}");
    for verb in ["verify", "replay"] {
        let output = run(&project, &[verb, "last"]);
        assert!(
            output.status.success(),
            "{verb}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The test above would see every form, were it there.
#[test]
fn the_careless_scripts_are_careless() {
    let mut all = Vec::new();
    for (_, script) in CARELESS {
        let output = Command::new("bash")
            .args(["-c", script])
            .env("TOKEN", TOKEN)
            .output()
            .expect("bash");
        all.extend(output.stdout);
        all.extend(output.stderr);
    }
    for (name, needle) in needles() {
        assert!(contains(&all, &needle), "no script writes `{name}`");
    }
}

#[test]
fn missing_and_short_secrets_are_named_before_anything_runs() {
    let plan = "plan p\n  secrets:\n    a: env(\"DSLC_TEST_UNSET\")\n    b: file(\"none.txt\")\n    c: env(\"DSLC_TEST_SHORT\")\n  task t\n    run: |\n      touch {{ run.workspace }}/ran\n      : {{ secrets.a }} {{ secrets.b }} {{ secrets.c }}\n";
    let project = Project::new(&[("p.plan", plan)]);
    let output = project
        .command(&["run", "p.plan"])
        .env("DSLC_TEST_SHORT", "1234567")
        .output()
        .expect("dslc starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for expected in [
        "secret `a`: the environment variable `DSLC_TEST_UNSET` is not set",
        "secret `b`: cannot read `none.txt`",
        "secret `c`: it has 7 characters, expected at least 8",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!project.path().join("ran").exists() && !project.path().join(".dslc").exists());
}

#[test]
fn only_the_tasks_that_name_a_secret_have_it() {
    let plan = "plan p\n  secrets:\n    a: env(\"DEPLOY_TOKEN\")\n  task with\n    env:\n      AUTH: \"Bearer {{ secrets.a }}\"\n    run: |\n      test \"$AUTH\" = \"Bearer $(cat {{ run.workspace }}/expected)\"\n      tr '\\0' '\\n' < /proc/$$/cmdline | grep -qF \"$AUTH\" && exit 9 || true\n  task without\n    run: |\n      ! env | grep -qF \"$(cat {{ run.workspace }}/expected)\"\n";
    let project = Project::new(&[("p.plan", plan), ("expected", TOKEN)]);
    let output = run(&project, &["run", "p.plan"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_resumed_run_reads_its_secrets_again() {
    let plan = "plan p\n  secrets:\n    a: env(\"DEPLOY_TOKEN\")\n  task one\n    env:\n      A: secrets.a\n    run: |\n      printenv A\n  task two\n    needs: one\n    env:\n      A: secrets.a\n    run: |\n      test -e {{ run.workspace }}/go || kill -9 $(ps -o ppid= -p $(ps -o ppid= -p $$))\n      printenv A\n      test {{ one.stdout | trim }} = '[secret:a]'\n";
    let project = Project::new(&[("p.plan", plan)]);
    let output = run(&project, &["run", "p.plan"]);
    assert_eq!(
        output.status.code(),
        None,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    project.write("go", b"");
    let without = project
        .command(&["resume", "last"])
        .env_remove("DEPLOY_TOKEN")
        .output()
        .expect("dslc starts");
    assert_eq!(without.status.code(), Some(2));
    let output = run(&project, &["resume", "last"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for path in files_below(&project.path().join(".dslc")) {
        assert!(
            !contains(&std::fs::read(&path).expect("read"), TOKEN.as_bytes()),
            "{}",
            path.display()
        );
    }
}
