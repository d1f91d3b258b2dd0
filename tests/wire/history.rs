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
    let mut client = Client::start(std::process::Command::new(plan_tests::dslc()));
    let params = json!({
        "processId": null,
        "rootUri": uri(project.path()),
        "capabilities": { "workspace": { "codeLens": { "refreshSupport": true } } },
    });
    client.request("initialize", params).expect("initialize");
    client.notify("initialized", json!({}));
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

fn newest_journal(project: &Project) -> std::path::PathBuf {
    let runs = fs::read_dir(project.path().join(".dslc/runs")).expect("runs");
    let newest = runs.flatten().map(|run| run.path()).max().expect("a run");
    newest.join("journal.jsonl")
}
