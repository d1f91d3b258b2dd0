//! Rewritings: `$0` is the cursor, `«…»` the selection. What comes out is formatted, and as free of mistakes as what went in.

use dsl_check::Severity;
use dsl_syntax::ast::Span;

use super::fixture::Fixture;

/// The text after the assist of that title; `None` if it is not offered.
fn after(text: &str, title: &str) -> Option<String> {
    let fixture = Fixture::new(text);
    let subject = fixture.subject();
    let cursor = subject.offset(fixture.cursor);
    let selected = match &fixture.marked {
        Some((_, range)) => Span::new(range.start as u32, range.end as u32),
        None => Span::new(cursor, cursor),
    };
    let found = subject.view.snapshot.assists(subject.path, selected);
    let assist = found.into_iter().find(|assist| assist.title == title)?;
    let mut result = fixture.text().as_str().to_owned();
    let mut edits = assist.edits;
    edits.sort_by_key(|edit| std::cmp::Reverse((edit.span.start, edit.span.end)));
    for edit in edits {
        result.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    Some(result)
}

fn errors(text: &str) -> Vec<String> {
    let fixture = Fixture::new(text);
    let subject = fixture.subject();
    let found = subject.view.snapshot.diagnostics(subject.path).into_iter();
    let grave = found.filter(|found| found.severity != Severity::Hint);
    grave
        .map(|found| format!("{}: {}", found.rule, found.message))
        .collect()
}

#[track_caller]
fn check(text: &str, title: &str, expected: &str) {
    let result = after(text, title).unwrap_or_else(|| panic!("`{title}` is not offered"));
    assert_eq!(result, expected);
    assert_eq!(errors(&result), Vec::<String>::new(), "{result}");
    assert_eq!(
        dsl_syntax::format(&result).as_deref().ok(),
        Some(result.as_str()),
        "not formatted"
    );
}

#[track_caller]
fn check_not_offered(text: &str, title: &str) {
    assert_eq!(after(text, title), None);
}

#[test]
fn the_first_lines_of_a_script_become_a_task() {
    check(
        "plan p\n\n  task fetch\n    run: |\n      true\n\n  # builds\n  task build\n    needs: fetch\n    dir: \"src\"\n    run: |\n      «make deps\n      make tools»\n      make all\n",
        "extract into a task `build-setup`",
        "plan p\n\n  task fetch\n    run: |\n      true\n\n  task build-setup\n    needs: fetch\n    dir: \"src\"\n    run: |\n      make deps\n      make tools\n\n  # builds\n  task build\n    needs: build-setup\n    dir: \"src\"\n    run: |\n      make all\n",
    );
}

/// A variable, a folder, a loop that goes on: what the shell would not know in another one.
#[test]
fn lines_that_leave_something_in_the_shell_stay() {
    let task = |lines: &str| format!("task a\n  run: |\n{lines}");
    for lines in [
        "    «dir=$(mktemp -d)»\n    echo \"$dir\"\n",
        "    «names[1]=x»\n    echo ${names[1]}\n",
        "    «cd src»\n    make\n",
        "    «export CC=clang»\n    make\n",
        "    «set +e»\n    make\n",
        "    «if true; then\n      echo yes»\n    fi\n",
        "    «make |»\n      tee log\n",
        "    «make \\»\n      all\n",
        "    «cat > f <<END\n    one»\n    END\n",
        "    «echo 'one»\n    two'\n",
        "    «serve &»\n    curl localhost\n",
        "    «for f in a b; do echo; done»\n    echo \"$f\"\n",
        "    «build() { make; }»\n    build\n",
        "    «grep x f || true»\n    echo $?\n",
    ] {
        check_not_offered(&task(lines), "extract into a task `a-setup`");
    }
    check_not_offered(
        "task a\n  shell: python\n  run: |\n    «import os»\n    print(os.name)\n",
        "extract into a task `a-setup`",
    );
    for lines in [
        "    «dir=x; echo $dir»\n    echo directory\n",
        "    «(cd src; make)»\n    ls\n",
        "    «LANG=C make»\n    echo $LANG\n",
        "    «cat > f <<END\n    one\n    END»\n    cat f\n",
        "    «for f in a b; do echo $f; done»\n    echo done\n",
    ] {
        assert!(
            after(&task(lines), "extract into a task `a-setup`").is_some(),
            "{lines}"
        );
    }
}

#[test]
fn a_task_that_changes_the_shell_stays() {
    let offered = |line: &str| {
        let text = format!(
            "plan p\n  task $0a\n    run: |\n      {line}\n\n  task b\n    needs: a\n    run: |\n      echo $x\n"
        );
        after(&text, "inline `a` into `b`").is_some()
    };
    assert!(offered("make x"));
    for line in ["cd src", "x=1", "exit 0"] {
        assert!(!offered(line), "{line}");
    }
}

#[test]
fn the_first_steps_become_a_task() {
    let capability = "capability x.do\n  input:\n    n: int\n  output:\n    m: int\n  runner: shell(\"echo '{}'\")\n\n";
    check(
        &format!("{capability}plan p\n\n  task a\n    do:\n      «x.do(n: 1)\n      »x.do(n: 2)\n"),
        "extract into a task `a-setup`",
        &format!(
            "{capability}plan p\n\n  task a-setup\n    do:\n      x.do(n: 1)\n\n  task a\n    needs: a-setup\n    do:\n      x.do(n: 2)\n"
        ),
    );
    check_not_offered(
        &format!("{capability}plan p\n\n  task a\n    do:\n      «x.do(n: 1) -> one\n»      x.do(n: one.m)\n"),
        "extract into a task `a-setup`",
    );
}

#[test]
fn lines_that_something_ran_before_stay() {
    for text in [
        "task a\n  run: |\n    one\n    «two\n    »three\n",
        "task a\n  run: |\n    «one\n    two»\n",
        "task a\n  each: x in [1, 2]\n  run: |\n    «one»\n    two\n",
        "task a\n  run: |\n    $0one\n    two\n",
    ] {
        check_not_offered(text, "extract into a task `a-setup`");
    }
}

#[test]
fn a_task_that_one_other_needs_becomes_part_of_it() {
    check(
        "plan p\n\n  task fetch\n    run: |\n      true\n\n  task se$0tup kind:setup\n    needs: fetch\n    run: |\n      make deps\n\n      make tools\n\n  task build\n    needs: setup\n    run: |\n      make all\n",
        "inline `setup` into `build`",
        "plan p\n\n  task fetch\n    run: |\n      true\n\n  task build\n    needs: fetch\n    run: |\n      make deps\n\n      make tools\n      make all\n",
    );
    check(
        "task a\n  run: |\n    one\n\ntask b\n  needs: $0a\n  run: |\n    two\n",
        "inline `a` into `b`",
        "task b\n  run: |\n    one\n    two\n",
    );
}

#[test]
fn a_task_that_does_more_than_its_script_is_not_inlined() {
    for text in [
        "task $0a\n  run: |\n    one\n  expect:\n    - stdout == \"\"\n\ntask b\n  needs: a\n  run: |\n    two\n",
        "task $0a\n  dir: \"x\"\n  run: |\n    one\n\ntask b\n  needs: a\n  run: |\n    two\n",
        "task $0a\n  run: |\n    one\n\ntask b\n  needs: a\n  run: |\n    two\n\ntask c\n  needs: a\n  run: |\n    three\n",
        "task $0a\n  run: |\n    one\n\ntask b\n  needs: a\n  run: |\n    {{ a.exit }}\n",
        "task $0a\n  run: |\n    one\n\ntask b\n  needs: a?\n  run: |\n    two\n",
    ] {
        check_not_offered(text, "inline `a` into `b`");
    }
}

#[test]
fn a_gate_stands_between_a_task_and_what_it_needs() {
    check(
        "plan p\n\n  gate first\n    approver: role/release\n\n  task build\n    needs: first\n    run: |\n      true\n    output:\n      n: int = 1\n\n  task de$0ploy \"Deploy it\"\n    needs: build, first?\n    run: |\n      echo {{ build.n }}\n",
        "add a gate before `deploy`",
        "plan p\n\n  gate first\n    approver: role/release\n\n  task build\n    needs: first\n    run: |\n      true\n    output:\n      n: int = 1\n\n  gate approve-deploy \"Approve: Deploy it\"\n    needs: build\n    approver: role/release\n\n  task deploy \"Deploy it\"\n    needs: approve-deploy, first?\n    run: |\n      echo {{ build.n }}\n",
    );
    check(
        "task $0a\n  run: |\n    true\n",
        "add a gate before `a`",
        "gate approve-a \"Approve: a\"\n  approver: role/owner\n\ntask a\n  needs: approve-a\n  run: |\n    true\n",
    );
    check_not_offered(
        "task x\n  run: |\n    true\n  on failure -> a\n\ntask $0a\n  run: |\n    true\n",
        "add a gate before `a`",
    );
}

#[test]
fn a_task_that_is_missing_is_made_where_it_belongs() {
    check(
        "plan p\n\n  task b\n    needs: $0a\n    run: |\n      true\n",
        "create a task `a`",
        "plan p\n\n  task a\n    run: |\n      true\n\n  task b\n    needs: a\n    run: |\n      true\n",
    );
    check(
        "task b\n  run: |\n    true\n  on failure -> re$0pair\n\ntask c\n  run: |\n    true\n",
        "create a task `repair`",
        "task b\n  run: |\n    true\n  on failure -> repair\n\ntask repair\n  run: |\n    true\n\ntask c\n  run: |\n    true\n",
    );
    check_not_offered(
        "task a\n  run: |\n    true\n\ntask b\n  needs: $0a\n",
        "create a task `a`",
    );
}

#[test]
fn a_parameter_that_is_missing_gets_the_type_of_its_use() {
    check(
        "plan p\n\n  task a\n    when: params.co$0unt > 3\n    run: |\n      true\n",
        "create a parameter `count`",
        "plan p\n  params:\n    count: int\n\n  task a\n    when: params.count > 3\n    run: |\n      true\n",
    );
    check(
        "plan p\n  params:\n    who: string  # whom to greet\n\n  task a\n    dir: params.fol$0der\n    run: |\n      echo {{ params.who }}\n",
        "create a parameter `folder`",
        "plan p\n  params:\n    who: string  # whom to greet\n    folder: path\n\n  task a\n    dir: params.folder\n    run: |\n      echo {{ params.who }}\n",
    );
}

#[test]
fn a_capability_that_is_missing_takes_and_gives_what_is_used() {
    check(
        "plan p\n  params:\n    query: string(3..)\n\n  task a\n    using: web.se$0arch\n    input:\n      query: params.query\n      limit: 3\n    output:\n      found: list[string] = result.found\n\n  task b\n    needs: a\n    run: |\n      echo {{ len(a.found) }}\n",
        "create a capability `web.search`",
        "capability web.search\n  input:\n    query: string(3..)\n    limit: int\n  output:\n    found: list[string]\n\nplan p\n  params:\n    query: string(3..)\n\n  task a\n    using: web.search\n    input:\n      query: params.query\n      limit: 3\n    output:\n      found: list[string] = result.found\n\n  task b\n    needs: a\n    run: |\n      echo {{ len(a.found) }}\n",
    );
    check(
        "plan p\n\n  task a\n    do:\n      file.$0copy(to: \"x\") -> copied\n    output:\n      size: size = copied.size\n    expect:\n      - size > 0B\n",
        "create a capability `file.copy`",
        "capability file.copy\n  input:\n    to: string\n  output:\n    size: size\n\nplan p\n\n  task a\n    do:\n      file.copy(to: \"x\") -> copied\n    output:\n      size: size = copied.size\n    expect:\n      - size > 0B\n",
    );
}

#[test]
fn tasks_are_sorted_and_otherwise_stay_in_order() {
    check(
        "plan $0p\n\n  # comes last\n  task c\n    needs: a, b\n    run: |\n      true\n\n  task b\n    run: |\n      true\n\n  task a\n    run: |\n      true\n",
        "sort tasks by dependency",
        "plan p\n\n  task b\n    run: |\n      true\n\n  task a\n    run: |\n      true\n\n  # comes last\n  task c\n    needs: a, b\n    run: |\n      true\n",
    );
    check(
        "ta$0sk b\n  needs: a\n  run: |\n    true\n\ntask a\n  run: |\n    true\n\ntest \"t\" of main\n  expect:\n    - status(a) == completed\n",
        "sort tasks by dependency",
        "task a\n  run: |\n    true\n\ntask b\n  needs: a\n  run: |\n    true\n\ntest \"t\" of main\n  expect:\n    - status(a) == completed\n",
    );
    check_not_offered(
        "task $0a\n  run: |\n    true\n\ntask b\n  needs: a\n",
        "sort tasks by dependency",
    );
    check_not_offered(
        "task $0a\n  needs: b\n\ntask b\n  needs: a\n",
        "sort tasks by dependency",
    );
}

/// Ten thousand tasks, each needing the one below it: sorting does not look at every pair.
#[test]
fn a_long_plan_is_sorted() {
    let tasks: Vec<String> = (0..10_000)
        .map(|at| match at {
            9_999 => format!("task t{at}\n  run: |\n    true\n"),
            _ => format!("task t{at}\n  needs: t{}\n  run: |\n    true\n", at + 1),
        })
        .collect();
    let text = format!("$0{}", tasks.join("\n"));
    let result = after(&text, "sort tasks by dependency").expect("sorted");
    assert!(
        result.starts_with("task t9999\n  run: |\n    true\n\ntask t9998\n"),
        "{}",
        &result[..80]
    );
    assert!(result.ends_with("\n\ntask t0\n  needs: t1\n  run: |\n    true\n"));
}
