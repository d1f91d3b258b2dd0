//! How fast a cold parse is: a generated plan of 10,000 tasks, best of ten; `cargo run --release --example throughput`.
#![expect(clippy::print_stdout, reason = "a tool for people")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use dsl_syntax::{Document, lex, parse_chunk};

const TASKS: usize = 10_000;

fn main() -> std::fmt::Result {
    let text = plan()?;
    let document = Document::new(&text);
    println!(
        "{} tasks, {} bytes, {} chunks",
        TASKS,
        text.len(),
        document.chunks().len()
    );
    report("lex", text.len(), || lex(&text).tokens.len());
    report("split", text.len(), || Document::new(&text).chunks().len());
    report("parse", text.len(), || {
        document
            .chunks()
            .iter()
            .map(|chunk| parse_chunk(&chunk.text, chunk.context).len())
            .sum()
    });
    Ok(())
}

fn report(name: &str, bytes: usize, work: impl Fn() -> usize) {
    let best = (0..10).map(|_| time(&work)).min().unwrap_or_default();
    println!(
        "{name:8}{:8.1} ms {:8.1} MB/s",
        best.as_secs_f64() * 1e3,
        bytes as f64 / 1e6 / best.as_secs_f64()
    );
}

fn time(work: &impl Fn() -> usize) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

fn plan() -> Result<String, std::fmt::Error> {
    let mut text = String::from("plan large \"A large plan\"\n  params:\n    query: string(3..200) = \"x\"\n");
    for at in 0..TASKS {
        write!(
            text,
            r#"
  task node-{at} "Step {at} of the plan" kind:research using:shell
    needs: node-{}, node-{}?
    input:
      query: "{{{{ params.query }}}} OR {at}"
      limit: 30 if params.query == "x" else 10
    run: |
      echo {{{{ params.query | upper }}}} > out-{at}.txt
    output:
      lines: list[string] = lines(stdout) | where(len(it) > 0)
    fail no-results when lines is empty "nothing for {{{{ params.query }}}}"
    expect:
      - len(lines) >= 5 and exit == 0
    timeout: 2m
    on no-results -> node-{}
"#,
            at.saturating_sub(1),
            at / 2,
            at + 1
        )?;
    }
    Ok(text)
}
