//! What ran, beside what is written: real runs, the real cache.

use std::fs;

use plan_tests::Project;
use serde_json::{Value, json};

use super::client::{Client, replace, uri};

const PLAN: &str = "plan survey
  params:
    subject: string = \"bread\"
  task ask
    cache: 1h
    input:
      query: params.subject
    run: |
      echo \"all about $query\"
    timeout: 1m
  task note
    needs: ask
    cache: 1h
    run: |
      echo {{ trim(ask.stdout) }}
    timeout: 1m
  task look
    cache: 1h
    dir: run.workspace
    effects: read(\"notes.txt\")
    run: \"cat notes.txt\"
    timeout: 1m
";

/// What stands above the nodes of the plan, once that is wanted: what is known comes later.
fn titles(client: &mut Client, path: &std::path::Path, wanted: &[&str]) -> String {
    loop {
        let params = json!({ "textDocument": { "uri": uri(path) } });
        let lenses = client.request("textDocument/codeLens", params).expect("lenses");
        let titles = lenses.as_array().into_iter().flatten();
        let titles: Vec<&str> = titles.filter_map(|lens| lens["command"]["title"].as_str()).collect();
        let next: Vec<&str> = titles
            .iter()
            .filter_map(|title| Some(title.split_once("; ")?.1))
            .collect();
        if next == wanted {
            return titles.join("\n");
        }
        // the client gives up if nothing more is known
        let asked = client.wait_for(|message| message["method"] == "workspace/codeLens/refresh");
        client.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": null }));
    }
}

#[test]
fn a_lens_says_what_the_next_run_would_do_and_that_is_what_it_does() {
    let project = Project::new(&[("survey.plan", PLAN), ("dslc.toml", ""), ("notes.txt", "one\n")]);
    let path = project.path().join("survey.plan");
    let run = |args: &[&str]| {
        let output = project.run(&[&["run", "survey.plan"], args].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    run(&[]);
    let mut client = told_of_lenses(&project);
    client.open(&path, 1, PLAN);
    let (reused, while_same) = (
        "would be reused from cache",
        "would be reused from cache while its files stay the same",
    );
    titles(&mut client, &path, &[reused, reused, while_same]);
    assert_eq!(run(&[]).matches("reused").count(), 3);
    fs::write(project.path().join("notes.txt"), "two\n").expect("written");
    client.changed_on_disk(&newest_journal(&project), 2);
    let read = "would run again: what is in `read(\"notes.txt\")` changed";
    let shown = titles(&mut client, &path, &[reused, reused, read]);
    assert!(
        shown.contains("reused, 2 of 2 runs; would be reused from cache"),
        "{shown}"
    );
    assert_eq!(run(&[]).matches("reused").count(), 2);
    let if_same = "would be reused from cache if what it reads is the same";
    // the default of a parameter that nobody gave is what the task is given next
    client.change(&path, 2, json!([replace((2, 23), (2, 28), "cake")]));
    let again = "would run again: input `query` changed";
    titles(&mut client, &path, &[again, if_same, while_same]);
    client.change(&path, 3, json!([replace((2, 23), (2, 27), "bread")]));
    titles(&mut client, &path, &[reused, reused, while_same]);
    client.change(&path, 4, json!([replace((8, 12), (8, 15), "much")]));
    titles(
        &mut client,
        &path,
        &["would run again: `run` changed", if_same, while_same],
    );
    // a run with another subject is what the next one would be like
    client.change(&path, 5, json!([replace((8, 12), (8, 16), "all")]));
    run(&["--param", "subject=tea"]);
    let journal = newest_journal(&project);
    client.changed_on_disk(&journal, 2);
    titles(&mut client, &path, &[reused, reused, while_same]);
    assert_eq!(run(&["--param", "subject=tea"]).matches("reused").count(), 3);
    // without the cache there is nothing to be reused
    let cache = project.path().join(".dslc/cache.jsonl");
    fs::remove_file(&cache).expect("removed");
    client.changed_on_disk(&cache, 3);
    titles(&mut client, &path, &[]);
    assert_eq!(client.request("shutdown", Value::Null), Ok(Value::Null));
}

const SHIPPING: &str = "plan ship
  secrets:
    token: file(\"token\")
  task pack
    cache: 1h
    dir: run.workspace
    effects: read(\"notes.txt\")
    run: \"cat notes.txt\"
    timeout: 1m
  task send
    cache: 1h
    env:
      TOKEN: secrets.token
    run: \"echo sent\"
    timeout: 1m
  task alone
    cache: 1h
    effects: read(\"made.txt\")
    run: \"echo alone\"
    timeout: 1m
  task store
    cache: 1h
    dir: run.workspace
    effects: read(\"large.bin\")
    run: \"echo stored\"
    timeout: 1m
";

#[test]
fn files_and_secrets_are_spoken_of_as_far_as_they_can_be_looked_at() {
    let project = Project::new(&[
        ("ship.plan", SHIPPING),
        ("dslc.toml", ""),
        ("notes.txt", "one\n"),
        ("token", "swordfish-2026"),
    ]);
    let large = fs::File::create(project.path().join("large.bin")).expect("made");
    large.set_len(65 << 20).expect("a hole");
    let path = project.path().join("ship.plan");
    let run = || {
        let output = project.run(&["run", "ship.plan"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        said.matches("reused").count()
    };
    run();
    let mut client = told_of_lenses(&project);
    client.open(&path, 1, SHIPPING);
    let (while_same, reused, unseen) = (
        "would be reused from cache while its files stay the same",
        "would be reused from cache",
        "would be reused from cache if its files are the same, which are too large to be compared here",
    );
    titles(&mut client, &path, &[while_same, reused, while_same, unseen]);
    assert_eq!(run(), 4);
    // a secret is known by its name, so another value of it is the same to a result; in a file it would be taken out
    fs::write(project.path().join("token"), "clownfish-2027").expect("written");
    fs::write(project.path().join("notes.txt"), "two\n").expect("written");
    client.changed_on_disk(&newest_journal(&project), 2);
    let read = "would run again: what is in `read(\"notes.txt\")` changed, unless it holds a secret";
    titles(&mut client, &path, &[read, reused, while_same, unseen]);
    assert_eq!(run(), 3);
    assert_eq!(client.request("shutdown", Value::Null), Ok(Value::Null));
}

/// An editor that asks for lenses again when it is told to.
fn told_of_lenses(project: &Project) -> Client {
    let mut client = Client::start(std::process::Command::new(plan_tests::dslc()));
    let params = json!({
        "processId": null,
        "rootUri": uri(project.path()),
        "capabilities": { "workspace": { "codeLens": { "refreshSupport": true } } },
    });
    client.request("initialize", params).expect("initialize");
    client.notify("initialized", json!({}));
    client
}

fn newest_journal(project: &Project) -> std::path::PathBuf {
    let runs = fs::read_dir(project.path().join(".dslc/runs")).expect("runs");
    let newest = runs.flatten().map(|run| run.path()).max().expect("a run");
    newest.join("journal.jsonl")
}
