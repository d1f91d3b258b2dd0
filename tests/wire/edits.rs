//! Typing: whatever was edited, the server knows what a fresh one would, in order, and answers nothing that is out of date.
//!
//! `WIRE_CHANGES`, `WIRE_ROUNDS` and `WIRE_SEED` make the tests longer and different; `cargo xtask test --all` does.

use std::collections::BTreeSet;
use std::path::Path;

use plan_tests::Project;
use serde_json::{Value, json};

use super::client::{Client, at, replace, uri};

const LIB: &str = "## Shared.\n\ntype Source\n  title: string\n  link: url?\n\ntype Depth = shallow | deep\n";
const MAIN: &str = r#"use "lib.plan"

plan research "What is known — 😀"
  params:
    topic: string(3..200) = "HTTP/3"
    depth: Depth = deep
  limits:
    parallel: 4

  task find "Find {{ params.topic }}" kind:research
    timeout: 2m
    run: |
      printf '%s\n' {{ params.topic }}
    output:
      lines: list[string] = lines(stdout)
    on failure -> report

  task read "Lies {{ line }} — größer" kind:analyze
    needs: find
    each: line in find.lines by line
    timeout: 30s
    run: |
      echo {{ line }}

  decision enough "Enough?"
    needs: read
    when len(find.lines) > 3 -> publish
    else -> report

  gate publish "Publish?"
    approver: role/release
    timeout: 1d

  task report "Report"
    timeout: 1m
    run: "echo done"

test "it finds" of research
  mock task find -> { exit: 0, stdout: "a" }
  mock task read -> { exit: 0 }
  mock task report -> { exit: 0 }
  expect:
    - ran(find)
"#;

/// What is inserted: names, punctuation, half of a clause, whole declarations, line ends of both kinds, characters of
/// two units.
const PIECES: &[&str] = &[
    "x",
    "-",
    " ",
    "\n",
    "\r\n",
    "  ",
    "\"",
    "{{ ",
    " }}",
    "(",
    ":",
    "😀",
    "ß",
    "needs: find\n",
    "task ",
    "find",
    "report",
    "\n  task new-one \"New\"\n    run: \"true\"\n    timeout: 1m\n",
    "    retry: 2\n",
    "type ",
    "->",
    "|",
    "#",
    "use \"lib.plan\"\n",
    "when ",
    "0",
    "\t",
    "    - ",
];

/// A number from the environment, or the usual one.
fn wanted(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// A document as the editor has it.
struct Document {
    text: String,
    version: i64,
}

impl Document {
    /// Line and column, in UTF-16, of an offset. Lines end at `\n`, `\r\n` and a `\r` alone.
    fn place(&self, offset: usize) -> (usize, usize) {
        let mut place = (0, 0);
        let mut chars = self.text[..offset].chars().peekable();
        while let Some(char) = chars.next() {
            let ends = char == '\n' || char == '\r' && chars.peek().is_none_or(|next| *next != '\n');
            place = if ends {
                (place.0 + 1, 0)
            } else {
                (place.0, place.1 + char.len_utf16())
            };
        }
        place
    }

    /// The nearest offset that an editor can name: not inside of a character, nor of `\r\n`.
    fn boundary(&self, at: usize) -> usize {
        let inside = |at: usize| self.text[..at].ends_with('\r') && self.text[at..].starts_with('\n');
        let is_place = |&at: &usize| self.text.is_char_boundary(at) && !inside(at);
        (0..=at.min(self.text.len())).rev().find(is_place).unwrap_or(0)
    }

    /// Applies some edits at random, and gives them as the protocol has them.
    fn edit(&mut self, random: &mut Random) -> Value {
        self.version += 1;
        let mut changes = Vec::new();
        for _ in 0..1 + random.below(3) {
            let start = self.boundary(random.below(self.text.len() + 1));
            let length = [0, 0, 0, 1, 3, 12, 80][random.below(7)];
            let end = self.boundary(start + length).max(start);
            let new = if length > 12 {
                ""
            } else {
                PIECES[random.below(PIECES.len())]
            };
            changes.push(replace(self.place(start), self.place(end), new));
            self.text.replace_range(start..end, new);
        }
        Value::Array(changes)
    }
}

#[test]
fn after_any_edits_the_server_says_what_a_fresh_one_says() {
    let project = Project::new(&[("dslc.toml", "")]);
    let (lib, main) = (project.path().join("lib.plan"), project.path().join("main.plan"));
    let seed = wanted("WIRE_SEED", 1);
    let mut random = Random(seed);
    let rounds = wanted("WIRE_ROUNDS", 40);
    let mut client = Client::new(project.path());
    let original = |text: &str, version| Document {
        text: text.to_owned(),
        version,
    };
    let mut documents = [original(LIB, 1), original(MAIN, 1)];
    client.open(&lib, 1, LIB);
    client.open(&main, 1, MAIN);
    for round in 0..rounds {
        for _ in 0..12 {
            let which = usize::from(random.below(5) > 0);
            let changes = documents[which].edit(&mut random);
            client.change([&lib, &main][which], documents[which].version, changes);
        }
        if round % 8 == 7 {
            // so that texts do not become rubbish, or empty
            for (which, text) in [LIB, MAIN].into_iter().enumerate() {
                documents[which] = original(text, documents[which].version + 1);
                client.change(
                    [&lib, &main][which],
                    documents[which].version,
                    json!([{ "text": text }]),
                );
            }
        }
        let mut fresh = Client::new(project.path());
        for (path, document) in [&lib, &main].into_iter().zip(&documents) {
            fresh.open(path, document.version, &document.text);
        }
        let expected = settled(&mut fresh, [&lib, &main], &documents);
        fresh.finish();
        let ours = settled(&mut client, [&lib, &main], &documents);
        for document in &mut documents {
            document.version += 1;
        }
        assert_eq!(
            ours, expected,
            "seed {}, round {round}, text:\n{}",
            seed, documents[1].text
        );
    }
    client.finish();
}

/// Diagnostics and symbols of both documents after a change that changes nothing: what was said of their versions
/// before that may have been said before the other one had changed.
fn settled(client: &mut Client, paths: [&Path; 2], documents: &[Document; 2]) -> Vec<Value> {
    client.rest();
    for (path, document) in paths.into_iter().zip(documents) {
        client.change(path, document.version + 1, json!([replace((0, 0), (0, 0), "")]));
    }
    let said = paths.into_iter().zip(documents).map(|(path, document)| {
        let diagnostics = client.diagnostics(path, document.version + 1);
        json!({ "diagnostics": diagnostics, "symbols": client.symbols(path) })
    });
    said.collect()
}

#[test]
fn diagnostics_never_go_back_in_time() {
    let project = Project::new(&[]);
    let path = project.path().join("a.plan");
    let plan = "task build\n  run: |\n    make\n\ntask pack\n  needs: build\n  run: |\n    make pack\n";
    let changes = wanted("WIRE_CHANGES", 2_000) as i64;
    let mut client = Client::new(project.path());
    client.open(&path, 1, plan);
    let mut length = "build".len();
    for version in 2..=changes {
        // The need is right in even versions, and names the version in odd ones.
        let name = if version % 2 == 0 {
            "build".to_owned()
        } else {
            format!("build{version}")
        };
        client.change(&path, version, json!([replace((5, 9), (5, 9 + length), &name)]));
        length = name.len();
    }
    let mut before = 0;
    while before < changes {
        let sheet = client.wait_for(|message| message["method"] == "textDocument/publishDiagnostics");
        let version = sheet["params"]["version"].as_i64().expect("a version");
        assert!(version > before, "{version} after {before}");
        let errors = sheet["params"]["diagnostics"].as_array().expect("a list");
        let mut errors = errors.iter().filter(|found| found["severity"] == 1);
        if version % 2 == 0 || version == 1 {
            assert_eq!(errors.next(), None);
        } else {
            let message = errors.next().expect("an error")["message"].to_string();
            assert!(message.contains(&format!("`build{version}`")), "{version}: {message}");
        }
        before = version;
    }
    client.finish();
}

#[test]
fn a_request_that_an_edit_overtakes_is_told_so_and_none_is_lost() {
    let project = Project::new(&[]);
    let path = project.path().join("a.plan");
    let tasks = (0..2_000).map(|task| format!("task t{task}\n  run: \"true\"\n  timeout: 1m\n"));
    let mut client = Client::new(project.path());
    client.open(&path, 1, &tasks.collect::<String>());
    let mut codes = BTreeSet::new();
    let mut asked = Vec::new();
    for version in 2..200 {
        let params = json!({ "textDocument": { "uri": uri(&path) } });
        asked.push(client.ask("textDocument/semanticTokens/full", params));
        client.change(&path, version, json!([replace((0, 5), (0, 5), "x")]));
    }
    for id in asked {
        codes.insert(client.answer(id).err());
    }
    let content_modified = -32801;
    assert!(codes.contains(&Some(content_modified)), "{codes:?}");
    assert!(
        codes
            .iter()
            .all(|code| code.is_none_or(|code| code == content_modified)),
        "{codes:?}"
    );
    let id = client.ask("textDocument/hover", at(&path, 0, 6));
    client.notify("$/cancelRequest", json!({ "id": id }));
    assert!(matches!(client.answer(id), Ok(_) | Err(-32800)));
    client.finish();
}

#[test]
fn completion_that_typing_overtakes_is_answered_of_the_text_as_it_is_then() {
    let project = Project::new(&[]);
    let path = project.path().join("a.plan");
    let tasks = (0..1_000).map(|task| format!("task t{task}\n  run: \"true\"\n  timeout: 1m\n"));
    let mut client = Client::new(project.path());
    client.open(&path, 1, &(tasks.collect::<String>() + "task last\n  \n"));
    let line = 3_001;
    for (round, version) in (2..).step_by(8).take(10).enumerate() {
        client.change(&path, version, json!([replace((line, 2), (line, 2), "i")]));
        let asked = client.ask("textDocument/completion", at(&path, line, 3));
        for (column, letter) in ["d", "e", "m", "p", "o"].into_iter().enumerate() {
            let at = (line, 3 + column);
            client.change(&path, version + 1 + column as i64, json!([replace(at, at, letter)]));
        }
        let answer = client.answer(asked).expect("no \"content modified\"").to_string();
        assert!(answer.contains("idempotent"), "round {round}: {answer}");
        client.change(&path, version + 7, json!([replace((line, 2), (line, 8), "")]));
    }
    client.finish();
}
