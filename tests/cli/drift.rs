//! `check --against`: tools of MCP servers against the lock and the plans.

use plan_tests::Project;

const PLAN: &str = r#"capability web.search
  input:
    query: string
    limit: int = 10
  output:
    links: list[url]
  runner: mcp(command: ["npx", "-y", "search-server"], tool: "search")
task collect using:web.search
  input:
    query: "HTTP/3"
  timeout: 1m
"#;

/// What the server lists, with these properties of the tool's input.
fn listing(properties: &str) -> String {
    format!(
        r#"{{"tools":[{{"name":"search","description":"Finds pages","inputSchema":{{"type":"object","properties":{{{properties}}},"required":["query"]}}}}]}}"#
    )
}

const FITS: &str = r#""query":{"type":"string"},"limit":{"type":"integer"}"#;

fn project(properties: &str) -> Project {
    Project::new(&[("main.plan", PLAN), ("tools.json", &listing(properties))])
}

fn checked(project: &Project) -> (Option<i32>, String) {
    let output = project.run(&["check", "--against", "tools.json", "--format", "short"]);
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn a_tool_that_fits_what_is_declared_is_fine() {
    assert_eq!(checked(&project(FITS)).0, Some(0));
}

#[test]
fn a_tool_that_does_not_fit_is_an_error_at_the_runner() {
    let project = project(r#""query":{"type":"string"},"limit":{"type":"string"},"site":{"type":"string"}"#);
    let (exit, out) = checked(&project);
    assert_eq!(exit, Some(1));
    assert!(out.contains("main.plan:7:3: error[capability-drift]"), "{out}");
}

#[test]
fn a_pinned_tool_must_not_change_though_its_description_may() {
    let project = project(FITS);
    let pinned = project.run(&["check", "--against", "tools.json", "--write-lock"]);
    assert_eq!(pinned.status.code(), Some(0));
    let lock = project.read("dslc.lock");
    assert!(lock.contains("server = \"npx -y search-server\""), "{lock}");
    assert_eq!(checked(&project).0, Some(0));

    project.write(
        "tools.json",
        listing(FITS).replace("Finds pages", "Finds them").as_bytes(),
    );
    assert_eq!(checked(&project).0, Some(0));

    let more = format!(r#"{FITS},"page":{{"type":"integer"}}"#);
    project.write("tools.json", listing(&more).as_bytes());
    let (exit, out) = checked(&project);
    assert_eq!(exit, Some(1));
    assert!(out.contains("is not the one that was pinned on"), "{out}");

    project.run(&["check", "--against", "tools.json", "--write-lock"]);
    assert_eq!(checked(&project).0, Some(0));
}

#[test]
fn a_tool_that_is_gone_is_an_error_with_the_nearest_name() {
    let project = project(FITS);
    project.write(
        "tools.json",
        listing(FITS).replace("\"search\"", "\"serach\"").as_bytes(),
    );
    let output = project.run(&["check", "--against", "tools.json"]);
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(out.contains("the server of `web.search` has no tool `search`"), "{out}");
    assert!(out.contains("did you mean `serach`?"), "{out}");
}

#[test]
fn a_lock_that_is_not_understood_is_refused_with_its_line() {
    let entry = |digest: &str| {
        format!(
            "version = 1\n\n[[tool]]\ncapability = \"web.search\"\nserver = \"s\"\ntool = \"t\"\ndigest = \"{digest}\"\npinned = \"2026-01-01T00:00:00Z\"\n"
        )
    };
    let good = format!("blake3:{}", "0".repeat(64));
    let wrong = [
        ("version = 2\n".to_owned(), "dslc.lock:1: `version` is 2, expected 1"),
        (entry("sha256:00"), "dslc.lock:7: `digest` is no digest"),
        (
            entry(&good).replace("2026-01-01T00:00:00Z", "today"),
            "dslc.lock:8: `pinned` is no time",
        ),
        (
            format!("{}{}", entry(&good), entry(&good).replace("version = 1\n", "")),
            "is pinned twice",
        ),
        (entry(&good).replace("tool = ", "tol = "), "dslc.lock:6: "),
    ];
    for (lock, why) in wrong {
        let project = project(FITS);
        project.write("dslc.lock", lock.as_bytes());
        let output = project.run(&["check", "--against", "tools.json"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "expected {why} in {said}");
    }
}

#[test]
fn a_listing_that_is_none_is_refused() {
    let project = project(FITS);
    project.write("tools.json", b"{\"tools\": [{\"inputSchema\": {}}]}");
    let output = project.run(&["check", "--against", "tools.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the tool number 1 has no `name`"));
}

#[test]
fn an_abstract_capability_keeps_a_plan_from_being_run_not_from_being_checked() {
    let project = Project::new(&[(
        "main.plan",
        "capability web.search\n  output:\n    n: int\ntask a using:web.search\n",
    )]);
    assert_eq!(project.run(&["check"]).status.code(), Some(0));
    for args in [&["run", "main.plan"][..], &["run", "main.plan", "--dry-run"]] {
        let output = project.run(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("`web.search` has no runner, expected one before `a` can be run"),
            "{said}"
        );
    }
}
